//! The way back: replies into development and staging are held, inspected and judged as requests are.

use super::exchange::{Exchange, HeadText, Job};
use super::{Failure, Gateway, Snapshot, is_call};
use crate::decide::{self, ClearedReply, Mode};
use crate::forward::UpstreamBody;
use crate::inspect::Findings;
use crate::inspect::finding::{Uninspected, UninspectedReason};
use crate::inspect::format::known_media_type;
use crate::listen::{BodyError, HoldError, hold};
use crate::payload::Payload;
use crate::reason::Reason;
use crate::record::{ReplyCopy, View};
use crate::resolve::Route;
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, header, response};
use http_body::Body;

impl Gateway {
    /// Judges what the upstream answered, where the environment holds; else lets it stream.
    pub(super) async fn judge(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        request: &Parts,
        reply: Response<UpstreamBody>,
        route: &Route,
    ) -> Result<ClearedReply, Failure> {
        let (head, body) = reply.into_parts();
        if let (StatusCode::SWITCHING_PROTOCOLS, Some(protocol)) = (head.status, super::protocol_of(request))
        {
            return self.judge_switch(snapshot, exchange, request, (head, body), protocol, route).await;
        }
        if !route.environment.policy.holds() {
            return self.pass_on(exchange, Response::from_parts(head, body), route);
        }
        let text = HeadText::of_reply(&head);
        let is_stream = is_event_stream(&text.content_type)
            || is_call(request, route) && decide::grpc::is_call(&text.content_type);
        if is_stream && request.method != Method::HEAD && !body.is_end_stream() {
            return self.judge_stream(snapshot, exchange, request, (head, body), text, route).await;
        }
        let held = hold(body, &snapshot.config.limits, &self.shared.held).await.map_err(reply_reason)?;
        let (bytes, trailers) = (held.bytes.clone(), held.trailers.clone());
        let record = copy(&text, bytes.clone(), false);
        let findings = self.find(snapshot, request, &head, text, bytes, trailers.as_ref(), route).await?;
        let verdict = decide::judged_reply(
            head,
            (held.into_payload(), trailers),
            &findings,
            exchange.findings.as_ref(),
            route,
        );
        exchange.reply_findings = Some(findings);
        let cleared = verdict?;
        exchange.reply = Some(record); // of a reply that is withheld none is kept
        Ok(cleared)
    }

    /// Lets a reply stream.
    pub(super) fn pass_on(
        &self,
        exchange: &mut Exchange,
        reply: Response<UpstreamBody>,
        route: &Route,
    ) -> Result<ClearedReply, Failure> {
        let (head, mut body) = reply.into_parts();
        exchange.is_last = body.leaves_message();
        body.begin().map_err(broken)?;
        exchange.reply = self.copies(exchange, &head, route);
        Ok(decide::streamed_reply(head, body, false, route)?)
    }

    /// The head of a reply that streams into production, where its first bytes are to be copied.
    fn copies(&self, exchange: &Exchange, head: &response::Parts, route: &Route) -> Option<ReplyCopy> {
        let wanted = self.shared.recorder.is_some()
            && route.environment.policy.mode != Mode::Off
            && exchange.ceiling > View::None;
        let text = wanted.then(|| HeadText::of_reply(head))?;
        (!is_event_stream(&text.content_type)).then(|| copy(&text, Payload::default(), true))
    }

    /// A stream of events, or the answers to a call, are passed on where the connection takes them unread; the head is judged
    /// all the same.
    async fn judge_stream(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        request: &Parts,
        (head, body): (response::Parts, UpstreamBody),
        text: HeadText,
        route: &Route,
    ) -> Result<ClearedReply, Failure> {
        let media_type = known_media_type(&text.content_type);
        let mut findings = self.find(snapshot, request, &head, text, Payload::default(), None, route).await?;
        findings.uninspected.push(Uninspected {
            reason: UninspectedReason::Stream,
            media_type,
            place: "body".to_owned(),
        });
        // The head's verdict, with nothing of the body: the empty one is thrown away.
        let no_body = (Payload::default(), None);
        let of_head =
            decide::judged_reply(head.clone(), no_body, &findings, exchange.findings.as_ref(), route);
        exchange.reply_findings = Some(findings);
        of_head?;
        Ok(decide::streamed_reply(head, body, true, route)?)
    }

    /// A connection that switches protocols: the head is judged where replies are, and what follows is unread.
    async fn judge_switch(
        &self,
        snapshot: &Snapshot,
        exchange: &mut Exchange,
        request: &Parts,
        (head, body): (response::Parts, UpstreamBody),
        protocol: &str,
        route: &Route,
    ) -> Result<ClearedReply, Failure> {
        if route.environment.policy.holds() {
            let text = HeadText::of_reply(&head);
            let mut findings =
                self.find(snapshot, request, &head, text, Payload::default(), None, route).await?;
            let no_body = (Payload::default(), None);
            let of_head =
                decide::judged_reply(head.clone(), no_body, &findings, exchange.findings.as_ref(), route);
            findings.uninspected.push(Uninspected {
                reason: UninspectedReason::Stream,
                media_type: "upgrade",
                place: "body".to_owned(),
            });
            exchange.reply_findings = Some(findings);
            of_head?;
        }
        Ok(decide::switched_reply(head, body, protocol, route)?)
    }

    #[allow(clippy::too_many_arguments, reason = "one call for both kinds of reply")]
    async fn find(
        &self,
        snapshot: &Snapshot,
        request: &Parts,
        head: &response::Parts,
        text: HeadText,
        body: Payload,
        trailers: Option<&HeaderMap>,
        route: &Route,
    ) -> Result<Findings, Reason> {
        let mut job = Job::new(text, body, trailers);
        job.head.partial |= head.status == StatusCode::PARTIAL_CONTENT;
        job.hosts = Some(route.hosts_for(request.headers.get(header::HOST)));
        let rules = snapshot.rules.judging(Some(&route.environment.name), Some(&route.connection.name));
        self.run(snapshot, rules, job, &mut None).await // a held reply's bytes count by themselves
    }
}

fn copy(text: &HeadText, body: Payload, inspect: bool) -> ReplyCopy {
    ReplyCopy {
        headers: text.headers.clone(),
        content_type: text.content_type.clone(),
        content_encoding: text.content_encoding.clone(),
        body,
        cut: false,
        unseen: false,
        inspect,
    }
}

/// Why a reply could not be held: the upstream's fault, or nobody's.
const fn reply_reason(error: HoldError) -> Reason {
    match error {
        HoldError::TooLarge => Reason::ReplyTooLarge,
        HoldError::HeldFull => Reason::HeldFull,
        HoldError::CutShort | HoldError::Malformed => Reason::UpstreamInvalid,
        HoldError::Timeout => Reason::UpstreamTimeout,
    }
}

/// What the end of a reply that broke off is called.
pub(super) const fn broken(error: BodyError) -> Reason {
    match error {
        BodyError::CutShort | BodyError::Malformed => Reason::UpstreamInvalid,
        BodyError::Timeout => Reason::UpstreamTimeout,
        BodyError::Unasked => Reason::BodyCutShort,
    }
}

pub(super) fn is_event_stream(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(EVENT_STREAM)
}

pub(super) const EVENT_STREAM: &str = "text/event-stream";
