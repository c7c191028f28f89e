//! Connections to one endpoint that messages share: which takes a message, and who waits for one that is being opened.
//!
//! - Messages on a connection: as many at a time as its upstream takes, and as windows have room for. Where all have as many, another is opened: inside of a
//!   connection a message would wait for the end of one that may last for hours.
//! - Of those with a place the newest is taken: so older ones fall idle, and are closed after `pool_idle_timeout_ms`.
//! - While one is opened, as many messages wait for it as will have a place: a burst opens no connection each.

use super::ForwardError;
use super::connect::Connection;
use super::endpoint::Endpoint;
use crate::counted::Counted;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// One thread's, to one endpoint.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Oldest first.
    connections: Vec<Connection>,
    openings: Vec<Rc<Opening>>,
    /// Messages that the connection opened last takes at a time: one where it speaks HTTP/1.1. `None` before the first.
    messages_max: Option<usize>,
}

impl Sharing {
    /// A place on one of them that is open and still leads to `endpoint`.
    pub(super) fn place(&mut self, endpoint: &Endpoint) -> Option<Box<Connection>> {
        // Messages that are on the others end there.
        self.connections.retain(|c| c.is_open() && endpoint.state.leads_to(c.address()));
        self.connections.iter().rev().find_map(|connection| connection.share())
    }

    /// One more, for the message that opened it and for others; gives that one's place.
    pub(super) fn add(&mut self, connection: Box<Connection>) -> Option<Box<Connection>> {
        self.messages_max = Some(connection.messages_max());
        if !connection.is_shared() {
            return Some(connection);
        }
        let place = connection.share();
        self.connections.push(*connection);
        place
    }

    /// One that is being opened and will have a place left.
    pub(super) fn opening(&mut self) -> Option<Rc<Opening>> {
        self.openings.retain(|opening| opening.outcome.borrow().is_none());
        let max = self.messages_max.unwrap_or(usize::MAX);
        let has_place = |opening: &&Rc<Opening>| opening.waiting.get() as usize + 1 < max;
        self.openings.iter().find(has_place).cloned()
    }

    /// Says that one is being opened, until that is dropped.
    pub(super) fn begin(&mut self) -> Opener {
        let opening = Rc::<Opening>::default();
        self.openings.push(Rc::clone(&opening));
        Opener(opening)
    }

    /// Only those that lead where they may.
    pub(super) fn keep(&mut self, may: impl Fn(SocketAddr) -> bool) {
        self.connections.retain(|connection| may(connection.address()));
    }

    /// Closes those that were idle for so long; gives whether any is left.
    pub(super) fn sweep(&mut self, idle_timeout: Duration) -> bool {
        let is_due = |since: Instant| since.elapsed() >= idle_timeout;
        self.connections.retain(|c| c.is_open() && !c.idle_since().is_some_and(is_due));
        !self.connections.is_empty()
    }
}

/// A connection that is being opened.
#[derive(Debug, Default)]
pub(super) struct Opening {
    done: Notify,
    waiting: Rc<Cell<u32>>,
    /// How it went; `None` before that.
    outcome: RefCell<Option<Result<(), ForwardError>>>,
}

impl Opening {
    /// Waits for its end.
    ///
    /// # Errors
    /// Why there is none: whoever waited had as much patience as who opened it.
    pub(super) async fn wait(&self) -> Result<(), ForwardError> {
        let _counted = Counted::one_more(&self.waiting);
        // Told from when it is made on, not only from when it is asked.
        self.done.notified().await;
        self.outcome.borrow().clone().unwrap_or(Ok(()))
    }
}

/// Whoever opens it. Dropped before it said how that went, it was given up: another one may begin.
pub(super) struct Opener(Rc<Opening>);

impl Opener {
    /// It is there, or it failed.
    pub(super) fn ended(self, how: Result<(), ForwardError>) {
        self.0.outcome.replace(Some(how));
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.outcome.borrow_mut().get_or_insert(Ok(()));
        self.0.done.notify_waiters();
    }
}
