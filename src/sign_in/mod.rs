//! Sign-in: who somebody is, as an OpenID Connect provider says (authorization code flow with PKCE, RFC 7636).
//!
//! - Takes: an [`Attempt`], and the code that the provider sent the person back with.
//! - Gives: the [`Person`]: issuer, subject, a name, groups. What that person is here is the admin side's to say.
//! - In doubt: nobody. Algorithms of public keys alone; `iss`, `aud`, `azp`, `exp`, `sub` and `nonce` have to be right, and
//!   a name that nobody verified is none.
//! - Cost: four requests to the provider for each sign-in; asked on threads that may wait.

mod token;

use crate::config::sign_in::{CALLBACK, SignIn};
use crate::forward::{Remote, SecretError};
use crate::secrets::SecretsError;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;

/// Somebody, as the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who says so.
    pub issuer: String,
    /// Who it is there.
    pub subject: String,
    /// As members are called here.
    pub name: String,
    /// Groups there.
    pub groups: Vec<String>,
}

/// What ties the answer of a provider to who asked. No `Debug`.
pub struct Attempt {
    /// Comes back with the code.
    pub state: String,
    nonce: String,
    verifier: String,
}

/// Why nobody signed in. Nothing of the provider's answers is repeated.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The provider can't be reached, or answers something else.
    #[error("the provider's {0} can't be had")]
    Provider(&'static str),
    /// It doesn't take the code, or us.
    #[error("the provider doesn't take the code")]
    Code,
    /// What it says of the person can't be believed.
    #[error("the provider's token is not good: {0}")]
    Token(&'static str),
    /// It doesn't say the person's name, or not one that a member may have.
    #[error(
        "the provider gives no verified name of letters, digits and - _ . @ in the claim that is configured"
    )]
    Name,
    /// Our secret can't be read.
    #[error("client_secret: {0}")]
    Secret(#[from] SecretError),
    /// The system gives no random bytes.
    #[error(transparent)]
    Random(#[from] SecretsError),
}

/// A provider, as configured.
pub struct Provider {
    settings: SignIn,
    redirect: String,
}

/// What its discovery document says (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

impl Attempt {
    /// A new one.
    ///
    /// # Errors
    /// [`SignInError::Random`].
    pub fn new() -> Result<Self, SignInError> {
        let random = || crate::secrets::random().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        Ok(Self { state: random()?, nonce: random()?, verifier: random()? })
    }
}

impl Provider {
    /// The provider that people are sent to from the admin address.
    #[must_use]
    pub fn new(settings: SignIn, admin: SocketAddr) -> Self {
        let redirect = settings.redirect.clone().unwrap_or_else(|| format!("http://{admin}{CALLBACK}"));
        Self { settings, redirect }
    }

    /// What is configured.
    #[must_use]
    pub const fn settings(&self) -> &SignIn {
        &self.settings
    }

    /// Where the person goes to sign in. Waits for the provider.
    ///
    /// # Errors
    /// [`SignInError::Provider`].
    pub fn begin(&self, attempt: &Attempt) -> Result<String, SignInError> {
        let endpoint = self.discovered()?.authorization_endpoint;
        // Only where it would be asked over a safe way.
        Remote::parse(&endpoint, self.settings.ca.clone())
            .ok_or(SignInError::Provider("authorization endpoint"))?;
        let scopes = ["openid"].into_iter().chain(self.settings.scopes.iter().map(String::as_str));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.redirect),
            ("scope", &scopes.collect::<Vec<_>>().join(" ")),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge(&attempt.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        let joins = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joins}{query}"))
    }

    /// Who came back with a code. Waits for the provider.
    ///
    /// # Errors
    /// [`SignInError`].
    pub fn finish(&self, attempt: &Attempt, code: &str) -> Result<Person, SignInError> {
        let found = self.discovered()?;
        let tokens = self.exchange(&found, attempt, code)?;
        let jwks = self.get(&found.jwks_uri, None, "keys")?;
        let claims = token::claims(&tokens.id_token, &jwks, &self.settings, &attempt.nonce)?;
        let claims = match (&found.userinfo_endpoint, &tokens.access_token) {
            // Some say more of a person there than in the token.
            (Some(endpoint), Some(access)) if !claims.contains_key(&self.settings.groups_claim) => {
                self.with_userinfo(claims, endpoint, access)?
            }
            _ => claims,
        };
        token::person(&claims, &self.settings)
    }

    fn discovered(&self) -> Result<Discovered, SignInError> {
        let url = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let text = self.get(&url, None, "discovery document")?;
        let found: Discovered =
            serde_json::from_slice(&text).map_err(|_| SignInError::Provider("discovery document"))?;
        // Or a host could answer for another.
        if found.issuer != self.settings.issuer {
            return Err(SignInError::Provider("discovery document for this issuer"));
        }
        Ok(found)
    }

    fn exchange(&self, found: &Discovered, attempt: &Attempt, code: &str) -> Result<Tokens, SignInError> {
        let id = self.settings.client_id.as_str();
        let secret = self.settings.client_secret.as_ref().map(crate::forward::Secret::text).transpose()?;
        let methods = &found.token_endpoint_auth_methods_supported;
        let in_body = !methods.is_empty() && !methods.iter().any(|m| m == "client_secret_basic");
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", &attempt.verifier),
        ];
        let mut authorization = None;
        match &secret {
            Some(secret) if !in_body => {
                let of = |text: &str| form(&[("", text)]).split_off(1);
                let both = format!("{}:{}", of(id), of(secret.expose()));
                let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both)));
                let mut value = value.map_err(|_| SignInError::Secret(SecretError::NoHeader))?;
                value.set_sensitive(true);
                authorization = Some(value);
            }
            Some(secret) => pairs.extend([("client_id", id), ("client_secret", secret.expose())]),
            None => pairs.push(("client_id", id)),
        }
        let mut request = Request::new(Bytes::from(form(&pairs)));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value);
        }
        let remote = Remote::parse(&found.token_endpoint, self.settings.ca.clone())
            .ok_or(SignInError::Provider("token endpoint"))?;
        let (status, body) = remote.ask_and_wait(request).ok_or(SignInError::Provider("token endpoint"))?;
        if status != StatusCode::OK {
            return Err(SignInError::Code);
        }
        serde_json::from_slice(&body).map_err(|_| SignInError::Provider("token"))
    }

    /// The claims of the token, and those that only the userinfo endpoint tells of the same subject.
    fn with_userinfo(
        &self,
        mut claims: Map<String, Value>,
        endpoint: &str,
        access: &str,
    ) -> Result<Map<String, Value>, SignInError> {
        let text = self.get(endpoint, Some(access), "userinfo")?;
        let more: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|_| SignInError::Provider("userinfo"))?;
        if more.get("sub") != claims.get("sub") {
            return Err(SignInError::Provider("userinfo of this person"));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(claims)
    }

    fn get(&self, url: &str, bearer: Option<&str>, what: &'static str) -> Result<Bytes, SignInError> {
        let failed = || SignInError::Provider(what);
        let mut request = Request::new(Bytes::new());
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(bearer) = bearer {
            let value = HeaderValue::try_from(format!("Bearer {bearer}")).map_err(|_| failed())?;
            headers.insert(header::AUTHORIZATION, value);
        }
        let remote = Remote::parse(url, self.settings.ca.clone()).ok_or_else(failed)?;
        let (status, body) = remote.ask_and_wait(request).ok_or_else(failed)?;
        if status == StatusCode::OK { Ok(body) } else { Err(failed()) }
    }
}

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
#[must_use]
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// What a command and the browser's page show, so that whoever sits there sees that they belong together.
#[must_use]
pub fn word(challenge: &str) -> String {
    let hex = crate::secrets::hex(&Sha256::digest([b"word ", challenge.as_bytes()].concat()));
    let (first, rest) = hex.split_at_checked(4).unwrap_or_default();
    format!("{first}-{}", rest.get(..4).unwrap_or_default())
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(super::challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
