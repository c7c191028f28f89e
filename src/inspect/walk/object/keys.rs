//! The keys of a document: each is read once, however often it stands there.

use super::Table;
use super::pairs::says_nothing;
use super::table::normal;
use crate::inspect::hash::Map;
use crate::inspect::walk::json::{NodeId, Tape};
use std::borrow::Cow;

/// The keys of a document. Cost: 4 bytes a value, and each different key once.
pub(super) struct Keys {
    /// By node; an element has its array's, and the document none.
    numbers: Vec<u32>,
    /// By number.
    keys: Vec<Key>,
    none: Key,
}

/// A key, and what is asked of it at each value that has it.
#[derive(Default)]
pub(super) struct Key {
    /// In normal form.
    pub(super) name: Box<str>,
    /// Whether the table has it.
    pub(super) is_known: bool,
    /// Whether it doesn't say what its value is.
    pub(super) says_nothing: bool,
}

impl Keys {
    pub(super) fn of(tape: &Tape<'_>, table: &Table) -> Self {
        let mut keys = Vec::new();
        let mut numbers: Vec<u32> = Vec::with_capacity(tape.len());
        let mut known: Map<Cow<'_, str>, u32> = Map::default();
        for id in tape.nodes() {
            let number = match tape.key(id) {
                None => {
                    tape.parent(id).and_then(|array| numbers.get(array.index())).copied().unwrap_or(NO_KEY)
                }
                Some(key) => *known.entry(key).or_insert_with_key(|key| {
                    keys.push(Key::of(key, table));
                    u32::try_from(keys.len() - 1).unwrap_or(NO_KEY)
                }),
            };
            numbers.push(number);
        }
        Self { numbers, keys, none: Key::default() }
    }

    /// The key of a value.
    pub(super) fn get(&self, id: NodeId) -> &Key {
        let number = self.numbers.get(id.index()).copied().unwrap_or(NO_KEY);
        self.keys.get(number as usize).unwrap_or(&self.none)
    }

    /// The same in normal form.
    pub(super) fn name(&self, id: NodeId) -> &str {
        &self.get(id).name
    }
}

impl Key {
    fn of(key: &str, table: &Table) -> Self {
        let name = normal(key).into_boxed_str();
        Self { is_known: table.has(&name), says_nothing: says_nothing(&name), name }
    }
}

/// More than the values of a tape.
const NO_KEY: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::RuleSet;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    #[test]
    fn each_value_has_its_key_and_an_element_its_arrays() {
        let doc = br#"{"Last-Name":"a","value":[["b"],{"last_n\u0061me":1}],"zzz":null,"Last-Name":2}"#;
        let tape = Tape::read(doc, JSON_DEPTH_MAX).unwrap();
        let keys = Keys::of(&tape, &RuleSet::built_in().objects);
        let names: Vec<&str> = tape.nodes().map(|id| keys.name(id)).collect();
        assert_eq!(
            names,
            ["", "lastname", "value", "value", "value", "value", "lastname", "zzz", "lastname"]
        );
        assert_eq!(keys.keys.len(), 4, "as written; a key that stands twice is kept once");
        let told: Vec<_> = keys.keys.iter().map(|key| (key.is_known, key.says_nothing)).collect();
        assert_eq!(told, [(true, false), (true, true), (true, false), (false, false)]);
    }
}
