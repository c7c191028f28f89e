//! Who is at the other end of a connection.

use super::tls::TlsFacts;
use http::HeaderValue;
use std::net::{IpAddr, SocketAddr};

/// The other end of a connection: what all its messages share, made once.
#[derive(Debug)]
pub struct Peer {
    /// Its address, or the one that a trusted PROXY header named; `None` over a Unix socket.
    pub address: Option<SocketAddr>,
    /// What its handshake told; `None` where there was none.
    pub tls: Option<TlsFacts>,
    forwarded_for: Option<HeaderValue>,
}

impl Peer {
    /// A peer with this address.
    #[must_use]
    pub fn new(address: Option<SocketAddr>, tls: Option<TlsFacts>) -> Self {
        let plain = address.map(|address| match address.ip() {
            IpAddr::V6(address) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
            address => address,
        });
        let forwarded_for = plain.and_then(|ip| HeaderValue::try_from(ip.to_string()).ok());
        Self { address, tls, forwarded_for }
    }

    /// Its address and port; one of IPv4 as that, whatever the socket.
    #[must_use]
    pub fn plain(&self) -> Option<SocketAddr> {
        self.address.map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
    }

    /// The address without its port.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip())
    }

    /// The address as a header's value.
    #[must_use]
    pub const fn forwarded_for(&self) -> Option<&HeaderValue> {
        self.forwarded_for.as_ref()
    }

    /// `https` or `http`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}
