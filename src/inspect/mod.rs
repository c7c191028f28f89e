//! Inspect: what a message holds.

pub mod kind;
pub mod field;
pub mod walk;
