//! Who belongs, to what, and what that lets them do: through the admin API, with a real store behind it.

use crate::support::{FHIR, Gate, Http, PATIENT, ask};
use serde_json::{Value, json};

fn call(gate: &Gate, call: (&str, &str), token: &str, headers: &[(&str, &str)], body: &Value) -> Http {
    ask(gate.running().admin_address(), call, token, headers, &body.to_string())
}

/// Gives a role with whatever version the member has.
fn assign(gate: &Gate, by: &str, member: &str, environment: &str, role: &str) -> Http {
    let path = format!("/v1/members/{member}/environments/{environment}");
    call(gate, ("PUT", &path), by, &[("If-Match", "*")], &json!({"role": role}))
}

fn environments(gate: &Gate, token: &str) -> Vec<String> {
    let answer = gate.admin("/v1/environments", token).json();
    let list = answer["environments"].as_array().expect("a list");
    list.iter().map(|e| e["id"].as_str().expect("id").to_owned()).collect()
}

fn sent(gate: &Gate, environment: usize) -> String {
    let reply = gate.send(environment, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
    gate.running().flush_records();
    reply.header("phigate-record").to_owned()
}

#[test]
fn an_owner_without_a_role_sees_an_empty_list_and_403() {
    let gate = Gate::start();
    let id = sent(&gate, 2);
    let (_, owner) = gate.member("olga", "owner");
    assert_eq!(environments(&gate, &owner), Vec::<String>::new());
    for path in [
        "/v1/records",
        "/v1/records/export",
        "/v1/records/counts",
        "/v1/records/tail",
        "/v1/audit",
        &format!("/v1/records/{id}"),
    ] {
        assert_eq!(gate.admin(path, &owner).status(), 403, "{path}");
    }
    assert!(gate.audit().contains("\"refused_access\""));
}

#[test]
fn a_role_holds_from_the_next_request_and_the_answer_lists_what_it_gives() {
    let gate = Gate::start();
    let id = sent(&gate, 2);
    let (_, owner) = gate.member("olga", "owner");
    let (ann, token) = gate.member("ann", "member");
    let show = || gate.admin(&format!("/v1/records/{id}"), &token);
    assert_eq!(show().status(), 403);
    let dry = call(
        &gate,
        ("PUT", &format!("/v1/members/{ann}/environments/production?dry_run=true")),
        &owner,
        &[],
        &json!({"role": "support"}),
    );
    assert_eq!((dry.status(), dry.json()["dry_run"].as_bool()), (200, Some(true)));
    assert_eq!(show().status(), 403, "a dry run changes nothing");
    for query in ["dryRun=true", "dry-run=true", "dry_run=true&x=1", "%64ry_run=true&dryrun=true"] {
        let path = format!("/v1/members/{ann}/environments/production?{query}");
        let answer = call(&gate, ("PUT", &path), &owner, &[("If-Match", "*")], &json!({"role": "support"}));
        assert_eq!((answer.status(), answer.json()["title"].as_str()), (400, Some("bad_query")), "{query}");
        let path = format!("/v1/members/{ann}?{query}");
        assert_eq!(call(&gate, ("DELETE", &path), &owner, &[("If-Match", "*")], &Value::Null).status(), 400);
    }
    assert_eq!(show().status(), 403, "what isn't known isn't done without it");
    let gone = call(&gate, ("DELETE", &format!("/v1/members/{ann}?dry_run=true")), &owner, &[], &Value::Null);
    assert_eq!((gone.status(), gone.json()["member"]["name"].as_str()), (200, Some("ann")));
    assert_eq!(gate.admin(&format!("/v1/members/{ann}"), &owner).status(), 200, "still there");
    for path in ["/v1/environments?x=1", "/v1/me?x", "/v1/records/tail?x=1", "/v1/assets?environmant=staging"]
    {
        assert_eq!(gate.admin(path, &owner).status(), 400, "{path}");
    }
    let viewer = assign(&gate, &owner, &ann, "production", "viewer");
    assert_eq!(viewer.status(), 200);
    assert_eq!(show().json()["withheld"], true);
    assert_eq!(environments(&gate, &token), ["production"]);
    let raised = assign(&gate, &owner, &ann, "production", "support").json();
    let gained: Vec<&str> =
        raised["change"]["gained"].as_array().expect("list").iter().filter_map(Value::as_str).collect();
    assert!(gained.contains(&"values.search") && gained.contains(&"view masked"), "{gained:?}");
    assert_eq!(show().json()["view"], "masked");
    let path = format!("/v1/members/{ann}/environments/production");
    let taken = call(&gate, ("DELETE", &path), &owner, &[("If-Match", "*")], &Value::Null);
    assert!(taken.json()["change"]["lost"].to_string().contains("records.read"));
    assert_eq!(show().status(), 403);
    // Each change is in the audit with what it gave.
    assert!(gate.audit().contains("+values.search"));
}

#[test]
fn nobody_gives_himself_a_role_in_production_and_admins_make_no_admins() {
    let gate = Gate::start();
    let (olga, owner) = gate.member("olga", "owner");
    let (adam, admin) = gate.member("adam", "admin");
    let (ann, member) = gate.member("ann", "member");
    assert_eq!(assign(&gate, &owner, &olga, "production", "viewer").status(), 403);
    assert_eq!(assign(&gate, &admin, &adam, "production", "viewer").status(), 403);
    assert_eq!(assign(&gate, &admin, &adam, "staging", "viewer").status(), 200);
    assert_eq!(assign(&gate, &admin, &ann, "production", "viewer").status(), 200);
    assert_eq!(assign(&gate, &member, &ann, "staging", "engineer").status(), 403);
    assert_eq!(assign(&gate, &owner, &ann, "nowhere", "viewer").status(), 404);
    assert_eq!(assign(&gate, &owner, &ann, "staging", "king").status(), 400);
    let role = |by: &str, id: &str, role: &str| {
        let path = format!("/v1/members/{id}/role");
        call(&gate, ("PUT", &path), by, &[("If-Match", "*")], &json!({"role": role})).status()
    };
    assert_eq!((role(&admin, &ann, "admin"), role(&admin, &olga, "member")), (403, 403));
    assert_eq!(
        (role(&owner, &ann, "admin"), role(&owner, &olga, "member")),
        (200, 409),
        "the last owner stays"
    );
    assert_eq!(
        call(&gate, ("POST", "/v1/members"), &admin, &[], &json!({"name": "eve", "role": "owner"})).status(),
        403
    );
    assert_eq!(call(&gate, ("POST", "/v1/members"), &admin, &[], &json!({"name": "eve"})).status(), 201);
    assert_eq!(call(&gate, ("POST", "/v1/members"), &admin, &[], &json!({"name": "eve"})).status(), 409);
    // What was allowed and came to nothing is in the audit as that.
    let audit = gate.audit();
    let told = |action: &str| -> Vec<String> {
        let events = audit.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let of = events.filter(|event| event["action"] == action);
        of.map(|event| event["decision"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(told("set_organization_role"), ["allowed", "allowed", "failed"]);
    assert_eq!(told("create_member"), ["allowed", "allowed", "failed"]);
    // An admin makes no token of an owner.
    let tokens = |id: &str| {
        call(&gate, ("POST", &format!("/v1/members/{id}/tokens")), &admin, &[], &json!({})).status()
    };
    assert_eq!((tokens(&olga), tokens(&adam)), (403, 201));
}

/// Whoever made a token for somebody else may be who asks with it.
#[test]
fn nobody_gets_a_role_in_production_by_a_token_that_they_made_for_another() {
    let gate = Gate::start();
    let (olga, owner) = gate.member("olga", "owner");
    let (zed, _) = gate.member("zed", "owner");
    let (ann, _) = gate.member("ann", "member");
    let token_of = |member: &str, by: &str| {
        let answer = call(&gate, ("POST", &format!("/v1/members/{member}/tokens")), by, &[], &json!({}));
        assert_eq!(answer.status(), 201, "{answer:?}");
        answer.json()["token"].as_str().expect("a token").to_owned()
    };
    let zeds = token_of(&zed, &owner);
    assert_eq!(assign(&gate, &zeds, &olga, "production", "support").status(), 403);
    assert_eq!(assign(&gate, &zeds, &ann, "production", "support").status(), 200);
    assert_eq!(assign(&gate, &zeds, &olga, "staging", "support").status(), 200);
}

#[test]
fn two_who_change_a_member_at_once_do_not_undo_each_other() {
    let gate = Gate::start();
    let (_, owner) = gate.member("olga", "owner");
    let (ann, _) = gate.member("ann", "member");
    let tag = gate.admin(&format!("/v1/members/{ann}"), &owner).header("etag").to_owned();
    let path = format!("/v1/members/{ann}/environments/staging");
    let put = |headers: &[(&str, &str)]| {
        call(&gate, ("PUT", &path), &owner, headers, &json!({"role": "viewer"})).status()
    };
    assert_eq!(put(&[]), 428);
    assert_eq!((put(&[("If-Match", &tag)]), put(&[("If-Match", &tag)])), (200, 412));
    let gone =
        call(&gate, ("DELETE", &format!("/v1/members/{ann}")), &owner, &[("If-Match", "*")], &Value::Null);
    assert_eq!(gone.status(), 204);
    assert_eq!(gate.admin(&format!("/v1/members/{ann}"), &owner).status(), 404);
}

#[test]
fn unknown_wrong_expired_and_revoked_tokens_get_one_answer_and_a_rotated_one_overlaps() {
    let gate = Gate::start();
    let (ann, token) = gate.member("ann", "member");
    let fresh = call(&gate, ("POST", "/v1/tokens/rotate"), &token, &[], &json!({"overlap_hours": 1})).json();
    let fresh = fresh["token"].as_str().expect("a token").to_owned();
    assert_eq!((gate.admin("/v1/me", &token).status(), gate.admin("/v1/me", &fresh).status()), (200, 200));
    let id = |token: &str| token.split('_').nth(1).expect("an id").to_owned();
    let revoked = call(&gate, ("DELETE", &format!("/v1/tokens/{}", id(&token))), &fresh, &[], &Value::Null);
    assert_eq!(revoked.status(), 204);
    let control = gate.running().control();
    let expired =
        control.create_token("x", &[("staging".into(), "viewer".into())], 0, Some(1)).expect("made").1;
    let wrong =
        fresh.chars().rev().skip(4).collect::<Vec<_>>().into_iter().rev().collect::<String>() + "AAAA";
    let answers: Vec<Http> =
        [token.as_str(), "pht_nobody_nothing", "", &expired, &wrong].map(|t| gate.admin("/v1/me", t)).into();
    for answer in &answers {
        assert_eq!((answer.status(), &answer.body), (401, &answers[0].body));
    }
    let me = gate.admin("/v1/me", &fresh).json();
    assert_eq!(
        (me["member"].as_str(), me["organization_role"].as_str()),
        (Some(ann.as_str()), Some("member"))
    );
}

#[test]
fn what_was_given_for_a_while_does_not_become_more_by_rotation_or_by_a_token_for_oneself() {
    let gate = Gate::start();
    let control = gate.running().control();
    let day = i64::try_from(phigate::clock::unix_ms() / 1000).expect("small") + 86_400;
    let end = phigate::clock::rfc3339(u64::try_from(day).expect("positive") * 1000);
    let of_member = |name: &str, role: &str| {
        let id = gate.member(name, role).0;
        let member = control.member(&id).expect("reads").expect("there");
        (id, control.create_member_token(&member, 0, Some(day)).expect("made").1)
    };
    let (ann, member) = of_member("ann", "member");
    let roles = [("staging".to_owned(), "viewer".to_owned())];
    let reader = control.create_token("reader", &roles, 0, Some(day)).expect("made").1;
    let ask = |path: &str, token: &str, body: Value| {
        let answer = call(&gate, ("POST", path), token, &[], &body);
        assert_eq!(answer.status(), 201, "{path}: {answer:?}");
        answer.json()
    };
    for body in [json!({}), json!({"expires_days": 3650})] {
        assert_eq!(ask("/v1/tokens/rotate", &member, body.clone())["expires"], end);
        assert_eq!(ask("/v1/tokens/rotate", &reader, body.clone())["expires"], end);
        assert_eq!(ask(&format!("/v1/members/{ann}/tokens"), &member, body)["expires"], end);
    }
    // Whoever may make tokens of members decides how long theirs hold.
    let (_, owner) = of_member("olga", "owner");
    assert_eq!(ask(&format!("/v1/members/{ann}/tokens"), &owner, json!({}))["expires"], Value::Null);
    assert_eq!(ask("/v1/tokens/rotate", &owner, json!({}))["expires"], Value::Null);
}

#[test]
fn a_token_that_an_admin_makes_for_another_gives_nothing_in_production() {
    let gate = Gate::start();
    let id = sent(&gate, 2);
    let (_, owner) = gate.member("olga", "owner");
    let (_, admin) = gate.member("adam", "admin");
    let (ann, own) = gate.member("ann", "member");
    for environment in ["production", "staging"] {
        assert_eq!(assign(&gate, &owner, &ann, environment, "support").status(), 200);
    }
    let make = |by: &str, member: &str| {
        let made = call(&gate, ("POST", &format!("/v1/members/{member}/tokens")), by, &[], &json!({}));
        assert_eq!(made.status(), 201, "{made:?}");
        let made = made.json();
        (made["token"].as_str().expect("a token").to_owned(), made["production"].as_bool().expect("said"))
    };
    let sees = |token: &str| {
        (gate.admin(&format!("/v1/records/{id}"), token).status(), environments(&gate, token).join(" "))
    };
    let (by_admin, production) = make(&admin, &ann);
    assert_eq!((sees(&by_admin), production), ((404, "staging".to_owned()), false));
    // Nor what is made with it, whoever asks.
    let rotated = call(&gate, ("POST", "/v1/tokens/rotate"), &by_admin, &[], &json!({})).json();
    for made in [rotated["token"].as_str().expect("a token").to_owned(), make(&by_admin, &ann).0] {
        assert_eq!(sees(&made), (404, "staging".to_owned()));
    }
    // One's own, and an owner's, who is trusted with it.
    for (token, production) in [(own.clone(), true), make(&owner, &ann), make(&own, &ann)] {
        assert_eq!((sees(&token), production), ((200, "production staging".to_owned()), true));
    }
}

#[test]
fn own_roles_of_the_configuration_are_roles() {
    let role = "[[role]]\nname = \"contractor\"\nstaging = { view = \"shape\", may = [\"records.read\"] }\n";
    let gate = Gate::with(role, "");
    let reply = gate.send(1, "POST", "/x", &[("Content-Type", "application/json")], b"{\"gender\":\"male\"}");
    gate.running().flush_records();
    let token = gate.token(&[("staging", "contractor"), ("production", "contractor")]);
    let answer = gate.admin(&format!("/v1/records/{}", reply.header("phigate-record")), &token).json();
    assert_eq!(answer["view"], "shape");
    assert!(!answer["payload"].to_string().contains("male"));
    assert_eq!(gate.admin("/v1/records?environment=production", &token).status(), 403);
}

#[test]
fn a_value_is_found_by_its_token_and_is_nowhere() {
    let gate = Gate::start();
    let id = sent(&gate, 2);
    sent(&gate, 0);
    let support = gate.token(&[("production", "support"), ("development", "support")]);
    let find = |token: &str, body: Value| call(&gate, ("POST", "/v1/records/search"), token, &[], &body);
    let asked =
        json!({"environment": "production", "value": "e-087 38432", "kind": "mrn", "reason": "ticket 4711"});
    let found = find(&support, asked.clone());
    assert_eq!(found.status(), 200);
    let records = found.json()["records"].as_array().expect("list").clone();
    assert_eq!((records.len(), records[0]["id"].as_str()), (1, Some(id.as_str())));
    // Refused messages carry no tokens.
    let lower = find(&support, json!({"environment": "development", "value": "E08738432"}));
    assert_eq!(lower.json()["records"].as_array().map(Vec::len), Some(0));
    // In production a reason is needed, and one that holds no value itself.
    let mut without = asked.clone();
    without["reason"] = Value::Null;
    assert_eq!(find(&support, without).status(), 400);
    let mut telling = asked.clone();
    telling["reason"] = json!("looking for SSN 412-21-3456");
    assert_eq!(find(&support, telling).json()["title"], "reason_holds_phi");
    for telling in ["chart E08738432 again", "chart e-087 38432"] {
        let mut asked = asked.clone();
        asked["reason"] = json!(telling);
        assert_eq!(find(&support, asked).json()["title"], "reason_holds_phi", "{telling}");
    }
    // Whoever may not, leaves no trace of the value; nor does a body that isn't understood.
    let before = gate.audit();
    for role in ["viewer", "engineer", "security", "auditor", "metrics"] {
        assert_eq!(find(&gate.token(&[("production", role)]), asked.clone()).status(), 403, "{role}");
    }
    assert_eq!(find(&support, json!({"environment": "production", "E08738432": 1})).status(), 400);
    assert!(gate.audit().len() > before.len());
    let lower = gate.audit().to_lowercase();
    assert!(lower.contains("search_value") && lower.contains("ticket 4711"));
    for form in ["e08738432", "e-087", "412-21"] {
        assert!(!lower.contains(form), "{form} is in the audit");
    }
}

#[test]
fn searches_by_value_end_at_the_quota_of_production_and_many_are_an_alert() {
    let gate = Gate::with("[search]\nproduction_per_hour = 3\nalert_per_hour = 4\n", "");
    let support = gate.token(&[("production", "support"), ("staging", "support")]);
    let find = |environment: &str, n: usize| {
        let body = json!({"environment": environment, "value": format!("A{n}00"), "reason": "ticket 1"});
        call(&gate, ("POST", "/v1/records/search"), &support, &[], &body).status()
    };
    assert_eq!((0..4).map(|n| find("production", n)).collect::<Vec<_>>(), [200, 200, 200, 429]);
    assert_eq!((0..3).map(|n| find("staging", n)).collect::<Vec<_>>(), [200, 200, 200]);
    let audit = gate.audit();
    assert_eq!(audit.matches("enumeration_alert").count(), 1);
    let used_up: Vec<&str> = audit.lines().filter(|line| line.contains("search_quota_used_up")).collect();
    assert!(used_up.len() == 1 && used_up[0].contains("\"decision\":\"refused\""), "{used_up:?}");
}

#[test]
fn bodies_are_objects_limits_have_bounds_and_a_wrong_parameter_is_named() {
    let gate = Gate::start();
    let (_, owner) = gate.member("olga", "owner");
    let support = gate.token(&[("staging", "support")]);
    for (call_of, body) in [
        (("POST", "/v1/members"), json!(["zed", "admin"])),
        (("POST", "/v1/members"), json!([])),
        (("POST", "/v1/tokens/rotate"), json!([])),
        (("POST", "/v1/tokens/rotate"), json!([1, 1])),
    ] {
        assert_eq!(call(&gate, call_of, &owner, &[], &body).status(), 400, "{call_of:?} {body}");
    }
    assert!(!gate.admin("/v1/members", &owner).json().to_string().contains("zed"));
    assert_eq!(call(&gate, ("POST", "/v1/members"), &owner, &[], &json!({"name": "zed"})).status(), 201);
    for (query, named) in [
        ("records?limit=0", "limit: wanted 1 to 1000."),
        ("records?limit=1001", "limit: wanted 1 to 1000."),
        ("records?limit=many", "limit: wanted a number."),
        ("records/export?limit=0", "limit: wanted 1 to 1000000."),
        ("records?from=made-up", "from: wanted a time: "),
        ("records?to=made-up", "to: wanted a time: "),
        ("records?status=99999", "status: wanted a number"),
        ("audit?limit=0", "limit: wanted 1 to 1000."),
    ] {
        let answer = gate.admin(&format!("/v1/{query}"), &support);
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status() == 400 && detail.starts_with(named), "{query}: {detail}");
        assert!(!detail.contains("made-up") && !detail.contains("99999"), "{detail}");
    }
    for query in ["records?limit=1000", "records?limit=1", "records/export?limit=1000000", "audit?limit=1000"]
    {
        assert_eq!(gate.admin(&format!("/v1/{query}"), &support).status(), 200, "{query}");
    }
    let find = |limit: u64| {
        let body = json!({"environment": "staging", "value": "A100", "limit": limit});
        call(&gate, ("POST", "/v1/records/search"), &support, &[], &body).status()
    };
    assert_eq!((find(0), find(1), find(1000), find(1001)), (400, 200, 200, 400));
    for (path, token) in [("/v1/me", &*owner), ("/v1/records", &support), ("/v1/me", ""), ("/v1/nothing", "")]
    {
        assert_eq!(gate.admin(path, token).header("cache-control"), "no-store", "{path}");
    }
}

#[test]
fn the_description_says_how_to_ask() {
    let described: Value = serde_json::from_str(&phigate::admin::openapi()).expect("JSON");
    assert_eq!(described["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    assert_eq!(described["security"], json!([{"token": []}]));
    for (path, methods) in described["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let answers = &operation["responses"];
            let is_open = operation["security"] == json!([]);
            assert_eq!(is_open, path.starts_with("/v1/sign-in"), "{method} {path}");
            let has = |name: &str| {
                let all = operation["parameters"].as_array().cloned().unwrap_or_default();
                all.iter().any(|p| p["in"] == "header" && p["name"] == name)
            };
            assert_eq!(has("If-Match"), answers["428"].is_object(), "{method} {path}");
            let makes = method == "put" && path.ends_with("{kind}/{name}");
            assert_eq!(has("If-None-Match"), makes, "{method} {path}");
        }
    }
    let limit = |path: &str| {
        let all = described["paths"][path]["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let schema = all.iter().find(|p| p["name"] == "limit").expect("described")["schema"].clone();
        (schema["minimum"].as_u64(), schema["maximum"].as_u64())
    };
    assert_eq!(limit("/v1/audit"), (Some(1), Some(1000)));
    assert_eq!(limit("/v1/records"), (Some(1), Some(1_000_000)));
}

#[test]
fn records_are_counted_exported_followed_and_found_by_trace() {
    let gate = Gate::start();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let reply = gate.send(2, "POST", "/fhir/Patient", &[FHIR, ("traceparent", &parent)], PATIENT.as_bytes());
    for _ in 0..3 {
        sent(&gate, 2);
    }
    gate.running().flush_records();
    let token = gate.token(&[("production", "support")]);
    let found = gate.admin(&format!("/v1/records?trace={trace}"), &token).json();
    let found = found["records"].as_array().expect("list").clone();
    assert_eq!((found.len(), found[0]["id"].as_str()), (1, Some(reply.header("phigate-record"))));
    let counts = gate.admin("/v1/records/counts?environment=production", &token).json();
    let total: u64 =
        counts["counts"].as_array().expect("list").iter().filter_map(|c| c["records"].as_u64()).sum();
    assert_eq!(total, 4);
    let export = gate.admin("/v1/records/export?environment=production", &token);
    let lines: Vec<Value> = String::from_utf8_lossy(&export.body)
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[..4].iter().all(|line| line["view"] == "masked"));
    assert_eq!(lines[4], json!({"export": {"records": 4, "gone": 0, "next": null}}));
    assert!(!String::from_utf8_lossy(&export.body).contains("Okafor"));
    assert!(gate.audit().contains("export_records"));
    let begun = std::time::Instant::now();
    while !gate.audit().contains("\"action\":\"export_ended\"") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "its end is never written down");
    }
    assert!(gate.audit().contains("\"object\":\"4 records\""), "{}", gate.audit());
    let viewer = gate.token(&[("production", "viewer")]);
    assert_eq!(gate.admin("/v1/records/export", &viewer).status(), 403);
}

#[test]
fn an_export_by_command_is_whole_or_says_what_it_lacks() {
    let gate = Gate::start();
    for _ in 0..55 {
        gate.send(2, "POST", "/fhir/Patient", &[FHIR], PATIENT.as_bytes());
    }
    gate.running().flush_records();
    let token = gate.token(&[("production", "support")]);
    let admin = format!("http://{}", gate.running().admin_address());
    let export = |more: &[&str]| {
        let args = [&["records", "export", "--admin", &admin], more].concat();
        let out = crate::binary::phigate_as(&token, &args);
        let lines = String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
        (out.status.code(), lines, String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, all, told) = export(&[]);
    assert_eq!((code, all.len(), &*told), (Some(0), 55, ""));
    assert!(all.iter().all(|line| line.contains("\"record\":{")));
    let (code, some, told) = export(&["--limit", "10"]);
    assert_eq!((code, some.len()), (Some(0), 10));
    let after = told.trim().rsplit(' ').next().expect("where to go on").to_owned();
    assert!(told.contains("Cut by the limit, at 10 records."), "{told}");
    let (code, rest, told) = export(&["--after", &after]);
    assert_eq!((code, [some, rest].concat(), &*told), (Some(0), all, ""));
    assert_eq!(export(&["--after", "nonsense"]).0, Some(1));
    // Of what is damaged the day is told, and all else that is known of a record.
    let day = std::fs::read_dir(gate.folder.path().join("data/records/production")).expect("lists").flatten();
    let day = day.map(|f| f.path()).find(|f| f.extension().is_some_and(|e| e == "db")).expect("a day");
    let database = rusqlite::Connection::open(day).expect("opens");
    database.execute("UPDATE block SET zstd = x'00'", []).expect("spoils it");
    let (code, all, told) = export(&[]);
    assert_eq!((code, all.len()), (Some(0), 55));
    assert!(all.iter().all(|line| line.contains("\"unread\":true") && line.contains("\"payload\":null")));
    assert!(told.starts_with("Records of production ") && told.contains("can't be read"), "{told}");
    // Where the store fails, nothing is left out: the body is broken off.
    database.execute("DROP TABLE block", []).expect("drops it");
    let (code, _, told) = export(&[]);
    assert_eq!(code, Some(2), "{told}");
    assert_eq!(gate.metric("phigate_exports_failed_total "), 1);
}

#[test]
fn a_cursor_that_is_none_is_refused_and_not_taken_for_the_beginning() {
    let gate = Gate::start();
    let id = sent(&gate, 2);
    let token = gate.token(&[("production", "support")]);
    for path in ["/v1/records", "/v1/records/export", "/v1/records/counts"] {
        for after in ["", "next", "1", &*id.to_uppercase()] {
            let answer = gate.admin(&format!("{path}?after={after}"), &token);
            assert_eq!(
                (answer.status(), &answer.json()["title"]),
                (400, &json!("bad_cursor")),
                "{path} {after}"
            );
        }
        assert_eq!(gate.admin(&format!("{path}?after={id}"), &token).status(), 200, "{path}");
    }
    let body =
        json!({"environment": "production", "value": "E08738432", "reason": "ticket 1", "after": "next"});
    assert_eq!(call(&gate, ("POST", "/v1/records/search"), &token, &[], &body).status(), 400);
}

#[test]
fn the_tail_tells_records_as_they_come() {
    use std::io::{BufRead, BufReader, Write};
    let gate = Gate::start();
    let token = gate.token(&[("production", "viewer")]);
    let address = gate.running().admin_address();
    let mut stream = crate::support::connect(address);
    write!(
        stream,
        "GET /v1/records/tail HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .expect("writes");
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.next().expect("a line").expect("reads").contains("200"));
    let id = sent(&gate, 2);
    let event = lines.map(|l| l.expect("reads")).find(|l| l.starts_with("id: ")).expect("an event");
    assert_eq!(event, format!("id: {id}"));
}

#[test]
fn one_member_has_no_more_tails_than_eight() {
    use std::io::{BufRead, BufReader, Write};
    let gate = Gate::start();
    let (_, owner) = gate.member("olga", "owner");
    let (ann, token) = gate.member("ann", "member");
    let (bob, other) = gate.member("bob", "member");
    assign(&gate, &owner, &ann, "production", "viewer");
    assign(&gate, &owner, &bob, "production", "viewer");
    let address = gate.running().admin_address();
    let tail = |token: &str| {
        let mut stream = crate::support::connect(address);
        write!(
            stream,
            "GET /v1/records/tail HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        .expect("writes");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("reads");
        (line.split(' ').nth(1).map(str::to_owned).expect("a status"), reader)
    };
    let mut tails: Vec<_> = (0..8).map(|_| tail(&token)).collect();
    assert!(tails.iter().all(|(status, _)| status == "200"));
    assert_eq!(tail(&token).0, "429");
    assert_eq!(tail(&other).0, "200");
    tails.pop();
    // One that has gone is missed at its next look.
    let again = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        tail(&token).0 == "200"
    });
    assert!(again);
}

#[test]
fn whoever_audits_sees_all_of_the_environment_and_others_their_own() {
    let gate = Gate::start();
    let id = sent(&gate, 2);
    let (_, owner) = gate.member("olga", "owner");
    let (ann, token) = gate.member("ann", "member");
    let (bob, auditor) = gate.member("bob", "member");
    assign(&gate, &owner, &ann, "production", "support");
    assign(&gate, &owner, &bob, "production", "auditor");
    gate.admin(&format!("/v1/records/{id}"), &token);
    let who = |token: &str| -> Vec<String> {
        let list = gate.admin("/v1/audit?limit=1000", token).json();
        let events = list["events"].as_array().expect("list").clone();
        events.iter().map(|e| e["principal"].as_str().expect("who").to_owned()).collect()
    };
    assert!(who(&token).iter().all(|name| name == "ann"));
    let all = who(&auditor);
    assert!(["ann", "bob", "olga"].iter().all(|name| all.iter().any(|n| n == name)), "{all:?}");
}

/// Every route with every role, against the permission that it asks for.
#[test]
fn each_route_answers_each_role_as_the_permission_table_says() {
    let gate = Gate::start();
    let id = sent(&gate, 1);
    let roles = ["viewer", "support", "engineer", "security", "auditor", "metrics", "pipeline"];
    let tokens = roles.map(|role| {
        let (member, token) = gate.member(role, "member");
        for (n, environment) in ["staging", "production"].into_iter().enumerate() {
            let version = i64::try_from(n + 1).expect("small");
            let control = gate.running().control();
            control.set_environment_role(&member, environment, Some(role), version).expect("set");
        }
        (role, token)
    });
    let glass = somebodys_glass(&gate);
    let described: Value = serde_json::from_str(&phigate::admin::openapi()).expect("JSON");
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let Some((_, _, needs)) = ROUTES.iter().find(|(m, p, _)| m == method && p == path) else {
                panic!("{method} {path} is described and stands in no table");
            };
            let target = path
                .replace("/members/{id}", "/members/mb_0")
                .replace("/records/{id}", &format!("/records/{id}"))
                .replace("/tokens/{id}", "/tokens/0")
                .replace("/break-glass/{id}", &format!("/break-glass/{glass}"))
                .replace("{connection}", "to-production")
                .replace("/promotions/{id}", "/promotions/pr_0")
                .replace("/suppressions/{id}", "/suppressions/sp_0")
                .replace("{kind}/{name}", "profile/low")
                .replace("{version}", "1")
                .replace("{environment}", "staging");
            let upper = method.to_uppercase();
            let body = if path.ends_with("/search") {
                json!({"environment": "staging", "value": "A100"})
            } else if path.ends_with("/environments/{environment}") || path.ends_with("/role") {
                json!({"role": "member"})
            } else if path.ends_with("/break-glass") {
                json!({"environment": "production", "records": [id], "reason": "ticket", "ticket": "T-1"})
            } else if path.ends_with("/suppressions") {
                json!({"environment": "staging", "rule": "no.such-rule", "reason": "ticket"})
            } else if path.ends_with("/promotions") {
                json!({"kind": "profile", "name": "low", "from": "staging", "to": "production", "reason": "ticket"})
            } else {
                json!({})
            };
            // People have no token before they signed in.
            let stranger = call(&gate, (&upper, &target), "", &[], &body).status();
            assert_eq!(stranger == 401, *needs != "open", "{method} {path}: {stranger}");
            for (role, token) in &tokens {
                if path.ends_with("/tail") && allowed(needs, role) {
                    continue; // Has no end; asked elsewhere.
                }
                let status = call(&gate, (&upper, &target), token, &[], &body).status();
                // Somebody else's break-glass looks like none.
                let refused = status == 403 || (status == 404 && path.contains("/break-glass/"));
                assert_eq!(!refused, allowed(needs, role), "{role}: {method} {path}: {status}");
                asked += 1;
            }
        }
    }
    assert_eq!(
        described["paths"]
            .as_object()
            .expect("paths")
            .values()
            .map(|m| m.as_object().expect("m").len())
            .sum::<usize>(),
        ROUTES.len()
    );
    assert!(asked > 100);
}

/// Whether a role in an environment is enough.
fn allowed(needs: &str, role: &str) -> bool {
    let roles = phigate::org::Roles::with(Vec::new());
    let role = roles.get(role).expect("a role");
    // Originals are there in production alone.
    let flag = match needs.starts_with("originals") {
        true => phigate::org::Flag::Production,
        false => phigate::org::Flag::Staging,
    };
    let grant = role.grant(flag).clone();
    let may = |word: &str| grant.may.iter().any(|p| p.as_str() == word);
    match needs {
        "" | "open" => true,
        // Managing members is the organization's: no role in an environment gives it.
        "members" | "one's own" => false,
        needs => needs.split('|').any(may),
    }
}

/// A break-glass that none of the walkers opened.
fn somebodys_glass(gate: &Gate) -> String {
    use phigate::store::sealing::{GlassWish, Opening};
    let wish = GlassWish {
        environment: "production".to_owned(),
        member: "mb_0".to_owned(),
        name: "somebody".to_owned(),
        role: "support".to_owned(),
        records: Vec::new(),
        reason: String::new(),
        ticket: String::new(),
        minutes: 1,
        reveals_max: 1,
    };
    match gate.running().control().begin_glass(&wish, 0).expect("writes") {
        Opening::Noted(id) => id,
        Opening::Awaits(id) => panic!("{id} stands in its way"),
    }
}

const ROUTES: [(&str, &str, &str); 47] = [
    ("get", "/v1/sign-in", "open"),
    ("get", "/v1/sign-in/callback", "open"),
    ("post", "/v1/sign-in/confirm", "open"),
    ("post", "/v1/sign-in/token", "open"),
    ("get", "/v1/environments", ""),
    ("get", "/v1/me", ""),
    ("post", "/v1/tokens/rotate", ""),
    ("get", "/v1/members", "members"),
    ("post", "/v1/members", "members"),
    ("get", "/v1/members/{id}", "members"),
    ("delete", "/v1/members/{id}", "members"),
    ("put", "/v1/members/{id}/role", "members"),
    ("put", "/v1/members/{id}/environments/{environment}", "members"),
    ("delete", "/v1/members/{id}/environments/{environment}", "members"),
    ("post", "/v1/members/{id}/tokens", "members"),
    ("delete", "/v1/tokens/{id}", "members"),
    ("get", "/v1/records", "records.read"),
    ("get", "/v1/records/{id}", "records.read"),
    ("get", "/v1/records/counts", "records.read"),
    ("get", "/v1/records/tail", "records.read"),
    ("get", "/v1/records/export", "records.export"),
    ("post", "/v1/records/search", "values.search"),
    ("get", "/v1/audit", "audit.own|audit.read"),
    ("get", "/v1/assets", "assets.write|assets.promote|rules.draft|audit.read"),
    ("get", "/v1/assets/{environment}/{kind}/{name}", "assets.write|assets.promote|rules.draft|audit.read"),
    (
        "get",
        "/v1/assets/{environment}/{kind}/{name}/versions/{version}",
        "assets.write|assets.promote|rules.draft|audit.read",
    ),
    ("put", "/v1/assets/{environment}/{kind}/{name}", "assets.write"),
    ("delete", "/v1/assets/{environment}/{kind}/{name}", "assets.write"),
    ("post", "/v1/assets/{environment}/{kind}/{name}/rollback", "assets.write"),
    ("post", "/v1/promotions", "assets.promote"),
    ("get", "/v1/promotions", "assets.promote|audit.read|rules.enforce"),
    // Of one that isn't there nobody learns more than that.
    ("get", "/v1/promotions/{id}", ""),
    ("delete", "/v1/promotions/{id}", ""),
    ("post", "/v1/promotions/{id}/approve", ""),
    ("get", "/v1/suppressions", "findings.read"),
    ("post", "/v1/suppressions", "findings.triage"),
    ("delete", "/v1/suppressions/{id}", ""),
    ("post", "/v1/suppressions/{id}/approve", ""),
    ("get", "/v1/sealing", "members"),
    ("get", "/v1/sealing/{connection}", "members"),
    ("put", "/v1/sealing/{connection}", "members"),
    ("post", "/v1/break-glass", "originals.reveal"),
    ("get", "/v1/break-glass", "originals.reveal|originals.review"),
    ("get", "/v1/break-glass/{id}", "originals.review"),
    ("delete", "/v1/break-glass/{id}", "originals.review"),
    ("post", "/v1/break-glass/{id}/reveals", "one's own"),
    ("post", "/v1/break-glass/{id}/review", "originals.review"),
];

#[test]
fn the_committed_description_is_that_of_the_handlers() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/config/openapi.json");
    let now = phigate::admin::openapi();
    if std::env::var_os("PHIGATE_BLESS").is_some() {
        std::fs::write(committed, &now).expect("writes");
    }
    let committed = std::fs::read_to_string(committed).expect("config/openapi.json");
    assert!(
        committed == now,
        "config/openapi.json is not what the handlers say: run this test with PHIGATE_BLESS=1"
    );
}

#[test]
fn own_caller_roles_have_ceilings_of_their_own_and_a_key_of_none_isnt_taken() {
    let mut gate =
        Gate::also("[[caller_role]]\nname = \"vendor\"\nstaging = \"masked\"\nproduction = \"refused\"\n");
    let key = |gate: &Gate, environment: &str, role: &str| {
        gate.running().control().create_key(environment, "v", role, 0, None).expect("made").1
    };
    for (n, environment) in ["development", "staging", "production"].into_iter().enumerate() {
        gate.keys[n] = key(&gate, environment, "vendor");
    }
    gate.running.as_mut().expect("runs").refresh_keys_now();
    let reader = gate.token(&[("staging", "support"), ("development", "support")]);
    let ceiling = |n: usize| {
        let id = sent(&gate, n);
        gate.admin(&format!("/v1/records/{id}"), &reader).json()["record"]["ceiling"].clone()
    };
    // The patient is refused there; what passes is stored as the role says.
    let passes = gate.send(1, "GET", "/fhir/metadata", &[], b"");
    gate.running().flush_records();
    let id = passes.header("phigate-record").to_owned();
    let shown = gate.admin(&format!("/v1/records/{id}"), &reader).json();
    assert_eq!(
        (&shown["record"]["ceiling"], &shown["record"]["caller_role"]),
        (&json!("masked"), &json!("vendor"))
    );
    assert_eq!(ceiling(0), "metadata", "nothing is said of development");
    let refused = gate.send(2, "GET", "/fhir/metadata", &[], b"");
    assert_eq!((refused.status(), refused.header("phigate-reason")), (403, "caller_refused"));
    gate.keys[1] = key(&gate, "staging", "doctor");
    gate.running.as_mut().expect("runs").refresh_keys_now();
    assert_eq!(gate.send(1, "GET", "/fhir/metadata", &[], b"").status(), 401);
    let wrong = |section: &str| phigate::config::Config::parse(&format!("{}{section}", gate.config)).is_err();
    assert!(wrong("[[caller_role]]\nname = \"partner\"\n") && wrong("[[caller_role]]\nname = \"nobody\"\n"));
    assert!(wrong("[[caller_role]]\nname = \"x\"\nstaging = \"clear\"\n"));
}
