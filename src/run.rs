//! Running: a checked configuration to a gateway with its threads, its store and its admin side; reload and stop.

use crate::admin::{self, Admin, Quota};
use crate::audit::{Audit, AuditError};
use crate::config::{Config, Connection, Issuer, JwksSource, Listener};
use crate::forward::{Checker, EndpointStates, Secret, SecretError, UpstreamTls};
use crate::gateway::{Gateway, Rates, Rules, Shared, Snapshot};
use crate::identify::{Caller, Fetched, Fetcher, Identities, KeySets, Keys, KnownKey, NoKeys, Tokens};
use crate::inspect::known::Remember;
use crate::listen::tls::{TlsError, TlsFront};
use crate::listen::{
    Address, HandedSocket, HeldBudget, ListenCounters, ListenTotals, ListenerConfig, Predecessor, StartError,
    Successors, Workers, foreign_listeners,
};
use crate::org::{CallerRole, Flag, UNRESOLVED};
use crate::people::{
    Imported, Notebook, People, PeopleError, PrintFile, Prints, PrintsError, Taker, open_seen,
};
use crate::record::{Recorder, RecorderConfig};
use crate::resolve::{self, Routes, UpstreamSecrets};
use crate::secrets::{PeopleKey, Secrets, SecretsError, TokenKeys};
use crate::store::sqlite::Records;
use crate::store::{Control, StoreError};
use crate::telemetry::access::AccessLog;
use crate::telemetry::metrics::{Metrics, Others};
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::Semaphore;

/// Why the gateway could not start. All of it the operator's to fix.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Keys of hashes and tokens.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store or control.db.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Fingerprints.
    #[error(transparent)]
    Prints(#[from] PrintsError),
    /// The rules files.
    #[error("the rules can't be taken: {}", .0.join("; "))]
    Rules(Vec<String>),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] StartError),
    /// The audit.
    #[error(transparent)]
    Audit(AuditError),
    /// What a connection's TLS is read from.
    #[error("connection `{connection}`, upstream_tls: {error}")]
    UpstreamTls {
        /// Its name.
        connection: Arc<str>,
        /// What is wrong.
        error: TlsError,
    },
    /// A header whose value stands elsewhere.
    #[error("connection `{connection}`, secret_headers.{header}: {error}")]
    Secret {
        /// Its name.
        connection: Arc<str>,
        /// The header's name.
        header: String,
        /// What is wrong.
        error: SecretError,
    },
    /// The file of an issuer's keys.
    #[error("issuer `{issuer}`, jwks: {error}")]
    Jwks {
        /// Its name.
        issuer: Arc<str>,
        /// What is wrong.
        error: NoKeys,
    },
    /// A listener's certificates.
    #[error("listener `{listener}`: {error}")]
    Tls {
        /// Its name.
        listener: Arc<str>,
        /// What is wrong.
        error: TlsError,
    },
    /// The admin listener, or a thread.
    #[error("{what}: {kind}")]
    Io {
        /// What was wanted.
        what: String,
        /// The system's word for why.
        kind: std::io::ErrorKind,
    },
}

/// A running gateway.
pub struct Running {
    shared: Arc<Shared>,
    control: Arc<Control>,
    addresses: Vec<(Arc<str>, Address)>,
    fronts: Fronts,
    workers: Workers,
    admin: admin::Running,
    writer: Option<std::thread::JoinHandle<()>>,
    people_writer: std::thread::JoinHandle<()>,
    keyring: Keyring,
    lasting: Lasting,
    fetcher: Fetcher,
    checker: Checker,
    successors: Option<Successors>,
    released: Arc<Released>,
    sockets: Vec<HandedSocket>,
    draining: Arc<AtomicBool>,
    seen: i64,
}

impl Running {
    /// Starts everything that `config` tells.
    ///
    /// # Errors
    /// [`RunError`]; nothing runs then.
    pub fn start(config: Config) -> Result<Self, RunError> {
        Self::start_after(config, None)
    }

    /// The same with the listening sockets of the process before, which drains as soon as this one serves.
    ///
    /// # Errors
    /// [`RunError`]; nothing runs then, and the process before goes on.
    pub fn start_after(mut config: Config, before: Option<Predecessor>) -> Result<Self, RunError> {
        let (before, mut handed) = match before {
            Some(mut before) => {
                let sockets = std::mem::take(&mut before.sockets);
                (Some(before), sockets)
            }
            None => (None, Vec::new()),
        };
        let io = |what: &str| {
            let what = what.to_owned();
            move |e: std::io::Error| RunError::Io { what, kind: e.kind() }
        };
        let rules = Rules::load(&mut config).map_err(RunError::Rules)?;
        let secrets = Secrets::open_or_create(&config.data_dir)?;
        let control = Arc::new(Control::open(&config.data_dir, secrets.pepper.clone())?);
        let audit = Arc::new(
            Audit::open_keeping(&config.data_dir, secrets.audit.clone(), config.audit.clone())
                .map_err(RunError::Audit)?,
        );
        control.set("people_max", i64::try_from(config.registry.people_max).unwrap_or(i64::MAX))?;
        let (keyring, prints) = Keyring::open(&config, &control, &secrets)?;
        let (notebook, people_writer) =
            Notebook::start(control.clone(), prints).map_err(io("the people thread can't start"))?;
        let records = Records::new(&config.data_dir, config.records.keep.clone());
        let metrics = Metrics::default();
        let names: Vec<Arc<str>> = config.environments.iter().map(|e| e.name.clone()).collect();
        let (recorder, writer) = if config.records.enabled {
            let limits = RecorderConfig {
                queue_records_max: config.records.queue_records_max,
                queue_bytes_max: config.records.queue_bytes_max,
            };
            let cells = metrics.thread(&names);
            let taken = notebook.clone();
            let late = Box::new(move |environment: &str, findings: &crate::inspect::Findings| {
                cells.inspected(environment, false, findings, false);
                findings.persons.iter().for_each(|person| taken.take(&person.tags));
            });
            let (recorder, thread) = Recorder::start(limits, records.writer(), secrets.tokens.clone(), late)
                .map_err(io("the record thread can't start"))?;
            (Some(recorder), Some(thread))
        } else {
            (None, None)
        };
        let seen = control.version()?;
        let fronts = fronts(&config)?;
        let listeners: Vec<ListenerConfig> = config
            .listeners
            .iter()
            .map(|l| ListenerConfig {
                name: l.name.to_string(),
                address: l.address.clone(),
                unix_mode: l.unix_mode,
                limits: config.limits.clone(),
                tls: fronts.iter().find(|(name, _)| *name == l.name).map(|(_, front)| front.clone()),
                http2_cleartext: l.http2_cleartext,
                proxy_protocol: l.proxy_protocol.clone(),
            })
            .collect();
        let names: Vec<Arc<str>> = config.listeners.iter().map(|l| l.name.clone()).collect();
        let (threads, admin_address, held_bytes_max) =
            (config.threads_used(), config.admin, config.limits.held_bytes_max);
        let access = config.access.clone();
        let (handover, lasting) = (handover_path(&config.data_dir), Lasting::default());
        let snapshot = snapshot(config, rules, &control, &keyring, &lasting, None)?;
        metrics.config_current.store(1, Relaxed);
        metrics.keys.store(snapshot.keys.count() as u64, Relaxed);
        let access = access.as_ref().map(AccessLog::start).transpose();
        let access = access.map_err(io("the access log can't be opened"))?;
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            recorder,
            access,
            notebook,
            metrics,
            held: HeldBudget::new(held_bytes_max),
            scans: Semaphore::new(threads),
        });
        let asked = shared.clone();
        let checker = Checker::start(move || asked.snapshot.load().routes.upstreams().cloned().collect())
            .map_err(io("the thread of health checks can't start"))?;
        let asked = shared.clone();
        let fetcher = Fetcher::start(move || asked.snapshot.load().fetched.clone())
            .map_err(io("the thread that fetches keys can't start"))?;
        let draining = Arc::new(AtomicBool::new(false));
        let data = shared.clone();
        let admin_socket = admin_socket(admin_address, &mut handed)
            .map_err(io(&format!("the admin listener can't listen on {admin_address}")))?;
        let copy = admin_socket.try_clone().and_then(|socket| {
            let address = socket.local_addr()?.to_string();
            Ok(HandedSocket { name: ADMIN_SOCKET.to_owned(), address, socket: socket.into() })
        });
        let copy = copy.map_err(io("the admin listener can't be handed on"))?;
        let sockets = handed;
        let workers = Workers::start(listeners, threads, sockets, move |_| Gateway::new(data.clone()))?;
        let addresses = names.into_iter().zip(workers.local_addrs().iter().cloned()).collect();
        let connections = (workers.open_connections(), workers.counters().to_vec());
        let admin = admin::start(
            admin_socket,
            admin_side(&shared, &control, audit, records, &draining, connections, secrets.tokens),
        )
        .map_err(io("the admin thread can't start"))?;
        let sockets: Vec<HandedSocket> = workers
            .sockets()
            .iter()
            .map(HandedSocket::again)
            .chain([Ok(copy)])
            .collect::<Result<_, _>>()
            .map_err(io("the listening sockets can't be handed on"))?;
        if before.is_some_and(|before| before.release().is_err()) {
            tracing::warn!("The process before ended before this one served.");
        }
        let released = Arc::new(Released::default());
        let successors = successors(handover, &sockets, &released);
        Ok(Self {
            shared,
            control,
            addresses,
            fronts,
            workers,
            admin,
            writer,
            people_writer,
            keyring,
            lasting,
            fetcher,
            checker,
            successors,
            released,
            sockets,
            draining,
            seen,
        })
    }

    /// Where each listener listens.
    #[must_use]
    pub fn addresses(&self) -> &[(Arc<str>, Address)] {
        &self.addresses
    }

    /// Where a listener listens, if it has an address and a port.
    #[must_use]
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        self.addresses().iter().find(|(name, _)| &**name == listener).and_then(|(_, address)| address.tcp())
    }

    /// Every file that the running configuration is read from, beside its own: certificates and keys.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let snapshot = self.shared.snapshot.load();
        let config = &snapshot.config;
        let listeners = config.listeners.iter().filter_map(|l| l.tls.as_ref()).flat_map(|tls| tls.files());
        let upstreams = config.connections.iter().flat_map(|c| {
            let secrets = c.secret_headers.iter().filter_map(|(_, secret)| secret.file());
            c.tls.iter().flat_map(|tls| tls.files()).chain(secrets)
        });
        let jwks = config.issuers.iter().filter_map(|i| match &i.jwks {
            JwksSource::File(path) => Some(config.folder.join(path)),
            JwksSource::Url { .. } => None,
        });
        listeners.chain(upstreams).map(Path::to_owned).chain(jwks).collect()
    }

    /// Where the admin side listens.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    /// Keys and tokens.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Waits until every record of messages that ended before is durable or counted as dropped.
    pub fn flush_records(&self) {
        if let Some(recorder) = &self.shared.recorder {
            recorder.flush();
        }
        self.shared.notebook.flush();
    }

    /// Takes over what a configuration file's text says now: routes, policies, keys, certificates. What needs a new start
    /// (listeners, threads, limits, data folder, admin address) has to be as it was.
    ///
    /// # Errors
    /// What is wrong, a line each; the running configuration stays.
    pub fn reload(&self, text: &str) -> Result<(), Vec<String>> {
        let refuse = |problems: Vec<String>| {
            self.shared.metrics.reload_failures.fetch_add(1, Relaxed);
            self.shared.metrics.config_current.store(0, Relaxed);
            problems
        };
        let mut config =
            Config::parse(text).map_err(|p| refuse(p.iter().map(ToString::to_string).collect()))?;
        let old = self.shared.snapshot.load();
        config.folder.clone_from(&old.config.folder);
        let needs_start = needs_a_start(&old.config, &config);
        if !needs_start.is_empty() {
            return Err(refuse(needs_start));
        }
        let fresh = fronts(&config).map_err(|e| refuse(vec![e.to_string()]))?;
        let rules = Rules::load(&mut config).map_err(refuse)?;
        let snapshot = snapshot(config, rules, &self.control, &self.keyring, &self.lasting, Some(&old))
            .map_err(|e| refuse(vec![e.to_string()]))?;
        for (name, front) in &self.fronts {
            if let Some((_, fresh)) = fresh.iter().find(|(other, _)| other == name) {
                front.take_over(fresh);
            }
        }
        self.shared.metrics.keys.store(snapshot.keys.count() as u64, Relaxed);
        self.shared.snapshot.store(Arc::new(snapshot));
        self.lasting.endpoints.tidy();
        if let Some(access) = &self.shared.access {
            access.reopen();
        }
        self.shared.metrics.reloads.fetch_add(1, Relaxed);
        self.shared.metrics.config_current.store(1, Relaxed);
        Ok(())
    }

    /// Takes over keys that a command made or revoked since the last look. Cheap where nothing changed.
    pub fn refresh_keys(&mut self) {
        match self.control.version() {
            Ok(version) if version == self.seen => {}
            Ok(version) => {
                self.seen = version;
                self.refresh_keys_now();
            }
            Err(error) => {
                tracing::error!(error = %error, "The control file can't be read; the old keys stay.")
            }
        }
    }

    /// Takes over the keys of the control file as they are now.
    pub fn refresh_keys_now(&mut self) {
        let old = self.shared.snapshot.load();
        let (config, rules) = (old.config.clone(), old.rules.clone());
        if let Err(error) = self.keyring.refresh(&config, &self.control) {
            tracing::error!(error = %error, "Imported fingerprints can't be read; the old ones stay.");
        }
        match snapshot(config, rules, &self.control, &self.keyring, &self.lasting, Some(&old)) {
            Ok(snapshot) => {
                self.shared.metrics.keys.store(snapshot.keys.count() as u64, Relaxed);
                self.shared.snapshot.store(Arc::new(snapshot));
                tracing::info!("Keys and registry were read anew.");
            }
            Err(error) => tracing::error!(error = %error, "Keys can't be read; the old ones stay."),
        }
    }

    /// Waits until another process serves in place of this one.
    pub async fn released(&self) {
        let told = self.released.told.notified();
        if !self.released.is_so.load(Relaxed) {
            told.await;
        }
    }

    /// Looks whether other processes listen on ports of ours; counts them, and says so when there are more.
    pub fn look_for_foreign_listeners(&self) {
        let found = foreign_listeners(&self.sockets) as u64;
        let before = self.shared.metrics.foreign_listeners.swap(found, Relaxed);
        if found > before {
            tracing::error!(
                sockets = found,
                "Another process listens on a port of this one, and gets a share of its connections."
            );
        }
    }

    /// Stops: unready at once, connections drained, records written. Gives how many connections were cut.
    #[must_use]
    pub fn stop(self) -> u64 {
        self.draining.store(true, Relaxed);
        drop(self.successors); // with its copies of the sockets
        drop(self.sockets);
        // Where another process serves, the admin side is its own at once.
        let admin = if self.released.is_so.load(Relaxed) {
            drop(self.admin);
            None
        } else {
            Some(self.admin)
        };
        self.checker.stop();
        self.fetcher.stop();
        let cut = self.workers.drain();
        if let Some(recorder) = &self.shared.recorder {
            recorder.stop();
        }
        if let Some(writer) = self.writer {
            // It ended before, where it panicked.
            let _ = writer.join();
        }
        if let Some(access) = &self.shared.access {
            access.stop();
        }
        // Behind the record writer: fingerprints of the last records are kept, too.
        self.shared.notebook.stop();
        let _ = self.people_writer.join();
        drop(admin);
        cut
    }
}

/// Whether another process serves in place of this one.
#[derive(Default)]
struct Released {
    is_so: AtomicBool,
    told: tokio::sync::Notify,
}

/// Where the process that follows asks for the listening sockets.
#[must_use]
pub fn handover_path(data_dir: &Path) -> PathBuf {
    data_dir.join("handover.sock")
}

/// Waits for the process that follows. Without it a new start resets what waits in the queues: that is said, and no
/// reason not to run.
fn successors(path: PathBuf, sockets: &[HandedSocket], released: &Arc<Released>) -> Option<Successors> {
    let released = released.clone();
    let copies: std::io::Result<Vec<HandedSocket>> = sockets.iter().map(HandedSocket::again).collect();
    let waiting = copies.and_then(|copies| {
        Successors::wait(path, copies, move || {
            released.is_so.store(true, Relaxed);
            released.told.notify_one();
        })
    });
    if let Err(error) = &waiting {
        tracing::warn!(kind = %error.kind(), "Listening sockets can't be handed to a next process from here.");
    }
    waiting.ok()
}

/// The admin side's socket: that of the process before, or a new one.
fn admin_socket(
    address: SocketAddr,
    handed: &mut Vec<HandedSocket>,
) -> std::io::Result<std::net::TcpListener> {
    let is_it = |h: &mut HandedSocket| {
        let have: Option<SocketAddr> = h.address.parse().ok();
        h.name == ADMIN_SOCKET
            && have.is_some_and(|a| a.ip() == address.ip() && (address.port() == 0 || a == address))
    };
    match handed.extract_if(.., is_it).next() {
        Some(handed) => Ok(handed.socket.into()),
        None => std::net::TcpListener::bind(address),
    }
}

/// No listener's name.
const ADMIN_SOCKET: &str = ":admin";

/// The TLS of each listener that has it.
type Fronts = Vec<(Arc<str>, Arc<TlsFront>)>;

/// Reads the certificates of every listener.
fn fronts(config: &Config) -> Result<Fronts, RunError> {
    let with_tls = config.listeners.iter().filter_map(|l| Some((l, l.tls.as_ref()?)));
    with_tls
        .map(|(l, tls)| match TlsFront::load(tls) {
            Ok(front) => Ok((l.name.clone(), Arc::new(front))),
            Err(error) => Err(RunError::Tls { listener: l.name.clone(), error }),
        })
        .collect()
}

/// Reads what connections take from files, variables and commands.
fn upstream_secrets(config: &Config) -> Result<resolve::Secrets, RunError> {
    let of = |c: &Arc<Connection>| {
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

/// What outlives reloads: what is known of endpoints, and keys of issuers.
#[derive(Default)]
struct Lasting {
    endpoints: EndpointStates,
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

/// Keys of tuples, and the fingerprints that are asked.
struct Keyring {
    people: PeopleKey,
    fingerprints: PeopleKey,
    prints: Prints,
    imported: Option<i64>,
}

impl Keyring {
    /// Opens what the data folder holds; gives the file that fingerprints are taken into, where that is on.
    fn open(
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

    /// Reads imported fingerprints anew, where a command brought others.
    fn refresh(&mut self, config: &Config, control: &Control) -> Result<(), PeopleError> {
        let imported = control.setting(IMPORTED)?;
        if imported != self.imported {
            self.prints.imported = Imported::read(&config.data_dir)?.map(Arc::new);
            self.imported = imported;
        }
        Ok(())
    }
}

/// The setting that changes when fingerprints are imported.
pub(crate) const IMPORTED: &str = "fingerprints_imported";

/// The environments, keys, people and rules of one configuration.
fn snapshot(
    config: Config,
    rules: Rules,
    control: &Arc<Control>,
    keyring: &Keyring,
    lasting: &Lasting,
    old: Option<&Snapshot>,
) -> Result<Snapshot, RunError> {
    let known = control
        .keys()?
        .into_iter()
        .filter(|row| row.revoked.is_none())
        .filter_map(|row| {
            let caller = Caller {
                name: Arc::from(row.name),
                role: CallerRole::of(&row.role)?,
                environment: Some(Arc::from(row.environment)),
            };
            Some((row.id, KnownKey { hash: row.hash, caller, expires: row.expires }))
        })
        .collect();
    let hasher = control.clone();
    let keys = Keys::new(known, Box::new(move |key| hasher.hash(key)));
    let people =
        Arc::new(People::load(control, keyring.people.clone(), keyring.prints.clone(), Remember::Unknown)?);
    let issuers = issuers(&config, &lasting.key_sets)?;
    let takes = config.environments.iter().any(|e| e.fingerprints_max.is_some());
    let taker = takes.then(|| Arc::new(Taker::new(people.clone(), keyring.fingerprints.clone())));
    Ok(Snapshot {
        routes: Routes::new(&config, &upstream_secrets(&config)?, &lasting.endpoints),
        identities: Identities::new(&config.identities),
        tokens: Tokens::new(issuers.iter().cloned()),
        fetched: issuers,
        rates: Rates::new(&config, old.map(|old| &old.rates)),
        config,
        keys,
        rules,
        people,
        taker,
    })
}

fn admin_side(
    shared: &Arc<Shared>,
    control: &Arc<Control>,
    audit: Arc<Audit>,
    records: Records,
    draining: &Arc<AtomicBool>,
    (open, counters): (Arc<AtomicU64>, Vec<Arc<ListenCounters>>),
    tokens: TokenKeys,
) -> Admin {
    let (for_metrics, for_names, draining) = (shared.clone(), shared.clone(), draining.clone());
    let (for_roles, for_notes) = (shared.clone(), shared.clone());
    let limits = shared.snapshot.load().config.search;
    Admin {
        records: Arc::new(records),
        control: control.clone(),
        audit,
        metrics: Box::new(move || {
            let stats = for_metrics.recorder.as_ref().map(Recorder::stats);
            let get = |pick: fn(&crate::record::RecordStats) -> &std::sync::atomic::AtomicU64| {
                stats.map_or(0, |s| pick(s).load(Relaxed))
            };
            let people = for_metrics.snapshot.load().people.clone();
            let mut listen = ListenTotals::default();
            counters.iter().for_each(|thread| listen.add(thread));
            let others = Others {
                connection_events: listen.events(),
                records_written: get(|s| &s.written),
                records_dropped_queue: get(|s| &s.dropped_queue),
                records_dropped_store: get(|s| &s.dropped_store),
                queue_records: get(|s| &s.queue_records),
                queue_bytes: get(|s| &s.queue_bytes),
                connections: open.load(Relaxed),
                held_bytes: for_metrics.held.in_use(),
                listed_tuples: people.listed_count() as u64,
                fingerprints: people.prints().count(),
                people_dropped: for_metrics.notebook.dropped(),
                issuers: for_metrics.snapshot.load().fetched.clone(),
                upstreams: for_metrics.snapshot.load().routes.upstreams().cloned().collect(),
                access_dropped: for_metrics.access.as_ref().map_or(0, AccessLog::dropped),
            };
            let rules = for_metrics.snapshot.load().rules.base().version.clone();
            for_metrics.metrics.text(others, &rules)
        }),
        roles: Box::new(move || for_roles.snapshot.load().config.roles.clone()),
        tokens,
        quota: Quota::new(limits),
        notes: Box::new(move || {
            let jumped = for_notes.recorder.as_ref().is_some_and(|r| r.stats().clock.has_jumped());
            jumped
                .then_some("the clock jumped by more than an hour: retention is frozen")
                .into_iter()
                .collect()
        }),
        unready: Box::new(move || draining.load(Relaxed).then_some("draining")),
        environments: Box::new(move || {
            for_names
                .snapshot
                .load()
                .config
                .environments
                .iter()
                .map(|e| (e.name.to_string(), e.flag))
                // Metadata is all that is kept there: no view depends on the flag.
                .chain([(UNRESOLVED.to_owned(), Flag::Production)])
                .collect()
        }),
    }
}

/// What differs between two configurations and can't be taken over while running.
fn needs_a_start(old: &Config, new: &Config) -> Vec<String> {
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
    differs("[search]", old.search != new.search);
    differs("[audit]", old.audit != new.audit);
    differs("[access_log]", old.access != new.access);
    differs("[records]", format!("{:?}", old.records) != format!("{:?}", new.records));
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
