//! What people did, as an outsider verifies it: with the log, the public key and the file elsewhere alone.

use crate::support::{FHIR, Gate, PATIENT, Upstream};
use std::path::Path;
use std::process::{Command, Output};

fn phigate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_phigate")).args(args).output().expect("runs")
}

fn told(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// A folder with the log and nothing else of the data folder.
fn taken_away(gate: &Gate) -> tempfile::TempDir {
    let away = tempfile::tempdir().expect("folder");
    let to = away.path().join("audit");
    std::fs::create_dir(&to).expect("makes");
    for file in std::fs::read_dir(gate.folder.path().join("data/audit")).expect("lists").flatten() {
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copies");
    }
    away
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("UTF-8")
}

#[test]
fn an_outsider_finds_what_was_changed_or_cut() {
    let anchors = tempfile::tempdir().expect("folder");
    let anchor = anchors.path().join("heads.jsonl");
    let top = format!("[audit]\nanchor_file = {:?}\nanchor_every = 1\n", path(&anchor));
    let gate = Gate::with(&top, "");
    let data = gate.folder.path().join("data");
    // Commands write into the same log as the running gateway.
    let made =
        phigate(&["keys", "create", "--data", path(&data), "--environment", "staging", "--name", "lab"]);
    assert!(made.status.success(), "{}", told(&made));
    gate.send(2, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
    gate.running().flush_records();
    let token = gate.token(&[("production", "support")]);
    let id = gate.admin("/v1/records", &token).json()["records"][0]["id"].as_str().expect("id").to_owned();
    for _ in 0..3 {
        assert_eq!(gate.admin(&format!("/v1/records/{id}"), &token).status(), 200);
    }
    let key = told(&phigate(&["audit", "key", "--data", path(&data)])).trim().to_owned();
    let away = taken_away(&gate);
    let verify = || {
        phigate(&["audit", "verify", "--data", path(away.path()), "--key", &key, "--anchor", path(&anchor)])
    };
    let good = verify();
    assert_eq!(good.status.code(), Some(0), "{}", told(&good));
    // Without the key beside it there is none to verify by.
    assert_eq!(phigate(&["audit", "verify", "--data", path(away.path())]).status.code(), Some(2));
    let file = std::fs::read_dir(away.path().join("audit"))
        .expect("lists")
        .flatten()
        .map(|f| f.path())
        .find(|f| f.extension().is_some_and(|e| e == "jsonl"))
        .expect("a month");
    let whole = std::fs::read_to_string(&file).expect("reads");
    std::fs::write(&file, whole.replace("\"masked\"", "\"shape\"")).expect("writes");
    let changed = verify();
    assert_eq!(changed.status.code(), Some(1));
    assert!(told(&changed).contains("changed"), "{}", told(&changed));
    // The last line away, and a head that fits: what stands elsewhere tells.
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(&file, lines[..lines.len() - 1].join("\n") + "\n").expect("writes");
    assert!(told(&verify()).contains("cut"), "{}", told(&verify()));
    let before = std::fs::read_to_string(&anchor).expect("reads");
    let heads: Vec<&str> = before.lines().collect();
    std::fs::write(away.path().join("audit/head.json"), heads[heads.len() - 2]).expect("writes");
    assert!(told(&verify()).contains("cut: the anchor"), "{}", told(&verify()));
}

#[test]
fn an_anchor_file_that_can_t_be_written_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let gone = folder.path().join("gone/heads.jsonl");
    let gate = Gate::with(&format!("[audit]\nanchor_file = {:?}\n", path(&gone)), "");
    assert_eq!(gate.admin("/v1/records", &gate.token(&[("staging", "viewer")])).status(), 200);
    assert!(gate.metric("phigate_audit_anchor_failures_total ") > 0);
    let ready = gate.admin("/readyz", "");
    let told = String::from_utf8(ready.body.clone()).expect("text");
    assert!(ready.status() == 200 && told.contains("anchor file"), "{told}");
}

#[test]
fn a_log_that_the_gateway_knew_of_and_that_is_gone_is_not_begun_anew_unless_somebody_says_so() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let run = |args: &[&str]| phigate(&[args, &["--data", path(&data)]].concat());
    let make = || run(&["keys", "create", "--environment", "staging", "--name", "lab"]);
    assert!(make().status.success() && make().status.success());
    assert!(run(&["audit", "verify"]).status.success());
    std::fs::remove_dir_all(data.join("audit")).expect("removes");
    assert!(!make().status.success());
    assert_eq!(run(&["audit", "verify"]).status.code(), Some(1));
    assert!(told(&run(&["audit", "verify"])).contains("the gateway knew 2 events, the log ends at 0"));
    let accepted = run(&["audit", "repair", "--accept-loss"]);
    assert!(accepted.status.success(), "{}", told(&accepted));
    assert!(told(&run(&["audit", "export"])).contains("\"object\":\"1 to 2\""));
    assert!(make().status.success() && run(&["audit", "verify"]).status.success());
    assert!(
        told(&run(&["audit", "repair", "--accept-loss"]))
            .contains("Nothing that the gateway knew of is gone")
    );
}

#[test]
fn what_a_command_cant_write_down_it_doesnt_do() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let run = |args: &[&str]| phigate(&[args, &["--data", path(&data)]].concat());
    let key = told(&run(&["keys", "create", "--environment", "staging", "--name", "lab"]));
    let id = key.split('_').nth(1).expect("an id").to_owned();
    assert!(run(&["secrets", "rotate-tokens"]).status.success());
    let secrets = || {
        let files = std::fs::read_dir(folder.path().join("data-secrets")).expect("lists").flatten();
        let mut all: Vec<_> =
            files.map(|f| (f.file_name(), std::fs::read(f.path()).unwrap_or_default())).collect();
        all.sort();
        all
    };
    let people = folder.path().join("people.csv");
    std::fs::write(&people, "last_name,first_name,dob,mrn\nLopez,Camila,09/12/1987,E203713\n")
        .expect("writes");
    let lists = || ["keys", "tokens", "registry"].map(|what| told(&run(&[what, "list"])));
    let audit = || told(&run(&["audit", "export"]));
    // What isn't there is no event, either.
    let events = audit();
    assert_eq!(run(&["keys", "revoke", "made-up-id"]).status.code(), Some(1));
    assert_eq!(audit(), events);
    let before = (secrets(), lists());
    assert!(before.1[0].contains("active") && before.1[1].is_empty() && before.1[2].is_empty(), "{before:?}");
    let head = data.join("audit/head.json");
    let whole = std::fs::read(&head).expect("reads");
    std::fs::write(&head, "cut").expect("writes");
    for args in [
        &["keys", "create", "--environment", "staging", "--name", "lab2"] as &[&str],
        &["keys", "revoke", &id],
        &["tokens", "create", "--name", "ann", "--environment", "staging:viewer"],
        &["registry", "import", path(&people), "--as", "ann"],
        &["secrets", "rotate-tokens"],
        &["secrets", "forget-past-tokens"],
        &["org", "init", "--owner", "olga"],
    ] {
        let out = run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(out.stdout.is_empty() && told(&out).contains("the audit can't be written"), "{}", told(&out));
    }
    assert_eq!((secrets(), lists()), before);
    std::fs::write(&head, whole).expect("writes");
    let made = run(&["org", "init", "--owner", "olga"]);
    assert!(made.status.success(), "there was no member: {}", told(&made));
    assert!(run(&["keys", "revoke", &id]).status.success());
    let token = String::from_utf8_lossy(&made.stdout);
    for event in ["create_member", "create_token", token.split('_').nth(1).expect("an id"), "revoke", &id] {
        assert!(audit().contains(event), "{event}");
    }
}

#[test]
fn what_a_command_writes_down_is_anchored_by_the_gateway_as_soon_as_it_sees_it() {
    let anchors = tempfile::tempdir().expect("folder");
    let anchor = anchors.path().join("heads.jsonl");
    let endpoint = Upstream::start();
    let top = format!(
        "[audit]\nanchor_file = {:?}\nanchor_url = \"http://{}/heads\"\nanchor_every = 1\n",
        path(&anchor),
        endpoint.address
    );
    let mut gate = Gate::with(&top, "");
    let data = gate.folder.path().join("data");
    let run = |args: &[&str]| {
        let out = phigate(&[args, &["--data", path(&data)]].concat());
        assert!(out.status.success(), "{}", told(&out));
    };
    let end = || std::fs::read_to_string(data.join("audit/head.json")).expect("reads");
    let create: &[&str] = &["keys", "create", "--environment", "staging", "--name", "lab"];
    for lost in [false, true] {
        if lost {
            std::fs::remove_file(data.join("audit/head.json")).expect("removes");
            run(&["audit", "repair"]);
        } else {
            run(create);
        }
        endpoint.take();
        gate.running.as_mut().expect("runs").refresh_keys();
        assert_eq!(std::fs::read_to_string(&anchor).expect("reads").lines().last(), Some(end().trim()));
        let mut heads = Vec::new();
        while heads.is_empty() {
            heads = endpoint.take();
        }
        assert_eq!(String::from_utf8_lossy(&heads[heads.len() - 1].body), end());
    }
}

#[test]
fn an_endpoint_is_told_where_the_log_ends_and_a_cut_shows_against_that() {
    let endpoint = Upstream::start();
    endpoint.answer(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    let top = format!(
        "[audit]\nanchor_url = \"http://{}/heads\"\nanchor_authorization = \"command:echo Bearer made-up\"\nanchor_every = 2\n",
        endpoint.address
    );
    let gate = Gate::with(&top, "");
    let token = gate.token(&[("production", "support")]);
    let ask = || assert_eq!(gate.admin("/v1/records", &token).status(), 200);
    ask();
    while gate.metric("phigate_audit_anchor_failures_total ") == 0 {}
    endpoint.take();
    endpoint.answer(crate::support::OK);
    let mut heads = Vec::new();
    while heads.is_empty() {
        ask();
        heads = endpoint.take();
    }
    assert_eq!(heads[0].header("authorization"), "Bearer made-up");
    let away = taken_away(&gate);
    let key =
        told(&phigate(&["audit", "key", "--data", path(&gate.folder.path().join("data"))])).trim().to_owned();
    // As a syslog or an endpoint may keep it.
    let anchor = away.path().join("heads.log");
    let kept = format!("2026-01-02 host phigate: {}", String::from_utf8_lossy(&heads[0].body));
    std::fs::write(&anchor, kept).expect("writes");
    let verify = || {
        phigate(&["audit", "verify", "--data", path(away.path()), "--key", &key, "--anchor", path(&anchor)])
    };
    assert_eq!(verify().status.code(), Some(0), "{}", told(&verify()));
    for file in std::fs::read_dir(away.path().join("audit")).expect("lists").flatten() {
        let _ = std::fs::remove_file(file.path()); // all of it is gone
    }
    assert!(told(&verify()).contains("cut: the anchor"), "{}", told(&verify()));
}

#[test]
fn a_head_that_a_power_loss_emptied_is_repaired_by_command_and_a_cut_log_is_not() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let keys = ["keys", "create", "--environment", "one", "--name", "lab", "--data", path(&data)];
    let repair = ["audit", "repair", "--data", path(&data)];
    for _ in 0..3 {
        assert_eq!(phigate(&keys).status.code(), Some(0));
    }
    assert!(told(&phigate(&repair)).contains("The head is good"));
    let head = data.join("audit/head.json");
    let good = std::fs::read(&head).expect("reads");
    std::fs::write(&head, b"").expect("writes");
    assert_eq!(phigate(&keys).status.code(), Some(2), "nothing is appended");
    let repaired = phigate(&repair);
    assert_eq!(repaired.status.code(), Some(0), "{}", told(&repaired));
    assert_eq!(phigate(&keys).status.code(), Some(0));
    let verified = phigate(&["audit", "verify", "--data", path(&data)]);
    assert_eq!(verified.status.code(), Some(0), "{}", told(&verified));
    assert!(told(&phigate(&["audit", "export", "--data", path(&data)])).contains("\"audit_repaired\""));
    let month = data.join("audit").read_dir().expect("lists").flatten().map(|f| f.path());
    let month = month.filter(|f| f.extension().is_some_and(|e| e == "jsonl")).min().expect("a month");
    let lines = std::fs::read_to_string(&month).expect("reads");
    std::fs::write(&month, lines.lines().take(2).map(|l| format!("{l}\n")).collect::<String>())
        .expect("writes");
    std::fs::write(&head, good).expect("writes");
    let cut = phigate(&repair);
    assert_eq!(cut.status.code(), Some(1));
    assert!(told(&cut).contains("cut"), "{}", told(&cut));
}

#[test]
fn a_cut_is_not_hidden_behind_repairs() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let run = |args: &[&str]| phigate(&[args, &["--data", path(&data)]].concat());
    let make = || run(&["keys", "create", "--environment", "one", "--name", "lab"]);
    for _ in 0..6 {
        assert!(make().status.success());
    }
    let (head, control) = (data.join("audit/head.json"), data.join("control.db"));
    let month = data.join("audit").read_dir().expect("lists").flatten().map(|f| f.path());
    let month = month.filter(|f| f.extension().is_some_and(|e| e == "jsonl")).min().expect("a month");
    let lines = std::fs::read_to_string(&month).expect("reads");
    std::fs::write(&month, lines.lines().take(4).map(|l| format!("{l}\n")).collect::<String>())
        .expect("writes");
    // However often: no event of a repair takes the place of one that is gone.
    for _ in 0..3 {
        let _ = std::fs::remove_file(&head);
        let repaired = run(&["audit", "repair"]);
        assert_eq!(repaired.status.code(), Some(1));
        assert!(
            told(&repaired).contains("cut: the gateway knew 6 events, the log ends at 4"),
            "{}",
            told(&repaired)
        );
        assert!(!head.exists());
        assert_eq!(run(&["audit", "verify"]).status.code(), Some(1));
    }
    assert!(!make().status.success(), "nothing goes on behind it");
    // Nor where that which knows is gone, too.
    let kept = std::fs::read(&control).expect("reads");
    for name in ["control.db", "control.db-wal", "control.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    for command in [&["audit", "repair"] as &[&str], &["audit", "verify"]] {
        let out = run(command);
        assert_eq!(out.status.code(), Some(1), "{}", told(&out));
        assert!(told(&out).contains("control.db is gone"), "{}", told(&out));
    }
    assert!(!head.exists());
    std::fs::write(&control, kept).expect("writes");
    // Whoever says so goes on, and the log tells it for good.
    let accepted = run(&["audit", "repair", "--accept-loss"]);
    assert!(accepted.status.success() && told(&accepted).contains("5 to 6"), "{}", told(&accepted));
    assert!(make().status.success());
    let verified = run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", told(&verified));
    assert!(told(&verified).contains("5 says that events were lost"), "{}", told(&verified));
    assert!(!told(&verified).contains("Nothing was changed, cut or reordered"), "{}", told(&verified));
}

#[test]
fn events_are_exported_as_fhir_resources() {
    let gate = Gate::start();
    let data = gate.folder.path().join("data");
    let made = phigate(&[
        "tokens",
        "create",
        "--data",
        path(&data),
        "--name",
        "ann",
        "--environment",
        "staging:viewer",
    ]);
    assert!(made.status.success(), "{}", told(&made));
    let out = phigate(&["audit", "export", "--format", "fhir", "--data", path(&data)]);
    let lines: Vec<serde_json::Value> =
        told(&out).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!lines.is_empty());
    for resource in lines {
        assert_eq!(resource["resourceType"], "AuditEvent");
        for demanded in ["type", "recorded", "agent", "source"] {
            assert!(!resource[demanded].is_null(), "{demanded}");
        }
    }
}
