//! Listening sockets: one for each thread where the system shares a port among them.

use super::ListenerConfig;
use super::handover::HandedSocket;
use super::io::Address;
use super::workers::StartError;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// A socket that listens.
#[derive(Debug)]
pub(super) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The sockets of each thread, with the place of their listener in the configuration.
type BoundByThread = Vec<Vec<(usize, Bound)>>;

/// Binds every listener once for each thread, or takes what the process before had; gives the sockets by thread, where
/// they listen, and a copy of each to be handed on.
pub(super) fn bind_all(
    listeners: &[ListenerConfig],
    threads: usize,
    mut handed: Vec<HandedSocket>,
) -> Result<(BoundByThread, Vec<Address>, Vec<HandedSocket>), StartError> {
    let mut bound: BoundByThread = (0..threads).map(|_| Vec::new()).collect();
    let (mut addresses, mut copies) = (Vec::new(), Vec::new());
    for (at, listener) in listeners.iter().enumerate() {
        let failed = |e: io::Error| StartError::Bind {
            listener: listener.name.clone(),
            address: listener.address.clone(),
            kind: e.kind(),
        };
        let taken: Vec<HandedSocket> = handed.extract_if(.., |h| is_for(h, listener)).collect();
        let sockets = match taken.is_empty() {
            true => open(listener, threads).map_err(failed)?,
            false => take_over(listener, taken, threads).map_err(failed)?,
        };
        let mut address = listener.address.clone();
        for (n, socket) in sockets.into_iter().enumerate() {
            address = socket.address(&listener.address).map_err(failed)?;
            copies.push(socket.copy(&listener.name, &address).map_err(failed)?);
            if let Some(thread) = bound.get_mut(n % threads) {
                thread.push((at, socket));
            }
        }
        addresses.push(address);
    }
    Ok((bound, addresses, copies))
}

/// Whether a socket of the process before is one of this listener.
fn is_for(handed: &HandedSocket, listener: &ListenerConfig) -> bool {
    handed.name == listener.name && is_at(handed, &listener.address)
}

/// Whether a socket listens where it should. Any port will do where a free one is wanted.
fn is_at(handed: &HandedSocket, wanted: &Address) -> bool {
    match wanted {
        Address::Tcp(wanted) => handed.address.parse().is_ok_and(|have: SocketAddr| {
            have.ip() == wanted.ip() && (wanted.port() == 0 || have.port() == wanted.port())
        }),
        Address::Unix(_) => handed.address == wanted.to_string(),
    }
}

/// Checks that sockets which somebody else opened are those that the configuration tells of; `listeners` are names and
/// addresses.
///
/// # Errors
/// [`StartError::NoListener`] and [`StartError::Elsewhere`].
pub fn check_given<'l>(
    given: &[HandedSocket],
    listeners: impl Iterator<Item = (&'l str, &'l Address)> + Clone,
) -> Result<(), StartError> {
    for socket in given {
        let Some((listener, address)) = listeners.clone().find(|(name, _)| *name == socket.name) else {
            return Err(StartError::NoListener { socket: socket.name.clone() });
        };
        if !is_at(socket, address) {
            let (listener, address) = (listener.to_owned(), address.clone());
            return Err(StartError::Elsewhere { listener, address, given: socket.address.clone() });
        }
    }
    Ok(())
}

/// At least one socket for each thread: where there were fewer threads, some share one.
fn take_over(listener: &ListenerConfig, taken: Vec<HandedSocket>, threads: usize) -> io::Result<Vec<Bound>> {
    let is_tcp = listener.address.tcp().is_some();
    let of = |socket: OwnedFd| if is_tcp { Bound::Tcp(socket.into()) } else { Bound::Unix(socket.into()) };
    let mut sockets: Vec<Bound> = Vec::new();
    for n in 0..threads.saturating_sub(taken.len()) {
        let shared = taken.get(n % taken.len()).ok_or(io::ErrorKind::InvalidData)?;
        sockets.push(of(shared.socket.try_clone()?));
    }
    sockets.extend(taken.into_iter().map(|handed| of(handed.socket)));
    Ok(sockets)
}

fn open(listener: &ListenerConfig, threads: usize) -> io::Result<Vec<Bound>> {
    match &listener.address {
        Address::Tcp(address) => {
            let mut address = *address;
            if address.port() != 0 {
                // SO_REUSEPORT would silently share the port with another process of this user: ask without it first.
                bind(address, Sharing::Alone)?;
            }
            let mut sockets = Vec::new();
            for _ in 0..threads {
                let socket = bind(address, Sharing::AmongThreads)?;
                address = socket.local_addr()?;
                sockets.push(Bound::Tcp(socket));
            }
            Ok(sockets)
        }
        Address::Unix(path) => {
            // One socket, and all threads accept from it.
            let socket = bind_unix(path, listener.unix_mode)?;
            (0..threads).map(|_| socket.try_clone().map(Bound::Unix)).collect()
        }
    }
}

impl Bound {
    fn address(&self, configured: &Address) -> io::Result<Address> {
        match self {
            Self::Tcp(socket) => socket.local_addr().map(Address::Tcp),
            Self::Unix(_) => Ok(configured.clone()),
        }
    }

    fn copy(&self, name: &str, address: &Address) -> io::Result<HandedSocket> {
        let socket: OwnedFd = match self {
            Self::Tcp(socket) => socket.try_clone()?.into(),
            Self::Unix(socket) => socket.try_clone()?.into(),
        };
        Ok(HandedSocket { name: name.to_owned(), address: address.to_string(), socket })
    }
}

/// How many sockets that aren't ours listen on ports of ours: with SO_REUSEPORT the system gives another process of the
/// same user a share of what comes. 0 where the system doesn't tell.
#[must_use]
pub fn foreign_listeners(ours: &[HandedSocket]) -> usize {
    let ports: Vec<u16> =
        ours.iter().filter_map(|s| Some(s.address.parse::<SocketAddr>().ok()?.port())).collect();
    let inodes: Vec<u64> =
        ours.iter().filter_map(|s| Some(rustix::fs::fstat(&s.socket).ok()?.st_ino)).collect();
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let text: String = tables.iter().filter_map(|table| std::fs::read_to_string(table).ok()).collect();
    let listening = text.lines().filter_map(listening);
    listening.filter(|(port, inode)| ports.contains(port) && !inodes.contains(inode)).count()
}

/// Port and inode of a line of the kernel's table, where it is of a socket that listens (state 0A).
fn listening(line: &str) -> Option<(u16, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let port = u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok()?;
    (*fields.get(3)? == "0A").then_some((port, fields.get(9)?.parse().ok()?))
}

#[derive(PartialEq, Eq)]
enum Sharing {
    Alone,
    AmongThreads,
}

fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if sharing == Sharing::AmongThreads {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    if sharing == Sharing::AmongThreads {
        socket.listen(BACKLOG)?;
    }
    Ok(socket.into())
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        // What a process left behind that ended; one that answers is somebody's.
        Ok(found) if found.file_type().is_socket() => match UnixStream::connect(path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(_) => std::fs::remove_file(path)?,
        },
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_socket_has_to_be_where_the_configuration_has_it() {
        let front = Address::Tcp("127.0.0.1:8081".parse().expect("an address"));
        let (free, path) =
            (Address::Tcp("[::1]:0".parse().expect("an address")), Address::Unix("/run/gate".into()));
        let listeners = [("front", &front), ("free", &free), ("path", &path)];
        let check = |name: &str, address: &str| {
            let socket = TcpListener::bind("127.0.0.1:0").expect("binds").into();
            let given = HandedSocket { name: name.to_owned(), address: address.to_owned(), socket };
            check_given(&[given], listeners.into_iter()).map_err(|error| error.to_string())
        };
        for (name, address) in
            [("front", "127.0.0.1:8081"), ("free", "[::1]:40000"), ("path", "unix:/run/gate")]
        {
            assert_eq!(check(name, address), Ok(()), "{name}");
        }
        for (name, address, told) in [
            ("front", "127.0.0.1:8082", "the socket that was opened for it 127.0.0.1:8082"),
            ("front", "0.0.0.0:8081", "listener `front` has the address 127.0.0.1:8081"),
            ("front", "unix:/run/gate", "listener `front`"),
            ("path", "unix:/run/other", "listener `path` has the address unix:/run/gate"),
            ("phigate.socket", "127.0.0.1:8081", "FileDescriptorName="),
        ] {
            let error = check(name, address).expect_err("refused");
            assert!(error.contains(told), "{error}");
        }
    }
}
