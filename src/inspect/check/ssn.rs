//! Social security numbers: what is never assigned, what people type as a dummy.

use super::digits::{self, all_same};
use crate::inspect::marker::Sign;

/// What the number itself says of whether it can be a person's (SSA RM 10201.035; IRS for ITIN groups).
#[must_use]
pub fn sign(value: &str) -> Sign {
    let d = digits::only(value);
    if d.len() != 9 {
        return Sign::None;
    }
    let number = |s: &[u8]| s.iter().fold(0u32, |n, d| n * 10 + u32::from(d - b'0'));
    let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
    // Void since they were printed on cards and a leaflet.
    if matches!((area, group, serial), (78, 5, 1120) | (219, 9, 9999)) {
        return Sign::Sure;
    }
    if HABITS.contains(&(area, group, serial)) || all_same(&d) {
        return Sign::Habit;
    }
    if area == 987 && group == 65 && (4320..=4329).contains(&serial) {
        return Sign::Sure;
    }
    if area >= 900 && serial != 0 && is_itin_group(group) {
        return Sign::SureWithAnother;
    }
    if matches!(area, 0 | 666 | 900..=999) || group == 0 || serial == 0 { Sign::Sure } else { Sign::None }
}

/// Whether it is written as a social security number is: `412-21-3456`.
#[must_use]
pub fn is_dashed(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    matches!(parts.as_slice(), [area, group, serial] if (area.len(), group.len(), serial.len()) == (3, 2, 4))
        && value.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// The groups of individual taxpayer numbers: real people's.
const fn is_itin_group(group: u32) -> bool {
    matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Placeholders that people type, some of them formally issuable.
const HABITS: &[(u32, u32, u32)] = &[
    (123, 45, 6789),
    (123, 12, 1234),
    (111, 22, 3333),
    (12, 34, 5678),
    (101, 1, 1),
    (202, 2, 2),
    (303, 3, 3),
    (987, 65, 4321),
    (457, 55, 5462), // printed in a company's advertisements
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_assigned_ranges_are_sure() {
        for v in [
            "000-12-3456",
            "666-12-3456",
            "912-12-3456",
            "412-00-3456",
            "412-12-0000",
            "078-05-1120",
            "987-65-4320",
        ] {
            assert_eq!(sign(v), Sign::Sure, "{v}");
        }
    }

    #[test]
    fn taxpayer_groups_need_another_sign() {
        assert_eq!(sign("999-70-1234"), Sign::SureWithAnother);
    }

    #[test]
    fn dummies_are_a_habit_and_the_rest_is_plausible() {
        assert_eq!(sign("123-45-6789"), Sign::Habit);
        assert_eq!(sign("222222222"), Sign::Habit);
        assert_eq!(sign("999-99-9999"), Sign::Habit);
        assert_eq!(sign("412-21-3456"), Sign::None);
    }
}
