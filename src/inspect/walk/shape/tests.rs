//! Shapes by hand.

use super::super::json::NodeId as Id;
use super::super::xml::XML_DEPTH_MAX;
use super::*;

/// Any XML, with one list and one number.
struct Any;

impl Shape for Any {
    fn is_list(&self, parent: &str, element: &str) -> bool {
        (parent, element) == ("a", "list")
    }

    fn is_number(&self, _: &str, element: &str) -> bool {
        element == "number"
    }

    fn has_resources(&self) -> bool {
        false
    }

    fn is_markup(&self, tape: &Tape<'_>, element: NodeId) -> bool {
        tape.local(element) == "div"
    }

    fn inner(&self, _: &Tape<'_>, _: NodeId) -> Option<Key> {
        Some(Key::Said(Said::Value))
    }
}

/// The shape as JSON text: strings as `"…"`, spans checked.
fn json(doc: &str) -> String {
    let tape = Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap();
    let shaped = shaped(&tape, &Any).unwrap();
    let mut out = String::new();
    write(&shaped, Id::ROOT, &mut out);
    out
}

fn write(tape: &json::Tape<'_>, id: Id, out: &mut String) {
    match tape.kind(id) {
        json::NodeKind::Object | json::NodeKind::Array => {
            let object = tape.kind(id) == json::NodeKind::Object;
            out.push(if object { '{' } else { '[' });
            for (number, child) in tape.children(id).enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                if let Some(key) = tape.key(child) {
                    out.push_str(&format!("{key}:"));
                }
                assert!(object || tape.element(child).is_some());
                write(tape, child, out);
            }
            out.push(if object { '}' } else { ']' });
        }
        json::NodeKind::String => out.push_str(&format!("\"{}\"", tape.value(id))),
        _ => out.push_str(&tape.value(id)),
    }
}

#[test]
fn elements_are_objects_and_their_attributes_members() {
    assert_eq!(json("<a b='1'><c>x</c><d value='&lt;'/><e/></a>"), r#"{a:{b:"1",c:"x",d:"<",e:{}}}"#);
    assert_eq!(json("<a>x</a>"), r#"{a:"x"}"#);
    assert_eq!(json("<p:a xmlns:p='urn:p' p:b='1'>x</p:a>"), r#"{a:{value:"x",p:"urn:p",b:"1"}}"#);
    assert_eq!(
        json("<a><t>true</t><number>7</number><number2>7</number2></a>"),
        r#"{a:{t:true,number:7,number2:"7"}}"#
    );
    assert_eq!(json("<a><number>07</number></a>"), r#"{a:{number:"07"}}"#);
}

#[test]
fn elements_of_one_name_are_an_array_wherever_they_stand() {
    assert_eq!(json("<r><b>1</b><b>2</b></r>"), r#"{r:{b:["1","2"]}}"#);
    assert_eq!(json("<r><b>1</b><!--x--><b>2</b></r>"), r#"{r:{b:["1","2"],comment:"x"}}"#);
    assert_eq!(json("<r><b>1</b><c/><b><d>2</d></b></r>"), r#"{r:{b:["1"],c:{},b:[{d:"2"}]}}"#);
    assert_eq!(json("<a><list>1</list></a>"), r#"{a:{list:["1"]}}"#);
    let tape = Tape::read(b"<r><b>1</b><c/><b>2</b></r>", XML_DEPTH_MAX).unwrap();
    let shaped = shaped(&tape, &Any).unwrap();
    let numbers: Vec<_> = shaped.nodes().filter_map(|id| shaped.element(id)).collect();
    assert_eq!(numbers, [0, 1], "the second array goes on counting");
}

#[test]
fn text_is_one_however_it_is_cut() {
    assert_eq!(
        json("<a>4<!-- x -->12<![CDATA[-2&]]>1<?p y?>-&#51;</a>"),
        r#"{a:{value:"412-2&1-3",comment:" x ",comment:"y"}}"#
    );
    assert_eq!(json("<a><![CDATA[<b>]]></a>"), r#"{a:"<b>"}"#);
    assert_eq!(json("<a><![CDATA[x]]><![CDATA[&lt;]]></a>"), r#"{a:"x&lt;"}"#);
    assert_eq!(json("<a>x<b>y</b>z&amp;</a>"), r#"{a:{b:"y",value:"x",value:"z&"}}"#);
    assert_eq!(json("<a><div>x<b>y</b></div>z</a>"), r#"{a:{div:"x<b>y</b>",value:"z"}}"#);
    assert_eq!(json("<!--x--><a/><!--y-->"), r#"{a:{},comment:"x",comment:"y"}"#);
}

#[test]
fn numbers_are_those_of_json() {
    for (raw, is) in [
        ("0", true),
        ("-1.50", true),
        ("1e+9", true),
        ("", false),
        ("01", false),
        ("1.", false),
        (".5", false),
    ] {
        assert_eq!(is_json_number(raw), is, "{raw}");
    }
}
