//! The whole gateway through its front door: real sockets, the real binary, a real store.

#![allow(clippy::print_stderr)] // skipped samples are said so

mod audit;
mod bad_input;
mod binary;
mod leaks;
mod organization;
mod people;
mod proxying;
mod readers;
mod replay;
mod replies;
mod samples;
mod support;
