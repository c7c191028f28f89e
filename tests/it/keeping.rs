//! What is removed once its time is over, by whom, and when it isn't: the real program and its data folder.

use crate::binary::{Run, config, phigate, run, signal, text};
use crate::support::{Upstream, admin, connect, read_http};
use phigate::audit::{Audit, Event};
use phigate::secrets::Secrets;
use std::io::Write;
use std::path::PathBuf;

struct Site {
    folder: tempfile::TempDir,
    upstream: Upstream,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder"), upstream: Upstream::start() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn start(&self, sections: &str) -> Run {
        let file = self.folder.path().join("p.toml");
        std::fs::write(&file, config(self.folder.path(), self.upstream.address, "production") + sections)
            .expect("writes");
        run(&file)
    }

    /// Starts it and has it stop; gives what readiness said.
    fn once(&self, sections: &str) -> String {
        let mut run = self.start(sections);
        let ready = text(&admin(run.admin, "/readyz", "").body);
        signal(&run.child, "-TERM");
        assert_eq!(run.child.wait().expect("ends").code(), Some(0));
        ready
    }

    /// A month of the audit, a record file and a key of sealed originals, all of them long ago.
    fn grow_old(&self) -> [PathBuf; 3] {
        let data = self.data();
        let secrets = Secrets::open_or_create(&data).expect("made");
        phigate::store::Control::open(&data, secrets.pepper).expect("made");
        let audit = Audit::open(&data, secrets.audit).expect("opens");
        let month = data.join("audit/2001-01.jsonl");
        let time = "2001-01-31T10:00:00Z".into();
        let event = Event { time, principal: "ann", decision: "allowed", ..Event::default() };
        audit.write(&event).expect("writes");
        let record = data.join("records/one/2001-01-01.db");
        let key = Secrets::folder(&data).join("seals/one/2001-01-01.key");
        for path in [&record, &key] {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
            std::fs::write(path, b"").expect("writes");
        }
        [month, record, key]
    }

    fn phigate(&self, args: &[&str]) -> String {
        let data = self.data();
        let out = phigate(&[args, &["--data", data.to_str().expect("path")]].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}{}", text(&out.stdout), text(&out.stderr));
        text(&out.stdout)
    }
}

#[test]
fn commands_remove_no_month_of_the_audit_and_the_gateway_those_that_its_configuration_says() {
    let site = Site::new();
    let [month, ..] = site.grow_old();
    site.phigate(&["keys", "create", "--environment", "one", "--name", "lab"]);
    assert!(month.exists(), "a command doesn't know for how long");
    site.once("[audit]\nretention_days = 36500\n");
    assert!(month.exists(), "a hundred years");
    site.once("");
    assert!(!month.exists(), "six years");
    site.phigate(&["audit", "verify"]);
    assert!(site.phigate(&["audit", "export"]).contains("\"audit_retired\""));
}

#[test]
fn without_records_those_there_were_and_keys_of_days_go_all_the_same() {
    let site = Site::new();
    let sealing = format!("[sealing]\nkey = \"command:echo {}\"\n", "0f".repeat(32));
    let mut run = site.start(&sealing);
    let mut stream = connect(run.gate);
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
    let old = site.grow_old();
    assert_eq!(site.once("[records]\nenabled = false\n"), "ok\n");
    // The audit's months went on from today's.
    for path in old.iter().skip(1) {
        assert!(!path.exists(), "{}", path.display());
    }
    let today = site.data().join("records/one").read_dir().expect("lists");
    assert!(today.count() > 0, "what is in its time stays");
}

#[test]
fn a_start_far_from_where_the_clock_last_was_removes_nothing_and_says_so() {
    let site = Site::new();
    let sealing = format!("[sealing]\nkey = \"command:echo {}\"\n", "0f".repeat(32));
    let old = site.grow_old();
    let clock = site.data().join("clock");
    // As a clock that jumped forty days before the operator restarted leaves it.
    let jumped = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after");
    let before_ms = jumped.as_millis() - 40 * 86_400_000;
    std::fs::write(&clock, format!("{before_ms} {before_ms} 0\n")).expect("writes");
    for sections in [sealing.as_str(), "[records]\nenabled = false\n", &sealing] {
        let ready = site.once(sections);
        assert!(ready.starts_with("ok\n") && ready.contains("retention waits for a day"), "{ready}");
        for path in &old {
            assert!(path.exists(), "{}", path.display());
        }
    }
    std::fs::remove_file(&clock).expect("is there");
    assert_eq!(site.once(&sealing), "ok\n", "a first start");
    for path in &old {
        assert!(!path.exists(), "{}", path.display());
    }
    site.phigate(&["audit", "verify"]);
    assert!(clock.exists());
}
