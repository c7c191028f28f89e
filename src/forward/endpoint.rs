//! One place that takes an upstream's messages, and what is known of it: whether it answers, and where its name leads.
//!
//! What all threads share of it is read on a message's way and written off it: when a check's verdict changes, when it
//! fails, when its name is looked up anew. It outlives reloads as long as its connection names it.

use super::{Listening, UpstreamTls, address_of};
use arc_swap::ArcSwapOption;
use http::HeaderValue;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Host, port and weight of one of an upstream's endpoints.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Its share of the messages, beside the others' weights. 1 to 100.
    pub weight: u16,
    /// What a handshake with it takes; `None`: plain.
    pub tls: Option<Arc<UpstreamTls>>,
    /// What all threads know of it.
    pub state: Arc<EndpointState>,
    address: Option<IpAddr>,
    host_value: Option<HeaderValue>,
}

impl Endpoint {
    /// One of weight 1 that nothing is known of.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16, tls: Option<Arc<UpstreamTls>>) -> Self {
        let host = host.into();
        let mut endpoint = Self {
            address: address_of(&host),
            host,
            port,
            weight: 1,
            tls,
            state: Arc::default(),
            host_value: None,
        };
        endpoint.host_value = HeaderValue::try_from(endpoint.authority()).ok();
        endpoint
    }

    /// `host:port` as in a `Host` header: brackets around IPv6, no port where it is the scheme's.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.tls.is_some() { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// The same as a header's value.
    pub(super) fn host_value(&self) -> Option<&HeaderValue> {
        self.host_value.as_ref()
    }

    /// Whether its host is an address, in whatever spelling: nobody is asked where it leads.
    pub(super) fn is_address(&self) -> bool {
        self.address.is_some()
    }

    /// Whether `other` is reached in the same way: connections to the one serve the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.host == other.host
            && self.port == other.port
            && self.tls.as_ref().map(Arc::as_ptr) == other.tls.as_ref().map(Arc::as_ptr)
    }

    /// Where to connect to, the next one first: a name's addresses as they were when it was last looked up. Where that was
    /// more than twice `refresh` ago, as before a quiet night, it is waited for so long to be looked up anew: by now
    /// somebody else may have the old ones.
    pub(super) async fn addresses(&self, refresh: Duration, wait: Duration) -> Vec<SocketAddr> {
        if let Some(address) = self.address {
            return vec![SocketAddr::new(address, self.port)];
        }
        let age = self.state.resolved.load().as_ref().map(|known| known.at.elapsed());
        let mut addresses = match age {
            None => self.look_up().await,
            Some(age) => {
                if age >= refresh * 2 {
                    self.refresh(refresh);
                    let _ = timeout(wait, self.state.looked_up()).await; // the old ones are better than none
                }
                self.state.known()
            }
        };
        if !addresses.is_empty() {
            let first = self.state.turn.fetch_add(1, Relaxed) as usize % addresses.len();
            addresses.rotate_left(first);
        }
        addresses
    }

    /// Looks a name up anew, off the message's way, where the last look is older than that.
    pub(super) fn refresh(&self, after: Duration) {
        if self.address.is_some()
            || self.state.resolved.load().as_ref().is_none_or(|r| r.at.elapsed() < after)
            || self.state.is_resolving.swap(true, Relaxed)
        {
            return;
        }
        let endpoint = self.clone();
        tokio::task::spawn_local(async move {
            endpoint.look_up().await;
            endpoint.state.is_resolving.store(false, Release);
            endpoint.state.looked.notify_waiters();
        });
    }

    /// Begins to look its name up, where nobody did before; gives what to wait for as long as that goes on. Later, where it
    /// led nowhere, it is looked up again now and then, and nobody waits.
    pub(super) fn first_look(&self) -> Option<FirstLook> {
        let state = &self.state;
        if let Some(look) = state.begin_first_look() {
            self.look_beside();
            return Some(look);
        }
        if state.first_look.load(Acquire) == ASKING {
            return Some(FirstLook(state.clone()));
        }
        if state.resolved.load().is_none() && now_ms() >= state.look_again_ms.load(Relaxed) {
            self.look_beside();
        }
        None
    }

    /// Looks its name up on a task of its own, unless one is at it.
    fn look_beside(&self) {
        if self.state.is_resolving.swap(true, Relaxed) {
            return;
        }
        let endpoint = self.clone();
        tokio::spawn(async move {
            endpoint.look_up().await;
            let state = &endpoint.state;
            state.look_again_ms.store(now_ms() + LOOK_AGAIN_MS, Relaxed);
            state.is_resolving.store(false, Relaxed);
            state.first_look.store(OVER, Release);
            state.looked.notify_waiters();
        });
    }

    /// Asks the system's resolver. Where it has no answer the old one stays, and that is counted.
    async fn look_up(&self) -> Vec<SocketAddr> {
        let found: Vec<SocketAddr> = match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => found.collect(),
            Err(_) => Vec::new(),
        };
        if found.is_empty() {
            self.state.lookup_failures.fetch_add(1, Relaxed);
            // Not asked again by each message that comes meanwhile.
            let known = self.state.resolved.load().as_ref().map(|known| known.addresses.clone());
            if let Some(known) = known {
                self.state.resolved_to(known.clone());
                return known;
            }
        } else {
            self.state.resolved_to(found.clone());
        }
        found
    }
}

/// What all threads know of an endpoint.
#[derive(Debug, Default)]
pub struct EndpointState {
    /// Checks say that it doesn't answer.
    is_unhealthy: AtomicBool,
    /// Failures in a row.
    failures: AtomicU32,
    /// Milliseconds of [`now_ms`] until which it gets no messages; 0: none.
    ejected_until_ms: AtomicU64,
    /// How often it was ejected without a long good time between: each time is longer.
    ejections_in_a_row: AtomicU32,
    /// Ejections so far.
    pub ejections: AtomicU64,
    /// Checks that failed.
    pub check_failures: AtomicU64,
    /// Look-ups of its name that gave nothing.
    pub lookup_failures: AtomicU64,
    turn: AtomicU32,
    is_resolving: AtomicBool,
    resolved: ArcSwapOption<Resolved>,
    /// [`NOBODY_ASKED`], [`ASKING`], [`OVER`].
    first_look: AtomicU8,
    looked: Notify,
    /// When a name that led nowhere is looked up again, in milliseconds of [`now_ms`].
    look_again_ms: AtomicU64,
}

/// The first look-up of a name, while it goes on.
pub(super) struct FirstLook(Arc<EndpointState>);

impl FirstLook {
    /// Waits for its end.
    pub(super) async fn done(&self) {
        let mut looked = pin!(self.0.looked.notified());
        looked.as_mut().enable(); // before it is asked whether it is over: that may come between
        if self.0.first_look.load(Acquire) == ASKING {
            looked.await;
        }
    }

    /// Nobody waits for it any longer.
    pub(super) fn give_up(&self) {
        self.0.first_look.store(OVER, Release);
        self.0.looked.notify_waiters();
    }
}

/// Where a name led, and when it was asked.
#[derive(Debug)]
struct Resolved {
    at: Instant,
    addresses: Vec<SocketAddr>,
}

/// When an endpoint that keeps failing gets no more messages, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// Failures in a row: no connection, no reply in time, none that is HTTP, one that breaks off, 502, 503, 504. 0: never ejected.
    pub failures: u32,
    /// For how long at first; n times as long at the n-th time in a row, 10 times at most. Milliseconds.
    pub base_ms: u64,
    /// Of all endpoints of the upstream, so many at most are out at a time. Percent.
    pub percent_max: u64,
}

impl Default for Ejection {
    fn default() -> Self {
        Self { failures: 5, base_ms: 30_000, percent_max: 50 }
    }
}

impl EndpointState {
    /// Whether it gets messages.
    #[must_use]
    pub fn is_available(&self) -> bool {
        !self.is_unhealthy() && !self.is_ejected()
    }

    /// Whether checks say that it doesn't answer.
    #[must_use]
    pub fn is_unhealthy(&self) -> bool {
        self.is_unhealthy.load(Relaxed)
    }

    /// Whether it is out, as it kept failing.
    #[must_use]
    pub fn is_ejected(&self) -> bool {
        let until = self.ejected_until_ms.load(Relaxed);
        until != 0 && now_ms() < until
    }

    /// Takes a check's verdict; gives whether it is another than before.
    pub(super) fn checked(&self, is_healthy: bool) -> bool {
        if is_healthy {
            self.failures.store(0, Relaxed);
            self.ejected_until_ms.store(0, Relaxed);
        }
        self.is_unhealthy.swap(!is_healthy, Relaxed) == is_healthy
    }

    /// Whether checks are made at all: without them it counts as well.
    pub fn is_asked(&self, is_asked: bool) {
        if !is_asked {
            self.is_unhealthy.store(false, Relaxed);
        }
    }

    pub(super) fn succeeded(&self) {
        // Read first: the line stays shared between the threads while all is well.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    /// Counts a failure; gives whether that ejects it. `others` are all endpoints of its upstream.
    pub(super) fn failed(&self, ejection: Ejection, others: &[Endpoint]) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed) + 1;
        if ejection.failures == 0 || failures < ejection.failures || self.is_ejected() {
            return false;
        }
        let out = others.iter().filter(|e| e.state.is_ejected()).count() as u64 + 1;
        if out * 100 > ejection.percent_max * others.len() as u64 {
            return false;
        }
        let (now, last) = (now_ms(), self.ejected_until_ms.load(Relaxed));
        let row = self.ejections_in_a_row.load(Relaxed);
        let long_good = ejection.base_ms.saturating_mul(EJECTION_TIMES_MAX.into());
        let row = if now > last.saturating_add(long_good) { 1 } else { (row + 1).min(EJECTION_TIMES_MAX) };
        self.ejections_in_a_row.store(row, Relaxed);
        self.ejected_until_ms.store(now + ejection.base_ms.saturating_mul(row.into()), Relaxed);
        self.failures.store(0, Relaxed);
        self.ejections.fetch_add(1, Relaxed);
        true
    }

    /// Whether a connection to that address is still where the name leads.
    pub(super) fn leads_to(&self, address: SocketAddr) -> bool {
        self.resolved.load().as_ref().is_none_or(|r| r.addresses.contains(&address))
    }

    /// Waits for the end of a look-up that is going on.
    async fn looked_up(&self) {
        loop {
            let mut looked = pin!(self.looked.notified());
            looked.as_mut().enable(); // before it is asked whether it is over: that may come between
            if !self.is_resolving.load(Acquire) {
                return;
            }
            looked.await;
        }
    }

    /// Where its name led when it was last looked up.
    pub(super) fn known(&self) -> Vec<SocketAddr> {
        self.resolved.load().as_ref().map(|known| known.addresses.clone()).unwrap_or_default()
    }

    /// Whether it is this caller that begins to look the name up.
    pub(super) fn begin_first_look(self: &Arc<Self>) -> Option<FirstLook> {
        let began = self.first_look.compare_exchange(NOBODY_ASKED, ASKING, AcqRel, Acquire);
        began.is_ok().then(|| FirstLook(self.clone()))
    }

    pub(super) fn resolved_to(&self, addresses: Vec<SocketAddr>) {
        if self.known() != addresses {
            MOVES.fetch_add(1, Relaxed);
        }
        self.resolved.store(Some(Arc::new(Resolved { at: Instant::now(), addresses })));
    }
}

/// The states of all endpoints, by connection and authority, across reloads.
#[derive(Debug, Default)]
pub struct EndpointStates {
    all: Mutex<HashMap<EndpointKey, Arc<EndpointState>>>,
    in_flight: Mutex<HashMap<Arc<str>, Arc<AtomicU32>>>,
    /// Where this process listens: no endpoint is there.
    pub listening: Arc<Listening>,
}

/// Connection and authority.
type EndpointKey = (Arc<str>, String);

impl EndpointStates {
    /// The state of an endpoint, a new one where there is none.
    #[must_use]
    pub fn of(&self, connection: &Arc<str>, authority: String) -> Arc<EndpointState> {
        let mut states = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        states.entry((connection.clone(), authority)).or_default().clone()
    }

    /// How many messages of a connection are on their way to its upstream.
    #[must_use]
    pub fn in_flight(&self, connection: &Arc<str>) -> Arc<AtomicU32> {
        let mut counts = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        counts.entry(connection.clone()).or_default().clone()
    }

    /// Forgets those that nothing refers to any more.
    pub fn tidy(&self) {
        let mut states = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|_, state| Arc::strong_count(state) > 1);
        let mut counts = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, count| Arc::strong_count(count) > 1);
    }
}

/// Milliseconds since the process began to ask, from 1: no clock that is set moves it.
fn now_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

/// How often any name led elsewhere than before: what connections were held against may be another environment's by then.
pub(super) static MOVES: AtomicU64 = AtomicU64::new(0);

const EJECTION_TIMES_MAX: u32 = 10;
/// Between two looks at a name that led nowhere.
const LOOK_AGAIN_MS: u64 = 30_000;

const NOBODY_ASKED: u8 = 0;
const ASKING: u8 = 1;
const OVER: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<Endpoint> {
        (1..=3).map(|port| Endpoint::new("127.0.0.1", port, None)).collect()
    }

    #[test]
    fn what_keeps_failing_is_out_and_never_more_than_the_share_of_all() {
        let endpoints = three();
        let ejection = Ejection { failures: 3, base_ms: 60_000, percent_max: 50 };
        let fail =
            |at: usize| (0..3).map(|_| endpoints[at].state.failed(ejection, &endpoints)).collect::<Vec<_>>();
        assert_eq!(fail(0), [false, false, true]);
        assert!(!endpoints[0].state.is_available());
        assert_eq!(fail(1), [false; 3], "one of three is 33 %, two would be 67 %");
        assert!(endpoints[1].state.is_available());
        assert_eq!(endpoints[0].state.ejections.load(Relaxed), 1);
    }

    #[test]
    fn a_success_between_starts_the_count_anew_and_a_time_of_zero_never_ejects() {
        let endpoints = three();
        let ejection = Ejection { failures: 2, ..Ejection::default() };
        assert!(!endpoints[0].state.failed(ejection, &endpoints));
        endpoints[0].state.succeeded();
        assert!(!endpoints[0].state.failed(ejection, &endpoints));
        let never = Ejection { failures: 0, ..ejection };
        assert!(!(0..20).any(|_| endpoints[2].state.failed(never, &endpoints)));
    }

    #[test]
    fn an_ejection_ends_by_itself_or_by_a_good_check() {
        let endpoints = three();
        let short = Ejection { failures: 1, base_ms: 0, percent_max: 100 };
        assert!(endpoints[0].state.failed(short, &endpoints));
        assert!(endpoints[0].state.is_available());
        let long = Ejection { base_ms: 60_000, ..short };
        assert!(endpoints[1].state.failed(long, &endpoints));
        assert!(!endpoints[1].state.is_available());
        endpoints[1].state.checked(true);
        assert!(endpoints[1].state.is_available());
    }

    #[tokio::test]
    async fn addresses_that_are_too_old_are_looked_up_before_they_are_used() {
        let in_test = async {
            let endpoint = Endpoint::new("localhost", 4711, None);
            let old = vec![SocketAddr::from(([192, 0, 2, 1], 4711))];
            endpoint.state.resolved_to(old.clone());
            let wait = Duration::from_secs(60);
            assert_eq!(endpoint.addresses(Duration::from_secs(600), wait).await, old);
            let new = endpoint.addresses(Duration::ZERO, wait).await;
            assert!(!new.is_empty() && new.iter().all(|address| address.ip().is_loopback()));
            // A look-up that hangs is waited for so long, and then the old ones are used.
            endpoint.state.resolved_to(old.clone());
            endpoint.state.is_resolving.store(true, Relaxed);
            assert_eq!(endpoint.addresses(Duration::ZERO, Duration::from_millis(5)).await, old);
        };
        tokio::task::LocalSet::new().run_until(in_test).await;
    }

    #[test]
    fn a_check_tells_when_its_verdict_changes() {
        let state = EndpointState::default();
        assert_eq!(
            [true, false, false, true].map(|verdict| state.checked(verdict)),
            [false, true, false, true]
        );
    }

    #[test]
    fn states_outlive_those_who_ask_for_them_until_tidied() {
        let states = EndpointStates::default();
        let name: Arc<str> = Arc::from("ehr");
        let first = states.of(&name, "a:1".to_owned());
        assert!(Arc::ptr_eq(&first, &states.of(&name, "a:1".to_owned())));
        drop(first);
        states.tidy();
        assert!(states.all.lock().expect("no panic").is_empty());
    }
}
