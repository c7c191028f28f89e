//! Names of things: `name` in an entry of a list of medications or tests is what the entry is of, and no cue of a person.

use super::Walk;
use super::keys::Keys;
use crate::inspect::names;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};

impl Walk<'_, '_> {
    /// Whether a value is a thing's name by where it stands: `testName`, `{"medications": [{"name": "…"}]}`. Not where its
    /// object tells of a person or names the thing elsewhere, and not what the lists know as somebody's full name.
    pub(super) fn names_a_thing(&self, id: NodeId, key: &str) -> bool {
        let Some(front) = key.strip_suffix("name").filter(|_| self.tape.kind(id) == NodeKind::String) else {
            return false;
        };
        let is_things = match front {
            "" => self.frames.last().is_some_and(|frame| {
                (THINGS.contains(&&*frame.key.name) || frame.key.is_clinical && &*frame.key.name != "results")
                    && !self.is_somebodys(frame.object, id)
            }),
            _ => is_called_by_a_thing(key),
        };
        is_things && !names::is_listed(&self.tape.value(id))
    }

    /// Whether an object has something of a person beside a name, or what the name would be of.
    fn is_somebodys(&self, object: NodeId, name: NodeId) -> bool {
        let mut beside =
            self.tape.children(object).take(MEMBERS_LOOKED_AT_MAX).filter(|child| *child != name);
        beside.any(|child| {
            tells_of_somebody(self.keys, child)
                || self.tape.kind(child) == NodeKind::String && NAMED.contains(&self.keys.name(child))
        })
    }
}

fn tells_of_somebody(keys: &Keys, child: NodeId) -> bool {
    let key = keys.get(child);
    key.kind.is_some() || matches!(&*key.name, "sex" | "gender" | "age" | "patient" | "member" | "subject")
}

/// Whether a key or a column (in normal form) is a thing's name: `drugname`, `testname`.
pub(in crate::inspect::walk) fn is_called_by_a_thing(key: &str) -> bool {
    key.strip_suffix("name").is_some_and(|front| FRONTS.contains(&front))
}

/// What a thing's name begins with. Not `lab`, `item` and `service`: those who do it have names, too.
const FRONTS: &[&str] = &[
    "allergen",
    "allergy",
    "analyte",
    "brand",
    "component",
    "condition",
    "dx",
    "drug",
    "generic",
    "immunization",
    "ingredient",
    "labtest",
    "med",
    "medication",
    "organism",
    "panel",
    "problem",
    "procedure",
    "product",
    "result",
    "rx",
    "specimen",
    "substance",
    "test",
    "vaccine",
];
/// Keys of things that have a name, beside those of clinical content.
const THINGS: &[&str] = &[
    "allergen",
    "allergens",
    "analyte",
    "analytes",
    "component",
    "components",
    "drug",
    "drugs",
    "formulary",
    "ingredient",
    "ingredients",
    "lab",
    "labs",
    "labtests",
    "organism",
    "organisms",
    "panel",
    "panels",
    "product",
    "products",
    "substance",
    "substances",
    "supplies",
    "test",
    "tests",
    "vaccine",
    "vaccines",
];
/// Members that say what an entry is of: a name beside them is of whoever has it.
const NAMED: &[&str] = &[
    "allergen",
    "allergy",
    "condition",
    "diagnosis",
    "drug",
    "drugname",
    "dx",
    "lab",
    "medication",
    "medicationname",
    "problem",
    "procedure",
    "procedurename",
    "product",
    "productname",
    "test",
    "testname",
    "vaccine",
    "vaccinename",
];

#[cfg(test)]
mod tests {
    use super::super::found::{each, inspect, is_refused};

    #[test]
    fn names_of_what_is_given_and_measured_are_no_peoples() {
        each(
            &[
                r#"{"medications":[{"name":"Folic Acid","dose":"1 mg"},{"name":"Ferrous Sulfate"}]}"#,
                r#"{"conditions":[{"name":"Bell Palsy"}]}"#,
                r#"{"labs":[{"name":"Lipid Panel","loinc":"24331-1"}],"conditions":["diabetes"]}"#,
                r#"{"allergies":[{"allergen_name":"Bee Venom","reaction":"anaphylaxis"}]}"#,
                r#"{"tests":[{"test_name":"Lipid Panel","status":"final"}],"diagnosis":"diabetes"}"#,
                r#"{"Meta":{"DataModel":"Medications","EventType":"New"},"Patient":{"Identifiers":[{"ID":"TEST1","IDType":"MR"}]},"Medications":[{"Product":{"Name":"Folic Acid"}}]}"#,
            ],
            false,
        );
        assert!(!is_refused(&inspect(
            "application/xml",
            "<medications><medication><name>Folic Acid</name></medication></medications>"
        )));
    }

    #[test]
    fn a_patient_in_a_list_of_care_is_somebody() {
        each(
            &[
                r#"{"procedures":[{"name":"Zawadi Kimathi","procedure":"Appendectomy"}]}"#,
                r#"{"labs":[{"name":"Zawadi Kimathi","test":"HIV"}],"diagnosis":"HIV"}"#,
                r#"{"medications":[{"name":"Zawadi Kimathi","phone":"617-432-2291","drug":"Biktarvy"}]}"#,
                r#"{"medications":[{"name":"Zawadi Kimathi","sex":"F"}]}"#,
                r#"{"conditions":[{"patient":{"name":"Zawadi Kimathi"}}]}"#,
                r#"{"medications":[{"name":"Barbara Miller"}]}"#,
                r#"{"patient":{"name":"Kit Candida","dob":"1960-07-07"}}"#,
                r#"{"patient":{"name":"June Miller","dob":"1960-07-07"}}"#,
            ],
            true,
        );
    }
}
