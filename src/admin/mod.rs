//! Admin: its own listener, on a thread of its own. Health and metrics are open on loopback, all else by token.
//!
//! Authorisation runs before look-up: a record in an environment where the reader has no role answers the same 404 as
//! one that doesn't exist.

mod answers;

use crate::audit::{Audit, Event};
use crate::org::{Flag, ReaderRole, Sight};
use crate::record::{Entry, View, render, render_findings};
use crate::store::{Control, Query, ReadScope, RecordReader, TokenRow};
use answers::{Answer, problem};
use axum::Router;
use axum::extract::{Path, Query as Params, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What the admin side answers from.
pub struct Admin {
    /// Records.
    pub records: Arc<dyn RecordReader>,
    /// Tokens.
    pub control: Arc<Control>,
    /// Where views are written down.
    pub audit: Arc<Audit>,
    /// The text of `/metrics`.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Why it isn't ready; `None` where it is.
    pub unready: Box<dyn Fn() -> Option<&'static str> + Send + Sync>,
    /// Environments of the running configuration, with their flags.
    pub environments: Box<dyn Fn() -> Vec<(String, Flag)> + Send + Sync>,
}

/// A running admin listener; stops when dropped.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself where it panicked.
            let _ = thread.join();
        }
    }
}

/// Binds, and starts the thread.
///
/// # Errors
/// The address can't be had, or the system gives no thread.
pub fn start(address: SocketAddr, admin: Admin) -> std::io::Result<Running> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = router(Arc::new(admin));
    let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let stop = async {
                let _ = stopped.await;
            };
            tokio::select! {
                served = async { axum::serve(listener, router).await } => {
                    if served.is_err() {
                        tracing::error!("The admin listener ended.");
                    }
                }
                () = stop => {}
            }
        });
    })?;
    Ok(Running { address, stop: Some(stop), thread: Some(thread) })
}

fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/environments", get(environments))
        .route("/v1/records", get(search))
        .route("/v1/records/{id}", get(show))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "not_found", "There is nothing here.") })
        .layer(middleware::from_fn(same_site))
        .with_state(admin)
}

/// A page of some other site can't use a browser on this machine to get in: `Host` is a loopback name, and `Origin`
/// is absent or ours.
async fn same_site(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    if !matches!(name, "127.0.0.1" | "localhost" | "::1") {
        return problem(StatusCode::MISDIRECTED_REQUEST, "wrong_host", "This host isn't served here.");
    }
    if let Some(origin) = request.headers().get(header::ORIGIN)
        && origin.as_bytes() != format!("http://{host}").as_bytes()
    {
        return problem(StatusCode::FORBIDDEN, "wrong_origin", "Requests of other sites aren't served.");
    }
    next.run(request).await
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match (admin.unready)() {
        None => "ok\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (admin.metrics)()).into_response()
}

/// A reader, with the role in each environment that exists.
struct Reader {
    name: String,
    roles: Vec<(String, Flag, ReaderRole)>,
}

impl Reader {
    fn scope(&self) -> ReadScope {
        ReadScope { environments: self.roles.iter().map(|(e, ..)| e.clone()).collect() }
    }

    fn role(&self, environment: &str) -> Option<(Flag, ReaderRole)> {
        self.roles.iter().find(|(e, ..)| e == environment).map(|(_, flag, role)| (*flag, *role))
    }
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn reader(admin: &Admin, headers: &HeaderMap) -> Result<Reader, Response> {
    let unauthorised = || {
        let mut answer = problem(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A reader's token is needed: Authorization: Bearer.",
        );
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        answer
    };
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "))
        .unwrap_or_default();
    let now = i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(0);
    let row: TokenRow =
        admin.control.reader(token.trim(), now).map_err(|_| answers::broken())?.ok_or_else(unauthorised)?;
    let known = (admin.environments)();
    let roles = row
        .roles
        .iter()
        .filter_map(|(name, role)| {
            Some((name.clone(), known.iter().find(|(n, _)| n == name)?.1, ReaderRole::of(role)?))
        })
        .collect();
    Ok(Reader { name: row.name, roles })
}

async fn environments(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Answer {
    let reader = reader(&admin, &headers)?;
    let list: Vec<Value> =
        reader.roles.iter().map(|(name, flag, role)| json!({"id": name, "name": name, "flag": flag.as_str(), "role": role.as_str()})).collect();
    Ok(axum::Json(json!({"environments": list})).into_response())
}

/// Parameters of a search.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct SearchParams {
    environment: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
    connection: Option<String>,
    caller: Option<String>,
    decision: Option<String>,
    reason: Option<String>,
    status: Option<u16>,
    rule: Option<String>,
    kind: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn search(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    params: Result<Params<SearchParams>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let reader = reader(&admin, &headers)?;
    // The rejection's own words would quote the query.
    let Ok(Params(p)) = params else {
        return Err(problem(StatusCode::BAD_REQUEST, "bad_query", SEARCH_HELP));
    };
    let query = Query {
        environment: p.environment,
        from_ms: p.from,
        to_ms: p.to,
        connection: p.connection,
        caller: p.caller,
        decision: p.decision,
        reason: p.reason,
        status: p.status,
        rule: p.rule,
        kind: p.kind,
        limit: p.limit,
        after: p.after,
    };
    let (records, scope) = (admin.records.clone(), reader.scope());
    let page = tokio::task::spawn_blocking(move || records.search(&scope, &query))
        .await
        .map_err(|_| answers::broken())?
        .map_err(|_| answers::broken())?;
    let entries: Vec<Value> = page.entries.iter().map(told).collect();
    Ok(axum::Json(json!({"records": entries, "next": page.next})).into_response())
}

async fn show(State(admin): State<Arc<Admin>>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let reader = reader(&admin, &headers)?;
    let (records, scope, wanted) = (admin.records.clone(), reader.scope(), id);
    let found = tokio::task::spawn_blocking(move || records.show(&scope, &wanted))
        .await
        .map_err(|_| answers::broken())?
        .map_err(|_| answers::broken())?;
    let Some(stored) = found else {
        return Err(problem(StatusCode::NOT_FOUND, "no_record", "There is no such record."));
    };
    let entry = &stored.entry;
    let Some((flag, role)) = reader.role(&entry.environment) else {
        return Err(problem(StatusCode::NOT_FOUND, "no_record", "There is no such record."));
    };
    let (view, parts) = match (role.sight(flag), &stored.payload) {
        (_, None) => (View::Metadata, Vec::new()),
        (Sight::View(view), Some(payload)) => {
            let view = view.min(entry.ceiling);
            (view, render(payload, view))
        }
        (Sight::Findings, Some(payload)) => {
            (View::Masked.min(entry.ceiling), render_findings(payload, entry.ceiling))
        }
    };
    if !parts.is_empty() {
        let event = Event {
            time: crate::clock::rfc3339(crate::clock::unix_ms()),
            principal: &reader.name,
            action: "view_payload",
            environment: &entry.environment,
            role: role.as_str(),
            object: &entry.id,
            view: view.as_str(),
            decision: "allowed",
            rule_set: &entry.rule_set,
            ..Event::default()
        };
        if admin.audit.write(&event).is_err() {
            tracing::error!("A payload view is refused: the audit can't be written.");
            return Err(problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "audit",
                "The view can't be audited now, and isn't given.",
            ));
        }
    }
    let parts: Vec<Value> =
        parts.into_iter().map(|(name, text)| json!({"part": name, "text": text})).collect();
    let withheld = parts.is_empty();
    Ok(axum::Json(json!({
        "record": told(entry),
        "role": role.as_str(),
        "view": view.as_str(),
        "payload": if withheld { Value::Null } else { Value::Array(parts) },
        "withheld": withheld,
    }))
    .into_response())
}

/// An entry, with its time readable.
fn told(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    value["started"] = json!(crate::clock::rfc3339(entry.started_ms));
    value
}

const SEARCH_HELP: &str = "Known parameters: environment, from and to (Unix milliseconds), connection, caller, decision, reason, status, rule, kind, limit (1 to 1000), after.";
