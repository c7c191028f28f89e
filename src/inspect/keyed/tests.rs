use crate::inspect::rules::RuleSet;
use crate::inspect::text;

/// Kinds and values that rows for keys tell, in order.
fn told(text: &str) -> Vec<(String, &str)> {
    let rules = RuleSet::built_in();
    let hits = text::scan(text, "", rules).into_iter().filter(|hit| !rules.is_detector(&hit.rule));
    hits.map(|hit| (hit.kind.as_str().to_owned(), &text[hit.span])).collect()
}

/// What of these a text tells, by rules of any sort, and the points of it.
fn points(text: &str) -> u16 {
    let hits = text::scan(text, "", RuleSet::built_in());
    let mut kinds: Vec<_> = hits.iter().map(|hit| (hit.kind.as_str(), hit.points.0)).collect();
    kinds.sort_unstable_by_key(|(kind, points)| (*kind, std::cmp::Reverse(*points)));
    kinds.dedup_by_key(|(kind, _)| *kind);
    kinds.iter().map(|(_, points)| *points).sum()
}

fn has(text: &str, kind: &str, value: &str) -> bool {
    let hits = text::scan(text, "", RuleSet::built_in());
    hits.iter().any(|hit| hit.kind.as_str() == kind && &text[hit.span.clone()] == value)
}

#[test]
fn names_of_fields_tell_their_values_in_a_line_of_a_log() {
    let line = "INFO claim pended memberName=Zdenka Hrytsenko memberDob=1971-04-30 claimNumber=448820193 \
                policyNumber=YRP882013345";
    assert!(has(line, "full-name", "Zdenka Hrytsenko"));
    assert!(has(line, "birth-date", "1971-04-30"));
    assert!(has(line, "member-id", "YRP882013345"));
    assert!(points(line) >= 90, "{}", points(line));
    for line in [
        "{'first_nm':'Zdenka','last_nm':'Hrytsenko','birth_dt':'1971-04-30','pat_mrn_id':'448820'}",
        "Patient(first_nm=Zdenka, last_nm=Hrytsenko, birth_dt=1971-04-30)",
        "saved Patient{firstNm='Zdenka', lastNm='Hrytsenko', birthDt=1971-04-30, version=3}",
        "body was {\\\"first_nm\\\":\\\"Zdenka\\\",\\\"last_nm\\\":\\\"Hrytsenko\\\",\\\"birth_dt\\\":\\\"1971-04-30\\\",",
        "{\"first_nm\": \"Zdenka\", \"last_nm\": \"Hrytsenko\", \"birth_dt\": \"1971-04-30T00:00:00Z",
        "Array ( [first_nm] => Zdenka\n [last_nm] => Hrytsenko\n [birth_dt] => 1971-04-30 )",
        "[\"first_nm\"]=>\n  string(6) \"Zdenka\"\n  [\"last_nm\"]=>\n  string(9) \"Hrytsenko\"\n  [\"birth_dt\"]=>\n  string(10) \"1971-04-30\"",
        "{:first_nm=>\"Zdenka\", :last_nm=>\"Hrytsenko\", :birth_dt=>\"1971-04-30\"}",
        "recv <firstNm>Zdenka</firstNm><lastNm>Hrytsenko</lastNm><birthDt>1971-04-30</birthDt>",
    ] {
        let found = told(line);
        let hits = text::scan(line, "", RuleSet::built_in());
        let kinds: Vec<&str> = hits.iter().map(|hit| hit.kind.as_str()).collect();
        assert!(has(line, "given-name", "Zdenka"), "{line}: {found:?}");
        assert!(has(line, "family-name", "Hrytsenko"), "{line}: {found:?}");
        assert!(kinds.contains(&"birth-date"), "{line}: {found:?}");
    }
}

#[test]
fn a_key_at_the_head_of_its_line_or_before_a_quote_is_one_beside_somebody() {
    let person = "[patient]\nlast_name = \"van der Merwe\"\nfirst_name = \"Itzel\"\n";
    let place = "address1 = \"6644 Avenue C\"\ncity = \"Bar Harbor\"\nzip = \"04609\"\n";
    let toml = format!("{person}{place}");
    assert!(has(&toml, "family-name", "van der Merwe"), "{:?}", told(&toml));
    for text in [
        toml.as_str(),
        "last_name: Yazzie\nfirst_name: Itzel\naddress1: 6644 Avenue C\ncity: Bar Harbor\nzip: 04609\n",
        "patient(lastName: \"Yazzie\", firstName: \"Itzel\", address1: \"6644 Avenue C\", city: \"Bar Harbor\", zip: \"04609\")",
    ] {
        assert!(has(text, "street", "6644 Avenue C"), "{text}: {:?}", told(text));
        assert!(has(text, "city", "Bar Harbor") && has(text, "zip", "04609"), "{text}: {:?}", told(text));
    }
    // Nobody stands beside it, or it is a word of prose.
    assert_eq!(told(place), []);
    let prose = "lastName=Yazzie firstName=Itzel moved from the city: Bar Harbor";
    assert!(!has(prose, "city", "Bar Harbor"), "{:?}", told(prose));
    assert!(!has("last_name = \"van der\"", "family-name", "van der"));
}

#[test]
fn values_below_their_labels_are_told() {
    let form = "Mrn\n00864259\nLast Name\nThibodeaux\nFirst Name:\nItzel\nMember Id\nZGP433515148\n";
    assert!(has(form, "mrn", "00864259") && has(form, "member-id", "ZGP433515148"), "{:?}", told(form));
    assert!(has(form, "family-name", "Thibodeaux"), "{:?}", told(form));
    assert!(has("Member Id\nZGP433515148", "member-id", "ZGP433515148"));
    for text in [
        "Last Name\nThibodeaux\n",
        "Last Name\nFirst Name\nMrn\nMember Id\n",
        "NPI\n1093817465\nLast Name\nThibodeaux\nFirst Name\nItzel\n",
        "Order set\n00864259",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
}

#[test]
fn what_php_serializes_has_keys_and_values_by_turns() {
    let php = "a:3:{s:11:\"patient_mrn\";s:8:\"00864259\";s:17:\"patient_last_name\";s:10:\"Thibodeaux\";s:3:\"abc\";s:8:\"00864260\";}";
    assert!(has(php, "mrn", "00864259") && has(php, "family-name", "Thibodeaux"), "{:?}", told(php));
    assert!(!has(php, "mrn", "00864260"));
}

#[test]
fn databases_tell_rows_in_their_own_ways() {
    let insert = "INSERT INTO patient (last_name, first_name, birth_date, ssn) VALUES ($1,$2,$3,$4)";
    let values = "DETAIL:  parameters: $1 = 'Adeyemi', $2 = 'Bogdan', $3 = '1986-11-20', $4 = '176-27-6354'";
    for text in [format!("LOG: {insert}\n{values}"), format!("{values}\nSTATEMENT:  {insert}")] {
        assert!(has(&text, "family-name", "Adeyemi") && has(&text, "birth-date", "1986-11-20"), "{text}");
    }
    assert_eq!(told(&values.replace("1986-11-20", "x").replace("176-27-6354", "y")), []);
    let key = "Key (last_name, first_name, birth_date)=(Tuiasosopo, Itzel, 2000-06-08) already exists.";
    assert!(has(key, "family-name", "Tuiasosopo") && has(key, "birth-date", "2000-06-08"), "{:?}", told(key));
    let things = "Key (order_no, label)=(Tuiasosopo, Itzel) already exists.";
    assert_eq!(told(things), []);
    let rows = "VALUES (1,'Quispe','Svetlana','2000-05-08','2078178793','active'),(2,'Hovhannisyan','Mehmet','1968-11-15','5185277115','termed');";
    let members = format!("INSERT INTO `tbl_member` {rows}");
    assert!(has(&members, "birth-date", "2000-05-08"), "{:?}", told(&members));
    assert_eq!(told(&format!("INSERT INTO `event_log` {rows}")), []);
    let psql = "-[ RECORD 1 ]------\nlast_name  | Tuiasosopo\nbirth_date | 2000-06-08\ncity       | Hilo\n";
    assert!(has(psql, "family-name", "Tuiasosopo") && has(psql, "city", "Hilo"), "{:?}", told(psql));
    assert_eq!(told(&format!("{psql}npi | 1093817465\n")), []);
}

#[test]
fn a_value_ends_before_the_next_name_and_is_one_of_its_kind() {
    let line = "member_name=OKONJO, ADAEZE member_dob=3 Mar 1992 home_phone=(253) 552-0917 status=OK";
    assert!(has(line, "full-name", "OKONJO, ADAEZE"), "{:?}", told(line));
    assert!(has(line, "birth-date", "3 Mar 1992"), "{:?}", told(line));
    assert!(has(line, "phone", "(253) 552-0917"), "{:?}", told(line));
    let url = "GET /members?memberLastNm=Okonjo&memberDob=1992-03-03 200";
    assert_eq!(
        told(url),
        [("family-name".to_owned(), "Okonjo"), ("birth-date".to_owned(), "1992-03-03")],
        "{url}"
    );
    // What anybody may have counts beside somebody.
    assert!(told("accountNumber=448820193 zip_cd=97213").is_empty());
    assert_eq!(told("pat_last=Okonjo zip_cd=97213").len(), 2);
}

#[test]
fn what_logs_configurations_and_code_say_of_nobody_tells_nothing() {
    for text in [
        "userName=admin hostName=db01 clientId=web zip=app.zip name=Folic Acid serviceName=Billing Service",
        "service.name=billing service.instance.id=627cc493 k8s.pod.name=web-7f9c host.name=ip-10-0-0-1 enduser.id=4411",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 http.status_code=200 net.peer.port=8080",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: member-api\n  labels:\n    app.kubernetes.io/name: member-api",
        "first_name: string\nlast_name: string\nbirth_date: date\nphone_number: string\nmember_id: integer",
        "firstName: String, lastName: String!, birthDate: Date, memberId: ID",
        "const { firstName, lastName } = props; lastName={state.lastName} firstName: DataTypes.STRING",
        "patient.setFirstName(firstName); this.lastName = lastName; lastName == other.lastName",
        "first_name VARCHAR(50) NOT NULL, last_name='', dob=null, ssn=None, mrn=undefined",
        "firstName: must not be blank; lastName: Required; birthDate: Invalid date; memberId: is required",
        "local-member-id=8e9e05c52164694d remote-member-id=91bc3c398fb3c146 member_id=consumer-group-1-3f2b",
        "at com.example.Patient.lastName(Patient.java:42) caused by: lastName=null",
        "fullName=Order Service legalName=Acme Widgets Incorporated clientName=Web Portal personName=Default Value",
        "birthDate=%s firstName=${first} lastName={{last}} memberDob=<date> ssn=***-**-**** dob=1900",
        "providerLastName=Okonjo providerFirstName=Adaeze user.firstName=Adaeze renderingProviderLastNm=Okonjo",
        "employee.firstName=Ana staff_last_name=Okonjo nurseLastName=Bright author.last_nm=Okonjo",
        "std::first_name::value a=b==c x:=1 https://example.org/lastName:80/ 12:30:55",
        "Follow-up: Anna Brown",
        "patientName: see below",
    ] {
        assert!(told(text).is_empty(), "{text}: {:?}", told(text));
    }
}

#[test]
fn a_form_asks_and_the_answer_stands_behind() {
    let form = "Patient's last name? Fothergill\nDOB? 5/5/1995\nWhat is your phone number? 253-552-0917";
    assert!(has(form, "family-name", "Fothergill"), "{:?}", told(form));
    assert!(has(form, "birth-date", "5/5/1995"), "{:?}", told(form));
    for text in [
        "Do you know the date of birth? We need it",
        "Doctor's last name? Fothergill",
        "Last name? It is missing",
    ] {
        assert!(told(text).is_empty(), "{text}: {:?}", told(text));
    }
}

#[test]
fn what_is_inserted_into_a_wide_table_is_somebodys() {
    let genes: String = (0..900).map(|n| format!("gene_{n},")).collect();
    let insert = format!(
        "INSERT INTO patients ({genes}last_name,dob) VALUES ({}'Okonjo','1992-03-03');",
        "0,".repeat(900)
    );
    assert!(has(&insert, "family-name", "Okonjo") && has(&insert, "birth-date", "1992-03-03"));
}

#[test]
fn rows_under_names_of_columns_are_somebodys() {
    let insert = "INSERT INTO patients (id,last_name,first_name,dob,ssn,phone) VALUES \
                  (1,'Okonjo','Adaeze','1992-03-03','532198840','2535520917'),\
                  (2, 'O''Brien', NULL, TO_DATE('1961-02-28','YYYY-MM-DD'), NULL, NULL);";
    for (kind, value) in [
        ("family-name", "Okonjo"),
        ("given-name", "Adaeze"),
        ("birth-date", "1992-03-03"),
        ("ssn", "532198840"),
        ("phone", "2535520917"),
        ("birth-date", "1961-02-28"),
    ] {
        assert!(has(insert, kind, value), "{kind} {value}: {:?}", told(insert));
    }
    let copy = "COPY public.patient (id, last_name, first_name, dob) FROM stdin;\n1\tOkonjo\tAdaeze\t1992-03-03\n\\.\n";
    assert!(has(copy, "family-name", "Okonjo") && has(copy, "birth-date", "1992-03-03"), "{:?}", told(copy));
    let boxed = "mysql> select * from patient;\n+----+-----------+------------+\n| id | last_nm   | dob        |\n\
                 +----+-----------+------------+\n|  1 | Okonjo    | 1992-03-03 |\n+----+-----------+------------+\n";
    assert!(
        has(boxed, "family-name", "Okonjo") && has(boxed, "birth-date", "1992-03-03"),
        "{:?}",
        told(boxed)
    );
    for text in [
        "insert Into\n  `clinic`.`patients`\n  (last_name, dob)\nvalues ('Okonjo', '1992-03-03')",
        "INSERT INTO  hospital_members (last_name, dob) VALUES ('Okonjo', '1992-03-03')",
        "Copy  clinic.patient (last_name, dob)\nfrom  stdin;\nOkonjo\t1992-03-03\n\\.\n",
        // What one statement lacks to its end hides no other.
        "INSERT INTO a (dob, b) VALUES (NULL, 'it's; INSERT INTO patients (last_name, dob) VALUES ('Okonjo', '1992-03-03');",
        "INSERT INTO a (dob, b) VALUES (NULL, 1; INSERT INTO patients (last_name, dob) VALUES ('Okonjo', '1992-03-03'), (1, 2)",
        "INSERT INTO patients (b, last_name, dob) VALUES ('insert into a (c) values (1)', 'Okonjo', '1992-03-03')",
    ] {
        assert!(has(text, "family-name", "Okonjo") && has(text, "birth-date", "1992-03-03"), "{text}");
    }
    let unended = "INSERT INTO a (dob) VALUES ('; ".repeat(100);
    let text = format!("{unended}INSERT INTO patients (last_name, dob) VALUES ('Okonjo', '1992-03-03');");
    assert!(has(&text, "family-name", "Okonjo"), "{:?}", told(&text));
    for text in [
        "INSERT INTO clinic.providers (last_name, first_name, dob) VALUES ('Okonjo', 'Adaeze', '1992-03-03')",
        "INSERT INTO providers (last_name, first_name, dob) VALUES ('Okonjo', 'Adaeze', '1992-03-03')",
        "INSERT INTO patients (last_name, npi, phone) VALUES ('Okonjo', '1234567893', '2535520917')",
        "INSERT INTO drugs (id, name, code) VALUES (1, 'Folic Acid', 'B03BB01'), (2, 'Warfarin', 'B01AA03')",
        "insert into job_runs (id, started_at, host) values (1, '2025-01-01', 'db01')",
        "COPY public.zips (zip, city) FROM stdin;\n97213\tPortland\n\\.\n",
        "+----+------+\n| id | name |\n+----+------+\n|  1 | Anna |\n+----+------+",
    ] {
        assert!(told(text).is_empty(), "{text}: {:?}", told(text));
    }
}

#[test]
fn a_long_text_of_marks_and_open_tables_costs_a_pass() {
    for piece in [
        "a_b=",
        "x-dob:",
        "lastName=A ",
        "dob? ",
        "INSERT INTO a (dob) VALUES (",
        "INSERT INTO a (dob) VALUES ('",
        "into into\n",
        "COPY a (dob) FROM stdin;\n",
        "+-+\n| dob |\n",
    ] {
        let text = piece.repeat(400_000 / piece.len());
        let before = std::time::Instant::now();
        drop(told(&text));
        assert!(before.elapsed().as_secs() < 20, "{piece}");
    }
}

#[test]
fn functions_around_a_column_or_a_value_hide_neither() {
    let query = "SELECT id FROM patient WHERE UPPER(last_name)='SINGLETARY' AND lower(first_name) = lower('latisha') \
                 AND birth_date=TO_DATE('1977-03-13','YYYY-MM-DD')";
    assert!(has(query, "family-name", "SINGLETARY"));
    assert!(has(query, "given-name", "latisha"));
    assert!(has(query, "birth-date", "1977-03-13"));
    // A comparison of two calls, and a call without a text.
    assert_eq!(told("if (last_name(a) == last_name(b)) last_name=next(rows)"), []);
}

#[test]
fn rows_below_a_line_of_columns_are_a_table_whatever_stands_above() {
    for (head, between) in [("Attached extract (first rows):", ","), ("Hi, these rows fail:", "\t")] {
        let rows = [
            "mrn,last,first,dob,dx",
            "20956340,Deshpande,Rohit,1943-01-28,E11.9",
            "85703993,Kessler,Ignacio,1941-05-14,I10",
        ];
        let text = format!("{head}\n{}", rows.join("\n").replace(',', between));
        for (kind, value) in [
            ("mrn", "20956340"),
            ("family-name", "Deshpande"),
            ("given-name", "Rohit"),
            ("birth-date", "1941-05-14"),
            ("mrn", "85703993"),
        ] {
            assert!(has(&text, kind, value), "{value}: {text}");
        }
    }
    for text in [
        // Prose, a table of providers, and names of columns without rows.
        "Please fill in\nname, dob, mrn and phone\nand send it back, today, please, to us",
        "Our doctors:\nnpi,last,first,phone\n1234567893,Kessler,Ignacio,312-867-2201",
        "The columns:\nmrn,last,first,dob\nare needed",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
}

#[test]
fn a_date_that_a_call_makes_is_one() {
    for (text, date) in [
        ("{'last_name': 'Okonjo', 'dob': datetime.date(1992, 3, 3)}", "1992, 3, 3"),
        ("{'last_name': 'Okonjo', 'dob': datetime.datetime(1992, 3, 3, 0, 0)}", "1992, 3, 3, 0, 0"),
        ("const p = {lastName: 'Okonjo', birthDate: new Date('1992-03-03')};", "1992-03-03"),
        ("const p = {name: 'Ada Okonjo', dob: new Date(\"1992-03-03\")};", "1992-03-03"),
        ("{ name: 'Ada Okonjo', dob: ISODate(\"1992-03-03T00:00:00Z\") }", "1992-03-03T00:00:00Z"),
        ("birth_date => DateTime.parse(\"1992-03-03\"), last_name => 'Okonjo'", "1992-03-03"),
    ] {
        let hits = crate::inspect::text::scan(text, "", crate::inspect::RuleSet::built_in());
        let born = hits
            .iter()
            .find(|hit| hit.kind == crate::inspect::kind::Kind::BirthDate)
            .map(|hit| &text[hit.span.clone()]);
        assert_eq!(born, Some(date), "{text}");
    }
}
