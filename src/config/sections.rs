//! The sections of the file, one function each. Defaults stand here and in `config/phigate.toml`.

use super::issuer::issuer;
use super::listener::{hosts, identity, listener};
use super::reader::{Problems, Table};
use super::rules::spelled;
use super::upstream::Upstream;
use super::{Config, Connection, Environment, OnFull, Rate, Records, Registry};
use crate::decide::{Mode, OnDeclared, OnOffPath, OnUninspected, Policy};
use crate::forward::{Forwarding, HeaderRules, HostHeader, is_written_anew};
use crate::inspect::decode::Budget;
use crate::inspect::format::{is_known_media_type, is_part_of_media_type};
use crate::inspect::rules::Modes;
use crate::listen::Limits;
use crate::org::{Flag, UNRESOLVED};
use crate::store::retention::{Days, Keep};
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Reads all of it; wrong values are told and replaced by their defaults, so that reading goes on.
pub(super) fn read(mut root: Table<'_, '_>, problems: &mut Problems) -> Config {
    let data_dir = data_dir(&mut root, problems);
    let threads = root.number("threads", 0, 0..1025, "threads (0: one for each core)", problems) as usize;
    let admin = admin(root.table("admin", problems), problems);
    let limits = limits(root.table("limits", problems), problems);
    let budget = budget(root.table("inspect", problems), problems);
    let mut records = records(root.table("records", problems), problems);
    let access = super::keeping::access(root.table("access_log", problems), problems);
    let audit = super::keeping::audit(root.table("audit", problems), problems);
    let sealing = super::keeping::sealing(root.table("sealing", problems), problems);
    let break_glass = super::keeping::break_glass(root.table("break_glass", problems), problems);
    let sign_in = super::sign_in::sign_in(root.table("sign_in", problems), problems);
    let search = super::keeping::search(root.table("search", problems), problems);
    let roles = crate::org::Roles::with(super::keeping::roles(&mut root, &super::preset_roles(), problems));
    let caller_roles = super::callers::caller_roles(&mut root, problems);
    let registry = registry(root.table("registry", problems), problems);
    let rules = rules(root.table("rules", problems), problems);
    let default = records.keep.days;
    let mut environments = Vec::new();
    for mut t in root.tables("environment", problems) {
        let days = days(&mut t, default, problems);
        if let Some(environment) = environment(t, problems) {
            if days != default {
                records.keep.environments.insert(environment.name.to_string(), days);
            }
            environments.push(environment);
        }
    }
    let listeners =
        root.tables("listener", problems).into_iter().filter_map(|t| listener(t, problems)).collect();
    let identities = root
        .tables("identity", problems)
        .into_iter()
        .filter_map(|t| identity(t, &caller_roles, problems))
        .collect();
    let issuers = root
        .tables("issuer", problems)
        .into_iter()
        .filter_map(|t| issuer(t, &caller_roles, problems))
        .collect();
    let connections =
        root.tables("connection", problems).into_iter().filter_map(|t| connection(t, problems)).collect();
    root.done(problems);
    Config {
        data_dir,
        threads,
        admin,
        limits,
        budget,
        records,
        access,
        audit,
        sealing,
        break_glass,
        sign_in,
        search,
        caller_roles,
        roles,
        registry,
        rules,
        folder: PathBuf::new(),
        lines: problems.lines(),
        environments,
        listeners,
        identities,
        issuers,
        connections,
    }
}

/// A folder with a name: the keys stand beside it, in `<data_dir>-secrets`, and never in it.
fn data_dir(root: &mut Table<'_, '_>, problems: &mut Problems) -> PathBuf {
    let default = PathBuf::from("phigate-data");
    let Some((text, span)) = root.text("data_dir", problems) else { return default };
    problems.note("data_dir".to_owned(), span.clone());
    let folder = PathBuf::from(&text);
    if folder.file_name().is_none() {
        let wanted = "a folder with a name of its own: its keys stand beside it";
        problems.add(Some(span), root.key("data_dir"), wanted, format!("`{text}`"));
        return default;
    }
    folder
}

fn admin(mut t: Table<'_, '_>, problems: &mut Problems) -> SocketAddr {
    let default = SocketAddr::from(([127, 0, 0, 1], 9901));
    let address = t.text("address", problems);
    let key = t.key("address");
    t.done(problems);
    let Some((text, span)) = address else { return default };
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => address,
        Ok(_) => {
            problems.add(
                Some(span),
                key,
                "a loopback address: another one needs TLS, which this version doesn't serve",
                format!("`{text}`"),
            );
            default
        }
        Err(_) => {
            problems.add(Some(span), key, "an address and port, like 127.0.0.1:9901", format!("`{text}`"));
            default
        }
    }
}

fn limits(mut t: Table<'_, '_>, problems: &mut Problems) -> Limits {
    let d = Limits::default();
    let head_bytes_max =
        t.number("head_bytes_max", d.head_bytes_max as u64, HEAD_BYTES_MAX, "bytes", problems) as usize;
    let body_rate_min = t.number("body_rate_min", d.body_rate_min, 0..1_000_001, "bytes a second", problems);
    let mut n = |key, default, end, unit| t.number(key, default, 1..end, unit, problems);
    let limits = Limits {
        head_bytes_max,
        body_rate_min,
        connections_max: n("connections_max", d.connections_max, 1_000_001, "connections"),
        headers_max: n("headers_max", d.headers_max as u64, 1001, "header fields") as usize,
        head_timeout_ms: n("head_timeout_ms", d.head_timeout_ms, 600_001, "milliseconds"),
        h2_streams_max: u32::try_from(n("h2_streams_max", d.h2_streams_max.into(), 10_001, "streams"))
            .unwrap_or(d.h2_streams_max),
        h2_control_frames_max: u32::try_from(n(
            "h2_control_frames_max",
            d.h2_control_frames_max.into(),
            1_000_001,
            "frames a minute",
        ))
        .unwrap_or(d.h2_control_frames_max),
        idle_timeout_ms: n("idle_timeout_ms", d.idle_timeout_ms, 86_400_001, "milliseconds"),
        messages_max: n("messages_max", d.messages_max, 10_000_001, "messages"),
        body_bytes_max: n("body_bytes_max", d.body_bytes_max, (1 << 30) + 1, "bytes"),
        body_timeout_ms: n("body_timeout_ms", d.body_timeout_ms, 3_600_001, "milliseconds"),
        held_bytes_max: n("held_bytes_max", d.held_bytes_max, (1 << 40) + 1, "bytes"),
        tee_bytes_max: n("tee_bytes_max", d.tee_bytes_max as u64, (1 << 28) + 1, "bytes") as usize,
        write_timeout_ms: n("write_timeout_ms", d.write_timeout_ms, 3_600_001, "milliseconds"),
        drain_timeout_ms: n("drain_timeout_ms", d.drain_timeout_ms, 3_600_001, "milliseconds"),
    };
    if limits.body_bytes_max > limits.held_bytes_max {
        let span = t.value("body_bytes_max").or(t.value("held_bytes_max")).map(|value| value.span());
        problems.add(
            span,
            t.key("body_bytes_max"),
            format!("at most held_bytes_max ({}): larger bodies could never be held", limits.held_bytes_max),
            format!("{}", limits.body_bytes_max),
        );
    }
    t.done(problems);
    limits
}

fn budget(mut t: Table<'_, '_>, problems: &mut Problems) -> Budget {
    let d = Budget::default();
    let budget = Budget {
        decoded_bytes_max: t.number(
            "decoded_bytes_max",
            d.decoded_bytes_max as u64,
            1..(1 << 30) + 1,
            "bytes",
            problems,
        ) as usize,
        carrier_depth_max: u8::try_from(t.number(
            "carrier_depth_max",
            d.carrier_depth_max.into(),
            1..17,
            "levels",
            problems,
        ))
        .unwrap_or(d.carrier_depth_max),
        inflate_ratio_max: t.number(
            "inflate_ratio_max",
            d.inflate_ratio_max as u64,
            1..1033,
            "times",
            problems,
        ) as usize,
    };
    t.done(problems);
    budget
}

fn records(mut t: Table<'_, '_>, problems: &mut Problems) -> Records {
    let records = Records {
        enabled: t.flag("enabled", true, problems),
        queue_records_max: t.number("queue_records_max", 8192, 1..1_000_001, "records", problems) as usize,
        queue_bytes_max: t.number("queue_bytes_max", 64 << 20, 1..(1 << 34) + 1, "bytes", problems) as usize,
        on_full: t.choice(
            "on_full",
            OnFull::DropAndCount,
            &[("drop_and_count", OnFull::DropAndCount), ("refuse", OnFull::Refuse)],
            problems,
        ),
        keep: Keep {
            days: days(&mut t, Days { passed: 30, refused: 30 }, problems),
            environments: std::collections::BTreeMap::new(),
            disk_bytes_max: t.number("disk_bytes_max", 0, 0..u64::MAX, "bytes (0: no limit)", problems),
        },
    };
    t.done(problems);
    records
}

/// Days that records are kept. Those of refused messages as long as the others, where nothing else is said.
fn days(t: &mut Table<'_, '_>, default: Days, problems: &mut Problems) -> Days {
    let says_passed = t.value("retention_days").is_some();
    let mut n = |key, default: u32| {
        u32::try_from(t.number(key, default.into(), 1..3651, "days", problems)).unwrap_or(default)
    };
    let passed = n("retention_days", default.passed);
    Days { passed, refused: n("refused_retention_days", if says_passed { passed } else { default.refused }) }
}

fn registry(mut t: Table<'_, '_>, problems: &mut Problems) -> Registry {
    let registry = Registry {
        people_max: t.number("people_max", 10_000, 1..1_000_001, "people", problems),
        learn: t.flag("learn", false, problems),
    };
    t.done(problems);
    registry
}

fn rules(mut t: Table<'_, '_>, problems: &mut Problems) -> Vec<PathBuf> {
    t.note("rules", problems);
    let files = t.list("files", problems).into_iter().map(|(file, _)| PathBuf::from(file)).collect();
    t.done(problems);
    files
}

/// Modes of rules, by id. Whether there are such rules is told when they are read.
fn modes(mut t: Table<'_, '_>, problems: &mut Problems) -> Modes {
    let mut modes = Modes::default();
    for (rule, text, span) in t.pairs(problems) {
        match spelled::<Mode>(&text) {
            Ok(mode) => modes.set(&rule, mode),
            Err(known) => {
                problems.add(
                    Some(span),
                    t.key(&rule),
                    format!("one of {}", known.join(", ")),
                    format!("`{text}`"),
                );
            }
        }
    }
    modes
}

fn environment(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<Arc<Environment>> {
    let name = name(&mut t, "environment", problems);
    if name.as_deref() == Some(UNRESOLVED) {
        let at = t.value("name").map(|v| v.span());
        problems.add(
            at,
            t.key("name"),
            "another name",
            "`unresolved`, which is for messages that have no environment",
        );
    }
    let flags =
        [("development", Flag::Development), ("staging", Flag::Staging), ("production", Flag::Production)];
    if t.value("flag").is_none() {
        problems.add(t.span(), t.key("flag"), "one of development, staging, production", "nothing");
    }
    let flag = t.choice("flag", Flag::Development, &flags, problems);
    let d = Policy::of(flag);
    let mut points = |key, default: u16, problems: &mut Problems| {
        u16::try_from(t.number(key, default.into(), 1..1001, "points", problems)).unwrap_or(default)
    };
    let policy = Policy {
        block: points("block", d.block, problems),
        report: points("report", d.report, problems),
        identified: points("identified", d.identified, problems),
        bulk_people_max: t.number(
            "bulk_people_max",
            d.bulk_people_max as u64,
            0..1_000_001,
            "people",
            problems,
        ) as usize,
        bulk_ids_max: t.number("bulk_ids_max", d.bulk_ids_max as u64, 0..1_000_001, "opaque ids", problems)
            as usize,
        clinical: t.flag("block_identified_with_clinical", d.clinical, problems),
        mode: t.choice(
            "mode",
            d.mode,
            &[("enforce", Mode::Enforce), ("shadow", Mode::Shadow), ("off", Mode::Off)],
            problems,
        ),
        uninspected: t.choice(
            "uninspected",
            d.uninspected,
            &[("refuse", OnUninspected::Refuse), ("pass", OnUninspected::Pass)],
            problems,
        ),
        declared_mode: t.choice(
            "declared_mode",
            d.declared_mode,
            &[("report", OnDeclared::Report), ("refuse", OnDeclared::Refuse)],
            problems,
        ),
        off_path_url: t.choice(
            "off_path_url",
            d.off_path_url,
            &[("refuse", OnOffPath::Refuse), ("pass", OnOffPath::Pass)],
            problems,
        ),
        flag,
    };
    if flag == Flag::Production {
        without_effect(&mut t, &policy, problems);
    }
    let keys = ["block", "report", "identified", "bulk_people_max", "bulk_ids_max"];
    let given = keys.into_iter().filter(|key| t.value(key).is_some()).collect();
    let known_hosts = known_hosts(&mut t, problems);
    let hosts = hosts(&mut t, "hosts", problems);
    let ids = t.list("ids", problems).into_iter().map(|(id, _)| id.trim().into()).collect();
    let fingerprints_max = fingerprints(&mut t, flag, problems);
    let modes_table = t.table("rule_modes", problems);
    if let Some(name) = &name {
        modes_table.note(&format!("environment `{name}`.rule_modes"), problems);
    }
    let modes = modes(modes_table, problems);
    t.done(problems);
    Some(Arc::new(Environment {
        name: name?,
        flag,
        policy,
        known_hosts,
        hosts,
        ids,
        fingerprints_max,
        modes,
        given,
    }))
}

/// Tells keys that would change nothing in production: whoever copied them from another environment believes that it is
/// guarded by them. What only says what production does anyway may stand there.
fn without_effect(t: &mut Table<'_, '_>, policy: &Policy, problems: &mut Problems) {
    let refuses = [
        ("mode", policy.mode == Mode::Shadow, "\"off\", which stops inspection for records and counters, or"),
        ("block", true, ""),
        ("report", true, ""),
        ("identified", true, ""),
        ("block_identified_with_clinical", true, ""),
        ("bulk_people_max", true, ""),
        ("bulk_ids_max", true, ""),
        ("uninspected", policy.uninspected == OnUninspected::Refuse, "\"pass\" or"),
        ("declared_mode", policy.declared_mode == OnDeclared::Refuse, "\"report\" or"),
        ("off_path_url", policy.off_path_url == OnOffPath::Refuse, "\"pass\" or"),
    ];
    for (key, is_idle, or) in refuses {
        let Some(value) = t.value(key).filter(|_| is_idle) else { continue };
        let wanted = format!("{or} no such key in production, {NOTHING_REFUSED}: remove it");
        problems.add(Some(value.span()), t.key(key), wanted.trim_start(), "one that would change nothing");
    }
}

fn fingerprints(t: &mut Table<'_, '_>, flag: Flag, problems: &mut Problems) -> Option<u64> {
    let max = t.number("fingerprints_max", 1_000_000, 64..50_000_001, "fingerprints", problems);
    let on = t.flag("fingerprints", false, problems);
    if on && flag != Flag::Production {
        let at = t.value("fingerprints").map(|v| v.span());
        problems.add(at, t.key("fingerprints"), "false: they are taken in production only", "true");
    }
    t.beside("fingerprints_max", on, "fingerprints = true", problems);
    on.then_some(max)
}

fn known_hosts(t: &mut Table<'_, '_>, problems: &mut Problems) -> Vec<String> {
    let key = t.key("known_hosts");
    let mut hosts = Vec::new();
    for (host, span) in t.list("known_hosts", problems) {
        let good =
            host.parse::<http::uri::Authority>().is_ok_and(|a| !a.host().is_empty()) && !host.contains('@');
        if good {
            hosts.push(host.to_ascii_lowercase());
        } else {
            problems.add(
                Some(span),
                key.clone(),
                "host names, each with a port where it has one",
                format!("`{host}`"),
            );
        }
    }
    hosts
}

fn connection(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<Arc<Connection>> {
    let name = name(&mut t, "connection", problems);
    let environment =
        t.required("environment", "the name of an environment", problems).map(|(e, _)| Arc::<str>::from(e));
    if let (Some(name), Some(environment)) = (&name, &environment) {
        problems.refers(format!("connection `{name}`.environment"), environment);
    }
    connection_of(t, name, environment, problems)
}

/// What a connection's table says besides its name and environment.
pub(super) fn connection_of(
    mut t: Table<'_, '_>,
    name: Option<Arc<str>>,
    environment: Option<Arc<str>>,
    problems: &mut Problems,
) -> Option<Arc<Connection>> {
    let upstream = Upstream::read(&mut t, problems);
    let (rate, caller_rate) = (rate(&mut t, "rate", problems), rate(&mut t, "caller_rate", problems));
    let mut prefixes = |key: &'static str, problems: &mut Problems| -> Vec<String> {
        let full = t.key(key);
        t.list(key, problems)
            .into_iter()
            .filter_map(|(text, span)| {
                let good = text.starts_with('/')
                    && !text.contains(['?', '#', '%', '*'])
                    && !text.split('/').any(|s| s == "." || s == "..");
                if !good {
                    problems.add(
                        Some(span),
                        full.clone(),
                        "path prefixes of whole segments, each with a leading `/` (`/fhir` is all that is under it)",
                        format!("`{text}`"),
                    );
                }
                good.then(|| if text.len() > 1 { text.trim_end_matches('/').to_owned() } else { text })
            })
            .collect()
    };
    let allow = prefixes("allow", problems);
    let deny = prefixes("deny", problems);
    // It reads as if it allowed nothing, and no list allows all: whoever writes one has to say which it is.
    if let Some(span) = t.empty_list("allow") {
        let wanted = "path prefixes; without the key all paths pass, with deny = [\"/\"] none does";
        problems.add(Some(span), t.key("allow"), wanted, "an empty list");
    }
    let headers = headers(&mut t, problems);
    let opaque = opaque(&mut t, problems);
    let key_in_authorization = t.flag("key_in_authorization", false, problems);
    t.done(problems);
    let upstream = upstream?;
    Some(Arc::new(Connection {
        name: name?,
        environment: environment?,
        endpoints: upstream.endpoints,
        requests_max: upstream.requests_max,
        rate,
        caller_rate,
        retries_max: upstream.retries_max,
        ejection: upstream.ejection,
        health_check: upstream.health_check,
        dns_refresh_ms: upstream.dns_refresh_ms,
        http2: upstream.http2,
        reply_idle_timeout_ms: upstream.reply_idle_timeout_ms,
        pool_idle_max: upstream.pool_idle_max,
        reply_headers_max: upstream.reply_headers_max,
        pool_idle_timeout_ms: upstream.pool_idle_timeout_ms,
        tls: upstream.tls,
        secret_headers: upstream.secret_headers,
        connect_timeout_ms: upstream.connect_timeout_ms,
        reply_head_timeout_ms: upstream.reply_head_timeout_ms,
        allow: if allow.is_empty() { vec!["/".to_owned()] } else { allow },
        deny,
        headers,
        opaque,
        key_in_authorization,
    }))
}

/// What passes unread: media types that are told apart, and protocols that a connection may be switched to.
fn opaque(t: &mut Table<'_, '_>, problems: &mut Problems) -> Vec<String> {
    let key = t.key("opaque");
    let mut out = Vec::new();
    for (text, span) in t.list("opaque", problems) {
        let lower = text.to_ascii_lowercase();
        // `pdf` isn't the name of a protocol that somebody forgot.
        let is_protocol = !lower.is_empty()
            && lower.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !is_part_of_media_type(&lower);
        if is_protocol || is_known_media_type(&lower) || lower == "other" {
            out.push(lower);
        } else {
            let wanted = "a media type that is told apart (all others are called `other`), or a protocol like websocket";
            problems.add(Some(span), key.clone(), wanted, format!("`{text}`"));
        }
    }
    out
}

fn rate(t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems) -> Option<Rate> {
    t.value(key)?;
    let mut t = t.table(key, problems);
    let mut n = |key, default| {
        u32::try_from(t.number(key, default, 1..10_000_001, "messages", problems)).unwrap_or(u32::MAX)
    };
    let per_second = n("per_second", 100);
    let burst = n("burst", per_second.into());
    if t.value("per_second").is_none() {
        problems.add(t.span(), t.key("per_second"), "messages a second", "nothing");
    }
    t.done(problems);
    Some(Rate { per_second, burst })
}

fn headers(t: &mut Table<'_, '_>, problems: &mut Problems) -> HeaderRules {
    let mut set = Vec::new();
    let mut table = t.table("set_headers", problems);
    for (name, value, span) in table.pairs(problems) {
        match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            (Ok(name), Ok(_)) if is_written_anew(&name) => {
                problems.add(Some(span), table.key(name.as_str()), OTHER_HEADER_WANTED, format!("`{name}`"));
            }
            (Ok(name), Ok(value)) => set.push((name, value)),
            _ => problems.add(
                Some(span),
                table.key(&name),
                "a header name and a value without control characters",
                "another",
            ),
        }
    }
    let key = t.key("remove_headers");
    let mut remove = Vec::new();
    for (name, span) in t.list("remove_headers", problems) {
        match HeaderName::try_from(name.as_str()) {
            Ok(name) => remove.push(name),
            Err(_) => problems.add(Some(span), key.clone(), "header names", format!("`{name}`")),
        }
    }
    let host = match t.text("host", problems) {
        None => HostHeader::Upstream,
        Some((text, _)) if text == "upstream" => HostHeader::Upstream,
        Some((text, _)) if text == "caller" => HostHeader::Keep,
        Some((text, span)) => match (text.parse::<http::uri::Authority>(), HeaderValue::try_from(&text)) {
            (Ok(authority), Ok(value)) if authority.as_str() == text && !text.contains('@') => {
                HostHeader::Set(value)
            }
            _ => {
                let wanted = "upstream, caller, or a host with or without a port";
                problems.add(Some(span), t.key("host"), wanted, format!("`{text}`"));
                HostHeader::Upstream
            }
        },
    };
    let words = [
        ("x-forwarded", Forwarding::XForwarded),
        ("forwarded", Forwarding::Forwarded),
        ("both", Forwarding::Both),
        ("none", Forwarding::None),
    ];
    let forwarding = t.choice("forwarding", Forwarding::XForwarded, &words, problems);
    HeaderRules { set, remove, host, forwarding }
}

pub(super) fn name(t: &mut Table<'_, '_>, section: &str, problems: &mut Problems) -> Option<Arc<str>> {
    let wanted = "a name of lower-case letters, digits and dashes, 1 to 40 characters";
    let (text, span) = t.required("name", wanted, problems)?;
    let good = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if !good {
        problems.add(Some(span), t.key("name"), wanted, format!("`{text}`"));
        return None;
    }
    t.note(&format!("{section} `{text}`"), problems);
    problems.name(section, &text);
    Some(Arc::from(text))
}

/// Of a header that the gateway writes itself.
pub(super) const OTHER_HEADER_WANTED: &str =
    "another header: this one is written anew for each message, and what stands here would change nothing";
/// Why keys of other environments have no effect in production.
const NOTHING_REFUSED: &str = "where messages stream and none is held or refused for what it holds";
/// No less than hyper reads at once.
const HEAD_BYTES_MAX: std::ops::Range<u64> = 8192..(1 << 20) + 1;
