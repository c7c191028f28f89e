//! A small receiver that keeps what reached it: FHIR and HL7v2 over HTTP.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What reached it. Made-up payload: kept in memory, never printed.
#[derive(Clone)]
pub(super) struct Got {
    pub(super) target: String,
    pub(super) body: Vec<u8>,
}

/// A running receiver; it ends with the process.
pub(super) struct Upstream {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Upstream {
    pub(super) fn start() -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("an upstream can't start: {}", e.kind());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let got = Arc::new(Mutex::new(Vec::new()));
        let keep = got.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        std::thread::Builder::new()
            .name("demo-upstream".to_owned())
            .spawn(move || runtime.block_on(serve(listener, keep)))
            .map_err(failed)?;
        Ok(Self { address, got })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn count(&self) -> usize {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn since(&self, before: usize) -> Vec<Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).iter().skip(before).cloned().collect()
    }
}

async fn serve(listener: std::net::TcpListener, got: Arc<Mutex<Vec<Got>>>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let got = got.clone();
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let got = got.clone();
            async move { Ok::<_, Infallible>(receive(request, &got).await) }
        });
        tokio::spawn(async move {
            // A sender that goes away is no error here.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn receive(request: http::Request<Incoming>, got: &Mutex<Vec<Got>>) -> http::Response<Full<Bytes>> {
    let target = request.uri().to_string();
    let posted = request.method() == http::Method::POST;
    let body = request.into_body().collect().await.map(|b| b.to_bytes().to_vec()).unwrap_or_default();
    let is_hl7 = body.starts_with(b"MSH");
    got.lock().unwrap_or_else(PoisonError::into_inner).push(Got { target, body });
    let (status, content_type, text) = match (is_hl7, posted) {
        (true, _) => (
            200,
            "x-application/hl7-v2+er7",
            "MSH|^~\\&|DEMO|UPSTREAM|||20260101000000||ACK|1|P|2.5.1\rMSA|AA|1\r",
        ),
        (false, true) => (
            201,
            "application/fhir+json",
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}"#,
        ),
        (false, false) => {
            (200, "application/fhir+json", r#"{"resourceType":"Bundle","type":"searchset","total":0}"#)
        }
    };
    let mut response = http::Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
