//! Who pays: what a bill tells of a customer is nobody's where the customer is an organisation, and nothing else in it.

use super::Walk;
use super::likely::is_name;
use super::side::{Says, names_an_organisation};
use crate::inspect::names;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::staff::is_a_private_mailbox;

impl Walk<'_, '_> {
    /// Whether a member of the open object is of an organisation that pays.
    pub(super) fn is_a_payers(&self, id: NodeId) -> bool {
        self.keys.get(id).says == Says::Payer
            && self.frames.last().is_some_and(|frame| {
                *frame.beside.payer.get_or_init(|| self.an_organisation_pays(frame.object))
            })
    }

    /// Whether an object names an organisation as the customer, and nobody beside it.
    fn an_organisation_pays(&self, object: NodeId) -> bool {
        let tape = self.tape;
        let mut organisation = false;
        let anybody = tape.children(object).any(|child| {
            let key = self.keys.get(child);
            match (key.says, tape.kind(child)) {
                (Says::Payer, NodeKind::Object | NodeKind::Array) => self.names_anybody(child),
                (Says::Payer, _) if key.name.ends_with("name") => {
                    let value = tape.value(child);
                    organisation |= is_an_organisation(&value);
                    !value.trim().is_empty() && !is_an_organisation(&value)
                }
                (Says::Payer, _) => is_a_private_mailbox(&tape.value(child)),
                _ => self.is_anybodys_name(child),
            }
        });
        organisation && !anybody && tape.children(object).nth(MEMBERS_LOOKED_AT_MAX).is_none()
    }

    fn names_anybody(&self, container: NodeId) -> bool {
        self.tape.children(container).any(|child| self.is_anybodys_name(child))
    }

    fn is_anybodys_name(&self, id: NodeId) -> bool {
        let key = self.keys.get(id);
        let value = self.tape.value(id);
        self.tape.kind(id) == NodeKind::String
            && (names::is_listed(&value)
                || key.name.ends_with("name") && is_name(&value) && !is_an_organisation(&value))
    }
}

/// Whether a name is an organisation's, and nobody's who is called by it or reached there: `Ottilie Care`, `… c/o …`.
pub(in crate::inspect) fn is_an_organisation(name: &str) -> bool {
    let lists = names::list::Lists::built_in();
    let words: Vec<&str> = name.split_whitespace().collect();
    let given = words.first().map(|word| lists.standing(word)).is_some_and(|word| word.given && !word.word);
    let somebody = given || words.windows(2).any(|two| names::is_listed(&two.join(" ")));
    let is_soft = |word: &&str| SOFT.iter().any(|soft| soft.eq_ignore_ascii_case(word));
    let told = words.iter().filter(|word| !names::is_person(word)).count() > 1
        || words.iter().any(|word| !is_soft(word) && names_an_organisation(word));
    names_an_organisation(name) && told && !names::is_person(name) && !somebody && !name.contains(['/', ':'])
}

/// Whether a key (in normal form) is of what a bill tells of the customer.
pub(super) fn is_a_payers_key(key: &str) -> bool {
    let rest = ["customer", "billto", "billing"].iter().find_map(|front| key.strip_prefix(front));
    rest.is_some_and(|rest| MEMBERS.contains(&rest))
}

/// What may be a family name: tells only beside another word.
const SOFT: &[&str] = &["care", "dental", "health", "healthcare", "medical"];
const MEMBERS: &[&str] = &[
    "name",
    "company",
    "email",
    "phone",
    "fax",
    "address",
    "address1",
    "address2",
    "street",
    "city",
    "state",
    "zip",
    "postalcode",
    "country",
    "taxid",
    "taxids",
    "taxexempt",
];

#[cfg(test)]
mod tests {
    use super::super::found::each;
    use super::is_an_organisation;

    #[test]
    fn an_organisation_that_pays_is_nobody() {
        let rest = r#""customer_email":"ap@lakeshore.org","customer_phone":"+13126954965","customer_address":{"line1":"251 E Huron St","city":"Chicago","state":"IL","postal_code":"60611"}"#;
        each(
            &[
                &format!(
                    r#"{{"type":"invoice.paid","data":{{"object":{{"id":"in_1","object":"invoice","account_name":"Acme","customer":"cus_1","customer_name":"Lakeshore Health System",{rest},"total":129900}}}}}}"#
                ),
                &format!(r#"{{"customerName":"Meridian Dental Inc",{rest}}}"#),
                &format!(r#"{{"customerName":"Riverbend Community Health",{rest}}}"#),
                &format!(
                    r#"{{"bill_to_name":"Lakeshore Health System",{rest},"description":"Gateway, annual"}}"#
                ),
            ],
            false,
        );
        let system = r#""customer_name":"Lakeshore Health System""#;
        let person = r#""firstName":"Ottilie","lastName":"Quispe""#;
        each(
            &[
                &format!(r#"{{"customer_name":"Ottilie Quispe",{rest}}}"#),
                &format!(r#"{{"customer_name":"Ottilie Quispe c/o Lakeshore Care",{rest}}}"#),
                &format!(r#"{{"customer_name":"Ottilie Care",{rest}}}"#),
                &format!(r#"{{"customer_name":"Lakeshore Care for Barbara Miller",{rest}}}"#),
                &format!(r#"{{{system},"billing_name":"Ottilie Quispe",{rest}}}"#),
                &format!(r#"{{{system},"name":"Ottilie Quispe",{rest},"phone":"617-432-2291"}}"#),
                &format!(r#"{{{system},{person},{rest},"phone":"617-432-2291"}}"#),
                &format!(r#"{{{system},{rest},"patient":{{{person},"dob":"1971-04-02"}}}}"#),
                &format!(r#"{{{system},{rest},"customer_dob":"1971-04-02","customer_ssn":"541-72-6638"}}"#),
                &format!(r#"{{{system},{rest},"memo":"Ottilie Quispe, DOB 04/02/1971, SSN 541-72-6638"}}"#),
                &format!(
                    r#"{{{system},{rest},"shipping":{{"name":"Ottilie Quispe","phone":"617-432-2291","address":{{"line1":"77 Beacon St","postal_code":"02215"}}}}}}"#
                ),
                r#"{"customer_name":"Lakeshore Health System","customer_email":"o.quispe@gmail.com","customer_phone":"+16174322291","customer_address":{"line1":"77 Beacon St","postal_code":"02215"}}"#,
            ],
            true,
        );
    }

    #[test]
    fn names_of_organisations_are_told_from_those_of_people_in_care() {
        for name in ["Lakeshore Health System", "Meridian Dental Inc", "Mercy Hospital", "Beacon Labs LLC"] {
            assert!(is_an_organisation(name), "{name}");
        }
        for name in ["Ottilie Quispe", "Ottilie Care", "Ottilie Quispe c/o Lakeshore Care", "Acme", ""] {
            assert!(!is_an_organisation(name), "{name}");
        }
    }
}
