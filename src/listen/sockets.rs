//! Listening sockets: one for each thread where the system shares a port among them.

use super::ListenerConfig;
use super::io::Address;
use super::workers::StartError;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// A socket that listens.
#[derive(Debug)]
pub(super) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

type BoundByThread = Vec<Vec<Bound>>;

/// Binds every listener once for each thread; gives the sockets by thread, and where they listen.
pub(super) fn bind_all(
    listeners: &[ListenerConfig],
    threads: usize,
) -> Result<(BoundByThread, Vec<Address>), StartError> {
    let mut bound: BoundByThread = (0..threads).map(|_| Vec::new()).collect();
    let mut addresses = Vec::new();
    for listener in listeners {
        let failed = |e: io::Error| StartError::Bind {
            listener: listener.name.clone(),
            address: listener.address.clone(),
            kind: e.kind(),
        };
        addresses.push(match &listener.address {
            Address::Tcp(address) => {
                let mut address = *address;
                if address.port() != 0 {
                    // SO_REUSEPORT would silently share the port with another phigate: ask without it first.
                    bind(address, Sharing::Alone).map_err(failed)?;
                }
                for sockets in &mut bound {
                    let socket = bind(address, Sharing::AmongThreads).map_err(failed)?;
                    address = socket.local_addr().map_err(failed)?;
                    sockets.push(Bound::Tcp(socket));
                }
                Address::Tcp(address)
            }
            Address::Unix(path) => {
                // One socket, and all threads accept from it.
                let socket = bind_unix(path, listener.unix_mode).map_err(failed)?;
                for sockets in &mut bound {
                    sockets.push(Bound::Unix(socket.try_clone().map_err(failed)?));
                }
                listener.address.clone()
            }
        });
    }
    Ok((bound, addresses))
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
