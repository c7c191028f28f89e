//! (decide)
