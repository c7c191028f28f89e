//! A body by its format: the walker says what may stay, the format's own syntax what is written.

use super::json::Words;
use super::leaf::{Numbers, Redactor, leaf, unread};
use crate::inspect::decode;
use crate::inspect::finding::UninspectedReason;
use crate::inspect::format::Format;
use crate::inspect::walk::json::{JSON_DEPTH_MAX, Tape};
use crate::inspect::walk::{dicom, fhir, hl7v2, x12};
use crate::inspect::wrapped;
use crate::record::{Draft, Piece, ReplyCopy};

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
    pub(super) fn body(&mut self, sent: &Sent<'_>) -> Vec<Piece> {
        if sent.cut {
            return self.opaque(sent.body, "not whole");
        }
        let mut left = self.budget.decoded_bytes_max;
        let decoded = decode::content(sent.content_encoding, sent.body, &self.budget, &mut left);
        let body: &[u8] = match &decoded {
            Ok(bytes) => bytes,
            Err(reason) => return self.opaque(sent.body, reason.as_str()),
        };
        self.decoded(sent.content_type, body, 0)
    }

    /// A body without its content coding, or a part of one.
    pub(super) fn decoded(&mut self, content_type: &str, body: &[u8], depth: u8) -> Vec<Piece> {
        let transcoded = match decode::utf16(body) {
            Some(Ok(text)) => text.into_bytes(),
            Some(Err(reason)) => return self.opaque(body, reason.as_str()),
            None => Vec::new(),
        };
        let body = if transcoded.is_empty() { body } else { &transcoded };
        self.document(body);
        match Format::of(content_type, body) {
            Format::Empty => Vec::new(),
            Format::Json | Format::Redox | Format::FhirJson => self.tape(content_type, body),
            Format::FhirXml | Format::Ccda | Format::Ncpdp | Format::Xds | Format::Xml => {
                self.xml(content_type, body)
            }
            Format::Hl7v2 => match hl7v2::walk(body, &self.rules.hl7v2, Some(&self.rules.objects), self) {
                Ok(()) => self.hl7v2(body),
                Err(_) => self.opaque(body, UninspectedReason::Malformed.as_str()),
            },
            Format::X12 => match x12::walk(body, &self.rules.x12, self) {
                Ok(()) => self.interchange(body),
                Err(_) => self.opaque(body, UninspectedReason::Malformed.as_str()),
            },
            Format::Telecom => self.telecom(body),
            Format::Form => match std::str::from_utf8(body) {
                Ok(text) => self.pairs(text.trim_end(), ""),
                Err(_) => {
                    let latin1: String = body.iter().map(|b| char::from(*b)).collect();
                    self.pairs(latin1.trim_end(), "")
                }
            },
            Format::Ndjson => self.ndjson(body),
            Format::Csv => self.flat(body),
            Format::Multipart => self.multipart(content_type, body, depth),
            // Found or not isn't told of a part of it: the security reader sees that there is a text, as all do.
            Format::Text | Format::Html | Format::Graphql => {
                vec![self.kept(leaf("text", body.len(), "[text]", None, true), body)]
            }
            Format::Binary => self.opaque(body, Format::Binary.as_str()),
        }
    }

    fn tape(&mut self, content_type: &str, body: &[u8]) -> Vec<Piece> {
        let Ok(tape) = Tape::read(body, JSON_DEPTH_MAX) else {
            return self.opaque(body, UninspectedReason::Malformed.as_str());
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
        self.json(&tape, body, words)
    }

    /// What nothing reads: size, type, and a keyed digest by which the same body is known again; short ones have none,
    /// since they could be guessed.
    pub(super) fn opaque(&self, body: &[u8], why: &str) -> Vec<Piece> {
        let mut pieces = unread(body.len(), why);
        if self.linked
            && body.len() >= DIGEST_BYTES_MIN
            && let Some(Piece::Leaf { token, .. }) = pieces.first_mut()
        {
            *token = Some(self.keys.digest(self.environment, body));
        }
        pieces
    }
}

const DIGEST_BYTES_MIN: usize = 256;
