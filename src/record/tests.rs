use super::*;
use crate::inspect::RuleSet;
use crate::inspect::decode::Budget;
use crate::org::Flag;
use crate::payload::{Payload, PayloadText};
use crate::secrets::TokenKeys;

pub(super) fn draft(content_type: &str, body: &[u8], ceiling: View) -> Draft {
    Draft {
        entry: Entry { id: crate::clock::new_id(), environment: "production".into(), ..Entry::default() },
        ceiling,
        flag: Some(Flag::Production),
        findings: None,
        reply_findings: None,
        reply: None,
        inspect: true,
        cut: false,
        unseen: false,
        trace: None,
        target: PayloadText::from("/fhir/Patient/E08738432?family=Okafor&x=1"),
        headers: vec![("cookie".into(), "who=Okafor".into()), ("x-okafor".into(), "Okafor".into())],
        content_type: content_type.into(),
        content_encoding: String::new(),
        body: Payload::from(body.to_vec()),
        known: None,
        rules: RuleSet::built_in().clone(),
        budget: Budget::default(),
        seal: None,
    }
}

pub(super) fn redacted(content_type: &str, body: &[u8], ceiling: View) -> Redacted {
    redact(draft(content_type, body, ceiling), &TokenKeys::ephemeral().expect("random")).0
}

pub(super) fn body(record: &Redacted, view: View) -> String {
    let parts = render(&record.payload().expect("stored"), view);
    parts.into_iter().find(|(name, _)| name == "body").expect("a body").1
}

const PATIENT: &str = r#"{"resourceType":"Patient","active":true,"multipleBirthInteger":2,"id":"p","gender":"male","name":[{"use":"official","family":"Okafor","given":["Darnell"]}],"birthDate":"1962-06-22","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}],"address":[{"postalCode":"83702","city":"Boise"},{"postalCode":"03601"}],"Zed":{"k":"v"}}"#;
const ADT: &str = "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.5\rPID|1||E08738432^^^H^MR~412-21-3456^^^^SS||OKAFOR^DARNELL||19620622|M|||1 A ST^^BOISE^ID^83702\rOBX|1|NM|2345-7^Glucose^LN||182|mg/dL\rZQX|OKAFOR\r";
const CLAIM: &str = "ISA*00*          *00*          *ZZ*SENDER1        *ZZ*RECEIVER1      *260101*1200*^*00501*000000001*0*P*:~\n\
    GS*HC*A*B*20260101*1200*1*X*005010X222A2~\nST*837*0001~\nHL*1**22*0~\nNM1*IL*1*OKAFOR*DARNELL****MI*E08738432~\n\
    N4*BOISE*ID*83702~\nDMG*D8*19620622*M~\nREF*SY*412-21-3456~\nCLM*ACCT77*40***11:B:1~\nHI*ABK:E11.9^ABF:I10~\nQQ7*JANE~\n\
    BIN*6*OKA*OR~\nSE*12*0001~\nGE*1*1~\nIEA*1*000000001~\n";

#[test]
fn a_stored_json_is_json_and_keeps_only_what_is_safe() {
    let record = redacted("application/fhir+json", PATIENT.as_bytes(), View::Linked);
    let text = body(&record, View::Masked);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&value["name"][0]["family"], &value["birthDate"], &value["gender"]),
        (&"[family-name]".into(), &"1962".into(), &"male".into())
    );
    assert_eq!(
        (&value["address"][0]["postalCode"], &value["address"][1]["postalCode"]),
        (&"837".into(), &"000".into())
    );
    assert_eq!(value["identifier"][0]["value"], "[mrn]");
    assert!(value.get("Zed").is_none() && text.contains("\"*\""));
    assert_eq!(record.tokens().len(), 1);
    assert!(body(&record, View::Linked).contains(&format!("[mrn:{}]", record.tokens()[0])));
    serde_json::from_str::<serde_json::Value>(&body(&record, View::Shape)).expect("a shape is JSON, too");
}

#[test]
fn a_stored_patch_is_masked_by_the_rows_of_what_it_changes() {
    let patch = r#"[{"op":"replace","path":"/birthDate","value":"1962-06-22"},{"op":"add","path":"/identifier/-","value":{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}},{"op":"add","path":"/Okafor","value":"x"}]"#;
    let record = redacted("application/json-patch+json", patch.as_bytes(), View::Linked);
    let text = body(&record, View::Masked);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&value[0]["value"], &value[1]["value"]["value"]), (&"1962".into(), &"[mrn]".into()));
    assert_eq!(record.tokens().len(), 1);
    assert!(!text.contains("Okafor"), "{text}");
}

#[test]
fn a_stored_hl7v2_message_is_one() {
    let record = redacted("x-application/hl7-v2+er7", ADT.as_bytes(), View::Linked);
    let text = body(&record, View::Masked);
    assert!(text.starts_with("MSH|^~\\&|"), "{text}");
    assert!(
        text.contains("|ADT^A01|")
            && text.contains("[mrn]")
            && text.contains("[ssn]")
            && text.contains("|1962|")
            && text.contains("|182|mg/dL"),
        "{text}"
    );
    assert_eq!(text.matches('\r').count(), ADT.matches('\r').count());
    assert!(!text.contains("ZQX"));
}

#[test]
fn a_stored_interchange_is_one() {
    let record = redacted("application/edi-x12", CLAIM.as_bytes(), View::Linked);
    let text = body(&record, View::Masked);
    for gone in ["OKA", "ACCT77", "JANE", "SENDER1", "QQ7", "000000001", "412"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    for kept in [
        "NM1*",
        "*[full-name]*[full-name]*",
        "*[member-id]~",
        "N4*[city]*",
        "*837~",
        "*1962*",
        "*[ssn]~",
        "CLM*[account]*40*",
        ":E11.9^",
        ":I10~",
        "BIN*6*[attachment]~",
        "*^*",
        "*:~",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(text.matches('~').count(), CLAIM.matches('~').count());
    assert_eq!(text.matches('\n').count(), CLAIM.matches('\n').count());
    let cut = redacted("application/edi-x12", &CLAIM.as_bytes()[..CLAIM.len() - 30], View::Linked);
    assert_eq!(body(&cut, View::Masked), "[body: malformed]");
}

#[test]
fn a_stored_table_is_one_and_names_only_columns_of_the_tables() {
    let csv = "MRN,Last Name,dob (for Okafor),Okafor col,\"sex\"\r\nE08738432,\"O, \"\"K\"\" Okafor\",1962-06-22,x; y,F\r\n";
    let record = redacted("text/csv", csv.as_bytes(), View::Linked);
    assert_eq!(
        body(&record, View::Masked),
        "mrn,lastname,dob,*,\"sex\"\r\n[mrn],\"[family-name]\",1962,[text],F\r\n"
    );
    assert_eq!(record.tokens().len(), 1);
    let headless = redacted("text/csv", b"E1,Hope,Ann,412-21-3456\nE2,Wong,Bo,412-21-3457", View::Linked);
    let text = body(&headless, View::Masked);
    assert!(text.ends_with("[family-name],[given-name],[ssn]") && !text.contains("Wong"), "{text}");
    let broken = redacted("text/csv", b"mrn,name\nE08738432,\"Okafor\nE1,x", View::Linked);
    assert!(!body(&broken, View::Linked).contains("Okafor"));
}

#[test]
fn stored_lines_of_json_are_lines_of_json() {
    let lines = format!("{PATIENT}\r\n{{\"Okafor\": \n\n{{\"lastName\":\"Okafor\"}}\n");
    let record = redacted("application/fhir+ndjson", lines.as_bytes(), View::Linked);
    let text = body(&record, View::Masked);
    let stored: Vec<&str> = text.lines().collect();
    assert_eq!(stored.len(), 3);
    let value: serde_json::Value = serde_json::from_str(stored[0]).expect("JSON");
    assert_eq!(value["name"][0]["family"], "[family-name]");
    assert_eq!(&stored[1..], ["[line: malformed]", "{\"lastName\":\"[family-name]\"}"]);
}

#[test]
fn views_only_go_down_and_never_pass_the_ceiling() {
    for (content_type, message) in [("application/fhir+json", PATIENT), ("x-application/hl7-v2+er7", ADT)] {
        for ceiling in [View::Shape, View::Masked, View::Linked] {
            let record = redacted(content_type, message.as_bytes(), ceiling);
            let linked = body(&record, View::Linked);
            assert!(ceiling == View::Linked || record.tokens().is_empty());
            assert!(ceiling == View::Linked || !linked.contains("[mrn:"), "{ceiling:?}");
            let shape = body(&record, View::Shape);
            assert!(!shape.contains("[mrn") && !shape.contains("1962"));
            assert!(render(&record.payload().expect("stored"), View::Metadata).is_empty());
        }
        for ceiling in [View::None, View::Metadata] {
            assert!(redacted(content_type, message.as_bytes(), ceiling).payload().is_none());
        }
    }
}

#[test]
fn a_record_with_a_shape_ceiling_holds_nothing_above_shape() {
    let record = redacted("application/fhir+json", PATIENT.as_bytes(), View::Shape);
    let stored = String::from_utf8_lossy(record.payload_bytes().expect("stored"));
    for above in ["[mrn]", "1962", "male", "837"] {
        assert!(!stored.contains(above), "{above} is on disk");
    }
}

#[test]
fn redacting_is_idempotent() {
    for (content_type, message) in [("application/fhir+json", PATIENT), ("x-application/hl7-v2+er7", ADT)] {
        let once = body(&redacted(content_type, message.as_bytes(), View::Masked), View::Masked);
        let twice = body(&redacted(content_type, once.as_bytes(), View::Masked), View::Masked);
        assert_eq!(once.len(), twice.len(), "{once}\n{twice}");
    }
}

#[test]
fn nothing_that_was_found_is_left() {
    for (content_type, message) in [
        ("application/fhir+json", PATIENT),
        ("x-application/hl7-v2+er7", ADT),
        ("application/edi-x12", CLAIM),
        ("text/plain", "Patient: Darnell Okafor SSN 412-21-3456"),
        ("application/x-www-form-urlencoded", "lastName=Okafor&ssn=412-21-3456"),
    ] {
        let record = redacted(content_type, message.as_bytes(), View::Linked);
        let stored = String::from_utf8_lossy(record.payload_bytes().expect("stored")).to_lowercase();
        // Some token has the digits of some date.
        let stored = record.tokens().iter().fold(stored, |stored, token| stored.replace(token, ""));
        for value in ["okafor", "darnell", "412-21-3456", "e08738432", "06-22", "0622"] {
            assert!(!stored.contains(value), "{content_type}: {value}");
        }
    }
}

#[test]
fn a_body_that_no_walker_reads_is_told_by_size_alone() {
    for (content_type, message) in [
        ("text/xml", "<a>Okafor</b>"),
        ("application/json", "{\"a\": \"Okafor"),
        ("image/png", "\u{0}\u{1}Okafor"),
    ] {
        let text = body(&redacted(content_type, message.as_bytes(), View::Linked), View::Linked);
        assert!(text.starts_with("[body: "), "{text}");
    }
}
