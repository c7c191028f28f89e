//! Backup and restore by command, of a gateway that runs.

use crate::binary::{config, phigate, run, text};
use crate::support::{PATIENT, Upstream, admin, connect, metric, read_http};
use std::io::Write;

#[test]
fn a_backup_of_a_running_gateway_restores_its_keys_records_and_audit_and_holds_no_key() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "production")).expect("writes");
    let mut gate = run(&file);
    let path = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    let made =
        phigate(&["tokens", "create", "--data", &path("data"), "--name", "r", "--environment", "one:viewer"]);
    let token = text(&made.stdout).trim().to_owned();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let mut stream = connect(gate.gate);
        write!(stream, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{PATIENT}", PATIENT.len()).expect("writes");
        ids.push(read_http(&mut stream, false).expect("an answer").header("phigate-record").to_owned());
    }
    while metric(&text(&admin(gate.admin, "/metrics", "").body), "phigate_records_written_total ") < 5 {}
    let out = phigate(&["backup", "--data", &path("data"), &path("backup")]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("keep") && text(&out.stderr).contains("data-secrets"));
    let _ = gate.child.kill();
    let _ = gate.child.wait();
    let listed = std::fs::read_to_string(folder.path().join("backup/manifest.json")).expect("a manifest");
    assert!(
        listed.contains("control.db") && !listed.contains(".key") && !listed.contains("sock"),
        "{listed}"
    );
    assert_eq!(
        phigate(&["backup", "--data", &path("data"), &path("backup")]).status.code(),
        Some(2),
        "not empty"
    );
    assert_eq!(
        phigate(&["restore", &path("backup"), "--data", &path("data")]).status.code(),
        Some(2),
        "not empty"
    );
    // The old machine is gone; its keys were kept apart.
    std::fs::remove_dir_all(path("data")).expect("removes");
    std::fs::rename(path("data-secrets"), path("kept")).expect("renames");
    let out = phigate(&["restore", &path("backup"), "--data", &path("data")]);
    assert_eq!(out.status.code(), Some(0));
    assert!(text(&out.stderr).contains("There are no keys"));
    std::fs::rename(path("kept"), path("data-secrets")).expect("renames");
    let mut gate = run(&file);
    for id in &ids {
        assert_eq!(admin(gate.admin, &format!("/v1/records/{id}"), &token).status(), 200);
    }
    let out = phigate(&["audit", "verify", "--data", &path("data")]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let _ = gate.child.kill();
}

#[test]
fn a_backup_that_was_changed_or_is_none_restores_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    phigate(&["keys", "create", "--data", &path("data"), "--environment", "one", "--name", "lab"]);
    assert_eq!(phigate(&["backup", "--data", &path("data"), &path("backup")]).status.code(), Some(0));
    assert_eq!(
        phigate(&["restore", &path("data"), "--data", &path("new")]).status.code(),
        Some(2),
        "no manifest"
    );
    let control = folder.path().join("backup/control.db");
    let mut bytes = std::fs::read(&control).expect("reads");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&control, bytes).expect("writes");
    let out = phigate(&["restore", &path("backup"), "--data", &path("new")]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("control.db is not as it was backed up"));
    assert!(!folder.path().join("new").exists());
    let manifest = folder.path().join("backup/manifest.json");
    let text_of = std::fs::read_to_string(&manifest).expect("reads").replace("control.db", "../control.db");
    std::fs::write(&manifest, text_of).expect("writes");
    assert_eq!(
        phigate(&["restore", &path("backup"), "--data", &path("new")]).status.code(),
        Some(2),
        "leads out"
    );
}
