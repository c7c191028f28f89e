//! Strictness, spans, references, encodings, limits; and the same reading as another crate's.

use super::*;
use quick_xml::events::Event;
use std::fs;
use std::path::PathBuf;

fn read(text: &str) -> Result<Tape<'_>, WalkError> {
    Tape::read(text.as_bytes(), XML_DEPTH_MAX)
}

#[test]
fn spans_are_those_of_names_values_and_text() {
    let text = "\u{feff}<?xml version='1.0'?>\n<a x:b = \"1&lt;2\"\n c='\"'><d/>J&#246;&amp;<![CDATA[<&amp;>]]><!--k--><?p q?></a>\n";
    let tape = read(text).unwrap();
    let a = tape.root();
    assert_eq!(
        (tape.name(a), tape.kind(a), tape.parent(a)),
        ("a", NodeKind::Element, Some(NodeId::DOCUMENT))
    );
    let b = tape.attr_id(a, "x:b").unwrap();
    assert_eq!((tape.local(b), tape.prefix(b), tape.raw(b)), ("b", "x", "1&lt;2"));
    assert_eq!(tape.attr(a, "x:b").as_deref(), Some("1<2"));
    assert_eq!(text.get(tape.span(b)), Some("1&lt;2"));
    assert_eq!(text.get(tape.name_span(b)), Some("x:b"));
    assert_eq!(tape.attr(a, "c").as_deref(), Some("\""));
    assert_eq!(tape.attr(a, "b"), None);
    let held: Vec<_> = tape.children(a).map(|n| (tape.kind(n), tape.name(n), tape.value(n))).collect();
    let expected = [
        (NodeKind::Element, "d", ""),
        (NodeKind::Text, "", "Jö&"),
        (NodeKind::Text, "", "<&amp;>"),
        (NodeKind::Comment, "", "k"),
        (NodeKind::Instruction, "p", "q"),
    ];
    assert!(held.iter().map(|(k, n, v)| (*k, *n, v.as_ref())).eq(expected));
    for node in tape.nodes() {
        assert_eq!(text.get(tape.span(node)), Some(tape.raw(node)));
        assert!(tape.parent(node).is_none_or(|p| p < node && tape.after(p) >= tape.after(node)));
    }
    assert_eq!(tape.text_of(a), "Jö&<&amp;>");
    let texts: Vec<_> = tape.children(a).filter(|n| tape.kind(*n) == NodeKind::Text).collect();
    assert_eq!(texts.iter().map(|n| tape.is_cdata(*n)).collect::<Vec<_>>(), [false, true]);
    let (span, between) = tape.between(texts[0], texts[1]).unwrap();
    assert_eq!((between, text.get(span)), ("J&#246;&amp;<![CDATA[<&amp;>", Some(between)));
    assert_eq!(tape.elements(a).count(), 1);
    assert!(tape.span(a).end < text.len());
}

#[test]
fn blanks_between_tags_make_no_node_and_comments_around_the_root_do() {
    let tape = read("<!--before--> <a> <b>\n</b>\t<c> x </c> </a><?after it?>").unwrap();
    assert_eq!(tape.nodes().filter(|n| tape.kind(*n) == NodeKind::Text).count(), 1);
    let around: Vec<_> = tape.children(NodeId::DOCUMENT).map(|n| tape.kind(n)).collect();
    assert_eq!(around, [NodeKind::Comment, NodeKind::Element, NodeKind::Instruction]);
    assert_eq!(tape.local(tape.root()), "a");
}

#[test]
fn namespaces_are_those_in_force_at_the_element() {
    let tape = read(
        "<a xmlns='u' xmlns:p='v'><p:b p:c='' d=''/><e xmlns=''><f/></e><g xmlns:p='w'><p:h/></g><q:i/></a>",
    )
    .unwrap();
    let seen: Vec<_> = tape
        .nodes()
        .filter(|n| {
            matches!(tape.kind(*n), NodeKind::Element | NodeKind::Attribute) && !tape.is_declaration(*n)
        })
        .map(|n| (tape.name(n), tape.namespace(n)))
        .collect();
    let expected = [
        ("a", Some("u")),
        ("p:b", Some("v")),
        ("p:c", Some("v")),
        ("d", None),
        ("e", None),
        ("f", None),
        ("g", Some("u")),
        ("p:h", Some("w")),
        ("q:i", None),
    ];
    assert!(seen.iter().map(|(n, u)| (*n, u.as_deref())).eq(expected), "{seen:?}");
}

#[test]
fn takes_what_is_well_formed_and_refuses_what_is_not() {
    let good = [
        "<a/>",
        "<a />",
        "<a></a >",
        "<?xml version=\"1.0\" encoding='UTF-8' standalone=\"yes\" ?><a/>",
        "<!DOCTYPE html><a/>",
        "<!DOCTYPE a SYSTEM \"x>y\"><a/>",
        "<!DOCTYPE a PUBLIC '-//X' 'y' ><a/>",
        "<a>]] > ]</a>",
        "<a b='>'/>",
        "<a>&#x10FFFF;&#9;&#000065;</a>",
        "<é_-.9/>",
        "<a:b/>",
        "<a><!----><!-- - --></a>",
        "<?xml-stylesheet href='a'?><a/>",
        "<a><?x?></a>",
    ];
    for case in good {
        assert!(read(case).is_ok(), "{case:?}");
    }
    let bad = [
        "",
        " ",
        "x",
        "<",
        "<a",
        "<a>",
        "</a>",
        "<a></b>",
        "<a><b></a></b>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a/><![CDATA[x]]>",
        "<a b='1' b='2'/>",
        "<a b='1'c='2'/>",
        "<a b=1/>",
        "<a b/>",
        "<a b='<'/>",
        "<a b='1/>",
        "<a b='&'/>",
        "<a / >",
        "< a/>",
        "<1/>",
        "<-a/>",
        "<a:/>",
        "<:a/>",
        "<a:b:c/>",
        "<a>&nbsp;</a>",
        "<a>&amp</a>",
        "<a>& </a>",
        "<a>&#;</a>",
        "<a>&#x;</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#99999999999999999999;</a>",
        "<a>&#X41;</a>",
        "<a>]]></a>",
        "<a><![CDATA[x</a>",
        "<a><!-- x -- y --></a>",
        "<a><!-- x ---></a>",
        "<a><!-- x</a>",
        "<a><?xml version='1.0'?></a>",
        " <?xml version='1.0'?><a/>",
        "<?xml?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='2.0'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
        "<?xml version='1.0'encoding='UTF-8'?><a/>",
        "<?XML version='1.0'?><a/>",
        "<a/><!DOCTYPE a>",
        "<!DOCTYPE a><!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM 'x' [ ]><a/>",
        "<!doctype a><a/>",
        "<!ENTITY b 'c'><a/>",
        "<a>\u{1}</a>",
        "<a>\u{ffff}</a>",
    ];
    for case in bad {
        assert!(matches!(read(case), Err(WalkError::Malformed { .. })), "{case:?}");
    }
}

#[test]
fn no_entity_is_ever_declared_or_fetched() {
    let laughs = "<!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
    assert_eq!(read(laughs).unwrap_err(), WalkError::Malformed { at: 12 });
    let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a>&b;</a>";
    assert_eq!(read(outside).unwrap_err(), WalkError::Malformed { at: 43 });
    let tape = read("<!DOCTYPE a SYSTEM \"x of Ann\" ><a/>").unwrap();
    let told = tape.children(NodeId::DOCUMENT).next().unwrap();
    assert_eq!((tape.kind(told), tape.name(told)), (NodeKind::Instruction, "DOCTYPE"));
    assert_eq!(tape.value(told), "a SYSTEM \"x of Ann\" ");
    assert_eq!(unescape("&b;&lt;&#65;&"), "&b;<A&");
}

#[test]
fn stops_at_the_depth_limit_without_recursion() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(read(&nested(128)).is_ok());
    assert_eq!(read(&nested(129)).unwrap_err(), WalkError::TooDeep { max: 128 });
    assert_eq!(read(&"<a b=''>".repeat(1_000_000)).unwrap_err(), WalkError::TooDeep { max: 128 });
}

#[test]
fn a_million_attributes_or_declarations_take_no_quadratic_time() {
    let many: String = (0..300_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(read(&format!("<a{many}/>")).unwrap().len(), 300_002);
    assert!(read(&format!("<a{many} a7=''/>")).is_err());
    let declarations: String = (0..300).map(|n| format!(" xmlns:a{n}=''")).collect();
    assert!(matches!(read(&format!("<a{declarations}/>")), Err(WalkError::Malformed { .. })));
}

#[test]
fn latin1_is_read_with_spans_of_the_bytes_as_they_came() {
    let doc =
        b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a \xe9='\x80\xe9'>M\xfcller&#x20AC;<b>x</b></a>";
    let tape = Tape::read(doc, 9).unwrap();
    let values: Vec<_> = tape.nodes().map(|n| (tape.name(n), tape.value(n))).skip(2).collect();
    assert_eq!(values, [("é", "€é".into()), ("", "Müller€".into()), ("b", "x".into()), ("", "x".into())]);
    for node in tape.nodes() {
        let raw: String =
            doc[tape.span(node)].iter().map(|b| if *b == 0x80 { '€' } else { char::from(*b) }).collect();
        assert_eq!(raw, tape.raw(node));
    }
    assert_eq!(Tape::read(&doc[..doc.len() - 1], 9).unwrap_err(), WalkError::Malformed { at: doc.len() - 1 });
}

#[test]
fn encodings_that_are_not_read_are_refused() {
    assert_eq!(Tape::read(b"<a>\xff</a>", 9).unwrap_err(), WalkError::NotUtf8 { at: 3 });
    assert_eq!(Tape::read(b"\xff\xfe<\0a\0/\0>\0", 9).unwrap_err(), WalkError::NotUtf8 { at: 0 });
    let said = |name: &str, text: &str| format!("<?xml version='1.0' encoding='{name}'?><a>{text}</a>");
    assert!(matches!(read(&said("UTF-7", "+ADw-")), Err(WalkError::NotUtf8 { .. })));
    assert!(matches!(read(&said("ISO-8859-15", "é")), Err(WalkError::NotUtf8 { .. })));
    assert!(read(&said("ISO-8859-15", "e")).is_ok());
    // Said of a text in memory, and sent as UTF-8.
    assert_eq!(read(&said("utf-16", "é")).unwrap().text_of(NodeId::DOCUMENT), "é");
}

#[test]
fn debug_shows_no_payload() {
    assert_eq!(format!("{:?}", read("<secret/>").unwrap()), "Tape(2 nodes of 9 bytes)");
}

/// All that a tape tells, in order.
fn told(tape: &Tape<'_>) -> Vec<String> {
    fn tell(tape: &Tape<'_>, node: NodeId, out: &mut Vec<String>) {
        for child in tape.children(node) {
            let (name, value) = (tape.name(child), tape.value(child));
            match tape.kind(child) {
                NodeKind::Element => {
                    out.push(format!("<{name}"));
                    out.extend(
                        tape.attributes(child).map(|a| format!("@{}={}", tape.name(a), tape.value(a))),
                    );
                    tell(tape, child, out);
                    out.push(format!("/{name}"));
                }
                NodeKind::Comment => out.push(format!("!{value}")),
                NodeKind::Instruction => out.push(format!("?{name} {value}")),
                _ => out.push(value.into_owned()),
            }
        }
    }
    let mut out = Vec::new();
    tell(tape, NodeId::DOCUMENT, &mut out);
    out
}

/// The same by another crate.
fn told_by_another(text: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let (mut out, mut run) = (Vec::new(), String::new());
    let utf8 = |text: &str| text.to_owned();
    let undone = |raw: &str| quick_xml::escape::unescape(raw).unwrap().into_owned();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Text(text) => {
                run.push_str(&utf8(text));
                continue;
            }
            Event::GeneralRef(name) => {
                run.push_str(&format!("&{};", utf8(name)));
                continue;
            }
            _ if !run.trim_ascii().is_empty() => out.push(undone(&std::mem::take(&mut run))),
            _ => run.clear(),
        }
        match event {
            Event::Start(tag) => {
                let name = utf8(tag.name().as_ref());
                out.push(format!("<{name}"));
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    out.push(format!(
                        "@{}={}",
                        utf8(attribute.key.as_ref()),
                        undone(&utf8(&attribute.value))
                    ));
                }
            }
            Event::End(tag) => out.push(format!("/{}", utf8(tag.name().as_ref()))),
            Event::CData(data) if data.is_empty() => {}
            Event::CData(data) => out.push(utf8(&data)),
            Event::Comment(comment) => out.push(format!("!{}", utf8(&comment))),
            Event::PI(pi) => {
                out.push(format!("?{} {}", utf8(pi.target()), utf8(pi.content()).trim_ascii_start()))
            }
            Event::Eof => return out,
            _ => {}
        }
    }
}

#[test]
fn reads_each_published_sample_as_another_crate_does() {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    if !shared.exists() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "samples are missing");
        eprintln!("passed over: 0 samples of XML");
        return;
    }
    let mut read_so_far = 0;
    for folder in ["ccda", "fhir-r4-xml", "cms-fhir-stu3", "ncpdp"] {
        for entry in fs::read_dir(shared.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "xml") {
                let text = fs::read_to_string(&path).unwrap();
                assert_eq!(told(&read(&text).unwrap()), told_by_another(&text), "{}", path.display());
                read_so_far += 1;
            }
        }
    }
    assert_eq!(read_so_far, 131);
}

/// A small generator of numbers, the same at each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.throw(of.len())]
    }
}

/// A random document, and what a tape must tell of it.
fn random(dice: &mut Dice) -> (String, Vec<String>) {
    fn text(dice: &mut Dice) -> (String, String) {
        let (mut written, mut meant) = (String::from("x"), String::from("x"));
        for _ in 0..dice.throw(5) {
            let (w, m) = [
                ("a b", "a b"),
                ("&lt;", "<"),
                ("&#x1F600;", "😀"),
                ("\u{e9}\n", "\u{e9}\n"),
                ("]", "]"),
                ("&amp;lt;", "&lt;"),
                ("&#13;", "\r"),
            ][dice.throw(7)];
            written.push_str(w);
            meant.push_str(m);
        }
        (written, meant)
    }
    fn element(dice: &mut Dice, depth: usize, out: &mut String, told: &mut Vec<String>) {
        let name = dice.one(&["a", "x:b", "émile", "long.name-1"]);
        out.push_str(&format!("<{name}"));
        told.push(format!("<{name}"));
        for attribute in ["p", "q:r", "xmlns:s", "t"] {
            if dice.throw(3) == 0 {
                let (written, meant) = text(dice);
                let quote = dice.one(&["\"", "'"]);
                out.push_str(&format!(
                    "{}{attribute}{}={quote}{written}{quote}",
                    dice.one(&[" ", "\n\t"]),
                    dice.one(&["", " "])
                ));
                told.push(format!("@{attribute}={meant}"));
            }
        }
        if dice.throw(4) == 0 {
            out.push_str("/>");
            return told.push(format!("/{name}"));
        }
        out.push('>');
        let mut run = false;
        for _ in 0..dice.throw(6) {
            match dice.throw(5) {
                0 if !run => {
                    let (written, meant) = text(dice);
                    out.push_str(&written);
                    told.push(meant);
                    run = true;
                    continue;
                }
                1 => {
                    out.push_str("<![CDATA[<&amp;]]]]>");
                    told.push("<&amp;]]".to_owned());
                }
                2 => {
                    out.push_str("<!-- <k> & -->");
                    told.push("! <k> & ".to_owned());
                }
                3 => {
                    out.push_str("<?t  <u>?>");
                    told.push("?t <u>".to_owned());
                }
                _ if depth < 9 => element(dice, depth + 1, out, told),
                _ => continue,
            }
            run = false;
        }
        out.push_str(&format!("</{name}>"));
        told.push(format!("/{name}"));
    }
    let (mut out, mut told) = (String::new(), Vec::new());
    element(dice, 0, &mut out, &mut told);
    (out, told)
}

#[test]
fn random_trees_are_read_as_they_were_written() {
    let mut dice = Dice(7);
    for _ in 0..2000 {
        let (text, expected) = random(&mut dice);
        let tape = read(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(told(&tape), expected, "{text}");
        assert_eq!(told_by_another(&text), expected, "{text}");
        assert!(tape.nodes().all(|n| text.get(tape.span(n)) == Some(tape.raw(n))));
    }
}

#[test]
fn a_document_cut_or_changed_anywhere_is_read_or_refused_and_nothing_else() {
    let mut dice = Dice(11);
    for _ in 0..200 {
        let (text, _) = random(&mut dice);
        for at in 0..text.len() {
            assert!(Tape::read(&text.as_bytes()[..at], 9).is_err(), "{text} cut at {at}");
            let mut bytes = text.clone().into_bytes();
            bytes[at] = b"<>&;'\"/!-?[]: a\xff\0"[dice.throw(17)];
            if let Ok(tape) = Tape::read(&bytes, 128) {
                assert!(tape.nodes().all(|n| tape.span(n).end <= bytes.len()));
            }
        }
    }
}
