//! Sign-in: what ties the browser, the command and the provider's answer together. The whole of it, with a real provider, is
//! tests/sign-in.

use crate::jwt::{Signer, now};
use crate::support::{Gate, Http, Upstream, ask, connect, read_http};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use phigate::config::Config;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;

/// A gateway whose provider answers with a discovery document to everything.
fn start() -> (Gate, Upstream) {
    let provider = Upstream::start();
    let issuer = format!("http://{}", provider.address);
    answer(&provider, &json!({}));
    (Gate::also(&config(&issuer)), provider)
}

/// Has the provider answer everything with its discovery document and `more`.
fn answer(provider: &Upstream, more: &Value) {
    let issuer = format!("http://{}", provider.address);
    let mut document = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/jwks")});
    for (key, value) in more.as_object().expect("an object") {
        document[key] = value.clone();
    }
    for (key, path) in [("authorization_endpoint", "auth"), ("token_endpoint", "token")] {
        document[key] = json!(format!("{issuer}/{path}"));
    }
    let document = document.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        document.len()
    );
    provider.answer((head + &document).as_bytes());
}

/// All of a sign-in of somebody with a name, a subject and groups; gives the answer to the command.
fn sign_in(gate: &Gate, provider: &Upstream, (name, subject): (&str, &str), groups: &[&str]) -> Http {
    let signer = Signer::new("k1");
    let verifier = "v".repeat(43);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let sent = get(gate, &format!("/v1/sign-in?challenge={challenge}&port=2000"), "");
    let location = sent.header("location").to_owned();
    let of = |name: &str| {
        let pairs = location.split(['?', '&']).filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).expect("is there")
    };
    let cookie = sent.header("set-cookie").split(';').next().expect("a pair").to_owned();
    let claims = json!({
        "iss": format!("http://{}", provider.address), "sub": subject, "aud": "phigate", "exp": now() + 300,
        "nonce": of("nonce"), "email": name, "groups": groups,
    });
    answer(provider, &json!({"id_token": signer.sign(&claims), "keys": [signer.public]}));
    let page = get(gate, &format!("/v1/sign-in/callback?state={}&code=c", of("state")), &cookie);
    let page = String::from_utf8(page.body).expect("text");
    let id = page.split("name=\"id\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let form = format!("id={}", id.unwrap_or_else(|| panic!("{page}")));
    let address = gate.running().admin_address();
    let mut stream = connect(address);
    write!(
        stream,
        "POST /v1/sign-in/confirm HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    )
    .expect("writes");
    let back = read_http(&mut stream, false).expect("an answer");
    let code = back.header("location").split("code=").nth(1).expect("a code").to_owned();
    let body = json!({"code": code, "verifier": verifier}).to_string();
    ask(address, ("POST", "/v1/sign-in/token"), "", &[], &body)
}

/// What the audit says behind the first `known` events: action, decision, environment and reason.
fn told(gate: &Gate, known: &mut usize) -> Vec<[String; 4]> {
    let events = phigate::audit::events(&gate.folder.path().join("data/audit")).expect("reads");
    let of = |event: &Value| {
        ["action", "decision", "environment", "reason"]
            .map(|key| event[key].as_str().unwrap_or("").to_owned())
    };
    let told = events.iter().skip(*known).map(of).collect();
    *known = events.len();
    told
}

#[test]
fn somebody_whom_the_provider_has_in_no_group_any_more_keeps_nothing() {
    let (gate, provider) = start();
    let ann = ("ann@acme.example", "u1");
    let mut known = 0;
    told(&gate, &mut known);
    let signed = sign_in(&gate, &provider, ann, &["g"]);
    assert_eq!(signed.status(), 201, "{signed:?}");
    let token = signed.json()["token"].as_str().expect("a token").to_owned();
    let event = |words: [&str; 4]| words.map(str::to_owned);
    let begun = [event(["sign_in", "allowed", "", ""]), event(["set_role", "allowed", "staging", "+viewer"])];
    assert_eq!(told(&gate, &mut known), begun);
    assert_eq!(gate.admin("/v1/me", &token).status(), 200);
    assert_eq!(sign_in(&gate, &provider, ann, &["another"]).status(), 403);
    let ended = [
        event(["sign_in", "refused", "", "no group"]),
        event(["end_sign_in", "allowed", "", "no group: tokens are revoked"]),
        event(["set_role", "allowed", "staging", "-viewer"]),
    ];
    assert_eq!(told(&gate, &mut known), ended);
    assert_eq!(gate.admin("/v1/me", &token).status(), 401);
    let member = gate.running().control().members().expect("reads").pop().expect("there");
    assert!(member.roles.is_empty());
    told(&gate, &mut known);
    assert_eq!(sign_in(&gate, &provider, ann, &[]).status(), 403);
    assert_eq!(told(&gate, &mut known), [event(["sign_in", "refused", "", "no group"])]);
    // Once there is a group again, what was revoked stays so.
    assert_eq!(sign_in(&gate, &provider, ann, &["g"]).status(), 201);
    assert_eq!(gate.admin("/v1/me", &token).status(), 401);
}

#[test]
fn a_sign_in_that_comes_to_nothing_is_written_down_as_that() {
    let (gate, provider) = start();
    gate.member("Ann@acme.example", "member");
    let mut known = 0;
    told(&gate, &mut known);
    let taken = sign_in(&gate, &provider, ("ann@acme.example", "u1"), &["g"]);
    assert_eq!((taken.status(), taken.json()["title"].as_str()), (409, Some("name_taken")));
    let event = |words: [&str; 4]| words.map(str::to_owned);
    assert_eq!(told(&gate, &mut known), [event(["sign_in", "refused", "", "name taken"])]);
    // The control file takes no sign-in.
    let control = rusqlite::Connection::open(gate.folder.path().join("data/control.db")).expect("opens");
    let trigger = "CREATE TRIGGER no BEFORE INSERT ON sign_in BEGIN SELECT raise(ABORT, 'no'); END";
    control.execute_batch(trigger).expect("made");
    assert_eq!(sign_in(&gate, &provider, ("bob@acme.example", "u2"), &["g"]).status(), 500);
    let failed = [
        event(["sign_in", "allowed", "", ""]),
        event(["set_role", "allowed", "staging", "+viewer"]),
        event(["sign_in", "failed", "", ""]),
        event(["set_role", "failed", "staging", "+viewer"]),
    ];
    assert_eq!(told(&gate, &mut known), failed);
}

fn config(issuer: &str) -> String {
    format!(
        "[sign_in]\nissuer = \"{issuer}\"\nclient_id = \"phigate\"\n[[sign_in.group]]\ngroup = \"g\"\nenvironment = \"staging\"\nrole = \"viewer\"\n"
    )
}

fn get(gate: &Gate, path: &str, cookie: &str) -> Http {
    ask(gate.running().admin_address(), ("GET", path), "", &[("Cookie", cookie)], "")
}

fn begin(gate: &Gate) -> Http {
    get(gate, &format!("/v1/sign-in?challenge={}&port=2000", "a".repeat(43)), "")
}

#[test]
fn a_browser_is_sent_to_the_provider_with_what_ties_it_to_the_answer() {
    let (gate, _provider) = start();
    let sent = begin(&gate);
    assert_eq!(sent.status(), 303, "{sent:?}");
    let location = sent.header("location").to_owned();
    let admin = gate.running().admin_address();
    for part in [
        "/auth?response_type=code&client_id=phigate",
        &format!("redirect_uri=http%3A%2F%2F127.0.0.1%3A{}%2Fv1%2Fsign-in%2Fcallback", admin.port()),
        "scope=openid+email+groups",
        "&state=",
        "&nonce=",
        "&code_challenge=",
        "code_challenge_method=S256",
    ] {
        assert!(location.contains(part), "{part}: {location}");
    }
    let cookie = sent.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert_ne!(begin(&gate).header("location"), location, "each attempt has its own");
}

#[test]
fn another_browser_a_second_time_and_a_stranger_get_nothing() {
    let (gate, _provider) = start();
    let state = |sent: &Http| {
        let (_, rest) = sent.header("location").split_once("state=").expect("a state");
        rest.split('&').next().expect("a state").to_owned()
    };
    let cookie = |sent: &Http| sent.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let (mine, other) = (begin(&gate), begin(&gate));
    let back = |state: &str, cookie: &str| {
        let answer = get(&gate, &format!("/v1/sign-in/callback?code=x&state={state}"), cookie);
        (answer.status(), answer.json()["title"].as_str().unwrap_or_default().to_owned())
    };
    let no = (403, "no_sign_in".to_owned());
    assert_eq!(back(&state(&mine), &cookie(&other)), no, "another browser");
    assert_eq!(back(&state(&mine), &cookie(&mine)), no, "and the attempt is over");
    assert_eq!(back("nonsense", &cookie(&other)), no);
    // The provider's answer to the code is no token: nobody.
    assert_eq!(back(&state(&other), &cookie(&other)).0, 503);
    let refused = begin(&gate);
    let answer = get(
        &gate,
        &format!("/v1/sign-in/callback?error=access_denied&state={}", state(&refused)),
        &cookie(&refused),
    );
    assert_eq!((answer.status(), answer.json()["title"].as_str()), (403, Some("refused")));
    // However many fail, ten a minute are written down.
    for _ in 0..20 {
        let sent = begin(&gate);
        let path = format!("/v1/sign-in/callback?error=access_denied&state={}", state(&sent));
        assert_eq!(get(&gate, &path, &cookie(&sent)).status(), 403);
    }
    let written = gate.audit().matches("the provider refused").count();
    assert!((1..=10).contains(&written), "{written}");
    let post = |path: &str, headers: &[(&str, &str)], body: &str| {
        ask(gate.running().admin_address(), ("POST", path), "", headers, body).status()
    };
    assert_eq!(post("/v1/sign-in/token", &[], "{\"code\":\"x\",\"verifier\":\"y\"}"), 403);
    assert_eq!(post("/v1/sign-in/token", &[], "{}"), 400);
    assert_eq!(post("/v1/sign-in/confirm", &[], "{}"), 400);
    for query in
        ["", "?challenge=a&port=2000", "?port=2000", &format!("?challenge={}&port=80", "a".repeat(43))]
    {
        assert_eq!(get(&gate, &format!("/v1/sign-in{query}"), "").status(), 400, "{query}");
    }
}

#[test]
fn a_provider_that_speaks_for_another_is_none() {
    let (gate, provider) = start();
    let document = "{\"issuer\":\"https://other.example\",\"authorization_endpoint\":\"https://other.example/a\",\"token_endpoint\":\"https://other.example/t\",\"jwks_uri\":\"https://other.example/k\"}";
    provider.answer(
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len()).as_bytes(),
    );
    assert_eq!(begin(&gate).status(), 503);
    let plain = Gate::start();
    assert_eq!(begin(&plain).status(), 404, "none is configured");
}

#[test]
fn what_is_wrong_with_the_section_is_told() {
    let gate = Gate::start();
    let told = |section: &str| {
        let text = format!("{}{section}", gate.config);
        Config::parse(&text)
            .expect_err("wrong")
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let good = config("https://idp.example");
    for (from, to, word) in [
        ("https://idp.example", "http://idp.example", "sign_in.issuer"),
        ("role = \"viewer\"", "role = \"doctor\"", "one of viewer"),
        ("environment = \"staging\"", "environment = \"moon\"", "environment"),
        ("role = \"viewer\"", "", "organization"),
        ("client_id = \"phigate\"", "client_id = \"phigate\"\nclient_secret = \"hunter2\"", "client_secret"),
        (
            "client_id = \"phigate\"",
            "client_id = \"phigate\"\nredirect = \"https://a.example/x\"",
            "redirect",
        ),
    ] {
        let problems = told(&good.replace(from, to));
        assert!(problems.contains(word) && !problems.contains("hunter2"), "{to}: {problems}");
    }
    assert!(
        told("[sign_in]\nissuer = \"https://idp.example\"\nclient_id = \"x\"\n").contains("nobody gets in")
    );
}

#[test]
fn nobody_is_sent_to_a_page_that_isnt_there() {
    let gate = Gate::start();
    let admin = format!("http://{}", gate.running().admin_address());
    let out = crate::binary::phigate(&["sign-in", "--admin", &admin]);
    let told = crate::binary::text(&out.stderr);
    assert!(out.status.code() == Some(1) && told.contains("[sign_in]"), "{told}");
    for (admin, why) in
        [("http://127.0.0.1:1", "nobody listens there"), ("https://127.0.0.1:1", "speaks no TLS")]
    {
        let out = crate::binary::phigate(&["sign-in", "--admin", admin]);
        let told = crate::binary::text(&out.stderr);
        assert!(out.status.code() == Some(2) && told.contains(why), "{told}");
        assert!(!told.contains("Open in a browser"), "{told}");
    }
}
