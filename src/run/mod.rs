//! Running: a checked configuration to a gateway with its threads, its store and its admin side; reload and stop.

mod admin_side;
mod handover;
mod keeping;
mod lock;
mod made;
mod notify;
mod outdated;

pub use handover::handover_path;
pub(crate) use made::IMPORTED;
pub use made::missing;
pub use notify::Manager;
pub use outdated::{Outdated, outdated};

use admin_side::admin_side;
use handover::{Handover, admin_socket};
use keeping::Keeping;
use lock::Lock;
use made::{Fronts, Keyring, Lasting, fronts, needs_a_start, refreshed, seal_keys, snapshot};
use outdated::warn_of_certificates;

use crate::admin;
use crate::assets;
use crate::audit::{Audit, AuditError, Event};
use crate::background::Background;
use crate::config::{Config, JwksSource};
use crate::decide::is_mismatch;
use crate::forward::{SecretError, check_health};
use crate::gateway::{Gateway, Shared, Snapshot};
use crate::identify::{NoKeys, fetch_keys};
use crate::listen::tls::TlsError;
use crate::listen::{
    Address, HandedSocket, HeldBudget, ListenerConfig, Predecessor, StartError, Workers, check_given,
};
use crate::people::{Notebook, PrintsError};
use crate::record::{Late, Recorder, RecorderConfig};
use crate::secrets::{Secrets, SecretsError};
use crate::store::sqlite::Records;
use crate::store::wall_clock::WallClock;
use crate::store::{Control, StoreError};
use crate::telemetry::access::AccessLog;
use crate::telemetry::metrics::Metrics;
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
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
    /// The key that originals are sealed with.
    #[error("[sealing] key: {0}")]
    Sealing(String),
    /// Rules files and assets.
    #[error("rules or assets can't be taken: {}", .0.join("; "))]
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
    #[error("listener `{listener}`, tls: {error}")]
    Tls {
        /// Its name.
        listener: Arc<str>,
        /// What is wrong.
        error: TlsError,
    },
    /// The file of the access log.
    #[error("[access_log] file: {path} can't be opened: {kind}")]
    AccessLog {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: std::io::ErrorKind,
    },
    /// Another gateway runs on the same data folder.
    #[error(
        "a gateway runs on {0} already: `--take-over` puts this one in its place, and a second one needs a data folder of its own"
    )]
    Running(PathBuf),
    /// The admin listener, or a thread.
    #[error("{what}: {kind}")]
    Io {
        /// What was wanted.
        what: String,
        /// The system's word for why.
        kind: std::io::ErrorKind,
    },
}

impl RunError {
    /// Whether what can't be written has no room: a full disk, a quota, or the limit on a file's size.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let no_room = |kind: &std::io::ErrorKind| matches!(kind, StorageFull | QuotaExceeded | FileTooLarge);
        match self {
            Self::Store(error) => error.is_no_space(),
            Self::Audit(AuditError::File(kind)) | Self::Io { kind, .. } => no_room(kind),
            _ => false,
        }
    }

    /// Whether it is of what the configuration leads to: files, variables, commands. [`missing`] tells them all.
    #[must_use]
    pub fn is_of_the_configuration(&self) -> bool {
        matches!(
            self,
            Self::Sealing(_)
                | Self::UpstreamTls { .. }
                | Self::Secret { .. }
                | Self::Jwks { .. }
                | Self::Tls { .. }
                | Self::AccessLog { .. }
                | Self::Secrets(SecretsError::File { .. })
        )
    }
}

/// A running gateway.
pub struct Running {
    shared: Arc<Shared>,
    control: Arc<Control>,
    audit: Arc<Audit>,
    addresses: Vec<(Arc<str>, Address)>,
    fronts: Fronts,
    workers: Workers,
    admin: admin::Running,
    writer: Option<std::thread::JoinHandle<()>>,
    people_writer: std::thread::JoinHandle<()>,
    keyring: Keyring,
    lasting: Lasting,
    keeping: Keeping,
    fetcher: Background,
    checker: Background,
    handover: Handover,
    draining: Arc<AtomicBool>,
    /// Until it is dropped the data folder is this process's.
    lock: Lock,
    /// The control file as it was last taken over whole.
    seen: (i64, i64),
    /// What kept it from that at the last try.
    left: Option<Left>,
}

/// What of the control file isn't taken over yet.
struct Left {
    /// Which state of it.
    version: Option<(i64, i64)>,
    why: String,
    /// When the next try is due.
    again: Instant,
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
    pub fn start_after(config: Config, before: Option<Predecessor>) -> Result<Self, RunError> {
        Self::start_on(config, before, Vec::new())
    }

    /// The same on listening sockets that a service manager opened, as far as it did.
    ///
    /// # Errors
    /// [`RunError`]; nothing runs then.
    pub fn start_on(
        config: Config,
        before: Option<Predecessor>,
        given: Vec<HandedSocket>,
    ) -> Result<Self, RunError> {
        check_given(&given, config.listeners.iter().map(|l| (&*l.name, &l.address)))?;
        let (before, mut handed) = match before {
            Some(mut before) => {
                let sockets = std::mem::take(&mut before.sockets);
                (Some(before), sockets)
            }
            None => (None, Vec::new()),
        };
        // The process before had the same ones.
        handed.retain(|socket| given.iter().all(|given| given.name != socket.name));
        handed.extend(given);
        let io = |what: &str| {
            let what = what.to_owned();
            move |e: std::io::Error| RunError::Io { what, kind: e.kind() }
        };
        // What is wrong with the file's rules is told before anything is made.
        assets::apply(&config, &[]).map_err(RunError::Rules)?;
        let seals = seal_keys(&config)?;
        let secrets = Secrets::open_or_create(&config.data_dir)?;
        let lock = Lock::take(&config.data_dir, &mut handed)?;
        let control = Arc::new(Control::open(&config.data_dir, secrets.pepper.clone())?);
        let audit = Arc::new(
            Audit::open_keeping(&config.data_dir, secrets.audit.clone(), config.audit.clone())
                .map_err(RunError::Audit)?,
        );
        audit.expect(&control.audit_known()?).map_err(RunError::Audit)?;
        control.set("people_max", i64::try_from(config.registry.people_max).unwrap_or(i64::MAX))?;
        let (keyring, prints) = Keyring::open(&config, &control, &secrets)?;
        let (notebook, people_writer) =
            Notebook::start(control.clone(), prints).map_err(io("the people thread can't start"))?;
        let records = Records::new(&config.data_dir, config.records.keep.clone());
        let clock = Arc::new(WallClock::start(&config.data_dir));
        let keeping = Keeping::new(&config, (clock.clone(), audit.clone()), &control, &records)?;
        let metrics = Metrics::default();
        let names: Vec<Arc<str>> = config.environments.iter().map(|e| e.name.clone()).collect();
        let (recorder, writer) = if config.records.enabled {
            let limits = RecorderConfig {
                queue_records_max: config.records.queue_records_max,
                queue_bytes_max: config.records.queue_bytes_max,
            };
            let cells = metrics.thread(&names);
            let taken = notebook.clone();
            let late = Box::new(move |environment: &str, late: &Late| {
                for findings in [&late.request, &late.reply].into_iter().flatten() {
                    let mismatch = late.flag.is_some_and(|flag| is_mismatch(findings, flag));
                    cells.inspected(environment, false, findings, mismatch);
                }
                // Fingerprints are those of people that requests bring.
                let people = late.request.iter().flat_map(|findings| &findings.persons);
                people.for_each(|person| taken.take(&person.tags));
            });
            let (recorder, thread) =
                Recorder::start(limits, records.writer(), secrets.tokens.clone(), clock.clone(), late)
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
        let snapshot = snapshot(Arc::new(config), &control, &keyring, &lasting, None)?;
        warn_of_certificates(&fronts, &snapshot);
        metrics.config_current.store(1, Relaxed);
        metrics.control_current.store(1, Relaxed);
        metrics.keys.store(snapshot.keys.count() as u64, Relaxed);
        let access = access.as_ref().map(|settings| {
            AccessLog::start(settings)
                .map_err(|e| RunError::AccessLog { path: settings.file.clone(), kind: e.kind() })
        });
        let access = access.transpose()?;
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            recorder,
            seals,
            access,
            notebook,
            metrics,
            held: HeldBudget::new(held_bytes_max),
            scans: Arc::new(Semaphore::new(threads)),
        });
        tell_rules(&audit, None, &shared.snapshot.load())?;
        let asked = shared.clone();
        let checker = check_health(move || asked.snapshot.load().routes.upstreams().cloned().collect())
            .map_err(io("the thread of health checks can't start"))?;
        let asked = shared.clone();
        let fetcher = fetch_keys(move || asked.snapshot.load().fetched.clone())
            .map_err(io("the thread that fetches keys can't start"))?;
        let draining = Arc::new(AtomicBool::new(false));
        let data = shared.clone();
        let admin_socket = admin_socket(admin_address, &mut handed)
            .map_err(io(&format!("the admin listener can't listen on {admin_address}")))?;
        let (workers, mut sockets) =
            Workers::start(listeners, threads, handed, move |_| Gateway::new(data.clone()))?;
        sockets
            .push(handover::admin_copy(&admin_socket).map_err(io("the admin listener can't be handed on"))?);
        let addresses = names.into_iter().zip(workers.local_addrs().iter().cloned()).collect();
        let connections = (workers.open_connections(), workers.counters().to_vec(), workers.pulse());
        let admin_listens = admin_socket.local_addr().map_err(io("the admin listener has no address"))?;
        let own = workers.local_addrs().iter().filter_map(Address::tcp).chain([admin_listens]);
        lasting.endpoints.listening.on(own.collect());
        // How long a break-glass still had isn't known any more.
        control.end_all_glass(i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(0))?;
        let admin = admin::start(
            admin_socket,
            admin_side(
                &shared,
                &control,
                (audit.clone(), clock),
                records,
                &draining,
                connections,
                (secrets.tokens, admin_listens, fronts.clone()),
            ),
        )
        .map_err(io("the admin thread can't start"))?;
        if before.is_some_and(|before| before.release().is_err()) {
            tracing::warn!("The process before ended before this one served.");
        }
        sockets.extend(lock.copy());
        let handover = Handover::wait(handover, sockets.into());
        keeping.tidy();
        Ok(Self {
            shared,
            control,
            audit,
            addresses,
            fronts,
            workers,
            admin,
            writer,
            people_writer,
            keyring,
            lasting,
            keeping,
            fetcher,
            checker,
            handover,
            draining,
            lock,
            seen,
            left: None,
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

    /// Every file that the running configuration is read from, beside its own: certificates, keys and rules.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        files_of(&self.shared.snapshot.load().config)
    }

    /// Opens the access log anew before its next line.
    pub fn reopen_access_log(&self) {
        if let Some(access) = &self.shared.access {
            access.reopen();
        }
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
            self.missed_reload();
            problems
        };
        let mut config =
            Config::parse(text).map_err(|p| refuse(p.iter().map(ToString::to_string).collect()))?;
        let old = self.shared.snapshot.load();
        config.folder.clone_from(&old.base.folder);
        let needs_start = needs_a_start(&old.base, &config);
        if !needs_start.is_empty() {
            return Err(refuse(needs_start));
        }
        let fresh = fronts(&config).map_err(|e| refuse(vec![e.to_string()]))?;
        let snapshot = snapshot(Arc::new(config), &self.control, &self.keyring, &self.lasting, Some(&old));
        let snapshot = snapshot.map_err(|error| match error {
            RunError::Rules(problems) => refuse(problems),
            error => refuse(vec![error.to_string()]),
        })?;
        // Which rules judge is what an auditor asks: told before they do.
        tell_rules(&self.audit, Some(&old), &snapshot).map_err(|e| refuse(vec![e.to_string()]))?;
        for (name, front) in &self.fronts {
            if let Some((_, fresh)) = fresh.iter().find(|(other, _)| other == name) {
                front.take_over(fresh);
            }
        }
        warn_of_certificates(&self.fronts, &snapshot);
        self.shared.metrics.keys.store(snapshot.keys.count() as u64, Relaxed);
        self.shared.snapshot.store(Arc::new(snapshot));
        self.lasting.endpoints.tidy();
        self.reopen_access_log();
        self.shared.metrics.reloads.fetch_add(1, Relaxed);
        self.shared.metrics.config_current.store(1, Relaxed);
        Ok(())
    }

    /// Counts a configuration that is not taken over, as one whose file can't be read: the running one stays.
    pub fn missed_reload(&self) {
        self.shared.metrics.reload_failures.fetch_add(1, Relaxed);
        self.shared.metrics.config_current.store(0, Relaxed);
    }

    /// Takes over what a command or the API changed since the last look: keys, people, suppressions, sealing, assets. Cheap
    /// where nothing did. What can't be taken over is tried again at the next call; it shows in
    /// `phigate_control_current`, and is told once.
    pub fn refresh_keys(&mut self) {
        let version = self.control.version();
        match (&version, &self.left) {
            (Ok(version), None) if *version == self.seen => return,
            (Ok(version), Some(left)) if left.version == Some(*version) && Instant::now() < left.again => {
                return;
            }
            _ => {}
        }
        self.refresh(version);
    }

    /// The same, whether something changed or not.
    pub fn refresh_keys_now(&mut self) {
        self.refresh(self.control.version());
    }

    fn refresh(&mut self, version: Result<(i64, i64), StoreError>) {
        let begun = Instant::now();
        // Commands write their events down, and know of no anchor: control.db tells that one did.
        if let Err(error) = self.audit.anchor_others() {
            tracing::error!(error = %error, "What commands wrote into the audit can't be anchored.");
        }
        let known = version.as_ref().ok().copied();
        let (mut pause, mut problems) = (Duration::ZERO, Vec::new());
        match version.map_err(RunError::from).and_then(|_| self.take_keys()) {
            Ok(()) => {
                problems.extend(self.take_rest());
                pause = begun.elapsed() * PAUSE_TIMES;
            }
            Err(error) => problems.push(error.to_string()),
        }
        let why = problems.join("; ");
        self.shared.metrics.control_current.store(u64::from(why.is_empty()), Relaxed);
        let before = self.left.take();
        if why.is_empty() {
            self.seen = known.unwrap_or(self.seen);
            tracing::info!("Keys, registry and assets were read anew.");
            return;
        }
        if before.is_none_or(|before| before.why != why) {
            tracing::error!(
                error = why,
                "What was changed isn't all taken over: the old stays, and it is tried again."
            );
        }
        self.left = Some(Left { version: known, why, again: Instant::now() + pause });
    }

    /// Keys, people, suppressions, sealing: of the control file alone.
    fn take_keys(&self) -> Result<(), RunError> {
        let old = self.shared.snapshot.load();
        self.take(refreshed(&old, &self.control, &self.keyring, &self.lasting)?);
        Ok(())
    }

    /// What files are read for: imported fingerprints, and assets that changed. Gives what can't be.
    fn take_rest(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let old = self.shared.snapshot.load_full();
        match self.keyring.refresh(&old.base, &self.control) {
            Ok(false) => {}
            Ok(true) => problems.extend(self.take_keys().err().map(|e| e.to_string())),
            Err(error) => problems.push(error.to_string()),
        }
        let (control, keyring) = (&self.control, &self.keyring);
        match control.assets_made() {
            Ok(made) if made == old.assets_made => {}
            Ok(_) => match snapshot(old.base.clone(), control, keyring, &self.lasting, Some(&old)) {
                Ok(snapshot) => self.take(snapshot),
                Err(error) => problems.push(error.to_string()),
            },
            Err(error) => problems.push(error.to_string()),
        }
        problems
    }

    fn take(&self, snapshot: Snapshot) {
        self.shared.metrics.keys.store(snapshot.keys.count() as u64, Relaxed);
        self.shared.snapshot.store(Arc::new(snapshot));
    }

    /// Waits until another process serves in place of this one.
    pub async fn released(&self) {
        self.handover.released().await;
    }

    /// Looks at what nobody tells: whether other processes listen on ports of ours, counted and said when there are more.
    /// Has rates forget callers that are long gone, and removes what is past its retention while the clock is right.
    pub fn look_around(&self) {
        self.shared.snapshot.load().rates.tidy();
        self.keeping.tidy();
        let found = self.handover.foreign_listeners();
        let before = self.shared.metrics.foreign_listeners.swap(found, Relaxed);
        if found > before {
            tracing::error!(
                sockets = found,
                "Another process listens on a port of this one, and gets a share of its connections."
            );
        }
    }

    /// How long a data thread has taken no turn, the longest: [`Pulse::owed`](crate::listen::Pulse::owed).
    #[must_use]
    pub fn owed(&self) -> Duration {
        self.workers.pulse().owed()
    }

    /// Stops: unready at once, connections drained, records written. Gives how many connections were cut.
    #[must_use]
    pub fn stop(self) -> u64 {
        self.draining.store(true, Relaxed);
        // Where another process serves, the admin side is its own at once.
        let admin = (!self.handover.is_released()).then_some(self.admin);
        // The data folder, too: should the next one end while this one drains, a third may start.
        let lock = (!self.handover.is_released()).then_some(self.lock);
        drop(self.handover); // with its copies of the sockets, or they would go on listening
        self.checker.stop();
        self.fetcher.stop();
        let cut = self.workers.drain();
        self.keeping.remember();
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
        drop((admin, lock));
        cut
    }
}

/// Every file that a configuration is read from, beside its own: certificates, keys and rules.
#[must_use]
pub fn files_of(config: &Config) -> Vec<PathBuf> {
    let listeners = config.listeners.iter().filter_map(|l| l.tls.as_ref()).flat_map(|tls| tls.files());
    let upstreams = config.connections.iter().flat_map(|c| {
        let secrets = c.secret_headers.iter().filter_map(|(_, secret)| secret.file());
        c.tls.iter().flat_map(|tls| tls.files()).chain(secrets)
    });
    let jwks = config.issuers.iter().filter_map(|i| match &i.jwks {
        JwksSource::File(path) => Some(config.folder.join(path)),
        JwksSource::Url(_) => None,
    });
    let rules = config.rule_files().into_iter().flat_map(|path| {
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        inside.sort_unstable();
        inside.insert(0, path);
        inside
    });
    listeners.chain(upstreams).map(Path::to_owned).chain(jwks).chain(rules).collect()
}

/// Writes down which rules judge from now on in each environment, where that is new.
fn tell_rules(audit: &Audit, old: Option<&Snapshot>, new: &Snapshot) -> Result<(), RunError> {
    for environment in &new.config.environments {
        let rules = &new.rules.of(Some(&environment.name)).version;
        let before = old.map(|old| old.rules.of(Some(&environment.name)).version.as_str());
        if before == Some(rules) {
            continue;
        }
        let event = Event {
            time: crate::clock::rfc3339(crate::clock::unix_ms()),
            principal: "configuration file",
            action: if before.is_some() { "change_rules" } else { "start" },
            environment: &environment.name,
            object: before.unwrap_or(env!("CARGO_PKG_VERSION")),
            decision: "allowed",
            rule_set: rules,
            ..Event::default()
        };
        audit.write(&event).map_err(RunError::Audit)?;
    }
    Ok(())
}

/// Before assets that can't be taken over are tried again, so many times as long as the try took passes: rules that are
/// compiled in vain at each look would keep a core busy.
const PAUSE_TIMES: u32 = 4;
