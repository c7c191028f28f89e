//! Suppressions: through the admin API and the command, with messages that show what counts.

use crate::support::{FHIR, Gate, Http, PATIENT, ask};
use phigate::store::suppressions::SuppressionRow;
use serde_json::{Value, json};

/// People with roles in staging, beside a gateway.
struct Place {
    gate: Gate,
    engineer: String,
    security: String,
    second: String,
}

impl Place {
    fn start() -> Self {
        let gate = Gate::start();
        let person = |name: &str, role: &str| {
            let (id, token) = gate.member(name, "member");
            let control = gate.running().control();
            control.set_environment_role(&id, "staging", Some(role), 1).expect("set");
            token
        };
        let (engineer, security) = (person("eve", "engineer"), person("sue", "security"));
        let second = person("sam", "security");
        Self { engineer, security, second, gate }
    }

    fn call(&self, what: (&str, &str), token: &str, body: &Value) -> Http {
        ask(self.gate.running().admin_address(), what, token, &[], &body.to_string())
    }

    fn propose(&self, token: &str, more: &Value) -> Http {
        let mut body = json!({"environment": "staging", "rule": BIRTH_DATE, "reason": "ticket 17"});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.call(("POST", "/v1/suppressions"), token, &body)
    }

    fn approve(&mut self, token: &str, id: &str) -> u16 {
        let status =
            self.call(("POST", &format!("/v1/suppressions/{id}/approve")), token, &json!({})).status();
        self.refresh();
        status
    }

    fn refresh(&mut self) {
        self.gate.running.as_mut().expect("runs").refresh_keys();
    }

    /// What the record of a patient sent into staging says that a rule found.
    fn found(&self, rule: &str) -> Value {
        let reply = self.gate.send(1, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
        self.gate.running().flush_records();
        let path = format!("/v1/records/{}", reply.header("phigate-record"));
        let record = self.gate.admin(&path, &self.security).json()["record"].clone();
        let found = record["found"].as_array().expect("a list").iter().find(|f| f["rule"] == rule);
        json!({"points": record["points"], "found": found})
    }

    /// What the list says of one.
    fn listed(&self, id: &str) -> Value {
        let list = self.call(("GET", "/v1/suppressions?environment=staging"), &self.security, &Value::Null);
        let list = list.json()["suppressions"].as_array().expect("a list").clone();
        list.into_iter().find(|one| one["id"] == id).unwrap_or_default()
    }
}

fn id(answer: &Http) -> String {
    assert_eq!(answer.status(), 201, "{answer:?}");
    answer.json()["id"].as_str().expect("an id").to_owned()
}

#[test]
fn whoever_made_the_token_of_the_one_is_not_the_other() {
    let mut p = Place::start();
    let control = p.gate.running().control();
    let member = |name: &str, org: &str| {
        let (id, token) = p.gate.member(name, org);
        for environment in ["production", "staging"] {
            let version = control.member(&id).expect("reads").expect("there").version;
            control.set_environment_role(&id, environment, Some("security"), version).expect("set");
        }
        (id, token)
    };
    let ((_, owner), (ann, _), (_, bob)) =
        (member("olga", "owner"), member("ann", "member"), member("bob", "member"));
    let made = p.call(("POST", &format!("/v1/members/{ann}/tokens")), &owner, &json!({})).json();
    let made = made["token"].as_str().expect("a token").to_owned();
    let by =
        |environment: &str| json!({"environment": environment, "reason": format!("ticket 17 {environment}")});
    for (environment, asks, approves, status) in [
        ("production", &made, &owner, 403),
        ("production", &owner, &made, 403),
        ("production", &made, &bob, 200),
        ("staging", &made, &owner, 403),
        ("staging", &owner, &made, 403),
        ("staging", &made, &bob, 200),
    ] {
        let asked = id(&p.propose(asks, &by(environment)));
        assert_eq!(p.approve(approves, &asked), status, "{environment}");
        let end = p.call(("DELETE", &format!("/v1/suppressions/{asked}")), &bob, &Value::Null);
        assert_eq!(end.status(), 204);
    }
}

#[test]
fn what_two_people_accept_counts_for_nothing_until_it_ends() {
    let mut p = Place::start();
    let (engineer, security, second) = (p.engineer.clone(), p.security.clone(), p.second.clone());
    let before = p.found(BIRTH_DATE);
    let weight = before["found"]["points"].as_u64().expect("points");
    assert!(weight > 0 && before["found"]["suppressed"].is_null(), "{before}");
    let asked = p.propose(&security, &json!({"place": "Patient.birthDate", "owner": "lab.team"}));
    let sp = id(&asked);
    assert_eq!(p.found(BIRTH_DATE), before, "pending, it covers nothing");
    // Neither by whoever asked, nor by one who doesn't approve there, nor by a machine.
    let machine = p.gate.token(&[("staging", "security")]);
    for token in [&security, &engineer, &machine] {
        assert_eq!(p.approve(token, &sp), 403);
    }
    assert_eq!(p.approve(&second, &sp), 200);
    let after = p.found(BIRTH_DATE);
    assert_eq!(
        after["found"],
        json!({"rule": BIRTH_DATE, "kind": "birth-date", "count": 1, "points": 0, "suppressed": 1})
    );
    assert_eq!(after["points"].as_u64(), before["points"].as_u64().map(|points| points - weight));
    let listed = p.listed(&sp);
    assert_eq!(
        [&listed["state"], &listed["owner"], &listed["by"], &listed["decided_by"], &listed["covered"]],
        [&json!("approved"), &json!("lab.team"), &json!("sue"), &json!("sam"), &json!(1)]
    );
    let metrics = p.gate.admin("/metrics", "");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(
        metrics.contains("phigate_suppressed_findings_total{environment=\"staging\",kind=\"birth-date\"} 1")
    );
    // A change of keys and a reload keep what was counted; ended, it counts again.
    p.refresh();
    assert_eq!(p.listed(&sp)["covered"], 1);
    p.gate.running().reload(&p.gate.config).expect("reloads");
    assert_eq!(p.listed(&sp)["covered"], 1);
    assert_eq!(p.approve(&second, &sp), 409, "once");
    assert_eq!(p.call(("DELETE", &format!("/v1/suppressions/{sp}")), &engineer, &Value::Null).status(), 204);
    p.refresh();
    assert_eq!(p.found(BIRTH_DATE), before);
    assert_eq!((&p.listed(&sp)["state"], &p.listed(&sp)["covered"]), (&json!("ended"), &json!(1)));
    assert_eq!(p.call(("DELETE", &format!("/v1/suppressions/{sp}")), &engineer, &Value::Null).status(), 409);
    let audit = p.gate.audit();
    for event in ["propose_suppression", "approve_suppression", "end_suppression", "approval of one's own"] {
        assert!(audit.contains(event), "{event}");
    }
    assert!(audit.contains(&format!("{BIRTH_DATE} at Patient.birthDate")) && audit.contains("ticket 17"));
}

#[test]
fn it_is_for_its_place_connection_and_environment_alone() {
    let mut p = Place::start();
    let (security, second) = (p.security.clone(), p.second.clone());
    let before = p.found(BIRTH_DATE);
    let elsewhere = id(&p.propose(&security, &json!({"place": "Patient.contact.birthDate"})));
    assert_eq!(p.approve(&second, &elsewhere), 200);
    assert_eq!(p.found(BIRTH_DATE), before);
    // A rule that isn't there any more leaves one that can cover nothing, and it says so.
    let gone = SuppressionRow {
        environment: "staging".to_owned(),
        rule: "acme.gone".to_owned(),
        until: 4_102_444_800,
        ..SuppressionRow::default()
    };
    let control = p.gate.running().control();
    let gone = control.propose_suppression(&gone).expect("writes").expect("room");
    assert_eq!(
        (&p.listed(&gone)["problem"], &p.listed(&elsewhere)["problem"]),
        (&json!("the rule is gone"), &Value::Null)
    );
    let sp = id(&p.propose(&security, &json!({"connection": "to-staging"})));
    assert_eq!(p.approve(&second, &sp), 200);
    assert_eq!(p.found(BIRTH_DATE)["found"]["suppressed"], 1);
    // Development goes by its own.
    let token = p.gate.token(&[("development", "security")]);
    let reply = p.gate.send(0, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
    p.gate.running().flush_records();
    let record = p.gate.admin(&format!("/v1/records/{}", reply.header("phigate-record")), &token).json();
    assert!(!record.to_string().contains("suppressed"));
}

#[test]
fn what_cant_be_accepted_is_refused_and_nothing_of_it_is_repeated() {
    let p = Place::start();
    let status = |token: &str, more: Value| {
        let answer = p.propose(token, &more);
        (answer.status(), answer.json()["title"].as_str().unwrap_or_default().to_owned())
    };
    let viewer = p.gate.token(&[("staging", "viewer")]);
    assert_eq!(status(&viewer, json!({})).0, 403);
    assert_eq!(status(&p.security, json!({"environment": "production"})).0, 403);
    for (more, want) in [
        (json!({"rule": "fhir-r4.no-such"}), (422, "unfit")),
        (json!({"connection": "to-production"}), (422, "unfit")),
        (json!({"days": 0}), (400, "bad_body")),
        (json!({"days": 91}), (400, "bad_body")),
        (json!({"reason": " "}), (400, "reason_needed")),
        (json!({"reason": "it is SSN 412-21-3456"}), (400, "reason_holds_phi")),
        (json!({"place": "name 412-21-3456"}), (400, "bad_body")),
        (json!({"place": "[0] 12"}), (400, "bad_body")), // nothing of it is left: that would be everywhere
        (json!({"place": " "}), (400, "bad_body")),
        (json!({"owner": "Ann O'Hara"}), (400, "bad_body")),
        (json!({"forever": true}), (400, "bad_body")),
    ] {
        assert_eq!(status(&p.security, more.clone()), (want.0, want.1.to_owned()), "{more}");
    }
    assert!(!p.gate.audit().contains("412-21"));
    assert_eq!(p.call(("DELETE", "/v1/suppressions/sp_0"), &p.security, &Value::Null).status(), 404);
    // Of one that a caller may not see nobody learns that it is there.
    let sp = id(&p.propose(&p.security, &json!({})));
    let elsewhere = p.gate.token(&[("production", "security")]);
    assert_eq!(p.call(("DELETE", &format!("/v1/suppressions/{sp}")), &elsewhere, &Value::Null).status(), 404);
}

#[test]
fn by_command_one_asks_and_another_approves() {
    let p = Place::start();
    let admin = format!("http://{}", p.gate.running().admin_address());
    let run = |token: &str, args: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_phigate"))
            .args(["suppressions", "--admin", &admin])
            .args(args)
            .env("PHIGATE_TOKEN", token)
            .output()
            .expect("runs");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let (code, sp) = run(
        &p.security,
        &["propose", "staging", BIRTH_DATE, "--place", "Patient.birthDate", "--reason", "ticket 17"],
    );
    assert_eq!(code, Some(0));
    assert_eq!(run(&p.security, &["approve", sp.trim()]).0, Some(1), "one's own");
    assert_eq!(run(&p.second, &["approve", sp.trim()]).0, Some(0));
    let (code, list) = run(&p.engineer, &["list", "--environment", "staging"]);
    assert_eq!(code, Some(0));
    assert!(list.contains(sp.trim()) && list.contains("approved") && list.contains("ticket 17"), "{list}");
    assert_eq!(run(&p.security, &["end", sp.trim()]).0, Some(0));
    assert_eq!(run(&p.security, &["propose", "staging", "no.such", "--reason", "ticket"]).0, Some(1));
}

const BIRTH_DATE: &str = "fhir-r4.patient-birth-date";
