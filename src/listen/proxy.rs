//! The PROXY protocol, versions 1 and 2, from peers that the listener trusts: whom a load balancer speaks for.
//! Source: HAProxy's `proxy-protocol.txt`, sections 2.1 and 2.2.

use super::io::Socket;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::AsyncReadExt;

/// Reads the header that has to stand before anything else. Gives the caller's address; `None` where the balancer
/// speaks for itself (a health check) or doesn't know.
///
/// # Errors
/// There is no such header, or it isn't one; or the connection ended.
pub(super) async fn read(socket: &mut Socket) -> io::Result<Option<SocketAddr>> {
    let mut start = [0; 12];
    socket.read_exact(&mut start).await?;
    if start == SIGNATURE {
        let mut head = [0; 4];
        socket.read_exact(&mut head).await?;
        let [command, family, high, low] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > V2_BYTES_MAX {
            return Err(invalid());
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await?;
        return version_2(command, family, &body).ok_or_else(invalid);
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\n") {
        // One byte at a time: what follows the line belongs to TLS or HTTP.
        if line.len() >= V1_BYTES_MAX || !line.starts_with(b"PROXY ") {
            return Err(invalid());
        }
        line.push(socket.read_u8().await?);
    }
    version_1(&line).ok_or_else(invalid)
}

/// `Some(None)`: a header that names nobody.
fn version_1(line: &[u8]) -> Option<Option<SocketAddr>> {
    let line = std::str::from_utf8(line.strip_suffix(b"\r\n")?).ok()?;
    let mut words = line.split(' ');
    if words.next()? != "PROXY" {
        return None;
    }
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let (source, target): (IpAddr, IpAddr) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let port = |word: &str| -> Option<u16> {
        let plain = word.bytes().all(|b| b.is_ascii_digit()) && (word.len() == 1 || !word.starts_with('0'));
        plain.then(|| word.parse().ok()).flatten()
    };
    let (source_port, _) = (port(words.next()?)?, port(words.next()?)?);
    let fits = match family {
        "TCP4" => source.is_ipv4() && target.is_ipv4(),
        "TCP6" => source.is_ipv6() && target.is_ipv6(),
        _ => false,
    };
    (fits && words.next().is_none()).then(|| Some(SocketAddr::new(source, source_port)))
}

fn version_2(command: u8, family: u8, body: &[u8]) -> Option<Option<SocketAddr>> {
    match command {
        LOCAL => return Some(None),
        PROXY => {}
        _ => return None,
    }
    match family {
        0x11 => {
            let (addresses, ports) = (body.get(..4)?, body.get(8..10)?);
            let address = <[u8; 4]>::try_from(addresses).ok()?;
            let port = <[u8; 2]>::try_from(ports).ok()?;
            body.get(..12)?;
            Some(Some(SocketAddr::new(Ipv4Addr::from(address).into(), u16::from_be_bytes(port))))
        }
        0x21 => {
            let (addresses, ports) = (body.get(..16)?, body.get(32..34)?);
            let address = <[u8; 16]>::try_from(addresses).ok()?;
            let port = <[u8; 2]>::try_from(ports).ok()?;
            body.get(..36)?;
            Some(Some(SocketAddr::new(Ipv6Addr::from(address).into(), u16::from_be_bytes(port))))
        }
        // A Unix socket at the balancer, or what it doesn't know.
        0x00 | 0x31 => Some(None),
        _ => None,
    }
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
/// The longest line of version 1, as its text says.
const V1_BYTES_MAX: usize = 107;
/// Addresses and extensions of version 2; balancers send some hundred bytes.
const V2_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_names_the_caller() {
        let read = |line: &str| version_1(line.as_bytes());
        let some = |text: &str| Some(Some(text.parse::<SocketAddr>().expect("address")));
        assert_eq!(read("PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n"), some("192.0.2.7:56324"));
        assert_eq!(read("PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n"), some("[2001:db8::7]:1"));
        assert_eq!(read("PROXY UNKNOWN\r\n"), Some(None));
        for line in [
            "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\n",
            "PROXY TCP4 2001:db8::7 192.0.2.1 1 443\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443 x\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 056324 443\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 70000 443\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1\r\n",
            "PROXY UDP4 192.0.2.7 192.0.2.1 1 443\r\n",
            "GET / HTTP/1.1\r\n",
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }

    #[test]
    fn version_2_names_the_caller() {
        let v4 = [192, 0, 2, 7, 192, 0, 2, 1, 0xdc, 0x04, 0x01, 0xbb];
        assert_eq!(version_2(PROXY, 0x11, &v4), Some(Some("192.0.2.7:56324".parse().expect("address"))));
        let with_extension = [&v4[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
        assert_eq!(version_2(PROXY, 0x11, &with_extension), version_2(PROXY, 0x11, &v4));
        let mut v6 = [0; 36];
        (v6[15], v6[33]) = (1, 9);
        assert_eq!(version_2(PROXY, 0x21, &v6), Some(Some("[::1]:9".parse().expect("address"))));
        assert_eq!(version_2(LOCAL, 0x11, &v4), Some(None));
        assert_eq!(version_2(PROXY, 0x00, &[]), Some(None));
        for (command, family, body) in
            [(PROXY, 0x11, &v4[..11]), (PROXY, 0x21, &v6[..35]), (0x22, 0x11, &v4), (PROXY, 0x12, &v4)]
        {
            assert_eq!(version_2(command, family, body), None, "{command:#x} {family:#x}");
        }
    }
}
