//! Rates of messages: how many a connection takes, from all of its callers and from each of them.

use crate::config::{Config, Rate};
use crate::identify::Caller;
use crate::org::CallerRole;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// The rates of every connection that has one.
#[derive(Default)]
pub struct Rates {
    by_connection: HashMap<Arc<str>, Arc<Limiter>>,
}

/// Over a rate; so long until a message would be taken.
#[derive(Debug, PartialEq, Eq)]
pub struct OverRate(pub Duration);

struct Limiter {
    rate: Option<Rate>,
    caller_rate: Option<Rate>,
    all: Option<DefaultDirectRateLimiter>,
    each: Option<DefaultKeyedRateLimiter<Who>>,
    places: RandomState,
}

/// A caller as rates tell them apart: by name, or, where nobody is known, by the network that it calls from. Networks share
/// a fixed number of places, so that nobody can have the gateway remember more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Named(Arc<str>),
    From(u16),
}

impl Rates {
    /// The rates of a configuration; what was counted under the same ones in `old` stays counted.
    #[must_use]
    pub fn new(config: &Config, old: Option<&Self>) -> Self {
        let limiter = |c: &Arc<crate::config::Connection>| {
            if c.rate.is_none() && c.caller_rate.is_none() {
                return None;
            }
            let same = old.and_then(|old| old.by_connection.get(&c.name));
            let same = same.filter(|l| l.rate == c.rate && l.caller_rate == c.caller_rate);
            let limiter = same.cloned().unwrap_or_else(|| Arc::new(Limiter::new(c.rate, c.caller_rate)));
            Some((c.name.clone(), limiter))
        };
        Self { by_connection: config.connections.iter().filter_map(limiter).collect() }
    }

    /// Takes a message in.
    ///
    /// # Errors
    /// [`OverRate`].
    pub fn take(&self, connection: &str, caller: &Caller, from: Option<IpAddr>) -> Result<(), OverRate> {
        if self.by_connection.is_empty() {
            return Ok(());
        }
        self.by_connection.get(connection).map_or(Ok(()), |limiter| limiter.take(caller, from))
    }

    /// Forgets callers that have been below their rate for long. Off the message's way.
    pub fn tidy(&self) {
        self.by_connection.values().filter_map(|limiter| limiter.each.as_ref()).for_each(|each| {
            each.retain_recent();
        });
    }
}

impl Limiter {
    fn new(rate: Option<Rate>, caller_rate: Option<Rate>) -> Self {
        Self {
            rate,
            caller_rate,
            all: rate.map(|rate| RateLimiter::direct(quota(rate))),
            each: caller_rate.map(|rate| RateLimiter::keyed(quota(rate))),
            places: RandomState::new(),
        }
    }

    fn who(&self, caller: &Caller, from: Option<IpAddr>) -> Who {
        match caller.role {
            // Where a network's place is differs from start to start: nobody can aim at another's.
            CallerRole::Nobody => Who::From(self.places.hash_one(from.map(network)) as u16),
            _ => Who::Named(caller.name.clone()),
        }
    }

    /// The caller's own rate first: who is over it takes nothing from the others.
    fn take(&self, caller: &Caller, from: Option<IpAddr>) -> Result<(), OverRate> {
        let over =
            |until: governor::NotUntil<_>| OverRate(until.wait_time_from(DefaultClock::default().now()));
        if let Some(each) = &self.each {
            each.check_key(&self.who(caller, from)).map_err(over)?;
        }
        self.all.as_ref().map_or(Ok(()), |all| all.check().map_err(over))
    }
}

/// One address of IPv4; the first 64 bits of IPv6, which one host may have all the others of.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 => v4,
    }
}

fn quota(rate: Rate) -> Quota {
    let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
    let each = Duration::from_secs(1) / rate.per_second.max(1);
    Quota::with_period(each).map_or_else(|| Quota::per_second(burst), |quota| quota.allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller { name: Arc::from(name), role: CallerRole::Connection, environment: None }
    }

    fn limiter(rate: Option<(u32, u32)>, caller_rate: Option<(u32, u32)>) -> Limiter {
        let rate_of = |(per_second, burst)| Rate { per_second, burst };
        Limiter::new(rate.map(rate_of), caller_rate.map(rate_of))
    }

    fn taken(limiter: &Limiter, caller: &Caller, from: Option<IpAddr>) -> usize {
        (0..20).take_while(|_| limiter.take(caller, from).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_then_the_rate_holds_and_says_how_long_to_wait() {
        let limiter = limiter(Some((1, 5)), None);
        assert_eq!(taken(&limiter, &caller("a"), None), 5);
        let OverRate(wait) = limiter.take(&caller("b"), None).expect_err("over");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn each_caller_has_its_own_and_nobody_known_is_told_apart_by_network() {
        let limiter = limiter(None, Some((1, 3)));
        assert_eq!([taken(&limiter, &caller("a"), None), taken(&limiter, &caller("b"), None)], [3, 3]);
        let nobody = Caller::nobody();
        let from = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(taken(&limiter, &nobody, from("2001:db8::1")), 3);
        assert_eq!(taken(&limiter, &nobody, from("2001:db8::2")), 0, "the same network");
        assert_eq!(taken(&limiter, &nobody, from("2001:db8:0:1::1")), 3);
        assert_eq!(taken(&limiter, &nobody, from("192.0.2.1")), 3);
        assert_eq!(taken(&limiter, &nobody, from("::ffff:192.0.2.1")), 0, "the same address");
    }

    #[test]
    fn who_is_below_the_rate_is_forgotten_and_who_is_over_it_is_not() {
        let limiter = Arc::new(limiter(None, Some((1_000, 1))));
        let slow = Arc::new(super::tests::limiter(None, Some((1, 1))));
        let rates = Rates {
            by_connection: HashMap::from([
                (Arc::from("quick"), limiter.clone()),
                (Arc::from("slow"), slow.clone()),
            ]),
        };
        for connection in ["quick", "slow"] {
            assert_eq!(rates.take(connection, &caller("a"), None), Ok(()));
        }
        let quick = limiter.each.as_ref().expect("a rate");
        while !quick.is_empty() {
            rates.tidy();
        }
        assert!(rates.take("slow", &caller("a"), None).is_err());
    }

    #[test]
    fn a_caller_over_its_rate_takes_nothing_from_the_others() {
        let limiter = limiter(Some((1, 4)), Some((1, 2)));
        assert_eq!(taken(&limiter, &caller("a"), None), 2);
        assert_eq!(taken(&limiter, &caller("b"), None), 2);
        assert_eq!(taken(&limiter, &caller("c"), None), 0);
    }
}
