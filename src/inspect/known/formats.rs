//! The same person, written in each format: one and the same listing.

use super::{Known, Remember, Tag, Tuple};
use crate::inspect::decode::Budget;
use crate::inspect::{Inspector, Message, RuleSet};

/// Tags that are made of the tuple itself, as far as it fits.
pub(super) struct Plain(pub(super) Remember);

impl Known for Plain {
    fn is_listed(&self, _: &Tuple<'_>) -> bool {
        false
    }
    fn is_real(&self, _: &Tuple<'_>) -> bool {
        false
    }
    fn tag(&self, tuple: &Tuple<'_>) -> Tag {
        let text = tuple.parts().map(|part| String::from_utf8_lossy(part).into_owned()).join("|");
        let mut out = [0_u8; 32];
        for (at, b) in text.bytes().enumerate() {
            out[at % 32] = out[at % 32].wrapping_mul(31) ^ b;
        }
        Tag(out)
    }
    fn remember(&self) -> Remember {
        self.0
    }
    fn knows_anybody(&self) -> bool {
        self.0 == Remember::Nobody
    }
}

const FORMATS: &[(&str, &str, &str)] = &[
    (
        "FHIR JSON",
        "application/fhir+json",
        r#"{"resourceType":"Patient","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}],"name":[{"family":"Halvorsen","given":["Rosalind","Ann"]}],"birthDate":"1971-04-02"}"#,
    ),
    (
        "FHIR XML",
        "application/fhir+xml",
        r#"<Patient xmlns="http://hl7.org/fhir"><identifier><type><coding><code value="MR"/></coding></type><value value="E08738432"/></identifier><name><family value="Halvorsen"/><given value="Rosalind"/></name><birthDate value="1971-04-02"/></Patient>"#,
    ),
    (
        "HL7v2",
        "",
        "MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\rPID|1||E08738432^^^A^MR||HALVORSEN^ROSALIND^ANN||19710402|F\r",
    ),
    (
        "C-CDA",
        "text/xml",
        r#"<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id root="1.2.3" extension="E08738432"/><patient><name><given>Rosalind</given><family>Halvorsen</family></name><birthTime value="19710402"/></patient></patientRole></recordTarget></ClinicalDocument>"#,
    ),
    (
        "X12 270",
        "application/edi-x12",
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240101*0800*^*00501*000000001*0*P*:~GS*HS*S*R*20240101*0800*1*X*005010X279A1~ST*270*0001*005010X279A1~BHT*0022*13*1*20240101*0800~HL*1**20*1~NM1*PR*2*PAYER*****PI*12345~HL*2*1*21*1~NM1*1P*2*CLINIC*****XX*1234567893~HL*3*2*22*0~NM1*IL*1*HALVORSEN*ROSALIND*ANN***MI*E08738432~DMG*D8*19710402*F~EQ*30~SE*11*0001~GE*1*1~IEA*1*000000001~",
    ),
    (
        "X12 834",
        "application/edi-x12",
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240101*0800*^*00501*000000001*0*P*:~GS*BE*S*R*20240101*0800*1*X*005010X220A1~ST*834*0001*005010X220A1~BGN*00*1*20240101*0800****2~N1*P5*PLAN*FI*123456789~N1*IN*PAYER*FI*987654321~INS*Y*18*021*28*A***FT~REF*0F*E08738432~NM1*IL*1*HALVORSEN*ROSALIND~DMG*D8*19710402*F~SE*9*0001~GE*1*1~IEA*1*000000001~",
    ),
    (
        "X12 837",
        "application/edi-x12",
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240101*0800*^*00501*000000001*0*P*:~GS*HC*S*R*20240101*0800*1*X*005010X222A1~ST*837*0001*005010X222A1~BHT*0019*00*1*20240101*0800*CH~NM1*41*2*SENDER*****46*1~NM1*40*2*PAYER*****46*2~HL*1**20*1~NM1*85*2*CLINIC*****XX*1234567893~HL*2*1*22*0~SBR*P*18*******CI~NM1*IL*1*HALVORSEN*ROSALIND****MI*E08738432~DMG*D8*19710402*F~NM1*PR*2*PAYER*****PI*12345~CLM*1*100***11:B:1*Y*A*Y*Y~HI*ABK:J45909~SE*14*0001~GE*1*1~IEA*1*000000001~",
    ),
    (
        "NCPDP",
        "text/xml",
        r#"<Message xmlns="http://www.ncpdp.org/schema/SCRIPT" version="010"><Header/><Body><NewRx><Patient><Identification><MedicalRecordIdentificationNumberEHR>E08738432</MedicalRecordIdentificationNumberEHR></Identification><Name><LastName>Halvorsen</LastName><FirstName>Rosalind</FirstName></Name><DateOfBirth><Date>1971-04-02</Date></DateOfBirth></Patient></NewRx></Body></Message>"#,
    ),
    ("CSV", "text/csv", "mrn,first_name,last_name,dob\nE08738432,Rosalind,Halvorsen,1971-04-02\n"),
    (
        "form",
        "application/x-www-form-urlencoded",
        "mrn=E08738432&first_name=Rosalind&last_name=Halvorsen&dob=1971-04-02",
    ),
    (
        "DICOM JSON",
        "application/dicom+json",
        r#"[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Halvorsen^Rosalind^Ann"}]},"00100020":{"vr":"LO","Value":["E08738432"]},"00100030":{"vr":"DA","Value":["19710402"]}}]"#,
    ),
    (
        "DICOM XML",
        "application/dicom+xml",
        r#"<NativeDicomModel><DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>Halvorsen</FamilyName><GivenName>Rosalind</GivenName></Alphabetic></PersonName></DicomAttribute><DicomAttribute tag="00100020" vr="LO"><Value number="1">E08738432</Value></DicomAttribute><DicomAttribute tag="00100030" vr="DA"><Value number="1">19710402</Value></DicomAttribute></NativeDicomModel>"#,
    ),
    (
        "Redox",
        "application/json",
        r#"{"Meta":{"DataModel":"PatientAdmin","EventType":"Arrival"},"Patient":{"Identifiers":[{"ID":"E08738432","IDType":"MR"}],"Demographics":{"FirstName":"Rosalind","LastName":"Halvorsen","DOB":"1971-04-02"}}}"#,
    ),
    (
        "an event",
        "application/json",
        r#"{"detail":{"resourceType":"Patient","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}],"name":[{"family":"Halvorsen","given":["Rosalind"]}],"birthDate":"1971-04-02"}}"#,
    ),
];

#[test]
fn one_person_has_one_tag_whatever_the_format() {
    let mut tags: Vec<(&str, Vec<Tag>)> = Vec::new();
    for (name, content_type, body) in FORMATS {
        let message = Message { content_type, body: body.as_bytes(), ..Message::default() };
        let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026)
            .knowing(&Plain(Remember::Everybody))
            .message(&message);
        let own = found.persons.iter().flat_map(|person| &person.tags);
        let own: Vec<Tag> =
            own.filter(|(word, _)| *word == "name-birth-number").map(|(_, tag)| *tag).collect();
        assert_eq!(own.len(), 1, "{name}: {:?}", found.persons);
        tags.push((name, own));
    }
    for (name, own) in &tags {
        assert!(*own == tags[0].1, "{name}");
    }
}
