//! Answers that go on for as long as their readers take: how many there may be, of one and of all, and how long a reader may
//! take nothing.

use super::answers::problem;
use crate::org::Principal;
use axum::http::StatusCode;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;

/// How many streams of a kind run at once.
pub(super) struct Turns {
    max: usize,
    /// Of one member, or of one token that is no member's.
    of_one_max: usize,
    taken: Mutex<BTreeMap<String, usize>>,
}

/// A stream that runs, until it is dropped.
pub(super) struct Turn {
    turns: &'static Turns,
    who: String,
}

impl Turns {
    pub(super) const fn new(max: usize, of_one_max: usize) -> Self {
        Self { max, of_one_max, taken: Mutex::new(BTreeMap::new()) }
    }

    /// One more of somebody's.
    ///
    /// # Errors
    /// The answer 429 that there are as many as may be.
    #[allow(clippy::result_large_err)] // an answer, made once and sent
    pub(super) fn take(&'static self, principal: &Principal) -> Result<Turn, Response> {
        let who = principal.member.as_ref().unwrap_or(&principal.token).clone();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = taken.get(&who).copied().unwrap_or(0);
        let detail = if of_one >= self.of_one_max {
            "As many of yours run as may; try again when one has ended."
        } else if taken.values().sum::<usize>() >= self.max {
            "As many run as may; try again when one has ended."
        } else {
            taken.insert(who.clone(), of_one + 1);
            return Ok(Turn { turns: self, who });
        };
        Err(problem(StatusCode::TOO_MANY_REQUESTS, "too_many", detail))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.who) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.who);
            }
        }
    }
}

/// Hands a reader its next line, once it has room for it. Gives whether it was taken: not by one that has gone, or that took
/// nothing for so long.
pub(super) async fn hand<L>(lines: &Sender<L>, line: L, rest_max: Duration) -> bool {
    lines.send_timeout(line, rest_max).await.is_ok()
}

/// The same from a thread that may wait.
pub(super) fn hand_over<L>(lines: &Sender<L>, line: L, rest_max: Duration) -> bool {
    Handle::current().block_on(hand(lines, line, rest_max))
}

/// How long a reader may take nothing.
pub(super) const REST_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::OrgRole;

    fn somebody(member: Option<&str>, token: &str) -> Principal {
        Principal {
            name: token.to_owned(),
            member: member.map(str::to_owned),
            token: token.to_owned(),
            org: OrgRole::Member,
            roles: Vec::new(),
        }
    }

    #[test]
    fn one_has_some_and_all_together_have_no_more_than_there_are() {
        static TURNS: Turns = Turns::new(3, 2);
        let (ann, anns_other) = (somebody(Some("ann"), "t1"), somebody(Some("ann"), "t2"));
        let (bob, probe) = (somebody(Some("bob"), "t3"), somebody(None, "t4"));
        let is_none = |who: &Principal| {
            let answer = TURNS.take(who).err();
            answer.is_some_and(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
        };
        let first = TURNS.take(&ann).expect("a turn");
        let second = TURNS.take(&anns_other).expect("a turn");
        assert!(is_none(&ann) && is_none(&anns_other));
        let third = TURNS.take(&bob).expect("a turn");
        assert!(is_none(&bob) && is_none(&probe));
        drop(first);
        let fourth = TURNS.take(&probe).expect("a turn");
        assert!(is_none(&ann));
        drop((second, third, fourth));
        assert!(TURNS.taken.lock().expect("lock").is_empty());
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_waited_for_so_long_and_no_longer() {
        let rest_max = Duration::from_millis(20);
        let (lines, mut received) = tokio::sync::mpsc::channel(1);
        assert!(hand(&lines, 1, rest_max).await);
        assert!(!hand(&lines, 2, rest_max).await);
        assert_eq!(received.recv().await, Some(1));
        let lines = tokio::task::spawn_blocking(move || {
            assert!(hand_over(&lines, 3, rest_max) && !hand_over(&lines, 4, rest_max));
            lines
        });
        let lines = lines.await.expect("it ended");
        drop(received);
        assert!(!hand(&lines, 5, Duration::MAX).await);
    }
}
