//! Known people: the registry of test people, fingerprints of real ones, and nothing of either where it could be read.

use crate::support::{FHIR, Gate, Http};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";

/// A patient with a record number, and what else `more` says.
fn patient(family: &str, given: &str, born: &str, mrn: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","identifier":[{{"type":{{"coding":[{{"code":"MR"}}]}},"value":"{mrn}"}}{more}],
        "name":[{{"family":"{family}","given":["{given}"]}}],"birthDate":"{born}"}}"#
    )
}

fn lopez(more: &str) -> String {
    patient("Lopez", "Camila", "1987-09-12", "E-203713", more)
}

fn send(gate: &Gate, environment: usize, body: &str) -> Http {
    gate.send(environment, "POST", "/fhir/Patient", &[FHIR], body.as_bytes())
}

fn reason(reply: &Http) -> String {
    reply.header("phigate-reason").to_owned()
}

struct Cli<'g>(&'g Gate);

impl Cli<'_> {
    fn run(&self, args: &[&str]) -> Output {
        let data = self.0.folder.path().join("data");
        Command::new(env!("CARGO_BIN_EXE_phigate"))
            .args(args)
            .args(["--data", data.to_str().expect("path")])
            .stdin(Stdio::null())
            .output()
            .expect("runs")
    }

    /// Ids of the people that a command proposed.
    fn ids(&self, args: &[&str]) -> Vec<String> {
        let out = self.run(args);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines().filter_map(|l| l.split_whitespace().next().map(str::to_owned)).collect()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path.to_str().expect("path").to_owned()
    }
}

fn refresh(gate: &mut Gate) {
    gate.running.as_mut().expect("runs").refresh_keys();
}

#[test]
fn an_import_tells_who_and_where_it_read_nobody() {
    let gate = Gate::start();
    let cli = Cli(&gate);
    let import = |name: &str, text: &str| {
        let out = cli.run(&["registry", "import", &cli.file(name, text), "--as", "ann"]);
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
    };
    let told = import("p.csv", "vorame,nachame\nHarold,Brown\nNadia,Keller\n");
    assert!(told.contains("birth date or a number are needed: row 2; 3."), "{told}");
    assert!(told.contains("by the names of columns and keys: first_name"), "{told}");
    let patient = |rest: &str| format!("{{\"resource\":{{\"resourceType\":\"Patient\"{rest}}}}}");
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"entry\":[{},{},{}]}}",
        patient(",\"name\":[{\"family\":\"Kestrel\",\"given\":[\"Ivo\"]}],\"birthDate\":\"1970-01-02\""),
        patient(",\"name\":[{\"family\":\"Onlyfam\"}]"),
        patient(",\"gender\":\"male\"")
    );
    let told = import("b.json", &bundle);
    assert!(told.contains("row 1, person 1") && told.contains("row 1, person 2"), "{told}");
    assert!(told.contains("row 1 (1 of 3 patients)"), "{told}");
    assert!(!told.contains("Onlyfam") && !told.contains("Kestrel"), "{told}");
}

#[test]
fn a_test_person_passes_once_a_second_person_approved_and_until_it_is_removed() {
    let mut gate = Gate::start();
    let cli = Cli(&gate);
    let csv = "last_name,first_name,middle_name,dob,mrn\nLopez,Camila,Maria,09/12/1987,E203713\nNumberless,Nora,,,\n";
    let ids = cli.ids(&["registry", "import", &cli.file("people.csv", csv), "--as", "ann"]);
    assert_eq!(ids.len(), 1);
    assert_eq!(cli.run(&["registry", "approve", &ids[0], "--as", "Ann"]).status.code(), Some(1));
    refresh(&mut gate);
    assert_eq!(reason(&send(&gate, 1, &lopez(""))), "likely_phi", "a pending person clears nothing");
    assert_eq!(Cli(&gate).run(&["registry", "approve", &ids[0], "--as", "bob"]).status.code(), Some(0));
    refresh(&mut gate);
    assert_eq!(send(&gate, 1, &lopez("")).status(), 200);
    assert_eq!(gate.metric("phigate_known_people_total{environment=\"staging\",standing=\"listed\"}"), 1);
    assert_eq!(gate.metric("phigate_registry_tuples"), 1);
    // In another format, with a middle name, and with a phone that anybody could have.
    let hl7 = "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|T|2.5\rPID|1||E203713^^^H^MR||LOPEZ^CAMILA^MARIA||19870912|F|||||(312) 927-4519\r";
    let reply = gate.send(1, "POST", "/in", &[("Content-Type", "x-application/hl7-v2+er7")], hl7.as_bytes());
    assert_eq!(reply.status(), 200);
    // Asked for, and in a reply.
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{}",
        lopez("").len(),
        lopez("")
    );
    gate.upstreams[1].answer(answer.as_bytes());
    for identifier in ["E203713", "urn:mrn%7CE-203713"] {
        let search = "/fhir/Patient?family=Lopez&given=Camila&birthdate=1987-09-12";
        assert_eq!(reason(&gate.send(1, "GET", search, &[], b"")), "likely_phi", "a number is missing");
        let target = format!("{search}&identifier={identifier}");
        assert_eq!(gate.send(1, "GET", &target, &[], b"").status(), 200, "{identifier}");
    }
    gate.upstreams[1].answer(crate::support::OK);
    // What the listing doesn't have counts.
    let ssn = format!(r#",{{"system":"{SSN}","value":"412-21-7834"}}"#);
    assert_eq!(reason(&send(&gate, 1, &lopez(&ssn))), "likely_phi");
    let note = lopez("").replace(
        "\"birthDate\"",
        "\"text\":{\"status\":\"generated\",\"div\":\"<div>Patient: Darnell Okafor, DOB 06/22/1962, SSN 412-21-7834</div>\"},\"birthDate\"",
    );
    assert_eq!(reason(&send(&gate, 1, &note)), "likely_phi");
    for other in [
        patient("Lopez", "Carla", "1987-09-12", "E-203713", ""),
        patient("Lopez", "Camila", "1987-09-13", "E-203713", ""),
        patient("Lopez", "Camila", "1987-09-12", "E-203714", ""),
    ] {
        assert_eq!(reason(&send(&gate, 1, &other)), "likely_phi", "somebody else");
    }
    // `scan` and `explain` can say so, too.
    let file = Cli(&gate).file("p.json", &lopez(""));
    assert_eq!(Cli(&gate).run(&["scan", &file]).status.code(), Some(0));
    let told = String::from_utf8_lossy(&Cli(&gate).run(&["explain", &file]).stdout).into_owned();
    assert!(told.contains("made-up-listed") && told.contains("the registry"), "{told}");
    assert_eq!(Cli(&gate).run(&["registry", "remove", &ids[0], "--as", "bob"]).status.code(), Some(0));
    refresh(&mut gate);
    assert_eq!(reason(&send(&gate, 1, &lopez(""))), "likely_phi");
}

#[test]
fn an_expired_test_person_clears_nothing_even_while_nothing_was_read_anew() {
    let mut gate = Gate::start();
    let ids = {
        let cli = Cli(&gate);
        cli.ids(&[
            "registry",
            "import",
            &cli.file("p.json", &lopez("")),
            "--as",
            "ann",
            "--expires-days",
            "1",
        ])
    };
    assert_eq!(Cli(&gate).run(&["registry", "approve", &ids[0], "--as", "bob"]).status.code(), Some(0));
    let db = rusqlite::Connection::open(gate.folder.path().join("data/control.db")).expect("opens");
    let now = phigate::clock::unix_ms() / 1000;
    db.execute("UPDATE test_person SET expires = ?1", [i64::try_from(now + 3).expect("small")])
        .expect("writes");
    refresh(&mut gate);
    assert_eq!(send(&gate, 1, &lopez("")).status(), 200);
    while phigate::clock::unix_ms() / 1000 < now + 3 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(reason(&send(&gate, 1, &lopez(""))), "likely_phi");
}

#[test]
fn a_refusal_tells_an_id_that_registers_its_person_once_it_is_approved() {
    let mut gate = Gate::start();
    let reply = send(&gate, 1, &lopez(""));
    let id = reply.header("phigate-register").to_owned();
    assert!(id.starts_with("rq_") && String::from_utf8_lossy(&reply.body).contains(&id), "{id}");
    gate.running().flush_records();
    let cli = Cli(&gate);
    assert_eq!(
        cli.run(&["registry", "request", "rq_0000000000000000", "--as", "ann"]).status.code(),
        Some(1)
    );
    let people = cli.ids(&["registry", "request", &id, "--as", "ann"]);
    assert_eq!(
        cli.run(&["registry", "approve", "--source", &format!("request:{id}"), "--as", "bob"]).status.code(),
        Some(0)
    );
    assert_eq!(people.len(), 1);
    refresh(&mut gate);
    assert_eq!(send(&gate, 1, &lopez("")).status(), 200);
    // A person that nothing could be agreed with has no id.
    let nameless =
        format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"{SSN}","value":"412-21-7834"}}]}}"#);
    let reply = send(&gate, 1, &nameless);
    assert_eq!((reason(&reply).as_str(), reply.header("phigate-register")), ("likely_phi", ""));
}

#[test]
fn unknown_people_that_a_connection_keeps_sending_are_proposed_where_that_is_on() {
    let mut gate = Gate::with("[registry]\nlearn = true\n", "");
    for _ in 0..3 {
        send(&gate, 1, &lopez(""));
    }
    send(&gate, 1, &patient("Okafor", "Darnell", "1962-06-22", "E08738432", ""));
    send(&gate, 1, &patient("Jefferson391", "Robert478", "1962-06-22", "TEST-0001", ""));
    gate.running().flush_records();
    let cli = Cli(&gate);
    assert!(cli.ids(&["registry", "learn", "--connection", "to-development", "--as", "ann"]).is_empty());
    let ids = cli.ids(&["registry", "learn", "--connection", "to-staging", "--as", "ann"]);
    assert_eq!(ids.len(), 1);
    assert_eq!(cli.run(&["registry", "approve", &ids[0], "--as", "bob"]).status.code(), Some(0));
    refresh(&mut gate);
    assert_eq!(send(&gate, 1, &lopez("")).status(), 200);
    // Off unless it is turned on.
    let gate = Gate::start();
    send(&gate, 1, &lopez(""));
    gate.running().flush_records();
    assert!(
        Cli(&gate)
            .ids(&["registry", "learn", "--connection", "to-staging", "--times", "1", "--as", "ann"])
            .is_empty()
    );
}

#[test]
fn whom_production_saw_is_refused_below_whatever_the_values_look_like() {
    let mut gate = Gate::with_production("", "", "", "fingerprints = true\nfingerprints_max = 1000\n");
    // Made up by every sign, so that it would pass.
    let cartoon = patient("ZZZTEST", "Mickey", "1987-09-12", "TEST-0001", "");
    assert_eq!(send(&gate, 1, &cartoon).status(), 200);
    assert_eq!(send(&gate, 2, &cartoon).status(), 200);
    assert_eq!(send(&gate, 2, &lopez("")).status(), 200);
    gate.running().flush_records();
    assert_eq!(gate.metric("phigate_fingerprints"), 2);
    for environment in [0, 1] {
        let reply = send(&gate, environment, &cartoon);
        assert_eq!((reason(&reply).as_str(), reply.status()), ("known_real", 422));
        assert_eq!(reply.header("phigate-register"), "");
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        for part in ["Mickey", "birth", "identifier", "name[0]"] {
            assert!(!text.contains(part), "{part} is told: {text}");
        }
    }
    assert_eq!(send(&gate, 2, &cartoon).status(), 200, "production itself lets it pass");
    assert_eq!(gate.metric("phigate_known_people_total{environment=\"staging\",standing=\"known_real\"}"), 1);
    assert_eq!(gate.metric("phigate_refusals_total{environment=\"staging\",reason=\"known_real\"}"), 1);
    // The registry doesn't take such a person.
    let cli = Cli(&gate);
    let out = cli.run(&["registry", "import", &cli.file("p.json", &lopez("")), "--as", "ann"]);
    assert_eq!((out.status.code(), out.stdout.is_empty()), (Some(1), true));
    assert!(String::from_utf8_lossy(&out.stderr).contains("known_real"));

    // To another gateway.
    let mut lower = Gate::start();
    assert_eq!(send(&lower, 1, &cartoon).status(), 200);
    let prints = gate.folder.path().join("prints").to_str().expect("path").to_owned();
    assert_eq!(Cli(&gate).run(&["fingerprints", "export", &prints]).status.code(), Some(0));
    assert_eq!(
        Cli(&gate).run(&["fingerprints", "export", &prints]).status.code(),
        Some(2),
        "nothing is overwritten"
    );
    let other_key = gate.folder.path().join("data-secrets/tokens.key").to_str().expect("path").to_owned();
    assert_eq!(
        Cli(&lower).run(&["fingerprints", "import", &prints, "--key", &other_key]).status.code(),
        Some(2)
    );
    assert_eq!(Cli(&lower).run(&["fingerprints", "import", &prints]).status.code(), Some(0));
    refresh(&mut lower);
    assert_eq!(reason(&send(&lower, 1, &cartoon)), "known_real");
    let told = String::from_utf8_lossy(&Cli(&lower).run(&["explain", &cli_file(&lower, &cartoon)]).stdout)
        .into_owned();
    assert!(told.contains("known_real") && told.contains("known real"), "{told}");
    // And still after a new start.
    gate.stop();
    let config = phigate::config::Config::parse(&gate.config).expect("good");
    gate.running = Some(phigate::run::Running::start(config).expect("starts"));
    assert_eq!(reason(&send(&gate, 1, &cartoon)), "known_real");
}

fn cli_file(gate: &Gate, text: &str) -> String {
    Cli(gate).file("explained.json", text)
}

#[test]
fn a_test_person_that_production_is_smoke_tested_with_is_not_taken_for_real() {
    let mut gate = Gate::with_production("", "", "", "fingerprints = true\n");
    let ids = Cli(&gate).ids(&["registry", "import", &Cli(&gate).file("p.json", &lopez("")), "--as", "ann"]);
    assert_eq!(Cli(&gate).run(&["registry", "approve", &ids[0], "--as", "bob"]).status.code(), Some(0));
    refresh(&mut gate);
    assert_eq!(send(&gate, 2, &lopez("")).status(), 200);
    gate.running().flush_records();
    assert_eq!(gate.metric("phigate_fingerprints"), 0);
    assert_eq!(send(&gate, 1, &lopez("")).status(), 200);
}

#[test]
fn nothing_of_a_person_is_in_registry_notes_or_fingerprints() {
    let mut gate = Gate::with_production("[registry]\nlearn = true\n", "", "", "fingerprints = true\n");
    let ssn = format!(r#",{{"system":"{SSN}","value":"412-21-7834"}}"#);
    let person = patient("Quillfeather", "Zebadiah", "1951-03-17", "M77-CANARY-4519", &ssn);
    send(&gate, 1, &person);
    gate.running().flush_records();
    let cli = Cli(&gate);
    let out = cli.run(&["registry", "import", &cli.file("people.json", &person), "--as", "ann"]);
    let learned =
        cli.run(&["registry", "learn", "--connection", "to-staging", "--times", "1", "--as", "ann"]);
    let listed = cli.run(&["registry", "list"]);
    send(&gate, 2, &person);
    gate.running().flush_records();
    refresh(&mut gate);
    let known = send(&gate, 1, &person);
    assert_eq!(reason(&known), "known_real");
    let values = [
        "Quillfeather",
        "Zebadiah",
        "1951-03-17",
        "19510317",
        "M77-CANARY-4519",
        "m77canary4519",
        "412-21-7834",
        "412217834",
    ];
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for value in values {
        for text in [value.to_owned(), value.to_lowercase(), value.to_uppercase()] {
            let hash = Sha256::digest(&text);
            forms.push(hash.iter().map(|b| format!("{b:02x}")).collect::<String>().into_bytes());
            forms.push(hash.to_vec());
            forms.push(text.into_bytes());
        }
    }
    let clean = |what: &str, bytes: &[u8]| {
        for (n, form) in forms.iter().enumerate() {
            assert!(memchr::memmem::find(bytes, form).is_none(), "{what} holds form {n} of a value");
        }
    };
    for out in [&out, &learned, &listed] {
        clean("a command's output", &[&out.stdout[..], &out.stderr].concat());
    }
    clean("a refusal", &known.body);
    let _ = std::fs::remove_file(gate.folder.path().join("people.json"));
    let folder = gate.stop();
    let mut files = 0;
    let mut stack = vec![folder];
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(std::fs::read_dir(&path).expect("reads").flatten().map(|e| e.path()));
        } else {
            files += usize::from(is_of_people(&path));
            clean(&path.display().to_string(), &std::fs::read(&path).expect("reads"));
        }
    }
    assert!(files >= 2, "the test looks at control.db and the filter");
}

fn is_of_people(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n == "control.db" || n == "seen.bin")
}

/// What the audit says of the registry: action, decision and reason.
fn told(gate: &Gate) -> Vec<(String, String, String)> {
    let events = phigate::audit::events(&gate.folder.path().join("data/audit")).expect("reads");
    let word = |event: &serde_json::Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let told = events.iter().map(|e| (word(e, "action"), word(e, "decision"), word(e, "reason")));
    told.filter(|(action, ..)| action.starts_with("registry_")).collect()
}

#[test]
fn whom_production_saw_since_is_neither_proposed_nor_approved_from_what_is_remembered() {
    let mut gate = Gate::with_production("", "", "", "fingerprints = true\n");
    let other = patient("Okafor", "Darnell", "1962-06-22", "E08738432", "");
    let id = |reply: &Http| reply.header("phigate-register").to_owned();
    let (first, second) = (id(&send(&gate, 1, &lopez(""))), id(&send(&gate, 1, &lopez(""))));
    let stranger = id(&send(&gate, 1, &other));
    gate.running().flush_records();
    let pending = Cli(&gate).ids(&["registry", "request", &first, "--as", "ann"]);
    assert_eq!(pending.len(), 1);
    // Production sees the person afterwards, with another number beside.
    let ssn = format!(r#",{{"system":"{SSN}","value":"412-21-7834"}}"#);
    assert_eq!(send(&gate, 2, &lopez(&ssn)).status(), 200);
    gate.running().flush_records();
    let cli = Cli(&gate);
    let requested = cli.run(&["registry", "request", &second, "--as", "ann"]);
    assert_eq!((requested.status.code(), requested.stdout.is_empty()), (Some(1), true));
    assert!(String::from_utf8_lossy(&requested.stderr).contains("known_real: 1"), "{requested:?}");
    assert_eq!(cli.run(&["registry", "approve", &pending[0], "--as", "ann"]).status.code(), Some(1));
    let approved = cli.run(&["registry", "approve", &pending[0], "--as", "bob"]);
    assert_eq!(approved.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&approved.stderr).contains("known_real"), "{approved:?}");
    assert!(String::from_utf8_lossy(&cli.run(&["registry", "list"]).stdout).contains("pending"));
    // Somebody whom production doesn't know is approved, and taken out by name.
    let asked = cli.ids(&["registry", "request", &stranger, "--as", "ann"]);
    assert_eq!(cli.run(&["registry", "approve", &asked[0], "--as", "bob"]).status.code(), Some(0));
    assert_eq!(cli.run(&["registry", "remove", &asked[0]]).status.code(), Some(2), "nobody's doing");
    assert_eq!(cli.run(&["registry", "remove", &asked[0], "--as", "carl"]).status.code(), Some(0));
    let events = told(&gate);
    let events: Vec<(&str, &str, &str)> = events.iter().map(|(a, d, r)| (&**a, &**d, &**r)).collect();
    assert_eq!(
        events,
        [
            ("registry_propose", "allowed", ""),
            ("registry_propose", "refused", "known_real: 1"),
            ("registry_approve", "refused", "approval of one's own"),
            ("registry_approve", "refused", "known_real"),
            ("registry_propose", "allowed", ""),
            ("registry_approve", "allowed", ""),
            ("registry_remove", "allowed", ""),
        ]
    );
    // Fingerprints of a key that wasn't there then can't be asked: nobody is cleared in doubt.
    let mut lower = Gate::start();
    let id = id(&send(&lower, 1, &other));
    lower.running().flush_records();
    let prints = gate.folder.path().join("prints").to_str().expect("path").to_owned();
    assert_eq!(Cli(&gate).run(&["fingerprints", "export", &prints]).status.code(), Some(0));
    assert_eq!(Cli(&lower).run(&["fingerprints", "import", &prints]).status.code(), Some(0));
    let unasked = Cli(&lower).run(&["registry", "request", &id, "--as", "ann"]);
    assert_eq!(unasked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unasked.stderr).contains("sent again"), "{unasked:?}");
    refresh(&mut lower);
    let again = send(&lower, 1, &other).header("phigate-register").to_owned();
    lower.running().flush_records();
    assert_eq!(Cli(&lower).ids(&["registry", "request", &again, "--as", "ann"]).len(), 1);
    gate.stop();
}

#[test]
fn a_file_with_somebody_whom_production_knows_leaves_an_event() {
    let gate = Gate::with_production("", "", "", "fingerprints = true\n");
    assert_eq!(send(&gate, 2, &lopez("")).status(), 200);
    gate.running().flush_records();
    let cli = Cli(&gate);
    let file = cli.file("p.json", &lopez(""));
    assert_eq!(cli.run(&["registry", "import", &file, "--as", "ann"]).status.code(), Some(1));
    let wanted = ("registry_propose".to_owned(), "refused".to_owned(), "known_real: 1".to_owned());
    assert_eq!(told(&gate), [wanted]);
}
