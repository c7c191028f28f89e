//! Medicare Beneficiary Identifiers (CMS, "Understanding the MBI Format").

use crate::inspect::marker::Sign;

/// Whether `value` has the form: 11 characters, each place fixed; the letters S, L, O, I, B and Z are never used.
#[must_use]
pub fn has_form(value: &str) -> bool {
    places(value).is_some_and(|p| p.iter().all(|c| !never_used(*c)))
}

/// What the number itself says of whether it can be a person's.
#[must_use]
pub fn sign(value: &str) -> Sign {
    match places(value) {
        Some(p) if p.iter().any(|c| never_used(*c)) => Sign::Sure,
        Some(_) if is_published(value) => Sign::Sure,
        _ => Sign::None,
    }
}

/// Whether a number of unknown kind is one of CMS's made-up ones: of its card pictures, or with the `S` in second
/// place that marks its synthetic rows. Any other letter may stand in a member number of that shape.
#[must_use]
pub fn is_published(value: &str) -> bool {
    places(value).is_some_and(|p| p == *b"1EG4TE5MK72" || p == *b"1EG4TE5MK73" || p[1] == b'S')
}

/// The eleven places without dashes, if each is of its class (all 26 letters taken).
fn places(value: &str) -> Option<[u8; 11]> {
    let mut out = [0; 11];
    let mut n = 0;
    for b in value.bytes().filter(|b| !matches!(b, b'-' | b' ')) {
        *out.get_mut(n)? = b.to_ascii_uppercase();
        n += 1;
    }
    // C digit 1-9, A letter, X letter or digit, N digit.
    let fits = |class: u8, b: u8| match class {
        b'C' => matches!(b, b'1'..=b'9'),
        b'A' => b.is_ascii_uppercase(),
        b'X' => b.is_ascii_alphanumeric(),
        _ => b.is_ascii_digit(),
    };
    (n == 11 && out.iter().zip(b"CAXNAXNAANN").all(|(b, c)| fits(*c, *b))).then_some(out)
}

const fn never_used(b: u8) -> bool {
    matches!(b, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_pictures_and_synthetic_rows_are_sure() {
        assert_eq!(sign("1EG4-TE5-MK73"), Sign::Sure);
        assert_eq!(sign("1S00E00AA00"), Sign::Sure);
        assert_eq!(sign("2FP3HV9TR47"), Sign::None);
        assert!(has_form("2FP3HV9TR47"));
        assert!(!has_form("1S00E00AA00"));
        assert!(!has_form("2FP3HV9TR4"));
    }
}
