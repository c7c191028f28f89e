use crate::inspect::decode::Budget;
use crate::inspect::finding::{Counted, Findings, MadeUp, UninspectedReason};
use crate::inspect::{Inspector, Message, RuleSet};

fn inspect(content_type: &str, body: &str) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type,
        body: body.as_bytes(),
        ..Message::default()
    })
}

fn object(fields: &str) -> Findings {
    let body = format!(r#"{{"firstName":"Darnell","lastName":"Okafor","dob":"1962-06-22",{fields}}}"#);
    inspect("application/json", &body)
}

/// `category value` of every reported span.
fn spans<'b>(found: &Findings, body: &'b str) -> Vec<(&'static str, &'b str)> {
    let counted = found.findings.iter().filter(|f| f.person.is_some() && f.counted != Counted::Placeholder);
    counted.filter_map(|f| Some((f.kind.category().as_str()?, body.get(f.span.clone())?))).collect()
}

#[test]
fn dummies_of_any_convention_clear_a_person() {
    for fields in [
        r#""mrn":"0000001","phone":"000-000-0000""#,
        r#""mrn":"DUMMY0001","memberId":"QA-77""#,
        r#""mrn":"FAKE123","vin":"1M8GDM9AXKP042788","email":"qa.user@mailinator.com""#,
        r#""driversLicense":"D1234567","ssn":"457-55-5462""#,
        r#""memberId":"000000000A","email":"test@example.com""#,
    ] {
        let found = object(fields);
        assert_eq!(found.points().0, 0, "{fields}");
        assert_eq!(found.persons.first().and_then(|p| p.made_up), Some(MadeUp::ValueBorne), "{fields}");
    }
}

#[test]
fn one_plausible_number_restores_the_person() {
    for fields in [
        r#""mrn":"0000001","phone":"000-000-0000","memberId":"W333577450""#,
        r#""mrn":"DUMMY0001","memberId":"QA-77","vin":"5YJSA1E26MF168123""#,
    ] {
        assert!(object(fields).points().0 >= 90, "{fields}");
    }
    // A payer numbers test claims as it numbers all.
    assert_eq!(
        object(r#""mrn":"TEST-0001","phone":"312-555-0142","claimNumber":"E4821307755""#).points().0,
        0
    );
}

#[test]
fn a_reserved_number_of_an_office_clears_nobody() {
    let text = |tail: &str| {
        inspect(
            "text/plain",
            &format!("Patient: Thando Mbeki, DOB 9/30/1983, has RUQ pain. {tail} 937-555-0100."),
        )
        .points()
        .0
    };
    assert_eq!(text("Phone"), 0);
    for office in ["Questions? Call the clinic at", "Our front desk:"] {
        assert!(text(office) >= 90, "{office}");
    }
}

#[test]
fn the_same_dummy_typed_twice_is_one_habit() {
    assert!(object(r#""mrn":"00000000","accountNumber":"00000000""#).points().0 >= 90);
    assert_eq!(object(r#""mrn":"00000000","accountNumber":"99999999""#).points().0, 0);
}

#[test]
fn a_generators_forms_count_beside_a_sure_sign_only() {
    let person = |given: &str, family: &str| {
        inspect(
            "application/json",
            &format!(
                r#"{{"firstName":"{given}","lastName":"{family}","dob":"1962-06-22","memberId":"999581559","driversLicense":"S99967145","mrn":"902396af-70c4-4864-86b8-54e1a80fadc6"}}"#
            ),
        )
    };
    assert_eq!(person("Fatima180", "Gonzalez312").points().0, 0);
    assert!(person("Fatima", "Gonzalez").points().0 >= 90);
}

#[test]
fn a_placeholder_date_is_no_second_sign_for_a_tax_number() {
    let body = r#"{"firstName":"Darnell","lastName":"Okafor","dob":"1900-01-01","ssn":"912-70-4321"}"#;
    assert!(inspect("application/json", body).points().0 >= 90);
}

#[test]
fn names_and_numbers_of_fields_are_found_again_in_text() {
    let body = "MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5\rPID|1||48213077^^^H^MR||O'BRIEN^ZOË||19620622|F\r\
        OBR|1|4606180|9404948|24323-8^CMP^LN\rNTE|1|L|Spoke with Zoë O'Brien, chart 48213077, and Zoë agreed.\r";
    let found = inspect("x-application/hl7-v2+er7", body);
    let spans = spans(&found, body);
    for wanted in [("NAME", "Zoë O'Brien"), ("NAME", "Zoë"), ("MRN", "48213077")] {
        assert!(spans.contains(&wanted), "{wanted:?} of {spans:?}");
    }
    assert_eq!(spans.iter().filter(|(category, _)| *category == "MRN").count(), 2);
    assert!(
        spans.iter().all(|(category, _)| *category != "ACCOUNT"),
        "order numbers name an order: {spans:?}"
    );
}

#[test]
fn text_about_a_made_up_person_that_says_what_the_fields_say_does_not_count() {
    let body = r##"{"resourceType":"DiagnosticReport","contained":[{"resourceType":"Patient","id":"p",
        "identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"ce460332-3fe3-4a77-86b4-5c5b42683de9"}],
        "name":[{"family":"Jefferson391","given":["Robert478"]}],"telecom":[{"system":"phone","value":"555-642-2567"}]}],
        "subject":{"reference":"#p"},"conclusion":"Robert478 Jefferson391 (MRN ce460332-3fe3-4a77-86b4-5c5b42683de9) is well."}"##;
    assert_eq!(inspect("application/fhir+json", body).points().0, 0);
    let other = body.replace("is well", "and Patient: Darnell Okafor, DOB 06/22/1962, are well");
    assert!(inspect("application/fhir+json", &other).points().0 >= 90, "somebody else in the text counts");
}

#[test]
fn dates_alone_are_nobodys() {
    let device =
        r#"{"resourceType":"Observation","status":"final","effectiveDateTime":"2025-02-04T03:20:39Z"}"#;
    assert_eq!(spans(&inspect("application/fhir+json", device), device), []);
    let log = "2025-02-08T14:47:30.000000Z INFO offset=77 host=10.3.100.3\n";
    assert_eq!(spans(&inspect("text/plain", log), log), []);
    let care = device.replace("}", r#","subject":{"reference":"Patient/a1"}}"#);
    assert_eq!(spans(&inspect("application/fhir+json", &care), &care).len(), 1);
}

#[test]
fn finger_and_voice_prints_are_biometric() {
    let body = r#"{"resourceType":"Patient","id":"a","extension":[
        {"url":"http://clinic.example/StructureDefinition/finger-print-hash","valueString":"9c2be1a07f"},
        {"url":"http://clinic.example/StructureDefinition/footprint","valueString":"size 9"}]}"#;
    assert_eq!(spans(&inspect("application/fhir+json", body), body), [("BIOMETRIC", "9c2be1a07f")]);
    let text = "Patient Darnell Okafor enrolled, voice print id VP-48213-0077.";
    assert!(spans(&inspect("text/plain", text), text).contains(&("BIOMETRIC", "VP-48213-0077")));
}

#[test]
fn an_audit_events_agent_is_a_person_unless_it_is_a_provider() {
    let body = |who: &str| {
        format!(
            r#"{{"resourceType":"AuditEvent","agent":[{{{who}"name":"Darnell Okafor","requestor":true}}],
            "entity":[{{"what":{{"reference":"Patient/a1"}}}}]}}"#
        )
    };
    let names = |body: &str| {
        let found = inspect("application/fhir+json", body);
        spans(&found, body).iter().filter(|(category, _)| *category == "NAME").count()
    };
    assert_eq!(names(&body("")), 1);
    assert_eq!(names(&body(r#""who":{"reference":"Practitioner/p7"},"#)), 0);
}

#[test]
fn a_generators_name_alone_in_a_text_tells_of_nobody() {
    let note = |name: &str| {
        format!("{name} is a 60 year-old female with acute bronchitis and sinusitis (diagnosis).")
    };
    assert_eq!(inspect("text/plain", &note("Patient: Sumiko254 Larue605")).points().0, 0);
    assert!(inspect("text/plain", &note("Patient: Darnell Okafor")).points().0 >= 50);
}

/// Published messages and those of the corpora, each with its media type.
fn messages() -> Vec<(&'static str, String)> {
    let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut out = Vec::new();
    for (folder, content_type) in [
        ("samples/fhir-r4-json", "application/fhir+json"),
        ("samples/redox-json", "application/json"),
        ("samples/ccda", "text/xml"),
        ("samples/fhir-r4-xml", "text/xml"),
        ("samples/hl7v2", "x-application/hl7-v2+er7"),
    ] {
        let files = std::fs::read_dir(shared.join(folder)).into_iter().flatten();
        let texts = files.filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok());
        out.extend(texts.map(|text| (content_type, text)));
    }
    for corpus in ["messages", "hard", "edge"] {
        let lines = std::fs::read_to_string(shared.join(format!("corpora/dev/{corpus}.jsonl")));
        for line in lines.unwrap_or_default().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            out.push(("", line["text"].as_str().unwrap_or_default().to_owned()));
        }
    }
    assert!(!out.is_empty() || std::env::var("CI").as_deref() != Ok("true"), "../shared is absent");
    out
}

#[test]
fn what_is_passed_over_or_remembered_as_quiet_changes_no_finding() {
    let coding =
        r#"{"system":"http://loinc.org","code":"2345-7","display":"Glucose for Ann Okafor 412-21-3456"}"#;
    let many = format!(r#"{{"resourceType":"Observation","code":{{"coding":[{}]}}}}"#, [coding; 9].join(","));
    let mut messages = messages();
    if messages.is_empty() {
        println!("skipped in part: no ../shared");
    }
    messages.push(("application/fhir+json", many));
    for (content_type, text) in &messages {
        let found = |forgets| {
            super::quiet::FORGETS.set(forgets);
            inspect(content_type, text)
        };
        let (remembered, plain) = (found(false), found(true));
        assert_eq!(format!("{remembered:?}"), format!("{plain:?}"), "{content_type}");
    }
    super::quiet::FORGETS.set(false);
}

/// What the same message comes to where nothing that was looked through is known again.
fn forgetting(content_type: &str, body: &str) -> Findings {
    super::quiet::FORGETS.set(true);
    let found = inspect(content_type, body);
    super::quiet::FORGETS.set(false);
    found
}

#[test]
fn fields_that_come_again_tell_what_they_would_alone() {
    let header = "MSH|^~\\&|LAB|MERCY|HUB|H|20250504144731||ORU^R01|1|P|2.5.1\r";
    let patient = |id: &str, name: &str| format!("PID|1||{id}^^^MERCY^MR||{name}^W||19620622|M\r");
    // Before there is a patient, about one, and about the next; then in words that tell something, and by other separators.
    let note = "NTE|1||seen by the nurse Okafor today\rNTE|2||call 915-927-8377 now\rNTE|3||Okafor\r";
    let result =
        "OBR|1||A1|24323-8^CMP^LN\rOBX|1|NM|2345-7^Glucose^LN||80|mg/dL|70-99|H|||F|||20250504144731\r";
    let contact = "NK1|1|OKAFOR^ADA|MTH||^^^^^915^9278377\rNK1|2|OKAFOR^ADA|MTH||^^^^^915^9278377\r";
    let other = "MSH|@~\\&|LAB|MERCY|HUB|H|20250504144731||ORU^R01|1|P|2.5.1\rNTE|3||Okafor@x.org\r";
    let body = [
        header,
        &note.repeat(2),
        &patient("E08738432", "OKAFOR^DARNELL"),
        &note.repeat(2),
        contact,
        &result.repeat(3),
        &patient("E55512345", "LINDGREN^ASTRID"),
        &note.repeat(2),
        &result.repeat(2),
        contact,
        header,
        &patient("E08738432", "OKAFOR^DARNELL"),
        &note.repeat(2),
        "NTE|3||Okafor@x.org\rNTE|3||Okafor@x.org\r",
        other,
    ]
    .concat();
    let er7 = "x-application/hl7-v2+er7";
    let (found, want) = (inspect(er7, &body), forgetting(er7, &body));
    assert_eq!(format!("{:?}", found.findings), format!("{:?}", want.findings));
    assert_eq!(format!("{:?}", found.persons), format!("{:?}", want.persons));
    assert!(found.findings.len() > 30);
}

#[test]
fn a_number_that_was_never_issued_is_nobody_s_in_any_field() {
    let member = |segments: &str| {
        let count = segments.matches('~').count() + 4;
        let body = format!(
            "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240101*0800*^*00501*000000001*0*P*:~GS*BE*S*R*20240101*0800*1*X*005010X220A1~ST*834*0001*005010X220A1~BGN*00*1*20240101*0800****2~INS*Y*18*021*28*A***FT~{segments}SE*{count}*0001~GE*1*1~IEA*1*000000001~"
        );
        inspect("application/edi-x12", &body).points().0
    };
    let dummy = "REF*0F*900123456~NM1*IL*1*HALVORSEN*ROSALIND****34*900123456~";
    assert_eq!(member(dummy), 0);
    assert!(member(&dummy.replace("900123456", "412213456")) >= 90);
    // As the number of who has cover by the same member it weighs nothing, and doesn't make him up.
    let dependent = "INS*N*19*021*28*A***FT~REF*0F*900123456~NM1*IL*1*HALVORSEN*TOVE****34*412213456~";
    let (with, without) = (format!("{dummy}{dependent}"), dependent.replace("REF*0F*900123456~", ""));
    assert!(member(&with) >= 90);
    assert_eq!(member(&with), member(&format!("{dummy}{without}")));
    // Two numbers are two: a member's may begin so.
    assert!(member(&dummy.replacen("900123456", "900123457", 1)) >= 90);
    // Whom a claim treats is a person, whatever NM102 says.
    let treated = "REF*0F*W4481902~NM1*QC*2*HALVORSEN*ROSALIND~";
    assert_eq!(member(treated), member(&treated.replace("*2*", "*1*")));
}

#[test]
fn a_reference_that_searches_is_read_by_what_it_searches_by() {
    let body = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?name=Lindqvist&birthdate=1991-01-02"}},{"request":{"method":"GET","url":"Practitioner?name=Lindqvist&birthdate=1991-01-03"}}]}"#;
    let found = inspect("application/fhir+json", body);
    assert_eq!(spans(&found, body), [("NAME", "Lindqvist"), ("DATE", "1991-01-02")]);
    assert!(found.points().0 >= 90, "{:?}", found.persons);
    let place = found.findings.first().map(|f| f.place.clone()).unwrap_or_default();
    assert_eq!(place, "Bundle.entry[0].request.url > name");
}

#[test]
fn what_is_clinical_by_nature_counts_as_such() {
    let clinical = |resource: &str| {
        let body =
            format!(r#"{{{resource},"subject":{{"reference":"Patient/1","display":"Rosalind Halvorsen"}}}}"#);
        let found = inspect("application/fhir+json", &body);
        assert!((50..90).contains(&found.points().0), "{body}");
        found.persons.iter().any(|person| person.clinical)
    };
    for kind in ["ImagingStudy", "Goal", "Flag", "RiskAssessment", "Specimen", "Media"] {
        assert!(clinical(&format!(r#""resourceType":"{kind}""#)), "{kind}");
    }
    let message = r#""resourceType":"Communication","status":"completed""#;
    assert!(!clinical(message));
    assert!(clinical(&format!(r#"{message},"reasonCode":[{{"text":"HIV"}}]"#)));
    assert!(!clinical(r#""resourceType":"Account""#));
    let segments = |segments: &str| {
        let body = format!(
            "MSH|^~\\&|A|B|C|D|20240101||ORM^O01|1|P|2.5\rPID|1||E08738432^^^A^MR||HALVORSEN^ROSALIND\r{segments}\r"
        );
        inspect("", &body).persons.iter().any(|person| person.clinical)
    };
    assert!(segments("GOL|AD|20240101|12^walk") && segments("ODS|D||^low salt") && segments("PDA|I21^MI"));
    assert!(!segments("SCH|1") && !segments("CSR|X^A|7"));
}

#[test]
fn who_wrote_something_down_is_not_the_patient() {
    let body = r#"{"resourceType":"Condition","subject":{"reference":"Patient/1"},"recorder":{"display":"Anita Iyer"}}"#;
    assert!(spans(&inspect("application/fhir+json", body), body).is_empty());
    let body = r#"{"resourceType":"AuditEvent","agent":[{"who":{"display":"Anita Iyer"},"requestor":true}],"entity":[{"what":{"reference":"Patient/1"}}]}"#;
    assert!(spans(&inspect("application/fhir+json", body), body).is_empty());
    let body = r#"{"resourceType":"Condition","subject":{"reference":"Patient/1"},"recorder":{"reference":"Patient/1","display":"Rosalind Halvorsen"}}"#;
    assert_eq!(spans(&inspect("application/fhir+json", body), body), [("NAME", "Rosalind Halvorsen")]);
}

const KOWALSKI: &str = "Patient Anna Kowalski, DOB 06/04/1937, has asthma and COPD.";

#[test]
fn what_is_not_the_persons_clears_nobody() {
    for text in [
        "part 100-200-3000.",
        "ref no 012-443-0682",
        "lot 198-700-4412",
        "directory 212-555-1212",
        "pager 555-443-0682",
        "helpdesk svc@app.test",
        "sent via alerts@example.com",
        "card 4111 1111 1111 1111 declined",
        "specimen id SAMPLE-44812",
        "case id SAMPLE44812",
        "Phone 07912 448120",
        "tel 031 702 4418",
    ] {
        let found = inspect("text/plain", &format!("{KOWALSKI} {text}"));
        assert!(found.points().0 >= 90, "{text}");
    }
}

#[test]
fn the_persons_own_dummies_clear_a_text() {
    for text in [
        "Phone (312) 555-0142",
        "MRN TEST-0001",
        "email a.b@example.com",
        "Anna Kowalski, 312-555-0142",
        "anna.kowalski@example.com",
    ] {
        let found = inspect("text/plain", &format!("{KOWALSKI} {text}"));
        assert_eq!(found.points().0, 0, "{text}");
    }
}

#[test]
fn a_number_of_another_plan_clears_no_field() {
    for phone in ["01 44 27 19 35", "07912 448120", "0044 7912 448120", "138 0013 8000", "9810123456"] {
        assert!(object(&format!(r#""phone":"{phone}""#)).points().0 >= 90, "{phone}");
    }
}

#[test]
fn one_word_may_tell_somebodys_health() {
    let clinical = |text: &str| {
        let found = inspect("text/plain", &format!("Patient: Anna Kowalski. {text}"));
        found.persons.iter().any(|person| person.clinical)
    };
    for text in [
        "Gonorrhea swab pending.",
        "On Ozempic 0.5.",
        "K 6.1, creatinine 3.4, sodium 128.",
        "Jaundice and ascites, bilirubin 12.",
        "Started doxycycline.",
        "In detox.",
    ] {
        assert!(clinical(text), "{text}");
    }
    for text in ["Please call back.", "Sodium street.", "The invoice is attached."] {
        assert!(!clinical(text), "{text}");
    }
}

#[test]
fn what_one_says_in_a_chat_is_of_one() {
    let turns = ["my name is Anna Kowalski", "dob 06/04/1937", "i need my insulin"];
    let chat = |who: &str| {
        let lines = turns.iter().enumerate().map(|(n, t)| format!("2024-05-03 11:20:1{n} {who} {t}\n"));
        inspect("text/plain", &lines.collect::<String>())
    };
    assert!(chat("user:").points().0 >= 90);
    assert!(chat("[web] visitor>").points().0 >= 90);
    assert_eq!(chat("INFO").points().0, 50);
}

#[test]
fn a_text_about_somebody_tells_health_in_any_document() {
    let clinical = |content_type: &str, body: &str| {
        inspect(content_type, body).persons.iter().any(|person| person.clinical && person.points.0 >= 50)
    };
    for body in [
        r#"{"message":"Patient Harold Mizrahi is HIV positive, started on Biktarvy last week."}"#,
        r#"{"messages":[{"role":"user","content":"Patient Harold Mizrahi is HIV positive, on Biktarvy."}]}"#,
        r#"{"mrn":"4481902","message":"HIV positive, start Biktarvy today"}"#,
        r#"{"name":"Harold Mizrahi","note":"he has diabetes and hypertension"}"#,
    ] {
        assert!(clinical("application/json", body), "{body}");
    }
    assert!(clinical("text/csv", "id,comment\n1,\"Patient Harold Mizrahi is HIV positive, on Biktarvy.\"\n"));
    // One habit clears nobody.
    assert!(clinical(
        "application/json",
        r#"{"message":"Patient Harold Mizrahi, MRN 123456, is HIV positive, started on Biktarvy last week."}"#
    ));
    // Of whom texts alone tell, one says both.
    for body in [
        r#"{"a":"Patient Harold Mizrahi called us back","b":"our stroke and sepsis unit moves"}"#,
        r#"{"name":"Harold Mizrahi","note":"please call him back"}"#,
    ] {
        assert!(!clinical("application/json", body), "{body}");
    }
}

#[test]
fn numbers_behind_one_part_of_a_name_clear_nobody() {
    let person = |family: &str, given: &str| {
        let body = format!(r#"{{"firstName":"{given}","lastName":"{family}","dob":"1962-06-22"}}"#);
        inspect("application/json", &body).points().0
    };
    assert_eq!(person("Medhurst46", "Sumiko254"), 0, "a generator's");
    for (family, given) in [("Kowalczyk62", "Renata"), ("Haverford", "Babygirl02")] {
        assert!(person(family, given) >= 90, "{family} {given}");
    }
    let numbered =
        r#"{"firstName":"Renata","lastName":"Kowalczyk62","dob":"1962-06-22","ssn":"912-70-4481"}"#;
    assert!(
        inspect("application/json", numbered).points().0 >= 90,
        "a tax number beside it clears nobody, either"
    );
    assert_eq!(person("G\u{f3}mez206", "Jos\u{e9} Eduardo181"), 0, "two given names");
    let text = |name: &str| inspect("text/plain", &format!("Patient: {name}\nDOB: 1962-06-22\n")).points().0;
    assert!(text("Renata Kowalczyk412") >= 90);
    assert_eq!(text("Sumiko254 Medhurst46"), 0);
}

#[test]
fn a_number_in_a_text_is_a_dummy_where_its_word_is_whole() {
    let text = |mrn: &str| {
        let body = format!("Patient: Renata Kowalczyk\nDOB: 1962-06-22\nMRN: {mrn}\nDiagnosis: HIV\n");
        inspect("text/plain", &body).points().0
    };
    for mrn in ["TESTA4482", "DEMOS48213", "4481902"] {
        assert!(text(mrn) >= 90, "{mrn}");
    }
}

#[test]
fn an_id_that_is_not_opaque_says_who_it_is() {
    let points = |id: &str| {
        let body = format!(
            r#"{{"resourceType":"Observation","subject":{{"reference":"Patient/{id}"}},"valueString":"9.1"}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    for id in ["541-72-6638", "MRN-4471902", "mrn_4471902", "vanterpool-renita-19671102"] {
        assert_eq!(points(id), 60, "{id}");
    }
    for id in ["E4471902", "541726638", "smart-1482713", "hca-pat-1", "a-b-19671102", "pat-test-20250132"] {
        assert_eq!(points(id), 5, "{id}");
    }
}

#[test]
fn what_stands_above_a_signature_is_said_of_who_signs() {
    let clinical =
        |body: &str| inspect("text/plain", body).persons.iter().filter(|person| person.clinical).count();
    assert_eq!(clinical("Hello, my asthma is worse and I have nausea.\n\nThanks,\nHarold Vandenberg"), 1);
    assert_eq!(clinical("The asthma page shows nausea twice.\n\nThanks,\nHarold Vandenberg"), 0);
    let two = "My asthma is worse, and nausea.\n\nThanks,\nHarold Vandenberg\n\nPatient: Nadia Keller";
    assert_eq!(clinical(two), 0);
}

#[test]
fn who_is_alone_comes_for_the_first_time_and_who_weighs_nothing_has_been_there() {
    let again = |body: &str| -> Vec<bool> {
        let found = inspect("application/x-ndjson", body);
        found.persons.iter().map(|person| person.again).collect()
    };
    let line = r#"{"resourceType":"Patient","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}]}"#;
    assert_eq!(again(line), [false]);
    assert_eq!(again(&format!("{line}\n{line}\n")), [false, true]);
}

#[test]
fn what_is_made_up_beside_a_person_tells_nothing_of_that_person() {
    let real = r#"{"firstName":"Darnell","lastName":"Okafor","dob":"1962-06-22"}"#;
    for body in [
        format!(r#"{{"patient":{real},"support":{{"email":"help@example.com","phone":"360-555-0142"}}}}"#),
        format!(r#"{{"patient":{real},"meta":{{"email":"svc@example.com"}}}}"#),
        format!(r#"{{"data":{{"patient":{real}}},"items":[{{"email":"svc@example.com"}}]}}"#),
        format!(r#"{{"patient":{real},"tester":{{"name":"Zztest Alice"}}}}"#),
        r#"{"a":{"name":"Darnell Okafor","dob":"1962-06-22"},"b":{"name":"Alice Zztest","phone":"360-555-0142"}}"#
            .to_owned(),
    ] {
        assert!(inspect("application/json", &body).points().0 >= 90, "{body}");
    }
    let made_up = r#"{"firstName":"Zztest","lastName":"Alice","dob":"1962-06-22"}"#;
    for body in [
        format!(r#"{{"patient":{made_up},"reviewer":{{"name":"Darnell Okafor"}}}}"#),
        r#"{"patient":{"demographics":{"firstName":"Darnell","lastName":"Okafor","dob":"1962-06-22"},"ids":[{"mrn":"TEST-0001","phone":"360-555-0142"}]}}"#
            .to_owned(),
        r#"{"demographics":{"firstName":"Darnell","lastName":"Okafor","dob":"1962-06-22"},"reach":{"email":"d@example.com"}}"#
            .to_owned(),
        r#"{"email":"d@example.com","patient":{"firstName":"Darnell","lastName":"Okafor","dob":"1962-06-22"}}"#
            .to_owned(),
    ] {
        assert_eq!(inspect("application/json", &body).points().0, 0, "{body}");
    }
}

#[test]
fn a_text_of_two_people_is_made_up_where_both_are() {
    for text in [
        "Zztest Alice, DOB 01/01/1980\nDarnell Okafor, DOB 06/22/1962, HIV",
        "INSERT INTO patient (last_name, first_name, dob) VALUES ('Zztest','Alice','1980-01-01'),('Okafor','Darnell','1962-06-22');",
        "- last: Zztest\n  first: Alice\n  dob: 1980-01-01\n- last: Okafor\n  first: Darnell\n  dob: 1962-06-22\n",
        "[one]\nlast_name=\"Zztest\"\nfirst_name=\"Alice\"\n[two]\nlast_name=\"Okafor\"\nfirst_name=\"Darnell\"\ndob=\"1962-06-22\"\n",
        "Smoke test with Zztest Alice (TEST-0001) passed. First hit: patient Darnell Okafor, DOB 06/22/1962.",
    ] {
        assert!(inspect("text/plain", text).points().0 >= 90, "{text}");
    }
    for text in [
        "Zztest Alice, DOB 01/01/1980, MRN TEST-0001. Zztest Alice was seen.",
        "Zztest Alice, DOB 01/01/1980\nZztest Bob, DOB 02/02/1970",
    ] {
        assert_eq!(inspect("text/plain", text).points().0, 0, "{text}");
    }
}

#[test]
fn a_reference_that_calls_somebody_else_is_not_cleared_by_whom_it_leads_to() {
    let bundle = |display: &str| {
        let body = format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{{"resourceType":"Patient","id":"b","identifier":[{{"value":"TEST-1"}}],"name":[{{"family":"Zztest","given":["Alice"]}}]}}}},{{"resource":{{"resourceType":"Condition","subject":{{"reference":"Patient/b","display":"{display}"}},"code":{{"text":"Asthma"}}}}}}]}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    assert!(bundle("Darnell Okafor") >= 50);
    for same in ["Zztest Alice", "Alice Z.", "Test Patient"] {
        assert_eq!(bundle(same), 0, "{same}");
    }
}

#[test]
fn what_is_typed_where_nothing_is_known_clears_nobody() {
    for fields in [r#""phone":"999-999-9999""#, r#""phone":"000-000-0000""#, r#""email":"none@example.com""#]
    {
        assert!(object(fields).points().0 >= 90, "{fields}");
    }
    assert_eq!(object(r#""phone":"360-555-0142""#).points().0, 0);
}

#[test]
fn a_number_behind_a_name_is_no_generators() {
    let display = |display: &str| {
        let body = format!(
            r#"{{"resourceType":"Condition","subject":{{"reference":"Patient/eX8NJ9B69AP5W","display":"{display}"}},"code":{{"text":"Asthma"}}}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    assert!(display("Darnell Okafor E4484072") >= 50);
    assert!(display("Darnell46 Okafor312") < 50);
}

#[test]
fn a_test_word_beside_a_registers_number_counts_beside_another_sign() {
    for fields in [
        r#""mrn":"TEST-469464","phone":"360-555-0142""#,
        r#""mrn":"UAT-469464","email":"x@example.org""#,
        r#""mrn":"TESTMRN469464","firstName":"Test""#,
    ] {
        assert!(object(fields).points().0 < 90, "{fields}");
    }
    for fields in [
        r#""mrn":"TEST-469464""#,
        r#""mrn":"TEST-469464","accountNumber":"TESTACCT-882139""#,
        r#""mrn":"TEST-469464","phone":"999-999-9999""#,
        r#""mrn":"TEST-412213456","phone":"360-555-0142""#,
        r#""mrn":"TEST-469464","phone":"360-427-0142","email":"x@example.org""#,
    ] {
        assert!(object(fields).points().0 >= 90, "{fields}");
    }
}

#[test]
fn a_number_that_says_test_is_no_persons_and_any_other_brings_its_person_back() {
    for fields in [
        r#""mrn":"TEST-5821""#,
        r#""memberId":"DEMO00412""#,
        r#""mrn":"TEST-5821","visitNumber":"TEST-5821""#,
    ] {
        assert_eq!(object(fields).points().0, 0, "{fields}");
    }
    for fields in [
        r#""mrn":"TST-5821""#,
        r#""mrn":"TESTA-5821""#,
        r#""mrn":"TEST-8834127""#,
        r#""mrn":"TEST-5821","ssn":"412-21-3456""#,
        r#""mrn":"TEST-5821","phone":"360-427-0142""#,
    ] {
        assert!(object(fields).points().0 >= 90, "{fields}");
    }
}

#[test]
fn a_test_visit_is_a_second_habit_beside_a_test_number() {
    assert_eq!(object(r#""mrn":"TST-5821","visitNumber":"TST-7052""#).points().0, 0);
    for fields in [
        r#""mrn":"TST-5821","visitNumber":"TST-5821""#,
        r#""mrn":"TST-5821","claimNumber":"TST05821""#,
        r#""mrn":"TST-5821","visitNumber":"88213941""#,
        r#""mrn":"0000001","visitNumber":"DUMMY0011""#,
        r#""mrn":"E4484072","visitNumber":"TST-7052","claimNumber":"TST-7053""#,
    ] {
        assert!(object(fields).points().0 >= 90, "{fields}");
    }
}

#[test]
fn devices_and_running_numbers_restore_nobody() {
    let made_up = r#""mrn":"TEST-5821","phone":"360-555-0142","#;
    assert_eq!(object(&format!(r#"{made_up}"serialNumber":"SN88213991""#)).points().0, 0);
    assert!(object(&format!(r#"{made_up}"vin":"2HGES16575H591234""#)).points().0 >= 90);
    let charge = |phone: &str| {
        let body = format!(
            "MSH|^~\\&|A|B|C|D|20250101||DFT^P03|1|P|2.5.1\rPID|1|1|TEST-5821^^^X^MR|0|Okafor^Darnell||19790216|M|||||^PRN^PH^^1^{phone}\rFT1|1|302216||20250827||CG|99214\r"
        );
        inspect("application/hl7-v2", &body).points().0
    };
    assert_eq!(charge("555^6241405"), 0);
    assert!(charge("419^3456789") >= 90);
}

#[test]
fn words_for_the_parts_of_a_name_are_nobodys_together() {
    let patient = |family: &str, given: &str| {
        let body = format!(
            r#"{{"resourceType":"Patient","name":[{{"family":"{family}","given":["{given}"]}}],"birthDate":"1970-02-16"}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    for (family, given) in
        [("Last", "First"), ("bar", "foo"), ("LastName", "FirstName"), ("Test123", "Adam"), ("Sandbox", "QA")]
    {
        assert!(patient(family, given) < 90, "{family} {given}");
    }
    for (family, given) in
        [("Foo", "Jing"), ("Bar", "Noa"), ("Last", "Pieter"), ("Foo", "Foo"), ("Doe", "Jane")]
    {
        assert_eq!(patient(family, given), 90, "{family} {given}");
    }
}

#[test]
fn a_note_of_somebody_made_up_is_judged_by_what_it_says() {
    use base64::Engine as _;
    let note = |text: &str, subject: &str| {
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        let body = format!(
            r#"{{"resourceType":"DocumentReference","status":"current",{subject}"content":[{{"attachment":{{"contentType":"text/plain","data":"{data}"}}}}]}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    let referred = r#""subject":{"reference":"Patient/1d15dd55-39e1-4a7d-a815-461263564391"},"#;
    let made_up =
        "Patient: Laurent818 Stallworth484\nDOB: 11/12/1969\nMRN: d5c66fd5-d3ef-434b-9a1e-5b1f0c7a9d21\n";
    assert_eq!(note(made_up, referred), 0);
    let real = "Patient: Laurent Stallworth\nDOB: 11/12/1969\nMRN: E4484072\n";
    assert!(note(real, referred) >= 90);
    assert!(note(&format!("{made_up}{real}"), referred) >= 90);
    let listed = r#""subject":{"display":"Bridget Zztest","identifier":{"value":"TEST-5821"}},"#;
    assert_eq!(note(made_up, listed), 0);
    assert!(note(real, listed) >= 90);
    assert!(note(&format!("{made_up}Spouse: Harold Brown, phone 617-927-8377\n"), listed) >= 50);
}

#[test]
fn how_a_care_team_is_reached_is_nobodys() {
    let team = |subject: &str| {
        let body = format!(
            r#"{{"resourceType":"CareTeam","subject":{subject},"telecom":[{{"system":"phone","value":"617-927-8377"}}]}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    assert_eq!(team(r#"{"display":"Bridget Zztest","identifier":{"value":"TEST-5821"}}"#), 0);
    assert!(team(r#"{"display":"Harold Brown","identifier":{"value":"E4481902"}}"#) >= 90);
}

#[test]
fn what_a_carrier_adds_to_a_made_up_text_says_nothing_of_who_it_is() {
    let note = "Sefina Laulu DOB 04/10/2003 SSN 000-87-7880 seen";
    let fhir = |members: &str, note: &str| {
        let body = format!(
            r#"{{"resourceType":"Observation","status":"final",{members}"code":{{"text":"Note"}},"valueString":"{note}"}}"#
        );
        inspect("application/fhir+json", &body).points().0
    };
    let dated = r#""effectiveDateTime":"2024-02-02","#;
    for members in [dated, r#""subject":{"reference":"Patient/7","display":"Sefina Laulu"},"#] {
        assert_eq!(fhir(members, note), 0, "{members}");
        assert_eq!(fhir(members, "Sefina Laulu, DOB 04/10/2003, MRN TEST-0001, phone 305-555-0152"), 0);
        // Somebody's number, another person, nobody's phone alone.
        for real in [
            "Sefina Laulu DOB 04/10/2003 SSN 359-57-1703 phone 305-555-0152",
            "Sefina Laulu DOB 04/10/2003 SSN 000-87-7880 MRN E4484072",
            "Sefina Laulu DOB 04/10/2003 SSN 000-87-7880\\n\\nMother: Kiri Parata, DOB 05/03/1971",
            "Sefina Laulu, DOB 04/10/2003, phone 305-555-0152",
        ] {
            assert!(fhir(members, real) >= 90, "{members} {real}");
        }
    }
    // Who is called otherwise, and who is known by more than that.
    assert!(fhir(r#""subject":{"display":"Kiri Parata"},"#, note) >= 90);
    let numbered = r#""subject":{"display":"Sefina Laulu","identifier":{"value":"E4484072"}},"#;
    assert!(fhir(numbered, note) >= 90);
    let hl7 = |fields: &str| {
        let body = format!(
            "MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5.1\rPID|1{fields}\rOBR|1|77|88|11506-3^Note^LN|||20240202\rOBX|1|TX|11506-3^Note^LN||Patient: Sefina Laulu DOB: 04/10/2003 SSN: 000-87-7880\r"
        );
        inspect("x-application/hl7-v2+er7", &body).points().0
    };
    assert_eq!(hl7(""), 0);
    assert_eq!(hl7("||||Laulu^Sefina"), 0);
    assert!(hl7("||||Laulu^Tavita") >= 50);
    assert!(hl7("||||Laulu^Sefina||20030410|F|||9 Alder Ct^^Reno^NV^89501") >= 90);
}

#[test]
fn rich_text_is_read_as_it_shows() {
    let rtf = r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\b Patient:} Guadalupe Arredondo\par {\b DOB:} 03/04/1961\par {\b Phone:} 406-842-7731\par}";
    let found = inspect("application/rtf", rtf);
    assert_eq!(found.points().0, 130);
    assert_eq!(
        spans(&found, rtf),
        [("NAME", "Guadalupe Arredondo"), ("DATE", "03/04/1961"), ("PHONE", "406-842-7731")]
    );
    let policy = r"{\rtf1\ansi {\b Policy:} Verify name and DOB before transfusion.\par Revised 03/15/2024}";
    assert_eq!(inspect("application/rtf", policy).points().0, 0);
}

#[test]
fn an_id_that_says_record_number_is_one() {
    let hook = |id: &str| {
        let body = format!(
            r#"{{"hook":"patient-view","hookInstance":"7f","context":{{"userId":"Practitioner/1","patientId":"{id}"}},"prefetch":{{"p":{{"resourceType":"Patient","birthDate":"1960-01-02"}}}}}}"#
        );
        inspect("application/json", &body).points().0
    };
    assert!(hook("MRN00482913") >= 90);
    for id in ["7204415", "erXuFYUfucBZaryVksYEcMg3", "5e1f7d2c-8a4b-4e52-9c7e-0b6d3a1f2e44", "mrn-demo-1"] {
        assert_eq!(hook(id), 45, "{id}");
    }
}

#[test]
fn json_in_a_string_undoes_its_own_escapes_before_a_message_in_it_is_read() {
    let body = |pid: &str| {
        let message = format!("MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rPID|1||{pid}\r");
        let inner = serde_json::json!({ "payload": message }).to_string();
        serde_json::json!({ "event": "route", "body": inner }).to_string()
    };
    let nobodys =
        inspect("application/json", &body("TEST-0012^^^C^MR||Stone^Wendell||19770314|M|||||508-555-0103"));
    assert!(nobodys.uninspected.is_empty() && nobodys.points().0 == 0);
    let whole = body("4482913^^^C^MR||Stone^Wendell||19770314|M");
    let real = inspect("application/json", &whole);
    assert!(real.uninspected.is_empty() && real.points().0 >= 90);
    assert!(spans(&real, &whole).contains(&("MRN", "4482913")));
}

#[test]
fn a_document_in_a_text_is_read_as_what_it_is() {
    let points = |text: &str| inspect("text/plain", text).points().0;
    let practitioner = r#"{"resourceType":"Practitioner","name":[{"family":"Holloway","given":["Grant"]}],"telecom":[{"system":"phone","value":"937-274-8810"}]}"#;
    let provider = r#"{"Meta":{"DataModel":"Provider","EventType":"New"},"Providers":[{"Identifiers":[{"ID":"1234567893","IDType":"NPI"}],"Demographics":{"FirstName":"Grant","LastName":"Holloway","PhoneNumber":{"Office":"+19372748810"}}}]}"#;
    for nobodys in [practitioner, provider] {
        assert_eq!(
            points(&format!("WARN c.m.Relay - payload={nobodys}\n\tat Relay.java:12")),
            0,
            "{nobodys}"
        );
    }
    let patient = practitioner.replace("Practitioner", "Patient");
    assert!(points(&format!("WARN c.m.Relay - payload={patient}")) >= 50);
    assert!(points(&format!("{practitioner} came for Harold Brown, DOB 06/22/1962")) >= 50);
    // Undone entities would be no XML.
    let slot = "<Slot xmlns=\"urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0\" name=\"sourcePatientInfo\"><ValueList><Value>PID-3|387567477^^^&amp;2.16.840.1.113883.4.1&amp;ISO</Value><Value>PID-5|Ferguson^Terrence</Value><Value>PID-7|19760708</Value></ValueList></Slot>";
    let envelope = format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><ProvideAndRegisterDocumentSetRequest xmlns=\"urn:ihe:iti:xds-b:2007\">{slot}</ProvideAndRegisterDocumentSetRequest></s:Body></s:Envelope>"
    );
    assert!(points(&format!("event: ingest\nbody: |\n  {envelope}\n")) >= 90);
}

#[test]
fn keys_of_other_languages_say_what_their_values_are() {
    let spanish = r#"{"nombres":"Hector","apellidos":"Lindqvist","nss":"SSN","celular":"937-PHONE","expediente":"NUMBER"}"#;
    let of = |ssn: &str, phone: &str, number: &str| {
        let body = spanish.replace("SSN", ssn).replace("PHONE", phone).replace("NUMBER", number);
        inspect("application/json", &body).points().0
    };
    assert!(of("412-21-3456", "274-8810", "84888033") >= 200);
    assert_eq!(of("666-69-8786", "555-0113", "TEST7239"), 0);
    let packed = r#"{"firstName":"Darnell","lastName":"Okafor","ssn":"Mjg5LTU0LTg4MzI="}"#;
    assert_eq!(inspect("application/json", packed).points().0, 150);
}

#[test]
fn what_is_carried_in_what_was_decoded_stands_where_that_does() {
    let search =
        "R0VUIC9maGlyL1BhdGllbnQ/ZmFtaWx5PUNhc3RlbGxhbm9zJmdpdmVuPUdlcmFsZCZiaXJ0aGRhdGU9MTk2NC0wMy0xMg==";
    let body = format!("{{\"payload\": \"{search}\"}}");
    let found = inspect("application/json", &body);
    let told = spans(&found, &body);
    assert!(told.len() >= 3 && told.iter().all(|(_, value)| *value == search), "{told:?}");
}

/// Who is asked for is the body's only patient where nothing says otherwise: a made-up one clears nobody else.
#[test]
fn who_is_sought_in_the_target_is_another_than_the_bodys_by_name_or_birth_date() {
    let miller = r#"{"resourceType":"Patient","name":[{"family":"Miller","given":["Jane"]}],"birthDate":"1980-01-01","identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"000-00-0000"}],"telecom":[{"system":"phone","value":"212-555-0101"}]}"#;
    let sought = |query: &str| {
        let message = Message {
            path: "/fhir/Patient",
            query,
            content_type: "application/fhir+json",
            body: miller.as_bytes(),
            ..Message::default()
        };
        Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message).points().0
    };
    for same in ["family=Miller&given=Jane&birthdate=1980-01-01", "family=Mill&given=Jane", "given=Jane"] {
        assert_eq!(sought(same), 0, "{same}");
    }
    for other in [
        "family=Okafor&given=Harold&birthdate=1962-06-22",
        "family=Miller&given=Jane&birthdate=1962-06-22",
        "family=Miller&given=Harold&birthdate=1980-01-01",
    ] {
        assert!(sought(other) >= 50, "{other}");
    }
    let form = |family: &str, given: &str, born: &str| {
        let field = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\nContent-Type: application/fhir+json\r\n\r\n{miller}\r\n--b--\r\n"
        );
        let body = [field("firstName", given), field("lastName", family), field("dob", born), file].concat();
        inspect("multipart/form-data; boundary=b", &body).points().0
    };
    assert_eq!(form("Miller", "Jane", "1980-01-01"), 0);
    assert!(form("Okafor", "Harold", "1962-06-22") >= 50);
}

/// What a text carries in one way hides nothing that it carries in another.
#[test]
fn a_text_is_read_for_documents_as_they_are_and_in_strings_of_programs() {
    let points = |text: &str| inspect("text/plain", text).points().0;
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let patient = r#"{"resourceType":"Patient","name":[{"family":"Okafor","given":["Harold"]}],"birthDate":"1962-06-22","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"48213377"}]}"#;
    let (once, twice) = (escaped(patient), escaped(&escaped(patient)));
    let outcome = r#"INFO reply {"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}"#;
    let ann = r#"INFO {"user":{"firstName":"Ann","lastName":"Lee","email":"ann.lee@example.com"}}"#;
    for text in [
        format!("{outcome}\nINFO request=\"{once}\""),
        format!("INFO request=\"{once}\"\n{outcome}"),
        format!("{ann}\nINFO request=\"{once}\""),
        format!("INFO a=\"{}\"\nINFO b=\"{twice}\"", escaped(outcome)),
        format!("INFO b=\"{}\"", escaped(&twice)),
    ] {
        assert!(points(&text) >= 90, "{text}");
    }
    // What is carried once is told once.
    let found = inspect("text/plain", &format!("INFO {patient}"));
    assert_eq!(
        found
            .findings
            .iter()
            .filter(|finding| finding.rule.starts_with("fhir") && finding.rule.contains("birth"))
            .count(),
        1
    );
    let deep = (0..6).fold(patient.to_owned(), |text, _| escaped(&text));
    assert!(
        inspect("text/plain", &format!("INFO b=\"{deep}\""))
            .uninspected
            .iter()
            .any(|u| u.reason == UninspectedReason::TooDeep)
    );

    let xml = r#"<Patient xmlns="http://hl7.org/fhir"><name><family value="Okafor"/><given value="Harold"/></name><birthDate value="1962-06-22"/><identifier><type><coding><code value="MR"/></coding></type><value value="48213377"/></identifier></Patient>"#;
    let ack = "INFO <Ack xmlns=\"urn:x\"><id>1</id></Ack>\n";
    for text in [
        format!("INFO xml=\"{}\"", escaped(xml)),
        format!("INFO log=\"{}\"", escaped(&format!("xml=\"{}\"", escaped(xml)))),
        format!("{ack}INFO xml=\"{}\"", escaped(xml)),
        format!("{}INFO {xml}", ack.repeat(200)),
    ] {
        assert!(points(&text) >= 90, "{text}");
    }
}

#[test]
fn a_text_that_tells_of_an_individual_is_his_whatever_it_lies_in() {
    let note = "Patient: Ottilie Quispe, DOB: 04/02/1971, SSN 418-52-7731";
    let staff = "Closed Mondays; ask for Ifeoma Okafor, MD, 218-722-4410";
    let bodies = |text: &str| {
        [
            ("application/json", format!(r#"{{"source":{{"id":4,"message":"{text}"}}}}"#)),
            ("application/json", format!(r#"{{"provider":["{text}"]}}"#)),
            ("application/json", format!(r#"{{"cells":[{{"source":["x","{text}"]}}]}}"#)),
            ("application/xml", format!("<doc><facility><text>{text}</text></facility></doc>")),
            (
                "application/fhir+json",
                format!(r#"{{"resourceType":"HealthcareService","comment":"{text}"}}"#),
            ),
            (
                "application/fhir+json",
                format!(
                    r#"{{"resourceType":"Practitioner","text":{{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>"}}}}"#
                ),
            ),
        ]
    };
    for (kind, body) in bodies(note) {
        assert!(inspect(kind, &body).persons.iter().any(|p| p.points.0 >= 90), "{body}");
        let number = body.find("418-52-7731").expect("there");
        let spans: Vec<_> = inspect(kind, &body).findings.iter().map(|f| f.span.start).collect();
        assert!(spans.contains(&number), "{body}: {spans:?}");
    }
    for (kind, body) in bodies(staff) {
        assert_eq!(inspect(kind, &body).findings.len(), 0, "{body}");
    }
    // A practitioner's own birth date is in his narrative.
    let own = r#"{"resourceType":"Practitioner","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ifeoma Okafor, born 04/02/1971</div>"}}"#;
    assert_eq!(inspect("application/fhir+json", own).findings.len(), 0);
    // What a letter or a document in a string tells, whoever sent it.
    for sent in [
        "<p>I need a refill of sertraline. Ottilie Quispe, DOB 04/02/1971</p>",
        "<Patient xmlns='http://hl7.org/fhir'><name><family value='Quispe'/><given value='Ottilie'/></name><birthDate value='1971-04-02'/></Patient>",
    ] {
        for key in ["source", "sender", "vendor"] {
            let body = format!(r#"{{"{key}":{{"system":"EHR","payload":"{sent}"}}}}"#);
            assert!(inspect("application/json", &body).persons.iter().any(|p| p.points.0 >= 90), "{body}");
        }
    }
}

#[test]
fn the_number_of_a_cover_alone_is_the_patients() {
    let document = |holder: &str| {
        format!(
            r#"<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id nullFlavor="UNK"/><patient>
            <name><given>Vincent</given><family>Nguyen</family></name></patient></patientRole></recordTarget>
            <participant typeCode="HLD"><associatedEntity classCode="POLHOLD"><id root="1.5" extension="W99812345"/>{holder}
            </associatedEntity></participant></ClinicalDocument>"#
        )
    };
    let most = |holder: &str| {
        let found = inspect("application/xml", &document(holder));
        found.persons.iter().map(|p| p.points.0).max()
    };
    assert_eq!(most(""), Some(120));
    let named =
        "<associatedPerson><name><given>Linda</given><family>Martinez</family></name></associatedPerson>";
    assert_eq!(most(named), Some(120), "the holder's own name and number");
    let patient = inspect("application/xml", &document(named));
    assert_eq!(patient.persons.len(), 2);
}

#[test]
fn a_social_security_number_is_told_by_any_word_for_it() {
    for kind in [
        r#""type":{"text":"SSN"}"#,
        r#""type":{"text":"Social Security Number"}"#,
        r#""system":"http://lakeshore.org/ssn""#,
    ] {
        let body = format!(r#"{{"resourceType":"Patient","identifier":[{{"value":"418-52-7731",{kind}}}]}}"#);
        let points: Vec<_> =
            inspect("application/fhir+json", &body).persons.iter().map(|p| p.points.0).collect();
        assert_eq!(points, [100], "{body}");
    }
}

#[test]
fn the_fields_of_a_printers_label_are_lines() {
    let label = "^XA^FO50,50^A0N,30,30^FDD'ANGELO, GIUSEPPE^FS^FO50,90^FDDOB 11/08/1941 MRN 30418350^FS^FO50,130^BCN,60^FD30418350^FS^XZ";
    let found = inspect("text/plain", label);
    let told: Vec<&str> = found.findings.iter().map(|f| &label[f.span.clone()]).collect();
    assert!(told.contains(&"D'ANGELO, GIUSEPPE") && told.contains(&"11/08/1941"), "{told:?}");
    assert!(found.points().0 >= 90);
}

#[test]
fn a_listed_name_and_a_birth_date_are_as_much_as_a_cued_one() {
    let points = |text: &str| inspect("text/plain", text).points().0;
    assert_eq!(points("PIX query for Goldfarb^Rivka, dob=19560206, failed"), 90);
    assert_eq!(points("Seen with Grace Kim, MD. Rivka Goldfarb, DOB 5/24/1954."), 90);
    assert_eq!(points("queue Goldfarb^Rivka sent to LAB, dob=19560206"), 90);
    assert_eq!(points("queue Goldfarb^Rivka sent to LAB, 5/24/2024"), 65);
}
