//! A gateway and an upstream for tests, and a client that sends just the bytes it is given.

use phigate::config::Config;
use phigate::run::Running;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One message as a peer sent it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Http {
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
}

impl Http {
    pub(crate) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, v)| v)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Reads one message; `None` where the peer closed before its head was whole. `bodyless`: the answer to a HEAD.
pub(crate) fn read_http(stream: &mut impl Read, bodyless: bool) -> Option<Http> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n");
    let start = lines.next()?.to_owned();
    let pair = |l: &str| l.split_once(':').map(|(n, v)| (n.to_owned(), v.trim().to_owned()));
    let headers: Vec<_> = lines.filter_map(pair).collect();
    let mut http = Http { start, headers, ..Http::default() };
    let status = http.status();
    if bodyless
        || (http.start.starts_with("HTTP/") && (matches!(status, 204 | 304) || (100..200).contains(&status)))
    {
        return Some(http);
    }
    if http.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
        loop {
            let size = read_line(stream)?;
            let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
            if size == 0 {
                loop {
                    let line = read_line(stream)?;
                    match pair(&line) {
                        Some(trailer) => http.trailers.push(trailer),
                        None => return Some(http),
                    }
                }
            }
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).ok()?;
            chunk.truncate(size);
            http.body.extend(chunk);
        }
    }
    let length = http.header("content-length").to_owned();
    if length.is_empty() && http.start.starts_with("HTTP/") {
        stream.read_to_end(&mut http.body).ok()?;
    } else {
        http.body = vec![0; length.parse().unwrap_or(0)];
        stream.read_exact(&mut http.body).ok()?;
    }
    Some(http)
}

fn read_line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).ok()
}

/// Keeps what reaches it, and answers each message with bytes that can be set.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Http>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    answer: Arc<Mutex<Vec<u8>>>,
    heads: Mutex<Receiver<()>>,
}

pub(crate) const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("address");
        let (got, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(OK.to_vec())));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (seen, heads) = sync_channel(1);
        let (keep, reply, raw) = (got.clone(), answer.clone(), bytes.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (keep, reply, seen) = (keep.clone(), reply.clone(), seen.clone());
                let stream = Tap { stream, bytes: raw.clone() };
                std::thread::spawn(move || serve(stream, &keep, &reply, &seen));
            }
        });
        Self { address, got, bytes, answer, heads: Mutex::new(heads) }
    }

    pub(crate) fn answer(&self, bytes: &[u8]) {
        *self.answer.lock().expect("lock") = bytes.to_vec();
    }

    /// As long as it is held, nothing is answered.
    pub(crate) fn hold(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.answer.lock().expect("lock")
    }

    /// What came since the last call.
    pub(crate) fn take(&self) -> Vec<Http> {
        std::mem::take(&mut self.got.lock().expect("lock"))
    }

    /// The very bytes that came since the last call.
    pub(crate) fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().expect("lock"))
    }

    /// Waits until some connection's first byte came.
    pub(crate) fn wait_for_bytes(&self) {
        self.heads
            .lock()
            .expect("lock")
            .recv_timeout(Duration::from_secs(20))
            .expect("bytes reach the upstream");
    }
}

/// A connection whose bytes are kept as they came.
struct Tap {
    stream: TcpStream,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Read for Tap {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = self.stream.read(buf)?;
        self.bytes.lock().expect("lock").extend_from_slice(&buf[..count]);
        Ok(count)
    }
}

fn serve(mut stream: Tap, keep: &Mutex<Vec<Http>>, reply: &Mutex<Vec<u8>>, seen: &SyncSender<()>) {
    loop {
        let mut first = [0];
        if !matches!(stream.stream.peek(&mut first), Ok(1)) {
            return;
        }
        // One that waits is enough.
        let _ = seen.try_send(());
        let Some(http) = read_http(&mut stream, false) else { return };
        let bodyless = http.start.starts_with("HEAD");
        keep.lock().expect("lock").push(http);
        let mut bytes = reply.lock().expect("lock").clone();
        if bodyless && let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            bytes.truncate(end + 4);
        }
        if stream.stream.write_all(&bytes).is_err() {
            return;
        }
        // An answer without a length ends with its connection, and so does one in chunks that lacks the last.
        let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if head.contains("chunked") && !head.contains("\r\n0\r\n") {
            return;
        }
        if !head.contains("content-length")
            && !head.contains("chunked")
            && !bodyless
            && !head.starts_with("http/1.1 204")
        {
            return;
        }
    }
}

/// A gateway with development, staging and production, an upstream for each, and a key for each.
pub(crate) struct Gate {
    pub(crate) running: Option<Running>,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) keys: Vec<String>,
    pub(crate) config: String,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) const ENVIRONMENTS: [&str; 3] = ["development", "staging", "production"];

impl Gate {
    pub(crate) fn start() -> Self {
        Self::with("", "")
    }

    /// `top` stands before the sections, `staging` inside the staging environment.
    pub(crate) fn with(top: &str, staging: &str) -> Self {
        Self::with_connection(top, staging, "")
    }

    /// The same; `connection` stands inside the staging connection.
    pub(crate) fn with_connection(top: &str, staging: &str, connection: &str) -> Self {
        Self::with_production(top, staging, connection, "")
    }

    /// The same; `production` stands inside the production environment.
    pub(crate) fn with_production(top: &str, staging: &str, connection: &str, production: &str) -> Self {
        Self::with_all(top, staging, connection, production, "")
    }

    /// The same as [`Gate::start`]; `tail` stands behind the other sections.
    pub(crate) fn also(tail: &str) -> Self {
        Self::with_tail("", tail)
    }

    /// The same; `top` stands before the sections.
    pub(crate) fn with_tail(top: &str, tail: &str) -> Self {
        Self::with_all(top, "", "", "", tail)
    }

    pub(crate) fn with_all(top: &str, staging: &str, connection: &str, production: &str, tail: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let upstreams: Vec<Upstream> = ENVIRONMENTS.iter().map(|_| Upstream::start()).collect();
        let mut config = format!(
            "data_dir = {:?}\nthreads = 2\n{top}\n[admin]\naddress = \"127.0.0.1:0\"\n",
            folder.path().join("data")
        );
        for (name, upstream) in ENVIRONMENTS.iter().zip(&upstreams) {
            let (extra, connection) = match *name {
                "staging" => (staging, connection),
                "production" => (production, ""),
                _ => ("", ""),
            };
            config += &format!(
                "[[environment]]\nname = \"{name}\"\nflag = \"{name}\"\n{extra}\n[[connection]]\nname = \"to-{name}\"\nenvironment = \"{name}\"\nupstream = \"http://{}\"\n{connection}\n",
                upstream.address
            );
        }
        config += "[[listener]]\nname = \"lower\"\naddress = \"127.0.0.1:0\"\n[[listener]]\nname = \"production\"\naddress = \"127.0.0.1:0\"\nenvironment = \"production\"\n[[listener]]\nname = \"open\"\naddress = \"127.0.0.1:0\"\nenvironment = \"staging\"\ncallers = \"any\"\n";
        config += tail;
        let mut running = Running::start(Config::parse(&config).expect("good")).expect("starts");
        let key = |e: &str| running.control().create_key(e, "tester", "connection", 0, None).expect("made").1;
        let keys = ENVIRONMENTS.iter().map(|e| key(e)).collect();
        running.refresh_keys_now();
        Self { running: Some(running), upstreams, keys, config, folder }
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("runs")
    }

    pub(crate) fn address(&self, environment: usize) -> SocketAddr {
        self.running().address(if environment == 2 { "production" } else { "lower" }).expect("listens")
    }

    pub(crate) fn connect(&self, environment: usize) -> TcpStream {
        connect(self.address(environment))
    }

    /// Sends a message with the environment's key, and reads the answer.
    pub(crate) fn send(
        &self,
        environment: usize,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Http {
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n",
            self.keys[environment]
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (request + "\r\n").into_bytes();
        bytes.extend(body);
        let mut stream = self.connect(environment);
        stream.write_all(&bytes).expect("writes");
        read_http(&mut stream, method == "HEAD").expect("an answer")
    }

    /// Asks the admin side.
    pub(crate) fn admin(&self, path: &str, token: &str) -> Http {
        admin(self.running().admin_address(), path, token)
    }

    /// A member with an organization role, and its token.
    pub(crate) fn member(&self, name: &str, role: &str) -> (String, String) {
        let control = self.running().control();
        let id = control.create_member(name, role, 0).expect("made").expect("a new name");
        let member = control.member(&id).expect("reads").expect("is there");
        let token = control.create_member_token(&member, 0, None).expect("made").1;
        (id, token)
    }

    pub(crate) fn token(&self, roles: &[(&str, &str)]) -> String {
        let roles: Vec<_> = roles.iter().map(|(e, r)| ((*e).to_owned(), (*r).to_owned())).collect();
        self.running().control().create_token("reader", &roles, 0, None).expect("made").1
    }

    /// The audit as it is on disk.
    pub(crate) fn audit(&self) -> String {
        let folder = self.folder.path().join("data/audit");
        let files = std::fs::read_dir(folder).expect("lists").flatten().map(|f| f.path());
        let mut files: Vec<PathBuf> = files.filter(|f| f.extension().is_some_and(|e| e == "jsonl")).collect();
        files.sort();
        files.iter().map(|f| std::fs::read_to_string(f).expect("reads")).collect()
    }

    pub(crate) fn metric(&self, line: &str) -> u64 {
        metric(&String::from_utf8(self.admin("/metrics", "").body).expect("text"), line)
    }

    /// Stops the gateway, and gives the folder that it leaves.
    pub(crate) fn stop(&mut self) -> PathBuf {
        let _ = self.running.take().expect("runs").stop();
        self.folder.path().to_owned()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.stop();
        }
    }
}

pub(crate) fn metric(text: &str, line: &str) -> u64 {
    text.lines().find_map(|l| l.strip_prefix(line)?.trim().parse::<f64>().ok()).map_or(0, |v| v as u64)
}

/// As many tries as there are in a minute, for what comes by itself: with a rest between, so that it has the time to come.
pub(crate) fn tries() -> impl Iterator<Item = ()> {
    let begun = Instant::now();
    std::iter::from_fn(move || {
        std::thread::sleep(Duration::from_millis(2));
        (begun.elapsed() < Duration::from_secs(60)).then_some(())
    })
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    stream
}

pub(crate) fn admin(address: SocketAddr, path: &str, token: &str) -> Http {
    let mut stream = connect(address);
    let auth = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{auth}Connection: close\r\n\r\n")
        .expect("writes");
    read_http(&mut stream, false).expect("an answer")
}

/// Asks the admin side with a method, further headers and a body.
pub(crate) fn ask(
    address: SocketAddr,
    (method, path): (&str, &str),
    token: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Http {
    let mut stream = connect(address);
    let auth = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{auth}{headers}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("writes");
    read_http(&mut stream, false).expect("an answer")
}

/// A path under `../shared`; `None` where it is absent, which is a failure under CI.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").is_err(), "shared files are absent under CI");
    None
}

pub(crate) const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}],"name":[{"family":"Okafor","given":["Darnell"]}],"birthDate":"1962-06-22"}"#;
pub(crate) const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");
