//! Started by a service manager: its sockets are taken by name, and it is told how the process is.

use crate::binary::{PROGRAM, config, signal, started, text};
use crate::support::{Upstream, admin, read_http};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const ASK: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// The program as a manager starts it: with sockets from descriptor 3 on, and its own number in a variable.
fn managed(file: &Path, sockets: [OwnedFd; 2], names: &str) -> Command {
    let count = names.split(':').count();
    let script = format!(
        "exec 3<&0 4<&1 0</dev/null 1>/dev/null; export LISTEN_PID=$$ LISTEN_FDS={count} LISTEN_FDNAMES='{names}'; exec \"$0\" \"$@\""
    );
    let [one, two] = sockets;
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(PROGRAM).args(["run", "--config"]).arg(file);
    command.stdin(Stdio::from(one)).stdout(Stdio::from(two));
    command
}

fn write_config(
    folder: &Path,
    upstream: SocketAddr,
    listener: SocketAddr,
    unix: &Path,
) -> std::path::PathBuf {
    let text = config(folder, upstream, "production")
        .replace("name = \"l\"\naddress = \"127.0.0.1:0\"", &format!("name = \"l\"\naddress = \"{listener}\""))
        .replace(
            "[[listener]]",
            &format!(
                "[[listener]]\nname = \"u\"\naddress = \"unix:{}\"\nenvironment = \"one\"\ncallers = \"any\"\n[[listener]]",
                unix.display()
            ),
        )
        .replace("threads = 1", "threads = 2");
    let file = folder.join("phigate.toml");
    std::fs::write(&file, text).expect("writes");
    file
}

#[test]
fn the_manager_s_sockets_are_taken_by_name_and_it_is_told_ready_reloading_and_stopping() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().expect("folder");
    let (notify, path) = (folder.path().join("notify"), folder.path().join("gate.sock"));
    let manager = UnixDatagram::bind(&notify).expect("binds");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let told = || {
        let mut lines = [0; 256];
        let length = manager.recv(&mut lines).expect("a datagram");
        text(&lines[..length])
    };
    let tcp = TcpListener::bind("127.0.0.1:0").expect("binds");
    let unix = UnixListener::bind(&path).expect("binds");
    let address = tcp.local_addr().expect("address");
    // These wait in the queues before there is a gateway.
    let mut early = TcpStream::connect(address).expect("connects");
    early.write_all(ASK).expect("writes");
    let mut by_path = UnixStream::connect(&path).expect("connects");
    by_path.write_all(ASK).expect("writes");
    let file = write_config(folder.path(), upstream.address, address, &path);
    let sockets = [OwnedFd::from(unix), tcp.try_clone().expect("copies").into()];
    let mut run = started(managed(&file, sockets, "u:l").env("NOTIFY_SOCKET", &notify));
    assert_eq!(run.gate, address);
    assert_eq!(read_http(&mut early, false).expect("an answer").status(), 200);
    assert_eq!(read_http(&mut by_path, false).expect("an answer").status(), 200);
    assert_eq!(told(), "READY=1");
    signal(&run.child, "-HUP");
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(told(), "READY=1");
    signal(&run.child, "-TERM");
    assert_eq!(told(), "STOPPING=1");
    assert_eq!(run.child.wait().expect("ends").code(), Some(0));
    // The manager has it still, for the next start.
    TcpStream::connect(address).expect("connects");
}

#[test]
fn a_socket_that_the_configuration_doesn_t_tell_of_is_an_error_of_the_start() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gate.sock");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("binds");
    let other = TcpListener::bind("127.0.0.1:0").expect("binds");
    let unix = UnixListener::bind(&path).expect("binds");
    let address = tcp.local_addr().expect("address");
    let file = write_config(folder.path(), ([127, 0, 0, 1], 9).into(), address, &path);
    let fd = |listener: &TcpListener| OwnedFd::from(listener.try_clone().expect("copies"));
    let connected = || OwnedFd::from(TcpStream::connect(address).expect("connects"));
    let end = |sockets, names: &str| {
        let out = managed(&file, sockets, names).output().expect("runs");
        (out.status.code(), text(&out.stderr))
    };
    let elsewhere = other.local_addr().expect("address");
    let wrong =
        format!("listener `l` has the address {address}, and the socket that was opened for it {elsewhere}");
    for (sockets, names, part) in [
        ([fd(&other), fd(&tcp)], "l", &*wrong),
        ([fd(&tcp), unix.try_clone().expect("copies").into()], "l:l", "`l` has the address"),
        ([fd(&tcp), fd(&tcp)], "phigate.socket", "a socket is named `phigate.socket`, as no listener is"),
        ([connected(), fd(&tcp)], "l", "listens neither on TCP nor on a path"),
        ([std::fs::File::open("/dev/null").expect("opens").into(), fd(&tcp)], "l", "listens neither"),
    ] {
        let (code, told) = end(sockets, names);
        assert_eq!(code, Some(1), "{names}: {told}");
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[test]
fn a_manager_that_watches_hears_that_the_data_threads_take_turns() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().expect("folder");
    let notify = folder.path().join("notify");
    let manager = UnixDatagram::bind(&notify).expect("binds");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = tcp.local_addr().expect("address");
    let file = write_config(folder.path(), upstream.address, address, &folder.path().join("gate.sock"));
    let mut command = managed(&file, [tcp.try_clone().expect("copies").into(), tcp.into()], "l");
    let run = started(command.env("NOTIFY_SOCKET", &notify).env("WATCHDOG_USEC", "200000"));
    let told = || {
        let mut lines = [0; 64];
        let length = manager.recv(&mut lines).expect("a datagram");
        text(&lines[..length])
    };
    assert_eq!(told(), "READY=1");
    for _ in 0..4 {
        assert_eq!(told(), "WATCHDOG=1");
    }
    assert_eq!(admin(run.admin, "/livez", "").status(), 200);
}
