//! What of an OAuth exchange a document is, and what its tokens carry (RFC 6749, 7519, 7662; SMART App Launch 2).

use super::super::json::{NodeId, NodeKind, Tape};

/// What of an OAuth exchange a document is.
pub(super) struct Exchange {
    words: Vec<&'static str>,
}

impl Exchange {
    /// Told by the members at the top of the document.
    pub(super) fn of(tape: &Tape<'_>) -> Self {
        let object = tape.kind(NodeId::ROOT) == NodeKind::Object;
        let has = |key: &str| object && tape.get(NodeId::ROOT, key).is_some();
        let mut words = Vec::new();
        if has("access_token") {
            words.push("token");
        }
        if has("iss") && (has("sub") || has("exp")) {
            words.push("claims");
        }
        if has("active") && (has("scope") || has("client_id") || has("token_type")) {
            words.push("introspection");
        }
        Self { words }
    }

    /// Whether it is one of these.
    pub(super) fn is_any(&self, wanted: &[String]) -> bool {
        wanted.iter().any(|word| self.words.contains(&word.as_str()))
    }
}

/// The payload of a JWS in its compact form: the second of three parts of base64url, the first of which is an object.
pub(super) fn payload(token: &str) -> Option<&str> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let encoded =
        |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='));
    let whole = header.starts_with("eyJ") && !payload.is_empty() && parts.next().is_none();
    (whole && [header, payload, signature].into_iter().all(encoded)).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::decode::Budget;
    use crate::inspect::field::FieldTable;
    use crate::inspect::kind::Kind;
    use crate::inspect::{Findings, Inspector, Message, RuleSet};
    use base64::Engine;

    fn inspect(body: &str) -> Findings {
        Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
            content_type: "application/json",
            body: body.as_bytes(),
            ..Message::default()
        })
    }

    fn token(claims: &str) -> String {
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let token = format!("{}.{}.c2ln", engine.encode(r#"{"alg":"RS256"}"#), engine.encode(claims));
        format!(r#"{{"access_token":"opaque-1","id_token":"{token}","patient":"p1","encounter":"e1"}}"#)
    }

    #[test]
    fn a_patients_claims_count_and_a_practitioners_do_not() {
        let claims = |user: &str, rest: &str| {
            format!(
                r#"{{"iss":"https://ehr","sub":"x","exp":1,"fhirUser":"https://ehr/{user}","name":"Darnell Okafor"{rest}}}"#
            )
        };
        let mail = r#","email":"do@lakeshore.org","phone_number":"312-867-2201""#;
        for (user, rest) in [
            ("Patient/p1", mail),
            ("Practitioner/d7", r#","email":"do@lakeshore.org","birthdate":"1962-06-22""#),
            ("Practitioner/d7", r#","email":"d.o@icloud.com""#),
        ] {
            assert!(inspect(&token(&claims(user, rest))).points().0 >= 90, "{user} {rest}");
        }
        assert!(inspect(&token(&claims("Practitioner/d7", mail))).points().0 < 50);
        assert_eq!(inspect(&claims("Practitioner/d7", mail)).points().0, 5, "an opaque id");
    }

    #[test]
    fn launch_context_is_opaque_and_elsewhere_the_same_keys_are_text() {
        let found = inspect(r#"{"access_token":"opaque-1","patient":"p1","encounter":"e1"}"#);
        assert_eq!(found.points().0, 5);
        assert!(found.findings.iter().all(|f| f.kind == Kind::ResourceId));
        let other = inspect(r#"{"patient":"Patient: Darnell Okafor, DOB 06/22/1962"}"#);
        assert!(other.points().0 >= 90);
    }

    #[test]
    fn what_is_no_jws_is_no_carrier() {
        assert_eq!(payload("eyJhbGciOiJub25lIn0.e30."), Some("e30"));
        for token in ["a.b", "a.b.c", "eyJ0.e30", "eyJ0.e30.c.d", "eyJ0.e 30.c", ""] {
            assert_eq!(payload(token), None, "{token}");
        }
    }

    #[test]
    fn every_row_of_the_field_map_is_carried_out() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/formats/phi-field-map.toml");
        let Ok(map) = std::fs::read_to_string(path) else {
            assert!(std::env::var("CI").is_err(), "the field map is missing");
            println!("skipped: no field map");
            return;
        };
        let map: toml::Value = toml::from_str(&map).unwrap();
        let ours = FieldTable::parse(include_str!("../../../../config/fields/smart-oauth.toml")).unwrap();
        for row in map["format"]["smart-oauth"]["field"].as_array().unwrap() {
            let word = |key: &str| row[key].as_str().unwrap();
            let found = ours.field.iter().filter(|field| field.row == word("path")).any(|f| {
                f.kind.as_str() == word("kind")
                    && i64::from(f.points.0) == row["weight"].as_integer().unwrap()
                    && format!("{:?}", f.whose).eq_ignore_ascii_case(word("who"))
                    && format!("{:?}", f.redact).eq_ignore_ascii_case(word("redact"))
            });
            assert!(found, "{}", word("path"));
        }
    }
}
