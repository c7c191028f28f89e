//! Documents inside XML of no known kind: a `ClinicalDocument`, a FHIR resource, a SCRIPT message or a data set of DICOM in
//! a SOAP body or in a vendor's envelope.
//! Each is read as it would be by itself, and the envelope around them as what it is.

use super::Inspector;
use super::finding::Part;
use super::format::Format;
use super::offsets::Escapes;
use super::score::Scorer;
use super::walk::xml::{NodeId, NodeKind, Tape, XML_DEPTH_MAX};
use super::walk::{fhir, ncpdp, object};
use std::ops::Range;

/// A document that an element is, with its tags.
pub(super) struct Enclosed {
    at: Range<usize>,
    media_type: &'static str,
}

/// The documents that XML encloses, in order.
pub(super) fn find(tape: &Tape<'_>, bytes: &[u8], table: &fhir::Table) -> Vec<Enclosed> {
    let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    if ![CDA_ROOT, FHIR, DICOM_ROOT, ncpdp::MESSAGE].into_iter().any(has) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut after = NodeId::DOCUMENT;
    for id in tape.nodes() {
        if id < after || id == tape.root() || tape.kind(id) != NodeKind::Element {
            continue;
        }
        let namespace = tape.namespace(id);
        let media_type = match (tape.local(id), namespace.as_deref()) {
            (CDA_ROOT, None | Some(HL7_V3)) => "text/xml",
            (local, Some(FHIR)) if table.knows(local) => "application/fhir+xml",
            (DICOM_ROOT, _) => "application/dicom+xml",
            (ncpdp::MESSAGE, _) if ncpdp::is_message(tape, id) => "text/xml",
            _ => continue,
        };
        let start = tape.name_span(id).start.saturating_sub(1);
        let end = tape.span(id).end;
        let tag = memchr::memchr(b'>', bytes.get(end..).unwrap_or_default());
        let at = start..end + tag.map_or(0, |at| at + 1);
        if bytes.get(start) == Some(&b'<') {
            found.push(Enclosed { at, media_type });
            after = tape.after(id);
        }
    }
    found
}

impl<'r> Inspector<'r> {
    /// Reads what was found, and the XML without it.
    pub(super) fn enclosed(
        &self,
        found: &[Enclosed],
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
        left: &mut usize,
    ) {
        let stand = scorer.stand();
        let mut envelope = bytes.to_vec();
        for (number, document) in found.iter().enumerate() {
            let (at, place) = (document.at.clone(), format!("document {}", number + 1));
            let inner = bytes.get(at.clone()).unwrap_or_default();
            scorer.piece(&stand, at.clone(), true, true, &place);
            self.document(Format::Xml, document.media_type, inner, scorer, false, left);
            self.carriers(scorer, left);
            envelope.get_mut(at).unwrap_or_default().fill(b' ');
        }
        match top {
            true => scorer.document(Part::Body, Escapes::Xml, &envelope),
            false => {
                scorer.piece(&stand, 0..bytes.len(), true, false, "envelope");
                scorer.carried_raw(Escapes::Xml, &envelope);
            }
        }
        // An element less is as well formed as it was.
        let tape = Tape::read(&envelope, XML_DEPTH_MAX);
        if let Ok(tape) = &tape
            && let Some(shaped) = object::shaped(tape, &self.rules.objects)
        {
            scorer.links(&shaped);
            object::walk_tape(&shaped, &self.rules.objects, scorer);
        }
    }
}

const CDA_ROOT: &str = "ClinicalDocument";
const DICOM_ROOT: &str = "NativeDicomModel";
const HL7_V3: &str = "urn:hl7-org:v3";
const FHIR: &str = "http://hl7.org/fhir";

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Findings, Inspector, Message, RuleSet};

    fn inspect(body: &str) -> Findings {
        let message =
            Message { content_type: "application/soap+xml", body: body.as_bytes(), ..Message::default() };
        Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message)
    }

    const PATIENT: &str = r#"<Patient xmlns="http://hl7.org/fhir"><identifier><type><coding><code value="MR"/></coding></type><value value="E08738432"/></identifier><name><family value="Okafor"/></name><birthDate value="1962-06-22"/></Patient>"#;
    const CDA: &str = r#"<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id root="1.2.3" extension="E08738432"/><patient><name><given>Darnell</given><family>Okafor</family></name><birthTime value="19620622"/></patient></patientRole></recordTarget></ClinicalDocument>"#;

    fn soap(inner: &str) -> String {
        format!(
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header><who>ann@mail.net</who></s:Header><s:Body><x:take xmlns:x="urn:x">{inner}</x:take></s:Body></s:Envelope>"#
        )
    }

    #[test]
    fn a_resource_and_a_document_in_a_soap_body_are_read_by_their_rows() {
        let body = soap(PATIENT);
        let found = inspect(&body);
        let family =
            found.findings.iter().find(|f| &*f.rule == "fhir-r4.patient-family").expect("a row of FHIR");
        assert_eq!(body.get(family.span.clone()), Some("Okafor"));
        assert_eq!(family.place, "document 1 > Patient.name[0].family");
        assert!(found.findings.iter().any(|f| body.get(f.span.clone()) == Some("ann@mail.net")));
        assert_eq!(found.points().0, 130, "{:?}", found.persons);
        let body = soap(CDA);
        let found = inspect(&body);
        assert!(found.findings.iter().any(|f| f.rule.starts_with("cda.")), "{:?}", found.persons);
        assert!(found.points().0 >= 140);
        let birth = found.findings.iter().find(|f| f.kind.as_str() == "birth-date").expect("one");
        assert_eq!(body.get(birth.span.clone()), Some("19620622"));
    }

    #[test]
    fn two_documents_are_two_people_and_prefixes_of_the_envelope_hold() {
        let two = inspect(&soap(&format!(
            "{PATIENT}<y/>{}",
            PATIENT.replace("E08738432", "E99738432").replace("Okafor", "Nguyen")
        )));
        assert_eq!(two.points().0, 130, "{:?}", two.persons);
        let prefixed = r#"<a xmlns:f="http://hl7.org/fhir"><f:Patient><f:name><f:family value="Okafor"/></f:name></f:Patient></a>"#;
        assert!(inspect(prefixed).findings.iter().any(|f| &*f.rule == "fhir-r4.patient-family"));
    }

    #[test]
    fn a_prescription_and_a_data_set_of_dicom_are_read_by_their_rows() {
        let script = r#"<Message xmlns="http://www.ncpdp.org/schema/SCRIPT" version="010"><Header/><Body><NewRx><Patient><Identification><MedicalRecordIdentificationNumberEHR>E08738432</MedicalRecordIdentificationNumberEHR></Identification><Name><LastName>Okafor</LastName><FirstName>Darnell</FirstName></Name><DateOfBirth><Date>1962-06-22</Date></DateOfBirth></Patient></NewRx></Body></Message>"#;
        let bare = inspect(script).points();
        let wrapped = inspect(&soap(script));
        assert!(bare.0 >= 90 && wrapped.points() == bare, "{:?} {:?}", bare, wrapped.persons);
        let dicom = r#"<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"><DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1">8834127</Value></DicomAttribute></NativeDicomModel>"#;
        let body = soap(dicom);
        let found = inspect(&body);
        let id = found.findings.iter().find(|f| &*f.rule == "dicom.id").expect("a row of DICOM");
        assert_eq!(body.get(id.span.clone()), Some("8834127"));
    }

    #[test]
    fn documents_in_cdata_and_as_escaped_text_are_read_too() {
        let cdata = inspect(&soap(&format!("<![CDATA[{PATIENT}]]>")));
        assert!(cdata.findings.iter().any(|f| &*f.rule == "fhir-r4.patient-family"), "{:?}", cdata.persons);
        let escaped = inspect(&soap(&CDA.replace('<', "&lt;").replace('>', "&gt;")));
        assert!(escaped.findings.iter().any(|f| f.rule.starts_with("cda.")), "{:?}", escaped.persons);
        let json = inspect(&soap(r#"<![CDATA[{"resourceType":"Patient","name":[{"family":"Okafor"}]}]]>"#));
        assert!(json.findings.iter().any(|f| &*f.rule == "fhir-r4.patient-family"));
    }
}
