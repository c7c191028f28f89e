//! Record numbers: what an institution numbers its patients, accounts and members with has no form of its own, so this
//! tells what it is not.

use super::digits;

/// Whether `value` can be a record number: three digits or more, and no date.
#[must_use]
pub fn is_number(value: &str) -> bool {
    let digits = digits::count(value);
    digits >= DIGITS_MIN && !looks_like_date(value) && !is_run(value)
}

/// Whether `value` is `D0001-D0099`: the first and the last of numbers that have the same letters.
fn is_run(value: &str) -> bool {
    let Some((first, last)) = value.split_once('-') else { return false };
    let letters = first.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (head, number) = first.split_at_checked(letters).unwrap_or_default();
    let other = last.strip_prefix(head).unwrap_or_default();
    let plain = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    letters > 0 && plain(number) && plain(other) && number.len() == other.len() && number < other
}

/// Whether `value` is `70-99`: two numbers of up to three digits, as laboratories write what is normal.
#[must_use]
pub fn is_range(value: &str) -> bool {
    let small = |n: &str| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    value.split_once('-').is_some_and(|(low, high)| small(low) && small(high))
}

/// `2024-05-01`, `05/01/2024`, `5-1-24`, `21-APR-2024`: with separators, as people write dates.
fn looks_like_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split(['-', '/']).collect();
    let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
    if let [day, month, year] = parts.as_slice()
        && month.len() == 3
        && month.bytes().all(|b| b.is_ascii_alphabetic())
    {
        return day.len() <= 2 && matches!(year.len(), 2 | 4) && super::date::parse(value).is_some();
    }
    parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        && matches!(lengths.as_slice(), [4, 1..=2, 1..=2] | [1..=2, 1..=2, 2 | 4])
        && super::date::parse(value).is_some()
}

/// Fewer digits number beds and rooms.
const DIGITS_MIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_make_pass_and_dates_do_not() {
        for good in [
            "E08738432",
            "123-45-6789",
            "M-60851-77",
            "UCSF-12345",
            "8765-4321",
            "TEST123",
            "D0099-D0001",
            "A12-A1377",
            "21-APX-2024",
        ] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["2024-05-01", "05/01/2024", "5-1-24", "A1", "number", "D0001-D0099", "21-APR-2024"] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn ranges_of_small_numbers_are_told() {
        assert!(is_range("70-99") && is_range("140-180"));
        for number in ["882-1140", "A1-22", "70", "1-2-3", "-5"] {
            assert!(!is_range(number), "{number}");
        }
    }
}
