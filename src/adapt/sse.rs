//! Server-sent events, cut once, at the byte level.
//!
//! Takes bytes in any split and yields whole events and comments as slices. Lines end with LF, CR or CRLF (a CR at
//! the end of a piece may be the first half of a CRLF), one leading byte order mark is dropped, several `data` lines
//! join with LF, one space after the colon is dropped. Only CR and LF end lines: U+2028 and its kind may stand in JSON.
//! Nothing is decoded here: a UTF-8 sequence may be cut anywhere, whoever reads an event validates it whole.
//!
//! An event in one piece is handed out as a slice of that piece; only what crosses a piece is copied.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>

use crate::error::{Error, ErrorKind, Result, Side};
use memchr::memchr2;
use std::ops::Range;

/// Largest event: images come base64 in one event.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An event with data.
    Event {
        /// `event:`, empty when not given.
        name: &'a [u8],
        /// `data:`, lines joined with LF.
        data: &'a [u8],
    },
    /// A comment line, without its colon. Proxies send them to keep a connection open.
    Comment(&'a [u8]),
}

/// The parser of one stream.
#[derive(Debug, Default)]
pub struct SseParser {
    /// Bytes of the byte order mark seen so far; past 2, none is expected any more.
    bom: u8,
    /// The last byte was a CR, so a LF belongs to it.
    after_cr: bool,
    /// A line that has not ended yet.
    line: Vec<u8>,
    /// Data lines of the event so far, when they could not be borrowed.
    data: Vec<u8>,
    has_data: bool,
    name: Vec<u8>,
}

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];
const BOM_DONE: u8 = 3;

impl SseParser {
    /// Takes the next piece and hands every item that it completes to `on`.
    ///
    /// # Errors
    /// Whatever `on` returns, and an event of more than [`MAX_EVENT_BYTES`].
    pub fn push(&mut self, bytes: &[u8], mut on: impl FnMut(Item<'_>) -> Result<()>) -> Result<()> {
        let mut at = self.skip_bom(bytes);
        let mut borrowed: Option<Range<usize>> = None;
        while at < bytes.len() {
            if std::mem::take(&mut self.after_cr) && bytes[at] == b'\n' {
                at += 1;
                continue;
            }
            let Some(length) = memchr2(b'\n', b'\r', &bytes[at..]) else {
                self.check_size(bytes.len() - at)?;
                self.line.extend_from_slice(&bytes[at..]);
                break;
            };
            let end = at + length;
            self.after_cr = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.line_in_piece(bytes, at..end, &mut borrowed, &mut on)?;
            } else {
                self.check_size(length)?;
                self.keep(bytes, &mut borrowed);
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[at..end]);
                self.whole_line(&line, &mut on)?;
                line.clear();
                self.line = line;
            }
            at = end + 1;
        }
        self.keep(bytes, &mut borrowed);
        Ok(())
    }

    /// The stream is over: hands out the event that no empty line ended, if there is one.
    ///
    /// # Errors
    /// Whatever `on` returns.
    pub fn finish(&mut self, mut on: impl FnMut(Item<'_>) -> Result<()>) -> Result<()> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.whole_line(&line, &mut on)?;
        }
        self.whole_line(b"", &mut on)
    }

    fn skip_bom(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while self.bom < BOM_DONE && at < bytes.len() {
            if bytes[at] == BOM[self.bom as usize] {
                self.bom += 1;
                at += 1;
            } else {
                self.line.extend_from_slice(&BOM[..self.bom as usize]);
                self.bom = BOM_DONE;
            }
        }
        at
    }

    fn check_size(&self, more: usize) -> Result<()> {
        if self.line.len() + self.data.len() + more <= MAX_EVENT_BYTES {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ApiConnection,
            format!("an event of the stream is larger than {MAX_EVENT_BYTES} bytes"),
        )
        .side(Side::Upstream))
    }

    /// A line that lies whole in `bytes`: its data is borrowed while it is the event's only data line.
    fn line_in_piece(
        &mut self,
        bytes: &[u8],
        line: Range<usize>,
        borrowed: &mut Option<Range<usize>>,
        on: &mut impl FnMut(Item<'_>) -> Result<()>,
    ) -> Result<()> {
        let text = &bytes[line.clone()];
        if text.is_empty() {
            if let Some(range) = borrowed.take() {
                on(Item::Event {
                    name: &self.name,
                    data: &bytes[range],
                })?;
                self.name.clear();
                return Ok(());
            }
            return self.whole_line(text, on);
        }
        if let (Some(value), false, None) = (text.strip_prefix(b"data:"), self.has_data, &borrowed)
        {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            *borrowed = Some(line.end - value.len()..line.end);
            return Ok(());
        }
        self.keep(bytes, borrowed);
        self.whole_line(text, on)
    }

    /// Copies what was borrowed from a piece that ends, or that a second data line joins.
    fn keep(&mut self, bytes: &[u8], borrowed: &mut Option<Range<usize>>) {
        if let Some(range) = borrowed.take() {
            self.data.extend_from_slice(&bytes[range]);
            self.has_data = true;
        }
    }

    fn whole_line(
        &mut self,
        line: &[u8],
        on: &mut impl FnMut(Item<'_>) -> Result<()>,
    ) -> Result<()> {
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                on(Item::Event {
                    name: &self.name,
                    data: &self.data,
                })?;
            }
            self.data.clear();
            self.name.clear();
            return Ok(());
        }
        if line[0] == b':' {
            return on(Item::Comment(&line[1..]));
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.check_size(value.len())?;
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Seen {
        Event(String, String),
        Comment(String),
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn parse(pieces: &[&[u8]]) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut parser = SseParser::default();
        let mut on = |item: Item<'_>| {
            seen.push(match item {
                Item::Event { name, data } => Seen::Event(text(name), text(data)),
                Item::Comment(comment) => Seen::Comment(text(comment)),
            });
            Ok(())
        };
        for piece in pieces {
            parser.push(piece, &mut on).unwrap();
        }
        parser.finish(&mut on).unwrap();
        seen
    }

    fn event(name: &str, data: &str) -> Seen {
        Seen::Event(name.into(), data.into())
    }

    const EVERYTHING: &[u8] = b"\xEF\xBB\xBF: hello\n\ndata: {\"a\":1}\r\n\r\nevent: ping\rdata:x\r\rid: 7\nretry: 5\n\n\
        data: one\ndata:  two\ndata\n\n:\ndata: \xE2\x80\xA8\xF0\x9F\x98\x80\r\n\nevent: lost\n\nfield: no\ndata:[DONE]";

    #[test]
    fn every_form_of_line_and_field_is_read() {
        assert_eq!(
            parse(&[EVERYTHING]),
            [
                Seen::Comment(" hello".into()),
                event("", "{\"a\":1}"),
                event("ping", "x"),
                event("", "one\n two\n"),
                Seen::Comment(String::new()),
                event("", "\u{2028}😀"),
                event("", "[DONE]"),
            ]
        );
    }

    #[test]
    fn any_two_cuts_give_the_same_items() {
        let whole = parse(&[EVERYTHING]);
        for first in 0..=EVERYTHING.len() {
            for second in first..=EVERYTHING.len() {
                let pieces = [
                    &EVERYTHING[..first],
                    &EVERYTHING[first..second],
                    &EVERYTHING[second..],
                ];
                assert_eq!(parse(&pieces), whole, "cut at {first} and {second}");
            }
        }
        let bytes: Vec<&[u8]> = EVERYTHING.chunks(1).collect();
        assert_eq!(parse(&bytes), whole);
    }

    #[test]
    fn half_a_byte_order_mark_is_text() {
        assert_eq!(parse(&[b"\xEF", b"\xBBdata: x\n\n"]), []);
        assert_eq!(parse(&[b"\xEF\xBB", b"\xBFdata: x\n\n"]), [event("", "x")]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; 1 << 20];
        let mut result = Ok(());
        for _ in 0..=64 {
            result = parser.push(&piece, |_| Ok(()));
            if result.is_err() {
                break;
            }
        }
        assert_eq!(result.unwrap_err().kind, ErrorKind::ApiConnection);
    }
}
