//! Z segments: no table has their fields, but most are written as the standard writes such values elsewhere. The form tells
//! of which field of PID a field may be one.

use super::encoding::pieces;
use super::message::Walk;
use crate::inspect::RuleSet;
use crate::inspect::check::{date, digits};
use crate::inspect::names;
use std::ops::Range;

/// A segment and the number of one of its fields.
type Place = ([u8; 3], u32);

/// What the fields of a Z segment say of whose it is.
#[derive(Default)]
pub(super) struct Told {
    /// Whether forms that say little by themselves count: there is a name, and something else of the same person.
    somebodys: bool,
    /// A number of a provider's own, or what he learnt, in a field of its own: all of it is his.
    providers: bool,
    /// Somebody's sex.
    sexed: bool,
}

impl Walk<'_, '_> {
    /// Whose the fields of a Z segment are. Names alone may be of staff, and so may be those beside an office's address.
    pub(super) fn site(&self, fields: &Range<usize>) -> Told {
        let (mut name, mut listed, mut numbered, mut providers) = (false, false, false, false);
        let mut others: Vec<Place> = Vec::new();
        let all = || pieces(self.doc, fields.clone(), Some(self.separators.field)).take(FIELDS_MAX);
        let sexed = all().any(|field| matches!(self.doc.get(field), Some(b"F" | b"M")));
        for field in all() {
            if !self.several(&field) {
                let value = self.component(&field, 1);
                // `MD` is a state, too.
                providers |= digits::npi(value) || value != "MD" && is_credential(value);
                // One that is written whole is read as text.
                let whole = match value.split_once(", ") {
                    Some((family, given)) => names::is_listed(&format!("{given} {family}")),
                    None => names::is_listed(value),
                };
                (name, listed) = (name || whole, listed || whole);
            }
            match self.any_form(&field, sexed) {
                Some(NAME) => {
                    name = true;
                    listed |= [1, 2].into_iter().any(|n| is_listed(self.component(&field, n)));
                }
                Some(form) if !others.contains(&form) => others.push(form),
                _ => {}
            }
            numbered |= self.any_form(&field, sexed) == Some(NUMBER) && !self.is_weak_number(&field);
        }
        // Who attends him stands beside him, too.
        let born = others.contains(&BIRTH_DATE);
        let providers = providers && !numbered && !born;
        // What nobody is known to be called by may be a thing.
        let told = listed || born || numbered || others.len() > 1;
        Told { somebodys: name && !others.is_empty() && told && !providers, providers, sexed }
    }

    /// The field of PID whose form a field of a Z segment has.
    pub(super) fn form(&self, field: &Range<usize>, told: &Told) -> Option<Place> {
        let form = self.any_form(field, told.sexed).filter(|_| !told.providers)?;
        (told.somebodys || form == NUMBER && !self.is_weak_number(field)).then_some(form)
    }

    fn any_form(&self, field: &Range<usize>, sexed: bool) -> Option<Place> {
        let part = |n| self.component(field, n);
        let is_typed = |types: &[&str], n| types.contains(&part(n));
        if !self.several(field) {
            return self.is_birth_date(part(1), sexed).then_some(BIRTH_DATE);
        }
        let learnt = || (3..=PARTS_MAX).any(|n| is_credential(part(n))) || digits::npi(part(1));
        let number = part(1).bytes().any(|b| b.is_ascii_digit());
        let zip = part(5).split('-').next().unwrap_or_default();
        if (is_typed(NUMBER_TYPES, 5) || is_typed(WEAK_NUMBER_TYPES, 5)) && number {
            Some(NUMBER)
        } else if is_typed(USES, 2) && (is_typed(EQUIPMENT, 3) || number) {
            Some(TELEPHONE)
        } else if is_state(part(4)) && is_digits(zip, 5) {
            Some(ADDRESS)
        } else if is_name_part(part(1))
            && is_name_part(part(2))
            && part(4).is_empty()
            // `GLU^Glucose^L` is a code.
            && !is_typed(CODE_SYSTEMS, 3)
            && !learnt()
        {
            Some(NAME)
        } else {
            None
        }
    }

    /// A number of an account or a visit, which a guarantor and an order have, too.
    fn is_weak_number(&self, field: &Range<usize>) -> bool {
        WEAK_NUMBER_TYPES.contains(&self.component(field, 5))
    }

    /// A day, and not of the years about the message: that is when something was done, unless somebody's sex stands beside it.
    fn is_birth_date(&self, value: &str, sexed: bool) -> bool {
        let before =
            |born: u16| self.sent().is_none_or(|sent| born + if sexed { 0 } else { CARE_YEARS } <= sent);
        let timed = matches!(value.len(), 12 | 14) && is_digits(value, value.len());
        let day = value.get(..8).filter(|_| timed).unwrap_or(value);
        is_digits(day, 8)
            && date::parse(day)
                .is_some_and(|date| date.month > 0 && date.day > 0 && date.year >= 1900 && before(date.year))
    }

    /// Whether the message is a master file's (HL7 v2.5.1, chapter 8): staff, places, tests and what they cost.
    pub(super) fn tells_master_files(&self) -> bool {
        let head = self.message_start..self.doc.len();
        let kind = pieces(self.doc, head, Some(self.separators.field)).nth(KIND_AT);
        kind.is_some_and(|kind| matches!(self.component(&kind, 1), "MFN" | "MFK" | "MFQ" | "MFR"))
    }

    /// The year of MSH-7.
    fn sent(&self) -> Option<u16> {
        *self.sent.get_or_init(|| {
            let head = self.message_start..self.doc.len();
            let sent = pieces(self.doc, head, Some(self.separators.field)).nth(SENT_AT)?;
            date::parse(self.component(&sent, 1)).map(|date| date.year)
        })
    }
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// Two capitals.
fn is_state(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether somebody is called by a word of a name's part.
fn is_listed(part: &str) -> bool {
    let lists = names::list::Lists::built_in();
    let mut standings = part.split([' ', '-']).map(|word| lists.standing(word));
    standings.any(|standing| standing.given || standing.family)
}

/// What a practitioner has behind his name.
fn is_credential(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    !word.is_empty() && RuleSet::built_in().words.provider_after.contains(&word.to_lowercase())
}

/// A word, or a few, of letters that begin with a capital; none that is a plain or a clinical one.
fn is_name_part(text: &str) -> bool {
    let words = &RuleSet::built_in().words;
    let is_a_things = |word: &str| {
        let word = word.to_lowercase();
        words.is_clinical(&word) || words.things.contains(&word) || words.substances.contains(&word)
    };
    text.chars().count() > 1
        && names::is_person(text)
        && names::may_be(text)
        && text.split(' ').all(|word| is_listed(word) || !is_a_things(word))
        && text.starts_with(char::is_uppercase)
        && text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.'))
}

const NUMBER: Place = (*b"PID", 3);
const NAME: Place = (*b"PID", 5);
const BIRTH_DATE: Place = (*b"PID", 7);
const ADDRESS: Place = (*b"PID", 11);
const TELEPHONE: Place = (*b"PID", 13);
/// Of table 0203, those of individuals.
const NUMBER_TYPES: &[&str] = &["MR", "MRN", "PI", "PT", "SS", "MB", "MC", "MA", "DL", "PPN", "SN"];
const WEAK_NUMBER_TYPES: &[&str] = &["AN", "VN"];
/// Of table 0396, those that stand behind most local codes.
const CODE_SYSTEMS: &[&str] =
    &["L", "LN", "I9", "I9C", "I10", "I10C", "SCT", "C4", "CVX", "NDC", "UCUM", "HL7"];
/// Table 0201, and table 0202.
const USES: &[&str] = &["PRN", "ORN", "VHN", "EMR", "NET"];
const EQUIPMENT: &[&str] = &["PH", "CP", "FX", "Internet", "X.400", "TDD"];
/// Longer segments are looked at in part.
const FIELDS_MAX: usize = 64;
/// Components that may say what somebody learnt.
const PARTS_MAX: usize = 9;
/// Something that is done for somebody is no longer ago.
const CARE_YEARS: u16 = 10;
/// MSH-7, whose MSH-1 is the separator itself.
const SENT_AT: usize = 6;
/// MSH-9.
const KIND_AT: usize = 8;

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
            "ZPT|1|OKONEDO^HANNAH|19740821|12 ELM ST^^BALTIMORE^MD^21201|MD",
            "PID|1||||Okonedo^Hannah\rZNO|881203^^^SJ^MR",
            "ZNO|518447723^^^^SS",
            "ZPD|1|Miller^Linda|19600707000000",
            "ZPD|1|Miller^Linda|19600707|F|12 Larkspur Ave^^RALEIGH^NC^27601|9195324411^PRN^PH|1679576722",
            "ZNB|1|Miller^Linda|20250322|F",
            "ZIN|1|KBQ766665368|Johnson, Michael|19780923|1388 Wexford Rd^^RALEIGH^NC^27601",
            "ZPD|1|Nguyenova^Saoirse|48508098^^^LAKE^MR",
            "ZPD|1|Nguyenova^Saoirse|12 Larkspur Ave^^RALEIGH^NC^27601|9195324411^PRN^PH",
        ] {
            assert!(points(segments) >= 90, "{segments}: {}", points(segments));
        }
        for segments in [
            "ZST|SMITH^JOHN|ER",
            "ZDT|20250611|20250612",
            "ZCD|GLU^Glucose^L|20250611|95",
            "ZPV|1679576722^OKAFOR^SAMUEL^^^^MD|Cardiology",
            "ZIN|ACME^PLAN^^^12345|20250101|G55210",
            "ZST|Active^Complete|20250611143022",
            "ZAL|Bee Venom^Severe|19990611",
            "ZAL|Penicillin^Rash|19990611",
            "ZUS|Holloway^Gail^A|20250611143022|20240901",
            "ZUS|1|LINDQE|Lindqvist^Elena|ACTIVE|20241113",
            "ZAC|4419928^^^^AN",
        ] {
            assert!(points(segments) < 50, "{segments}: {}", points(segments));
        }
        // Their offices' addresses are read as text.
        for segments in [
            "ZPR|Holloway^Gail^^^^MD|12 ELM ST^^BOISE^ID^83702|2085512093^WPN^PH",
            "ZPR|1679576722|Holloway^Gail|12 ELM ST^^BOISE^ID^83702",
            "ZPH|Walgreens #1123|12 ELM ST^^BOISE^ID^83702|2085512093^PRN^PH",
        ] {
            assert!(points(segments) < 90, "{segments}: {}", points(segments));
        }
    }

    #[test]
    fn a_master_files_own_segments_are_nobodys() {
        let vendor = "ZVN|1|Cascade Orthopaedics PC|Priscilla Tanaka|pt@bayouvista-med.org|320-908-7534|3388 Commerce Blvd^^Tahlequah^OK^74464";
        let points = |kind: &str| {
            let body =
                format!("MSH|^~\\&|A|B|C|D|20250611||{kind}|7712|P|2.5.1\rMFI|VEND||UPD|||NE\r{vendor}\r");
            let message = Message {
                content_type: "x-application/hl7-v2+er7",
                body: body.as_bytes(),
                ..Message::default()
            };
            let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message);
            found.persons.iter().map(|person| u32::from(person.points.0)).max().unwrap_or(0)
        };
        assert_eq!(points("MFN^Z01"), 0);
        assert!(points("ADT^A08") >= 90);
    }

    #[test]
    fn what_a_result_asks_is_that_in_any_plain_type() {
        for results in [
            "OBX|1|ST|L^Last name||Papadopoulos\rOBX|2|DTM|X^Date of Birth||19620330\rOBX|3|ST|M^MRN||881203",
            "OBX|1|TX|^Member ID||W88120394\rOBX|2|NM|^Patient account number||4419928",
        ] {
            assert!(points(&format!("PID|1\rOBR|1|||X\r{results}")) >= 90, "{results}");
        }
        let results = "OBX|1|ST|^Place of birth||Boston\rOBX|2|ST|^MRN||unknown\rOBX|3|NM|^Glucose||95\rOBX|4|NM|^Account number||4419928";
        assert!(points(&format!("PID|1\rOBR|1|||X\r{results}")) < 50);
    }
}
