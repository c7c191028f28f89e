//! Whether the data threads still take turns: each answers what it is asked as soon as it has one. A thread that goes round
//! in a circle, or waits for a lock that nobody gives back, takes no connection and answers no message, and tells nobody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Asks the threads. Costs each of them a wake for each time it is asked, and nothing between.
#[derive(Debug)]
pub struct Pulse {
    question: watch::Sender<u64>,
    asked: Mutex<Instant>,
    answers: Vec<Arc<AtomicU64>>,
}

/// One thread's side.
#[derive(Debug)]
pub(super) struct Answering {
    question: watch::Receiver<u64>,
    answer: Arc<AtomicU64>,
}

impl Pulse {
    /// That of so many threads, each with its side.
    pub(super) fn of(threads: usize) -> (Self, Vec<Answering>) {
        let (question, _) = watch::channel(0);
        let sides: Vec<Answering> =
            std::iter::repeat_with(|| Answering { question: question.subscribe(), answer: Arc::default() })
                .take(threads)
                .collect();
        let answers = sides.iter().map(|side| Arc::clone(&side.answer)).collect();
        (Self { question, asked: Mutex::new(Instant::now()), answers }, sides)
    }

    /// How long a thread has owed its answer by now, the longest; zero, and all are asked again, where none does. A thread
    /// that ended owes nothing.
    #[must_use]
    pub fn owed(&self) -> Duration {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let question = *self.question.borrow();
        if self.answers.iter().any(|answer| answer.load(Relaxed) < question) {
            return asked.elapsed();
        }
        *asked = Instant::now();
        self.question.send_replace(question + 1);
        Duration::ZERO
    }
}

impl Answering {
    /// Answers for as long as somebody may ask.
    pub(super) async fn run(mut self) {
        while self.question.changed().await.is_ok() {
            self.answer.store(*self.question.borrow_and_update(), Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.answer.store(u64::MAX, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_takes_no_turn_owes_its_answer_and_one_that_ended_doesn_t() {
        let (pulse, mut sides) = Pulse::of(2);
        let (stuck, other) = (sides.pop().expect("two"), sides.pop().expect("two"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let turn = || runtime.block_on(tokio::task::yield_now());
        runtime.spawn(other.run());
        turn();
        assert_eq!(pulse.owed(), Duration::ZERO, "nobody was asked before");
        turn();
        let first = pulse.owed();
        assert!(first > Duration::ZERO, "one doesn't answer");
        assert!(pulse.owed() > first, "it is the first question that isn't answered");
        drop(stuck);
        assert_eq!(pulse.owed(), Duration::ZERO, "it ended");
        turn();
        assert_eq!(pulse.owed(), Duration::ZERO, "the other answered");
        assert!(pulse.owed() > Duration::ZERO, "it had no turn since");
    }
}
