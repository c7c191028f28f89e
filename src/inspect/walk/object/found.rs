//! What whole messages of JSON of no known kind come to.

use crate::inspect::decode::Budget;
use crate::inspect::{Findings, Inspector, Message, RuleSet};

pub(super) fn inspect(kind: &str, body: &str) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type: kind,
        body: body.as_bytes(),
        ..Message::default()
    })
}

fn json(body: &str) -> Findings {
    inspect("application/json", body)
}

/// Into development it is refused: 90 points, or identified with clinical content.
pub(super) fn is_refused(found: &Findings) -> bool {
    found.persons.iter().any(|p| p.points.0 >= 90 || (p.points.0 >= 50 && p.clinical))
}

pub(super) fn each(bodies: &[&str], refused: bool) {
    for body in bodies {
        let found = json(body);
        let people: Vec<_> = found.persons.iter().map(|p| (p.points.0, p.clinical)).collect();
        assert_eq!(is_refused(&found), refused, "{body}: {people:?}");
    }
}

pub(super) const ROSALIND: &str = r#"{"firstName":"Rosalind","lastName":"Halvorsen","dateOfBirth":"1971-04-02","ssn":"418-52-7731","mrn":"8834127"}"#;

#[test]
fn a_patient_inside_what_is_nobodys_is_somebody() {
    for key in [
        "organization",
        "facility",
        "provider",
        "providerGroup",
        "practitioner",
        "locations",
        "source",
        "destination",
        "sender",
        "receiver",
        "payer",
        "hospital",
        "company",
        "pharmacy",
        "doctor",
        "author",
        "developer",
        "office",
        "employees",
    ] {
        each(&[&format!(r#"{{"{key}":{{"patient":{ROSALIND}}}}}"#)], true);
    }
    each(
        &[
            &format!(r#"{{"_source":{ROSALIND}}}"#),
            &format!(r#"{{"hits":{{"hits":[{{"_index":"p","_source":{ROSALIND}}}]}}}}"#),
            &format!(r#"{{"facility":{{"units":[{{"beds":[{{"patient":{ROSALIND}}}]}}]}}}}"#),
            &format!(r#"{{"payer":{{"members":[{ROSALIND}]}}}}"#),
            &format!(r#"{{"data":{{"organization":{{"patients":{{"nodes":[{ROSALIND}]}}}}}}}}"#),
            r#"{"author":{"type":"patient","firstName":"Rosalind","lastName":"Halvorsen","phone":"814-732-4471"}}"#,
            r#"{"sender":{"role":"PATIENT","firstName":"Rosalind","lastName":"Halvorsen","phone":"814-732-4471"}}"#,
            r#"{"sender":{"firstName":"Rosalind","lastName":"Halvorsen","dob":"1971-04-02"}}"#,
            r#"{"physicianComments":{"comment":"Rosalind Halvorsen, DOB 04/02/1971, SSN 418-52-7731"}}"#,
            r#"{"providerNotes":[{"text":"Rosalind Halvorsen, DOB 04/02/1971, SSN 418-52-7731"}]}"#,
            r#"{"provider":{"name":"Lakeshore","notes":"Rosalind Halvorsen, DOB 04/02/1971, SSN 418-52-7731"}}"#,
        ],
        true,
    );
    let xml = inspect(
        "application/xml",
        "<Hospital><Admissions><Patient><FirstName>Rosalind</FirstName><LastName>Halvorsen</LastName><SSN>418-52-7731</SSN></Patient></Admissions></Hospital>",
    );
    assert!(is_refused(&xml));
}

#[test]
fn two_people_inside_what_is_nobodys_do_not_add_up() {
    let found = json(
        r#"{"sender":{"type":"patient","firstName":"Rosalind","lastName":"Halvorsen"},
            "receiver":{"type":"patient","firstName":"Ottilie","dob":"1982-04-02"}}"#,
    );
    assert!(!is_refused(&found));
    assert_eq!(found.persons.len(), 2);
}

#[test]
fn directories_and_staff_are_nobodys() {
    let contact = r#""address1":"12 Clinic Way","city":"Duluth","zip":"55802","phone":"218-722-3344""#;
    let voigt = r#""firstName":"Annika","lastName":"Voigt","email":"annika.voigt@lakeshore.org","phone":"218-722-3344""#;
    for key in
        ["facilities", "clinics", "pharmacies", "payers", "vendors", "labs", "sites", "departments", "rows"]
    {
        each(&[&format!(r#"{{"{key}":[{{"name":"Lakeshore Clinic",{contact}}}]}}"#)], false);
    }
    for key in [
        "nurse",
        "pharmacist",
        "pcp",
        "attending",
        "createdBy",
        "approver",
        "staff",
        "supportContact",
        "doctors",
    ] {
        each(&[&format!(r#"{{"{key}":{{{voigt}}}}}"#), &format!(r#"{{"{key}":[{{{voigt}}}]}}"#)], false);
    }
    each(
        &[
            &format!(r#"{{"npi":"1497758544",{voigt}}}"#),
            &format!(r#"[{{"npi":"1497758544",{voigt}}},{{"npi":"1497758544",{voigt}}}]"#),
            &format!(r#"{{"practice":{{"name":"Lakeshore",{contact},"doctors":[{{{voigt}}}]}}}}"#),
            r#"{"result_count":1,"results":[{"number":"1497758544","enumeration_type":"NPI-1","basic":{"first_name":"ANNIKA","last_name":"VOIGT","sole_proprietor":"NO"},"addresses":[{"address_1":"12 CLINIC WAY","city":"DULUTH","postal_code":"558021234","telephone_number":"218-722-3344"}]}]}"#,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"avoigt","name":{"familyName":"Voigt","givenName":"Annika"},"emails":[{"value":"annika.voigt@lakeshore.org"}],"phoneNumbers":[{"value":"218-722-3344"}]}"#,
        ],
        false,
    );
}

#[test]
fn a_patient_in_a_directory_or_beside_an_npi_is_somebody() {
    let person = r#""firstName":"Rosalind","lastName":"Halvorsen","phone":"814-732-4471""#;
    each(
        &[
            &format!(
                r#"{{"npi":"1497758544","firstName":"Annika","lastName":"Voigt","appointments":[{{{person},"email":"r.halvorsen@gmail.com"}}]}}"#
            ),
            &format!(r#"{{"npi":"1497758544",{person},"dob":"1971-04-02"}}"#),
            &format!(r#"{{"npi":"1497758544",{person},"diagnosis":"HIV"}}"#),
            &format!(r#"{{"department":{{"name":"Cardiology","visits":[{{{person}}}]}}}}"#),
            r#"{"npi":"1497758544","firstName":"Annika","lastName":"Voigt","reason":"Patient Rosalind Halvorsen, DOB 04/02/1971, SSN 418-52-7731"}"#,
            &format!(r#"{{"name":"Lakeshore Clinic","phone":"218-722-3344","patients":[{{{person}}}]}}"#),
            &format!(
                r#"{{"facilities":[{{"name":"Lakeshore Clinic","phone":"218-722-3344","patients":[{{{person}}}]}}]}}"#
            ),
        ],
        true,
    );
}

#[test]
fn one_person_over_a_list_adds_up_and_two_do_not() {
    each(
        &[
            r#"{"name":[{"family":"Quispe","given":["Ottilie"]}],"birthDate":"1971-04-02"}"#,
            r#"[{"firstName":"Rosalind"},{"lastName":"Halvorsen"},{"dob":"1971-04-02"},{"phone":"814-732-4471"}]"#,
            r#"{"query":{"bool":{"must":[{"match":{"lastName":"Quispe"}},{"match":{"firstName":{"query":"Karolina"}}},{"term":{"dateOfBirth":"1971-12-01"}}]}}}"#,
            r#"{"filter":{"$and":[{"name.family":"Quispe"},{"name.given":"Ottilie"},{"birthDate":{"$eq":"1971-04-02"}}]}}"#,
            r#"{"steps":[{"data":{"fullName":"Rosalind Halvorsen"}},{"data":{"dateOfBirth":"1971-04-02"}},{"data":{"mrn":"8834127"}}]}"#,
            r#"{"mrn":"8834127","aliases":[{"firstName":"Rosalind","lastName":"Halvorsen"}],"condition":"HIV"}"#,
            r#"[{"steps":[{"firstName":"Rosalind"},{"lastName":"Halvorsen"},{"dob":"1971-04-02"}]},{"steps":[{"firstName":"Ottilie"}]}]"#,
        ],
        true,
    );
    each(
        &[
            r#"[{"fullName":"Rosalind Halvorsen"},{"firstName":"Ottilie","dob":"1971-04-02"}]"#,
            r#"[{"firstName":"Rosalind","lastName":"Halvorsen"},{"dob":"1971-04-02"}]"#,
            r#"[{"fullName":"Rosalind Halvorsen","dob":null},{"fullName":null,"dob":"1971-04-02"}]"#,
            r#"{"fullName":"Rosalind Halvorsen","friends":[{"firstName":"Ottilie"},{"dob":"1971-04-02"}]}"#,
            r#"{"rows":[{"a":[{"firstName":"Rosalind"},{"lastName":"Halvorsen"}]},{"a":[{"firstName":"Ottilie"},{"dob":"1971-04-02"}]}]}"#,
        ],
        false,
    );
}

#[test]
fn keys_with_words_before_and_behind_are_told() {
    for front in [
        "dependent",
        "same",
        "client",
        "guarantor",
        "mbr",
        "child",
        "applicant",
        "caller",
        "spouse",
        "employee",
    ] {
        let body = format!(
            r#"{{"{front}FirstName":"Ottilie","{front}LastName":"Quispe","{front}Dob":"1971-04-02"}}"#
        );
        each(&[&body], true);
    }
    each(
        &[
            r#"{"first_nm":"Ottilie","last_nm":"Quispe","birth_dt":"1971-04-02"}"#,
            r#"{"PAT_LAST_NM":"Quispe","PAT_FIRST_NM":"Ottilie","PAT_BIRTH_DT":"1971-04-02"}"#,
            r#"{"strFirstName":"Ottilie","strLastName":"Quispe","dtDOB":"1971-04-02"}"#,
            r#"{"FirstName1":"Ottilie","LastName1":"Quispe","DOB1":"1971-04-02"}"#,
            r#"{"LastName":"Quispe","MRN__c":"8834127"}"#,
            r#"{"LastName":"Quispe","HealthCloudGA__MedicalRecordNumber__pc":"8834127"}"#,
            r#"{"lastname":"Quispe","msemr_medicalrecordnumber":"8834127"}"#,
            r#"{"memberFirst":"Ottilie","memberLast":"Quispe","memberIdNumber":"W8820417731"}"#,
            r#"{"employeeSsn":"418-52-7731"}"#,
            r#"{"patient":{"first":"Ottilie","last":"Quispe","dob":"1971-04-02"}}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"renderingProviderFirstName":"Annika","renderingProviderLastName":"Voigt","renderingProviderDob":"1971-04-02"}"#,
            r#"{"drFirstName":"Annika","drLastName":"Voigt","drPhone":"218-722-3344"}"#,
            r#"{"userFirstName":"Annika","userLastName":"Voigt","userEmail":"annika.voigt@lakeshore.org"}"#,
            r#"{"verifyFirstName":true,"hasSsn":true,"missingDob":"yes","needsMrn":"no"}"#,
            // Each of two relatives and the patient is somebody else.
            r#"{"patientFirstName":"Rosalind","patientLastName":"Halvorsen","guarantorDob":"1971-04-02"}"#,
        ],
        false,
    );
}

#[test]
fn keys_of_unknown_fronts_are_not_shown() {
    let found = json(r#"{"rosalindHalvorsenSsn":"418-52-7731"}"#);
    assert!(is_refused(&found));
    assert!(found.findings.iter().all(|f| !f.place.contains("rosalind")));
}

#[test]
fn clinical_content_may_be_one_value() {
    for key in [
        "diagnosis",
        "dx",
        "icd10",
        "primaryDiagnosis",
        "chiefComplaint",
        "drugName",
        "allergy",
        "bloodPressure",
    ] {
        each(&[&format!(r#"{{"patientName":"Rosalind Halvorsen","{key}":"HIV"}}"#)], true);
    }
    each(
        &[
            r#"{"patientName":"Rosalind Halvorsen","diagnosis":""}"#,
            r#"{"patientName":"Rosalind Halvorsen","diagnosis":"none"}"#,
            r#"{"patientName":"Rosalind Halvorsen","medications":0,"diagnosis":null}"#,
        ],
        false,
    );
    let xml = "<Visit><PatientName>Rosalind Halvorsen</PatientName><Diagnosis>HIV</Diagnosis></Visit>";
    assert!(is_refused(&inspect("application/xml", xml)));
}

#[test]
fn values_are_told_by_labels_and_keys_around_them() {
    each(
        &[
            r#"{"attributes":[{"key":"ssn","value":{"stringValue":"418527731"}}]}"#,
            r#"{"ssn":{"string":"418527731"}}"#,
            r#"{"ssn":{"N":"418527731"}}"#,
            r#"{"mrn":{"S":"8834127"},"dob":{"$date":"1971-04-02T00:00:00Z"}}"#,
            r#"{"mrn":{"$eq":"8834127"},"lastName":{"from":"Quispe","to":"Halvorsen"}}"#,
            r#"{"changes":[{"field":"ssn","old":"418527731","new":"418527732"}]}"#,
            r#"{"changes":[{"path":"/patient/ssn","newValue":"418527732"}]}"#,
            r#"{"fields":[{"fieldName":"ssn","fieldValue":"418527731"}]}"#,
            r#"{"mrn":"8834127","birthDate":{"year":1971,"month":4,"day":2}}"#,
            r#"{"mrn":"8834127","dobYear":"1971","dobMonth":"04","dobDay":"02"}"#,
            r#"{"PID":{"PID.3":[{"PID.3.1":"8834127"}],"PID.5":[{"PID.5.1":"Quispe","PID.5.2":"Ottilie"}],"PID.7":{"PID.7.1":"19710402"}}}"#,
        ],
        true,
    );
    each(&[r#"{"type":"phone","from":"2024-01-01","to":"2024-02-01"}"#], false);
    assert_eq!(json(r#"{"type":"sms","to":"+18147324471"}"#).points().0, 40);
    assert_eq!(json(r#"{"type":"range","to":1714732447}"#).points().0, 0);
}

#[test]
fn made_up_numbers_count_under_any_key() {
    let person = r#""firstName":"Rosalind","lastName":"Halvorsen","dob":"1971-04-02""#;
    for number in [
        r#""contactNumber":"218-555-0142""#,
        r#""reachMe":"218-555-0142""#,
        r#""phones":[{"number":"218-555-0142"}]"#,
        r#""telephone1":"218-555-0142""#,
        r#""emailaddress1":"rosalind@example.com""#,
        r#""emails":[{"address":"rosalind@example.com"}]"#,
    ] {
        each(&[&format!("{{{person},{number}}}")], false);
    }
    each(
        &[
            r#"{"customer":{"name":"Yolanda Kowalczyk","dob":"1955-10-10","phone":"218-555-0128"},"dx":"asthma"}"#,
        ],
        false,
    );
    each(
        &[
            r#"{"customer":{"name":"Yolanda Kowalczyk","dob":"1955-10-10","phone":"814-732-4471"},"dx":"asthma"}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"name":"Tamika Sanders","altId":"none@example.com","dob":"1971-04-02","what":"login for MRN 6016553"}"#,
        ],
        true,
    );
    each(&[&format!(r#"{{{person},"note":"call 218-555-0142 before noon"}}"#)], true);
}

#[test]
fn columns_go_by_more_names() {
    for head in ["Ins ID", "Insurance #", "Sub ID", "Medicaid #", "MedRec", "MR#", "Soc Sec", "SS#", "NHS"] {
        let found = inspect("text/csv", &format!("Last,First,{head}\nQuispe,Ottilie,418527731\n"));
        assert!(is_refused(&found), "{head}");
    }
    for head in ["BDATE", "born", "Birth", "FechaNac", "Date de naissance"] {
        let found = inspect("text/csv", &format!("Last,First,{head}\nQuispe,Ottilie,1971-04-02\n"));
        assert!(is_refused(&found), "{head}");
    }
}

#[test]
fn a_patient_object_has_numbers_of_many_names() {
    let person = r#""lastName":"Okonkwo","firstName":"Adaeze""#;
    for (key, value) in [
        ("recordNumber", "8812734"),
        ("hospitalNumber", "4418290"),
        ("cardNumber", "XEH882913347"),
        ("certNo", "XEH882913347"),
        ("stateId", "D7551899"),
        ("externalId", "A77120"),
        ("fin", "1002698998"),
        ("ph", "3607482291"),
        ("residence", "W6412 County Hwy KK"),
    ] {
        each(&[&format!(r#"{{"patient":{{{person},"{key}":"{value}"}}}}"#)], true);
    }
    for other in [r#""ph":"7.35""#, r#""residence":"group home""#, r#""cardType":"XEH882913347""#] {
        each(&[&format!(r#"{{"patient":{{{person},{other}}}}}"#)], false);
    }
    each(&[r#"{"cardNumber":"XEH882913347","stateId":"D7551899","recordNumber":"8812734"}"#], false);
}

#[test]
fn names_of_columns_of_warehouses_and_of_sharepoint_are_read() {
    each(
        &[
            r#"{"PAT_FRST_NM":"MAGDALENA","PAT_LST_NM":"PHAM","PAT_BRTH_DT":"21-Oct-57"}"#,
            r#"{"xml":"<patientRole><patient><name><given>Chidi</given><family>Hovhannisyan</family></name><birthTime value=\"19930513\"/></patient></patientRole>"}"#,
            r#"{"Patient_x0020_Name":"Okonkwo, Adaeze","Date_x0020_of_x0020_Birth":"3/9/1974"}"#,
            r#"{"personName":{"nameLast":"VANG"},"personAlias":[{"aliasType":"MRN","alias":"72085716"}]}"#,
            r#"{"active":true,"scope":"patient/*.read","client_id":"a","username":"concepcion.szeto@hotmail.com","name":"Concepci\u00f3n Szeto"}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"PROV_FRST_NM":"MAGDALENA","PROV_LST_NM":"PHAM"}"#,
            r#"{"Order_x0020_Name":"Okonkwo, Adaeze","Date_x0020_of_x0020_Order":"3/9/1974"}"#,
            r#"{"personName":{"nameLast":"VANG"},"personAlias":[{"aliasType":"Nickname","alias":"72085716"}]}"#,
            r#"{"active":true,"scope":"patient/*.read","client_id":"a","username":"cszeto","name":"Concepci\u00f3n Szeto"}"#,
        ],
        false,
    );
}

#[test]
fn a_map_by_record_numbers_tells_each_of_its_own() {
    for body in [
        r#"{"mrns":{"00482913":{"status":"admitted","dob":"1960-01-02"}}}"#,
        r#"{"patientsByMrn":{"00482913":{"dob":"1960-01-02"},"00482914":{"dob":"1961-05-02"}}}"#,
    ] {
        let found = json(body);
        assert!(found.persons.iter().all(|p| p.points.0 == 100), "{body}: {:?}", found.persons);
        assert!(found.findings.iter().any(|f| &body[f.span.clone()] == "00482913"), "{body}");
    }
    each(
        &[
            r#"{"counts":{"00482913":{"dob":"1960-01-02"}}}"#,
            r#"{"mrns":{"admitted":{"dob":"1960-01-02"}}}"#,
            r#"{"mrn":{"minLength":8,"2":{"dob":"1960-01-02"}}}"#,
        ],
        false,
    );
}

#[test]
fn a_social_security_number_in_three_parts_is_one() {
    for body in [
        r#"{"ssn":{"area":"412","group":"21","serial":"3456"}}"#,
        r#"{"applicant":{"area":"412","group":"21","serial":"3456"}}"#,
    ] {
        let found = json(body);
        let ssn = found.findings.iter().filter(|f| f.kind.as_str() == "ssn");
        let spans: Vec<&str> = ssn.map(|f| &body[f.span.clone()]).collect();
        assert_eq!((spans, found.points().0), (vec!["412", "21", "3456"], 100), "{body}");
    }
    each(
        &[
            r#"{"area":"412","group":"21","serial":"34567"}"#,
            r#"{"area":"North","group":"21","serial":"3456"}"#,
            r#"{"area":"412","serial":"3456"}"#,
            r#"{"area":"000","group":"21","serial":"3456"}"#,
        ],
        false,
    );
}

#[test]
fn whom_a_list_under_a_provider_calls_a_patient_is_one() {
    each(
        &[
            r#"{"practitioner":{"name":"Grace Kim","schedule":[{"time":"09:00","patient":"Rosalind Halvorsen","dob":"1971-04-02"}]}}"#,
            r#"{"surgeon":{"name":"Grace Kim","cases":[{"pt":"Rosalind Halvorsen","dob":"04/02/1971","procedure":"lap chole"}]}}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"practitioner":{"name":"Grace Kim","schedule":[{"time":"09:00","patient":"8","room":"4"}]}}"#,
            r#"{"practitioner":{"name":"Grace Kim","dob":"1971-04-02","schedule":[{"time":"09:00"}]}}"#,
        ],
        false,
    );
}

#[test]
fn the_name_of_a_patient_who_is_made_up_weighs_nothing() {
    let patient = |contact: &str| {
        format!(
            r#"{{"patient":{{"name":"Rosalind Halvorsen","birthDate":"1971-04-02",{contact}}},"problems":["N18.3"]}}"#
        )
    };
    each(&[&patient(r#""phone":"865-555-0142""#), &patient(r#""email":"rh@example.com""#)], false);
    each(&[&patient(r#""phone":"865-483-0142""#)], true);
}

#[test]
fn a_name_in_small_letters_answers_who_asked() {
    let turns = |question: &str| {
        format!(
            r#"{{"turns":[{{"role":"bot","content":"{question}"}},{{"role":"user","content":"rosalind halvorsen"}},{{"role":"bot","content":"And your date of birth?"}},{{"role":"user","content":"4/2/1971"}}]}}"#
        )
    };
    each(&[&turns("What is your name?")], true);
    each(&[&turns("What is your pharmacy?")], false);
}
