//! The program: arguments, hardening, the command, the exit code. Everything else is the library.

use clap::Parser;
use std::process::ExitCode;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = phigate::cli::Cli::parse();
    phigate::telemetry::log::quiet_panics();
    phigate::cli::run::harden();
    phigate::cli::run(&cli)
}
