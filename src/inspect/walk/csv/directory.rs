//! Tables that list no individuals: places, providers, organisations. Their columns have the same names as a patient
//! list's, so the whole table (or row) tells.

use super::column::{Column, Meaning, unknown};
use crate::inspect::kind::Kind;
use crate::inspect::names;
use crate::inspect::walk::object;

/// Takes the individual out of columns that a list of places or of providers has.
pub(super) fn settle(columns: &mut [Column<'_>], names: &[String]) {
    let kinds = || columns.iter().filter_map(kind);
    let places = kinds().any(|kind| kind.category().as_str() == Some("GEO"))
        && kinds().all(|kind| {
            matches!(kind, Kind::City | Kind::County | Kind::Zip | Kind::Coordinates | Kind::Location)
        })
        && !columns
            .iter()
            .any(|column| matches!(column.meaning, Meaning::NumberOrName(..) | Meaning::Clinical));
    if places {
        // ZIP codes with their towns and where they lie.
        for column in columns.iter_mut().filter(|column| kind(column).is_some()) {
            *column = Column { word: column.word.clone(), ..unknown() };
        }
        return;
    }
    let names: Vec<String> = names.iter().map(|name| object::normal_key(name)).collect();
    if lists_providers(columns, &names) || lists_places(columns, &names) || lists_staff(columns, &names) {
        for (column, name) in columns.iter_mut().zip(names) {
            let free = FREE_TEXT.iter().any(|word| name.contains(word));
            if kind(column).is_some() || !free && matches!(column.meaning, Meaning::Unknown) {
                column.group = None;
                column.meaning = Meaning::Public;
            }
        }
    }
}

/// A directory of providers: an NPI, or a pharmacy's number, and whatever names there are are theirs.
fn lists_providers(columns: &[Column<'_>], names: &[String]) -> bool {
    let number = |name: &str| name.ends_with("npi") || name.starts_with("ncpdp");
    let Some(at) = names.iter().position(|name| number(name)) else { return false };
    if columns.iter().any(tells_of_an_individual) {
        return false;
    }
    let theirs = at == 0 || names.iter().any(|name| CREDENTIALS.iter().any(|word| name.contains(word)));
    theirs || !columns.iter().any(|column| column.meaning.is_name())
}

/// A list of places: each row has a place's number or name, and nobody's name but that of whom to ask for.
fn lists_places(columns: &[Column<'_>], names: &[String]) -> bool {
    let place = |name: &String| {
        PLACES
            .iter()
            .filter_map(|word| name.strip_prefix(word))
            .any(|rest| matches!(rest, "id" | "name" | "number" | "no" | "code"))
    };
    let somebody = |(column, name): (&Column<'_>, &String)| {
        tells_of_an_individual(column) && !name.starts_with("contact")
            || column.meaning.is_name() && !["contact", "manager"].iter().any(|word| name.starts_with(word))
    };
    names.iter().any(place) && !columns.iter().zip(names).any(somebody)
}

/// A list of staff: who works where and since when, and nothing that a patient has.
fn lists_staff(columns: &[Column<'_>], names: &[String]) -> bool {
    let works = names.iter().filter(|name| STAFF.contains(&name.as_str())).count();
    let theirs = |(column, name): (&Column<'_>, &String)| {
        name.starts_with("employee") || name.starts_with("emp") || !tells_of_an_individual(column)
    };
    let private = |column: &Column<'_>| {
        matches!(kind(column), Some(Kind::BirthDate | Kind::Ssn | Kind::MemberId | Kind::Mrn | Kind::Mbi))
    };
    works >= 2 && columns.iter().zip(names).all(theirs) && !columns.iter().any(private)
}

/// The column whose value says of each row whether it is an organisation's: where nothing else tells of an individual.
pub(super) fn name_column(columns: &[Column<'_>]) -> Option<usize> {
    let parts = |column: &Column<'_>| matches!(kind(column), Some(Kind::FamilyName | Kind::GivenName));
    if columns.iter().any(|column| tells_of_an_individual(column) || parts(column)) {
        return None;
    }
    columns.iter().position(|column| column.word == "name" && kind(column) == Some(Kind::FullName))
}

/// Whether a name is an organisation's: it has a word that no person's name has.
pub(super) fn is_organisation(name: &str) -> bool {
    name.split_whitespace().count() >= 2 && !names::is_person(name)
}

fn kind(column: &Column<'_>) -> Option<Kind> {
    match column.meaning {
        Meaning::Field(field, _) => Some(field.kind),
        _ => None,
    }
}

/// Columns that neither a provider's nor an organisation's row has.
fn tells_of_an_individual(column: &Column<'_>) -> bool {
    let individual = matches!(
        kind(column),
        Some(
            Kind::Mrn
                | Kind::BirthDate
                | Kind::DeathDate
                | Kind::Ssn
                | Kind::Mbi
                | Kind::MemberId
                | Kind::Account
                | Kind::VisitNumber
                | Kind::ClaimId
                | Kind::ServiceDate
                | Kind::DriverLicence
                | Kind::Passport
                | Kind::NationalId
                | Kind::OtherId
        )
    );
    individual
        || column.group.is_some()
        || column.word.starts_with("patient")
        || matches!(column.meaning, Meaning::NumberOrName(..) | Meaning::Clinical)
}

/// What only a directory of providers has beside the NPI.
const CREDENTIALS: &[&str] =
    &["specialty", "credential", "taxonomy", "clinic", "practice", "facility", "degree", "entitytype"];
/// What a place's own columns begin with. Not `lab` and `insurer`: somebody has one.
const PLACES: &[&str] = &[
    "facility",
    "clinic",
    "store",
    "pharmacy",
    "vendor",
    "supplier",
    "hospital",
    "site",
    "location",
    "branch",
    "office",
    "practice",
    "organization",
    "organisation",
    "school",
    "agency",
];
/// Columns of a list of staff.
const STAFF: &[&str] = &[
    "jobtitle",
    "hiredate",
    "workemail",
    "workphone",
    "jobcode",
    "costcenter",
    "managerid",
    "managername",
    "startdate",
    "position",
    "positiontitle",
    "employmentstatus",
    "department",
    "departmentname",
    "terminationdate",
];
/// Words of columns that tell of anybody.
const FREE_TEXT: &[&str] =
    &["note", "comment", "text", "narrative", "message", "description", "remark", "reason"];
