//! `[[caller_role]]`: caller roles of the organization's own, and the role that a credential's section names.

use super::reader::{Problems, Table};
use crate::org::{CallerRole, Ceiling, OwnCallerRole};
use crate::record::View;
use std::sync::Arc;

/// The preset with the organization's own: what credentials may have.
pub(super) fn caller_roles(root: &mut Table<'_, '_>, problems: &mut Problems) -> Vec<CallerRole> {
    let mut roles = CallerRole::PRESET.to_vec();
    for mut t in root.tables("caller_role", problems) {
        let name = t.required("name", "the role's name", problems);
        let ceilings = ["development", "staging", "production"].map(|flag| ceiling(&mut t, flag, problems));
        if let Some((name, span)) = name {
            let good = (1..=40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            let taken = roles.iter().any(|role| role.as_str() == name) || name == CallerRole::Nobody.as_str();
            match good && !taken {
                true => roles.push(CallerRole::Own(Arc::new(OwnCallerRole { name: name.into(), ceilings }))),
                false => {
                    let wanted = "another name: lower case, digits, dashes";
                    problems.add(Some(span), t.key("name"), wanted, "this one");
                }
            }
        }
        t.done(problems);
    }
    roles
}

/// What isn't said is metadata.
fn ceiling(t: &mut Table<'_, '_>, flag: &'static str, problems: &mut Problems) -> Ceiling {
    let view = Ceiling::View;
    let words = [
        ("refused", Ceiling::Refused),
        ("metadata", view(View::Metadata)),
        ("shape", view(View::Shape)),
        ("masked", view(View::Masked)),
        ("linked", view(View::Linked)),
    ];
    t.choice(flag, view(View::Metadata), &words, problems)
}

/// The role that a section names; `connection` by default.
pub(super) fn caller_role(
    t: &mut Table<'_, '_>,
    known: &[CallerRole],
    problems: &mut Problems,
) -> CallerRole {
    let Some((text, span)) = t.text("role", problems) else { return CallerRole::Connection };
    if let Some(role) = known.iter().find(|role| role.as_str() == text) {
        return role.clone();
    }
    let words: Vec<&str> = known.iter().map(CallerRole::as_str).collect();
    problems.add(Some(span), t.key("role"), format!("one of {}", words.join(", ")), format!("`{text}`"));
    problems.suggest(&text, &words);
    CallerRole::Connection
}
