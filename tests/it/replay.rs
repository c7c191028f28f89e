//! What was fuzzed, replayed: every target over samples cut at odd places, and over what the fuzzer once found.

use crate::support::shared;
use std::path::Path;

#[path = "../fuzz/targets.rs"]
mod targets;

/// Calls `f` with each file below a folder.
fn each_file(folder: &Path, f: &mut dyn FnMut(&[u8])) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).expect("reads").flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            each_file(&path, f);
        } else {
            f(&std::fs::read(&path).expect("reads"));
        }
    }
}

#[test]
fn past_findings_of_the_fuzzer_stay_harmless() {
    for target in targets::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/findings").join(target.name);
        if folder.is_dir() {
            each_file(&folder, &mut |bytes| (target.run)(target, bytes));
        }
    }
}

#[test]
fn every_target_takes_samples_cut_anywhere() {
    let Some(samples) = shared("samples") else {
        eprintln!("skipped: no samples here");
        return;
    };
    let mut seen = 0_usize;
    each_file(&samples, &mut |bytes| {
        seen += 1;
        // Each file meets its own kind (by its bytes) and two others in turn.
        for n in [0, seen, seen + 7] {
            let target = targets::ALL.get(n % targets::ALL.len()).expect("one");
            for end in [bytes.len(), bytes.len() * (seen % 11) / 11, bytes.len() / 2] {
                (target.run)(target, bytes.get(..end.min(32 << 10)).unwrap_or(bytes));
            }
        }
    });
    assert!(seen > 900, "{seen}");
}
