//! What is a credential, by what it is called: dropped for everyone, and never sealed.

use crate::inspect::decode;

/// Whether what is called so is a credential: dropped for everyone, its length with it.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    is_one(name, look_of(name))
}

fn is_one(name: &str, look: u8) -> bool {
    // Every key of every document is asked: most are of another length than those that begin so.
    let bytes = name.as_bytes();
    let Some(first) = bytes.first() else { return false };
    if bytes.len() > CREDENTIAL_NAME_MAX {
        return false;
    }
    let lengths = NAMES_LOOK[usize::from(first.to_ascii_lowercase().wrapping_sub(b'a') & 31)];
    if look & JOINS == 0 {
        let last = bytes.last().map_or(0, |last| last.to_ascii_lowercase().wrapping_sub(b'a') & 31);
        return lengths & NAMES_END[usize::from(last)] & 1 << bytes.len() != 0
            && CREDENTIAL_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    }
    // What is no letter or digit is passed over: a name may be longer than the one that it is.
    if first.is_ascii_alphabetic() && lengths & ((2 << bytes.len()) - 1) == 0 {
        return false;
    }
    let mut normal = [0; CREDENTIAL_NAME_MAX];
    let letters = bytes.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    let length = normal.iter_mut().zip(letters).map(|(place, b)| *place = b).count();
    let normal = normal.get(..length).unwrap_or_default();
    name.is_ascii() && CREDENTIAL_NAMES.iter().any(|known| known.as_bytes() == normal)
}

/// What the bytes of a name are, all of them together.
pub(super) fn look_of(name: &str) -> u8 {
    name.bytes().fold(0, |look, b| look | LOOKS[usize::from(b)])
}

/// By first letter a bit for each length of a name.
const NAMES_LOOK: [u64; 32] = lengths(false);
/// The same by last letter.
const NAMES_END: [u64; 32] = lengths(true);

const fn lengths(by_last: bool) -> [u64; 32] {
    let (mut look, mut n) = ([0; 32], 0);
    while n < CREDENTIAL_NAMES.len() {
        let name = CREDENTIAL_NAMES[n].as_bytes();
        let letter = if by_last { name[name.len() - 1] } else { name[0] };
        look[(letter - b'a') as usize] |= 1 << name.len();
        n += 1;
    }
    look
}

/// The same of a name with several words in it, percent-encoded or not: `user[password]`, `login.token`.
pub(super) fn names_credential(name: &str) -> bool {
    is_named(name, look_of(name))
}

/// The same of a name that was looked at.
pub(super) fn is_named(name: &str, look: u8) -> bool {
    if look & SEPARATES == 0 {
        return is_one(name, look);
    }
    let named = |name: &str| is_credential(name) || name.split(NAME_SEPARATORS).any(is_credential);
    named(name) || name.contains('%') && named(&decode::percent(name, true))
}

/// Whether a credential stands in a text with its value: `password: …`, `?access_token=…`. An original that holds one isn't
/// sealed; in doubt it does.
pub(super) fn stands_in(raw: &[u8]) -> bool {
    let stands = |raw: &[u8]| is_said_in(raw) || is_parameter_of(raw) || has_shape(raw);
    stands(raw)
        || memchr::memchr(b'%', raw).is_some()
            && stands(decode::percent(&String::from_utf8_lossy(raw), true).as_bytes())
}

/// Whether a name is that of a signature, which has elements for who signed and when, or of directions for a medicine: what
/// holds such elements is no credential itself.
pub(super) fn may_hold_more(name: &str) -> bool {
    ["signature", "sig"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a URL, a query or a fragment has a parameter that is a credential.
fn is_parameter_of(raw: &[u8]) -> bool {
    if memchr::memchr(b'=', raw).is_none() {
        return false;
    }
    let text = String::from_utf8_lossy(raw);
    let pairs = text.split(|c: char| matches!(c, '?' | '&' | '#' | ';' | '"' | '\'') || c.is_whitespace());
    let mut named = pairs.filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.is_empty());
    named.any(|(name, _)| names_credential(name))
}

/// Whether something in a text looks like a credential, whatever it is called.
pub fn has_shape(raw: &[u8]) -> bool {
    let behind = |mark: &'static [u8]| {
        memchr::memmem::find_iter(raw, mark).map(move |at| raw.get(at + mark.len()..).unwrap_or_default())
    };
    let run = |rest: &[u8], fits: fn(&u8) -> bool| rest.iter().take_while(|b| fits(b)).count();
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_private_key = |rest: &[u8]| {
        let line = rest.get(..rest.len().min(PEM_NAME_MAX)).unwrap_or_default();
        memchr::memmem::find(line, b"PRIVATE KEY").is_some()
    };
    // `://user:pass@host`
    let is_user = |rest: &[u8]| {
        let host = |b: &u8| !b.is_ascii_whitespace() && !b"/?#\"'<>".contains(b);
        let authority = rest.get(..run(rest, host)).unwrap_or_default();
        let user = memchr::memrchr(b'@', authority).and_then(|at| authority.get(..at)).unwrap_or_default();
        user.iter().position(|b| *b == b':').is_some_and(|at| at + 1 < user.len())
    };
    // `Basic dXNlcjpwYXNz`: a user's name and password.
    let is_basic = |rest: &[u8]| {
        let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
        let code = rest.get(..run(rest, is_base64)).and_then(|code| std::str::from_utf8(code).ok());
        code.and_then(decode::base64).is_some_and(|said| {
            said.contains(&b':')
                && std::str::from_utf8(&said).is_ok_and(|said| !said.contains(char::is_control))
        })
    };
    has_jwt(raw)
        || behind(b"-----BEGIN ").any(is_private_key)
        || behind(b"://").any(is_user)
        || ["Basic ", "basic ", "BASIC "].iter().any(|mark| behind(mark.as_bytes()).any(is_basic))
        || PREFIXES
            .iter()
            .any(|(mark, least)| behind(mark.as_bytes()).any(|rest| run(rest, is_token) >= *least))
}

/// A JWT: two objects of JSON in base64, and a signature, which may be empty.
fn has_jwt(raw: &[u8]) -> bool {
    let run = |rest: &[u8]| {
        rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count()
    };
    let mut rest = raw;
    while let Some(at) = memchr::memmem::find(rest, b"eyJ") {
        rest = rest.get(at + 3..).unwrap_or_default();
        // The first of a run has the longest head, and what is behind the run is behind all of them.
        let head = run(rest);
        rest = rest.get(head..).unwrap_or_default();
        if head >= JWT_PART_MIN
            && let Some(claims) = rest.strip_prefix(b".")
            && run(claims) >= JWT_PART_MIN
        {
            return true;
        }
    }
    false
}

/// Whether a word for a credential stands there with something behind it.
fn is_said_in(raw: &[u8]) -> bool {
    (0..raw.len()).any(|at| {
        let rest = raw.get(at..).unwrap_or_default();
        // `spin` says no `pin`.
        let begins = at.checked_sub(1).and_then(|at| raw.get(at)).is_none_or(|b| !b.is_ascii_alphanumeric());
        let short = SHORT.iter().filter(|_| begins).map(|word| (*word, true));
        let mut said = SAID.iter().copied().chain(short);
        let found = said.find_map(|(word, needs_mark)| Some((after(rest, word)?, needs_mark)));
        found.is_some_and(|(behind, needs_mark)| {
            let mark = behind.iter().position(|b| !b" \t\"'=:>]-".contains(b)).unwrap_or(behind.len());
            let (between, value) = behind.split_at(mark);
            let marked = between.iter().any(|b| b"=:>".contains(b));
            // `secretion` is another word, `the password.` says nothing.
            let is_value =
                value.first().is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii_punctuation());
            let ends_line = value.first().is_some_and(|b| matches!(b, b'\r' | b'\n')) && !marked;
            !between.is_empty() && !ends_line && (marked && !value.is_empty() || !needs_mark && is_value)
        })
    })
}

/// What stands behind a word, in any case; a blank in it stands for `_`, `-`, a blank or nothing.
fn after<'r>(text: &'r [u8], word: &str) -> Option<&'r [u8]> {
    let mut rest = text;
    for b in word.bytes() {
        rest = match (b, rest.split_first()?) {
            (b' ', (b'_' | b'-' | b' ', behind)) => behind,
            (b' ', _) => rest,
            (b, (first, behind)) if first.eq_ignore_ascii_case(&b) => behind,
            _ => return None,
        };
    }
    Some(rest)
}

/// Words for credentials in texts, and whether only `:`, `=` or `>` behind one makes what follows its value.
const SAID: [(&str, bool); 12] = [
    ("password", false),
    ("passwd", false),
    ("passphrase", false),
    ("passcode", true),
    ("pwd", false),
    ("secret", true),
    ("api key", false),
    ("access token", false),
    ("refresh token", false),
    ("id token", true),
    ("private key", true),
    ("bearer", false),
];

/// Others that are part of longer words, too: only where one begins, and `:`, `=` or `>` stands behind it.
const SHORT: [&str; 7] = ["token", "pw", "pin", "session id", "session", "jsessionid", "phpsessid"];

/// How credentials of well-known makers begin, ours among them, and how much of them follows at least.
const PREFIXES: [(&str, usize); 21] = [
    ("phk_", 8),
    ("pht_", 8),
    ("AKIA", 16),
    ("ASIA", 16),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxa-", 8),
    ("xoxs-", 8),
    ("AIza", 30),
    ("npm_", 30),
    ("hvs.", 20),
];
const JWT_PART_MIN: usize = 10;
/// Of the name in a PEM header: `ENCRYPTED PRIVATE KEY`.
const PEM_NAME_MAX: usize = 40;

/// What stands between words of a name.
pub(super) const NAME_SEPARATORS: [char; 4] = ['.', ':', '[', ']'];
/// Whether a byte separates words, or may encode one that does; whether it is no letter or digit, and what doesn't even join
/// words.
const LOOKS: [u8; 256] = {
    let (mut looks, mut b) = ([0; 256], 0);
    while b < looks.len() {
        looks[b] = match b as u8 {
            byte if byte.is_ascii_alphanumeric() => 0,
            b'_' | b'-' | b'.' | b' ' | b'$' | b'@' | b':' => JOINS,
            _ => JOINS | STRANGE,
        };
        b += 1;
    }
    let mut n = 0;
    while n < NAME_SEPARATORS.len() {
        looks[NAME_SEPARATORS[n] as usize] |= SEPARATES;
        n += 1;
    }
    looks[b'%' as usize] |= SEPARATES;
    looks
};
const JOINS: u8 = 1;
const SEPARATES: u8 = 2;
/// No letter, no digit, and nothing that joins words: whoever wrote it wrote no key of ours.
pub(super) const STRANGE: u8 = 4;

/// A longer name is none of them, however it is written.
const CREDENTIAL_NAME_MAX: usize = 40;

const CREDENTIAL_NAMES: &[&str] = &[
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "idtokenhint",
    "token",
    "authtoken",
    "bearertoken",
    "sessiontoken",
    "sessionid",
    "jsessionid",
    "phpsessid",
    "csrftoken",
    "apikey",
    "xapikey",
    "password",
    "passwd",
    "pwd",
    "pw",
    "pin",
    "passcode",
    "passphrase",
    "secret",
    "clientsecret",
    "clientassertion",
    "assertion",
    "subjecttoken",
    "actortoken",
    "codeverifier",
    "authorization",
    "signature",
    "sig",
    "privatekey",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_words_is_a_credential_if_one_of_them_is() {
        for name in
            ["password", "API-Key", "user[password]", "login.token", "pass%77ord", "user%5Bpassword%5D"]
        {
            assert!(names_credential(name), "{name}");
        }
        for name in ["", "[]", "patient.name", "tokens", "name:exact", "%%"] {
            assert!(!names_credential(name), "{name}");
        }
    }

    #[test]
    fn credentials_are_seen_in_texts_by_the_value_behind_them() {
        for text in [
            "password: hunter2",
            "PASSWORD=hunter2",
            "the password is hunter2",
            "{\"api_key\":\"x\"}",
            "<Secret>x</Secret>",
            "Authorization: Bearer abc",
            "pwd\thunter2",
            "http://h/cb?code=1#id_token=x",
            "/x?apikey=hunter2",
            "x?pass%77ord=hunter2",
            "http%3A%2F%2Fh%3Ftoken%3Dx",
            "accessToken: 7",
            "token: abc",
            "PIN=1234",
            "pw: x",
            "JSESSIONID=0A1B",
            "session id: 77",
            "sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln by mail",
            "-----BEGIN EC PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----",
            "used Basic b2thZm9yOmh1bnRlcjI= for it",
            "ftp://okafor:hunter2@host/x",
            "postgres://o:h@h",
            "phk_0123456789abcdef",
            "AKIAIOSFODNN7EXAMPLE",
            "key sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "ghp_0123456789abcdefghij",
            "xoxb-1234567890-abc",
        ] {
            assert!(stands_in(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "no secretions, passed well",
            "forgot the password.",
            "password:",
            "a=b",
            "Okafor",
            "token bearers",
            "Basic metabolic panel",
            "spin: left, mapping: right",
            "session was long, a pin in the hip",
            "https://host:8443/a@b",
            "mailto://okafor@host",
            "-----BEGIN CERTIFICATE-----",
            "eyJ is how it begins",
            "AKIA",
        ] {
            assert!(!stands_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_row_of_beginnings_is_looked_through_once() {
        assert!(!stands_in("eyJ".repeat(300_000).as_bytes()), "and soon");
        assert!(stands_in(
            format!("eyJ {}eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.x", "eyJ".repeat(9)).as_bytes()
        ));
    }
}
