//! Markers: whether a value can be a real person's at all, and what weight it keeps.
//!
//! A marker is evidence, not permission. It says of one value that nobody is issued it, or that people type it as a
//! dummy; what that means for the person is decided in [`super::score`], person by person.

use super::check::{date, digits, mbi, phone, ssn};
use super::field::listed;
use super::kind::{Kind, Points};
use serde::Deserialize;

/// What a value itself says of whether it can be a real person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Nothing: it is plausible.
    None,
    /// Empty, masked or a word for "unknown": weighs nothing, says nothing.
    Placeholder,
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

/// A list of dummies as written in `config/markers.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkerList {
    /// Stable id, never reused: `marker.test-names`.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// The document it follows.
    pub source: String,
    /// The kind that its cases are judged as; none for identifier systems.
    pub kind: Option<Kind>,
    /// A value that the list marks.
    pub finds: String,
    /// One that it doesn't.
    pub passes: String,
    /// The values.
    pub values: Vec<String>,
}

/// A weight as written in `config/weights.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Stable id, never reused: `weight.birth-year`.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// What it rests on.
    pub source: String,
    /// The kind that its cases are judged as; none where they are texts.
    pub kind: Option<Kind>,
    /// What a value keeps at most.
    pub points: Points,
    /// A value, or a text, that the weight changes.
    pub finds: String,
    /// One that it doesn't.
    pub passes: String,
}

/// What values keep at most that tell less than they could.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weights {
    /// A social security number that is masked.
    pub ssn_masked: Points,
    /// Its last four digits.
    pub ssn_last_four: Points,
    /// More of it, but not nine digits.
    pub ssn_part: Points,
    /// A year where a birth date belongs.
    pub birth_year: Points,
    /// A name that hospitals give test patients.
    pub dummy_name: Points,
    /// From so many on, a full name in a text tells one person's paragraphs from another's.
    pub names_somebody: Points,
}

impl Weights {
    /// The weights by their ids.
    #[must_use]
    pub fn of(list: &[Weight]) -> Self {
        let points = |id: &str| list.iter().find(|weight| weight.id == id).map_or(Points(0), |w| w.points);
        Self {
            ssn_masked: points("weight.ssn-masked"),
            ssn_last_four: points("weight.ssn-last-four"),
            ssn_part: points("weight.ssn-part"),
            birth_year: points("weight.birth-year"),
            dummy_name: points("weight.dummy-name"),
            names_somebody: points("weight.names-somebody"),
        }
    }
}

/// Lists of dummies: TOML in `config/markers.toml`, compiled in.
#[derive(Debug, Clone)]
pub struct Markers {
    /// Words that stand for "not known" as a whole value. Lower case.
    pub unknown_words: Vec<String>,
    /// Words of which a placeholder in square brackets is made. Lower case.
    pub bracket_words: Vec<String>,
    /// Whole name parts that hospitals give test patients. Lower case.
    pub test_names: Vec<String>,
    /// Prefixes of such name parts: `zztest`. Lower case.
    pub test_name_prefixes: Vec<String>,
    /// Words that a record, member or account number of a test set has as a run of letters, or begins one with.
    /// Lower case.
    pub test_id_prefixes: Vec<String>,
    /// Shorter ones, which have to be the whole run of letters. Lower case.
    pub test_id_words: Vec<String>,
    /// Letters in front of a number that say what it is: `pat`. Lower case.
    pub id_labels: Vec<String>,
    /// What laboratories and imaging call what they measure in place of a person: `control`. Lower case.
    pub control_names: Vec<String>,
    /// Words beside those: `level`. Lower case.
    pub control_words: Vec<String>,
    /// Domains reserved for documentation, with all under them.
    pub reserved_domains: Vec<String>,
    /// Top-level domains that are never delegated.
    pub reserved_tlds: Vec<String>,
    /// Domains that people use for throw-away mail.
    pub habit_domains: Vec<String>,
    /// Mailbox names that people use for "none".
    pub habit_mailboxes: Vec<String>,
    /// Words that a mailbox name of a test set has between its dots. Lower case.
    pub test_mailbox_words: Vec<String>,
    /// Identifier systems of generators of made-up people; a trailing `*` is a prefix.
    pub generator_systems: Vec<String>,
    /// Street lines that people type as a dummy. Lower case.
    pub habit_streets: Vec<String>,
    /// Towns that don't exist. Lower case.
    pub habit_cities: Vec<String>,
    /// Published test numbers of card networks: digits.
    pub test_cards: Vec<String>,
    /// Vehicle numbers that regulation and standards print as examples.
    pub test_vehicles: Vec<String>,
    /// What values keep that tell less than they could.
    pub weights: Weights,
}

impl Markers {
    /// The lists by their ids; one that isn't there is empty.
    #[must_use]
    pub fn of(lists: &[MarkerList], weights: &[Weight]) -> Self {
        let values = |id: &str| -> Vec<String> {
            lists.iter().filter(|list| list.id == id).flat_map(|list| list.values.iter().cloned()).collect()
        };
        Self {
            unknown_words: values("marker.unknown-words"),
            bracket_words: values("marker.bracket-words"),
            test_names: values("marker.test-names"),
            test_name_prefixes: values("marker.test-name-prefixes"),
            test_id_prefixes: values("marker.test-id-prefixes"),
            test_id_words: values("marker.test-id-words"),
            id_labels: values("marker.id-labels"),
            control_names: values("marker.control-names"),
            control_words: values("marker.control-words"),
            reserved_domains: values("marker.reserved-domains"),
            reserved_tlds: values("marker.reserved-tlds"),
            habit_domains: values("marker.habit-domains"),
            habit_mailboxes: values("marker.habit-mailboxes"),
            test_mailbox_words: values("marker.test-mailbox-words"),
            generator_systems: values("marker.generator-systems"),
            habit_streets: values("marker.habit-streets"),
            habit_cities: values("marker.habit-cities"),
            test_cards: values("marker.test-cards"),
            test_vehicles: values("marker.test-vehicles"),
            weights: Weights::of(weights),
        }
    }

    /// Judges `value` as a `kind` that would weigh `points`. `this_year` tells birth dates that lie ahead.
    #[must_use]
    pub fn judge(&self, kind: Kind, value: &str, points: Points, this_year: u16) -> Judged {
        let trimmed = value.trim();
        let plain = Judged { sign: Sign::None, points, generated: false, opaque: false };
        if self.is_unknown(trimmed) {
            return Judged { sign: Sign::Placeholder, points: Points(0), ..plain };
        }
        let zero = |sign| Judged { sign, points: Points(0), ..plain };
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
        match kind {
            Kind::Ssn if is_masked(trimmed) => {
                Judged { sign: Sign::Placeholder, points: self.weights.ssn_masked, ..plain }
            }
            Kind::Ssn => match digits::only(trimmed).len() {
                9 => weighed(ssn::sign(trimmed)),
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
                None if digits::only(trimmed).is_empty() => zero(Sign::Placeholder),
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
                    _ => self.id_sign(trimmed),
                };
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
    pub fn is_generator_system(&self, system: &str) -> bool {
        listed(&self.generator_systems, system)
    }

    /// Whether the whole value stands for "not known", is masked away, or holds no letter and no digit.
    #[must_use]
    pub fn is_unknown(&self, value: &str) -> bool {
        !value.chars().any(char::is_alphanumeric)
            || self.unknown_words.iter().any(|w| value.eq_ignore_ascii_case(w))
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
        let words: Vec<String> = name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
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
        if words.iter().any(|w| self.test_names.contains(w) || numbered(w)) || self.is_a_control(&words) {
            return Sign::Habit;
        }
        Sign::None
    }

    /// Whether a name is that of a control sample or a phantom: it has no word that anything else is called by.
    fn is_a_control(&self, words: &[String]) -> bool {
        let is_level = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
        let of_one = |word: &String| self.control_words.contains(word) || is_level(word);
        words.iter().any(|word| self.control_names.contains(word))
            && words.iter().all(|word| self.control_names.contains(word) || of_one(word))
    }

    /// Whether a run of letters is a word of a test set, or begins with one; a label may stand in front: `MRNTEST1`. A
    /// number as registers give it stays somebody's behind any word: `TEST8834127`.
    fn is_a_test_sets(&self, id: &str) -> bool {
        let plain = |number: &str| {
            ssn::is_dashed(number.trim_matches('-'))
                || number.split('-').any(|n| digits::is_plain(n.as_bytes()))
        };
        if id.split(|c: char| !(c.is_ascii_digit() || c == '-')).any(plain) {
            return false;
        }
        let begins = |run: &str| self.test_id_prefixes.iter().any(|p| run.starts_with(p.as_str()));
        let mut runs = id.split(|c: char| !c.is_alphabetic()).filter(|run| !run.is_empty());
        runs.any(|run| {
            let run = run.to_lowercase();
            let mut labels = self.id_labels.iter().filter(|label| label.len() >= LABEL_LETTERS_MIN);
            self.test_id_words.contains(&run)
                || begins(&run)
                || labels.any(|label| run.strip_prefix(label.as_str()).is_some_and(begins))
        })
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
        if self.is_a_test_sets(id) || is_synthetic_hicn(id) {
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

/// What stands in square brackets, and in quotes inside them; all of what doesn't.
fn inside_brackets(value: &str) -> &str {
    match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => {
            inside.trim_matches(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"' | '\'' | '*'))
        }
        None => value,
    }
}

/// Shorter labels are the first letters of other words.
const LABEL_LETTERS_MIN: usize = 3;
/// Keyed tokens of records have more digits than any number of a person.
const TOKEN_DIGITS_MIN: usize = 16;

/// What is no part of a name.
const TITLES: &[&str] =
    &["mr", "mrs", "ms", "miss", "dr", "md", "phd", "dds", "jd", "jr", "sr", "ii", "iii", "iv"];

/// A name part that ends in two or three digits behind at least two letters: `medhurst46`.
fn has_digit_tail(word: &str) -> bool {
    let digits = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    (2..=3).contains(&digits)
        && word.len() >= digits + 2
        && word.bytes().take(2).all(|b| b.is_ascii_alphabetic())
}

/// Whether a value is no value of its kind at all: a label or a word where a number is due, a place in a message of a
/// mapping (`PID-3.1`), the system of numbers instead of one.
pub(super) fn cannot_be(kind: Kind, value: &str) -> bool {
    let number = matches!(
        kind,
        Kind::Ssn
            | Kind::Mbi
            | Kind::Mrn
            | Kind::MemberId
            | Kind::Account
            | Kind::Passport
            | Kind::DriverLicence
    );
    let has_digit = value.bytes().any(|b| b.is_ascii_digit()) || !value.is_ascii();
    match kind {
        Kind::Email => !value.contains(['@', '\u{FF20}', '\u{FE6B}', '%']),
        // `owner/repository`
        Kind::FullName if is_slug(value) => true,
        _ if number => !has_digit || is_place(value) || is_oid(value),
        // What counts up inside a message: no visit has so short a number.
        Kind::VisitNumber => value.len() <= 2 && value.bytes().all(|b| b.is_ascii_digit()),
        Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::BirthDate | Kind::Phone => {
            is_place(value)
        }
        _ => false,
    }
}

/// Two words in small letters with a slash between, and what names of people don't have in one of them: what repositories are
/// called.
fn is_slug(value: &str) -> bool {
    let is_joined = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    value.split_once('/').is_some_and(|(owner, name)| {
        let is_word =
            |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_lowercase() || is_joined(c));
        is_word(owner) && is_word(name) && value.contains(is_joined)
    })
}

/// A place of HL7v2: `PID-3`, `PID-5.1`.
fn is_place(value: &str) -> bool {
    let Some((segment, field)) = value.split_once('-') else { return false };
    segment.len() == 3
        && segment.starts_with(|c: char| c.is_ascii_uppercase())
        && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && (1..=8).contains(&field.len())
        && field.starts_with(|c: char| c.is_ascii_digit())
        && field.split('.').all(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

/// `2.16.840.1.113883.4.1`, with or without `urn:oid:`: the system of numbers.
fn is_oid(value: &str) -> bool {
    let arcs = value.strip_prefix("urn:oid:").unwrap_or(value);
    arcs.split('.').count() >= 5
        && arcs
            .split('.')
            .all(|arc| !arc.is_empty() && arc.len() <= 12 && arc.bytes().all(|b| b.is_ascii_digit()))
}

fn is_masked(value: &str) -> bool {
    value.bytes().filter(|b| matches!(b, b'*' | b'x' | b'X' | b'#')).count() >= 3
}

/// 8-4-4-4-12 hex digits, with or without `urn:uuid:`.
#[must_use]
pub fn is_uuid(value: &str) -> bool {
    let v = value.strip_prefix("urn:uuid:").unwrap_or(value).as_bytes();
    v.len() == 36
        && v.iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Nine digits in 999: the area in which Synthea numbers its people, and which no one else is given. Nine nines are typed.
fn is_in_generators_area(v: &str) -> bool {
    let digits = digits::only(v);
    digits.len() == 9
        && digits.starts_with(b"999")
        && !digits::all_same(&digits)
        && v.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Kinds of numbers that registers count up, of which somebody has the first.
const fn is_counted_up(kind: Kind) -> bool {
    matches!(kind, Kind::Mrn | Kind::MemberId | Kind::Account | Kind::OtherId)
}

/// A user of CMS's sandbox: `BBUser00000` to `BBUser39999` (CMS Blue Button, 2023).
fn is_sandbox_user(v: &str) -> bool {
    let number = v.strip_prefix("BBUser").unwrap_or_default();
    number.len() == 5 && number.bytes().all(|b| b.is_ascii_digit()) && number < "40000"
}

/// What CMS's synthetic rows have for the number before the MBI: `MBP000201A`, `T01000000A` and up.
fn is_synthetic_hicn(v: &str) -> bool {
    let digits = |front: &str| {
        let number = v.strip_prefix(front).and_then(|v| v.strip_suffix('A'));
        number.filter(|number| number.bytes().all(|b| b.is_ascii_digit())).map(str::len)
    };
    digits("MBP") == Some(6) || digits("T0") == Some(7)
}

fn is_synthea_licence(v: &str) -> bool {
    v.len() == 9 && v.starts_with("S999") && v.bytes().skip(1).all(|b| b.is_ascii_digit())
}

fn is_synthea_passport(v: &str) -> bool {
    let inner = v.strip_prefix('X').and_then(|v| v.strip_suffix('X'));
    inner.is_some_and(|d| d.len() >= 6 && d.bytes().all(|b| b.is_ascii_digit()))
}

/// Documentation ranges are a dummy; private, loopback and link-local ones are nobody's (RFC 5737, 3849, 9637, 1918).
fn ip_sign(v: &str) -> Sign {
    let (reserved, private) = match v.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => (
            ip.is_documentation(),
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        ),
        Ok(std::net::IpAddr::V6(ip)) => {
            let s = ip.segments();
            (
                (s[0] == 0x2001 && s[1] == 0xdb8) || s[0] & 0xfff0 == 0x3ff0,
                ip.is_loopback() || ip.is_unspecified() || s[0] & 0xfe00 == 0xfc00 || s[0] & 0xffc0 == 0xfe80,
            )
        }
        Err(_) => (false, false),
    };
    match (reserved, private) {
        (true, _) => Sign::Sure,
        (_, true) => Sign::Placeholder,
        _ => Sign::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    fn judge(kind: Kind, value: &str) -> Judged {
        RuleSet::built_in().markers.judge(kind, value, kind.points(), 2026)
    }

    #[test]
    fn a_plausible_value_keeps_its_points() {
        assert_eq!(judge(Kind::Ssn, "412-21-3456").points, Points(100));
        assert_eq!(judge(Kind::Mrn, "E08738432").points, Points(60));
        for number in
            ["00345678", "M-48213-07", "HAR34010810", "W333577450", "953147096A", "TSAM4401M88213", "10077"]
        {
            assert_eq!(judge(Kind::Mrn, number).sign, Sign::None, "{number}");
        }
        assert_eq!(judge(Kind::MemberId, "1AB2CD3EF45").sign, Sign::None);
        assert_eq!(judge(Kind::Device, "(01)00844588003288(17)291231(21)48213077").points, Points(40));
        assert_eq!(judge(Kind::Email, "attestant@gmail.com").sign, Sign::None);
        assert_eq!(judge(Kind::BirthDate, "1962-06-22").points, Points(40));
        assert_eq!(judge(Kind::Email, "a.b@icloud.com").points, Points(50));
    }

    #[test]
    fn what_is_no_value_of_its_kind_weighs_nothing() {
        for (kind, value) in [
            (Kind::Mrn, "PID-3.1"),
            (Kind::Mrn, "MRN"),
            (Kind::Mrn, "2.16.840.1.113883.3.9621.1"),
            (Kind::MemberId, "urn:oid:2.16.840.1.113883.3.9621.2"),
            (Kind::Ssn, "PID-19"),
            (Kind::Email, "E-mail"),
            (Kind::FamilyName, "PID-5.1"),
        ] {
            assert_eq!(judge(kind, value).sign, Sign::Placeholder, "{value}");
            assert_eq!(judge(kind, value).points, Points(0), "{value}");
        }
        for (kind, value) in [(Kind::Mrn, "KLM-48213"), (Kind::Mrn, "PID-482137"), (Kind::Mrn, "48.213.077")]
        {
            assert_ne!(judge(kind, value).points, Points(0), "{value}");
        }
    }

    #[test]
    fn dummies_weigh_nothing_and_are_signs() {
        assert_eq!(judge(Kind::Email, "x@mail.example.org").sign, Sign::Sure);
        assert_eq!(judge(Kind::Email, "none@example.com").sign, Sign::Sure);
        assert_eq!(judge(Kind::Email, "rkowalczyk%comcast.net@example.com").sign, Sign::None);
        assert_eq!(judge(Kind::Email, "Correo electr\u{f3}nico").points, Points(0));
        assert_eq!(judge(Kind::FullName, "meridianhealth/adt-router").points, Points(0));
        for name in ["Kowalski/Anna", "kowalski/anna", "KOWALSKI/ANNA"] {
            assert_ne!(judge(Kind::FullName, name).points, Points(0), "{name}");
        }
        assert_eq!(judge(Kind::GivenName, "Jos\u{e9} Eduardo181").sign, Sign::SureWithAnother);
        assert_eq!(judge(Kind::FullName, "Jos\u{e9} Eduardo181 G\u{f3}mez206").sign, Sign::Sure);
        for name in ["Renata Kowalczyk412", "Renata Kowalczyk Rm412 Bed12"] {
            assert_eq!(judge(Kind::FullName, name).sign, Sign::None, "{name}");
        }
        for dummy in [
            "TEST-0001",
            "TEST0001",
            "MRN-TEST-4",
            "QA-77",
            "DUMMY0001",
            "00000000",
            "0000001",
            "0000000042",
            "123456789",
            "D1234567",
            "D0000000",
            "000000000A",
            "XXX000000000",
            "E-11111",
            "121212",
            "98765432",
        ] {
            assert_eq!(judge(Kind::Mrn, dummy).sign, Sign::Habit, "{dummy}");
            assert_eq!(judge(Kind::Mrn, dummy).points, Points(0), "{dummy}");
        }
        assert_eq!(judge(Kind::Device, "(01)00844588003288(17)291231(21)TEST6791").sign, Sign::Habit);
        assert_eq!(judge(Kind::Device, "(01)00000000000000(17)991231").sign, Sign::Habit);
        assert_eq!(judge(Kind::Vehicle, "1M8GDM9AXKP042788").sign, Sign::Habit);
        assert_eq!(judge(Kind::Account, "4111 1111 1111 1111").sign, Sign::Sure);
        assert_eq!(judge(Kind::MemberId, "1EG4-TE5-MK73").sign, Sign::Sure);
        assert_eq!(judge(Kind::MemberId, "900-12-3456").sign, Sign::Sure);
        assert_eq!(judge(Kind::MemberId, "412-21-3456").sign, Sign::None);
        // A plan may number its members so, and a hospital its records.
        assert_eq!(judge(Kind::MemberId, "900123456").sign, Sign::None);
        assert_eq!(judge(Kind::Mrn, "000-12-3457").sign, Sign::None);
        assert_eq!(judge(Kind::MemberId, "999581559").sign, Sign::SureWithAnother);
        assert_eq!(judge(Kind::Email, "qa.user@gmail.com").sign, Sign::Habit);
        assert_eq!(judge(Kind::Email, "fatima.test7@comcast.net").sign, Sign::Habit);
        assert_eq!(judge(Kind::Mrn, "-10000010254618").sign, Sign::Sure);
        assert_eq!(judge(Kind::FamilyName, "Medhurst46").sign, Sign::SureWithAnother);
        assert_eq!(judge(Kind::FullName, "Sumiko254 Medhurst46").sign, Sign::Sure);
        assert_eq!(judge(Kind::FamilyName, "ZZZTEST").sign, Sign::Sure);
        assert_eq!(judge(Kind::GivenName, "Test").sign, Sign::Habit);
    }

    #[test]
    fn brackets_hide_nothing_but_words_for_nothing() {
        for (kind, value) in [
            (Kind::Ssn, "[REDACTED]"),
            (Kind::FamilyName, "[Last Name]"),
            (Kind::FamilyName, "[family-name]"),
            (Kind::Mrn, "[mrn:0123456789abcdef]"),
            (Kind::MemberId, "[member-id=0123456789abcdef]"),
            (Kind::GivenName, "[N/A]"),
            (Kind::Mrn, "[]"),
            (Kind::FullName, "[**Patient Name**]"),
        ] {
            assert_eq!(judge(kind, value).points, Points(0), "{value}");
        }
        for (kind, value) in [
            (Kind::Ssn, "[412-21-3456]"),
            (Kind::FamilyName, "[Blankenship]"),
            (Kind::Mrn, "[70418826]"),
            (Kind::Mrn, "[mrn:70418826]"),
            (Kind::BirthDate, "[1957-03-14]"),
            (Kind::FullName, "[[ Theodore Blankenship ]]"),
            (Kind::FullName, "[\"Theodore Blankenship\"]"),
        ] {
            assert_eq!(judge(kind, value).points, kind.points(), "{value}");
        }
        assert_eq!(judge(Kind::Mrn, "[TEST-0001]").sign, Sign::Habit);
    }

    #[test]
    fn the_first_numbers_of_a_register_count_beside_a_sure_sign_and_keep_their_weight() {
        for number in [
            "PAT0010",
            "PAT010",
            "PAT417",
            "MRN001",
            "00000123",
            "000417",
            "MEMBER001",
            "VISIT-001",
            "mrn 077",
        ] {
            let judged = judge(Kind::Mrn, number);
            assert_eq!((judged.sign, judged.points), (Sign::SureWithAnother, Points(60)), "{number}");
        }
        for number in [
            "SMI001",
            "1000",
            "417",
            "PAT10417",
            "DOEJO000",
            "K0417A",
            "P-00-10",
            "0000000000417",
            // What is short is anybody's, and so are one or two letters.
            "1",
            "42",
            "123",
            "00123",
            "P007",
            "T001",
            "PT077",
            "mrn 77",
        ] {
            assert_eq!(judge(Kind::Mrn, number).sign, Sign::None, "{number}");
        }
        assert_eq!(judge(Kind::FormAnswer, "3").sign, Sign::None);
        assert_eq!(judge(Kind::Device, "001").sign, Sign::None);
        for number in ["000001234", "0000012345", "MEMBER12345", "CLAIM-0001", "999999999"] {
            assert_eq!(judge(Kind::MemberId, number).sign, Sign::Habit, "{number}");
        }
        assert_eq!(judge(Kind::MemberId, "999481234").sign, Sign::SureWithAnother);
    }

    #[test]
    fn numbers_of_the_sandboxes_are_nobodys() {
        assert_eq!(judge(Kind::MemberId, "BBUser00012").sign, Sign::Sure);
        assert_eq!(judge(Kind::MemberId, "BBUser40000").sign, Sign::None);
        for number in ["MBP000201A", "T01000000A"] {
            assert_eq!(judge(Kind::MemberId, number).sign, Sign::Habit, "{number}");
            assert_eq!(judge(Kind::Mbi, number).sign, Sign::Habit, "{number}");
        }
        for number in ["MBP00201A", "T41000000A", "MBQ000201A", "953147096A"] {
            assert_eq!(judge(Kind::MemberId, number).sign, Sign::None, "{number}");
        }
    }

    #[test]
    fn controls_and_phantoms_are_no_people() {
        for name in ["CONTROL", "Phantom", "CALIBRATOR 3"] {
            assert_eq!(judge(Kind::FamilyName, name).sign, Sign::Habit, "{name}");
        }
        for name in ["PHANTOM^ACR^QA", "CONTROL^LEVEL 2", "Proficiency Survey"] {
            assert_eq!(judge(Kind::FullName, name).sign, Sign::Habit, "{name}");
        }
        for name in ["Control Brown", "Rosalind^Phantom", "LEVEL 2", "Halvorsen^QA"] {
            assert_eq!(judge(Kind::FullName, name).sign, Sign::None, "{name}");
        }
        for number in
            ["QA_PHANTOM", "TEST", "PHANTOM-1", "MRNTEST1", "TEST-000042", "TEST00044812", "PHANTOM123456"]
        {
            assert_eq!(judge(Kind::Mrn, number).sign, Sign::Habit, "{number}");
        }
        // A word in front makes nobody's number a dummy.
        for number in [
            "PHANTOM8834127",
            "MRNTEST8834127",
            "TEST-8834127",
            "qa 488341",
            "8834127TEST",
            "DEMO-0-883412",
            "TEST-412-21-3456",
        ] {
            let judged = judge(Kind::Mrn, number);
            assert_eq!((judged.sign, judged.points), (Sign::None, Points(60)), "{number}");
        }
        assert_eq!(judge(Kind::Mrn, "pending").sign, Sign::Placeholder);
        assert_eq!(judge(Kind::Ssn, "test").sign, Sign::Placeholder);
    }

    #[test]
    fn unknown_and_masked_values_weigh_next_to_nothing() {
        assert_eq!(judge(Kind::Ip, "10.3.100.3").sign, Sign::Placeholder);
        assert_eq!(judge(Kind::Ip, "198.51.100.7").sign, Sign::Sure);
        assert_eq!(judge(Kind::Ip, "66.71.98.108").points, Points(10));
        assert_eq!(judge(Kind::FamilyName, "UNKNOWN").points, Points(0));
        assert_eq!(judge(Kind::Ssn, "***-**-1234").points, Points(10));
        assert_eq!(judge(Kind::BirthDate, "1900-01-01").points, Points(0));
        assert_eq!(judge(Kind::BirthDate, "1962").points, Points(5));
    }
}
