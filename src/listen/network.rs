//! Networks of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    bits: u8,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address and its form inside IPv6 are one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        number(address) & mask(self.bits) == self.base
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let width = if address.is_ipv4() { 32_u8 } else { 128 };
        let bits = match bits {
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse::<u8>().map_err(|_| ())?
            }
            Some(_) => return Err(()),
            None => width,
        };
        if bits > width {
            return Err(());
        }
        let bits = bits + (128 - width);
        let base = number(address);
        // Bits behind the mask are a slip of the pen: `10.1.0.0/8` means something else to whoever wrote it.
        if base & mask(bits) == base { Ok(Self { base, bits }) } else { Err(()) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from(self.base);
        match address.to_ipv4_mapped() {
            Some(v4) if self.bits >= 96 => write!(f, "{v4}/{}", self.bits - 96),
            _ => write!(f, "{address}/{}", self.bits),
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_their_networks() {
        let within = |network: &str, address: &str| {
            network.parse::<Network>().expect("network").contains(address.parse().expect("address"))
        };
        assert!(within("10.0.0.0/8", "10.255.0.1") && within("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(!within("10.0.0.0/8", "11.0.0.1") && !within("10.0.0.0/8", "::1"));
        assert!(within("127.0.0.1", "127.0.0.1") && !within("127.0.0.1", "127.0.0.2"));
        assert!(within("fd00::/8", "fd12::1") && !within("fd00::/8", "fe80::1"));
        assert!(within("0.0.0.0/0", "192.0.2.1") && !within("0.0.0.0/0", "fd00::1"));
        assert!(within("::/0", "192.0.2.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.1.0.0/8", "fd00::/129", "host", "10.0.0.0/", "10.0.0.0/+8"] {
            assert_eq!(text.parse::<Network>(), Err(()), "{text}");
        }
    }
}
