//! CDS Hooks: FHIR resources in an envelope that is none (CDS Hooks 2.0). The envelope has rows of its own in
//! `config/fields/cds-hooks.toml`; its people are those of the resources inside, so a request about one patient is
//! about one person whatever name its resources stand under.

use super::super::json::{NodeId, NodeKind, Tape};

/// Whether a document is a CDS Hooks request (`hook`, `hookInstance`, `context`) or its answer (`cards`).
#[must_use]
pub fn recognise_cds_hooks(tape: &Tape<'_>) -> bool {
    if tape.kind(NodeId::ROOT) != NodeKind::Object {
        return false;
    }
    let is = |key: &str, kind| tape.get(NodeId::ROOT, key).is_some_and(|node| tape.kind(node) == kind);
    let lists = |key: &str, member: &str| {
        let list = tape.get(NodeId::ROOT, key).filter(|list| tape.kind(*list) == NodeKind::Array);
        list.and_then(|list| tape.children(list).next())
            .is_some_and(|first| tape.kind(first) == NodeKind::Object && tape.string(first, member).is_some())
    };
    (is("hook", NodeKind::String) && is("hookInstance", NodeKind::String) && is("context", NodeKind::Object))
        || lists("cards", "summary")
        || lists("systemActions", "type")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Keep, keep_by};
    use super::*;
    use crate::inspect::field::FieldTable;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    const ROWS: &str = include_str!("../../../../config/fields/cds-hooks.toml");

    fn walked(doc: &str) -> Keep {
        assert!(recognise_cds_hooks(&Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap()));
        keep_by(doc, &super::super::tests::field_table().before(FieldTable::parse(ROWS).unwrap()))
    }

    fn rule<'k>(kept: &'k Keep, value: &str) -> &'k str {
        kept.of(value).row.as_ref().map_or("", |row| &row.0)
    }

    #[test]
    fn a_request_about_one_patient_is_about_one_person() {
        let kept = walked(
            r#"{"hook":"order-sign","hookInstance":"d1577c69","fhirServer":"https://ehr.example.org/fhir",
            "fhirAuthorization":{"access_token":"s3cret","patient":"p1","scope":"patient/*.read"},
            "context":{"userId":"Practitioner/x","patientId":"p1","encounterId":"e7","draftOrders":{"resourceType":"Bundle",
              "entry":[{"resource":{"resourceType":"MedicationRequest","note":[{"text":"call Ann"}]}}]}},
            "prefetch":{"who":{"resourceType":"Patient","id":"p1","name":[{"family":"Okafor"}]},
              "free name":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Condition","subject":{"reference":"Patient/p1"}}}]}},
            "extension":{"site":"7 Hill Rd"}}"#,
        );
        let patient = kept.of("Okafor").person;
        for value in ["p1", "e7", "call Ann", "7 Hill Rd"] {
            assert_eq!(kept.of(value).person, patient, "{value}");
        }
        assert_eq!(rule(&kept, "Okafor"), "fhir-r4.patient-family");
        assert_eq!((rule(&kept, "s3cret"), rule(&kept, "e7")), ("cds-hooks.token", "cds-hooks.encounter"));
        assert_eq!(
            (rule(&kept, "Practitioner/x"), kept.of("7 Hill Rd").reads.as_str()),
            ("cds-hooks.user", "Text")
        );
        assert_eq!(kept.of("e7").place, "*.context.encounterId");
        assert!(kept.clinical.contains(&patient));
    }

    #[test]
    fn cards_are_text_and_their_resources_fhir() {
        let kept = walked(
            r#"{"cards":[{"summary":"Ann Okafor is due","indicator":"info","source":{"label":"Lab Co"},
            "suggestions":[{"label":"Call","actions":[{"type":"create","description":"d","resource":{"resourceType":"Patient","birthDate":"1962-06-22"}}]}],
            "links":[{"label":"App","url":"https://x.example/launch?q=1","type":"smart","appContext":"{\"mrn\":\"E08738432\"}"}]}]}"#,
        );
        assert_eq!(
            (rule(&kept, "Ann Okafor is due"), rule(&kept, "Lab Co")),
            ("cds-hooks.card", "cds-hooks.source")
        );
        assert_eq!(rule(&kept, "1962-06-22"), "fhir-r4.patient-birth-date");
        assert_eq!(kept.of("https://x.example/launch?q=1").reads, "Query");
        assert_eq!(rule(&kept, "{\"mrn\":\"E08738432\"}"), "cds-hooks.app-context");
    }

    #[test]
    fn other_documents_are_none() {
        for doc in [r#"{"hook":"x","context":{}}"#, r#"{"cards":["a"]}"#, r#"{"cards":[]}"#, "[]", "7"] {
            assert!(!recognise_cds_hooks(&Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap()), "{doc}");
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
        let theirs = map["format"]["cds-hooks"]["field"].as_array().unwrap();
        let ours = FieldTable::parse(ROWS).unwrap();
        for row in theirs {
            let path = row["path"].as_str().unwrap();
            let word = |key: &str| row[key].as_str().unwrap();
            let found = ours.field.iter().filter(|field| field.row == path).any(|f| {
                f.kind.as_str() == word("kind")
                    && i64::from(f.points.0) == row["weight"].as_integer().unwrap()
                    && format!("{:?}", f.whose).eq_ignore_ascii_case(word("who"))
                    // `-` is no value of its own: what it holds is judged by its own rows
                    && (word("redact") == "-" || format!("{:?}", f.redact).eq_ignore_ascii_case(word("redact")))
            });
            assert!(found, "{path}");
        }
        for field in ours.field.iter().filter(|field| !field.row.starts_with("Beyond the map: ")) {
            assert!(theirs.iter().any(|row| row["path"].as_str() == Some(&field.row)), "{}", field.id);
        }
    }
}
