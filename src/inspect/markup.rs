//! XML: which of its formats a document is, and the walker for it.

use super::Inspector;
use super::enclosed;
use super::finding::{Part, UninspectedReason};
use super::format::{self, Format};
use super::offsets::Escapes;
use super::score::Scorer;
use super::walk::xml::{self, XML_DEPTH_MAX};
use super::walk::{WalkError, cda, dicom, fhir, hl7v2, ncpdp, object, xds};

impl<'r> Inspector<'r> {
    /// One document in XML, at the top or carried. Gives what it turned out to be.
    pub(super) fn xml(
        &self,
        content_type: &str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
        left: &mut usize,
    ) -> Format {
        let media_type = format::known_media_type(content_type);
        let tape = match xml::Tape::read(bytes, XML_DEPTH_MAX) {
            Ok(tape) => tape,
            Err(WalkError::Malformed { .. }) if format::says_text(content_type) && !xml::begins(bytes) => {
                // A text that begins with a tag, or HTML.
                return self.read_as(Format::Text, content_type, bytes, scorer, top, left);
            }
            Err(WalkError::Malformed { .. }) if format::says_html(content_type) => {
                return self.read_as(Format::Html, content_type, bytes, scorer, top, left);
            }
            Err(error) => {
                self.unread_walk(error, media_type, bytes, scorer, top);
                return Format::Xml;
            }
        };
        let is_cda = cda::recognise(&tape);
        // Of CDA values are told as they stand, so that nothing has to be led back where none has a reference.
        let escapes = match is_cda && !tape.is_transcoded() && memchr::memchr(b'&', bytes).is_none() {
            true => Escapes::None,
            false => Escapes::Xml,
        };
        match top {
            true => scorer.document(Part::Body, escapes, bytes),
            false => scorer.carried_raw(escapes, bytes),
        }
        if is_encrypted(&tape) {
            let place = if top { "body".to_owned() } else { String::new() };
            scorer.unread(UninspectedReason::OpaqueType, media_type, place);
        }
        let rules = self.rules;
        if is_cda {
            cda::walk_tape(&tape, &rules.cda, scorer);
            return Format::Ccda;
        }
        if ncpdp::recognise(&tape) {
            ncpdp::walk_tape(&tape, &rules.ncpdp, scorer);
            return Format::Ncpdp;
        }
        if xds::recognise(&tape) {
            xds::walk_tape(&tape, &rules.xds, scorer);
            return Format::Xds;
        }
        if hl7v2::recognise_xml(&tape) {
            if let Err(error) = hl7v2::walk_xml(&tape, &rules.hl7v2, scorer) {
                self.unread_walk(error, media_type, bytes, scorer, top);
            }
            return Format::Hl7v2;
        }
        if dicom::recognise_xml(&tape) {
            dicom::walk_xml(&tape, &rules.dicom, scorer);
            return Format::Xml;
        }
        if let Some((patch, aim)) = fhir::diff(&tape, &rules.fhir) {
            let aim = if aim.is_empty() { scorer.aim().to_owned() } else { aim };
            let json = patch.tape();
            let read = json.as_ref().and_then(|json| {
                let patch = fhir::patched(json, format::JSON_PATCH, &aim, &rules.fhir)?;
                Some((json, patch))
            });
            match read {
                Some((json, Ok(patch))) => patch.walk(json, &rules.fhir, &rules.objects, scorer),
                Some((_, Err(error))) => self.unread_walk(error, media_type, bytes, scorer, top),
                None => self.unread_walk(WalkError::Malformed { at: 0 }, media_type, bytes, scorer, top),
            }
            return Format::FhirXml;
        }
        let fhir = fhir::recognise_xml(&tape, format::says_fhir(content_type), &rules.fhir);
        if !fhir {
            let found = enclosed::find(&tape, bytes, &rules.fhir);
            if !found.is_empty() {
                self.enclosed(&found, bytes, scorer, top, left);
                return Format::Xml;
            }
        }
        let shaped =
            if fhir { fhir::shaped(&tape, &rules.fhir) } else { object::shaped(&tape, &rules.objects) };
        if let Some(shaped) = &shaped {
            scorer.links(shaped);
        }
        let patch = shaped.as_ref().filter(|_| fhir);
        let patch = patch.and_then(|tape| fhir::patched(tape, content_type, scorer.aim(), &rules.fhir));
        match (shaped, patch) {
            (Some(shaped), Some(Ok(patch))) => patch.walk(&shaped, &rules.fhir, &rules.objects, scorer),
            (_, Some(Err(error))) => self.unread_walk(error, media_type, bytes, scorer, top),
            (Some(shaped), None) if fhir => {
                fhir::walk_tape(&shaped, &rules.fhir, Some(&rules.objects), scorer)
            }
            (Some(shaped), None) => object::walk_tape(&shaped, &rules.objects, scorer),
            (None, _) => self.unread_walk(WalkError::Malformed { at: 0 }, media_type, bytes, scorer, top),
        }
        if fhir { Format::FhirXml } else { Format::Xml }
    }
}

/// Whether a part of the document is encrypted (W3C XML Encryption), as WS-Security has it: nobody reads that here.
fn is_encrypted(tape: &xml::Tape<'_>) -> bool {
    let has = |word: &str| tape.names().any(|name| tape.local_of(name) == word);
    has("CipherValue") && has("EncryptedData")
}
