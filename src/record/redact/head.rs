//! Target and headers, of a request and of its reply.

use super::body::Sent;
use super::credential::{NAME_SEPARATORS, is_credential, names_credential};
use super::leaf::{Pieces, Redactor, SECRET, Shown, fixed, leaf};
use crate::inspect::walk::PersonId;
use crate::inspect::{decode, known_header, url};
use crate::record::Draft;
use crate::record::packed::Word;

impl Redactor<'_> {
    pub(super) fn payload(&mut self, draft: &Draft, out: &mut Pieces) {
        out.part(["target", ""]);
        self.target(draft.target.expose(), out);
        self.message(["header ", "body"], &draft.headers, &draft.request(), out);
        if let Some(reply) = &draft.reply {
            self.message(["reply header ", "reply body"], &reply.headers, &reply.sent(), out);
        }
    }

    /// Headers and body of a request, or of a reply.
    fn message(
        &mut self,
        [header, body]: [&'static str; 2],
        headers: &[(String, String)],
        sent: &Sent<'_>,
        out: &mut Pieces,
    ) {
        let mut names = Vec::new();
        for (name, value) in headers {
            // A header that isn't known by name is payload whole.
            if let Some(known) = known_header(name) {
                // By its number alone an original is asked for.
                let before = names.iter().filter(|name| self.seals && **name == known).count();
                names.push(known);
                out.part_again([header, known], before);
                self.header(known, value, out);
            }
        }
        if !sent.body.is_empty() {
            out.part([body, ""]);
            self.body(sent, out);
        }
    }

    /// A header's value is never kept: what was found in it is. One value.
    fn header(&mut self, name: &str, value: &str, out: &mut Pieces) {
        if CREDENTIALS.contains(&name) {
            return out.leaf(fixed(SECRET));
        }
        self.document(value.as_bytes());
        let tables = self.tables();
        url::walk_header(name, value, &tables, PersonId(0), self);
        let found = self.said.within(0..usize::MAX).any(|(_, said)| said.found);
        let text = Shown { found, ..leaf(Word::Text, value.len(), "[text]") };
        out.leaf(self.kept(text, value.as_bytes()));
    }

    fn target(&mut self, target: &str, out: &mut Pieces) {
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
        self.document(path.as_bytes());
        let tables = self.tables();
        let resource = url::walk_path(path, &tables, PersonId(0), self);
        resource.clone_into(&mut self.aim);
        self.split(path, 0, b"/", out);
        if let Some(query) = query {
            out.text("?");
            self.pairs(query, resource, out);
        }
    }

    /// `a=1&b=2`, words of names that our tables don't have masked like values.
    pub(super) fn pairs(&mut self, query: &str, resource: &str, out: &mut Pieces) {
        self.document(query.as_bytes());
        let tables = self.tables();
        url::walk_query(query, 0, resource, &tables, PersonId(0), self);
        let mut at = 0;
        for (index, pair) in query.split('&').enumerate() {
            if index > 0 {
                out.text("&");
            }
            let name = pair.split('=').next().unwrap_or_default();
            if pair.len() > name.len() && names_credential(name) {
                self.name(&decode::percent(name, true), out);
                out.text("=");
                out.leaf(fixed(SECRET));
                at += pair.len() + 1;
                continue;
            }
            match self.unknown_keys.contains_key(&at) {
                false => self.name(&decode::percent(name, true), out),
                true => out.leaf(leaf(Word::Key, name.len(), "*")),
            }
            if pair.len() > name.len() {
                out.text("=");
                let from = at + name.len() + 1;
                self.split(pair.get(name.len() + 1..).unwrap_or_default(), from, b",", out);
            }
            at += pair.len() + 1;
        }
    }

    /// The name of a parameter or a part word by word: those of our tables, `*` for every other. That the tables know its
    /// last word, by which it is looked up, says nothing of those before.
    pub(super) fn name(&self, name: &str, out: &mut Pieces) {
        let (tables, mut at) = (self.tables(), 0);
        for part in name.split_inclusive(NAME_SEPARATORS).take(url::NAME_PARTS_MAX) {
            at += part.len();
            let word = part.trim_end_matches(NAME_SEPARATORS);
            let is_ours = || {
                word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                    && (is_credential(word) || self.rules.fhir.knows(word))
            };
            match tables.word(word) {
                _ if word.is_empty() => {}
                Some(known) => out.text(&known),
                None if is_ours() => out.text(word),
                None => out.leaf(leaf(Word::Key, word.len(), "*")),
            }
            out.text(part.get(word.len()..).unwrap_or_default());
        }
        if at < name.len() {
            out.leaf(leaf(Word::Key, name.len() - at, "*"));
        }
    }

    /// Values between separators.
    fn split(&self, text: &str, offset: usize, separators: &[u8], out: &mut Pieces) {
        let bytes = text.as_bytes();
        let mut start = 0;
        for at in 0..=bytes.len() {
            let separator = bytes.get(at).filter(|b| separators.contains(b));
            if separator.is_some() || at == bytes.len() {
                if at > start {
                    out.leaf(self.shown(offset + start..offset + at, Word::Text));
                }
                if let Some(b) = separator {
                    out.text(char::from(*b).encode_utf8(&mut [0; 4]));
                }
                start = at + 1;
            }
        }
    }
}

const CREDENTIALS: [&str; 2] = ["cookie", "set-cookie"];
