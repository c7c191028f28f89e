//! Listening sockets from the process before, and to the one that follows.

use crate::listen::{HandedSocket, Successors, foreign_listeners};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::Notify;

/// Every listening socket once more, and who waits for it. A socket listens until all of its copies are dropped.
pub(super) struct Handover {
    sockets: Arc<[HandedSocket]>,
    released: Arc<Released>,
    _successors: Option<Successors>,
}

/// Whether another process serves in place of this one.
#[derive(Default)]
struct Released {
    is_so: AtomicBool,
    told: Notify,
}

impl Handover {
    /// Waits for the process that follows. Where it can't, a new start resets what waits in the queues: that is said, and no
    /// reason not to run.
    pub(super) fn wait(path: PathBuf, sockets: Arc<[HandedSocket]>) -> Self {
        let released = Arc::new(Released::default());
        let told = released.clone();
        let successors = Successors::wait(path, sockets.clone(), move || {
            told.is_so.store(true, Relaxed);
            told.told.notify_one();
        });
        if let Err(error) = &successors {
            tracing::warn!(kind = %error.kind(), "Listening sockets can't be handed to a next process from here.");
        }
        Self { sockets, released, _successors: successors.ok() }
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.is_so.load(Relaxed)
    }

    pub(super) async fn released(&self) {
        let told = self.released.told.notified();
        if !self.is_released() {
            told.await;
        }
    }

    pub(super) fn foreign_listeners(&self) -> u64 {
        foreign_listeners(&self.sockets) as u64
    }
}

/// Where the process that follows asks for the listening sockets.
#[must_use]
pub fn handover_path(data_dir: &Path) -> PathBuf {
    data_dir.join("handover.sock")
}

/// The admin side's socket: that of the process before, or a new one.
pub(super) fn admin_socket(address: SocketAddr, handed: &mut Vec<HandedSocket>) -> io::Result<TcpListener> {
    let is_it = |h: &mut HandedSocket| {
        let have: Option<SocketAddr> = h.address.parse().ok();
        h.name == ADMIN_SOCKET
            && have.is_some_and(|a| a.ip() == address.ip() && (address.port() == 0 || a == address))
    };
    match handed.extract_if(.., is_it).next() {
        Some(handed) => Ok(handed.socket.into()),
        None => TcpListener::bind(address),
    }
}

/// The same once more.
pub(super) fn admin_copy(socket: &TcpListener) -> io::Result<HandedSocket> {
    let address = socket.local_addr()?.to_string();
    Ok(HandedSocket { name: ADMIN_SOCKET.to_owned(), address, socket: socket.try_clone()?.into() })
}

/// No listener's name.
const ADMIN_SOCKET: &str = ":admin";
