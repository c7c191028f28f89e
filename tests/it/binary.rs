//! The real program: commands, exit codes, signals, kill -9.

use crate::support::{Upstream, admin, connect, metric, read_http, shared, tries};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_phigate");

pub(crate) fn phigate(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).stdin(Stdio::null()).output().expect("runs")
}

/// Runs it as whoever has the token.
pub(crate) fn phigate_as(token: &str, args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).env("PHIGATE_TOKEN", token).stdin(Stdio::null()).output().expect("runs")
}

fn with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(input).expect("writes");
    child.wait_with_output().expect("ends")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_demo_holds_every_expectation() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("demo");
    let out = phigate(&["demo", "--once", "--data", data.to_str().expect("path")]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    let told = text(&out.stdout);
    for part in [
        "byte for byte",
        "environment_mismatch",
        "curl",
        // Rules and places, whole.
        "fhir-r4.patient-ssn-system at Bundle.entry[0].resource.identifier[1].value",
        "hl7v2.pid-19 at PID^1^19^1",
        "fhir-url.patient-birthdate at query: birthdate",
        "likely_phi: fhir-r4.patient-ssn-system",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("E08738432") && !told.contains("412-21-3456"), "a value of the tour is printed");
    let mut stack = vec![data];
    while let Some(path) = stack.pop() {
        let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: others may read it", path.display());
        if path.is_dir() {
            stack.extend(std::fs::read_dir(&path).expect("reads").flatten().map(|e| e.path()));
        }
    }
}

#[test]
fn check_tells_all_problems_and_exits_78() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("bad.toml");
    std::fs::write(&file, "[[environment]]\nname = \"a\"\nflag = \"stagging\"\n[[listener]]\nname = \"l\"\naddress = \"here\"\nport = 1\n").expect("writes");
    let out = phigate(&["check", file.to_str().expect("path")]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(78), "{told}");
    for part in [
        "line 3: environment[0].flag",
        "did you mean `staging`",
        "line 6: listener[0].address",
        "line 7: listener[0].port",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/phigate.toml");
    assert_eq!(phigate(&["check", good.to_str().expect("path")]).status.code(), Some(0));
    let absent = phigate(&["check", "/nowhere.toml"]);
    assert_eq!(
        (absent.status.code(), &*text(&absent.stderr)),
        (Some(2), "phigate check: /nowhere.toml: no such file\n")
    );
}

#[test]
fn scan_finds_decides_and_prints_no_value() {
    let patient = crate::support::PATIENT;
    let out = with_input(&["scan"], patient.as_bytes());
    assert_eq!(out.status.code(), Some(1));
    let told = text(&out.stdout);
    assert!(told.contains("block (likely_phi)") && told.contains("Patient.name[0].family"), "{told}");
    assert!(!told.contains("Okafor") && !told.contains("E08738432"));
    assert_eq!(
        with_input(&["scan"], b"{\"resourceType\":\"ValueSet\",\"status\":\"active\"}").status.code(),
        Some(0)
    );
    assert_eq!(phigate(&["scan", "/nowhere.json"]).status.code(), Some(2));
    let told = text(&with_input(&["scan", "--environment", "production"], patient.as_bytes()).stdout);
    assert!(told.contains("would block in development"), "{told}");
}

#[test]
fn explain_tells_why_person_by_person_and_prints_no_value() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("bundle.json");
    let bundle = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1","name":[{"family":"Okafor","given":["Darnell"]},{"family":"Okafor"}],"birthDate":"1962-06-22"}},{"resource":{"resourceType":"Patient","id":"2","name":[{"family":"Iyer"}],"telecom":[{"system":"phone","value":"(415) 555-0134"}]}},{"resource":{"resourceType":"Practitioner","identifier":[{"type":{"coding":[{"code":"SS"}]},"value":"412-21-3456"}]}}]}"#;
    std::fs::write(&file, bundle).expect("writes");
    let out = phigate(&["explain", file.to_str().expect("path")]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{told}");
    for part in [
        "refused: likely_phi",
        "person 1: 90 points",
        "birth-date         fhir-r4.patient-birth-date       counts",
        "not again: a family-name counts once",
        "person 2: 0 points; made up: no number and no contact",
        "not counted: reserved-or-dummy",
        "nobody's",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for value in ["Okafor", "Darnell", "1962", "555", "412-21", "Iyer"] {
        assert!(!told.contains(value), "{value} is told");
    }
    assert_eq!(phigate(&["explain", "/nowhere.json"]).status.code(), Some(2));
}

#[test]
fn a_key_that_opens_nothing_is_told_when_the_gateway_starts() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let config = folder.path().join("phigate.toml");
    let lines = "[admin]\naddress = \"127.0.0.1:0\"\n[[environment]]\nname = \"staging\"\nflag = \"staging\"\n[[listener]]\nname = \"l\"\naddress = \"127.0.0.1:0\"\nenvironment = \"staging\"\ncallers = \"any\"\n[[connection]]\nname = \"c\"\nenvironment = \"staging\"\nupstream = \"http://127.0.0.1:9\"\n";
    std::fs::write(&config, format!("data_dir = {data:?}\n{lines}")).expect("writes");
    let made = phigate(&[
        "keys",
        "create",
        "--data",
        data.to_str().expect("path"),
        "--environment",
        "stagging",
        "--name",
        "lab",
    ]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let mut child = Command::new(PROGRAM)
        .args(["run", "--log", "json", "--config"])
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let log = BufReader::new(child.stderr.take().expect("piped"));
    let told = log.lines().map_while(Result::ok).find(|line| line.contains("A key opens nothing"));
    child.kill().expect("kills");
    child.wait().expect("ends");
    assert!(told.is_some_and(|line| line.contains("stagging")));
}

#[test]
fn the_log_tells_how_the_store_failed_a_reader() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    let upstream = Upstream::start();
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut child = Command::new(PROGRAM)
        .args(["run", "--config"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let told = log.find(|line| line.contains("The admin side listens.")).expect("a line");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let address = told["address"].as_str().expect("text").parse().expect("an address");
    let database = rusqlite::Connection::open(folder.path().join("data/control.db")).expect("opens");
    database.execute("DROP TABLE reader_token", []).expect("drops");
    let answer = admin(address, "/v1/me", "pht_x_y");
    let told = log.find(|line| line.contains("The store failed a reader's request."));
    child.kill().expect("kills");
    child.wait().expect("ends");
    assert_eq!(answer.status(), 500);
    let told = told.expect("a line");
    assert!(told.contains("the database refused: code 1"), "{told}");
}

#[test]
fn scan_jsonl_answers_line_by_line() {
    let lines = "{\"id\":1,\"text\":\"Patient: Darnell Okafor, DOB 06/22/1962, SSN 412-21-3456\",\"format\":\"text\"}\n{\"id\":\"b\",\"text\":\"hello\"}\n";
    let out = with_input(&["scan", "--jsonl"], lines.as_bytes());
    assert_eq!(out.status.code(), Some(1));
    let told = text(&out.stdout);
    let answers: Vec<serde_json::Value> =
        told.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!((answers[0]["id"].as_i64(), answers[0]["verdict"].as_str()), (Some(1), Some("block")));
    let spans = answers[0]["spans"].as_array().expect("spans");
    assert!(spans.iter().any(|s| s["category"] == "SSN" && s["start"] == 45 && s["end"] == 56), "{spans:?}");
    assert_eq!((answers[1]["verdict"].as_str(), answers[1]["points"].as_i64()), (Some("allow"), Some(0)));
    // Why it blocks, and what can't be read; a media type is a format, and an unknown one is told, without its word.
    let lines = "{\"id\":1,\"text\":\"<a><b></a>\",\"format\":\"application/xml\"}\n{\"id\":2,\"text\":\"hello\",\"format\":\"okafor\"}\n";
    let out = with_input(&["scan", "--jsonl"], lines.as_bytes());
    let told = text(&out.stdout);
    let answers: Vec<serde_json::Value> =
        told.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let why = |n: usize| (answers[n]["reason"].clone(), answers[n]["uninspected"].clone());
    assert_eq!(why(0), (serde_json::json!("uninspected"), serde_json::json!(["malformed"])));
    assert_eq!(why(1), (serde_json::Value::Null, serde_json::json!([])));
    let complaint = text(&out.stderr);
    assert!(
        complaint.contains("1 lines have an unknown `format`") && !complaint.contains("okafor"),
        "{complaint}"
    );
    let bad = with_input(&["scan", "--jsonl"], b"{\"id\":1,\"text\":\"Okafor");
    assert_eq!(bad.status.code(), Some(2));
    assert!(!text(&bad.stderr).contains("Okafor"));
}

#[test]
fn scan_jsonl_catches_every_real_message_of_the_formats_that_have_walkers() {
    let Some(corpus) = shared("corpora/dev/messages.jsonl") else {
        eprintln!("skipped 1 corpus: none here");
        return;
    };
    let out = phigate(&["scan", "--jsonl", corpus.to_str().expect("path")]);
    let told = text(&out.stdout);
    let verdicts: std::collections::HashMap<String, bool> = told
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON"))
        .map(|v| (v["id"].as_str().unwrap_or_default().to_owned(), v["verdict"] == "block"))
        .collect();
    let (mut real, mut caught, mut clean, mut wrong) = (0, 0, 0, 0);
    for line in std::fs::read_to_string(corpus).expect("reads").lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let blocked = verdicts[record["id"].as_str().expect("id")];
        match (record["class"].as_str(), record["format"].as_str()) {
            (Some("real"), _) => (real, caught) = (real + 1, caught + usize::from(blocked)),
            (Some("clean"), Some("fhir-json" | "hl7v2" | "redox-json" | "form" | "text")) => {
                (clean, wrong) = (clean + 1, wrong + usize::from(blocked))
            }
            _ => {}
        }
    }
    assert!(real > 500 && caught * 100 >= real * 99, "{caught} of {real}");
    assert!(clean > 300 && wrong * 100 <= clean, "{wrong} of {clean}");
}

pub(crate) struct Run {
    pub(crate) child: Child,
    pub(crate) gate: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A test that fails leaves none behind.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `phigate run` with the configuration, and reads from its log where it listens.
pub(crate) fn run(config: &Path) -> Run {
    started(Command::new(PROGRAM).args(["run", "--config"]).arg(config))
}

pub(crate) fn started(command: &mut Command) -> Run {
    let mut child = command.stderr(Stdio::piped()).spawn().expect("runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let (mut gate, mut admin) = (None, None);
    while gate.is_none() || admin.is_none() {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("reads") > 0, "the program ended");
        let event: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON line: {line}"));
        let address = event["address"].as_str().and_then(|a| a.parse().ok());
        match event["message"].as_str() {
            Some("Listening.") => gate = address,
            Some("The admin side listens.") => admin = address,
            _ => {}
        }
    }
    // The rest of the log has to go somewhere.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Run { child, gate: gate.expect("told"), admin: admin.expect("told") }
}

pub(crate) fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs").success()
    );
}

pub(crate) fn config(folder: &Path, upstream: SocketAddr, flag: &str) -> String {
    format!(
        "data_dir = {:?}\nthreads = 1\n[admin]\naddress = \"127.0.0.1:0\"\n[[environment]]\nname = \"one\"\nflag = \"{flag}\"\n[[listener]]\nname = \"l\"\naddress = \"127.0.0.1:0\"\nenvironment = \"one\"\ncallers = \"any\"\n[[connection]]\nname = \"c\"\nenvironment = \"one\"\nupstream = \"http://{upstream}\"\n",
        folder.join("data")
    )
}

fn post(gate: SocketAddr, body: &str, key: &str) -> Option<(u16, String)> {
    let mut stream = std::net::TcpStream::connect(gate).ok()?;
    let key = if key.is_empty() { String::new() } else { format!("Phigate-Key: {key}\r\n") };
    write!(stream, "POST /fhir/Patient HTTP/1.1\r\nHost: g\r\n{key}Content-Type: application/fhir+json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    let reply = read_http(&mut stream, false)?;
    Some((reply.status(), reply.header("phigate-record").to_owned()))
}

#[test]
fn keys_made_by_command_are_known_within_a_moment_and_sigterm_stops_cleanly() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(
        &file,
        config(folder.path(), upstream.address, "staging").replace("callers = \"any\"", "callers = \"keys\""),
    )
    .expect("writes");
    let mut run = run(&file);
    let data = folder.path().join("data");
    let data = data.to_str().expect("path");
    let key =
        text(&phigate(&["keys", "create", "--data", data, "--environment", "one", "--name", "lab"]).stdout)
            .trim()
            .to_owned();
    assert!(key.starts_with("phk_"), "{key}");
    let accepted =
        |want: u16| tries().any(|()| post(run.gate, "{}", &key).is_some_and(|(status, _)| status == want));
    assert!(accepted(200), "the key is never known");
    let id = key.split('_').nth(1).expect("id").to_owned();
    assert_eq!(phigate(&["keys", "revoke", "--data", data, &id]).status.code(), Some(0));
    assert!(accepted(401), "the key is never revoked");
    signal(&run.child, "-TERM");
    assert_eq!(run.child.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_key_is_revoked_while_a_secret_of_a_connection_can_t_be_read() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let secret = folder.path().join("token");
    std::fs::write(&secret, "made-up").expect("writes");
    let file = folder.path().join("p.toml");
    let text_of = config(folder.path(), upstream.address, "staging").replace("\"any\"", "\"keys\"");
    let secrets = format!("secret_headers = {{ Authorization = \"command:cat {}\" }}\n", secret.display());
    std::fs::write(&file, text_of + &secrets).expect("writes");
    let data = folder.path().join("data");
    let data = data.to_str().expect("path");
    let made = phigate(&["keys", "create", "--data", data, "--environment", "one", "--name", "lab"]);
    let key = text(&made.stdout).trim().to_owned();
    let mut run = run(&file);
    assert_eq!(post(run.gate, "{}", &key).map(|r| r.0), Some(200));
    std::fs::remove_file(&secret).expect("removes");
    let id = key.split('_').nth(1).expect("id").to_owned();
    assert_eq!(phigate(&["keys", "revoke", "--data", data, &id]).status.code(), Some(0));
    let revoked = tries().any(|()| post(run.gate, "{}", &key).is_some_and(|(status, _)| status == 401));
    assert!(revoked, "the key is never revoked");
    let metrics = text(&admin(run.admin, "/metrics", "").body);
    assert_eq!(metric(&metrics, "phigate_control_current "), 1);
    signal(&run.child, "-TERM");
    assert_eq!(run.child.wait().expect("ends").code(), Some(0));
}

#[test]
fn sighup_takes_over_a_good_file_and_keeps_the_old_for_a_bad_one() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    let good = config(folder.path(), upstream.address, "staging");
    std::fs::write(&file, &good).expect("writes");
    let mut run = run(&file);
    let scrape = |line: &str| metric(&text(&admin(run.admin, "/metrics", "").body), line);
    let wait =
        |line: &str, want: u64| assert!(tries().any(|()| scrape(line) == want), "{line} never is {want}");
    assert_eq!(post(run.gate, crate::support::PATIENT, "").map(|r| r.0), Some(422));
    std::fs::write(&file, "nonsense").expect("writes");
    signal(&run.child, "-HUP");
    wait("phigate_config_reloads_total{result=\"failed\"}", 1);
    assert_eq!(post(run.gate, crate::support::PATIENT, "").map(|r| r.0), Some(422));
    std::fs::write(&file, good.replace("flag = \"staging\"", "flag = \"staging\"\nmode = \"off\""))
        .expect("writes");
    signal(&run.child, "-HUP");
    wait("phigate_config_reloads_total{result=\"ok\"}", 1);
    assert_eq!(post(run.gate, crate::support::PATIENT, "").map(|r| r.0), Some(200));
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn a_changed_file_is_taken_over_without_a_signal_and_certificates_are_too() {
    use crate::certificates::{Authority, tls};
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let authority = Authority::new();
    let certificate = authority.issue("a.example").write(folder.path(), "a");
    let file = folder.path().join("p.toml");
    let good = config(folder.path(), upstream.address, "staging");
    let listener = format!("callers = \"any\"\n[listener.tls]\ncertificates = [{certificate}]\n");
    let good = good.replace("callers = \"any\"\n", &listener);
    std::fs::write(&file, &good).expect("writes");
    let mut run = run(&file);
    let client = authority.client(None, &[]);
    let send = || {
        let mut stream = tls(run.gate, "a.example", client.clone());
        let body = crate::support::PATIENT;
        write!(stream, "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("writes");
        let status = read_http(&mut stream, false).expect("an answer").status();
        (status, stream.conn.peer_certificates().map(|c| c[0].to_vec()))
    };
    let (status, first) = send();
    assert_eq!(status, 422);
    std::fs::write(&file, good.replace("flag = \"staging\"", "flag = \"staging\"\nmode = \"off\""))
        .expect("writes");
    assert!(tries().any(|()| send().0 == 200), "the file's change is never seen");
    authority.issue("a.example").write(folder.path(), "a");
    let is_new = || authority.client(None, &[]);
    let changed = tries().any(|()| {
        let mut stream = tls(run.gate, "a.example", is_new());
        let _ = write!(stream, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        let _ = read_http(&mut stream, false);
        stream.conn.peer_certificates().map(|c| c[0].to_vec()) != first
    });
    assert!(changed, "the certificate's change is never seen");
    let failed = "phigate_config_reloads_total{result=\"failed\"}";
    assert_eq!(metric(&text(&admin(run.admin, "/metrics", "").body), failed), 0, "no file is read half");
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn after_kill_9_under_load_every_acknowledged_record_is_there_and_nothing_clear_is_on_disk() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "production")).expect("writes");
    let mut total = 0;
    // KILLS=200 is what was run once; each takes half a second.
    let kills: u64 = std::env::var("KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(6);
    for round in 0..kills {
        let mut run = run(&file);
        let gate = run.gate;
        let sender = std::thread::spawn(move || {
            let mut ids = Vec::new();
            while let Some((_, id)) = post(gate, crate::support::PATIENT, "") {
                ids.push(id);
            }
            ids
        });
        // Acknowledged means: counted as written, which is after the commit. One sender, one queue: written in order.
        let acknowledged = loop {
            let written =
                metric(&text(&admin(run.admin, "/metrics", "").body), "phigate_records_written_total ");
            if written > 1 + round.wrapping_mul(0x9e37_79b9) % 90 {
                break usize::try_from(written).expect("small");
            }
        };
        run.child.kill().expect("SIGKILL");
        run.child.wait().expect("ends");
        let ids = sender.join().expect("ends");
        let mut again = self::run(&file);
        let data = folder.path().join("data");
        let token = text(
            &phigate(&[
                "tokens",
                "create",
                "--data",
                data.to_str().expect("path"),
                "--name",
                "r",
                "--environment",
                "one:viewer",
            ])
            .stdout,
        )
        .trim()
        .to_owned();
        for id in ids.iter().take(acknowledged) {
            assert_eq!(
                admin(again.admin, &format!("/v1/records/{id}"), &token).status(),
                200,
                "an acknowledged record is lost"
            );
            total += 1;
        }
        signal(&again.child, "-TERM");
        again.child.wait().expect("ends");
    }
    assert!(total as u64 > 20 * kills);
    let mut stack = vec![folder.path().to_owned()];
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(std::fs::read_dir(&path).expect("reads").flatten().map(|e| e.path()));
        } else {
            let bytes = std::fs::read(&path).expect("reads");
            for value in ["Okafor", "E08738432", "1962-06-22"] {
                assert!(memchr::memmem::find(&bytes, value.as_bytes()).is_none(), "{}", path.display());
            }
        }
    }
}

#[test]
fn a_signal_right_behind_the_first_line_of_the_log_is_handled() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    for _ in 0..10 {
        let mut command = Command::new(PROGRAM);
        let mut child =
            command.args(["run", "--config"]).arg(&file).stderr(Stdio::piped()).spawn().expect("runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        log.read_line(&mut String::new()).expect("reads");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("sent");
        // The rest of the log has to go somewhere.
        std::io::copy(&mut log, &mut std::io::sink()).expect("reads");
        assert_eq!(child.wait().expect("ends").code(), Some(0));
    }
}

#[test]
fn a_small_soft_limit_on_open_files_is_raised() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let limited = "ulimit -Sn 64; exec \"$0\" run --config \"$1\"";
    let mut run = started(Command::new("sh").args(["-c", limited, PROGRAM]).arg(&file));
    let idle: Vec<_> = (0..100).map(|_| connect(run.gate)).collect();
    assert_eq!(post(run.gate, "{}", "").map(|r| r.0), Some(200));
    let scrape = |line: &str| metric(&text(&admin(run.admin, "/metrics", "").body), line);
    assert_eq!(scrape("phigate_connection_events_total{event=\"accepted\"}"), 101);
    assert_eq!(scrape("phigate_connection_events_total{event=\"accept_error\"}"), 0);
    drop(idle);
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn too_few_open_files_to_serve_anybody_are_told_at_the_start() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), ([127, 0, 0, 1], 9).into(), "staging")).expect("writes");
    let limited = "ulimit -n 64; exec \"$0\" run --config \"$1\"";
    let out = Command::new("sh").args(["-c", limited, PROGRAM]).arg(&file).output().expect("runs");
    assert_eq!(out.status.code(), Some(1));
    let told = text(&out.stderr);
    assert!(told.contains("gives 64 open files") && told.contains("85 are needed"), "{told}");
}

#[test]
fn a_file_that_may_not_grow_is_a_full_disk_and_ends_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    let log = folder.path().join("access.jsonl");
    let logged =
        format!("{}[access_log]\nfile = {log:?}\n", config(folder.path(), upstream.address, "production"));
    std::fs::write(&file, logged).expect("writes");
    let limited = "ulimit -Sf 4000; exec \"$0\" run --config \"$1\"";
    let mut run = started(Command::new("sh").args(["-c", limited, PROGRAM]).arg(&file));
    let scrape = |line: &str| metric(&text(&admin(run.admin, "/metrics", "").body), line);
    let sent = |until: &dyn Fn() -> bool| {
        (0..400).any(|_| {
            for _ in 0..50 {
                assert_eq!(post(run.gate, crate::support::PATIENT, "").map(|r| r.0), Some(200));
            }
            until()
        })
    };
    let dropped = "phigate_records_dropped_total{reason=\"store\"}";
    assert!(sent(&|| scrape(dropped) > 0), "no file comes to its limit");
    assert!(sent(&|| scrape("phigate_access_log_dropped_total ") > 0), "the access log doesn't, either");
    let pid = rustix::process::Pid::from_child(&run.child);
    let limit = |bytes| {
        let of = rustix::process::Resource::Fsize;
        rustix::process::prlimit(Some(pid), of, rustix::process::Rlimit { current: bytes, maximum: None })
            .expect("limited");
    };
    limit(None);
    let before = scrape("phigate_records_written_total ");
    assert!(sent(&|| scrape("phigate_records_written_total ") > before), "records aren't kept again");
    signal(&run.child, "-TERM");
    assert_eq!(run.child.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_start_without_space_says_where_it_has_none() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), ([127, 0, 0, 1], 9).into(), "production")).expect("writes");
    let limited = "ulimit -f 40; exec \"$0\" run --config \"$1\"";
    let out = Command::new("sh").args(["-c", limited, PROGRAM]).arg(&file).output().expect("runs");
    let told = text(&out.stderr);
    assert_eq!(out.status.code(), Some(74), "{told}");
    let data = folder.path().join("data");
    assert!(told.contains(&format!("no space in {}", data.display())), "{told}");
}

#[test]
fn descriptors_that_ran_out_are_the_gateways_own_fault_and_no_endpoints() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    // Of its answers none leaves a connection for the next message.
    upstream.answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    let ejecting = "ejection = { failures = 1, base_ms = 600000, percent_max = 100 }\n";
    std::fs::write(&file, config(folder.path(), upstream.address, "production") + ejecting).expect("writes");
    let mut run = started(Command::new(PROGRAM).args(["run", "--config"]).arg(&file));
    let mut caller = connect(run.gate);
    let mut ask = || {
        write!(caller, "GET /x HTTP/1.1\r\nHost: g\r\n\r\n").expect("writes");
        read_http(&mut caller, false).expect("an answer")
    };
    assert_eq!(ask().status(), 200);
    // From now on it has what it has open, and not one more.
    let pid = rustix::process::Pid::from_child(&run.child);
    let limit = |files| {
        let of = rustix::process::Resource::Nofile;
        let before =
            rustix::process::prlimit(Some(pid), of, rustix::process::getrlimit(of)).expect("a limit");
        let limited = rustix::process::Rlimit { current: files, ..before };
        rustix::process::prlimit(Some(pid), of, limited).expect("limited");
    };
    limit(Some(3));
    let reply = ask();
    assert_eq!((reply.status(), reply.header("phigate-reason")), (503, "overloaded"));
    assert!(!reply.header("retry-after").is_empty());
    limit(rustix::process::getrlimit(rustix::process::Resource::Nofile).current);
    assert_eq!(ask().status(), 200, "the endpoint isn't left out");
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn callers_leave_open_files_for_whoever_asks_how_it_is() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let limited = "ulimit -n 160; exec \"$0\" run --config \"$1\"";
    let mut run = started(Command::new("sh").args(["-c", limited, PROGRAM]).arg(&file));
    let callers: Vec<_> = (0..300).map(|_| connect(run.gate)).collect();
    assert_eq!(admin(run.admin, "/livez", "").status(), 200);
    let told = text(&admin(run.admin, "/metrics", "").body);
    assert_eq!(metric(&told, "phigate_connection_events_total{event=\"accept_error\"}"), 0);
    drop(callers);
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn a_port_that_somebody_else_has_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let out = Command::new(PROGRAM)
        .args(["run", "--upstream", "http://127.0.0.1:1", "--environment", "staging"])
        .args([
            "--listen",
            &taken.local_addr().expect("address").to_string(),
            "--data",
            folder.path().join("d").to_str().expect("path"),
        ])
        .output()
        .expect("runs");
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("can't bind"), "{}", text(&out.stderr));
}

#[test]
fn logs_hold_no_payload_at_any_level() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut child = Command::new(PROGRAM)
        .args(["run", "--config", file.to_str().expect("path")])
        .env("PHIGATE_LOG", "trace")
        .env("RUST_LOG", "trace")
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut told = String::new();
    let gate: SocketAddr = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("reads") > 0, "the program ended");
        told += &line;
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if event["message"] == "Listening." {
            break event["address"].as_str().and_then(|a| a.parse().ok()).expect("address");
        }
    };
    for request in [
        "POST /Quillfeather/x?ssn=412-21-7834 HTTP/1.1\r\nHost: Quillfeather\r\nX-Quillfeather: Quillfeather\r\nContent-Length: 12\r\n\r\nQuillfeather",
        "POST /x HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"Quillfeather",
        "QUILLFEATHER /Quillfeather HTTP/1.1\r\nHost: g\r\n\r\n",
        "GET /Quillfeather/../x HTTP/1.1\r\nHost: g\r\n\r\n",
        "Quillfeather garbage 412-21-7834\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: g\r\nContent-Length: Quillfeather\r\n\r\n",
    ] {
        let mut stream = connect(gate);
        stream.write_all(request.as_bytes()).expect("writes");
        let _ = read_http(&mut stream, false);
    }
    signal(&child, "-TERM");
    std::io::Read::read_to_string(&mut log, &mut told).expect("reads");
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    assert!(told.contains("A message was refused."), "{told}");
    for word in ["quillfeather", "412-21-7834"] {
        assert!(!told.to_lowercase().contains(word), "a log line holds payload");
    }
}

#[test]
fn records_are_read_by_command() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut run = run(&file);
    let (_, id) = post(run.gate, crate::support::PATIENT, "").expect("an answer");
    let data = folder.path().join("data");
    let token = phigate(&[
        "tokens",
        "create",
        "--data",
        data.to_str().expect("path"),
        "--name",
        "r",
        "--environment",
        "one:support",
    ]);
    let token = text(&token.stdout).trim().to_owned();
    let records = |args: &[&str], token: &str| {
        let admin = format!("http://{}", run.admin);
        Command::new(PROGRAM)
            .args(["records", "--admin", &admin])
            .args(args)
            .env("PHIGATE_TOKEN", token)
            .output()
            .expect("runs")
    };
    // Written within a moment: the writer waits for others at most five milliseconds.
    let found =
        tries().any(|()| text(&records(&["search", "--decision", "refused"], &token).stdout).contains(&id));
    assert!(found, "the record doesn't appear");
    let shown = records(&["show", &id], &token);
    assert_eq!(shown.status.code(), Some(0));
    assert!(
        text(&shown.stdout).contains("likely_phi") && text(&shown.stdout).contains("withheld"),
        "{}",
        text(&shown.stdout)
    );
    let json: serde_json::Value =
        serde_json::from_slice(&records(&["--json", "show", &id], &token).stdout).expect("JSON");
    assert_eq!(json["record"]["id"], id);
    assert_eq!(records(&["show", "nothing"], &token).status.code(), Some(1));
    assert_eq!(records(&["counts", "--decision", "refused"], &token).status.code(), Some(0));
    assert_eq!(
        records(&["counts", "--limit", "1"], &token).status.code(),
        Some(2),
        "counts are of all that fits"
    );
    assert_eq!(records(&["search", "--limit", "0"], &token).status.code(), Some(1));
    assert_eq!(records(&["search"], "pht_wrong_token").status.code(), Some(1));
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn a_configuration_that_can_t_be_read_again_is_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut run = run(&file);
    std::fs::remove_file(&file).expect("removes");
    std::fs::create_dir(&file).expect("a folder can't be read as a file");
    signal(&run.child, "-HUP");
    let begun = std::time::Instant::now();
    loop {
        let text = text(&crate::support::admin(run.admin, "/metrics", "").body);
        let metric = |line: &str| crate::support::metric(&text, line);
        if metric("phigate_config_reloads_total{result=\"failed\"}") > 0 {
            assert_eq!(metric("phigate_config_current "), 0);
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "it is never counted");
    }
    signal(&run.child, "-TERM");
    assert!(run.child.wait().expect("ends").success());
}
