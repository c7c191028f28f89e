//! (org)
