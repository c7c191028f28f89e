//! One program for every target; the environment variable `PHIGATE_FUZZ` names it.
#![no_main]

#[path = "../targets.rs"]
mod targets;

use std::sync::OnceLock;

// Rules are compiled before the first input's time begins.
libfuzzer_sys::fuzz_target!(init: { targets::ready() }, |bytes: &[u8]| {
    static TARGET: OnceLock<targets::Target> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("PHIGATE_FUZZ").unwrap_or_default();
        *targets::ALL.iter().find(|target| target.name == name).expect("PHIGATE_FUZZ names a target")
    });
    (target.run)(target, bytes);
});
