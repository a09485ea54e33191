//! Answers in a folder, each in a file of its own: they outlive the process, and processes that name the same folder
//! share them. A file appears whole or not at all. What the folder cannot hold or tell is as if it were not kept.

use super::Kept;
use super::entry::{Entry, named};
use std::fs::{self, DirEntry};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How long an answer is kept where nobody says: as in LiteLLM's, until the room is needed.
pub const USUAL_TTL: Duration = Duration::MAX;
/// Where answers are when nobody says: LiteLLM's folder.
pub const USUAL_FOLDER: &str = ".litellm_cache";

/// Bytes kept at most, all answers together: diskcache's limit, with which LiteLLM keeps its own.
const MOST: u64 = 1 << 30;
/// What is left of that when room is made.
const ROOM: u64 = MOST / 10 * 9;
/// How often is looked whether room is needed: after so many written bytes.
const STEP: u64 = MOST / 64;
/// How a folder of answers begins, and how their files end.
const FOLDER: &str = "answers";
const END: &str = "json";
/// What a process left half written is taken away after this.
const STALE: Duration = Duration::from_secs(3600);

/// The folder.
#[derive(Clone, Debug)]
pub struct Disk {
    folder: Arc<Path>,
    written: Arc<AtomicU64>,
    complained: Arc<AtomicBool>,
}

impl Disk {
    /// The cache in a folder, which is made where there is none.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.into(),
            // Whether there is room is looked at with the first answer.
            written: Arc::new(AtomicU64::new(STEP)),
            complained: Arc::default(),
        })
    }

    /// The answer, if there is one that can be read and is not too old.
    pub async fn get(&self, key: &str, stream: bool) -> Option<Kept> {
        let path = self.path(key, stream);
        let read = tokio::task::spawn_blocking(move || fs::read(path));
        let text = read.await.ok()?.ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since.unwrap_or_default().as_secs_f64();
        entry
            .expires
            .is_none_or(|expires| now < expires)
            .then(|| entry.kept(stream))?
    }

    /// Keeps an answer for `ttl`. It is there when this returns: a program that ends at once finds it again.
    pub fn keep(&self, key: &str, kept: &Kept, ttl: Duration) {
        let (mut entry, stream) = Entry::of(kept);
        if ttl < USUAL_TTL {
            entry.expires = Some(entry.timestamp + ttl.as_secs_f64());
        }
        let put = serde_json::to_vec(&entry)
            .map_err(io::Error::from)
            .and_then(|text| self.put(&self.path(key, stream), &text));
        if let Err(error) = put
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            let folder = self.folder.display();
            tracing::warn!("answers cannot be kept in {folder}: {error}");
        }
    }

    fn put(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text)?;
        file.persist(path).map_err(|failed| failed.error)?;
        let written = text.len() as u64;
        if self.written.fetch_add(written, Ordering::Relaxed) + written >= STEP {
            self.written.store(0, Ordering::Relaxed);
            self.make_room()?;
        }
        Ok(())
    }

    /// Takes the oldest answers away while there are too many, and what was left half written.
    fn make_room(&self) -> io::Result<()> {
        let mut answers: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for folder in self.folders()? {
            for file in fs::read_dir(folder.path())?.flatten() {
                let Ok(meta) = file.metadata() else { continue };
                let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let path = file.path();
                if path.extension().is_some_and(|end| end == END) {
                    answers.push((changed, meta.len(), path));
                } else if changed.elapsed().is_ok_and(|age| age > STALE) {
                    let _ = fs::remove_file(path);
                }
            }
        }
        let mut bytes: u64 = answers.iter().map(|(_, size, _)| size).sum();
        if bytes <= MOST {
            return Ok(());
        }
        answers.sort();
        for (_, size, path) in answers {
            if bytes <= ROOM {
                break;
            }
            let _ = fs::remove_file(path);
            bytes -= size;
        }
        Ok(())
    }

    /// Forgets every answer below the namespace; without one, all.
    ///
    /// # Errors
    /// Why the folder cannot be read, or a part of it not removed.
    pub fn clear(&self, namespace: Option<&str>) -> io::Result<()> {
        let named = namespace.map(folder_of);
        for folder in self.folders()? {
            if named
                .as_ref()
                .is_none_or(|name| folder.file_name() == **name)
            {
                fs::remove_dir_all(folder.path())?;
            }
        }
        Ok(())
    }

    fn folders(&self) -> io::Result<impl Iterator<Item = DirEntry>> {
        let is_own = |folder: &DirEntry| folder.file_name().to_string_lossy().starts_with(FOLDER);
        Ok(fs::read_dir(&*self.folder)?.flatten().filter(is_own))
    }

    /// The file of a key, which is a hash behind a namespace.
    fn path(&self, key: &str, stream: bool) -> PathBuf {
        let (folder, hash) = match key.rsplit_once(':') {
            Some((namespace, hash)) => (folder_of(namespace), hash),
            None => (FOLDER.to_owned(), key),
        };
        let file = named(hash, stream).replace(':', ".");
        self.folder.join(folder).join(format!("{file}.{END}"))
    }
}

/// The folder of a namespace, whatever it is made of.
fn folder_of(namespace: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(namespace.as_bytes());
    format!("{FOLDER}-{}", crate::config::identity::hex(&digest))
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
