//! Accounts, staff and clinicians, by all that an object has: the closed list of it stands in `walk/staff.rs`.

use super::Walk;
use super::keys::Key;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::staff::{self, Entry, Part};
use std::iter;

impl Walk<'_, '_> {
    /// Whether an object is an account, or of somebody who works there.
    pub(super) fn is_staffs(&self, id: NodeId, key: &str) -> bool {
        let mut entry = Entry::default();
        self.hear(id, &mut entry, true)
            && entry.is_one(key)
            && !self.is_of_individuals(id)
            // A login, and what a user tells of himself, may be a part of a patient's record.
            && !((key == "profile" || entry.only_signs_in()) && self.stands_beside_an_individual())
    }

    /// Hears all members; whether all of them are on the list.
    pub(super) fn hear(&self, id: NodeId, entry: &mut Entry, outer: bool) -> bool {
        let tape = self.tape;
        tape.children(id).all(|child| match (self.keys.get(child).part(), tape.kind(child)) {
            (None, NodeKind::Null) => true,
            (None, NodeKind::String) => tape.raw(child).is_empty(),
            (None, NodeKind::Object | NodeKind::Array) => tape.children(child).next().is_none(),
            (None, _) => false,
            (Some(Part::Profile | Part::Name | Part::Street), NodeKind::Object) => {
                outer && self.hear(child, entry, false)
            }
            (Some(_), NodeKind::Object) => false,
            (Some(part), NodeKind::Array) => tape.children(child).all(|one| match tape.kind(one) {
                NodeKind::Object => part.may_be_valued() && self.hear_valued(one, part, entry),
                NodeKind::Array => false,
                _ => {
                    entry.hear(part, &tape.value(one));
                    part.may_be_several() || part.may_be_valued()
                }
            }),
            (Some(part), NodeKind::Null) => {
                entry.hear(part, "");
                true
            }
            (Some(part), _) => {
                entry.hear(part, &tape.value(child));
                true
            }
        })
    }

    /// Hears one of several: `{"value": "oq@lakeshore.org", "type": "work", "primary": true}`; whether there is no more to it.
    fn hear_valued(&self, one: NodeId, part: Part, entry: &mut Entry) -> bool {
        let tape = self.tape;
        tape.children(one).all(|child| {
            let key = self.keys.name(child);
            if matches!(key, "value" | "display") {
                entry.hear(part, &tape.value(child));
            }
            let plain = !matches!(tape.kind(child), NodeKind::Object | NodeKind::Array);
            plain && matches!(key, "value" | "display" | "type" | "primary" | "ref")
        })
    }

    /// Whether a container, or what holds it, is an individual's by its key or by the event told. A patient's team is his,
    /// and its members work there.
    pub(super) fn is_of_individuals(&self, id: NodeId) -> bool {
        let open = iter::once(id).chain(self.frames.iter().rev().map(|frame| frame.object));
        let keys = open.map(|id| self.keys.get(id));
        let mut inside = keys.take_while(|key| !staff::is_a_teams_key(&key.name));
        inside.any(Key::is_an_individuals) || *self.event.get_or_init(|| self.tells_of_individuals())
    }

    /// `{"event": "patient.created", …}`: one word at the top of the document.
    fn tells_of_individuals(&self) -> bool {
        let tape = self.tape;
        let mut members = tape.children(NodeId::ROOT).take(MEMBERS_LOOKED_AT_MAX);
        members.any(|child| {
            let value = tape.raw(child);
            tape.kind(child) == NodeKind::String
                && !value.contains(char::is_whitespace)
                && !value.contains('@')
                && !value.contains("://")
                && staff::is_an_individuals_word(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::each;

    /// Enough to be refused wherever it isn't an account's.
    const OTTILIE: &str =
        r#""username":"oquispe","firstName":"Ottilie","lastName":"Quispe","email":"oq@lakeshore.org""#;
    const CONTACT: &str = r#""phone":"312-695-4965","email":"kv@lakeshore.org""#;

    #[test]
    fn a_user_who_is_a_practitioner_is_nobody() {
        let user = r#""sub":"1","name":"Kathleen Vandermeer","email":"kv@lakeshore.org","phone_number":"+1 312 867 2201""#;
        each(
            &[
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/Practitioner/8"}}"#),
                &format!(r#"{{{user},"profile":"https://f.org/r4/PractitionerRole/8"}}"#),
                &format!(
                    r#"{{{user},"fhirUser":"Practitioner/8","address":{{"street_address":"77 Beacon St"}}}}"#
                ),
                &format!(
                    r#"{{"user":{{{user},"preferred_username":"kv","email_verified":true,"updated_at":1764720000,"fhirUser":"Practitioner/8"}}}}"#
                ),
            ],
            false,
        );
        each(
            &[
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/Patient/8"}}"#),
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/RelatedPerson/8"}}"#),
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/Person/8"}}"#),
                &format!(r#"{{{user},"profile":"https://f.org/people/8"}}"#),
                &format!(r#"{{{user},"fhirUser":"Practitioner/8","mrn":"8834127"}}"#),
                &format!(r#"{{{user},"fhirUser":"Practitioner/8","birthdate":"1971-04-02"}}"#),
                r#"{"fhirUser":"Practitioner/8","name":"Ottilie Quispe","phone":"312-867-2201","address":"77 Beacon St"}"#,
                &format!(r#"{{"fhirUser":"Practitioner/8","name":"Celine Delacroix","patient":{{{user}}}}}"#),
            ],
            true,
        );
    }

    #[test]
    fn users_of_directories_and_programs_are_nobody() {
        let name = r#""firstName":"Rosalind","lastName":"Halvorsen","email":"rh@lakeshore.org""#;
        let scim = r#""userName":"rh","name":{"givenName":"Rosalind","familyName":"Halvorsen"},"emails":[{"value":"rh@lakeshore.org","primary":true}],"active":true"#;
        each(
            &[
                &format!(r#"{{{scim},"roles":["nurse"]}}"#),
                &format!(r#"[{{{scim},"groups":[{{"value":"8","display":"Pharmacists"}}]}}]"#),
                &format!(
                    r#"{{"id":"00u1","status":"ACTIVE","profile":{{{name},"login":"rh@lakeshore.org","mobilePhone":"218-722-4410","department":"IT"}}}}"#
                ),
                r#"{"login":"rh","name":"Rosalind Halvorsen","email":"rh@lakeshore.org","company":"Lakeshore"}"#,
                r#"{"sub":"rh","name":"Rosalind Halvorsen","given_name":"Rosalind","family_name":"Halvorsen","email":"rh@lakeshore.org","preferred_username":"rh","groups":["pharmacists"]}"#,
                r#"{"user":{"id":"U8821","real_name":"Rosalind Halvorsen","profile":{"email":"rh@lakeshore.org","title":"Analyst"}}}"#,
                r#"{"type":"message","user":"U8821QX","text":"see the parser","user_profile":{"real_name":"Rosalind Halvorsen","email":"rh@lakeshore.org"}}"#,
                r#"{"contact":{"name":"Rosalind Halvorsen","email":"rh@lakeshore.org"},"license":"MIT","title":"FHIR proxy"}"#,
            ],
            false,
        );
        each(
            &[
                &format!(r#"{{{scim}}}"#),
                &format!(r#"{{{scim},"roles":["patient"]}}"#),
                &format!(r#"{{{scim},"groups":[{{"value":"8","display":"Patients"}}]}}"#),
                &format!(r#"{{{scim},"roles":["nurse"],"mrn":"8834127"}}"#),
                &format!(
                    r#"{{{scim},"roles":["nurse"],"phoneNumbers":[{{"value":"218-722-4410","note":"DOB 04/02/1971"}}],"birthDate":"1971-04-02"}}"#
                ),
                &format!(
                    r#"{{"profile":{{{name},"login":"rh@lakeshore.org","mobilePhone":"218-722-4410","department":"Cardiology","dob":"1971-04-02"}}}}"#
                ),
                r#"{"login":"rh","name":"Rosalind Halvorsen","email":"r.halvorsen@gmail.com","company":"Lakeshore"}"#,
                r#"{"user":{"id":"8821","real_name":"Rosalind Halvorsen","profile":{"email":"rh@lakeshore.org"}}}"#,
                r#"{"contact":{"name":"Rosalind Halvorsen","email":"rh@lakeshore.org"},"license":"D8834127"}"#,
            ],
            true,
        );
    }

    #[test]
    fn clinicians_without_a_number_are_nobody() {
        let name = r#""name":"Kathleen Vandermeer""#;
        each(
            &[
                &format!(
                    r#"[{{"physicianName":"Kathleen Vandermeer","specialty":"Cardiology","department":"Heart",{CONTACT}}}]"#
                ),
                r#"{"doctor":"Kathleen Vandermeer","specialty":"Cardiology","officePhone":"312-695-4965","officeAddress":"251 E Huron St","email":"kv@lakeshore.org"}"#,
                r#"{"name":"Kathleen Vandermeer","specialty":"Cardiology","officePhone":"312-695-4965","officeFax":"312-695-4966"}"#,
                &format!(
                    r#"{{{name},"credentials":"MD","specialty":"Cardiology","address":"251 E Huron St","zip":"60611",{CONTACT}}}"#
                ),
                &format!(r#"{{"patient":{{"careTeam":[{{"role":"Physician",{name},{CONTACT}}}]}}}}"#),
                &format!(r#"{{"cardiologist":{{{name},{CONTACT}}}}}"#),
                &format!(
                    r#"{{"oncologists":[{{"firstName":"Kathleen","lastName":"Vandermeer",{CONTACT}}}]}}"#
                ),
                &format!(r#"{{{name},"title":"Charge Nurse","department":"4 West",{CONTACT}}}"#),
            ],
            false,
        );
        let doctor = r#""doctor":"Kathleen Vandermeer""#;
        let ottilie = r#""firstName":"Ottilie","lastName":"Quispe""#;
        each(
            &[
                // Whoever asks for an appointment has a doctor, too.
                &format!(r#"{{{doctor},{CONTACT}}}"#),
                // A patient who works somewhere.
                &format!(
                    r#"{{"screening":{{"employeeId":"E88","name":"Linda Miller","department":"Paint",{CONTACT},"status":"TB positive"}}}}"#
                ),
                &format!(
                    r#"{{"visits":[{{"name":"Linda Miller","title":"Nurse","department":"Cardiology",{CONTACT}}}]}}"#
                ),
                // Whom a provider cares for.
                r#"{"provider":{"name":"Helen Marsh","panel":[{"name":"Linda Miller","dob":"1960-07-07"}]}}"#,
                r#"{"clinic":{"name":"Lakeside","schedule":[{"name":"Linda Miller","dob":"1960-07-07"}]}}"#,
                &format!(r#"{{{doctor},{CONTACT},"address":"77 Beacon St"}}"#),
                &format!(r#"{{{doctor},"specialty":"Cardiology",{CONTACT},"address":"77 Beacon St"}}"#),
                &format!(r#"{{{doctor},"specialty":"Cardiology",{CONTACT},"homePhone":"617-432-2291"}}"#),
                &format!(r#"{{{doctor},"contact":{{{CONTACT}}}}}"#),
                &format!(r#"{{{doctor},"specialty":"Cardiology","contact":{{{CONTACT}}}}}"#),
                r#"{"doctor":"Kathleen Vandermeer","department":"Heart","phone":"617-432-2291","email":"o.quispe@gmail.com"}"#,
                &format!(r#"{{{doctor},"specialty":"Cardiology","name":"Ottilie Quispe",{CONTACT}}}"#),
                &format!(r#"{{{doctor},"specialty":"Cardiology","reason":"chest pain",{CONTACT}}}"#),
                &format!(r#"{{{doctor},"specialty":"Cardiology",{ottilie},{CONTACT}}}"#),
                &format!(r#"{{{doctor},"specialty":"Cardiology","dob":"1971-04-02",{CONTACT}}}"#),
                &format!(r#"{{{ottilie},"specialty":"Cardiology","department":"Heart",{CONTACT}}}"#),
                &format!(r#"{{"role":"nurse",{ottilie},"dob":"1971-04-02",{CONTACT}}}"#),
                &format!(r#"{{"role":"patient",{ottilie},{CONTACT}}}"#),
                &format!(r#"{{"role":"Manager",{ottilie},{CONTACT}}}"#),
                &format!(r#"{{"cardiologist":{{{name},"patients":[{{{ottilie},{CONTACT}}}]}}}}"#),
                &format!(
                    r#"{{"oncologist":{{{name},{CONTACT},"schedule":[{{"name":"Ottilie Quispe","dob":"1971-04-02"}}]}}}}"#
                ),
                &format!(r#"{{"fellow":{{{ottilie},{CONTACT}}}}}"#),
                &format!(r#"{{{ottilie},"occupation":"Nurse",{CONTACT}}}"#),
                &format!(r#"{{{ottilie},"title":"Mrs.","department":"Heart",{CONTACT}}}"#),
            ],
            true,
        );
    }

    #[test]
    fn whoever_is_employed_is_nobody_in_any_layout() {
        each(
            &[
                r#"{"Worker":{"Employee_ID":"E781819","Legal_Name":{"First_Name":"Marguerite","Last_Name":"Lindgren"},"Hire_Date":"2019-03-04","Job_Profile":"RN II","Work_Email":"ml@spregional.org","Work_Phone":"641-715-1477","Supervisory_Organization":"4W Nursing"}}"#,
                r#"{"jobTitle":"Charge Nurse","displayName":"Rosalind Rutherford","mail":"rr@bayouvista-med.org","businessPhones":["+17018194574"],"employeeId":"E314574"}"#,
                r#"{"incident":{"number":"INC7955525","caller":"Harriet Ostrowski","caller_phone":"518-323-4780","caller_email":"ho@cascadeortho.org","short_description":"Printer 4W-2 offline"}}"#,
                r#"{"prsnl":[{"nameFull":"LINDGREN, WINSTON","phones":[{"phoneNum":"(228) 552-5078"}],"birthDtTm":"1958-11-03T00:00:00"}]}"#,
                r#"{"kind":"event","organizer":{"email":"ha@spregional.org","displayName":"Haruka Achebe"}}"#,
            ],
            false,
        );
        each(
            &[
                r#"{"Worker":{"Employee_ID":"E781819","Legal_Name":{"First_Name":"Marguerite","Last_Name":"Lindgren"},"Hire_Date":"2019-03-04","Work_Email":"ml@spregional.org","Work_Phone":"641-715-1477","MRN":"8834127"}}"#,
                r#"{"Worker":{"Employee_ID":"E781819","Legal_Name":{"First_Name":"Marguerite","Last_Name":"Lindgren","DOB":"1971-04-02"},"Hire_Date":"2019-03-04","Work_Phone":"641-715-1477"}}"#,
                r#"{"incident":{"number":"INC7955525","caller":"Harriet Ostrowski","caller_phone":"518-323-4780","caller_email":"h.ostrowski@gmail.com","short_description":"cannot sign in"}}"#,
                r#"{"incident":{"number":"INC7955525","caller":"Harriet Ostrowski","caller_phone":"518-323-4780","caller_email":"ho@cascadeortho.org","short_description":"cannot sign in","mrn":"8834127"}}"#,
                r#"{"call":{"number":"7955525","caller":"Harriet Ostrowski","caller_phone":"518-323-4780","caller_email":"ho@cascadeortho.org"}}"#,
                r#"{"scheduler":{"name":"Ottilie Quispe","dob":"1971-04-02","phone":"312-867-2201"}}"#,
                r#"{"organizer":{"email":"ha@spregional.org","displayName":"Haruka Achebe"},"patient":{"name":"Ottilie Quispe","dob":"1971-04-02"}}"#,
            ],
            true,
        );
    }

    #[test]
    fn those_whose_work_their_key_names_are_nobody_until_something_of_a_patients_is_told() {
        let plain = r#""name":"Ottilie Quispe","phone":"312-867-2201","email":"oq@lakeshore.org""#;
        for key in [
            "broker",
            "coach",
            "dispatcher",
            "instructor",
            "locum",
            "oncall",
            "phlebotomist",
            "socialWorker",
            "teacher",
        ] {
            each(&[&format!(r#"{{"{key}":{{{plain}}}}}"#), &format!(r#"{{"{key}":[{{{plain}}}]}}"#)], false);
            each(
                &[
                    &format!(r#"{{"{key}":{{{plain},"mrn":"8834127"}}}}"#),
                    &format!(r#"{{"{key}":{{{plain},"role":"patient"}}}}"#),
                    &format!(r#"{{"{key}":{{"name":"Helen Marsh","patient":{{{plain}}}}}}}"#),
                ],
                true,
            );
        }
        for key in ["broker", "coach", "dispatcher", "instructor", "teacher", "helpdesk"] {
            each(
                &[
                    &format!(r#"{{"{key}":{{{plain},"dob":"1971-04-02"}}}}"#),
                    &format!(
                        r#"{{"{key}":{{"fullName":"Ottilie Quispe","phone":"312-867-2201","diagnosis":"HIV"}}}}"#
                    ),
                ],
                true,
            );
        }
    }

    #[test]
    fn places_of_work_are_nobody() {
        each(
            &[
                r#"{"name":"Three Rivers Dialysis","phone":"360-748-2291","address":{"street":"4100 Commerce Blvd","zip":"98532"}}"#,
                r#"{"clinic_name":"Harper Lee Family Practice","clinic_phone":"360-748-2291","clinic_address":"4100 Commerce Blvd, Chehalis, WA 98532"}"#,
                r#"{"emergency_address":{"customer_name":"Cascade Orthopaedics PC","street":"776 Commerce Blvd","city":"St. Cloud","postal_code":"56301"},"phone_number":"+13206711092"}"#,
                r#"{"RecordTypeName":"Healthcare Facility","Name":"Bayou Vista Medical Group","Phone":"(406) 699-8981","BillingStreet":"2942 Professional Park Dr","Owner":{"Name":"Ngozi Rutherford","Email":"nr@spregional.org"}}"#,
                r#"{"columns":["npi","last_name","first_name","specialty","office_phone","email"],"rows":[["1093817465","Rutherford","Nikhil","NEPH","360-748-2291","nr@spregional.org"]]}"#,
            ],
            false,
        );
        each(
            &[
                r#"{"name":"Ottilie Quispe","phone":"360-748-2291","address":{"street":"4100 Commerce Blvd","zip":"98532"}}"#,
                r#"{"customer_name":"Ottilie Quispe","phone":"360-748-2291","street":"776 Commerce Blvd","postal_code":"56301"}"#,
                r#"{"clinic_name":"Lakeside","clinic_phone":"360-748-2291","name":"Ottilie Quispe","phone":"617-432-2291","email":"o.quispe@gmail.com"}"#,
                r#"{"columns":["npi","last_name","first_name","specialty","phone","email","mrn"],"rows":[["1093817465","Quispe","Ottilie","NEPH","360-748-2291","oq@spregional.org","8834127"]]}"#,
                r#"{"columns":["","last_name","first_name","phone","email"],"rows":[["Ottilie Quispe, DOB 04/02/1971","Quispe","Ottilie","360-748-2291","oq@spregional.org"]]}"#,
            ],
            true,
        );
    }

    #[test]
    fn accounts_of_programs_are_nobody() {
        let name = r#""firstName":"Priya","lastName":"Raman","email":"praman@lakeshore.org""#;
        each(
            &[
                &format!(
                    r#"{{"users":[{{"id":101,"username":"praman",{name},"role":"admin","active":true,"phone":null,"lastLogin":"2026-11-28T15:14:02Z"}}]}}"#
                ),
                &format!(r#"{{"username":"praman",{name},"roles":["viewer"],"permissions":["read"]}}"#),
                &format!(r#"{{"users":[{{{name},"role":"admin"}},{{{name},"role":"editor"}}]}}"#),
                &format!(r#"{{"teamMembers":[{{{name},"role":"admin"}}]}}"#),
                &format!(r#"{{"username":"praman",{name},"role":"admin","phone":"312-867-2201"}}"#),
                r#"[{"employee":"Victor Baker","title":"RN","workEmail":"vbaker@stanne.org","workPhone":"608-336-8189"}]"#,
                r#"[{"employeeId":"E1","employeeName":"Victor Baker","hireDate":"2020-01-02","email":"vbaker@stanne.org","phone":"608-336-8189"}]"#,
                &format!(r#"{{"id":7,"username":"praman","role":"admin","profile":{{{name}}}}}"#),
                r#"{"eventType":"group.user_membership.add","actor":{"id":"00u1","type":"User","alternateId":"mbell@lakeshore.org","displayName":"Marcus Bell","detailEntry":null}}"#,
                r#"{"id":"00u1","status":"ACTIVE","profile":{"firstName":"Priya","lastName":"Raman","mobilePhone":null,"email":"praman@lakeshore.org","login":"praman@lakeshore.org"}}"#,
            ],
            false,
        );
        let admin = r#""role":"admin""#;
        each(
            &[
                &format!("{{{OTTILIE}}}"),
                r#"{"username":"oquispe","firstName":"Ottilie","lastName":"Quispe","email":"o.quispe@gmail.com","lastLogin":"2026-11-28"}"#,
                r#"{"username":"mbell","role":"nurse","action":"view","target":"SSN 541-72-6638"}"#,
                r#"{"username":"mbell","role":"nurse","to":"o.quispe@gmail.com","body":"Ottilie Quispe, DOB 04/02/1971, MRN 8834127"}"#,
                &format!(r#"{{{OTTILIE},"lastLogin":"2026-11-28","action":"view"}}"#),
                r#"{"username":"praman","role":"admin","payload":{"firstName":"Ottilie","lastName":"Quispe","phone":"617-432-2291"}}"#,
                r#"{"actor":{"alternateId":"o.quispe@gmail.com","displayName":"Ottilie Quispe","firstName":"Ottilie","lastName":"Quispe"}}"#,
                r#"{"profile":{"firstName":"Ottilie","lastName":"Quispe","email":"o.quispe@gmail.com","login":"o.quispe@gmail.com"}}"#,
                r#"{"login":"oq@lakeshore.org","firstName":"Ottilie","lastName":"Quispe","phone":"617-432-2291","address":"77 Beacon St"}"#,
                &format!(r#"{{{OTTILIE},{admin},"emails":["o.quispe@gmail.com"]}}"#),
                &format!(r#"{{{OTTILIE},{admin},"contact":{{"email":"o.quispe@gmail.com"}}}}"#),
                // A part of a patient's record.
                &format!(
                    r#"{{"dob":"1971-04-02","phone":"617-432-2291","user":{{{OTTILIE},"lastLogin":"2026-11-28"}}}}"#
                ),
                r#"{"dob":"1971-04-02","phone":"617-432-2291","profile":{"firstName":"Ottilie","lastName":"Quispe","email":"oq@lakeshore.org","role":"admin"}}"#,
            ],
            true,
        );
    }

    #[test]
    fn a_role_makes_nobody_whose_entry_has_more_than_an_accounts() {
        for more in [
            r#""accountNumber":"88412277","address":"77 Beacon St""#,
            r#""driversLicense":"S44729103""#,
            r#""passportNumber":"C03005988""#,
            r#""encounterId":"E4471902","admitDate":"2026-11-20""#,
            r#""claimNumber":"CLM4471902","serviceDate":"2026-11-20""#,
            r#""deathDate":"2026-11-20""#,
            r#""dobYear":"1971","dobMonth":"04","dobDay":"02""#,
            r#""dob":{"year":1971,"month":4,"day":2}"#,
            r#""demographics":{"dob":"1971-04-02"}"#,
            r#""identifiers":[{"type":"MRN","value":"8834127"}]"#,
            r#""insurance":{"memberId":"W8820417731"}"#,
            r#""attributes":[{"name":"dob","value":"1971-04-02"}]"#,
            r#""visit":{"diagnosis":"HIV"}"#,
            r#""info":"Ottilie Quispe, DOB 04/02/1971""#,
            r#""notes":"Ottilie Quispe, DOB 04/02/1971""#,
            r#""gender":"F","age":55,"address":"77 Beacon St""#,
            r#""mrn":"8834127""#,
            r#""dob":"1971-04-02""#,
            r#""accountType":"patient""#,
            r#""userType":"Patient""#,
            r#""type":"member""#,
            r#""groups":["Patients"]"#,
            r#""profile":{"dob":"1971-04-02"}"#,
            r#""profile":{"profile":{"name":"Ottilie Quispe"}}"#,
        ] {
            each(&[&format!(r#"{{{OTTILIE},"role":"admin",{more}}}"#)], true);
        }
        let fillers: Vec<String> = (0..130).map(|n| format!(r#""flag{n}":true"#)).collect();
        for behind in [r#""dob":"1971-04-02""#, r#""ssn":"541-72-6638""#, r#""mrn":"8834127""#] {
            each(&[&format!(r#"{{{OTTILIE},"role":"admin",{},{behind}}}"#, fillers.join(","))], true);
            let nulls: Vec<String> = (0..130).map(|n| format!(r#""flag{n}":null"#)).collect();
            each(&[&format!(r#"{{{OTTILIE},"role":"admin",{},{behind}}}"#, nulls.join(","))], true);
        }
    }

    #[test]
    fn roles_that_tell_nothing_and_those_of_patients_make_nobody() {
        for role in [
            r#""user""#,
            r#""portal_user""#,
            r#""""#,
            "null",
            r#""patient""#,
            r#""Patient Proxy""#,
            r#"{"name":"patient"}"#,
            r#"{"name":"admin"}"#,
            r#"["user"]"#,
            r#"["admin","member"]"#,
            r#"[{"name":"patient"}]"#,
        ] {
            for key in ["role", "roles"] {
                each(&[&format!(r#"{{{OTTILIE},"{key}":{role},"lastLogin":"2026-11-28"}}"#)], true);
            }
        }
    }

    #[test]
    fn accounts_of_patients_and_members_are_theirs() {
        let account = format!(r#"{{{OTTILIE},"lastLogin":"2026-11-28"}}"#);
        each(&[&account], false);
        for key in ["patient", "member", "subscriber", "enrollee", "portalPatient", "memberAccount"] {
            each(&[&format!(r#"{{"{key}":{account}}}"#), &format!(r#"{{"{key}s":[{account}]}}"#)], true);
        }
        each(
            &[
                &format!(r#"{{"patient":{{"portal":{account}}}}}"#),
                &format!(r#"{{"event":"patient.created","data":{account}}}"#),
                &format!(r#"{{"type":"MemberCreated","data":{{"object":{account}}}}}"#),
                &format!(r#"{{"table":"patients","after":{account}}}"#),
            ],
            true,
        );
    }
}
