//! How a value reads, by its row, its datatype and its own look.

use super::super::Reads;
use super::grammar::Datatype;
use super::table::Carry;

/// What conditions may ask of a value itself.
pub(super) fn tag(datatype: &str, raw: &[u8], unsplit: bool) -> &'static str {
    match datatype {
        "TS" | "DT" if raw.len() == 4 && raw.iter().all(u8::is_ascii_digit) => "year",
        "XTN" if raw.contains(&b'@') => "@",
        "CX" if matches!(raw, [digit] if digit.is_ascii_digit()) => "digit",
        _ if unsplit && raw.iter().any(|c| matches!(c, b' ' | b',')) => "unsplit",
        _ => "",
    }
}

/// The component that one stands for: a whole phone number where only an area's code belongs is the number (XTN-6, XTN-7).
pub(super) fn component_of(datatype: &str, judged: u32, raw: &[u8]) -> u32 {
    let whole = || raw.iter().filter(|b| b.is_ascii_digit()).count() >= WHOLE_PHONE_DIGITS_MIN;
    if judged == AREA && datatype == "XTN" && whole() { AREA + 1 } else { judged }
}

/// `row` is what its row says of how it reads, if it has one.
pub(super) fn reads(row: Option<Carry>, datatype: &Datatype, component: u32, raw: &[u8]) -> Reads<'static> {
    let by_type = || match datatype.reads(component) {
        Reads::Quantity if !is_number(raw) => Reads::Text,
        Reads::Time if !raw.iter().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'+' | b'-')) => {
            Reads::Text
        }
        reads => reads,
    };
    match row {
        None | Some(Carry::Type) => by_type(),
        Some(Carry::Value) => Reads::Value,
        Some(Carry::Public | Carry::Contact) => Reads::Public,
        Some(Carry::Code) => Reads::Code,
        Some(Carry::Text | Carry::Query | Carry::Attachment) => Reads::Text,
    }
}

/// A number, one with a comparator, or a range of two: what isn't is no quantity, whatever its datatype says.
fn is_number(raw: &[u8]) -> bool {
    // As most are: digits, and a point among them.
    let (others, points) = raw.iter().fold((false, 0), |(others, points), c| {
        (others | (!c.is_ascii_digit() & (*c != b'.')), points + usize::from(*c == b'.'))
    });
    if !others && points < 2 && (1..=NUMBER_BYTES_MAX).contains(&raw.len()) {
        return true;
    }
    let mut numbers = 0;
    let plain = |part: &[u8]| {
        let part = part.trim_ascii();
        let part = part.strip_prefix(b"-").or_else(|| part.strip_prefix(b"+")).unwrap_or(part);
        !part.is_empty()
            && part.len() <= NUMBER_BYTES_MAX
            && part.iter().all(|c| c.is_ascii_digit() || *c == b'.')
            && part.iter().filter(|c| **c == b'.').count() < 2
    };
    let raw = raw.trim_ascii();
    let start = raw.iter().position(|c| !matches!(c, b'<' | b'>' | b'=' | b' ')).unwrap_or(0);
    let raw = raw.get(start..).unwrap_or_default();
    let (sign, rest) = raw.split_at(usize::from(raw.first().is_some_and(|c| matches!(c, b'-' | b'+'))));
    let mut parts = rest.split(|c| *c == b'-');
    let all = parts.by_ref().all(|part| {
        numbers += 1;
        plain(part)
    });
    all && numbers <= 2 && (sign.is_empty() || numbers == 1)
}

/// A longer run of digits is no measured number.
const NUMBER_BYTES_MAX: usize = 16;
/// Where XTN has an area's code, right before the local number.
const AREA: u32 = 6;
/// Fewer digits are no number with its area.
const WHOLE_PHONE_DIGITS_MIN: usize = 10;
