//! Check digits and ranges: whether a value can be what its shape says. One small file each. Text in, a verdict
//! out; nothing is kept.

pub mod date;
pub mod digits;
pub mod mbi;
pub mod phone;
pub mod ssn;

use super::marker::Sign;

/// A validator by the name that rules use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validator {
    /// Nine digits in the ranges that the SSA assigns or that people use as dummies.
    Ssn,
    /// Eleven characters of CMS's form.
    Mbi,
    /// Ten or eleven digits of the North American plan.
    Phone,
    /// A calendar date, as people write them.
    Date,
    /// Luhn check digit, 13 to 19 digits.
    Card,
    /// ISO 3779 vehicle number with its check digit.
    Vin,
    /// Four octets, not an OID or version.
    Ipv4,
    /// At least one digit.
    HasDigit,
    /// A person's name: no word of it is one that only labels, roles and facilities have.
    PersonName,
}

impl Validator {
    /// Whether `value` passes.
    #[must_use]
    pub fn passes(self, value: &str) -> bool {
        match self {
            Self::Ssn => digits::only(value).len() == 9,
            Self::Mbi => mbi::has_form(value) || mbi::sign(value) == Sign::Sure,
            Self::Phone => phone::has_form(value),
            Self::Date => date::parse(value).is_some(),
            Self::Card => {
                let d = digits::only(value);
                (13..=19).contains(&d.len()) && digits::luhn(&d) && !digits::all_same(&d)
            }
            Self::Vin => digits::vin(value),
            Self::Ipv4 => value.split('.').all(|o| o.len() <= 3 && o.parse::<u8>().is_ok()),
            Self::HasDigit => value.bytes().any(|b| b.is_ascii_digit()),
            Self::PersonName => super::names::is_person(value),
        }
    }
}
