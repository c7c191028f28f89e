//! Persons, rows and cues of JSON of no known kind.

use super::*;
use crate::inspect::field::FieldTable;
use std::ops::Range;

pub(super) type Kept = (String, String, Option<String>, PersonId, String, String);

#[derive(Default)]
pub(super) struct Keep {
    pub(super) roles: Vec<Role>,
    pub(super) leaves: Vec<Kept>,
    pub(super) clinical: Vec<PersonId>,
    pub(super) declared: Vec<Declared>,
    pub(super) unknown: Vec<String>,
}

impl Sink for Keep {
    fn person(&mut self, id: PersonId, role: Role) {
        assert_eq!(id.0 as usize, self.roles.len());
        self.roles.push(role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || (leaf.person.0 as usize) < self.roles.len());
        self.leaves.push((
            place(),
            leaf.value.clone().into_owned(),
            leaf.field.map(|f| f.id.trim_start_matches("json.").trim_start_matches("redox.").to_owned()),
            leaf.person,
            format!("{:?}", leaf.reads),
            leaf.cue.to_owned(),
        ));
    }

    fn clinical(&mut self, person: PersonId) {
        self.clinical.push(person);
    }

    fn declared(&mut self, mode: Declared, _: &dyn Fn() -> String) {
        self.declared.push(mode);
    }

    fn unknown_key(&mut self, key: &str, _: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown.push(key.to_owned());
    }
}

impl Keep {
    pub(super) fn of(&self, value: &str) -> &Kept {
        self.leaves.iter().find(|leaf| leaf.1 == value).unwrap()
    }

    pub(super) fn row(&self, value: &str) -> &str {
        self.of(value).2.as_deref().unwrap_or("")
    }
}

fn walked(doc: &str) -> Keep {
    walked_by(doc, FieldTable::parse(KEYS).unwrap())
}

fn walked_redox(doc: &str) -> Keep {
    walked_by(doc, FieldTable::parse(REDOX).unwrap().before(FieldTable::parse(KEYS).unwrap()))
}

fn walked_by(doc: &str, rows: FieldTable) -> Keep {
    let mut keep = Keep::default();
    walk(doc.as_bytes(), &Table::new(&rows).unwrap(), &mut keep).unwrap();
    keep
}

const KEYS: &str = include_str!("../../../../config/fields/json-keys.toml");
const REDOX: &str = include_str!("../../../../config/fields/redox.toml");

#[test]
fn a_redox_message_has_one_patient_and_relatives_apart() {
    let kept = walked_redox(
        r#"{"Meta":{"DataModel":"PatientAdmin","Test":true,"Source":{"ID":"s-1","Name":"Dev Tools"}},
        "Patient":{"Identifiers":[{"ID":"0000000001","IDType":"MR"},{"ID":"e167","IDType":"EHRID"}],
          "Demographics":{"FirstName":"Tim","LastName":"Bixby","DOB":"2008-01-06","SSN":"101-01-0001",
            "Address":{"StreetAddress":"4762 Hickory St","City":"Monroe","ZIP":"53566"},
            "PhoneNumber":{"Home":"+18088675301"},"EmailAddresses":["t@b.net"]},
          "Contacts":[{"FirstName":"Barb","LastName":"Bixby","PhoneNumber":{"Home":"+18088675302"}},{"FirstName":"Kent"}]},
        "Visit":{"VisitNumber":"1234","AttendingProvider":{"ID":"404","FirstName":"Pat","LastName":"Granite"},
          "Insurances":[{"MemberNumber":"60054100","Insured":{"LastName":"Bixby-Ray"}}]},
        "Orders":[{"ID":"157968300","Notes":["fasting"]}]}"#,
    );
    let patient = kept.of("Tim").3;
    for (value, row) in [
        ("Tim", "given"),
        ("2008-01-06", "birth-date"),
        ("101-01-0001", "ssn"),
        ("0000000001", "id-mr"),
        ("e167", "id-machine"),
        ("4762 Hickory St", "street"),
        ("53566", "zip"),
        ("+18088675301", "phone"),
        ("t@b.net", "email"),
        ("1234", "visit"),
        ("60054100", "member"),
        ("157968300", "order"),
    ] {
        assert_eq!((kept.row(value), kept.of(value).3), (row, patient), "{value}");
    }
    let barb = kept.of("Barb").3;
    assert_eq!(kept.of("+18088675302").3, barb);
    assert!(![barb, patient].contains(&kept.of("Kent").3));
    assert!(![barb, patient].contains(&kept.of("Bixby-Ray").3));
    assert_eq!(kept.roles.iter().filter(|r| **r == Role::RelativeOf(patient)).count(), 3);
    assert_eq!((kept.of("Granite").3, kept.of("Granite").4.as_str()), (PersonId::NOBODY, "Public"));
    assert_eq!(kept.of("Dev Tools").4, "Public");
    assert_eq!(kept.of("fasting").4, "Text");
    assert_eq!(kept.declared, [Declared::Test]);
    assert!(!kept.clinical.is_empty() && kept.clinical.iter().all(|p| *p == patient));
    assert_eq!(kept.of("Tim").0, "$.patient.*.firstname");
}

#[test]
fn why_somebody_comes_is_clinical_in_a_visit_alone() {
    let message = |place: &str| {
        let body = format!(
            r#"{{"Meta":{{"DataModel":"Scheduling","EventType":"New"}},"Patient":{{"Identifiers":[{{"ID":"E08738432","IDType":"MR"}}]}},"{place}":{{"Reason":"Chest pain"}}}}"#
        );
        walked_redox(&body).clinical.len()
    };
    assert_eq!((message("Visit"), message("Cancellation")), (1, 0));
}

#[test]
fn each_object_with_a_name_in_a_list_is_a_person() {
    let kept = walked(
        r#"[{"first_name":"Ann","dob":"1961-04-12","diagnoses":[{"code":"E11.9"}],"ids":[{"type":"SSN","value":"212-55-0187"}]},
        {"First-Name":"Bo","mrn":123456,"score":7.5,"pairs":[{"name":"Passport no","value":"X1"}]}]"#,
    );
    let (ann, bo) = (kept.of("Ann").3, kept.of("Bo").3);
    assert_ne!(ann, bo);
    assert_eq!((kept.row("212-55-0187"), kept.of("212-55-0187").3), ("id-ssn", ann));
    assert_eq!((kept.row("123456"), kept.of("123456").3, kept.of("123456").4.as_str()), ("mrn", bo, "Value"));
    assert_eq!(kept.of("7.5").4, "Quantity");
    assert_eq!((kept.row("X1"), kept.of("X1").3, kept.of("X1").5.as_str()), ("passport", bo, "Passport no"));
    assert_eq!(kept.clinical, [ann]);
    assert!(kept.unknown.contains(&"score".to_owned()) && !kept.unknown.contains(&"mrn".to_owned()));
    assert_eq!(kept.of("7.5").0, "$[1].*");
}

#[test]
fn takes_any_document() {
    for doc in ["7", "\"x\"", "[]", "{}", "[[[\"a\"]]]", "null", "{\"\":{\"\":1}}"] {
        walked(doc);
    }
    assert_eq!(walked("\"x\"").roles, [Role::Patient]);
}

#[test]
fn redox_messages_are_known_by_their_meta() {
    let redox = |doc: &str| is_redox(&Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap(), NodeId::ROOT);
    assert!(redox(r#"{"Meta":{"DataModel":"Notes","EventType":"New"}}"#));
    assert!(!redox(r#"{"Meta":{"DataModel":"Notes"}}"#));
    assert!(!redox(r#"{"Meta":"DataModel EventType"}"#) && !redox("[]"));
}

#[test]
fn each_redox_search_match_is_a_person_and_goods_are_nobodys() {
    let kept = walked_redox(
        r#"{"Meta":{"DataModel":"PatientSearch","EventType":"Response"},
        "PotentialMatches":[{"Identifiers":[{"ID":"7","IDType":"MR"}],"Demographics":{"FirstName":"Ann"}},
          {"Identifiers":[{"ID":"8","IDType":"MR"}],"Demographics":{"FirstName":"Bo"}}],
        "Items":[{"Identifiers":[{"ID":"289830050","IDType":"NDC"}],"Description":"GLOVE M"}],
        "Patient":{"Guarantor":{"Number":"G-1","FirstName":"Cy","Employer":{"Name":"Acme"}}},
        "Results":[{"ValueType":"Encapsulated Data","Value":"aGVsbG8gd29ybGQ="}],
        "Note":{"FileContents":"Seen today"},"Media":{"FileContents":"aGVsbG8gd29ybGQ=","FileName":"Ann.pdf"}}"#,
    );
    assert_eq!(kept.of("7").3, kept.of("Ann").3);
    assert_eq!(kept.of("8").3, kept.of("Bo").3);
    assert_ne!(kept.of("Ann").3, kept.of("Bo").3);
    assert_eq!((kept.of("289830050").3, kept.row("289830050")), (PersonId::NOBODY, ""));
    assert_eq!(
        (kept.row("G-1"), kept.row("Cy"), kept.row("Acme")),
        ("guarantor-number", "guarantor", "guarantor-employer")
    );
    assert_eq!(kept.row("aGVsbG8gd29ybGQ="), "result-file");
    assert!(kept.leaves.iter().filter(|l| l.1 == "aGVsbG8gd29ybGQ=").all(|l| l.4.starts_with("Base64")));
    assert_eq!((kept.of("Seen today").4.as_str(), kept.row("Ann.pdf")), ("Text", "file-name"));
}

#[test]
fn every_redox_row_of_the_field_map_is_carried_out() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/formats/phi-field-map.toml");
    let Ok(map) = std::fs::read_to_string(path) else {
        assert!(std::env::var("CI").is_err(), "the field map is missing");
        println!("skipped: no field map");
        return;
    };
    let map: toml::Value = toml::from_str(&map).unwrap();
    let theirs = map["format"]["redox"]["field"].as_array().unwrap();
    let ours = FieldTable::parse(REDOX).unwrap();
    let word = |debug: String| debug.to_lowercase();
    for row in theirs {
        let path = row["path"].as_str().unwrap();
        let wanted = (
            row["kind"].as_str().unwrap(),
            row["weight"].as_integer().unwrap(),
            row["who"].as_str().unwrap().to_owned(),
            row["redact"].as_str().unwrap().to_owned(),
        );
        let mut mine = ours.field.iter().filter(|field| field.row == path).map(|f| {
            (
                f.kind.as_str(),
                i64::from(f.points.0),
                word(format!("{:?}", f.whose)),
                word(format!("{:?}", f.redact)),
            )
        });
        assert!(mine.any(|row| row == wanted), "{path}: wanted {wanted:?}");
    }
    for field in ours.field.iter().filter(|field| !field.row.starts_with("Beyond the map: ")) {
        assert!(theirs.iter().any(|row| row["path"].as_str() == Some(&field.row)), "{}", field.id);
    }
}

#[test]
fn a_text_that_is_asked_tells_what_its_answer_is() {
    let doc = r#"[{"text":"Date of birth","answer":"1971-04-30"},{"text":"Last name?","answer":"Hrytsenko"},
        {"text":"Reason of visit","answer":"1971-05-01"},{"text":"Date of birth","code":"1971-05-02"}]"#;
    let keep = walked(doc);
    assert_eq!(keep.row("1971-04-30"), "birth-date");
    assert_eq!(keep.row("Hrytsenko"), "family");
    assert_eq!(keep.row("1971-05-01"), "");
    assert_eq!(keep.row("1971-05-02"), "");
}

#[test]
fn a_buffer_of_a_program_is_read_as_its_bytes() {
    let list = |text: &str| text.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(",");
    let text = "Patient Harold Vandenberg";
    let keep = walked(&format!(r#"{{"a":{{"type":"Buffer","data":[{}]}}}}"#, list(text)));
    let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    assert_eq!(keep.of(&hex).4, "Hex(\"\")");
    for other in [r#"{"type":"Series","data":[1,2,3]}"#, r#"{"type":"Buffer","data":[1,2,999]}"#] {
        assert!(walked(other).leaves.iter().all(|leaf| !leaf.4.starts_with("Hex")), "{other}");
    }
}

#[test]
fn a_label_may_be_an_object_of_its_own() {
    for doc in [
        r#"[{"_type":"ELEMENT","name":{"value":"Patient name"},"value":{"_type":"DV_TEXT","value":"Qeltor Vandrosk"}},
            {"_type":"ELEMENT","name":{"value":"Date of birth"},"value":{"_type":"DV_DATE","value":"1961-06-06"}}]"#,
        r#"[{"field":{"id":"a1","ref":"full_name"},"type":"text","text":"Qeltor Vandrosk"},
            {"field":{"id":"a2","ref":"dob"},"type":"date","date":"1961-06-06"}]"#,
        r#"[{"prompt":"Patient name","reply":"Qeltor Vandrosk"},{"prompt":"Date of birth","reply":"1961-06-06"}]"#,
    ] {
        let kept = walked(doc);
        assert_eq!((kept.row("Qeltor Vandrosk"), kept.row("1961-06-06")), ("name", "birth-date"), "{doc}");
        assert_eq!(kept.of("Qeltor Vandrosk").3, kept.of("1961-06-06").3, "{doc}");
    }
    let kept =
        walked(r#"{"name":{"value":"Channel name"},"value":{"_type":"DV_TEXT","value":"Qeltor Vandrosk"}}"#);
    assert_eq!(kept.row("Qeltor Vandrosk"), "");
}

#[test]
fn segments_of_hl7v2_and_x12_in_json_have_their_fields() {
    for doc in [
        r#"{"PID":[{"5":[{"1":"Vandrosk","2":"Qeltor"}],"7":"19710910"}]}"#,
        r#"{"PID":{"PID.5":[{"PID.5.1":"Vandrosk","PID.5.2":"Qeltor"}],"PID.7":"19710910"}}"#,
        r#"{"2010BA":{"NM1":["IL","1","Vandrosk","Qeltor"],"DMG":["D8","19710910","F"]}}"#,
        r#"{"Loop_2010BA":{"NM1":{"NM101":"IL","NM103":"Vandrosk","NM104":"Qeltor"},"DMG":{"DMG02":"19710910"}}}"#,
    ] {
        let kept = walked(doc);
        let told = [kept.row("Vandrosk"), kept.row("Qeltor"), kept.row("19710910")];
        assert_eq!(told, ["family", "given", "birth-date"], "{doc}");
        assert_eq!(kept.of("Vandrosk").3, kept.of("19710910").3, "{doc}");
    }
    for (first, fields) in [("", "\"1\","), ("\"PID\",", "\"1\",")] {
        let doc = format!(
            r#"{{"segments":[{{"name":"PID","fields":[{first}{fields}"","44819223","","Vandrosk^Qeltor","","19710910"]}}]}}"#
        );
        let kept = walked(&doc);
        let told = [kept.row("44819223"), kept.row("Vandrosk^Qeltor"), kept.row("19710910")];
        assert_eq!(told, ["mrn", "name", "birth-date"], "{doc}");
    }
    // Another segment's, and a provider's.
    let kept = walked(
        r#"{"ORC":[{"5":"Vandrosk"}],"NM1":["85","1","Whitaker","DeShawn"],"a":{"NM101":"82","NM103":"Goldfarb","NM104":"Rivka"},
            "segments":[{"name":"OBX","fields":["1","","","","Qeltor"]}]}"#,
    );
    for value in ["Vandrosk", "Whitaker", "DeShawn", "Goldfarb", "Rivka", "Qeltor"] {
        assert_eq!(kept.row(value), "", "{value}");
    }
}

#[test]
fn keys_in_other_orders_and_languages_are_told() {
    let kept = walked(
        r#"{"NamePatLast":"Vandrosk","NamePatFirst":"Qeltor","DatePatBirth":"2001-08-09","birthdayMMDDYYYY":"08061957",
            "WS-PAT-BRTH-DT":"19920815","demographics/person/name|family":"Kowal","achternaam":"Petrov","imie":"Olga"}"#,
    );
    for (value, row) in [
        ("Vandrosk", "family"),
        ("Qeltor", "given"),
        ("2001-08-09", "birth-date"),
        ("08061957", "birth-date"),
        ("19920815", "birth-date"),
        ("Kowal", "family"),
        ("Petrov", "family"),
        ("Olga", "given"),
    ] {
        assert_eq!(kept.row(value), row, "{value}");
    }
    assert_eq!(walked(r#"{"subjectName":"CN=gateway,O=Acme"}"#).row("CN=gateway,O=Acme"), "");
}
