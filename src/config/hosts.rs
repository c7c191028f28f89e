//! Upstreams that belong to somebody else: an upstream is of one environment, and none is this gateway itself. Hosts are
//! compared by what they are, not by how they are written; where names lead is checked when they are connected to.

use super::Config;
use super::reader::Problems;
use crate::forward::{Host, address_of, listens_at};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An upstream belongs to one environment.
pub(super) fn shared_upstreams(config: &Config, problems: &mut Problems) {
    let mut owner: HashMap<(Host, u16), (&str, &str)> = HashMap::new();
    let endpoints = config.connections.iter().flat_map(|c| c.endpoints.iter().map(move |e| (c, e)));
    for (c, e) in endpoints {
        let host = Host::of(&e.host);
        let (environment, first) = *owner.entry((host.clone(), e.port)).or_insert((&c.environment, &c.name));
        if environment != &*c.environment {
            problems.across(
                format!("connection `{}`.upstream", c.name),
                "an upstream of one environment only",
                format!("one that connection `{first}` has in environment `{environment}`"),
            );
        }
        let addresses: Vec<IpAddr> = match (address_of(&e.host), host) {
            (Some(ip), _) => vec![ip],
            (None, Host::Loopback) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            (None, _) => Vec::new(),
        };
        let mut own = config.listeners.iter().filter_map(|l| l.address.tcp()).chain([config.admin]);
        let is_here = |own| addresses.iter().any(|ip| listens_at(own, SocketAddr::new(*ip, e.port)));
        if own.any(is_here) {
            problems.across(
                format!("connection `{}`.upstream", c.name),
                "an upstream that isn't this gateway",
                "an address of its own",
            );
        }
    }
}
