//! A body by its format: the walker says what may stay, the format's own syntax what is written.

use super::json::Words;
use super::leaf::{Numbers, Pieces, Redactor, Shown, leaf};
use crate::inspect::decode;
use crate::inspect::finding::UninspectedReason;
use crate::inspect::format::Format;
use crate::inspect::walk::{dicom, fhir, hl7v2, x12};
use crate::inspect::wrapped;
use crate::record::packed::Word;
use crate::record::{Draft, ReplyCopy};

/// A body as it was sent.
pub(super) struct Sent<'b> {
    pub(super) content_type: &'b str,
    pub(super) content_encoding: &'b str,
    pub(super) body: &'b [u8],
    pub(super) cut: bool,
}

impl Draft {
    pub(super) fn request(&self) -> Sent<'_> {
        Sent {
            content_type: &self.content_type,
            content_encoding: &self.content_encoding,
            body: self.body.expose(),
            cut: self.cut,
        }
    }
}

impl ReplyCopy {
    pub(super) fn sent(&self) -> Sent<'_> {
        Sent {
            content_type: &self.content_type,
            content_encoding: &self.content_encoding,
            body: self.body.expose(),
            cut: self.cut,
        }
    }
}

impl Redactor<'_> {
    pub(super) fn body(&mut self, sent: &Sent<'_>, out: &mut Pieces) {
        if sent.cut {
            return self.opaque(sent.body, "not whole", out);
        }
        let mut left = self.budget.decoded_bytes_max;
        let decoded = decode::content(sent.content_encoding, sent.body, &self.budget, &mut left);
        let body: &[u8] = match &decoded {
            Ok(bytes) => bytes,
            Err(reason) => return self.opaque(sent.body, reason.as_str(), out),
        };
        self.decoded(sent.content_type, body, 0, out);
    }

    /// A body without its content coding, or a part of one.
    pub(super) fn decoded(&mut self, content_type: &str, body: &[u8], depth: u8, out: &mut Pieces) {
        let transcoded = match decode::wide(body) {
            Some(Ok(text)) => text.into_bytes(),
            Some(Err(reason)) => return self.opaque(body, reason.as_str(), out),
            None => Vec::new(),
        };
        let body = if transcoded.is_empty() { body } else { &transcoded };
        self.document(body);
        match Format::of(content_type, body) {
            Format::Empty => {}
            Format::Json | Format::Redox | Format::FhirJson => self.tape(content_type, body, out),
            Format::FhirXml | Format::Ccda | Format::Ncpdp | Format::Xds | Format::Xml => {
                self.xml(content_type, body, out);
            }
            Format::Hl7v2 => match hl7v2::walk(body, &self.rules.hl7v2, Some(&self.rules.objects), self) {
                Ok(()) => self.hl7v2(body, out),
                Err(_) => self.opaque(body, UninspectedReason::Malformed.as_str(), out),
            },
            Format::X12 => match x12::walk(body, &self.rules.x12, self) {
                Ok(()) => self.interchange(body, out),
                Err(_) => self.opaque(body, UninspectedReason::Malformed.as_str(), out),
            },
            Format::Telecom => self.telecom(body, out),
            Format::Form => match std::str::from_utf8(body) {
                Ok(text) => self.pairs(text.trim_end(), "", out),
                Err(_) => {
                    let latin1: String = body.iter().map(|b| char::from(*b)).collect();
                    self.pairs(latin1.trim_end(), "", out);
                }
            },
            Format::Ndjson => self.ndjson(body, out),
            Format::Csv => self.flat(body, out),
            Format::Multipart => self.multipart(content_type, body, depth, out),
            // Found or not isn't told of a part of it: the security reader sees that there is a text, as all do.
            Format::Text | Format::Html | Format::Graphql => {
                let text = Shown { found: true, ..leaf(Word::Text, body.len(), "[text]") };
                out.leaf(self.kept(text, body));
            }
            // Read or not, nothing of it is shown.
            format @ (Format::Pdf | Format::Binary) => self.opaque(body, format.as_str(), out),
        }
    }

    fn tape(&mut self, content_type: &str, body: &[u8], out: &mut Pieces) {
        let Ok(tape) = fhir::read(body, &self.rules.fhir) else {
            return self.opaque(body, UninspectedReason::Malformed.as_str(), out);
        };
        self.numbers = Numbers::ByPlace;
        let patch = fhir::patched(&tape, content_type, &self.aim, &self.rules.fhir);
        let mut words = Words::AsTold;
        if let Some(Ok(patch)) = patch {
            words = Words::Patch;
            patch.walk(&tape, &self.rules.fhir, &self.rules.objects, self);
        } else {
            if dicom::recognise(&tape) {
                words = Words::Dicom;
            }
            wrapped::walk(&tape, self.rules, self);
        }
        self.json(&tape, body, words, out);
    }

    /// What nothing reads: size, type, and a keyed digest by which the same body is known again; short ones have none,
    /// since they could be guessed.
    pub(super) fn opaque(&self, body: &[u8], why: &str, out: &mut Pieces) {
        let is_keyed = self.linked && body.len() >= DIGEST_BYTES_MIN;
        let digest = is_keyed.then(|| self.keys.digest(self.environment, body));
        out.unread(body.len(), why, digest.as_deref());
    }
}

const DIGEST_BYTES_MIN: usize = 256;
