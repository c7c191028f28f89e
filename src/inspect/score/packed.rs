//! One value in base64 under its own key: `"ssn": "Mjg5LTU0LTg4MzI="`. What is packed is taken for the value only where it is
//! one of its kind, whose shape base64 of anything else has by chance once in millions.

use crate::inspect::check::date;
use crate::inspect::decode;
use crate::inspect::kind::Kind;

/// The value that base64 under a field of this kind holds.
pub(super) fn of(kind: Kind, value: &str) -> Option<String> {
    if !matches!(kind, Kind::Ssn | Kind::BirthDate | Kind::Phone)
        || !(VALUE_BYTES_MIN..=VALUE_BYTES_MAX).contains(&value.len())
        || !value.bytes().any(|b| b.is_ascii_alphabetic())
        || !value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'='))
    {
        return None;
    }
    let unpacked = String::from_utf8(decode::base64(value)?).ok()?;
    let is_one = match kind {
        Kind::BirthDate => date::parse(&unpacked).is_some(),
        _ => {
            let count = unpacked.bytes().filter(u8::is_ascii_digit).count();
            let is_number =
                |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b' ' | b'.' | b'(' | b')' | b'+');
            unpacked.bytes().all(is_number)
                && if kind == Kind::Ssn { count == 9 } else { (10..=15).contains(&count) }
        }
    };
    is_one.then_some(unpacked)
}

/// Of eight digits, and of the longest phone number with what stands between.
const VALUE_BYTES_MIN: usize = 11;
const VALUE_BYTES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_a_value_of_its_kind_or_nothing() {
        for (kind, value, unpacked) in [
            (Kind::Ssn, "Mjg5LTU0LTg4MzI=", "289-54-8832"),
            (Kind::Ssn, "Mjg5NTQ4ODMy", "289548832"),
            (Kind::BirthDate, "MTk1My0wMi0xMA==", "1953-02-10"),
            (Kind::Phone, "OTM3LTI3NC04ODEw", "937-274-8810"),
        ] {
            assert_eq!(of(kind, value).as_deref(), Some(unpacked), "{value}");
        }
        for (kind, value) in [
            (Kind::Ssn, "289-54-8832"),
            (Kind::Ssn, "MTk1My0wMi0xMA=="),
            (Kind::BirthDate, "22-Jun-1962"),
            (Kind::BirthDate, "September101962"),
            (Kind::GivenName, "TG9ycmFpbmU="),
            (Kind::Phone, "ext-937-2748810"),
        ] {
            assert_eq!(of(kind, value), None, "{value}");
        }
    }
}
