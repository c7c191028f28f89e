//! The key table compiled for reading.

use super::keys::Facts;
use super::likely;
use crate::inspect::disguise::Plain;
use crate::inspect::field::{Field, FieldTable};
use crate::inspect::hash::Map;
use crate::inspect::kind::{Kind, Whose};
use crate::inspect::names::list;

/// Key names, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    by_key: Map<Box<str>, Vec<Placed>>,
    below: Map<Box<str>, Vec<usize>>,
    /// `*word*.**`: few.
    below_word: Vec<(Word, usize)>,
    /// Keys of clinical content.
    clinical: Map<Box<str>, ()>,
    /// What each of its keys says.
    facts: Map<Box<str>, Facts>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) field: Field,
    pub(super) carry: Carry,
}

/// The `as` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect::walk) enum Carry {
    Value,
    Text,
    Base64,
    Jwt,
    Opaque,
    Time,
    Public,
    /// Nobody's with its own parts, and no further.
    Listing,
    Relative,
    /// An individual's again, inside what is nobody's.
    Own,
    Clinical,
}

impl Row {
    /// Whether it says, whatever stands beside it, that a value is what only an individual has.
    fn is_an_individuals(&self) -> bool {
        let when = &self.field.when;
        self.carry == Carry::Value
            && when.types.is_empty()
            && when.systems.is_empty()
            && is_an_individuals(self.field.kind)
    }
}

/// A word that keys may have in them.
#[derive(Debug)]
struct Word {
    word: Box<str>,
    letters: u32,
}

impl Word {
    fn of(word: &str) -> Self {
        Self { word: word.into(), letters: letters(word) }
    }

    /// Whether a key of such letters has it: few keys have all of its letters.
    fn is_in(&self, key: &str, letters: u32) -> bool {
        self.letters & !letters == 0 && key.contains(&*self.word)
    }
}

/// A bit for each letter of a key in normal form, and one for its digits.
fn letters(key: &str) -> u32 {
    key.bytes().fold(0, |letters, b| letters | 1 << if b.is_ascii_lowercase() { b - b'a' } else { 31 })
}

#[derive(Debug)]
struct Placed {
    parent: Option<Box<str>>,
    row: usize,
}

/// The rows that a key has, whatever stands around it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rows<'t> {
    rows: &'t [Row],
    placed: &'t [Placed],
    found: Found,
}

/// By what of a key its rows were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Found {
    /// By all of it: some may want a parent.
    Own,
    /// By what stands behind somebody's word.
    #[default]
    Owned,
    /// By what stands at its end, whoever's word may be in front.
    Ending,
}

impl<'t> Rows<'t> {
    /// Those that it has inside the object of another key, best first.
    pub(super) fn inside(self, parent: &str) -> impl Iterator<Item = &'t Row> {
        let parent = if self.found == Found::Own { parent } else { "" };
        let placed = self.placed.iter();
        placed
            .filter(move |placed| placed.parent.as_deref().is_none_or(|wanted| wanted == parent))
            .filter_map(move |placed| self.rows.get(placed.row))
    }

    /// Whether the key has no row, and nobody's word in front of the one that it ends in.
    pub(super) fn only_end_it(self) -> bool {
        self.found == Found::Ending
    }
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut compiled = Self {
            rows: Vec::new(),
            by_key: Map::default(),
            below: Map::default(),
            below_word: Vec::new(),
            clinical: Map::default(),
            facts: Map::default(),
        };
        for (index, field) in table.field.iter().enumerate() {
            let carry = Carry::parse(&field.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", field.id, field.reads))?;
            compiled.rows.push(Row { field: field.clone(), carry });
            for at in &field.at {
                if carry == Carry::Clinical {
                    compiled.clinical.insert(at.trim_end_matches(".**").into(), ());
                }
                compiled.add(at, index).ok_or_else(|| format!("{}: no key name: {at}: `at` has keys in lower-case letters and digits, or parent.key, key.**, *word*.**", field.id))?;
            }
        }
        let rows = &compiled.rows;
        for placed in compiled.by_key.values_mut() {
            placed.sort_by_key(|placed| {
                let field = rows.get(placed.row).map(|row| &row.field);
                let conditional =
                    field.is_some_and(|f| !f.when.types.is_empty() || !f.when.systems.is_empty());
                std::cmp::Reverse((conditional, placed.parent.is_some(), field.map(|f| f.points.0)))
            });
        }
        let keys = compiled.by_key.keys().chain(compiled.below.keys());
        compiled.facts = keys.map(|key| (key.clone(), Facts::of(key, &compiled))).collect();
        Ok(compiled)
    }

    /// What a key of its own (in normal form) says, whatever the document.
    pub(super) fn facts(&self, key: &str) -> Option<Facts> {
        self.facts.get(key).copied()
    }

    /// The row of a key as written, where nothing else is known: form fields, query parameters.
    #[must_use]
    pub fn lookup(&self, key: &str) -> Option<&Field> {
        self.lookup_below("", key)
    }

    /// The same inside the object of another key.
    #[must_use]
    pub fn lookup_below(&self, parent: &str, key: &str) -> Option<&Field> {
        let plain = |row: &&Row| {
            row.carry == Carry::Value && row.field.when.types.is_empty() && row.field.when.systems.is_empty()
        };
        self.rows(&normal(parent), &normal(key)).find(plain).map(|row| &row.field)
    }

    /// Whether a key as written names what only an individual has: a name, a birth date, a number, an address.
    #[must_use]
    pub fn is_an_individuals(&self, key: &str) -> bool {
        let key = normal(key);
        self.rows("", &key).any(Row::is_an_individuals)
    }

    /// The row of a label, as it is written, that names by itself what an individual has, where the value is like one of
    /// its kind. `name` alone may be anything's.
    pub(in crate::inspect::walk) fn labelled(&self, label: &str, value: &str) -> Option<&Field> {
        self.of_label(label).filter(|field| likely::fits(field.kind, value))
    }

    /// The same, whatever the value is.
    pub(in crate::inspect::walk) fn of_label(&self, label: &str) -> Option<&Field> {
        let label = normal(without_remark(label));
        let names = |row: &&Row| {
            // An account number may be an organisation's, or one of its bank.
            let numbers = matches!(row.field.kind, Kind::Account | Kind::VisitNumber | Kind::ClaimId);
            let owned = || owners(&label).iter().any(|owner| label.starts_with(owner));
            row.is_an_individuals()
                || row.carry == Carry::Value && row.field.when.types.is_empty() && numbers && owned()
        };
        let field = if label == "name" { None } else { self.rows("", &label).find(names) };
        field.map(|row| &row.field).filter(|field| matches!(field.whose, Whose::Patient | Whose::Relative))
    }

    /// Whether a value is like one of the kind of a label's row.
    pub(in crate::inspect::walk) fn fits(field: &Field, value: &str) -> bool {
        likely::fits(field.kind, value)
    }

    /// The row of a key as written whose value is free text: a file's name, a note.
    #[must_use]
    pub fn free_text(&self, key: &str) -> Option<&Field> {
        self.rows("", &normal(key)).find(|row| row.carry == Carry::Text).map(|row| &row.field)
    }

    /// What a column of this name (in normal form) carries: a flat table has no parents and no types beside a value.
    pub(in crate::inspect::walk) fn column(&self, key: &str) -> Option<(&Field, Carry)> {
        let plain = |row: &&Row| row.field.when.types.is_empty() && row.field.when.systems.is_empty();
        let below = self.below.get(key).into_iter().flatten().filter_map(|row| self.rows.get(*row));
        let row = self.exact("", key).find(plain).or_else(|| below.into_iter().find(plain))?;
        Some((&row.field, row.carry))
    }

    /// Whether a key (in normal form) has a word in it that makes it a provider's or an organisation's.
    pub(in crate::inspect::walk) fn says_public(&self, key: &str) -> bool {
        let letters = letters(key);
        self.below_word.iter().any(|(word, row)| {
            word.is_in(key, letters) && self.rows.get(*row).is_some_and(|row| row.carry == Carry::Public)
        })
    }

    /// The rows for a key (in normal form) inside the object of another, best first. Of a key that has none those of what
    /// stands behind somebody's word or at its end: `subscriberSSN`, `strLastName`, `DOB1`.
    pub(super) fn rows<'t>(&'t self, parent: &str, key: &str) -> impl Iterator<Item = &'t Row> {
        self.look_up(key).inside(parent)
    }

    /// The same wherever the key stands: it is looked up once for all its values.
    pub(super) fn look_up(&self, key: &str) -> Rows<'_> {
        let rows = &self.rows;
        if let Some(placed) = self.by_key.get(key) {
            return Rows { rows, placed, found: Found::Own };
        }
        let behind = self.behind(key);
        let placed = behind.and_then(|(key, _)| self.by_key.get(key)).map(Vec::as_slice).unwrap_or_default();
        let owned = behind.is_some_and(|(_, owned)| owned);
        Rows { rows, placed, found: if owned || behind.is_none() { Found::Owned } else { Found::Ending } }
    }

    /// What a key without rows says all the same, and whether somebody's word stands in front of that.
    fn behind<'k>(&self, key: &'k str) -> Option<(&'k str, bool)> {
        if let Some(behind) = self.behind_owner(key) {
            return Some((behind, true));
        }
        // `birthdayMMDDYYYY`
        let dated = DATE_FORMATS.iter().find_map(|format| key.strip_suffix(format));
        if let Some(dated) = dated.filter(|dated| self.tells(dated)) {
            return Some((dated, false));
        }
        let plain = key.trim_end_matches(|c: char| c.is_ascii_digit());
        if plain.len() < key.len() && plain.len() >= NUMBERED_MIN {
            if self.tells(plain) {
                return Some((plain, false));
            }
            if let Some(behind) = self.behind_owner(plain) {
                return Some((behind, false));
            }
        }
        let (word, front) = ends_in_a_row(plain)?;
        (self.tells(word) && !self.is_publics(front, word)).then_some((word, false))
    }

    /// Whether what stands in front makes it nobody's: `renderingProviderLastName`. What programs call their users by has
    /// names, too, but no birth date.
    fn is_publics(&self, front: &str, word: &str) -> bool {
        let names = word.ends_with("name");
        // A hospital's record number is its patient's.
        let public = !matches!(word, "mrn" | "memberid" | "subscriberid" | "medicaidid");
        public && self.says_public(front)
            || PUBLIC_FRONTS
                .iter()
                .any(|public| front == *public || public.len() > 3 && front.ends_with(public))
            || (names && ACCOUNTS.iter().any(|account| front.ends_with(account)))
    }

    /// What stands behind a word for an individual, where it names something that only an individual has.
    fn behind_owner<'k>(&self, key: &'k str) -> Option<&'k str> {
        let owners = owners(key).iter().chain(relatives(key));
        owners.filter_map(|owner| key.strip_prefix(owner)).find_map(|rest| match rest {
            "first" => Some("firstname"),
            "last" => Some("lastname"),
            rest => Some(rest).filter(|rest| self.tells(rest)),
        })
    }

    fn tells(&self, key: &str) -> bool {
        self.exact("", key).any(Row::is_an_individuals)
    }

    /// The word for a relative in front of a key (in normal form) that has no row of its own.
    pub(super) fn relatives_word(&self, key: &str) -> Option<&'static str> {
        let mut words = relatives(key).iter();
        let word = words.find(|word| {
            let rest = key.strip_prefix(**word).unwrap_or_default();
            matches!(rest, "first" | "last" | "name") || self.tells(rest)
        })?;
        (!self.by_key.contains_key(key)).then_some(*word)
    }

    /// What of an individual a key (in normal form) names, whatever stands beside it.
    pub(super) fn an_individuals(&self, key: &str) -> Option<&Field> {
        self.rows("", key).find(|row| row.is_an_individuals()).map(|row| &row.field)
    }

    /// Whether a key (in normal form) holds clinical content.
    pub(super) fn is_clinical(&self, key: &str) -> bool {
        self.clinical.contains_key(key)
            || key.len() > DIAGNOSIS.len() && (key.contains(DIAGNOSIS) || key.contains("diagnoses"))
    }

    /// Whether the table says something of all below a key (in normal form).
    pub(super) fn has_below(&self, key: &str) -> bool {
        self.below.contains_key(key)
    }

    fn exact<'t>(&'t self, parent: &str, key: &str) -> impl Iterator<Item = &'t Row> {
        let placed = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
        Rows { rows: &self.rows, placed, found: Found::Own }.inside(parent)
    }

    /// The rows for all below a key (in normal form).
    pub(super) fn below(&self, key: &str) -> impl Iterator<Item = &Row> {
        let exact = self.below.get(key).into_iter().flatten();
        let letters = letters(key);
        let words = self.below_word.iter().filter(move |(word, _)| word.is_in(key, letters));
        // A physician's note tells of the patient.
        let words = words.filter(move |_| !TEXTS.iter().any(|text| key.contains(text))).map(|(_, row)| row);
        exact.chain(words).filter_map(|row| self.rows.get(*row))
    }

    /// Whether a key, as it is written, is one of the table's.
    pub(in crate::inspect::walk) fn has_key(&self, key: &str) -> bool {
        self.has(&normal(key))
    }

    /// Whether the table has the key (in normal form): it may be shown.
    pub(in crate::inspect::walk) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key) || self.below.contains_key(key) || self.behind_owner(key).is_some()
    }

    /// Whether it has the key (in normal form) wherever it stands: `pid.3` is none of those.
    pub(super) fn has_alone(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|placed| placed.iter().any(|placed| placed.parent.is_none()))
            || self.below.contains_key(key)
            || self.behind_owner(key).is_some()
    }

    /// A key as a place shows it, if the table has it.
    pub(crate) fn shown(&self, key: &str) -> Option<String> {
        Some(normal(key)).filter(|known| self.has(known))
    }

    /// Whether a key (in normal form) says by itself what its value is.
    pub(super) fn names_a_value(&self, key: &str) -> bool {
        self.rows("", key).any(|row| row.field.when.types.is_empty())
    }

    fn add(&mut self, at: &str, row: usize) -> Option<()> {
        let normal =
            |key: &str| !key.is_empty() && key.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let (first, last) = at.split_once('.').map_or((None, at), |(first, last)| (Some(first), last));
        match (first, last) {
            (Some(key), "**") => match key.strip_prefix('*').and_then(|key| key.strip_suffix('*')) {
                Some(word) => self.below_word.push((Word::of(Some(word).filter(|w| normal(w))?), row)),
                None => self.below.entry(Some(key).filter(|k| normal(k))?.into()).or_default().push(row),
            },
            (parent, key) => {
                if !normal(key) || !parent.is_none_or(normal) {
                    return None;
                }
                let placed = Placed { parent: parent.map(Into::into), row };
                self.by_key.entry(key.into()).or_default().push(placed);
            }
        }
        Some(())
    }
}

/// A label without what is said of it in brackets: `Date of birth (MM/DD/YYYY)`.
pub(super) fn without_remark(label: &str) -> &str {
    label.split_once(['(', '[']).map(|(front, _)| front).filter(|front| !front.is_empty()).unwrap_or(label)
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "base64" => Self::Base64,
            "jwt" => Self::Jwt,
            "opaque" => Self::Opaque,
            "time" => Self::Time,
            "public" => Self::Public,
            "relative" => Self::Relative,
            "listing" => Self::Listing,
            "own" => Self::Own,
            "clinical" => Self::Clinical,
            _ => return None,
        })
    }
}

/// Kinds that only an individual has, and no list, message or account of a program.
const fn is_an_individuals(kind: Kind) -> bool {
    kind.tells_who()
        || matches!(kind, Kind::DriverLicence | Kind::Phone | Kind::Email | Kind::Street | Kind::Zip)
}

/// Words for the individual that may stand in front of a key, by its first letter: most keys begin otherwise. Not `client`,
/// `user` and `subject`, which are a program's, too.
fn owners(key: &str) -> &'static [&'static str] {
    match key.as_bytes().first() {
        Some(b'a') => &["applicant", "address1", "address2"],
        Some(b'b') => &["beneficiary", "bene"],
        Some(b'c') => &["cardholder", "claimant", "caller"],
        Some(b'e') => &["enrollee"],
        Some(b'h') => &["home"],
        Some(b'i') => &["insured"],
        Some(b'm') => &["member", "mbr", "mailing"],
        Some(b'p') => &["patient", "policyholder", "person", "pat", "pt"],
        Some(b'r') => &["resident", "recip"],
        Some(b's') => &["subscriber"],
        _ => &[],
    }
}

/// The same of relatives.
fn relatives(key: &str) -> &'static [&'static str] {
    match key.as_bytes().first() {
        Some(b'c') => &["child", "caregiver"],
        Some(b'd') => &["dependent"],
        Some(b'e') => &["emergencycontact"],
        Some(b'f') => &["father", "fathers"],
        Some(b'g') => &["guarantor", "guardian"],
        Some(b'm') => &["mother", "mothers"],
        Some(b'n') => &["nextofkin", "nok"],
        Some(b'p') => &["parent", "partner"],
        Some(b's') => &["spouse", "sibling"],
        _ => &[],
    }
}

/// The row that a key (in normal form) ends in, whatever stands in front, and what does: of rows that nothing but an
/// individual has, so that `strLastName`, `dtDOB` and `clientSsn` are told without a list of all fronts.
fn ends_in_a_row(key: &str) -> Option<(&'static str, &str)> {
    let ends: &[(&str, &'static str)] = match key.as_bytes().last()? {
        b'b' => &[("dob", "dob")],
        b'd' => &[("memberid", "memberid"), ("subscriberid", "subscriberid"), ("medicaidid", "medicaidid")],
        b'e' => &[
            ("firstname", "firstname"),
            ("lastname", "lastname"),
            ("middlename", "middlename"),
            ("fullname", "fullname"),
            ("familyname", "familyname"),
            ("givenname", "givenname"),
            ("surname", "surname"),
            ("birthdate", "birthdate"),
        ],
        b'h' => &[
            ("dateofbirth", "dateofbirth"),
            ("patbirth", "birthdate"),
            ("patientbirth", "birthdate"),
            ("subjectbirth", "birthdate"),
        ],
        b'm' => &[
            ("firstnm", "firstname"),
            ("lastnm", "lastname"),
            ("middlenm", "middlename"),
            ("patnm", "patientname"),
        ],
        b'n' => &[("ssn", "ssn"), ("mrn", "mrn"), ("namegiven", "givenname")],
        b'r' => &[
            ("socialsecuritynumber", "ssn"),
            ("medicalrecordnumber", "mrn"),
            ("medicalrecordnbr", "mrn"),
            ("mrnnbr", "mrn"),
            ("membernumber", "memberid"),
            ("membernbr", "memberid"),
            ("memberidnumber", "memberid"),
        ],
        b't' => &[
            ("birthdt", "birthdate"),
            ("brthdt", "birthdate"),
            ("patlast", "lastname"),
            ("patientlast", "lastname"),
            ("patfirst", "firstname"),
            ("patientfirst", "firstname"),
        ],
        b'y' => &[("namefamily", "familyname")],
        _ => &[],
    };
    ends.iter().find_map(|(end, word)| Some((*word, key.strip_suffix(end)?)))
}

/// How a date is written, at the end of its key.
const DATE_FORMATS: &[&str] = &["mmddyyyy", "yyyymmdd", "ddmmyyyy", "mmddyy", "ymd", "mdy", "dmy"];
/// What stands in front of a provider's, a place's or a program's names and numbers.
const PUBLIC_FRONTS: &[&str] = &[
    "prov",
    "dr",
    "md",
    "doctor",
    "nurse",
    "attending",
    "referring",
    "rendering",
    "ordering",
    "prescriber",
    "surgeon",
    "pharmacist",
    "therapist",
    "clinician",
    "author",
    "operator",
    "staff",
    "vendor",
    "company",
    "hospital",
    "clinic",
    "pharmacy",
    "createdby",
    "updatedby",
    "modifiedby",
    "signedby",
    "enteredby",
];
const ACCOUNTS: &[&str] =
    &["user", "sender", "agent", "contact", "admin", "account", "customer", "owner", "rep", "manager"];
/// Words of keys that hold text, whoever wrote it.
const TEXTS: &[&str] = &["note", "comment", "narrative", "remark", "freetext"];
const DIAGNOSIS: &str = "diagnosis";
/// A shorter key is another with a digit behind it: `x1`.
const NUMBERED_MIN: usize = 3;

/// A key in normal form: lower case, letters and digits of ASCII only.
pub(in crate::inspect) fn normal(key: &str) -> String {
    if key.len() > KEY_BYTES_MAX {
        return String::new();
    }
    // Letters that look like those of ASCII are read as such.
    let undisguised = (!key.is_ascii()).then(|| Plain::of(key));
    let key = undisguised.as_ref().map_or(key, Plain::text);
    // What Salesforce puts behind the names of a customer's own fields.
    // SharePoint writes the blanks of its columns' names so: `Date_x0020_of_x0020_Birth`.
    let spelt = key.contains("_x0020_").then(|| key.replace("_x0020_", " "));
    let key = spelt.as_deref().unwrap_or(key);
    let named = ["__c", "__pc"].iter().find_map(|custom| key.strip_suffix(custom)).unwrap_or(key);
    let mut normal = String::with_capacity(key.len());
    if named.is_ascii() {
        let plain = named.bytes().filter(u8::is_ascii_alphanumeric);
        plain.for_each(|c| normal.push(char::from(c.to_ascii_lowercase())));
    } else {
        let plain = |c: char| if c.is_ascii() { u8::try_from(c).ok() } else { list::plain_letter(c) };
        let letters = named.chars().filter_map(plain).filter(u8::is_ascii_alphanumeric);
        letters.for_each(|c| normal.push(char::from(c.to_ascii_lowercase())));
    }
    normal
}

/// A longer key is no name of the table.
const KEY_BYTES_MAX: usize = 64;
