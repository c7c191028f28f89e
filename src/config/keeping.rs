//! What is kept and how long, and who may see it: sections of the file beside those of messages.

use super::reader::{Problems, Table};
use super::{BreakGlass, Sealing};
use crate::admin::SearchLimits;
use crate::audit::{Keep, Outside};
use crate::forward::{Remote, SYSTEM_CA, Secret};
use crate::org::{Grant, Permission, Role, Sight};
use crate::telemetry::access::AccessSettings;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// `[access_log]`
pub(super) fn access(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<AccessSettings> {
    t.note("access_log", problems);
    let file = path(&mut t, "file", "the path of a file, or - for standard output", problems);
    let queue = t.number("queue_lines_max", 8192, 1..1_000_001, "lines", problems);
    let has_file = t.has("file");
    t.beside("queue_lines_max", has_file, "file", problems);
    t.done(problems);
    Some(AccessSettings { file: file?, queue_lines_max: usize::try_from(queue).unwrap_or(8192) })
}

/// A path under `key`, which is none where it is empty.
fn path(t: &mut Table<'_, '_>, key: &'static str, wanted: &str, problems: &mut Problems) -> Option<PathBuf> {
    let (text, span) = t.text(key, problems)?;
    if text.trim().is_empty() {
        problems.add(Some(span), t.key(key), wanted, "an empty text");
        return None;
    }
    Some(PathBuf::from(text))
}

/// `[audit]`
pub(super) fn audit(mut t: Table<'_, '_>, problems: &mut Problems) -> Keep {
    t.note("audit", problems);
    let d = Keep::default();
    let retention = t.number("retention_days", d.retention_days.into(), 1..36_501, "days", problems);
    let ca = t
        .text("anchor_ca", problems)
        .map_or_else(|| PathBuf::from(SYSTEM_CA), |(path, _)| PathBuf::from(path));
    let authorization = t.text("anchor_authorization", problems);
    let authorization =
        authorization.and_then(|(text, span)| secret("anchor_authorization", &text, span, &t, problems));
    let has_url = t.has("anchor_url");
    for key in ["anchor_ca", "anchor_authorization"] {
        t.beside(key, has_url, "anchor_url", problems);
    }
    let mut outside = Vec::new();
    if let Some((text, span)) = t.text("anchor_url", problems) {
        match Remote::parse(&text, ca) {
            Some(remote) => outside.push(Outside::Http { remote, authorization }),
            None => problems.add(Some(span), t.key("anchor_url"), URL_WANTED, "another text"),
        }
    }
    if let Some((text, span)) = t.text("anchor_syslog", problems) {
        match Outside::syslog(&text) {
            Some(place) => outside.push(place),
            None => {
                let wanted = "the path of a syslog's socket, or udp:HOST:PORT";
                problems.add(Some(span), t.key("anchor_syslog"), wanted, format!("`{text}`"));
            }
        }
    }
    let keep = Keep {
        retention_days: u32::try_from(retention).unwrap_or(d.retention_days),
        anchor_file: path(&mut t, "anchor_file", "the path of a file", problems),
        outside,
        anchor_every: t.number("anchor_every", d.anchor_every, 1..1_000_001, "events", problems),
    };
    t.done(problems);
    keep
}

/// `[sealing]`
pub(super) fn sealing(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<Sealing> {
    t.span()?;
    t.note("sealing", problems);
    let d = 30;
    let days = t.number("retention_days", d.into(), 1..3_651, "days", problems);
    let key = t.required("key", SECRET_WANTED, problems);
    let key = key.and_then(|(text, span)| secret("key", &text, span, &t, problems));
    t.done(problems);
    Some(Sealing { key: key?, retention_days: u32::try_from(days).unwrap_or(d) })
}

/// `[break_glass]`
pub(super) fn break_glass(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<BreakGlass> {
    t.span()?;
    t.note("break_glass", problems);
    let d = 20;
    let ca = t.text("ca", problems).map_or_else(|| PathBuf::from(SYSTEM_CA), |(path, _)| PathBuf::from(path));
    let webhook = t.required("webhook", WEBHOOK_WANTED, problems).and_then(|(text, span)| {
        let remote = Remote::parse(&text, ca);
        if remote.is_none() {
            // A path of its own is often the secret of such a URL: not repeated.
            problems.add(Some(span), t.key("webhook"), WEBHOOK_WANTED, "another text");
        }
        remote
    });
    let authorization = t.text("authorization", problems);
    let authorization =
        authorization.and_then(|(text, span)| secret("authorization", &text, span, &t, problems));
    let reveals = t.number("reveals_max", d.into(), 1..1_001, "fields", problems);
    t.done(problems);
    Some(BreakGlass { webhook: webhook?, authorization, reveals_max: u32::try_from(reveals).unwrap_or(d) })
}

/// Where a secret stands; the secret itself in its place isn't repeated.
pub(super) fn secret(
    key: &str,
    text: &str,
    span: std::ops::Range<usize>,
    t: &Table<'_, '_>,
    problems: &mut Problems,
) -> Option<Secret> {
    let secret = Secret::parse(text);
    if secret.is_none() {
        problems.add(Some(span), t.key(key), SECRET_WANTED, "another text");
    }
    secret
}

/// `[search]`
pub(super) fn search(mut t: Table<'_, '_>, problems: &mut Problems) -> SearchLimits {
    let d = SearchLimits::default();
    let mut n = |key, default: u32| {
        u32::try_from(t.number(key, default.into(), 1..1_000_001, "searches", problems)).unwrap_or(default)
    };
    let limits = SearchLimits {
        production_per_hour: n("production_per_hour", d.production_per_hour),
        alert_per_hour: n("alert_per_hour", d.alert_per_hour),
    };
    t.done(problems);
    limits
}

/// The roles that every organization has.
///
/// # Panics
/// Never: a test reads the list that is compiled in.
#[must_use]
pub(crate) fn preset_roles() -> Vec<Role> {
    let text = include_str!("../../config/roles.toml");
    let mut problems = Problems::new(text);
    let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
    let list = roles(&mut Table::root(&tree), &[], &mut problems);
    assert!(errors.is_empty() && problems.count() == 0, "the built-in roles are read: a test reads them");
    list
}

/// `[[role]]`
/// Roles of their own names; `preset` are those that there are already.
pub(super) fn roles(root: &mut Table<'_, '_>, preset: &[Role], problems: &mut Problems) -> Vec<Role> {
    let mut out: Vec<Role> = Vec::new();
    for mut t in root.tables("role", problems) {
        let name = t.required("name", "the role's name", problems);
        let grants =
            ["development", "staging", "production"].map(|flag| grant(t.table(flag, problems), problems));
        if let Some((name, span)) = name {
            let good = (1..=40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            let is_preset = preset.iter().any(|role| *role.name == *name);
            if !good || is_preset || out.iter().any(|role| *role.name == *name) {
                let found = if is_preset { "the name of a preset role" } else { "this one" };
                problems.add(Some(span), t.key("name"), "another name: lower case, digits, dashes", found);
            } else {
                out.push(Role { name: Arc::from(name), grants });
            }
        }
        t.done(problems);
    }
    out
}

fn grant(mut t: Table<'_, '_>, problems: &mut Problems) -> Grant {
    let mut grant = Grant::none();
    if let Some((word, span)) = t.text("view", problems) {
        match Sight::of(&word) {
            Some(sight) => grant.sight = sight,
            None => {
                let words = "none, metadata, shape, masked, linked or findings";
                problems.add(Some(span), t.key("view"), words, format!("`{word}`"));
            }
        }
    }
    let words: Vec<&str> = Permission::ALL.iter().map(|p| p.as_str()).collect();
    let mut may = BTreeSet::new();
    for (word, span) in t.list("may", problems) {
        match Permission::of(&word) {
            Some(permission) => {
                may.insert(permission);
            }
            None => {
                problems.add(Some(span), t.key("may"), "a permission", format!("`{word}`"));
                problems.suggest(&word, &words);
            }
        }
    }
    grant.may = may;
    t.done(problems);
    grant
}

const SECRET_WANTED: &str = "where it stands: file:PATH, env:NAME or command:PROGRAM ARGUMENTS";
const WEBHOOK_WANTED: &str = "where the notice goes: an https:// URL (http:// on this machine)";
const URL_WANTED: &str = "an https:// URL (http:// on this machine)";
