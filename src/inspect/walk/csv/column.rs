//! What a column is: a row and whose it is, told by its name.

use crate::inspect::check::date;
use crate::inspect::field::Field;
use crate::inspect::kind::Kind;
use crate::inspect::names::list;
use crate::inspect::walk::object::Carry;

/// What a column is, by its name or by what its values look like.
#[derive(Debug, Clone)]
pub(super) struct Column<'t> {
    pub(super) meaning: Meaning<'t>,
    /// The words of the table that its name begins with, where they make it somebody's beside the individual.
    pub(super) group: Option<Group>,
    /// Its name in words of the tables; `*` where they don't have it.
    pub(super) word: String,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Meaning<'t> {
    /// A row of a table.
    Field(&'t Field, Carry),
    /// A number by the first row, or a name by the second.
    NumberOrName(&'t Field, &'t Field),
    /// A provider's, an organisation's, a system's.
    Public,
    /// Clinical content.
    Clinical,
    /// Not told by its name.
    Unknown,
}

/// A person of a row beside the individual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) prefix: String,
    /// Whether it can be the individual himself.
    pub(super) holder: bool,
}

pub(super) fn meaning(field: &Field, carry: Carry) -> Meaning<'_> {
    match carry {
        Carry::Public => Meaning::Public,
        Carry::Clinical => Meaning::Clinical,
        carry => Meaning::Field(field, carry),
    }
}

pub(super) fn known<'t>(meaning: Meaning<'t>, word: &str) -> Column<'t> {
    Column { meaning, group: None, word: word.to_owned() }
}

pub(super) fn unknown<'t>() -> Column<'t> {
    known(Meaning::Unknown, "*")
}

impl Column<'_> {
    /// Whether its name tells what it is.
    pub(super) fn tells(&self) -> bool {
        !matches!(self.meaning, Meaning::Unknown)
    }

    /// What the key table calls it, where that is another word: `Last`, `Birth`. Of what is nobody's no word.
    pub(super) fn key(&self) -> Option<&'static str> {
        let field = match self.meaning {
            Meaning::Field(field, Carry::Value) if self.group.is_none() => field,
            Meaning::Clinical => return Some("diagnosis"),
            Meaning::Public => return Some(""),
            _ => return None,
        };
        Some(match field.kind {
            Kind::FamilyName => "lastname",
            Kind::GivenName => "firstname",
            Kind::FullName => "fullname",
            Kind::BirthDate if field.points.0 >= 20 => "dob",
            Kind::Ssn => "ssn",
            Kind::Mrn => "mrn",
            Kind::Mbi => "mbi",
            Kind::MemberId => "memberid",
            Kind::Phone => "phone",
            Kind::Email => "email",
            Kind::Street => "street",
            Kind::City => "city",
            Kind::Zip => "zip",
            Kind::Account => "accountnumber",
            _ => return None,
        })
    }

    /// Whether its values have digits, whoever writes them.
    pub(super) fn is_number(&self) -> bool {
        let Meaning::Field(field, _) = self.meaning else { return false };
        matches!(
            field.kind,
            Kind::Mrn
                | Kind::Ssn
                | Kind::Mbi
                | Kind::MemberId
                | Kind::Account
                | Kind::VisitNumber
                | Kind::ClaimId
                | Kind::OrderNumber
                | Kind::OtherId
                | Kind::DriverLicence
                | Kind::Passport
                | Kind::NationalId
                | Kind::Phone
                | Kind::Fax
                | Kind::Zip
                | Kind::Street
                | Kind::BirthDate
                | Kind::ServiceDate
        )
    }
}

impl Meaning<'_> {
    /// Whether it says a person's name.
    pub(super) fn is_name(&self) -> bool {
        match self {
            Self::Field(field, _) => {
                matches!(field.kind, Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::Relative)
            }
            Self::NumberOrName(..) => true,
            _ => false,
        }
    }
}

/// What an organisation has none of: a facility's record number is its patient's.
pub(super) const fn is_only_an_individuals(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Mrn
            | Kind::Account
            | Kind::VisitNumber
            | Kind::OrderNumber
            | Kind::ClaimId
            | Kind::MemberId
            | Kind::BirthDate
            | Kind::ServiceDate
    )
}

/// The words of a name, in lower case: `PatientLast_Name` is `patient`, `last`, `name`.
pub(in crate::inspect::walk) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars().take(NAME_BYTES_MAX) {
        let c = without_mark(c);
        if !c.is_ascii_alphanumeric() {
            // An apostrophe is inside a word: `mother's`.
            if !matches!(c, '\'' | '\u{2019}') {
                words.push(String::new());
            }
            lower = false;
            continue;
        }
        if c.is_ascii_uppercase() && lower {
            words.push(String::new());
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The plain letter under one with a mark: tables write `Prénom` and `prenom`.
fn without_mark(c: char) -> char {
    match list::plain_letter(c).filter(|_| !c.is_ascii()) {
        Some(letter) if c.is_uppercase() => char::from(letter.to_ascii_uppercase()),
        Some(letter) => char::from(letter),
        None => c,
    }
}

/// `DOB (MM/DD/YYYY)` without what stands in brackets.
pub(super) fn without_brackets(name: &str) -> String {
    let mut depth = 0usize;
    name.chars()
        .filter(|c| {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// What can be a column's name: letters first, few words, and nothing that only values have.
pub(super) fn is_name(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.chars().count() <= 60
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '#')
        && digits <= 4
        && !name.contains(['@', ':', '=', '!', '?'])
        && name.split_whitespace().count() <= 6
}

/// Whether cells name columns, `known` of which tell something: names all of them, or beside those that are known some of any
/// form that a question or a unit has (`Smoker?`, `Visit: type`, `%`), but for what only values have.
pub(super) fn are_names<'c>(cells: impl Iterator<Item = &'c str> + Clone, known: usize) -> bool {
    let filled = cells.filter(|cell| !cell.is_empty());
    let mut others = filled.clone().filter(|cell| !is_name(cell)).peekable();
    others.peek().is_none()
        || (known >= TELLING_MIN || known >= 2 && known * 2 > filled.count()) && others.all(may_be_asked)
}

/// Whether it may stand over a column though it is no name, and isn't what a record has: neither a number nor a date, nor a
/// mailbox.
pub(super) fn may_be_asked(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let is_mailbox = |word: &str| word.len() > 1 && word.contains('@');
    cell.len() <= QUESTION_BYTES_MAX
        && digits <= 4
        && !cell.split_whitespace().any(is_mailbox)
        && date::parse(cell).is_none()
}

/// As many columns that tell something make a head, whatever the others are called.
const TELLING_MIN: usize = 3;
/// Forms ask whole sentences.
const QUESTION_BYTES_MAX: usize = 300;
/// A longer name is none of the table.
pub(super) const NAME_BYTES_MAX: usize = 64;
