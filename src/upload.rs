//! Files that come with a call: recordings to transcribe, pictures to edit. A small one is held in memory, a larger one
//! in a nameless file on disk, so that what a call holds is bounded however long its uploads are, and every attempt
//! can send them again.

use bytes::{Bytes, BytesMut};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// One file of a call.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The member that it is, for example `file`.
    pub field: String,
    /// The file's name as the caller gave it.
    pub name: String,
    /// Its media type, where the caller said one.
    pub media_type: Option<String>,
    /// What is in it.
    pub content: Content,
}

/// Bytes in memory or on disk. Cheap to clone.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Held(Bytes),
    /// On disk.
    Spooled(Arc<Spool>),
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Spooled(spool) => spool.length,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.len())
    }
}

/// A file without a name that is gone when nobody needs it.
pub struct Spool {
    // Attempts that overlap take turns: each read begins with a seek.
    file: Mutex<File>,
    length: u64,
}

impl Spool {
    /// What was written to `file`, from its start.
    pub fn new(file: File, length: u64) -> Self {
        Self {
            file: Mutex::new(file),
            length,
        }
    }

    /// Up to `most` bytes from `offset`. Blocks.
    ///
    /// # Errors
    /// What the disk says, and a file that is shorter than it was.
    pub fn read(&self, offset: u64, most: usize) -> io::Result<Bytes> {
        let wanted = self.length.saturating_sub(offset).min(most as u64) as usize;
        let mut piece = BytesMut::zeroed(wanted);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut piece)?;
        Ok(piece.freeze())
    }
}

/// The body of an upstream request.
#[derive(Clone, Debug)]
pub enum Payload {
    /// One piece: every call without uploads.
    Whole(Bytes),
    /// Pieces, one after the other.
    Pieces(Arc<[Content]>),
}

impl Payload {
    /// Length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Pieces(pieces) => pieces.iter().map(Content::len).sum(),
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Whole(text.into())
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes.into())
    }
}

/// The bytes of a body that is one piece. One of several is read only where it is sent; here it shows none.
impl std::ops::Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Pieces(_) => &[],
        }
    }
}

impl PartialEq<&str> for Payload {
    fn eq(&self, text: &&str) -> bool {
        matches!(self, Self::Whole(bytes) if bytes == text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    #[test]
    fn a_spool_is_read_from_anywhere_and_no_further_than_its_length() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello world").unwrap();
        let spool = Spool::new(file, 11);
        assert_eq!(spool.read(6, 100).unwrap(), "world");
        assert_eq!(spool.read(0, 5).unwrap(), "hello");
        assert!(spool.read(11, 5).unwrap().is_empty());
        assert_eq!(Content::Spooled(Arc::new(spool)).len(), 11);
    }
}
