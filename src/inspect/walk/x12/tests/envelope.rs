//! Envelopes, separators, carriers and what stands outside of sets.

use super::*;

#[test]
fn what_is_read_doesn_t_depend_on_the_separators() {
    let tell = |doc: &[u8]| -> Vec<(String, String, String, PersonId)> {
        let (listener, end) = told(doc);
        assert_eq!(end, Ok(()));
        let of = |l: &Told| !l.place.starts_with("ISA");
        listener
            .leaves
            .iter()
            .filter(|l| of(l))
            .map(|l| (l.place.clone(), l.value.clone(), l.rule.clone(), l.person))
            .collect()
    };
    let mut first = Vec::new();
    let body = "HL*1**22*0~NM1*IL*1*DOE*JOHN****MI*7~CLM*A1*1***11:B:1~HI*ABK:E119*BF:I10~EQ*30^35~";
    for marks in [b"*:^~", b"|>!\\", b"\x1d\x1f\x1e\x1c", b"^&+\n", b"+%#\r", b"\xa6\xb7\xa7\xb6", b"@?;'"] {
        let doc: Vec<u8> = interchange("837", body)
            .bytes()
            .map(|c| b"*:^~".iter().position(|mark| *mark == c).map_or(c, |at| marks[at]))
            .collect();
        for end in ["", "\n", "\r\n"] {
            let mut lines = b"\xEF\xBB\xBF \r\n".to_vec();
            for c in &doc {
                lines.push(*c);
                if *c == marks[3] {
                    lines.extend(end.bytes());
                }
            }
            let now = tell(&lines);
            if first.is_empty() {
                first = now.clone();
            }
            assert_eq!(now, first, "{marks:?} {end:?}");
        }
    }
    assert!(
        first.iter().any(|(place, value, rule, _)| (place.as_str(), value.as_str(), rule.as_str())
            == ("HI-02.2", "I10", "hi"))
    );
}

#[test]
fn several_interchanges_groups_and_sets_are_read_each_with_its_separators() {
    let one = interchange("270", "HL*1**22*0~NM1*IL*1*DOE*JOHN~");
    let two = interchange("270", "HL*1**22*0~NM1*IL*1*ROE*JANE~").replace('*', "|").replace('~', "\n");
    let (listener, end) = told(format!("{one}\r\n{two}").as_bytes());
    assert_eq!(end, Ok(()));
    assert_eq!(
        (listener.at("NM1-03").value.as_str(), listener.at("ST[2]:NM1-03").value.as_str()),
        ("DOE", "ROE")
    );
    assert_eq!((listener.of("NM1-03"), listener.of("ST[2]:NM1-03")), (0, 1));
    assert_eq!(listener.declared[1], (Declared::Production, "ISA[2]-15".to_owned()));
    assert_eq!(listener.rule("GS[2]-02"), ("isa-06", "Public"));
}

#[test]
fn fragments_of_health_care_are_read_whatever_the_type_says() {
    let fragment = b"ST*270*1~HL*1**22*0~NM1*IL*1*OKAFOR*DARNELL****MI*E08738432~DMG*D8*19620622~SE*5*1~";
    let (listener, end) = told(fragment);
    assert_eq!((end, listener.rule("NM1-03")), (Ok(()), ("nm1.il", "Value")));
    let group = [b"GS*HS*A*B*20260101*1200*1*X*005010~".as_slice(), fragment, b"GE*1*1~"].concat();
    assert_eq!(told(&group).1, Ok(()));
    let found = inspect("application/edi-x12", &group);
    assert_eq!((found.format.as_str(), found.points().0, reasons(&found)), ("x12", 160, vec![]));
    for kind in ["text/plain", "application/octet-stream", ""] {
        assert_eq!(inspect(kind, &group).format.as_str(), "x12", "{kind}");
        assert_eq!(inspect(kind, fragment).points().0, 160, "{kind}");
    }
    for text in ["ST 837 is a claim", "ST*837", "ST*999999*1~", "GS*HC~", "GS1837*x~y*z~"] {
        assert_eq!(inspect("text/plain", text.as_bytes()).format.as_str(), "text", "{text}");
    }
    // Without the closing segment it is cut.
    assert!(told(&fragment[..fragment.len() - 7]).1.is_err());
}

#[test]
fn a_broken_envelope_is_told_and_read_all_the_same() {
    let whole = interchange("270", "HL*1**22*0~NM1*IL*1*OKAFOR*DARNELL****MI*E08738432~DMG*D8*19620622~");
    for broken in [
        whole.replace("SE*9*0001~", ""),
        whole.replace("GE*1*1~", ""),
        whole.replace("IEA*1*000000001~", ""),
        whole.replace("ST*270*0001~", ""),
        whole.replace("GS*HC*", "XS*HC*"),
        whole.clone() + "and what else there is~",
        whole.clone() + "NM1*IL*1*ROE~",
        whole.replace("SE*", "BIN*999*x~SE*"),
        whole.replace("HL*1", "and more~HL*1"),
        format!("{}{whole}", whole.replace("IEA*1*000000001~", "")),
    ] {
        let found = inspect("application/edi-x12", broken.as_bytes());
        assert_eq!((found.format.as_str(), reasons(&found)), ("x12", vec![UninspectedReason::Malformed]));
        assert!(found.points().0 >= 160, "{broken}");
        assert_eq!(found.uninspected[0].place, "body");
    }
    assert_eq!(reasons(&inspect("application/edi-x12", whole.as_bytes())), []);
}

#[test]
fn what_says_x12_and_is_none_is_malformed() {
    for body in ["Patient: Darnell Okafor DOB 06/22/1962", "ISA*00*", "ST", "{\"a\"", "ISA is a word, too"] {
        let found = inspect("application/edi-x12", body.as_bytes());
        assert!(reasons(&found).contains(&UninspectedReason::Malformed) || body.starts_with('{'), "{body}");
        assert!(!can_read(body.as_bytes()) && !recognise(body.as_bytes()));
    }
    assert!(inspect("application/edi-x12", b"Patient: Darnell Okafor DOB 06/22/1962").points().0 >= 90);
    let essay =
        format!("ISA (the Interoperability Standards Advisory) {}", "is a list of standards. ".repeat(9));
    assert_eq!(inspect("", essay.as_bytes()).format.as_str(), "text");
    assert!(Separators::declared(essay.as_bytes()).is_none());
}

#[test]
fn numbers_of_control_times_and_routing_are_nobodys() {
    let l = set("270", "BHT*0022*13*412213456*20260101*1200~HL*1**22*0~TRN*1*412213456*9123456789~");
    for (place, rule, reads) in [
        ("ISA-13", "", "Opaque"),
        ("ISA-06", "isa-06", "Public"),
        ("ISA-15", "isa-15", "Code"),
        ("GS-06", "", "Opaque"),
        ("GS-04", "", "Time"),
        ("ST-02", "", "Opaque"),
        ("SE-02", "", "Opaque"),
        ("IEA-02", "", "Opaque"),
        ("BHT-03", "trn-02", "Opaque"),
        ("BHT-04", "", "Time"),
        ("TRN-02", "trn-02", "Opaque"),
        ("TRN-03", "", "Public"),
    ] {
        assert_eq!(l.rule(place), (rule, reads), "{place}");
    }
    assert!(l.persons.is_empty());
    assert_eq!(l.declared, [(Declared::Production, "ISA-15".to_owned())]);
    let test = interchange("270", "").replace("*P*:~", "*T*:~");
    assert_eq!(told(test.as_bytes()).0.declared[0].0, Declared::Test);
    let secret = interchange("270", "").replacen("          ", "PASSWORD  ", 1);
    let (l, _) = told(secret.as_bytes());
    assert_eq!((l.rule("ISA-02"), l.at("ISA-02").value.as_str()), (("isa-02", "Opaque"), "PASSWORD"));
}

#[test]
fn unknown_segments_and_wrapped_or_released_values_are_read() {
    let l =
        set("837", "HL*1**22*0~NM1*IL*1*SMI\r\nTH*JO?*HN~ZZ9*Jane Roe~REF*EA*ID?*1~NTE*ADD*WHY?~REF*EJ*A:B~");
    assert_eq!((l.at("NM1-03").value.as_str(), l.at("NM1-04").value.as_str()), ("SMITH", "JO*HN"));
    assert_eq!((l.at("REF-02").value.as_str(), l.at("NTE-02").value.as_str()), ("ID*1", "WHY?"));
    assert_eq!((l.at("REF[2]-02").value.as_str(), l.rule("REF[2]-02").0), ("A:B", "ref.ej"));
    assert_eq!((l.rule("*-01"), &l.unknown[0]), (("", "Text"), &("ZZ9".to_owned(), "*".to_owned())));
    let latin: Vec<u8> = interchange("837", "HL*1**22*0~NM1*IL*1*NU#EZ~")
        .bytes()
        .map(|c| if c == b'#' { 0xD1 } else { c })
        .collect();
    assert_eq!(told(&latin).0.at("NM1-03").value, "NUÑEZ");
    let wrapped = interchange("837", "HL*1**22*0~NTE*ADD*call Darnell Ok\nafor at (915) 927-8377 please~");
    let found = inspect("", wrapped.as_bytes());
    let phone = found.findings.iter().find(|f| f.kind == Kind::Phone).unwrap();
    assert_eq!(&wrapped[phone.span.clone()], "(915) 927-8377");
}

#[test]
fn binary_data_is_a_carrier_of_the_patient() {
    let note = "Patient: Darnell Okafor~ DOB: 06/22/1962* MRN: E08738432";
    let body = format!("NM1*QC*1*ROE*JANE~BIN*{}*{note}~", note.len());
    let l = set("275", &body);
    let data = l.at("BIN-02");
    assert_eq!(
        (data.rule.as_str(), data.reads.as_str(), data.person),
        ("bin-02", "Base64(\"\")", l.at("NM1-03").person)
    );
    assert_eq!((data.span.len(), &l.clinical), (note.len(), &vec![data.person]));
    let found = inspect("", interchange("275", &body).as_bytes());
    assert!(found.points().0 >= 90 && found.persons.len() == 1 && found.uninspected.is_empty(), "{found:?}");
    assert!(found.findings.iter().any(|f| f.place.starts_with("BIN-02 > ")));
    let encoded = "UGF0aWVudDogRGFybmVsbCBPa2Fmb3IgIERPQjogMDYvMjIvMTk2Mg==";
    let l = set("275", &format!("NM1*QC*1*ROE*JANE~BDS*B64*{}*{encoded}~", encoded.len()));
    assert_eq!((l.at("BDS-03").value.as_str(), l.rule("BDS-03").1), (encoded, "Base64(\"\")"));
    let image = "NM1*QC*1*ROE*JANE~BIN*8*\u{1}\u{2}\u{3}~\u{4}\u{5}\u{0}\u{7}~";
    assert_eq!(reasons(&inspect("", interchange("275", image).as_bytes())), [UninspectedReason::OpaqueType]);
}

#[test]
fn segments_end_where_the_reading_of_records_ends_them() {
    let doc = interchange("275", "NM1*QC*1*ROE*JANE~BIN*3*a~b~");
    let all: Vec<_> = segments(doc.as_bytes(), separators(doc.as_bytes()).unwrap()).collect();
    assert_eq!(all.len(), 8);
    assert!(all.iter().all(|(_, s)| doc.as_bytes()[s.span.end] == b'~'));
}
