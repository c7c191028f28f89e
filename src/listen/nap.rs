//! A connection of HTTP/1.1 isn't woken where there is nothing for it to do.

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use std::cell::Cell;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

/// A waker between hyper's connection and its task. hyper wakes a connection for each piece that is taken of a body, so that
/// it reads the next. Behind the last piece of a body whose length is declared there is none: hyper's connection let go of
/// the body when it handed that piece over, or only waits for the next head, and being woken has nothing to do.
///
/// Only what wakes the connection while its body is polled, on the same thread, is kept back: that is hyper's body alone.
/// Whatever else wakes it (its socket, the next message, another thread) does so outside of that.
#[derive(Debug, Default)]
pub(crate) struct Nap {
    task: OnceLock<Waker>,
}

thread_local! {
    /// The nap whose body is polled on this thread, by its address, and whether its connection was to be woken meanwhile.
    static NAPPING: Cell<(usize, bool)> = const { Cell::new((0, false)) };
}

impl Nap {
    /// Whose it is. A task has one waker as long as it lives.
    pub(crate) fn is_of(&self, task: &Waker) {
        let known = self.task.get_or_init(|| task.clone());
        debug_assert!(known.will_wake(task), "a task has one waker");
    }

    /// Polls the body of a connection with this nap, and wakes the connection only where there may be more of the body.
    pub(crate) fn poll_body(
        nap: Option<&Self>,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(nap) = nap else { return Pin::new(body).poll_frame(cx) };
        nap.during(|| {
            let frame = Pin::new(&mut *body).poll_frame(cx);
            (frame, !body.is_end_stream())
        })
    }

    /// Wakes the task behind `poll` if it was to be woken meanwhile, and `poll` says that it has something to do.
    fn during<T>(&self, poll: impl FnOnce() -> (T, bool)) -> T {
        let before = NAPPING.replace((self.address(), false));
        let (polled, wakes) = poll();
        let (_, was_woken) = NAPPING.replace(before);
        if was_woken && wakes {
            self.wake_task();
        }
        polled
    }

    fn wake_task(&self) {
        if let Some(task) = self.task.get() {
            task.wake_by_ref();
        }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Wake for Nap {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (napping, _) = NAPPING.get();
        if napping == self.address() {
            NAPPING.set((napping, true));
        } else {
            self.wake_task();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn nap() -> (Arc<Nap>, Waker, Arc<Wakes>) {
        let (nap, wakes) = (Arc::new(Nap::default()), Arc::new(Wakes::default()));
        nap.is_of(&Waker::from(Arc::clone(&wakes)));
        (Arc::clone(&nap), Waker::from(nap), wakes)
    }

    #[test]
    fn only_what_wakes_during_it_and_to_no_use_is_kept_back() {
        let (nap, waker, wakes) = nap();
        let count = || wakes.0.load(Relaxed);
        let woken = |has_more| {
            let before = count();
            nap.during(|| {
                waker.wake_by_ref();
                waker.wake_by_ref();
                assert_eq!(count(), before, "not yet");
                ((), has_more)
            });
            count() - before
        };
        assert_eq!((woken(true), woken(false)), (1, 0));
        nap.during(|| ((), true));
        assert_eq!(count(), 1, "nobody woke it, nor is a wake kept from before");
        waker.wake_by_ref();
        assert_eq!(count(), 2, "outside at once");
    }

    #[test]
    fn other_connections_and_other_threads_wake_at_once() {
        let ((nap, waker, wakes), (_other, other_waker, other_wakes)) = (nap(), nap());
        nap.during(|| {
            other_waker.wake_by_ref();
            assert_eq!(other_wakes.0.load(Relaxed), 1, "another connection");
            std::thread::scope(|scope| scope.spawn(|| waker.wake_by_ref()).join()).expect("wakes");
            assert_eq!(wakes.0.load(Relaxed), 1, "another thread");
            ((), false)
        });
    }
}
