//! Configuration: a TOML file, read key by key, to the checked type that the program holds.
//!
//! One run tells all problems at once, each with line, key, what is wanted and what stands there. Checking does no I/O.
//! `config/phigate.toml` shows every key with its default and unit.

pub mod assets;
mod callers;
pub mod cases;
mod checks;
mod hosts;
mod listener;
mod reader;
mod issuer;
mod keeping;
pub mod rules;
pub mod sign_in;
mod sections;
mod upstream;

pub use checks::overlapping;
pub use issuer::{Issuer, JwksSource};
pub use reader::{Lines, Problem};

use crate::decide::{Policy, Thresholds};
use crate::forward::{HeaderRules, Remote, Secret};
use crate::inspect::decode::Budget;
use crate::inspect::rules::Modes;
use crate::listen::tls::TlsSettings;
use crate::listen::{Address, Limits, Network};
use crate::org::{CallerRole, Flag};
use http::HeaderName;
pub(crate) use keeping::preset_roles;
use reader::{Problems, TOML, Table};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the program holds: checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where records, keys and audit are kept.
    pub data_dir: PathBuf,
    /// Threads that carry messages; 0 is one for each core.
    pub threads: usize,
    /// The admin listener. 127.0.0.1:9901 by default.
    pub admin: SocketAddr,
    /// Limits of the listeners.
    pub limits: Limits,
    /// How much carried data is read of one message.
    pub budget: Budget,
    /// The records.
    pub records: Records,
    /// The access log; `None`: none.
    pub access: Option<crate::telemetry::access::AccessSettings>,
    /// How the audit is kept.
    pub audit: crate::audit::Keep,
    /// How originals are sealed; `None`: no connection can have them sealed.
    pub sealing: Option<Sealing>,
    /// How originals are asked for; `None`: nobody can.
    pub break_glass: Option<BreakGlass>,
    /// Whom people sign in with; `None`: tokens alone.
    pub sign_in: Option<sign_in::SignIn>,
    /// Limits of searches by value.
    pub search: crate::admin::SearchLimits,
    /// Roles that credentials of callers may have.
    pub caller_roles: Vec<CallerRole>,
    /// Roles of people.
    pub roles: crate::org::Roles,
    /// The registry of test people.
    pub registry: Registry,
    /// Rules files and folders, as the file names them.
    pub rules: Vec<PathBuf>,
    /// The folder that relative names of them start from: where the file is.
    pub folder: PathBuf,
    /// Where keys stand in the file, for what is wrong with what they lead to.
    pub lines: Lines,
    /// Environments, by name.
    pub environments: Vec<Arc<Environment>>,
    /// Listeners.
    pub listeners: Vec<Arc<Listener>>,
    /// Callers known by their certificates.
    pub identities: Vec<Arc<Identity>>,
    /// Issuers whose tokens are taken.
    pub issuers: Vec<Arc<Issuer>>,
    /// Connections.
    pub connections: Vec<Arc<Connection>>,
}

/// How originals are sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealing {
    /// Where the key stands that keys of days are wrapped with: 32 bytes in hex or base64.
    pub key: Secret,
    /// Days until the key of a day is removed, and with it all that it sealed. Default 30.
    pub retention_days: u32,
}

/// How originals are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// Who is told first: owners and security, by whatever stands there.
    pub webhook: Remote,
    /// What the notice shows of itself there: the header `Authorization`.
    pub authorization: Option<Secret>,
    /// Fields at most that one can show. Default 20.
    pub reveals_max: u32,
}

/// One isolated space of the organization.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name, as in paths, records and labels.
    pub name: Arc<str>,
    /// What it is for.
    pub flag: Flag,
    /// What is done with findings there.
    pub policy: Policy,
    /// Hosts beside its upstreams that replies may link to, lower case: `host`, which is any port of it, or `host:port`.
    pub known_hosts: Vec<String>,
    /// Host names, lower case, that are a signal for it.
    pub hosts: Vec<Box<str>>,
    /// Ids of sources and destinations in bodies that belong to it.
    pub ids: Vec<Box<str>>,
    /// How many fingerprints of its people are taken; `None`: none. Production only.
    pub fingerprints_max: Option<u64>,
    /// Rules that have a mode of their own there.
    pub modes: Modes,
    /// The thresholds that the file gives: the others are those of the rules.
    pub given: Vec<&'static str>,
}

/// One socket that callers connect to.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name.
    pub name: Arc<str>,
    /// Where it listens; port 0 is any free one.
    pub address: Address,
    /// Permissions of a Unix socket.
    pub unix_mode: u32,
    /// The environment that it leads to, if it leads to one only.
    pub environment: Option<Arc<str>>,
    /// Who may call.
    pub callers: Callers,
    /// Whether a path segment that is an environment's name counts as a signal.
    pub path_environment: bool,
    /// The header whose value is an environment's name, as a signal.
    pub environment_header: Option<HeaderName>,
    /// The hosts that it serves, lower case; none: any.
    pub hosts: Vec<Box<str>>,
    /// Peers that have to begin with a PROXY header, and are believed.
    pub proxy_protocol: Vec<Network>,
    /// Whether a browser's preflight (CORS) needs no key: it can't have one.
    pub cors_preflight: bool,
    /// Origins whose pages may read the gateway's own answers, as browsers write them.
    pub cors_origins: Vec<Box<str>>,
    /// Whether a plain connection may begin with HTTP/2's preface.
    pub http2_cleartext: bool,
    /// Its TLS; `None`: plain.
    pub tls: Option<TlsSettings>,
}

/// A caller known by a name in its certificate: a credential with one environment and one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The caller's name, as in records.
    pub name: Arc<str>,
    /// The name in the certificate: `dns:…` (lower case) or `uri:…`.
    pub certificate: Box<str>,
    /// Its environment.
    pub environment: Arc<str>,
    /// Its role.
    pub role: CallerRole,
}

/// Who may call a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Whoever has a key, or a certificate that is an identity's.
    Keys,
    /// Anybody; a key that is sent is still checked.
    Any,
}

/// A named way from callers to an upstream, inside one environment.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its name.
    pub name: Arc<str>,
    /// The environment that it belongs to.
    pub environment: Arc<str>,
    /// Where the upstream is: one at least. All in TLS, or none.
    pub endpoints: Vec<ConfiguredEndpoint>,
    /// Messages on their way to it, all threads together; 0: no limit. Each thread takes its share.
    pub requests_max: u32,
    /// Messages that it takes from all callers together.
    pub rate: Option<Rate>,
    /// Messages that it takes from each caller.
    pub caller_rate: Option<Rate>,
    /// How often a message is sent to another endpoint.
    pub retries_max: u32,
    /// When an endpoint that keeps failing is left out.
    pub ejection: crate::forward::Ejection,
    /// How endpoints are asked whether they are well.
    pub health_check: Option<Arc<crate::forward::HealthCheck>>,
    /// How old a name's addresses may be, milliseconds.
    pub dns_refresh_ms: u64,
    /// Whether HTTP/2 is spoken to it.
    pub http2: crate::forward::Http2,
    /// Between two pieces of a reply's body, milliseconds.
    pub reply_idle_timeout_ms: u64,
    /// Idle connections that each thread keeps to each endpoint.
    pub pool_idle_max: usize,
    /// Fields that a reply's head may have in HTTP/1.1. Default 100: any other number costs each reply something.
    pub reply_headers_max: usize,
    /// How long it keeps them, milliseconds.
    pub pool_idle_timeout_ms: u64,
    /// TLS to the upstream; `None`: plain.
    pub tls: Option<crate::forward::TlsSettings>,
    /// Headers to the upstream whose values stand elsewhere.
    pub secret_headers: Vec<(HeaderName, crate::forward::Secret)>,
    /// To connect, milliseconds.
    pub connect_timeout_ms: u64,
    /// From the end of the request to the reply's head, milliseconds.
    pub reply_head_timeout_ms: u64,
    /// Path prefixes that it takes, whole segments.
    pub allow: Vec<String>,
    /// Path prefixes that it refuses.
    pub deny: Vec<String>,
    /// Headers to set and remove on the way to the upstream.
    pub headers: HeaderRules,
    /// Media types that pass unread.
    pub opaque: Vec<String>,
    /// Whether callers send their key in `Authorization: Bearer`, too.
    pub key_in_authorization: bool,
}

/// One place that takes a connection's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredEndpoint {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Its share, beside the others' weights.
    pub weight: u16,
}

/// A rate of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages a second in the long run.
    pub per_second: u32,
    /// Messages at once.
    pub burst: u32,
}

/// The registry of test people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registry {
    /// People that it may have; further ones aren't taken.
    pub people_max: u64,
    /// Whether unknown people that connections of lower environments keep sending are counted, to be proposed.
    pub learn: bool,
}

/// How records are kept.
#[derive(Debug, Clone)]
pub struct Records {
    /// Whether records are made at all.
    pub enabled: bool,
    /// Records that wait to be written.
    pub queue_records_max: usize,
    /// Their bytes.
    pub queue_bytes_max: usize,
    /// What happens to a message whose record finds the queue full.
    pub on_full: OnFull,
    /// How long records are kept, and in how much space.
    pub keep: crate::store::retention::Keep,
}

/// What happens to a message whose record finds the queue full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// The message passes, the record is dropped and counted.
    DropAndCount,
    /// The message is refused with 503 before it is forwarded.
    Refuse,
}

impl Environment {
    fn with_thresholds(&self, thresholds: &Thresholds) -> Self {
        let of_rules = Policy::with(self.flag, thresholds);
        let mut new = self.clone();
        let given = |key| self.given.contains(&key);
        let policy = &mut new.policy;
        let points = [
            ("block", &mut policy.block, of_rules.block),
            ("report", &mut policy.report, of_rules.report),
            ("identified", &mut policy.identified, of_rules.identified),
        ];
        points.into_iter().filter(|(key, ..)| !given(key)).for_each(|(_, own, theirs)| *own = theirs);
        let people = [
            ("bulk_people_max", &mut policy.bulk_people_max, of_rules.bulk_people_max),
            ("bulk_ids_max", &mut policy.bulk_ids_max, of_rules.bulk_ids_max),
        ];
        people.into_iter().filter(|(key, ..)| !given(key)).for_each(|(_, own, theirs)| *own = theirs);
        new
    }
}

impl Config {
    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// Every problem, in order of line.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let (config, problems) = Self::read(text);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The same, with what can be read of a file that has problems: wrong values are replaced by their defaults, and tables
    /// that lack something are left out. To be looked at, not to be run.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<Problem>) {
        let mut problems = Problems::new(text);
        let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
        for error in errors {
            problems.add(error.span(), TOML.to_owned(), "valid TOML", error.message());
        }
        let config = sections::read(Table::root(&tree), &mut problems);
        checks::across(&config, &mut problems);
        (config, problems.into_list())
    }

    /// One upstream guarded, with nothing else configured: anybody may call the listener.
    ///
    /// # Errors
    /// What is wrong with the upstream's URL.
    pub fn sidecar(
        upstream: &str,
        flag: Flag,
        listen: SocketAddr,
        data_dir: PathBuf,
    ) -> Result<Self, Vec<Problem>> {
        let name = flag.as_str();
        // A JSON string is a TOML basic string.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        Self::parse(&format!(
            "data_dir = {}\n[[environment]]\nname = \"{name}\"\nflag = \"{name}\"\n\
             [[listener]]\nname = \"main\"\naddress = \"{listen}\"\nenvironment = \"{name}\"\ncallers = \"any\"\npath_environment = false\n\
             [[connection]]\nname = \"upstream\"\nenvironment = \"{name}\"\nupstream = {}\n",
            quoted(&data_dir.to_string_lossy()),
            quoted(upstream),
        ))
    }

    /// The same, read from `file`: relative names of rules files start from its folder.
    #[must_use]
    pub fn beside(self, file: &Path) -> Self {
        Self { folder: file.parent().unwrap_or(Path::new("")).to_owned(), ..self }
    }

    /// Takes the thresholds of the rules for what the file doesn't give.
    pub fn take_thresholds(&mut self, thresholds: &Thresholds) {
        for environment in &mut self.environments {
            *environment = Arc::new(environment.with_thresholds(thresholds));
        }
    }

    /// The same for one environment.
    pub fn take_thresholds_in(&mut self, name: &str, thresholds: &Thresholds) {
        for environment in self.environments.iter_mut().filter(|e| &*e.name == name) {
            *environment = Arc::new(environment.with_thresholds(thresholds));
        }
    }

    /// Where the rules files are.
    #[must_use]
    pub fn rule_files(&self) -> Vec<PathBuf> {
        self.rules.iter().map(|rules| self.folder.join(rules)).collect()
    }

    /// Threads that carry messages.
    #[must_use]
    pub fn threads_used(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// An environment by name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Arc<Environment>> {
        self.environments.iter().find(|e| &*e.name == name)
    }
}

#[cfg(test)]
mod tests;
