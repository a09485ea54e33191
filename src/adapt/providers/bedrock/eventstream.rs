//! `application/vnd.amazon.eventstream`: length-prefixed messages of headers and a payload, each under two checksums.
//!
//! ```text
//! total length (4) | headers length (4) | CRC of those 8 (4) | headers | payload | CRC of all before it (4)
//! ```
//!
//! Takes bytes in any split. The length is believed only after the prelude's checksum has told that it is one, so a
//! body of another kind fails with its first 12 bytes. A message in one piece is read where it lies; only what crosses
//! a piece is copied. <https://smithy.io/2.0/aws/amazon-eventstream.html>

use std::fmt;

/// Two lengths and their checksum.
const PRELUDE: usize = 12;
/// A message's own checksum.
const TRAILER: usize = 4;
/// Largest message, in bytes: 16 MiB of payload and 128 KiB of headers, which is what the service sends at most, and
/// what else a message is made of.
pub const MAX_MESSAGE: usize = (16 << 20) + (128 << 10) + PRELUDE + TRAILER;
const MAX_HEADERS: usize = 128 << 10;

/// One message. Headers that are not read here are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// `:message-type`: `event`, `exception` or `error`.
    pub kind: &'a str,
    /// `:event-type` of an event, `:exception-type` of an exception, `:error-code` of an error.
    pub name: &'a str,
    /// `:error-message` of an error.
    pub reason: &'a str,
    /// The payload.
    pub payload: &'a [u8],
}

/// Bytes that are no event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The lengths of a message are not those that were written.
    Prelude,
    /// A message is longer than any may be, or shorter than its parts.
    Length,
    /// A message is not the one that was written.
    Checksum,
    /// Headers that are not in their form.
    Headers,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prelude => "the checksum of an event's prelude does not match",
            Self::Length => "an event has a length that no event has",
            Self::Checksum => "the checksum of an event does not match",
            Self::Headers => "the headers of an event cannot be read",
        })
    }
}

/// The parser of one stream.
#[derive(Debug, Default)]
pub struct Parser {
    /// The beginning of a message whose end has not come.
    held: Vec<u8>,
}

impl Parser {
    /// Takes the next piece and hands every message that it completes to `on`.
    ///
    /// # Errors
    /// Whatever `on` returns, and bytes that are no event stream, as `E`.
    pub fn push<E: From<Broken>>(
        &mut self,
        mut bytes: &[u8],
        mut on: impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !self.held.is_empty() && !bytes.is_empty() {
            let wanted = length(&self.held)?.unwrap_or(PRELUDE);
            let (piece, rest) = bytes.split_at(bytes.len().min(wanted - self.held.len()));
            self.held.extend_from_slice(piece);
            bytes = rest;
            if length(&self.held)? == Some(self.held.len()) {
                let whole = std::mem::take(&mut self.held);
                on(message(&whole)?)?;
                self.held = whole;
                self.held.clear();
            }
        }
        while let Some(length) = length(bytes)? {
            let Some((whole, rest)) = bytes.split_at_checked(length) else {
                break;
            };
            on(message(whole)?)?;
            bytes = rest;
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the stream stopped inside a message.
    pub fn is_cut(&self) -> bool {
        !self.held.is_empty()
    }
}

/// The length of the message that begins here; `None` when that is not told yet.
fn length(bytes: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(prelude) = bytes.get(..PRELUDE) else {
        return Ok(None);
    };
    let [total, headers, checksum] = [0, 4, 8].map(|at| number(prelude, at));
    if crc(&prelude[..8]) != checksum {
        return Err(Broken::Prelude);
    }
    let (total, headers) = (total as usize, headers as usize);
    if total > MAX_MESSAGE || headers > MAX_HEADERS || total < PRELUDE + headers + TRAILER {
        return Err(Broken::Length);
    }
    Ok(Some(total))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_be_bytes(four.unwrap_or_default())
}

/// Reads one whole message.
fn message(whole: &[u8]) -> Result<Message<'_>, Broken> {
    let end = whole.len().checked_sub(TRAILER).ok_or(Broken::Length)?;
    if crc(&whole[..end]) != number(whole, end) {
        return Err(Broken::Checksum);
    }
    let headers_end = PRELUDE + number(whole, 4) as usize;
    let mut headers = whole.get(PRELUDE..headers_end).ok_or(Broken::Length)?;
    let mut message = Message {
        payload: whole.get(headers_end..end).ok_or(Broken::Length)?,
        ..Message::default()
    };
    while !headers.is_empty() {
        let (name, value) = header(&mut headers).ok_or(Broken::Headers)?;
        let Some(text) = value else { continue };
        match name {
            b":message-type" => message.kind = text,
            b":event-type" | b":exception-type" | b":error-code" => message.name = text,
            b":error-message" => message.reason = text,
            _ => {}
        }
    }
    Ok(message)
}

/// Takes one header: its name, and its value where that is text.
fn header<'a>(headers: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a str>)> {
    let mut take = |count: usize| {
        let (taken, rest) = headers.split_at_checked(count)?;
        *headers = rest;
        Some(taken)
    };
    let name_length = usize::from(*take(1)?.first()?);
    let name = take(name_length)?;
    let kind = *take(1)?.first()?;
    let length = match kind {
        // True and false have no more bytes; then come numbers of 1, 2, 4 and 8, a moment, and a UUID.
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => usize::from(u16::from_be_bytes(take(2)?.try_into().ok()?)),
        _ => return None,
    };
    let value = take(length)?;
    let text = (kind == 7).then(|| std::str::from_utf8(value));
    match text.transpose() {
        Ok(text) => Some((name, text)),
        Err(_) => None,
    }
}

/// CRC-32 (ISO 3309), a byte at a time: events are short, and few.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize] ^ (crc >> 8);
    !bytes.iter().fold(!0, step)
}

static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0xEDB8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
};

/// Writes a message, as tests and the checks of fuzz targets need it.
#[doc(hidden)]
pub fn write(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(name.len() as u8);
        block.extend_from_slice(name.as_bytes());
        block.push(7);
        block.extend_from_slice(&(value.len() as u16).to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    let total = PRELUDE + block.len() + payload.len() + TRAILER;
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&(total as u32).to_be_bytes());
    out.extend_from_slice(&(block.len() as u32).to_be_bytes());
    out.extend_from_slice(&crc(&out).to_be_bytes());
    out.extend_from_slice(&block);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc(&out).to_be_bytes());
    out
}

#[cfg(test)]
#[path = "eventstream_tests.rs"]
mod tests;
