//! What a configuration is made into: one [`Snapshot`], with all that is read from files for it.

use super::RunError;
use crate::assets::{self, Applied};
use crate::config::{Config, Connection, Issuer, Listener};
use crate::forward::{EndpointStates, Secret, UpstreamTls};
use crate::gateway::{Rates, Snapshot};
use crate::identify::{Caller, Fetched, Identities, KeySets, Keys, KnownKey, Tokens};
use crate::inspect::decode::hex;
use crate::inspect::known::Remember;
use crate::listen::Address;
use crate::listen::tls::TlsFront;
use crate::people::{Imported, People, PeopleError, PrintFile, Prints, Taker, open_seen};
use crate::resolve::{self, Routes, UpstreamSecrets};
use crate::secrets::{PeopleKey, SealKeys, Secrets};
use crate::store::Control;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::sync::Arc;

/// The TLS of each listener that has it.
pub(super) type Fronts = Vec<(Arc<str>, Arc<TlsFront>)>;

/// Reads the certificates of every listener.
pub(super) fn fronts(config: &Config) -> Result<Fronts, RunError> {
    let with_tls = config.listeners.iter().filter_map(|l| Some((l, l.tls.as_ref()?)));
    with_tls
        .map(|(l, tls)| match TlsFront::load(tls) {
            Ok(front) => Ok((l.name.clone(), Arc::new(front))),
            Err(error) => Err(RunError::Tls { listener: l.name.clone(), error }),
        })
        .collect()
}

/// Reads what connections take from files, variables and commands. Those that are as they were in `before` keep what they
/// have: nothing is read for them, and their connections to upstreams stay.
fn upstream_secrets(config: &Config, before: Option<&Snapshot>) -> Result<resolve::Secrets, RunError> {
    let of = |c: &Arc<Connection>| {
        if let Some(kept) = before.and_then(|before| kept(before, c)) {
            return Ok((c.name.clone(), kept));
        }
        let hosts = c.endpoints.iter().map(|e| e.host.as_str());
        let tls = c.tls.as_ref().map(|tls| UpstreamTls::load(tls, hosts, c.http2)).transpose();
        let tls = tls.map_err(|error| RunError::UpstreamTls { connection: c.name.clone(), error })?;
        let header = |(name, secret): &(http::HeaderName, Secret)| match secret.header() {
            Ok(value) => Ok((name.clone(), value)),
            Err(error) => {
                let header = name.as_str().to_owned();
                Err(RunError::Secret { connection: c.name.clone(), header, error })
            }
        };
        let headers = c.secret_headers.iter().map(header).collect::<Result<_, RunError>>()?;
        Ok((c.name.clone(), UpstreamSecrets { tls: tls.unwrap_or_default(), headers }))
    };
    config.connections.iter().map(of).collect()
}

/// What a connection has of files and elsewhere, where it would be read from the same places for the same hosts.
fn kept(before: &Snapshot, c: &Connection) -> Option<UpstreamSecrets> {
    let old = before.config.connections.iter().find(|old| old.name == c.name)?;
    let hosts = |c: &Connection| c.endpoints.iter().map(|e| e.host.clone()).collect::<Vec<_>>();
    let is_same = old.tls == c.tls
        && old.http2 == c.http2
        && old.secret_headers == c.secret_headers
        && hosts(old) == hosts(c);
    is_same.then(|| before.secrets.get(&c.name).cloned()).flatten()
}

/// What outlives reloads: what is known of endpoints, and keys of issuers.
#[derive(Default)]
pub(super) struct Lasting {
    pub(super) endpoints: EndpointStates,
    key_sets: KeySets,
}

/// Issuers of a configuration with their keys; those in files are read.
fn issuers(config: &Config, key_sets: &KeySets) -> Result<Vec<Fetched>, RunError> {
    let of = |issuer: &Arc<Issuer>| match key_sets.of(&issuer.jwks, &config.folder) {
        Ok(keys) => Ok((issuer.clone(), keys)),
        Err(error) => Err(RunError::Jwks { issuer: issuer.name.clone(), error }),
    };
    config.issuers.iter().map(of).collect()
}

/// What originals are sealed with, where that is configured.
pub(super) fn seal_keys(config: &Config) -> Result<Option<Arc<SealKeys>>, RunError> {
    let Some(sealing) = &config.sealing else { return Ok(None) };
    let wrong = |why: &str| RunError::Sealing(why.to_owned());
    let text = sealing.key.text().map_err(|e| wrong(&e.to_string()))?;
    let text = text.expose();
    let bytes = match text.len() {
        64 => hex(text),
        _ => STANDARD.decode(text).ok(),
    };
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    let bytes =
        bytes.ok_or_else(|| wrong("wanted 32 bytes in hex or base64, and something else stands there"))?;
    Ok(Some(Arc::new(SealKeys::new(bytes, &config.data_dir))))
}

/// Everything that a configuration leads to and that isn't there, or isn't what it has to be: files, variables, the
/// access log's folder; commands are run where `runs_commands`, and else looked for. A line each. Nothing is made.
#[must_use]
pub fn missing(config: &Config, runs_commands: bool) -> Vec<String> {
    let mut out = Vec::new();
    let line = |key: &str| config.lines.before(key);
    if let Some(why) = unmakeable(&config.data_dir) {
        out.push(format!("{}data_dir: {} can't be made: {why}", line("data_dir"), config.data_dir.display()));
    }
    for l in &config.listeners {
        if let Address::Unix(path) = &l.address
            && let Some(folder) = no_folder(path)
        {
            let line = line(&format!("listener `{}`.address", l.name));
            out.push(format!("{line}listener `{}`, address: the folder {folder} isn't there", l.name));
        }
        if let Some(Err(error)) = l.tls.as_ref().map(TlsFront::load) {
            let line = line(&format!("listener `{}`.tls", l.name));
            out.push(line + &RunError::Tls { listener: l.name.clone(), error }.to_string());
        }
    }
    let is_asked = |secret: &Secret| runs_commands || !matches!(secret, Secret::Command(_));
    for c in &config.connections {
        let hosts = c.endpoints.iter().map(|e| e.host.as_str());
        if let Some(Err(error)) = c.tls.as_ref().map(|tls| UpstreamTls::load(tls, hosts, c.http2)) {
            let line = line(&format!("connection `{}`.upstream_tls", c.name));
            out.push(line + &RunError::UpstreamTls { connection: c.name.clone(), error }.to_string());
        }
        for (name, secret) in &c.secret_headers {
            let told = if is_asked(secret) { secret.header().map(|_| ()) } else { secret.program() };
            if let Err(error) = told {
                let header = name.as_str().to_owned();
                let line = line(&format!("connection `{}`.secret_headers", c.name));
                out.push(line + &RunError::Secret { connection: c.name.clone(), header, error }.to_string());
            }
        }
    }
    let others = [
        ("[sign_in] client_secret", config.sign_in.as_ref().and_then(|s| s.client_secret.as_ref())),
        ("[break_glass] authorization", config.break_glass.as_ref().and_then(|b| b.authorization.as_ref())),
    ];
    for (key, secret) in others {
        let Some(secret) = secret else { continue };
        let told = if is_asked(secret) { secret.text().map(|_| ()) } else { secret.program() };
        if let Err(error) = told {
            let line = line(&key.replace(['[', ']'], "").replace(' ', "."));
            out.push(format!("{line}{key}: {error}"));
        }
    }
    let key_sets = KeySets::default();
    for issuer in &config.issuers {
        if let Err(error) = key_sets.of(&issuer.jwks, &config.folder) {
            let line = line(&format!("issuer `{}`.jwks", issuer.name));
            out.push(line + &RunError::Jwks { issuer: issuer.name.clone(), error }.to_string());
        }
    }
    if let Some(sealing) = &config.sealing {
        let told = match is_asked(&sealing.key) {
            true => seal_keys(config).map(|_| ()),
            false => sealing.key.program().map_err(|error| RunError::Sealing(error.to_string())),
        };
        out.extend(told.err().map(|error| line("sealing.key") + &error.to_string()));
    }
    let access = config.access.as_ref().map(|access| &access.file).filter(|file| file.as_os_str() != "-");
    let written = [
        ("[access_log] file", "access_log.file", access),
        ("[audit] anchor_file", "audit.anchor_file", config.audit.anchor_file.as_ref()),
    ];
    for (told, key, file) in written {
        let Some(file) = file else { continue };
        if let Some(folder) = no_folder(file) {
            out.push(format!("{}{told}: the folder {folder} isn't there", line(key)));
        } else if file.is_dir() {
            out.push(format!("{}{told}: {} is a folder", line(key), file.display()));
        }
    }
    out
}

/// The folder of a file that is to be made, where it isn't there.
fn no_folder(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    (!folder.is_dir()).then(|| folder.display().to_string())
}

/// Why a folder isn't there and can't be made, as far as that can be told without trying.
fn unmakeable(folder: &Path) -> Option<String> {
    let there = |at: &&Path| at.as_os_str().is_empty() || at.exists();
    let there = folder.ancestors().find(there).filter(|at| !at.as_os_str().is_empty());
    let there = there.unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Some(format!("{} is no folder", there.display()));
    }
    let asked = rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    asked.err().map(|error| format!("{}: {}", there.display(), std::io::Error::from(error).kind()))
}

/// Keys of tuples, and the fingerprints that are asked.
pub(super) struct Keyring {
    people: PeopleKey,
    fingerprints: PeopleKey,
    prints: Prints,
    imported: Option<i64>,
}

impl Keyring {
    /// Opens what the data folder holds; gives the file that fingerprints are taken into, where that is on.
    pub(super) fn open(
        config: &Config,
        control: &Control,
        secrets: &Secrets,
    ) -> Result<(Self, Option<PrintFile>), RunError> {
        let max = config.environments.iter().filter_map(|e| e.fingerprints_max).max();
        let filter =
            max.map(|max| open_seen(&config.data_dir, &secrets.fingerprints, max)).transpose()?.map(Arc::new);
        let prints = Prints {
            seen: filter.clone().map(|filter| (secrets.fingerprints.clone(), filter)),
            imported: Imported::read(&config.data_dir)?.map(Arc::new),
        };
        let file = filter.map(|filter| PrintFile {
            data_dir: config.data_dir.clone(),
            key: secrets.fingerprints.clone(),
            filter,
        });
        let keyring = Self {
            people: secrets.people.clone(),
            fingerprints: secrets.fingerprints.clone(),
            prints,
            imported: control.setting(IMPORTED)?,
        };
        Ok((keyring, file))
    }

    /// Reads imported fingerprints anew, where a command brought others; gives whether it did.
    pub(super) fn refresh(&mut self, config: &Config, control: &Control) -> Result<bool, PeopleError> {
        let imported = control.setting(IMPORTED)?;
        let differs = imported != self.imported;
        if differs {
            self.prints.imported = Imported::read(&config.data_dir)?.map(Arc::new);
            self.imported = imported;
        }
        Ok(differs)
    }
}

/// The setting that changes when fingerprints are imported.
pub(crate) const IMPORTED: &str = "fingerprints_imported";

/// What a snapshot has of its configuration, of assets, files and commands: nothing of it changes with keys and people.
struct Parts {
    assets_made: i64,
    applied: Applied,
    secrets: resolve::Secrets,
    issuers: Vec<Fetched>,
}

impl Parts {
    /// Those of a configuration with the assets of now; of `old`, where that has the same configuration, what is as it was.
    fn read(
        base: &Arc<Config>,
        control: &Control,
        lasting: &Lasting,
        old: Option<&Snapshot>,
    ) -> Result<Self, RunError> {
        let assets_made = control.assets_made()?;
        let old = old.filter(|old| Arc::ptr_eq(&old.base, base));
        let applied = assets::apply(base, &control.assets()?).map_err(RunError::Rules)?;
        Ok(Self {
            assets_made,
            secrets: upstream_secrets(&applied.config, old)?,
            issuers: match old {
                Some(old) => old.fetched.clone(),
                None => issuers(&applied.config, &lasting.key_sets)?,
            },
            applied,
        })
    }

    fn of(old: &Snapshot) -> Self {
        let (config, rules, profiles) = (old.config.clone(), old.rules.clone(), old.profiles.clone());
        Self {
            assets_made: old.assets_made,
            applied: Applied { config, rules, profiles },
            secrets: old.secrets.clone(),
            issuers: old.fetched.clone(),
        }
    }
}

/// The environments, keys, people, rules and assets of one configuration.
pub(super) fn snapshot(
    base: Arc<Config>,
    control: &Arc<Control>,
    keyring: &Keyring,
    lasting: &Lasting,
    old: Option<&Snapshot>,
) -> Result<Snapshot, RunError> {
    let parts = Parts::read(&base, control, lasting, old)?;
    with_people(base, parts, control, keyring, lasting, old)
}

/// `old` with the keys, people, suppressions and sealing of now. Reads the control file alone: what else is missing at the
/// moment keeps no key from being revoked.
pub(super) fn refreshed(
    old: &Snapshot,
    control: &Arc<Control>,
    keyring: &Keyring,
    lasting: &Lasting,
) -> Result<Snapshot, RunError> {
    with_people(old.base.clone(), Parts::of(old), control, keyring, lasting, Some(old))
}

fn with_people(
    base: Arc<Config>,
    parts: Parts,
    control: &Arc<Control>,
    keyring: &Keyring,
    lasting: &Lasting,
    old: Option<&Snapshot>,
) -> Result<Snapshot, RunError> {
    let Parts { assets_made, applied: Applied { config, rules, profiles }, secrets, issuers } = parts;
    let now = i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(0);
    let rules =
        rules.suppressed_by(&control.suppressing(now)?, &config.connections, old.map(|old| &old.rules));
    let known = control
        .keys()?
        .into_iter()
        .filter(|row| row.revoked.is_none())
        .filter_map(|row| {
            let role = config.caller_roles.iter().find(|role| role.as_str() == row.role).cloned();
            if role.is_none() {
                tracing::error!(
                    key = row.id,
                    role = row.role,
                    "A key isn't taken: the configuration has no such caller role."
                );
            }
            if config.environment(&row.environment).is_none() {
                tracing::error!(
                    key = row.id,
                    environment = row.environment,
                    "A key opens nothing: the configuration has no such environment."
                );
            }
            let caller = Caller {
                name: Arc::from(row.name),
                role: role?,
                environment: Some(Arc::from(row.environment)),
            };
            Some((row.id, KnownKey { hash: row.hash, caller, expires: row.expires }))
        })
        .collect();
    let hasher = control.clone();
    let keys = Keys::new(known, Box::new(move |key| hasher.hash(key)));
    let people =
        Arc::new(People::load(control, keyring.people.clone(), keyring.prints.clone(), Remember::Unknown)?);
    let takes = config.environments.iter().any(|e| e.fingerprints_max.is_some());
    let taker = takes.then(|| Arc::new(Taker::new(people.clone(), keyring.fingerprints.clone())));
    let sealed = control.sealing()?.into_iter().filter(|row| row.is_on);
    Ok(Snapshot {
        keys_in_authorization: config.connections.iter().any(|c| c.key_in_authorization),
        sealed: sealed.map(|row| (row.connection, row.environment)).collect(),
        routes: Routes::new(&config, &secrets, &lasting.endpoints),
        secrets,
        identities: Identities::new(&config.identities),
        tokens: Tokens::new(issuers.iter().cloned()),
        fetched: issuers,
        rates: Rates::new(&config, old.map(|old| &old.rates)),
        base,
        config,
        assets_made,
        profiles,
        keys,
        rules,
        people,
        taker,
    })
}

/// What differs between two configurations and can't be taken over while running.
pub(super) fn needs_a_start(old: &Config, new: &Config) -> Vec<String> {
    let mut out = Vec::new();
    let mut differs = |what: &str, differs: bool| {
        if differs {
            out.push(format!(
                "{what} changed: that needs a new start, and nothing of the file was taken over"
            ));
        }
    };
    differs("data_dir", old.data_dir != new.data_dir);
    differs("threads", old.threads != new.threads);
    differs("admin.address", old.admin != new.admin);
    let names = |c: &Config| c.environments.iter().map(|e| (e.name.clone(), e.flag)).collect::<Vec<_>>();
    differs("an environment's name or flag", names(old) != names(new));
    let takes = |c: &Config| c.environments.iter().filter_map(|e| e.fingerprints_max).max();
    differs("fingerprints or fingerprints_max", takes(old) != takes(new));
    differs("registry.people_max", old.registry.people_max != new.registry.people_max);
    differs("[limits]", old.limits != new.limits);
    differs("[sealing]", old.sealing != new.sealing);
    differs("[break_glass]", old.break_glass != new.break_glass);
    differs("[sign_in]", old.sign_in != new.sign_in);
    differs("[search]", old.search != new.search);
    differs("[audit]", old.audit != new.audit);
    differs("[access_log]", old.access != new.access);
    differs(
        "[records], or how long an environment keeps them",
        format!("{:?}", old.records) != format!("{:?}", new.records),
    );
    let sockets = |c: &Config| {
        let socket = |l: &Listener| {
            let tls = l.tls.is_some();
            (l.name.clone(), l.address.clone(), l.unix_mode, tls, l.http2_cleartext, l.proxy_protocol.clone())
        };
        c.listeners.iter().map(|l| socket(l)).collect::<Vec<_>>()
    };
    differs(
        "a listener's name, address, socket_mode, http2_cleartext, proxy_protocol or whether it has TLS",
        sockets(old) != sockets(new),
    );
    out
}
