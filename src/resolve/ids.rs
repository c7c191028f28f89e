//! Ids of sources and destinations in bodies that carry them (Redox data models): signals that the sender picks, so they
//! can only contradict.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::Arc;

/// Ids that the configuration says belong to an environment.
#[derive(Debug, Default)]
pub struct Ids(Vec<(Box<str>, Arc<str>)>);

impl Ids {
    /// Those of each environment.
    #[must_use]
    pub fn new(ids: impl Iterator<Item = (Box<str>, Arc<str>)>) -> Self {
        Self(ids.collect())
    }

    /// Whether there are none: then no body has to be read for them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a body names a source or destination of another environment. A body without any, or with unknown ones, says
    /// nothing. Every id counts that some reader may take: whatever stands beside it, each of a key's values, in each of
    /// several messages, and those before the place where the body breaks.
    #[must_use]
    pub fn contradict(&self, body: &[u8], environment: &str) -> bool {
        let of = |id: &str| self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, e)| e);
        let mut is_foreign = false;
        let mut tell = |id: &str| is_foreign |= of(id.trim()).is_some_and(|owner| &**owner != environment);
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let mut reader = serde_json::Deserializer::from_slice(body);
        while (Walk { at: At::Message, depth: 0, tell: &mut tell }).deserialize(&mut reader).is_ok() {}
        is_foreign
    }
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Message,
    Meta,
    /// A source or a destination.
    Party,
    Id,
    Elsewhere,
}

impl At {
    fn below(self, key: &[u8]) -> Self {
        let is = |known: &str| key.eq_ignore_ascii_case(known.as_bytes());
        match self {
            Self::Message if is("Meta") => Self::Meta,
            Self::Meta if is("Source") || is("Destinations") => Self::Party,
            Self::Party if is("ID") => Self::Id,
            _ => Self::Elsewhere,
        }
    }
}

/// Walks a value of any shape and tells each id in it. Lists stand where their elements do, unless they are nested deeper
/// than anybody writes them.
struct Walk<'t> {
    at: At,
    depth: u8,
    tell: &'t mut dyn FnMut(&str),
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        if self.at == At::Elsewhere || self.depth > DEPTH_MAX {
            return reader.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<(), E> {
        self.visit_str(&id.to_string())
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<(), E> {
        self.visit_str(&id.to_string())
    }

    fn visit_f64<E: Error>(self, id: f64) -> Result<(), E> {
        self.visit_str(&id.to_string())
    }

    fn visit_str<E>(self, id: &str) -> Result<(), E> {
        if self.at == At::Id {
            (self.tell)(id);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Walk { at: self.at, depth: self.depth + 1, tell: &mut *self.tell })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(at) = object.next_key_seed(Key(self.at))? {
            object.next_value_seed(Walk { at, depth: self.depth + 1, tell: &mut *self.tell })?;
        }
        Ok(())
    }
}

/// A key of what stands here: gives where its value stands.
struct Key(At);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = At;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<At, D::Error> {
        reader.deserialize_bytes(self) // so that a key of broken text hides nothing behind it
    }
}

impl Visitor<'_> for Key {
    type Value = At;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<At, E> {
        Ok(self.0.below(key))
    }
}

/// serde_json reads no deeper than 128, and gives up at once; what is skipped may be any depth.
const DEPTH_MAX: u8 = 32;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_environment_contradicts_and_nothing_else_does() {
        let pair = |id: &str, environment: &str| (Box::from(id), Arc::from(environment));
        let ids = Ids::new([pair("src-stage", "staging"), pair("dst-live", "production")].into_iter());
        let body = |source: &str, destination: &str| {
            format!(
                r#"{{"Meta":{{"Source":{{"ID":"{source}"}},"Destinations":[{{"ID":"{destination}","Name":"x"}}]}},"Patient":[1]}}"#
            )
        };
        let contradicts = |body: &str| ids.contradict(body.as_bytes(), "staging");
        assert!(!contradicts(&body("src-stage", "unknown")));
        assert!(contradicts(&body("src-stage", "DST-live")));
        assert!(contradicts(&body("dst-live", "src-stage")));
        for silent in [
            "{}",
            "[]",
            "",
            "{\"Meta\":null}",
            "{\"Meta\":{\"Source\":7}}",
            "{\"Meta\":{\"Destinations\":null}}",
            "MSH|^~\\&|",
            r#"{"ID":"dst-live","Patient":{"ID":"dst-live","Meta":{"Source":{"ID":"dst-live"}}}}"#,
            r#"{"Meta":{"Source":{"Name":"dst-live"},"Message":{"ID":"dst-live"}}}"#,
        ] {
            assert!(!contradicts(silent), "{silent}");
        }
        let source = r#""Source":{"ID":"dst-live"}"#;
        for loud in [
            format!(r#"{{"Meta":{{{source},"Destinations":[{{"ID":7}}]}}}}"#),
            format!(r#"{{"Meta":{{{source},"Destinations":{{"ID":"x"}}}}}}"#),
            format!(r#"{{"Meta":{{{source},"Destinations":[null]}}}}"#),
            format!(r#"{{"Meta":{{"Destinations":7,{source}}}}}"#),
            format!(r#"{{"Meta":{{"Source":{{"ID":"src-stage"}},{source}}}}}"#),
            format!(r#"{{"Meta":{{{source}}},"Meta":{{}}}}"#),
            r#"{"Meta":{"Source":{"ID":"dst-live","ID":"src-stage"}}}"#.to_owned(),
            r#"{"Meta":{"Source":{"ID":["dst-live"]}}}"#.to_owned(),
            r#"{"Meta":{"Source":[{"\u0049D":" dst-live "}]}}"#.to_owned(),
            format!("\u{feff}{{\"Meta\":{{{source}}}}}"),
            format!(r#"[{{}},{{"Meta":{{{source}}}}}]"#),
            format!(r#"{{"Meta":{{{source}}}}} {{}}"#),
            format!("{{}}\n{{\"Meta\":{{{source}}}}}"),
            format!(r#"{{"Meta":{{{source}}},"Patient":"#),
            format!(r#"{{"Meta":{{"Destinations":{}7{},{source}}}}}"#, "[".repeat(200), "]".repeat(200)),
            format!(r#"{{"Meta":{{"\udead":"\udead",{source}}}}}"#),
        ] {
            assert!(contradicts(&loud), "{loud}");
        }
        let numbers = Ids::new([pair("4711", "production")].into_iter());
        assert!(numbers.contradict(br#"{"Meta":{"Destinations":[{"ID":4711}]}}"#, "staging"));
        assert!(!numbers.contradict(br#"{"Meta":{"Destinations":[{"ID":4711}]}}"#, "production"));
    }
}
