//! Internet addresses: whether one can be somebody's. Private, loopback and link-local ones are a network's own
//! (RFC 1918, 4193, 3927); versions and object identifiers have four numbers, too.

use std::net::IpAddr;

/// Whether `value` is an address that a person's device may have, or that documentation shows as one.
#[must_use]
pub fn may_be_somebodys(value: &str) -> bool {
    match value.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let [first, ..] = ip.octets();
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast())
                && first < 224
                // `1.2.3.4`, `4.0.1.0`: versions. Addresses below 13 were handed out last, and to few.
                && !ip.octets().iter().all(|o| *o < 20)
        }
        Ok(IpAddr::V6(ip)) => {
            let [first, ..] = ip.segments();
            !(ip.is_loopback() || ip.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80)
                && first != 0
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_people_pass_and_those_of_networks_and_versions_do_not() {
        for good in ["66.138.120.190", "203.0.113.7", "2a00:1450:4001:81b::200e"] {
            assert!(may_be_somebodys(good), "{good}");
        }
        for bad in
            ["10.7.162.140", "127.0.0.1", "4.0.1.2", "256.1.1.1", "192.168.1.9", "fe80::1", "0:0:1", ""]
        {
            assert!(!may_be_somebodys(bad), "{bad}");
        }
    }
}
