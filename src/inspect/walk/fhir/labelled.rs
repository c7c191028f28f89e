//! Values that no row covers, and whose label or key names what an individual has: an extension of a site's own, an input of
//! a task, what an observation or a component asks, a key that is no element of FHIR. The key table of JSON knows them.

use super::super::json::NodeId;
use super::super::object;
use super::Walk;
use super::context::{Frame, Scope};
use super::cue::last_segment;
use super::names::Name;
use crate::inspect::field::Field;
use std::borrow::Cow;

impl<'t> Walk<'t, '_, '_> {
    /// The row of the key table, where the value is like one of its kind.
    pub(super) fn labelled(
        &self,
        id: NodeId,
        (name, unknown): (Name, bool),
        value: &str,
        frame: &Frame,
        frames: &[Frame],
    ) -> Option<&'t Field> {
        // `valueString`, `valueDate`: not a Quantity's `value`.
        if !unknown && !self.table.names.is_choice(name) {
            return None;
        }
        let objects = self.objects?;
        if frame.scope != Scope::Own || value.len() > VALUE_BYTES_MAX {
            return None;
        }
        if unknown {
            return objects.labelled(&self.key_of(id), value);
        }
        self.labels(objects, frames.last()?, frames, value)
    }

    fn labels(
        &self,
        objects: &'t object::Table,
        holder: &Frame,
        frames: &[Frame],
        value: &str,
    ) -> Option<&'t Field> {
        let words = &self.table.words;
        let row = |label: Cow<'_, str>| objects.labelled(&label, value);
        let said = |object, keys: &[_]| keys.iter().filter_map(|key| self.label(object, *key)).find_map(row);
        let object = holder.object;
        // What a device is and can.
        if holder.name == words.property {
            return None;
        }
        if holder.name == words.extension || holder.name == words.modifier_extension {
            return self.label(object, words.url).map(last_segment).and_then(row);
        }
        if holder.name == words.parameter || holder.name == words.part {
            return said(object, &[words.name]);
        }
        if holder.name == words.answer {
            let item = frames.iter().rev().nth(1)?;
            return said(item.object, &[words.text, words.link_id]);
        }
        // What an observation, a component, an input or a piece of information is.
        [words.code, words.kind, words.category].into_iter().find_map(|key| {
            let concept = self.doc.get(object, key)?;
            let codings = self.doc.get(concept, words.coding).into_iter();
            said(concept, &[words.text]).or_else(|| {
                let mut codings = codings.flat_map(|list| self.tape.children(list)).take(CODINGS_MAX);
                codings.find_map(|coding| said(coding, &[words.display, words.code]))
            })
        })
    }
}

/// They are looked at for each value beside them.
const CODINGS_MAX: usize = 8;
/// Numbers, names and addresses are shorter.
const VALUE_BYTES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    /// The points of the heaviest person, and whether something clinical is told of him.
    fn heaviest(kind: &str, body: &str) -> (u32, bool) {
        let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
            content_type: kind,
            body: body.as_bytes(),
            ..Message::default()
        });
        let people = found.persons.iter().map(|p| (u32::from(p.points.0), p.clinical));
        people.max().unwrap_or_default()
    }

    fn extension(url: &str, value: &str) -> String {
        format!(r#"{{"url":"https://acme.org/fhir/StructureDefinition/{url}",{value}}}"#)
    }

    #[test]
    fn what_a_label_or_an_unknown_key_names_is_that() {
        let mrn = extension("patient-mrn", r#""valueString":"881203""#);
        let born = extension("date-of-birth", r#""valueDate":"1974-08-21""#);
        let member = extension("member-id", r#""valueString":"W88120394""#);
        let name = r#""name":[{"family":"Okonedo"}]"#;
        let input = |label: &str, value: &str| format!(r#"{{"type":{{"text":"{label}"}},{value}}}"#);
        let code = |code: &str, value: &str| {
            format!(r#"{{"category":{{"coding":[{{"code":"{code}"}}]}},"valueString":"{value}"}}"#)
        };
        for body in [
            format!(
                r#"{{"resourceType":"Observation","extension":[{mrn},{born},{member}],"code":{{"text":"HIV"}},"valueString":"reactive"}}"#
            ),
            format!(r#"{{"resourceType":"Patient",{name},"extension":[{born},{mrn}]}}"#),
            format!(r#"{{"resourceType":"Patient",{name},"dob":"1974-08-21","mrn":"881203"}}"#),
            format!(
                r#"{{"resourceType":"Patient",{name},"demographics":{{"dob":"1974-08-21","mrn":881203}}}}"#
            ),
            format!(
                r#"{{"resourceType":"Task","input":[{},{},{}]}}"#,
                input("Patient name", r#""valueString":"Hannah Okonedo""#),
                input("MRN", r#""valueString":"881203""#),
                input("Date of birth", r#""valueDate":"1974-08-21""#)
            ),
            format!(
                r#"{{"resourceType":"Claim","patient":{{"display":"Hannah Okonedo"}},"supportingInfo":[{},{}]}}"#,
                code("patientaccountnumber", "4419928"),
                code("medicalrecordnumber", "881203")
            ),
            r#"{"resourceType":"QuestionnaireResponse","item":[{"text":"Last name","answer":[{"valueString":"Okonedo"}]},{"linkId":"insuranceId","answer":[{"valueString":"W88120394"}]}]}"#.to_owned(),
            r#"{"resourceType":"Observation","code":{"text":"Vitals"},"component":[{"code":{"text":"MRN"},"valueInteger":881203},{"code":{"coding":[{"display":"Date of Birth"}]},"valueDateTime":"1974-08-21"}]}"#.to_owned(),
        ] {
            let (points, clinical) = heaviest("application/fhir+json", &body);
            assert!(points >= 90 || points >= 50 && clinical, "{body}: {points}");
        }
        let xml = r#"<Patient xmlns="http://hl7.org/fhir"><extension url="https://acme.org/patient-mrn"><valueString value="881203"/></extension><extension url="https://acme.org/date-of-birth"><valueDate value="1974-08-21"/></extension></Patient>"#;
        let (points, _) = heaviest("application/fhir+xml", xml);
        assert!(points >= 90, "{points}");
    }

    #[test]
    fn parts_of_a_parameter_are_called_by_their_own_names() {
        for outer in ["resource", "patient"] {
            let body = format!(
                r#"{{"resourceType":"Parameters","parameter":[{{"name":"{outer}","part":[{{"name":"family","valueString":"Okwuosa"}},{{"name":"given","valueString":"Tchinwe"}},{{"name":"birthDate","valueDate":"1958-09-14"}}]}}]}}"#
            );
            assert_eq!(heaviest("application/fhir+json", &body).0, 90, "{body}");
        }
        let codes = r#"{"resourceType":"Parameters","parameter":[{"name":"property","part":[{"name":"code","valueCode":"family"},{"name":"value","valueString":"Okwuosa"}]}]}"#;
        assert_eq!(heaviest("application/fhir+json", codes).0, 0);
    }

    #[test]
    fn what_stands_beside_a_labelled_value_in_one_text_is_found() {
        for (label, value) in [
            ("phone", "617-432-2291 ssn 541-72-6638"),
            ("account", "8834127 ssn 541-72-6638"),
            ("street", "12 Elm St, SSN 541-72-6638"),
            ("date-of-birth", "1974-08-21 ssn 541-72-6638"),
            ("zip", "83702, DOB 08/21/1974, SSN 541-72-6638"),
            ("member-id", "W88120394 SSN 541-72-6638"),
        ] {
            let value = format!(r#""valueString":"{value}""#);
            let body = format!(r#"{{"resourceType":"Patient","extension":[{}]}}"#, extension(label, &value));
            let (points, _) = heaviest("application/fhir+json", &body);
            assert!(points >= 100, "{label}: {points}");
            let body = format!(r#"{{"field":"{label}",{}}}"#, value.replace("String", ""));
            let (points, _) = heaviest("application/json", &body);
            assert!(points >= 100, "{label}: {points}");
        }
    }

    #[test]
    fn a_remark_behind_a_labelled_value_hides_it_not() {
        for (label, value) in [
            ("DOB", "07/07/1960 (65 yrs)"),
            ("MRN", "80231744 (Lakeside)"),
            ("MRN", "MR 80231744"),
            ("MRN", "80231744 Lakeside Hospital"),
            ("Member ID", "W88120394 (Aetna PPO)"),
            ("Member ID", "W88120394 / group 88123"),
            ("DOB", "03/10/1984 55Y"),
        ] {
            let body = format!(
                r#"{{"fields":[{{"label":"Full name","value":"Linda Miller"}},{{"label":"{label}","value":"{value}"}}]}}"#
            );
            let (points, _) = heaviest("application/json", &body);
            assert!(points >= 90, "{label}: {points}");
        }
    }

    #[test]
    fn what_is_nobodys_or_says_something_else_is_not() {
        let mrn = extension("patient-mrn", r#""valueString":"unknown""#);
        let phone = extension("phone", r#""valueString":"617-432-2291""#);
        for body in [
            format!(r#"{{"resourceType":"Patient","extension":[{mrn}]}}"#),
            format!(r#"{{"resourceType":"Organization","name":"Meridian","extension":[{phone}],"phone":"617-432-2291"}}"#),
            r#"{"resourceType":"Practitioner","dob":"1974-08-21","ssn":"541-72-6638"}"#.to_owned(),
            r#"{"resourceType":"Questionnaire","item":[{"text":"MRN","initial":[{"valueString":"881203"}]}]}"#.to_owned(),
            r#"{"resourceType":"Observation","code":{"text":"MRN"},"valueQuantity":{"value":881203}}"#.to_owned(),
            r#"{"resourceType":"Parameters","parameter":[{"name":"lastUpdated","valueDate":"1974-08-21"},{"name":"account-number","valueString":"4419928"}]}"#.to_owned(),
            r#"{"resourceType":"Device","property":[{"type":{"text":"Phone"},"valueString":"617-432-2291"},{"type":{"text":"MRN"},"valueString":"881203"}]}"#.to_owned(),
        ] {
            let (points, _) = heaviest("application/fhir+json", &body);
            assert!(points < 50, "{body}: {points}");
        }
    }
}
