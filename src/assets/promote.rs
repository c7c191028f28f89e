//! What keeps an asset from promotion: it doesn't fit where it is to be, its tests fail there, or its text holds what belongs
//! to a lower environment, a secret, or likely PHI.

use super::{Applied, apply, with};
use crate::config::Config;
use crate::config::assets::strings;
use crate::config::cases::{self, Body};
use crate::decide::{Policy, Thresholds, verdict};
use crate::inspect::decode::Budget;
use crate::inspect::{Inspector, Message, RuleSet};
use crate::org::Flag;
use crate::reason::Reason;
use crate::record::{has_shape, is_credential};
use crate::store::assets::AssetVersion;
use crate::tune::users;
use std::collections::BTreeSet;

/// Everything that keeps `new`, a version with the tests of the asset that it is promoted from, from taking its place; empty
/// where nothing does. No value of it is repeated.
#[must_use]
pub fn unfit(base: &Config, assets: &[AssetVersion], new: &AssetVersion) -> Vec<String> {
    let applied = match apply(base, &with(assets.to_vec(), new.clone())) {
        Ok(applied) => applied,
        Err(problems) => return problems,
    };
    let text = new.text.as_deref().unwrap_or_default();
    let mut problems = tests(&applied, new);
    problems.extend(lower_hosts(&applied.config, text));
    problems.extend(secrets(text));
    problems.extend(phi(text));
    problems
}

/// The asset's own tests, where it is to be. Cases of rules were run when they were applied.
fn tests(applied: &Applied, new: &AssetVersion) -> Vec<String> {
    if new.tests.trim().is_empty() {
        return Vec::new();
    }
    let cases = match cases::parse(&new.tests) {
        Ok(cases) => cases,
        Err(wrong) => return wrong.iter().map(|problem| format!("tests: {problem}")).collect(),
    };
    let environment = applied.config.environment(&new.key.environment);
    let (Some(environment), thresholds) = (environment, Thresholds::built_in()) else { return Vec::new() };
    let rules = applied.rules.of(Some(&environment.name));
    let mut problems = Vec::new();
    for mut case in cases {
        if matches!(case.body, Body::File(_)) {
            problems.push(format!("test `{}`: its message has to stand in it: `body`", case.name));
            continue;
        }
        // Wherever it was written for, it is asked where the asset is to be, as if messages were held there.
        let from = std::mem::replace(&mut case.environment, environment.name.to_string());
        match users::judge_as_held(&case, rules, &applied.config, &thresholds, &from) {
            Ok(judgement) => {
                problems.extend(judgement.wrong.iter().map(|wrong| format!("test `{}`: {wrong}", case.name)));
            }
            Err(problem) => problems.push(format!("test `{}`: {problem}", case.name)),
        }
    }
    problems
}

/// Hosts that lower environments have for themselves, in a text that is to be production's.
fn lower_hosts(config: &Config, text: &str) -> Vec<String> {
    let is_lower = |name: &str| config.environment(name).is_some_and(|e| e.flag != Flag::Production);
    let (mut lower, mut upper) = (BTreeSet::new(), BTreeSet::new());
    for environment in &config.environments {
        let set = if environment.flag == Flag::Production { &mut upper } else { &mut lower };
        set.extend(environment.hosts.iter().map(|host| host.to_lowercase()));
        set.extend(environment.known_hosts.iter().map(|host| host.to_lowercase()));
    }
    for connection in &config.connections {
        let set = if is_lower(&connection.environment) { &mut lower } else { &mut upper };
        for endpoint in &connection.endpoints {
            let host = endpoint.host.to_lowercase();
            set.extend([format!("{host}:{}", endpoint.port), host]);
        }
    }
    let lowercase = text.to_lowercase();
    let found = lower.difference(&upper).filter(|host| stands_in(&lowercase, host));
    found.map(|host| format!("`{host}` belongs to a lower environment")).collect()
}

/// Whether a host stands in a text as itself, and not in the middle of another name.
fn stands_in(text: &str, host: &str) -> bool {
    let joins = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, host).any(|at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let behind = bytes.get(at + host.len());
        let goes_on = behind == Some(&b'.') && bytes.get(at + host.len() + 1).is_some_and(joins);
        !before.is_some_and(|b| joins(b) || *b == b'.') && !behind.is_some_and(joins) && !goes_on
    })
}

/// What looks like a credential.
fn secrets(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for string in strings(text) {
        let value = string.value.trim();
        let lower = value.to_ascii_lowercase();
        let is_one = (is_credential(&string.key) && !value.is_empty())
            || ["bearer ", "basic "]
                .iter()
                .any(|scheme| lower.strip_prefix(scheme).is_some_and(|rest| rest.trim().len() > 7))
            || has_shape(value.as_bytes())
            || has_user(value)
            || value.split(|c: char| !c.is_ascii_alphanumeric() && !"-_+/=".contains(c)).any(is_random);
        if is_one {
            problems.push(format!("line {}: `{}` looks like a secret", string.line, plain(&string.key)));
        }
    }
    problems
}

/// `scheme://user:password@host`.
fn has_user(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    })
}

/// A long word of letters, capitals and digits in which few are the same: what people write has fewer.
fn is_random(word: &str) -> bool {
    let word = word.trim_matches(['-', '_', '+', '/', '=']);
    if word.len() < 32 || word.contains("//") {
        return false;
    }
    let has = |is: fn(&u8) -> bool| word.bytes().any(|b| is(&b));
    let mut counts = [0_u32; 256];
    word.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let length = word.len() as f64;
    let bits: f64 =
        counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / length).map(|p| -p * p.log2()).sum();
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    (is_hex && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && bits > 3.0)
        || (has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && bits > 4.0)
}

/// What would be refused on its way into a lower environment: each string as a message, and the rest as text.
fn phi(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rest = text.to_owned().into_bytes();
    for string in strings(text) {
        if is_refused(&string.value) {
            problems.push(format!("line {}: `{}` holds likely PHI", string.line, plain(&string.key)));
        }
        if let Some(bytes) = rest.get_mut(string.span) {
            bytes.iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
        }
    }
    if is_refused(&String::from_utf8_lossy(&rest)) {
        problems.push("a comment or a key holds likely PHI".to_owned());
    }
    problems
}

fn is_refused(text: &str) -> bool {
    let message = Message { body: text.as_bytes(), ..Message::default() };
    let findings =
        Inspector::new(RuleSet::built_in(), Budget::default(), crate::clock::this_year()).message(&message);
    let policy = Policy::with(Flag::Staging, &Thresholds::built_in());
    let reason = verdict(&findings, &policy, &[]).reason;
    matches!(reason, Some(Reason::LikelyPhi | Reason::Bulk | Reason::KnownReal))
}

/// A key of our own words; any other is the author's, and may say anything.
fn plain(key: &str) -> &str {
    if key.len() <= 40 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-') {
        key
    } else {
        "*"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_told_by_its_line() {
        for secret in [
            "[headers.set]\nAuthorization = 'Bearer abcdefghijkl'",
            "password = 'x'",
            "a = '-----BEGIN PRIVATE KEY-----'",
            "a = 'phk_0123456789_x'",
            "a = 'https://user:pw@host/x'",
            "a = 'x 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'",
            "a = 'q7Rt5WzLk2XvB9nM4pHs8JdF3gYcA6eU'",
        ] {
            let told = secrets(secret);
            assert_eq!(told.len(), 1, "{secret}");
            assert!(
                told[0].contains("line ") && !told[0].contains("abcdef") && !told[0].contains("9f86"),
                "{told:?}"
            );
        }
        for none in [
            "upstream = 'https://ehr.example.org'\nallow = ['/fhir/R4/Patient/$everything-and-more-of-the-same-kind']",
            "pattern = '\\b(?:BG|VB)-[0-9]{6}\\b'",
            "about = 'the bearer of news, basic facts'",
            "source = 'https://hl7.org/fhir/R4/patient-definitions.html#Patient.identifier'",
        ] {
            assert_eq!(secrets(none), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn likely_phi_in_strings_and_comments_is_told_without_it() {
        let person = "Darnell Okafor, DOB 06/22/1962, SSN 412-21-3456, MRN: E08738432";
        for text in [
            format!("# {person}"),
            format!("about = '{person}'"),
            format!("[[x]]\ncases = {{ find = ['{person}'] }}"),
        ] {
            let told = phi(&text);
            assert_eq!(told.len(), 1, "{text}");
            assert!(!told[0].contains("Okafor"), "{told:?}");
        }
        assert_eq!(phi(include_str!("../../config/rules.example.toml")), Vec::<String>::new());
    }

    #[test]
    fn a_host_is_itself_and_no_part_of_another() {
        for (text, is) in [
            ("https://lab.staging/x", true),
            ("lab.staging", true),
            ("lab.staging.", true),
            ("see lab.staging:80", true),
            ("my-lab.staging", false),
            ("x.lab.staging", false),
            ("lab.staging.example", false),
            ("lab.staging-2", false),
        ] {
            assert_eq!(stands_in(text, "lab.staging"), is, "{text}");
        }
    }
}
