//! What inspection told of a message, by rule: words from our tables and numbers.

use crate::inspect::finding::{Counted, Finding};
use crate::inspect::{Findings, Inspector, Message};
use crate::record::{Draft, Entry, Found, ReplyCopy, Told};

/// Inspects what was streamed and left for here.
pub(super) fn inspect(draft: &Draft) -> Findings {
    let target = draft.target.expose();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(&str, &str)> = draft.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut inspector = Inspector::new(&draft.rules, draft.budget, crate::clock::this_year());
    if let Some(known) = &draft.known {
        inspector = inspector.knowing(&**known);
    }
    inspector.message(&Message {
        path,
        query,
        headers: &headers,
        content_type: &draft.content_type,
        content_encoding: &draft.content_encoding,
        body: draft.body.expose(),
        cut: draft.unseen,
        ..Message::default()
    })
}

/// Inspects the copy of a reply that was streamed.
pub(super) fn inspect_reply(draft: &Draft, reply: &ReplyCopy) -> Findings {
    let headers: Vec<(&str, &str)> = reply.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Inspector::new(&draft.rules, draft.budget, crate::clock::this_year()).message(&Message {
        headers: &headers,
        content_type: &reply.content_type,
        content_encoding: &reply.content_encoding,
        body: reply.body.expose(),
        cut: reply.unseen,
        ..Message::default()
    })
}

/// Writes into the entry what inspection told, by rule.
pub(super) fn tell(entry: &mut Entry, findings: &Findings) {
    let told = told(findings);
    entry.format = told.format;
    entry.points = told.points;
    entry.persons = told.persons;
    entry.found = told.found;
    entry.uninspected = told.uninspected;
}

/// The same of a reply.
pub(super) fn told(findings: &Findings) -> Told {
    let mut found: Vec<Found> = Vec::new();
    let tells = |f: &&Finding| f.person.is_some() || f.counted == Counted::Suppressed;
    for f in findings.findings.iter().filter(tells) {
        let suppressed = u32::from(f.counted == Counted::Suppressed);
        match found.iter_mut().find(|x| x.rule == *f.rule) {
            Some(x) => {
                x.count += 1;
                x.points = x.points.max(f.points.0);
                x.suppressed += suppressed;
            }
            None => found.push(Found {
                rule: f.rule.to_string(),
                kind: f.kind.as_str().to_owned(),
                count: 1,
                points: f.points.0,
                suppressed,
            }),
        }
    }
    let mut uninspected: Vec<String> =
        findings.uninspected.iter().map(|u| u.reason.as_str().to_owned()).collect();
    uninspected.dedup();
    Told {
        format: findings.format.as_str().to_owned(),
        points: findings.points().0,
        persons: u32::try_from(findings.persons.len()).unwrap_or(u32::MAX),
        found,
        uninspected,
    }
}
