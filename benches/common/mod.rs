//! What benches share: bodies, and CPU time.

#![allow(dead_code, clippy::print_stdout)]

use std::fmt::Write;

/// CPU seconds of this process, all threads.
pub(crate) fn cpu() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// Whether this is a test that benches run, and not a measurement.
pub(crate) fn is_test() -> bool {
    !std::env::args().any(|a| a == "--bench")
}

/// One line of a table.
pub(crate) fn row(name: &str, bytes: usize, seconds: f64) {
    println!("{name:<12} {bytes:>10} {:>12.1} {:>10.1}", seconds * 1e6, bytes as f64 / seconds / 1e6);
}

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
