//! Canaries in every place of a message: none of them in logs, metrics, refusals, audit or the store's files, raw,
//! decoded, encoded or plainly hashed.

use crate::support::{Gate, Http};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Names nobody has, in forms that detectors know and in forms that none does.
const CANARIES: &[&str] = &[
    "Quillfeather",
    "Zebadiah",
    "M77-CANARY-4519",
    "412-21-7834",
    "canary.person@qfhealth.io",
    "(915) 927-4519",
    "1951-03-17",
    "19510317",
    "8812 Canarybird Lane",
    "cnrqxkey",
    "cnrqxval",
    "cnrqxhdr",
    "cnrqxtrail",
    "cnrqxpath",
    "cnrqxseg",
    "cnrqxfree",
];

fn fhir() -> String {
    let note = STANDARD.encode("Patient: Zebadiah Quillfeather DOB 1951-03-17 cnrqxfree");
    let nested = r#"{\"name\":\"Zebadiah Quillfeather\",\"ssn\":\"412-21-7834\"}"#;
    format!(
        r#"{{"resourceType":"Bundle","cnrqxkey":"cnrqxval","M77-CANARY-4519":{{"cnrqxkey":1}},"entry":[{{"resource":{{"resourceType":"Patient","id":"M77-CANARY-4519",
        "name":[{{"family":"Quillfeather","given":["Zebadiah"],"use":"cnrqxval"}}],"birthDate":"1951-03-17","gender":"cnrqxval",
        "identifier":[{{"type":{{"coding":[{{"code":"MR","system":"cnrqxval"}}]}},"value":"M77-CANARY-4519","system":"urn:cnrqxval"}},{{"system":"http://hl7.org/fhir/sid/us-ssn","value":"412-21-7834"}}],
        "telecom":[{{"system":"phone","value":"(915) 927-4519"}},{{"system":"email","value":"canary.person@qfhealth.io"}}],
        "address":[{{"line":["8812 Canarybird Lane"]}}],"extension":[{{"url":"http://cnrqxval","valueString":"cnrqxfree"}}]}}}},
        {{"resource":{{"resourceType":"Observation","status":"cnrqxval","code":{{"text":"cnrqxfree","coding":[{{"code":"cnrqxval","display":"cnrqxfree"}}]}},"subject":{{"display":"Zebadiah Quillfeather"}},"valueString":"{nested}","note":[{{"text":"cnrqxfree"}}]}}}},
        {{"resource":{{"resourceType":"DocumentReference","content":[{{"attachment":{{"contentType":"cnrqxval","title":"cnrqxfree","data":"{note}"}}}}]}}}}]}}"#
    )
}

fn hl7() -> String {
    "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|M77-CANARY-4519|P|2.5\rPID|1||M77-CANARY-4519^^^cnrqxval^MR||Quillfeather^Zebadiah||19510317|cnrqxval|||8812 Canarybird Lane||(915) 927-4519|||||M77-CANARY-4519|412-21-7834\rOBX|1|ST|cnrqxval^cnrqxfree||cnrqxfree cnrqxval||||||F\rZQX|cnrqxval|Quillfeather\rcnrqxseg|cnrqxval\r".to_owned()
}

/// XML of every kind, and a claim: names, prefixes, namespaces, comments and instructions are places, too.
fn marked_up() -> [(&'static str, String); 5] {
    let odd = "<!-- cnrqxfree Quillfeather --><?cnrqxkey cnrqxval?><cnrqxkey:cnrqxkey xmlns:cnrqxkey=\"urn:cnrqxval\" cnrqxhdr=\"cnrqxval\">cnrqxfree</cnrqxkey:cnrqxkey><cnrqxseg/>";
    let named = "<name><given>Zebadiah</given><family>Quillfeather</family></name>";
    [
        (
            "application/fhir+xml",
            format!(
                "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"M77-CANARY-4519\"/><name><family value=\"Quillfeather\"/><given value=\"Zebadiah\"/></name><birthDate value=\"1951-03-17\"/>{odd}<contained><Cnrqxkey><x value=\"cnrqxval\"/></Cnrqxkey></contained></Patient>"
            ),
        ),
        (
            "text/xml",
            format!(
                "<?xml version=\"1.0\"?><!DOCTYPE ClinicalDocument SYSTEM \"cnrqxval\"><ClinicalDocument xmlns=\"urn:hl7-org:v3\"><recordTarget><patientRole><id root=\"1.2\" extension=\"M77-CANARY-4519\"/><patient>{named}<birthTime value=\"19510317\"/>{odd}</patient></patientRole></recordTarget><component><section><text><paragraph>Quillfeather <content ID=\"cnrqxval\">cnrqxfree</content><![CDATA[412-21-7834]]></paragraph></text></section></component></ClinicalDocument>"
            ),
        ),
        (
            "application/xml",
            format!(
                "<Message xmlns=\"http://www.ncpdp.org/schema/SCRIPT\"><Header><MessageID>cnrqxval</MessageID></Header><Body><NewRx><Patient><HumanPatient><Name><LastName>Quillfeather</LastName><FirstName>Zebadiah</FirstName></Name>{odd}</HumanPatient></Patient></NewRx></Body></Message>"
            ),
        ),
        (
            "application/soap+xml",
            format!(
                "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><PRPA_IN201305UV02 xmlns=\"urn:hl7-org:v3\">{named}<id root=\"1.2\" extension=\"M77-CANARY-4519\"/>{odd}</PRPA_IN201305UV02></s:Body></s:Envelope>"
            ),
        ),
        (
            "application/octet-stream",
            "999999D0B1cnrqxkey  1012345678900     20260629cnrqxval\u{1e}\u{1c}AM01\u{1c}CYM77-CANARY-4519\u{1c}C419510317\u{1c}CAZebadiah\u{1c}CBQuillfeather\u{1c}ZZcnrqxval".to_owned(),
        ),
    ]
}

fn send_all(gate: &Gate) -> Vec<Http> {
    let target = "/fhir/cnrqxpath/M77-CANARY-4519?family=Quillfeather&given=Zebadiah&birthdate=1951-03-17&cnrqxkey=cnrqxval&identifier=412-21-7834";
    let fhir_headers = [
        ("Content-Type", "application/fhir+json; x=cnrqxval"),
        ("X-cnrqxhdr", "Quillfeather cnrqxhdr"),
        ("Cookie", "who=Zebadiah Quillfeather"),
        ("Referer", "http://h/x?ssn=412-21-7834"),
        ("X-Patient-Name", "Zebadiah Quillfeather"),
        ("User-Agent", "cnrqxhdr"),
    ];
    let mut replies = Vec::new();
    for environment in 0..3 {
        replies.push(gate.send(environment, "POST", target, &fhir_headers, fhir().as_bytes()));
        replies.push(gate.send(
            environment,
            "POST",
            "/in",
            &[("Content-Type", "x-application/hl7-v2+er7")],
            hl7().as_bytes(),
        ));
        replies.push(gate.send(
            environment,
            "POST",
            "/api",
            &[("Content-Type", "application/json")],
            br#"{"cnrqxkey":{"lastName":"Quillfeather","ssn":"412-21-7834","M77-CANARY-4519":"cnrqxval"}}"#,
        ));
        replies.push(gate.send(
            environment,
            "POST",
            "/form",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            b"lastName=Quillfeather&firstName=Zebadiah&dob=1951-03-17&cnrqxkey=cnrqxval",
        ));
        replies.push(gate.send(
            environment,
            "POST",
            "/text",
            &[("Content-Type", "text/plain")],
            b"Patient: Zebadiah Quillfeather, SSN 412-21-7834 cnrqxfree",
        ));
        replies.push(gate.send(
            environment,
            "POST",
            "/bad",
            &[("Content-Type", "application/json")],
            br#"{"cnrqxkey": "Quillfeather 412-21-7834"#,
        ));
        replies.push(gate.send(
            environment,
            "POST",
            "/xml",
            &[("Content-Type", "text/xml")],
            b"<Quillfeather>cnrqxfree</Quillfeather>",
        ));
        replies.push(gate.send(
            environment,
            "POST",
            "/csv",
            &[("Content-Type", "text/csv")],
            b"last_name,dob (cnrqxkey),cnrqxkey,Quillfeather,ssn\nQuillfeather,1951-03-17,cnrqxval,cnrqxfree,412-21-7834\n\"cnrqxval,Zebadiah\n",
        ));
        for (content_type, body) in marked_up() {
            replies.push(gate.send(
                environment,
                "POST",
                "/in",
                &[("Content-Type", content_type)],
                body.as_bytes(),
            ));
        }
        let lines = format!("{}\n{{\"cnrqxkey\": \"Quillfeather\n[\"cnrqxval\"]\n", fhir().replace('\n', ""));
        replies.push(gate.send(
            environment,
            "POST",
            "/lines",
            &[("Content-Type", "application/fhir+ndjson")],
            lines.as_bytes(),
        ));
        let parts = "--cnrqxseg\r\nContent-Disposition: form-data; name=\"cnrqxkey\"; filename=\"Quillfeather Zebadiah.txt\"\r\nX-cnrqxhdr: cnrqxval 412-21-7834\r\n\r\nPatient: Zebadiah Quillfeather cnrqxfree\r\n--cnrqxseg\r\nContent-Disposition: form-data; name=cnrqxkey\r\n\r\n412-21-7834\r\n";
        replies.push(gate.send(
            environment,
            "POST",
            "/parts",
            &[("Content-Type", "multipart/form-data; boundary=cnrqxseg")],
            parts.as_bytes(),
        ));
        replies.push(gate.send(environment, "cnrqxval", "/x", &[], b""));
        for (headers, body) in spoken() {
            replies.push(gate.send(environment, "POST", "/cnrqxseg", &headers, &body));
        }
    }
    replies
}

/// Headers and a body.
type Spoken = (Vec<(&'static str, &'static str)>, Vec<u8>);

/// What callers send who are answered in dialects of their own, whatever the body is otherwise.
fn spoken() -> Vec<Spoken> {
    let soap = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:cnrqxkey=\"urn:cnrqxval\"><s:Header><cnrqxkey:MessageID>cnrqxval</cnrqxkey:MessageID></s:Header><s:Body><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"M77-CANARY-4519\"/><name><family value=\"Quillfeather\"/><given value=\"Zebadiah\"/></name><birthDate value=\"1951-03-17\"/></Patient></s:Body></s:Envelope>";
    let graphql = r#"{"operationName":"cnrqxkey","query":"query cnrqxkey { PatientList(family: \"Quillfeather\", given: \"Zebadiah\", birthdate: \"1951-03-17\", cnrqxkey: \"412-21-7834\") { cnrqxkey } }"}"#;
    let who = ("X-cnrqxhdr", "Patient: Zebadiah Quillfeather, DOB 1951-03-17, SSN 412-21-7834");
    vec![
        (
            vec![("Content-Type", "text/xml; x=cnrqxval"), ("SOAPAction", "\"urn:cnrqxval:Quillfeather\"")],
            soap.into(),
        ),
        (
            vec![("Content-Type", "application/json"), ("Accept", "application/graphql-response+json")],
            graphql.into(),
        ),
        (vec![("Content-Type", "application/graphql"), who], b"{ cnrqxkey }".to_vec()),
        (vec![("Content-Type", "application/grpc+cnrqxval"), who], b"\0\0\0\0\x0cQuillfeather".to_vec()),
    ]
}

/// Every form in which a canary could stand somewhere.
fn forms(canary: &str) -> Vec<Vec<u8>> {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut out = vec![
        canary.as_bytes().to_vec(),
        canary.to_lowercase().into_bytes(),
        canary.to_uppercase().into_bytes(),
        hex(canary.as_bytes()).into_bytes(),
        hex(&Sha256::digest(canary)).into_bytes(),
        Sha256::digest(canary).to_vec(),
        STANDARD.encode(Sha256::digest(canary)).into_bytes(),
        canary.bytes().map(|b| format!("%{b:02X}")).collect::<String>().into_bytes(),
        canary.replace(' ', "%20").into_bytes(),
    ];
    // base64 at each of the three alignments, without its ragged ends.
    for shift in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&b"xxx"[..shift], canary.as_bytes()].concat());
        let cut = encoded.len().saturating_sub(2);
        out.push(encoded.as_bytes()[(shift * 4).div_ceil(3).min(cut)..cut].to_vec());
    }
    out.retain(|form| form.len() >= 6);
    out
}

fn assert_clean(what: &str, haystack: &[u8]) {
    for canary in CANARIES {
        for (n, form) in forms(canary).iter().enumerate() {
            assert!(
                memchr::memmem::find(haystack, form).is_none(),
                "{what} holds a canary ({canary}, form {n})"
            );
        }
    }
}

fn each_file(folder: &Path, f: &mut dyn FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).expect("reads").flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, f);
        } else {
            f(&path, &std::fs::read(&path).expect("reads"));
        }
    }
}

#[test]
fn no_canary_is_anywhere_that_the_gateway_writes() {
    let mut gate = Gate::start();
    for reply in send_all(&gate) {
        if reply.header("phigate-reason").is_empty() {
            continue; // The upstream's own answer.
        }
        assert_clean("a refusal's body", &reply.body);
        assert_clean("a refusal's head", format!("{:?}{}", reply.headers, reply.start).as_bytes());
    }
    // The way back: a reply full of them, withheld, and one whose head has them.
    let headers = CANARIES.iter().map(|c| format!("X-Who: {c}\r\n")).collect::<String>();
    let body = fhir();
    let patient = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n{headers}Location: https://prod.example/{}\r\nContent-Length: {}\r\n\r\n{body}",
        CANARIES[0].replace(' ', "%20"),
        body.len()
    );
    for environment in [0, 1] {
        gate.upstreams[environment].answer(patient.as_bytes());
        let reply = gate.send(environment, "GET", "/fhir/Patient/1", &[], b"");
        assert_eq!(reply.status(), 502, "withheld");
        let asks = [
            ("Accept", "application/soap+xml"),
            ("Accept", "application/graphql-response+json"),
            ("Content-Type", "application/grpc"),
        ];
        let others = asks.map(|asks| gate.send(environment, "GET", "/x", &[asks], b""));
        for reply in [reply].into_iter().chain(others) {
            assert_eq!(reply.header("phigate-reason"), "likely_phi");
            assert_clean("a withheld reply's body", &reply.body);
            assert_clean("a withheld reply's head", format!("{:?}{}", reply.headers, reply.start).as_bytes());
        }
    }
    // Into production it passes, and a copy of it is kept as roles may see it.
    gate.upstreams[2].answer(patient.as_bytes());
    assert_eq!(gate.send(2, "GET", "/fhir/Patient/1", &[], b"").status(), 200);
    gate.running().flush_records();
    assert!(gate.metric("phigate_records_written_total") >= 20);
    assert_clean("/metrics", &gate.admin("/metrics", "").body);
    // Every record, as everybody sees it.
    for role in ["viewer", "support", "engineer", "security", "auditor"] {
        let token = gate.token(&[("development", role), ("staging", role), ("production", role)]);
        let page = gate.admin("/v1/records?limit=1000", &token);
        assert_clean("a search", &page.body);
        let records = page.json()["records"].as_array().expect("records").clone();
        assert!(records.len() >= 20);
        for record in records {
            let shown = gate.admin(&format!("/v1/records/{}", record["id"].as_str().expect("id")), &token);
            assert_eq!(shown.status(), 200);
            assert_clean("a record's view", &shown.body);
        }
    }
    let folder = gate.stop();
    let mut blocks = 0;
    each_file(&folder, &mut |path, bytes| {
        assert_clean(&path.display().to_string(), bytes);
        assert_clean("a file name", path.to_string_lossy().as_bytes());
        if path.extension().is_some_and(|e| e == "db") && path.to_string_lossy().contains("records") {
            let db = rusqlite::Connection::open(path).expect("opens");
            let mut statement = db.prepare("SELECT bytes, zstd FROM block").expect("prepares");
            let rows = statement
                .query_map([], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(1)?)))
                .expect("reads");
            for (bytes, packed) in rows.flatten() {
                blocks += 1;
                let text =
                    zstd::bulk::decompress(&packed, usize::try_from(bytes).expect("small")).expect("unpacks");
                assert_clean("a stored payload", &text);
            }
        }
    });
    assert!(blocks > 0, "no payload was stored: the test looks at nothing");
}

#[test]
fn the_search_for_canaries_would_find_one() {
    let found =
        std::panic::catch_unwind(|| assert_clean("x", STANDARD.encode("abc Quillfeather def").as_bytes()));
    assert!(found.is_err());
    let found = std::panic::catch_unwind(|| assert_clean("x", b"..quillfeather.."));
    assert!(found.is_err());
}
