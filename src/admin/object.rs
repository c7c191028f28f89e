//! Bodies are JSON objects. An array that a library would take by position, its first element as the first field, is none:
//! `["zed", "admin"]` names nothing that it asks for.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// What an object says.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields(PhantomData))
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = Object<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, fields: M) -> Result<Object<T>, M::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        name: String,
        role: Option<String>,
    }

    #[test]
    fn an_object_is_taken_and_an_array_is_not() {
        let of = |json: &str| serde_json::from_str::<Object<Pair>>(json).ok().map(|object| object.0);
        let pair = |role: Option<&str>| Some(Pair { name: "zed".into(), role: role.map(str::to_owned) });
        assert_eq!(of(r#"{"name": "zed"}"#), pair(None));
        assert_eq!(of(r#"{"role": "admin", "name": "zed"}"#), pair(Some("admin")));
        for wrong in [r#"["zed", "admin"]"#, "[]", "\"zed\"", "null", r#"{"name": "zed", "more": 1}"#] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(of(r#"{"name": "zed", "name": "bob"}"#), None, "twice");
    }
}
