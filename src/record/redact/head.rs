//! Target and headers, of a request and of its reply.

use super::body::Sent;
use super::leaf::{Pieces, Redactor, SECRET, fixed, leaf};
use crate::inspect::walk::PersonId;
use crate::inspect::{known_header, url};
use crate::record::{Draft, Part, Piece, StoredPayload};

impl Redactor<'_> {
    pub(super) fn payload(&mut self, draft: &Draft) -> StoredPayload {
        let mut parts = vec![Part { name: "target".to_owned(), pieces: self.target(draft.target.expose()) }];
        self.message("", &draft.headers, &draft.request(), &mut parts);
        if let Some(reply) = &draft.reply {
            self.message("reply ", &reply.headers, &reply.sent(), &mut parts);
        }
        StoredPayload { parts }
    }

    /// Headers and body of a request, or of a reply.
    fn message(&mut self, which: &str, headers: &[(String, String)], sent: &Sent<'_>, parts: &mut Vec<Part>) {
        for (name, value) in headers {
            // A header that isn't known by name is payload whole.
            if let Some(known) = known_header(name) {
                let pieces = vec![self.header(known, value)];
                parts.push(Part { name: format!("{which}header {known}"), pieces });
            }
        }
        if !sent.body.is_empty() {
            parts.push(Part { name: format!("{which}body"), pieces: self.body(sent) });
        }
    }

    /// A header's value is never kept: what was found in it is.
    fn header(&mut self, name: &str, value: &str) -> Piece {
        if CREDENTIALS.contains(&name) {
            return fixed(SECRET, false);
        }
        self.document(value.as_bytes());
        let tables = self.tables();
        url::walk_header(name, value, &tables, PersonId(0), self);
        let found = self.said.within(0..usize::MAX).any(|(_, said)| said.found);
        self.kept(leaf("text", value.len(), "[text]", None, found), value.as_bytes())
    }

    fn target(&mut self, target: &str) -> Vec<Piece> {
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
        self.document(path.as_bytes());
        let tables = self.tables();
        let resource = url::walk_path(path, &tables, PersonId(0), self);
        resource.clone_into(&mut self.aim);
        let mut out = Pieces::default();
        out.all(self.split(path, 0, b"/"));
        if let Some(query) = query {
            out.text("?");
            out.all(self.pairs(query, resource));
        }
        out.end()
    }

    /// `a=1&b=2`, names that our tables don't have masked like values.
    pub(super) fn pairs(&mut self, query: &str, resource: &str) -> Vec<Piece> {
        self.document(query.as_bytes());
        let tables = self.tables();
        url::walk_query(query, 0, resource, &tables, PersonId(0), self);
        let mut out = Pieces::default();
        let mut at = 0;
        for (index, pair) in query.split('&').enumerate() {
            if index > 0 {
                out.text("&");
            }
            let name = pair.split('=').next().unwrap_or_default();
            if pair.len() > name.len() && is_credential(name) {
                out.text(name);
                out.text("=");
                out.leaf(fixed(SECRET, false));
                at += pair.len() + 1;
                continue;
            }
            // A name is kept only as our tables write it: letters of a known parameter.
            let known = !self.unknown_keys.contains_key(&at)
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b));
            match known {
                true => out.text(name),
                false => out.leaf(leaf("key", name.len(), "*", None, false)),
            }
            if pair.len() > name.len() {
                out.text("=");
                let from = at + name.len() + 1;
                out.all(self.split(pair.get(name.len() + 1..).unwrap_or_default(), from, b","));
            }
            at += pair.len() + 1;
        }
        out.end()
    }

    /// Values between separators.
    fn split(&self, text: &str, offset: usize, separators: &[u8]) -> Vec<Piece> {
        let mut out = Vec::new();
        let bytes = text.as_bytes();
        let mut start = 0;
        for at in 0..=bytes.len() {
            let separator = bytes.get(at).filter(|b| separators.contains(b));
            if separator.is_some() || at == bytes.len() {
                if at > start {
                    out.push(self.piece(offset + start..offset + at, "text"));
                }
                if let Some(b) = separator {
                    out.push(Piece::Text(char::from(*b).to_string()));
                }
                start = at + 1;
            }
        }
        out
    }
}

/// Whether what is called so is a credential: dropped for everyone, its length with it.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    // Every key of every document is asked: most are of another length than those that begin so.
    let bytes = name.as_bytes();
    let Some(first) = bytes.first() else { return false };
    let lengths = NAMES_LOOK[usize::from(first.to_ascii_lowercase().wrapping_sub(b'a') & 31)];
    if first.is_ascii_alphabetic() && lengths == 0 || bytes.len() > CREDENTIAL_NAME_MAX {
        return false;
    }
    if bytes.iter().all(u8::is_ascii_alphanumeric) {
        return lengths & 1 << bytes.len() != 0
            && CREDENTIAL_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    }
    let mut normal = [0; CREDENTIAL_NAME_MAX];
    let letters = bytes.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    let length = normal.iter_mut().zip(letters).map(|(place, b)| *place = b).count();
    let normal = normal.get(..length).unwrap_or_default();
    name.is_ascii() && CREDENTIAL_NAMES.iter().any(|known| known.as_bytes() == normal)
}

/// By first letter a bit for each length of a name.
const NAMES_LOOK: [u64; 32] = {
    let (mut look, mut n) = ([0; 32], 0);
    while n < CREDENTIAL_NAMES.len() {
        let name = CREDENTIAL_NAMES[n].as_bytes();
        look[(name[0] - b'a') as usize] |= 1 << name.len();
        n += 1;
    }
    look
};

const CREDENTIALS: [&str; 2] = ["cookie", "set-cookie"];

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
    "csrftoken",
    "apikey",
    "xapikey",
    "password",
    "passwd",
    "pwd",
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
