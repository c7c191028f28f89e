//! What the standard calls the attributes that have rows (PS3.6, chapter 6): some write these words in the place of tags.

/// The tag of a keyword; `None` for one that no row asks for.
pub(super) fn tag(keyword: &str) -> Option<u32> {
    let at = KEYWORDS.binary_search_by_key(&keyword, |(word, _)| *word).ok()?;
    KEYWORDS.get(at).map(|(_, tag)| *tag)
}

/// In order of their letters.
const KEYWORDS: &[(&str, u32)] = &[
    ("AccessionNumber", 0x0008_0050),
    ("AcquisitionDate", 0x0008_0022),
    ("AdditionalPatientHistory", 0x0010_21B0),
    ("AdmissionID", 0x0038_0010),
    ("Allergies", 0x0010_2110),
    ("AuthorObserverSequence", 0x0040_A078),
    ("ConsultingPhysicianName", 0x0008_009C),
    ("ContentCreatorName", 0x0070_0084),
    ("ContentDate", 0x0008_0023),
    ("ContentSequence", 0x0040_A730),
    ("Date", 0x0040_A121),
    ("DateTime", 0x0040_A120),
    ("DeviceSerialNumber", 0x0018_1000),
    ("DoubleFloatPixelData", 0x7FE0_0009),
    ("EthnicGroup", 0x0010_2160),
    ("FloatPixelData", 0x7FE0_0008),
    ("HumanPerformerName", 0x0040_4037),
    ("HumanPerformerOrganization", 0x0040_4036),
    ("ImageComments", 0x0020_4000),
    ("InstitutionAddress", 0x0008_0081),
    ("InstitutionName", 0x0008_0080),
    ("InstitutionalDepartmentName", 0x0008_1040),
    ("IssuerOfPatientID", 0x0010_0021),
    ("IssuerOfPatientIDQualifiersSequence", 0x0010_0024),
    ("LocalNamespaceEntityID", 0x0040_0031),
    ("Manufacturer", 0x0008_0070),
    ("ManufacturerModelName", 0x0008_1090),
    ("MedicalAlerts", 0x0010_2000),
    ("NameOfPhysiciansReadingStudy", 0x0008_1060),
    ("NamesOfIntendedRecipientsOfResults", 0x0040_1010),
    ("Occupation", 0x0010_2180),
    ("OperatorsName", 0x0008_1070),
    ("OtherPatientIDs", 0x0010_1000),
    ("OtherPatientIDsSequence", 0x0010_1002),
    ("OtherPatientNames", 0x0010_1001),
    ("PatientAddress", 0x0010_1040),
    ("PatientAge", 0x0010_1010),
    ("PatientBirthDate", 0x0010_0030),
    ("PatientBirthName", 0x0010_1005),
    ("PatientComments", 0x0010_4000),
    ("PatientID", 0x0010_0020),
    ("PatientMotherBirthName", 0x0010_1060),
    ("PatientName", 0x0010_0010),
    ("PatientSex", 0x0010_0040),
    ("PatientSize", 0x0010_1020),
    ("PatientTelephoneNumbers", 0x0010_2154),
    ("PatientWeight", 0x0010_1030),
    ("PerformingPhysicianName", 0x0008_1050),
    ("PersonAddress", 0x0040_1102),
    ("PersonName", 0x0040_A123),
    ("PersonTelephoneNumbers", 0x0040_1103),
    ("PhysiciansOfRecord", 0x0008_1048),
    ("PixelData", 0x7FE0_0010),
    ("ReferringPhysicianAddress", 0x0008_0092),
    ("ReferringPhysicianName", 0x0008_0090),
    ("ReferringPhysicianTelephoneNumbers", 0x0008_0094),
    ("RequestingPhysician", 0x0032_1032),
    ("RequestingService", 0x0032_1033),
    ("ResponsiblePerson", 0x0010_2297),
    ("SOPInstanceUID", 0x0008_0018),
    ("ScheduledPerformingPhysicianName", 0x0040_0006),
    ("SeriesDate", 0x0008_0021),
    ("SeriesDescription", 0x0008_103E),
    ("SeriesInstanceUID", 0x0020_000E),
    ("StationName", 0x0008_1010),
    ("StudyDate", 0x0008_0020),
    ("StudyDescription", 0x0008_1030),
    ("StudyID", 0x0020_0010),
    ("StudyInstanceUID", 0x0020_000D),
    ("TextValue", 0x0040_A160),
    ("TypeOfPatientID", 0x0010_0022),
    ("UniversalEntityID", 0x0040_0032),
    ("UniversalEntityIDType", 0x0040_0033),
    ("VerifyingObserverName", 0x0040_A075),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::field::FieldTable;

    #[test]
    fn keywords_are_in_order_and_every_tag_of_a_row_has_one() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!((tag("PatientID"), tag("PatientId")), (Some(0x0010_0020), None));
        let rows = include_str!("../../../../config/fields/dicomweb.toml");
        for at in FieldTable::parse(rows).unwrap().field.iter().flat_map(|row| &row.at) {
            for word in at.split('.').filter(|word| *word != "odd" && !word.starts_with('@')) {
                let number = u32::from_str_radix(word, 16).unwrap();
                assert!(KEYWORDS.iter().any(|(_, tag)| *tag == number), "{word}");
            }
        }
    }
}
