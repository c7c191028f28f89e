use super::*;
use crate::tune;

const EXAMPLE: &str = include_str!("../../../config/rules.example.toml");

/// What is said of a rules file, as `phigate check` says it.
fn told(text: &str) -> Vec<String> {
    match parse("site.toml", text) {
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
        Ok(edits) => {
            let changes = Changes { edits, texts: vec![text.to_owned()] };
            match tune::check(&changes) {
                Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
                Ok(checked) => {
                    tune::check::others(&checked, &changes).iter().map(ToString::to_string).collect()
                }
            }
        }
    }
}

/// A detector, with one of its keys replaced.
fn detector(key: &str, value: &str) -> String {
    let mut keys = vec![
        ("id", "\"acme.badge\""),
        ("about", "\"A badge\""),
        ("source", "\"The handbook\""),
        ("kind", "\"other-id\""),
        ("pattern", "'\\bBG-[0-9]{6}\\b'"),
        ("points", "{ alone = 30, nearby = 0 }"),
        ("cases", "{ find = [\"BG-441902\"], pass = [\"BG-44190\"] }"),
    ];
    keys.retain(|(name, _)| *name != key);
    if !value.is_empty() {
        keys.push((key, value));
    }
    let lines: Vec<String> = keys.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("[[detector]]\n{}", lines.concat())
}

#[test]
fn the_example_is_good() {
    assert_eq!(told(EXAMPLE), Vec::<String>::new());
    assert_eq!(told(&detector("", "")), Vec::<String>::new());
}

#[test]
fn a_rule_that_could_do_nothing_is_told_with_file_line_and_id() {
    let cases = [
        ("pattern", "'BG-[0-9'", "the pattern is no regex"),
        ("pattern", "'[0-9]*'", "can match nothing: the pattern fits the empty text"),
        ("pattern", "'BG-[a&&b]'", "can match nothing: no text at all fits"),
        ("pattern", "'(?:\\w{40}){400}'", "compiles to more than"),
        ("points", "{ alone = 0, nearby = 50 }", "can't fire: no points alone, and none with nearby words"),
        ("points", "{ alone = 30, nearby = 90 }", "points.nearby would change nothing"),
        (
            "nearby",
            "[\"badge\"]",
            "points.nearby (0) is less than points.alone (30): nearby words raise belief",
        ),
        ("nearby", "[\"BADGE\"]", "a word of `nearby` can't fire"),
        ("nearby", "[\" badge\"]", "a word of `nearby` can't fire"),
        ("unless_before", "[\"\"]", "a word of `unless_before` can't fire"),
        ("validate", "\"vin\"", "can't fire: nothing is found in case 1"),
        ("unless_before", "[\"badge\"]\ncases.find = [\"badge BG-441902\"]\ncases.pass = [\"x\"]", ""),
        ("cases", "", "has no case in which it finds something"),
        ("cases", "{ find = [\"BG-441902\"], pass = [] }", "has no case that it passes"),
        ("cases", "{ find = [\"BG-44190\"], pass = [\"x\"] }", "can't fire: nothing is found in case 1"),
        (
            "cases",
            "{ find = [\"BG-441902\"], pass = [\"BG-441903\"] }",
            "case 2 (cases.pass[0]): fires where it should pass",
        ),
        ("id", "\"badge\"", "needs an id like `acme.badge`"),
        ("id", "\"text.badge\"", "`text.` is phigate's"),
        ("id", "\"ncpdp.d0-name\"", "never used again"),
        ("id", "\"fhir-r4.narrative\"", "another sort"),
        ("nearby_lists", "[\"acme.words\"]", "there is no word list and no detector `acme.words`"),
        ("kind", "\"adress\"", "detector[0].kind: wanted one of account,"),
        ("validate", "\"lun\"", "detector[0].validate: wanted one of ssn,"),
        ("mode", "\"quiet\"", "detector[0].mode: wanted one of enforce, shadow, off, got `quiet`"),
        ("pattrn", "'x'", "detector[0].pattrn: wanted a known key, got `pattrn` (did you mean `pattern`?)"),
    ];
    for (key, value, wanted) in cases {
        let got = told(&detector(key, value));
        if wanted.is_empty() {
            continue;
        }
        assert!(got.iter().any(|line| line.contains(wanted)), "{key} = {value}: {got:?}");
        assert!(got.iter().all(|line| line.contains("line ")), "{got:?}");
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let text = format!("{}{}", detector("pattern", "'(('"), detector("id", "\"text.x\""));
    let got = told(&text);
    assert_eq!(got.len(), 1, "what can't be taken over is told before patterns: {got:?}");
    let two = detector("cases", "") + &detector("id", "\"acme.other\"").replace("BG-", "BH-");
    assert_eq!(told(&two).len(), 2, "{:?}", told(&two));
}

#[test]
fn a_rule_that_takes_another_ones_values_is_told() {
    let ssn = detector("pattern", r"'\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b'")
        .replace("alone = 30", "alone = 200")
        .replace("BG-441902", "412-21-3456");
    let got = told(&ssn);
    assert!(got.iter().any(|line| line.contains("shadows `text.ssn`")), "{got:?}");
    let weak = ssn.replace("alone = 200", "alone = 5");
    let got = told(&weak);
    assert!(
        got.iter().any(|line| line
            .contains("can't fire: what it should find in case 1 (cases.find[0]) is found by `text.ssn`")),
        "{got:?}"
    );
}

#[test]
fn rows_are_checked_against_their_format() {
    let row = |at: &str, find: &str| {
        format!(
            "[[field]]\nid = \"acme.z\"\nformat = \"hl7v2\"\nabout = \"Z\"\nsource = \"guide\"\nat = [\"{at}\"]\nkind = \"mrn\"\n\
             points = 60\ncases.find = ['''{find}''']\ncases.pass = ['MSH|^~\\&|A']\n"
        )
    };
    let message = "MSH|^~\\&|A|B|C|D|20240501100000||ADT^A04|7|P|2.5.1\nZLP|1|||L5520193\nPID|||E4481902";
    assert_eq!(told(&row("ZLP-4", message)), Vec::<String>::new());
    assert!(
        told(&row("nothing", message))[0].contains("no such place"),
        "{:?}",
        told(&row("nothing", message))
    );
    assert!(told(&row("ZLP-5", message))[0].contains("can't fire"));
    assert!(
        told(&row("PID-3.1", message))[0].contains("shadows `hl7v2.pid-3`"),
        "{:?}",
        told(&row("PID-3.1", message))
    );
    let other = row("ZLP-4", message).replace("\"hl7v2\"", "\"hl7v3\"");
    assert!(told(&other)[0].contains("there is no format `hl7v3`"));
}

#[test]
fn changes_of_built_in_rules_have_to_keep_their_cases() {
    assert_eq!(told("[[detector]]\nid = \"text.ssn\"\nmode = \"off\"\n"), Vec::<String>::new());
    assert_eq!(
        told("[[detector]]\nid = \"text.ssn\"\npoints = { alone = 10, nearby = 20 }\n"),
        Vec::<String>::new()
    );
    let got = told("[[detector]]\nid = \"text.ssn\"\nvalidate = \"vin\"\n");
    assert!(got.iter().any(|line| line.starts_with("site.toml: line 1: text.ssn: can't fire")), "{got:?}");
    let got = told("[[field]]\nid = \"hl7v2.pid-7\"\nformat = \"x12\"\n");
    assert!(got[0].contains("format can't be changed"), "{got:?}");
    let got = told("[[marker]]\nid = \"marker.test-names\"\nremove = [\"nobody\"]\n");
    assert!(got[0].contains("`remove` has a value that the list doesn't have"), "{got:?}");
    let got = told("[[words]]\nid = \"words.things\"\nmode = \"off\"\nadd = [\"x\"]\n");
    assert!(got[0].contains("a list has no mode"), "{got:?}");
    for (table, id) in [
        ("detector", "text.url"),
        ("detector", "text.known-name"),
        ("field", "hl7v2.pid-7"),
        ("marker", "marker.test-names"),
        ("words", "words.things"),
    ] {
        let got = told(&format!("[[{table}]]\nid = \"{id}\"\n"));
        assert!(got.len() == 1 && got[0].contains("it would change nothing"), "{got:?}");
    }
    let got = told("[[field]]\nid = \"hl7v2.pid-333\"\npoints = 10\n");
    assert!(got[0].contains("there is no such rule"), "{got:?}");
}

#[test]
fn modes_of_what_has_none_are_told() {
    let raw = crate::inspect::rules::Raw::built_in();
    let mut modes = crate::inspect::rules::Modes::default();
    for id in ["text.ssn", "text.known-name", "text.name-cued", "hl7v2.pid-7", "marker.test-names"] {
        modes.set(id, Mode::Off);
    }
    for id in ["threshold.block", "weight.birth-year", "words.not-names", "text.nothing"] {
        modes.set(id, Mode::Shadow);
    }
    let told = tune::check::idle_modes(&modes, &raw);
    let told: Vec<(&str, &str)> = told.iter().map(|(id, why)| (&**id, &**why)).collect();
    let list = |id: &str| format!("`{id}`: a list has no mode: take its words away instead");
    assert_eq!(
        told,
        [
            ("marker.test-names", &*list("marker.test-names")),
            ("text.nothing", "there is no rule `text.nothing`"),
            ("threshold.block", "`threshold.block`: a number has no mode"),
            ("weight.birth-year", "`weight.birth-year`: a number has no mode"),
            ("words.not-names", &*list("words.not-names")),
        ]
    );
}

#[test]
fn thresholds_that_could_never_act_are_told_wherever_each_is_written() {
    let told = |rules: &[(&str, u32)], keys: &str| {
        let text =
            |(id, value): &(&str, u32)| format!("[[threshold]]\nid = \"threshold.{id}\"\nvalue = {value}\n");
        let text: String = rules.iter().map(text).collect();
        let changes = Changes { edits: parse("site.toml", &text).expect("good"), texts: Vec::new() };
        let thresholds = Thresholds::of(&changes.applied().expect("good").thresholds);
        let (config, _) = crate::config::Config::read(&format!(
            "[rules]\nfiles = [\"site.toml\"]\n[[environment]]\nname = \"a\"\n{keys}\n"
        ));
        let of = |e| idle_thresholds(e, &changes, &thresholds);
        let here: Vec<String> = config.environments.iter().flat_map(|e| of(e)).collect();
        (here, idle_by_themselves(&changes, &thresholds))
    };
    let staging = "flag = \"staging\"";
    for (rules, keys, here, alone) in [
        (
            &[("report", 200_u32)] as &[_],
            staging,
            "threshold.report: report: wanted at most block (90), got 200",
            true,
        ),
        (
            &[("report", 60)],
            "flag = \"staging\"\nblock = 40",
            "report: wanted at most block (40), got 60",
            false,
        ),
        (
            &[("block", 40)],
            "flag = \"staging\"\nreport = 50",
            "threshold.block: report: wanted at most block (40)",
            false,
        ),
        (&[("identified", 900)], staging, "identified: wanted at most block (90), got 900", true),
        (&[("report", 200)], "flag = \"staging\"\nblock = 300", "", true),
        (&[("report", 200)], "flag = \"staging\"\nreport = 20", "", true),
        (&[("report", 200)], "flag = \"production\"", "", true),
        (
            &[("bulk-people", 3)],
            "flag = \"staging\"\nreport = 95",
            "report: wanted at most block (90), got 95",
            false,
        ),
        // Nobody asked for the others.
        (&[("block", 40)], staging, "", false),
        (&[("block", 300), ("report", 200)], staging, "", false),
        (&[], staging, "", false),
    ] {
        let (got, by_themselves) = told(rules, keys);
        assert_eq!(got.len(), usize::from(!here.is_empty()), "{rules:?} {keys}: {got:?}");
        assert!(got.iter().all(|problem| problem.contains(here)), "{rules:?} {keys}: {got:?}");
        assert_eq!(by_themselves.is_empty(), !alone, "{rules:?}: {by_themselves:?}");
    }
}

#[test]
fn a_folder_of_which_nothing_is_read_is_a_problem_and_what_is_passed_over_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().to_owned();
    let load_it = || load(std::slice::from_ref(&path));
    let told = |wanted: &str| {
        let problems = load_it().err().unwrap_or_default();
        assert!(problems.len() == 1 && problems[0].contains(wanted), "{problems:?}");
    };
    told("wanted *.toml right in this folder, it is empty");
    std::fs::create_dir(path.join("sub")).expect("makes");
    std::fs::write(path.join("sub/x.toml"), detector("", "")).expect("writes");
    std::fs::write(path.join("y.tml"), detector("", "")).expect("writes");
    std::fs::write(path.join(".hidden"), "").expect("writes");
    told("what is there isn't read: sub/, y.tml");
    std::fs::write(path.join("z.toml"), detector("", "")).expect("writes");
    assert_eq!(load_it().expect("reads").edits.len(), 1);
    let passed = passed_over(std::slice::from_ref(&path));
    assert!(passed.len() == 2 && passed[0].ends_with("sub/") && passed[1].ends_with("y.tml"), "{passed:?}");
}

#[test]
fn numbers_are_changed_by_id_and_environments_keep_what_their_file_gives() {
    let text = "[[threshold]]\nid = \"threshold.block\"\nvalue = 70\n[[threshold]]\nid = \"threshold.bulk-people\"\nvalue = 3\n";
    assert_eq!(told(text), Vec::<String>::new());
    assert!(told("[[threshold]]\nid = \"threshold.blok\"\nvalue = 70\n")[0].contains("no such threshold"));
    assert!(told("[[weight]]\nid = \"weight.birth-year\"\n")[0].contains("wanted: points"));
    let edits = parse("site.toml", text).expect("good");
    let raw = Changes { edits, texts: Vec::new() }.applied().expect("good");
    let mut config = crate::config::Config::parse(
        "[[environment]]\nname = \"a\"\nflag = \"staging\"\nblock = 95\n[[listener]]\nname = \"l\"\naddress = \"127.0.0.1:8081\"\nenvironment = \"a\"\n\
         [[connection]]\nname = \"c\"\nenvironment = \"a\"\nupstream = \"http://127.0.0.1:9001\"\n",
    )
    .expect("good");
    config.take_thresholds(&crate::decide::Thresholds::of(&raw.thresholds));
    let policy = &config.environments[0].policy;
    assert_eq!((policy.block, policy.identified, policy.bulk_people_max), (95, 50, 3));
}

#[test]
fn each_threshold_is_judged_by_itself_and_within_the_bounds_of_an_environment() {
    let of =
        |id: &str, value: u32| told(&format!("[[threshold]]\nid = \"threshold.{id}\"\nvalue = {value}\n"));
    for (id, value) in [("block", 50), ("block", 40), ("block", 1000), ("identified", 90), ("bulk-people", 1)]
    {
        assert_eq!(of(id, value), Vec::<String>::new(), "{id} = {value}");
    }
    for (id, wanted) in [("block", "points, 1 to 1000"), ("bulk-people", "people or ids, 1 to 1000000")] {
        let told = of(id, 2_000_000);
        assert!(
            told.len() == 1 && told[0].contains("line 3: threshold[0].value") && told[0].contains(wanted),
            "{told:?}"
        );
    }
}

#[test]
fn a_key_that_is_none_is_told_once_with_what_is_one() {
    let told = told(
        "[[field]]\nid = \"acme.k\"\nformat = \"json-keys\"\nabout = \"k\"\nsource = \"y\"\nat = [\"kioskUser\"]\nkind = \"full-name\"\npoints = 50\n",
    );
    assert!(
        told.len() == 1 && told[0].contains("no key name: kioskUser: `at` has keys in lower-case"),
        "{told:?}"
    );
}
