//! Checks across sections: names that have to exist, and what must not be shared.

use super::Config;
use super::hosts::shared_upstreams;
use super::reader::Problems;
use crate::decide::Policy;
use crate::org::Flag;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Adds what is wrong between sections.
pub(super) fn across(config: &Config, problems: &mut Problems) {
    unique("environment", config.environments.iter().map(|e| &*e.name), problems);
    unique("listener", config.listeners.iter().map(|l| &*l.name), problems);
    unique("connection", config.connections.iter().map(|c| &*c.name), problems);
    unique("identity", config.identities.iter().map(|i| &*i.name), problems);
    unique("issuer", config.issuers.iter().map(|i| &*i.name), problems);
    for (section, empty) in [
        ("environment", config.environments.is_empty()),
        ("listener", config.listeners.is_empty()),
        ("connection", config.connections.is_empty()),
    ] {
        // A section that has problems of its own isn't called empty as well.
        if empty && problems.count() == 0 {
            problems.add(None, section.to_owned(), format!("at least one [[{section}]]"), "none");
        }
    }
    let left_out = problems.names("environment");
    let names = config.environments.iter().map(|e| &*e.name).chain(left_out.iter().map(String::as_str));
    let names: Vec<&str> = names.collect();
    let of_listeners = config.listeners.iter().filter_map(|l| {
        Some((format!("listener `{}`.environment", l.name), l.environment.as_ref()?.to_string()))
    });
    let of_connections = config
        .connections
        .iter()
        .map(|c| (format!("connection `{}`.environment", c.name), c.environment.to_string()));
    let mut refers = problems.take_refers();
    refers.extend(of_listeners.chain(of_connections));
    refers.sort_unstable();
    refers.dedup();
    for (key, environment) in refers {
        known(&key, &environment, &names, problems);
    }
    identities(config, &names, problems);
    for i in &config.issuers {
        known(&format!("issuer `{}`.environment", i.name), &i.environment, &names, problems);
    }
    hosts(config, problems);
    ids(config, problems);
    for group in config.sign_in.iter().flat_map(|s| &s.groups) {
        let Some((environment, role)) = &group.role else { continue };
        let key = format!("sign_in.group `{}`", group.group);
        known(&format!("{key}.environment"), environment, &names, problems);
        if config.roles.get(role).is_none() {
            problems.across(
                format!("{key}.role"),
                format!("one of {}", config.roles.names()),
                format!("`{role}`"),
            );
        }
    }
    reports(config, problems);
    fingerprints(config, problems);
    sealing(config, problems);
    shared_upstreams(config, problems);
    listeners(config, problems);
    prefixes(config, problems);
}

/// Whoever is refused isn't reported besides, nor identified. What rules files say of the thresholds isn't known here.
fn reports(config: &Config, problems: &mut Problems) {
    for e in &config.environments {
        let given = |key| e.given.contains(&key);
        let is_known = given("block") || config.rules.is_empty();
        for (key, value, never) in BELOW_BLOCK.map(|(key, of, never)| (key, of(&e.policy), never)) {
            if given(key) && is_known && value > e.policy.block {
                problems.across(
                    format!("environment `{}`.{key}", e.name),
                    format!("at most block ({})", e.policy.block),
                    format!("{value}: {never}"),
                );
            }
        }
    }
}

/// A threshold that acts on nobody above `block`: its key, its value, and what is told.
type BelowBlock = (&'static str, fn(&Policy) -> u16, &'static str);

pub(super) const BELOW_BLOCK: [BelowBlock; 2] = [
    ("report", |policy| policy.report, "nobody would ever be reported"),
    (
        "identified",
        |policy| policy.identified,
        "nobody would be identified who isn't refused by points alone",
    ),
];

/// Fingerprints are taken where streamed messages are inspected for their records: nowhere else.
fn fingerprints(config: &Config, problems: &mut Problems) {
    for e in config.environments.iter().filter(|e| e.fingerprints_max.is_some()) {
        let missing = match () {
            () if e.policy.mode == crate::decide::Mode::Off => "mode = \"off\"",
            () if !config.records.enabled => "records.enabled = false",
            () => continue,
        };
        problems.across(
            format!("environment `{}`.fingerprints", e.name),
            "an environment whose messages are inspected for records",
            format!("{missing}: no fingerprint would ever be taken"),
        );
    }
}

/// Originals are sealed into records.
fn sealing(config: &Config, problems: &mut Problems) {
    if config.sealing.is_some() && !config.records.enabled {
        problems.across(
            "sealing".to_owned(),
            "records, which originals are sealed into",
            "records.enabled = false: nothing would ever be sealed",
        );
    }
}

fn listeners(config: &Config, problems: &mut Problems) {
    let mut seen = HashMap::new();
    for l in &config.listeners {
        if l.address.tcp().is_none_or(|a| a.port() != 0)
            && let Some(other) = seen.insert(&l.address, &l.name)
        {
            problems.across(
                format!("listener `{}`.address", l.name),
                "an address of its own",
                format!("that of listener `{other}`"),
            );
        }
        let is_admins = |a: SocketAddr| {
            a.port() != 0 && a.port() == config.admin.port() && {
                let is_any = a.ip().is_unspecified() && a.is_ipv4() == config.admin.is_ipv4();
                is_any || a.ip() == config.admin.ip()
            }
        };
        if l.address.tcp().is_some_and(is_admins) {
            problems.across(
                format!("listener `{}`.address", l.name),
                "an address of its own",
                "that of the admin side (admin.address)",
            );
        }
        let only_by_path = l.environment.is_none() && l.callers == super::Callers::Any;
        let others =
            l.environment_header.is_some() || config.environments.iter().any(|e| !e.hosts.is_empty());
        let has_production = config.environments.iter().any(|e| e.flag == Flag::Production);
        if only_by_path && !l.path_environment && !others {
            problems.across(
                format!("listener `{}`", l.name),
                "an `environment`, callers = \"keys\", path_environment = true, an environment_header, or hosts of environments",
                "none of them: no message could have an environment",
            );
        } else if only_by_path && has_production && config.environments.len() == 1 {
            problems.across(format!("listener `{}`", l.name),
                "an `environment` or callers = \"keys\": production needs a signal that the sender can't pick",
                "neither",
            );
        }
    }
}

/// Listeners of one address beside one of all addresses on the same port, a line each. The system opens both, and gives a
/// caller to the one of its address, which may be another environment's: no error, but seldom meant.
#[must_use]
pub fn overlapping(config: &Config) -> Vec<String> {
    let all = || config.listeners.iter().filter_map(|l| Some((l, l.address.tcp()?)));
    let mut out = Vec::new();
    for (wide, any) in all().filter(|(_, any)| any.ip().is_unspecified() && any.port() != 0) {
        // `[::]` takes those of IPv4, too.
        let covers = |one: &SocketAddr| any.is_ipv6() || one.ip().to_canonical().is_ipv4();
        let inside = all().filter(|(_, one)| one.port() == any.port() && !one.ip().is_unspecified());
        for (l, one) in inside.filter(|(_, one)| covers(one)) {
            let line = config.lines.before(&format!("listener `{}`.address", l.name));
            out.push(format!(
                "{line}listener `{}`.address: listener `{}` has all addresses of port {}: it gets what isn't sent to {} itself",
                l.name, wide.name, any.port(), one.ip()
            ));
        }
    }
    out
}

/// Each certificate's name is one identity's.
fn identities(config: &Config, names: &[&str], problems: &mut Problems) {
    let mut seen = HashMap::new();
    for i in &config.identities {
        known(&format!("identity `{}`.environment", i.name), &i.environment, names, problems);
        if let Some(other) = seen.insert(&i.certificate, &i.name) {
            problems.across(
                format!("identity `{}`.certificate", i.name),
                "a name that no other identity has",
                format!("that of identity `{other}`"),
            );
        }
    }
    let asks = config.listeners.iter().filter_map(|l| l.tls.as_ref());
    let is_asked = asks.clone().any(|tls| tls.client != crate::listen::tls::ClientCertificates::None);
    // A listener that couldn't be read may have asked for one.
    if let (Some(i), false, false) = (config.identities.first(), is_asked, problems.is_about("listener[")) {
        problems.across(
            format!("identity `{}`", i.name),
            "a listener with tls.client_ca: else nobody shows a certificate",
            "none",
        );
    }
}

/// An id belongs to one environment.
fn ids(config: &Config, problems: &mut Problems) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for e in &config.environments {
        for id in &e.ids {
            if let Some(other) = seen.insert(id.to_ascii_lowercase(), &e.name)
                && other != &*e.name
            {
                problems.across(
                    format!("environment `{}`.ids", e.name),
                    "ids that no other environment has",
                    format!("one of environment `{other}`"),
                );
            }
        }
    }
}

/// A host is a signal for one environment.
fn hosts(config: &Config, problems: &mut Problems) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for e in &config.environments {
        for host in &e.hosts {
            if let Some(other) = seen.insert(host, &e.name) {
                problems.across(
                    format!("environment `{}`.hosts", e.name),
                    "hosts that no other environment has",
                    format!("`{host}`, which environment `{other}` has"),
                );
            }
        }
    }
}

/// Two connections of an environment can't take the same prefix: one of them could never be used.
fn prefixes(config: &Config, problems: &mut Problems) {
    let mut seen: HashMap<(&str, &str), &str> = HashMap::new();
    for c in &config.connections {
        for prefix in &c.allow {
            if let Some(other) = seen.insert((&c.environment, prefix), &c.name) {
                problems.across(
                    format!("connection `{}`.allow", c.name),
                    "prefixes that no other connection of the environment has",
                    format!("`{prefix}`, which connection `{other}` has"),
                );
            }
        }
    }
}

fn known(key: &str, name: &str, names: &[&str], problems: &mut Problems) {
    if !names.contains(&name) {
        problems.across(key.to_owned(), "the name of an environment of this file", format!("`{name}`"));
        problems.suggest(name, names);
    }
}

/// Names of the configuration, and of tables that are left out of it.
fn unique<'n>(section: &str, names: impl Iterator<Item = &'n str>, problems: &mut Problems) {
    let read = problems.names(section);
    let all: Vec<&str> =
        if read.is_empty() { names.collect() } else { read.iter().map(String::as_str).collect() };
    let mut seen = std::collections::HashSet::new();
    for name in all {
        if !seen.insert(name) {
            problems.across(
                format!("{section} `{name}`.name"),
                "a name that is used once",
                "the same one again",
            );
        }
    }
}
