//! JUnit XML: what CI systems read of a test run.

use std::fmt::Write;

/// One case in a report.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it belongs to: a rule, a file.
    pub class: String,
    /// Its name.
    pub name: String,
    /// Why it failed.
    pub failure: Option<String>,
}

/// A report of these cases.
#[must_use]
pub fn report(suite: &str, lines: &[Line]) -> String {
    let failures = lines.iter().filter(|line| line.failure.is_some()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{}\" failures=\"{failures}\"", lines.len());
    // Writing to a string doesn't fail.
    let _ = writeln!(out, "<testsuites {counts}>\n  <testsuite name=\"{}\" {counts}>", escaped(suite));
    for Line { class, name, failure } in lines {
        let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
        let _ = match failure {
            None => writeln!(out, "/>"),
            Some(why) => writeln!(out, "><failure message=\"{}\"/></testcase>", escaped(why)),
        };
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_and_escapes() {
        let line = |name: &str, failure: Option<&str>| Line {
            class: "acme.badge".to_owned(),
            name: name.to_owned(),
            failure: failure.map(str::to_owned),
        };
        let text = report("rules", &[line("finds 1", None), line("a < b", Some("\"x\" & y\u{1}"))]);
        assert!(text.contains("<testsuites tests=\"2\" failures=\"1\">"));
        assert!(text.contains("name=\"finds 1\"/>"));
        assert!(text.contains("name=\"a &lt; b\"><failure message=\"&quot;x&quot; &amp; y \"/>"), "{text}");
    }
}
