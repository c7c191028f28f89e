//! Z segments: no table has their fields, but most are written as the standard writes such values elsewhere. The form tells
//! of which field of PID a field may be one.

use super::encoding::pieces;
use super::message::Walk;
use crate::inspect::check::date;
use crate::inspect::names;
use std::ops::Range;

/// A segment and the number of one of its fields.
type Place = ([u8; 3], u32);

impl Walk<'_, '_> {
    /// Whether the fields of a Z segment have a name and a birth date, an address, a telephone or a number by type: names
    /// alone may be of staff.
    pub(super) fn is_somebodys(&self, fields: &Range<usize>) -> bool {
        let (mut name, mut else_of_his) = (false, false);
        for field in pieces(self.doc, fields.clone(), Some(self.separators.field)).take(FIELDS_MAX) {
            let form = self.form(&field, true);
            name |= form == Some(NAME);
            else_of_his |= form.is_some_and(|form| form != NAME);
        }
        name && else_of_his
    }

    /// The field of PID whose form a field of a Z segment has. `somebodys`: also of forms that say little by themselves.
    pub(super) fn form(&self, field: &Range<usize>, somebodys: bool) -> Option<Place> {
        let part = |n| self.component(field, n);
        let is_typed = |types: &[&str], n| types.contains(&part(n));
        if self.several(field) {
            let number = part(1).bytes().any(|b| b.is_ascii_digit());
            let zip = part(5).split('-').next().unwrap_or_default();
            return if is_typed(NUMBER_TYPES, 5) && number {
                Some(NUMBER)
            } else if is_typed(USES, 2) && (is_typed(EQUIPMENT, 3) || number) {
                Some(TELEPHONE)
            } else if is_state(part(4)) && is_digits(zip, 5) {
                Some(ADDRESS)
            } else if somebodys
                && is_name_part(part(1))
                && is_name_part(part(2))
                && part(4).is_empty()
                // `GLU^Glucose^L` is a code.
                && !is_typed(CODE_SYSTEMS, 3)
            {
                Some(NAME)
            } else {
                None
            };
        }
        let value = part(1);
        let day = value.get(..8).unwrap_or_default();
        let born =
            || date::parse(day).is_some_and(|date| date.month > 0 && date.day > 0 && date.year >= 1900);
        (somebodys && is_digits(day, 8) && matches!(value.len(), 8 | 12 | 14) && born()).then_some(BIRTH_DATE)
    }
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// Two capitals.
fn is_state(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// A word, or a few, of letters that begin with a capital.
fn is_name_part(text: &str) -> bool {
    text.chars().count() > 1
        && names::is_person(text)
        && text.starts_with(char::is_uppercase)
        && text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.'))
}

const NUMBER: Place = (*b"PID", 3);
const NAME: Place = (*b"PID", 5);
const BIRTH_DATE: Place = (*b"PID", 7);
const ADDRESS: Place = (*b"PID", 11);
const TELEPHONE: Place = (*b"PID", 13);
/// Of table 0203, those of individuals.
const NUMBER_TYPES: &[&str] =
    &["MR", "MRN", "PI", "PT", "SS", "MB", "MC", "MA", "DL", "PPN", "SN", "AN", "VN"];
/// Of table 0396, those that stand behind most local codes.
const CODE_SYSTEMS: &[&str] =
    &["L", "LN", "I9", "I9C", "I10", "I10C", "SCT", "C4", "CVX", "NDC", "UCUM", "HL7"];
/// Table 0201, and table 0202.
const USES: &[&str] = &["PRN", "ORN", "VHN", "EMR", "NET"];
const EQUIPMENT: &[&str] = &["PH", "CP", "FX", "Internet", "X.400", "TDD"];
/// Longer segments are looked at in part.
const FIELDS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Findings, Inspector, Message, RuleSet};

    fn inspect(segments: &str) -> Findings {
        let body = format!("MSH|^~\\&|A|B|C|D|20250611143022||ADT^A08|7712033196|P|2.5.1\r{segments}\r");
        Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
            content_type: "x-application/hl7-v2+er7",
            body: body.as_bytes(),
            ..Message::default()
        })
    }

    fn points(segments: &str) -> u32 {
        inspect(segments).persons.iter().map(|person| u32::from(person.points.0)).max().unwrap_or(0)
    }

    #[test]
    fn fields_of_a_site_are_read_by_their_form() {
        for segments in [
            "PID|1\rZID|OKONEDO^HANNAH^M^^^^L|19740821|F|12 ELM ST^^BOISE^ID^83702^USA|2085512093^PRN^PH",
            "PID|1\rZPT|1|BARZANI^SHIRIN|19910605|F",
            "PID|1||||Okonedo^Hannah\rZNO|881203^^^SJ^MR",
            "ZNO|518447723^^^^SS",
        ] {
            assert!(points(segments) >= 90, "{segments}: {}", points(segments));
        }
        for segments in [
            "ZST|SMITH^JOHN|ER",
            "ZDT|20250611|20250612",
            "ZCD|GLU^Glucose^L|20250611|95",
            "ZPV|1679576722^OKAFOR^SAMUEL^^^^MD|Cardiology",
            "ZIN|ACME^PLAN^^^12345|20250101|G55210",
        ] {
            assert!(points(segments) < 50, "{segments}: {}", points(segments));
        }
    }

    #[test]
    fn what_a_result_asks_is_that_in_any_plain_type() {
        for results in [
            "OBX|1|ST|L^Last name||Papadopoulos\rOBX|2|DTM|X^Date of Birth||19620330\rOBX|3|ST|M^MRN||881203",
            "OBX|1|TX|^Member ID||W88120394\rOBX|2|NM|^Account number||4419928",
        ] {
            assert!(points(&format!("PID|1\rOBR|1|||X\r{results}")) >= 90, "{results}");
        }
        let results = "OBX|1|ST|^Place of birth||Boston\rOBX|2|ST|^MRN||unknown\rOBX|3|NM|^Glucose||95";
        assert!(points(&format!("PID|1\rOBR|1|||X\r{results}")) < 50);
    }
}
