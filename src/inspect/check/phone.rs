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

/// Whether whoever calls it pays nothing (47 CFR 52.101): a company's, never a person's.
#[must_use]
pub fn is_toll_free(value: &str) -> bool {
    let d = digits::only(without_extension(value));
    let d = d.strip_prefix(b"1").unwrap_or(&d);
    let codes: [&[u8]; 7] = [b"800", b"833", b"844", b"855", b"866", b"877", b"888"];
    d.len() == 10 && codes.iter().any(|code| d.starts_with(code))
}

/// `917-443-0682, ext 14` without what stands behind the number.
fn without_extension(value: &str) -> &str {
    value.find(['x', 'X', 'e', 'E', ',']).and_then(|at| value.get(..at)).unwrap_or(value)
}

/// Whether `value`, named a telephone number, can be one of any country's: seven to fifteen digits, and no date.
#[must_use]
pub fn has_any_form(value: &str) -> bool {
    (7..=15).contains(&digits::count(value)) && super::record::is_number(value)
}

/// What the number itself says of whether it can be a person's (NANPA; Ofcom and ACMA for numbers set aside).
#[must_use]
pub fn sign(value: &str) -> Sign {
    // Of several in one field the one that says least: a dummy clears no number beside it.
    let mut numbers = value.split(['/', ';', ',', '|', '~']).filter(|one| digits::count(one) >= SHORTEST);
    if let (Some(first), Some(second)) = (numbers.next(), numbers.next()) {
        let signs = || [first, second].into_iter().chain(numbers.clone()).map(one_sign);
        return signs().find(|sign| *sign == Sign::None).unwrap_or_else(|| one_sign(first));
    }
    one_sign(value)
}

fn one_sign(value: &str) -> Sign {
    let all = digits::only(value);
    let abroad = match all.as_slice() {
        // What is dialled before a country's code, from most countries and from North America.
        [b'0', b'0', rest @ ..] | [b'0', b'1', b'1', rest @ ..] if rest.len() >= 10 => rest,
        d => d,
    };
    // Two numbers in a row begin like the first.
    let is_one = abroad.len() <= LONGEST;
    let set_aside = |prefixes: &[&[u8]]| is_one && prefixes.iter().any(|p| abroad.starts_with(p));
    if set_aside(&[b"441632960", b"01632960", b"447700900", b"07700900", b"61491570", b"0491570"])
        || (all.len() == 10 && set_aside(&[b"0255501", b"0355501", b"0755501", b"0855501"]))
        || is_one && is_australian_fiction(value, abroad)
    {
        return Sign::Sure;
    }
    let d = match abroad {
        [b'1', rest @ ..] if rest.len() >= 10 => rest,
        d => d,
    };
    match d.len() {
        0..=6 => Sign::Placeholder,
        7 if d.starts_with(b"55501") => Sign::Sure,
        7 if all_same(d) && d.first() != Some(&b'5') => Sign::Habit,
        7 if all_same(d) || counts(d) => Sign::Sure,
        7..=9 => Sign::None,
        _ if abroad.first() != Some(&b'1')
            && (abroad.len() < all.len() || value.trim_start().starts_with('+')) =>
        {
            Sign::None
        }
        _ => north_american(value),
    }
}

/// `(02) 5550 9876`, `+61 3 7010 1234`: set aside for fiction in each of Australia's areas (ACMA). At home only in the groups
/// that are written there: Tokyo's and France's numbers begin alike.
fn is_australian_fiction(value: &str, abroad: &[u8]) -> bool {
    let is_set_aside = |area: u8, number: &[u8]| {
        matches!(area, b'2' | b'3' | b'7' | b'8')
            && (number.starts_with(b"5550") || number.starts_with(b"7010"))
    };
    let runs = || value.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).map(str::len);
    match abroad {
        [b'6', b'1', area, number @ ..] if number.len() == 8 => is_set_aside(*area, number),
        [b'0', area, number @ ..] if number.len() == 8 => {
            is_set_aside(*area, number) && !value.contains('-') && runs().eq([2, 4, 4])
        }
        _ => false,
    }
}

/// The same of a number that may be of the North American plan, by its three parts. Other plans have numbers of ten digits
/// as well: what only that plan forbids is sure of numbers in its groups alone, and a nought in front is no area's, but
/// what many countries dial before one.
fn north_american(value: &str) -> Sign {
    let Some((d, grouped)) = parts(value) else { return Sign::None };
    let (area, exchange, line) = (&d[..3], &d[3..6], &d[6..]);
    let undiallable = |code: &[u8]| matches!(code.first(), Some(b'0' | b'1'));
    // Registration desks type these where there is none, of real people, too.
    if all_same(&d) && area != b"555" {
        return Sign::Habit;
    }
    if exchange == b"555" && line.starts_with(b"01")
        || area == b"555"
        || area == b"000"
        || counts(&d)
        || &d == b"1234567890"
        || &d[3..] == b"0000000"
        || &d[3..] == b"5551212"
    {
        return Sign::Sure;
    }
    match area.first() {
        Some(b'0') => Sign::None,
        Some(b'1') => Sign::Habit,
        _ if !undiallable(exchange) && !exchange.ends_with(b"11") => Sign::None,
        _ if grouped => Sign::Sure,
        _ => Sign::Habit,
    }
}

/// The ten digits of a number in the groups of the North American plan, three, three and four, and whether it is written in
/// them; an extension may trail. `None` for any other.
fn parts(value: &str) -> Option<([u8; 10], bool)> {
    let runs: Vec<&str> = value.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    let abroad = match runs.as_slice() {
        ["00" | "011", rest @ ..] => rest,
        runs => runs,
    };
    let home = match abroad {
        ["1" | "001", rest @ ..] => rest,
        runs => runs,
    };
    let lengths: Vec<usize> = home.iter().map(|run| run.len()).collect();
    let (number, grouped) = match lengths.as_slice() {
        // An extension may trail, and nothing else: a second number is somebody's, too.
        [3, 3, 4] | [3, 3, 4, 1..=5] => (home.get(..3)?.concat(), true),
        [3, 7] | [6, 4] => (home.concat(), false),
        [10] | [10, 1..=5] => (home.first()?.to_string(), false),
        [11 | 13 | 14] | [11 | 13 | 14, 1..=5] => {
            let run = home.first()?;
            let run = run.strip_prefix("00").or_else(|| run.strip_prefix("011")).unwrap_or(run);
            (run.strip_prefix('1')?.to_owned(), false)
        }
        _ => return None,
    };
    Some((number.as_bytes().try_into().ok()?, grouped))
}

/// Of a number with its country's code (ITU-T E.164), and a little for what is dialled before or behind it.
const LONGEST: usize = 17;
/// Fewer digits are an extension.
const SHORTEST: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dummy_clears_no_number_beside_it() {
        for value in [
            "617-555-0142 / 617-492-2813",
            "617-555-0142; 617-492-2813",
            "617-555-0142 617-492-2813",
            "16175550142 6174922813",
            "07700900123 07911123456",
        ] {
            assert_eq!(sign(value), Sign::None, "{value}");
        }
        assert_eq!(sign("6175550142, 6174922813"), Sign::None);
        for value in
            ["617-555-0142 / 617-555-0143", "617-555-0142 ext 12", "617-555-0142, ext. 12", "617-555-0142"]
        {
            assert_eq!(sign(value), Sign::Sure, "{value}");
        }
    }

    #[test]
    fn numbers_that_cost_nothing_are_nobodys() {
        assert!(is_toll_free("1-800-232-4636") && is_toll_free("(888) 838-2872"));
        assert!(!is_toll_free("800-23") && !is_toll_free("617-800-2324"));
    }

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
            "212-911-1234",
            "212-555-1212",
            "000-443-0682",
            "5555555555",
            "001 614 555 0148",
            "0044 7700 900123",
            "(02) 5550 9876",
            "03 7010 1234",
            "+61 2 5550 1234",
            "0061 8 7010 4412",
        ] {
            assert_eq!(sign(v), Sign::Sure, "{v}");
        }
        for v in ["999-999-9999", "0000000000", "+10000000000", "(000) 000-0000", "999-9999"] {
            assert_eq!(sign(v), Sign::Habit, "what is typed where there is none: {v}");
        }
    }

    #[test]
    fn other_555_numbers_and_dialled_ones_are_plausible() {
        for v in ["212-555-1234", "(915) 927-8377", "+1-415-982-3321 ext 12", "927-8377"] {
            assert_eq!(sign(v), Sign::None, "{v}");
        }
    }

    #[test]
    fn numbers_of_other_plans_are_plausible() {
        for v in [
            "07912 448120",
            "020 7946 0812",
            "0171 4482 913",
            "(087) 412 9930",
            "031 702 4418",
            "012-443-0682",
            "06 12 34 56 78",
            "01 44 27 19 35",
            "0144271935",
            "03-1234-5678",
            "090-1234-5678",
            "138 0013 8000",
            "010-8821-4471",
            "11 4871 2290",
            "98765 43210",
            "55 1234 5678",
            "1800 123 456",
            "09876543210",
            "0044 7912 448120",
            "011 44 7912 448120",
            "00919876543210",
            "00 1 212 443 0682",
            "03-5550-9876",
            "02 55 50 98 76",
            "(02) 9374 4000",
            "+61 2 9374 4000",
            "(04) 5550 9876",
        ] {
            assert_eq!(sign(v), Sign::None, "{v}");
        }
    }

    #[test]
    fn what_only_one_plan_forbids_clears_nobody_outside_its_groups() {
        for v in ["198-700-4412", "9810123456", "1231231234"] {
            assert_eq!(sign(v), Sign::Habit, "{v}");
        }
        for v in ["212-911-1234", "(212) 012-4431", "1-212-112-4431"] {
            assert_eq!(sign(v), Sign::Sure, "{v}");
        }
    }
}
