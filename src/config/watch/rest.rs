//! Files at rest: a configuration is read again until two readings agree.
//!
//! A file that is being rewritten in its place is empty for a moment, or half of it, and may well be valid so. No look
//! at the clock tells: modification times are coarse, another machine's, or set by whoever writes. So all files of a
//! configuration are read, those that it has just begun to include among them, and read again a moment later; only
//! what both readings found, byte for byte, is believed. A file that is younger than a save takes is not believed
//! either, as far as its time can be.

use crate::config::gather::{Read, bytes_of};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Time between two readings.
pub const PAUSE: Duration = Duration::from_millis(50);
/// How old the last write must be.
const QUIET: Duration = Duration::from_millis(100);
/// Readings before giving up: two seconds of writing.
const READINGS: usize = 40;

/// Modification time and size of a file; `None` when there is none to read.
pub type Stamp = Option<(SystemTime, u64)>;

/// What a reading found of each file, in the order of reading.
#[derive(Default, PartialEq, Eq)]
pub struct Reading {
    files: Vec<PathBuf>,
    stamps: Vec<Stamp>,
    digests: Vec<Option<[u8; 32]>>,
}

impl Reading {
    /// Reads a file and notes what was found. The stamp is of the file that was opened, before its bytes were read.
    pub fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let opened = File::open(path).map(|file| (stamp(&file), file));
        let (stamp, bytes) = match opened {
            Ok((stamp, file)) => (stamp, bytes_of(&file)),
            Err(error) => (None, Err(error)),
        };
        self.files.push(path.to_owned());
        self.stamps.push(stamp);
        let digest = bytes
            .as_ref()
            .ok()
            .map(|bytes| Sha256::digest(bytes).into());
        self.digests.push(digest);
        bytes
    }

    /// The files that were read, and their stamps.
    pub fn into_parts(self) -> (Vec<PathBuf>, Vec<Stamp>) {
        (self.files, self.stamps)
    }

    /// Whether a file was written a moment ago. A time to come is another machine's clock and says nothing.
    fn is_young(&self) -> bool {
        let written = self.stamps.iter().flatten().map(|(written, _)| *written);
        let now = SystemTime::now();
        written
            .filter_map(|written| now.duration_since(written).ok())
            .any(|age| age < QUIET)
    }
}

fn stamp(file: &File) -> Stamp {
    let meta = file.metadata().ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

/// The stamps of files as they are.
pub fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let open = |file: &PathBuf| File::open(file).ok();
    files.iter().map(|file| stamp(&open(file)?)).collect()
}

/// Reads once.
pub fn once<T>(load: &mut dyn FnMut(Read<'_>) -> T) -> (T, Reading) {
    let mut reading = Reading::default();
    let loaded = load(&mut |path| reading.read(path));
    (loaded, reading)
}

/// Reads until two readings agree; `None` when they never do. `wait` waits between them.
pub fn settled<T>(
    load: &mut dyn FnMut(Read<'_>) -> T,
    wait: &dyn Fn(Duration),
) -> Option<(T, Reading)> {
    let (_, mut before) = once(load);
    for _ in 1..READINGS {
        wait(PAUSE);
        let (loaded, reading) = once(load);
        if reading == before && !reading.is_young() {
            return Some((loaded, reading));
        }
        before = reading;
    }
    None
}
