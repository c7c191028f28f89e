//! Refusals: what the sender is told, in the sender's own dialect. Rule, place, kind, record id and the way on; never
//! the value, nor a hash of it.

use super::ack::{self, AckCode, AckError};
use super::dialect::Dialect;
use super::soap::Fault;
use super::{Policy, counts, graphql};
use crate::inspect::Findings;
use crate::inspect::finding::{Finding, Part};
use crate::inspect::kind::Kind;
use crate::inspect::walk::hl7v2::err_location;
use crate::reason::Reason;
use serde_json::{Value, json};
use std::ops::Range;

/// Which half of an exchange was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What the caller sent: refused before any of it went on.
    Request,
    /// What the upstream answered: withheld, though the upstream has the request.
    Reply,
}

/// Why a message was refused, and what to fix.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Which half it is about.
    pub side: Side,
    /// What was found where, heaviest first, at most 20.
    pub spots: Vec<Spot>,
    /// How many more there are.
    pub more: usize,
    /// Points of the heaviest person, and the threshold.
    pub points: Option<(u16, u16)>,
    /// What registers the heaviest person as a test person; random, and tells nothing.
    pub register: Option<String>,
    /// Seconds until another message would be taken, where that is known; else 0.
    pub retry_after_s: u32,
    /// Raw bytes of the body that findings touch: nothing of them is echoed.
    touched: Vec<Range<usize>>,
}

/// One thing to fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Which part of the message.
    pub part: Part,
    /// Where in it, in words of our tables and indices.
    pub place: String,
    /// The rule's id, or the reason of what stayed unread.
    pub rule: String,
    /// What it is.
    pub kind: String,
    /// Points that it adds.
    pub points: u16,
    /// What the sender can do.
    pub advice: String,
}

impl Refusal {
    /// One for what was found in an upstream's reply. `request` is what was found in the request: its bytes are what
    /// an acknowledgement would echo.
    #[must_use]
    pub fn withheld(
        reason: Reason,
        findings: &Findings,
        request: Option<&Findings>,
        policy: &Policy,
        opaque: &[String],
    ) -> Self {
        let mut refusal = Self::of(reason, findings, policy, opaque);
        for spot in &mut refusal.spots {
            spot.advice = match spot.kind.as_str() {
                "uninspected" | "known-real" | "off-path-url" | "declared-mode" => spot.advice.clone(),
                kind => format!(
                    "The upstream's data has this {}: load made-up people there.",
                    kind.replace('-', " ")
                ),
            };
        }
        refusal.touched = request.map(touched).unwrap_or_default();
        Self { side: Side::Reply, ..refusal }
    }

    /// One for a message's findings.
    #[must_use]
    pub fn of(reason: Reason, findings: &Findings, policy: &Policy, opaque: &[String]) -> Self {
        let unread = findings.uninspected.iter().filter(|u| !opaque.iter().any(|o| o == u.media_type));
        let unread = unread.map(|u| Spot {
            part: Part::Body,
            place: u.place.clone(),
            rule: format!("uninspected.{}", u.reason.as_str()),
            kind: "uninspected".to_owned(),
            points: 0,
            advice: u.reason.advice().to_owned(),
        });
        let heaviest = findings.persons.iter().enumerate().max_by_key(|(_, p)| p.points).map(|(i, _)| i);
        let relevant = |f: &&Finding| match reason {
            Reason::LikelyPhi => f.person.is_some_and(|p| {
                Some(p) == heaviest
                    || findings.persons.get(p).is_some_and(|p| {
                        p.points.0 >= policy.block || p.clinical && p.points.0 >= policy.identified
                    })
            }),
            _ => true,
        };
        let mut more = 0;
        let mut spots: Vec<Spot> = match reason {
            Reason::Uninspected => unread.collect(),
            // That somebody is known is all that is told: not who of the message, nor by what.
            Reason::KnownReal => vec![Spot::known_real()],
            Reason::OffPathUrl => {
                findings.off_path.iter().map(|link| Spot::off_path(link.part, &link.place)).collect()
            }
            Reason::DeclaredMode => findings
                .declared
                .iter()
                .map(|(_, place)| Spot {
                    part: Part::Body,
                    place: place.clone(),
                    rule: "declared-mode".to_owned(),
                    kind: "declared-mode".to_owned(),
                    points: 0,
                    advice: "Send to the environment that the message declares, or correct the declaration."
                        .to_owned(),
                })
                .collect(),
            _ => {
                let mut told: Vec<&Finding> =
                    findings.findings.iter().filter(|f| counts(f)).filter(relevant).collect();
                told.sort_by_key(|finding| std::cmp::Reverse(finding.points));
                // Of a message of a million values no more are put into words than are shown.
                more = told.len().saturating_sub(SPOTS_MAX);
                told.into_iter().take(SPOTS_MAX).map(Spot::of).collect()
            }
        };
        spots.sort_by_key(|s| std::cmp::Reverse(s.points));
        more += spots.len().saturating_sub(SPOTS_MAX);
        spots.truncate(SPOTS_MAX);
        Self {
            reason,
            spots,
            more,
            points: matches!(reason, Reason::LikelyPhi).then_some((findings.points().0, policy.block)),
            touched: touched(findings),
            side: Side::Request,
            register: None,
            retry_after_s: 0,
        }
    }

    /// One that isn't about findings.
    #[must_use]
    pub fn plain(reason: Reason) -> Self {
        Self {
            reason,
            side: Side::Request,
            spots: Vec::new(),
            more: 0,
            points: None,
            register: None,
            retry_after_s: 0,
            touched: Vec::new(),
        }
    }

    /// One sentence with what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        let whose = match self.side {
            Side::Request => "",
            Side::Reply => "The upstream has the request; its reply was withheld. ",
        };
        let title = self.reason.title();
        let register = self.register.as_ref().map_or(String::new(), |id| {
            format!(" If the person is made up: phigate registry request {id} proposes it for the registry.")
        });
        match self.points {
            Some((points, block)) if points >= block => {
                format!("{whose}{title} One person reaches {points} points; {block} are refused.{register}")
            }
            Some((points, _)) => {
                format!(
                    "{whose}{title} One person reaches {points} points beside clinical content.{register}"
                )
            }
            None => format!("{whose}{title}"),
        }
    }
}

/// Raw bytes of the body that findings touch.
fn touched(findings: &Findings) -> Vec<Range<usize>> {
    findings.findings.iter().filter(|f| f.part == Part::Body).map(|f| f.span.clone()).collect()
}

impl Spot {
    fn of(finding: &Finding) -> Self {
        Self {
            part: finding.part,
            place: finding.place.clone(),
            rule: finding.rule.to_string(),
            kind: finding.kind.as_str().to_owned(),
            points: finding.points.0,
            advice: match finding.kind {
                // Nobody leaves out a sex, and no made-up one is another.
                Kind::Trait => {
                    "A trait (sex, race, a language and the like) counts beside what says who it is: change that."
                        .to_owned()
                }
                Kind::OtherId => {
                    "Remove the identifier, or send a made-up one that can't be a real person's.".to_owned()
                }
                kind => format!(
                    "Remove the {}, or send a made-up one that can't be a real person's.",
                    kind.as_str().replace('-', " ")
                ),
            },
        }
    }

    fn known_real() -> Self {
        Self {
            part: Part::Body,
            place: "message".to_owned(),
            rule: "known-real".to_owned(),
            kind: "known-real".to_owned(),
            points: 0,
            advice: "Send made-up people instead: no change to this one's other values helps.".to_owned(),
        }
    }

    fn off_path(part: Part, place: &str) -> Self {
        Self {
            part,
            place: place.to_owned(),
            rule: "off-path-url".to_owned(),
            kind: "off-path-url".to_owned(),
            points: 0,
            advice: "Link to the gateway, or list the host in `known_hosts` of the environment.".to_owned(),
        }
    }

    /// Part and place in one.
    #[must_use]
    pub fn whole_place(&self) -> String {
        if self.part == Part::Body { self.place.clone() } else { format!("{}: {}", self.part, self.place) }
    }
}

/// Content type and body of a refusal. `status` is its reason's, whatever the dialect answers with; `body` is what was
/// refused, for the echoes that HL7v2 demands; `now` is `YYYYMMDDhhmmss`.
#[must_use]
pub fn render(
    refusal: &Refusal,
    dialect: Dialect,
    status: u16,
    record: &str,
    body: &[u8],
    now: &str,
) -> (&'static str, Vec<u8>) {
    match dialect {
        Dialect::Fhir => ("application/fhir+json", outcome(refusal, record, status).to_string().into_bytes()),
        Dialect::FhirXml => ("application/fhir+xml", outcome_xml(refusal, record, status).into_bytes()),
        Dialect::Hl7v2 => ("x-application/hl7-v2+er7", acknowledgement(refusal, record, body, now)),
        Dialect::Redox => ("application/json", redox(refusal, record).to_string().into_bytes()),
        Dialect::Soap(soap) => {
            let fault = if status < 500 { Fault::Sender } else { Fault::Receiver };
            (soap.media_type(), soap.fault(refusal, fault, record).into_bytes())
        }
        Dialect::Graphql => {
            ("application/json; charset=utf-8", graphql::errors(refusal, record).to_string().into_bytes())
        }
        Dialect::GraphqlResponse => (
            "application/graphql-response+json; charset=utf-8",
            graphql::errors(refusal, record).to_string().into_bytes(),
        ),
        // All of it stands in the head.
        Dialect::Grpc(wire) => (wire.media_type(), Vec::new()),
        Dialect::Problem => {
            ("application/problem+json", problem(refusal, status, record).to_string().into_bytes())
        }
    }
}

fn outcome(refusal: &Refusal, record: &str, status: u16) -> Value {
    let code = issue_type(refusal.reason, status);
    let detail = |text: String, code_word: &str| json!({"coding": [{"system": CODES, "code": code_word}], "text": text});
    let mut issues = vec![json!({
        "severity": "error",
        "code": code,
        "details": detail(refusal.sentence(), refusal.reason.as_str()),
        "diagnostics": format!("reason {}, record {record}", refusal.reason),
    })];
    for spot in &refusal.spots {
        let mut issue = json!({
            "severity": "error",
            "code": code,
            "details": detail(spot.advice.clone(), &spot.kind),
            "diagnostics": format!("rule {}, {} points, {}", spot.rule, spot.points, spot.whole_place()),
        });
        if spot.part == Part::Body && is_fhir_path(&spot.place) {
            issue["expression"] = json!([spot.place]);
        }
        issues.push(issue);
    }
    if refusal.more > 0 {
        issues.push(json!({"severity": "information", "code": "informational", "diagnostics": format!("{} more", refusal.more)}));
    }
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

/// Whether a place is FHIRPath, which begins with a type: places of other formats, what lies inside a carrier or behind an
/// unknown key, and a body as a whole, are told in diagnostics alone.
fn is_fhir_path(place: &str) -> bool {
    let mut steps = place.split('.');
    let is_type = |step: &str| {
        step.starts_with(|c: char| c.is_ascii_uppercase()) && step.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let is_element = |step: &str| {
        let name = step.split('[').next().unwrap_or_default();
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase());
        is_name && step.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'[' | b']'))
    };
    steps.next().is_some_and(is_type) && steps.clone().next().is_some() && steps.all(is_element)
}

fn outcome_xml(refusal: &Refusal, record: &str, status: u16) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OperationOutcome xmlns=\"http://hl7.org/fhir\">",
    );
    // The same issues as in JSON, in the order that the schema wants.
    for issue in outcome(refusal, record, status).get("issue").and_then(Value::as_array).into_iter().flatten()
    {
        let text = |value: &Value| xml(value.as_str().unwrap_or_default());
        out.push_str(&format!(
            "<issue><severity value=\"{}\"/><code value=\"{}\"/>",
            text(&issue["severity"]),
            text(&issue["code"])
        ));
        if let Some(details) = issue.get("details") {
            let coding = &details["coding"][0];
            out.push_str(&format!(
                "<details><coding><system value=\"{}\"/><code value=\"{}\"/></coding><text value=\"{}\"/></details>",
                text(&coding["system"]),
                text(&coding["code"]),
                text(&details["text"])
            ));
        }
        out.push_str(&format!("<diagnostics value=\"{}\"/>", text(&issue["diagnostics"])));
        if let Some(expression) = issue.get("expression") {
            out.push_str(&format!("<expression value=\"{}\"/>", text(&expression[0])));
        }
        out.push_str("</issue>");
    }
    out.push_str("</OperationOutcome>");
    out
}

fn acknowledgement(refusal: &Refusal, record: &str, body: &[u8], now: &str) -> Vec<u8> {
    let mode = ack::mode(body);
    let of_header = refusal.reason == Reason::DeclaredMode;
    let code = if of_header { AckCode::of_header(mode) } else { AckCode::of_content(mode) };
    let condition = if of_header { "202" } else { "207" };
    let whole = format!("{} Record {record}.", refusal.sentence());
    let mut errors =
        vec![AckError { location: String::new(), condition, rule: refusal.reason.as_str(), text: &whole }];
    errors.extend(refusal.spots.iter().map(|spot| {
        // What lies inside a carrier is told by the place of the carrier.
        let place = spot.place.split(" > ").next().unwrap_or_default();
        let location = if spot.part == Part::Body { err_location(place) } else { String::new() };
        AckError { location, condition, rule: &spot.rule, text: &spot.advice }
    }));
    // Nothing is echoed that a finding touches, here or where the same words stand again.
    let touched = |span: Range<usize>| {
        let echo = body.get(span.clone()).unwrap_or_default();
        let within =
            |outer: &[u8], inner: &[u8]| inner.len() > 1 && memchr::memmem::find(outer, inner).is_some();
        refusal.touched.iter().any(|t| {
            let found = body.get(t.clone()).unwrap_or_default();
            (t.start < span.end && span.start < t.end) || within(found, echo) || within(echo, found)
        })
    };
    ack::ack(body, code, &errors, record, now, &touched)
}

/// Model and event of what was sent are payload, and aren't echoed.
fn redox(refusal: &Refusal, record: &str) -> Value {
    let mut errors = vec![json!({
        "ID": record,
        "Type": refusal.reason.as_str(),
        "Text": refusal.sentence(),
        "Module": "phigate",
    })];
    errors.extend(refusal.spots.iter().map(|spot| {
        json!({
            "ID": record,
            "Type": spot.rule,
            "Text": format!("{}: {}", spot.whole_place(), spot.advice),
            "Module": "phigate",
        })
    }));
    json!({"Meta": {"Errors": errors}})
}

fn problem(refusal: &Refusal, status: u16, record: &str) -> Value {
    let mut out = json!({
        "type": format!("urn:phigate:problem:{}", refusal.reason),
        "title": refusal.reason.title(),
        "status": status,
        "detail": refusal.sentence(),
        "reason": refusal.reason.as_str(),
        "record": record,
    });
    if let Some(id) = &refusal.register {
        out["register"] = json!(id);
    }
    if !refusal.spots.is_empty() {
        out["findings"] = findings(refusal);
        out["more"] = json!(refusal.more);
    }
    out
}

/// What to fix, an object each.
pub(super) fn findings(refusal: &Refusal) -> Value {
    refusal
        .spots
        .iter()
        .map(|s| json!({"part": s.part.to_string(), "place": s.place, "rule": s.rule, "kind": s.kind, "points": s.points, "fix": s.advice}))
        .collect()
}

/// The issue type of a reason (FHIR R4, value set issue-type): clients branch on it.
const fn issue_type(reason: Reason, status: u16) -> &'static str {
    if is_policy(reason) {
        return "business-rule";
    }
    match status {
        400 | 421 => "structure",
        401 => "login",
        403 => "forbidden",
        404 => "not-found",
        405 | 501 => "not-supported",
        408 | 504 => "timeout",
        413 | 431 => "too-long",
        429 => "throttled",
        502 | 503 => "transient",
        _ => "processing",
    }
}

const fn is_policy(reason: Reason) -> bool {
    reason.is_of_content() || matches!(reason, Reason::EnvironmentMismatch)
}

pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Things to fix that one refusal names.
const SPOTS_MAX: usize = 20;
const CODES: &str = "urn:phigate:reason";
