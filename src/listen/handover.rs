//! Handing listening sockets to the process that follows: nothing that waits in their queues is reset.
//!
//! The one that runs listens on a Unix socket. The one that follows connects, gets every socket, starts, and says so;
//! then the first one drains. Until then nothing has changed for it: one that fails to start is not missed.

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A listening socket on its way from one process to the next.
#[derive(Debug)]
pub struct HandedSocket {
    /// The listener's name.
    pub name: String,
    /// Where it listens, as text.
    pub address: String,
    /// The socket itself.
    pub socket: OwnedFd,
}

/// What was got from the process before; it goes on until it is told that this one serves.
#[derive(Debug)]
pub struct Predecessor {
    stream: UnixStream,
    /// Its listening sockets.
    pub sockets: Vec<HandedSocket>,
}

impl Predecessor {
    /// Asks the process that listens on `path`. `None`: there is none.
    ///
    /// # Errors
    /// There is one, and it doesn't answer as one.
    pub fn ask(path: &Path) -> io::Result<Option<Self>> {
        let Ok(mut stream) = UnixStream::connect(path) else { return Ok(None) };
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let length = read_number(&mut stream)?;
        if length > LIST_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut list = vec![0; length];
        stream.read_exact(&mut list)?;
        let list: Vec<(String, String)> =
            serde_json::from_slice(&list).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut sockets = Vec::new();
        for (name, address) in list {
            sockets.push(HandedSocket { name, address, socket: receive(&stream)? });
        }
        Ok(Some(Self { stream, sockets }))
    }

    /// Tells it that this process serves: it drains.
    ///
    /// # Errors
    /// It is gone.
    pub fn release(mut self) -> io::Result<()> {
        self.stream.write_all(&[GO])
    }
}

/// The socket on which the process that follows asks.
#[derive(Debug)]
pub struct Successors {
    path: PathBuf,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<bool>>,
}

impl Successors {
    /// Waits for one; `sockets` are what it gets, and `on_release` is called once it serves.
    ///
    /// # Errors
    /// The path can't be had, or the system gives no thread.
    pub fn wait(
        path: PathBuf,
        sockets: Arc<[HandedSocket]>,
        on_release: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        // Who was there before has ended, or has handed over to us.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = is_stopped.clone();
        let thread = std::thread::Builder::new().name("handover".to_owned()).spawn(move || {
            for asked in listener.incoming() {
                if stopped.load(Relaxed) {
                    return false;
                }
                let handed = asked.and_then(|stream| hand_over(stream, &sockets));
                match handed {
                    Ok(true) => {
                        // Before anybody is told: from then on the path is the next process's.
                        stopped.store(true, Relaxed);
                        on_release();
                        return true;
                    }
                    Ok(false) => tracing::warn!("Who asked for the listening sockets doesn't serve; this process goes on."),
                    Err(error) => tracing::warn!(kind = %error.kind(), "The listening sockets could not be handed over."),
                }
            }
            false
        })?;
        Ok(Self { path, is_stopped, thread: Some(thread) })
    }
}

impl Drop for Successors {
    fn drop(&mut self) {
        let has_handed_over = self.is_stopped.swap(true, Relaxed);
        let Some(thread) = self.thread.take() else { return };
        if has_handed_over || thread.is_finished() {
            let _ = thread.join();
            return;
        }
        // Wakes the thread; it drops its copies of the sockets. One that waits for a process which starts slowly is left
        // to itself: this one has to stop.
        let _ = UnixStream::connect(&self.path);
        let until = Instant::now() + WAKE;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(WAKE / 100);
        }
        if thread.is_finished() && !thread.join().unwrap_or(false) {
            let _ = std::fs::remove_file(&self.path); // left behind, it is removed at the next start
        }
    }
}

/// Gives the sockets, and waits for the word that they are served.
fn hand_over(mut stream: UnixStream, sockets: &[HandedSocket]) -> io::Result<bool> {
    let peer = rustix::net::sockopt::socket_peercred(&stream)?;
    if peer.uid != rustix::process::getuid() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    stream.set_read_timeout(Some(START))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let list: Vec<(&str, &str)> = sockets.iter().map(|s| (s.name.as_str(), s.address.as_str())).collect();
    let list = serde_json::to_vec(&list)?;
    stream.write_all(&u32::try_from(list.len()).unwrap_or(u32::MAX).to_be_bytes())?;
    stream.write_all(&list)?;
    for socket in sockets {
        send(&stream, &socket.socket)?;
    }
    let mut word = [0];
    Ok(stream.read(&mut word)? == 1 && word == [GO])
}

fn send(stream: &UnixStream, socket: &OwnedFd) -> io::Result<()> {
    let fds = [socket.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(stream, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message
            && let Some(fd) = fds.next()
        {
            return Ok(fd);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn read_number(stream: &mut UnixStream) -> io::Result<usize> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes) as usize)
}

const GO: u8 = b'g';
const LIST_BYTES_MAX: usize = 1 << 20;
const ANSWER: Duration = Duration::from_secs(5);
const WAKE: Duration = Duration::from_secs(1);
/// The next process may read rules and certificates, and bring its store up to date.
const START: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::sync_channel;

    fn socket() -> (HandedSocket, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("address");
        (
            HandedSocket { name: "l".to_owned(), address: address.to_string(), socket: listener.into() },
            address,
        )
    }

    #[test]
    fn a_socket_goes_over_with_what_waits_in_its_queue() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("handover.sock");
        let (handed, address) = socket();
        let (told, released) = sync_channel(1);
        let successors =
            Successors::wait(path.clone(), [handed].into(), move || told.send(()).expect("heard"))
                .expect("waits");
        let mut waiting = TcpStream::connect(address).expect("queued");
        let mut before = Predecessor::ask(&path).expect("answers").expect("is there");
        let taken = before.sockets.pop().expect("one");
        assert_eq!((taken.name.as_str(), taken.address), ("l", address.to_string()));
        before.release().expect("heard");
        released.recv_timeout(Duration::from_secs(20)).expect("released");
        drop(successors);
        let listener = TcpListener::from(taken.socket);
        let (mut accepted, _) = listener.accept().expect("the one that waited");
        accepted.write_all(b"x").expect("writes");
        waiting.read_exact(&mut [0]).expect("reads");
    }

    #[test]
    fn who_has_handed_over_asks_nothing_of_the_one_that_follows() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("handover.sock");
        let (told, released) = sync_channel(1);
        let on_release = move || {
            told.send(()).expect("heard");
            std::thread::sleep(Duration::from_millis(100)); // the thread is still there
        };
        let successors = Successors::wait(path.clone(), [socket().0].into(), on_release).expect("waits");
        Predecessor::ask(&path).expect("answers").expect("is there").release().expect("heard");
        released.recv_timeout(Duration::from_secs(20)).expect("released");
        std::fs::remove_file(&path).expect("removes");
        let next = UnixListener::bind(&path).expect("binds");
        drop(successors);
        next.set_nonblocking(true).expect("set");
        assert_eq!(next.accept().expect_err("nobody asks").kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_process_that_hangs_while_it_starts_keeps_nobody_from_stopping() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("handover.sock");
        let successors =
            Successors::wait(path.clone(), [socket().0].into(), || panic!("nobody serves")).expect("waits");
        let hanging = Predecessor::ask(&path).expect("answers").expect("is there");
        let begun = Instant::now();
        drop(successors);
        assert!(begun.elapsed() < START / 4);
        drop(hanging);
    }

    #[test]
    fn who_asks_and_fails_changes_nothing_and_the_next_one_gets_the_sockets() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("handover.sock");
        assert!(Predecessor::ask(&path).expect("no error").is_none(), "nobody is there");
        let successors =
            Successors::wait(path.clone(), [socket().0].into(), || panic!("nobody serves")).expect("waits");
        drop(Predecessor::ask(&path).expect("answers"));
        assert_eq!(Predecessor::ask(&path).expect("answers").expect("is there").sockets.len(), 1);
        drop(successors);
        assert!(!path.exists());
    }
}
