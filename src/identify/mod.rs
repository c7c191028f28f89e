//! (identify)
