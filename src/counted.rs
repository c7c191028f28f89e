//! How many of something there are on one thread.

use std::cell::Cell;
use std::rc::Rc;

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Counted(Rc<Cell<u32>>);

impl Counted {
    /// Counts one more.
    #[must_use]
    pub fn one_more(count: &Rc<Cell<u32>>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(Rc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
