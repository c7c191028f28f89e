//! The real program under a clock that is set forward and back (libfaketime; time itself goes on as it does).

use crate::binary::{config, phigate, phigate_as, started, text};
use crate::support::{FHIR, PATIENT, Upstream, admin, ask, connect, read_http, tries};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_phigate");

/// The library; `None` where the package `faketime` isn't there, which is a failure under CI.
fn library() -> Option<PathBuf> {
    let machine = Path::new("/usr/lib").read_dir().expect("lists").flatten();
    let found = machine.map(|e| e.path().join("faketime/libfaketime.so.1")).find(|path| path.exists());
    assert!(found.is_some() || std::env::var("CI").is_err(), "the package faketime is absent under CI");
    found
}

#[test]
fn a_clock_that_jumps_is_told_where_readiness_is_and_ends_a_break_glass() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let clock = folder.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, format!("{offset}\n")).expect("writes");
    set("+0");
    let (upstream, webhook) = (Upstream::start(), Upstream::start());
    let file = folder.path().join("p.toml");
    let sections = format!(
        "[sealing]\nkey = \"command:echo {}\"\n[break_glass]\nwebhook = \"http://{}/n\"\n",
        "0f".repeat(32),
        webhook.address
    );
    std::fs::write(&file, config(folder.path(), upstream.address, "production") + &sections).expect("writes");
    let mut run = started(
        Command::new(PROGRAM)
            .args(["run", "--config"])
            .arg(&file)
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    );
    let data = folder.path().join("data");
    let data = data.to_str().expect("path");
    let owner = text(&phigate(&["org", "init", "--data", data, "--owner", "olga"]).stdout).trim().to_owned();
    let address = format!("http://{}", run.admin);
    let org = |args: &[&str]| {
        let out = phigate_as(&owner, &[&["org"], args, &["--admin", &address]].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", text(&out.stderr));
        text(&out.stdout).trim().to_owned()
    };
    org(&["add", "sam"]);
    org(&["assign", "sam", "one", "support"]);
    org(&["add", "sue"]);
    org(&["assign", "sue", "one", "security"]);
    let (sam, sue) = (org(&["token", "sam"]), org(&["token", "sue"]));
    org(&["seal", "c", "on", "--reason", "an audit"]);
    let made = phigate(&["keys", "create", "--data", data, "--environment", "one", "--name", "lab"]);
    let key = text(&made.stdout).trim().to_owned();
    // Key and sealing hold within a second.
    let sent = || {
        let mut stream = connect(run.gate);
        let length = PATIENT.len();
        write!(stream, "POST /x HTTP/1.1\r\nHost: a\r\nPhigate-Key: {key}\r\n{}: {}\r\nContent-Length: {length}\r\n\r\n{PATIENT}", FHIR.0, FHIR.1)
            .expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        if reply.status() != 200 {
            return None; // the key isn't known yet
        }
        let id = reply.header("phigate-record").to_owned();
        let path = format!("/v1/records/{id}");
        let mut answers = tries().map(|()| admin(run.admin, &path, &sam));
        let shown = answers.find(|answer| answer.status() == 200).expect("it is written").json();
        (shown["record"]["sealed"] == true).then_some(id)
    };
    let record = tries().find_map(|()| sent()).expect("it is sealed");
    let open = || {
        let body =
            json!({"environment": "one", "records": [record], "reason": "wrong chart", "ticket": "T-1"});
        let answer = ask(run.admin, ("POST", "/v1/break-glass"), &sam, &[], &body.to_string());
        assert_eq!(answer.status(), 201, "{answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    };
    let fields = admin(run.admin, &format!("/v1/records/{record}"), &sam).json()["fields"].clone();
    let mrn =
        fields.as_array().expect("fields").iter().find(|f| f["shows"] == "[mrn]").expect("one")["field"]
            .clone();
    let reveal = |id: &str| {
        let body = json!({"record": record, "field": mrn});
        ask(run.admin, ("POST", &format!("/v1/break-glass/{id}/reveals")), &sam, &[], &body.to_string())
            .status()
    };
    let review = |id: &str| {
        let body = json!({"outcome": "justified"});
        ask(run.admin, ("POST", &format!("/v1/break-glass/{id}/review")), &sue, &[], &body.to_string())
            .status()
    };
    let ready = || text(&admin(run.admin, "/readyz", "").body);
    assert_eq!(ready(), "ok\n");
    for jump in ["+2h", "-2h"] {
        let id = open();
        assert_eq!(reveal(&id), 200);
        set(jump);
        assert_eq!(reveal(&id), 409, "{jump}");
        assert_eq!(review(&id), 200);
        if jump == "+2h" {
            set("+0");
        }
    }
    while !ready().contains("retention is frozen") {}
    set("+0");
    while ready() != "ok\n" {}
    let _ = run.child.kill();
}
