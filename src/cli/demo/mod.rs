//! `phigate demo`: an organization of three environments, an upstream for each, and a tour of messages through real
//! sockets; each is told with what was decided, why, and what the upstream got.

mod tour;
mod upstream;

use super::call::{self, Reply};
use super::out::{self, Paint};
use super::records;
use crate::config::Config;
use crate::run::Running;
use bytes::Bytes;
use http_body_util::Full;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tour::{Expect, Stop, To};
use upstream::Upstream;

/// What `phigate demo` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End after the tour; exit code 0 only if every expectation held.
    #[arg(long)]
    once: bool,
    /// Where records and keys are kept; a new folder for temporary files where it isn't given.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// Runs it. Exit code 0: every expectation held, 1: one didn't, 2: it could not start.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    // The table tells what the log would.
    crate::telemetry::log::start(crate::telemetry::log::LogFormat::Text, "warn");
    let folder = args
        .data
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("phigate-demo-{}", std::process::id())));
    let demo = match Demo::start(folder) {
        Ok(demo) => demo,
        Err(problem) => {
            out::complain(format!("phigate demo: {problem}"));
            return ExitCode::from(2);
        }
    };
    let held = demo.tour();
    demo.views();
    demo.metrics();
    demo.try_it();
    if !args.once {
        out::line("\nIt runs until Ctrl-C.");
        demo.wait();
    }
    let cut = demo.running.stop();
    if cut > 0 {
        out::complain(format!("{cut} connections were cut."));
    }
    if held { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

struct Demo {
    running: Running,
    runtime: tokio::runtime::Runtime,
    upstreams: [Upstream; 3],
    keys: [String; 3],
    folder: PathBuf,
    config: String,
    paint: Paint,
    production_record: std::cell::RefCell<Option<String>>,
}

/// Lines of findings that the tour shows.
const FINDINGS_SHOWN: usize = 4;
const ENVIRONMENTS: [&str; 3] = ["development", "staging", "production"];

impl Demo {
    fn start(folder: PathBuf) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| e.kind().to_string())?;
        let upstreams = [Upstream::start()?, Upstream::start()?, Upstream::start()?];
        let config =
            configuration(&folder, [&upstreams[0], &upstreams[1], &upstreams[2]].map(Upstream::address));
        let checked = Config::parse(&config)
            .map_err(|p| p.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let mut running = Running::start(checked).map_err(|e| e.to_string())?;
        let now = super::keys::now();
        let mut keys = Vec::new();
        for environment in ENVIRONMENTS {
            let (_, key) = running
                .control()
                .create_key(environment, "demo-sender", "connection", now, None)
                .map_err(|e| e.to_string())?;
            keys.push(key);
        }
        running.refresh_keys_now();
        let keys = keys.try_into().map_err(|_| "three keys")?;
        let paint = Paint::of_stdout();
        Ok(Self { running, runtime, upstreams, keys, folder, config, paint, production_record: None.into() })
    }

    fn listener(&self, to: To) -> Result<SocketAddr, String> {
        let name = if matches!(to, To::Production) { "production" } else { "lower" };
        self.running.address(name).ok_or_else(|| "no listener".to_owned())
    }

    fn tour(&self) -> bool {
        out::line(
            self.paint.bold("phigate demo: one organization, three environments, an upstream for each"),
        );
        out::line(format!("records and keys: {}\n", self.folder.display()));
        out::line(self.paint.bold(&format!(
            "{:<3}{:<46}{:<14}{:<36}{}",
            "", "sent", "to", "decided, and why", "the upstream got"
        )));
        let mut all = true;
        for (number, stop) in tour::stops().into_iter().enumerate() {
            all &= match self.stop(number + 1, &stop) {
                Ok(held) => held,
                Err(problem) => {
                    out::line(self.paint.red(&format!(
                        "{:<3}{:<46}failed: {problem}",
                        number + 1,
                        stop.what
                    )));
                    false
                }
            };
        }
        all
    }

    fn stop(&self, number: usize, stop: &Stop) -> Result<bool, String> {
        if stop.shadow {
            self.running.reload(&shadowed(&self.config)).map_err(|p| p.join("; "))?;
        }
        let environment = stop.to.index();
        let before = self.upstreams[environment].count();
        let reply = self.send(stop)?;
        if stop.shadow {
            self.running.reload(&self.config).map_err(|p| p.join("; "))?;
        }
        let got = self.upstreams[environment].since(before);
        let exact = got.iter().any(|g| g.body == stop.body && g.target == stop.target);
        let record = header(&reply, "phigate-record");
        if matches!(stop.to, To::Production) && self.production_record.borrow().is_none() {
            self.production_record.replace(Some(record.clone()));
        }
        let held = stop.expect.holds(&reply, !got.is_empty(), exact);
        let (decided, mut why) = told(&reply, stop);
        if stop.shadow {
            why = self.would_refuse(stop, &record)?;
        }
        let decided = match &stop.expect {
            Expect::Through => self.paint.green(&format!("{decided:<36}")),
            Expect::Shadow => self.paint.yellow(&format!("{decided:<36}")),
            Expect::Refused { .. } => self.paint.red(&format!("{decided:<36}")),
        };
        let arrived = match (got.len(), exact) {
            (0, _) => "nothing".to_owned(),
            (_, true) => format!("all {} bytes, byte for byte", stop.body.len()),
            (_, false) => "something else".to_owned(),
        };
        let mark = if held { String::new() } else { self.paint.red("  <- not as expected") };
        out::line(format!(
            "{number:<3}{:<46}{:<14}{decided}{arrived}{mark}\n{:<63}{}",
            stop.what,
            stop.to.name(),
            "",
            self.paint.dim(&why)
        ));
        Ok(held)
    }

    /// Why a message of shadow mode would be refused: its sender isn't told, but its record is.
    fn would_refuse(&self, stop: &Stop, record: &str) -> Result<String, String> {
        self.running.flush_records();
        let roles = [(stop.to.name().to_owned(), "viewer".to_owned())];
        let token = self.running.control().create_token("demo", &roles, super::keys::now(), None);
        let (_, token) = token.map_err(|e| e.to_string())?;
        let admin = format!("http://{}", self.running.admin_address());
        let (_, answer) = records::get(&admin, &format!("/v1/records/{record}"), &token)?;
        let record = &answer["record"];
        let found = record["found"].as_array().into_iter().flatten();
        let heaviest = found.max_by_key(|f| f["points"].as_u64());
        Ok(format!(
            "{}: {}, {} points (from its record)",
            record["reason"].as_str().unwrap_or("-"),
            heaviest.and_then(|f| f["rule"].as_str()).unwrap_or("-"),
            record["points"]
        ))
    }

    fn send(&self, stop: &Stop) -> Result<Reply, String> {
        let address = self.listener(stop.to)?.to_string();
        let key = &self.keys[stop.key.index()];
        let mut request = http::Request::builder()
            .method(stop.method)
            .uri(stop.target)
            .header("host", &address)
            .header("phigate-key", key);
        for (name, value) in stop.headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(stop.body.clone())))
            .map_err(|_| "the request can't be built")?;
        self.runtime.block_on(call::call(&address, request)).map_err(str::to_owned)
    }

    /// One production record, as four readers see it.
    fn views(&self) {
        self.running.flush_records();
        let Some(id) = self.production_record.borrow().clone() else { return };
        out::line(
            self.paint.bold("\nThe first production record, as four readers see it (phigate records show)"),
        );
        for role in ["viewer", "support", "engineer", "security"] {
            let token = self.running.control().create_token(
                role,
                &[("production".to_owned(), role.to_owned())],
                super::keys::now(),
                None,
            );
            let Ok((_, token)) = token else { continue };
            match records::get(
                &format!("http://{}", self.running.admin_address()),
                &format!("/v1/records/{id}"),
                &token,
            ) {
                Ok((200, answer)) => {
                    let body = answer["payload"]
                        .as_array()
                        .and_then(|parts| parts.iter().find(|p| p["part"] == "body"));
                    let text = body
                        .and_then(|p| p["text"].as_str())
                        .unwrap_or("payload withheld; metadata: decision, status, sizes, rules");
                    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    let short: String = text.chars().take(420).collect();
                    out::line(format!(
                        "{}  ({})\n    {short} ...",
                        self.paint.bold(role),
                        answer["view"].as_str().unwrap_or("-")
                    ));
                }
                Ok((status, _)) => out::line(format!("{role}: {status}")),
                Err(problem) => out::line(format!("{role}: {problem}")),
            }
        }
    }

    fn metrics(&self) {
        out::line(self.paint.bold("\nLines of /metrics that moved"));
        let address = self.running.admin_address().to_string();
        let request = http::Request::get("/metrics").header("host", &address).body(Full::default());
        let Ok(request) = request else { return };
        let Ok(reply) = self.runtime.block_on(call::call(&address, request)) else { return };
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let moved = [
            "phigate_requests_total",
            "phigate_refusals_total",
            "phigate_records_written_total",
            "phigate_scanned_bytes_total",
        ];
        let lines = || text.lines().filter(|l| !l.ends_with(" 0"));
        for line in lines().filter(|l| moved.iter().any(|m| l.starts_with(m))) {
            out::line(format!("    {line}"));
        }
        let findings: Vec<&str> = lines().filter(|l| l.starts_with("phigate_findings_total")).collect();
        for line in findings.iter().take(FINDINGS_SHOWN) {
            out::line(format!("    {line}"));
        }
        let more = findings.len().saturating_sub(FINDINGS_SHOWN);
        out::line(self.paint.dim(&format!("    ... and {more} more lines of phigate_findings_total")));
    }

    fn try_it(&self) {
        let (Ok(lower), admin) = (self.listener(To::Development), self.running.admin_address()) else {
            return;
        };
        out::line(self.paint.bold("\nTry it"));
        out::line(format!(
            "    curl -i -H 'Phigate-Key: {}' -H 'Content-Type: application/fhir+json' \\\n      -d '{{\"resourceType\":\"Patient\",\"name\":[{{\"family\":\"Okafor\",\"given\":[\"Darnell\"]}}],\"birthDate\":\"1962-06-22\"}}' http://{lower}/fhir/Patient",
            self.keys[0]
        ));
        out::line(format!("    curl -s http://{admin}/metrics | grep phigate_requests_total"));
        let roles: Vec<(String, String)> =
            ENVIRONMENTS.iter().map(|e| ((*e).to_owned(), "support".to_owned())).collect();
        if let Ok((_, token)) = self.running.control().create_token("you", &roles, super::keys::now(), None) {
            out::line(format!(
                "    curl -s -H 'Authorization: Bearer {token}' http://{admin}/v1/records?limit=5"
            ));
            if let Some(id) = &*self.production_record.borrow() {
                out::line(format!(
                    "    curl -s -H 'Authorization: Bearer {token}' http://{admin}/v1/records/{id}"
                ));
            }
        }
    }

    fn wait(&self) {
        self.runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_err() {
                out::complain("Ctrl-C can't be waited for here.");
            }
        });
    }
}

fn header(reply: &Reply, name: &str) -> String {
    reply.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// What was decided and why (rule and place), as the sender is told.
fn told(reply: &Reply, stop: &Stop) -> (String, String) {
    let reason = header(reply, "phigate-reason");
    if reason.is_empty() {
        let mode = if stop.shadow { "through (shadow: would refuse)" } else { "through" };
        let why = match stop.to {
            To::Production => "production: inspected on its way, never refused for what it holds",
            To::Development | To::Staging => "nobody in it reaches what is refused",
        };
        return (format!("{} {mode}", reply.status), why.to_owned());
    }
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let why = match stop.dialect() {
        "ack" => text.split('\r').filter(|s| s.starts_with("ERR")).nth(1).map(|err| {
            let field = |n: usize| err.split('|').nth(n).unwrap_or_default().to_owned();
            format!("{} at {}", field(5), field(2))
        }),
        _ => serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|v| {
            let first = &v["issue"][1]["diagnostics"];
            let parts = first.as_str().map(|d| d.splitn(3, ", ").collect::<Vec<_>>());
            match parts.as_deref() {
                Some([rule, _, place]) => {
                    Some(format!("{} at {place}", rule.strip_prefix("rule ").unwrap_or(rule)))
                }
                _ => v["detail"].as_str().or(v["issue"][0]["details"]["text"].as_str()).map(str::to_owned),
            }
        }),
    };
    (format!("{} {reason}", reply.status), why.unwrap_or_default())
}

fn configuration(folder: &std::path::Path, upstreams: [SocketAddr; 3]) -> String {
    let mut out = format!(
        "data_dir = {}\nthreads = 1\n[admin]\naddress = \"127.0.0.1:0\"\n",
        serde_json::Value::from(folder.to_string_lossy().as_ref())
    );
    for (environment, upstream) in ENVIRONMENTS.iter().zip(upstreams) {
        out += &format!(
            "[[environment]]\nname = \"{environment}\"\nflag = \"{environment}\"\n\
             [[connection]]\nname = \"ehr-{environment}\"\nenvironment = \"{environment}\"\nupstream = \"http://{upstream}\"\n"
        );
    }
    out + "[[listener]]\nname = \"lower\"\naddress = \"127.0.0.1:0\"\n[[listener]]\nname = \"production\"\naddress = \"127.0.0.1:0\"\nenvironment = \"production\"\n"
}

/// The same configuration with development in shadow mode.
fn shadowed(config: &str) -> String {
    config.replacen("flag = \"development\"\n", "flag = \"development\"\nmode = \"shadow\"\n", 1)
}
