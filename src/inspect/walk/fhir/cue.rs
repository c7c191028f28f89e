//! Cues: the words that name a leaf to nearby-word rules.

use super::super::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use super::Walk;
use super::context::Frame;
use super::names::Name;
use std::borrow::Cow;

impl<'d> Walk<'_, 'd, '_> {
    /// The key; of a text whose key says nothing the nearest label: a form item's text, an extension's url, what an
    /// observation asks, a parameter's name, an identifier's type, else the key above.
    pub(super) fn cue(&self, id: NodeId, text: bool, above: &Frame, frames: &[Frame]) -> Cow<'d, str> {
        let key = self.key_of(id);
        if !text || !says_nothing(&key) {
            return key;
        }
        let words = &self.table.words;
        let mut nearest = None;
        for frame in frames.iter().rev().take(FRAMES_MAX) {
            let object = frame.object;
            let label = if frame.name == words.item {
                self.label(object, words.text).or_else(|| self.label(object, words.link_id))
            } else if frame.name == words.extension || frame.name == words.modifier_extension {
                self.label(object, words.url).map(last_segment)
            } else if frame.name == words.parameter || frame.name == words.part {
                self.label(object, words.name)
            } else if key.starts_with("value")
                && (frame.name == words.component || self.is_observation(frame))
            {
                self.concept(object, words.code)
            } else {
                (object == above.object).then(|| self.concept(object, words.kind)).flatten()
            };
            if label.is_some() {
                return label.unwrap_or_default();
            }
            if nearest.is_none() && frame.name != Name::UNKNOWN {
                nearest = Some(self.key_of(object)).filter(|key| !key.is_empty() && !says_nothing(key));
            }
        }
        nearest.unwrap_or(key)
    }

    /// The beginning of a label: it is looked at for each value that stands below.
    pub(super) fn label(&self, object: NodeId, key: Name) -> Option<Cow<'d, str>> {
        let node = self.doc.get(object, key).filter(|node| self.tape.kind(*node) == NodeKind::String)?;
        Some(self.tape.value_head(node))
    }

    fn is_observation(&self, frame: &Frame) -> bool {
        frame.resource.is_some_and(|facts| facts.kind == self.table.words.observation)
            && self.doc.get(frame.object, self.table.words.resource_type).is_some()
    }

    /// The words of a CodeableConcept.
    fn concept(&self, object: NodeId, key: Name) -> Option<Cow<'d, str>> {
        let words = &self.table.words;
        let concept = self.doc.get(object, key)?;
        self.label(concept, words.text).or_else(|| {
            let codings = self.doc.get(concept, words.coding)?;
            self.tape
                .children(codings)
                .take(MEMBERS_LOOKED_AT_MAX)
                .find_map(|coding| self.label(coding, words.display))
        })
    }

    /// The key of a value or of the array that holds it.
    pub(super) fn key_of(&self, id: NodeId) -> Cow<'d, str> {
        let mut at = Some(id);
        while let Some(node) = at {
            if let Some(key) = self.tape.key_head(node) {
                return key;
            }
            at = self.tape.parent(node);
        }
        Cow::Borrowed("")
    }
}

fn says_nothing(key: &str) -> bool {
    matches!(
        key,
        "text" | "display" | "div" | "data" | "title" | "extension" | "answer" | "coding" | "resource"
    ) || key.starts_with("value")
}

pub(super) fn last_segment(url: Cow<'_, str>) -> Cow<'_, str> {
    let end = |url: &str| url.rfind(['/', '#']).map_or(0, |at| at + 1);
    match url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(end(url)..).unwrap_or_default()),
        Cow::Owned(mut url) => {
            url.drain(..end(&url));
            Cow::Owned(url)
        }
    }
}

/// How many levels up a label is looked for.
const FRAMES_MAX: usize = 6;
