//! From when until when a certificate of the configuration holds.

use rustls::pki_types::{CertificateDer, UnixTime};
use std::path::{Path, PathBuf};
use std::time::Duration;
use webpki::{EndEntityCert, Error, KeyUsage};

/// A certificate that the configuration names, with what operators are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCertificate {
    /// Its first DNS name; where it has none, or one before it in its list has the same, its place there, from 1.
    pub name: Box<str>,
    /// The file that it stands in.
    pub file: PathBuf,
    /// When it holds, where that can be read.
    pub validity: Option<Validity>,
}

/// Seconds of Unix time from which and until which a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`.
    pub not_before: u64,
    /// `notAfter`.
    pub not_after: u64,
}

/// What is to be said of a certificate at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It doesn't hold yet.
    NotYet,
    /// Nothing.
    Good,
    /// It holds, and ends within 14 days.
    EndsSoon,
    /// It is over.
    Expired,
}

impl HeldCertificate {
    /// The leaf of a file; `names` are those that it has, `before` those that stand before it in its list.
    pub(crate) fn new(file: &Path, leaf: &CertificateDer<'_>, names: &[Box<str>], before: &[Self]) -> Self {
        let dns = names.iter().find_map(|name| name.strip_prefix("dns:"));
        let name = dns.filter(|dns| before.iter().all(|other| *other.name != **dns));
        let name = name.map_or_else(|| (before.len() + 1).to_string(), str::to_owned);
        Self { name: name.into(), file: file.to_owned(), validity: Validity::of(leaf) }
    }

    /// What is to be said of it.
    #[must_use]
    pub fn standing(&self, unix_s: u64) -> Standing {
        self.validity.map_or(Standing::Good, |validity| validity.standing(unix_s))
    }
}

impl Validity {
    /// What a certificate says of itself. webpki alone reads it, and tells each end where it is asked about a time beyond it;
    /// that comes before whatever else is wrong, as that nobody here has signed for it.
    fn of(leaf: &CertificateDer<'_>) -> Option<Self> {
        let leaf = EndEntityCert::try_from(leaf).ok()?;
        let at = |unix_s| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(unix_s));
            leaf.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None).err()
        };
        let not_after = match at(u64::MAX)? {
            Error::CertExpired { not_after, .. } => not_after.as_secs(),
            _ => return None,
        };
        let not_before = match at(0)? {
            Error::CertNotValidYet { not_before, .. } => not_before.as_secs(),
            _ => 0, // it held when time began
        };
        Some(Self { not_before, not_after })
    }

    fn standing(self, unix_s: u64) -> Standing {
        match unix_s {
            now if now < self.not_before => Standing::NotYet,
            now if now > self.not_after => Standing::Expired,
            now if now.saturating_add(SOON_S) >= self.not_after => Standing::EndsSoon,
            _ => Standing::Good,
        }
    }
}

/// 14 days.
const SOON_S: u64 = 14 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_certificate_holds_is_read_of_any_that_can_be_served() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["gate.example".to_owned()]).expect("parameters");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        // One of a client, and one that is for anything: both have an end.
        for usages in [vec![], vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth]] {
            params.extended_key_usages = usages;
            let leaf = params.self_signed(&key).expect("signs").der().clone();
            let read = Validity::of(&leaf).expect("reads");
            assert_eq!(read, Validity { not_before: 1_767_225_600, not_after: 1_798_761_600 });
        }
        params.not_before = rcgen::date_time_ymd(1970, 1, 1);
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        let leaf = params.self_signed(&key).expect("signs").der().clone();
        assert_eq!(Validity::of(&leaf).expect("reads").not_before, 0);
        assert_eq!(Validity::of(&CertificateDer::from(vec![0x30, 0])), None);
    }

    #[test]
    fn what_is_said_of_a_certificate_depends_on_the_time() {
        let validity = Validity { not_before: 1_000, not_after: 5_000_000 };
        for (now, standing) in [
            (999, Standing::NotYet),
            (1_000, Standing::Good),
            (5_000_000 - SOON_S - 1, Standing::Good),
            (5_000_000 - SOON_S, Standing::EndsSoon),
            (5_000_000, Standing::EndsSoon),
            (5_000_001, Standing::Expired),
        ] {
            assert_eq!(validity.standing(now), standing, "{now}");
        }
    }

    #[test]
    fn two_certificates_of_a_list_never_share_a_name() {
        let leaf = CertificateDer::from(vec![]);
        let named = |name: &str| vec![Box::from("uri:x://y"), Box::from(format!("dns:{name}"))];
        let mut all = Vec::new();
        for names in [named("a.example"), named("a.example"), named("b.example"), Vec::new()] {
            all.push(HeldCertificate::new(Path::new("x.pem"), &leaf, &names, &all));
        }
        let names: Vec<_> = all.iter().map(|held| &*held.name).collect();
        assert_eq!(names, ["a.example", "2", "b.example", "4"]);
    }
}
