//! What SOAP, GraphQL and gRPC callers are told, of requests and of replies: each in its own words, never a value.

use crate::http2::{CLEARTEXT, plain, send};
use crate::support::{Gate, Http, PATIENT, read_http};
use bytes::Bytes;
use http_body_util::Full;
use std::io::Write;

const V11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";
const PERSON: &str = "<Patient xmlns=\"http://hl7.org/fhir\"><identifier><type><coding><code value=\"MR\"/></coding></type><value value=\"E08738432\"/></identifier><name><family value=\"Okafor\"/><given value=\"Darnell\"/></name><birthDate value=\"1962-06-22\"/></Patient>";

fn envelope(namespace: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<s:Envelope xmlns:s=\"{namespace}\"><s:Body>{inner}</s:Body></s:Envelope>"
    )
}

/// The whole answer as text, once it told no value.
fn told(reply: &Http) -> String {
    let text = format!("{:?}{}", reply.headers, String::from_utf8_lossy(&reply.body));
    silent(&text);
    text
}

fn silent(text: &str) {
    for value in ["Okafor", "Darnell", "1962", "E08738432"] {
        assert!(!text.contains(value), "the refusal tells {value}: {text}");
    }
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_soap_caller_gets_a_fault_of_its_version() {
    let gate = Gate::start();
    let v11 = [("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", "\"urn:up:take\"")];
    let v12 = [("Content-Type", "application/soap+xml; charset=utf-8")];
    let reply = gate.send(1, "POST", "/in", &v11, envelope(V11, PERSON).as_bytes());
    assert_eq!((reply.status(), reply.header("phigate-reason")), (500, "likely_phi"));
    assert_eq!(reply.header("content-type"), "text/xml; charset=utf-8");
    let record = reply.header("phigate-record").to_owned();
    holds(
        &told(&reply),
        &[
            V11,
            "<faultcode>soap:Client</faultcode>",
            &record,
            "rule=\"fhir-r4.patient-mrn\"",
            "kind=\"birth-date\"",
            "Remove the",
        ],
    );
    let reply = gate.send(1, "POST", "/in", &v12, envelope(V12, PERSON).as_bytes());
    assert_eq!((reply.status(), reply.header("phigate-reason")), (400, "likely_phi"));
    assert_eq!(reply.header("content-type"), "application/soap+xml; charset=utf-8");
    holds(
        &told(&reply),
        &[V12, "<env:Value>env:Sender</env:Value>", "r:likely_phi", "place=\"", "birthDate"],
    );
    // By the envelope alone.
    let reply =
        gate.send(1, "POST", "/in", &[("Content-Type", "application/xml")], envelope(V11, PERSON).as_bytes());
    assert_eq!(reply.status(), 500);
    assert!(gate.upstreams[1].take().is_empty());
    // A reply that is withheld, to a request that was fine.
    let body = envelope(V11, PERSON);
    gate.upstreams[1].answer(
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .as_bytes(),
    );
    for (headers, namespace, code) in [(&v11[..], V11, "soap:Server"), (&v12[..], V12, "env:Receiver")] {
        let reply =
            gate.send(1, "POST", "/in", headers, envelope(namespace, "<ask xmlns=\"urn:x\"/>").as_bytes());
        assert_eq!((reply.status(), reply.header("phigate-reason")), (500, "likely_phi"));
        holds(&told(&reply), &[namespace, code, "its reply was withheld"]);
    }
    // What isn't the message's matter has the status by which clients sign in.
    let mut stream = gate.connect(1);
    write!(
        stream,
        "POST /in HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\nContent-Length: 4\r\n\r\n<a/>"
    )
    .expect("writes");
    let reply = read_http(&mut stream, false).expect("an answer");
    assert_eq!((reply.status(), reply.header("www-authenticate")), (401, "Phigate-Key"));
    holds(&told(&reply), &["env:Sender", "r:credential_missing"]);
    gate.running().flush_records();
    let line = "phigate_refusals_total{environment=\"staging\",reason=\"likely_phi\"}";
    assert_eq!(gate.metric(line), 5);
}

#[test]
fn a_graphql_caller_gets_errors() {
    let gate = Gate::start();
    let asks = |family: &str, given: &str, born: &str| {
        let query = format!(
            "{{ PatientList(family: \"{family}\", given: \"{given}\", birthdate: \"{born}\") {{ id }} }}"
        );
        serde_json::json!({ "query": query }).to_string()
    };
    let body = asks("Okafor", "Darnell", "1962-06-22");
    let response = "application/graphql-response+json";
    for (accept, media) in [("application/json", "application/json"), (response, response)] {
        let headers = [("Content-Type", "application/json"), ("Accept", accept)];
        let reply = gate.send(1, "POST", "/v1", &headers, body.as_bytes());
        assert_eq!((reply.status(), reply.header("phigate-reason")), (422, "likely_phi"));
        assert_eq!(reply.header("content-type"), format!("{media}; charset=utf-8"));
        told(&reply);
        let answer = reply.json();
        assert!(answer.get("data").is_none());
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "likely_phi");
        assert_eq!(extensions["record"], reply.header("phigate-record"));
        let finding = &extensions["findings"][0];
        assert!(["rule", "place", "kind", "fix"].iter().all(|part| finding[part].is_string()), "{finding}");
    }
    assert!(gate.upstreams[1].take().is_empty());
    gate.upstreams[1].answer(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{PATIENT}",
            PATIENT.len()
        )
        .as_bytes(),
    );
    let reply = gate.send(
        1,
        "POST",
        "/v1",
        &[("Content-Type", "application/json")],
        b"{\"query\":\"{ me { id } }\"}",
    );
    assert_eq!(reply.status(), 502);
    holds(&told(&reply), &["\"errors\"", "its reply was withheld"]);
    // In production nobody has read the body: the path says it.
    let mut stream = gate.connect(2);
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .expect("writes");
    let reply = read_http(&mut stream, false).expect("an answer");
    assert_eq!(
        (reply.status(), &reply.json()["errors"][0]["extensions"]["code"]),
        (401, &"credential_missing".into())
    );
}

#[test]
fn a_caller_of_grpc_gets_a_status_in_the_head_and_no_body() {
    let ask = |gate: &Gate, headers: &[(&str, &str)]| {
        let address = gate.running().address("h2").expect("listens");
        let call = http::Request::post(format!("http://{address}/made.Up/Call"));
        let call = headers.iter().fold(call, |call, (name, value)| call.header(*name, *value));
        let body = Full::new(Bytes::from_static(b"\0\0\0\0\x02hi"));
        let answer = send(plain(address), vec![call.body(body).expect("a request")]).pop().expect("one");
        let answer = answer.expect("an answer");
        assert!(answer.is_head_alone && answer.trailers.is_none(), "the head is all there is");
        assert_eq!(answer.head.status, 200);
        silent(&format!("{:?}", answer.head.headers));
        let text =
            |name: &str| answer.head.headers.get(name).map_or("", |v| v.to_str().expect("ASCII")).to_owned();
        ["grpc-status", "phigate-reason", "content-type", "grpc-message", "phigate-record"].map(text)
    };
    let who = ("x-who", "Patient: Darnell Okafor, DOB 06/22/1962");
    let grpc = ("content-type", "application/grpc");
    // Nobody may send it unread.
    let gate = Gate::also(CLEARTEXT);
    let key = ("phigate-key", &*gate.keys[1]);
    let [code, reason, media, message, record] = ask(&gate, &[key, grpc]);
    assert_eq!([&*code, &*reason, &*media], ["3", "uninspected", "application/grpc"]);
    holds(&message, &["uninspected.opaque_type at body (uninspected, ", &record]);
    let [code, reason, ..] = ask(&gate, &[grpc]);
    assert_eq!([&*code, &*reason], ["16", "credential_missing"]);
    let [code, _, media, ..] = ask(&gate, &[key, ("content-type", "application/grpc-web-text")]);
    assert_eq!([&*code, &*media], ["3", "application/grpc-web-text+proto"]);
    assert!(gate.upstreams[1].take().is_empty());
    // Where its connection takes it unread, its head is judged.
    let gate = Gate::with_all("", "", "opaque = [\"application/grpc\"]", "", CLEARTEXT);
    let key = ("phigate-key", &*gate.keys[1]);
    let [code, reason, _, message, _] = ask(&gate, &[key, grpc, who]);
    assert_eq!([&*code, &*reason], ["3", "likely_phi"]);
    holds(&message, &["text.birth-date at header *: value (birth-date", " points)", "Remove the"]);
    assert!(gate.upstreams[1].take().is_empty());
    // A reply that is withheld.
    gate.upstreams[1].answer(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nX-Who: {}\r\nContent-Length: 0\r\n\r\n",
            who.1
        )
        .as_bytes(),
    );
    let [code, reason, _, message, _] = ask(&gate, &[key, grpc]);
    assert_eq!([&*code, &*reason], ["9", "likely_phi"]);
    holds(&message, &["its reply was withheld"]);
    assert_eq!(gate.upstreams[1].take().len(), 1);
}
