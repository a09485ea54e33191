//! Counting without the patterns: texts of ASCII, which most are, are cut into words by hand, as the patterns of
//! `cl100k_base` and `o200k_base` cut them, and how many tokens a word has is remembered. Whatever is not ASCII takes
//! the patterns' way; a test compares the two.

use super::{Encoding, tables};
use foldhash::HashMap;
use parking_lot::RwLock;

/// Words that are remembered for each encoding, and the longest of them, in bytes.
const MAX_WORDS: usize = 1 << 16;
const MAX_LENGTH: usize = 32;

static CL100K: Known = RwLock::new(None);
static O200K: Known = RwLock::new(None);

type Known = RwLock<Option<HashMap<Box<[u8]>, u32>>>;

/// Tokens of a text; `None` where the patterns have to tell.
pub fn count(encoding: Encoding, text: &str) -> Option<usize> {
    let (end, known): (fn(&[u8]) -> usize, &Known) = match encoding {
        Encoding::Cl100k => (cl100k, &CL100K),
        Encoding::O200k => (o200k, &O200K),
        Encoding::R50k | Encoding::P50k => return None,
    };
    if !text.is_ascii() {
        return None;
    }
    let mut tokens = 0;
    let mut strange = Vec::new();
    let mut rest = text.as_bytes();
    {
        let known = known.read();
        while !rest.is_empty() {
            let (word, after) = rest.split_at(end(rest));
            rest = after;
            match known.as_ref().and_then(|known| known.get(word)) {
                Some(count) => tokens += *count as usize,
                None => strange.push(word),
            }
        }
    }
    for word in strange {
        // A word that comes again in the text is known by now.
        if let Some(count) = known.read().as_ref().and_then(|known| known.get(word)) {
            tokens += *count as usize;
            continue;
        }
        let count = tables::core(encoding)?
            .encode_ordinary(std::str::from_utf8(word).ok()?)
            .len();
        tokens += count;
        let mut known = known.write();
        let known = known.get_or_insert_default();
        if known.len() < MAX_WORDS && word.len() <= MAX_LENGTH {
            known.insert(word.into(), u32::try_from(count).ok()?);
        }
    }
    Some(tokens)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | b' ')
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Neither white space nor letter nor digit.
fn is_mark(byte: u8) -> bool {
    !is_space(byte) && !byte.is_ascii_alphanumeric()
}

/// How many bytes from the start are so.
fn run(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is(**byte)).count()
}

/// One byte before letters that belongs to them: anything but line ends, letters and digits.
fn before_letters(text: &[u8]) -> usize {
    let first = text[0];
    usize::from(!is_line_end(first) && !first.is_ascii_alphanumeric())
}

/// `'s`, `'re` and the like: how long it is.
fn contraction(text: &[u8]) -> usize {
    let letter = |at: usize| text.get(at).map(u8::to_ascii_lowercase);
    if text.first() != Some(&b'\'') {
        return 0;
    }
    match (letter(1), letter(2)) {
        (Some(b's' | b'd' | b'm' | b't'), _) => 2,
        (Some(b'l'), Some(b'l')) | (Some(b'v' | b'r'), Some(b'e')) => 3,
        _ => 0,
    }
}

/// Marks, with a space before them and `tail` behind.
fn marks(text: &[u8], tail: impl Fn(u8) -> bool) -> usize {
    let start = usize::from(text[0] == b' ');
    let marks = run(&text[start..], is_mark);
    if marks == 0 {
        return 0;
    }
    let end = start + marks;
    end + run(&text[end..], tail)
}

/// White space: to its last line end; all of it at the text's end; else all but the one before the next word.
fn space(text: &[u8]) -> usize {
    let length = run(text, is_space);
    let line_end = text[..length].iter().rposition(|byte| is_line_end(*byte));
    match line_end {
        Some(at) => at + 1,
        None if length == text.len() || length == 1 => length,
        None => length - 1,
    }
}

/// Where the first word of `cl100k_base` ends.
fn cl100k(text: &[u8]) -> usize {
    let short = contraction(text);
    if short > 0 {
        return short;
    }
    let before = before_letters(text);
    let letters = run(&text[before..], |byte| byte.is_ascii_alphabetic());
    if letters > 0 {
        return before + letters;
    }
    if text[0].is_ascii_digit() {
        return run(&text[..text.len().min(3)], |byte| byte.is_ascii_digit());
    }
    match marks(text, is_line_end) {
        // Unlike `o200k_base` it takes all of the white space that ends a text, line ends or not.
        0 if run(text, is_space) == text.len() => text.len(),
        0 => space(text),
        marks => marks,
    }
}

/// Where the first word of `o200k_base` ends.
fn o200k(text: &[u8]) -> usize {
    let before = before_letters(text);
    let upper = run(&text[before..], |byte| byte.is_ascii_uppercase());
    let lower = run(&text[before + upper..], |byte| byte.is_ascii_lowercase());
    if upper + lower > 0 {
        let end = before + upper + lower;
        return end + contraction(&text[end..]);
    }
    if text[0].is_ascii_digit() {
        return run(&text[..text.len().min(3)], |byte| byte.is_ascii_digit());
    }
    match marks(text, |byte| is_line_end(byte) || byte == b'/') {
        0 => space(text),
        marks => marks,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn told(encoding: Encoding, text: &str) -> usize {
        tables::core(encoding).unwrap().encode_ordinary(text).len()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn words_are_those_of_the_patterns(
            text in "[ \t\r\n\u{b}\u{1c}aAbsStTrReEvVlLdDmM019'/.,!-]{0,40}",
            prose in "([A-Za-z']{1,12}[ ,.\n]{1,3}){0,12}",
            any in "[\u{0}-\u{7f}]{0,40}",
        ) {
            for encoding in [Encoding::Cl100k, Encoding::O200k] {
                for text in [&text, &prose, &any] {
                    // Twice: what is new, and what is remembered.
                    for _ in 0..2 {
                        prop_assert_eq!(count(encoding, text), Some(told(encoding, text)), "{:?} {:?}", encoding, text);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_ascii_is_left_to_the_patterns() {
        assert_eq!(count(Encoding::O200k, "naïve"), None);
        assert_eq!(count(Encoding::P50k, "plain"), None);
    }
}
