//! Ids of sources and destinations in bodies that carry them (Redox data models): signals that the sender picks, so they
//! can only contradict.

use serde::Deserialize;
use std::sync::Arc;

/// Ids that the configuration says belong to an environment.
#[derive(Debug, Default)]
pub struct Ids(Vec<(Box<str>, Arc<str>)>);

#[derive(Deserialize, Default)]
struct Message {
    #[serde(rename = "Meta", default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(rename = "Source", default)]
    source: Option<Party>,
    #[serde(rename = "Destinations", default)]
    destinations: Option<Vec<Party>>,
}

#[derive(Deserialize)]
struct Party {
    #[serde(rename = "ID", default)]
    id: Option<String>,
}

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
    /// nothing.
    #[must_use]
    pub fn contradict(&self, body: &[u8], environment: &str) -> bool {
        let Ok(message) = serde_json::from_slice::<Message>(body) else { return false };
        let Meta { source, destinations } = message.meta;
        let named = source.into_iter().chain(destinations.into_iter().flatten()).filter_map(|party| party.id);
        let of = |id: &str| self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, e)| e);
        named.into_iter().any(|id| of(id.trim()).is_some_and(|owner| &**owner != environment))
    }
}

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
        ] {
            assert!(!contradicts(silent), "{silent}");
        }
    }
}
