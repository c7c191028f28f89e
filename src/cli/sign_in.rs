//! `phigate sign-in`: a person's token, by the provider that the gateway is configured with and a browser on this machine.

use super::api::Api;
use super::keys::finish;
use super::out;
use crate::sign_in::{challenge, word};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// What `phigate sign-in` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's admin address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901")]
    admin: String,
}

/// Runs it. Exit code 0: the token is printed, 1: refused, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let api = Api::with(&args.admin, String::new());
        // Asked for nothing, a gateway with a provider says what it wants. Nobody is sent to a page that isn't there.
        let asked = api.get("/v1/sign-in")?;
        if asked.status != 400 {
            return Ok(asked.refused());
        }
        let random = crate::secrets::random().map_err(|e| e.to_string())?;
        let verifier = URL_SAFE_NO_PAD.encode(random);
        let challenge = challenge(&verifier);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.kind().to_string())?;
        let port = listener.local_addr().map_err(|e| e.kind().to_string())?.port();
        let admin = args.admin.trim_end_matches('/');
        out::complain(format!(
            "Open in a browser on this machine:\n  {admin}/v1/sign-in?challenge={challenge}&port={port}"
        ));
        out::complain(format!("The page has to show the word {}.", word(&challenge)));
        let code = within(WAIT_MAX, move || code(|| listener.accept().map(|(stream, _)| stream)))?;
        let body = json!({"code": code, "verifier": verifier});
        let answer = api.ask("POST", "/v1/sign-in/token", Some(&body), None)?;
        if answer.status != 201 {
            return Ok(answer.refused());
        }
        let text = |key: &str| answer.value[key].as_str().unwrap_or("-").to_owned();
        out::complain(format!("Signed in as {} until {}.", text("name"), text("expires")));
        out::line(text("token"));
        Ok(ExitCode::SUCCESS)
    };
    finish("sign-in", run())
}

/// What comes of `f` by then: whoever waits for a browser that nobody opens waits for ever.
fn within(
    limit: Duration,
    f: impl FnOnce() -> Result<String, String> + Send + 'static,
) -> Result<String, String> {
    let (told, waits) = sync_channel(1);
    let thread = std::thread::Builder::new().name("sign-in".to_owned());
    // Nobody may wait any more.
    thread.spawn(move || told.send(f())).map_err(|e| e.kind().to_string())?;
    waits
        .recv_timeout(limit)
        .unwrap_or_else(|_| Err(format!("nobody signed in within {} minutes", limit.as_secs() / 60)))
}

/// The code that a browser brings; whatever else asks here is told that there is nothing.
fn code(mut accept: impl FnMut() -> io::Result<TcpStream>) -> Result<String, String> {
    loop {
        let mut stream = match accept() {
            Ok(stream) => stream,
            Err(error) if is_the_listeners(&error) => return Err(error.kind().to_string()),
            // One connection's fault, or files that somebody may close: the browser comes again, or hasn't come yet.
            Err(_) => {
                std::thread::sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        // One that says nothing keeps nobody waiting.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut head = Vec::new();
        let mut piece = [0; 1024];
        while !head.windows(4).any(|w| w == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
            match stream.read(&mut piece) {
                Ok(count @ 1..) => head.extend_from_slice(piece.get(..count).unwrap_or_default()),
                _ => break,
            }
        }
        let head = String::from_utf8_lossy(&head);
        let code = head.strip_prefix("GET /?code=").and_then(|rest| rest.split([' ', '&']).next());
        let code = code.filter(|code| code.len() == 64 && code.bytes().all(|b| b.is_ascii_hexdigit()));
        let (status, text) = match code {
            Some(_) => ("200 OK", "Signed in. You can close this page."),
            None => ("404 Not Found", "There is nothing here."),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        // A browser that is gone already brought what it had.
        let _ = stream.write_all(answer.as_bytes());
        if let Some(code) = code {
            return Ok(code.to_owned());
        }
    }
}

/// Whether it is the listener that is wrong: no other try ends better.
fn is_the_listeners(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errors = [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::OPNOTSUPP];
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported)
        || errors.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// As long as the gateway waits at most: it forgets each of three steps after ten minutes.
const WAIT_MAX: Duration = Duration::from_secs(30 * 60);
const HEAD_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_never_signs_in_is_not_waited_for_without_end() {
        assert_eq!(within(WAIT_MAX, || Ok("code".to_owned())), Ok("code".to_owned()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("binds");
        let accept = move || listener.accept().map(|(stream, _)| stream);
        let told = within(Duration::from_millis(1), move || code(accept));
        assert!(told.is_err_and(|told| told.starts_with("nobody signed in")));
    }

    #[test]
    fn a_connection_that_can_t_be_taken_keeps_nobody_from_signing_in() {
        use rustix::io::Errno;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("binds");
        let mut browser = TcpStream::connect(listener.local_addr().expect("address")).expect("connects");
        let word = "a1".repeat(32);
        write!(browser, "GET /?code={word} HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
        let mut errors = [Errno::CONNABORTED, Errno::MFILE, Errno::NOBUFS].into_iter();
        let accept = move || match errors.next() {
            Some(errno) => Err(errno.into()),
            None => listener.accept().map(|(stream, _)| stream),
        };
        assert_eq!(code(accept), Ok(word));
        assert!(code(|| Err(Errno::INVAL.into())).is_err());
    }
}
