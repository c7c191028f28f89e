//! The whole gateway through its front door: real sockets, the real binary, a real store.

#![allow(clippy::print_stderr)] // skipped samples are said so

mod activation;
mod assets;
mod audit;
mod backup;
mod bad_input;
mod binary;
mod certificates;
mod clock;
mod dialects;
mod documents;
mod handover;
mod http2;
mod http2_time;
mod jwt;
mod keeping;
mod leaks;
mod organization;
mod operations;
mod originals;
mod people;
mod overload;
mod properties;
mod proxying;
mod readers;
mod replay;
mod replies;
mod rules;
mod samples;
mod sidecar;
mod sign_in;
mod smuggling;
mod sockets;
mod support;
mod suppressions;
mod targets;
mod tls;
mod tunnels;
mod upstream_http2;
mod upstream_tls;
mod upstreams;
