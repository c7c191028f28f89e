//! Rows of a file of people: a whole FHIR document, NDJSON lines, or CSV records under a header line. A CSV record is
//! judged as an object with the header's words as its keys.

use std::path::Path;

/// One document of the file.
pub(super) struct Row {
    /// From 1.
    pub(super) number: usize,
    /// What it is.
    pub(super) content_type: &'static str,
    /// Its bytes: payload.
    pub(super) body: Vec<u8>,
}

/// What a row is called.
pub(super) const WORD: &str = "row";

/// The rows of a file.
///
/// # Errors
/// What is wrong with it; quotes nothing of it.
pub(super) fn rows(file: &Path, bytes: &[u8]) -> Result<Vec<Row>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let is_csv = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    if is_csv {
        return csv(text);
    }
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let row =
        |number, text: &str| Row { number, content_type: "application/json", body: text.as_bytes().to_vec() };
    if is_json(text) {
        return Ok(vec![row(1, text)]);
    }
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if !is_json(line) {
            return Err(format!(
                "neither JSON, nor is line {} of it: a CSV file's name ends in .csv",
                index + 1
            ));
        }
        out.push(row(index + 1, line));
    }
    if out.is_empty() { Err("empty".to_owned()) } else { Ok(out) }
}

/// How many patients a FHIR document has: itself, or entries of a Bundle. 0 for any other document.
pub(super) fn patients(body: &[u8]) -> usize {
    let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let is_one = |resource: &serde_json::Value| resource["resourceType"] == "Patient";
    let entries = document["entry"].as_array().into_iter().flatten();
    usize::from(is_one(&document)) + entries.filter(|entry| is_one(&entry["resource"])).count()
}

fn csv(text: &str) -> Result<Vec<Row>, String> {
    let mut records = records(text)?.into_iter();
    let header = records.next().ok_or("no header line")?;
    let mut out = Vec::new();
    for (index, record) in records.enumerate() {
        let number = index + 2;
        if record.len() != header.len() {
            return Err(format!("record {number} has {} fields, the header {}", record.len(), header.len()));
        }
        let object: serde_json::Map<String, serde_json::Value> = header
            .iter()
            .zip(record)
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name.trim().to_owned(), value.into()))
            .collect();
        let body = serde_json::Value::Object(object).to_string().into_bytes();
        out.push(Row { number, content_type: "application/json", body });
    }
    Ok(out)
}

/// Records by RFC 4180; the separator is the header's comma, semicolon or tab.
fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let first = text.lines().next().unwrap_or_default();
    let separator =
        [',', ';', '\t'].into_iter().max_by_key(|s| (first.matches(*s).count(), *s == ',')).unwrap_or(',');
    let mut out = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            c if quoted => field.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                record.push(std::mem::take(&mut field));
                out.push(std::mem::take(&mut record));
            }
            c if c == separator => record.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    if quoted {
        return Err("a quoted field has no end".to_owned());
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        out.push(record);
    }
    out.retain(|record| record.iter().any(|field| !field.trim().is_empty()));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(name: &str, text: &str) -> Vec<String> {
        let rows = rows(Path::new(name), text.as_bytes()).expect("rows");
        rows.into_iter().map(|r| String::from_utf8(r.body).expect("text")).collect()
    }

    #[test]
    fn csv_records_become_objects_under_the_headers_words() {
        let got = bodies(
            "a.CSV",
            "\u{FEFF}last_name;first_name;note\r\n\"O'Brien\";Mary;\"a \"\"b\"\";\nc\"\r\n\r\nX;;\r\n",
        );
        assert_eq!(got.len(), 2);
        assert_eq!(got[0], r#"{"first_name":"Mary","last_name":"O'Brien","note":"a \"b\";\nc"}"#);
        assert_eq!(got[1], r#"{"last_name":"X"}"#);
    }

    #[test]
    fn a_document_is_one_row_and_lines_of_documents_are_several() {
        assert_eq!(bodies("a.json", "{\n\"a\": 1}").len(), 1);
        assert_eq!(bodies("a.ndjson", "{\"a\":1}\n\n{\"a\":2}\n"), ["{\"a\":1}", "{\"a\":2}"]);
    }

    #[test]
    fn patients_of_a_bundle_are_counted() {
        let bundle = br#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}},{"resource":{"resourceType":"Observation"}},{"resource":{"resourceType":"Patient"}}]}"#;
        assert_eq!(patients(bundle), 2);
        assert_eq!((patients(br#"{"resourceType":"Patient"}"#), patients(b"{}"), patients(b"x")), (1, 0, 0));
    }

    #[test]
    fn what_is_wrong_is_told_without_a_value() {
        for (name, text) in
            [("a.json", "Quillfeather"), ("a.csv", "a,b\nQuillfeather\n"), ("a.csv", "a\n\"Quillfeather")]
        {
            let problem = rows(Path::new(name), text.as_bytes()).err().expect("a problem");
            assert!(!problem.contains("Quill"), "{problem}");
        }
    }
}
