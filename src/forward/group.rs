//! The endpoints of one upstream as one thread sees them: which gets the next message, and whether one is sent again.

use super::{Endpoint, ForwardError, ReplyCounters, Upstream, pool::Shelf};
use crate::counted::{Counted, Shown};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// One thread's view of an upstream.
#[derive(Debug)]
pub(super) struct Group {
    endpoints: Arc<[Endpoint]>,
    shelves: Vec<Rc<RefCell<Shelf>>>,
    counters: Arc<ReplyCounters>,
    under_way: Rc<Shown>,
    budget: RetryBudget,
    dice: Dice,
}

impl Group {
    /// The view of `upstream`, with its counters; connections of `old` are kept where their endpoint is still one.
    pub(super) fn new(upstream: &Upstream, old: Option<&Self>, counters: Arc<ReplyCounters>) -> Self {
        let shelf = |endpoint: &Endpoint| {
            let old = old.into_iter().flat_map(|old| &old.shelves);
            let same = old.filter(|shelf| shelf.borrow().is_for(upstream, endpoint));
            same.last().cloned().unwrap_or_else(|| Rc::new(RefCell::new(Shelf::new(upstream, endpoint))))
        };
        Self {
            endpoints: upstream.endpoints.clone(),
            shelves: upstream.endpoints.iter().map(shelf).collect(),
            under_way: Rc::new(counters.under_way.clone()),
            counters,
            budget: RetryBudget::new(),
            dice: Dice::new(),
        }
    }

    /// Whether it is of this very configuration.
    pub(super) fn is_for(&self, upstream: &Upstream) -> bool {
        Arc::ptr_eq(&self.endpoints, &upstream.endpoints)
    }

    /// Takes a message in, up to `requests_max`.
    pub(super) fn enter(&self, upstream: &Upstream) -> Result<Entered, ForwardError> {
        let everywhere = match upstream.requests_max {
            // Without a limit no thread looks at what the others do.
            0 => None,
            max => Some(
                Counted::one_of(&upstream.in_flight, max)
                    .ok_or_else(|| ForwardError::Busy { upstream: upstream.name.clone() })?,
            ),
        };
        self.budget.earn();
        Ok(Entered { _here: Counted::one_shown(&self.under_way), _everywhere: everywhere })
    }

    /// What this thread counts of the upstream.
    pub(super) fn counters(&self) -> &ReplyCounters {
        &self.counters
    }

    /// The endpoint for a message: of two that chance picks by weight, the one with less to do for its weight. `tried`
    /// has a bit for each one that is out of the question.
    pub(super) fn pick(&self, tried: u64) -> Option<(usize, &Endpoint, &Rc<RefCell<Shelf>>)> {
        let is_good = |at: usize| tried & bit(at) == 0 && self.is_available(at);
        let at = match self.endpoints.len() {
            1 => is_good(0).then_some(0)?,
            _ => {
                let first = self.draw(is_good)?;
                match self.draw(|at| at != first && is_good(at)) {
                    Some(second) if self.load(second) < self.load(first) => second,
                    _ => first,
                }
            }
        };
        Some((at, self.endpoints.get(at)?, self.shelves.get(at)?))
    }

    /// Whether a message may be sent again; takes it from the budget.
    pub(super) fn may_retry(&self) -> bool {
        self.budget.spend()
    }

    fn is_available(&self, at: usize) -> bool {
        self.endpoints.get(at).is_some_and(|e| e.state.is_available())
    }

    /// What it has to do, for its weight. Compared only: scaled so that whole numbers do.
    fn load(&self, at: usize) -> u64 {
        let in_flight = self.shelves.get(at).map_or(0, |s| s.borrow().in_flight());
        let weight = self.endpoints.get(at).map_or(1, |e| e.weight.max(1));
        u64::from(in_flight) * 1_000 / u64::from(weight)
    }

    /// One of those that fit, by weight.
    fn draw(&self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let fitting = || self.endpoints.iter().enumerate().filter(|(at, _)| fits(*at));
        let total: u64 = fitting().map(|(_, e)| u64::from(e.weight)).sum();
        let mut left = self.dice.below(total)?;
        for (at, endpoint) in fitting() {
            match left.checked_sub(endpoint.weight.into()) {
                Some(rest) => left = rest,
                None => return Some(at),
            }
        }
        None
    }
}

/// A message that was taken in, until it is done.
pub(super) struct Entered {
    _here: Counted,
    _everywhere: Option<Counted>,
}

/// The bit of an endpoint; none behind the last that fits.
pub(super) fn bit(at: usize) -> u64 {
    u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0)
}

/// Messages are sent again for a fifth of those that come, and ten at once or one each second whatever comes: where an
/// upstream is down, asking it twice doesn't lift it up.
#[derive(Debug)]
struct RetryBudget {
    tenths: Cell<u32>,
    last: Cell<Instant>,
}

impl RetryBudget {
    fn new() -> Self {
        Self { tenths: Cell::new(START_TENTHS), last: Cell::new(Instant::now()) }
    }

    fn earn(&self) {
        self.tenths.set((self.tenths.get() + TENTHS_OF_MESSAGE).min(TENTHS_MAX));
    }

    fn spend(&self) -> bool {
        let seconds = u32::try_from(self.last.get().elapsed().as_secs()).unwrap_or(u32::MAX);
        if seconds > 0 {
            self.last.set(Instant::now());
        }
        let tenths = self.tenths.get().saturating_add(seconds.saturating_mul(10)).min(TENTHS_MAX);
        let left = tenths.checked_sub(10);
        self.tenths.set(left.unwrap_or(tenths));
        left.is_some()
    }
}

/// Good enough to choose by: xorshift, seeded by the system.
#[derive(Debug)]
struct Dice(Cell<u64>);

impl Dice {
    fn new() -> Self {
        let mut seed = [0; 8];
        // Without a seed all threads would choose alike, which is no fault.
        let _ = getrandom::fill(&mut seed);
        Self(Cell::new(u64::from_le_bytes(seed) | 1))
    }

    /// A number below `end`; none below 0.
    fn below(&self, end: u64) -> Option<u64> {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        (x >> 16).checked_rem(end)
    }
}

const START_TENTHS: u32 = 100;
const TENTHS_OF_MESSAGE: u32 = 2;
const TENTHS_MAX: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    fn group(weights: &[u16]) -> Group {
        let mut upstream = Upstream::new("u", "127.0.0.1", 1);
        let endpoint = |(at, weight): (usize, &u16)| {
            let port = u16::try_from(at).expect("few") + 1;
            let mut endpoint = Endpoint::new("127.0.0.1", port, None);
            endpoint.weight = *weight;
            endpoint
        };
        upstream.endpoints = weights.iter().enumerate().map(endpoint).collect();
        Group::new(&upstream, None, Arc::new(ReplyCounters::new(upstream.name.clone())))
    }

    fn picked(group: &Group, tried: u64) -> Option<usize> {
        group.pick(tried).map(|(at, ..)| at)
    }

    #[test]
    fn idle_endpoints_get_messages_by_weight_and_busy_ones_fewer() {
        let group = group(&[1, 3]);
        let heavy = (0..4_000).filter(|_| picked(&group, 0) == Some(1)).count();
        assert!((2_700..3_300).contains(&heavy), "{heavy} of 4000, wanted three quarters");
        let _busy: Vec<Counted> = (0..4).map(|_| group.shelves[1].borrow().counted()).collect();
        assert!((0..100).all(|_| picked(&group, 0) == Some(0)), "the lighter one has nothing to do");
    }

    #[test]
    fn what_is_out_or_tried_gets_none_and_where_nothing_is_left_nothing_is_picked() {
        let group = group(&[1, 1]);
        assert!((0..50).all(|_| picked(&group, 1) == Some(1)));
        assert_eq!(picked(&group, 3), None);
        group.endpoints[1].state.checked(false);
        assert!((0..50).all(|_| picked(&group, 0) == Some(0)));
        assert_eq!(picked(&group, 1), None);
    }

    #[test]
    fn retries_end_where_their_budget_does_and_messages_earn_more() {
        let budget = RetryBudget::new();
        assert_eq!((0..30).filter(|_| budget.spend()).count(), 10);
        (0..10).for_each(|_| budget.earn());
        assert_eq!((0..30).filter(|_| budget.spend()).count(), 2);
    }

    #[test]
    fn messages_in_flight_are_counted_until_they_end() {
        // Another thread has a group of its own.
        let (group, others) = (group(&[1]), group(&[1]));
        let upstream = Upstream { requests_max: 2, ..Upstream::new("u", "127.0.0.1", 1) };
        let first = group.enter(&upstream).expect("room");
        let second = others.enter(&upstream).expect("room");
        assert!(matches!(group.enter(&upstream), Err(ForwardError::Busy { .. })));
        drop(second);
        let third = group.enter(&upstream).expect("room");
        assert!(matches!(others.enter(&upstream), Err(ForwardError::Busy { .. })));
        assert_eq!((group.counters().under_way.now(), others.counters().under_way.now()), (2, 0));
        drop((first, third));
        assert_eq!(group.counters().under_way.now(), 0);
        assert_eq!(upstream.in_flight.load(Relaxed), 0);
    }
}
