//! (listen)
