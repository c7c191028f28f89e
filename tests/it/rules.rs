//! A site's own rules, through the front door: `check`, `test`, a running gateway, SIGHUP.

use crate::binary::{config, phigate, run, signal, text};
use crate::support::{Upstream, admin, metric, read_http, tries};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const BADGE: &str = r#"
[[detector]]
id = "acme.badge"
about = "A visitor's badge"
source = "The front desk's handbook"
kind = "other-id"
pattern = '\bBG-[0-9]{6}\b'
points = { alone = 100, nearby = 0 }
cases = { find = ["BG-441902"], pass = ["BG-44190"] }
"#;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules.example.toml")
}

fn write(file: &Path, text: &str) -> String {
    std::fs::write(file, text).expect("writes");
    file.to_str().expect("path").to_owned()
}

#[test]
fn check_knows_the_example_and_tells_every_problem_of_rules_with_file_line_and_id() {
    let folder = tempfile::tempdir().expect("folder");
    let out = phigate(&["check", "--rules", example().to_str().expect("path")]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{told}");
    assert!(
        told.contains("rules: good.") && told.contains(" changed or added by 1 files; 1 in shadow"),
        "{told}"
    );
    let two = format!("{BADGE}{}", BADGE.replace("acme.badge", "acme.other").replace("441902", "44190x"));
    let rules = write(&folder.path().join("bad.toml"), &two);
    let out = phigate(&["check", "--rules", &rules]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(78), "{told}");
    assert!(told.contains("bad.toml: line 2: acme.badge: shadows `acme.other`"), "{told}");
    assert!(told.contains("bad.toml: line 11: acme.other: can't fire: nothing is found in case 1"), "{told}");
    assert!(!told.contains("44190x"), "the value of a case is told: {told}");
    // A configuration and its rules: all problems of both at once.
    let file = folder.path().join("p.toml");
    let text_of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    let text_of = text_of.replace("[admin]", "[rules]\nfiles = [\"bad.toml\"]\n[admin]");
    let modes = "flag = \"staging\"\nrule_modes = { \"text.nothing\" = \"off\", \"text.ssn\" = \"shaddow\" }";
    let file = write(&file, &text_of.replace("flag = \"staging\"", modes));
    let told = text(&phigate(&["check", &file]).stdout);
    assert!(
        told.contains("environment[0].rule_modes.text.ssn: wanted one of enforce, shadow, off"),
        "{told}"
    );
    let file = write(Path::new(&file), &told_good(&text_of));
    write(Path::new(&rules), BADGE);
    let told = text(&phigate(&["check", &file]).stdout);
    assert!(told.contains("rule_modes: there is no rule `text.nothing`"), "{told}");
    // What its rules make of it, and what they make of each other.
    let numbers = "flag = \"staging\"\nblock = 40\nrule_modes = { \"weight.birth-year\" = \"off\" }";
    let file = write(Path::new(&file), &text_of.replace("flag = \"staging\"", numbers));
    write(Path::new(&rules), "[[threshold]]\nid = \"threshold.report\"\nvalue = 60\n");
    let out = phigate(&["check", &file]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(78), "{told}");
    assert!(told.contains("rule_modes: `weight.birth-year`: a number has no mode"), "{told}");
    assert!(told.contains("report: wanted at most block (40), got 60"), "{told}");
    assert!(told.contains("2 problems") || text(&out.stderr).contains("2 problems"), "{told}");
    let out = phigate(&["run", "--config", &file]);
    assert_ne!(out.status.code(), Some(0), "nor does a gateway run with them");
    // A folder that isn't mounted.
    let empty = folder.path().join("empty.d");
    std::fs::create_dir(&empty).expect("makes");
    let out = phigate(&["check", "--rules", empty.to_str().expect("path")]);
    assert_eq!(out.status.code(), Some(78));
    assert!(text(&out.stdout).contains("it is empty"), "{}", text(&out.stdout));
}

fn told_good(text: &str) -> String {
    text.replace("flag = \"staging\"", "flag = \"staging\"\nrule_modes = { \"text.nothing\" = \"off\" }")
}

#[test]
fn test_runs_the_cases_of_all_rules_and_covers_each() {
    let folder = tempfile::tempdir().expect("folder");
    let junit = folder.path().join("junit.xml");
    let rules = example();
    let out = phigate(&[
        "test",
        "--coverage",
        "--rules",
        rules.to_str().expect("path"),
        "--junit",
        junit.to_str().expect("path"),
    ]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{told}");
    assert!(told.contains("all hold") && told.contains(" 100.0 %"), "{told}");
    let report = std::fs::read_to_string(junit).expect("the report");
    assert!(report.contains("failures=\"0\"") && report.contains("classname=\"acme.badge\""));
    assert_eq!(report.matches("<testcase ").count(), report.matches("/>").count());
}

#[test]
fn test_judges_a_folder_of_cases_and_prints_nothing_of_them() {
    let folder = tempfile::tempdir().expect("folder");
    let cases = folder.path().join("cases");
    std::fs::create_dir_all(cases.join("deep")).expect("makes");
    std::fs::write(cases.join("patient.json"), crate::support::PATIENT).expect("writes");
    let good = r#"
[[case]]
name = "a real patient is kept out of staging"
message = "patient.json"
environment = "staging"
expect = { decision = "refuse", reason = "likely_phi", rules = ["fhir-r4.patient-family"], not_rules = ["fhir-r4.patient-ssn"] }

[[case]]
name = "and passes into production"
message = "patient.json"
environment = "production"
expect = { decision = "pass" }

[[case]]
name = "a search by name"
target = "/fhir/Patient?family=Okafor&birthdate=1962-06-22&identifier=E08738432"
expect = { rules = ["fhir-url.patient-family"] }
"#;
    write(&cases.join("deep/target.toml"), &good.replace("patient.json", "../patient.json"));
    let path = cases.to_str().expect("path").to_owned();
    let out = phigate(&["test", &path, "--coverage"]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{told}{}", text(&out.stderr));
    assert!(told.contains("3 of yours: all hold") && told.contains("never fired: hl7v2.pid-7"), "{told}");
    let wrong = good
        .replace("decision = \"refuse\"", "decision = \"pass\"")
        .replace("rules = [\"fhir-url.patient-family\"]", "rules = [\"text.ssn\"]");
    write(&cases.join("wrong.toml"), &wrong);
    let junit = folder.path().join("junit.xml");
    let out = phigate(&["test", &path, "--junit", junit.to_str().expect("path")]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{told}");
    assert!(
        told.contains("wrong.toml: a real patient is kept out of staging: decision is refuse, wanted pass"),
        "{told}"
    );
    assert!(told.contains("`text.ssn` found nothing") && told.contains("2 failed"), "{told}");
    let report = std::fs::read_to_string(junit).expect("the report");
    assert!(report.contains("failures=\"2\""), "{report}");
    for value in ["Okafor", "E08738432", "1962-06-22"] {
        assert!(!told.contains(value) && !report.contains(value), "{value} is told");
    }
    // By a gateway's configuration: its environments, with their modes.
    let file = folder.path().join("p.toml");
    let config = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    let quiet = config.replace(
        "flag = \"staging\"",
        "flag = \"staging\"\nrule_modes = { \"fhir-r4.patient-mrn\" = \"shadow\" }",
    );
    let file = write(&file, &quiet);
    let one = "[[case]]\nname = \"x\"\nmessage = \"patient.json\"\nenvironment = \"one\"\nexpect = { decision = \"refuse\" }\n";
    std::fs::remove_file(cases.join("deep/target.toml")).expect("removes");
    write(&cases.join("wrong.toml"), one);
    assert_eq!(phigate(&["test", &path, "--config", &file]).status.code(), Some(0));
    let file = write(
        Path::new(&file),
        &config.replace("flag = \"staging\"", "flag = \"staging\"\nmode = \"shadow\""),
    );
    assert_eq!(phigate(&["test", &path, "--config", &file]).status.code(), Some(1));
    assert_eq!(phigate(&["test", &path]).status.code(), Some(2), "there is no flag `one`");
    write(&cases.join("wrong.toml"), "[[case]]\nname = \"x\"\nbody = \"Okafor\nexpect = 3\n");
    let out = phigate(&["test", &path]);
    assert_eq!(out.status.code(), Some(2));
    assert!(!text(&out.stderr).contains("Okafor"), "{}", text(&out.stderr));
    assert_eq!(phigate(&["test", "/nowhere"]).status.code(), Some(2));
}

fn note(gate: SocketAddr, body: &str) -> (u16, serde_json::Value) {
    let mut stream = std::net::TcpStream::connect(gate).expect("connects");
    write!(
        stream,
        "POST /notes HTTP/1.1\r\nHost: g\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("writes");
    let reply = read_http(&mut stream, false).expect("a reply");
    (reply.status(), reply.json())
}

#[test]
fn a_gateway_takes_a_sites_rules_and_takes_them_over_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let rules = folder.path().join("rules.d");
    std::fs::create_dir(&rules).expect("makes");
    write(&rules.join("10-badge.toml"), BADGE);
    write(&rules.join("notes.txt"), "not a rules file");
    let file = folder.path().join("p.toml");
    let good = config(folder.path(), upstream.address, "staging")
        .replace("[admin]", "[rules]\nfiles = [\"rules.d\"]\n[admin]");
    write(&file, &good);
    let mut run = run(&file);
    let scrape = |line: &str| metric(&text(&admin(run.admin, "/metrics", "").body), line);
    let wait =
        |line: &str, want: u64| assert!(tries().any(|()| scrape(line) >= want), "{line} never is {want}");
    let body = "The visitor has badge BG-441902 today.";
    let (status, told) = note(run.gate, body);
    assert_eq!(status, 422, "{told}");
    assert!(told.to_string().contains("acme.badge") && !told.to_string().contains("441902"), "{told}");
    // A file that can't be taken over: the rules before it stay.
    write(&rules.join("20-bad.toml"), &BADGE.replace("acme.badge", "acme.other").replace("6", "7"));
    signal(&run.child, "-HUP");
    wait("phigate_config_reloads_total{result=\"failed\"}", 1);
    assert_eq!(note(run.gate, body).0, 422);
    std::fs::remove_file(rules.join("20-bad.toml")).expect("removes");
    // In shadow for one environment: passes, and is counted as what would be refused.
    write(
        &file,
        &good.replace(
            "flag = \"staging\"",
            "flag = \"staging\"\nrule_modes = { \"acme.badge\" = \"shadow\" }",
        ),
    );
    signal(&run.child, "-HUP");
    wait("phigate_config_reloads_total{result=\"ok\"}", 1);
    assert_eq!(note(run.gate, body).0, 200);
    let metrics = text(&admin(run.admin, "/metrics", "").body);
    assert!(metrics.contains("would_refuse"), "{metrics}");
    let by_rule = "phigate_shadow_findings_total{environment=\"one\",rule=\"acme.badge\"} 1";
    assert!(metrics.contains(by_rule), "{metrics}");
    write(&file, &good);
    write(&rules.join("10-badge.toml"), &format!("{BADGE}mode = \"off\"\n"));
    signal(&run.child, "-HUP");
    wait("phigate_config_reloads_total{result=\"ok\"}", 2);
    assert_eq!(note(run.gate, body).0, 200);
    // A change of a rules file is seen without a signal, too.
    write(&rules.join("10-badge.toml"), BADGE);
    let begun = std::time::Instant::now();
    while note(run.gate, body).0 != 422 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it is never taken over");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    signal(&run.child, "-TERM");
    assert_eq!(run.child.wait().expect("ends").code(), Some(0));
    // Which rules judged when stands in the audit: the start, the mode, the file; not what was refused.
    let audit = std::fs::read_dir(folder.path().join("data/audit")).expect("lists").flatten();
    let log = audit.map(|f| f.path()).find(|f| f.extension().is_some_and(|e| e == "jsonl")).expect("a month");
    let log = std::fs::read_to_string(log).expect("reads");
    let events = |action: &str| log.matches(&format!("\"action\":\"{action}\"")).count();
    // The two files of one change may be seen one after the other.
    assert!(events("start") == 1 && (3..=4).contains(&events("change_rules")), "{log}");
    // Nothing starts with rules that are wrong.
    write(&rules.join("10-badge.toml"), &BADGE.replace("{6}", "{7}"));
    let out = phigate(&["run", "--config", file.to_str().expect("path")]);
    assert_eq!(out.status.code(), Some(78));
    assert!(text(&out.stderr).contains("acme.badge: can't fire"), "{}", text(&out.stderr));
    let bad = rules.join("10-badge.toml");
    let data = folder.path().join("sidecar");
    let out = phigate(&[
        "run",
        "--upstream",
        "http://127.0.0.1:9",
        "--environment",
        "staging",
        "--data",
        data.to_str().expect("path"),
        "--rules",
        bad.to_str().expect("path"),
    ]);
    assert_eq!(out.status.code(), Some(78));
    assert!(!data.exists(), "nothing is made for rules that are wrong");
}

#[test]
fn scan_and_explain_take_rules_too() {
    let folder = tempfile::tempdir().expect("folder");
    let rules = write(&folder.path().join("badge.toml"), BADGE);
    let shadow = write(&folder.path().join("shadow.toml"), &format!("{BADGE}mode = \"shadow\"\n"));
    let note = write(&folder.path().join("note.txt"), "The visitor has badge BG-441902 today.");
    assert_eq!(phigate(&["scan", &note]).status.code(), Some(0));
    assert_eq!(phigate(&["scan", "--rules", &rules, &note]).status.code(), Some(1));
    let told = text(&phigate(&["explain", "--rules", &shadow, &note]).stdout);
    assert!(told.contains("passes; refused if the rules in shadow acted: likely_phi"), "{told}");
    assert!(told.contains("not counted: the rule is in shadow"), "{told}");
    assert!(!told.contains("441902"), "{told}");
    assert_eq!(phigate(&["scan", "--environment", "nowhere", &note]).status.code(), Some(2));
}

#[test]
fn explain_tells_what_a_rule_is() {
    let told = |id: &str| phigate(&["explain", "--rule", id]);
    for (id, parts) in [
        ("text.ssn", ["source  SSA", "points  60 alone, 100 nearby", "check   ssn"]),
        ("hl7v2.pid-3.ss", ["at      hl7v2: PID-3.1", "when    SS", "points  100"]),
        ("threshold.block", ["value   90", "about", "source"]),
        ("words.cue-honorific", ["words   mr, mrs", "about", "source"]),
    ] {
        let out = told(id);
        let said = text(&out.stdout);
        assert_eq!(out.status.code(), Some(0), "{said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{id}: {said}");
    }
    assert_eq!(told("text.nothing").status.code(), Some(2));
}

#[test]
fn scan_and_explain_heed_the_mode_of_an_environment() {
    let folder = tempfile::tempdir().expect("folder");
    let note = write(&folder.path().join("note.txt"), "SSN 412-21-3456");
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    let file = folder.path().join("p.toml");
    let asked = |what: &str, more: &[&str]| {
        let out = phigate(&[&[what, "--config", file.to_str().expect("path"), &note] as &[_], more].concat());
        (out.status.code(), text(&out.stdout) + &text(&out.stderr))
    };
    // An environment that is the only one needs no name.
    for (mode, code, scanned, explained) in [
        ("enforce", Some(1), "block (likely_phi)", "refused: likely_phi"),
        ("shadow", Some(0), "allow: mode is shadow, enforced it would block", "passes, mode is shadow"),
        ("off", Some(0), "allow: mode is off", "passes, mode is off"),
    ] {
        let flag = format!("flag = \"staging\"\nmode = \"{mode}\"");
        write(&file, &of.replace("flag = \"staging\"", &flag));
        let (got, told) = asked("scan", &[]);
        assert!(got == code && told.contains(scanned), "{mode}: {told}");
        let (_, told) = asked("explain", &["--environment", "one"]);
        assert!(told.contains(explained), "{mode}: {told}");
    }
    let two =
        of.replace("[[listener]]", "[[environment]]\nname = \"two\"\nflag = \"production\"\n[[listener]]");
    write(&file, &two);
    let (code, told) = asked("scan", &[]);
    assert!(code == Some(2) && told.contains("--environment: which of one, two?"), "{told}");
    let (_, told) = asked("explain", &["--environment", "two"]);
    assert!(told.contains("passes; development would refuse it: likely_phi"), "{told}");
}

#[test]
fn check_tells_a_rules_file_that_is_gone_and_a_mode_of_no_rule_by_their_lines_beside_all_else() {
    let folder = tempfile::tempdir().expect("folder");
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    let of = of.replace("[admin]", "[rules]\nfiles = [\"gone.d\"]\n[limits]\nmessages_max = 0\n[admin]");
    let of =
        of.replace("flag = \"staging\"", "flag = \"staging\"\nrule_modes = { \"text.nothing\" = \"off\" }");
    let file = write(&folder.path().join("p.toml"), &of);
    let out = phigate(&["check", &file]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(78), "{told}");
    for part in [
        "line 4: rules.files: ",
        "gone.d: there is no such file or folder",
        "line 6: limits.messages_max",
        "line 12: environment `one`.rule_modes: there is no rule `text.nothing`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
