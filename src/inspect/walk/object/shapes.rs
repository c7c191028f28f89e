//! The same person in the many shapes that JSON comes in, and what only looks like one.

use super::found::{ROSALIND, each, inspect, is_refused};

#[test]
fn several_things_of_one_object_are_several_people() {
    let (name, born) = (r#"{"firstName":"Rosalind","lastName":"Halvorsen"}"#, r#"{"dob":"1971-04-02"}"#);
    let other = r#"{"firstName":"Ottilie","dob":"1971-04-02"}"#;
    each(
        &[
            &format!(r#"{{"patients":{{"E4471902":{name},"E4471990":{other}}}}}"#),
            &format!(r#"{{"data":{{"a":{name},"b":{other}}}}}"#),
            &format!(r#"{{"record1":{name},"record2":{other}}}"#),
            &format!(r#"{{"0":{name},"1":{other}}}"#),
            &format!(r#"{{"3":{name},"5":{other}}}"#),
            &format!(
                r#"{{"patientName":"Rosalind Halvorsen","visits":{{"1":{born},"2":{{"dob":"1982-01-07"}}}}}}"#
            ),
        ],
        false,
    );
    each(
        &[
            &format!(r#"{{"patients":{{"E4471902":{ROSALIND},"E4471990":{born}}}}}"#),
            &format!(r#"{{"step1":{name},"step2":{born}}}"#),
            &format!(r#"{{"demographics":{name},"other":{born}}}"#),
            &format!(r#"{{"q3_name":{name},"q4_birth":{born}}}"#),
            &format!(r#"{{"record1":{name},"dob":"1971-04-02"}}"#),
            &format!(r#"{{"id1":{{"firstName":"Rosalind"}},"id2":{{"lastName":"Halvorsen"}},"id3":{born}}}"#),
            // What tells different parts, or one part alike, is one person's.
            &format!(r#"{{"container1":{name},"container2":{born}}}"#),
            &format!(r#"{{"p":{name},"d":{born}}}"#),
            &format!(r#"{{"patients":{{"E4471902":{name},"E4471990":{born}}}}}"#),
            &format!(r#"{{"a":{name},"b":{born},"c":{{"dob":"4/2/1971"}}}}"#),
            r#"{"patientName":"Rosalind Halvorsen","encounters":{"4471902":{"birthDate":"1971-04-02","diagnosis":"HIV"},"4471990":{"birthDate":"1971-04-02","diagnosis":"asthma"}}}"#,
            &format!(r#"{{"r1":{{"firstName":"Rosalind","lastName":"Halvorsen","dob":null}},"r2":{born}}}"#),
        ],
        true,
    );
}

#[test]
fn columns_that_are_arrays_tell_of_each_row() {
    let names = r#""last_name":["Quispe","Halvorsen"],"dob":["1971-04-02","1962-06-22"]"#;
    let apart = r#""last_name":["Quispe",null],"dob":[null,"1962-06-22"]"#;
    each(
        &[
            r#"{"first_name":["Rosalind","Ottilie"],"last_name":["Halvorsen","Quispe"],"dob":["1982-01-07","1971-04-02"]}"#,
            r#"{"lastName":"Halvorsen","given":["Rosalind","Mae"],"mrn":["8834127","8834128"],"dob":"1971-04-02"}"#,
            &format!(r#"{{{names},"diagnosis":["HIV","asthma"]}}"#),
            &format!(r#"{{{names},"medications":[null,"biktarvy"],"n":2}}"#),
            &format!(r#"{{{names},"remarks":["call 617-432-2291","none"]}}"#),
            // No table of columns: one person.
            &format!(r#"{{{names},"diagnosis":[["HIV"],["asthma"]]}}"#),
            &format!(r#"{{{names},"diagnosis":"HIV"}}"#),
            &format!(r#"{{{apart},"visit":{{"diagnosis":"HIV"}}}}"#),
            &format!(r#"{{{apart},"diagnosis":["HIV","asthma","flu"]}}"#),
        ],
        true,
    );
    each(
        &[
            r#"{"first_name":["Rosalind",null],"last_name":["Halvorsen",null],"dob":[null,"1971-04-02"]}"#,
            &format!(r#"{{{apart},"diagnosis":["HIV","asthma"]}}"#),
            &format!(r#"{{{names},"diagnosis":["","none"]}}"#),
        ],
        false,
    );
}

#[test]
fn rows_that_are_arrays_are_read_by_their_heads() {
    let row = r#"["E4471902","Quispe","Ottilie","1971-04-02"]"#;
    let heads = r#"["mrn","last_name","first_name","dob"]"#;
    let named = r#"[{"name":"mrn"},{"name":"last_name"},{"name":"first_name"},{"name":"dob"}]"#;
    each(
        &[
            &format!(r#"{{"columns":{heads},"rows":[{row}]}}"#),
            r#"[["MRN","Last Name","First Name","DOB"],["E4471902","Quispe","Ottilie","1971-04-02"]]"#,
            r#"{"range":"A1:D9","values":[["Last","First","Birth"],["Quispe","Ottilie","1971-04-02"]]}"#,
            &format!(r#"{{"resultSetMetaData":{{"rowType":{named}}},"data":[{row}]}}"#),
            r#"{"schema":{"fields":[{"name":"last_name"},{"name":"first_name"},{"name":"dob"}]},"rows":[{"f":[{"v":"Quispe"},{"v":"Ottilie"},{"v":"1971-04-02"}]}]}"#,
            &format!(r#"{{"change":[{{"columnnames":{heads},"columnvalues":{row}}}]}}"#),
            r#"{"columnMetadata":[{"name":"last_name"},{"name":"dob"},{"name":"first_name"}],"records":[[{"stringValue":"Quispe"},{"stringValue":"1971-04-02"},{"stringValue":"Ottilie"}]]}"#,
        ],
        true,
    );
    let xml = "<Table><Row><Cell><Data>Last Name</Data></Cell><Cell><Data>First Name</Data></Cell><Cell><Data>DOB</Data></Cell></Row><Row><Cell><Data>Quispe</Data></Cell><Cell><Data>Ottilie</Data></Cell><Cell><Data>1971-04-02</Data></Cell></Row></Table>";
    assert!(is_refused(&inspect("application/xml", xml)));
    each(
        &[
            r#"{"columns":["first_name","last_name","dob"],"rows":[["Ottilie","Quispe",null],[null,null,"1971-04-02"]]}"#,
            r#"{"rows":[["first_name","last_name","dob"],["given_name","family_name","birth_date"]]}"#,
            r#"{"columns":["facility_name","address","city","zip","phone"],"rows":[["Lakeshore","12 Clinic Way","Duluth","55802","218-722-3344"]]}"#,
            r#"{"coordinates":[["Quispe","Ottilie"],["1971-04-02","8834127"]]}"#,
        ],
        false,
    );
}

#[test]
fn a_value_below_a_key_nobody_knows_is_what_it_looks_like() {
    let person = r#""firstName":"Ottilie","lastName":"Quispe""#;
    each(
        &[
            r#"{"ssn":{"number":"541726638"}}"#,
            &format!(r#"{{{person},"mrn":{{"id":"E4471902"}}}}"#),
            &format!(r#"{{{person},"mrn":{{"number":"E4471902","assigner":"LEG"}}}}"#),
            &format!(r#"{{{person},"dateOfBirth":{{"formatted":"04/02/1971"}}}}"#),
            &format!(r#"{{{person},"dob":{{"$gte":"1971-04-02"}}}}"#),
            &format!(r#"{{{person},"dob":{{"asWritten":"1971-04-02"}}}}"#),
            r#"{"name":{"full":"Ottilie Quispe"},"dob":"1971-04-02"}"#,
            r#"{"name":{"formatted":"Ottilie Quispe"},"dob":"1971-04-02"}"#,
            r#"{"names":[{"full":"Ottilie Quispe"}],"dob":"1971-04-02"}"#,
            r#"[{"column":"lastName","op":"=","values":["Quispe"]},{"column":"mrn","op":"=","values":["E4471902"]}]"#,
            r#"{"where":{"last_name":{"_ilike":"%Quispe%"},"first_name":{"equals":"Ottilie"},"mrn":{"_in":["E4471902"]}}}"#,
        ],
        true,
    );
    each(
        &[
            &format!(r#"{{{person},"mrn":{{"assigner":"LEG0012345"}}}}"#),
            &format!(r#"{{{person},"dob":{{"updatedAt":"2024-04-02"}}}}"#),
            r#"{"name":{"full":"Acme widget 3000"},"ssn":{"required":true,"maxLength":"9"}}"#,
        ],
        false,
    );
    let xml = "<P><FirstName>Ottilie</FirstName><LastName>Quispe</LastName><DateOfBirth><ExactDateTime>1971-04-02</ExactDateTime></DateOfBirth></P>";
    assert!(is_refused(&inspect("text/xml", xml)));
}

#[test]
fn first_and_last_are_names_beside_something_of_a_person() {
    each(
        &[
            r#"{"first":"Ottilie","last":"Quispe","dob":"1971-04-02"}"#,
            r#"{"first_name":"Ottilie","last":"Quispe","dob":"1971-04-02"}"#,
            r#"{"legalName":{"first":"Ottilie","last":"Quispe"},"dob":"1971-04-02"}"#,
            r#"{"who":{"first":"Ottilie","last":"Quispe"},"dob":"1971-04-02"}"#,
            r#"{"given":"Ottilie","family":"Quispe","birthDate":"1971-04-02"}"#,
            r#"{"patient":{"given":"Ottilie","family":"Quispe","birthDate":"1971-04-02"}}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"given":"Reason","family":"enterobacteriaceae","code":"B20"}"#,
            r#"{"first":"/patients?page=1","last":"/patients?page=9","dob":"1971-04-02"}"#,
            r#"{"first":"Monday","last":"Friday","diagnosis":"HIV"}"#,
        ],
        false,
    );
}

#[test]
fn labels_are_read_as_forms_write_them() {
    let name = |label: &str, value: &str| {
        format!(
            r#"[{{"{label}":"Full name (as on insurance card)","{value}":"Ottilie Quispe"}},{{"{label}":"Patient's date of birth (MM/DD/YYYY)","{value}":"04/02/1971"}}]"#
        )
    };
    for (label, value) in [
        ("title", "answer"),
        ("questionText", "answerText"),
        ("question", "response"),
        ("heading", "answers"),
    ] {
        each(&[&name(label, value)], true);
    }
    each(
        &[
            r#"[{"id":"q17","title":"Last name","answer":"Quispe"},{"id":"q18","title":"MRN","answer":"E4471902"}]"#,
            r#"[["lastName","Quispe"],["firstName","Ottilie"],["dob","1971-04-02"]]"#,
            r#"[{"heading":"Last name","answers":["Quispe"]},{"heading":"First name","answers":["Ottilie"]},{"heading":"DOB","answers":[{"text":"1971-04-02"}]}]"#,
            r#"[{"custom_field_name":"DOB","custom_field_value":"1971-04-02"},{"custom_field_name":"MRN","custom_field_value":"E4471902"}]"#,
        ],
        true,
    );
    each(
        &[r#"[["lastName","firstName"],["dob","birthDate"]]"#, r#"{"sort":[["dob","asc"],["mrn","desc"]]}"#],
        false,
    );
}

#[test]
fn other_names_of_keys_are_told() {
    each(
        &[
            r#"{"lnm":"Quispe","fnm":"Ottilie","bdate":"1971-04-02"}"#,
            r#"{"PatLN":"Quispe","PatFN":"Ottilie","birth":"1971-04-02"}"#,
            r#"{"NAME_LAST_KEY":"QUISPE","NAME_FIRST_KEY":"OTTILIE","BIRTH_DT_TM":"1971-04-02T00:00:00"}"#,
            r#"{"name_full_formatted":"QUISPE, OTTILIE","dob_dt_tm":"1971-04-02"}"#,
            r#"{"Nachname":"Quispe","Vorname":"Ottilie","Geburtsdatum":"02.04.1971"}"#,
            r#"{"nom":"Quispe","prenom":"Ottilie","date_naissance":"1971-04-02"}"#,
            r#"{"primerApellido":"Quispe","nombre":"Ottilie","fechaNac":"1971-04-02"}"#,
            r#"{"lastName":"Quispe","UnitNumber":"M000412345"}"#,
            r#"{"PID":{"3":"E4471902","5":"Quispe^Ottilie","7":"19710402"}}"#,
            r#"{"PID.3.1":"E4471902","PID.5.1":"Quispe","PID.5.2":"Ottilie","PID.7.1":"19710402"}"#,
            r#"{"pid51":"Quispe","pid52":"Ottilie","pid71":"19710402"}"#,
            r#"{"lastName":"Quispe","dob_yyyy":"1971","dob_mm":"4","dob_dd":"2","ssn":"541-72-6638"}"#,
            r#"{"phone":"541-72-6638"}"#,
            r#"{"patientId":"541-72-6638"}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"birth":"Duluth","street":"4418 Klickitat St","unitNumber":"4B"}"#,
            r#"{"rows":[{"cell":"2024-01-05"},{"cell":"done"}],"nom":"Produit 4","firstName":"x"}"#,
        ],
        false,
    );
}

#[test]
fn what_is_public_by_what_it_says_passes() {
    let place = r#""street":"25 Industrial Way","city":"Waltham","zip":"02451","phone":"781-404-2200","fax":"781-404-2201""#;
    each(
        &[
            &format!(r#"{{"clinic":"Meridian Urgent Care",{place}}}"#),
            &format!(
                r#"{{"location":"Meridian Urgent Care","manager":"Gail Holloway","city":"San Diego",{place}}}"#
            ),
            &format!(r#"{{"storeName":"Beacon 1122",{place}}}"#),
            r#"{"location":"Meridian Urgent Care","address":{"street":"25 Industrial Way","city":"Waltham","zip":"02451"},"phone":"781-404-2200","manager":{"name":"Gail Holloway","email":"gh@meridian.org"}}"#,
            r#"{"hospital_name":"Meridian Health","hospital_address":["330 Brookline Ave, Boston, MA 02215"],"license_information":{"license_number":"2082"}}"#,
            r#"{"vendor":"Acme Software","license_number":"4F1C7-D2E11"}"#,
            r#"{"repository":{"full_name":"octo-org/octo-repo","owner":{"login":"octo","email":"dev@meridian.org"}}}"#,
            r#"{"openapi":"3.0.3","info":{"title":"Portal","contact":{"name":"Debra Kessinger","email":"dk@meridian.org"}}}"#,
            r#"{"displayName":"Klaus Jurgens","givenName":"Klaus","surname":"Jurgens","mail":"kj@meridian.org","userPrincipalName":"kj@meridian.org"}"#,
            r#"{"user":{"team_id":"T061","real_name":"Klaus Jurgens","profile":{"first_name":"Klaus","last_name":"Jurgens","email":"kj@meridian.org"}}}"#,
            r#"{"object_kind":"pipeline","user":{"name":"Marek Przybylski","email":"mp@meridian.org"}}"#,
            r#"{"recruiter":{"name":"Celine Delacroix","email":"cd@meridian.org","phone":"617-432-9911"}}"#,
        ],
        false,
    );
    each(
        &[
            &format!(r#"{{"clinic":"Meridian Urgent Care","name":"Ottilie Quispe",{place}}}"#),
            &format!(r#"{{"clinic":"Meridian Urgent Care","dob":"1971-04-02",{place}}}"#),
            &format!(r#"{{"clinic":"Meridian Urgent Care",{place},"visitor":{ROSALIND}}}"#),
            r#"{"clinic":"Meridian Urgent Care","email":"o.quispe@gmail.com","phone":"781-404-2200","zip":"02451"}"#,
            &format!(r#"{{"clinic":"Meridian Urgent Care","caller":"Ottilie Quispe",{place}}}"#),
            &format!(r#"{{"location":"Home",{place}}}"#),
            &format!(r#"{{"site":"web",{place}}}"#),
            r#"{"location":"Home","address":"77 Beacon St, Boston MA 02215","zip":"02215","phone":"617-432-2291","caller":"Ottilie Quispe"}"#,
            r#"{"patientName":"QUISPE/OTTILIE","dob":"1971-04-02"}"#,
            r#"{"firstName":"Ottilie","lastName":"Quispe","licenseNumber":"D4472910"}"#,
            r#"{"userPrincipalName":"x@y.org","firstName":"Ottilie","lastName":"Quispe","dob":"1971-04-02"}"#,
            r#"{"object_kind":"note","object_attributes":{"note":"Patient Ottilie Quispe, DOB 04/02/1971, SSN 541-72-6638"}}"#,
        ],
        true,
    );
}

#[test]
fn labels_and_values_are_called_by_what_has_them() {
    for of in ["attribute", "column", "parameter", "property"] {
        let pair = |label: &str, value: &str| format!(r#"{{"{of}Name":"{label}","{of}Value":"{value}"}}"#);
        let told = [pair("First Name", "Ottilie"), pair("Last Name", "Quispe"), pair("MRN", "203991")];
        each(&[&format!(r#"{{"list":[{}]}}"#, told.join(","))], true);
        let open = [pair("Status", "Active"), pair("Region", "North"), pair("Build", "203991")];
        each(&[&format!(r#"{{"list":[{}]}}"#, open.join(","))], false);
    }
}

#[test]
fn what_is_asked_in_a_turn_tells_what_the_next_one_says() {
    let turns = |asked: &str| {
        format!(
            r#"{{"transcript":[{{"speaker":"agent","text":"May I have your full name?"}},{{"speaker":"caller","text":"Ottilie Quispe"}},
            {{"speaker":"agent","text":"{asked}"}},{{"speaker":"caller","text":"04/02/1971"}}]}}"#
        )
    };
    each(&[&turns("And your date of birth?")], true);
    each(&[&turns("And which day suits you?"), &turns("Your date of birth is on file.")], false);
}

#[test]
fn who_lies_in_a_bed_or_reports_of_himself_is_somebody() {
    each(
        &[
            r#"{"location":{"unit":"4W","beds":[{"bed":"412A","occupant":"Quispe, Ottilie","dob":"1971-04-02"}]}}"#,
            r#"{"reporter":{"name":"Ottilie Quispe","relationship":"self","phone":"(478) 969-6074"},"symptoms":["fever"]}"#,
        ],
        true,
    );
    each(
        &[
            r#"{"location":{"unit":"4W","beds":[{"bed":"412A","occupant":"vacant"}]}}"#,
            r#"{"reporter":{"name":"Ottilie Quispe","relationship":"nurse","phone":"(478) 969-6074"},"symptoms":["fever"]}"#,
        ],
        false,
    );
}

#[test]
fn an_address_of_a_mail_is_no_street() {
    let found =
        inspect("application/json", r#"{"customer":{"name":"Ottilie Quispe","address":"oq@lakeshore.org"}}"#);
    let rules: Vec<_> = found.findings.iter().map(|f| &*f.rule).collect();
    assert!(rules.contains(&"json.email") && !rules.contains(&"json.address"), "{rules:?}");
}
