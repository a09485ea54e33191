//! The tables of tiktoken's encodings, as `build.rs` packs them: a seventh of what tiktoken-rs would compile in.

use super::Encoding;
use flate2::read::DeflateDecoder;
use std::io::Read;
use std::sync::LazyLock;
use tiktoken_rs::CoreBPE;

/// How GPT-2 to GPT-3 cut a text into words.
const GPT2_WORDS: &str =
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";

/// How `cl100k_base` cuts a text into words.
const CL100K_WORDS: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";

/// How `o200k_base` cuts a text into words.
const O200K_WORDS: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

macro_rules! packed {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".deflate"))
    };
}

static R50K: LazyLock<Option<CoreBPE>> = LazyLock::new(|| {
    built(
        packed!("r50k_base"),
        &[("<|endoftext|>", 50256)],
        GPT2_WORDS,
    )
});
static P50K: LazyLock<Option<CoreBPE>> = LazyLock::new(|| {
    built(
        packed!("p50k_base"),
        &[("<|endoftext|>", 50256)],
        GPT2_WORDS,
    )
});
static CL100K: LazyLock<Option<CoreBPE>> = LazyLock::new(|| {
    let special = [
        ("<|endoftext|>", 100257),
        ("<|fim_prefix|>", 100258),
        ("<|fim_middle|>", 100259),
        ("<|fim_suffix|>", 100260),
        ("<|endofprompt|>", 100276),
    ];
    built(packed!("cl100k_base"), &special, CL100K_WORDS)
});
static O200K: LazyLock<Option<CoreBPE>> = LazyLock::new(|| {
    let special = [("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)];
    built(packed!("o200k_base"), &special, O200K_WORDS)
});

/// An encoding, built with its first use. `None` would be a broken build: a test builds each.
pub fn core(encoding: Encoding) -> Option<&'static CoreBPE> {
    let built = match encoding {
        Encoding::R50k => &R50K,
        Encoding::P50k => &P50K,
        Encoding::Cl100k => &CL100K,
        Encoding::O200k => &O200K,
    };
    built.as_ref()
}

fn built(packed: &[u8], special: &[(&str, u32)], words: &str) -> Option<CoreBPE> {
    let mut table = Vec::new();
    DeflateDecoder::new(packed).read_to_end(&mut table).ok()?;
    let mut rest = &table[..];
    let tokens = std::iter::from_fn(|| {
        let (length, after) = rest.split_first()?;
        let (token, after) = after.split_at_checked(usize::from(*length))?;
        rest = after;
        Some(token.to_vec())
    });
    let ranked = tokens
        .zip(0u32..)
        .filter(|(token, _)| !token.is_empty())
        .collect();
    let special = special
        .iter()
        .map(|(token, rank)| ((*token).to_owned(), *rank))
        .collect();
    CoreBPE::new(ranked, special, words).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Texts in which every alternative of the patterns matches.
    const TEXTS: &[&str] = &[
        "Hello, world! It's 12345 o'clock; they'LL say \"naïve\" \u{1F980}.",
        "\n\n  indented\r\n\ttabs   and   spaces  \n",
        "東京は日本の首都です。Привет мир! ÉCOLE cafés i\u{307}",
        "fn main() { let x = vec![1, 2]; }\n// <|endoftext|> is text here",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa /// --- === ###",
    ];

    #[test]
    fn the_tables_are_tiktokens() {
        for (encoding, theirs) in [
            (Encoding::R50k, tiktoken_rs::r50k_base().unwrap()),
            (Encoding::P50k, tiktoken_rs::p50k_base().unwrap()),
            (Encoding::Cl100k, tiktoken_rs::cl100k_base().unwrap()),
            (Encoding::O200k, tiktoken_rs::o200k_base().unwrap()),
        ] {
            let ours = core(encoding).unwrap();
            assert_eq!(ours.special_tokens(), theirs.special_tokens());
            for text in TEXTS {
                let ids = theirs.encode_ordinary(text);
                assert_eq!(ours.encode_ordinary(text), ids, "{encoding:?} {text:?}");
                assert_eq!(
                    ours.encode_with_special_tokens(text),
                    theirs.encode_with_special_tokens(text)
                );
            }
            for rank in (0..200_020).step_by(7) {
                assert_eq!(
                    ours.decode_bytes(&[rank]).ok(),
                    theirs.decode_bytes(&[rank]).ok()
                );
            }
        }
    }
}
