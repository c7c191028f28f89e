//! One message while it is on its way, and what becomes of it at its end: counted, and its record offered.

use super::Shared;
use crate::counted::Counted;
use crate::decide;
use crate::forward::trace_of;
use crate::identify::Caller;
use crate::inspect::decode::Budget;
use crate::inspect::format::known_media_type;
use crate::inspect::known::Known;
use crate::inspect::links::Hosts;
use crate::inspect::{Findings, Inspector, Message, RuleSet};
use crate::listen::{HeldPermit, Peer, TeeEnd};
use crate::org::UNRESOLVED;
use crate::payload::{Payload, PayloadText};
use crate::reason::Reason;
use crate::record::{Draft, Entry, ReplyCopy, View};
use crate::resolve::Route;
use crate::telemetry::access::{AccessLine, fault};
use crate::telemetry::metrics::{Cells, Outcome};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Filled when a body that is copied has ended.
pub(super) type TeeCell = Rc<RefCell<Option<TeeEnd>>>;

/// One message on its way: what its record is made of.
pub(super) struct Exchange {
    pub(super) id: String,
    pub(super) received: Instant,
    pub(super) listener: Arc<str>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) method: &'static str,
    pub(super) caller: Caller,
    pub(super) route: Option<Arc<Route>>,
    /// Which endpoint of the route's upstream answered.
    pub(super) endpoint: Option<usize>,
    /// The environment of a message without a route, where that much was resolved.
    pub(super) environment: Option<Arc<str>>,
    pub(super) ceiling: View,
    pub(super) head: HeadText,
    pub(super) body: Payload,
    pub(super) request_bytes: u64,
    pub(super) findings: Option<Findings>,
    pub(super) reply_findings: Option<Findings>,
    pub(super) would_refuse: Option<Reason>,
    /// What a held message was judged by; a streamed one is judged at its end, by the rules of then.
    pub(super) rules: Option<Arc<RuleSet>>,
    pub(super) tee: Option<TeeCell>,
    pub(super) tee_copies: bool,
    pub(super) at_work: Option<Counted>,
    pub(super) permit: Option<HeldPermit>,
    pub(super) reply: Option<ReplyCopy>,
    /// Where the copy of a streamed reply will be.
    pub(super) reply_tee: Option<TeeCell>,
    /// The upstream closes behind its reply without all of the message: nothing follows on the caller's connection.
    pub(super) is_last: bool,
}

impl Exchange {
    /// One that begins. `keeps`: its head is kept for a record.
    pub(super) fn open(
        head: &Parts,
        (listener, peer): (&Arc<str>, &Peer),
        received: Instant,
        keeps: bool,
    ) -> Box<Self> {
        let id = crate::clock::new_id();
        let mut kept = if keeps { HeadText::of(head) } else { HeadText::default() };
        if keeps && kept.trace.is_none() {
            // The trace that begins here is named as the record.
            kept.trace = Some(id.replace('-', ""));
        }
        Box::new(Self {
            id,
            received,
            listener: listener.clone(),
            peer: peer.plain(),
            method: known_method(head.method.as_str()),
            caller: Caller::nobody(),
            route: None,
            endpoint: None,
            environment: None,
            ceiling: View::Metadata,
            head: kept,
            body: Payload::default(),
            request_bytes: 0,
            findings: None,
            reply_findings: None,
            would_refuse: None,
            rules: None,
            tee: None,
            tee_copies: false,
            at_work: None,
            permit: None,
            reply: None,
            reply_tee: None,
            is_last: false,
        })
    }

    /// One whose head was refused before anything of it was taken in.
    pub(super) fn refused(came: (&Arc<str>, &Peer)) -> Box<Self> {
        let (head, ()) = http::Request::new(()).into_parts();
        let mut exchange = Self::open(&head, came, Instant::now(), false);
        exchange.method = "OTHER";
        exchange
    }

    fn has_no_findings(&self) -> bool {
        self.findings.is_none() && self.reply_findings.is_none()
    }

    /// The endpoint that answered, by its authority.
    fn answered_by(&self) -> Option<String> {
        let endpoints = &self.route.as_ref()?.upstream.endpoints;
        Some(endpoints.get(self.endpoint?)?.authority())
    }

    /// The environment's name, where one was resolved.
    pub(super) fn environment(&self) -> Option<&Arc<str>> {
        self.route.as_ref().map(|r| &r.environment.name).or(self.environment.as_ref())
    }
}

/// A message that isn't answered yet. Where its caller goes away, hyper drops all of it: that is counted and recorded.
pub(super) struct Watched {
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) close: Option<Close>,
}

impl Watched {
    /// There is an answer: its body's end is the message's.
    pub(super) fn answered(mut self) -> Option<Box<Exchange>> {
        self.close = None;
        self.exchange.take()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(close), Some(exchange)) = (self.close.take(), self.exchange.take()) {
            close.exchange(exchange, Outcome::Failed, Some(Reason::CallerGone), 0, "none", 0);
        }
    }
}

/// The end of a message: counted, and its draft offered.
pub(super) struct Close {
    pub(super) shared: Arc<Shared>,
    pub(super) cells: Arc<Cells>,
}

impl Close {
    pub(super) fn exchange(
        self,
        mut exchange: Box<Exchange>,
        outcome: Outcome,
        reason: Option<Reason>,
        status: u16,
        reply_type: &'static str,
        reply_bytes: u64,
    ) {
        let environment = exchange.environment().cloned();
        let (mut cut, mut unseen) = (false, false);
        if let Some(tee) = exchange.tee.take() {
            // A body that is still on its way when its reply has ended has no end yet: its copy is not whole.
            let end = tee.borrow_mut().take();
            unseen =
                end.as_ref().is_none_or(|end| end.overflowed || end.copied.len() as u64 != end.total_bytes);
            cut = unseen || end.as_ref().is_some_and(|end| !end.complete);
            exchange.request_bytes += end.as_ref().map_or(0, |end| end.total_bytes);
            let trailers = end.as_ref().and_then(|end| end.trailers.as_ref());
            exchange.head.headers.extend(trailers.map(pairs).unwrap_or_default());
            exchange.body = end.map(|end| end.copied).unwrap_or_default();
        }
        if let (Some(tee), Some(reply)) = (exchange.reply_tee.take(), &mut exchange.reply) {
            let end = tee.borrow_mut().take();
            // Nothing was taken of a reply without a body.
            reply.unseen = end.as_ref().map_or(reply_bytes > 0, |end| end.overflowed);
            reply.cut = reply.unseen || end.as_ref().is_some_and(|end| !end.complete);
            reply.body = end.map(|end| end.copied).unwrap_or_default();
        }
        self.cells.message(environment.as_deref(), outcome, reason, exchange.request_bytes, reply_bytes);
        let halves = [
            (&exchange.findings, outcome == Outcome::Refused),
            (&exchange.reply_findings, outcome == Outcome::Withheld),
        ];
        for (findings, refused) in halves {
            if let (Some(findings), Some(route)) = (findings, &exchange.route) {
                let mismatch =
                    decide::verdict(findings, &route.environment.policy, &route.connection.opaque).mismatch;
                self.cells.inspected(&route.environment.name, refused, findings, mismatch);
            }
        }
        if self.shared.recorder.is_none() && self.shared.access.is_none() && exchange.has_no_findings() {
            return; // nobody wants to hear more
        }
        let snapshot = self.shared.snapshot.load();
        if snapshot.config.registry.learn {
            self.learn(&exchange);
        }
        let duration_us = u64::try_from(exchange.received.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(access) = &self.shared.access {
            access.offer(AccessLine {
                time_ms: crate::clock::id_ms(&exchange.id).unwrap_or(0),
                id: exchange.id.clone(),
                listener: exchange.listener.clone(),
                peer: exchange.peer,
                environment: environment.clone(),
                connection: exchange.route.as_ref().map(|r| r.connection.name.clone()),
                endpoint: exchange.answered_by(),
                caller: exchange.caller.name.clone(),
                method: exchange.method,
                status,
                decision: outcome.as_str(),
                reason: reason.map(Reason::as_str),
                fault: reason.map(fault),
                request_bytes: exchange.request_bytes,
                reply_bytes,
                duration_us,
            });
        }
        let Some(recorder) = &self.shared.recorder else { return };
        if reason == Some(Reason::RecordQueueFull) && !recorder.takes_unkept() {
            return;
        }
        // A reload between leaves what judged a message as it was.
        let rules = exchange.rules.take().unwrap_or_else(|| {
            let connection = exchange.route.as_ref().map(|route| &route.connection.name);
            snapshot.rules.judging(environment.as_ref(), connection).clone()
        });
        let entry = Entry {
            // The id's own time: a record is found by its id alone.
            started_ms: crate::clock::id_ms(&exchange.id).unwrap_or(0),
            id: exchange.id,
            duration_us,
            environment: environment.as_deref().unwrap_or(UNRESOLVED).to_owned(),
            connection: exchange.route.as_ref().map(|r| r.connection.name.to_string()),
            listener: exchange.listener.to_string(),
            caller: exchange.caller.name.to_string(),
            caller_role: exchange.caller.role.as_str().to_owned(),
            method: exchange.method.to_owned(),
            decision: outcome.as_str().to_owned(),
            reason: reason.map(|r| r.as_str().to_owned()),
            status,
            request_type: known_media_type(&exchange.head.content_type).to_owned(),
            reply_type: reply_type.to_owned(),
            request_bytes: exchange.request_bytes,
            reply_bytes,
            rule_set: rules.version.clone(),
            ..Entry::default()
        };
        let streamed = exchange.findings.is_none() && exchange.tee_copies;
        let flag = exchange.route.as_ref().map(|r| r.environment.flag);
        let takes = exchange.route.as_ref().is_some_and(|r| r.environment.fingerprints_max.is_some());
        let taker = snapshot.taker.clone().filter(|_| takes && streamed);
        // A refused message is kept at metadata, whoever sent it.
        let refused = matches!(outcome, Outcome::Refused | Outcome::Withheld | Outcome::Failed);
        let seal = exchange.route.as_ref().and_then(|r| snapshot.seals(r, &self.shared)).filter(|_| !refused);
        let draft = Draft {
            entry,
            ceiling: if refused { View::Metadata } else { exchange.ceiling },
            flag,
            findings: exchange.findings,
            reply_findings: exchange.reply_findings,
            // What streamed is inspected whatever became of it; at metadata nothing of it is kept.
            reply: exchange.reply.filter(|_| !refused || streamed),
            inspect: streamed,
            cut,
            unseen,
            trace: exchange.head.trace,
            target: PayloadText::from(exchange.head.target),
            headers: exchange.head.headers,
            content_type: exchange.head.content_type,
            content_encoding: exchange.head.content_encoding,
            body: if refused && !streamed { Payload::default() } else { exchange.body },
            known: taker.map(|taker| taker as Arc<dyn Known>),
            rules,
            budget: snapshot.config.budget,
            seal,
        };
        recorder.offer(draft);
    }

    /// Counts people of a lower environment that nothing marks as made up, so that they can be proposed as test people.
    fn learn(&self, exchange: &Exchange) {
        let Some(route) = &exchange.route else { return };
        let policy = &route.environment.policy;
        if !policy.holds() {
            return;
        }
        for findings in [&exchange.findings, &exchange.reply_findings].into_iter().flatten() {
            for person in findings.persons.iter().filter(|p| p.points.0 >= policy.identified) {
                self.shared.notebook.seen(&route.connection.name, person);
            }
        }
    }
}

/// One inspection, with all that it reads.
pub(super) struct Job {
    pub(super) head: HeadText,
    pub(super) trailers: Vec<(String, String)>,
    pub(super) body: Payload,
    /// Hosts of the environment: links to others lead past the gateway. `None`: links aren't asked.
    pub(super) hosts: Option<Hosts>,
}

impl Job {
    pub(super) fn new(head: HeadText, body: Payload, trailers: Option<&HeaderMap>) -> Self {
        Self { head, trailers: trailers.map(pairs).unwrap_or_default(), body, hosts: None }
    }

    /// Whether its inspection may be short enough for a thread with connections: what it carries is not known yet.
    pub(super) fn is_short(&self) -> bool {
        self.body.len() <= super::INSPECT_HERE_BYTES_MAX
    }

    pub(super) fn run(&self, rules: &RuleSet, budget: Budget, known: &dyn Known) -> Findings {
        fn borrowed(list: &[(String, String)]) -> Vec<(&str, &str)> {
            list.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        }
        let head = &self.head;
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        Inspector::new(rules, budget, crate::clock::this_year()).knowing(known).message(&Message {
            path,
            query,
            headers: &borrowed(&head.headers),
            trailers: &borrowed(&self.trailers),
            content_type: &head.content_type,
            content_encoding: &head.content_encoding,
            partial: head.partial,
            body: self.body.expose(),
            cut: false,
            hosts: self.hosts.as_ref(),
        })
    }
}

/// The head as text. All of it is payload: no `Debug`.
#[derive(Clone, Default)]
pub(super) struct HeadText {
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: String,
    pub(super) content_encoding: String,
    pub(super) accept: String,
    pub(super) partial: bool,
    pub(super) trace: Option<String>,
}

impl HeadText {
    /// The text of a request's head; header values that aren't UTF-8 are read as Latin-1.
    #[must_use]
    pub(super) fn of(head: &Parts) -> Self {
        let target = head.uri.path_and_query().map_or("/", |t| t.as_str()).to_owned();
        Self { target, ..Self::of_headers(&head.headers) }
    }

    /// The text of a reply's head.
    #[must_use]
    pub(super) fn of_reply(head: &http::response::Parts) -> Self {
        let text = Self::of_headers(&head.headers);
        // Only tells how long the whole would be: nothing of it is there.
        let is_none = head.status == StatusCode::RANGE_NOT_SATISFIABLE
            && head.headers.get_all(header::CONTENT_RANGE).iter().all(is_unsatisfied);
        Self { partial: text.partial && !is_none, ..text }
    }

    fn of_headers(headers: &HeaderMap) -> Self {
        let get = |name: header::HeaderName| {
            let mut values = headers.get_all(name).iter().map(text_of);
            let first = values.next().unwrap_or_default();
            values.fold(first.into_owned(), |all, value| all + ", " + &value)
        };
        Self {
            target: String::new(),
            headers: pairs(headers),
            content_type: get(header::CONTENT_TYPE),
            content_encoding: get(header::CONTENT_ENCODING),
            accept: get(header::ACCEPT),
            partial: headers.contains_key(header::CONTENT_RANGE),
            trace: trace_of(headers).map(str::to_owned),
        }
    }
}

/// `bytes */1000` (RFC 9110, section 14.4).
fn is_unsatisfied(range: &HeaderValue) -> bool {
    let length = range.as_bytes().strip_prefix(b"bytes */");
    length.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

pub(super) fn pairs(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), text_of(value)))
        .filter(|(name, value)| !crate::inspect::url::is_protocols(name, value))
        .map(|(name, value)| (name.to_owned(), value.into_owned()))
        .collect()
}

pub(super) fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.as_bytes().iter().map(|b| char::from(*b)).collect(),
    }
}

pub(super) fn known_method(method: &str) -> &'static str {
    const KNOWN: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    KNOWN.iter().find(|k| **k == method).copied().unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_can_t_be_had_is_no_part_of_anything() {
        let partial = |status: u16, range: &'static str| {
            let reply = http::Response::builder().status(status).header("content-range", range).body(());
            HeadText::of_reply(&reply.expect("a reply").into_parts().0).partial
        };
        assert!(!partial(416, "bytes */5120"));
        for (status, range) in
            [(416, "bytes 0-9/5120"), (416, "bytes */*"), (416, "bytes */"), (200, "bytes */5120")]
        {
            assert!(partial(status, range), "{status} {range}");
        }
    }
}
