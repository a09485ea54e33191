//! The corpus of the fuzz targets as ordinary tests: each seed as it is, cut short at every byte, and with bytes
//! changed. What a fuzzer finds is added to the corpus and stays found.

#[path = "../../fuzz/checks.rs"]
mod checks;

use std::path::Path;

/// Changed copies of each seed: `MUTATIONS=10000` for a long look.
fn mutations() -> usize {
    super::bed::asked("MUTATIONS", 100)
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let read =
        |path: std::path::PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap());
    let mut seeds: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| read(entry.unwrap().path()))
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 5, "{} has lost its corpus", folder.display());
    seeds
}

/// Runs one check; says which input it was when it fails.
fn run(check: fn(&[u8]), seed: &str, bytes: &[u8]) {
    let held = std::panic::catch_unwind(|| check(bytes));
    let shown = String::from_utf8_lossy(bytes);
    assert!(held.is_ok(), "{seed}: fails for {shown:?}");
}

fn replay(target: &str, check: fn(&[u8]), cuts: usize) {
    let mut dice = fastrand::Rng::with_seed(7);
    for (seed, bytes) in seeds(target) {
        run(check, &seed, &bytes);
        for cut in (0..bytes.len()).step_by((bytes.len() / cuts).max(1)) {
            run(check, &seed, &bytes[..cut]);
        }
        for _ in 0..mutations() {
            let mut changed = bytes.clone();
            for _ in 0..dice.usize(1..4) {
                let at = dice.usize(..changed.len().max(1));
                match (dice.u8(..4), changed.is_empty()) {
                    (_, true) => changed.push(dice.u8(..)),
                    (0, _) => changed[at] = dice.u8(..),
                    (1, _) => changed.insert(at, *dice.choice(b"\n\r\"{}[],:\\0-e ").unwrap()),
                    (2, _) => drop(changed.remove(at)),
                    // A piece of it twice: members, events and lines that come again.
                    _ => {
                        let end = dice.usize(at..changed.len());
                        let piece = changed[at..end].to_vec();
                        changed.splice(at..at, piece);
                    }
                }
            }
            run(check, &seed, &changed);
        }
    }
}

#[test]
fn sse() {
    replay("sse", checks::sse, 200);
}

#[test]
fn ndjson() {
    replay("ndjson", checks::ndjson, 200);
}

#[test]
fn eventstream() {
    replay("eventstream", checks::eventstream, 50);
}

#[test]
fn stream() {
    replay("stream", checks::stream, 50);
}

#[test]
fn reply() {
    replay("reply", checks::reply, 100);
}

#[test]
fn answer() {
    replay("reply", checks::answer, 100);
}

#[test]
fn params() {
    replay("params", checks::params, 100);
}

#[test]
fn config() {
    replay("config", checks::config, 50);
}
