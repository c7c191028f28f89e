//! (secrets)
