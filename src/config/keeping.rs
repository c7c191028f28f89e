//! What is kept and how long, and who may see it: sections of the file beside those of messages.

use super::reader::{Problems, Table};
use crate::admin::SearchLimits;
use crate::audit::Keep;
use crate::org::{Grant, Permission, Role, Sight};
use crate::telemetry::access::AccessSettings;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// `[access_log]`
pub(super) fn access(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<AccessSettings> {
    let file = t.text("file", problems).map(|(path, _)| PathBuf::from(path));
    let queue = t.number("queue_lines_max", 8192, 1..1_000_001, "lines", problems);
    t.done(problems);
    Some(AccessSettings { file: file?, queue_lines_max: usize::try_from(queue).unwrap_or(8192) })
}

/// `[audit]`
pub(super) fn audit(mut t: Table<'_, '_>, problems: &mut Problems) -> Keep {
    let d = Keep::default();
    let retention = t.number("retention_days", d.retention_days.into(), 1..36_501, "days", problems);
    let keep = Keep {
        retention_days: u32::try_from(retention).unwrap_or(d.retention_days),
        anchor_file: t.text("anchor_file", problems).map(|(path, _)| PathBuf::from(path)),
        anchor_every: t.number("anchor_every", d.anchor_every, 1..1_000_001, "events", problems),
    };
    t.done(problems);
    keep
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
    let list = roles(&mut Table::root(&tree), &mut problems);
    assert!(errors.is_empty() && problems.count() == 0, "the built-in roles are read: a test reads them");
    list
}

/// `[[role]]`
pub(super) fn roles(root: &mut Table<'_, '_>, problems: &mut Problems) -> Vec<Role> {
    let mut out: Vec<Role> = Vec::new();
    for mut t in root.tables("role", problems) {
        let name = t.required("name", "the role's name", problems);
        let grants =
            ["development", "staging", "production"].map(|flag| grant(t.table(flag, problems), problems));
        if let Some((name, span)) = name {
            let good = (1..=40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !good || out.iter().any(|role| *role.name == *name) {
                problems.add(
                    Some(span),
                    t.key("name"),
                    "another name: lower case, digits, dashes",
                    "this one",
                );
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
