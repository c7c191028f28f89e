//! Telemetry: every metric and every log field.

pub mod log;
pub mod metrics;
