//! Telemetry: every metric and every log field.

pub mod access;
pub mod log;
pub mod metrics;
mod process;
mod certificates;
mod upstreams;
