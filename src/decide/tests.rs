use super::*;
use crate::inspect::decode::Budget;
use crate::inspect::finding::{Person, Uninspected, UninspectedReason};
use crate::inspect::format::Format;
use crate::inspect::kind::Points;
use crate::inspect::walk::xml;
use crate::inspect::{Inspector, Message, RuleSet};

fn person(points: u16, clinical: bool) -> Person {
    Person { points: Points(points), clinical, ..Person::default() }
}

fn findings(persons: Vec<Person>) -> Findings {
    Findings { persons, ..Findings::default() }
}

fn reason(findings: &Findings) -> Option<Reason> {
    verdict(findings, &Policy::of(Flag::Staging), &[]).reason
}

#[test]
fn ninety_points_of_one_person_are_refused_and_of_two_are_not() {
    assert_eq!(reason(&findings(vec![person(90, false)])), Some(Reason::LikelyPhi));
    assert_eq!(reason(&findings(vec![person(89, false), person(89, false)])), None);
}

#[test]
fn an_identified_person_with_clinical_content_is_refused() {
    assert_eq!(reason(&findings(vec![person(50, true)])), Some(Reason::LikelyPhi));
    assert_eq!(reason(&findings(vec![person(49, true)])), None);
}

#[test]
fn what_is_in_shadow_is_told_and_refuses_nothing() {
    let person = Person { shadow_points: Points(90), ..person(60, false) };
    let told = verdict(&findings(vec![person]), &Policy::of(Flag::Staging), &[]);
    assert_eq!((told.reason, told.with_shadow, told.reported), (None, Some(Reason::LikelyPhi), true));
    let told = verdict(&findings(vec![self::person(49, false)]), &Policy::of(Flag::Staging), &[]);
    assert_eq!((told.with_shadow, told.reported), (None, false));
}

#[test]
fn a_rule_in_shadow_is_no_reason_that_a_refusal_gives() {
    let rules = {
        let mut modes = crate::inspect::rules::Modes::default();
        modes.set("text.ssn", Mode::Shadow);
        RuleSet::built_in().with_modes(&modes)
    };
    let found = Inspector::new(&rules, Budget::default(), 2026).message(&Message {
        content_type: "text/plain",
        body: b"Patient: Harold Brown, DOB 06/22/1962, SSN 412-21-3456",
        ..Message::default()
    });
    let policy = Policy::of(Flag::Staging);
    let refusal = Refusal::of(reason(&found).expect("refused"), &found, &policy, &[]);
    assert!(!refusal.spots.is_empty() && refusal.spots.iter().all(|spot| spot.rule != "text.ssn"));
}

#[test]
fn many_people_are_refused() {
    let many = |n, p: Person| findings(vec![p; n]);
    assert_eq!(reason(&many(11, person(50, false))), Some(Reason::Bulk));
    assert_eq!(reason(&many(10, person(50, false))), None);
    let opaque = Person { only_opaque_id: true, clinical: true, points: Points(5), ..Person::default() };
    assert_eq!(reason(&many(26, opaque.clone())), Some(Reason::Bulk));
    assert_eq!(reason(&many(25, opaque)), None);
}

#[test]
fn what_stays_unread_is_refused_unless_the_connection_takes_its_type() {
    let unread = Uninspected {
        reason: UninspectedReason::OpaqueType,
        media_type: "application/pdf",
        place: "body".into(),
    };
    let findings = Findings { uninspected: vec![unread], ..Findings::default() };
    assert_eq!(reason(&findings), Some(Reason::Uninspected));
    let listed = ["application/pdf".to_owned()];
    assert_eq!(verdict(&findings, &Policy::of(Flag::Staging), &listed).reason, None);
    assert_eq!(verdict(&findings, &Policy::of(Flag::Production), &[]).reason, None);
}

#[test]
fn a_declaration_is_a_mismatch_and_refuses_only_where_it_is_set_to() {
    let findings =
        Findings { declared: vec![(Declared::Production, "MSH-11".into())], ..Findings::default() };
    let mut policy = Policy::of(Flag::Staging);
    assert_eq!(
        verdict(&findings, &policy, &[]),
        Verdict { reason: None, with_shadow: None, reported: false, mismatch: true }
    );
    policy.declared_mode = OnDeclared::Refuse;
    assert_eq!(verdict(&findings, &policy, &[]).reason, Some(Reason::DeclaredMode));
    assert!(!verdict(&findings, &Policy::of(Flag::Production), &[]).mismatch);
}

#[test]
fn a_refusal_names_rule_and_place_in_each_dialect_and_no_value() {
    let body = br#"{"resourceType":"Patient","name":[{"family":"Okafor","given":["Darnell"]}],"birthDate":"1962-06-22","E08738432":{"x":"SSN 412-21-3456"}}"#;
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let found =
        inspector.message(&Message { content_type: "application/fhir+json", body, ..Message::default() });
    let policy = Policy::of(Flag::Staging);
    let refusal = Refusal::of(reason(&found).expect("refused"), &found, &policy, &[]);
    for dialect in [
        Dialect::Fhir,
        Dialect::FhirXml,
        Dialect::Hl7v2,
        Dialect::Redox,
        Dialect::Soap(Soap::V11),
        Dialect::Soap(Soap::V12),
        Dialect::Graphql,
        Dialect::GraphqlResponse,
        Dialect::Grpc(grpc::Wire::Plain),
        Dialect::Problem,
    ] {
        let answer = crate::respond::refusal(&refusal, dialect, "rec-1", body, "20260101000000");
        let headers = format!("{:?}", answer.headers());
        let text = headers + &String::from_utf8(answer.into_body()).expect("UTF-8");
        assert!(text.contains("fhir-r4.patient-birth-date") && text.contains("rec-1"), "{dialect:?}: {text}");
        for value in ["Okafor", "Darnell", "1962", "412-21", "E08738432"] {
            assert!(!text.contains(value), "{dialect:?} tells {value}");
        }
    }
}

#[test]
fn an_outcome_in_xml_says_what_it_says_in_json() {
    let body = br#"<Patient xmlns="http://hl7.org/fhir"><name><family value="Okafor"/><given value="Darnell"/></name>
        <birthDate value="1962-06-22"/></Patient>"#;
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let found =
        inspector.message(&Message { content_type: "application/fhir+xml", body, ..Message::default() });
    assert_eq!((found.format, found.points().0), (Format::FhirXml, 90));
    let refusal = Refusal::of(reason(&found).expect("refused"), &found, &Policy::of(Flag::Staging), &[]);
    let (media, text) = render(&refusal, Dialect::FhirXml, 422, "rec-1", body, "20260101000000");
    assert_eq!(media, "application/fhir+xml");
    let (_, json) = render(&refusal, Dialect::Fhir, 422, "rec-1", body, "20260101000000");
    let tree: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    // Every string of the one is a value of the other.
    let tape = xml::Tape::read(&text, xml::XML_DEPTH_MAX).expect("well formed");
    assert_eq!(tape.local(tape.root()), "OperationOutcome");
    let values: Vec<_> = tape.nodes().filter_map(|id| tape.attr(id, "value")).collect();
    let mut strings = 0;
    let mut left = vec![&tree["issue"]];
    while let Some(value) = left.pop() {
        left.extend(value.as_array().into_iter().flatten());
        left.extend(value.as_object().into_iter().flat_map(|members| members.values()));
        if let Some(string) = value.as_str() {
            assert!(values.iter().any(|v| v == string), "{string}");
            strings += 1;
        }
    }
    assert_eq!(values.len(), strings);
    assert!(values.iter().any(|v| v == "Patient.name[0].family"));
}

#[test]
fn the_dialect_is_the_caller_s() {
    let of = |format, content_type, accept, path, query| {
        Dialect::of(&Spoken { format, content_type, accept, path, query, ..Spoken::default() })
    };
    assert_eq!(of(Format::Hl7v2, "text/plain", "", "/in", ""), Dialect::Hl7v2);
    assert_eq!(of(Format::Empty, "", "", "/fhir/Patient", ""), Dialect::Fhir);
    assert_eq!(of(Format::Xml, "application/fhir+xml", "", "/x", ""), Dialect::FhirXml);
    assert_eq!(of(Format::FhirXml, "text/xml", "*/*", "/x", ""), Dialect::FhirXml);
    assert_eq!(of(Format::Xml, "application/hl7-v2+xml", "", "/in", ""), Dialect::Problem);
    for (accept, query, wanted) in [
        ("application/fhir+json, application/fhir+xml;q=0.5", "", Dialect::Fhir),
        ("application/fhir+json;q=0.4, application/xml", "", Dialect::FhirXml),
        ("application/xml", "", Dialect::FhirXml),
        ("text/html,application/xhtml+xml,*/*", "", Dialect::Fhir),
        ("application/fhir+json", "a=b&_format=xml", Dialect::FhirXml),
        ("application/fhir+xml", "_format=application/fhir+json", Dialect::Fhir),
        ("application/fhir+xml", "_format=html", Dialect::FhirXml),
    ] {
        assert_eq!(of(Format::Empty, "", accept, "/fhir/Patient", query), wanted, "{accept} {query}");
    }
    assert_eq!(of(Format::FhirXml, "text/xml", "application/fhir+json", "/x", ""), Dialect::Fhir);
    assert_eq!(of(Format::Json, "application/json", "*/*", "/api", ""), Dialect::Problem);
    assert_eq!(of(Format::Redox, "application/json", "*/*", "/api", ""), Dialect::Redox);
    let grpc = Dialect::Grpc(grpc::Wire::Plain);
    for (format, content_type, accept, path, wanted) in [
        (Format::Binary, "Application/gRPC+proto", "", "/fhir.Made/Up", grpc),
        (Format::Hl7v2, "application/grpc", "", "/in", grpc),
        (Format::Empty, "application/soap+xml; charset=utf-8", "", "/fhir", Dialect::Soap(Soap::V12)),
        (Format::Graphql, "application/json", "", "/fhir/$graphql", Dialect::Graphql),
        (Format::Graphql, "application/json", "application/json", "/x", Dialect::Graphql),
        (
            Format::Graphql,
            "application/json",
            "application/graphql-response+json;q=0",
            "/x",
            Dialect::Graphql,
        ),
        (Format::Empty, "application/graphql", "*/*", "/x", Dialect::Graphql),
        (Format::Empty, "application/json", "", "/v1/GraphQL/", Dialect::Graphql),
        (
            Format::Empty,
            "",
            "application/graphql-response+json, application/json;q=0.9",
            "/x",
            Dialect::GraphqlResponse,
        ),
        (Format::Empty, "application/json", "", "/graphql/x", Dialect::Problem),
    ] {
        assert_eq!(of(format, content_type, accept, path, ""), wanted, "{content_type} {accept} {path}");
    }
    let action =
        Spoken { content_type: "text/xml", has_soap_action: true, path: "/fhir", ..Spoken::default() };
    assert_eq!(Dialect::of(&action), Dialect::Soap(Soap::V11));
    let body = b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>";
    let sent = Spoken { format: Format::Xds, content_type: "application/xml", body, ..Spoken::default() };
    assert_eq!(Dialect::of(&sent), Dialect::Soap(Soap::V11));
}

#[test]
fn a_fault_and_errors_have_the_parts_that_their_clients_read() {
    let body = br#"{"resourceType":"Patient","name":[{"family":"Okafor","given":["Darnell"]}],"birthDate":"1962-06-22"}"#;
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let found =
        inspector.message(&Message { content_type: "application/fhir+json", body, ..Message::default() });
    let mut refusal = Refusal::of(reason(&found).expect("refused"), &found, &Policy::of(Flag::Staging), &[]);
    refusal.register = Some("rq_1".to_owned());
    let told = |dialect| {
        let (media, text) = render(&refusal, dialect, 422, "rec-1", body, "20260101000000");
        (media, String::from_utf8(text).expect("UTF-8"))
    };
    for (soap, media, path) in [
        (Soap::V11, "text/xml; charset=utf-8", ["Envelope", "Body", "Fault", "detail", "refusal"]),
        (
            Soap::V12,
            "application/soap+xml; charset=utf-8",
            ["Envelope", "Body", "Fault", "Detail", "refusal"],
        ),
    ] {
        let (type_told, text) = told(Dialect::Soap(soap));
        assert_eq!(type_told, media);
        let tape = xml::Tape::read(text.as_bytes(), xml::XML_DEPTH_MAX).expect("well formed");
        let named = |name: &str| tape.nodes().find(|id| tape.local(*id) == name);
        assert!(path.iter().all(|name| named(name).is_some()), "{text}");
        let of = |name: &str, attribute: &str| {
            tape.attr(named(name).expect("is there"), attribute).expect("has it").into_owned()
        };
        assert_eq!(of("refusal", "reason"), "likely_phi");
        assert_eq!((of("refusal", "record"), of("refusal", "register")), ("rec-1".into(), "rq_1".into()));
        let findings = tape.nodes().filter(|id| tape.local(*id) == "finding").count();
        assert_eq!(findings, refusal.spots.len());
        assert!(
            of("finding", "rule").starts_with("fhir-r4.") && of("finding", "place").starts_with("Patient.")
        );
    }
    let (media, text) = told(Dialect::Graphql);
    assert_eq!(media, "application/json; charset=utf-8");
    assert_eq!(
        told(Dialect::GraphqlResponse),
        ("application/graphql-response+json; charset=utf-8", text.clone())
    );
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(answer.get("data").is_none(), "nothing was executed");
    let error = &answer["errors"][0];
    assert!(error["message"].as_str().expect("text").contains("90 are refused"));
    assert_eq!(
        (&error["extensions"]["code"], &error["extensions"]["record"]),
        (&"likely_phi".into(), &"rec-1".into())
    );
    assert_eq!(error["extensions"]["findings"].as_array().map(Vec::len), Some(refusal.spots.len()));
}

#[test]
fn a_body_that_is_unread_as_a_whole_has_no_empty_expression() {
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let body = b"%PDF-1.4 \xe2\xe3";
    let findings =
        inspector.message(&Message { content_type: "application/pdf", body, ..Message::default() });
    let refusal = Refusal::of(Reason::Uninspected, &findings, &Policy::of(Flag::Staging), &[]);
    for dialect in [Dialect::Fhir, Dialect::FhirXml] {
        let (_, told) = render(&refusal, dialect, 422, "r-1", body, "20260101000000");
        let told = String::from_utf8(told).expect("text");
        assert!(told.contains("uninspected.malformed, 0 points, body"), "{told}");
        assert!(!told.contains("expression"), "FHIR's strings are never empty: {told}");
    }
}
