//! The streams of an HTTP/2 connection: tasks of its thread. One whose caller takes nothing of its reply is reset, however
//! lively the others are: nothing at the socket shows it.

use super::counters::{ListenCounters, count};
use super::guard::ConnectionState;
use std::cell::{Cell, OnceCell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Runs streams on their connection's thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams;

impl<F: Future + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(run(stream, Rc::new(StreamClock::default())));
    }
}

/// Since when a stream's caller has taken nothing of its reply, and how long it may.
#[derive(Debug, Default)]
pub(super) struct StreamClock {
    gave: Cell<Option<Instant>>,
    watch: OnceCell<Watch>,
}

#[derive(Debug)]
struct Watch {
    limit: Duration,
    state: Rc<ConnectionState>,
    counters: Arc<ListenCounters>,
}

impl StreamClock {
    /// The clock of the stream that is at work on this thread.
    pub(super) fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Option::clone)
    }

    /// Has the stream end when its caller takes nothing for so long.
    pub(super) fn limit(&self, limit: Duration, state: &Rc<ConnectionState>, counters: &Arc<ListenCounters>) {
        let watch = Watch { limit, state: Rc::clone(state), counters: Arc::clone(counters) };
        // A stream has one answer.
        let _ = self.watch.set(watch);
    }

    /// The reply gave bytes, which wait for the caller; `None`: it was asked for more.
    pub(super) fn gave(&self, at: Option<Instant>) {
        self.gave.set(at);
    }

    fn due(&self) -> Option<Instant> {
        Some(self.gave.get()? + self.watch.get()?.limit)
    }

    /// Whether the stream is to end. Where all of the connection's are stuck, that ends as a whole.
    fn ends(&self) -> bool {
        let Some(watch) = self.watch.get() else { return false };
        if watch.state.untaken_since().is_some() {
            self.gave.set(Some(Instant::now()));
            return false;
        }
        count(&watch.counters.write_timeouts);
        true
    }
}

async fn run(stream: impl Future, clock: Rc<StreamClock>) {
    let mut stream = pin!(stream);
    let mut timer = pin!(tokio::time::sleep(NEVER));
    poll_fn(|cx| {
        let before = CURRENT.replace(Some(Rc::clone(&clock)));
        let polled = stream.as_mut().poll(cx);
        CURRENT.set(before);
        if polled.is_ready() {
            return Poll::Ready(());
        }
        while let Some(due) = clock.due() {
            // Only ever set earlier, or when it fired.
            if timer.is_elapsed() || timer.deadline() > due.into() {
                timer.as_mut().reset(due.into());
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= due && clock.ends() {
                return Poll::Ready(()); // dropped before its end, it is reset
            }
        }
        Poll::Pending
    })
    .await;
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<StreamClock>>> = const { RefCell::new(None) };
}

/// Far off; tokio's timers go no further.
const NEVER: Duration = Duration::from_secs(365 * 86_400);
