use crate::inspect::decode::Budget;
use crate::inspect::finding::{Counted, UninspectedReason};
use crate::inspect::format::Format;
use crate::inspect::{Findings, Inspector, Message, RuleSet};

fn inspect(message: &Message<'_>) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(message)
}

/// What each finding that counts is, and its bytes.
fn found(findings: &Findings, sent: &str) -> Vec<(&'static str, String)> {
    let counted = findings.findings.iter().filter(|f| f.counted == Counted::Yes);
    counted.map(|f| (f.kind.as_str(), sent.get(f.span.clone()).expect("inside").to_owned())).collect()
}

fn text(body: &str) -> Findings {
    inspect(&Message { content_type: "application/graphql", body: body.as_bytes(), ..Message::default() })
}

fn json(body: &str) -> Findings {
    inspect(&Message { content_type: "application/json", body: body.as_bytes(), ..Message::default() })
}

#[test]
fn arguments_are_search_parameters_of_the_field() {
    let body = r#"query Q { PatientList(family: "Okafor", given: "Darnell", birthdate: "eq1962-06-22", address_city: "Boston") { id name(use: official) { family } } }"#;
    let findings = text(body);
    assert_eq!(findings.format, Format::Graphql);
    assert_eq!(
        found(&findings, body),
        [
            ("family-name", "Okafor".into()),
            ("given-name", "Darnell".into()),
            ("birth-date", "eq1962-06-22".into()),
            ("city", "Boston".into())
        ]
    );
    assert_eq!((findings.points().0, findings.persons.len()), (95, 1));
    let provider =
        text(r#"{ PractitionerList(name: "Martinez") { id } OrganizationList(name: "Rosa") { id } }"#);
    assert_eq!(provider.points().0, 0);
}

#[test]
fn two_fields_at_the_top_are_two_people_and_what_nests_is_one() {
    let two =
        text(r#"{ a: PatientList(family: "Okafor") { id } b: PatientList(birthdate: "1962-06-22") { id } }"#);
    assert_eq!((two.points().0, two.persons.len()), (40, 2));
    let one = text(
        r#"{ Patient(id: "p1") { name(family: "Okafor") { given } ConditionList(_reference: patient, identifier: "x") { code } address(city: "Boston") { line } } }"#,
    );
    assert_eq!(one.persons.len(), 1, "{:?}", one.persons);
}

#[test]
fn variables_are_judged_as_the_arguments_that_use_them() {
    let body = r#"{"query":"query Q($a: String, $b: [date]) { PatientList(family: $a, birthdate: $b) { id } }","operationName":"Q","variables":{"a":"Ok\u0061for","b":["1962-06-22"],"mrn":"E08738432"}}"#;
    let findings = json(body);
    assert_eq!(
        found(&findings, body),
        [
            ("family-name", "Ok\\u0061for".into()),
            ("birth-date", "1962-06-22".into()),
            ("mrn", "E08738432".into())
        ]
    );
    let escaped = r#"{"query":"{ PatientList(\n family: \"Okafor\", birthdate: \"1962-06-22\") { id } }"}"#;
    assert_eq!(
        found(&json(escaped), escaped),
        [("family-name", "Okafor".into()), ("birth-date", "1962-06-22".into())]
    );
}

#[test]
fn requests_of_a_batch_or_in_an_envelope_are_judged_alike() {
    let query =
        r#""query":"query($a:String,$b:String,$c:Date){PatientList(family:$a,given:$b,birthdate:$c){id}}""#;
    let variables = r#"{"a":"Okafor","b":"Harold","c":"1962-06-22"}"#;
    let escaped = variables.replace('"', "\\\"");
    let defaults = r#""query":"query($a:String=\"Okafor\",$b:String=\"Harold\",$c:Date=\"1962-06-22\"){PatientList(family:$a,given:$b,birthdate:$c){id}}""#;
    let other = r#"{"query":"{ status { id } }","operationName":"x"}"#;
    for body in [
        format!(r#"[{{{query},"variables":{variables}}}]"#),
        format!(r#"[{other},{{{query},"variables":{variables}}}]"#),
        format!(r#"{{"id":"1","type":"subscribe","payload":{{{query},"variables":{variables}}}}}"#),
        format!(r#"{{{query},"variables":"{escaped}"}}"#),
        format!("{{{defaults}}}"),
    ] {
        let findings = json(&body);
        let mut kinds: Vec<_> = found(&findings, &body);
        // Where it is defined, a variable's default is that of any date.
        kinds.retain(|(kind, _)| *kind != "service-date");
        kinds.sort();
        kinds.dedup();
        let wanted = [("birth-date", "1962-06-22"), ("family-name", "Okafor"), ("given-name", "Harold")];
        assert_eq!(kinds, wanted.map(|(kind, value)| (kind, value.to_owned())), "{body}");
        let most = findings.persons.iter().map(|person| person.points.0).max();
        assert!(most >= Some(90), "{body}: {most:?}");
    }
    // People of two requests are two, and what stands beside a request is read.
    let two = format!(r#"[{{{query},"variables":{variables}}},{{{query},"variables":{variables}}}]"#);
    assert_eq!(json(&two).persons.iter().filter(|person| person.points.0 >= 90).count(), 2);
    let beside = format!(r#"{{"mrn":"E08738432","payload":{{{query}}}}}"#);
    assert_eq!(found(&json(&beside), &beside), [("mrn", "E08738432".to_owned())]);
    let again = format!(
        r#"{{"query":"query($a:String=\"{}\"){{ {} }}"}}"#,
        "x".repeat(1 << 12),
        "P(a:$a){id} ".repeat(1 << 10)
    );
    assert!(json(&again).uninspected.iter().any(|u| u.reason == UninspectedReason::Budget));
}

#[test]
fn input_objects_are_resources_or_objects() {
    let body = r#"mutation { PatientCreate(res: { name: [{ family: "Okafor", given: ["Darnell"] }], birthDate: "1962-06-22", active: true }) { id } }"#;
    let findings = text(body);
    assert_eq!(findings.points().0, 90, "{:?}", findings.persons);
    let place = &findings.findings.iter().find(|f| f.kind.as_str() == "family-name").expect("one").place;
    assert_eq!(place, "Patient.name[0].family");
    let own = r#"mutation M($in: NewUser!) { createUser(id: "E08738432", input: { firstName: "Darnell", lastName: "Okafor", more: [{ dob: "1962-06-22" }, $in] }) { id } }"#;
    let findings = text(own);
    assert!(findings.points().0 >= 50, "{:?}", findings.persons);
    let body = format!(
        r#"{{"query":{},"variables":{{"in":{{"ssn":"412-21-3456"}}}}}}"#,
        serde_json::to_string(own).expect("a string")
    );
    assert!(found(&json(&body), &body).iter().any(|(kind, _)| *kind == "ssn"));
}

#[test]
fn a_target_carries_a_request_too() {
    let query = "query=%7BPatientList(family%3A%22Okafor%22%2Cbirthdate%3A%24d)%7Bid%7D%7D&variables=%7B%22d%22%3A%221962-06-22%22%7D&given=x";
    let findings = inspect(&Message { path: "/fhir/$graphql", query, ..Message::default() });
    let sent = found(&findings, query);
    assert_eq!(
        sent.get(..2).expect("two"),
        [("family-name", "Okafor".into()), ("birth-date", "1962-06-22".into())]
    );
    assert_eq!(findings.persons.len(), 1);
    let broken = inspect(&Message {
        path: "/fhir/$graphql",
        query: "query=Patient%20Darnell%20Okafor,%20DOB%2006/22/1962",
        ..Message::default()
    });
    assert_eq!(
        broken.uninspected.iter().map(|u| u.reason).collect::<Vec<_>>(),
        [UninspectedReason::Malformed]
    );
    assert!(broken.points().0 >= 40);
}

#[test]
fn what_is_no_graphql_is_told_and_read() {
    let findings = text("Patient: Darnell Okafor  DOB: 06/22/1962  MRN: E08738432");
    assert_eq!(
        findings.uninspected.iter().map(|u| u.reason).collect::<Vec<_>>(),
        [UninspectedReason::Malformed]
    );
    assert!(findings.points().0 >= 90);
    let comment = text("{ a } # Patient: Darnell Okafor  DOB: 06/22/1962  MRN: E08738432");
    assert!(comment.points().0 >= 90 && comment.uninspected.is_empty());
    let deep = text(&format!("{{ a(b: {}1{}) }}", "{c:".repeat(300), "}".repeat(300)));
    assert_eq!(deep.uninspected.iter().map(|u| u.reason).collect::<Vec<_>>(), [UninspectedReason::TooDeep]);
}

#[test]
fn a_search_engine_s_query_is_no_graphql() {
    assert_eq!(json(r#"{"query":{"match":{"a":"b"}}}"#).format, Format::Json);
    assert_eq!(json(r#"{"query":"queryable things {"}"#).format, Format::Json);
}

#[test]
fn an_input_of_a_schema_of_its_own_is_judged_by_its_keys_whatever_the_mutation_is_called() {
    let input = r#"{"firstName":"Jorritsma","lastName":"Vandermolen","dateOfBirth":"1957-03-19","mrn":"QX7719204","phone":"+1 612 377 4419"}"#;
    let points = |mutation: &str, input: &str| {
        let body = format!(
            r#"{{"query":"mutation($i:PatientInput!){{{mutation}(input:$i){{id}}}}","variables":{{"i":{input}}}}}"#
        );
        json(&body).points().0
    };
    let own = points("addSomebody", input);
    assert!(own >= 150, "{own}");
    assert_eq!(points("createPatient", input), own);
    let wrapped = format!(r#"{{"patient":{input},"clientMutationId":"7"}}"#);
    assert_eq!(points("createPatient", &wrapped), own);
    let fhir = r#"{"name":[{"family":"Vandermolen","given":["Jorritsma"]}],"birthDate":"1957-03-19"}"#;
    assert_eq!(points("createPatient", fhir), 90);
    assert_eq!(points("createPatient", &format!(r#"{{"patient":{fhir}}}"#)), 90);
    let text = text(
        r#"mutation { createPatient(input: {firstName: "Jorritsma", lastName: "Vandermolen", dateOfBirth: "1957-03-19", mrn: "QX7719204"}) { id } }"#,
    );
    assert!(text.points().0 >= 150, "{:?}", text.persons);
}

#[test]
fn what_says_values_among_its_fields_is_no_request() {
    for query in [
        r#"{\"mrn\":\"00441872\",\"diagnosis\":\"HIV\",\"dob\":\"1971-04-02\",\"ssn\":\"412638821\"}"#,
        r#"{ lastName: Kozlowski, firstName: Brenda, dob: 1971-04-02 }"#,
    ] {
        let findings = json(&format!(r#"{{"query":"{query}"}}"#));
        assert_ne!(findings.format, Format::Graphql, "{query}");
        assert!(findings.points().0 >= 80, "{query}: {}", findings.points().0);
    }
    for query in [r#"{ Patient(id: 12, name: \"x\") { id } }"#, "query Q($a: [Int] = [1, 2]) { x(a: $a) }"] {
        assert_eq!(json(&format!(r#"{{"query":"{query}"}}"#)).format, Format::Graphql, "{query}");
    }
}
