//! Listening sockets that a service manager opened (systemd's socket activation; `sd_listen_fds(3)`).
//!
//! `LISTEN_FDS` sockets from descriptor 3 on, for the process that `LISTEN_PID` names; `LISTEN_FDNAMES` has their names, which
//! are those of our listeners. The configuration says where a listener listens: a socket elsewhere is an error of the start.

use super::StartError;
use super::handover::HandedSocket;
use super::io::Address;
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use std::env;
use std::os::fd::{AsFd, OwnedFd};

/// The sockets that were opened for this process; none where nobody did. `LISTEN_FDS` and `LISTEN_PID` are taken
/// away with them, so it has to be called before there are other threads, and tells nothing a second time.
///
/// # Errors
/// [`StartError::Activation`]: what was handed in is none of it.
pub fn activated() -> Result<Vec<HandedSocket>, StartError> {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    // Variables that are somebody else's, as those of a shell that was started so.
    if variable("LISTEN_PID").parse() != Ok(std::process::id()) {
        return Ok(Vec::new());
    }
    let names = names(&variable("LISTEN_FDS"), &variable("LISTEN_FDNAMES"))?;
    let mut given = ListenFd::from_env();
    names.into_iter().enumerate().map(|(at, name)| taken(&mut given, at, name)).collect()
}

/// A name for each socket.
fn names(count: &str, names: &str) -> Result<Vec<String>, StartError> {
    let failed = |what: &'static str| StartError::Activation { what };
    let count: usize = count.parse().map_err(|_| failed("LISTEN_FDS is no number"))?;
    if count > SOCKETS_MAX {
        return Err(failed("LISTEN_FDS is over 1024"));
    }
    let names: Vec<String> = names.split(':').map(str::to_owned).collect();
    match names.len() == count || count == 0 {
        true => Ok(names.into_iter().take(count).collect()),
        false => Err(failed(
            "LISTEN_FDNAMES hasn't a name for each socket: FileDescriptorName= of a socket's unit names its listener",
        )),
    }
}

fn taken(given: &mut ListenFd, at: usize, name: String) -> Result<HandedSocket, StartError> {
    let none = StartError::Activation { what: "a socket listens neither on TCP nor on a path" };
    let (address, socket): (Address, OwnedFd) = match given.take_tcp_listener(at) {
        Ok(Some(tcp)) => {
            let Ok(address) = tcp.local_addr() else { return Err(none) };
            (Address::Tcp(address), tcp.into())
        }
        _ => {
            let Ok(Some(unix)) = given.take_unix_listener(at) else { return Err(none) };
            let path = unix.local_addr().ok().and_then(|address| Some(address.as_pathname()?.to_owned()));
            let Some(path) = path else { return Err(none) };
            (Address::Unix(path), unix.into())
        }
    };
    // A manager leaves them blocking. That is a matter of the open socket, which it doesn't read from.
    let is_ready =
        socket_acceptconn(socket.as_fd()) == Ok(true) && rustix::io::ioctl_fionbio(&socket, true).is_ok();
    if is_ready { Ok(HandedSocket { name, address: address.to_string(), socket }) } else { Err(none) }
}

/// More than anybody has listeners.
const SOCKETS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_socket_has_a_name() {
        assert_eq!(names("2", "front:back").expect("two"), ["front", "back"]);
        assert_eq!(names("0", "").expect("none"), Vec::<String>::new());
        for (count, given) in [("", "a"), ("x", "a"), ("-1", "a"), ("2", "a"), ("1", "a:b"), ("2000", "a")] {
            assert!(names(count, given).is_err(), "{count} {given}");
        }
    }

    #[test]
    fn without_a_manager_there_is_none() {
        assert!(activated().expect("no error").is_empty());
    }
}
