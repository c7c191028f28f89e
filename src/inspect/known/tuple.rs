//! Tuples: what has to agree about a person, from the structured fields of one message.
//!
//! Equal means equal after trimming, case, and the punctuation of dates and numbers. A middle name or a title may be
//! missing on one side; a family or a given name may not. Nothing of free text takes part.

use super::{Known, Print, Tag};
use crate::inspect::check::date;
use crate::inspect::kind::Kind;

/// What agrees. Holds values: no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tuple<'t> {
    /// Given name, and family name.
    pub name: (&'t str, &'t str),
    /// Year, month and day.
    pub born: Option<&'t str>,
    /// A number that stands for the person.
    pub number: Option<&'t str>,
}

impl Tuple<'_> {
    /// What agrees, in a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.born, self.number) {
            (Some(_), Some(_)) => "name-birth-number",
            (Some(_), None) => "name-birth",
            (None, Some(_)) => "name-number",
            (None, None) => "name",
        }
    }

    /// The parts that one hash is taken over.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 5] {
        [
            self.word().as_bytes(),
            self.name.0.as_bytes(),
            self.name.1.as_bytes(),
            self.born.unwrap_or_default().as_bytes(),
            self.number.unwrap_or_default().as_bytes(),
        ]
    }
}

/// The structured fields of one person that tuples are made of. Holds values: no `Debug`.
#[derive(Default)]
pub struct Facts {
    families: Vec<String>,
    givens: Vec<String>,
    /// Given and family, of fields that hold a whole name.
    wholes: Vec<(String, String)>,
    births: Vec<String>,
    /// With the pieces of evidence that say so.
    numbers: Vec<(String, Vec<usize>)>,
    /// Ids of a server's own: they stand for a number only where there is no birth date.
    server_ids: Vec<String>,
}

impl Facts {
    /// Takes in a field's value; `place` tells a middle name from a given one, `at` is its piece of evidence.
    pub fn tell(&mut self, kind: Kind, value: &str, place: &str, at: usize) {
        match kind {
            Kind::FamilyName => add(&mut self.families, joined(&words(value)), NAMES_MAX),
            Kind::GivenName if !is_middle(place) => {
                if let Some(first) = words(value).first() {
                    add(&mut self.givens, first.clone(), NAMES_MAX);
                }
            }
            Kind::FullName if is_part(place, FAMILY_PARTS) => {
                add(&mut self.families, joined(&words(value)), NAMES_MAX);
            }
            Kind::FullName if is_part(place, GIVEN_PARTS) => {
                if let Some(first) = words(value).first() {
                    add(&mut self.givens, first.clone(), NAMES_MAX);
                }
            }
            Kind::FullName => self
                .wholes
                .extend(split(value).into_iter().take(WHOLES_MAX - self.wholes.len().min(WHOLES_MAX))),
            Kind::BirthDate => {
                if let Some(day) = date::parse(value).filter(|d| !d.is_year()) {
                    add(
                        &mut self.births,
                        format!("{:04}-{:02}-{:02}", day.year, day.month, day.day),
                        BIRTHS_MAX,
                    );
                }
            }
            kind if is_identifier(kind) => {
                let number: String =
                    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
                let enough = match kind {
                    Kind::Ssn => number.len() == 9,
                    // The last digits of something stand for many people.
                    _ => number.len() >= NUMBER_CHARS_MIN && number.bytes().any(|b| b.is_ascii_digit()),
                };
                match kind {
                    _ if !enough => {}
                    Kind::ResourceId => add(&mut self.server_ids, number, SERVER_IDS_MAX),
                    _ => self.number(number, vec![at]),
                }
            }
            _ => {}
        }
    }

    /// Takes in what another number of the same person told.
    pub(in crate::inspect) fn absorb(&mut self, other: Self) {
        other.families.into_iter().for_each(|f| add(&mut self.families, f, NAMES_MAX));
        other.givens.into_iter().for_each(|g| add(&mut self.givens, g, NAMES_MAX));
        other.births.into_iter().for_each(|b| add(&mut self.births, b, BIRTHS_MAX));
        other.server_ids.into_iter().for_each(|id| add(&mut self.server_ids, id, SERVER_IDS_MAX));
        self.wholes.extend(other.wholes);
        self.wholes.truncate(WHOLES_MAX);
        for (number, evidence) in other.numbers {
            self.number(number, evidence);
        }
    }

    fn number(&mut self, number: String, evidence: Vec<usize>) {
        if let Some((_, own)) = self.numbers.iter_mut().find(|(n, _)| *n == number) {
            own.extend(evidence);
        } else if self.numbers.len() < NUMBERS_MAX {
            self.numbers.push((number, evidence));
        }
    }

    /// Whether any tuple that a listing could have is one that `agrees`: at most a hundred or so are asked.
    pub(super) fn candidates(&self, agrees: &mut dyn FnMut(&Tuple<'_>) -> bool) -> bool {
        !self.numbers_with(agrees).is_empty() || self.alone(agrees)
    }

    /// The evidence of numbers that stand in a tuple that `agrees`.
    pub(super) fn numbers_with(&self, agrees: &mut dyn FnMut(&Tuple<'_>) -> bool) -> Vec<usize> {
        let names = self.names();
        let mut out = Vec::new();
        for (number, evidence) in &self.numbers {
            let number = Some(number.as_str());
            let found = names.iter().any(|name| {
                agrees(&Tuple { name: *name, born: None, number })
                    || self.births.iter().any(|b| agrees(&Tuple { name: *name, born: Some(b), number }))
            });
            if found {
                out.extend(evidence);
            }
        }
        out
    }

    /// Whether the name with a birth date alone, or with a server's id, is a tuple that `agrees`.
    pub(super) fn alone(&self, agrees: &mut dyn FnMut(&Tuple<'_>) -> bool) -> bool {
        self.names().iter().any(|name| {
            let name = *name;
            self.births.iter().any(|b| agrees(&Tuple { name, born: Some(b), number: None }))
                || self.server_ids.iter().any(|id| agrees(&Tuple { name, born: None, number: Some(id) }))
        })
    }

    /// Hashes of the tuples that a listing of this person has: name, birth date and each number where there are all
    /// three, else what there is. None where a name is all that there is.
    #[must_use]
    pub fn listing(&self, known: &dyn Known) -> Vec<(&'static str, Tag)> {
        let mut out = Vec::new();
        let mut push = |tuple: Tuple<'_>| out.push((tuple.word(), known.tag(&tuple)));
        for name in self.names() {
            for born in &self.births {
                for (number, _) in &self.numbers {
                    push(Tuple { name, born: Some(born), number: Some(number) });
                }
                if self.numbers.is_empty() {
                    push(Tuple { name, born: Some(born), number: None });
                }
            }
            if self.births.is_empty() {
                for number in self.numbers.iter().map(|(number, _)| number).chain(&self.server_ids) {
                    push(Tuple { name, born: None, number: Some(number) });
                }
            }
        }
        out.truncate(LISTING_MAX);
        out
    }

    /// What fingerprints of this person would be: whatever of it production has seen.
    #[must_use]
    pub fn prints(&self, known: &dyn Known) -> Vec<Print> {
        let mut out = Vec::new();
        self.candidates(&mut |tuple| {
            known.asked_later(tuple, &mut out);
            false
        });
        out
    }

    /// Every pair of given and family name.
    fn names(&self) -> Vec<(&str, &str)> {
        let mut out: Vec<(&str, &str)> = Vec::new();
        let parts =
            self.families.iter().flat_map(|f| self.givens.iter().map(move |g| (g.as_str(), f.as_str())));
        for name in parts.chain(self.wholes.iter().map(|(g, f)| (g.as_str(), f.as_str()))) {
            if !out.contains(&name) && out.len() < NAMES_MAX {
                out.push(name);
            }
        }
        out
    }
}

/// A name in one piece: `Everyman, Adam A.` or `Dr. Adam A. Everyman III`. Without a comma, how many of the last words
/// are the family name can't be told: each reading is one.
fn split(value: &str) -> Vec<(String, String)> {
    // `Everyman^Adam^A` of DICOM and HL7v2; what stands behind `=` is the same name in other letters.
    let value = value.split('=').next().unwrap_or_default();
    if let Some((family, given)) = value.split_once('^') {
        let given = words(given.split('^').next().unwrap_or_default()).into_iter().next();
        let family = joined(&words(family.split('&').next().unwrap_or_default()));
        return given.filter(|_| !family.is_empty()).map(|g| (g, family)).into_iter().collect();
    }
    if let Some((family, given)) = value.split_once(',') {
        let family = joined(&words(family));
        let given = words(given).into_iter().next();
        return given.filter(|_| !family.is_empty()).map(|g| (g, family)).into_iter().collect();
    }
    let words = words(value);
    let Some((given, rest)) = words.split_first() else { return Vec::new() };
    (0..rest.len())
        .rev()
        .take(WHOLES_MAX)
        .filter_map(|from| Some((given.clone(), joined(rest.get(from..)?))))
        .collect()
}

/// Words of a name, folded, in their order, without titles and suffixes.
fn words(value: &str) -> Vec<String> {
    value
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '^' | '.'))
        .map(|w| w.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>())
        .filter(|w| !w.is_empty() && !TITLES.contains(&w.as_str()))
        .collect()
}

fn joined(words: &[String]) -> String {
    words.concat()
}

fn add(list: &mut Vec<String>, value: String, max: usize) {
    if !value.is_empty() && !list.contains(&value) && list.len() < max {
        list.push(value);
    }
}

/// Whether a row of whole names covers a part of one here: X12 has NM1-03 and NM1-04, DICOM in XML elements.
fn is_part(place: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| {
        place.strip_suffix(part).is_some_and(|before| {
            let segment = before.rsplit([':', ' ']).next().unwrap_or_default();
            match part.strip_prefix('-') {
                Some(_) => segment == "NM1" || segment.starts_with("NM1["),
                None => before.ends_with('.'),
            }
        })
    })
}

/// `Patient.name[0].given[1]`, `PID^1^5^1^3`, `middleName`.
fn is_middle(place: &str) -> bool {
    let further =
        place.strip_suffix(']').and_then(|p| p.rsplit_once("given[")).is_some_and(|(_, index)| index != "0");
    let last = place.rsplit(['.', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    further
        || is_second_of_hl7v2(place)
        || last.contains("middle")
        || place.ends_with("-05")
        || (place.contains('^') && place.ends_with("^3"))
}

/// `PID-5.3`, `IN1[2]-16[2].3`: second names of an XPN.
fn is_second_of_hl7v2(place: &str) -> bool {
    let place = place.rsplit([' ', ':']).next().unwrap_or_default();
    let segment = place.as_bytes().first_chunk::<3>();
    place.ends_with(".3")
        && place.contains('-')
        && segment.is_some_and(|id| id.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
}

/// Numbers that stand for one person wherever they appear. Visits, claims and devices come and go.
const fn is_identifier(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ssn
            | Kind::Mrn
            | Kind::MemberId
            | Kind::Mbi
            | Kind::NationalId
            | Kind::DriverLicence
            | Kind::Passport
            | Kind::Account
            | Kind::OtherId
            | Kind::ResourceId
    )
}

const FAMILY_PARTS: &[&str] = &["-03", "FamilyName"];
const GIVEN_PARTS: &[&str] = &["-04", "GivenName"];
const TITLES: &[&str] = &[
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "rev", "hon", "jr", "sr", "ii", "iii",
    "iv", "md", "phd", "esq",
];
/// Names, birth dates and numbers of one person that are looked at; further ones aren't.
const NAMES_MAX: usize = 4;
const SERVER_IDS_MAX: usize = 4;
const WHOLES_MAX: usize = 3;
const BIRTHS_MAX: usize = 2;
const NUMBERS_MAX: usize = 8;
/// Tuples of one listing.
const LISTING_MAX: usize = 32;
const NUMBER_CHARS_MIN: usize = 5;

#[cfg(test)]
mod tests {
    use super::super::Remember;
    use super::super::formats::Plain;
    use super::*;

    fn facts(fields: &[(Kind, &str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (at, (kind, value, place)) in fields.iter().enumerate() {
            facts.tell(*kind, value, place, at);
        }
        facts
    }

    fn listing(fields: &[(Kind, &str, &str)]) -> Vec<(&'static str, Tag)> {
        facts(fields).listing(&Plain(Remember::Nobody))
    }

    #[test]
    fn punctuation_case_titles_and_middle_names_do_not_matter() {
        let fhir = [
            (Kind::FamilyName, "O'Brien", "Patient.name[0].family"),
            (Kind::GivenName, "Mary", "Patient.name[0].given[0]"),
            (Kind::GivenName, "Ann", "Patient.name[0].given[1]"),
            (Kind::BirthDate, "1962-06-22", "Patient.birthDate"),
            (Kind::Mrn, "E-087.384 32", "Patient.identifier[0].value"),
        ];
        let hl7 = [
            (Kind::FamilyName, "OBRIEN", "PID^1^5^1^1"),
            (Kind::GivenName, "MARY", "PID^1^5^1^2"),
            (Kind::GivenName, "JANE", "MSH[2]:PID-5.3"),
            (Kind::BirthDate, "19620622", "PID^1^7"),
            (Kind::Mrn, "e08738432", "PID^1^3"),
        ];
        assert_eq!(listing(&fhir).len(), 1);
        assert_eq!(listing(&fhir), listing(&hl7));
        for name in
            ["Dr. Mary O'Brien", "O'BRIEN^MARY^ANN", "O'Brien^Mary^^Dr=\u{5c71}^\u{7530}", "O'Brien, Mary"]
        {
            let whole = [(Kind::FullName, name, ""), fhir[3], fhir[4]];
            assert_eq!(listing(&fhir), listing(&whole), "{name}");
        }
        let x12 = [
            (Kind::FullName, "O'BRIEN", "ST[2]:NM1[3]-03"),
            (Kind::FullName, "MARY", "ST[2]:NM1[3]-04"),
            (Kind::FullName, "ANN", "ST[2]:NM1[3]-05"),
            hl7[3],
            hl7[4],
        ];
        assert_eq!(listing(&fhir), listing(&x12));
        let xml = [
            (Kind::FullName, "O'Brien", "$.00100010.Value[0].Alphabetic.FamilyName"),
            (Kind::FullName, "Mary", "$.00100010.Value[0].Alphabetic.GivenName"),
            hl7[3],
            hl7[4],
        ];
        assert_eq!(listing(&fhir), listing(&xml));
    }

    #[test]
    fn a_listing_takes_all_three_where_it_has_them_else_what_it_has_and_never_a_name_alone() {
        let name = [(Kind::FamilyName, "Lopez", ""), (Kind::GivenName, "Camila", "")];
        let (born, number) = ((Kind::BirthDate, "1987-09-12", ""), (Kind::Mrn, "203713", ""));
        let kinds = |extra: &[(Kind, &'static str, &'static str)]| {
            listing(&[&name[..], extra].concat()).iter().map(|(word, _)| *word).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&[born, number]), ["name-birth-number"]);
        assert_eq!(kinds(&[born]), ["name-birth"]);
        assert_eq!(kinds(&[number]), ["name-number"]);
        let server_id = (Kind::ResourceId, "erXuFYUfucBZaryVksYEcMg3", "");
        assert_eq!(kinds(&[server_id]), ["name-number"]);
        assert_eq!(kinds(&[born, server_id]), ["name-birth"]);
        assert!(kinds(&[]).is_empty());
        assert!(kinds(&[(Kind::BirthDate, "1987", ""), (Kind::Phone, "312-555-1234", "")]).is_empty());
        assert!(listing(&[name[0], born, number]).is_empty(), "a given name may not be missing");
    }

    #[test]
    fn what_is_asked_is_bounded() {
        let mut fields = Vec::new();
        let texts: Vec<String> =
            (0..40).map(|n| format!("{}{n}", char::from(b'a' + n % 26)).repeat(6)).collect();
        for text in &texts {
            fields.push((Kind::FamilyName, text.as_str(), ""));
            fields.push((Kind::GivenName, text.as_str(), ""));
            fields.push((Kind::FullName, text.as_str(), ""));
            fields.push((Kind::Mrn, text.as_str(), ""));
        }
        fields.push((Kind::BirthDate, "1987-09-12", ""));
        fields.push((Kind::BirthDate, "1987-09-13", ""));
        let mut asked = 0;
        let facts = facts(&fields);
        assert!(!facts.candidates(&mut |_| {
            asked += 1;
            false
        }));
        assert!(asked <= 120, "{asked}");
        assert!(facts.listing(&Plain(Remember::Nobody)).len() <= LISTING_MAX);
    }
}
