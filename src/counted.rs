//! How many of something there are: on one thread, or on all of them.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Counted(Count);

#[derive(Debug)]
enum Count {
    Here(Rc<Cell<u32>>),
    Shown(Rc<Shown>),
    Everywhere(Arc<AtomicU32>),
}

impl Counted {
    /// Counts one more on this thread.
    #[must_use]
    pub fn one_more(count: &Rc<Cell<u32>>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(Count::Here(Rc::clone(count)))
    }

    /// Counts one more on this thread, where others may read it.
    #[must_use]
    pub fn one_shown(count: &Rc<Shown>) -> Self {
        count.0.store(count.now().saturating_add(1), Relaxed);
        Self(Count::Shown(Rc::clone(count)))
    }

    /// Counts one more on all threads, up to `max`.
    #[must_use]
    pub fn one_of(count: &Arc<AtomicU32>, max: u32) -> Option<Self> {
        let one_more = |now: u32| (now < max).then(|| now + 1);
        count.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        Some(Self(Count::Everywhere(Arc::clone(count))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        match &self.0 {
            Count::Here(count) => count.set(count.get().saturating_sub(1)),
            Count::Shown(count) => count.0.store(count.now().saturating_sub(1), Relaxed),
            Count::Everywhere(count) => {
                count.fetch_sub(1, Relaxed); // it was counted in
            }
        }
    }
}

/// A count that one thread alone changes, and others may read.
#[derive(Debug, Clone, Default)]
pub struct Shown(Arc<AtomicU32>);

impl Shown {
    /// How many there are.
    #[must_use]
    pub fn now(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// Adds to what only this thread writes: a load and a store.
pub fn add(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}
