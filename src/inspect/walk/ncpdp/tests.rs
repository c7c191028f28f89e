//! SCRIPT messages by hand, against a slow reference over the samples, and against the published field map.

use super::*;
use crate::inspect::field::FieldTable;
use crate::inspect::kind::Kind;
use crate::inspect::walk::named::reference::{Keep, rows_are_carried_out, shared, values};
use crate::inspect::walk::xml::XML_DEPTH_MAX;
use crate::inspect::walk::{PersonId, Role};

pub(super) fn rows() -> FieldTable {
    FieldTable::parse(include_str!("../../../../config/fields/ncpdp-script.toml")).unwrap()
}

fn walked(doc: &str) -> Keep {
    let table = Table::new(&rows()).unwrap();
    let tape = Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap();
    assert!(recognise(&tape));
    let mut keep = Keep::default();
    walk_tape(&tape, &table, &mut keep);
    keep
}

const NEW_RX: &str = r#"<Message xmlns="http://www.ncpdp.org/schema/SCRIPT" version="2017071"><Header>
    <To Qualifier="P">mailto:1234567.ncpdp@example.org</To><From>77</From><MessageID>M1</MessageID>
    <SentTime>2026-01-15T09:30:00Z</SentTime><Security><UsernameToken><Username>u</Username><Password>pw</Password></UsernameToken></Security>
    <TestMessage>1</TestMessage><PrescriberOrderNumber>ORD-9</PrescriberOrderNumber></Header><Body><NewRx>
    <BenefitsCoordination><CardholderID>XQ1</CardholderID><GroupID>G1</GroupID><CardHolderName><LastName>Kent</LastName>
      <FirstName>Lou</FirstName></CardHolderName></BenefitsCoordination>
    <Patient><HumanPatient><Name><LastName>O&apos;Dell<!-- sic --></LastName><FirstName>Avery</FirstName><Suffix>Jr</Suffix></Name>
      <Gender>F</Gender><DateOfBirth><Date>1990-04-12</Date></DateOfBirth>
      <Identification><SocialSecurity>412550187</SocialSecurity><DriversLicenseNumber>D77</DriversLicenseNumber>
        <MedicalRecordIdentificationNumberEHR>E1</MedicalRecordIdentificationNumberEHR><MedicareNumber>1EG4</MedicareNumber></Identification>
      <Address><AddressLine1>12 Weir Rd</AddressLine1><City>Lodi</City><StateProvince>WI</StateProvince><PostalCode>53555</PostalCode></Address>
      <CommunicationNumbers><PrimaryTelephone><Number>6083017742</Number></PrimaryTelephone><ElectronicMail>m@ashdown.net</ElectronicMail>
        <Communication><Number>a@b.net</Number><Qualifier>EM</Qualifier></Communication></CommunicationNumbers>
      <AlternateContact><Name><LastName>Rand</LastName></Name></AlternateContact></HumanPatient></Patient>
    <Pharmacy><BusinessName>Corner Pharmacy</BusinessName><CommunicationNumbers><PrimaryTelephone><Number>6085550000</Number>
      </PrimaryTelephone></CommunicationNumbers></Pharmacy>
    <Prescriber><NonVeterinarian><Identification><NPI>1888888888</NPI><SocialSecurity>412550199</SocialSecurity></Identification>
      <Name><LastName>Jordan</LastName></Name></NonVeterinarian></Prescriber>
    <MedicationPrescribed><DrugDescription>Amoxicillin 500 MG</DrugDescription><DrugCoded><ProductCode Qualifier="ND">00093310501</ProductCode>
      </DrugCoded><Quantity><Value>30</Value></Quantity><WrittenDate><Date>2026-01-15</Date></WrittenDate>
      <Sig><SigText>Take 1 capsule.</SigText></Sig><Note>for her son</Note><Odd nick="Mimi">thing</Odd></MedicationPrescribed></NewRx></Body></Message>"#;

#[test]
fn the_patient_is_one_person_and_providers_are_nobody() {
    let kept = walked(NEW_RX);
    let patient = kept.of("Avery").person;
    for (value, row) in [
        ("O'Dell", "patient-family"),
        ("Avery", "patient-given"),
        ("Jr", "patient-affix"),
        ("F", "patient-gender"),
        ("1990-04-12", "patient-birth-date"),
        ("412550187", "patient-ssn"),
        ("D77", "patient-licence"),
        ("E1", "patient-mrn"),
        ("1EG4", "patient-medicare"),
        ("12 Weir Rd", "patient-street"),
        ("Lodi", "patient-city"),
        ("53555", "patient-zip"),
        ("6083017742", "patient-phone"),
        ("m@ashdown.net", "patient-email"),
        ("a@b.net", "patient-email-qualified"),
        ("ORD-9", "order-number"),
        ("XQ1", "benefit-member"),
        ("G1", "benefit-group"),
        ("for her son", "text"),
        ("thing", ""),
        ("Mimi", ""),
    ] {
        assert_eq!(kept.row(value), (row, patient), "{value}");
    }
    let relatives = [kept.of("Kent").person, kept.of("Rand").person];
    assert!(relatives.iter().all(|r| kept.roles.get(r.0 as usize) == Some(&Role::RelativeOf(patient))));
    assert_eq!(kept.of("Lou").person, kept.of("Kent").person);
    for value in ["Corner Pharmacy", "6085550000", "1888888888", "412550199", "Jordan", "pw", "77"] {
        assert_eq!(kept.of(value).person, PersonId::NOBODY, "{value}");
    }
    assert_eq!(kept.row("412550199").0, "provider-ssn");
    assert_eq!(kept.row("pw").0, "secret");
    assert_eq!(kept.clinical, [patient]);
    assert_eq!(kept.declared, [(Declared::Test, "Message.Header.TestMessage".to_owned())]);
}

#[test]
fn values_have_their_places_and_read_as_what_they_are() {
    let kept = walked(NEW_RX);
    let family = kept.of("O'Dell");
    assert_eq!(NEW_RX.get(family.span.clone()), Some("O&apos;Dell"));
    assert_eq!(family.place, "Message.Body.NewRx.Patient.HumanPatient.Name.LastName");
    assert_eq!(kept.of("thing").place, "Message.Body.NewRx.MedicationPrescribed.*");
    assert_eq!(kept.unknown, ["Odd", "nick"]);
    for (value, reads) in [
        ("mailto:1234567.ncpdp@example.org", "Opaque"),
        ("2026-01-15T09:30:00Z", "Time"),
        ("30", "Quantity"),
        ("00093310501", "Code"),
        ("Jordan", "Public"),
        ("Take 1 capsule.", "Text"),
        (" sic ", "Text"),
        ("thing", "Text"),
    ] {
        assert_eq!(kept.of(value).reads, reads, "{value}");
    }
    let dates: Vec<_> =
        kept.leaves.iter().filter(|l| l.row.as_ref().is_some_and(|r| r.1 == Kind::ServiceDate)).collect();
    assert_eq!(dates.len(), 1);
}

#[test]
fn an_animal_is_nobody() {
    let kept = walked(
        "<Message version='1'><Body><NewRx><Patient><NonHumanPatient><Name><LastName>Rex</LastName></Name></NonHumanPatient></Patient></NewRx></Body></Message>",
    );
    assert_eq!(kept.of("Rex").person, PersonId::NOBODY);
}

#[test]
fn other_messages_are_not_taken_for_scripts() {
    for doc in ["<Message/>", "<Message><Body/></Message>", "<message version='1'><Body/></message>"] {
        assert!(!recognise(&Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap()), "{doc}");
    }
}

#[test]
fn samples_are_told_whole_and_known_by_name() {
    let Some(shared) = shared("the samples") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(shared.join("samples/ncpdp")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "xml") {
            continue;
        }
        let doc = std::fs::read_to_string(&path).unwrap();
        let kept = walked(&doc);
        let mut ours: Vec<_> = kept.leaves.iter().map(|leaf| leaf.value.clone()).collect();
        ours.sort();
        assert_eq!(ours, values(&doc), "{}", path.display());
        assert!(kept.unknown.is_empty(), "{}: {:?}", path.display(), kept.unknown);
        for leaf in &kept.leaves {
            assert_eq!(crate::inspect::walk::xml::unescape(doc.get(leaf.span.clone()).unwrap()), leaf.value);
        }
        files += 1;
    }
    assert!(files > 25, "{files} files");
}

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let Some(shared) = shared("the field map") else { return };
    rows_are_carried_out(&shared, "ncpdp-script", &rows().field, |path| !path.starts_with("D.0"));
}
