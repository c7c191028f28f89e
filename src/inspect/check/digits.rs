//! Digits: picking them out, runs that nobody is issued, Luhn, VIN.

/// The ASCII digits of `value`, in order. Full-width digits count as what they show.
#[must_use]
pub fn only(value: &str) -> Vec<u8> {
    let mut only = Vec::with_capacity(value.len());
    only.extend(each(value));
    only
}

/// How many there are.
#[must_use]
pub fn count(value: &str) -> usize {
    each(value).count()
}

fn each(value: &str) -> impl Iterator<Item = u8> {
    value.chars().filter_map(|c| match c {
        '0'..='9' => Some(c as u8),
        '\u{FF10}'..='\u{FF19}' => u8::try_from(u32::from(c) - 0xFF10).ok().map(|d| d + b'0'),
        _ => None,
    })
}

/// Whether all are the same: `111111111`.
#[must_use]
pub fn all_same(digits: &[u8]) -> bool {
    digits.first().is_some_and(|first| digits.iter().all(|d| d == first))
}

/// Whether they count up or down by one, 0 after 9: `123456789`, `987654321`, `0123456789`.
#[must_use]
pub fn counts(digits: &[u8]) -> bool {
    let steps = |by: u8| digits.windows(2).all(|w| matches!(w, [a, b] if (a - b'0' + by) % 10 == b - b'0'));
    digits.len() > 3 && (steps(1) || steps(9))
}

/// Whether people type them rather than are issued them: all the same, counting, one to three digits over and over,
/// counting from one behind zeros, or one of the first numbers of all behind them (under 10 behind three, under 100 behind
/// four and more).
#[must_use]
pub fn is_typed(digits: &[u8]) -> bool {
    let repeats = |period: usize| {
        digits.len() >= period * 2
            && digits.len() >= 6
            && digits.iter().zip(digits.iter().skip(period)).all(|(a, b)| a == b)
    };
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    all_same(digits)
        || counts(digits)
        || digits.get(zeros..).is_some_and(|rest| rest.starts_with(b"12") && counts(rest))
        || repeats(2)
        || repeats(3)
        || (zeros >= 4 && digits.len() - zeros <= 2)
        || (zeros >= 3 && digits.len() - zeros <= 1)
}

/// Whether they are one of the first numbers that a register gives, under 1000, and written as a register writes them: with
/// a label in front, or with zeros up to its width. A short number by itself is anybody's.
#[must_use]
pub fn is_one_of_the_first(digits: &[u8], labelled: bool) -> bool {
    let behind = digits.iter().skip_while(|d| **d == b'0').count();
    let least = if labelled { LABELLED_DIGITS_MIN } else { REGISTER_DIGITS_MIN };
    (least..=REGISTER_DIGITS_MAX).contains(&digits.len()) && (1..=3).contains(&behind)
}

/// Whether they are as many as registers give, without zeros in front, and nobody types them.
#[must_use]
pub fn is_plain(digits: &[u8]) -> bool {
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    digits.len() - zeros >= REGISTER_DIGITS_MIN && !is_typed(digits)
}

/// Registers have numbers of fewer digits.
const REGISTER_DIGITS_MAX: usize = 12;
/// And of no fewer.
const REGISTER_DIGITS_MIN: usize = 6;
/// Test sets number their people with fewer: `PAT001`.
const LABELLED_DIGITS_MIN: usize = 3;

/// Luhn's check (ISO/IEC 7812-1, annex B).
#[must_use]
pub fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| {
            let d = u32::from(d - b'0') * if i % 2 == 1 { 2 } else { 1 };
            if d > 9 { d - 9 } else { d }
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// A National Provider Identifier: ten digits, Luhn with 80840 in front (CMS, NPI check digit).
#[must_use]
pub fn npi(value: &str) -> bool {
    value.len() == 10
        && value.bytes().all(|b| b.is_ascii_digit())
        && luhn(&[b"80840".as_slice(), value.as_bytes()].concat())
}

/// A number of the Drug Enforcement Administration: two letters (the second may be 9) and seven digits, the last of which
/// checks the others (DEA Diversion Control, registration number).
#[must_use]
pub fn dea(value: &str) -> bool {
    let Some((letters, digits)) = value.split_at_checked(2) else { return false };
    let [a, b, c, d, e, f, check] = digits.as_bytes() else { return false };
    let is_letter = |(at, b): (usize, u8)| b.is_ascii_alphabetic() || (at == 1 && b == b'9');
    let sum = |digits: [&u8; 3]| digits.iter().map(|d| u32::from(**d - b'0')).sum::<u32>();
    letters.bytes().enumerate().all(is_letter)
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (sum([a, c, e]) + 2 * sum([b, d, f])) % 10 == u32::from(check - b'0')
}

/// A vehicle number: 17 characters without I, O and Q, the ninth a check digit (49 CFR 565.15), or all the same.
#[must_use]
pub fn vin(value: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let bytes = value.as_bytes();
    // Seventeen digits are a number of something else: makers' codes have letters (49 CFR 565.15).
    if bytes.len() != 17 || bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut sum = 0;
    for (b, weight) in bytes.iter().zip(WEIGHTS) {
        let b = b.to_ascii_uppercase();
        sum += weight
            * match b {
                b'0'..=b'9' => u32::from(b - b'0'),
                b'A'..=b'H' => u32::from(b - b'A') + 1,
                b'J'..=b'N' => u32::from(b - b'J') + 1,
                b'P' => 7,
                b'R' => 9,
                b'S'..=b'Z' => u32::from(b - b'S') + 2,
                _ => return false,
            };
    }
    let check = if sum % 11 == 10 { b'X' } else { b"0123456789"[(sum % 11) as usize] };
    bytes.get(8).is_some_and(|b| b.to_ascii_uppercase() == check)
}

/// The digits of a number that is told word by word, as somebody says it: `four one two` is `412`.
#[must_use]
pub fn said(value: &str) -> Option<String> {
    let words = value.split([' ', ',', '-']).filter(|word| !word.is_empty());
    words.map(|word| Some(char::from(b'0' + digit(word)?))).collect()
}

/// Whether a word is one of the numbers below a hundred that have words of their own.
pub(super) fn is_number_word(word: &str) -> bool {
    digit(word).is_some() || NUMBERS.iter().any(|number| word.eq_ignore_ascii_case(number))
}

fn digit(word: &str) -> Option<u8> {
    let at = DIGITS.iter().position(|digit| word.eq_ignore_ascii_case(digit))?;
    u8::try_from(at % 10).ok()
}

/// Words for digits; behind the ten of them another word for zero.
const DIGITS: [&str; 11] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh"];
const NUMBERS: [&str; 18] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_and_npi_take_the_worked_examples() {
        assert!(luhn(b"4111111111111111"));
        assert!(!luhn(b"4111111111111112"));
        assert!(npi("1234567893"));
        assert!(!npi("1234567890"));
    }

    #[test]
    fn dea_takes_numbers_with_a_good_check() {
        for good in ["AB1234563", "mf9934565", "B91234563"] {
            assert!(dea(good), "{good}");
        }
        for bad in ["AB1234564", "9B1234563", "AB123456", "AB12345633", "ABC234563", "é1234563", ""] {
            assert!(!dea(bad), "{bad}");
        }
    }

    #[test]
    fn vin_takes_the_worked_example_of_the_regulation() {
        assert!(vin("1M8GDM9AXKP042788"));
        assert!(!vin("1M8GDM9A1KP042788"));
        assert!(!vin("11111111111111111"), "a good check digit, and no letter");
    }

    #[test]
    fn typed_runs_are_told_from_issued_numbers() {
        for v in
            ["00000000", "123456789", "121212", "123123123", "0000001", "000042", "000001234", "0000012345"]
        {
            assert!(is_typed(v.as_bytes()), "{v}");
        }
        for v in ["00345678", "48213077", "00012", "0000123", "1221", ""] {
            assert!(!is_typed(v.as_bytes()), "{v}");
        }
    }

    #[test]
    fn the_first_of_a_register_are_small() {
        for v in ["000001", "00000417", "000999"] {
            assert!(is_one_of_the_first(v.as_bytes(), false), "{v}");
        }
        for v in ["", "000000", "100", "417", "1", "99", "123", "001", "0999", "000001000", "0000000000417"] {
            assert!(!is_one_of_the_first(v.as_bytes(), false), "{v}");
        }
        assert!(is_one_of_the_first(b"417", true) && is_one_of_the_first(b"0001", true));
        assert!(!is_one_of_the_first(b"1417", true) && !is_one_of_the_first(b"77", true));
    }

    #[test]
    fn what_nobody_types_is_plain() {
        for v in ["8834127", "448190", "000448190"] {
            assert!(is_plain(v.as_bytes()), "{v}");
        }
        for v in ["", "88412", "00088412", "123456", "000000", "1212121"] {
            assert!(!is_plain(v.as_bytes()), "{v}");
        }
    }

    #[test]
    fn counting_runs_wrap() {
        assert!(counts(b"7890123"));
        assert!(counts(b"987654321"));
        assert!(!counts(b"1235"));
    }

    #[test]
    fn digits_are_said_by_words() {
        assert_eq!(said("four one-two, Oh nine").as_deref(), Some("41209"));
        assert_eq!(said("four ten"), None);
        assert_eq!(said("the one"), None);
        assert!(is_number_word("Sixty") && is_number_word("two") && !is_number_word("hundred"));
    }
}
