//! Bodies with files in them (`multipart/form-data`): read as they come, fields into members, files into memory while
//! they are small and onto the disk when they are not.

use super::pace::{Limits, Pace};
use super::refusal::Refusal;
use crate::params::Params;
use crate::upload::{Content, Spool, Upload};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use memchr::memmem;
use serde_json::Value;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// From this length, a file goes onto the disk.
const HELD: usize = 1 << 20;
/// Longest head of a part, and longest field.
const MAX_HEAD: usize = 16 << 10;
const MAX_FIELD: usize = 1 << 20;
/// Most parts of a body.
const MAX_PARTS: usize = 256;

/// The boundary of a body that has parts.
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (name, parameters) = kind.split_once(';')?;
    if !name.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let fits = (1..=70).contains(&value.len());
        (name.trim().eq_ignore_ascii_case("boundary") && fits).then(|| value.to_owned())
    };
    parameters.split(';').find_map(named)
}

/// The members and the files of a body.
///
/// # Errors
/// 413 for one that is longer than `limits` say, 408 for one that comes too slowly, 400 for one that is no form, 500
/// when the disk does not take it.
pub async fn read<B>(
    body: B,
    boundary: &str,
    limits: Limits,
) -> Result<(Params, Vec<Upload>), Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut reader = Reader {
        body: Box::pin(body),
        // The first boundary begins like all the others.
        buffer: BytesMut::from(&b"\r\n"[..]),
        delimiter: format!("\r\n--{boundary}").into_bytes(),
        left: limits.bytes,
        limit: limits.bytes,
        pace: Pace::new(limits),
    };
    reader.part(&mut Sink::Nowhere).await?;
    let mut members = Params::default();
    let mut uploads = Vec::new();
    for _ in 0..MAX_PARTS {
        let Some(head) = reader.head().await? else {
            return Ok((members, uploads));
        };
        let mut sink = Sink::Held(BytesMut::new(), head.file.is_some());
        reader.part(&mut sink).await?;
        match head.file {
            Some(name) => uploads.push(Upload {
                field: head.name,
                name,
                media_type: head.media_type,
                content: sink.content().await.map_err(|error| disk(&error))?,
            }),
            None => add(&mut members, &head.name, sink.text()),
        }
    }
    Err(malformed("it has too many parts"))
}

/// A whole body that is not looked at.
///
/// # Errors
/// As [`read`].
pub async fn whole<B>(body: B, limits: Limits) -> Result<Content, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = std::pin::pin!(body);
    let mut sink = Sink::Held(BytesMut::new(), true);
    let mut left = limits.bytes;
    let mut pace = Pace::new(limits);
    while let Some(frame) = pace.frame(body.as_mut()).await? {
        let Ok(frame) = frame else {
            return Err(malformed("it ended early"));
        };
        if let Ok(data) = frame.into_data() {
            left = left
                .checked_sub(data.len())
                .ok_or_else(|| too_large(limits.bytes))?;
            sink.take(&data).await?;
        }
    }
    sink.content().await.map_err(|error| disk(&error))
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("Request size is too large. Max size is {} MB", limit >> 20);
    Refusal::new(413, "bad_request_error", message)
}

/// `name[]` is one of a list, as is a name that comes again.
fn add(members: &mut Params, name: &str, text: String) {
    let bare = name.trim_end_matches("[]");
    let earlier: Option<Value> = members.get(bare);
    match earlier {
        Some(Value::Array(mut list)) => {
            list.push(text.into());
            members.set(bare, &list);
        }
        Some(one) => members.set(bare, &[one, text.into()]),
        None if name.ends_with("[]") => members.set(bare, &[text]),
        None => members.set(bare, &text),
    }
}

struct Head {
    name: String,
    /// The file's name, where the part is one.
    file: Option<String>,
    media_type: Option<String>,
}

/// Where a part goes.
enum Sink {
    Nowhere,
    /// In memory; whether it may go onto the disk.
    Held(BytesMut, bool),
    Spooled(File, u64),
}

impl Sink {
    async fn take(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Held(held, false) if held.len() + piece.len() > MAX_FIELD => {
                Err(malformed("one of its fields is too long"))
            }
            Self::Held(held, true) if held.len() + piece.len() > HELD => {
                let held = std::mem::take(held);
                *self = spooled(&held, piece).await.map_err(|error| disk(&error))?;
                Ok(())
            }
            Self::Held(held, _) => {
                held.extend_from_slice(piece);
                Ok(())
            }
            Self::Spooled(file, length) => {
                *length += piece.len() as u64;
                file.write_all(piece).await.map_err(|error| disk(&error))
            }
        }
    }

    fn text(self) -> String {
        match self {
            Self::Held(held, _) => String::from_utf8_lossy(&held).into_owned(),
            _ => String::new(),
        }
    }

    async fn content(self) -> io::Result<Content> {
        Ok(match self {
            Self::Nowhere => Content::Held(Bytes::new()),
            Self::Held(held, _) => Content::Held(held.freeze()),
            Self::Spooled(mut file, length) => {
                file.flush().await?;
                Content::Spooled(Arc::new(Spool::new(file.into_std().await, length)))
            }
        })
    }
}

async fn spooled(held: &[u8], piece: &[u8]) -> io::Result<Sink> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await??;
    let mut file = File::from_std(file);
    file.write_all(held).await?;
    file.write_all(piece).await?;
    Ok(Sink::Spooled(file, (held.len() + piece.len()) as u64))
}

struct Reader<B> {
    body: Pin<Box<B>>,
    buffer: BytesMut,
    delimiter: Vec<u8>,
    left: usize,
    limit: usize,
    pace: Pace,
}

impl<B> Reader<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Reads on; an end is one too early.
    async fn more(&mut self) -> Result<(), Refusal> {
        let Some(Ok(frame)) = self.pace.frame(self.body.as_mut()).await? else {
            return Err(malformed("it ended early"));
        };
        let Ok(data) = frame.into_data() else {
            return Ok(());
        };
        let Some(left) = self.left.checked_sub(data.len()) else {
            return Err(too_large(self.limit));
        };
        self.left = left;
        self.buffer.extend_from_slice(&data);
        Ok(())
    }

    /// Everything up to the next boundary.
    async fn part(&mut self, sink: &mut Sink) -> Result<(), Refusal> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, &self.delimiter) {
                let piece = self.buffer.split_to(at);
                self.buffer.advance(self.delimiter.len());
                return sink.take(&piece).await;
            }
            // The end may be the beginning of a boundary.
            let safe = self.buffer.len().saturating_sub(self.delimiter.len());
            let piece = self.buffer.split_to(safe);
            sink.take(&piece).await?;
            self.more().await?;
        }
    }

    /// The head of the next part; `None` after the last.
    async fn head(&mut self) -> Result<Option<Head>, Refusal> {
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        if self.buffer.starts_with(b"--") {
            return Ok(None);
        }
        let end = loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(malformed("the head of one of its parts is too long"));
            }
            self.more().await?;
        };
        let head = self.buffer.split_to(end);
        self.buffer.advance(4);
        parsed(&String::from_utf8_lossy(&head))
            .map(Some)
            .ok_or_else(|| malformed("one of its parts has no name"))
    }
}

fn parsed(head: &str) -> Option<Head> {
    let field = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim())
        })
    };
    let disposition = field("content-disposition")?;
    Some(Head {
        name: parameter(disposition, "name")?,
        file: parameter(disposition, "filename"),
        media_type: field("content-type").map(str::to_owned),
    })
}

/// `name="value"` of a header, with what browsers escape put back.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, value) = rest.split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted
                    .match_indices('"')
                    .map(|(at, _)| at)
                    .find(|at| !quoted[..*at].ends_with('\\'))?;
                (quoted.get(..end)?, quoted.get(end + 1..)?)
            }
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            let value = value.replace("%22", "\"").replace("\\\"", "\"");
            return Some(value.trim().to_owned());
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

fn malformed(what: &str) -> Refusal {
    let message = format!("the request body is not a form that can be read: {what}");
    Refusal::new(400, "invalid_request_error", message).param("request_body")
}

fn disk(error: &io::Error) -> Refusal {
    tracing::error!(%error, "an upload could not be kept on disk; set TMPDIR to a directory that can be written to");
    Refusal::new(500, "internal_server_error", "the upload could not be kept")
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
