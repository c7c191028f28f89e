//! Hosts in one spelling, so that two of them can be compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host as it is compared: whatever it is written as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// This machine by itself: any loopback address, `localhost`, or an unspecified address, which leads there.
    Loopback,
    /// Any other address.
    Ip(IpAddr),
    /// A name, in lower case and without the dot at its end.
    Name(String),
}

impl Host {
    /// The host of a URL, with or without brackets.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match address_of(text) {
            Some(ip) => Self::at(ip),
            None => {
                let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
                // RFC 6761, section 6.3: names below it are loopback, too.
                if name == "localhost" || name.ends_with(".localhost") {
                    Self::Loopback
                } else {
                    Self::Name(name)
                }
            }
        }
    }

    /// An address.
    #[must_use]
    pub fn at(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        if ip.is_loopback() || ip.is_unspecified() { Self::Loopback } else { Self::Ip(ip) }
    }
}

/// The address that a URL's host is, in any way that one is written: dotted or not, short, octal, hex (WHATWG URL, IPv4
/// parser; inet_aton reads the same), IPv6 with or without brackets, IPv4 in IPv6.
#[must_use]
pub fn address_of(host: &str) -> Option<IpAddr> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match host.parse::<Ipv6Addr>() {
        Ok(ip) => Some(IpAddr::V6(ip).to_canonical()),
        Err(_) => ipv4(host).map(IpAddr::V4),
    }
}

fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let parts: Vec<u64> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    // The last part stands for all bytes that are left.
    if first.len() > 3 || first.iter().any(|part| *part > 255) || *last >= 1 << (8 * (4 - first.len())) {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).map(|(part, shift)| part << shift).sum::<u64>();
    u32::try_from(high + last).ok().map(Ipv4Addr::from)
}

fn number(part: &str) -> Option<u64> {
    let (digits, radix) = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some("") => return Some(0),
        Some(hex) => (hex, 16),
        None if part.len() > 1 && part.starts_with('0') => (part, 8),
        None => (part, 10),
    };
    let is_number = digits.bytes().all(|b| char::from(b).is_digit(radix));
    is_number.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_same_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "[::ffff:127.0.0.1]",
            "::ffff:7f00:1",
            "::1",
            "[::1]",
            "0.0.0.0",
            "0",
            "::",
            "localhost",
            "LocalHost.",
            "a.localhost",
            "127.8.9.10",
        ] {
            assert_eq!(Host::of(text), Host::Loopback, "{text}");
        }
        let ten = Host::Ip("10.0.0.5".parse().expect("an address"));
        for text in ["10.0.0.5", "10.5", "167772165", "012.0.0.5", "[::ffff:a00:5]"] {
            assert_eq!(Host::of(text), ten, "{text}");
        }
        assert_eq!(Host::of("EHR.Example.org."), Host::Name("ehr.example.org".to_owned()));
        for name in
            ["1.2.3.4.5", "256.1", "10.0.0.256", "127.0.0.1x", "08.1", "", "a.1", "4294967296", "1..2", "-1"]
        {
            assert!(matches!(Host::of(name), Host::Name(_)), "{name}");
        }
    }
}
