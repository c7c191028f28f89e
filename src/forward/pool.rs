//! The pool: kept-alive connections to upstreams, for one data thread. Last in, first out, so that a pool that has
//! grown shrinks again.

use super::{ForwardError, OutBody, Upstream};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

type Sender = SendRequest<OutBody>;

/// Connections of one thread.
#[derive(Clone, Default)]
pub struct Pool(Rc<RefCell<ByUpstream>>);

/// Idle connections by host and port, the last used one last.
type ByUpstream = HashMap<(String, u16), Vec<Idle>>;

struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    /// Sends a request, and gives the reply with its body still streaming.
    ///
    /// # Errors
    /// [`ForwardError`]: names and limits, nothing of the message.
    pub async fn send(
        &self,
        upstream: &Upstream,
        request: Request<OutBody>,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let ended = || ForwardError::Ended { upstream: upstream.name.clone() };
        let (head, body) = request.into_parts();
        let mut second = if head.method.is_safe() {
            body.again().map(|b| Request::from_parts(head.clone(), b))
        } else {
            None
        };
        let mut request = Request::from_parts(head, body);
        let mut pooled = self.take(upstream).await;
        loop {
            let reused = pooled.is_some();
            let mut sender = match pooled.take() {
                Some(sender) => sender,
                None => connect(upstream).await?,
            };
            let reply = tokio::time::timeout(
                Duration::from_millis(upstream.reply_head_timeout_ms),
                sender.try_send_request(request),
            );
            match reply.await {
                Ok(Ok(reply)) => {
                    let lease =
                        Lease { sender: Some(sender), pool: self.clone(), upstream: upstream.clone() };
                    return Ok(reply.map(|body| UpstreamBody::new(body, lease)));
                }
                Ok(Err(mut error)) => {
                    let unsent = error.take_message();
                    let by_caller = error.error().is_user();
                    request = match (reused, unsent, second.take()) {
                        // Nothing was written: sending it now is sending it once.
                        (true, Some(unsent), _) => unsent,
                        (true, None, Some(second)) => second,
                        _ if by_caller => return Err(ForwardError::BodyCutShort),
                        _ => return Err(ended()),
                    };
                }
                Err(_) => {
                    return Err(ForwardError::HeadTimeout {
                        upstream: upstream.name.clone(),
                        limit_ms: upstream.reply_head_timeout_ms,
                    });
                }
            }
        }
    }

    /// A pooled connection that is alive, as far as can be seen.
    async fn take(&self, upstream: &Upstream) -> Option<Sender> {
        let key = (upstream.host.clone(), upstream.port);
        loop {
            let idle = self.0.borrow_mut().get_mut(&key)?.pop()?;
            let fresh = idle.since.elapsed() < Duration::from_millis(upstream.pool_idle_timeout_ms);
            let mut sender = idle.sender;
            if !fresh || sender.is_closed() {
                continue;
            }
            // The connection's task may still have to see the end of the last reply.
            if sender.is_ready() || matches!(tokio::time::timeout(READY, sender.ready()).await, Ok(Ok(()))) {
                return Some(sender);
            }
        }
    }

    fn put(&self, upstream: &Upstream, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let mut pools = self.0.borrow_mut();
        let idle = pools.entry((upstream.host.clone(), upstream.port)).or_default();
        if idle.len() < upstream.pool_idle_max {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }
}

async fn connect(upstream: &Upstream) -> Result<Sender, ForwardError> {
    let failed =
        || ForwardError::Connect { upstream: upstream.name.clone(), limit_ms: upstream.connect_timeout_ms };
    let connecting = TcpStream::connect((upstream.host.as_str(), upstream.port));
    let stream = tokio::time::timeout(Duration::from_millis(upstream.connect_timeout_ms), connecting)
        .await
        .map_err(|_| failed())?
        .map_err(|_| failed())?;
    // Without it small requests wait for acknowledgements; where it can't be set they do.
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| failed())?;
    tokio::task::spawn_local(async move {
        // Its errors come to whoever sent on it.
        let _ = connection.await;
    });
    Ok(sender)
}

/// A connection that is in use by one reply.
struct Lease {
    sender: Option<Sender>,
    pool: Pool,
    upstream: Upstream,
}

impl Lease {
    fn give_back(&mut self) {
        if let Some(sender) = self.sender.take() {
            self.pool.put(&self.upstream, sender);
        }
    }
}

/// A reply's body. At its end the connection goes back to the pool; cut short, it is dropped.
pub struct UpstreamBody {
    body: Incoming,
    lease: Lease,
}

impl UpstreamBody {
    fn new(body: Incoming, mut lease: Lease) -> Self {
        if body.is_end_stream() {
            lease.give_back();
        }
        Self { body, lease }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        match frame {
            Poll::Ready(Some(Ok(frame))) => {
                if this.body.is_end_stream() {
                    this.lease.give_back();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            // The library's words may quote what it read.
            Poll::Ready(Some(Err(_))) => {
                this.lease.sender = None;
                Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
            }
            Poll::Ready(None) => {
                this.lease.give_back();
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How long a pooled connection may take to be ready for the next message.
const READY: Duration = Duration::from_millis(50);
