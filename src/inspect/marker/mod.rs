//! Markers: whether a value can be a real person's at all, and what weight it keeps.
//!
//! A marker is evidence, not permission. It says of one value that nobody is issued it, or that people type it as a
//! dummy; what that means for the person is decided in [`super::score`], person by person.

mod forms;
mod lists;
mod looks;
#[cfg(test)]
mod tests;

use super::check::{date, digits, mbi, phone, ssn};
use super::field::listed;
use super::kind::{Kind, Points};
pub(super) use forms::cannot_be;
pub use forms::is_uuid;
use forms::{
    has_digit_tail, inside_brackets, ip_sign, is_counted_up, is_in_generators_area, is_masked, is_nought,
    is_sandbox_user, is_smart_id, is_synthea_licence, is_synthea_passport, is_synthetic_hicn, shown,
};
pub use lists::{MarkerList, Markers, Weight, Weights};
use looks::Looks;

/// What a value itself says of whether it can be a real person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Nothing: it is plausible.
    None,
    /// Empty, masked or a word for "unknown": weighs nothing, says nothing.
    Placeholder,
    /// Of a test set by its word or by what it is called, though it may be somebody's by the rest: no more than a habit, and
    /// that only beside another sign.
    HabitWithAnother,
    /// People type it as a dummy, though it may be somebody's.
    Habit,
    /// Not issued to a person unless it is a tax number, or one of the first numbers of a register: sure only beside another
    /// sign.
    SureWithAnother,
    /// Never issued, reserved, or impossible.
    Sure,
}

impl Sign {
    /// A few words for explanations; none where there is no sign.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Placeholder => "stands for unknown",
            Self::HabitWithAnother => "a word of a test set beside another sign",
            Self::Habit => "typed as a dummy",
            Self::SureWithAnother => "a test number beside another sign",
            Self::Sure => "never issued",
        })
    }
}

/// One value, judged: its sign, and the points that it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What the value says of itself.
    pub sign: Sign,
    /// Points that it keeps before the person is looked at.
    pub points: Points,
    /// The generator's own form (a UUID as record number, licence `S999nnnnn`, passport `X…X`).
    pub generated: bool,
    /// An opaque UUID: no number in the sense of rule c.
    pub opaque: bool,
}

impl Markers {
    /// Judges `value` as a `kind` that would weigh `points`. `this_year` tells birth dates that lie ahead.
    #[must_use]
    pub fn judge(&self, kind: Kind, value: &str, points: Points, this_year: u16) -> Judged {
        let trimmed = value.trim();
        let plain = Judged { sign: Sign::None, points, generated: false, opaque: false };
        if self.is_unknown(trimmed) {
            return Judged { sign: Sign::Placeholder, points: Points(0), ..plain };
        }
        let zero = |sign| Judged { sign, points: Points(0), ..plain };
        // Of what is told by words for its digits, these are judged.
        if trimmed.starts_with(|c: char| c.is_ascii_alphabetic()) {
            match kind {
                Kind::Ssn | Kind::Phone => {
                    if let Some(digits) = digits::said(trimmed) {
                        return self.judge(kind, &digits, points, this_year);
                    }
                }
                Kind::BirthDate if date::is_said(trimmed) => return plain,
                _ => {}
            }
        }
        // Brackets around somebody's value hide nothing of it.
        let trimmed = inside_brackets(trimmed);
        if cannot_be(kind, trimmed) {
            // A word of a test set is a dummy, with a number behind it and without one: `QA_PHANTOM`.
            let numbered = matches!(kind, Kind::Mrn | Kind::MemberId | Kind::Account);
            let dummy = numbered && self.is_a_test_sets(trimmed);
            return zero(if dummy { Sign::Habit } else { Sign::Placeholder });
        }
        let weighed = |sign| match sign {
            Sign::None => plain,
            sign => zero(sign),
        };
        if let Some(most) = self.masked(kind, trimmed) {
            return Judged { sign: Sign::Placeholder, points: points.min(most), ..plain };
        }
        match kind {
            Kind::Ssn if is_masked(trimmed) => {
                Judged { sign: Sign::Placeholder, points: self.weights.ssn_masked, ..plain }
            }
            Kind::Ssn => match digits::count(trimmed) {
                9 => weighed(ssn::sign(trimmed)),
                // A serial that is never issued, typed where none is known.
                4 if digits::only(trimmed) == b"0000" => zero(Sign::Placeholder),
                // The last four, or something else: weak, but somebody's.
                0..=4 => Judged { points: points.min(self.weights.ssn_last_four), ..plain },
                _ => Judged { points: points.min(self.weights.ssn_part), ..plain },
            },
            Kind::Mbi => match mbi::sign(trimmed) {
                // The number before the MBI was somebody's SSN with letters behind it.
                Sign::None if is_in_generators_area(trimmed) => zero(Sign::SureWithAnother),
                Sign::None => weighed(self.id_sign(trimmed)),
                sign => zero(sign),
            },
            Kind::Phone | Kind::Fax => weighed(phone::sign(trimmed)),
            Kind::Email => weighed(self.email_sign(trimmed)),
            Kind::BirthDate | Kind::DeathDate => match date::parse(trimmed) {
                None if digits::count(trimmed) == 0 => zero(Sign::Placeholder),
                None => plain,
                // Typed for "unknown", or impossible: it weighs nothing, and tells nothing of the person.
                Some(d) if d.is_placeholder(this_year) => zero(Sign::Habit),
                Some(d) if d.is_year() => Judged { points: points.min(self.weights.birth_year), ..plain },
                Some(_) => plain,
            },
            Kind::ServiceDate => match date::parse(trimmed) {
                Some(d) if d.is_year() => zero(Sign::None),
                _ => plain,
            },
            Kind::DriverLicence if is_synthea_licence(trimmed) => Judged { generated: true, ..plain },
            Kind::Passport if is_synthea_passport(trimmed) => Judged { generated: true, ..plain },
            Kind::Mrn
            | Kind::MemberId
            | Kind::Account
            | Kind::VisitNumber
            | Kind::OtherId
            | Kind::NationalId
            | Kind::DriverLicence
            | Kind::Passport
            | Kind::ClaimId
            | Kind::Device
            | Kind::Vehicle
            | Kind::Biometric
            | Kind::FormAnswer => {
                let opaque = is_uuid(trimmed);
                let sign = match kind {
                    _ if opaque => Sign::None,
                    Kind::Device => self.device_sign(trimmed),
                    Kind::Vehicle if self.test_vehicles.iter().any(|v| trimmed.eq_ignore_ascii_case(v)) => {
                        Sign::Habit
                    }
                    Kind::Account
                        if self.test_cards.iter().any(|c| digits::only(trimmed) == c.as_bytes()) =>
                    {
                        Sign::Sure
                    }
                    Kind::MemberId | Kind::NationalId if mbi::is_published(trimmed) => Sign::Sure,
                    Kind::Mrn | Kind::MemberId | Kind::Account | Kind::VisitNumber | Kind::NationalId
                        if is_in_generators_area(trimmed) =>
                    {
                        Sign::SureWithAnother
                    }
                    // Written as a social security number, it is one.
                    Kind::MemberId | Kind::NationalId | Kind::OtherId
                        if ssn::is_dashed(trimmed) && ssn::sign(trimmed) != Sign::None =>
                    {
                        ssn::sign(trimmed)
                    }
                    // What assigns a number is none of it: `TEST2867^^^&2.16.840.1.113883.3.4&ISO`.
                    _ => self.id_sign(trimmed.split_once("^^^").map_or(trimmed, |(number, _)| number)),
                };
                // Of no register, and typed for real people, too, where none is known.
                if sign == Sign::None && is_counted_up(kind) && is_nought(trimmed) {
                    return zero(Sign::Placeholder);
                }
                if sign == Sign::None && !opaque && is_smart_id(trimmed) {
                    return Judged { generated: true, ..plain };
                }
                // The number keeps its weight.
                if sign == Sign::None && is_counted_up(kind) && self.is_numbered_by_a_test_set(trimmed) {
                    return Judged { sign: Sign::HabitWithAnother, ..plain };
                }
                // Somebody is the first of each register: the number keeps its weight.
                if sign == Sign::None && !opaque && is_counted_up(kind) && self.is_one_of_the_first(trimmed) {
                    return Judged { sign: Sign::SureWithAnother, ..plain };
                }
                Judged { opaque, generated: opaque, ..weighed(sign) }
            }
            // A name's sign counts for the person and leaves the name its weight; what can't be a name has none.
            Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::Relative | Kind::MotherMaidenName => {
                match self.name_sign(kind, trimmed) {
                    Sign::Placeholder => zero(Sign::Placeholder),
                    // `Test123` is no generator's name.
                    sign @ Sign::SureWithAnother => {
                        Judged { sign, generated: self.is_a_numbered_test_name(trimmed), ..plain }
                    }
                    sign => Judged { sign, ..plain },
                }
            }
            Kind::Zip => match digits::only(trimmed).as_slice() {
                [] => plain,
                d if d.starts_with(b"00000") || d.starts_with(b"99999") => zero(Sign::Habit),
                _ => plain,
            },
            Kind::Street if self.habit_streets.iter().any(|s| trimmed.eq_ignore_ascii_case(s)) => {
                Judged { sign: Sign::Habit, ..plain }
            }
            Kind::City if self.habit_cities.iter().any(|s| trimmed.eq_ignore_ascii_case(s)) => {
                Judged { sign: Sign::Habit, ..plain }
            }
            // A private address names nobody; one of the documentation ranges is a dummy.
            Kind::Ip => match ip_sign(trimmed) {
                Sign::None => plain,
                sign => zero(sign),
            },
            _ => plain,
        }
    }

    /// Whether `system` is an identifier system that a generator of made-up people writes.
    #[must_use]
    #[inline]
    pub fn is_generator_system(&self, system: &str) -> bool {
        self.generator_looks.may_be(system) && listed(&self.generator_systems, system)
    }

    /// Whether the whole value stands for "not known", is masked away, or holds no letter and no digit.
    #[must_use]
    pub fn is_unknown(&self, value: &str) -> bool {
        !value.chars().any(char::is_alphanumeric)
            || (self.unknown_looks.may_be(value)
                && self.unknown_words.iter().any(|w| value.eq_ignore_ascii_case(w)))
            || self.is_placeholder(value)
            || value.bytes().all(|b| matches!(b, b'x' | b'X' | b'*' | b'-' | b' '))
    }

    /// Whether a value is a word in square brackets that stands for one: `[REDACTED]`, `[Last Name]`, and what records
    /// write, `[family-name]` and `[mrn:0123456789abcdef]`.
    fn is_placeholder(&self, value: &str) -> bool {
        let inside = inside_brackets(value);
        if inside.len() == value.len() {
            return false;
        }
        let (words, token) = inside.split_once([':', '=']).unwrap_or((inside, ""));
        let is_token = token.len() >= TOKEN_DIGITS_MIN && token.bytes().all(|b| b.is_ascii_hexdigit());
        let mut words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let known = |word: &str| self.bracket_words.iter().any(|known| known.eq_ignore_ascii_case(word));
        (token.is_empty() || is_token)
            && (self.unknown_words.iter().any(|word| word.eq_ignore_ascii_case(inside)) || words.all(known))
    }

    fn name_sign(&self, kind: Kind, name: &str) -> Sign {
        // What has more digits than a generator writes is a number of its own: `Okafor E4484072`.
        let is_number = |w: &&str| w.bytes().filter(u8::is_ascii_digit).count() >= NUMBER_DIGITS_MIN;
        let words: Vec<String> = name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty() && !is_number(w))
            .map(str::to_lowercase)
            .collect();
        if words.iter().any(|w| self.test_name_prefixes.iter().any(|p| w.starts_with(p.as_str()))) {
            return Sign::Sure;
        }
        // One digit behind a name is no name either, but people number double registrations so. A number by itself is
        // something else that was put into the field: `BROWN, HAROLD (MRN 48210377)`.
        let numbered = |w: &String| {
            w.len() > 2 && w.ends_with(|c: char| c.is_ascii_digit()) && w.starts_with(char::is_alphabetic)
        };
        // A generator numbers each part of a name; twins and rooms are numbered, too, but in one part, or beside the name.
        let parts = || words.iter().filter(|w| w.chars().count() > 1 && !TITLES.contains(&w.as_str()));
        if parts().any(|w| has_digit_tail(w)) {
            let (all, with) = (parts().count(), parts().filter(|w| numbered(w)).count());
            return match kind {
                // Of two given names the last is numbered: `José Eduardo181`.
                Kind::FamilyName | Kind::GivenName if parts().next_back().is_some_and(numbered) => {
                    Sign::SureWithAnother
                }
                _ if all == 1 => Sign::SureWithAnother,
                _ if with >= 2 && with * 2 > all => Sign::Sure,
                _ => Sign::None,
            };
        }
        let is_test = |w: &String| self.test_looks.may_be(w) && self.test_names.contains(w);
        if words.iter().any(|w| is_test(w) || numbered(w)) || self.is_a_control(&words) {
            return Sign::Habit;
        }
        // Each of them is somebody's, and two of them are nobody's: `foo bar`.
        if !words.is_empty() && words.iter().all(|w| self.paired_names.contains(w)) {
            let is_pair = words.iter().any(|w| Some(w) != words.first());
            return if is_pair { Sign::Habit } else { Sign::HabitWithAnother };
        }
        Sign::None
    }

    /// Whether a name is a word of test patients with a number behind it.
    fn is_a_numbered_test_name(&self, name: &str) -> bool {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase();
        self.test_names.contains(&word)
    }

    /// What a value keeps at most of which so little is shown that it is nobody's any more; none where it is shown.
    fn masked(&self, kind: Kind, value: &str) -> Option<Points> {
        let shown = shown(value)?;
        let little = match kind {
            Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::Relative | Kind::MotherMaidenName => {
                shown.are_initials()
            }
            Kind::BirthDate | Kind::DeathDate => {
                return shown.is_a_year_at_most().then_some(self.weights.birth_year);
            }
            Kind::Zip => shown.characters <= ZIP_SHOWN_MAX,
            Kind::Mrn
            | Kind::MemberId
            | Kind::Mbi
            | Kind::Account
            | Kind::VisitNumber
            | Kind::OtherId
            | Kind::NationalId
            | Kind::DriverLicence
            | Kind::Passport
            | Kind::ClaimId
            | Kind::Phone
            | Kind::Fax => shown.characters <= LAST_SHOWN_MAX,
            _ => false,
        };
        little.then_some(self.weights.masked)
    }

    /// Whether a name is that of a control sample or a phantom: it has no word that anything else is called by.
    fn is_a_control(&self, words: &[String]) -> bool {
        let is_level = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
        let of_one = |word: &String| self.control_words.contains(word) || is_level(word);
        words.iter().any(|word| self.control_names.contains(word))
            && words.iter().all(|word| self.control_names.contains(word) || of_one(word))
    }

    /// Whether a run of letters is a word of a test set, or begins with one; a label may stand in front: `MRNTEST1`. A
    /// number as registers give it may stay somebody's behind any word: `TEST8834127`. In a number of Medicare's form two
    /// letters are a word by chance.
    fn is_a_test_sets(&self, id: &str) -> bool {
        if !has_letters(id) || mbi::has_form(id) {
            return false;
        }
        let plain = |number: &str| {
            ssn::is_dashed(number.trim_matches('-'))
                || number.split('-').any(|n| digits::is_plain(n.as_bytes()))
        };
        if id.split(|c: char| !(c.is_ascii_digit() || c == '-')).any(plain) {
            return false;
        }
        let begins = |run: &str| self.test_id_prefixes.iter().any(|p| begins_with(run, p));
        let mut runs = id.split(|c: char| !c.is_alphabetic()).filter(|run| run.len() >= self.test_bytes_min);
        runs.any(|run| {
            let run = run.to_lowercase();
            let mut labels = self.id_labels.iter().filter(|label| label.len() >= LABEL_LETTERS_MIN);
            begins(&run) || labels.any(|label| run.strip_prefix(label.as_str()).is_some_and(begins))
        }) || words_by_themselves(id).any(|word| self.test_id_words.contains(&word))
    }

    /// Whether a number as registers give it has a whole word of a test set beside it, and perhaps a label: `TEST-469464`,
    /// `TESTMRN469464`. Not one that may be a social security number.
    fn is_numbered_by_a_test_set(&self, id: &str) -> bool {
        if !has_letters(id) {
            return false;
        }
        let numbers = || id.split(|c: char| !(c.is_ascii_digit() || c == '-')).map(|n| n.trim_matches('-'));
        let longest = id.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
        if longest == SSN_DIGITS || numbers().any(ssn::is_dashed) || mbi::has_form(id) {
            return false;
        }
        let mut runs = id.split(|c: char| !c.is_alphabetic()).filter(|run| run.len() >= WORD_LETTERS_MIN);
        runs.any(|run| {
            let run = run.to_lowercase();
            let is_label = |rest: &str| rest.is_empty() || self.id_labels.iter().any(|label| label == rest);
            let mut words = self.test_id_prefixes.iter().filter(|word| word.len() >= WORD_LETTERS_MIN);
            words.any(|word| around(&run, word).is_some_and(|(l, r)| is_label(l) && is_label(r)))
        }) || longest < SSN_DIGITS
            && words_by_themselves(id).any(|word| self.test_environments.contains(&word))
    }

    /// Whether a number begins with a whole word that test sets have: `TEST-0001`, not `TST1` or `000000`.
    #[must_use]
    pub fn spells_test(&self, id: &str) -> bool {
        let word: String =
            id.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
        word.len() >= WORD_LETTERS_MIN && self.test_id_prefixes.contains(&word)
    }

    /// The number of an id that is nothing but one, or has a label in front.
    fn behind_a_label<'v>(&self, id: &'v str) -> Option<(&'v str, &'v str)> {
        let (label, number) = id.split_at(id.find(|c: char| c.is_ascii_digit())?);
        let label = label.trim_end_matches(['-', '_', '#', ':', '.', ' ']);
        let is_label = label.is_empty() || self.id_labels.iter().any(|l| label.eq_ignore_ascii_case(l));
        (is_label && number.bytes().all(|b| b.is_ascii_digit())).then_some((label, number))
    }

    /// Whether a number is one of the first that anybody gives. One or two letters may be somebody's.
    fn is_one_of_the_first(&self, id: &str) -> bool {
        self.behind_a_label(id).is_some_and(|(label, number)| {
            digits::is_one_of_the_first(number.as_bytes(), label.len() >= LABEL_LETTERS_MIN)
        })
    }

    fn id_sign(&self, id: &str) -> Sign {
        let digits = digits::only(id);
        if id.starts_with('-') && digits.len() >= 6 {
            return Sign::Sure; // CMS: synthetic rows are negative.
        }
        if is_sandbox_user(id) {
            return Sign::Sure;
        }
        if self.is_a_test_sets(id) {
            // No register gives numbers that say what `TEST-0001` says; `TST1` may be a facility's letters.
            return if self.spells_test(id) { Sign::Sure } else { Sign::Habit };
        }
        if is_synthetic_hicn(id) {
            return Sign::Habit;
        }
        let letters = id.chars().filter(|c| c.is_alphabetic()).count();
        let is_around = || letters <= 4 || self.behind_a_label(id).is_some();
        // A facility's letters may stand around a dummy: `D1234567`, `MRN000000`, `000000000A`.
        if digits.len() >= 4 && digits::is_typed(&digits) && is_around() {
            return Sign::Habit;
        }
        if id.len() >= 11 && digits::all_same(id.as_bytes()) { Sign::Habit } else { Sign::None }
    }

    /// A serial number, or a UDI in its printed form: `(01)` the product, `(21)` the serial number (ISO/IEC 15418).
    fn device_sign(&self, value: &str) -> Sign {
        let part = |identifier: &str| {
            let (_, behind) = value.split_once(identifier)?;
            Some(behind.split('(').next().unwrap_or_default())
        };
        match (part("(21)"), part("(01)")) {
            (Some(serial), _) => self.id_sign(serial),
            (None, Some(product)) if !product.is_empty() && product.bytes().all(|b| b == b'0') => Sign::Habit,
            _ => self.id_sign(value),
        }
    }

    fn email_sign(&self, email: &str) -> Sign {
        let lower = email.trim_start_matches("mailto:").to_ascii_lowercase();
        let Some((mailbox, domain)) = lower.rsplit_once('@') else { return Sign::None };
        if mailbox.contains(['%', '@']) {
            return Sign::None; // another mailbox stands in it
        }
        let under = |list: &[String]| {
            list.iter()
                .any(|d| domain == d || domain.strip_suffix(d.as_str()).is_some_and(|h| h.ends_with('.')))
        };
        let tld = domain.rsplit('.').next().unwrap_or_default();
        let test_word = || {
            mailbox
                .split(|c: char| !c.is_alphabetic())
                .any(|word| self.test_mailbox_words.iter().any(|t| t == word))
        };
        // a@b.com
        let short = mailbox.len() == 1 && domain.split('.').next().is_some_and(|label| label.len() == 1);
        if self.filler_mailboxes.iter().any(|m| m == mailbox) {
            return Sign::Habit; // whatever domain is typed behind it
        }
        if under(&self.reserved_domains) || self.reserved_tlds.iter().any(|t| t == tld) {
            Sign::Sure
        } else if under(&self.habit_domains)
            || self.habit_mailboxes.iter().any(|m| m == mailbox)
            || short
            || test_word()
        {
            Sign::Habit
        } else {
            Sign::None
        }
    }
}

/// The words of a number that stand by themselves, or with all of the digits beside them on one side: `QA7744`, `QA-77`.
/// Between other letters or digits a plan's scheme puts any letters: `QC40718W`.
fn words_by_themselves(id: &str) -> impl Iterator<Item = String> {
    id.split(|c: char| !c.is_alphanumeric()).filter_map(|part| {
        let behind = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let word = match behind.len() == part.len() {
            true => part.trim_end_matches(|c: char| c.is_ascii_digit()),
            false => behind,
        };
        (!word.is_empty() && word.chars().all(char::is_alphabetic)).then(|| word.to_lowercase())
    })
}

/// Whether there is a letter in it: most numbers have none.
fn has_letters(id: &str) -> bool {
    id.chars().any(char::is_alphabetic)
}

/// As `starts_with`: most begin with another byte.
fn begins_with(run: &str, word: &str) -> bool {
    run.as_bytes().first() == word.as_bytes().first() && run.starts_with(word)
}

/// What stands before and behind a word where it is first found: runs of letters are too short for a searcher of their own.
fn around<'r>(run: &'r str, word: &str) -> Option<(&'r str, &'r str)> {
    let at = run.as_bytes().windows(word.len().max(1)).position(|part| part == word.as_bytes())?;
    Some((run.get(..at)?, run.get(at + word.len()..)?))
}

/// Shorter words may be a plan's letters, or a facility's.
const WORD_LETTERS_MIN: usize = 4;
/// Plans have as many behind their letters.
const SSN_DIGITS: usize = 9;
/// The last of a number, as receipts and portals show them.
const LAST_SHOWN_MAX: usize = 4;
/// What of a ZIP code names no small place (45 CFR 164.514(b)(2)(i)(B)).
const ZIP_SHOWN_MAX: usize = 3;
/// Shorter labels are the first letters of other words.
const LABEL_LETTERS_MIN: usize = 3;
/// Keyed tokens of records have more digits than any number of a person.
const TOKEN_DIGITS_MIN: usize = 16;
/// A generator numbers names with no more than three.
const NUMBER_DIGITS_MIN: usize = 4;
/// What is no part of a name.
const TITLES: &[&str] =
    &["mr", "mrs", "ms", "miss", "dr", "md", "phd", "dds", "jd", "jr", "sr", "ii", "iii", "iv"];
