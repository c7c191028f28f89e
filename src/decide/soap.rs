//! The refusal of a SOAP message: a fault (SOAP 1.1, section 4.4; SOAP 1.2 part 1, section 5.4).
//!
//! - Takes: what is refused, and whether it is the sender's to fix.
//! - Gives: an envelope with a fault and nothing else. Nothing of the message is echoed, its headers neither.
//! - Its status is what the HTTP bindings say of faults over what a message holds (SOAP 1.1, section 6.2; SOAP 1.2 part 2,
//!   section 7.5): clients look for a fault behind no other. What is HTTP's own matter (keys, rates, paths) keeps its status,
//!   by which clients sign in and try again, and has the fault beside it.

use super::dialect::accepts;
use super::refusal::{Refusal, xml};

/// Which version of SOAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Soap {
    /// SOAP 1.1: `text/xml`.
    V11,
    /// SOAP 1.2: `application/soap+xml`.
    V12,
}

/// Who has to do something about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// `Client`, `Sender`: the message as it is won't pass.
    Sender,
    /// `Server`, `Receiver`: the upstream's, or the gateway's own.
    Receiver,
}

impl Soap {
    /// The version that a message speaks: by its envelope, else by its types, which are in lower case. With attachments
    /// (`multipart/related`) the type of the envelope is a parameter (SOAP 1.2 Attachment Feature; MTOM, section 3.2).
    pub(super) fn of(content_type: &str, accept: &str, has_action: bool, body: &[u8]) -> Option<Self> {
        if let Some(version) = envelope(body) {
            return Some(version);
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let is_related = essence == "multipart/related";
        if essence == V12_TYPE || is_related && content_type.contains(V12_TYPE) {
            return Some(Self::V12);
        }
        // `SOAPAction` is of SOAP 1.1 alone, and has to be there (section 6.1.1).
        if has_action && (matches!(essence, "text/xml" | "application/xml" | "") || is_related) {
            return Some(Self::V11);
        }
        accepts(accept, V12_TYPE).then_some(Self::V12)
    }

    /// Content type of a fault.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// The fault itself.
    pub(super) fn fault(self, refusal: &Refusal, fault: Fault, record: &str) -> String {
        let text = xml(&format!("{} Record {record}.", refusal.sentence()));
        let detail = detail(refusal, record);
        match self {
            Self::V11 => {
                let code = match fault {
                    Fault::Sender => "Client",
                    Fault::Receiver => "Server",
                };
                // Who isn't where the message goes to says so: `faultactor`, `Node`.
                format!(
                    "{DECLARATION}<soap:Envelope xmlns:soap=\"{V11_NAMESPACE}\"><soap:Body><soap:Fault>\
                     <faultcode>soap:{code}</faultcode><faultstring>{text}</faultstring>\
                     <faultactor>{NODE}</faultactor><detail>{detail}</detail>\
                     </soap:Fault></soap:Body></soap:Envelope>"
                )
            }
            Self::V12 => {
                let code = match fault {
                    Fault::Sender => "Sender",
                    Fault::Receiver => "Receiver",
                };
                format!(
                    "{DECLARATION}<env:Envelope xmlns:env=\"{V12_NAMESPACE}\"><env:Body><env:Fault>\
                     <env:Code><env:Value>env:{code}</env:Value><env:Subcode>\
                     <env:Value xmlns:r=\"urn:phigate:reason\">r:{}</env:Value></env:Subcode></env:Code>\
                     <env:Reason><env:Text xml:lang=\"en\">{text}</env:Text></env:Reason>\
                     <env:Node>{NODE}</env:Node><env:Detail>{detail}</env:Detail>\
                     </env:Fault></env:Body></env:Envelope>",
                    refusal.reason
                )
            }
        }
    }
}

/// What clients read by program: one element with reason and record, and one in it for each thing to fix.
fn detail(refusal: &Refusal, record: &str) -> String {
    let mut out = format!(
        "<refusal xmlns=\"urn:phigate:refusal\" reason=\"{}\" record=\"{}\"",
        refusal.reason,
        xml(record)
    );
    if let Some(id) = &refusal.register {
        out += &format!(" register=\"{}\"", xml(id));
    }
    if refusal.more > 0 {
        out += &format!(" more=\"{}\"", refusal.more);
    }
    out.push('>');
    for spot in &refusal.spots {
        out += &format!(
            "<finding part=\"{}\" place=\"{}\" rule=\"{}\" kind=\"{}\" points=\"{}\">{}</finding>",
            xml(&spot.part.to_string()),
            xml(&spot.place),
            xml(&spot.rule),
            xml(&spot.kind),
            spot.points,
            xml(&spot.advice)
        );
    }
    out + "</refusal>"
}

/// The version by the envelope that a body begins with; `None` where it begins with none, or none that is known.
fn envelope(body: &[u8]) -> Option<Soap> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let mut rest = body.get(..body.len().min(HEAD_BYTES_MAX)).unwrap_or_default().trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ => break,
        };
        let at = memchr::memmem::find(rest, end)?;
        rest = rest.get(at + end.len()..)?.trim_ascii_start();
    }
    let tag = rest.strip_prefix(b"<")?;
    let tag = tag.get(..memchr::memchr(b'>', tag)?)?;
    let name = tag.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let local = name.rsplit(|b| *b == b':').next().unwrap_or_default();
    let has = |namespace: &str| memchr::memmem::find(tag, namespace.as_bytes()).is_some();
    match local {
        b"Envelope" if has(V12_NAMESPACE) => Some(Soap::V12),
        b"Envelope" if has(V11_NAMESPACE) => Some(Soap::V11),
        _ => None,
    }
}

const V12_TYPE: &str = "application/soap+xml";
const V11_NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12_NAMESPACE: &str = "http://www.w3.org/2003/05/soap-envelope";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
/// Who made the fault: it says nothing of where this gateway stands.
const NODE: &str = "urn:phigate";
/// Where the envelope is looked for.
const HEAD_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_told_by_the_envelope_then_by_the_types() {
        let v11 = |front: &str| {
            format!("{front}<s:Envelope a='1'\n xmlns:s=\"{V11_NAMESPACE}\"><s:Body/></s:Envelope>")
        };
        let v12 = format!("<Envelope xmlns='{V12_NAMESPACE}'/>");
        for front in ["", "\u{feff}", "<?xml version='1.0'?>\n<!-- <x> -->\r\n"] {
            assert_eq!(Soap::of("text/xml", "", false, v11(front).as_bytes()), Some(Soap::V11), "{front}");
        }
        assert_eq!(Soap::of("text/xml", "", true, v12.as_bytes()), Some(Soap::V12));
        for none in
            ["", "<", "<?xml", "<!--", "<a", "<Envelope/>", "<Envelope xmlns='urn:x'>", "{\"Envelope\":1}"]
        {
            assert_eq!(Soap::of("text/xml", "text/xml", false, none.as_bytes()), None, "{none}");
        }
        let related = "multipart/related; type=\"application/xop+xml\"; start-info=\"application/soap+xml\"";
        for (content_type, has_action, version) in [
            ("application/soap+xml; action=\"urn:x\"", false, Some(Soap::V12)),
            (related, false, Some(Soap::V12)),
            ("multipart/related; type=\"text/xml\"", true, Some(Soap::V11)),
            ("text/xml; charset=utf-8", true, Some(Soap::V11)),
            ("text/xml", false, None),
            ("application/json", true, None),
        ] {
            assert_eq!(Soap::of(content_type, "", has_action, b""), version, "{content_type}");
        }
        assert_eq!(Soap::of("", "application/soap+xml", false, b""), Some(Soap::V12));
    }
}
