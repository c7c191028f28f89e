//! `[sign_in]`: the OpenID Connect provider that people sign in with, and what their groups are here.

use super::keeping::secret;
use super::reader::{Problems, Table};
use crate::forward::{Remote, SYSTEM_CA, Secret};
use crate::org::OrgRole;
use std::path::PathBuf;

/// A provider, and what it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The claim `iss`, and where its discovery document is.
    pub issuer: String,
    /// Who signs for its hosts.
    pub ca: PathBuf,
    /// What we are called there.
    pub client_id: String,
    /// What we show of ourselves there; `None`: a public client.
    pub client_secret: Option<Secret>,
    /// Where it sends people back to; `None`: to the admin address.
    pub redirect: Option<String>,
    /// What is asked for, beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that is a member's name. Default `email`.
    pub name_claim: String,
    /// The claim that lists groups. Default `groups`.
    pub groups_claim: String,
    /// Hours until somebody has to sign in again. Default 8.
    pub session_hours: u32,
    /// What groups are here.
    pub groups: Vec<Group>,
}

/// What the people of a group are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// As the provider calls it.
    pub group: String,
    /// An environment and the role in it.
    pub role: Option<(String, String)>,
    /// The role in the organization; nobody is made an owner so.
    pub organization: Option<OrgRole>,
}

/// Reads it; nothing where there is no such section.
pub(super) fn sign_in(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<SignIn> {
    t.span()?;
    let ca = t.text("ca", problems).map_or_else(|| PathBuf::from(SYSTEM_CA), |(path, _)| PathBuf::from(path));
    let issuer = t.required("issuer", ISSUER_WANTED, problems).and_then(|(text, span)| {
        let good = Remote::parse(&text, ca.clone()).is_some() && !text.contains(['?', '#']);
        if !good {
            problems.add(Some(span), t.key("issuer"), ISSUER_WANTED, format!("`{text}`"));
        }
        good.then_some(text)
    });
    let client_id = t.required("client_id", "what phigate is called at the provider", problems);
    let client_secret = t.text("client_secret", problems);
    let client_secret =
        client_secret.and_then(|(text, span)| secret("client_secret", &text, span, &t, problems));
    let redirect = t.text("redirect", problems).and_then(|(text, span)| {
        let good = Remote::parse(&text, ca.clone()).is_some() && text.ends_with(CALLBACK);
        if !good {
            let wanted = "a URL that leads to /v1/sign-in/callback of the admin address";
            problems.add(Some(span), t.key("redirect"), wanted, format!("`{text}`"));
        }
        good.then_some(text)
    });
    let scopes: Vec<String> = t.list("scopes", problems).into_iter().map(|(scope, _)| scope).collect();
    let scopes = if scopes.is_empty() { vec!["email".to_owned(), "groups".to_owned()] } else { scopes };
    let mut word =
        |key, default: &str| t.text(key, problems).map_or_else(|| default.to_owned(), |(text, _)| text);
    let (name_claim, groups_claim) = (word("name_claim", "email"), word("groups_claim", "groups"));
    let hours = t.number("session_hours", 8, 1..721, "hours", problems);
    let groups: Vec<Group> =
        t.tables("group", problems).into_iter().filter_map(|table| group(table, problems)).collect();
    if groups.is_empty() {
        problems.add(t.span(), t.key("group"), "at least one [[sign_in.group]]: else nobody gets in", "none");
    }
    t.done(problems);
    Some(SignIn {
        issuer: issuer?,
        ca,
        client_id: client_id?.0,
        client_secret,
        redirect,
        scopes,
        name_claim,
        groups_claim,
        session_hours: u32::try_from(hours).unwrap_or(8),
        groups,
    })
}

fn group(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<Group> {
    let group = t.required("group", "a group, as the provider calls it", problems).map(|(group, _)| group);
    let environment = t.text("environment", problems).map(|(text, _)| text);
    let role = t.text("role", problems).map(|(text, _)| text);
    let words = [("admin", Some(OrgRole::Admin)), ("member", Some(OrgRole::Member))];
    let organization = t.choice("organization", None, &words, problems);
    if environment.is_some() != role.is_some() || (environment.is_none() && organization.is_none()) {
        let wanted = "an `environment` with a `role`, or an `organization` role";
        problems.add(t.span(), t.key("group"), wanted, "neither, or half of it");
    }
    t.done(problems);
    Some(Group { group: group?, role: environment.zip(role), organization })
}

/// Where people come back to.
pub const CALLBACK: &str = "/v1/sign-in/callback";
const ISSUER_WANTED: &str = "the provider's issuer: an https:// URL (http:// on this machine)";
