//! Values of one person, hidden in ways that programs and people write: what is found whatever stands around it.

use super::decode::Budget;
use super::{Findings, Inspector, Message, RuleSet, UninspectedReason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const NOTE: &str = "Patient: Theodore Blankenship, DOB: 03/14/1957, SSN 417-62-8093, MRN: 70418826.";
const FHIR: &str = r#"{"resourceType":"Patient","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"70418826"}],"name":[{"family":"Blankenship","given":["Theodore"]}],"birthDate":"1957-03-14"}"#;
const HL7: &str = "MSH|^~\\&|LAB|G|EHR|G|20250102||ADT^A01|8812|P|2.5.1\rPID|1||70418826^^^G^MR||Blankenship^Theodore||19570314|M\r";
const ACK: &str = "MSH|^~\\&|LAB|G|EHR|G|20250102||ACK^A01|8812|P|2.5.1\rMSA|AA|8811\r";

fn inspect(content_type: &str, body: &[u8]) -> Findings {
    let message = Message { content_type, body, ..Message::default() };
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message)
}

fn refuses(content_type: &str, body: impl AsRef<[u8]>) -> bool {
    let found = inspect(content_type, body.as_ref());
    found.points().0 >= 100
}

fn passes(content_type: &str, body: impl AsRef<[u8]>) -> bool {
    let found = inspect(content_type, body.as_ref());
    found.points().0 == 0 && found.uninspected.is_empty()
}

fn in_json(text: &str) -> String {
    serde_json::json!({ "m": text }).to_string()
}

#[test]
fn brackets_around_values_hide_nothing() {
    assert!(refuses("application/json", r#"{"patientName":"[Theodore Blankenship]","ssn":"[417-62-8093]"}"#));
    assert!(passes(
        "application/json",
        r#"{"patientName":"[Patient Name]","ssn":"[REDACTED]","mrn":"[mrn]"}"#
    ));
}

#[test]
fn data_that_is_sent_as_a_page_is_read_as_data() {
    let cda = r#"<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id root="1.2.3" extension="70418826"/><patient><name><given>Theodore</given><family>Blankenship</family></name><birthTime value="19570314"/></patient></patientRole></recordTarget></ClinicalDocument>"#;
    assert!(refuses("text/html", cda));
    assert!(passes("text/html", "<x-card>Queue depth <b>4410</x-card>"), "not well formed: a page");
}

#[test]
fn data_around_which_a_piece_of_a_page_is_laid_is_read_as_data() {
    let data = "<lastName>Blankenship</lastName><firstName>Theodore</firstName><birthDate>1957-03-14</birthDate><ssn>417628093</ssn>";
    for content_type in ["", "text/plain"] {
        for (open, close) in [("<div>", "</div>"), ("<p>", "</p>"), ("<CENTER><b>see</b>", "</CENTER>")] {
            let page = format!("{open}{}{data}{close}", "<p>a</p>".repeat(1000));
            assert!(refuses(content_type, &page), "{open}");
        }
    }
}

#[test]
fn attributes_of_pages_are_read() {
    let page = r#"<!DOCTYPE html><html><body><form><label>Patient name</label><input name="patientName" value="Theodore Blankenship"><input name="ssn" value="417-62-8093"></form></body></html>"#;
    assert!(refuses("text/html", page));
    assert!(refuses("application/json", in_json(page.trim_start_matches("<!DOCTYPE html>"))));
    assert!(passes(
        "text/html",
        r#"<html><body class="note" data-build="2024.11.3"><img src="a.png" alt="Logo"></body></html>"#
    ));
}

#[test]
fn json_in_strings_of_logs_is_found() {
    let escaped = FHIR.replace('"', "\\\"");
    let twice = escaped.replace('\\', "\\\\").replace('"', "\\\"");
    for text in [
        format!("INFO body=\"{escaped}\" done"),
        format!("INFO {{\"level\":\"info\",\"body\":\"{escaped}\"}}"),
        format!("INFO body=\"{twice}\""),
        format!("INFO {}{FHIR}", "{\"a\":1} ".repeat(100)),
        format!("{{\"a: {FHIR}"),
    ] {
        assert!(refuses("text/plain", &text), "{text}");
        assert!(refuses("application/json", in_json(&text)), "{text}");
    }
    assert!(passes("text/plain", "INFO body=\"{\\\"queue\\\":4410,\\\"state\\\":\\\"ok\\\"}\""));
}

#[test]
fn hex_zlib_and_broken_base64_are_undone() {
    let hex: String = NOTE.bytes().map(|b| format!("{b:02x}")).collect();
    assert!(refuses("text/plain", &hex) && refuses("application/json", in_json(&hex)));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut zlib, NOTE.as_bytes()).expect("memory");
    let zlib = zlib.finish().expect("memory");
    assert!(refuses("application/json", in_json(&STANDARD.encode(&zlib))));
    let latin1: Vec<u8> = [b"Seen by Z\xF6e. ".as_slice(), NOTE.as_bytes()].concat();
    assert!(refuses("application/json", in_json(&STANDARD.encode(latin1))));
    let cda = |packed: &str| {
        format!(
            r#"<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="text/plain" representation="B64" compression="DF">{packed}</text></nonXMLBody></component></ClinicalDocument>"#
        )
    };
    for bytes in [zlib.as_slice(), &zlib[2..zlib.len() - 4]] {
        let found = inspect("text/xml", cda(&STANDARD.encode(bytes)).as_bytes());
        assert!(found.points().0 >= 100 && found.uninspected.is_empty(), "{:?}", found.uninspected);
    }
}

#[test]
fn escapes_of_a_message_in_a_string_are_undone_before_it_is_read() {
    for text in [ACK.replace('&', "&amp;"), ACK.to_owned()] {
        assert!(passes("application/json", in_json(&text)), "{text}");
    }
    let patient = HL7.replace('&', "&amp;").replace('|', "&#124;");
    assert!(refuses("application/json", in_json(&patient)));
    assert!(refuses("text/plain", patient.replace('\r', "\n")));
}

#[test]
fn documents_inside_texts_are_found() {
    let xml = r#"<Patient xmlns="http://hl7.org/fhir"><identifier><type><coding><code value="MR"/></coding></type><value value="70418826"/></identifier><name><family value="Blankenship"/><given value="Theodore"/></name><birthDate value="1957-03-14"/></Patient>"#;
    assert!(refuses("text/plain", format!("received {xml} from queue")));
    let x12 = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *250102*1015*^*00501*000000101*0*P*:~GS*HS*S*R*20250102*1015*1*X*005010X279A1~ST*270*0001*005010X279A1~BHT*0022*13*10001234*20250102*1015~HL*1**20*1~NM1*PR*2*ACME PAYER*****PI*12345~HL*2*1*21*1~NM1*1P*2*GEN HOSP*****XX*1234567893~HL*3*2*22*0~NM1*IL*1*BLANKENSHIP*THEODORE****MI*W8812407731~DMG*D8*19570314*M~DTP*291*D8*20250102~EQ*30~SE*12*0001~GE*1*1~IEA*1*000000101~";
    assert!(refuses("text/plain", format!("received {x12} from queue")));
}

#[test]
fn what_disguises_a_note_is_undone() {
    for text in [
        NOTE.replace("417-62-8093", "_417-62-8093_")
            .replace("Theodore Blankenship", "__Theodore Blankenship__"),
        NOTE.replace("417-62-8093", "417 - 62 - 8093"),
        NOTE.replace("417-62-8093", "417-<b>62</b>-8093")
            .replace("Theo", "Theo<i>")
            .replace("dore", "dore</i>"),
        NOTE.chars().map(|c| format!("&amp;#{};", u32::from(c))).collect(),
        NOTE.chars().map(|c| format!("\\x{:02x}", u32::from(c))).collect(),
        NOTE.replace("Patient", "\u{1B}[1mPatient\u{1B}[0m").replace("417", "\u{1B}[31m417"),
        NOTE.chars().map(|c| format!("{c}\u{2066}")).collect(),
    ] {
        assert!(refuses("text/plain", &text), "{text}");
        assert!(refuses("application/json", in_json(&text)), "{text}");
    }
}

#[test]
fn names_of_headers_and_parameters_are_keys() {
    let headers = |headers: &[(&str, &str)]| {
        let message = Message { headers, ..Message::default() };
        Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message).points().0
    };
    assert!(
        headers(&[
            ("x-last-name", "Blankenship"),
            ("patient-mrn", "70418826"),
            ("x-date-of-birth", "1957-03-14")
        ]) >= 100
    );
    assert!(headers(&[("user-agent", NOTE)]) >= 100);
    assert!(headers(&[("x-request-id", NOTE)]) >= 100);
    assert!(headers(&[("if-match", "W/\"417-62-8093\"")]) >= 60);
    assert_eq!(
        headers(&[
            (
                "user-agent",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
            ),
            ("via", "1.1 proxy.example.net (squid/5.7)"),
            ("prefer", "return=minimal, respond-async"),
            ("if-none-match", "W/\"3a9f\", \"70418826\""),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("x-request-id", "4f2b9c1e-7d3a-4e0b-9a51-0c8d2f6e7b11"),
            ("accept", "text/html, application/xhtml+xml; q=0.9"),
            ("x-app-name", "billing"),
        ]),
        0
    );
    for form in [
        "last_name[]=Blankenship&first_name[]=Theodore&dob[]=1957-03-14&ssn[]=417628093",
        "last_name[0]=Blankenship&ssn[0]=417628093",
        "patients[0].last_name=Blankenship&patients[0].ssn=417628093",
    ] {
        assert!(refuses("application/x-www-form-urlencoded", form), "{form}");
    }
    // Nobody said that it is a form.
    for form in ["SSN-417-62-8093=1&lastName=Blankenship", "lastName=Blankenship&SSN-417-62-8093=1"] {
        for content_type in ["", "text/plain"] {
            assert!(refuses(content_type, form), "{content_type} {form}");
        }
    }
}

#[test]
fn keys_in_other_letters_are_keys() {
    assert!(refuses(
        "application/json",
        "{\"\u{FF53}\u{FF53}\u{FF4E}\":\"417-62-8093\",\"last\u{041D}ame\":\"x\"}"
    ));
}

#[test]
fn heads_of_tables_with_line_ends_and_other_delimiters_are_read() {
    let rows = "mrn,\"last\nname\",first_name,dob\n70418826,Blankenship,Theodore,1957-03-14\n70418827,Zorax,Ann,1961-03-14\n";
    assert!(refuses("text/csv", rows));
    assert!(refuses("text/csv", rows.replace('\n', " ").replace(" 70", "\n70").replace(',', "^")));
}

#[test]
fn what_is_written_in_packed_bytes_is_read_and_a_file_in_them_is_told() {
    let framed = [&[0, 0, 0, 0, 0x86, 0x0A, 0x86, 1], NOTE.as_bytes()].concat();
    let wide: Vec<u8> = NOTE.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    for bytes in [[b"\0", NOTE.as_bytes()].concat(), framed, wide] {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let head = &bytes[..8];
        assert!(refuses("application/json", in_json(&STANDARD.encode(&bytes))), "{head:?}");
        assert!(refuses("text/plain", STANDARD.encode(&bytes)) && refuses("text/plain", hex), "{head:?}");
    }
    let at = |at: usize, mark: &[u8]| [&vec![0; at], mark, NOTE.as_bytes()].concat();
    for file in [
        at(128, b"DICM"),
        at(257, b"ustar"),
        at(0, b"SQLite format 3\0"),
        at(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
    ] {
        let found = inspect("application/json", in_json(&STANDARD.encode(&file)).as_bytes());
        assert!(found.uninspected.iter().any(|u| u.reason == UninspectedReason::OpaqueType));
    }
    // A key, a digest and a certificate's bytes have no words of anybody.
    let random: Vec<u8> = (0..400_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(passes("application/json", in_json(&STANDARD.encode(random))));
    let certificate = [
        &[0x30, 0x82, 3, 0x9D, 0xA0, 3, 2, 1, 2],
        b"DigiCert Global Root CA".as_slice(),
        &[0x17, 0x0D, 0xFF],
    ]
    .concat();
    assert!(passes(
        "application/json",
        in_json(&STANDARD.encode([certificate.clone(), certificate].concat()))
    ));
}

#[test]
fn what_is_encrypted_counts_as_unread() {
    let jwe = format!(
        "{}.{}.{}.{}.{}",
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ",
        "a".repeat(40),
        "b".repeat(16),
        "c".repeat(90),
        "d".repeat(22)
    );
    let pgp = "-----BEGIN PGP MESSAGE-----\n\nhQEMA5vJ\n-----END PGP MESSAGE-----\n";
    let xml = r#"<Envelope><Body><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><CipherData><CipherValue>aGVs</CipherValue></CipherData></EncryptedData></Body></Envelope>"#;
    for (content_type, body) in [
        ("text/plain", jwe.as_str()),
        ("application/jose", jwe.as_str()),
        ("application/jose+json", r#"{"protected":"eyJh","ciphertext":"aGVsbG8","tag":"aGVs"}"#),
        ("text/plain", pgp),
        ("application/pkcs7-mime", "MIAGCSqGSIb3DQEHA6CAMIACAQA"),
        ("text/xml", xml),
    ] {
        let found = inspect(content_type, body.as_bytes());
        assert!(
            found.uninspected.iter().any(|u| u.reason == UninspectedReason::OpaqueType),
            "{content_type}"
        );
    }
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzY29wZSI6InN5c3RlbS8qLnJlYWQifQ.c2lnbmF0dXJl";
    assert!(inspect("text/plain", token.as_bytes()).uninspected.is_empty());
}

#[test]
fn a_string_that_only_begins_as_a_document_is_a_text() {
    for text in ["MSH| is the header segment", "<Practitioner xmlns=\\\"http://hl7.org/fhir\\\"><name>..."] {
        let found = inspect("application/json", format!("{{\"sql\":\"{text}\"}}").as_bytes());
        assert!(found.uninspected.is_empty(), "{text}: {:?}", found.uninspected);
    }
    // What tells of somebody in one that can't be read is in doubt.
    let cut = r#"{"raw":"<Patient xmlns=\"http://hl7.org/fhir\"><birthDate value=\"1957-03-14\"/><id>Theodore Blankenship, DOB 03/14/1957"}"#;
    assert!(refuses("application/json", cut));
}

#[test]
fn of_a_key_that_stands_twice_the_value_that_tells_is_read() {
    let device = r#""resourceType":"Device","udiCarrier":[{"deviceIdentifier":"00844588003288","carrierHRF":"(01)00991137281094(17)311202(21)19474742"}],"serialNumber":"HY3427458","type":{"text":"Implantable pacemaker"},"patient":{"reference":"Patient/c4b32938","display":"Beatriz Wong"}"#;
    let points =
        |front: &str| inspect("application/fhir+json", format!("{{{front}{device}}}").as_bytes()).points();
    let alone = points("");
    assert!(alone.0 >= 50);
    for front in [r#""patient":[],"#, r#""patient":null,"#, r#""patient":"","#, r#""resourceType":null,"#] {
        assert_eq!(points(front), alone, "{front}");
    }
}

#[test]
fn what_is_called_a_table_and_is_none_is_read_as_text() {
    for text in [NOTE.to_owned(), format!("sep=!\nnote\n{NOTE}")] {
        assert!(refuses("text/csv", &text), "{text}");
    }
}

#[test]
fn letters_of_another_set_in_a_form_are_unread() {
    let part = |charset: &str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"note\"\r\nContent-Type: text/plain; {charset}\r\n\r\nhello\r\n--b--\r\n"
        );
        let found = inspect("multipart/form-data; boundary=b", body.as_bytes());
        found.uninspected.iter().any(|u| u.reason == UninspectedReason::Charset)
    };
    for charset in
        ["charset=utf-7", "charset=iso-2022-jp", "charset=utf-8; charset=utf-7", "charset*=utf-7''x"]
    {
        assert!(part(charset), "{charset}");
    }
    assert!(!part("charset=utf-8") && !part("charset=utf-8; charset=UTF-8"));
    let form = inspect("application/x-www-form-urlencoded; charset=utf-16le", b"a=%4A%00%6F%00");
    assert!(form.uninspected.iter().any(|u| u.reason == UninspectedReason::Charset));
}
