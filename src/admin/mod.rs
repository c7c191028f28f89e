//! Admin: its own listener, on a thread of its own. Health and metrics are open on loopback, all else by token.
//!
//! What is asked by token waits for disks and locks, and does so on other threads: health and metrics are answered
//! meanwhile.
//!
//! Authorisation runs before look-up: a record in an environment where the reader has no role answers the same 404 as
//! one that doesn't exist.

mod answers;
mod assets;
mod caller;
mod export;
mod glass;
mod members;
mod object;
mod openapi;
mod promotions;
mod quota;
mod records;
mod sealing;
mod sign_in;
mod strangers;
mod streams;
mod suppressions;
mod tail;
mod tokens;
mod trail;
mod values;
mod words;

pub use glass::Originals;
pub(crate) use members::is_name;
pub use openapi::openapi;
pub use quota::{Quota, SearchLimits};
pub use sign_in::SignIns;
pub use strangers::Strangers;

use crate::audit::Audit;
use crate::config::Config;
use crate::inspect::{RuleSet, decode};
use crate::org::{Flag, Roles};
use crate::secrets::TokenKeys;
use crate::store::{Control, RecordReader};
use answers::problem;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

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
    /// Why the process does its work no more; `None`: it does.
    pub dead: Box<dyn Fn() -> Option<&'static str> + Send + Sync>,
    /// What is worth a look though messages are served.
    pub notes: Box<dyn Fn() -> Vec<&'static str> + Send + Sync>,
    /// Environments of the running configuration, with their flags.
    pub environments: Box<dyn Fn() -> Vec<(String, Flag)> + Send + Sync>,
    /// Roles of the running configuration.
    pub roles: Box<dyn Fn() -> Roles + Send + Sync>,
    /// Keys of tokens: what a value is searched by.
    pub tokens: TokenKeys,
    /// Searches by value.
    pub quota: Quota,
    /// Sealed originals.
    pub originals: Originals,
    /// Whom people sign in with.
    pub sign_in: Option<SignIns>,
    /// The running configuration, as its file says it.
    pub base: Box<dyn Fn() -> Arc<Config> + Send + Sync>,
    /// Whether an environment has a rule of this id that finds something.
    pub finds: Finds,
    /// The rules of an environment; those of environments without their own where there is no such one.
    pub rules: RulesOf,
    /// How many findings a suppression covered since the start.
    pub covered: Box<dyn Fn(&str) -> u64 + Send + Sync>,
    /// Exports that the store broke off.
    pub exports_failed: Arc<AtomicU64>,
    /// Who asks without a token that holds.
    pub strangers: Strangers,
    /// Connections of the running configuration, with their environments.
    pub connections: Box<dyn Fn() -> Vec<(String, String)> + Send + Sync>,
}

/// Asked with an environment.
pub type RulesOf = Box<dyn Fn(&str) -> Arc<RuleSet> + Send + Sync>;

/// Asked with an environment and a rule's id.
pub type Finds = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

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

/// Starts the thread on a bound listener.
///
/// # Errors
/// The system gives no thread.
pub fn start(listener: std::net::TcpListener, admin: Admin) -> std::io::Result<Running> {
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
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route(
            "/v1/openapi.json",
            get(|| async { ([(header::CONTENT_TYPE, "application/json")], openapi()) }),
        )
        .merge(api())
        .method_not_allowed_fallback(|| async {
            problem(StatusCode::METHOD_NOT_ALLOWED, "method", "This method isn't served here.")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "not_found", "There is nothing here.") })
        .layer(middleware::from_fn(known_parameters))
        .layer(middleware::from_fn(same_site))
        .layer(middleware::map_response(kept_nowhere))
        .with_state(admin)
}

/// What the store and the audit are asked for.
fn api() -> Router<Arc<Admin>> {
    let turns = Turns {
        members: Arc::new(Semaphore::new(HANDLERS_MAX)),
        sign_ins: Arc::new(Semaphore::new(SIGN_INS_MAX)),
    };
    Router::new()
        .route("/v1/environments", get(members::environments))
        .route("/v1/me", get(members::me))
        .route("/v1/members", get(members::list).post(members::create))
        .route("/v1/members/{id}", get(members::show).delete(members::remove))
        .route("/v1/members/{id}/role", put(members::set_org_role))
        .route(
            "/v1/members/{id}/environments/{environment}",
            put(members::set_role).delete(members::take_role),
        )
        .route("/v1/members/{id}/tokens", post(tokens::create))
        .route("/v1/tokens/rotate", post(tokens::rotate))
        .route("/v1/tokens/{id}", delete(tokens::revoke))
        .route("/v1/records", get(records::search))
        .route("/v1/records/search", post(values::search))
        .route("/v1/records/export", get(export::export))
        .route("/v1/records/counts", get(records::counts))
        .route("/v1/records/tail", get(tail::tail))
        .route("/v1/records/{id}", get(records::show))
        .route("/v1/sign-in", get(sign_in::begin))
        .route("/v1/sign-in/callback", get(sign_in::callback))
        .route("/v1/sign-in/confirm", post(sign_in::confirm))
        .route("/v1/sign-in/token", post(sign_in::token))
        .route("/v1/assets", get(assets::list))
        .route(
            "/v1/assets/{environment}/{kind}/{name}",
            get(assets::show)
                .put(assets::put)
                .delete(assets::remove)
                .layer(DefaultBodyLimit::max(assets::ASSET_BODY_BYTES_MAX)),
        )
        .route("/v1/assets/{environment}/{kind}/{name}/versions/{version}", get(assets::version))
        .route("/v1/assets/{environment}/{kind}/{name}/rollback", post(assets::roll_back))
        .route("/v1/promotions", get(promotions::list).post(promotions::propose))
        .route("/v1/promotions/{id}", get(promotions::show).delete(promotions::decline))
        .route("/v1/promotions/{id}/approve", post(promotions::approve))
        .route("/v1/suppressions", get(suppressions::list).post(suppressions::propose))
        .route("/v1/suppressions/{id}", delete(suppressions::end))
        .route("/v1/suppressions/{id}/approve", post(suppressions::approve))
        .route("/v1/sealing", get(sealing::list))
        .route("/v1/sealing/{connection}", get(sealing::show).put(sealing::set))
        .route("/v1/break-glass", get(glass::list).post(glass::open))
        .route("/v1/break-glass/{id}", get(glass::show).delete(glass::end))
        .route("/v1/break-glass/{id}/reveals", post(glass::reveal))
        .route("/v1/break-glass/{id}/review", post(glass::review))
        .route("/v1/audit", get(trail::list))
        .route_layer(middleware::from_fn(caller::tells_what_failed))
        .route_layer(middleware::from_fn_with_state(turns, aside))
}

/// How many handlers run at once.
#[derive(Clone)]
struct Turns {
    members: Arc<Semaphore>,
    sign_ins: Arc<Semaphore>,
}

/// Runs a handler on a thread that has no connections, however long its disks and locks take. One that was begun comes to
/// its end, whether or not somebody still waits for the answer.
async fn aside(State(turns): State<Turns>, request: Request, next: Next) -> Response {
    // A turn is for one whose body is here: those who send slowly keep nobody waiting.
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, assets::ASSET_BODY_BYTES_MAX);
    let body = match tokio::time::timeout(BODY_TIME_MAX, body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "No body is as large as this.");
        }
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "timeout", "The body takes too long."),
    };
    // Who signs in has no token yet: many of those keep no member waiting.
    let turns = if head.uri.path().starts_with("/v1/sign-in") { turns.sign_ins } else { turns.members };
    let request = Request::from_parts(head, body.into());
    let Ok(turn) = turns.acquire_owned().await else { return answers::fault("there are no turns") };
    let runtime = Handle::current();
    let answered = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        runtime.block_on(next.run(request))
    });
    answered.await.unwrap_or_else(answers::ended)
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

/// Whether a query has parameters that the route is described with, and no others: whoever asks for `dryRun` doesn't want it
/// done. Probes and scrapes take what their tools send.
async fn known_parameters(request: Request, next: Next) -> Response {
    let Some(query) = request.uri().query().filter(|query| !query.is_empty()) else {
        return next.run(request).await;
    };
    let path = request.uri().path();
    let Some(known) = openapi::parameters(request.method(), path).filter(|_| path != PROVIDERS_ANSWER) else {
        return next.run(request).await;
    };
    let name = |pair: &str| decode::percent(pair.split('=').next().unwrap_or_default(), true);
    if query.split('&').filter(|pair| !pair.is_empty()).all(|pair| known.contains(&name(pair))) {
        return next.run(request).await;
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    problem(StatusCode::BAD_REQUEST, "bad_query", &format!("Known parameters: {known}."))
}

/// What is answered is of who asked, and of now: no browser and no proxy keeps it.
async fn kept_nowhere(mut answer: Response) -> Response {
    answer.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

async fn alive(State(admin): State<Arc<Admin>>) -> Response {
    match (admin.dead)() {
        None => "ok\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match (admin.unready)() {
        None => {
            let notes: String = (admin.notes)().iter().map(|note| format!("{note}\n")).collect();
            format!("ok\n{notes}").into_response()
        }
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (admin.metrics)()).into_response()
}

/// Unix seconds.
fn now() -> i64 {
    i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(0)
}

/// An id as the audit may keep it: what isn't one is whatever the caller wrote.
fn shown_id(id: &str) -> &str {
    if uuid::Uuid::try_parse(id).is_ok() { id } else { "*" }
}

/// Handlers at once; others wait for their turn. Far below the threads that there may be: handlers take some themselves.
const HANDLERS_MAX: usize = 64;
/// What a provider adds to its answer is the provider's.
const PROVIDERS_ANSWER: &str = "/v1/sign-in/callback";
/// Handlers at once of those who sign in.
const SIGN_INS_MAX: usize = 16;
/// From a request's head to its body's end.
const BODY_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(10);
/// Of a request's body.
const BODY_BYTES_MAX: usize = 64 << 10;
