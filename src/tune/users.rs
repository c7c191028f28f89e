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
    judged(case, rules, config, Place::of(&case.environment, config, thresholds)?)
}

/// The same as a place would that holds messages until they are judged, and acts, where the case's environment does not:
/// production refuses nothing, and the rules that come there are to find what they found in the environment `from`.
///
/// # Errors
/// As of [`judge`].
pub fn judge_as_held(
    case: &UserCase,
    rules: &Arc<RuleSet>,
    config: &Config,
    thresholds: &Thresholds,
    from: &str,
) -> Result<Judgement, String> {
    let mut place = Place::of(&case.environment, Some(config), thresholds)?;
    place.policy = held(place.policy, config.environment(from).map(|e| &e.policy), thresholds);
    judged(case, rules, Some(config), place)
}

/// A policy that holds and acts, with its own thresholds; what else a policy says as that does which a case was written for.
fn held(policy: Policy, from: Option<&Policy>, thresholds: &Thresholds) -> Policy {
    let acts = |policy: &Policy| policy.holds() && policy.mode == Mode::Enforce;
    // Where the case was written for what refuses nothing, that is what it asks.
    if acts(&policy) || from.is_some_and(|from| !acts(from)) {
        return policy;
    }
    let built_in = Policy::with(Flag::Staging, thresholds);
    let like = from.filter(|from| from.holds()).unwrap_or(&built_in);
    Policy {
        flag: like.flag,
        mode: Mode::Enforce,
        uninspected: like.uninspected,
        declared_mode: like.declared_mode,
        off_path_url: like.off_path_url,
        ..policy
    }
}

fn judged(
    case: &UserCase,
    rules: &Arc<RuleSet>,
    config: Option<&Config>,
    place: Place,
) -> Result<Judgement, String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{OnOffPath, OnUninspected};

    #[test]
    fn where_nothing_is_held_a_case_is_judged_as_where_it_was_written_for() {
        let thresholds = Thresholds::built_in();
        let of = |flag| Policy::with(flag, &thresholds);
        let production = Policy { block: 70, ..of(Flag::Production) };
        let judges = held(production.clone(), None, &thresholds);
        assert!(judges.holds() && judges.mode == Mode::Enforce && judges.block == 70);
        assert_eq!((judges.uninspected, judges.off_path_url), (OnUninspected::Refuse, OnOffPath::Refuse));
        let lax = Policy { uninspected: OnUninspected::Pass, ..of(Flag::Development) };
        assert_eq!(held(production.clone(), Some(&lax), &thresholds).uninspected, OnUninspected::Pass);
        let shadow = Policy { mode: Mode::Shadow, ..of(Flag::Staging) };
        for quiet in [&production, &shadow] {
            let asked = held(production.clone(), Some(quiet), &thresholds);
            assert_eq!(asked, production, "written for what refuses nothing");
        }
        assert_eq!(held(shadow, None, &thresholds), of(Flag::Staging));
        assert_eq!(held(lax.clone(), None, &thresholds), lax);
    }
}
