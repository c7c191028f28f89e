//! Check digits and ranges: whether a value can be what its shape says. One small file each. Text in, a verdict
//! out; nothing is kept.

pub mod date;
pub mod digits;
pub mod iban;
pub mod ip;
pub mod mailbox;
pub mod mbi;
pub mod phone;
pub mod place;
pub mod record;
pub mod ssn;

use super::marker::Sign;
use super::names;
use super::names::words::Words;

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
    /// Seven to fifteen digits in any grouping, and no date.
    PhoneNumber,
    /// A calendar date, as people write them.
    Date,
    /// The same without a time to the second, which machines write.
    Day,
    /// A month and a day of it.
    DayOfYear,
    /// A month and a day of it in numbers, month first.
    MonthDay,
    /// Luhn check digit, 12 to 19 digits.
    Card,
    /// National Provider Identifier with its check digit.
    Npi,
    /// Number of the Drug Enforcement Administration with its check digit.
    Dea,
    /// ISO 13616 account number with its check.
    Iban,
    /// ISO 3779 vehicle number with its check digit.
    Vin,
    /// An internet address that may be somebody's: not private, not a version.
    PublicIp,
    /// Three digits or more, and no date.
    RecordNumber,
    /// The same, and no range of small numbers.
    Licence,
    /// At least one digit.
    HasDigit,
    /// Given and family name of the lists, in whatever case.
    ListedName,
    /// Two words, one a given or a family name of the lists in its place, the other none of the language or of medicine.
    HalfListed,
    /// A family name of the lists that is no plain word, in whatever case.
    ListedFamily,
    /// A given name of the lists that is nothing else, in whatever case.
    ListedGiven,
    /// Words of which none is a plain word only.
    MaybeName,
    /// Words of a name with carets between them, of which none is a plain word only.
    CaretName,
    /// The same, of which the first is a family name and the second a given name of the lists.
    ListedCaretName,
    /// Two words with an underline between, of which one is a given name of the lists and none is a plain word.
    JoinedName,
    /// A name as a parameter carries it: letters, percent codes, few digits at its end.
    NamePart,
    /// A town of the list.
    KnownCity,
    /// A place smaller than a state.
    Place,
    /// A place of care behind a verb of care.
    Facility,
    /// A house number and what follows it.
    StreetLine,
    /// An address whose mailbox is called by words of functions and departments, and nothing else.
    FunctionMailbox,
    /// An address in words, of a domain that isn't set aside for examples.
    SpelledMailbox,
}

impl Validator {
    /// What tells by the beginning of a text, whatever follows, that no value passes which begins there.
    #[must_use]
    pub(in crate::inspect) fn begins(self) -> Option<fn(&str) -> bool> {
        match self {
            Self::ListedName => Some(names::may_begin_listed),
            _ => None,
        }
    }

    /// Whether `value` passes; `words` are the lists that places are judged by.
    #[must_use]
    pub fn passes(self, value: &str, words: &Words) -> bool {
        match self {
            Self::Ssn => digits::count(value) == 9,
            Self::Mbi => mbi::has_form(value) || mbi::sign(value) == Sign::Sure,
            Self::Phone => phone::has_form(value),
            Self::PhoneNumber => phone::has_any_form(value),
            Self::Date => date::parse(value).is_some(),
            Self::Day => {
                let to_the_second = value.bytes().filter(|b| *b == b':').count() >= 2;
                date::parse(value).is_some() && !to_the_second && !date::has_unit(value)
            }
            Self::DayOfYear => date::is_day_of_year(value),
            Self::MonthDay => date::is_month_day(value),
            Self::Card => {
                let d = digits::only(value);
                (12..=19).contains(&d.len()) && digits::luhn(&d) && !digits::all_same(&d)
            }
            Self::Npi => digits::npi(value),
            Self::Dea => digits::dea(value),
            Self::Iban => iban::is_good(value),
            Self::Vin => digits::vin(value),
            Self::PublicIp => ip::may_be_somebodys(value),
            Self::HasDigit => value.bytes().any(|b| b.is_ascii_digit()),
            Self::RecordNumber => record::is_number(value),
            Self::Licence => record::is_number(value) && !record::is_range(value),
            Self::ListedName => names::is_listed(value),
            Self::HalfListed => {
                let is_care = |word: &str| words.is_clinical(word) || words.telling.contains(word);
                names::is_half_listed(value) && !value.split_whitespace().any(is_care)
            }
            Self::ListedFamily => names::is_listed_family(value),
            Self::ListedGiven => names::is_listed_given(value),
            Self::JoinedName => names::is_joined(value, words),
            Self::MaybeName => names::may_be(value),
            Self::CaretName => {
                let mut parts = value.split('^');
                parts.all(|part| names::may_be(part) && !words.is_clinical(&part.to_lowercase()))
            }
            Self::ListedCaretName => names::is_listed_with_carets(value),
            Self::NamePart => names::is_part(value),
            Self::KnownCity => place::is_known_city(value),
            Self::Place => place::is_local(value, words),
            Self::Facility => place::is_facility(value, words),
            Self::StreetLine => place::is_street_line(value),
            Self::FunctionMailbox => mailbox::is_a_functions(value, words),
            Self::SpelledMailbox => mailbox::is_spelled(value),
        }
    }
}
