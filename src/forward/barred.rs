//! Where no connection of ours may lead: our own listeners, and what belongs to another environment. The configuration is
//! checked for it by how hosts are written; where a name leads is known only when it is connected to.

use super::Endpoint;
use super::endpoint::FirstLook;
use super::host::Host;
use arc_swap::ArcSwap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Addresses that this process listens on, the admin side's among them; empty until it does.
#[derive(Debug, Default)]
pub struct Listening(ArcSwap<Vec<SocketAddr>>);

impl Listening {
    /// From now on these.
    pub fn on(&self, addresses: Vec<SocketAddr>) {
        self.0.store(Arc::new(addresses));
    }
}

/// What an upstream must not lead to. Asked once for each connection that is opened, in a time linear in the endpoints of
/// other environments.
#[derive(Debug, Clone, Default)]
pub struct Barred {
    here: Arc<Listening>,
    others: Arc<[(Host, Endpoint)]>,
}

impl Barred {
    /// Our listeners, and the endpoints of the other environments.
    #[must_use]
    pub fn new(here: Arc<Listening>, others: impl IntoIterator<Item = Endpoint>) -> Self {
        let others = others.into_iter().map(|other| (Host::of(&other.host), other)).collect();
        Self { here, others }
    }

    /// Looks up the names of other environments that nobody asked for yet, where `endpoint` is held against them: otherwise
    /// it would lead there until their first message. Waited for once in a process, for all at a time and not for long:
    /// what another environment's names lead to, or that nobody answers for them, holds up no message of this one. Names
    /// without an answer are asked for again beside the messages.
    pub(super) async fn prepare(&self, endpoint: &Endpoint) {
        if !endpoint.is_address() {
            return;
        }
        let unknown = |other: &&(Host, Endpoint)| {
            other.1.port == endpoint.port && !other.1.is_address() && other.1.state.known().is_empty()
        };
        let looks: Vec<_> =
            self.others.iter().filter(unknown).filter_map(|(_, other)| other.first_look()).collect();
        if !looks.is_empty() {
            let all = async {
                for look in &looks {
                    look.done().await;
                }
            };
            if timeout(LOOK_UP_TIME_MAX, all).await.is_err() {
                // A name that leads nowhere belongs to nobody's upstream; where it leads somewhere later, connections are
                // held against that then.
                looks.iter().for_each(FirstLook::give_up);
            }
        }
    }

    /// Whether both were made at once: they bar the same then.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.others, &other.others)
    }

    /// Whether this address is one of them. What another environment names by address is its own; a name may share its
    /// address with others, as behind one load balancer, and is held against `endpoint` only where that is an address.
    pub(super) fn holds(&self, address: SocketAddr, endpoint: &Endpoint) -> bool {
        if self.here.0.load().iter().any(|own| listens_at(*own, address)) {
            return true;
        }
        let host = Host::at(address.ip());
        let leads_there =
            |other: &Endpoint| other.state.known().iter().any(|known| Host::at(known.ip()) == host);
        let mut others = self.others.iter().filter(|(_, other)| other.port == address.port());
        others.any(|(theirs, other)| *theirs == host || endpoint.is_address() && leads_there(other))
    }

    /// The same of a connection that stands: an address of this machine leads to what listens on all of them.
    pub(super) fn holds_stream(&self, stream: &TcpStream, address: SocketAddr, endpoint: &Endpoint) -> bool {
        let port = address.port();
        let concerns = self.others.iter().any(|(_, other)| other.port == port)
            || self.here.0.load().iter().any(|own| own.port() == port && own.ip().is_unspecified());
        let is_here = || stream.local_addr().is_ok_and(|own| Host::at(own.ip()) == Host::at(address.ip()));
        let loopback = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port);
        concerns && is_here() && self.holds(loopback, endpoint)
    }
}

/// Whether who connects to `address` gets to a socket that listens at `own`.
#[must_use]
pub fn listens_at(own: SocketAddr, address: SocketAddr) -> bool {
    let (own_ip, ip) = (own.ip().to_canonical(), address.ip().to_canonical());
    own.port() == address.port()
        && match own_ip.is_unspecified() {
            true => Host::at(ip) == Host::Loopback,
            // Whoever connects to no address in particular gets to the loopback address.
            false => own_ip == ip || ip.is_unspecified() && own_ip.is_loopback(),
        }
}

/// For all names of other environments together, before the first connection is opened.
const LOOK_UP_TIME_MAX: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn a_name_that_nobody_asked_for_yet_is_looked_up_before_an_address_is_connected_to() {
        let ours = Endpoint::new("127.0.0.1", 443, None);
        let other = Barred::new(Arc::new(Listening::default()), [Endpoint::new("localhost", 8443, None)]);
        other.prepare(&ours).await;
        assert!(other.others.iter().all(|(_, other)| other.state.known().is_empty()), "another port");
        let cold = Barred::new(Arc::new(Listening::default()), [Endpoint::new("localhost", 443, None)]);
        cold.prepare(&ours).await;
        assert!(cold.others.iter().all(|(_, other)| !other.state.known().is_empty()));
    }

    #[tokio::test]
    async fn names_that_nobody_answers_for_are_waited_for_once_and_together() {
        let ours = Endpoint::new("127.0.0.1", 443, None);
        let names: Vec<Endpoint> =
            (0..9).map(|n| Endpoint::new(format!("n{n}.example"), 443, None)).collect();
        // Somebody is asking for each, and gets no answer.
        let asking: Vec<_> = names.iter().filter_map(|name| name.state.begin_first_look()).collect();
        assert_eq!(asking.len(), 9);
        let barred = Barred::new(Arc::new(Listening::default()), names);
        let began = std::time::Instant::now();
        barred.prepare(&ours).await;
        assert!(began.elapsed() >= LOOK_UP_TIME_MAX && began.elapsed() < LOOK_UP_TIME_MAX * 4, "together");
        let began = std::time::Instant::now();
        barred.prepare(&ours).await;
        assert!(began.elapsed() < LOOK_UP_TIME_MAX, "once");
    }

    #[test]
    fn our_own_listeners_are_barred_by_address_and_port() {
        let here = Arc::new(Listening::default());
        let barred = Barred::new(here.clone(), []);
        let any = Endpoint::new("app.example", 80, None);
        assert!(!barred.holds(at("127.0.0.1:9901"), &any));
        here.on(vec![at("127.0.0.1:9901"), at("0.0.0.0:8080"), at("10.0.0.7:8081")]);
        for own in
            ["127.0.0.1:9901", "[::ffff:127.0.0.1]:9901", "0.0.0.0:9901", "127.0.0.1:8080", "10.0.0.7:8081"]
        {
            assert!(barred.holds(at(own), &any), "{own}");
        }
        for other in ["127.0.0.1:9902", "127.0.0.1:8081", "10.0.0.8:8081", "10.0.0.7:9901"] {
            assert!(!barred.holds(at(other), &any), "{other}");
        }
    }

    #[test]
    fn another_environments_address_is_barred_and_a_shared_one_of_names_isnt() {
        let named = Endpoint::new("ehr.example", 443, None);
        named.state.resolved_to(vec![at("10.0.0.9:443")]);
        let others = [Endpoint::new("10.0.0.5", 80, None), Endpoint::new("127.0.0.1", 81, None), named];
        let barred = Barred::new(Arc::default(), others);
        let (name, address) = (Endpoint::new("a.example", 443, None), Endpoint::new("10.0.0.9", 443, None));
        for address in ["10.0.0.5:80", "[::ffff:10.0.0.5]:80", "127.0.0.1:81", "[::1]:81"] {
            assert!(barred.holds(at(address), &name), "{address}");
        }
        assert!(!barred.holds(at("10.0.0.5:81"), &name) && !barred.holds(at("127.0.0.1:80"), &name));
        assert!(!barred.holds(at("10.0.0.9:443"), &name), "two names behind one balancer");
        assert!(barred.holds(at("10.0.0.9:443"), &address));
    }
}
