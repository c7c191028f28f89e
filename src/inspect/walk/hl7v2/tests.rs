use super::super::{Declared, Leaf, PersonId, Role, Sink, WalkError};
use super::{Separators, Table, grammar, next_segment, recognise, reference, walk};
use crate::inspect::RuleSet;
use crate::inspect::field::FieldTable;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

const ROWS: &str = include_str!("../../../../config/fields/hl7v2.toml");

#[derive(Debug, Clone)]
struct Told {
    place: String,
    value: String,
    rule: String,
    reads: String,
    person: PersonId,
    cue: String,
    span: Range<usize>,
}

#[derive(Default)]
struct Listener {
    leaves: Vec<Told>,
    persons: Vec<Role>,
    clinical: Vec<PersonId>,
    declared: Vec<(Declared, String)>,
    unknown: Vec<(String, String)>,
}

impl Sink for Listener {
    fn person(&mut self, id: PersonId, role: Role) {
        assert_eq!(id.0 as usize, self.persons.len());
        self.persons.push(role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || (leaf.person.0 as usize) < self.persons.len());
        self.leaves.push(Told {
            place: place(),
            value: leaf.value.to_string(),
            rule: leaf.field.map_or("", |field| &field.id).to_owned(),
            reads: format!("{:?}", leaf.reads),
            person: leaf.person,
            cue: leaf.cue.to_owned(),
            span: leaf.span.clone(),
        });
    }

    fn clinical(&mut self, person: PersonId) {
        assert!((person.0 as usize) < self.persons.len());
        self.clinical.push(person);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        self.declared.push((mode, place()));
    }

    fn unknown_key(&mut self, key: &str, _: Range<usize>, _: PersonId, place: &dyn Fn() -> String) {
        self.unknown.push((key.to_owned(), place()));
    }
}

impl Listener {
    fn at(&self, place: &str) -> &Told {
        self.leaves.iter().find(|leaf| leaf.place == place).unwrap_or_else(|| panic!("no leaf at {place}"))
    }

    /// Rule ids and reads at places.
    fn rules(&self, places: &[&str]) -> Vec<(&str, &str)> {
        places
            .iter()
            .map(|place| self.at(place))
            .map(|leaf| (leaf.rule.as_str(), leaf.reads.as_str()))
            .collect()
    }
}

fn table() -> Table {
    Table::new(&FieldTable::parse(ROWS).unwrap()).unwrap()
}

fn told(doc: &[u8]) -> Listener {
    let mut listener = Listener::default();
    walk(doc, &table(), None, &mut listener).unwrap();
    listener
}

/// A message with the usual header.
fn message(segments: &str) -> Listener {
    told(format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A01|7|P|2.5.1\r{segments}").as_bytes())
}

/// The folder of published samples beside the checkout; absent, tests that want it are passed over outside CI.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(folder);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{folder} is missing");
    eprintln!("passed over: 0 samples of {folder}");
    None
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = shared("samples/hl7v2") else { return Vec::new() };
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let Some(path) = shared("formats/phi-field-map.toml") else { return };
    let map: toml::Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let rows = map["format"]["hl7v2"]["field"].as_array().unwrap();
    let ours = FieldTable::parse(ROWS).unwrap();
    assert_eq!(rows.len(), 80);
    for row in rows {
        let path = row["path"].as_str().unwrap();
        let carried: Vec<_> = ours.field.iter().filter(|field| field.row == path).collect();
        assert!(!carried.is_empty(), "no row for {path}");
        let agrees = carried.iter().any(|field| {
            field.kind.as_str() == row["kind"].as_str().unwrap()
                && i64::from(field.points.0) == row["weight"].as_integer().unwrap()
                && format!("{:?}", field.whose).to_lowercase() == row["who"].as_str().unwrap()
                && format!("{:?}", field.redact).to_lowercase() == row["redact"].as_str().unwrap()
        });
        assert!(agrees, "no row for {path} says what it says");
    }
    for field in &ours.field {
        assert!(rows.iter().any(|row| row["path"].as_str() == Some(&field.row)), "{} names no row", field.id);
    }
}

#[test]
fn rule_ids_are_distinct() {
    let mut ids: Vec<_> = FieldTable::parse(ROWS).unwrap().field.into_iter().map(|field| field.id).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn a_row_at_no_place_is_refused() {
    for at in ["PID", "PID-0", "PID-x", "QQQ-1", "PID-999999", "PID-0+", "PID-3.x"] {
        let mut rows = FieldTable::parse(ROWS).unwrap();
        rows.field[0].at = vec![at.to_owned()];
        assert!(Table::new(&rows).is_err(), "{at}");
    }
}

#[test]
fn agrees_with_the_reference_on_all_samples() {
    let known: Vec<[u8; 3]> = grammar::segments().map(|(id, _)| id).chain(grammar::untold()).collect();
    let known = |id: &str| known.iter().any(|k| k == id.as_bytes());
    let (mut files, mut leaves) = (0, 0);
    for (name, doc) in samples().into_iter().filter(|(_, doc)| recognise(doc)) {
        let mut listener = Listener::default();
        let _ = walk(&doc, &table(), None, &mut listener);
        // A local number is told with its area's code, which has a leaf of its own.
        let with_area = |l: &Told| l.place.ends_with(".7") && l.value.len() == 12 && l.span.len() == 7;
        let as_written = |l: &Told| match with_area(l) {
            true => l.value.replace('-', "")[3..].to_owned(),
            false => l.value.clone(),
        };
        let mut ours: Vec<_> = listener.leaves.iter().map(|l| (l.place.clone(), as_written(l))).collect();
        let mut theirs = reference::leaves(&doc, &known);
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{name}");
        let marks = marks(&doc);
        for leaf in &listener.leaves {
            assert_eq!(
                reference::value(&doc[leaf.span.clone()], &marks),
                as_written(leaf),
                "{name} {}",
                leaf.place
            );
        }
        files += 1;
        leaves += ours.len();
    }
    assert!(files == 0 || (files > 200 && leaves > 10_000), "{files} files, {leaves} leaves");
}

/// The separators of the first header, as the reference wants them.
fn marks(doc: &[u8]) -> Vec<u8> {
    let header = &doc[next_segment(doc, 0).unwrap()];
    let Some((s, _)) = Separators::declared(header) else { return b"|^~\\&".to_vec() };
    [Some(s.field), Some(s.component), s.repetition, s.escape, s.subcomponent, s.truncation]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn no_prefix_of_a_sample_panics() {
    let table = table();
    for (_, doc) in samples().into_iter().step_by(9) {
        for end in 0..=doc.len().min(6_000) {
            let _ = walk(&doc[..end], &table, None, &mut Listener::default());
        }
    }
}

#[test]
fn leaves_don_t_overlap() {
    for (name, doc) in samples() {
        let mut listener = Listener::default();
        let _ = walk(&doc, &table(), None, &mut listener);
        let mut spans: Vec<_> = listener.leaves.iter().map(|leaf| leaf.span.clone()).collect();
        spans.sort_by_key(|span| span.start);
        assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{name}");
    }
}

#[test]
fn the_fields_of_a_pid_have_their_rules() {
    let l = message(
        "PID|1|A2^x|12345678^^^HOSP^MR~123456789^^^SSA^SS~99^^^MEDICARE^NIIP~98^^^HOSP^NIIP|A4|DOE&van&DOE^JANE^Q^^^^L||\
         19800101|F||2106-3^White^HL70005|1 MAIN ST^APT 2^TOWN^PA^15213^USA^H^^ALLEGHENY||\
         (412)555-0100^PRN^PH^a@example.org~^PRN^FX^^^^5550101~b@example.org|||||A18|123-45-6789\r",
    );
    let places = [
        "PID-3.1",
        "PID-3[2].1",
        "PID-3[3].1",
        "PID-3[4].1",
        "PID-3[2].5",
        "PID-5.1.1",
        "PID-5.1.3",
        "PID-5.2",
    ];
    let rules = ["pid-3", "pid-3.ss", "pid-3.niip-payer", "pid-3.niip", "", "pid-5.1", "pid-5.1", "pid-5.2"];
    for (place, rule) in places.iter().zip(rules) {
        let rule = if rule.is_empty() { String::new() } else { format!("hl7v2.{rule}") };
        assert_eq!(l.at(place).rule, rule, "{place}");
    }
    for (place, rule) in [
        ("PID-2.1", "pid-2"),
        ("PID-4", "pid-4"),
        ("PID-5.3", "pid-5.2"),
        ("PID-7", "pid-7"),
        ("PID-10.2", "pid-8"),
        ("PID-11.2", "pid-11.1"),
        ("PID-11.5", "pid-11.5"),
        ("PID-11.9", "pid-11.9"),
        ("PID-13.1", "pid-13"),
        ("PID-13.4", "pid-13.4"),
        ("PID-13[2].7", "pid-13.fax"),
        ("PID-13[3]", "pid-13.at"),
        ("PID-18", "pid-18"),
        ("PID-19", "pid-19"),
    ] {
        assert_eq!(l.at(place).rule, format!("hl7v2.{rule}"), "{place}");
    }
    assert_eq!(l.rules(&["PID-10.3", "PID-11.4", "PID-5.7", "PID-2.2"]), [("", "Code"); 4]);
    assert_eq!(l.persons, [Role::Patient]);
}

#[test]
fn a_name_that_isn_t_split_is_a_full_name_and_a_year_no_birth_date() {
    let l = message("PID|1||||DOE, JANE||1980\r");
    assert_eq!(
        (l.at("PID-5").rule.as_str(), l.at("PID-7").rule.as_str()),
        ("hl7v2.pid-5.unsplit", "hl7v2.pid-7.year")
    );
    assert_eq!(message("PID|1||||VAN DYKE^DICK\r").at("PID-5.1").rule, "hl7v2.pid-5.1");
}

#[test]
fn relatives_are_persons_of_their_own() {
    let l = message(
        "PID|1||7\rNK1|1|DOE^JIM\rNK1|2|DOE^ANN|||5550100\rGT1|1|9|DOE^JIM\rIN1|1|||||||||||||||DOE^JIM\rIN2||123456789||||1EG4TE5MK73\r",
    );
    let of = PersonId(0);
    assert_eq!(l.persons[0], Role::Patient);
    assert_eq!(l.persons[1..], [Role::RelativeOf(of); 4]);
    assert_eq!(l.at("NK1[2]-5").person, l.at("NK1[2]-2.1").person);
    assert_ne!(l.at("NK1-2.1").person, l.at("NK1[2]-2.1").person);
    assert_eq!(l.at("IN1-16.1").person, l.at("IN2-2").person);
    assert_eq!((l.at("IN2-6").person, l.at("IN2-6").rule.as_str()), (of, "hl7v2.in2-6"));
}

#[test]
fn a_pid_owns_what_stands_before_it_and_up_to_the_next() {
    let l = message("SCH|55\rPID|1||7\rMRG|8\rPID|2||9\rMRG|10\r");
    assert_eq!(l.persons, [Role::Patient, Role::Patient]);
    let people: Vec<_> =
        ["SCH-1", "PID-3", "MRG-1", "PID[2]-3", "MRG[2]-1"].iter().map(|p| l.at(p).person.0).collect();
    assert_eq!(people, [0, 0, 0, 1, 1]);
    assert_eq!(l.at("MRG-1").rule, "hl7v2.mrg-1");
}

#[test]
fn each_message_of_a_batch_starts_anew() {
    let one = "MSH|^~\\&|A|B|||20260101||ADT^A08|1|T|2.5\nPID|1||7\n";
    let l = told(format!("FHS|^~\\&|A\nBHS|^~\\&|A\n{one}{one}BTS|2\nFTS|1\n").as_bytes());
    assert_eq!(l.persons.len(), 2);
    assert_eq!(l.at("MSH[2]:PID-3").person, PersonId(1));
    assert_eq!(l.declared[1], (Declared::Test, "MSH[2]:MSH-11".to_owned()));
}

#[test]
fn results_read_by_their_value_type() {
    let l = message(
        "PID|1||7\rOBX|1|NM|718-7^Hemoglobin^LN||13.2|g/dL^gram^UCUM|12-16||||F\rOBX|2|NM|1^x^L||JOHN DOE\r\
         OBX|3|TX|1^Note^L||seen by\\.br\\Dr~more\rOBX|4|CWE|1^x^L||260385009^Negative^SCT\r\
         OBX|5|ED|PDF^Report^L||LAB^AP^PDF^Base64^JVBERi0x\rOBX|6|RP|1^x^L||http://x.example/1^^^\r\
         OBX|7|XPN|1^Mother's name^L||DOE^ANN\rOBX|8|DT|29769-7^Date Vis Presented^LN||20210818\r\
         OBX|9|DT|21112-8^Birth date^LN||20210818\rOBX|10|SN|1^x^L||>^100\rOBX|11|pub|1^x^L||JOHN\r",
    );
    let rules =
        l.rules(&["OBX-5", "OBX-7", "OBX[2]-5", "OBX[3]-5", "OBX[3]-5[2]", "OBX[4]-5.1", "OBX[4]-5.2"]);
    let text = ("hl7v2.obx-5.text", "Text");
    assert_eq!(
        rules,
        [("", "Quantity"), ("", "Quantity"), ("", "Text"), text, text, ("", "Code"), ("", "Text")]
    );
    let places =
        ["OBX[5]-5.5", "OBX[6]-5.1", "OBX[7]-5.1", "OBX[8]-5", "OBX[9]-5", "OBX[10]-5.2", "OBX[11]-5"];
    let data = ("hl7v2.obx-5.ed", "Base64(\"application/pdf\")");
    let (name, born) = (("hl7v2.obx-5.form-name", "Value"), ("hl7v2.obx-5.form-birth-date", "Value"));
    let url = ("hl7v2.obx-5.rp", "Value");
    assert_eq!(l.rules(&places), [data, url, name, ("", "Text"), born, ("", "Quantity"), ("", "Text")]);
    assert_eq!(l.at("OBX[3]-5").value, "seen by\nDr");
    assert_eq!(l.at("OBX[7]-5.1").cue, "Mother's name");
    assert_eq!(l.clinical.len(), 11);
}

#[test]
fn each_result_is_read_by_its_own_question() {
    let doc = "MSH|^~\\&|A\rPID|1||7\rOBX|1|ST|^MRN||881203\rOBX|2|ST|^MRN||881204\r\
        OBX|3|ST|^Glucose||881205\r\
        OBX|4|ST|^MRN||881206\rOBX|5|CWE|^MRN||881207^x\rOBX|6|ST|||881208\rOBX|7|ST|MRN^Glucose||881209\r\
        MSH|~^\\&|A\rOBX|1|ST|MRN^Glucose||881210\rOBX|2|ST|~MRN||unknown\r";
    let mut l = Listener::default();
    walk(doc.as_bytes(), &table(), Some(&*RuleSet::built_in().objects), &mut l).unwrap();
    let rule = |place: &str| l.at(place).rule.as_str();
    let number = rule("OBX-5");
    assert!(!number.is_empty() && !number.starts_with("hl7v2."));
    assert_eq!([rule("OBX[2]-5"), rule("OBX[4]-5")], [number; 2]);
    for place in ["OBX[3]-5", "OBX[5]-5.1", "OBX[6]-5", "OBX[7]-5", "MSH[2]:OBX-5", "MSH[2]:OBX[2]-5"] {
        assert_ne!(rule(place), number, "{place}");
    }
    assert_eq!(l.at("OBX[7]-5").cue, "Glucose");
    assert_eq!(l.at("MSH[2]:OBX-5").cue, "MRN^Glucose");
}

#[test]
fn clinical_content_is_told_of_the_patient() {
    assert!(message("PID|1||7\rNTE|1||x\rPV1|1|I\rPV2|A\rFT1|1|5\r").clinical.is_empty());
    assert_eq!(message("PID|1||7\rDG1|1||I10\r").clinical, [PersonId(0)]);
    assert_eq!(message("PID|1||7\rOBR|1|5||CBC\rNTE|1||x\r").clinical, [PersonId(0); 2]);
    assert_eq!(message("PID|1||7\rPV2|||^fell\r").clinical, [PersonId(0)]);
}

#[test]
fn providers_are_nobody_and_codes_are_codes() {
    let l = message("PID|1||7\rPV1|1|I|W^1^A||||9^SMITH^ANN||||||||||||V1\rDG1|1||I10^Hypertension^I10C\r");
    let rules =
        l.rules(&["PV1-7.2", "PV1-3.1", "PV1-2", "PV1-19", "DG1-3.1", "DG1-3.2", "MSH-10", "MSH-3", "MSH-7"]);
    assert_eq!(
        rules[..4],
        [("hl7v2.pv1-7", "Public"), ("hl7v2.pv1-3", "Code"), ("", "Code"), ("hl7v2.pv1-19", "Value")]
    );
    assert_eq!(rules[4..6], [("hl7v2.dg1-3", "Code"), ("hl7v2.dg1-3", "Text")]);
    assert_eq!(rules[6..], [("hl7v2.msh-3", "Opaque"), ("hl7v2.msh-3", "Code"), ("", "Time")]);
    assert_eq!(l.at("PV1-7.2").person, PersonId::NOBODY);
}

#[test]
fn a_placer_contact_is_a_provider_unless_he_is_in_the_message() {
    let pid = "PID|1||7||DOE^JANE||||||||(412) 555-0100\rNK1|1|DOE^JIM\r";
    let sch = |contact: &str| message(&format!("SCH|1|||||||||||{contact}\r{pid}"));
    let l = sch("9^SMITH^ANN|4125550199");
    assert_eq!(l.rules(&["SCH-12.2", "SCH-13"]), [("hl7v2.sch-12", "Public"), ("", "Public")]);
    let l = sch("^Doe^Jane|4125550199");
    assert_eq!(
        l.rules(&["SCH-12.2", "SCH-12.3", "SCH-13"])[..2],
        [("hl7v2.pid-5.1", "Value"), ("hl7v2.pid-5.2", "Value")]
    );
    assert_eq!(
        (l.at("SCH-13").rule.as_str(), l.at("SCH-12.2").person),
        ("hl7v2.pid-13", l.at("PID-5.1").person)
    );
    assert_eq!(sch("9^SMITH^ANN|4125550100").at("SCH-12.2").rule, "hl7v2.pid-5.1");
    let l = sch("^DOE^JIM");
    assert_eq!(l.at("SCH-12.2").rule, "hl7v2.nk1-2");
    assert_eq!(l.persons[l.at("SCH-12.2").person.0 as usize], Role::RelativeOf(l.at("PID-3").person));
}

#[test]
fn query_parameters_are_judged_as_the_fields_they_name() {
    let l = message(
        "QPD|Q22^Find^HL7|1|@PID.5.1^SMITH~@PID.7^19700101~@PID.3^7^^^HOSP^SS~@QQQ.1^x~free\rPID|1||7\r",
    );
    let places = ["QPD-3.2", "QPD-3[2].2", "QPD-3[3].2", "QPD-3[4].2", "QPD-3[5]"];
    let rules: Vec<_> = places.iter().map(|place| l.at(place).rule.as_str()).collect();
    assert_eq!(rules, ["hl7v2.pid-5.1", "hl7v2.pid-7", "hl7v2.pid-3.ss", "hl7v2.query", "hl7v2.query"]);
    assert_eq!(l.at("QPD-3.1").reads, "Code");
    assert_ne!(l.at("QPD-3.2").person, l.at("PID-3").person);
    let l = message("QRD|20260101|R|I|1|||1^RD|7^DOE^JANE\rQRF|X||||123456789~19900607~MN~DOE^MARY\r");
    assert_eq!(l.at("QRD-8.2").rule, "hl7v2.pid-5.1");
    let filters = ["QRF-5", "QRF-5[2]", "QRF-5[3]", "QRF-5[4].1"];
    let rules: Vec<_> = filters.iter().map(|place| l.at(place).rule.as_str()).collect();
    assert_eq!(rules, ["hl7v2.pid-19", "hl7v2.pid-7", "hl7v2.query", "hl7v2.pid-5.1"]);
    assert_eq!(l.persons.len(), 1);
    assert_eq!(message("QPD|Z34^x^CDC|1|7^^^H^MR|DOE^JANE\r").at("QPD-4.2").rule, "hl7v2.pid-5.2");
}

#[test]
fn segments_of_a_site_and_unknown_ones_are_text() {
    let l = message("PID|1||7\rZPI|1|a^b\rQQQ|c\rJane Doe, born yesterday\rpid|1||8\r");
    assert_eq!(l.rules(&["Z*-2.2", "*-1"]), [("hl7v2.z", "Text"), ("", "Text")]);
    let unknown =
        [("QQQ", "*"), ("Jane Doe, born yesterday", "*[2]")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(l.unknown, unknown);
    assert_eq!(l.at("PID[2]-3").rule, "hl7v2.pid-3");
}

#[test]
fn odd_separators_nulls_and_latin1_are_read() {
    let l = told(
        b"\x0BMSH@~&#\\@APP@F@@@2026@@ADT~A01@1@P@2.5\nPID@1@@7~~~H\\1.2~SS@@Jos\xE9~\"\"@#\"\"@\"\"\x1C\r",
    );
    assert_eq!(l.at("PID-3.1").rule, "hl7v2.pid-3.ss");
    assert_eq!((l.at("PID-3.4.2").value.as_str(), l.at("PID-5.1").value.as_str()), ("1.2", "José"));
    assert!(l.leaves.iter().all(|leaf| leaf.place != "PID-5.2" && leaf.place != "PID-7"));
}

#[test]
fn what_is_no_message_is_malformed() {
    let refused = |doc: &[u8]| walk(doc, &table(), None, &mut Listener::default());
    for doc in [&b""[..], b"PID|1", b"MSH", b"MSH|", b"MSH|^~", b"MSH|^^\\&|A", b"{}", b"MSH is a hormone"] {
        assert_eq!(refused(doc), Err(WalkError::Malformed { at: 0 }));
    }
    assert_eq!(refused(b"MSH|^~\\&|A\rPID|1\rMSH|^~\r"), Err(WalkError::Malformed { at: 17 }));
    assert!(recognise(b"\xEF\xBB\xBF\n\x0BBHS|^~\\&") && !recognise(b"MSHA|x") && !recognise(b"<MSH>"));
}

#[test]
fn a_whole_number_where_an_areas_code_belongs_is_the_number() {
    let pid = |phone: &str| format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1||7||||||||||{phone}\r");
    for phone in ["^PRN^PH^^^8087482291", "^PRN^PH^^1^808-748-2291"] {
        let l = told(pid(phone).as_bytes());
        assert_eq!(l.at("PID-13.6").rule, "hl7v2.pid-13", "{phone}");
    }
    let l = told(pid("^PRN^PH^^1^808^7482291").as_bytes());
    assert_eq!((l.at("PID-13.6").rule.as_str(), l.at("PID-13.7").rule.as_str()), ("", "hl7v2.pid-13"));
}
