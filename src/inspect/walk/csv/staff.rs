//! Lists of those who give care and of users of programs that have no number of theirs: told by all columns together, and by
//! what the first records say. Patients are listed with the same columns, so a mailbox that anybody may have is no staff's.

use super::column::{Column, Meaning};
use super::directory::{CREDENTIALS, is_a_sex, kind, tells_of_an_individual};
use super::layout::Values;
use crate::inspect::kind::Kind;
use crate::inspect::walk::object;

/// A directory of clinicians: whoever is named is one, by the column or by the field that stands beside the name, and all
/// other columns are a directory's.
pub(super) fn lists_clinicians(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> bool {
    let is_called = |(column, name): (&Column<'_>, &String)| {
        let behind = |word: &&str| name.strip_prefix(*word);
        let is_name = |rest: &str| matches!(rest, "" | "name" | "fullname" | "lastname" | "firstname");
        matches!(column.meaning, Meaning::Public) && CLINICIANS.iter().filter_map(behind).any(is_name)
    };
    let specialty = names.iter().any(|name| CREDENTIALS.iter().any(|word| name.contains(word)));
    let named = columns.iter().any(|column| column.meaning.is_name());
    let lives = |column: &Column<'_>| matches!(kind(column), Some(Kind::Street | Kind::Zip));
    let theirs = match columns.iter().zip(names).position(is_called) {
        Some(at) => !named && (at == 0 || specialty),
        // Who is referred has a specialty told, too, and an address.
        None => named && specialty,
    };
    let at_home = !specialty || named;
    theirs
        && !(at_home && columns.iter().any(lives))
        && columns.iter().zip(names).all(|(column, name)| is_of_a_directory(column, name))
        && works(columns, names, values)
}

/// A list of users or of staff: what they sign in with or whom they work as, and nothing that a patient has.
pub(super) fn lists_users(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> bool {
    let has = |words: &[&str]| names.iter().any(|name| words.contains(&name.as_str()));
    let told = |words: &'static [&'static str]| {
        let columns = names.iter().enumerate().filter(move |(_, name)| words.contains(&name.as_str()));
        columns.flat_map(move |(at, _)| values.of(at))
    };
    let roles = || told(ROLES);
    let (all, staff) = (roles().count(), roles().filter(|role| object::is_a_role_of_staff(role)).count());
    let titled = || told(&["title"]).any(|title| HONORIFICS.contains(&title.trim_end_matches('.')));
    let signs_in = has(LOGINS) && (has(ROLES) || has(VISITS));
    let employed = has(&["title"]) && (has(TEAMS) || has(&["employeename"])) && !titled();
    let named = columns.iter().any(|column| column.meaning.is_name());
    let staff_named = !named && names.first().is_some_and(|name| STAFF.contains(&name.as_str()));
    let home = |column: &Column<'_>| matches!(kind(column), Some(Kind::Street | Kind::Zip));
    let employee = |(column, name): (&Column<'_>, &String)| {
        tells_of_an_individual(column) && !matches!(name.as_str(), "employeename" | "employeeid")
    };
    (signs_in || employed || staff_named || all > 0 && staff * 5 >= all * 4)
        && !roles().any(object::is_an_individuals_role)
        && !columns.iter().zip(names).any(employee)
        && !columns.iter().any(home)
        && works(columns, names, values)
}

/// Whether nothing says that rows are patients': no sex, and no mailbox that anybody may have. Where no record is known, it
/// can't be told.
fn works(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> bool {
    let mut mails = columns.iter().enumerate().filter(|(_, column)| kind(column) == Some(Kind::Email));
    !values.are_none()
        && !columns.iter().any(|column| matches!(kind(column), Some(Kind::BirthDate | Kind::Ssn | Kind::Mrn)))
        && !names.iter().any(|name| is_a_sex(name))
        && !mails.any(|(at, _)| values.of(at).any(object::is_a_private_mailbox))
}

fn is_of_a_directory(column: &Column<'_>, name: &str) -> bool {
    let has_a_word = || ENTRY.iter().any(|word| name.contains(word));
    let is_part = |kind: Kind| {
        matches!(kind, Kind::FamilyName | Kind::GivenName | Kind::FullName)
            || matches!(kind, Kind::Phone | Kind::Fax | Kind::Email | Kind::Street | Kind::City | Kind::Zip)
    };
    match column.meaning {
        Meaning::Public => true,
        _ if tells_of_an_individual(column) || name.contains("home") => false,
        Meaning::Field(field, _) => is_part(field.kind) || has_a_word(),
        Meaning::Unknown => name == "id" || has_a_word(),
        Meaning::NumberOrName(..) | Meaning::Clinical => false,
    }
}

/// Whose names a column has that begins so.
const CLINICIANS: &[&str] =
    &["doctor", "physician", "provider", "practitioner", "clinician", "surgeon", "dentist", "prescriber"];
/// What a column of a directory has in its name.
const ENTRY: &[&str] = &[
    "specialty",
    "credential",
    "degree",
    "taxonomy",
    "title",
    "department",
    "dept",
    "location",
    "office",
    "clinic",
    "practice",
    "pager",
    "extension",
    "fax",
    "npi",
    "suffix",
    "prefix",
    "state",
    "country",
    "website",
    "language",
    "accepting",
    "phone",
];
/// Columns of whoever works there.
const STAFF: &[&str] = &["staff", "staffname", "staffmember", "nurse", "nursename"];
const LOGINS: &[&str] = &["username", "login", "userid", "loginid", "userlogin"];
const ROLES: &[&str] = &["role", "roles", "userrole", "userroles"];
const VISITS: &[&str] = &["lastlogin", "lastloginat", "lastlogindate", "lastsignin", "lastsigninat"];
const TEAMS: &[&str] = &["department", "departmentname", "dept", "division", "team"];
const HONORIFICS: &[&str] =
    &["Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Prof", "MR", "MRS", "MS", "DR", "mr", "mrs", "ms", "dr"];
