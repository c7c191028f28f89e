//! `last=…&first=…&dob=…`: parameters that are names where both stand in one query beside something else of a person. A list
//! is paged by `first` and `last`, too: with numbers and cursors.

use crate::inspect::field::Field;
use crate::inspect::walk::object;

/// Whether a query has both, each with what may be a name, and a parameter besides that only an individual has.
pub(super) fn has_first_and_last(query: &str, objects: &object::Table) -> bool {
    let named = |word: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .any(|(name, value)| name.eq_ignore_ascii_case(word) && is_part_of_a_name(value))
    };
    let somebodys = || {
        let names = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name);
        names.into_iter().any(|name| objects.is_an_individuals(name))
    };
    named("last") && named("first") && somebodys()
}

/// The row of such a parameter.
pub(super) fn part<'t>(name: &str, objects: &'t object::Table) -> Option<&'t Field> {
    match () {
        () if name.eq_ignore_ascii_case("last") => objects.lookup("lastname"),
        () if name.eq_ignore_ascii_case("first") => objects.lookup("firstname"),
        () => None,
    }
}

/// Letters, of few words, as they are written in a query.
fn is_part_of_a_name(value: &str) -> bool {
    value.len() <= NAME_BYTES_MAX
        && value.split(['+', '-', '\'']).all(|word| {
            let plain = word.replace("%20", "");
            let encoded = plain.contains('%');
            plain.len() > 1 && (encoded || plain.bytes().all(|b| b.is_ascii_alphabetic() || b >= 0x80))
        })
}

const NAME_BYTES_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::RuleSet;

    #[test]
    fn first_and_last_are_names_beside_somebodys_date_only() {
        let objects = &RuleSet::built_in().objects;
        for (query, names) in [
            ("last=Quispe&first=Ottilie&dob=1971-04-02", true),
            ("First=Ottilie&Last=van+der+Berg&mrn=8834127", true),
            ("last=Quispe&first=Ottilie", false),
            ("first=10&last=20&dob=1971-04-02", false),
            ("last=Quispe&dob=1971-04-02", false),
        ] {
            assert_eq!(has_first_and_last(query, objects), names, "{query}");
        }
    }
}
