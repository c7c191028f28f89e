//! Multipart by its own syntax: what a part is called and what it holds, each by its own format; the boundary is ours.

use super::credential::names_credential;
use super::leaf::{Pieces, Redactor, SECRET, fixed, leaf};
use crate::inspect::finding::UninspectedReason;
use crate::inspect::format::{Format, known_media_type};
use crate::inspect::parts::{self, Header, Parts, parameter};
use crate::inspect::{decode, url};
use crate::record::packed::Word;
use std::borrow::Cow;

impl Redactor<'_> {
    pub(super) fn multipart(&mut self, content_type: &str, body: &[u8], depth: u8, out: &mut Pieces) {
        let declared = parameter(content_type, "boundary").map(|b| Parts::of(body, b.as_bytes()));
        let shown = || parts::shown_boundary(body).map(|boundary| Parts::of(body, boundary));
        let found = declared.filter(|parts| !parts.parts.is_empty()).or_else(shown);
        let Some(found) = found.filter(|_| depth < self.budget.carrier_depth_max) else {
            return self.opaque(body, UninspectedReason::Malformed.as_str(), out);
        };
        // Parts of parts have a boundary of their own.
        let boundary = format!("--part-{depth}");
        for at in found.parts {
            let (headers, body_at) = parts::headers(body, at);
            out.text(&boundary);
            out.text("\r\n");
            let find = |name: &str| headers.iter().find(|h| h.name == name).map_or("", |h| &h.value);
            self.part_headers(&headers, depth, out);
            out.text("\r\n");
            let raw = body.get(body_at).unwrap_or_default();
            let said = [find("content-type"), find("content-disposition"), find(ENCODING)];
            self.part(said, raw, depth, out);
            out.text("\r\n");
        }
        out.text(&boundary);
        out.text("--\r\n");
    }

    /// What a part is called, by our tables; its type, of the list that we write down.
    fn part_headers(&self, headers: &[Header], depth: u8, out: &mut Pieces) {
        for header in headers {
            match header.name.as_str() {
                "content-disposition" => {
                    let form = header.value.trim_start().starts_with("form-data");
                    out.text("Content-Disposition: ");
                    out.text(if form { "form-data" } else { "attachment" });
                    if let Some(name) = parameter(&header.value, "name") {
                        out.text("; name=\"");
                        let is_known = url::field_of_key(&self.rules.objects, &name).is_some();
                        match is_known || names_credential(&name) {
                            true => self.name(&name, out),
                            false => out.leaf(leaf(Word::Key, name.len(), "*")),
                        }
                        out.text("\"");
                    }
                    let file = ["filename", "filename*"].iter().find_map(|p| parameter(&header.value, p));
                    if let Some(file) = file {
                        out.text("; filename=\"");
                        out.leaf(leaf(Word::Text, file.len(), "[file-name]"));
                        out.text("\"");
                    }
                    out.text("\r\n");
                }
                "content-type" => {
                    let essence = known_media_type(&header.value);
                    out.text("Content-Type: ");
                    out.text(if essence == "other" { "application/octet-stream" } else { essence });
                    if essence.starts_with("multipart/") {
                        out.text(&format!("; boundary=part-{}", depth.saturating_add(1)));
                    }
                    out.text("\r\n");
                }
                _ => {}
            }
        }
    }

    /// What a part holds, by its type, its disposition and its encoding.
    fn part(
        &mut self,
        [content_type, disposition, encoding]: [&str; 3],
        raw: &[u8],
        depth: u8,
        out: &mut Pieces,
    ) {
        let plain = match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Some(Cow::Borrowed(raw)),
            "base64" => std::str::from_utf8(raw).ok().and_then(decode::base64).map(Cow::Owned),
            "quoted-printable" => Some(Cow::Owned(decode::quoted_printable(raw))),
            _ => None,
        };
        let Some(plain) = plain else {
            return self.opaque(raw, UninspectedReason::Encoding.as_str(), out);
        };
        let mut left = self.budget.decoded_bytes_max;
        let Ok(body) = decode::content("", &plain, &self.budget, &mut left) else {
            return self.opaque(raw, UninspectedReason::Budget.as_str(), out);
        };
        let is_file =
            parameter(disposition, "filename").is_some() || parameter(disposition, "filename*").is_some();
        let name = parameter(disposition, "name")
            .filter(|_| !is_file && matches!(Format::of(content_type, &body), Format::Text));
        match name {
            Some(name) => self.part_field(&name, &body, out),
            None => self.decoded(content_type, &body, depth.saturating_add(1), out),
        }
    }

    /// A field of a form, by the key table.
    fn part_field(&mut self, name: &str, body: &[u8], out: &mut Pieces) {
        use crate::inspect::walk::{Leaf, PersonId, Reads, Sink};
        if names_credential(name) {
            return out.leaf(fixed(SECRET));
        }
        self.document(body);
        let field = url::field_of_key(&self.rules.objects, name);
        let span = 0..body.trim_ascii_end().len();
        let value = String::from_utf8_lossy(body.get(span.clone()).unwrap_or_default());
        let reads = if field.is_some() { Reads::Value } else { Reads::Text };
        let told = Leaf { span: span.clone(), value, field, person: PersonId(0), reads, cue: name };
        self.leaf(&told, &|| "*".to_owned());
        out.leaf(self.shown(span, Word::Text));
    }
}

const ENCODING: &str = "content-transfer-encoding";
