//! How a value reads, by its row, its element and its own look.

use super::super::Reads;
use super::grammar::Classes;
use super::table::Carry;

pub(super) fn reads(row: Option<Carry>, classes: Classes, component: u32, value: &str) -> Reads<'static> {
    let by_type = || match classes.reads(component) {
        Reads::Quantity if !is_number(value) => Reads::Text,
        Reads::Time if !is_time(value) => Reads::Text,
        Reads::Opaque if !is_id(value) => Reads::Text,
        reads => reads,
    };
    match row {
        None | Some(Carry::Type) => by_type(),
        Some(Carry::Value) => Reads::Value,
        Some(Carry::Public) => Reads::Public,
        Some(Carry::Opaque) if is_id(value) => Reads::Opaque,
        Some(Carry::Opaque | Carry::Text | Carry::Attachment) => Reads::Text,
    }
}

/// A number with an optional sign and point: what isn't is no quantity, whatever its element says.
fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    (1..=NUMBER_BYTES_MAX).contains(&digits.len())
        && digits.bytes().all(|c| c.is_ascii_digit() || c == b'.')
        && digits.bytes().filter(|c| *c == b'.').count() < 2
}

/// A date, a time, or a range of two.
fn is_time(value: &str) -> bool {
    value.bytes().all(|c| c.is_ascii_digit() || c == b'-')
}

/// One word: a control number has no blanks.
fn is_id(value: &str) -> bool {
    value.len() <= ID_BYTES_MAX && value.bytes().all(|c| c.is_ascii_graphic())
}

/// A longer run of digits is no measured number (datatype R).
const NUMBER_BYTES_MAX: usize = 18;
/// Reference numbers have up to 50 characters (elements 127 and 329).
const ID_BYTES_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::walk::x12::grammar::segments;

    #[test]
    fn what_is_no_number_time_or_id_is_text() {
        let classes = |id: &str, n: usize| segments().find(|(known, ..)| *known == id).unwrap().1[n - 1];
        let of = |id, n, value| reads(None, classes(id, n), 1, value);
        assert_eq!((of("AMT", 2, "-12.50"), of("AMT", 2, "SMITH")), (Reads::Quantity, Reads::Text));
        assert_eq!((of("GS", 4, "20260101"), of("GS", 4, "JOHN")), (Reads::Time, Reads::Text));
        assert_eq!((of("ST", 2, "0001"), of("ST", 2, "JOHN SMITH")), (Reads::Opaque, Reads::Text));
    }
}
