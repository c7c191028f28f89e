//! Verifying: every line by itself, each with the one before, the end with the signed head and with what was anchored
//! elsewhere.

use super::chain::{self, Line, Tail, Wrong};
use super::head::{self, Head};
use super::log::segments;
use crate::secrets::VerifyingKey;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// What verifying told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that were read.
    pub events: u64,
    /// The first and the last number.
    pub range: Option<(u64, u64)>,
    /// Statements elsewhere that were held against it.
    pub anchors: usize,
    /// What is wrong, a line each; empty: nothing was changed, cut or reordered.
    pub problems: Vec<String>,
}

/// Verifies the log in `folder` with the public key, and with the file elsewhere where there is one.
///
/// # Errors
/// A file can't be read.
pub fn verify(folder: &Path, key: &VerifyingKey, anchors: Option<&Path>) -> io::Result<Report> {
    let head = Head::read(folder).unwrap_or(None);
    held_against(folder, key, Some(head), anchors).map(|(report, _)| report)
}

/// The same against a head (`Some(None)`: one that can't be read) or none; gives where the log ends, too.
pub(super) fn held_against(
    folder: &Path,
    key: &VerifyingKey,
    head: Option<Option<Head>>,
    anchors: Option<&Path>,
) -> io::Result<(Report, Tail)> {
    let mut report = Report::default();
    let mut wanted: HashMap<u64, (String, &'static str)> = HashMap::new();
    let mut furthest: (u64, &'static str) = (0, "");
    let mut want = |head: Option<Head>, what: &'static str, report: &mut Report| match head {
        Some(head) if head.is_signed_by(key) => {
            if head.seq > furthest.0 {
                furthest = (head.seq, what);
            }
            wanted.insert(head.seq, (head.hash, what));
        }
        Some(head) => report.problems.push(format!("{what} {} isn't signed by this key", head.seq)),
        None => report.problems.push(format!("{what} can't be read")),
    };
    if let Some(head) = head {
        want(head, "the head", &mut report);
    }
    if let Some(path) = anchors {
        for anchor in head::anchors(path)? {
            report.anchors += 1;
            want(anchor, "the anchor", &mut report);
        }
    }
    let mut chain = Chain { first: None, last: None, retired: None };
    each_line(folder, &mut |file, number, line| {
        report.events += 1;
        match chain::open(line, Some(key)) {
            Ok(line) => {
                chain.follow(&line, file, number, &mut report.problems);
                if let Some((hash, what)) = wanted.get(&line.tail.seq)
                    && *hash != line.tail.hash
                {
                    report.problems.push(format!("{what} {} is not what the log says there", line.tail.seq));
                }
            }
            Err(Wrong::Changed) => report.problems.push(format!("{file}:{number}: changed")),
            Err(Wrong::Signature) => {
                report.problems.push(format!("{file}:{number}: not signed by this key"));
            }
        }
    })?;
    let last = chain.last.as_ref().map_or(0, |tail| tail.seq);
    if furthest.0 > last {
        report
            .problems
            .push(format!("cut: {} says that the log goes to {}, it ends at {last}", furthest.1, furthest.0));
    }
    report.range = chain.first.as_ref().map(|(tail, _)| (tail.seq, last));
    chain.begins_rightly(&mut report.problems);
    Ok((report, chain.last.unwrap_or_else(Tail::none)))
}

/// All that a log says, in order; what can't be read is left out, as [`verify`] tells.
///
/// # Errors
/// A file can't be read.
pub fn events(folder: &Path) -> io::Result<Vec<Value>> {
    let mut out = Vec::new();
    each_line(folder, &mut |_, _, line| {
        if let Ok(line) = chain::open(line, None) {
            out.push(line.value);
        }
    })?;
    Ok(out)
}

struct Chain {
    first: Option<(Tail, String)>,
    last: Option<Tail>,
    /// How far the log says that it was removed.
    retired: Option<String>,
}

impl Chain {
    fn follow(&mut self, line: &Line, file: &str, number: usize, problems: &mut Vec<String>) {
        if line.value.get("action").and_then(Value::as_str) == Some("audit_retired") {
            self.retired = line.value.get("object").and_then(Value::as_str).map(str::to_owned);
        }
        match &self.last {
            None => self.first = Some((line.tail.clone(), line.prev.clone())),
            Some(last) if line.tail.seq > last.seq + 1 => {
                problems.push(format!(
                    "{file}:{number}: {} to {} are missing",
                    last.seq + 1,
                    line.tail.seq - 1
                ));
            }
            Some(last) if line.tail.seq <= last.seq => {
                problems.push(format!("{file}:{number}: {} stands behind {}", line.tail.seq, last.seq));
            }
            Some(last) if line.prev != last.hash => {
                problems.push(format!("{file}:{number}: does not follow the line before"));
            }
            Some(_) => {}
        }
        self.last = Some(line.tail.clone());
    }

    /// A log begins with 1, or behind what it says was removed when its retention was over.
    fn begins_rightly(&self, problems: &mut Vec<String>) {
        let Some((first, prev)) = &self.first else { return };
        let behind = format!("{} {prev}", first.seq.saturating_sub(1));
        let rightly = if first.seq == 1 {
            *prev == Tail::none().hash
        } else {
            self.retired.as_deref() == Some(&behind)
        };
        if !rightly {
            problems.push(format!("cut: the log begins at {}, and does not say why", first.seq));
        }
    }
}

fn each_line(folder: &Path, each: &mut dyn FnMut(&str, usize, &[u8])) -> io::Result<()> {
    for path in segments(folder)? {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let mut reader = BufReader::new(File::open(&path)?);
        let mut line = Vec::new();
        let mut number = 0;
        while reader.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            // What a stop in the middle of writing left has no end; nobody was answered, and the head is not ahead of it.
            if line.pop_if(|b| *b == b'\n').is_some() {
                each(&name, number, &line);
            }
            line.clear();
        }
    }
    Ok(())
}
