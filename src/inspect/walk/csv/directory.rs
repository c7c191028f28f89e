//! Tables that list no individuals: places, providers, organisations. Their columns have the same names as a patient
//! list's, so the whole table (or row) tells.

use super::column::{Column, Meaning, unknown};
use super::layout::Values;
use super::table::FREE_TEXT;
use crate::inspect::kind::Kind;
use crate::inspect::names;
use crate::inspect::walk::object::{Carry, is_an_organisation};
use std::collections::HashSet;

/// Takes the individual out of columns that a list of places or of providers has, by their names in normal form.
pub(super) fn settle(columns: &mut [Column<'_>], names: &[String], values: Values<'_>) {
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
    let is_nobodys = lists_providers(columns, names)
        || lists_places(columns, names, values)
        || lists_orders(columns, names, values);
    if is_nobodys {
        for (column, name) in columns.iter_mut().zip(names) {
            let free = FREE_TEXT.iter().any(|word| name.contains(word));
            let is_its_own = match column.meaning {
                Meaning::Field(_, carry) => !matches!(carry, Carry::Text | Carry::Base64),
                Meaning::Unknown => !free,
                _ => false,
            };
            if is_its_own {
                column.group = None;
                column.meaning = Meaning::Public;
            }
        }
    }
    if let Some(column) = tests(columns, names, values).and_then(|at| columns.get_mut(at)) {
        column.group = None;
        column.meaning = Meaning::Public;
    }
    // A unit of blood has a number, and so has a patient.
    if names.iter().any(|name| BLOOD.contains(&name.as_str())) && !columns.iter().any(|c| c.meaning.is_name())
    {
        for (column, name) in columns.iter_mut().zip(names) {
            if matches!(name.as_str(), "unitnumber" | "unitno") {
                *column = unknown();
            }
        }
    }
}

/// A directory of providers: an NPI, or a pharmacy's number, of the row's own, and whatever names there are are theirs.
fn lists_providers(columns: &[Column<'_>], names: &[String]) -> bool {
    let number = |name: &String| NUMBERS.contains(&name.as_str()) || name.starts_with("ncpdp");
    let Some(at) = names.iter().position(number) else { return false };
    // Who attends somebody is told beside him.
    let other = |name: &String| OTHERS.iter().any(|word| name.starts_with(word));
    // A row that begins with an NPI and has two of what only who is licensed has: the birth date and the licence are his, too.
    let has = |words: &[&str]| names.iter().any(|name| words.iter().any(|word| name.contains(word)));
    let licensed = at == 0 && LICENSED.iter().filter(|words| has(words)).count() > 1;
    let is_his = |column: &Column<'_>| {
        licensed
            && column.group.is_none()
            && !column.word.starts_with("patient")
            && matches!(
                kind(column),
                Some(Kind::BirthDate | Kind::DriverLicence | Kind::NationalId | Kind::OtherId)
            )
    };
    let of_another = |column: &Column<'_>| tells_of_an_individual(column) && !is_his(column);
    if columns.iter().any(of_another) || names.iter().any(other) {
        return false;
    }
    let theirs = at == 0 || names.iter().any(|name| CREDENTIALS.iter().any(|word| name.contains(word)));
    theirs || !columns.iter().any(|column| column.meaning.is_name())
}

/// A list of places: each row has a place's number or name, and nobody's name but that of whom to ask for.
fn lists_places(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> bool {
    let place = |name: &String| {
        PLACES
            .iter()
            .filter_map(|word| name.strip_prefix(word))
            .any(|rest| matches!(rest, "id" | "name" | "number" | "no" | "code"))
    };
    // `facility_id,name,street`: each row begins with another place's number, and most names are a place's.
    let are_of_places = || {
        let mut seen = HashSet::new();
        let called = || names.iter().position(|name| name == "name").into_iter().flat_map(|at| values.of(at));
        let organisations = called().filter(|name| is_organisation(name)).count();
        names.first().is_some_and(place)
            && values.of(0).all(|value| seen.insert(value))
            && !called().any(names::is_listed)
            && organisations * 2 > called().count()
    };
    let somebody = |(column, name): (&Column<'_>, &String)| {
        let who = matches!(kind(column), Some(Kind::Ssn | Kind::BirthDate | Kind::Mrn | Kind::Mbi));
        who || tells_of_an_individual(column) && !name.starts_with("contact")
            || column.meaning.is_name()
                && !["contact", "manager"].iter().any(|word| name.starts_with(word))
                && !(name == "name" && are_of_places())
            || is_a_sex(name)
    };
    let is_one = || names.iter().any(place) || begins_with_places(columns, names, values);
    !columns.iter().zip(names).any(somebody) && is_one()
}

/// The column of what is tested in a menu of tests: each row begins with the code of one, and its name is a thing's. A list of
/// work has each patient's name in such a column, too.
fn tests(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> Option<usize> {
    names.first().filter(|name| TESTS.contains(&name.as_str()))?;
    let of_another = |column: &Column<'_>| {
        !matches!(column.meaning, Meaning::NumberOrName(..) | Meaning::Clinical)
            && tells_of_an_individual(column)
            || matches!(kind(column), Some(Kind::FamilyName | Kind::GivenName | Kind::Phone | Kind::Street))
    };
    let at = names.iter().position(|name| name == "name").filter(|_| !columns.iter().any(of_another))?;
    let plain = values.of(at).filter(|value| has_a_things_word(value)).count();
    (plain * 2 > values.of(at).count() && !values.of(at).any(names::is_listed)).then_some(at)
}

/// A list of orders of goods: each goes to an organisation, and nobody is named but for whom it is there.
fn lists_orders(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> bool {
    let Some(at) = names.iter().position(|name| GOES_TO.contains(&name.as_str())) else { return false };
    let has = |words: &[&str]| names.iter().any(|name| words.contains(&name.as_str()));
    let somebody = |(column, name): (&Column<'_>, &String)| {
        tells_of_an_individual(column)
            || column.meaning.is_name()
                && ![GOES_TO, ATTENTION].iter().any(|own| own.contains(&name.as_str()))
            || matches!(kind(column), Some(Kind::Relative))
            || is_a_sex(name)
    };
    has(GOODS)
        && has(AMOUNTS)
        && values.of(at).next().is_some()
        && values.of(at).all(is_an_organisation)
        && !columns.iter().zip(names).any(somebody)
}

/// Whether each row begins with the name of another place, and has nothing besides but what places have.
fn begins_with_places(columns: &[Column<'_>], names: &[String], values: Values<'_>) -> bool {
    let Some(first) = names.first() else { return false };
    let mut words = PLACES.iter().chain(FIRST_PLACES).filter_map(|word| first.strip_prefix(word));
    if !words.any(|rest| matches!(rest, "" | "id" | "name")) {
        return false;
    }
    let is_its_own = |(column, name): (&Column<'_>, &String)| match column.meaning {
        Meaning::Field(..) => true,
        _ => OWN.iter().any(|word| name == word) || name.starts_with(first.as_str()),
    };
    let rest = || columns.iter().zip(names).skip(1);
    // Patients of one place are told with its name, too.
    let (mut seen, mut named) = (HashSet::new(), 0_usize);
    let differs = values.of(0).all(|value| {
        named += 1;
        seen.insert(value) && !names::is_listed(value)
    });
    let prefix = first.trim_end_matches("id").trim_end_matches("name");
    let of_its_desks = |name: &str| DESKS.iter().any(|desk| name.starts_with(desk));
    differs
        && named > 0
        && rest().all(|one| is_its_own(one) || one.1.starts_with(prefix) || of_its_desks(one.1))
}

fn is_a_sex(name: &str) -> bool {
    name.starts_with("sex") || name.ends_with("sex") || name.contains("gender")
}

/// The column whose value says of each row whether it is an organisation's: where nothing else tells of an individual.
pub(super) fn name_column(columns: &[Column<'_>]) -> Option<usize> {
    let clinical = columns.iter().any(|column| matches!(column.meaning, Meaning::Clinical));
    called_column(columns).filter(|_| !clinical)
}

/// Whether a name is an organisation's: it has a word that no person's name has.
pub(super) fn is_organisation(name: &str) -> bool {
    name.split_whitespace().count() >= 2 && !names::is_person(name)
}

/// The column of names where no number and no part of a name tells of an individual. What tells of care may tell of drugs.
pub(super) fn called_column(columns: &[Column<'_>]) -> Option<usize> {
    let individual = |column: &Column<'_>| {
        !matches!(column.meaning, Meaning::Clinical) && tells_of_an_individual(column)
            || matches!(kind(column), Some(Kind::FamilyName | Kind::GivenName))
    };
    if columns.iter().any(individual) {
        return None;
    }
    columns.iter().position(|column| column.word == "name" && kind(column) == Some(Kind::FullName))
}

/// Whether a table has nothing of people but names, few of which begin as a person's do: a list of products or organisms.
pub(super) fn lists_things(columns: &[Column<'_>], values: Values<'_>) -> bool {
    let contact = |column: &Column<'_>| {
        matches!(
            kind(column),
            Some(Kind::Phone | Kind::Fax | Kind::Email | Kind::Street | Kind::Zip | Kind::Trait)
        )
    };
    let Some(at) = name_column(columns) else { return false };
    let people = values.of(at).filter(|value| begins_as_a_person(value)).count();
    let all = values.of(at).count();
    all >= THINGS_MIN && people * 4 < all && !columns.iter().any(contact)
}

/// Whether a value has a word that people aren't called by.
fn has_a_things_word(value: &str) -> bool {
    let lists = names::list::Lists::built_in();
    let words = &crate::inspect::RuleSet::built_in().words;
    value.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1).any(|word| {
        let (standing, lower) = (lists.standing(word), word.to_lowercase());
        let is_a_things = standing.word
            || [&words.clinical, &words.substances, &words.not_names].iter().any(|set| set.contains(&lower));
        is_a_things && !standing.given && !standing.family
    })
}

/// Whether a value begins with a given name, and doesn't end in a plain word.
fn begins_as_a_person(value: &str) -> bool {
    let lists = names::list::Lists::built_in();
    let (last, first) = match value.split_once(',') {
        Some((last, first)) => (last, first),
        None => value.rsplit_once(' ').map_or(("", value), |(front, last)| (last, front)),
    };
    let standing = |words: &str| lists.standing(words.split_whitespace().next().unwrap_or_default());
    let last = standing(last);
    standing(first).given && (last.family || last.given || !last.word)
}

/// Whether a name is a thing's: a plain or a clinical word in it, and none that people are called by; among `things` all that
/// the lists don't know as somebody's full name.
pub(super) fn is_a_thing(name: &str, things: bool) -> bool {
    if things {
        return !names::is_listed(name);
    }
    let lists = names::list::Lists::built_in();
    let words = &crate::inspect::RuleSet::built_in().words;
    let mut plain = false;
    let all = name.split([' ', ',', '/']).filter(|word| !word.is_empty()).all(|word| {
        let standing = lists.standing(word);
        let lower = word.to_lowercase();
        plain |= standing.word || words.clinical.contains(&lower) || words.things.contains(&lower);
        !standing.given && !standing.family
    });
    all && plain
}

pub(super) fn kind(column: &Column<'_>) -> Option<Kind> {
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

/// A provider's own number, in a row of his own.
const NUMBERS: &[&str] = &["npi", "npinumber", "providernpi", "providernpinumber", "provnpi"];
/// Whose numbers and names stand in somebody else's row, and what he is seen for.
const OTHERS: &[&str] = &["attending", "referring", "rendering", "ordering", "billing", "reason"];
/// What only a directory of providers has beside the NPI.
const CREDENTIALS: &[&str] = &["specialty", "credential", "taxonomy", "degree", "entitytype"];
/// What only who is licensed to give care has, each in the words that columns have for it.
const LICENSED: &[&[&str]] = &[
    &["specialty", "taxonomy"],
    &["credential", "degree"],
    &["taxid", "tin", "ein"],
    &["license", "licence"],
    &["dea"],
];
/// What is told of a unit of blood.
const BLOOD: &[&str] = &["productcode", "bloodproduct", "bloodcomponent", "donationid", "abo", "aborh"];
/// Fewer names tell little of a table, and are no bulk.
const THINGS_MIN: usize = 8;
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
/// The same where each row begins with one.
const FIRST_PLACES: &[&str] = &["payer", "payor", "warehouse"];
/// What a payer has an address and a number of its own for.
const DESKS: &[&str] = &["claims", "appeals", "eligibility", "remit"];
/// What tests are ordered by.
const TESTS: &[&str] = &["labtestcode", "ordercode", "testcode", "testid", "testnumber"];
/// Whom goods are sent to, for whom they are there, what they are and how many.
const GOES_TO: &[&str] = &["deliverto", "shipto", "shiptoname"];
const ATTENTION: &[&str] = &["attention", "attn", "contact", "contactname", "receiver"];
const GOODS: &[&str] =
    &["item", "itemdescription", "itemnumber", "itemno", "part", "partnumber", "product", "sku"];
const AMOUNTS: &[&str] = &["qty", "quantity", "qtyordered", "orderqty"];
/// Who runs a place, and what is told of it.
const OWN: &[&str] = &[
    "administrator",
    "contact",
    "country",
    "director",
    "hours",
    "manager",
    "nurse",
    "owner",
    "principal",
    "region",
    "state",
    "status",
    "type",
    "url",
    "website",
];
