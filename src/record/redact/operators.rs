//! What is done with a value, kind by kind: dropped, a placeholder, a keyed token, the year, three digits, kept.

use super::asked::{OLDEST, asks_age_in_words, asks_number, is_old_age, is_over_89};
use super::leaf::{Numbers, Place, Redactor, SECRET, place_of};
use super::spots::{Made, Masked};
use crate::inspect::check::date;
use crate::inspect::kind::{Kind, Redact};
use crate::inspect::vocab;
use crate::inspect::walk::{Leaf, Reads};
use crate::record::packed::CODE;
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

thread_local! {
    /// Words of the vocabulary that came already: most come again and again, in this message and the next.
    static WORDS: [Cell<Option<&'static str>>; WORDS_KNOWN] =
        const { [const { Cell::new(None) }; WORDS_KNOWN] };
}
/// A power of two.
const WORDS_KNOWN: usize = 256;

/// What may be stored of a value.
pub(super) struct Stays {
    pub(super) masked: Masked,
    pub(super) token: Option<Made>,
    /// Whether not even its length is told.
    pub(super) bare: bool,
}

impl Stays {
    const fn masked(masked: Masked) -> Self {
        Self { masked, token: None, bare: false }
    }

    const fn word(word: &'static str) -> Self {
        Self::masked(Masked::Word(word))
    }
}

impl Redactor<'_> {
    /// What may be stored of a leaf.
    pub(super) fn stays(&mut self, leaf: &Leaf<'_>, place: &Place<'_>) -> Stays {
        let value = leaf.value.as_ref();
        match (leaf.field, leaf.reads) {
            (_, Reads::Base64(_) | Reads::Hex(_)) => Stays::word("[attachment]"),
            (Some(field), _) if field.kind == Kind::Secret => Stays { bare: true, ..Stays::word(SECRET) },
            (_, Reads::Text | Reads::Xhtml | Reads::Query) => Stays::word("[text]"),
            (Some(field), _) => self.field(field.kind, field.redact, value),
            (None, Reads::Quantity) => Stays::masked(self.quantity(value, leaf.cue, place)),
            (None, Reads::Time) => Stays::masked(self.year(value).unwrap_or(Masked::Word("[time]"))),
            (None, Reads::Code) => Stays::masked(self.code(value).unwrap_or(Masked::Word(CODE))),
            (None, Reads::Opaque) => Stays::word("[id]"),
            (None, Reads::Public) => Stays::word("[provider]"),
            (None, Reads::Value) => Stays::word("[text]"),
        }
    }

    /// A code, where it may stay.
    fn code(&mut self, value: &str) -> Option<Masked> {
        let place = place_of(value, WORDS_KNOWN);
        if let Some(word) = WORDS.with(|words| words[place].get()).filter(|word| *word == value) {
            return Some(Masked::Word(word));
        }
        Some(match vocab::safe_code(value)? {
            Cow::Borrowed(word) => {
                WORDS.with(|words| words[place].set(Some(word)));
                Masked::Word(word)
            }
            Cow::Owned(code) => self.said.mask(&code),
        })
    }

    fn year(&mut self, value: &str) -> Option<Masked> {
        let year = year(value, self.this_year)?;
        Some(self.said.mask(itoa::Buffer::new().format(year)))
    }

    /// What may be stored of a number that no row covers.
    fn quantity(&mut self, value: &str, cue: &str, place: &Place<'_>) -> Masked {
        if is_old_age(value, place.whole) {
            return Masked::Word(AGE_OVER);
        }
        if !vocab::is_safe_quantity(value) {
            return Masked::Word("[number]");
        }
        // One cue asks for many numbers.
        let (number, age) = match &self.asked {
            Some((asked, number, age)) if asked == cue => (*number, *age),
            _ => {
                let (number, age) = (asks_number(cue), asks_age_in_words(cue));
                self.asked = Some((cue.to_owned(), number, age));
                (number, age)
            }
        };
        if number || !self.is_measured(place) {
            return Masked::Word("[number]");
        }
        if age && is_over_89(value) { Masked::Word(AGE_OVER) } else { self.said.mask(value) }
    }

    /// Whether a number measures or counts something, as its place tells. Keys of no known notation say nothing of theirs,
    /// nor does what each sender has words of his own for: an extension, a parameter, an answer.
    fn is_measured(&self, place: &Place<'_>) -> bool {
        if self.numbers == Numbers::AsTold {
            return true;
        }
        let is_of_fhir = |above: &str, element: &str| {
            self.rules.fhir.is_number(above, element) && !OF_A_SENDER.contains(&above)
        };
        if let Some(names) = place.names {
            return is_of_fhir(names.above, names.element);
        }
        let place = (place.whole)();
        if place.starts_with('$') {
            // An attribute of DICOM, whose representation is one of numbers: places in objects have no capitals.
            return place.contains(".Value[") && !place.contains('*');
        }
        let (above, element) = last_step(&place);
        is_of_fhir(last_step(above).1, element)
    }

    fn field(&mut self, kind: Kind, redact: Redact, value: &str) -> Stays {
        let placeholder = placeholder(kind);
        // What was redacted before holds no number of which a token could be made.
        if redact == Redact::Hash
            && let Some(token) = redacted_before(value)
        {
            let token = token.filter(|_| self.linked).and_then(|token| self.said.make(token));
            return Stays { token, ..Stays::masked(placeholder) };
        }
        match redact {
            Redact::Drop => Stays { bare: true, ..Stays::masked(placeholder) },
            Redact::Keep if kind == Kind::Age => {
                Stays::masked(age(value).map_or(placeholder, |age| self.said.mask(&age)))
            }
            // A name of one letter is no code.
            Redact::Keep if kind != Kind::Provider => Stays::masked(self.code(value).unwrap_or(placeholder)),
            Redact::Hash if kind.may_be_token() && self.linked => {
                let token = self.keys.token(self.environment, kind.as_str(), value);
                let made = self.said.make(&token);
                self.tokens.push(token);
                Stays { token: made, ..Stays::masked(placeholder) }
            }
            Redact::Year => Stays::masked(self.year(value).unwrap_or(placeholder)),
            Redact::Zip3 => Stays::masked(zip3(value).map_or(placeholder, |zip| self.said.mask(&zip))),
            _ => Stays::masked(placeholder),
        }
    }
}

/// `[mrn]`: written once for each kind.
fn placeholder(kind: Kind) -> Masked {
    static ALL: LazyLock<Vec<String>> =
        LazyLock::new(|| Kind::ALL.iter().map(|kind| format!("[{}]", kind.as_str())).collect());
    // `Kind::ALL` is in order.
    Masked::Word(ALL.get(kind as usize).map_or("[text]", String::as_str))
}

/// Of a placeholder its token, or that it has none: `[mrn]`, `[mrn:…]`. `None` for any other value.
fn redacted_before(value: &str) -> Option<Option<&str>> {
    let inner = value.strip_prefix('[')?.strip_suffix(']')?;
    let (word, token) = match inner.split_once([':', '=', '.', '_']) {
        Some((word, token)) => (word, Some(token)),
        None => (inner, None),
    };
    let is_token =
        |token: &str| token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_ours = Kind::ALL.iter().any(|kind| kind.as_str() == word) && token.is_none_or(is_token);
    is_ours.then_some(token)
}

/// The year, unless it shows an age over 89 (45 CFR 164.514(b)(2)(i)(C)) or lies ahead.
fn year(value: &str, now: u16) -> Option<u16> {
    let year = date::parse(value)?.year;
    (year + 89 >= now && year <= now + 1).then_some(year)
}

/// The first three digits; 000 for areas of 20,000 people or fewer (HHS guidance, 2000 census). One zero in front
/// that a spreadsheet took is given back. Three digits are an area, as they are written here: of a code that lost two zeros
/// (Puerto Rico's) they can't be told. What is no ZIP code by its length has none.
fn zip3(value: &str) -> Option<String> {
    let value = value.trim();
    let value = value.strip_suffix(".0").unwrap_or(value);
    let (zip, more) = value.split_once(['-', ' ']).unwrap_or((value, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_zip = is_digits(zip)
        && is_digits(more)
        && matches!((zip.len(), more.len()), (4 | 5, 0 | 4) | (3 | 8 | 9, 0));
    let padded = if zip.len().is_multiple_of(4) { format!("0{zip}") } else { zip.to_owned() };
    let head = padded.get(..3).filter(|_| is_zip)?;
    Some(if SMALL.contains(&head) { "000" } else { head }.to_owned())
}

/// An age in years up to 89; all others are one class (45 CFR 164.514(b)(2)(i)(C)).
fn age(value: &str) -> Option<String> {
    let years: u16 = value.trim().parse().ok().filter(|years| *years <= OLDEST)?;
    Some(if years > 89 { AGE_OVER.to_owned() } else { years.to_string() })
}

/// The last step of a place without its number, and the steps before it.
fn last_step(place: &str) -> (&str, &str) {
    let (above, step) = match memchr::memrchr(b'.', place.as_bytes()) {
        Some(dot) => (place.get(..dot).unwrap_or_default(), place.get(dot + 1..).unwrap_or_default()),
        None => ("", place),
    };
    let end = memchr::memchr(b'[', step.as_bytes()).unwrap_or(step.len());
    (above, step.get(..end).unwrap_or(step))
}

/// Elements whose url, name or question says what their value is.
const OF_A_SENDER: [&str; 7] =
    ["extension", "modifierExtension", "parameter", "part", "answer", "initial", "answerOption"];
pub(super) const AGE_OVER: &str = "[age-over-89]";
const SMALL: [&str; 17] = [
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884",
    "890", "893",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_areas_and_ages_that_point_at_few_are_not_shown() {
        let now = crate::clock::this_year();
        assert_eq!(year(&format!("{}-05-06", now - 89), now), Some(now - 89));
        assert_eq!(year(&format!("{}-05-06", now - 90), now), None);
        assert_eq!(
            (zip3("83702").as_deref(), zip3("03601").as_deref(), zip3("AB1")),
            (Some("837"), Some("000"), None)
        );
        for (value, head) in [
            ("3601", Some("000")),
            ("2138", Some("021")),
            ("2138.0", Some("021")),
            ("36011234", Some("000")),
            ("02138-1234", Some("021")),
            ("2138-1234", Some("021")),
            ("021381234", Some("021")),
            (" 83702 ", Some("837")),
            ("837", Some("837")),
            ("036", Some("000")),
            ("83", None),
            ("560001", None),
            ("83702-12", None),
            ("8370A", None),
            ("", None),
        ] {
            assert_eq!(zip3(value).as_deref(), head, "{value}");
        }
        assert_eq!(
            (age("89").as_deref(), age("90").as_deref(), age("1962")),
            (Some("89"), Some(AGE_OVER), None)
        );
    }
}
