//! Newline-delimited JSON, cut once, at the byte level.
//!
//! Takes bytes in any split and yields whole lines as slices, without LF or CRLF; empty lines are skipped. As with
//! [`super::sse`], nothing is decoded here, and only a line that crosses a piece is copied.
//! <https://github.com/ndjson/ndjson-spec>

use super::sse::MAX_EVENT_BYTES;
use crate::error::{Error, ErrorKind, Result, Side};
use memchr::memchr;

/// The splitter of one stream.
#[derive(Debug, Default)]
pub struct LineParser {
    /// A line that has not ended yet.
    line: Vec<u8>,
}

impl LineParser {
    /// Takes the next piece and hands every line that it completes to `on`.
    ///
    /// # Errors
    /// Whatever `on` returns, and a line of more than [`MAX_EVENT_BYTES`].
    pub fn push(&mut self, bytes: &[u8], mut on: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut rest = bytes;
        while let Some(length) = memchr(b'\n', rest) {
            let (end, after) = (&rest[..length], &rest[length + 1..]);
            rest = after;
            if self.line.is_empty() {
                hand_out(end, &mut on)?;
                continue;
            }
            self.keep(end)?;
            let mut line = std::mem::take(&mut self.line);
            hand_out(&line, &mut on)?;
            line.clear();
            self.line = line;
        }
        self.keep(rest)
    }

    /// The stream is over: hands out the line that no LF ended, if there is one.
    ///
    /// # Errors
    /// Whatever `on` returns.
    pub fn finish(&mut self, mut on: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let line = std::mem::take(&mut self.line);
        hand_out(&line, &mut on)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<()> {
        if self.line.len() + bytes.len() > MAX_EVENT_BYTES {
            let what = format!("a line of the stream is larger than {MAX_EVENT_BYTES} bytes");
            return Err(Error::new(ErrorKind::ApiConnection, what).side(Side::Upstream));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

fn hand_out(line: &[u8], on: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    match line.trim_ascii() {
        b"" => Ok(()),
        line => on(line),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut parser = LineParser::default();
        let mut seen = Vec::new();
        for piece in pieces {
            let on = |line: &[u8]| {
                seen.push(line.to_vec());
                Ok(())
            };
            parser.push(piece, on).unwrap();
        }
        let on = |line: &[u8]| {
            seen.push(line.to_vec());
            Ok(())
        };
        parser.finish(on).unwrap();
        seen
    }

    #[test]
    fn every_split_gives_the_same_lines() {
        let whole: &[u8] = b"{\"a\":1}\r\n\n{\"b\":\"\xc3\xa9\"}\n{\"c\":2}";
        let expected = lines(&[whole]);
        assert_eq!(expected.len(), 3);
        assert_eq!(expected[0], b"{\"a\":1}");
        for cut in 0..whole.len() {
            assert_eq!(lines(&[&whole[..cut], &whole[cut..]]), expected);
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = LineParser::default();
        let piece = vec![b'x'; MAX_EVENT_BYTES];
        parser.push(&piece, |_| Ok(())).unwrap();
        assert!(parser.push(b"x", |_| Ok(())).is_err());
    }
}
