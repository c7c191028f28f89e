//! Telephone numbers: the North American plan, and ranges set aside for fiction elsewhere.

use super::digits::{self, all_same, counts};
use crate::inspect::marker::Sign;

/// Whether `value` has ten digits, or eleven with the country code 1 in front, or `+` and eight to fifteen.
#[must_use]
pub fn has_form(value: &str) -> bool {
    let d = digits::only(without_extension(value));
    match d.len() {
        10 => true,
        11 => d.first() == Some(&b'1') || value.trim_start().starts_with('+'),
        8..=15 => value.trim_start().starts_with('+'),
        _ => false,
    }
}

/// `917-443-0682, ext 14` without what stands behind the number.
fn without_extension(value: &str) -> &str {
    value.find(['x', 'X', 'e', 'E', ',']).and_then(|at| value.get(..at)).unwrap_or(value)
}

/// Whether `value`, named a telephone number, can be one of any country's: seven to fifteen digits, and no date.
#[must_use]
pub fn has_any_form(value: &str) -> bool {
    (7..=15).contains(&digits::only(value).len()) && super::record::is_number(value)
}

/// What the number itself says of whether it can be a person's (NANPA; Ofcom and ACMA for numbers set aside).
#[must_use]
pub fn sign(value: &str) -> Sign {
    let all = digits::only(value);
    let set_aside = |prefixes: &[&[u8]]| prefixes.iter().any(|p| all.starts_with(p));
    if set_aside(&[b"441632960", b"01632960", b"447700900", b"07700900", b"61491570", b"0491570"])
        || (all.len() == 10 && set_aside(&[b"0255501", b"0355501", b"0755501", b"0855501"]))
    {
        return Sign::Sure;
    }
    let d = match all.as_slice() {
        [b'1', rest @ ..] if rest.len() >= 10 => rest,
        d => d,
    };
    // Extensions trail: the first ten digits are the number.
    match d.len() {
        0..=6 => Sign::Placeholder,
        7 if d.starts_with(b"55501") => Sign::Sure,
        7 if all_same(d) || counts(d) => Sign::Sure,
        7..=9 => Sign::None,
        _ if value.trim_start().starts_with('+') && all.first() != Some(&b'1') => Sign::None,
        _ => {
            let (area, exchange, line) = (&d[..3], &d[3..6], &d[6..10]);
            let undiallable = |code: &[u8]| matches!(code.first(), Some(b'0' | b'1'));
            if exchange == b"555" && line.starts_with(b"01")
                || undiallable(area)
                || undiallable(exchange)
                || area == b"555"
                || exchange.ends_with(b"11")
                || all_same(&d[..10])
                || &d[..10] == b"1234567890"
                || &d[3..10] == b"0000000"
                || &d[3..10] == b"5551212"
            {
                Sign::Sure
            } else {
                Sign::None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_called_one_may_be_of_any_plan() {
        for v in ["60-56-85-91", "07700 063 966", "(37) 788-063"] {
            assert!(has_any_form(v), "{v}");
        }
        for v in ["2024-05-01", "12-31", "1234567890123456"] {
            assert!(!has_any_form(v), "{v}");
        }
    }

    #[test]
    fn an_extension_is_no_part_of_the_form() {
        for v in ["917-443-0682 x14", "(917) 443-0682, ext. 14", "+1 917 443 0682 extension 14"] {
            assert!(has_form(v), "{v}");
        }
        assert!(!has_form("917-443 x0682"));
    }

    #[test]
    fn fiction_and_undiallable_numbers_are_sure() {
        for v in [
            "(312) 555-0142",
            "+1 614 555 0148",
            "555-665-4364",
            "012-345-6789",
            "123-456-7890",
            "999-999-9999",
            "212-911-1234",
            "212-555-1212",
            "+10000000000",
        ] {
            assert_eq!(sign(v), Sign::Sure, "{v}");
        }
    }

    #[test]
    fn other_555_numbers_and_dialled_ones_are_plausible() {
        for v in ["212-555-1234", "(915) 927-8377", "+1-415-982-3321 ext 12", "927-8377"] {
            assert_eq!(sign(v), Sign::None, "{v}");
        }
    }
}
