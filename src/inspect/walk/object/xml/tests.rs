//! XML of no known kind by key names.

use super::super::tests::Keep;
use super::super::walk_tape;
use super::*;
use crate::inspect::field::FieldTable;
use crate::inspect::walk::xml::XML_DEPTH_MAX;
use crate::inspect::walk::{Declared, PersonId, Role};

fn walked(doc: &str) -> Keep {
    let rows = FieldTable::parse(include_str!("../../../../../config/fields/json-keys.toml")).unwrap();
    let table = Table::new(&rows).unwrap();
    let tape = Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap();
    let mut keep = Keep::default();
    walk_tape(&shaped(&tape, &table).unwrap(), &table, &mut keep);
    keep
}

#[test]
fn elements_and_attributes_are_keys() {
    let kept = walked(
        "<Export><Meta><Test>true</Test></Meta><Patient MRN='E1'><FirstName>Tim</FirstName><LastName nick='T'>Bixby</LastName>
        <birth-date value='2008-01-06'/><Identifier type='SSN'>412-55-0187</Identifier><Identifier type='DL' value='X77'/>
        <Field name='Phone Number'>608 301 7742</Field><Field name='Favourite'>red</Field><Note>met <b>Ann</b></Note>
        <Guarantor><LastName>Kent</LastName></Guarantor><Diagnosis><Code>E11</Code></Diagnosis></Patient>
        <Provider><LastName>Granite</LastName></Provider></Export>",
    );
    let tim = kept.of("Tim").3;
    for (value, row) in [
        ("E1", "mrn"),
        ("Tim", "given"),
        ("Bixby", "family"),
        ("2008-01-06", "birth-date"),
        ("412-55-0187", "id-ssn"),
        ("X77", "id-dl"),
        ("608 301 7742", "phone"),
        ("red", ""),
        ("Ann", ""),
    ] {
        assert_eq!((kept.row(value), kept.of(value).3), (row, tim), "{value}");
    }
    assert_eq!((kept.of("red").4.as_str(), kept.of("red").5.as_str()), ("Text", "Favourite"));
    assert_eq!(kept.of("Tim").0, "$.*.patient.firstname");
    let kent = kept.of("Kent").3;
    assert_eq!(kept.roles.get(kent.0 as usize), Some(&Role::RelativeOf(tim)));
    assert_eq!((kept.of("Granite").3, kept.of("Granite").4.as_str()), (PersonId::NOBODY, "Public"));
    assert_eq!(kept.clinical, [tim]);
    assert_eq!(kept.declared, [Declared::Test]);
}

#[test]
fn each_of_several_elements_of_one_name_with_a_name_is_a_person() {
    let kept = walked(
        "<all><p><lastName>A</lastName></p><x/><p><lastName>B</lastName><dob>1950-02-03</dob></p></all>",
    );
    assert_ne!(kept.of("A").3, kept.of("B").3);
    assert_eq!(kept.of("1950-02-03").3, kept.of("B").3);
    assert_eq!(kept.of("B").0, "$.*.*[1].lastname");
}

#[test]
fn elements_of_one_name_whose_attributes_are_keys_are_one_record() {
    for label in ["name", "key", "id"] {
        let kept = walked(&format!(
            "<row><col {label}='PAT_NAME'>SOK, YESENIA</col><col {label}='PAT_DOB'>1981-01-02</col></row>"
        ));
        assert_eq!(kept.of("SOK, YESENIA").3, kept.of("1981-01-02").3, "{label}");
    }
    let kept = walked(
        "<rows><row><f name='PAT_NAME'>SOK, YESENIA</f><f name='PAT_DOB'>1981-01-02</f></row>
        <row><f name='PAT_NAME'>BAY, ANN</f><f name='PAT_DOB'>1982-01-02</f></row></rows>",
    );
    assert_eq!(kept.of("SOK, YESENIA").3, kept.of("1981-01-02").3);
    assert_eq!(kept.of("BAY, ANN").3, kept.of("1982-01-02").3);
    assert_ne!(kept.of("BAY, ANN").3, kept.of("SOK, YESENIA").3);
}

#[test]
fn nothing_that_a_document_holds_stays_untold() {
    let doc = "<?go there?><!--c1--><r a='v1' xmlns:x='urn:v2'>t1<b>t2<!--c2--></b><![CDATA[t3]]><x:d e='v3'/></r><!--c3-->";
    let mut told: Vec<_> = walked(doc).leaves.into_iter().map(|leaf| leaf.1).collect();
    told.sort();
    assert_eq!(told, ["c1", "c2", "c3", "t1", "t2", "t3", "there", "urn:v2", "v1", "v3"]);
}

#[test]
fn a_value_of_a_property_list_is_called_as_the_key_before_it() {
    let kept = walked(
        "<plist version='1.0'><dict><key>kind</key><string>export</string><!--c--><key>patients</key><array>
        <dict><key>lastName</key><string>Quispe</string><key>dob</key><!--d--><date>1971-04-02T00:00:00Z</date></dict>
        <dict><key>lastName</key><string>Halvorsen</string><key>ssn</key><string>418-52-7731</string></dict></array></dict></plist>",
    );
    for (value, row) in [
        ("Quispe", "family"),
        ("1971-04-02T00:00:00Z", "birth-date"),
        ("Halvorsen", "family"),
        ("418-52-7731", "ssn"),
        ("export", ""),
        ("c", "notes"),
        ("d", "notes"),
    ] {
        assert_eq!(kept.row(value), row, "{value}");
    }
    assert_eq!(kept.of("Quispe").3, kept.of("1971-04-02T00:00:00Z").3);
    assert_ne!(kept.of("Quispe").3, kept.of("Halvorsen").3);
}

#[test]
fn keys_of_a_dictionary_that_name_nothing_are_told_as_values() {
    let doc = "<dict><key>a</key><key>b&amp;c</key><s>v</s><key at='1'>d</key><s>w</s><key>e</key></dict>";
    let mut told: Vec<_> = walked(doc).leaves.into_iter().map(|leaf| leaf.1).collect();
    told.sort();
    assert_eq!(told, ["1", "a", "b&c", "d", "e", "v", "w"]);
}
