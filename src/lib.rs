//! phigate: a reverse proxy and policy gateway that stands in front of integration traffic, keeps an
//! organization's environments apart, and keeps likely PHI out of development and staging.
//!
//! # The life of a message
//!
//! ```text
//! listen -> identify -> resolve -> inspect -> decide -> forward -> record -> store
//! ```
//!
//! A stage is one folder, and each stage's output is the ticket for the next: its fields are private and it has
//! one maker, so that a skipped stage doesn't compile. [`gateway`] is the table of contents: the only file that
//! knows every stage. Start reading there.
//!
//! - [`listen`]: socket to inbound message. Limits on connections, heads, bodies and time; drain.
//! - [`identify`]: inbound message to caller, by API key, or nobody known.
//! - [`resolve`]: message and caller to route: environment (signals checked against each other), connection.
//! - [`inspect`]: the message to findings. Walkers for the formats, detectors for text. Free of hyper and tokio.
//! - [`decide`]: findings and policy to [`decide::Cleared`] or a refusal.
//! - [`forward`]: what was cleared to the upstream, and its reply back.
//! - [`record`]: what happened to its redacted account; views of it.
//! - [`store`]: the redacted account to disk, and back to readers.
//!
//! [`run`] starts and stops all of it. Beside the stages: [`config`], [`org`] (who may do what), [`audit`], [`secrets`], [`people`] (who is known), [`tune`] (rules, tested by their cases),
//! [`assets`] (connections, rules and profiles with versions), [`sign_in`] (people, by a provider),
//! [`admin`], [`telemetry`],
//! [`cli`]. Two files serve all: [`payload`] has the only types that hold what callers sent, [`reason`] the short
//! words for why.

// Tests cut texts of their own.
#![cfg_attr(test, allow(clippy::string_slice))]

pub mod background;
pub mod gateway;
pub mod run;

pub mod listen;
pub mod identify;
pub mod resolve;
pub mod inspect;
pub mod decide;
pub mod forward;
pub mod record;
pub mod store;

pub mod config;
pub mod org;
pub mod audit;
pub mod secrets;
pub mod people;
pub mod tune;
pub mod assets;
pub mod sign_in;
pub mod admin;
pub mod telemetry;
pub mod cli;

pub mod clock;
pub mod counted;
mod durable;
mod spelling;
pub mod timed;
mod wire;
pub mod payload;
pub mod reason;
pub mod respond;
