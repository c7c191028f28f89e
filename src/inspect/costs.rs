//! What a message costs: four times as long a one no more than a few times as much, whatever it repeats.

use super::decode::Budget;
use super::finding::UninspectedReason;
use super::{Findings, Inspector, Message, RuleSet};
use std::time::Instant;

fn inspect(content_type: &str, body: &str) -> Findings {
    let message = Message { content_type, body: body.as_bytes(), ..Message::default() };
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message)
}

/// Nanoseconds that this thread has run; other tests run beside it.
fn run_ns() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn cost_ms(content_type: &str, body: &str) -> u64 {
    let (from, clock) = (run_ns(), Instant::now());
    inspect(content_type, body);
    match (from, run_ns()) {
        (Some(from), Some(to)) => to.saturating_sub(from) / 1_000_000,
        _ => u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// Asserts that a body four times as long costs no more than eight times as much.
fn is_linear(what: &str, content_type: &str, body: impl Fn(usize) -> String) {
    is_linear_from(SHORT_BYTES, what, content_type, body);
}

fn is_linear_from(bytes: usize, what: &str, content_type: &str, body: impl Fn(usize) -> String) {
    inspect(content_type, &body(1000)); // what is made once
    let (short, long) = (body(bytes), body(4 * bytes));
    let small = (0..2).map(|_| cost_ms(content_type, &short)).min().unwrap_or_default();
    let great = cost_ms(content_type, &long);
    assert!(great <= 8 * small + 60, "{what}: {small} ms, then {great} ms for four times as much");
}

const SHORT_BYTES: usize = 64 << 10;

fn times(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len())
}

#[test]
fn known_names_in_capitals() {
    is_linear("a note in capitals", "application/json", |n| {
        format!(r#"{{"firstName":"QUILLON","lastName":"ZORAX","notes":"{}"}}"#, times("THE ZORAX OF ", n))
    });
    is_linear("known names, each with a hit", "application/json", |n| {
        let note = times("Quillon Zorax 417-62-8093 ", n);
        format!(r#"{{"firstName":"Quillon","lastName":"Zorax","ssn":"417-62-8093","notes":"{note}"}}"#)
    });
}

#[test]
fn statements_and_lists_that_nothing_closes() {
    for piece in [
        "INSERT INTO p (a) VALUES ((?",
        "INSERT INTO p (dob) VALUES (?) [",
        "dob=? ",
        "dob=?(",
        "[\"dob\", \"",
        "(\"dob\",",
        "dn: ou=staff\n",
    ] {
        is_linear("statements without an end", "text/plain", |n| times(piece, n));
    }
}

#[test]
fn marks_of_searches_and_contacts_beside_names() {
    for piece in ["?", "?a=", "?b", "x?a=b"] {
        is_linear("marks of searches", "text/plain", |n| times(piece, n));
    }
    for piece in ["Anna Kowalski x mcq@zzhealth.org ", "clinic svc@acmehealth.org 617-227-4410, "] {
        is_linear_from(256 << 10, "contacts", "text/plain", |n| times(piece, n));
    }
    is_linear_from(256 << 10, "offices", "text/plain", |n| {
        format!("clinic, {}", times("251 E Huron St, Chicago, IL 60611, ", n))
    });
}

#[test]
fn many_hits_in_one_paragraph() {
    is_linear_from(512 << 10, "hits", "text/plain", |n| times("AL 35211 SSN 417-62-8093 x@y.com ", n));
}

#[test]
fn long_names_of_many_values() {
    let name = |n: usize| "k".repeat(n / 2);
    is_linear("a parameter", "application/x-www-form-urlencoded", |n| name(n) + "=" + &times(",a", n / 2));
    is_linear("a parameter that is known, with findings", "application/x-www-form-urlencoded", |n| {
        name(n) + ".ssn=" + &times(",417-62-8093", n / 2)
    });
    is_linear("a key", "application/json", |n| {
        format!(r#"{{"{}":["a"{}]}}"#, name(n), times(r#","a""#, n / 2))
    });
    is_linear("a key with an escape", "application/json", |n| {
        format!(r#"{{"\u0041{}":["a"{}]}}"#, name(n), times(r#","a""#, n / 2))
    });
    is_linear("a label", "application/json", |n| {
        format!(r#"{{"key":"{}","value":[1{}]}}"#, name(n), times(",1", n / 2))
    });
    is_linear("a label of one of several things", "application/json", |n| {
        let members = times(r#","lastName":"Ab""#, n / 2);
        format!(r#"{{"a1":{{"label":"{}"{members}}}}}"#, name(n))
    });
    is_linear("a question beside many answers", "application/json", |n| {
        let (texts, answers) = (times(r#""text":"Any news?","#, n / 2), times(r#","answer":"a""#, n / 2));
        format!(r#"{{{texts}"x":1{answers}}}"#)
    });
    is_linear("a value of many codes", "application/fhir+json", |n| {
        let codings = times(r#",{"code":"a"}"#, n / 2);
        let parts = times(r#""valueString":"a","#, n / 2);
        format!(r#"{{"resourceType":"Observation",{parts}"code":{{"coding":[{{"code":"a"}}{codings}]}}}}"#)
    });
    is_linear("a question", "application/fhir+json", |n| {
        let answers = times(r#",{"valueString":"a"}"#, n / 2);
        format!(
            r#"{{"resourceType":"QuestionnaireResponse","item":[{{"text":"\u0041{}","answer":[{{"valueString":"a"}}{answers}]}}]}}"#,
            name(n)
        )
    });
    is_linear("what is observed", "x-application/hl7-v2+er7", |n| {
        format!(
            "MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\rOBX|1|TX|1^{}||{}\r",
            name(n),
            times("a~", n / 2)
        )
    });
    is_linear("an argument", "application/graphql", |n| {
        format!("{{ a({}: [\"a\"{}]) {{ id }} }}", name(n), times(",\"a\"", n / 2))
    });
}

#[test]
fn a_variable_that_is_used_over_and_over() {
    let body = |n: usize| {
        let (uses, value) = (times("a(name:$v) ", n / 2), times("Al Bo ", n / 2));
        format!(r#"{{"query":"query($v:X){{{uses}}}","variables":{{"v":"{value}"}}}}"#)
    };
    is_linear("a variable", "application/json", body);
    let found = inspect("application/json", &body(1 << 20));
    assert!(found.uninspected.iter().any(|u| u.reason == UninspectedReason::Budget));
    let few = inspect("application/json", &body(2 << 10));
    assert!(few.uninspected.is_empty(), "{:?}", few.uninspected);
}

#[test]
fn many_members_of_one_object() {
    let cost = |key: &str| {
        let (kinds, member) = ("\"kindof\":\"x\",".repeat(120), format!(",\"{key}\":\"v12345678\""));
        let body = format!("{{{kinds}\"a\":1{}}}", times(&member, SHORT_BYTES));
        (0..2).map(|_| cost_ms("application/json", &body)).min().unwrap_or_default()
    };
    let any = cost("remark");
    // Of these others of the same object are asked what they are.
    for key in ["value", "identifier", "data"] {
        let asked = cost(key);
        assert!(asked <= 5 * any + 60, "{key}: {asked} ms, and {any} ms for any other");
    }
}

#[test]
fn tables_with_lists_beside_them_that_name_no_columns() {
    let heads = format!("[{}\"q\"],", times(&format!("\"{}\",", "q".repeat(44)), 64 * 47));
    is_linear("tables", "application/json", |n| {
        format!("[{}{}1]", times(&heads, n / 2), times(r#"[["",""]],"#, n / 2))
    });
    is_linear("tables in objects", "application/json", |n| {
        let heads: String = (0..n / 2 / heads.len()).map(|at| format!("\"{at}\":{heads}")).collect();
        format!(r#"[{{{heads}"x":1}},{}1]"#, times(r#"[["",""]],"#, n / 2))
    });
    let heads = format!(r#""columns":{heads}"#);
    is_linear("records", "application/json", |n| {
        format!(r#"{{{}{}"x":1}}"#, times(&heads, n / 2), times(r#""values":["",""],"#, n / 2))
    });
}

#[test]
fn a_long_text_beside_many_owners_or_parameters() {
    let owner = r#"{"owner":{"name":"Kathleen Vandermeer","email":"kv@lakeshore.org"}}"#;
    for text in ["a b ", "a\\n"] {
        is_linear("owners", "application/json", |n| {
            let items = times(&format!("{owner},"), n / 2);
            format!(r#"{{"text":"{}","items":[{items}1]}}"#, times(text, n / 2))
        });
    }
    // Lists, each longer than the one before, and a statement that has to be decoded.
    let cost = |key: &str| {
        let list = |length: usize| format!(r#""{length}":{{"{key}":[{}0]}},"#, "1,".repeat(length));
        let (lists, blanks): (String, _) = ((1..512).map(list).collect(), times("\\n", 8 * SHORT_BYTES));
        let body = format!(r#"{{"sql":"INSERT INTO p (a) VALUES (?){blanks}",{lists}"x":1}}"#);
        (0..2).map(|_| cost_ms("application/json", &body)).min().unwrap_or_default()
    };
    let (any, asked) = (cost("remark"), cost("params"));
    assert!(asked <= 5 * any + 60, "{asked} ms, and {any} ms for any other");
}

#[test]
fn braces_escapes_and_underlines_that_lead_nowhere() {
    for piece in [
        "{\"a",
        "{\\\"a",
        "_",
        "%41",
        "&#65;",
        "\u{1B}[",
        "a\u{301}",
        "</b",
        "<a b=\"c\">",
        "ISA*",
        "<a xmlns ",
        "SSN 4 1 7-",
        "SSN ",
    ] {
        is_linear(piece, "text/plain", |n| times(piece, n));
    }
}

#[test]
fn people_with_their_birth_dates_in_a_row() {
    is_linear("a roster", "text/plain", |n| times("Patient: Anna Kowalski 04/02/1971. ", n));
}

#[test]
fn documents_in_a_text_however_many() {
    is_linear_from(256 << 10, "a log of documents", "text/plain", |n| {
        times("INFO <Ak xmlns=\"u\"></Ak>\n", n)
    });
}

#[test]
fn a_pdf_however_its_pieces_are_put_together() {
    let file = |content: &str, more: &str| {
        format!(
            "%PDF-1.7\n1 0 obj<</Type/Page/Contents 2 0 R/Resources<</Font<</F 3 0 R>>/XObject<</X 4 0 R>>>>>>endobj\n2 0 obj<<>>stream\n\
             {content}\nendstream endobj\n3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n4 0 obj<</Subtype/Form>>stream\n\
             BT /F 9 Tf (form) Tj ET\nendstream endobj\n{more}\ntrailer<<>>\n%%EOF\n"
        )
    };
    for piece in [
        "(a) Tj ",
        "[(a) -900 (b)] TJ ",
        "1 0 0 1 5 5 Tm (a) Tj ",
        "1 0 0 1 900 0 Tm (a) Tj T* ",
        "/X Do ",
        "q ",
        "[",
        "<<",
        "(",
        "<61",
        "BI /W 1 ID EI ",
        "BI ID EIEI",
        "/Span<</ActualText(a)>>BDC ",
        "x ",
        "% x\n",
        "1 1 1 1 ",
    ] {
        is_linear(piece, "application/pdf", |n| file(&("BT /F 9 Tf ".to_owned() + &times(piece, n)), ""));
    }
    for piece in [
        "9 0 obj<</Contents(a)>>endobj ",
        "9 0 obj<</Type/Page/Contents 2 0 R/Parent 9 0 R>>endobj ",
        "9 0 obj ",
        "9 0 obj<<>>stream\n",
        "9 0 obj<</Length 9>>stream\nendstream endobj ",
        "9 0 obj 9 0 R endobj ",
        "trailer<<",
        "xref 0 1 ",
        "1 0 ",
        "[",
        "<</A",
        "(",
        "\\",
        "9 0 obj[/ICCBased 9 0 R]endobj ",
        "9 0 obj<</Type/ObjStm/N 9/First 9>>stream\n1 0 2 0 (a)endstream endobj ",
    ] {
        is_linear(piece, "application/pdf", |n| file("", &times(piece, n)));
    }
}
