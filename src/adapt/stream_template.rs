//! The hot path of a stream: chunks that differ from an earlier one only in the text they add.
//!
//! Nearly every chunk of a stream repeats the last one byte for byte around one string: the content, the reasoning or
//! the arguments of a tool call (and `obfuscation`, which OpenAI fills with noise). Once the slow path has made the
//! canonical form of such a chunk, a [`Template`] holds the bytes around its strings, before and after; a chunk that
//! fits costs two comparisons and three copies. Whatever does not fit, to the byte, takes the slow path.

use memchr::memchr2;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Where the variable text of a chunk goes, for accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    /// `delta.content`.
    Content,
    /// `delta.reasoning_content` or `delta.reasoning`.
    Reasoning,
    /// `delta.tool_calls[0].function.arguments`; choice and tool call index.
    Arguments(u64, u64),
}

/// A learnt chunk. One or two strings vary: the hole's and `obfuscation`'s.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) hole: Hole,
    /// Bytes of the upstream's chunk around the strings, in its order.
    raw: Vec<Box<[u8]>>,
    /// Which raw string (0 or 1) is the hole.
    hole_at: usize,
    /// Bytes of the canonical event around the strings, in its order.
    out: Vec<Box<[u8]>>,
    /// Which raw string goes into each gap of `out`.
    order: Vec<usize>,
}

/// The strings of a chunk that fits a template, raw.
#[derive(Debug)]
pub(super) struct Filled<'a> {
    strings: [&'a [u8]; 2],
}

impl Template {
    /// The chunk's variable strings, when everything around them is the template's.
    #[inline]
    pub(super) fn fit<'a>(&self, data: &'a [u8]) -> Option<Filled<'a>> {
        let mut rest = data.strip_prefix(&*self.raw[0])?;
        let mut strings: [&[u8]; 2] = [b"", b""];
        for (literal, string) in self.raw[1..].iter().zip(&mut strings) {
            let end = plain_string_end(rest)?;
            *string = &rest[..end];
            rest = rest[end..].strip_prefix(&**literal)?;
        }
        let filled = rest.is_empty() && !strings[self.hole_at].is_empty();
        filled.then_some(Filled { strings })
    }

    /// The hole's string.
    pub(super) fn text<'a>(&self, filled: &Filled<'a>) -> &'a [u8] {
        filled.strings[self.hole_at]
    }

    /// Appends the canonical event.
    #[inline]
    pub(super) fn write(&self, filled: &Filled<'_>, out: &mut bytes::BytesMut) {
        out.extend_from_slice(&self.out[0]);
        for (literal, &string) in self.out[1..].iter().zip(&self.order) {
            out.extend_from_slice(filled.strings[string]);
            out.extend_from_slice(literal);
        }
    }

    /// Learns from a chunk whose canonical event is made by `render`, given the chunk with other strings in it.
    pub(super) fn learn(
        data: &[u8],
        hole: Hole,
        render: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let chunk: RawChunk<'_> = serde_json::from_slice(data).ok()?;
        let hole_text = chunk.hole(hole)?;
        let mut strings = vec![(offset_in(data, hole_text)?, true)];
        if let Some(noise) = chunk.obfuscation.filter(|raw| raw.get().starts_with('"')) {
            strings.push((offset_in(data, noise)?, false));
            strings.sort_unstable_by_key(|(range, _)| range.0);
        }
        let marks = ["\u{e000}gap-0\u{e001}", "\u{e000}gap-1\u{e001}"];
        let mut raw = Vec::new();
        let mut marked = Vec::new();
        let mut at = 0;
        for (((start, end), _), mark) in strings.iter().zip(marks) {
            raw.push(data[at..*start].into());
            marked.extend_from_slice(&data[at..*start]);
            marked.extend_from_slice(mark.as_bytes());
            at = *end;
        }
        raw.push(data[at..].into());
        marked.extend_from_slice(&data[at..]);
        let rendered = render(&marked)?;
        let mut gaps = Vec::new();
        for (index, mark) in marks.iter().enumerate().take(strings.len()) {
            let mut found = memchr::memmem::find_iter(&rendered, mark.as_bytes());
            match (found.next(), found.next()) {
                (Some(at), None) => gaps.push((at, index, mark.len())),
                // A string that the canonical form leaves out leaves no gap, unless it is the hole.
                (None, None) if !strings[index].1 => {}
                _ => return None,
            }
        }
        gaps.sort_unstable();
        let mut out = Vec::new();
        let mut order = Vec::new();
        let mut at = 0;
        for (start, index, length) in gaps {
            out.push(rendered[at..start].into());
            order.push(index);
            at = start + length;
        }
        out.push(rendered[at..].into());
        Some(Self {
            hole,
            raw,
            hole_at: strings.iter().position(|(_, is_hole)| *is_hole)?,
            out,
            order,
        })
    }
}

/// Length of the JSON string contents at the start of `bytes`, when they are valid and nothing special is in them:
/// no control character, no surrogate escape (which must come in pairs), no broken UTF-8.
#[inline]
fn plain_string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            break;
        }
        match *bytes.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
            b'u' => {
                let digits = bytes.get(at + 2..at + 6)?;
                let surrogate = matches!(digits[0], b'd' | b'D') && digits[1] > b'7';
                if surrogate || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                at += 6;
            }
            _ => return None,
        }
    }
    let text = &bytes[..at];
    let plain = !text.iter().any(|byte| *byte < 0x20) && std::str::from_utf8(text).is_ok();
    plain.then_some(at)
}

/// Where a borrowed JSON string's contents lie in the bytes it was read from.
fn offset_in(data: &[u8], raw: &RawValue) -> Option<(usize, usize)> {
    let text = raw.get();
    let start = (text.as_ptr() as usize).checked_sub(data.as_ptr() as usize)?;
    let end = start + text.len();
    let is_string = text.len() >= 2 && text.starts_with('"') && end <= data.len();
    is_string.then_some((start + 1, end - 1))
}

#[derive(Deserialize)]
struct RawChunk<'a> {
    #[serde(borrow)]
    choices: Vec<RawChoice<'a>>,
    #[serde(borrow)]
    obfuscation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawChoice<'a> {
    #[serde(borrow)]
    delta: Option<RawDelta<'a>>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawDelta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<RawToolCall<'a>>>,
}

#[derive(Deserialize)]
struct RawToolCall<'a> {
    #[serde(borrow)]
    function: RawFunction<'a>,
}

#[derive(Deserialize)]
struct RawFunction<'a> {
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl<'a> RawChunk<'a> {
    fn hole(&self, hole: Hole) -> Option<&'a RawValue> {
        let [choice] = self.choices.as_slice() else {
            return None;
        };
        let Some(delta) = &choice.delta else {
            return choice.text;
        };
        match hole {
            Hole::Content => delta.content,
            Hole::Reasoning => delta.reasoning_content.or(delta.reasoning),
            Hole::Arguments(..) => match delta.tool_calls.as_deref()? {
                [call] => call.function.arguments,
                _ => None,
            },
        }
    }
}
