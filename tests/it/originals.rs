//! Sealed originals and break-glass: through the front door, with a real store and a real webhook.

use crate::support::{FHIR, Gate, Http, PATIENT, Upstream, ask, tries};
use phigate::config::Config;
use phigate::run::Running;
use serde_json::{Value, json};
use std::path::Path;

/// A gateway whose production connection is sealed, an owner who turned that on, and one person of each kind.
struct Sealed {
    gate: Gate,
    webhook: Upstream,
    owner: String,
    support: String,
    security: String,
}

impl Sealed {
    fn start() -> Self {
        let webhook = Upstream::start();
        let gate = Gate::also(&format!(
            "[sealing]\nkey = \"command:echo {}\"\n[break_glass]\nwebhook = \"http://{}/notice\"\nauthorization = \"command:echo Bearer made-up\"\nreveals_max = 3\n",
            "0f".repeat(32),
            webhook.address
        ));
        let owner = gate.member("olga", "owner").1;
        let mut sealed = Self { owner, support: String::new(), security: String::new(), gate, webhook };
        sealed.support = sealed.person("sam", "support");
        sealed.security = sealed.person("sue", "security");
        assert_eq!(sealed.turn("to-production", true, "W/x").status(), 412);
        let answer = sealed.turn("to-production", true, "*");
        assert_eq!((answer.status(), answer.json()["on"].as_bool()), (200, Some(true)), "{answer:?}");
        sealed.gate.running.as_mut().expect("runs").refresh_keys();
        sealed
    }

    /// A member with a role in production; gives the token.
    fn person(&self, name: &str, role: &str) -> String {
        let (id, token) = self.gate.member(name, "member");
        let control = self.gate.running().control();
        control.set_environment_role(&id, "production", Some(role), 1).expect("set");
        token
    }

    fn call(&self, what: (&str, &str), token: &str, body: &Value) -> Http {
        ask(self.gate.running().admin_address(), what, token, &[], &body.to_string())
    }

    fn turn(&self, connection: &str, on: bool, version: &str) -> Http {
        let path = format!("/v1/sealing/{connection}");
        let body = json!({"on": on, "reason": "audit of the lab"}).to_string();
        ask(self.gate.running().admin_address(), ("PUT", &path), &self.owner, &[("If-Match", version)], &body)
    }

    fn sent(&self, environment: usize) -> String {
        let reply = self.gate.send(environment, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
        self.gate.running().flush_records();
        reply.header("phigate-record").to_owned()
    }

    fn open(&self, token: &str, records: &[&str]) -> Http {
        let body = json!({"environment": "production", "records": records, "reason": "wrong patient shown", "ticket": "T-1"});
        self.call(("POST", "/v1/break-glass"), token, &body)
    }

    fn opened(&self, records: &[&str]) -> String {
        let answer = self.open(&self.support, records);
        assert_eq!(answer.status(), 201, "{answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    fn reveal(&self, token: &str, id: &str, record: &str, field: &str) -> Http {
        self.call(
            ("POST", &format!("/v1/break-glass/{id}/reveals")),
            token,
            &json!({"record": record, "field": field}),
        )
    }

    /// The field of a record that shows a text now.
    fn field(&self, record: &str, shows: &str) -> String {
        let answer = self.gate.admin(&format!("/v1/records/{record}"), &self.support).json();
        let fields = answer["fields"].as_array().expect("fields");
        let found = fields.iter().find(|f| f["shows"] == shows).expect("one");
        found["field"].as_str().expect("text").to_owned()
    }

    fn review(&self, token: &str, id: &str) -> u16 {
        let path = format!("/v1/break-glass/{id}/review");
        self.call(("POST", &path), token, &json!({"outcome": "justified", "note": "as the ticket says"}))
            .status()
    }

    fn state(&self, id: &str) -> String {
        let answer = self.gate.admin(&format!("/v1/break-glass/{id}"), &self.security).json();
        answer["state"].as_str().expect("a state").to_owned()
    }
}

/// Every file below a folder in which a text stands.
fn holding(folder: &Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("lists").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path)
            && String::from_utf8_lossy(&bytes).contains(text)
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_field_is_shown_to_whoever_said_why_after_others_were_told_and_before_they_look_at_it() {
    let s = Sealed::start();
    let record = s.sent(2);
    let shown = s.gate.admin(&format!("/v1/records/{record}"), &s.support).json();
    assert_eq!(shown["record"]["sealed"], true);
    assert!(!shown.to_string().contains("E08738432"));
    assert!(s.gate.admin(&format!("/v1/records/{record}"), &s.security).json()["fields"].is_null());
    s.webhook.take();
    let id = s.opened(&[&record]);
    let told = s.webhook.take();
    let notice = told[0].json();
    assert_eq!((told.len(), told[0].header("authorization")), (1, "Bearer made-up"));
    assert_eq!(
        (&notice["id"], &notice["member"], &notice["ticket"]),
        (&json!(id), &json!("sam"), &json!("T-1"))
    );
    let mrn = s.field(&record, "[mrn]");
    let value = s.reveal(&s.support, &id, &record, &mrn);
    assert_eq!((value.status(), value.json()["value"].as_str()), (200, Some("E08738432")), "{value:?}");
    assert_eq!(value.header("cache-control"), "no-store");
    let born = s.reveal(&s.support, &id, &record, &s.field(&record, "1962"));
    assert_eq!(born.json()["value"], "1962-06-22");
    let audit = s.gate.audit();
    assert!(audit.contains(&format!("\"action\":\"reveal\",\"environment\":\"production\",\"role\":\"support\",\"object\":\"{record} {mrn}\"")), "{audit}");
    // A third is the last; none is new while this one is open, or awaits review.
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 200);
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 409);
    assert_eq!(s.open(&s.support, &[&record]).status(), 409);
    assert_eq!(s.review(&s.security, &id), 409, "it is still open");
    assert_eq!(s.call(("DELETE", &format!("/v1/break-glass/{id}")), &s.support, &json!({})).status(), 204);
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 409);
    assert_eq!((s.open(&s.support, &[&record]).status(), &*s.state(&id)), (409, "ended"));
    assert_eq!(s.review(&s.support, &id), 403, "not one's own");
    assert_eq!((s.review(&s.security, &id), s.review(&s.security, &id)), (200, 409));
    s.opened(&[&record]);
    let folder = s.gate.folder.path();
    for value in ["E08738432", "Okafor", "1962-06-22"] {
        assert_eq!(holding(folder, value), Vec::<std::path::PathBuf>::new(), "{value}");
    }
    assert_eq!(s.gate.metric("phigate_originals_total{outcome=\"sealed\"} "), 1);
}

#[test]
fn nothing_is_sealed_elsewhere_or_before_an_owner_turned_it_on() {
    let mut s = Sealed::start();
    let (lower, _) = (s.sent(0), s.sent(1));
    assert_eq!(s.turn("to-staging", true, "*").status(), 404, "production alone");
    let list = s.gate.admin("/v1/sealing", &s.owner).json();
    assert_eq!(
        (list["connections"].as_array().map(Vec::len), &list["connections"][0]["set"]["by"]),
        (Some(1), &json!("olga"))
    );
    assert_eq!(s.gate.admin("/v1/sealing", &s.support).status(), 403);
    assert_eq!(s.turn("to-production", false, "*").status(), 200);
    s.gate.running.as_mut().expect("runs").refresh_keys();
    let plain = s.sent(2);
    assert_eq!(s.gate.metric("phigate_originals_total{outcome=\"sealed\"} "), 0);
    for record in [&*lower, &plain, "0190c0de-0000-7000-8000-000000000000"] {
        assert_eq!(s.open(&s.support, &[record]).status(), 404);
    }
    // An admin can't, and neither can a token that is no member's.
    let admin = s.gate.member("ada", "admin").1;
    let body = json!({"on": true, "reason": "audit of the lab"});
    assert_eq!(s.call(("PUT", "/v1/sealing/to-production"), &admin, &body).status(), 403);
    assert_eq!(s.call(("PUT", "/v1/sealing/to-production"), &s.owner, &body).status(), 428);
}

#[test]
fn a_token_below_production_turns_no_sealing_on() {
    let s = Sealed::start();
    assert_eq!(s.turn("to-production", false, "*").status(), 200);
    // An owner who signs in, and a token of theirs that another owner made.
    let control = s.gate.running().control();
    let person = phigate::store::sign_ins::SigningIn {
        issuer: "https://idp.example",
        subject: "u1",
        name: "otto",
        org_role: Some("owner"),
        roles: &[],
        until: i64::MAX,
    };
    let otto = control.sign_in(&person, 0).expect("writes").expect("a new name");
    let own = control.create_member_token(&control.member(&otto).expect("reads").expect("there"), 0, None);
    let own = own.expect("made").1;
    let made = s.call(("POST", &format!("/v1/members/{otto}/tokens")), &s.owner, &json!({})).json();
    assert_eq!(made["production"], false, "{made}");
    let made = made["token"].as_str().expect("a token").to_owned();
    for (token, status) in [(&made, 403), (&own, 200)] {
        let (path, body) = ("/v1/sealing/to-production", json!({"on": true, "reason": "audit of the lab"}));
        let admin = s.gate.running().admin_address();
        let answer = ask(admin, ("PUT", path), token, &[("If-Match", "*")], &body.to_string());
        assert_eq!(answer.status(), status, "{answer:?}");
        let state = s.gate.admin("/v1/sealing/to-production", &s.owner).json();
        assert_eq!(state["on"], status == 200);
    }
    assert!(s.gate.audit().contains("sealing by a token below production"));
}

#[test]
fn who_may_not_break_glass_is_refused_and_who_has_no_part_in_one_sees_none() {
    let s = Sealed::start();
    let record = s.sent(2);
    let viewer = s.person("vic", "viewer");
    let machine = s.gate.token(&[("production", "support")]);
    for token in [&viewer, &s.security, &machine] {
        assert_eq!(s.open(token, &[&record]).status(), 403);
    }
    // Whoever turned sealing on can't look for seven days, whatever role comes later.
    let olga = s.gate.admin("/v1/me", &s.owner).json()["member"].as_str().expect("id").to_owned();
    let control = s.gate.running().control();
    control.set_environment_role(&olga, "production", Some("support"), 1).expect("set");
    let refused = s.open(&s.owner, &[&record]);
    assert_eq!((refused.status(), refused.json()["title"].as_str()), (403, Some("turned_sealing_on")));
    let id = s.opened(&[&record]);
    let other = s.person("sid", "support");
    let mrn = s.field(&record, "[mrn]");
    assert_eq!(s.reveal(&other, &id, &record, &mrn).status(), 404, "somebody else's");
    assert_eq!(s.reveal(&s.security, &id, &record, &mrn).status(), 404, "a reviewer's alone");
    assert_eq!(s.gate.admin(&format!("/v1/break-glass/{id}"), &other).status(), 404);
    assert_eq!(s.gate.admin("/v1/break-glass", &other).json()["break_glass"], json!([]));
    assert_eq!(s.gate.admin("/v1/break-glass", &viewer).status(), 403);
    let unlisted = s.sent(2);
    assert_eq!(s.reveal(&s.support, &id, &unlisted, &mrn).status(), 404, "a record that wasn't asked for");
    for field in ["body/999", "body/0", "body", "no part/1", "body/E08738432"] {
        assert_eq!(s.reveal(&s.support, &id, &record, field).status(), 404, "{field}");
    }
    // Once the role is gone, so is what it opened.
    let sam = s.gate.admin("/v1/me", &s.support).json()["member"].as_str().expect("id").to_owned();
    control.set_environment_role(&sam, "production", Some("viewer"), 2).expect("set");
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 403);
    assert!(!s.gate.audit().contains("E08738432"));
}

#[test]
fn without_the_notice_nothing_opens() {
    let s = Sealed::start();
    let record = s.sent(2);
    s.webhook.answer(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(s.open(&s.support, &[&record]).status(), 503);
    let list = s.gate.admin("/v1/break-glass", &s.security).json();
    assert_eq!(list["break_glass"][0]["state"], "failed");
    let audit = s.gate.audit();
    let event = audit.lines().find(|line| line.contains("break_glass_not_opened")).expect("told");
    assert!(event.contains("\"decision\":\"refused\""), "{event}");
    s.webhook.answer(crate::support::OK);
    s.opened(&[&record]);
}

#[test]
fn whoever_asks_and_goes_away_leaves_none_that_is_neither_open_nor_over() {
    use std::io::Write;
    let s = Sealed::start();
    let record = s.sent(2);
    // One that a process which is gone left behind stands in nobody's way.
    let left = phigate::store::sealing::GlassWish {
        environment: "production".to_owned(),
        member: "mb_0".to_owned(),
        name: "somebody".to_owned(),
        role: "support".to_owned(),
        records: Vec::new(),
        reason: String::new(),
        ticket: String::new(),
        minutes: 15,
        reveals_max: 1,
    };
    s.gate.running().control().begin_glass(&left, 0).expect("writes");
    let address = s.gate.running().admin_address();
    let body = json!({"environment": "production", "records": [record], "reason": "wrong patient shown", "ticket": "T-1"});
    let body = body.to_string();
    {
        let held = s.webhook.hold();
        let mut stream = crate::support::connect(address);
        write!(
            stream,
            "POST /v1/break-glass HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            s.support,
            body.len()
        )
        .expect("writes");
        s.webhook.wait_for_bytes();
        drop(stream);
        // The admin side has seen the end of the connection by the time that it answered others.
        for _ in 0..5 {
            assert_eq!(s.gate.admin("/livez", "").status(), 200);
        }
        drop(held);
    }
    let states = || -> Vec<String> {
        let list = s.gate.admin("/v1/break-glass", &s.security).json();
        let list = list["break_glass"].as_array().expect("a list").clone();
        list.iter().map(|glass| glass["state"].as_str().expect("a state").to_owned()).collect()
    };
    assert!(tries().any(|()| states() == ["open", "failed"]), "{:?}", states());
}

#[test]
fn what_is_asked_for_wrongly_is_refused_with_a_word_on_it() {
    let s = Sealed::start();
    let record = s.sent(2);
    let ask = |change: (&str, Value)| {
        let mut body = json!({"environment": "production", "records": [record], "reason": "wrong patient shown", "ticket": "T-1"});
        body[change.0] = change.1;
        let answer = s.call(("POST", "/v1/break-glass"), &s.support, &body);
        (answer.status(), answer.json()["title"].as_str().unwrap_or_default().to_owned())
    };
    for change in [
        ("minutes", json!(61)),
        ("minutes", json!(0)),
        ("reveals", json!(4)),
        ("reveals", json!(0)),
        ("records", json!([])),
        ("records", json!([record, record])),
        ("records", json!(vec![record.clone(); 21])),
        ("ticket", json!("")),
        ("ticket", json!("of Darnell Okafor")),
        ("more", json!(1)),
    ] {
        assert_eq!(ask(change.clone()), (400, "bad_body".to_owned()), "{change:?}");
    }
    assert_eq!(ask(("reason", json!("x"))), (400, "reason_needed".to_owned()));
    assert_eq!(ask(("reason", json!("for SSN 412-21-3456"))), (400, "reason_holds_phi".to_owned()));
    assert!(!s.gate.audit().contains("412-21"));
}

#[test]
fn what_is_said_of_it_repeats_no_value_of_the_records() {
    let s = Sealed::start();
    let record = s.sent(2);
    let body = json!({"environment": "production", "records": [record], "reason": "wrong patient shown", "ticket": "T-1"});
    for (key, text) in [
        ("reason", "the chart of OKAFOR, again"),
        ("reason", "darnell called"),
        ("reason", "it is E-0873 8432"),
        ("ticket", "E08738432"),
        ("ticket", "INC-E08738432"),
    ] {
        let mut body = body.clone();
        body[key] = json!(text);
        let answer = s.call(("POST", "/v1/break-glass"), &s.support, &body);
        let title = answer.json()["title"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status() == 400 && title.ends_with("_holds_phi"), "{text}: {answer:?}");
    }
    assert!(s.webhook.take().is_empty(), "nobody is told of it, either");
    let id = s.opened(&[&record]);
    assert_eq!(s.call(("DELETE", &format!("/v1/break-glass/{id}")), &s.support, &json!({})).status(), 204);
    let review = |note: &str| {
        let body = json!({"outcome": "justified", "note": note});
        s.call(("POST", &format!("/v1/break-glass/{id}/review")), &s.security, &body).status()
    };
    assert_eq!((review("Okafor was asked"), review("as the ticket says")), (400, 200));
    // Whoever asks often enough would learn values by it: each try is there, and the value isn't.
    let audit = s.gate.audit();
    assert!(audit.matches("the words given repeat a value of a record").count() >= 4, "{audit}");
    let folder = s.gate.folder.path();
    for value in ["E08738432", "okafor", "OKAFOR", "darnell"] {
        assert_eq!(holding(folder, value), Vec::<std::path::PathBuf>::new(), "{value}");
    }
}

#[test]
fn a_new_start_ends_it_and_a_shredded_key_ends_all() {
    let mut s = Sealed::start();
    let record = s.sent(2);
    let mrn = s.field(&record, "[mrn]");
    let id = s.opened(&[&record]);
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 200);
    let _ = s.gate.running.take().expect("runs").stop();
    s.gate.running = Some(Running::start(Config::parse(&s.gate.config).expect("good")).expect("starts"));
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 409);
    assert_eq!(s.review(&s.security, &id), 200);
    let id = s.opened(&[&record]);
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 200);
    let day = phigate::clock::day(phigate::clock::id_ms(&record).expect("a time"));
    let data = s.gate.folder.path().join("data");
    let out = crate::binary::phigate(&[
        "secrets",
        "shred",
        "--data",
        data.to_str().expect("path"),
        "--environment",
        "production",
        "--day",
        &day,
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    // Of a key that isn't there, and a day that is none, nothing is told: nothing was done.
    let shred = |environment: &str, day: &str| {
        let data = data.to_str().expect("path");
        let args = ["secrets", "shred", "--data", data, "--environment", environment, "--day", day];
        crate::binary::phigate(&args).status.code()
    };
    assert_eq!((shred("nope", &day), shred("production", &day)), (Some(1), Some(1)));
    assert_eq!((shred("production", "2026-13-77"), shred("production", "2026-02-30")), (Some(2), Some(2)));
    assert_eq!(s.gate.audit().matches("shred_seal_key").count(), 1);
    let gone = s.reveal(&s.support, &id, &record, &mrn);
    assert_eq!((gone.status(), gone.json()["title"].as_str()), (410, Some("key_gone")));
    assert!(s.gate.audit().contains("shred_seal_key"));
    // The redacted form is there as before, and later originals have a new key.
    assert_eq!(s.gate.admin(&format!("/v1/records/{record}"), &s.support).status(), 200);
    s.sent(2);
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 410);
}

#[test]
fn a_restored_backup_of_yesterday_cant_open_seals_whose_keys_are_gone() {
    let mut s = Sealed::start();
    let record = s.sent(2);
    let mrn = s.field(&record, "[mrn]");
    let folder = s.gate.folder.path().to_owned();
    let path = |name: &str| folder.join(name).to_str().expect("path").to_owned();
    let out = crate::binary::phigate(&["backup", "--data", &path("data"), &path("backup")]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let _ = s.gate.running.take().expect("runs").stop();
    std::fs::rename(path("data"), path("old")).expect("renames");
    std::fs::remove_dir_all(path("data-secrets/seals")).expect("removes");
    let out = crate::binary::phigate(&["restore", &path("backup"), "--data", &path("data")]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    s.gate.running = Some(Running::start(Config::parse(&s.gate.config).expect("good")).expect("starts"));
    let id = s.opened(&[&record]);
    assert_eq!(s.reveal(&s.support, &id, &record, &mrn).status(), 410);
}

#[test]
fn a_key_that_is_none_stops_the_start_with_a_word() {
    let folder = tempfile::tempdir().expect("folder");
    let start = |key: &str| {
        let text = format!(
            "data_dir = {:?}\n[admin]\naddress = \"127.0.0.1:0\"\n[[environment]]\nname = \"one\"\nflag = \"production\"\n[[listener]]\nname = \"l\"\naddress = \"127.0.0.1:0\"\nenvironment = \"one\"\ncallers = \"any\"\n[[connection]]\nname = \"c\"\nenvironment = \"one\"\nupstream = \"http://127.0.0.1:9\"\n[sealing]\nkey = \"{key}\"\n",
            folder.path().join("data")
        );
        Running::start(Config::parse(&text).expect("good")).map(Running::stop).map_err(|e| e.to_string())
    };
    let short = start("command:echo 0f0f").expect_err("too short");
    assert!(short.contains("32 bytes") && !short.contains("0f0f"), "{short}");
    assert!(start("env:PHIGATE_NO_SUCH").expect_err("unset").contains("PHIGATE_NO_SUCH"));
    assert_eq!(start("command:echo DwPPDwPPDwPPDwPPDwPPDwPPDwPPDwPPDwPPDwPPDwM="), Ok(0));
}

#[test]
fn the_commands_do_all_of_it() {
    use crate::binary::{phigate_as, text};
    let s = Sealed::start();
    let record = s.sent(2);
    let admin = format!("http://{}", s.gate.running().admin_address());
    let told = |token: &str, args: &[&str]| {
        let out = phigate_as(token, &[args, &["--admin", &admin]].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", text(&out.stderr));
        text(&out.stdout).trim().to_owned()
    };
    let sealing = told(&s.owner, &["org", "seal"]);
    assert!(
        sealing.contains("to-production") && sealing.contains(" on ") && sealing.contains("by olga"),
        "{sealing}"
    );
    let open = [
        "break-glass",
        "open",
        "--environment",
        "production",
        "--ticket",
        "T-1",
        "--reason",
        "wrong chart",
        &record,
    ];
    let id = told(&s.support, &open);
    let field = s.field(&record, "[mrn]");
    assert_eq!(told(&s.support, &["break-glass", "reveal", &id, &record, &field]), "E08738432");
    told(&s.support, &["break-glass", "end", &id]);
    told(&s.security, &["break-glass", "review", &id, "justified", "--note", "as the ticket says"]);
    let list = told(&s.security, &["break-glass", "list"]);
    assert!(
        list.starts_with(&id) && list.contains("1/3 fields") && list.ends_with("justified by sue"),
        "{list}"
    );
    let off = told(&s.owner, &["org", "seal", "to-production", "off", "--reason", "the audit is over"]);
    assert!(off.contains(" off "), "{off}");
    let out = phigate_as(&s.support, &["org", "seal", "--admin", &admin]);
    assert_eq!(out.status.code(), Some(1));
}
