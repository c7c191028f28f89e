//! Certificates that don't hold, or soon won't. The gateway starts with them all the same: a restart must not be what takes
//! a site down.

use super::made::Fronts;
use crate::config::Config;
use crate::forward::UpstreamTls;
use crate::gateway::Snapshot;
use crate::listen::tls::TlsFront;
use crate::listen::{HeldCertificate, Standing, Validity};

/// What `phigate check` tells of a certificate.
pub struct Outdated {
    /// Which, and what is to be said of it.
    pub text: String,
    /// It doesn't hold now, rather than ending soon.
    pub is_wrong: bool,
}

/// What there is to say of the certificates of a configuration at a time, Unix seconds. Those that can't be read are
/// [`missing`](super::missing)'s.
#[must_use]
pub fn outdated(config: &Config, unix_s: u64) -> Vec<Outdated> {
    let mut out = Vec::new();
    let mut tell = |key: String, whose: String, held: &HeldCertificate| {
        let day = |of: fn(&Validity) -> u64| {
            held.validity.as_ref().map_or_else(String::new, |v| crate::clock::day(of(v).saturating_mul(1000)))
        };
        let what = match held.standing(unix_s) {
            Standing::Good => return,
            Standing::NotYet => format!("isn't valid before {}", day(|v| v.not_before)),
            Standing::EndsSoon => format!("ends on {}, within 14 days", day(|v| v.not_after)),
            Standing::Expired => format!("expired on {}", day(|v| v.not_after)),
        };
        let (line, file) = (config.lines.before(&key), held.file.display());
        let text = format!("{line}{whose}: {file}: the certificate ({}) {what}", held.name);
        out.push(Outdated { text, is_wrong: held.standing(unix_s) != Standing::EndsSoon });
    };
    for l in &config.listeners {
        let front = l.tls.as_ref().and_then(|tls| TlsFront::load(tls).ok());
        for held in front.iter().flat_map(|front| front.certificates().to_vec()) {
            tell(format!("listener `{}`.tls", l.name), format!("listener `{}`, tls", l.name), &held);
        }
    }
    for c in &config.connections {
        let hosts = c.endpoints.iter().map(|e| e.host.as_str());
        let tls = c.tls.as_ref().and_then(|tls| UpstreamTls::load(tls, hosts, c.http2).ok());
        if let Some(held) = tls.iter().flatten().next().and_then(|tls| tls.certificate()) {
            let whose = format!("connection `{}`, upstream_tls", c.name);
            tell(format!("connection `{}`.upstream_tls", c.name), whose, held);
        }
    }
    out
}

/// Has the log warn of what was taken over.
pub(super) fn warn_of_certificates(fronts: &Fronts, snapshot: &Snapshot) {
    let lines = &snapshot.base.lines;
    for (listener, front) in fronts {
        let at = lines.before(&format!("listener `{listener}`.tls"));
        front.certificates().iter().for_each(|held| warn((Some(listener), None), &at, held));
    }
    for upstream in snapshot.routes.upstreams() {
        let tls = upstream.endpoints.first().and_then(|endpoint| endpoint.tls.as_ref());
        if let Some(held) = tls.and_then(|tls| tls.certificate()) {
            let at = lines.before(&format!("connection `{}`.upstream_tls", upstream.name));
            warn((None, Some(&upstream.name)), &at, held);
        }
    }
}

fn warn((listener, connection): (Option<&str>, Option<&str>), at: &str, held: &HeldCertificate) {
    // Where it stands in the configuration, and what it is read from.
    let (at, certificate, file) = (at.trim_end_matches([':', ' ']), &*held.name, held.file.display());
    match held.standing(crate::clock::unix_ms() / 1000) {
        Standing::Good => {}
        Standing::NotYet => {
            tracing::warn!(listener, connection, at, certificate, %file, "A certificate isn't valid yet.");
        }
        Standing::EndsSoon => {
            tracing::warn!(listener, connection, at, certificate, %file, "A certificate ends within 14 days.");
        }
        Standing::Expired => {
            tracing::warn!(listener, connection, at, certificate, %file, "A certificate has expired.");
        }
    }
}
