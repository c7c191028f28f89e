//! What a service manager is told of this process (`sd_notify(3)`): lines in a datagram, on the Unix socket that
//! `NOTIFY_SOCKET` names. Where nobody asks, nothing is said; where it can't be told, that is logged, and no reason to stop.

use rustix::time::{ClockId, clock_gettime};
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Who wants to know.
#[derive(Debug)]
pub struct Manager {
    socket: Option<OsString>,
    /// How often it wants to hear that the process does its work, at least.
    watchdog: Option<Duration>,
}

impl Manager {
    /// Who started this process, where it wants to know.
    #[must_use]
    pub fn of_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        // Where another process is meant, it is that one's to tell.
        let is_ours = std::env::var_os("WATCHDOG_PID").is_none()
            || number("WATCHDOG_PID") == Some(std::process::id().into());
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0);
        Self {
            socket: std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()),
            watchdog: watchdog.map(Duration::from_micros),
        }
    }

    /// It serves. `took_over`: in place of another process, which the manager may know as the service's.
    pub fn ready(&self, took_over: bool) {
        let process = if took_over { format!("\nMAINPID={}", std::process::id()) } else { String::new() };
        self.tell(&format!("READY=1{process}"));
    }

    /// It reads its configuration again; [`Manager::ready`] follows.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1000));
    }

    /// It drains.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// How long it waits for [`Manager::alive`] before it takes the process for hung (`WatchdogSec=`); `None`: it doesn't.
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.socket.is_some())
    }

    /// It does its work.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    fn tell(&self, lines: &str) {
        let Some(name) = &self.socket else { return };
        if let Err(error) = send(name.as_bytes(), lines.as_bytes()) {
            tracing::warn!(kind = %error.kind(), "The service manager can't be told.");
        }
    }
}

fn send(name: &[u8], lines: &[u8]) -> io::Result<()> {
    let address = match name.split_first() {
        Some((b'/', _)) => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        // A machine's own manager may listen on VSOCK; a gateway isn't started so.
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(TAKES_MAX))?;
    socket.send_to_addr(lines, &address)?;
    Ok(())
}

/// A manager that takes nothing keeps nobody waiting.
const TAKES_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut lines = [0; 256];
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        let length = socket.recv(&mut lines).expect("a datagram");
        String::from_utf8(lines[..length].to_vec()).expect("text")
    }

    #[test]
    fn each_word_is_a_datagram_on_a_path_or_an_abstract_name() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).expect("binds");
        let manager = Manager { socket: Some(path.into_os_string()), watchdog: None };
        manager.ready(false);
        assert_eq!(told(&by_path), "READY=1");
        manager.ready(true);
        assert_eq!(told(&by_path), format!("READY=1\nMAINPID={}", std::process::id()));
        manager.reloading();
        let reloading = told(&by_path);
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("both");
        assert!(micros.parse::<u64>().is_ok_and(|micros| micros > 0), "{reloading}");
        let name = format!("phigate-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let by_name = UnixDatagram::bind_addr(&address).expect("binds");
        Manager { socket: Some(format!("@{name}").into()), watchdog: None }.stopping();
        assert_eq!(told(&by_name), "STOPPING=1");
    }

    #[test]
    fn nobody_is_told_where_nobody_asks_or_listens() {
        let minute = Some(Duration::from_secs(60));
        let nobody = Manager { socket: None, watchdog: minute };
        nobody.ready(false);
        assert_eq!(nobody.watchdog(), None);
        let gone = Manager { socket: Some("/nowhere/notify".into()), watchdog: minute };
        gone.stopping();
        assert_eq!(gone.watchdog(), minute);
        assert_eq!(send(b"vsock:2:1", b"READY=1").expect_err("none").kind(), io::ErrorKind::Unsupported);
    }
}
