//! Documents that messages carry: PDF, read where it can be.

use crate::support::{FHIR, Gate};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;

/// A file of one page with this text, and what stands behind it as object 5.
fn pdf(text: &str, more: &str) -> Vec<u8> {
    let mut content = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    write!(content, "BT /F1 11 Tf 72 700 Td ({text}) Tj ET").expect("memory");
    let content = content.finish().expect("memory");
    let head = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>>>>>>>endobj\n";
    let stream = format!("4 0 obj<</Filter/FlateDecode/Length {}>>stream\n", content.len());
    let tail = format!("\nendstream endobj\n{more}\ntrailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    [head.as_bytes(), stream.as_bytes(), &content, tail.as_bytes()].concat()
}

#[test]
fn a_pdf_is_judged_by_its_text_however_it_is_carried() {
    let gate = Gate::start();
    let told = pdf("Patient: Darnell Okafor, born 06/22/1962, MRN 8738432", "");
    let harmless = pdf("Interface specification: ports, retries and time-outs", "");
    let picture = "5 0 obj<</Subtype/Image/Width 99/Height 99/Length 1>>stream\nx\nendstream endobj";
    let picture = pdf("Interface specification", picture);
    for (bytes, status, reason) in
        [(told, 422, "likely_phi"), (harmless, 200, ""), (picture, 422, "uninspected")]
    {
        let data = STANDARD.encode(&bytes);
        let fhir = format!(
            r#"{{"resourceType":"DocumentReference","status":"current","content":[{{"attachment":{{"contentType":"application/pdf","data":"{data}"}}}}]}}"#
        );
        let hl7 = format!(
            "MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\rOBX|1|ED|PDF^Report^L||LAB^AP^PDF^Base64^{data}||||||F\r"
        );
        let form = [
            b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n",
            &*bytes,
            b"\r\n--b--\r\n",
        ]
        .concat();
        let hl7_type = ("Content-Type", "x-application/hl7-v2+er7");
        for (header, body) in [
            (("Content-Type", "application/pdf"), bytes),
            (FHIR, fhir.into_bytes()),
            (hl7_type, hl7.into_bytes()),
            (("Content-Type", "multipart/form-data; boundary=b"), form),
        ] {
            let reply = gate.send(1, "POST", "/x", &[header], &body);
            assert_eq!((reply.status(), reply.header("phigate-reason")), (status, reason), "{header:?}");
            let shown = String::from_utf8_lossy(&reply.body).into_owned();
            assert!(!shown.contains("Okafor") && !shown.contains("8738432"), "{shown}");
            assert!(reason != "uninspected" || shown.contains("uninspected.picture"), "{shown}");
            let sent = gate.upstreams[1].take();
            assert!(sent.len() == usize::from(status == 200) && sent.iter().all(|sent| sent.body == body));
        }
    }
}
