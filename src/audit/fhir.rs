//! An event as a FHIR R4 AuditEvent (<https://hl7.org/fhir/R4/auditevent.html>).

use serde_json::{Value, json};

/// The resource of one line of the log.
#[must_use]
pub fn audit_event(line: &Value) -> Value {
    let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
    let (action, object) = (text("action"), text("object"));
    let allowed = text("decision") == "allowed";
    let mut agent = json!({"who": {"display": text("principal")}, "requestor": true});
    if !text("role").is_empty() {
        agent["role"] = json!([{"text": text("role")}]);
    }
    let mut resource = json!({
        "resourceType": "AuditEvent",
        "id": format!("phigate-{}", line.get("seq").and_then(Value::as_u64).unwrap_or(0)),
        "type": {"system": DICOM, "code": kind(action).0, "display": kind(action).1},
        "subtype": [{"system": ACTIONS, "code": action}],
        "action": letter(action),
        "recorded": text("time"),
        // 0: success, 4: minor failure (http://hl7.org/fhir/R4/valueset-audit-event-outcome.html).
        "outcome": if allowed { "0" } else { "4" },
        "agent": [agent],
        "source": {"observer": {"display": "phigate"}},
    });
    if !text("reason").is_empty() {
        resource["outcomeDesc"] = json!(text("reason"));
    }
    let mut details = Vec::new();
    for key in ["environment", "view", "rule_set", "request_id", "hash"] {
        if !text(key).is_empty() {
            details.push(json!({"type": key, "valueString": text(key)}));
        }
    }
    let mut entity = json!({"detail": details});
    if !object.is_empty() {
        entity["what"] = json!({"identifier": {"value": object}});
    }
    resource["entity"] = json!([entity]);
    resource
}

/// The DICOM event id (PS3.16, context group 400).
fn kind(action: &str) -> (&'static str, &'static str) {
    match action {
        a if a.starts_with("view") || a == "reveal" => ("110103", "DICOM Instances Accessed"),
        a if a.starts_with("search") => ("110112", "Query"),
        a if a.starts_with("export") => ("110106", "Export"),
        a if a.starts_with("fingerprints_export") => ("110106", "Export"),
        a if a.starts_with("fingerprints_import") => ("110107", "Import"),
        a if a.starts_with("refused") => ("110113", "Security Alert"),
        a if a.starts_with("audit") => ("110101", "Audit Log Used"),
        _ => ("110129", "Security Configuration"),
    }
}

/// Create, read, update, delete, execute.
fn letter(action: &str) -> &'static str {
    match action {
        a if a.starts_with("create") || a.starts_with("add") || a.ends_with("propose") => "C",
        a if a.starts_with("view") || a.starts_with("export") || a == "reveal" => "R",
        a if a.starts_with("set") || a.starts_with("rotate") || a.ends_with("approve") => "U",
        a if a.starts_with("revoke") || a.starts_with("remove") || a.ends_with("remove") => "D",
        _ => "E",
    }
}

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ACTIONS: &str = "urn:phigate:audit:action";
