//! The refusal of a GraphQL request: `errors` without `data` (GraphQL, October 2021, section 7.1; GraphQL over HTTP,
//! section 6.4). The status says what it does elsewhere, for `application/json`, too: 200 there means that the GraphQL
//! service itself answered.

use super::refusal::{Refusal, findings};
use serde_json::{Value, json};

/// One error; what clients branch on stands in its `extensions`, `code` being the reason's word.
pub(super) fn errors(refusal: &Refusal, record: &str) -> Value {
    let mut extensions = json!({"code": refusal.reason.as_str(), "record": record});
    if let Some(id) = &refusal.register {
        extensions["register"] = json!(id);
    }
    if !refusal.spots.is_empty() {
        extensions["findings"] = findings(refusal);
        extensions["more"] = json!(refusal.more);
    }
    json!({"errors": [{"message": refusal.sentence(), "extensions": extensions}]})
}
