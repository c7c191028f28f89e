use super::*;
use crate::inspect::finding::UninspectedReason as Why;
use crate::inspect::{Findings, Inspector, Message, RuleSet};
use std::io::Write;

/// A file of these objects, numbered from 1 on.
fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    for (at, object) in objects.iter().enumerate() {
        out.extend(define(at + 1, object));
    }
    out.extend_from_slice(b"trailer\n<</Root 1 0 R/ID[<0011223344><0011223344>]>>\nstartxref\n0\n%%EOF\n");
    out
}

fn define(number: usize, object: &[u8]) -> Vec<u8> {
    [format!("{number} 0 obj\n").as_bytes(), object, b"\nendobj\n"].concat()
}

fn stream(dict: &str, bytes: &[u8]) -> Vec<u8> {
    [format!("<<{dict}/Length {}>>\nstream\n", bytes.len()).as_bytes(), bytes, b"\nendstream"].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";

/// A page with this content and this font, and further objects from 6 on.
fn page_with(font: &str, content: Vec<u8>, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1/Resources<</Font<</F1 4 0 R>>/XObject<</X 6 0 R>>>>>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 5 0 R>>".to_vec(),
        font.as_bytes().to_vec(),
        content,
    ];
    objects.extend_from_slice(more);
    file(&objects)
}

fn page(content: &str) -> Vec<u8> {
    page_with(FONT, stream("", content.as_bytes()), &[])
}

fn said(bytes: &[u8]) -> Said {
    read(bytes, &Budget::default(), &mut (64 << 20))
}

/// The text of a file of which all is read, line ends as blanks.
fn text(bytes: &[u8]) -> String {
    let said = said(bytes);
    assert!(said.unread.is_empty(), "{:?}", said.unread);
    said.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shown(content: &str) -> String {
    text(&page(&format!("BT /F1 10 Tf {content} ET")))
}

fn unread(bytes: &[u8]) -> Vec<Why> {
    said(bytes).unread.into_iter().collect()
}

#[test]
fn lines_and_words_are_put_together_by_their_places() {
    assert_eq!(shown("72 700 Td (Ann Roe) Tj"), "Ann Roe");
    assert_eq!(shown("72 700 Td (below) Tj 0 14 Td (above) Tj"), "above below");
    assert_eq!(shown("1 0 0 1 72 700 Tm (right) Tj 1 0 0 1 40 700 Tm (left) Tj"), "left right");
    assert_eq!(shown("[(R) 20 (oe) -300 (Ann)] TJ"), "Roe Ann");
    assert_eq!(shown("14 TL (one) ' (two) ' 1 1 (three) \" T* [(four)] TJ"), "one two three four");
    let letters: String =
        "ANN ROE".chars().enumerate().map(|(at, c)| format!("1 0 0 1 {} 50 Tm ({c}) Tj ", 20 * at)).collect();
    assert_eq!(shown(&letters), "ANN ROE");
    let bold = "1 0 0 1 50 50 Tm (Ann Roe) Tj 1 0 0 1 50.3 50 Tm (Ann Roe) Tj";
    assert_eq!(shown(bold), "Ann Roe");
    let halves = "1 0 0 1 50 50 Tm (Ann) Tj 1 0 0 1 62.23 50 Tm (nabel) Tj";
    assert_eq!(shown(halves), "Annabel");
    assert_eq!(shown("(upright) Tj 0 1 -1 0 300 300 Tm (turned) Tj"), "upright turned");
    assert_eq!(
        said(&page("BT /F1 10 Tf (one) Tj 0 -40 Td (two) Tj 90 0 Td (three) Tj ET")).text,
        "one\n\ntwo  three\n\n\n\n"
    );
}

#[test]
fn columns_of_prose_are_read_one_after_the_other_and_tables_by_rows() {
    let (mut prose, mut table) = (String::new(), String::new());
    for at in 0..8 {
        let y = 700 - 12 * at;
        prose += &format!(
            "1 0 0 1 50 {y} Tm (left {at} is a line of prose in it) Tj 1 0 0 1 250 {y} Tm (right {at} is a line of prose in it) Tj "
        );
        table += &format!("1 0 0 1 50 {y} Tm (name {at}) Tj 1 0 0 1 250 {y} Tm (date {at}) Tj ");
    }
    let prose = shown(&format!(
        "1 0 0 1 50 720 Tm (A head that lies over both of the columns of this page, and is long) Tj {prose}"
    ));
    assert!(prose.starts_with("A head") && prose.find("left 7") < prose.find("right 0"), "{prose}");
    assert!(shown(&table).starts_with("name 0 date 0 name 1 date 1"));
}

#[test]
fn each_filter_is_undone_and_others_are_told() {
    let plain = b"BT /F1 10 Tf (Ann Roe) Tj ET";
    let hex: String = plain.iter().map(|b| format!("{b:02x}")).collect::<String>() + ">";
    let a85 = b"6W$cd/2R!D5j'Y<+?W?;6nl\"A$4I6b7s$~>".to_vec();
    let mut runs = vec![(plain.len() - 1) as u8];
    runs.extend_from_slice(plain);
    runs.push(128);
    let up: Vec<u8> = {
        let mut out = Vec::new();
        let mut above = [0_u8; 7];
        for row in plain.chunks(7) {
            out.push(2);
            out.extend(row.iter().zip(above).map(|(b, a)| b.wrapping_sub(a)));
            above = row.try_into().expect("four rows of seven");
        }
        out
    };
    // Nine bits a code: clear, the bytes, the end.
    let mut lzw = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for code in [256].into_iter().chain(plain.iter().map(|b| u32::from(*b))).chain([257]) {
        held = held << 9 | code;
        bits += 9;
        while bits >= 8 {
            bits -= 8;
            lzw.push((held >> bits & 0xFF) as u8);
        }
    }
    lzw.push((held << (8 - bits) & 0xFF) as u8);
    for (dict, bytes) in [
        ("/Filter/FlateDecode", deflated(plain)),
        ("/Filter[/FlateDecode]", deflated(plain)),
        ("/Filter/ASCIIHexDecode", hex.clone().into_bytes()),
        (
            "/Filter[/ASCIIHexDecode/AHx]",
            hex.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes(),
        ),
        ("/Filter/RunLengthDecode", runs),
        ("/Filter/LZWDecode", lzw),
        ("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 7>>", deflated(&up)),
    ] {
        let dict =
            if dict.contains("AHx") { dict.replace("/AHx]", "/ASCIIHexDecode]") } else { dict.to_owned() };
        let bytes = if dict.contains("[/ASCIIHexDecode") { [bytes, b">".to_vec()].concat() } else { bytes };
        assert_eq!(text(&page_with(FONT, stream(&dict, &bytes), &[])), "Ann Roe", "{dict}");
    }
    let read = said(&page_with(FONT, stream("/Filter/ASCII85Decode", &a85), &[]));
    assert!(!read.unread.contains(&Why::Encoding));
    for (dict, bytes, why) in [
        ("/Filter/FlateDecode", plain.to_vec(), Why::BrokenEncoding),
        ("/Filter/FlateDecode", [deflated(plain), b"Ann Roe".to_vec()].concat(), Why::BrokenEncoding),
        ("/Filter/FlateDecode", deflated(plain)[..12].to_vec(), Why::BrokenEncoding),
        ("/Filter/Own", plain.to_vec(), Why::Encoding),
        ("/Filter/DCTDecode", plain.to_vec(), Why::Picture),
        ("/Filter/Crypt", plain.to_vec(), Why::Encrypted),
        ("/F(other.pdf)", plain.to_vec(), Why::Elsewhere),
        ("/Filter/FlateDecode", deflated(&vec![b' '; 4 << 20]), Why::Bomb),
    ] {
        assert!(unread(&page_with(FONT, stream(dict, &bytes), &[])).contains(&why), "{dict}");
    }
}

#[test]
fn fonts_say_what_their_codes_are_or_are_told() {
    let with = |font: &str, content: &str, more: &[Vec<u8>]| {
        page_with(font, stream("", format!("BT /F1 10 Tf {content} ET").as_bytes()), more)
    };
    let simple = |encoding: &str| format!("<</Type/Font/Subtype/TrueType/BaseFont/A/Encoding{encoding}>>");
    assert_eq!(
        text(&with(&simple("/WinAnsiEncoding"), "(M\\374ller \\223x\\224) Tj", &[])),
        "M\u{fc}ller \u{201c}x\u{201d}"
    );
    assert_eq!(text(&with(&simple("/MacRomanEncoding"), "(M\\237ller) Tj", &[])), "M\u{fc}ller");
    let own = simple("<</Differences[1/A/n/uni006E/u0052/o.alt/fi/afii10017/Lslash]>>");
    assert_eq!(text(&with(&own, "<0102030405060708> Tj", &[])), "AnnRofi\u{410}\u{141}");
    let map = stream("", b"/CIDInit begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfrange <0001> <0003> <0041> <0010> <0011> [<0061> <00660069>] endbfrange 1 beginbfchar <0020> <0020> endbfchar endcmap");
    let wide = "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 7 0 R/DescendantFonts[<</W[1[500 500]3 17 600]/DW 1000>>]>>";
    let nothing = stream("/Subtype/Form", b"");
    assert_eq!(
        text(&with(wide, "<000100020003002000100011> Tj", &[nothing.clone(), map.clone()])),
        "ABC afi"
    );
    assert_eq!(
        unread(&with(wide, "<0001000200300031003200330034> Tj", &[nothing.clone(), map.clone()])),
        [Why::Font]
    );
    let program = stream("/Length1 60", b"/Encoding 256 array\n0 1 255 {1 index exch /.notdef put} for\ndup 1 /A put\ndup 2 /n put\nreadonly def currentfile eexec xx");
    let type1 = "<</Type/Font/Subtype/Type1/BaseFont/CMR10/FontDescriptor<</Flags 4/FontFile 7 0 R>>>>";
    assert_eq!(text(&with(type1, "<010202> Tj", &[nothing.clone(), program])), "Ann");
    let more = [nothing.clone(), map.clone(), b"<</ToUnicode 7 0 R>>".to_vec()];
    for font in [
        "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/DescendantFonts[<</DW 500>>]>>",
        "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/90ms-RKSJ-H/ToUnicode 7 0 R/DescendantFonts[<</DW 500>>]>>",
        "<</Type/Font/Subtype/TrueType/BaseFont/A/FontDescriptor<</Flags 4/FontFile2 7 0 R>>>>",
        "<</Type/Font/Subtype/Type3/BaseFont/A/Encoding<</Differences[65/g1/g2/g3]>>>>",
    ] {
        let bytes = with(font, "(ABCABC) Tj", &more);
        assert_eq!(unread(&bytes), [Why::Font], "{font}");
        let bullet = with(font, "(A) Tj", &more);
        assert!(!unread(&bullet).contains(&Why::Font) || font.contains("Type0"), "{font}");
        let said = with(font, "/Span<</ActualText(Ann Roe)>>BDC (ABCABC) Tj EMC", &more);
        assert_eq!(text(&said), "Ann Roe", "{font}");
    }
    assert_eq!(text(&with("<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>", "(lll) Tj", &[])), "");
    assert_eq!(unread(&with(FONT, "/F2 10 Tf (Ann Roe) Tj", &[])), [Why::Font], "nobody has this font");
}

#[test]
fn what_objects_say_is_read_beside_the_pages() {
    let more = [
        stream("/Subtype/Form", b""),
        b"<</Type/Annot/Subtype/Text/Contents(a note \\(of Ann\\))>>".to_vec(),
        b"<</FT/Tx/T(Patient_Name)/V<FEFF0041006E006E>/DV(none)>>".to_vec(),
        b"<</Title(Letter)/Author(\xEF\xBB\xBFZo\xC3\xAB)/CreationDate(D:20250102030405Z)>>".to_vec(),
        stream(
            "/Type/Metadata/Subtype/XML",
            b"<x:xmpmeta xmlns:x='u'><dc:title><rdf:li>Said</rdf:li></dc:title><a b='c d'/></x:xmpmeta>",
        ),
        b"<</S/JavaScript/JS 12 0 R>>".to_vec(),
        stream("", b"app.alert('Roe')"),
        b"<</Type/Sig/ByteRange[0 1]/Contents<41424344454647>/Name(Signer)>>".to_vec(),
    ];
    let read = text(&page_with(FONT, stream("", b"% a comment\nBT /F1 9 Tf (Page) Tj ET"), &more));
    for part in [
        "Page",
        "a comment",
        "a note (of Ann)",
        "Patient Name: Ann",
        "Title: Letter",
        "Author: Zo\u{eb}",
        "title: Said",
        "b: c d",
        "app.alert('Roe')",
        "Signer",
    ] {
        assert!(read.contains(part), "{part}: {read}");
    }
    assert!(!read.contains("ABCDEFG") && !read.contains("2025"), "{read}");
    let stray = [
        page("").as_slice(),
        b"Ann Roe wrote this behind the end of the file, where nobody looks, in so many words\n",
    ]
    .concat();
    let read = said(&stray);
    assert!(read.text.contains("Ann Roe wrote") && read.unread.contains(&Why::Malformed));
    assert!(said(&[b"junk\n", page("").as_slice()].concat()).text.contains("junk"));
}

#[test]
fn forms_are_drawn_where_they_are_called_and_otherwise_read_by_themselves() {
    let form = |content: &str| stream("/Type/XObject/Subtype/Form/Matrix[1 0 0 1 0 100]", content.as_bytes());
    let content = stream("", b"BT /F1 9 Tf (below) Tj ET /X Do");
    let drawn =
        page_with(FONT, content, &[form("BT /F1 9 Tf (above) Tj ET"), form("BT /F1 9 Tf (alone) Tj ET")]);
    let read = said(&drawn);
    assert!(read.text.starts_with("above\n\nbelow"), "{}", read.text);
    assert_eq!(
        read.unread.into_iter().collect::<Vec<_>>(),
        [Why::Font],
        "nothing says which font the other has"
    );
    // One that draws itself ends.
    let cycle = page_with(FONT, stream("", b"/X Do"), &[form("BT /F1 9 Tf (again) Tj ET /X Do")]);
    assert_eq!(unread(&cycle), [Why::TooDeep]);
    let many = page_with(
        FONT,
        stream("", &b"/X Do ".repeat(1 << 18)),
        &[form(&"BT /F1 9 Tf (again) Tj ET ".repeat(64))],
    );
    assert_eq!(unread(&many), [Why::Bomb]);
    let tree = page_with(FONT, stream("", &b"/X Do ".repeat(20)), &[form(&"/X Do ".repeat(20))]);
    assert_eq!(unread(&tree), [Why::Bomb, Why::TooDeep]);
}

#[test]
fn old_revisions_are_read_too() {
    let mut bytes = page("BT /F1 9 Tf (Ann Roe) Tj ET");
    bytes.extend(define(5, &stream("", b"BT /F1 9 Tf (redacted) Tj ET")));
    bytes.extend_from_slice(b"xref\n0 1\n0000000000 65535 f \n5 1\n0000000400 00000 n \ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n");
    assert_eq!(text(&bytes), "redacted Ann Roe");
}

#[test]
fn object_streams_are_read_in_order() {
    let inner = b"<</Type/Page/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>><</Contents(in a stream)>>";
    let second = inner.len() - b"<</Contents(in a stream)>>".len();
    let head = format!("3 0 7 {second} ");
    let packed = [head.as_bytes(), inner].concat();
    let dict = format!("/Type/ObjStm/N 2/First {}/Filter/FlateDecode", head.len());
    let of = |dict: &str, packed: &[u8]| {
        let content = stream("", b"BT /F1 9 Tf (on the page) Tj ET");
        let pages = b"<</Type/Catalog>>".to_vec();
        file(&[pages, stream(dict, &deflated(packed)), b"null".to_vec(), FONT.as_bytes().to_vec(), content])
    };
    // The page is defined once more behind the empty one.
    let bytes = of(&dict, &packed);
    assert!(text(&bytes).contains("in a stream"));
    assert!(unread(&of(&dict.replace("/N 2", "/N 3"), &packed)).contains(&Why::Malformed));
    let back = [format!("3 {second} 7 0 ").as_bytes(), inner].concat();
    assert!(unread(&of(&dict, &back)).contains(&Why::Malformed), "places that lead back");
}

#[test]
fn what_cannot_be_read_is_told_with_its_reason() {
    let with = |object: Vec<u8>| page_with(FONT, stream("", b"BT /F1 9 Tf (Page) Tj ET"), &[object]);
    let picture = "/Type/XObject/Subtype/Image/Width 60/Height 60/BitsPerComponent 8";
    for (object, why) in [
        (stream(picture, b"x"), Why::Picture),
        (
            b"<</V 9 0 R>>\nendobj\n9 0 obj<</Subtype/Image/Length 1>>stream\nx\nendstream".to_vec(),
            Why::Picture,
        ),
        (stream("/Subtype/Image/ImageMask true/Width 60/Height 60", b"x"), Why::Picture),
        (stream("", b"x"), Why::OpaqueType),
        (stream("/Type/3D/Subtype/U3D", b"x"), Why::OpaqueType),
        (stream("/Subtype/PS", b"x"), Why::OpaqueType),
        (b"[".repeat(100), Why::TooDeep),
        (b"<</A".to_vec(), Why::Malformed),
        (stream("/Subtype/Form", b"so many words that are no operators at all"), Why::Malformed),
    ] {
        assert!(unread(&with(object)).contains(&why), "{}", why.as_str());
    }
    for blind in [picture.replace("Height 60", "Height 1"), picture.replace("Width 60", "Width 4")] {
        assert_eq!(text(&with(stream(&blind, b"x"))), "Page");
    }
    let inline =
        |side: u8| page(&format!("q BI /W 40 /H {side} /BPC 8 ID xxEIx EI Q BT /F1 9 Tf (behind) Tj ET"));
    assert_eq!(unread(&inline(40)), [Why::Picture]);
    assert_eq!(text(&inline(2)), "behind");
    let curves = |count: usize, words: usize| {
        page(&format!(
            "{} f BT /F1 9 Tf ({}) Tj ET",
            "1 1 2 2 3 3 c ".repeat(count),
            "letters ".repeat(words)
        ))
    };
    assert_eq!(unread(&curves(300, 4)), [Why::Drawn]);
    assert!(unread(&curves(300, 20)).is_empty() && unread(&curves(100, 4)).is_empty());
    assert_eq!(unread(&page(&"1 1 l ".repeat(300))), [Why::Drawn]);
    let mut encrypted = page("BT /F1 9 Tf (x) Tj ET");
    encrypted.extend_from_slice(b"trailer\n<</Encrypt 9 0 R>>\n");
    assert_eq!(unread(&encrypted), [Why::Encrypted]);
    assert_eq!(unread(b"%PDF-1.7\n"), [Why::Malformed]);
    let attached = stream("/Type/EmbeddedFile", b"Patient: Ann Roe");
    assert_eq!(said(&with(attached)).attached, [b"Patient: Ann Roe"]);
}

#[test]
fn a_file_that_is_cut_says_so_or_says_all() {
    let map = stream("/Filter/FlateDecode", &deflated(b"1 begincodespacerange <00> <FF> endcodespacerange"));
    let whole = page_with(
        FONT,
        stream("/Filter/FlateDecode", &deflated(b"BT /F1 9 Tf (Ann Roe) Tj ET")),
        &[stream("/Subtype/Form", b""), b"<</Contents(MRN 4471902)/ToUnicode 8 0 R>>".to_vec(), map],
    );
    let all = text(&whole);
    assert!(all.contains("Ann Roe") && all.contains("4471902"));
    for cut in 0..whole.len() {
        let said = said(&whole[..cut]);
        let says = ["Ann Roe", "4471902"].iter().all(|part| said.text.contains(part));
        assert!(says || !said.unread.is_empty(), "cut at {cut}");
    }
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        said(&broken);
    }
}

fn inspect(content_type: &str, body: &[u8]) -> Findings {
    let message = Message { content_type, body, ..Message::default() };
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message)
}

#[test]
fn what_is_found_is_blamed_on_the_whole_file() {
    let bytes = page("BT /F1 9 Tf (Patient: Ann Kowalski, born 04/02/1971) Tj ET");
    for declared in ["application/pdf", "", "application/octet-stream"] {
        let found = inspect(declared, &bytes);
        assert!(found.points().0 >= 90 && found.uninspected.is_empty(), "{declared}");
        assert!(found.findings.iter().all(|f| f.span == (0..bytes.len()) && f.place.starts_with("pdf > ")));
    }
    let harmless = inspect("application/pdf", &page("BT /F1 9 Tf (Ports and retries) Tj ET"));
    assert!(harmless.findings.is_empty() && harmless.uninspected.is_empty());
    let nested = page_with(
        FONT,
        stream("", b""),
        &[stream("/Subtype/Form", b""), stream("/Type/EmbeddedFile", &bytes)],
    );
    assert!(inspect("application/pdf", &nested).points().0 >= 90);
    let mut deep = bytes;
    for _ in 0..6 {
        deep = page_with(
            FONT,
            stream("", b""),
            &[stream("/Subtype/Form", b""), stream("/Type/EmbeddedFile", &deep)],
        );
    }
    let found = inspect("application/pdf", &deep);
    assert!(found.uninspected.iter().any(|u| u.reason == Why::TooDeep));
}
