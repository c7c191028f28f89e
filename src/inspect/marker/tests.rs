use super::*;
use crate::inspect::rules::RuleSet;

fn judge(kind: Kind, value: &str) -> Judged {
    RuleSet::built_in().markers.judge(kind, value, kind.points(), 2026)
}

#[test]
fn a_plausible_value_keeps_its_points() {
    assert_eq!(judge(Kind::Ssn, "412-21-3456").points, Points(100));
    assert_eq!(judge(Kind::Mrn, "E08738432").points, Points(60));
    for number in
        ["00345678", "M-48213-07", "HAR34010810", "W333577450", "953147096A", "TSAM4401M88213", "10077"]
    {
        assert_eq!(judge(Kind::Mrn, number).sign, Sign::None, "{number}");
    }
    assert_eq!(judge(Kind::MemberId, "1AB2CD3EF45").sign, Sign::None);
    assert_eq!(judge(Kind::Device, "(01)00844588003288(17)291231(21)48213077").points, Points(40));
    assert_eq!(judge(Kind::Email, "attestant@gmail.com").sign, Sign::None);
    assert_eq!(judge(Kind::BirthDate, "1962-06-22").points, Points(40));
    assert_eq!(judge(Kind::Email, "a.b@icloud.com").points, Points(50));
    assert_eq!(judge(Kind::Email, "dot okafor at icloud dot com").points, Points(50));
    assert_eq!(judge(Kind::Email, "(at)icloud.com").points, Points(50));
    assert_eq!(judge(Kind::Email, "none at this time").points, Points(0));
}

#[test]
fn what_is_no_value_of_its_kind_weighs_nothing() {
    for (kind, value) in [
        (Kind::Mrn, "PID-3.1"),
        (Kind::Mrn, "MRN"),
        (Kind::Mrn, "2.16.840.1.113883.3.9621.1"),
        (Kind::MemberId, "urn:oid:2.16.840.1.113883.3.9621.2"),
        (Kind::Ssn, "PID-19"),
        (Kind::Email, "E-mail"),
        (Kind::FamilyName, "PID-5.1"),
    ] {
        assert_eq!(judge(kind, value).sign, Sign::Placeholder, "{value}");
        assert_eq!(judge(kind, value).points, Points(0), "{value}");
    }
    for (kind, value) in [(Kind::Mrn, "KLM-48213"), (Kind::Mrn, "PID-482137"), (Kind::Mrn, "48.213.077")] {
        assert_ne!(judge(kind, value).points, Points(0), "{value}");
    }
}

#[test]
fn dummies_weigh_nothing_and_are_signs() {
    assert_eq!(judge(Kind::Email, "x@mail.example.org").sign, Sign::Sure);
    assert_eq!(judge(Kind::Email, "none@example.com").sign, Sign::Habit);
    assert_eq!(judge(Kind::Email, "rkowalczyk%comcast.net@example.com").sign, Sign::None);
    assert_eq!(judge(Kind::Email, "Correo electr\u{f3}nico").points, Points(0));
    assert_eq!(judge(Kind::FullName, "meridianhealth/adt-router").points, Points(0));
    for name in ["Kowalski/Anna", "kowalski/anna", "KOWALSKI/ANNA"] {
        assert_ne!(judge(Kind::FullName, name).points, Points(0), "{name}");
    }
    assert_eq!(judge(Kind::GivenName, "Jos\u{e9} Eduardo181").sign, Sign::SureWithAnother);
    assert_eq!(judge(Kind::FullName, "Jos\u{e9} Eduardo181 G\u{f3}mez206").sign, Sign::Sure);
    for name in ["Renata Kowalczyk412", "Renata Kowalczyk Rm412 Bed12"] {
        assert_eq!(judge(Kind::FullName, name).sign, Sign::None, "{name}");
    }
    for dummy in [
        "TEST-0001",
        "TEST0001",
        "MRN-TEST-4",
        "QA-77",
        "DUMMY0001",
        "00000000",
        "0000001",
        "0000000042",
        "123456789",
        "D1234567",
        "D0000000",
        "000000000A",
        "XXX000000000",
        "E-11111",
        "121212",
        "98765432",
    ] {
        let spelled = ["TEST-0001", "TEST0001", "DUMMY0001"].contains(&dummy);
        let sign = if spelled { Sign::Sure } else { Sign::Habit };
        assert_eq!(judge(Kind::Mrn, dummy).sign, sign, "{dummy}");
        assert_eq!(judge(Kind::Mrn, dummy).points, Points(0), "{dummy}");
    }
    assert_eq!(judge(Kind::Device, "(01)00844588003288(17)291231(21)TEST6791").sign, Sign::Sure);
    assert_eq!(judge(Kind::Device, "(01)00000000000000(17)991231").sign, Sign::Habit);
    assert_eq!(judge(Kind::Vehicle, "1M8GDM9AXKP042788").sign, Sign::Habit);
    assert_eq!(judge(Kind::Account, "4111 1111 1111 1111").sign, Sign::Sure);
    assert_eq!(judge(Kind::MemberId, "1EG4-TE5-MK73").sign, Sign::Sure);
    assert_eq!(judge(Kind::MemberId, "900-12-3456").sign, Sign::Sure);
    assert_eq!(
        judge(Kind::Mrn, "TEST2867^^^&2.16.840.1.113883.3.4419.7&ISO").sign,
        judge(Kind::Mrn, "TEST2867").sign
    );
    assert_eq!(judge(Kind::Mrn, "8834127^^^&2.16.840.1.113883.3.4419.7&ISO").sign, Sign::None);
    assert_eq!(judge(Kind::MemberId, "412-21-3456").sign, Sign::None);
    // A plan may number its members so, and a hospital its records.
    assert_eq!(judge(Kind::MemberId, "900123456").sign, Sign::None);
    assert_eq!(judge(Kind::Mrn, "000-12-3457").sign, Sign::None);
    assert_eq!(judge(Kind::MemberId, "999581559").sign, Sign::SureWithAnother);
    assert_eq!(judge(Kind::Email, "qa.user@gmail.com").sign, Sign::Habit);
    assert_eq!(judge(Kind::Email, "fatima.test7@comcast.net").sign, Sign::Habit);
    assert_eq!(judge(Kind::Mrn, "-10000010254618").sign, Sign::Sure);
    assert_eq!(judge(Kind::FamilyName, "Medhurst46").sign, Sign::SureWithAnother);
    assert_eq!(judge(Kind::FullName, "Sumiko254 Medhurst46").sign, Sign::Sure);
    assert_eq!(judge(Kind::FamilyName, "ZZZTEST").sign, Sign::Sure);
    assert_eq!(judge(Kind::GivenName, "Test").sign, Sign::Habit);
}

#[test]
fn brackets_hide_nothing_but_words_for_nothing() {
    for (kind, value) in [
        (Kind::Ssn, "[REDACTED]"),
        (Kind::FamilyName, "[Last Name]"),
        (Kind::FamilyName, "[family-name]"),
        (Kind::Mrn, "[mrn:0123456789abcdef]"),
        (Kind::MemberId, "[member-id=0123456789abcdef]"),
        (Kind::GivenName, "[N/A]"),
        (Kind::Mrn, "[]"),
        (Kind::FullName, "[**Patient Name**]"),
    ] {
        assert_eq!(judge(kind, value).points, Points(0), "{value}");
    }
    for (kind, value) in [
        (Kind::Ssn, "[412-21-3456]"),
        (Kind::FamilyName, "[Blankenship]"),
        (Kind::Mrn, "[70418826]"),
        (Kind::Mrn, "[mrn:70418826]"),
        (Kind::BirthDate, "[1957-03-14]"),
        (Kind::FullName, "[[ Theodore Blankenship ]]"),
        (Kind::FullName, "[\"Theodore Blankenship\"]"),
    ] {
        assert_eq!(judge(kind, value).points, kind.points(), "{value}");
    }
    assert_eq!(judge(Kind::Mrn, "[TEST-0001]").sign, Sign::Sure);
}

#[test]
fn the_first_numbers_of_a_register_count_beside_a_sure_sign_and_keep_their_weight() {
    for number in
        ["PAT0010", "PAT010", "PAT417", "MRN001", "00000123", "000417", "MEMBER001", "VISIT-001", "mrn 077"]
    {
        let judged = judge(Kind::Mrn, number);
        assert_eq!((judged.sign, judged.points), (Sign::SureWithAnother, Points(60)), "{number}");
    }
    for number in [
        "SMI001",
        "1000",
        "417",
        "PAT10417",
        "DOEJO000",
        "K0417A",
        "P-00-10",
        "0000000000417",
        // What is short is anybody's, and so are one or two letters.
        "1",
        "42",
        "123",
        "00123",
        "P007",
        "T001",
        "PT077",
        "mrn 77",
    ] {
        assert_eq!(judge(Kind::Mrn, number).sign, Sign::None, "{number}");
    }
    assert_eq!(judge(Kind::FormAnswer, "3").sign, Sign::None);
    assert_eq!(judge(Kind::Device, "001").sign, Sign::None);
    for number in ["000001234", "0000012345", "MEMBER12345", "CLAIM-0001", "999999999"] {
        assert_eq!(judge(Kind::MemberId, number).sign, Sign::Habit, "{number}");
    }
    assert_eq!(judge(Kind::MemberId, "999481234").sign, Sign::SureWithAnother);
}

#[test]
fn numbers_of_the_sandboxes_are_nobodys() {
    assert_eq!(judge(Kind::MemberId, "BBUser00012").sign, Sign::Sure);
    assert_eq!(judge(Kind::MemberId, "BBUser40000").sign, Sign::None);
    for number in ["MBP000201A", "T01000000A"] {
        assert_eq!(judge(Kind::MemberId, number).sign, Sign::Habit, "{number}");
        assert_eq!(judge(Kind::Mbi, number).sign, Sign::Habit, "{number}");
    }
    for number in ["MBP00201A", "T41000000A", "MBQ000201A", "953147096A"] {
        assert_eq!(judge(Kind::MemberId, number).sign, Sign::None, "{number}");
    }
}

#[test]
fn controls_and_phantoms_are_no_people() {
    for name in ["CONTROL", "Phantom", "CALIBRATOR 3"] {
        assert_eq!(judge(Kind::FamilyName, name).sign, Sign::Habit, "{name}");
    }
    for name in ["PHANTOM^ACR^QA", "CONTROL^LEVEL 2", "Proficiency Survey"] {
        assert_eq!(judge(Kind::FullName, name).sign, Sign::Habit, "{name}");
    }
    for name in ["Control Brown", "Rosalind^Phantom", "LEVEL 2", "Halvorsen^QA"] {
        assert_eq!(judge(Kind::FullName, name).sign, Sign::None, "{name}");
    }
    for number in ["QA_PHANTOM", "MRNTEST1", "TST-0001", "TEST"] {
        assert_eq!(judge(Kind::Mrn, number).sign, Sign::Habit, "{number}");
    }
    // What begins with a whole word for it can be nothing else.
    for number in ["PHANTOM-1", "TEST-000042", "TEST00044812", "PHANTOM123456"] {
        assert_eq!(judge(Kind::Mrn, number).sign, Sign::Sure, "{number}");
    }
    // A word in front makes nobody's number a dummy.
    for number in [
        "PHANTOM8834127",
        "MRNTEST8834127",
        "TESTMRN8834127",
        "TEST-8834127",
        "qa 488341",
        "8834127TEST",
        "DEMO-0-883412",
    ] {
        let judged = judge(Kind::Mrn, number);
        assert_eq!((judged.sign, judged.points), (Sign::HabitWithAnother, Points(60)), "{number}");
    }
    for number in [
        "TEST-412-21-3456",
        "TEST412213456",
        "TST882133914",
        "ATTESTA4694641",
        "TESTA469464",
        "ABC469464",
        "XXX469464",
    ] {
        let judged = judge(Kind::Mrn, number);
        assert_eq!((judged.sign, judged.points), (Sign::None, Points(60)), "{number}");
    }
    assert_eq!(judge(Kind::Mrn, "pending").sign, Sign::Placeholder);
    assert_eq!(judge(Kind::Ssn, "test").sign, Sign::Placeholder);
}

#[test]
fn a_word_that_a_scheme_of_numbers_made_by_chance_is_no_testers() {
    for mbi in ["1XD0X27QA04", "1QA0X27RA04", "1XD0QC7RA04", "1XD0-X27-QA04", "1xd0x27qc04"] {
        for kind in [Kind::Mbi, Kind::MemberId, Kind::NationalId, Kind::Mrn] {
            let judged = judge(kind, mbi);
            assert_eq!((judged.sign, judged.points), (Sign::None, kind.points()), "{mbi} as {kind:?}");
        }
    }
    for number in ["QC40718W", "4QA0718", "TRN4471W0021", "DEV882A45170"] {
        assert_eq!(judge(Kind::MemberId, number).sign, Sign::None, "{number}");
    }
    for number in ["QA7744", "7744QA", "MRN-QA-12", "12_QC_4", "1XD0-QC", "TST0001W-QA"] {
        assert_eq!(judge(Kind::MemberId, number).sign, Sign::Habit, "{number}");
    }
}

#[test]
fn unknown_and_masked_values_weigh_next_to_nothing() {
    assert_eq!(judge(Kind::Ip, "10.3.100.3").sign, Sign::Placeholder);
    assert_eq!(judge(Kind::Ip, "198.51.100.7").sign, Sign::Sure);
    assert_eq!(judge(Kind::Ip, "66.71.98.108").points, Points(10));
    assert_eq!(judge(Kind::FamilyName, "UNKNOWN").points, Points(0));
    assert_eq!(judge(Kind::Ssn, "***-**-1234").points, Points(10));
    assert_eq!(judge(Kind::Ssn, "1234").points, Points(10));
    assert_eq!(judge(Kind::Ssn, "0000").sign, Sign::Placeholder, "a serial that nobody has");
    assert_eq!(judge(Kind::BirthDate, "1900-01-01").points, Points(0));
    assert_eq!(judge(Kind::BirthDate, "1962").points, Points(5));
}

#[test]
fn what_is_masked_but_for_a_little_weighs_next_to_nothing() {
    for (kind, value, points) in [
        (Kind::FamilyName, "H****", 10),
        (Kind::FullName, "J*** D***", 10),
        (Kind::Mrn, "****3778", 10),
        (Kind::MemberId, "W8***", 10),
        (Kind::BirthDate, "**/**/1979", 5),
        (Kind::BirthDate, "****-**-12", 5),
        (Kind::Zip, "436**", 10),
    ] {
        let judged = judge(kind, value);
        assert_eq!((judged.sign, judged.points), (Sign::Placeholder, Points(points)), "{value}");
    }
    for (kind, value) in [
        (Kind::FamilyName, "Huynh**"),
        (Kind::FamilyName, "**Huynh**"),
        (Kind::FullName, "Li*** Chiyo"),
        (Kind::Mrn, "**4471**"),
        (Kind::Mrn, "**E7083778"),
        (Kind::BirthDate, "19790623**"),
        (Kind::Zip, "43614**"),
    ] {
        assert_eq!(judge(kind, value).points, kind.points(), "{value}");
    }
}

#[test]
fn noughts_and_sandbox_ids_are_told() {
    assert_eq!(judge(Kind::Mrn, "0").sign, Sign::Placeholder);
    assert_eq!(judge(Kind::FormAnswer, "0").sign, Sign::None);
    assert!(judge(Kind::Mrn, "smart-1288992").generated);
    assert!(!judge(Kind::Mrn, "smart-12").generated && !judge(Kind::Mrn, "SM1288992").generated);
}
