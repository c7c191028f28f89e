//! Tune: rules, tested by their cases.
//!
//! - Takes: rules as written, with a site's changes, and what they compile to.
//! - Gives: for each case whether it holds; which rules have none; which shadow each other.
//! - In doubt: a rule without a case that fires and one that doesn't is told as a problem.
//! - Cost: one inspection for each case; a rule that covers no value of its own is taken out of its table to see what
//!   changes without it.

pub mod cases;
pub mod check;
pub mod junit;
pub mod trial;
pub mod users;

pub use cases::{Case, Input, Suite, Wants};
pub use check::{Checked, check};
pub use trial::{Outcome, Trials};
