//! XDS.b, XCA, XCPD and PIX/PDQ V3: registries of documents and of patients, over SOAP.
//!
//! - Takes: a [`Tape`] of XML, and the rows of `config/fields/xds-xcpd.toml` as a [`Table`].
//! - Gives: what [`named`] gives. Each `subject1` and each `ExtrinsicObject` is one person; the parameters of a query, and
//!   what a submission set says, are the person of the message. A document in it is a carrier.
//! - In doubt: text.

use super::Declared;
use super::Sink;
use super::named::{self, Dialect, Table};
use super::xml::{NodeId, NodeKind, Tape};
use std::borrow::Cow;
use std::collections::HashMap;

/// Whether a document is one of these: what its SOAP body holds, or its root, is an interaction of HL7 v3 or in a namespace
/// of ebXML registries or of IHE.
#[must_use]
pub fn recognise(tape: &Tape<'_>) -> bool {
    let inside = |element: NodeId, name: &str| {
        tape.elements(element).take(ELEMENTS_LOOKED_AT_MAX).find(|child| tape.local(*child) == name)
    };
    let root = tape.root();
    let message = if tape.local(root) == "Envelope" {
        inside(root, "Body").and_then(|body| tape.elements(body).next())
    } else {
        Some(root)
    };
    message.is_some_and(|message| {
        let (local, namespace) = (tape.local(message), tape.namespace(message).unwrap_or_default());
        let v3 = INTERACTIONS.iter().any(|prefix| local.starts_with(prefix));
        v3 && (namespace == "urn:hl7-org:v3" || namespace.is_empty())
            || NAMESPACES.iter().any(|prefix| namespace.starts_with(prefix))
    })
}

/// Walks a message.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    named::walk(tape, table, &Registry { media: media_types(tape) }, sink);
}

struct Registry {
    /// Of the documents that are described, by their id.
    media: HashMap<String, String>,
}

impl Dialect for Registry {
    fn word<'t>(&self, tape: &'t Tape<'_>, element: NodeId) -> Cow<'t, str> {
        let local = tape.local(element);
        let scheme = |attribute: &str| {
            let scheme = tape.attr(element, attribute).unwrap_or_default();
            let known = SCHEMES.iter().find(|(uuid, _)| scheme.ends_with(uuid));
            Cow::Borrowed(known.map_or(local, |(_, word)| word))
        };
        match local {
            "Slot" => tape.attr(element, "name").unwrap_or(Cow::Borrowed(local)),
            "ExternalIdentifier" => scheme("identificationScheme"),
            "Classification" => match scheme("classificationScheme") {
                word if word == "author" && is_patient(tape, element) => Cow::Borrowed("patientAuthor"),
                word => word,
            },
            "Name" if tape.parent(element).is_some_and(|parent| CODED.contains(&tape.local(parent))) => {
                Cow::Borrowed("CodeName")
            }
            "Attribute" if tape.attr(element, "Name").is_some_and(|name| name.ends_with("resource-id")) => {
                Cow::Borrowed("resource-id")
            }
            _ => Cow::Borrowed(local),
        }
    }

    /// Who gave out an id, in words.
    fn types(&self, tape: &Tape<'_>, element: NodeId) -> Vec<String> {
        tape.attr(element, "assigningAuthorityName").into_iter().map(Cow::into_owned).collect()
    }

    fn declares(&self, value: &str) -> Option<Declared> {
        match value {
            "T" | "D" => Some(Declared::Test),
            "P" => Some(Declared::Production),
            _ => None,
        }
    }

    /// What the object says that describes the document, or the `mimeType` beside it.
    fn media(&self, tape: &Tape<'_>, element: NodeId) -> String {
        let described = tape.attr(element, "id").and_then(|id| self.media.get(&*id).cloned());
        let beside = || {
            let mut beside = tape.elements(tape.parent(element)?).take(ELEMENTS_LOOKED_AT_MAX);
            let found = beside.find(|sibling| tape.local(*sibling) == "mimeType")?;
            Some(tape.text_of(found).into_owned())
        };
        described.or_else(beside).unwrap_or_default()
    }
}

fn media_types(tape: &Tape<'_>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for id in
        tape.nodes().filter(|id| tape.kind(*id) == NodeKind::Element && tape.local(*id) == "ExtrinsicObject")
    {
        if let (Some(id), Some(media)) = (tape.attr(id, "id"), tape.attr(id, "mimeType")) {
            found.insert(id.into_owned(), media.into_owned());
        }
    }
    found
}

/// Whether an author is the patient, by the role that is said.
fn is_patient(tape: &Tape<'_>, author: NodeId) -> bool {
    let slots = tape.elements(author).take(ELEMENTS_LOOKED_AT_MAX);
    let mut roles = slots.filter(|slot| tape.attr(*slot, "name").is_some_and(|name| name == "authorRole"));
    roles.any(|role| {
        let role = tape.text_of(role).trim().to_ascii_lowercase();
        role == "patient" || role.starts_with("patient^") || role.starts_with("pat^")
    })
}

/// HL7 v3 Patient Administration, and what carries its queries and acknowledgements.
const INTERACTIONS: &[&str] = &["PRPA_IN", "MCCI_IN", "QUQI_IN", "MFMI_IN", "PRPM_IN"];

const NAMESPACES: &[&str] = &["urn:oasis:names:tc:ebxml-regrep:", "urn:ihe:iti:"];

/// Elements whose name is that of a code.
const CODED: &[&str] = &["Classification", "ExternalIdentifier"];

/// What schemes stand for (IHE ITI TF-3, table 4.2.5.2-2).
const SCHEMES: &[(&str, &str)] = &[
    ("58a6f841-87b3-4a3e-92fd-a8ffeff98427", "XDSDocumentEntry.patientId"),
    ("6b5aea1a-874d-4603-a4bc-96a0a7b38446", "XDSSubmissionSet.patientId"),
    ("f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a", "XDSFolder.patientId"),
    ("2e82c1f6-a085-4c72-9da3-8640a32e42ab", "XDSDocumentEntry.uniqueId"),
    ("96fdda7c-d067-4183-912e-bf5ee74998a8", "XDSSubmissionSet.uniqueId"),
    ("554ac39e-e3fe-47fe-b233-965d2a147832", "XDSSubmissionSet.sourceId"),
    ("75df8f67-9973-4fbe-a900-df66cefecc5a", "XDSFolder.uniqueId"),
    ("93606bcf-9494-43ec-9b4e-a7748d1a838d", "author"),
    ("a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d", "author"),
    ("41a5887f-8865-4c09-adf7-e362475b143a", "classCode"),
    ("f0306f51-975f-434e-a61c-c59651d33983", "typeCode"),
    ("2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "eventCodeList"),
    ("f4f85eac-e6cb-4883-b524-f2705394840f", "confidentialityCode"),
    ("a09d5840-386c-46f2-b5ad-9c3699a4309d", "formatCode"),
    ("f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", "healthcareFacilityTypeCode"),
    ("cccf5598-8b07-4b77-a05e-ae952c785ead", "practiceSettingCode"),
    ("aa543740-bdda-424e-8c96-df4873be8500", "contentTypeCode"),
    ("1ba97051-7806-41a8-a48b-8fce7af683c5", "codeList"),
];

/// Among how many elements one is looked for.
const ELEMENTS_LOOKED_AT_MAX: usize = 32;

#[cfg(test)]
mod tests;
