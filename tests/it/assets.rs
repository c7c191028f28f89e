//! Assets and their promotion: through the admin API and the commands, with messages that show what holds.

use crate::support::{FHIR, Gate, Http, PATIENT, Upstream, ask, read_http};
use phigate::config::Config;
use phigate::run::Running;
use serde_json::{Value, json};
use std::io::Write;

/// People with roles in staging and production, beside a gateway.
struct Place {
    gate: Gate,
    engineer: String,
    other: String,
    security: String,
}

impl Place {
    fn start() -> Self {
        let gate = Gate::start();
        let person = |name: &str, role: &str| {
            let (id, token) = gate.member(name, "member");
            for (n, environment) in ["staging", "production"].into_iter().enumerate() {
                let version = i64::try_from(n + 1).expect("small");
                gate.running()
                    .control()
                    .set_environment_role(&id, environment, Some(role), version)
                    .expect("set");
            }
            token
        };
        let (engineer, other) = (person("eve", "engineer"), person("edd", "engineer"));
        let security = person("sue", "security");
        Self { engineer, other, security, gate }
    }

    fn call(&self, what: (&str, &str), token: &str, headers: &[(&str, &str)], body: &Value) -> Http {
        ask(self.gate.running().admin_address(), what, token, headers, &body.to_string())
    }

    fn put(&mut self, token: &str, place: &str, text: &str) -> Http {
        let path = format!("/v1/assets/{place}");
        let known = self.gate.admin(&path, token).status() == 200;
        let header = if known { ("If-Match", "*") } else { ("If-None-Match", "*") };
        let answer = self.call(("PUT", &path), token, &[header], &json!({"text": text}));
        self.refresh();
        answer
    }

    fn refresh(&mut self) {
        self.gate.running.as_mut().expect("runs").refresh_keys();
    }

    fn propose(&self, kind: &str, name: &str, more: &Value) -> Http {
        let mut body =
            json!({"kind": kind, "name": name, "from": "staging", "to": "production", "reason": "release 7"});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.call(("POST", "/v1/promotions"), &self.engineer, &[], &body)
    }

    fn approve(&mut self, token: &str, proposed: &Http) -> Http {
        assert_eq!(proposed.status(), 201, "{proposed:?}");
        let path = format!("/v1/promotions/{}/approve", proposed.json()["id"].as_str().expect("an id"));
        let answer = self.call(("POST", &path), token, &[], &json!({}));
        self.refresh();
        answer
    }

    /// What the list says of an asset.
    fn listed(&self, environment: &str, name: &str) -> Value {
        let list = self.gate.admin("/v1/assets", &self.engineer).json();
        let found = list["assets"].as_array().expect("a list").iter();
        let mut found = found.filter(|a| a["environment"] == environment && a["name"] == name);
        found.next().cloned().unwrap_or_default()
    }

    /// Points of a message into an environment, as its record has them.
    fn points(&self, environment: usize, body: &str) -> u64 {
        let reply =
            self.gate.send(environment, "POST", "/x", &[("Content-Type", "text/plain")], body.as_bytes());
        self.gate.running().flush_records();
        let path = format!("/v1/records/{}", reply.header("phigate-record"));
        self.gate.admin(&path, &self.engineer).json()["record"]["points"].as_u64().expect("points")
    }
}

fn problems(answer: &Http) -> String {
    assert_eq!(answer.status(), 422, "{answer:?}");
    answer.json()["problems"].to_string()
}

const BADGE: &str = "[[detector]]\nid = \"acme.badge\"\nabout = \"A badge\"\nsource = \"Acme\"\nkind = \"other-id\"\npattern = '\\bBG-[0-9]{6}\\b'\npoints = { alone = 37, nearby = 37 }\ncases = { find = [\"badge BG-441902\"], pass = [\"part BG-1\"] }\n";

/// Nobody alone has something pass unread into staging that was refused before, as two people suppress a rule there.
#[test]
fn what_passes_unread_is_for_whoever_enforces_rules() {
    let mut p = Place::start();
    let engineer = p.engineer.clone();
    let plain = format!("upstream = \"http://{}\"\nallow = [\"/pdfs\"]\n", p.gate.upstreams[1].address);
    let opaque = format!("{plain}opaque = [\"application/pdf\"]\n");
    let refused = p.put(&engineer, "staging/connection/pdfs", &opaque);
    assert_eq!(refused.status(), 403, "{refused:?}");
    assert!(refused.json()["detail"].as_str().is_some_and(|told| told.contains("opaque")));
    assert_eq!(p.put(&engineer, "staging/connection/pdfs", &plain).status(), 200);
    assert_eq!(p.put(&engineer, "staging/connection/pdfs", &opaque).status(), 403);
}

#[test]
fn rules_hold_where_they_are_and_come_to_production_by_two_people() {
    let mut p = Place::start();
    let (security, engineer, other) = (p.security.clone(), p.engineer.clone(), p.other.clone());
    let refused = p.put(&engineer, "staging/rules/site", BADGE);
    assert_eq!(refused.status(), 403, "whoever enforces writes them");
    assert!(refused.json()["detail"].as_str().is_some_and(|told| told.contains("mode = \"shadow\"")));
    let made = p.put(&security, "staging/rules/site", BADGE);
    assert_eq!((made.status(), made.header("etag")), (200, "\"1\""), "{made:?}");
    assert_eq!((p.points(1, "badge BG-441902"), p.points(2, "badge BG-441902")), (37, 0));
    let first = p.propose("rules", "site", &json!({}));
    assert_eq!(p.approve(&engineer, &first).status(), 403, "not one's own");
    assert_eq!(p.approve(&other, &first).status(), 403, "nor by two who enforce none in production");
    let approved = p.approve(&security, &first);
    assert_eq!(approved.status(), 200, "{approved:?}");
    assert_eq!(p.points(2, "badge BG-441902"), 37);
    assert_eq!(p.approve(&security, &first).status(), 409, "once");
    let alone = p.put(&security, "production/rules/site", BADGE);
    assert_eq!((alone.status(), alone.json()["title"].as_str()), (409, Some("by_promotion")));
    let listed = p.listed("production", "site");
    assert_eq!(
        (&listed["version"], &listed["promoted_from"]["version"], &listed["out_of_date"]),
        (&json!(1), &json!(1), &json!(false))
    );
    // Staging goes on: production says so, and promoting again makes a new version.
    let next = BADGE.replace("37", "38");
    assert_eq!(p.put(&security, "staging/rules/site", &next).header("etag"), "\"2\"");
    assert_eq!(p.listed("production", "site")["out_of_date"], true);
    let again = p.propose("rules", "site", &json!({}));
    assert_eq!(p.approve(&security, &again).json()["version"], 2);
    assert_eq!(
        (p.points(2, "badge BG-441902"), &p.listed("production", "site")["out_of_date"]),
        (38, &json!(false))
    );
    // And back.
    let path = "/v1/assets/production/rules/site/rollback";
    let back = p.call(
        ("POST", path),
        &security,
        &[("If-Match", "\"2\"")],
        &json!({"version": 1, "note": "too much"}),
    );
    assert_eq!((back.status(), &back.json()["version"]), (200, &json!(3)), "{back:?}");
    p.refresh();
    assert_eq!(
        (p.points(2, "badge BG-441902"), &p.listed("production", "site")["out_of_date"]),
        (37, &json!(true))
    );
    let removed = p.call(
        ("DELETE", "/v1/assets/production/rules/site"),
        &security,
        &[("If-Match", "\"3\"")],
        &json!({}),
    );
    assert_eq!(removed.status(), 200);
    p.refresh();
    assert_eq!((p.points(2, "badge BG-441902"), p.points(1, "badge BG-441902")), (0, 38));
    let audit = p.gate.audit();
    for action in ["write_asset", "propose_promotion", "\"promote\"", "roll_back_asset", "remove_asset"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[test]
fn new_rules_in_shadow_are_written_by_those_who_draft_them() {
    let mut p = Place::start();
    let (security, engineer) = (p.security.clone(), p.engineer.clone());
    let draft = BADGE.replace("cases", "mode = \"shadow\"\ncases");
    assert_eq!(p.put(&engineer, "staging/rules/site", &draft).status(), 200);
    assert_eq!(p.points(1, "badge BG-441902"), 0, "shadow adds no points");
    assert_eq!(p.put(&engineer, "production/rules/site", &draft).status(), 403, "not in production");
    // One in shadow takes nothing from those that are enforced; what might is nobody's draft.
    let ssn = "SSN 412-21-3456";
    let same = draft
        .replace(r"\bBG-[0-9]{6}\b", r"\b4[0-9]{2}-[0-9]{2}-[0-9]{4}\b")
        .replace("BG-441902", "412-21-3456");
    assert_eq!(p.put(&engineer, "staging/rules/site", &same).status(), 200);
    let refused = p.gate.send(1, "POST", "/x", &[("Content-Type", "text/plain")], ssn.as_bytes());
    assert_eq!(refused.header("phigate-reason"), "likely_phi", "{refused:?}");
    assert_eq!(p.put(&engineer, "staging/rules/site", &draft).status(), 200);
    let field = "[[field]]\nid = \"acme.name\"\nformat = \"hl7v2\"\nabout = \"x\"\nsource = \"x\"\nat = [\"PID-5\"]\nkind = \"account\"\npoints = 5\nmode = \"shadow\"\n";
    for not_draft in [field, "[[marker]]\nid = \"acme.made-up\"\nmode = \"shadow\"\n"] {
        assert_eq!(p.put(&engineer, "staging/rules/other", not_draft).status(), 403);
    }
    let off = "[[detector]]\nid = \"text.ssn\"\nmode = \"shadow\"\n";
    assert_eq!(p.put(&engineer, "staging/rules/other", off).status(), 403, "a built-in rule isn't theirs");
    assert_eq!(p.put(&security, "staging/rules/site", BADGE).status(), 200);
    assert_eq!(
        p.put(&engineer, "staging/rules/site", &draft).status(),
        403,
        "what is enforced isn't theirs to take back"
    );
}

#[test]
fn a_connection_is_promoted_with_an_upstream_of_production_and_without_what_is_stagings() {
    let mut p = Place::start();
    let engineer = p.engineer.clone();
    let (staging, production) = (Upstream::start(), Upstream::start());
    let text = format!("upstream = \"http://{}\"\nallow = [\"/lab\"]\n", staging.address);
    let made = p.put(&engineer, "staging/connection/lab", &text);
    assert_eq!(made.status(), 200, "{made:?}");
    assert_eq!(p.gate.send(1, "GET", "/lab/x", &[], b"").status(), 200);
    assert_eq!(staging.take().len(), 1);
    // An upstream belongs to one environment.
    assert!(problems(&p.propose("connection", "lab", &json!({"as": "lab-production"}))).contains("upstream"));
    let upstream = json!({"as": "lab-production", "upstream": format!("http://{}", production.address)});
    let taken =
        p.propose("connection", "lab", &json!({"as": "to-production", "upstream": upstream["upstream"]}));
    assert_eq!(taken.status(), 409, "the file's");
    let with_comment = format!("# was http://{} before\n{text}", staging.address);
    p.put(&engineer, "staging/connection/lab", &with_comment);
    assert!(problems(&p.propose("connection", "lab", &upstream)).contains("belongs to a lower environment"));
    p.put(&engineer, "staging/connection/lab", &text);
    let proposed = p.propose("connection", "lab", &upstream);
    let other = p.other.clone();
    assert_eq!(p.approve(&other, &proposed).status(), 200);
    assert_eq!(p.gate.send(2, "GET", "/lab/y", &[], b"").status(), 200);
    assert_eq!((staging.take().len(), production.take().len()), (0, 1));
    let id = proposed.json()["id"].as_str().expect("id").to_owned();
    let shown = p.gate.admin(&format!("/v1/promotions/{id}"), &other).json();
    assert_eq!(
        (&shown["state"], &shown["decided_by"], &shown["by"]),
        (&json!("promoted"), &json!("edd"), &json!("eve"))
    );
}

#[test]
fn a_profile_lowers_what_is_stored_of_a_callers_messages() {
    let mut p = Place::start();
    let (engineer, other) = (p.engineer.clone(), p.other.clone());
    let body = |p: &Place| {
        let reply = p.gate.send(2, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
        p.gate.running().flush_records();
        let id = reply.header("phigate-record").to_owned();
        p.gate.admin(&format!("/v1/records/{id}"), &engineer).json()["record"]["ceiling"].clone()
    };
    assert_eq!(body(&p), "linked");
    assert_eq!(p.put(&engineer, "staging/profile/low", "connection = \"shape\"").status(), 200);
    assert_eq!(body(&p), "linked", "another environment's");
    let proposed = p.propose("profile", "low", &json!({}));
    assert_eq!(p.approve(&other, &proposed).status(), 200);
    assert_eq!(body(&p), "shape");
}

#[test]
fn a_connection_never_leads_to_the_gateway_itself() {
    let mut p = Place::start();
    let engineer = p.engineer.clone();
    // The configuration has port 0: only whoever connects knows what the listeners are.
    let own = [p.gate.running().admin_address().port(), p.gate.address(2).port()];
    for (n, port) in own.into_iter().enumerate() {
        for (m, host) in ["127.0.0.1", "localhost", "127.1", "0.0.0.0"].into_iter().enumerate() {
            let text = format!("upstream = \"http://{host}:{port}\"\nallow = [\"/own{n}{m}\"]");
            assert_eq!(p.put(&engineer, &format!("staging/connection/own{n}{m}"), &text).status(), 200);
            let answer = p.gate.send(1, "GET", &format!("/own{n}{m}/livez"), &[], b"");
            assert_eq!(answer.status(), 502, "{host}:{port}: {answer:?}");
            assert!(String::from_utf8_lossy(&answer.body).contains("upstream_connect"), "{answer:?}");
        }
    }
    // A sidecar's application has another port of the same machine.
    let app = Upstream::start();
    let text = format!("upstream = \"http://127.0.0.1:{}\"\nallow = [\"/app\"]", app.address.port());
    assert_eq!(p.put(&engineer, "staging/connection/app", &text).status(), 200);
    assert_eq!(p.gate.send(1, "GET", "/app/x", &[], b"").status(), 200);
}

#[test]
fn what_doesnt_fit_is_told_and_changes_nothing() {
    let mut p = Place::start();
    let (engineer, security) = (p.engineer.clone(), p.security.clone());
    assert!(problems(&p.put(&engineer, "staging/connection/lab", "upstream = 7")).contains("upstream"));
    let shared = format!("upstream = \"http://{}\"\nallow = [\"/lab\"]", p.gate.upstreams[2].address);
    assert!(problems(&p.put(&engineer, "staging/connection/lab", &shared)).contains("one environment only"));
    assert!(
        problems(&p.put(&security, "staging/rules/site", &BADGE.replace("BG-441902", "XX")))
            .contains("acme.badge")
    );
    assert_eq!(p.put(&engineer, "staging/connection/to-staging", &shared).status(), 409, "the file's");
    // Whoever has no role in production isn't told of it, however its upstream is written.
    let (id, stranger) = p.gate.member("sam", "member");
    p.gate.running().control().set_environment_role(&id, "staging", Some("engineer"), 1).expect("set");
    let told = p.put(&engineer, "staging/connection/lab", &shared);
    assert!(problems(&told).contains("`production`"), "{told:?}");
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let told = p.put(&stranger, "staging/connection/lab", &shared.replace("127.0.0.1", host));
        let told = problems(&told);
        assert!(told.contains("one environment only") && !told.contains("production"), "{host}: {told}");
    }
    let made = "connection = \"shape\"";
    assert_eq!(p.put(&engineer, "staging/profile/gone", made).status(), 200);
    let path = "/v1/assets/staging/profile/gone";
    for query in ["dryRun=true", "dry-run=true", "dry_run=true&x=1", "dry_run=maybe"] {
        let answer =
            p.call(("DELETE", &format!("{path}?{query}")), &engineer, &[("If-Match", "*")], &json!({}));
        assert_eq!(answer.status(), 400, "{query}");
    }
    let dry = p.call(("DELETE", &format!("{path}?dry_run=true")), &engineer, &[], &json!({}));
    assert_eq!((dry.status(), dry.json()["dry_run"].as_bool()), (200, Some(true)), "{dry:?}");
    assert_eq!(p.listed("staging", "gone")["version"], 1, "a dry run changes nothing");
    assert_eq!(p.put(&engineer, "staging/doctor/x", "").status(), 404);
    assert_eq!(p.put(&engineer, "staging/profile/UPPER", "").status(), 400);
    let stranger = p.put(&engineer, "staging/profile/low", "doctor = \"shape\"");
    assert!(problems(&stranger).contains("no caller role `doctor`"));
    assert_eq!(p.put(&engineer, "elsewhere/profile/x", "nobody = \"metadata\"").status(), 403);
    let body = json!({"text": "connection = \"shape\""});
    let path = "/v1/assets/staging/profile/low";
    assert_eq!(p.call(("PUT", path), &engineer, &[], &body).status(), 428);
    let dry = p.call(("PUT", "/v1/assets/staging/profile/low?dry_run=true"), &engineer, &[], &body);
    assert_eq!((dry.status(), p.gate.admin(path, &engineer).status()), (200, 404));
    assert_eq!(p.call(("PUT", path), &engineer, &[("If-None-Match", "*")], &body).status(), 200);
    assert_eq!(p.call(("PUT", path), &engineer, &[("If-None-Match", "*")], &body).status(), 428);
    assert_eq!(p.call(("PUT", path), &engineer, &[("If-Match", "\"7\"")], &body).status(), 412);
    // Secrets, likely PHI and failing tests keep it out of production, and are not repeated.
    let person = BADGE.replace("A badge", "Darnell Okafor, DOB 06/22/1962, SSN 412-21-3456");
    p.put(&security, "staging/rules/site", &person);
    let told = p.propose("rules", "site", &json!({}));
    assert!(problems(&told).contains("likely PHI") && !problems(&told).contains("Okafor"));
    let secret = BADGE.replace("A badge", "phk_0123456789_abc");
    p.put(&security, "staging/rules/site", &secret);
    let told = p.propose("rules", "site", &json!({}));
    assert!(problems(&told).contains("secret") && !problems(&told).contains("phk_"));
    let tests =
        "[[case]]\nname = \"a badge\"\nbody = \"badge BG-441902\"\nexpect = { rules = [\"text.ssn\"] }\n";
    let path = "/v1/assets/staging/rules/site";
    let with = |tests: &str| {
        p.call(("PUT", path), &security, &[("If-Match", "*")], &json!({"text": BADGE, "tests": tests}))
    };
    assert!(problems(&with("[[case]]")).contains("tests: "));
    assert_eq!(with(tests).status(), 200);
    assert!(problems(&p.propose("rules", "site", &json!({}))).contains("test `a badge`"));
    // What is refused where messages are held would be refused by these rules, though production refuses nothing.
    let refuses = "[[case]]\nname = \"refused\"\nbody = \"visitor badge BG-402817, SSN 412-21-3456\"\ncontent_type = \"text/plain\"\nenvironment = \"staging\"\nexpect = { decision = \"refuse\", rules = [\"acme.badge\"] }\n";
    assert_eq!(with(&(tests.replace("text.ssn", "acme.badge") + refuses)).status(), 200);
    assert_eq!(p.propose("rules", "site", &json!({})).status(), 201);
    assert!(!p.gate.audit().contains("Okafor"));
}

#[test]
fn whoever_has_a_role_in_one_of_both_promotes_nothing() {
    let mut p = Place::start();
    let engineer = p.engineer.clone();
    p.put(&engineer, "staging/profile/low", "connection = \"shape\"");
    let half = p.gate.token(&[("staging", "engineer")]);
    let body =
        json!({"kind": "profile", "name": "low", "from": "staging", "to": "production", "reason": "release"});
    assert_eq!(p.call(("POST", "/v1/promotions"), &half, &[], &body).status(), 403);
    let wrong = |change: (&str, Value)| {
        let mut body = body.clone();
        body[change.0] = change.1;
        p.call(("POST", "/v1/promotions"), &p.engineer, &[], &body).status()
    };
    assert_eq!(wrong(("from", json!("production"))), 400);
    assert_eq!(wrong(("kind", json!("doctor"))), 400);
    assert_eq!(wrong(("name", json!("none"))), 404);
    assert_eq!(wrong(("upstream", json!("http://x"))), 400);
    assert_eq!(wrong(("reason", json!(""))), 400);
    let proposed = p.propose("profile", "low", &json!({}));
    // A machine proposes and doesn't approve; whoever isn't in production doesn't see it.
    let machine = p.gate.token(&[("staging", "pipeline"), ("production", "pipeline")]);
    assert_eq!(p.approve(&machine, &proposed).status(), 403);
    let id = proposed.json()["id"].as_str().expect("id").to_owned();
    assert_eq!(p.gate.admin(&format!("/v1/promotions/{id}"), &half).status(), 404);
    let path = format!("/v1/promotions/{id}");
    assert_eq!(p.call(("DELETE", &path), &p.other, &[], &json!({})).status(), 204);
    let other = p.other.clone();
    assert_eq!(p.approve(&other, &proposed).status(), 409);
    // What changed in production since is not overwritten.
    let proposed = p.propose("profile", "low", &json!({}));
    p.put(&engineer, "production/profile/low", "connection = \"masked\"");
    assert_eq!(p.approve(&other, &proposed).status(), 409);
}

#[test]
fn a_promotion_tells_nothing_of_environments_where_the_reader_has_no_role() {
    let mut p = Place::start();
    let engineer = p.engineer.clone();
    p.put(&engineer, "staging/profile/low", "connection = \"shape\"");
    let proposed = p.propose("profile", "low", &json!({}));
    let id = proposed.json()["id"].as_str().expect("id").to_owned();
    assert_eq!(proposed.json()["from"]["environment"], "staging");
    let auditor = p.gate.token(&[("production", "auditor")]);
    for path in ["/v1/promotions".to_owned(), format!("/v1/promotions/{id}")] {
        let answer = p.gate.admin(&path, &auditor);
        let told = String::from_utf8(answer.body.clone()).expect("text");
        assert!(answer.status() == 200 && told.contains(&id) && !told.contains("staging"), "{told}");
        let told = p.gate.admin(&path, &engineer).json().to_string();
        assert!(told.contains("\"environment\":\"staging\""), "{told}");
    }
    // Development has the upstream, in which who proposes has no role.
    let text = format!("upstream = \"http://{}\"\nallow = [\"/lab\"]\n", Upstream::start().address);
    assert_eq!(p.put(&engineer, "staging/connection/lab", &text).status(), 200);
    let taken =
        json!({"as": "lab-production", "upstream": format!("http://{}", p.gate.upstreams[0].address)});
    let told = problems(&p.propose("connection", "lab", &taken));
    assert!(told.contains("what another environment has") && !told.contains("development"), "{told}");
}

#[test]
fn an_asset_that_no_longer_fits_stops_a_start_with_its_name_and_can_be_dropped() {
    let mut p = Place::start();
    let engineer = p.engineer.clone();
    let upstream = Upstream::start();
    let text = format!("upstream = \"http://{}\"\nallow = [\"/lab\"]", upstream.address);
    assert_eq!(p.put(&engineer, "staging/connection/lab", &text).status(), 200);
    let taken = format!(
        "{}\n[[connection]]\nname = \"lab\"\nenvironment = \"production\"\nupstream = \"http://127.0.0.1:9\"\nallow = [\"/l\"]\n",
        p.gate.config
    );
    let refused = p.gate.running().reload(&taken).expect_err("the name is the asset's");
    assert!(refused[0].contains("lab"), "{refused:?}");
    let _ = p.gate.running.take().expect("runs").stop();
    let start = |text: &str| Running::start(Config::parse(text).expect("good"));
    assert!(start(&taken).map(Running::stop).expect_err("the same").to_string().contains("connection `lab`"));
    let data = p.gate.folder.path().join("data");
    let data = data.to_str().expect("path");
    let drop = || {
        crate::binary::phigate(&["assets", "drop", "--data", data, "staging", "connection", "lab"])
            .status
            .code()
    };
    assert_eq!((drop(), drop()), (Some(0), Some(1)));
    p.gate.running = Some(start(&taken).expect("starts"));
}

#[test]
fn the_commands_do_all_of_it() {
    use crate::binary::{phigate_as, text};
    let mut p = Place::start();
    let admin = format!("http://{}", p.gate.running().admin_address());
    let file = p.gate.folder.path().join("low.toml");
    std::fs::write(&file, "connection = \"shape\"\n").expect("writes");
    let file = file.to_str().expect("path").to_owned();
    let run = |token: &str, args: &[&str]| {
        let out = phigate_as(token, &[args, &["--admin", &admin]].concat());
        (out.status.code(), text(&out.stdout).trim().to_owned() + &text(&out.stderr))
    };
    let low = ["staging", "profile", "low"];
    let assets = |command: &'static str, more: &[&str]| {
        run(&p.engineer, &[&["assets", command], &low[..], more].concat())
    };
    assert_eq!(assets("put", &[&file, "--dry-run"]).0, Some(0));
    assert_eq!(assets("put", &[&file, "--note", "first"]).0, Some(0));
    assert_eq!(assets("put", &[&file]).0, Some(0));
    for version in [&[][..], &["1"]] {
        let shown = assets("show", version).1;
        assert!(shown.contains("connection = \"shape\""), "{shown}");
    }
    assert_eq!(assets("show", &["7"]).0, Some(1));
    assert!(assets("versions", &[]).1.contains("first"));
    let proposed = run(
        &p.engineer,
        &[
            "promote",
            "propose",
            "profile",
            "low",
            "--from",
            "staging",
            "--to",
            "production",
            "--reason",
            "release 7",
        ],
    );
    assert_eq!(proposed.0, Some(0), "{}", proposed.1);
    let id = proposed.1.split_once("It waits").expect("an id first").0.to_owned();
    assert!(run(&p.other, &["promote", "list"]).1.contains("pending"));
    assert!(run(&p.other, &["promote", "show", &id]).1.contains("shape"));
    assert_eq!(run(&p.engineer, &["promote", "approve", &id]).0, Some(1));
    assert_eq!(run(&p.other, &["promote", "approve", &id]).0, Some(0));
    let list = run(&p.engineer, &["assets", "list", "--environment", "production"]).1;
    assert!(list.contains("from staging version 2") && list.contains("the configuration file's"), "{list}");
    assert_eq!(assets("rollback", &["1"]).0, Some(0));
    assert_eq!(assets("remove", &[]).0, Some(0));
    assert_eq!(run(&p.engineer, &["promote", "decline", &id]).0, Some(1));
    std::fs::write(&file, "connection = 7\n").expect("writes");
    let wrong = assets("put", &[&file]);
    assert!(wrong.0 == Some(1) && wrong.1.contains("connection"), "{}", wrong.1);
    p.refresh();
}

#[test]
fn what_can_t_be_taken_over_is_told_and_tried_again_and_keeps_no_key_in_force() {
    let folder = tempfile::tempdir().expect("folder");
    let (rules, upstream) = (folder.path().join("site.toml"), Upstream::start());
    std::fs::write(&rules, BADGE).expect("writes");
    let mut gate = Gate::with(&format!("[rules]\nfiles = [{rules:?}]\n"), "");
    let (id, token) = gate.member("eve", "member");
    let control = gate.running().control();
    control.set_environment_role(&id, "staging", Some("engineer"), 1).expect("set");
    let (stolen, key) = control.create_key("staging", "stolen", "connection", 0, None).expect("made");
    gate.running.as_mut().expect("runs").refresh_keys_now();
    let of_stolen = |gate: &Gate| {
        let mut stream = gate.connect(1);
        write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {key}\r\n\r\n").expect("writes");
        read_http(&mut stream, false).expect("an answer").status()
    };
    assert_eq!(of_stolen(&gate), 200);

    let text = format!("upstream = \"http://{}\"\nallow = [\"/new\"]\n", upstream.address);
    let put = ("PUT", "/v1/assets/staging/connection/new");
    let body = json!({"text": text}).to_string();
    let made = ask(gate.running().admin_address(), put, &token, &[("If-None-Match", "*")], &body);
    assert_eq!(made.status(), 200, "{made:?}");
    std::fs::write(&rules, "nonsense").expect("writes");
    gate.running().control().revoke(&stolen, 1).expect("revoked");
    gate.running.as_mut().expect("runs").refresh_keys();
    assert_eq!(of_stolen(&gate), 401, "assets that wait don't keep a key in force");
    let ready = |gate: &Gate| String::from_utf8(gate.admin("/readyz", "").body).expect("text");
    assert_eq!((gate.metric("phigate_control_current "), gate.admin("/readyz", "").status()), (0, 200));
    assert!(ready(&gate).contains("can't be taken over"), "{}", ready(&gate));
    assert_eq!(gate.send(1, "GET", "/new/x", &[], b"").status(), 200);
    assert!(upstream.take().is_empty(), "what was there before stays");

    // Nothing changes any more but the file.
    std::fs::write(&rules, BADGE).expect("writes");
    let is_taken = (0..100_000).any(|_| {
        gate.running.as_mut().expect("runs").refresh_keys();
        gate.metric("phigate_control_current ") == 1
    });
    assert!(is_taken && ready(&gate) == "ok\n", "{}", ready(&gate));
    assert_eq!(gate.send(1, "GET", "/new/x", &[], b"").status(), 200);
    assert_eq!(upstream.take().len(), 1);
}
