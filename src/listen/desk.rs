//! What answers a message is used again for the next one: its future is large, and making it is moving it.

use super::connection::Calls;
use super::counters::count;
use super::{ReplyBody, Service};
use crate::reason::Reason;
use http::{Request, Response};
use hyper::body::Incoming;
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The desks of one thread. A message has one until it is answered; those that are free wait for any connection's next, so
/// that one without a message has none.
pub(super) struct Desks<S> {
    pub(super) service: Rc<S>,
    free: RefCell<Vec<Desk>>,
}

struct Desk {
    papers: Rc<Papers>,
    /// Answers one message after the other.
    work: Pin<Box<dyn Future<Output = Infallible>>>,
}

/// What lies on a desk: a message, then its answer.
#[derive(Default)]
struct Papers {
    calls: Cell<Option<Rc<Calls>>>,
    asked: Cell<Option<Request<Incoming>>>,
    answered: Cell<Option<Response<ReplyBody>>>,
}

impl<S: Service> Desks<S> {
    pub(super) fn new(service: S) -> Rc<Self> {
        Rc::new(Self { service: Rc::new(service), free: RefCell::default() })
    }

    /// Answers a message of HTTP/1.1.
    pub(super) fn answer(self: &Rc<Self>, calls: &Rc<Calls>, request: Request<Incoming>) -> Answer<S> {
        let free = self.free.borrow_mut().pop();
        let desk = free.unwrap_or_else(|| {
            let papers = Rc::new(Papers::default());
            Desk { work: Box::pin(work(Rc::clone(&self.service), Rc::clone(&papers))), papers }
        });
        desk.papers.asked.set(Some(request));
        desk.papers.calls.set(Some(Rc::clone(calls)));
        Answer { desk: Some(desk), desks: Rc::clone(self) }
    }
}

async fn work<S: Service>(service: Rc<S>, papers: Rc<Papers>) -> Infallible {
    loop {
        let calls = poll_fn(|_| papers.calls.take().map_or(Poll::Pending, Poll::Ready)).await;
        let (refused, end) = calls.begin();
        let response = match (refused, papers.asked.take()) {
            (None, Some(request)) => service.call(calls.inbound(request)).await,
            (refused, _) => {
                count(&calls.thread.counters.heads_refused);
                service.on_refuse(&calls.listener.name, &calls.peer, refused.unwrap_or(Reason::Internal))
            }
        };
        papers.answered.set(Some(calls.answered(response, end)));
    }
}

/// A message at its desk. Dropped before it is answered, it takes the desk with it, and all that is on its way there.
pub(super) struct Answer<S: Service> {
    desk: Option<Desk>,
    desks: Rc<Desks<S>>,
}

impl<S: Service> Drop for Answer<S> {
    /// hyper finds the end of a caller behind its message, and drops the message before anybody looked at it.
    fn drop(&mut self) {
        let Some(Desk { papers, .. }) = &self.desk else { return };
        if let (Some(calls), Some(request)) = (papers.calls.take(), papers.asked.take()) {
            let (refused, end) = calls.begin();
            match refused {
                None => self.desks.service.on_gone(calls.inbound(request)),
                Some(reason) => {
                    count(&calls.thread.counters.heads_refused);
                    drop(self.desks.service.on_refuse(&calls.listener.name, &calls.peer, reason));
                }
            }
            drop(end);
        }
    }
}

impl<S: Service> Future for Answer<S> {
    type Output = Result<Response<ReplyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(desk) = &mut self.desk else { return Poll::Pending };
        let Poll::Pending = desk.work.as_mut().poll(cx);
        let Some(response) = desk.papers.answered.take() else { return Poll::Pending };
        let (desk, mut free) = (self.desk.take(), self.desks.free.borrow_mut());
        if free.len() < FREE_MAX {
            free.extend(desk);
        }
        drop(free);
        Poll::Ready(Ok(response))
    }
}

/// Some kilobytes each.
const FREE_MAX: usize = 64;
