//! Cases of users: judged as the gateway would, by an environment's policy, and compared with what was expected.

use crate::config::Config;
use crate::config::cases::{Body, UserCase};
use crate::decide::{Mode, Policy, Thresholds, verdict};
use crate::inspect::decode::Budget;
use crate::inspect::links::Hosts;
use crate::inspect::rules::{Modes, RuleSet};
use crate::inspect::{Inspector, Message};
use crate::org::Flag;
use crate::resolve;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What came of a case: nothing of its message.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// What is not as expected; empty where all is.
    pub wrong: Vec<String>,
    /// The rules that found something.
    pub rules: BTreeSet<String>,
}

/// Judges one.
///
/// # Errors
/// What keeps it from being judged: there is no such environment, or no such file.
pub fn judge(
    case: &UserCase,
    rules: &Arc<RuleSet>,
    config: Option<&Config>,
    thresholds: &Thresholds,
) -> Result<Judgement, String> {
    let place = Place::of(&case.environment, config, thresholds)?;
    let body = match &case.body {
        Body::Inline(body) => body.clone().into_bytes(),
        Body::File(file) => std::fs::read(file).map_err(|e| format!("{}: {}", file.display(), e.kind()))?,
    };
    let told = match &case.body {
        Body::File(file) => crate::inspect::format::by_file_name(file),
        Body::Inline(_) => "",
    };
    let rules = rules.with_modes(&place.modes);
    let headers: Vec<(&str, &str)> = case.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let (path, query) = case.target.split_once('?').unwrap_or((&case.target, ""));
    let budget = config.map_or_else(Budget::default, |config| config.budget);
    let (findings, trace) = Inspector::new(&rules, budget, crate::clock::this_year()).traced(&Message {
        path,
        query,
        headers: &headers,
        content_type: case.content_type.as_deref().unwrap_or(told),
        content_encoding: &case.content_encoding,
        body: &body,
        hosts: case.reply.then_some(&place.hosts),
        ..Message::default()
    });
    let reason = verdict(&findings, &place.policy, &place.opaque).reason;
    let refused = reason.is_some() && place.policy.holds() && place.policy.mode == Mode::Enforce;
    let mut found: BTreeSet<String> = findings.findings.iter().map(|f| f.rule.to_string()).collect();
    found.extend(trace.rows.iter().map(|row| row.to_string()));
    let mut wrong = Vec::new();
    let expect = &case.expect;
    let word = |refused: bool| if refused { "refuse" } else { "pass" };
    if let Some(wanted) = expect.refused.filter(|wanted| *wanted != refused) {
        wrong.push(format!("decision is {}, wanted {}", word(refused), word(wanted)));
    }
    let is = reason.filter(|_| refused).map_or("none", crate::reason::Reason::as_str);
    if let Some(wanted) = expect.reason.as_ref().filter(|wanted| wanted.as_str() != is) {
        wrong.push(format!("reason is {is}, wanted {wanted}"));
    }
    wrong.extend(expect.rules.iter().filter(|r| !found.contains(*r)).map(|r| format!("`{r}` found nothing")));
    wrong.extend(
        expect.not_rules.iter().filter(|r| found.contains(*r)).map(|r| format!("`{r}` found something")),
    );
    Ok(Judgement { wrong, rules: found })
}

/// Where a message goes.
struct Place {
    policy: Policy,
    modes: Modes,
    hosts: Hosts,
    opaque: Vec<String>,
}

impl Place {
    fn of(name: &str, config: Option<&Config>, thresholds: &Thresholds) -> Result<Self, String> {
        if let Some((config, environment)) = config.and_then(|c| Some((c, c.environment(name)?))) {
            let own = || config.connections.iter().filter(|c| *c.environment == *name);
            return Ok(Self {
                policy: environment.policy.clone(),
                modes: environment.modes.clone(),
                hosts: resolve::linked_hosts(config, environment),
                opaque: own().flat_map(|c| c.opaque.iter().cloned()).collect(),
            });
        }
        let flags = [Flag::Development, Flag::Staging, Flag::Production];
        let flag = flags.into_iter().find(|flag| config.is_none() && flag.as_str() == name);
        let flag = flag.ok_or_else(|| format!("there is no environment `{name}`"))?;
        Ok(Self {
            policy: Policy::with(flag, thresholds),
            modes: Modes::default(),
            hosts: Hosts::default(),
            opaque: Vec::new(),
        })
    }
}
