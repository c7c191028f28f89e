//! Strictness, spans, escapes, limits.

use super::*;
use crate::inspect::simd;

fn read(text: &str) -> Result<Tape<'_>, WalkError> {
    Tape::read(text.as_bytes(), JSON_DEPTH_MAX)
}

#[test]
fn spans_are_those_of_keys_and_values_without_quotes() {
    let text = "\u{feff} {\"a\" : \"b\\\"c\", \"n\":[1, -2.5e3,\"\"], \"o\":{}}";
    let tape = read(text).unwrap();
    let a = tape.get(NodeId::ROOT, "a").unwrap();
    assert_eq!((tape.raw(a), tape.value(a).as_ref()), ("b\\\"c", "b\"c"));
    assert_eq!(text.get(tape.key_span(a).unwrap()), Some("a"));
    let n = tape.get(NodeId::ROOT, "n").unwrap();
    assert_eq!(tape.raw(n), "[1, -2.5e3,\"\"]");
    let elements: Vec<_> = tape.children(n).map(|e| (tape.element(e), tape.raw(e))).collect();
    assert_eq!(elements, [(Some(0), "1"), (Some(1), "-2.5e3"), (Some(2), "")]);
    assert_eq!(tape.raw(tape.get(NodeId::ROOT, "o").unwrap()), "{}");
    assert_eq!(tape.element(NodeId::ROOT), None);
}

#[test]
fn nested_arrays_number_their_elements() {
    let tape = read("[[1,[2,3]],[],[4],5]").unwrap();
    let numbers: Vec<_> = tape.nodes().skip(1).map(|n| tape.element(n).unwrap()).collect();
    assert_eq!(numbers, [0, 0, 1, 0, 1, 1, 2, 0, 3]);
    assert_eq!(tape.children(NodeId::ROOT).count(), 4);
}

#[test]
fn duplicate_keys_all_stay_visible() {
    let tape = read(r#"{"a":1,"a":2,"\u0061":3}"#).unwrap();
    let all: Vec<_> =
        tape.children(NodeId::ROOT).filter(|c| tape.key_is(*c, "a")).map(|c| tape.raw(c)).collect();
    assert_eq!(all, ["1", "2", "3"]);
}

#[test]
fn escapes_are_undone_and_lone_surrogates_replaced() {
    assert_eq!(unescape(r#"\b\f\n\r\t\"\\\/"#), "\u{8}\u{c}\n\r\t\"\\/");
    assert_eq!(unescape(r"\u00e9\ud83d\ude00x"), "é😀x");
    assert_eq!(unescape(r"\ud83dx\ude00\ud83d\u0041\uD83D"), "\u{fffd}x\u{fffd}\u{fffd}A\u{fffd}");
    assert_eq!(unescape("\\u00é\\q\\"), "\u{fffd}00é\u{fffd}\u{fffd}");
}

#[test]
fn takes_what_serde_json_takes_and_refuses_what_it_refuses() {
    let cases = [
        "",
        " ",
        "1",
        "-0",
        "01",
        "1.",
        ".5",
        "1e5",
        "1E+05",
        "1e",
        "+1",
        "-",
        "NaN",
        "true",
        "tru",
        "nullx",
        "\"\"",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a",
        "'a'",
        "[]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[}]",
        "[1]]",
        "[1] x",
        "{\"a\":1}",
        "\u{a0}1",
        "[1]\n",
        "\"aaaaaaaaaaaaaaaaaaaaaaa\u{1}\"",
        "\"åäöåäöåäö\\\"åäö\"",
        "1 // x",
        "{\"a\":{\"b\":[]}}",
        "\"aaaaaaa\u{7f}\u{80}\"",
        "\"!!!!!!!!!!\"",
    ];
    for case in cases {
        let theirs = serde_json::from_str::<serde_json::Value>(case).is_ok();
        assert_eq!(read(case).is_ok(), theirs, "{case:?}");
    }
}

#[test]
fn stops_at_the_depth_limit_without_recursion() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(128)).is_ok());
    assert_eq!(read(&nested(129)).unwrap_err(), WalkError::TooDeep { max: 128 });
    let bomb = "[{\"a\":".repeat(1_000_000);
    assert_eq!(read(&bomb).unwrap_err(), WalkError::TooDeep { max: 128 });
}

#[test]
fn tells_where_a_document_is_not_utf8_or_not_json() {
    assert_eq!(Tape::read(b"{\"a\":\"\xff\"}", 9).unwrap_err(), WalkError::NotUtf8 { at: 6 });
    assert_eq!(read("{\"a\":tru}").unwrap_err(), WalkError::Malformed { at: 5 });
    assert_eq!(read("[1] []").unwrap_err(), WalkError::Malformed { at: 4 });
}

#[test]
fn debug_shows_no_payload() {
    assert_eq!(format!("{:?}", read("[\"secret\"]").unwrap()), "Tape(2 values of 10 bytes)");
}

#[test]
fn both_readers_read_the_same() {
    let same = |doc: &[u8]| {
        let slow = super::reader::read(doc, 9);
        match super::quick::read(Lanes::best(), doc, 9) {
            Some((quick, _)) => assert_eq!(Some(quick), slow.ok()),
            None => assert!(
                slow.is_err() || Lanes::best() == Lanes::One || simd::tokens(Lanes::best(), doc).is_none()
            ),
        }
    };
    let text = r#" {"a":"b\"\\","\u00e9":[1,-2.5E+3,0,true,false,null,[],{}," "],"o":{"x" : [ 1 , 2 ]}} "#;
    let bom = format!("\u{feff}{text}");
    for text in [text, &bom, "1", "\"\"", "[0.]", "[1]]", "{\"a\":1,}", "[\"\\x\"]", "[\"\\u12g4\"]"] {
        same(text.as_bytes());
    }
    // Each byte taken out, changed, doubled.
    for at in 0..bom.len() {
        let mut doc = bom.clone().into_bytes();
        doc.remove(at);
        same(&doc);
        for byte in *b"\"\\{}[]:,0-.e tn\x0C\x1A\n" {
            let mut doc = bom.clone().into_bytes();
            doc[at] = byte;
            same(&doc);
            doc.insert(at, bom.as_bytes()[at]);
            same(&doc);
        }
    }
}
