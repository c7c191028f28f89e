//! What operators do to it, and what befalls the machine: logs and outputs that can't be written, keys that are gone, a
//! second start, files that are missing.

use crate::binary::{PROGRAM, Run, config, phigate, run, signal, text};
use crate::support::{PATIENT, Upstream, admin, connect, metric, read_http};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("opens").into()
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn refused(gate: SocketAddr) {
    let mut stream = connect(gate);
    write!(stream, "POST /x HTTP/1.1\r\nHost: g\r\nContent-Type: application/fhir+json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{PATIENT}", PATIENT.len()).expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 422);
}

/// Refuses messages, counts the lines that it can't write, and stops as it is told.
fn goes_on(mut child: Child, gate: SocketAddr, side: SocketAddr) {
    for _ in 0..3 {
        refused(gate);
    }
    let metrics = text(&admin(side, "/metrics", "").body);
    assert!(metric(&metrics, "phigate_log_lines_lost_total ") >= 3, "{metrics}");
    signal(&child, "-TERM");
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_log_whose_disk_is_full_stops_no_message() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    // Where it listens can't be read from its log.
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let (gate, side) = (free(), free());
    let of = config(folder.path(), upstream.address, "staging");
    let of = of.replacen("127.0.0.1:0", &side.to_string(), 1).replacen("127.0.0.1:0", &gate.to_string(), 1);
    std::fs::write(&file, of).expect("writes");
    let mut command = Command::new(PROGRAM);
    command.args(["run", "--config"]).arg(&file).stdout(full()).stderr(full());
    let mut child = command.spawn().expect("runs");
    wait("it listens", || {
        assert_eq!(child.try_wait().expect("waits"), None, "it ended");
        std::net::TcpStream::connect(gate).is_ok() && std::net::TcpStream::connect(side).is_ok()
    });
    goes_on(child, gate, side);
}

#[test]
fn a_log_whose_reader_is_gone_stops_no_message() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut command = Command::new(PROGRAM);
    let mut child =
        command.args(["run", "--config"]).arg(&file).stderr(Stdio::piped()).spawn().expect("runs");
    let (mut gate, mut side) = (None, None);
    for line in BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok) {
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let address = || event["address"].as_str().and_then(|a| a.parse().ok());
        match event["message"].as_str() {
            Some("Listening.") => gate = address(),
            Some("The admin side listens.") => side = address(),
            _ => {}
        }
        if gate.is_some() && side.is_some() {
            break; // and nobody reads any more
        }
    }
    goes_on(child, gate.expect("told"), side.expect("told"));
}

/// Runs it with a standard output of its own kind.
fn to(stdout: Stdio, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    let mut child = command.args(args).stdout(stdout).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take()); // a pipe that nobody reads
    child.wait_with_output().expect("ends")
}

#[test]
fn what_can_t_be_printed_is_an_error_and_a_reader_that_left_changes_no_verdict() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    std::fs::write(path("phi.json"), PATIENT).expect("writes");
    std::fs::write(path("clean.json"), "{}").expect("writes");
    let (phi, clean, data) = (path("phi.json"), path("clean.json"), path("data"));
    let create = ["keys", "create", "--data", &data, "--environment", "staging", "--name", "lab"];
    assert!(phigate(&create).status.success());
    for args in [
        &["scan", &phi] as &[&str],
        &["scan", &clean],
        &["audit", "export", "--data", &data],
        &["keys", "list", "--data", &data],
        &create,
    ] {
        let out = to(full(), args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains("standard output can't be written"), "{}", text(&out.stderr));
    }
    for (code, args) in [
        (0, &["scan", &clean] as &[&str]),
        (1, &["scan", &phi]),
        (1, &["scan", &phi, &clean]),
        (1, &["scan", &clean, &phi]),
        (0, &["audit", "export", "--data", &data]),
    ] {
        let out = to(Stdio::piped(), args);
        assert_eq!((out.status.code(), text(&out.stderr)), (Some(code), String::new()), "{args:?}");
    }
}

/// Starts it where it has to fail; gives its exit code and what it said.
fn fails(args: &[&str], file: &Path) -> (Option<i32>, String) {
    let out = Command::new(PROGRAM).args(args).arg("--config").arg(file).output().expect("runs");
    (out.status.code(), text(&out.stderr))
}

#[test]
fn a_gateway_whose_keys_or_control_file_are_gone_starts_only_once_somebody_says_so() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let path = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    let (data, secrets) = (path("data"), path("data-secrets"));
    let stop = |mut run: Run| {
        signal(&run.child, "-TERM");
        assert_eq!(run.child.wait().expect("ends").code(), Some(0));
    };
    let started = run(&file);
    refused(started.gate);
    stop(started);
    let renew = || phigate(&["secrets", "renew", "--data", &data]);
    assert!(text(&renew().stderr).contains("Nothing is lost"));
    // All of them, as where a volume isn't mounted; then each that something was made with.
    std::fs::rename(&secrets, path("kept")).expect("renames");
    let (code, said) = fails(&["run"], &file);
    assert_eq!(code, Some(1), "{said}");
    for part in ["pepper.key", "tokens.key", "audit.key", "secrets renew"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    for command in [["keys", "list"], ["tokens", "list"], ["registry", "list"], ["audit", "verify"]] {
        assert_eq!(phigate(&[&command as &[&str], &["--data", &data]].concat()).status.code(), Some(2));
    }
    assert!(!Path::new(&secrets).exists(), "nothing is made in its place");
    std::fs::rename(path("kept"), &secrets).expect("renames");
    for name in ["pepper.key", "tokens.key", "audit.key"] {
        std::fs::remove_file(Path::new(&secrets).join(name)).expect("removes");
        let (code, said) = fails(&["run"], &file);
        assert!(code == Some(1) && said.contains(name), "{said}");
        let renewed = renew();
        assert!(
            renewed.status.success() && text(&renewed.stderr).contains(name),
            "{}",
            text(&renewed.stderr)
        );
        stop(run(&file));
        let verified = phigate(&["audit", "verify", "--data", &data]);
        assert_eq!(verified.status.code(), Some(0), "{name}: {}", text(&verified.stdout));
        let says = text(&verified.stdout).contains("are signed by an earlier key");
        assert_eq!(says, name == "audit.key", "{}", text(&verified.stdout));
    }
    // Where not all that is wanted can be made, what was made is gone again: nobody said yet that it may be.
    let [pepper, people] = ["pepper.key", "people.key"].map(|name| Path::new(&secrets).join(name));
    let kept = std::fs::read(&people).expect("reads");
    std::fs::remove_file(&people).and_then(|()| std::fs::create_dir(&people)).expect("a folder for a file");
    let was =
        std::fs::read(&pepper).and_then(|was| std::fs::remove_file(&pepper).map(|()| was)).expect("removes");
    assert!(!renew().status.success() && !pepper.exists());
    std::fs::remove_dir(&people).and_then(|()| std::fs::write(&people, kept)).expect("puts it back");
    std::fs::write(&pepper, was).expect("puts it back");
    std::fs::write(Path::new(&data).join("control.db"), "").expect("writes");
    let (code, said) = fails(&["run"], &file);
    assert!(code == Some(1) && said.contains("control.db is gone or empty"), "{said}");
    assert!(renew().status.success());
    stop(run(&file));
    let told = text(&phigate(&["audit", "export", "--data", &data]).stdout);
    assert_eq!(told.matches("renew_secrets").count(), 4, "{told}");
}

#[test]
fn what_only_reads_makes_nothing_by_a_name_that_was_mistyped() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("dta");
    let data = data.to_str().expect("path");
    for args in [
        &["keys", "list"] as &[&str],
        &["keys", "revoke", "x"],
        &["tokens", "list"],
        &["registry", "list"],
        &["fingerprints", "export", "x"],
        &["audit", "verify"],
        &["audit", "export"],
        &["secrets", "rotate-tokens"],
        &["secrets", "renew"],
        &["scan", "Cargo.toml"],
    ] {
        let out = phigate(&[args, &["--data", data]].concat());
        assert_eq!(out.status.code(), Some(2), "{args:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
}

#[test]
fn a_change_of_the_file_while_it_is_being_taken_is_taken_over() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let (file, next) = (folder.path().join("p.toml"), folder.path().join("next.toml"));
    let of = config(folder.path(), upstream.address, "staging");
    // A command that the start waits for changes the file, once.
    let script = folder.path().join("secret.sh");
    let lines = format!("[ -e {1} ] && mv {1} {0}\necho made-up\n", file.display(), next.display());
    std::fs::write(&script, lines).expect("writes");
    let secret = format!("secret_headers = {{ X-Token = \"command:sh {}\" }}\n", script.display());
    std::fs::write(&file, format!("{of}{secret}")).expect("writes");
    let off = of.replace("flag = \"staging\"", "flag = \"staging\"\nmode = \"off\"");
    std::fs::write(&next, format!("{off}{secret}")).expect("writes");
    let mut run = run(&file);
    let reloads = || {
        metric(&text(&admin(run.admin, "/metrics", "").body), "phigate_config_reloads_total{result=\"ok\"}")
    };
    wait("the change is taken over", || reloads() == 1);
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn a_second_gateway_on_a_data_folder_doesn_t_start_and_the_first_goes_on() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut first = run(&file);
    let (code, said) = fails(&["run"], &file);
    assert!(code == Some(1) && said.contains("a gateway runs on"), "{said}");
    refused(first.gate);
    // Its place can still be taken, and then the next one's.
    for _ in 0..2 {
        let next =
            crate::binary::started(Command::new(PROGRAM).args(["run", "--take-over", "--config"]).arg(&file));
        assert_eq!((next.gate, first.child.wait().expect("ends").code()), (first.gate, Some(0)));
        let (code, said) = fails(&["run"], &file);
        assert!(code == Some(1) && said.contains("a gateway runs on"), "{said}");
        first = next;
    }
    let out = phigate(&[
        "backup",
        "--data",
        folder.path().join("data").to_str().expect("path"),
        folder.path().join("backup").to_str().expect("path"),
    ]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    first.child.kill().expect("kills");
    first.child.wait().expect("ends");
    let mut after = run(&file);
    refused(after.gate);
    signal(&after.child, "-TERM");
    after.child.wait().expect("ends");
}

#[test]
fn files_and_variables_that_are_missing_are_told_all_at_once() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    let at = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging")
        .replace("http://127.0.0.1:9", "https://127.0.0.1:9")
        .replace(
            "callers = \"any\"\n",
            &format!(
                "callers = \"any\"\n[listener.tls]\ncertificates = [{{ chain = {:?}, key = {:?} }}]\n",
                at("own.pem"),
                at("own.key")
            ),
        );
    let of = format!(
        "{of}upstream_tls = {{ ca = {:?} }}\nsecret_headers = {{ Authorization = \"env:PHIGATE_NOT_SET\", X-Token = \"file:{}\" }}\n[access_log]\nfile = {:?}\n[audit]\nanchor_file = {:?}\n[[issuer]]\nname = \"idp\"\nissuer = \"https://idp.example.org\"\naudience = \"phigate\"\njwks = \"file:{}\"\nenvironment = \"one\"\n",
        at("ca.pem"),
        at("token"),
        at("no-folder/access.jsonl"),
        at("no-anchors/heads.jsonl"),
        at("jwks.json")
    );
    std::fs::write(&file, of).expect("writes");
    let path = file.to_str().expect("path");
    let offline = phigate(&["check", "--offline", path]);
    assert_eq!(offline.status.code(), Some(0), "{}", text(&offline.stdout));
    let checked = phigate(&["check", path]);
    let (code, said) = fails(&["run"], &file);
    assert_eq!((checked.status.code(), code), (Some(78), Some(78)), "{said}");
    for told in [text(&checked.stdout), said] {
        for part in [
            "listener `l`, tls: ",
            "own.pem",
            "connection `c`, upstream_tls: ",
            "ca.pem",
            "secret_headers.authorization: the variable `PHIGATE_NOT_SET`",
            "token",
            "[access_log] file: ",
            "no-folder",
            "no-anchors",
            "issuer `idp`, jwks: ",
            "p.toml: line 13: listener `l`, tls: ",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn a_key_s_environment_and_roles_are_held_against_the_configuration() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, data) = (folder.path().join("p.toml"), folder.path().join("data"));
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    std::fs::write(&file, of.replace("\"one\"", "\"staging\"")).expect("writes");
    let (file, data) = (file.to_str().expect("path"), data.to_str().expect("path"));
    let create = |what: &str, more: &[&str]| {
        phigate(&[&[what, "create", "--data", data, "--name", "n"], more].concat())
    };
    for (what, more, close) in [
        ("keys", &["--environment", "stagging"] as &[&str], "staging"),
        ("keys", &["--environment", "staging", "--role", "partnr"], "partner"),
        ("tokens", &["--environment", "stagging:viewer"], "staging"),
        ("tokens", &["--environment", "staging:suport"], "support"),
    ] {
        let told = create(what, &[more, &["--config", file]].concat());
        assert_eq!(told.status.code(), Some(2), "{more:?}");
        assert!(text(&told.stderr).contains(&format!("did you mean `{close}`?")), "{}", text(&told.stderr));
        assert!(told.stdout.is_empty());
        let warned = create(what, more);
        assert_eq!(warned.status.code(), Some(0), "{more:?}");
        let told = text(&warned.stderr);
        match more.contains(&"stagging") || more.contains(&"stagging:viewer") {
            true => assert!(told.contains("--config FILE"), "{told}"),
            false => assert!(told.contains(&format!("did you mean `{close}`?")), "{told}"),
        }
    }
    for (what, more) in [
        ("keys", &["--environment", "staging", "--role", "partner"] as &[&str]),
        ("tokens", &["--environment", "staging:viewer", "--environment", "unresolved:viewer"]),
    ] {
        let made = create(what, &[more, &["--config", file]].concat());
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    }
    // Messages that never got an environment have readers, and no callers.
    let nowhere = create("keys", &["--environment", "unresolved", "--config", file]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", text(&nowhere.stderr));
    // Without a folder told it goes into the configuration's.
    let made = phigate(&["keys", "create", "--name", "m", "--environment", "staging", "--config", file]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let listed = |data: &str| text(&phigate(&["keys", "list", "--data", data]).stdout).lines().count();
    let own = folder.path().join("data").display().to_string();
    assert_eq!(listed(&own), 4);
}

#[test]
fn an_access_log_that_was_moved_away_is_made_anew_though_the_configuration_is_bad() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let (file, log) = (folder.path().join("p.toml"), folder.path().join("access.jsonl"));
    let of = config(folder.path(), upstream.address, "staging");
    std::fs::write(&file, format!("{of}[access_log]\nfile = {log:?}\n")).expect("writes");
    let mut run = run(&file);
    std::fs::rename(&log, folder.path().join("moved")).expect("renames");
    std::fs::write(&file, "nonsense").expect("writes");
    signal(&run.child, "-HUP");
    wait("it is made anew", || {
        refused(run.gate);
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("likely_phi"))
    });
    signal(&run.child, "-TERM");
    run.child.wait().expect("ends");
}

#[test]
fn a_data_folder_that_can_t_be_made_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    std::fs::write(&file, of.replace("/data\"", "/p.toml/data\"")).expect("writes");
    let checked = phigate(&["check", file.to_str().expect("path")]);
    let (code, said) = fails(&["run"], &file);
    assert_eq!((checked.status.code(), code), (Some(78), Some(78)), "{said}");
    for told in [text(&checked.stdout), said] {
        assert!(told.contains("p.toml: line 1: data_dir: ") && told.contains("is no folder"), "{told}");
    }
}

#[test]
fn what_can_never_hold_is_not_made_and_a_new_data_folder_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("dta");
    let data = data.to_str().expect("path");
    let made = |what: &[&str], more: &[&str]| phigate(&[what, &["--data", data], more].concat());
    let key = ["keys", "create", "--environment", "dev", "--name", "k"];
    let token = ["tokens", "create", "--environment", "dev:viewer", "--name", "t"];
    for command in [&key, &token] {
        for days in ["0", "3651"] {
            assert_eq!(made(command, &["--expires-days", days]).status.code(), Some(2), "{command:?} {days}");
        }
    }
    assert!(!Path::new(data).exists());
    let new = "there is no data folder, a new one is made";
    assert!(text(&made(&key, &["--expires-days", "1"]).stderr).contains(new));
    assert!(!text(&made(&token, &["--expires-days", "3650"]).stderr).contains(new));
    // It asks no gateway: who says which one means another thing.
    let admin = ["org", "init", "--owner", "olga", "--admin", "http://127.0.0.1:1"];
    let command = || Command::new(PROGRAM);
    let out = command().args(admin).current_dir(folder.path()).output().expect("runs");
    assert!(
        out.status.code() == Some(2) && text(&out.stderr).contains("--data FOLDER"),
        "{}",
        text(&out.stderr)
    );
    assert!(!folder.path().join("phigate-data").exists());
    assert_eq!(made(&admin, &[]).status.code(), Some(0));
}

#[test]
fn a_log_in_a_file_has_no_codes_of_a_terminal_and_a_level_that_is_none_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging"))
        .expect("writes");
    let mut command = Command::new(PROGRAM);
    command
        .args(["run", "--log", "text", "--config"])
        .arg(&file)
        .env("PHIGATE_LOG", "wran")
        .env_remove("NO_COLOR");
    let mut child = command.stderr(Stdio::piped()).spawn().expect("runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut told = String::new();
    while !told.contains("The admin side listens.") {
        assert!(log.read_line(&mut told).expect("reads") > 0, "the program ended: {told}");
    }
    signal(&child, "-TERM");
    child.wait().expect("ends");
    assert!(told.contains("PHIGATE_LOG is none of error, warn") && !told.contains("wran"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn why_a_reply_is_none_is_in_the_log_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream.address, "staging")).expect("writes");
    let mut command = Command::new(PROGRAM);
    let mut child =
        command.args(["run", "--config"]).arg(&file).stderr(Stdio::piped()).spawn().expect("runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut told = |sentence: &str| loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("reads") > 0, "never: {sentence}");
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if event["message"] == sentence {
            return event;
        }
    };
    let gate: SocketAddr = told("Listening.")["address"].as_str().and_then(|a| a.parse().ok()).expect("told");
    for (reply, why) in [
        ("secret\r\n\r\n", "it doesn't begin as one of HTTP/1.1"),
        ("HTTP/1.1 700 OK\r\nContent-Length: 0\r\n\r\n", "its status is over 599"),
        ("HTTP/1.1 200 OK\r\nX: secret\nContent-Length: 0\r\n\r\n", "a bare LF in its head"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "it has two lengths"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}secret", "bytes behind its end"),
        ("HTTP/1.1 304 OK\r\nContent-Length: 6\r\n\r\nsecret", "a body behind a head that has none"),
        (
            "HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "it switches to what it wasn't asked for",
        ),
    ] {
        upstream.answer(reply.as_bytes());
        let mut stream = connect(gate);
        stream.write_all(b"GET /x HTTP/1.1\r\nHost: g\r\n\r\n").expect("writes");
        let answer = read_http(&mut stream, false).expect("an answer");
        assert_eq!((answer.status(), answer.header("phigate-reason")), (502, "upstream_invalid"), "{why}");
        assert!(!text(&answer.body).contains(why), "{}", text(&answer.body));
        let error = told("A message got no reply.")["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(error, format!("upstream `c` sent what is no HTTP reply: {why}"));
    }
    child.kill().and_then(|()| child.wait()).expect("ends");
}

#[test]
fn check_tells_of_sockets_and_programs_that_a_start_would_stumble_over() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    let check = |of: &str, more: &[&str]| {
        std::fs::write(&file, of).expect("writes");
        let out = phigate(&[&["check", file.to_str().expect("path")] as &[&str], more].concat());
        (out.status.code(), text(&out.stdout))
    };
    let listener = |name: &str, address: &str| {
        format!("[[listener]]\nname = \"{name}\"\naddress = \"{address}\"\nenvironment = \"one\"\n")
    };
    let pair = |any: &str, one: &str| of.clone() + &listener("any", any) + &listener("one", one);
    let overlaps = "listener `one`.address: listener `any` has all addresses of port 8099";
    for (any, one, are_told) in [
        ("0.0.0.0:8099", "127.0.0.1:8099", true),
        ("[::]:8099", "127.0.0.1:8099", true),
        ("[::]:8099", "[::1]:8099", true),
        ("0.0.0.0:8099", "[::1]:8099", false),
        ("0.0.0.0:8099", "127.0.0.1:8098", false),
        ("0.0.0.0:0", "127.0.0.1:0", false),
    ] {
        for more in [&[] as &[&str], &["--offline"]] {
            let (code, told) = check(&pair(any, one), more);
            assert_eq!((code, told.contains(overlaps)), (Some(0), are_told), "{any} {one}: {told}");
            assert_eq!(told.contains("p.toml: warning: line "), are_told, "{told}");
        }
    }
    let gone = folder.path().join("gone");
    let secret = |secret: &str| format!("{of}secret_headers = {{ X-Token = \"{secret}\" }}\n");
    let socket = of.clone() + &listener("unix", &format!("unix:{}/gate.sock", gone.display()));
    for (of, part) in [
        (socket, format!("listener `unix`, address: the folder {} isn't there", gone.display())),
        (
            secret("command:no-such-program x"),
            "the command `no-such-program`: there is no such program".into(),
        ),
        (secret(&format!("command:{}/tell", gone.display())), "tell`: there is no such program".into()),
    ] {
        let (code, told) = check(&of, &[]);
        assert!(code == Some(78) && told.contains(&part), "{part}: {told}");
        assert_eq!(check(&of, &["--offline"]).0, Some(0));
    }
    // What is there isn't run.
    let ran = folder.path().join("ran");
    assert_eq!(check(&secret(&format!("command:touch {}", ran.display())), &[]).0, Some(0));
    assert!(!ran.exists());
}

#[test]
fn keys_and_tokens_are_listed_and_revoked_where_the_configuration_has_its_data() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    std::fs::write(&file, of).expect("writes");
    let run = |args: &[&str]| {
        let out = phigate(&[args, &["--config", file.to_str().expect("path")]].concat());
        assert!(out.status.success(), "{args:?}: {}", text(&out.stderr));
        text(&out.stdout)
    };
    for (what, made_for) in [("keys", "one"), ("tokens", "one:viewer")] {
        let made = run(&[what, "create", "--environment", made_for, "--name", "lab"]);
        let id = made.split('_').nth(1).expect("an id");
        assert!(run(&[what, "list"]).contains("active"));
        run(&[what, "revoke", id]);
        assert!(run(&[what, "list"]).contains("revoked"));
    }
}
