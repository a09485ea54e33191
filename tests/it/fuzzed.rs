//! Row 38: the corpus of the fuzz targets as ordinary tests: each seed as it is, cut short at every byte, and with bytes
//! changed. What a fuzzer finds is added to the corpus and stays found.

#[path = "../../fuzz/checks.rs"]
mod checks;

use std::panic::catch_unwind;
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

type Check = fn(&[u8]);

/// Runs one check; says which input it was when it fails.
fn run(check: Check, seed: &str, bytes: &[u8]) {
    let held = catch_unwind(|| check(bytes));
    let shown = String::from_utf8_lossy(bytes);
    assert!(held.is_ok(), "{seed}: fails for {shown:?}");
}

fn replay(target: &str, check: Check, cuts: usize) {
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
fn row_38_sse() {
    replay("sse", checks::sse, 200);
}

#[test]
fn row_38_ndjson() {
    replay("ndjson", checks::ndjson, 200);
}

#[test]
fn row_38_eventstream() {
    replay("eventstream", checks::eventstream, 50);
}

#[test]
fn row_38_stream() {
    replay("stream", checks::stream, 50);
}

#[test]
fn row_38_reply() {
    replay("reply", checks::reply, 100);
}

#[test]
fn row_38_answer() {
    replay("reply", checks::answer, 100);
}

#[test]
fn row_38_params() {
    replay("params", checks::params, 100);
}

#[test]
fn row_38_config() {
    replay("config", checks::config, 50);
}

/// Events by someone who takes each piece for whole lines.
fn events_of_pieces(pieces: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = pieces
        .iter()
        .flat_map(|piece| piece.split(|byte| *byte == b'\n'));
    let data = lines.filter_map(|line| line.strip_prefix(b"data: "));
    data.map(|data| (Vec::new(), data.to_vec())).collect()
}

/// The same for lines of JSON.
fn lines_of_pieces(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let lines = pieces
        .iter()
        .flat_map(|piece| piece.split(|byte| *byte == b'\n'));
    let lines = lines
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    lines.map(<[u8]>::to_vec).collect()
}

/// A body by someone who expects JSON.
fn body_as_it_should_be(bytes: &[u8]) {
    serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
}

/// What the checks are worth: readers that trust what comes, and how it was cut, do not pass them.
#[test]
fn row_38_control_readers_that_trust_their_input_do_not_pass() {
    let careless: [(&str, Check); 3] = [
        ("sse", |bytes| {
            checks::sse_of(|pieces| Ok(events_of_pieces(pieces)), bytes);
        }),
        ("ndjson", |bytes| checks::ndjson_of(lines_of_pieces, bytes)),
        ("params", body_as_it_should_be),
    ];
    for (target, check) in careless {
        let seeds = seeds(target);
        let caught = seeds
            .iter()
            .filter(|(_, bytes)| catch_unwind(|| check(bytes)).is_err());
        let (caught, all) = (caught.count(), seeds.len());
        super::faults::figure!(
            38,
            "the control, a careless reader of {target}: caught by {caught} of {all} seeds"
        );
        assert!(caught > 0, "{target}");
    }
}
