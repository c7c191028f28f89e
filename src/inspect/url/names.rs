//! `last=…&first=…&dob=…`: parameters that are names where both stand in one query beside something else of a person. A list
//! is paged by `first` and `last`, too: with numbers and cursors.

use crate::inspect::decode;
use crate::inspect::field::Field;
use crate::inspect::walk::is_a_form_of_staff;
use crate::inspect::walk::object::{self, is_part_of_a_name};
use std::borrow::Cow;

/// Whether a query has both, each with what may be a name, and a parameter besides that only an individual has.
pub(super) fn has_first_and_last(query: &str, objects: &object::Table) -> bool {
    let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
    let named = |word: &str| {
        let mut values = pairs().filter(|(name, _)| decoded(name).eq_ignore_ascii_case(word));
        values.any(|(_, value)| is_part_of_a_name(&decoded(value)))
    };
    let somebodys = || pairs().any(|(name, _)| objects.is_an_individuals(&decoded(name)));
    named("last") && named("first") && somebodys()
}

/// Whether all that a query tells is of somebody who works there.
pub(super) fn is_staffs(query: &str) -> bool {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    is_a_form_of_staff(pairs.map(|(name, value)| (object::normal_key(&decoded(name)), decoded(value))))
}

/// The row of such a parameter.
pub(super) fn part<'t>(name: &str, objects: &'t object::Table) -> Option<&'t Field> {
    match () {
        () if name.eq_ignore_ascii_case("last") => objects.lookup("lastname"),
        () if name.eq_ignore_ascii_case("first") => objects.lookup("firstname"),
        () => None,
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    match text.contains(['%', '+']) {
        true => Cow::Owned(decode::percent(text, true)),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::RuleSet;

    #[test]
    fn a_form_of_staff_is_told_by_all_it_has() {
        for (query, staffs) in [
            (
                "company=Cedar+Ridge&job_title=CIO&first_name=Ottilie&last_name=Quispe&work_email=oq%40svh.org",
                true,
            ),
            (
                "npi=1528060753&last_name=Quispe&first_name=Ottilie&taxonomy=207Q00000X&phone=218-726-5000",
                true,
            ),
            ("npi=1528060753&last_name=Quispe&first_name=Ottilie&taxonomy=207Q00000X&dob=1971-04-02", false),
            ("company=Acme&job_title=CIO&first_name=Ottilie&last_name=Quispe&email=oq%40gmail.com", false),
            ("first_name=Ottilie&last_name=Quispe&phone=218-726-5000&email=oq%40svh.org", false),
            (
                "company=Acme&job_title=CIO&first_name=Ottilie&last_name=Quispe&email=oq%40svh.org&mrn=8834127",
                false,
            ),
        ] {
            assert_eq!(is_staffs(query), staffs, "{query}");
        }
    }

    #[test]
    fn first_and_last_are_names_beside_somebodys_date_only() {
        let objects = &RuleSet::built_in().objects;
        for (query, names) in [
            ("last=Quispe&first=Ottilie&dob=1971-04-02", true),
            ("First=Ottilie&Last=van+der+Berg&mrn=8834127", true),
            ("first=Ott%69lie&l%61st=Quispe&dob=1971-04-02", true),
            ("first=%31%32&last=%33%34&dob=1971-04-02", false),
            ("first=%2Fa%3Fb&last=%3D%3D&dob=1971-04-02", false),
            ("last=Quispe&first=Ottilie", false),
            ("first=10&last=20&dob=1971-04-02", false),
            ("last=Quispe&dob=1971-04-02", false),
        ] {
            assert_eq!(has_first_and_last(query, objects), names, "{query}");
        }
    }
}
