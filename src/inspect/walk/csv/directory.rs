//! Tables that list no individuals: places, providers, organisations. Their columns have the same names as a patient
//! list's, so the whole table (or row) tells.

use super::column::{Column, Meaning, unknown};
use crate::inspect::kind::Kind;
use crate::inspect::names;

/// Takes the individual out of columns that a list of places or of providers has.
pub(super) fn settle(columns: &mut [Column<'_>]) {
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
    let named = |words: &[&str]| columns.iter().any(|column| words.contains(&column.word.as_str()));
    let providers = named(&["npi"]) && named(CREDENTIALS) && !columns.iter().any(tells_of_an_individual);
    if providers {
        for column in columns.iter_mut().filter(|column| kind(column).is_some()) {
            column.meaning = Meaning::Public;
        }
    }
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
const CREDENTIALS: &[&str] = &["specialty", "credential", "credentials", "taxonomy"];
