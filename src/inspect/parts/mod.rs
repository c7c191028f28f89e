//! Multipart bodies (RFC 2046, section 5.1): forms (RFC 7578), related parts (RFC 2387; MTOM and XOP), batches of HTTP.
//!
//! Each part is read by its own headers. The fields of a form tell of one person, who is that of the form's documents
//! where those have one alone; what has a file name or a type is a document. Values of fields are judged by the key
//! table, file names as file names, other headers as headers. A boundary that is missing or wrong is told as malformed,
//! and the parts are read by the boundary that the body shows, or the whole as text.

mod split;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use super::finding::UninspectedReason;
use super::format::{self, Format};
use super::offsets::Escapes;
use super::score::{Scorer, Stand};
use super::walk::{Leaf, PersonId, Reads, Sink};
use super::{Inspector, charset, decode, text_of, url};
pub(super) use split::parameters;
pub(crate) use split::{Header, Parts, headers, parameter, shown_boundary};
use std::borrow::Cow;
use std::ops::Range;

/// Whether bytes begin as a multipart body does: a boundary, and a header of a part right behind.
#[must_use]
pub(super) fn recognise(bytes: &[u8]) -> bool {
    split::shown_boundary(bytes).is_some()
}

impl<'r> Inspector<'r> {
    pub(super) fn multipart(
        &self,
        content_type: &str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        left: &mut usize,
    ) {
        let media_type = format::known_media_type(content_type);
        let stand = scorer.stand();
        let declares =
            media_type.starts_with("multipart/") || content_type.to_ascii_lowercase().contains("multipart/");
        let declared =
            parameter(content_type, "boundary").map(|boundary| Parts::of(bytes, boundary.as_bytes()));
        let parts = match declared.filter(|parts| !parts.parts.is_empty()) {
            Some(parts) => Some(parts),
            None => split::shown_boundary(bytes)
                .map(|boundary| Parts { closed: !declares, ..Parts::of(bytes, boundary) }),
        };
        let place = || if stand.depth() == 0 { "body".to_owned() } else { String::new() };
        let readable = parts.filter(|_| stand.depth() < self.budget.carrier_depth_max);
        let Some(parts) = readable else {
            let reason = match stand.depth() < self.budget.carrier_depth_max {
                true => UninspectedReason::Malformed,
                false => UninspectedReason::TooDeep,
            };
            scorer.unread(reason, media_type, place());
            scorer.plain_bytes(bytes);
            return;
        };
        if !parts.closed {
            scorer.unread(UninspectedReason::Malformed, media_type, place());
        }
        let form = scorer.form();
        for (number, at) in parts.parts.iter().enumerate() {
            self.part(number + 1, at.clone(), bytes, &stand, form, scorer, left);
        }
        // What stands around the parts is read by nobody, and carried all the same.
        for at in parts.around {
            scorer.piece(&stand, at.clone(), true, false, "around the parts");
            scorer.plain_bytes(bytes.get(at).unwrap_or_default());
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a part is its place in the body, and what all parts share"
    )]
    fn part(
        &self,
        number: usize,
        at: Range<usize>,
        bytes: &[u8],
        stand: &Stand,
        form: PersonId,
        scorer: &mut Scorer<'r>,
        left: &mut usize,
    ) {
        let place = format!("part {number}");
        let (headers, body_at) = split::headers(bytes, at);
        let find = |name: &str| {
            headers.iter().find(|h| h.name == name).map(|h| h.value.as_str()).unwrap_or_default()
        };
        let content_type = find("content-type");
        let disposition = find("content-disposition");
        self.part_headers(&headers, stand, form, &place, scorer);
        let raw = bytes.get(body_at.clone()).unwrap_or_default();
        let media_type = format::known_media_type(content_type);
        scorer.piece(stand, body_at.clone(), true, true, &place);
        let encoding = find("content-transfer-encoding").trim().to_ascii_lowercase();
        let body = match self.transferred(&encoding, raw, left) {
            Ok(body) => body,
            Err(reason) => {
                scorer.unread(reason, media_type, String::new());
                scorer.plain_bytes(raw);
                return;
            }
        };
        let body = match decode::wide(&body) {
            Some(Ok(text)) => Cow::Owned(text.into_bytes()),
            Some(Err(reason)) => return scorer.unread(reason, media_type, String::new()),
            None => body,
        };
        let as_is = matches!(body, Cow::Borrowed(_));
        let format = Format::of(content_type, &body);
        let is_file =
            parameter(disposition, "filename").is_some() || parameter(disposition, "filename*").is_some();
        let name = parameter(disposition, "name")
            .filter(|_| !is_file && matches!(format, Format::Text | Format::Empty));
        if let Some(name) = name {
            if !charset::reads(content_type, &body) {
                scorer.unread(UninspectedReason::Charset, media_type, String::new());
            }
            scorer.form_piece(form, stand, body_at, as_is, &place);
            self.part_field(&name, &body, scorer);
        } else {
            scorer.piece(stand, body_at, as_is, true, &place);
            let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if matches!(essence.as_str(), "application/http" | "message/http") {
                self.http(&body, as_is, scorer, left);
            } else {
                self.document(format, content_type, &body, scorer, false, left);
            }
        }
        self.carriers(scorer, left);
    }

    /// A field of a form, by the key table.
    fn part_field(&self, name: &str, body: &[u8], scorer: &mut Scorer<'r>) {
        let value = text_of(body);
        let value = value.trim_end();
        let field = url::field_of_key(&self.rules.objects, name);
        let reads = if field.is_some() { Reads::Value } else { Reads::Text };
        let leaf = Leaf {
            span: 0..body.trim_ascii_end().len(),
            value: Cow::Borrowed(value),
            field,
            person: PersonId(0),
            reads,
            cue: name,
        };
        let tables = url::Tables { queries: &self.rules.queries, objects: &self.rules.objects };
        scorer.leaf(&leaf, &|| if field.is_some() { tables.shown(name) } else { "*".to_owned() });
    }

    /// Names of fields and files, and what other headers say.
    fn part_headers(
        &self,
        headers: &[Header],
        stand: &Stand,
        form: PersonId,
        place: &str,
        scorer: &mut Scorer<'r>,
    ) {
        for header in headers {
            scorer.form_piece(form, stand, header.span.clone(), header.as_is, place);
            match header.name.as_str() {
                "content-disposition" | "content-type" => {
                    let named = |name: &str| split::placed_parameter(&header.value, name);
                    if let Some((name, at)) = named("name").filter(|_| header.name == "content-disposition")
                        && url::field_of_key(&self.rules.objects, &name).is_none()
                    {
                        scorer.unknown_key(&name, at, PersonId(0), &|| "*".to_owned());
                    }
                    let file = ["filename", "filename*"].into_iter().find_map(named);
                    let file = file.or_else(|| named("name").filter(|_| header.name == "content-type"));
                    if let Some((file, at)) = file {
                        // RFC 5987: charset'language'percent-encoded.
                        let (front, file) = file.rsplit_once("''").unwrap_or(("", file.as_str()));
                        let front = if front.is_empty() { 0 } else { front.len() + 2 };
                        let value: Cow<'_, str> = Cow::Owned(decode::percent(file, false));
                        let field = self.rules.objects.free_text("filename");
                        if value.len() < at.len() {
                            scorer.carried_raw(Escapes::Percent, header.value.as_bytes());
                        }
                        let leaf = Leaf {
                            span: at.start + front..at.end,
                            value,
                            field,
                            person: PersonId(0),
                            reads: Reads::Text,
                            cue: "filename",
                        };
                        scorer.leaf(&leaf, &|| "filename".to_owned());
                    }
                }
                // A machine's id of the part, in the form of an address (RFC 2045, section 7).
                "content-transfer-encoding" | "mime-version" | "content-id" => {}
                name if url::is_protocols(name, &header.value) => {}
                name => url::walk_header(name, &header.value, &self.tables(), PersonId(0), scorer),
            }
        }
    }

    /// The body of a part without its transfer encoding, and without a compression that shows.
    fn transferred<'b>(
        &self,
        encoding: &str,
        raw: &'b [u8],
        left: &mut usize,
    ) -> Result<Cow<'b, [u8]>, UninspectedReason> {
        let decoded = match encoding {
            "" | "7bit" | "8bit" | "binary" => return decode::content("", raw, &self.budget, left),
            "base64" => decode::base64(&text_of(raw)).ok_or(UninspectedReason::Malformed)?,
            "quoted-printable" => decode::quoted_printable(raw),
            _ => return Err(UninspectedReason::Encoding),
        };
        *left = left.checked_sub(decoded.len()).ok_or(UninspectedReason::Budget)?;
        let plain = decode::content("", &decoded, &self.budget, left)?;
        Ok(Cow::Owned(plain.into_owned()))
    }

    /// A request or reply in a batch (RFC 9112): target, headers, body.
    fn http(&self, bytes: &[u8], as_is: bool, scorer: &mut Scorer<'r>, left: &mut usize) {
        let stand = scorer.stand();
        let line = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
        let start = text_of(bytes.get(..line).unwrap_or_default()).into_owned();
        let form = scorer.form();
        let mut words = start.split(' ');
        let mut resource = "";
        if let (Some(method), Some(target)) = (words.next(), words.next())
            && !method.starts_with("HTTP/")
        {
            let at = method.len() + 1;
            scorer.form_piece(form, &stand, at..at + target.len(), as_is, "target");
            resource = url::walk_url(target, 0, &self.tables(), PersonId(0), scorer);
        }
        let outer = scorer.aim_at(resource);
        let (headers, body_at) = split::headers(bytes, (line + 1).min(bytes.len())..bytes.len());
        self.part_headers(&headers, &stand, form, "header", scorer);
        let content_type = headers.iter().find(|h| h.name == "content-type").map(|h| h.value.as_str());
        let body = bytes.get(body_at.clone()).unwrap_or_default();
        scorer.piece(&stand, body_at, as_is, false, "body");
        let content_type = content_type.unwrap_or_default();
        self.document(Format::of(content_type, body), content_type, body, scorer, false, left);
        scorer.aim_at(&outer);
    }
}
