//! The engine and the regexes it stands for find the same.

use super::rule::Begins;
use super::*;
use crate::inspect::rules::RuleSet;
use regex::Regex;

/// What the engine has to find: rule by rule, by the regex alone.
fn plainly(regexes: &[Regex], text: &str, accepts: &Accepts) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (rule, regex) in regexes.iter().enumerate() {
        let group = regex.capture_names().position(|name| name == Some("v")).unwrap_or(0);
        let mut at = 0;
        while let Some(captures) = regex.captures_at(text, at) {
            let whole = captures.get(0).unwrap();
            let value = captures.get(group).unwrap_or(whole).range();
            let accepted = accepts(rule, &value);
            hits.push((rule, value.clone(), accepted));
            at = if accepted {
                value.end.max(whole.start() + 1)
            } else {
                (whole.start() + 1..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
            };
            if at >= text.len() {
                break;
            }
        }
    }
    hits
}

type Accepts = dyn Fn(usize, &Range<usize>) -> bool;
type Hit = (usize, Range<usize>, bool);

/// Both ways, under judges that take all, none, and some.
fn assert_same(engine: &mut Engine, regexes: &[Regex], text: &str) {
    let some =
        |rule: usize, value: &Range<usize>| (value.start * 31 + value.len() * 7 + rule).is_multiple_of(3);
    let judges: [&Accepts; 3] = [&|_, _| true, &|_, _| false, &some];
    for accepts in judges {
        let want = plainly(regexes, text, accepts);
        for lanes in Lanes::all() {
            engine.lanes = lanes;
            let mut hits = Vec::new();
            engine.search(text, &mut |rule, value| {
                let accepted = accepts(rule, &value);
                hits.push((rule, value, accepted));
                accepted
            });
            hits.sort_by_key(|(rule, _, _)| *rule); // stable: by place within a rule
            assert_eq!(hits, want, "{lanes:?}");
        }
    }
}

fn both(patterns: &[&str]) -> (Engine, Vec<Regex>) {
    let engine = Engine::new(patterns.iter().copied()).unwrap();
    (engine, patterns.iter().map(|p| Regex::new(p).unwrap()).collect())
}

fn built_in() -> (Engine, Vec<Regex>) {
    let patterns: Vec<&str> = RuleSet::built_in().detectors.iter().map(|d| d.pattern()).collect();
    both(&patterns)
}

/// Rules of all sorts: word cues, shapes, classes, scripts, looks, empty matches, no leading bytes, long reach.
const CUSTOM: &[&str] = &[
    r"\bEMP-\d{6}\b",
    r"(?i)\bcase[ #:]+(?P<v>[A-Z]{2}\d{4,})",
    r"\b\d{2}[A-Z]{3}\d{2}\b",
    r"[A-Z]{3}-?\d+",
    r"(?-u:\b)x\d\B",
    r"\B\d\b",
    r"(?m)^ID=\w+$",
    r"^start",
    r"end$",
    r"\b",
    r"\d{3}",
    r"(?i)straße|ſs|K",
    r"[^ -~]+",
    r"é\w*",
    r"日本.",
    r"(?s)begin.*?end",
    r"a[^b]*b",
    r"\w+@\w+\.com",
    r"[a-z0-9._-]{1,200}@[a-z]{1,20}",
    r"x{2,}y?",
    r"\b(?:a|b)\b.{0,80}\bc\b",
    r"(?P<v>q*)u",
];

/// Not random in earnest, and the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Pieces that rules begin, go on and end with.
const PIECES: &[&str] = &[
    "412",
    "-21-",
    "3456",
    "06/22/1962",
    "1962-06-22",
    " ",
    "  ",
    "\n",
    "MRN",
    "mrn: ",
    "E087",
    "DOB: ",
    "Jun",
    "June 22, ",
    "(915) ",
    "927-8377",
    "+1 ",
    "Patient: ",
    "for ",
    "Harold",
    "Brown",
    "O’Brien",
    "Mr. ",
    "harold@",
    "icloud.com",
    "@",
    "é",
    "日本",
    "K",
    "ſ",
    "٣",
    "٣٤٥",
    "٤١٢-٢١-٣٤٥٦",
    "1EG4-TE5-MK73",
    "4111 1111 1111 1111",
    "ID 83702",
    "Boise, ID",
    "3733 Peachtree Pl NE",
    "192.168.1.4",
    "EMP-",
    "case #AB12",
    "12ABC34",
    "ID=x",
    "begin",
    "end",
    "start",
    "a",
    "b",
    "c",
    "x",
    "xx",
    "q",
    "u",
    "S",
    "s/n ",
    "dl ",
    "passport no. ",
    "fax ",
    "\u{a0}",
    "\t",
    "|",
    "^",
    "\"",
    "_",
    ".",
    ",",
    "\\",
    "😀",
];

fn babble(dice: &mut Dice) -> String {
    let pieces = dice.below(40);
    let mut out = String::new();
    for _ in 0..pieces {
        out += PIECES[dice.below(PIECES.len())];
        if dice.below(4) == 0 {
            out.push(' ');
        }
        if dice.below(16) == 0 {
            out.push(char::from_u32(u32::try_from(dice.below(0x3000)).unwrap()).unwrap_or('x'));
        }
    }
    out
}

#[test]
fn random_texts_give_the_same_by_engine_and_by_regex() {
    let mut dice = Dice(2026);
    for (mut engine, regexes) in [built_in(), both(CUSTOM)] {
        for _ in 0..300 {
            assert_same(&mut engine, &regexes, &babble(&mut dice));
        }
    }
}

#[test]
fn matches_at_every_offset_of_a_window_are_found() {
    let (mut engine, regexes) = built_in();
    for pad in 0..100 {
        for shape in ["412-21-3456", "DOB: 06/22/1962", "a@icloud.com", "Mr. Harold Brown"] {
            for tail in ["", " ", "x", "é"] {
                assert_same(&mut engine, &regexes, &format!("{}{shape}{tail}", ".".repeat(pad)));
            }
        }
    }
}

#[test]
fn custom_rules_beside_the_built_in_find_the_same_in_mutated_and_cut_texts() {
    let built_in = RuleSet::built_in().detectors.iter().map(|d| d.pattern());
    let patterns: Vec<&str> = built_in.chain(CUSTOM.iter().copied()).collect();
    let (mut engine, regexes) = both(&patterns);
    let mut dice = Dice(7741);
    for _ in 0..40 {
        let mut text: Vec<char> = babble(&mut dice).chars().collect();
        for _ in 0..dice.below(6) {
            let (from, to) = (dice.below(text.len() + 1), dice.below(text.len() + 1));
            match text.get(from).copied() {
                Some(c) if dice.below(2) == 0 => text.insert(to, c),
                Some(_) => drop(text.remove(from)),
                None => text.push('7'),
            }
        }
        text.truncate(dice.below(text.len() + 1).max(text.len() / 2));
        assert_same(&mut engine, &regexes, &text.into_iter().collect::<String>());
    }
}

#[test]
fn what_one_text_taught_changes_nothing_in_the_next() {
    let (mut engine, regexes) = built_in();
    let (fresh, _) = built_in();
    let mut dice = Dice(31);
    for _ in 0..40 {
        let text = babble(&mut dice);
        assert_same(&mut engine, &regexes, &text);
    }
    let (mut first, mut later) = (Vec::new(), Vec::new());
    let text = babble(&mut dice).repeat(20);
    fresh.search(&text, &mut |rule, value| {
        first.push((rule, value));
        true
    });
    engine.search(&text, &mut |rule, value| {
        later.push((rule, value));
        true
    });
    first.sort_by_key(|(rule, value)| (*rule, value.start));
    later.sort_by_key(|(rule, value)| (*rule, value.start));
    assert_eq!(first, later);
}

#[test]
fn rules_that_read_far_from_every_start_stay_linear_and_the_same() {
    let (mut engine, regexes) = both(&[r"\ba[-a]*z", r"\b[A-Z][A-Z-]{4,}\d", r"(?s)x.*y", r"é[-é]+z"]);
    for text in ["a-".repeat(20_000), "AB-".repeat(10_000), "x ".repeat(20_000), "é-".repeat(10_000)] {
        for end in ["", "z", "9", "y"] {
            let text = format!("{text}{end}");
            let (mut hits, mut want) = (0, 0);
            rule::READ.set(0);
            engine.search(&text, &mut |_, _| {
                hits += 1;
                true
            });
            assert!(
                rule::READ.get() < 8 * (text.len() + READ_FREE),
                "read {} of {}",
                rule::READ.get(),
                text.len()
            );
            for regex in &regexes {
                want += regex.find_iter(&text).count();
            }
            assert_eq!(hits, want);
        }
    }
    assert_same(&mut engine, &regexes, &"a-AB-x é-".repeat(50));
}

#[test]
fn what_is_refused_by_its_beginning_is_not_asked_and_changes_no_other() {
    let begins: Begins = |text| !text.starts_with(['m', 'x', '1']);
    let patterns = [
        r"(?i)\b(?:with|for|for the|by)[.:]? (?P<v>[a-z]{1,15} [a-z'-]{2,8})\b",
        r"(?:a |a )+(?P<v>[a-z1]+ ?[a-z]*)",
        r"[a-z:]*:(?P<v>[^ ]+) ",
        r"(?P<v>m\w+)",
        r"x(?:-{0,100}|é)(?P<v>\w+)",
        r"\b1?(?P<v>\d\d)\b",
        r"for(?: (?P<v>\w+)|$)",
    ];
    let plain = Engine::new(patterns).unwrap();
    let rules = patterns.map(|pattern| Arc::new(Rule::new(pattern).unwrap().asking(Some(begins))));
    let asking = Engine::of(rules.into());
    let pieces = [
        "with ",
        "for ",
        "for the ",
        "by: ",
        "a ",
        "mary ",
        "x",
        "11",
        "15 ",
        "nora ",
        "smith",
        "a:b:",
        ":mx ",
        ":y ",
        "-",
        "é",
        " ",
        "\n",
        "x---9",
        "FOR",
        "---------------------------------------------------------------------",
    ];
    let mut dice = Dice(404);
    let (mut accepted, mut spared) = (0, 0);
    for _ in 0..4000 {
        let text: String = (0..dice.below(12)).map(|_| pieces[dice.below(pieces.len())]).collect();
        let found = |engine: &Engine| {
            let (mut hits, mut asked) = (Vec::new(), 0);
            engine.search(&text, &mut |rule, value| {
                asked += 1;
                let accepts = begins(&text[value.start..]);
                hits.extend(accepts.then_some((rule, value)));
                accepts
            });
            hits.sort_by_key(|(rule, _)| *rule);
            (hits, asked)
        };
        let ((want, asked), (hits, fewer)) = (found(&plain), found(&asking));
        assert_eq!(hits, want, "{text:?}");
        accepted += hits.len();
        spared += asked - fewer;
    }
    assert!(accepted > 1000 && spared > 500, "{accepted} {spared}");
}

#[test]
fn what_isnt_a_regex_is_told_by_number() {
    assert_eq!(Engine::new(["a", "("]).err(), Some(1));
}

/// Texts of the corpora beside the project, if they are there.
#[test]
fn corpora_give_the_same_by_engine_and_by_regex() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");
    let Ok(files) = std::fs::read_dir(format!("{folder}/corpora/dev")) else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "the corpora aren't there");
        println!("skipped: no corpora");
        return;
    };
    let (mut engine, regexes) = built_in();
    let mut texts: Vec<String> =
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    for name in ["fhir-r4-json", "hl7v2", "ccda", "x12"] {
        let files = std::fs::read_dir(format!("{folder}/samples/{name}")).unwrap();
        texts.extend(files.take(6).filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok()));
    }
    for text in texts {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for piece in lines.chunks(8).take(40) {
            let piece = piece.concat();
            let end = (0..=piece.len().min(6000)).rev().find(|at| piece.is_char_boundary(*at)).unwrap();
            assert_same(&mut engine, &regexes, &piece[..end]);
        }
    }
}
