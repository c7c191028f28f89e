//! Bodies that benches measure: made up, and of any size.

#![allow(dead_code)]

use std::fmt::Write as _;

/// A Bundle with one patient and as many observations as fit.
pub(crate) fn bundle(bytes: usize) -> String {
    let mut out = String::from(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}],"name":[{"family":"Okafor","given":["Darnell"]}],"birthDate":"1962-06-22"}}"#,
    );
    let mut n = 0;
    while out.len() + 420 < bytes {
        n += 1;
        let _ = write!(
            out,
            r#",{{"fullUrl":"urn:uuid:obs-{n}","resource":{{"resourceType":"Observation","id":"obs-{n}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"2345-7","display":"Glucose"}}]}},"subject":{{"reference":"urn:uuid:1"}},"effectiveDateTime":"2025-05-04T14:47:31Z","valueQuantity":{{"value":{},"unit":"mg/dL"}}}}}}"#,
            80 + n % 90
        );
    }
    out + "]}"
}

/// A Bundle of observations with a note each, of subjects that aren't in it: as the load of `benches/peers` is.
pub(crate) fn notes(bytes: usize) -> String {
    let mut out = String::from(r#"{"resourceType":"Bundle","type":"collection","entry":["#);
    let mut n = 0;
    while out.len() + 300 < bytes {
        let _ = write!(
            out,
            r#"{}{{"resource":{{"resourceType":"Observation","id":"obs-{n:06}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{}-{}","display":"Synthetic panel"}}]}},"subject":{{"reference":"Patient/synthetic-{}"}},"valueQuantity":{{"value":{}.{},"unit":"mg/dL"}},"note":[{{"text":"synthetic load body, entry {n}"}}]}}}}"#,
            if n == 0 { "" } else { "," },
            1000 + n * 7919 % 90000,
            n % 10,
            1 + n * 31 % 99,
            n * 13 % 200,
            n % 100
        );
        n += 1;
    }
    out + "]}"
}

/// A C-CDA document: a header with its patient, then sections of narrative and entries, as many as fit.
pub(crate) fn ccda(bytes: usize) -> String {
    const TESTS: [(&str, &str, &str); 6] = [
        ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL"),
        ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL"),
        ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL"),
        ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L"),
        ("8480-6", "Systolic blood pressure", "mm[Hg]"),
        ("29463-7", "Body weight", "kg"),
    ];
    let mut out = String::from(CCDA_HEAD);
    let mut section = 0;
    while out.len() + 9000 < bytes || section == 0 {
        section += 1;
        let (mut rows, mut entries) = (String::new(), String::new());
        for (n, (code, display, unit)) in (section * 6..).zip(TESTS) {
            if n % 6 > 0 && out.len() + rows.len() + entries.len() + 1400 > bytes {
                break;
            }
            let (value, day) = (60 + n * 7 % 90, 1 + n % 28);
            let _ = write!(
                rows,
                "<tr ID=\"result{n}\"><td>{display}</td><td>{value} {unit}</td><td>05/{day:02}/2025</td><td>Seen in clinic, stable on current therapy</td></tr>"
            );
            let _ = write!(
                entries,
                r##"<component><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2" extension="2015-08-01"/><id root="107c2dc0-67a5-11db-bd13-0800200c{n:04}"/><code code="{code}" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="{display}"/><text><reference value="#result{n}"/></text><statusCode code="completed"/><effectiveTime value="202505{day:02}0830-0500"/><value xsi:type="PQ" value="{value}" unit="{unit}"/><interpretationCode code="N" codeSystem="2.16.840.1.113883.5.83"/></observation></component>"##
            );
        }
        let _ = write!(
            out,
            r#"<component><section><templateId root="2.16.840.1.113883.10.20.22.2.3.1"/><code code="30954-2" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="RESULTS"/><title>Results</title><text><table><thead><tr><th>Test</th><th>Result</th><th>Date</th><th>Comment</th></tr></thead><tbody>{rows}</tbody></table></text><entry typeCode="DRIV"><organizer classCode="BATTERY" moodCode="EVN"><id root="7d5a02b0-67a4-11db-bd13-0800200c9a66"/><code nullFlavor="UNK"/><statusCode code="completed"/>{entries}</organizer></entry></section></component>"#
        );
    }
    out + "</structuredBody></component></ClinicalDocument>"
}

const CCDA_HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc"><realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/>"#,
    r#"<id root="2.16.840.1.113883.19.5.99999.1" extension="TT988"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summarization of Episode Note"/><title>Continuity of Care Document</title><effectiveTime value="20250504144731-0500"/><confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="en-US"/>"#,
    r#"<recordTarget><patientRole><id root="2.16.840.1.113883.19.5" extension="E08738432"/><addr use="HP"><streetAddressLine>3733 Peachtree Pl NE</streetAddressLine><city>Boise</city><state>ID</state><postalCode>83702</postalCode></addr><telecom value="tel:+1(208)927-8377" use="HP"/>"#,
    r#"<patient><name use="L"><given>Darnell</given><family>Okafor</family></name><administrativeGenderCode code="M" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19620622"/></patient></patientRole></recordTarget>"#,
    r#"<author><time value="20250504144731-0500"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="1669463847"/><assignedPerson><name><given>Anita</given><family>Iyer</family></name></assignedPerson></assignedAuthor></author><custodian><assignedCustodian><representedCustodianOrganization><name>Mercy Hospital</name></representedCustodianOrganization></assignedCustodian></custodian><component><structuredBody>"#,
);

/// An ORU with one patient and as many results as fit.
pub(crate) fn oru(bytes: usize) -> String {
    let mut out = String::from(
        "MSH|^~\\&|LAB|MERCY|HUB|H|20250504144731||ORU^R01|1|P|2.5.1\rPID|1||E08738432^^^MERCY^MR||OKAFOR^DARNELL^W||19620622|M|||3733 PEACHTREE PL NE^^BOISE^ID^83702\rOBR|1||A1|24323-8^CMP^LN|||20250504\r",
    );
    let mut n = 0;
    while out.len() + 80 < bytes {
        n += 1;
        let _ =
            write!(out, "OBX|{n}|NM|2345-7^Glucose^LN||{}|mg/dL|70-99|H|||F|||20250504144731\r", 80 + n % 90);
    }
    out
}

/// A note of so many bytes.
pub(crate) fn note(bytes: usize) -> String {
    let mut out =
        String::from("DISCHARGE SUMMARY\nPatient: Darnell Okafor  MRN: E08738432  DOB: 06/22/1962\n\n");
    while out.len() < bytes {
        out += "Seen today with dyspnea on exertion; lungs clear, no edema. BP 142/88, HR 96, SpO2 94%. Continue albuterol inhaler as needed and follow up with primary care in two weeks.\n";
    }
    out
}
