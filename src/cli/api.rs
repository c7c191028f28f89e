//! The admin API, as commands ask it: with the token of `PHIGATE_TOKEN`.

use super::call;
use super::out;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;
use std::fmt::Write;
use std::process::ExitCode;

/// What every command that asks the API takes.
#[derive(Debug, clap::Args)]
pub(super) struct ApiArgs {
    /// The gateway's admin address.
    #[arg(long, value_name = "URL", default_value = ADMIN, global = true)]
    pub(super) admin: String,
    /// Print the API's JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Where the API is, and who asks.
pub(super) struct Api {
    authority: String,
    token: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) value: Value,
}

impl Api {
    /// At an address, with the token of the environment variable.
    pub(super) fn new(admin: &str) -> Result<Self, String> {
        let token = std::env::var("PHIGATE_TOKEN").map_err(|_| {
            "PHIGATE_TOKEN holds no token (phigate tokens create, phigate org init)".to_owned()
        })?;
        Ok(Self::with(admin, token))
    }

    /// The same with this token.
    pub(super) fn with(admin: &str, token: String) -> Self {
        let authority = admin.strip_prefix("http://").unwrap_or(admin).trim_end_matches('/').to_owned();
        Self { authority, token }
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, String> {
        self.ask("GET", path, None, None)
    }

    /// Asks. `version` is the ETag that a change is made to.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        version: Option<&str>,
    ) -> Result<Answer, String> {
        self.send(self.request(method, path, body, version.map(|version| ("if-match", version)))?)
    }

    /// Makes what isn't there yet.
    pub(super) fn make(&self, method: &str, path: &str, body: &Value) -> Result<Answer, String> {
        self.send(self.request(method, path, Some(body), Some(("if-none-match", "*")))?)
    }

    fn send(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
        let reply = runtime()?.block_on(call::call(&self.authority, request)).map_err(|why| self.at(why))?;
        let etag = reply.headers.get(http::header::ETAG).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let value = serde_json::from_slice(&reply.body).unwrap_or_default();
        Ok(Answer { status: reply.status, etag, value })
    }

    /// Asks, and hands on the answer piece by piece; gives the status and, where that isn't 200, what was answered.
    pub(super) fn stream(&self, path: &str, each: &mut dyn FnMut(&[u8]) -> bool) -> Result<Answer, String> {
        let request = self.request("GET", path, None, None)?;
        let (status, rest) =
            runtime()?.block_on(call::stream(&self.authority, request, each)).map_err(|why| self.at(why))?;
        Ok(Answer { status, etag: None, value: serde_json::from_slice(&rest).unwrap_or_default() })
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        condition: Option<(&str, &str)>,
    ) -> Result<http::Request<Full<Bytes>>, String> {
        if self.authority.starts_with("https://") {
            return Err("--admin: the admin side speaks no TLS, it is on this machine: http://…".to_owned());
        }
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.authority)
            .header("authorization", format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        request
            .body(Full::new(bytes))
            .map_err(|_| "the token or the address has characters that can't be sent".to_owned())
    }

    fn at(&self, why: &str) -> String {
        format!("{}: {why}", self.authority)
    }
}

impl Answer {
    /// Prints what was answered, as JSON or by `print`; or why it was refused.
    pub(super) fn told(&self, json: bool, print: impl FnOnce(&Value)) -> ExitCode {
        if !(200..300).contains(&self.status) {
            return self.refused();
        }
        match json {
            true => out::line(serde_json::to_string_pretty(&self.value).unwrap_or_default()),
            false => print(&self.value),
        }
        ExitCode::SUCCESS
    }

    /// Prints why it was refused, each problem on a line; exit code 1.
    pub(super) fn refused(&self) -> ExitCode {
        out::complain(format!("{}: {}", self.status, self.value["detail"].as_str().unwrap_or("refused")));
        for problem in self.value["problems"].as_array().into_iter().flatten() {
            out::complain(format!("  {}", problem.as_str().unwrap_or("-")));
        }
        ExitCode::from(1)
    }
}

/// Where the admin side is, as long as nobody says otherwise.
pub(super) const ADMIN: &str = "http://127.0.0.1:9901";

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.kind().to_string())
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}"); // writing to a String doesn't fail
        }
        out
    })
}
