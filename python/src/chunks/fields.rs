//! A chunk of plain text as it is read, and its shape. A member that this file does not name makes it no such chunk.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Which members a chunk has, of those that may be missing.
pub type Shape = [bool; 6];

/// A chunk of plain text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    pub created: i64,
    #[serde(borrow)]
    pub object: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub model: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub system_fingerprint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub choices: [Choice<'a>; 1],
}

/// Its only choice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice<'a> {
    pub index: i64,
    #[serde(borrow)]
    pub delta: Delta<'a>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub finish_reason: Option<Cow<'a, str>>,
}

/// What it adds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    pub role: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub content: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub reasoning_content: Option<Cow<'a, str>>,
}

impl Chunk<'_> {
    /// Chunks of one shape differ in nothing but their values.
    pub fn shape(&self) -> Shape {
        let [choice] = &self.choices;
        [
            self.model.is_some(),
            self.system_fingerprint.is_some(),
            choice.finish_reason.is_some(),
            choice.delta.role.is_some(),
            choice.delta.content.is_some(),
            choice.delta.reasoning_content.is_some(),
        ]
    }
}

/// A text that is given, and not as `null`: that is something else than not given.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    struct Text;

    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
    }

    from.deserialize_str(Text).map(Some)
}
