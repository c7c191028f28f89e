//! Who sees what of a record.

use crate::support::{FHIR, Gate, PATIENT, read_http};
use std::io::Write;

fn record(gate: &Gate, environment: usize) -> String {
    let reply = gate.send(environment, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
    gate.running().flush_records();
    reply.header("phigate-record").to_owned()
}

fn body(answer: &serde_json::Value) -> String {
    let parts = answer["payload"].as_array().cloned().unwrap_or_default();
    parts.iter().find(|p| p["part"] == "body").and_then(|p| p["text"].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn each_role_sees_its_view_and_no_more() {
    let gate = Gate::start();
    let id = record(&gate, 2);
    let show = |role: &str| {
        let reply = gate.admin(&format!("/v1/records/{id}"), &gate.token(&[("production", role)]));
        assert_eq!(reply.status(), 200, "{role}");
        reply.json()
    };
    for role in ["viewer", "auditor"] {
        let answer = show(role);
        assert_eq!((&answer["view"], &answer["withheld"]), (&"metadata".into(), &true.into()), "{role}");
    }
    for role in ["support", "engineer"] {
        let answer = show(role);
        assert_eq!(answer["view"], "masked", "{role}");
        let text = body(&answer);
        assert!(
            text.contains("[family-name]") && text.contains("[mrn]") && text.contains("\"1962\""),
            "{text}"
        );
        assert!(!text.contains("[mrn:"), "{role} sees a token in production");
        // A stored JSON is still JSON.
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["resourceType"],
            "Patient"
        );
    }
    let text = body(&show("security"));
    assert!(text.contains("[mrn]") && !text.contains("\"Patient\""), "{text}");
}

#[test]
fn a_refused_message_is_kept_at_metadata_and_linked_views_carry_tokens() {
    let gate = Gate::start();
    let refused = record(&gate, 0);
    let token = gate.token(&[("development", "engineer"), ("staging", "engineer")]);
    let answer = gate.admin(&format!("/v1/records/{refused}"), &token).json();
    assert_eq!(
        (answer["record"]["decision"].as_str(), answer["withheld"].as_bool()),
        (Some("refused"), Some(true))
    );
    let made_up = PATIENT
        .replace("E08738432", "TEST-0001")
        .replace("\"id\":\"p\",", "\"telecom\":[{\"system\":\"email\",\"value\":\"a@example.com\"}],");
    let reply = gate.send(1, "POST", "/fhir/Patient", &[FHIR], made_up.as_bytes());
    assert_eq!(reply.status(), 200);
    gate.running().flush_records();
    let answer = gate.admin(&format!("/v1/records/{}", reply.header("phigate-record")), &token).json();
    assert_eq!(answer["view"], "linked");
    assert!(body(&answer).contains("[mrn:"), "{}", body(&answer));
}

#[test]
fn without_a_role_a_record_looks_like_a_missing_one() {
    let gate = Gate::start();
    let id = record(&gate, 2);
    let token = gate.token(&[("staging", "engineer")]);
    let hidden = gate.admin(&format!("/v1/records/{id}"), &token);
    let missing = gate.admin("/v1/records/01920000-0000-7000-8000-000000000000", &token);
    assert_eq!((hidden.status(), &hidden.body), (404, &missing.body));
    assert!(gate.admin("/v1/records", &token).json()["records"].as_array().expect("list").is_empty());
    assert_eq!(
        gate.admin("/v1/environments", &token).json()["environments"].as_array().expect("list").len(),
        1
    );
}

#[test]
fn every_refusal_has_a_record_that_somebody_can_read() {
    let gate = Gate::start();
    let key = &gate.keys[1];
    let staging = gate.token(&[("staging", "viewer")]);
    let unresolved = gate.token(&[("unresolved", "viewer")]);
    let config = gate.config.replace("name = \"to-staging\"", "name = \"to-staging\"\ndeny = [\"/no\"]");
    gate.running().reload(&config).expect("reloads");
    for (head, reason, token, other) in [
        (
            format!("GET /production/x HTTP/1.1\r\nHost: a\r\nPhigate-Key: {key}\r\n"),
            "environment_mismatch",
            &unresolved,
            &staging,
        ),
        ("GET /x HTTP/1.1\r\nHost: a\r\n".to_owned(), "credential_missing", &unresolved, &staging),
        ("GET /x HTTP/1.1\r\n".to_owned(), "bad_request", &unresolved, &staging),
        ("GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n".to_owned(), "upgrade_refused", &unresolved, &staging),
        (
            format!("GET /no HTTP/1.1\r\nHost: a\r\nPhigate-Key: {key}\r\n"),
            "path_denied",
            &staging,
            &unresolved,
        ),
    ] {
        let mut stream = gate.connect(1);
        write!(stream, "{head}\r\n").expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        gate.running().flush_records();
        let path = format!("/v1/records/{}", reply.header("phigate-record"));
        let answer = gate.admin(&path, token).json();
        assert_eq!(answer["record"]["reason"], reason);
        assert_eq!(gate.admin(&path, other).status(), 404, "{reason}");
    }
    assert_eq!(gate.metric("phigate_refusals_total{environment=\"staging\",reason=\"path_denied\"}"), 1);
}

#[test]
fn tokens_are_needed_and_every_wrong_one_gets_the_same_answer() {
    let gate = Gate::start();
    let answers: Vec<_> = ["", "pht_x_y", "nonsense"].iter().map(|t| gate.admin("/v1/records", t)).collect();
    assert!(answers.iter().all(|a| a.status() == 401 && a.body == answers[0].body));
    // Each leaves a trace, of a token that there is its id, and of what else was sent nothing.
    let token = gate.token(&[("staging", "viewer")]);
    let id = token.split('_').nth(1).expect("an id");
    assert_eq!(gate.admin("/v1/records", &format!("{token}x")).status(), 401);
    assert_eq!(gate.metric("phigate_admin_unauthorized_total "), 4);
    let audit = gate.audit();
    let refused: Vec<&str> = audit.lines().filter(|line| line.contains("refused_access")).collect();
    assert_eq!(refused.len(), 4, "{audit}");
    assert!(
        refused.iter().all(|line| line.contains("\"principal\":\"nobody\"") && line.contains("\"refused\""))
    );
    assert!(
        refused[0].contains("\"reason\":\"no token\"")
            && refused[3].contains(&format!("\"object\":\"{id}\""))
    );
    assert!(!audit.contains("nonsense") && !audit.contains(&token));
    for _ in 0..20 {
        assert_eq!(gate.admin("/v1/records", "nonsense").status(), 401);
    }
    assert_eq!(gate.metric("phigate_admin_unauthorized_total "), 24);
    assert_eq!(gate.audit().matches("refused_access").count(), 10, "whoever guesses fills no disk");
    assert_eq!(gate.admin("/livez", "").status(), 200);
    assert_eq!(gate.admin("/readyz", "").status(), 200);
}

#[test]
fn health_and_metrics_are_answered_while_the_audit_cant_be_written() {
    let gate = Gate::start();
    let token = gate.token(&[("production", "viewer")]);
    let address = gate.running().admin_address();
    let mut waiting: Vec<_> = (0..3).map(|_| crate::support::connect(address)).collect();
    phigate::audit::while_still(&gate.folder.path().join("data"), || {
        for stream in &mut waiting {
            write!(
                stream,
                "GET /v1/records HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
            )
            .expect("writes");
            for path in ["/livez", "/readyz", "/metrics", "/v1/openapi.json"] {
                assert_eq!(gate.admin(path, "").status(), 200, "{path}");
            }
        }
    })
    .expect("locks");
    for stream in &mut waiting {
        assert_eq!(read_http(stream, false).expect("an answer").status(), 200);
    }
}

#[test]
fn a_payload_view_leaves_an_audit_line_and_metadata_none() {
    let gate = Gate::start();
    let id = record(&gate, 2);
    let audit = || gate.audit();
    gate.admin(&format!("/v1/records/{id}"), &gate.token(&[("production", "viewer")]));
    assert!(!audit().contains("view_payload"));
    gate.admin(&format!("/v1/records/{id}"), &gate.token(&[("production", "support")]));
    let line: serde_json::Value =
        serde_json::from_str(audit().lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (line["action"].as_str(), line["object"].as_str(), line["view"].as_str()),
        (Some("view_payload"), Some(id.as_str()), Some("masked"))
    );
}

#[test]
fn searches_filter_and_page() {
    let gate = Gate::start();
    for _ in 0..3 {
        record(&gate, 0);
    }
    record(&gate, 2);
    let token = gate.token(&[("development", "viewer"), ("production", "viewer")]);
    let list = |query: &str| gate.admin(&format!("/v1/records?{query}"), &token).json();
    assert_eq!(list("decision=refused")["records"].as_array().expect("list").len(), 3);
    assert_eq!(list("environment=production")["records"].as_array().expect("list").len(), 1);
    assert_eq!(list("kind=mrn&reason=likely_phi")["records"].as_array().expect("list").len(), 3);
    let first = list("limit=2");
    let rest = list(&format!("limit=10&after={}", first["next"].as_str().expect("more")));
    let ids = |page: &serde_json::Value| {
        page["records"]
            .as_array()
            .expect("list")
            .iter()
            .map(|r| r["id"].as_str().expect("id").to_owned())
            .collect::<Vec<_>>()
    };
    let mut all = [ids(&first), ids(&rest)].concat();
    assert_eq!(all.len(), 4);
    all.dedup();
    assert_eq!(all.len(), 4);
    assert_eq!(gate.admin("/v1/records?surname=Okafor", &token).status(), 400);
}

#[test]
fn on_a_terminal_records_go_through_a_pager_with_colours() {
    use std::process::{Command, Stdio};
    let gate = Gate::start();
    gate.send(2, "GET", "/x", &[], b"");
    gate.running().flush_records();
    let token = gate.token(&[("production", "viewer")]);
    let paged = gate.folder.path().join("paged");
    let run = |pager: &str, colours: bool| {
        let _ = std::fs::remove_file(&paged);
        let command = format!(
            "{} records search --admin http://{}",
            env!("CARGO_BIN_EXE_phigate"),
            gate.running().admin_address()
        );
        // A terminal of its own.
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).env("PHIGATE_TOKEN", &token).env("PAGER", pager);
        if !colours {
            script.env("NO_COLOR", "1");
        }
        let out = script.stdin(Stdio::null()).output().expect("the package bsdutils");
        assert!(out.status.success());
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let tee = format!("tee {}", paged.display());
    let shown = run(&tee, true);
    let through = std::fs::read_to_string(&paged).expect("the pager got it");
    assert!(through.contains("\x1b[32mforwarded") && shown.contains("forwarded"), "{through}");
    run(&tee, false);
    assert!(!std::fs::read_to_string(&paged).expect("the pager got it").contains('\x1b'));
    assert!(run("cat", true).contains("\x1b[32mforwarded") && !paged.exists());
    assert!(run("no-such-pager", true).contains("forwarded"));
}
