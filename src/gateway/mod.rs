//! The life of a message, top to bottom. The only file that knows every stage.

mod exchange;
mod rates;
mod reply;
mod rules;

pub use rates::{OverRate, Rates};
pub use rules::{OwnRules, Rules};

use exchange::{Close, Exchange, HeadText, Job, Watched};

use crate::config::assets::Profile;
use crate::config::{Config, Listener, OnFull};
use crate::counted::Counted;
use crate::decide::{self, Cleared, ClearedReply, Dialect, Mode, Refusal, Side, Spoken};
use crate::forward::{
    Http2, OutBody, Pool, UpstreamBody, ask_to_switch, is_spelling, prepare_reply, prepare_request,
};
use crate::identify::{self, Caller, Fetched, Identities, Keys, Tokens};
use crate::inspect::decode;
use crate::inspect::finding::{Uninspected, UninspectedReason};
use crate::inspect::format::{Format, known_media_type};
use crate::inspect::{Findings, RuleSet};
use crate::listen::{
    Ended, Head, HeldBudget, HeldPermit, HoldError, Inbound, InboundBody, Peer, ReplyBody, Service, Tee,
    asked_protocol, hold, may_follow,
};
use crate::org::{CallerRole, Ceiling, Flag, UNRESOLVED};
use crate::payload::Payload;
use crate::people::{Notebook, People, Taker};
use crate::reason::Reason;
use crate::record::{Recorder, View};
use crate::resolve::{self, Route, Routes, Wish};
use crate::respond;
use crate::secrets::SealKeys;
use crate::telemetry::access::AccessLog;
use crate::telemetry::metrics::{Cells, Metrics, Outcome, Stage};
use arc_swap::ArcSwap;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version, header};
use http_body::Body;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// Everything that a message is handled by: one configuration for the whole of it.
pub struct Snapshot {
    /// The checked configuration, as its file says it.
    pub base: Arc<Config>,
    /// The same with assets.
    pub config: Config,
    /// Which assets: counts versions.
    pub assets_made: i64,
    /// Redaction profiles, by environment.
    pub profiles: HashMap<Arc<str>, Profile>,
    /// Its routes.
    pub routes: Routes,
    /// What its connections took from files and elsewhere: kept while the configuration stays.
    pub secrets: resolve::Secrets,
    /// API keys.
    pub keys: Keys,
    /// Whether a connection takes them in `Authorization`.
    pub keys_in_authorization: bool,
    /// Issuers whose tokens are taken.
    pub tokens: Tokens,
    /// Those of them whose keys are fetched.
    pub fetched: Vec<Fetched>,
    /// Callers known by their certificates.
    pub identities: Identities,
    /// The rules, for each environment.
    pub rules: Rules,
    /// Rates of messages.
    pub rates: Rates,
    /// Connections whose originals are sealed, each with the environment that it was turned on for.
    pub sealed: HashMap<String, String>,
    /// Who is known.
    pub people: Arc<People>,
    /// What takes fingerprints of the people that production sees, where an owner turned it on.
    pub taker: Option<Arc<Taker>>,
}

impl Snapshot {
    /// What may be stored of a message at most, where the environment has a redaction profile.
    fn lowered(&self, route: &Route, role: &CallerRole, view: View) -> View {
        if self.profiles.is_empty() {
            return view;
        }
        self.profiles.get(&route.environment.name).map_or(view, |profile| profile.lower(role, view))
    }

    /// What a message's originals are sealed with: in production alone, where an owner turned it on for the connection.
    fn seals(&self, route: &Route, shared: &Shared) -> Option<Arc<SealKeys>> {
        let keys = shared.seals.as_ref()?;
        let environment = self.sealed.get(&*route.connection.name)?;
        let holds = route.environment.flag == Flag::Production && **environment == *route.environment.name;
        holds.then(|| keys.clone())
    }
}

/// What all data threads share.
pub struct Shared {
    /// The running configuration.
    pub snapshot: ArcSwap<Snapshot>,
    /// Where records go; `None` where they are off.
    pub recorder: Option<Recorder>,
    /// What originals are sealed with, where there is a key for it.
    pub seals: Option<Arc<SealKeys>>,
    /// The access log, where there is one.
    pub access: Option<AccessLog>,
    /// Where people are remembered.
    pub notebook: Notebook,
    /// Counters.
    pub metrics: Metrics,
    /// Bytes held by the process.
    pub held: HeldBudget,
    /// Turns of inspections that are too long for a thread with connections.
    pub scans: Arc<Semaphore>,
}

/// The gateway on one data thread.
pub struct Gateway {
    shared: Arc<Shared>,
    pool: Pool,
    cells: Arc<Cells>,
    /// Messages at work on this thread, and how many it may have.
    at_work: Rc<Cell<u32>>,
    messages_max: u64,
}

impl Gateway {
    /// One for this thread.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        let snapshot = shared.snapshot.load();
        let names: Vec<Arc<str>> = snapshot.config.environments.iter().map(|e| e.name.clone()).collect();
        let cells = shared.metrics.thread(&names);
        let threads = snapshot.config.threads_used() as u64;
        let messages_max = snapshot.config.limits.messages_max.div_ceil(threads);
        drop(snapshot);
        let pool = Pool::new();
        shared.metrics.pool(pool.counters());
        Self { shared, pool, cells, at_work: Rc::default(), messages_max }
    }

    fn serve(&self, inbound: Inbound) -> impl Future<Output = Response<ReplyBody>> {
        // Here, so that the future has room for each part of it once.
        let Inbound { listener, peer, received, head: Head(head), body } = inbound;
        async move { self.serve_parts(&listener, &peer, received, &head, body).await }
    }

    async fn serve_parts(
        &self,
        listener: &Arc<str>,
        peer: &Peer,
        received: Instant,
        head: &Parts,
        body: InboundBody,
    ) -> Response<ReplyBody> {
        let snapshot = self.shared.snapshot.load_full(); // one configuration for the whole message
        let mut exchange = Exchange::open(head, (listener, peer), received, self.shared.recorder.is_some());
        let is_over = u64::from(self.at_work.get()) >= self.messages_max;
        exchange.at_work = Some(Counted::one_more(&self.at_work));
        let mut watched = Watched { exchange: Some(exchange), close: Some(self.close()) };
        let outcome = match &mut watched.exchange {
            _ if is_over => Err(Reason::Overloaded.into()),
            Some(exchange) => self.pass(&snapshot, exchange, head, peer, body).await,
            None => Err(Reason::Internal.into()),
        };
        self.cells.time(Stage::Total, received.elapsed());
        let Some(exchange) = watched.answered() else {
            return self.on_refuse(listener, peer, Reason::Internal);
        };
        match outcome {
            Ok(reply) => self.passed(exchange, reply),
            // It came as far as to routes, of which `*` has none.
            Err(failure) if head.uri.path() == "*" && failure.0.reason == Reason::BadRequest => {
                self.of_itself(exchange)
            }
            Err(failure) => self.failed(&snapshot, exchange, head, failure),
        }
    }

    /// Each line is one stage.
    async fn pass(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        head: &Parts,
        peer: &Peer,
        body: InboundBody,
    ) -> Result<ClearedReply, Failure> {
        let listener =
            snapshot.config.listeners.iter().find(|l| l.name == exchange.listener).ok_or(Reason::Internal)?;
        let host = resolve::host_of(head);
        if resolve::is_misdirected(host, listener, peer) {
            return Err(Reason::Misdirected.into());
        }
        let caller = self.identify(snapshot, (head, body.is_end_stream()), peer, listener)?;
        exchange.caller = caller.clone();
        let wish = Wish { path: head.uri.path(), host, header: environment_header(head, listener) };
        let route = snapshot.routes.find(&wish, listener, &caller).map_err(|unrouted| {
            exchange.environment = unrouted.environment;
            unrouted.reason
        })?;
        if !route.connection.key_in_authorization && identify::came_in_authorization(&head.headers, &caller) {
            return Err(Reason::CredentialMissing.into()); // another connection takes keys there; this one doesn't
        }
        exchange.route = Some(route.clone());
        exchange.ceiling = match caller.role.ceiling(route.environment.flag) {
            Ceiling::Refused => return Err(Reason::CallerRefused.into()),
            Ceiling::View(view) => snapshot.lowered(&route, &caller.role, view),
        };
        if let Err(OverRate(wait)) = snapshot.rates.take(&route.connection.name, &caller, peer.ip()) {
            let mut refusal = Refusal::plain(Reason::RateLimited);
            refusal.retry_after_s = u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX);
            return Err(Box::new(refusal).into());
        }
        let protocol = if body.has_offer() { asked_protocol(&head.headers) } else { None };
        if let Some(protocol) = protocol.and_then(|protocol| protocol.to_str().ok())
            && !decide::may_switch(protocol, &route)
        {
            return Err(Reason::UpgradeRefused.into());
        }
        if snapshot.config.records.on_full == OnFull::Refuse
            && let Some(recorder) = &self.shared.recorder
            && !recorder.would_keep(&route.environment.name).await
        {
            return Err(Reason::RecordQueueFull.into());
        }
        let cleared = if route.environment.policy.holds() {
            // In a box of its own: a message that streams doesn't carry its room.
            match is_call(head, &route) && !body.is_end_stream() {
                true => Box::pin(self.called(snapshot, exchange, head, body, &route)).await?,
                false => Box::pin(self.held(snapshot, exchange, head, body, &route)).await?,
            }
        } else {
            self.stream(snapshot, exchange, body, &route)?
        };
        exchange.would_refuse = cleared.would_refuse();
        let signal = listener.environment_header.as_ref();
        let reply = self.forward(exchange, cleared, (head, signal, protocol), peer).await?;
        if route.environment.policy.holds() || reply.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Box::pin(self.judge(snapshot, exchange, head, reply, &route)).await;
        }
        self.pass_on(exchange, reply, &route)
    }

    /// Each line is one stage of a message that is held whole.
    async fn held(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        head: &Parts,
        body: InboundBody,
        route: &Arc<Route>,
    ) -> Result<Cleared, Failure> {
        let (bytes, trailers) = self.hold(snapshot, exchange, body).await?;
        self.inspect(snapshot, exchange, head, &bytes, trailers.as_ref()).await?;
        exchange.body = bytes.clone();
        let held = (&bytes, &mut exchange.permit);
        if !snapshot.routes.ids.is_empty() && self.contradicts(snapshot, head, held, route).await? {
            return Err(Reason::EnvironmentMismatch.into());
        }
        let findings = exchange.findings.as_ref().ok_or(Reason::Internal)?;
        Ok(decide::judged(OutBody::held(bytes, trailers), findings, route)?)
    }

    /// A call of gRPC: its head is judged, and its body, which may have no end before there is an answer, is unread. It streams
    /// where the connection takes that, and else is refused at once.
    async fn called(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        head: &Parts,
        body: InboundBody,
        route: &Arc<Route>,
    ) -> Result<Cleared, Failure> {
        let body = tee(exchange, body, 0);
        self.inspect(snapshot, exchange, head, &Payload::default(), None).await?;
        let findings = exchange.findings.as_mut().ok_or(Reason::Internal)?;
        findings.uninspected.push(Uninspected {
            reason: UninspectedReason::OpaqueType,
            media_type: content_type(&head.headers).map_or("none", known_media_type),
            place: "body".to_owned(),
        });
        Ok(decide::judged(body, findings, route)?)
    }

    fn close(&self) -> Close {
        Close { shared: self.shared.clone(), cells: self.cells.clone() }
    }

    fn identify(
        &self,
        snapshot: &Snapshot,
        (head, is_bodiless): (&Parts, bool),
        peer: &Peer,
        listener: &Listener,
    ) -> Result<Caller, Reason> {
        let certificate = match &peer.tls {
            Some(tls) => snapshot.identities.caller(&tls.certificate_names)?,
            None => None,
        };
        let known = (&snapshot.keys, &snapshot.tokens);
        // HTTP/2 has bodies that no header tells of.
        let is_free = listener.cors_preflight && is_bodiless && identify::is_preflight(head);
        identify::caller(
            &head.headers,
            certificate,
            listener,
            known,
            (snapshot.keys_in_authorization, is_free),
            unix_now,
        )
    }

    async fn hold(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        body: InboundBody,
    ) -> Result<(Payload, Option<HeaderMap>), Reason> {
        let started = Instant::now();
        let held = hold(body, &snapshot.config.limits, &self.shared.held).await.map_err(hold_reason)?;
        self.cells.time(Stage::Hold, started.elapsed());
        exchange.request_bytes = held.bytes.len() as u64;
        exchange.permit = Some(held.permit);
        Ok((held.bytes, held.trailers))
    }

    /// Inspects a held message: small ones here, large ones on a thread that has no connections.
    async fn inspect(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        head: &Parts,
        body: &Payload,
        trailers: Option<&HeaderMap>,
    ) -> Result<(), Reason> {
        let kept = &exchange.head; // as it is where there are records
        let text = if self.shared.recorder.is_some() { kept.clone() } else { HeadText::of(head) };
        let job = Job::new(text, body.clone(), trailers);
        let connection = exchange.route.as_ref().map(|route| &route.connection.name);
        let rules = snapshot.rules.judging(exchange.environment(), connection);
        exchange.rules = Some(rules.clone());
        exchange.findings = Some(self.run(snapshot, rules, job, &mut exchange.permit).await?);
        Ok(())
    }

    /// Runs a job whose bytes count as held by `permit`, where they don't by themselves.
    async fn run(
        &self,
        snapshot: &Snapshot,
        rules: &Arc<RuleSet>,
        job: Job,
        permit: &mut Option<HeldPermit>,
    ) -> Result<Findings, Reason> {
        let started = Instant::now();
        let (rules, people, budget) = (rules.clone(), snapshot.people.clone(), snapshot.config.budget);
        let here = job.is_short().then(|| job.run(&rules, budget.at_most(INSPECT_HERE_BYTES_MAX), &*people));
        let findings = match here.filter(|found| !found.is_over_budget()) {
            Some(findings) => findings,
            None => self.apart(permit, move || job.run(&rules, budget, &*people)).await?,
        };
        let took = started.elapsed();
        self.cells.time(Stage::Inspect, took);
        if took >= LOOK_UP_AFTER {
            // What came meanwhile is heard first: an upstream that closed a connection gets no message on it.
            tokio::task::yield_now().await;
        }
        Ok(findings)
    }

    /// Runs what is too long for a thread with connections: as many at a time as there are cores, as each may inflate its body
    /// to the budget's end. It goes on where its caller leaves: its turn isn't free, and its bytes are held, until it ends.
    async fn apart<T: Send + 'static>(
        &self,
        permit: &mut Option<HeldPermit>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Reason> {
        let turn = self.shared.scans.clone().acquire_owned().await.map_err(|_| Reason::Internal)?;
        let held = permit.take();
        let begun = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            (job(), held)
        });
        // A panic in there must not let the message pass.
        let (done, held) = begun.await.map_err(|_| Reason::Internal)?;
        *permit = held;
        Ok(done)
    }

    /// Whether a held body names a source or destination of another environment, read as inspection reads it. Large and coded
    /// bodies are read on a thread
    /// that has no connections.
    async fn contradicts(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        (body, permit): (&Payload, &mut Option<HeldPermit>),
        route: &Arc<Route>,
    ) -> Result<bool, Reason> {
        let (ids, environment) = (snapshot.routes.ids.clone(), route.environment.name.clone());
        let codings = head.headers.get_all(header::CONTENT_ENCODING).iter().map(exchange::text_of);
        let coding = codings.collect::<Vec<_>>().join(", ");
        let is_short =
            coding.is_empty() && body.len() <= INSPECT_HERE_BYTES_MAX && !decode::seems_coded(body.expose());
        let (body, budget) = (body.clone(), snapshot.config.budget);
        let reading = move || {
            // What can't be read is told by inspection.
            let plain =
                decode::content(&coding, body.expose(), &budget, &mut budget.decoded_bytes_max.clone());
            plain.is_ok_and(|plain| match decode::wide(&plain) {
                Some(Ok(text)) => ids.contradict(text.as_bytes(), &environment),
                _ => ids.contradict(&plain, &environment),
            })
        };
        if is_short { Ok(reading()) } else { self.apart(permit, reading).await }
    }

    fn stream(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        body: InboundBody,
        route: &Arc<Route>,
    ) -> Result<Cleared, Failure> {
        let limits = &snapshot.config.limits;
        let copy = self.shared.recorder.is_some() && route.environment.policy.mode != Mode::Off;
        exchange.tee_copies = copy;
        if body.is_end_stream() {
            return Ok(decide::streamed(OutBody::empty(), route)?); // nothing will come
        }
        let copy_max = if copy { limits.tee_bytes_max } else { 0 };
        Ok(decide::streamed(tee(exchange, body, copy_max), route)?)
    }

    async fn forward(
        &self,
        exchange: &mut Exchange,
        cleared: Cleared,
        (head, signal, protocol): (&Parts, Option<&HeaderName>, Option<&HeaderValue>),
        peer: &Peer,
    ) -> Result<Response<UpstreamBody>, Failure> {
        let (body, route) = cleared.into_parts();
        let started = body.begun();
        let make = |body| {
            let (upstream, rules) = (&route.upstream, &route.connection.headers);
            let mut message = prepare_request(head, body, upstream, peer, rules, signal, Some(&exchange.id));
            if let Some(protocol) = protocol {
                ask_to_switch(&mut message, protocol.clone());
            }
            message
        };
        let reply = self.pool.send_made(&route.upstream, &make, body, protocol).await;
        self.cells.time(Stage::Forward, started.elapsed());
        exchange.endpoint = reply.as_ref().ok().map(|reply| reply.body().endpoint());
        reply.map_err(|error| {
            tracing::warn!(request_id = %exchange.id, reason = error.reason().as_str(), error = %error, "A message got no reply.");
            Failure::from(error.reason())
        })
    }

    fn passed(&self, mut exchange: Box<Exchange>, reply: ClearedReply) -> Response<ReplyBody> {
        exchange.would_refuse = exchange.would_refuse.or(reply.would_refuse());
        let (mut head, body) = reply.into_parts();
        let offer = offered(&head).filter(|offer| {
            let may =
                |route: &Arc<Route>| offer.to_str().is_ok_and(|protocol| decide::may_switch(protocol, route));
            exchange.route.as_ref().is_some_and(may)
        });
        prepare_reply(&mut head);
        if let Some(offer) = offer {
            head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(header::UPGRADE, offer);
        }
        if exchange.is_last {
            head.headers.append(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Ok(id) = HeaderValue::from_str(&exchange.id) {
            head.headers.append(respond::RECORD_HEADER, id); // none of the upstream's is left
        }
        let status = head.status.as_u16();
        let media_type = content_type(&head.headers).map_or("none", known_media_type);
        let body = self.teed(&mut exchange, body);
        let close = self.close();
        let outcome = if exchange.would_refuse.is_some() { Outcome::WouldRefuse } else { Outcome::Forwarded };
        let reason = exchange.would_refuse;
        // Of events there is no end but that somebody leaves, where their length isn't said.
        let is_endless = media_type == reply::EVENT_STREAM && body.size_hint().exact().is_none();
        let body = body.on_end(move |end| {
            exchange.request_bytes += end.received;
            let (outcome, reason) = match end.how {
                Ended::Broke(error) => (Outcome::Failed, Some(reply::broken(error))),
                // It was forwarded, and is recorded as such; who ended it is told beside that.
                Ended::Left if !is_endless => (outcome, reason.or(Some(Reason::CallerGone))),
                Ended::Whole | Ended::Left => (outcome, reason),
            };
            if let (Ended::Broke(_), Some(reason)) = (end.how, reason) {
                tracing::warn!(request_id = %exchange.id, reason = reason.as_str(), "A reply broke off.");
            }
            close.exchange(exchange, outcome, reason, status, media_type, end.bytes);
        });
        Response::from_parts(head, body)
    }

    /// Copies the first bytes of a reply that streams into production, for its record.
    fn teed(&self, exchange: &mut Exchange, body: ReplyBody) -> ReplyBody {
        if !exchange.reply.as_ref().is_some_and(|reply| reply.inspect) {
            return body;
        }
        let copy_max = self.shared.snapshot.load().config.limits.tee_bytes_max;
        let end = Rc::new(RefCell::new(None));
        let told = end.clone();
        exchange.reply_tee = Some(end);
        ReplyBody::streaming(Tee::new(body, copy_max, move |end| *told.borrow_mut() = Some(end)))
    }

    fn failed(
        &self,
        snapshot: &Snapshot,
        exchange: Box<Exchange>,
        head: &Parts,
        mut failure: Failure,
    ) -> Response<ReplyBody> {
        let reader = known_origin(head, &snapshot.config.listeners, &exchange.listener);
        self.offer_registration(&exchange, &mut failure.0);
        let text = HeadText::of(head);
        let format = exchange.findings.as_ref().map_or(Format::Empty, |f| f.format);
        // Whoever asks to switch reads the status of HTTP, whatever its type: 200 is a tunnel to callers of HTTP/2.
        let switches = asked_protocol(&head.headers).is_some();
        let dialect = Dialect::of(&Spoken {
            format,
            content_type: if switches { "" } else { &text.content_type },
            accept: &text.accept,
            has_soap_action: head.headers.contains_key("soapaction"),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or(""),
            body: exchange.body.expose(),
        });
        let mut response = self.refused(exchange, dialect, &failure.0);
        if let Some(origin) = reader {
            respond::readable_by(response.headers_mut(), origin);
        }
        response
    }

    /// `OPTIONS *` of a caller that may send here: it is about this server, and nobody behind it is asked.
    fn of_itself(&self, exchange: Box<Exchange>) -> Response<ReplyBody> {
        let answer = respond::options(&exchange.id);
        let (status, close) = (answer.status().as_u16(), self.close());
        answer.map(|()| {
            ReplyBody::empty().on_end(move |end| {
                close.exchange(exchange, Outcome::Answered, None, status, "none", end.bytes);
            })
        })
    }

    /// Remembers the heaviest person of a refusal for a day, and has the refusal tell under which id.
    fn offer_registration(&self, exchange: &Exchange, refusal: &mut Refusal) {
        let findings = match refusal.side {
            Side::Request => &exchange.findings,
            Side::Reply => &exchange.reply_findings,
        };
        if refusal.reason == Reason::LikelyPhi
            && let Some(person) = findings.as_ref().and_then(Findings::heaviest)
        {
            refusal.register = self.shared.notebook.refused(person);
        }
    }

    fn refused(&self, exchange: Box<Exchange>, dialect: Dialect, refusal: &Refusal) -> Response<ReplyBody> {
        let answer = respond::refusal(
            refusal,
            dialect,
            &exchange.id,
            exchange.body.expose(),
            &crate::clock::hl7_now(),
        );
        let reason = refusal.reason;
        let outcome = match refusal.side {
            _ if is_failure(reason) => Outcome::Failed,
            Side::Request => Outcome::Refused,
            Side::Reply => Outcome::Withheld,
        };
        let environment = exchange.environment().map_or(UNRESOLVED, |name| &**name);
        let (request_id, reason_word) = (&*exchange.id, reason.as_str());
        match outcome {
            Outcome::Refused => {
                tracing::info!(request_id, environment, reason = reason_word, "A message was refused.");
            }
            Outcome::Withheld => {
                tracing::info!(request_id, environment, reason = reason_word, "A reply was withheld.");
            }
            _ => {}
        }
        let status = answer.status().as_u16();
        let close = self.close();
        let media_type = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .map_or("none", known_media_type);
        answer.map(|body| {
            ReplyBody::full(Payload::from(body)).on_end(move |end| {
                close.exchange(exchange, outcome, Some(reason), status, media_type, end.bytes)
            })
        })
    }
}

impl Service for Gateway {
    // As it is: one more future around it would move it once more.
    fn call(&self, inbound: Inbound) -> impl Future<Output = Response<ReplyBody>> {
        self.serve(inbound)
    }

    fn on_refuse(&self, listener: &Arc<str>, peer: &Peer, reason: Reason) -> Response<ReplyBody> {
        self.refused(Exchange::refused((listener, peer)), Dialect::Problem, &Refusal::plain(reason))
    }

    fn on_gone(&self, inbound: Inbound) {
        let Inbound { listener, peer, received, head: Head(head), .. } = inbound;
        let exchange = Exchange::open(&head, (&listener, &peer), received, self.shared.recorder.is_some());
        drop(Watched { exchange: Some(exchange), close: Some(self.close()) });
    }
}

/// Why a message wasn't forwarded, or got no reply.
struct Failure(Box<Refusal>);

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self(Box::new(Refusal::plain(reason)))
    }
}

impl From<Box<Refusal>> for Failure {
    fn from(refusal: Box<Refusal>) -> Self {
        Self(refusal)
    }
}

/// The protocol that an upstream wants its caller to switch to (RFC 9110, section 15.5.22); one name alone, and none that a
/// caller who asks for it is ignored with.
fn offered(head: &http::response::Parts) -> Option<HeaderValue> {
    if head.status != StatusCode::UPGRADE_REQUIRED {
        return None;
    }
    let mut values = head.headers.get_all(header::UPGRADE).iter();
    let value = values.next().filter(|value| may_follow(value.as_bytes()))?;
    values.next().is_none().then(|| value.clone())
}

/// The protocol that a message asks to switch to. The guard took it for one.
fn protocol_of(head: &Parts) -> Option<&str> {
    asked_protocol(&head.headers)?.to_str().ok()
}

/// The value of the listener's environment header, in any spelling that an upstream may take for it; empty where it isn't
/// one name.
fn environment_header<'h>(head: &'h Parts, listener: &Listener) -> Option<&'h str> {
    let wanted = listener.environment_header.as_ref()?;
    let mut values =
        head.headers.iter().filter(|(name, _)| is_spelling(name.as_str(), wanted.as_str())).map(|(_, v)| v);
    let value = values.next()?;
    Some(if values.next().is_none() { value.to_str().unwrap_or_default().trim() } else { "" })
}

/// Whether a message is a call of gRPC, to an upstream that may speak it: over HTTP/2 on both sides.
fn is_call(head: &Parts, route: &Route) -> bool {
    head.version == Version::HTTP_2
        && route.upstream.http2 != Http2::Off
        && content_type(&head.headers).is_some_and(decide::grpc::is_call)
}

/// The type that a message declares, where it is text.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// Has a body stream, and its first bytes kept for the record.
fn tee(exchange: &mut Exchange, body: InboundBody, copy_max: usize) -> OutBody {
    let end = Rc::new(RefCell::new(None));
    let told = end.clone();
    exchange.tee = Some(end);
    OutBody::streaming(Tee::new(body, copy_max, move |end| *told.borrow_mut() = Some(end)))
}

/// The origin of the page that asks, where its listener knows it.
fn known_origin<'h>(
    head: &'h Parts,
    listeners: &[Arc<Listener>],
    name: &Arc<str>,
) -> Option<&'h HeaderValue> {
    let origin = head.headers.get(header::ORIGIN)?;
    let listener = listeners.iter().find(|l| l.name == *name)?;
    listener.cors_origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then_some(origin)
}

const fn hold_reason(error: HoldError) -> Reason {
    match error {
        HoldError::TooLarge => Reason::BodyTooLarge,
        HoldError::HeldFull => Reason::HeldFull,
        HoldError::CutShort => Reason::BodyCutShort,
        HoldError::Timeout => Reason::BodyTimeout,
        HoldError::Malformed => Reason::BadRequest,
    }
}

/// The gateway or the upstream failed, rather than the policy refusing.
const fn is_failure(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::UpstreamConnect
            | Reason::UpstreamUnavailable
            | Reason::UpstreamBusy
            | Reason::UpstreamTimeout
            | Reason::UpstreamInvalid
            | Reason::ReplyTooLarge
            | Reason::Internal
            | Reason::BodyCutShort
            | Reason::BodyTimeout
            | Reason::HeldFull
            | Reason::RecordQueueFull
            | Reason::Overloaded
            | Reason::CallerGone
    )
}

fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// Larger bodies, and what carries more than that, are inspected on another thread: a scan keeps this one's other
/// messages waiting.
const INSPECT_HERE_BYTES_MAX: usize = 256 << 10;
/// After so long without a look at its sockets a thread looks up.
const LOOK_UP_AFTER: Duration = Duration::from_micros(250);

#[cfg(test)]
mod tests {
    use super::*;

    /// Each connection has one at a time, and it is moved into its box: what only held messages need is in boxes inside.
    #[test]
    fn the_future_of_a_message_is_small() {
        fn bytes<A, B, F: Future>(_: impl FnOnce(A, B) -> F) -> usize {
            size_of::<F>()
        }
        let future = bytes(|gateway: &'static Gateway, inbound: Inbound| gateway.call(inbound));
        let body = size_of::<OutBody>();
        assert!(future <= FUTURE_BYTES_MAX && body <= 8, "{future} bytes, an outgoing body {body}");
    }

    const FUTURE_BYTES_MAX: usize = 4096;
}
