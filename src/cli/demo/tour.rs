//! The tour: what is sent where, and what is expected of it. Every person here is invented.

use super::Reply;
use super::header;
use base64::Engine;
use std::io::Write;

/// An environment of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Development,
    Staging,
    Production,
}

impl To {
    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn name(self) -> &'static str {
        super::ENVIRONMENTS[self.index()]
    }
}

/// What a message is expected to meet.
pub(super) enum Expect {
    /// It arrives, byte for byte.
    Through,
    /// It arrives, though it would be refused.
    Shadow,
    /// It is refused for this reason, in this content type, and nothing arrives.
    Refused { reason: &'static str, content_type: &'static str },
}

impl Expect {
    pub(super) fn holds(&self, reply: &Reply, arrived: bool, exact: bool) -> bool {
        match self {
            Self::Through | Self::Shadow => {
                reply.status < 300 && exact && header(reply, "phigate-reason").is_empty()
            }
            Self::Refused { reason, content_type } => {
                !arrived
                    && header(reply, "phigate-reason") == *reason
                    && header(reply, "content-type") == *content_type
            }
        }
    }
}

/// One message of the tour.
pub(super) struct Stop {
    pub(super) what: &'static str,
    pub(super) to: To,
    pub(super) key: To,
    pub(super) method: &'static str,
    pub(super) target: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: Vec<u8>,
    pub(super) shadow: bool,
    pub(super) expect: Expect,
}

impl Stop {
    pub(super) fn dialect(&self) -> &'static str {
        match &self.expect {
            Expect::Refused { content_type: "x-application/hl7-v2+er7", .. } => "ack",
            _ => "json",
        }
    }
}

/// The tour, in order.
pub(super) fn stops() -> Vec<Stop> {
    let fhir = |what, to, body: Vec<u8>, expect| Stop {
        what,
        to,
        key: to,
        method: "POST",
        target: "/fhir",
        headers: FHIR,
        body,
        shadow: false,
        expect,
    };
    let adt = |what, to, expect| Stop { target: "/hl7", headers: HL7, ..fhir(what, to, ADT.into(), expect) };
    let refused = |reason| Expect::Refused { reason, content_type: "application/fhir+json" };
    let acked = Expect::Refused { reason: "likely_phi", content_type: "x-application/hl7-v2+er7" };
    vec![
        fhir("a FHIR Bundle of a patient", To::Development, BUNDLE.into(), refused("likely_phi")),
        adt("an HL7v2 ADT^A01", To::Development, acked),
        fhir("the same Bundle", To::Production, BUNDLE.into(), Expect::Through),
        adt("the same ADT", To::Production, Expect::Through),
        fhir("a made-up patient (values nobody is issued)", To::Staging, MADE_UP.into(), Expect::Through),
        Stop {
            headers: FHIR_GZIP,
            ..fhir("the Bundle, gzip", To::Development, gzip(BUNDLE), refused("likely_phi"))
        },
        fhir("a note, base64 in a DocumentReference", To::Staging, document(), refused("likely_phi")),
        Stop {
            method: "GET",
            target: "/fhir/Patient?family=Okafor&given=Darnell&birthdate=1962-06-22",
            headers: ACCEPT_FHIR,
            ..fhir(
                "a search URL with name and birth date",
                To::Development,
                Vec::new(),
                refused("likely_phi"),
            )
        },
        Stop {
            target: "/fhir/Development/Observation",
            key: To::Staging,
            ..fhir(
                "staging's key on a path of development",
                To::Development,
                NO_PATIENT.into(),
                refused("environment_mismatch"),
            )
        },
        fhir("a message with no patient", To::Development, NO_PATIENT.into(), Expect::Through),
        Stop {
            shadow: true,
            ..fhir("the first message again, in shadow mode", To::Development, BUNDLE.into(), Expect::Shadow)
        },
    ]
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory doesn't fail; an empty body would show in the tour.
    let _ = out.write_all(text.as_bytes());
    out.finish().unwrap_or_default()
}

fn document() -> Vec<u8> {
    let note = base64::engine::general_purpose::STANDARD.encode(NOTE);
    format!(
        r#"{{"resourceType":"DocumentReference","status":"current","type":{{"text":"Discharge summary"}},"content":[{{"attachment":{{"contentType":"text/plain","data":"{note}"}}}}]}}"#
    )
    .into_bytes()
}

const FHIR: &[(&str, &str)] =
    &[("content-type", "application/fhir+json"), ("accept", "application/fhir+json")];
const FHIR_GZIP: &[(&str, &str)] = &[
    ("content-type", "application/fhir+json"),
    ("accept", "application/fhir+json"),
    ("content-encoding", "gzip"),
];
const ACCEPT_FHIR: &[(&str, &str)] = &[("accept", "application/fhir+json")];
const HL7: &[(&str, &str)] = &[("content-type", "x-application/hl7-v2+er7")];

const BUNDLE: &str = r#"{
  "resourceType": "Bundle", "type": "transaction",
  "entry": [
    {"fullUrl": "urn:uuid:6f1f7d3c-9f0e-4b3a-8a55-0d8f1f1f2a01", "resource": {
      "resourceType": "Patient",
      "identifier": [
        {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}, "value": "E08738432"},
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "412-21-3456"}],
      "name": [{"use": "official", "family": "Okafor", "given": ["Darnell"]}],
      "telecom": [{"system": "phone", "value": "(915) 927-8377", "use": "mobile"}],
      "gender": "male", "birthDate": "1962-06-22",
      "address": [{"line": ["3733 Peachtree Pl NE"], "city": "Boise", "state": "ID", "postalCode": "83702"}]}},
    {"resource": {
      "resourceType": "Observation", "status": "final",
      "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7", "display": "Glucose"}]},
      "subject": {"reference": "urn:uuid:6f1f7d3c-9f0e-4b3a-8a55-0d8f1f1f2a01", "display": "Darnell Okafor"},
      "effectiveDateTime": "2025-05-04T14:47:31Z",
      "valueQuantity": {"value": 182, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}}}
  ]
}"#;

const ADT: &str = "MSH|^~\\&|EHR|MERCY|ENGINE|HUB|20250504144731||ADT^A01|MSG00042|P|2.5.1\rEVN|A01|20250504144731\rPID|1||E08738432^^^MERCY^MR||OKAFOR^DARNELL^W||19620622|M|||3733 PEACHTREE PL NE^^BOISE^ID^83702||(915)927-8377|||||HAR02692719|412-21-3456\rPV1|1|I|4W^412^A||||1234567893^IYER^ANITA\rDG1|1||E11.9^Type 2 diabetes mellitus^I10\r";

const MADE_UP: &str = r#"{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":"TEST-0001"},{"system":"http://hl7.org/fhir/sid/us-ssn","value":"000-12-3456"}],"name":[{"family":"Okafor","given":["Darnell"]}],"telecom":[{"system":"phone","value":"(312) 555-0142"},{"system":"email","value":"darnell@example.com"}],"birthDate":"1962-06-22"}"#;

const NO_PATIENT: &str = r#"{"resourceType":"CapabilityStatement","status":"active","date":"2025-05-04","kind":"instance","fhirVersion":"4.0.1","format":["json"],"software":{"name":"hub"},"rest":[{"mode":"server","resource":[{"type":"Patient","interaction":[{"code":"read"}]}]}]}"#;

const NOTE: &str = "DISCHARGE SUMMARY\nPatient: Darnell Okafor   MRN: E08738432   DOB: 06/22/1962\nAdmitted with dyspnea. History of diabetes. Continue metformin 500 mg daily.\n";
