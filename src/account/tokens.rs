//! Token counts as LiteLLM makes them: tiktoken's encodings by model name, OpenAI's accounting of messages and tools.
//!
//! An encoding is built with its first use (tens of milliseconds); counting is work for a thread that may be busy, not
//! for one that does IO. Texts beyond [`MAX_EXACT_CHARS`] are sampled, and repetitive ones are cut, so that no input
//! costs more than its length is worth.

mod tables;
mod tools;
mod words;

use crate::catalog;
use crate::error::{Error, Result};
use serde_json::{Map, Value};

pub use tools::definitions;

/// Characters counted exactly; longer texts are sampled (LiteLLM's `TOKEN_COUNTER_MAX_EXACT_CHARS`).
pub const MAX_EXACT_CHARS: usize = 4_000_000;
/// Samples taken of a longer text.
const SAMPLES: usize = 16;
/// Characters encoded at a time (LiteLLM's `TIKTOKEN_ENCODE_CHUNK_SIZE_CHARS`).
const CHUNK_CHARS: usize = 1024;
/// Tokens around each message, a name's, and of the reply's opening.
const PER_MESSAGE: i64 = 3;
const PER_NAME: i64 = 1;
const REPLY: i64 = 3;
/// Tokens of an image whose size is not looked at.
const IMAGE: i64 = 85;
/// Tokens of an image when the caller wants no look at it (LiteLLM's `DEFAULT_IMAGE_TOKEN_COUNT`).
const DEFAULT_IMAGE: i64 = 250;

/// One of tiktoken's encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Encoding {
    R50k,
    P50k,
    Cl100k,
    O200k,
}

/// tiktoken's names, where they are not told by a prefix.
const EXACT: &[(&str, Encoding)] = &[
    ("o1", Encoding::O200k),
    ("o3", Encoding::O200k),
    ("o4-mini", Encoding::O200k),
    ("gpt-5", Encoding::O200k),
    ("gpt-4.1", Encoding::O200k),
    ("gpt-4o", Encoding::O200k),
    ("gpt-4", Encoding::Cl100k),
    ("gpt-3.5-turbo", Encoding::Cl100k),
    ("gpt-3.5", Encoding::Cl100k),
    ("gpt-35-turbo", Encoding::Cl100k),
    ("davinci-002", Encoding::Cl100k),
    ("babbage-002", Encoding::Cl100k),
    ("text-embedding-ada-002", Encoding::Cl100k),
    ("text-embedding-3-small", Encoding::Cl100k),
    ("text-embedding-3-large", Encoding::Cl100k),
    ("text-davinci-003", Encoding::P50k),
    ("text-davinci-002", Encoding::P50k),
    ("code-davinci-002", Encoding::P50k),
    ("code-cushman-001", Encoding::P50k),
    ("text-davinci-001", Encoding::R50k),
    ("davinci", Encoding::R50k),
    ("curie", Encoding::R50k),
    ("babbage", Encoding::R50k),
    ("ada", Encoding::R50k),
];

/// tiktoken's prefixes, in its order.
const PREFIXES: &[(&str, Encoding)] = &[
    ("o1-", Encoding::O200k),
    ("o3-", Encoding::O200k),
    ("o4-mini-", Encoding::O200k),
    ("gpt-5", Encoding::O200k),
    ("gpt-4.5-", Encoding::O200k),
    ("gpt-4.1-", Encoding::O200k),
    ("chatgpt-4o-", Encoding::O200k),
    ("gpt-4o-", Encoding::O200k),
    ("gpt-4-", Encoding::Cl100k),
    ("gpt-3.5-turbo-", Encoding::Cl100k),
    ("gpt-35-turbo-", Encoding::Cl100k),
    ("gpt-oss-", Encoding::O200k),
    ("ft:gpt-4o", Encoding::O200k),
    ("ft:gpt-4", Encoding::Cl100k),
    ("ft:gpt-3.5-turbo", Encoding::Cl100k),
    ("ft:davinci-002", Encoding::Cl100k),
    ("ft:babbage-002", Encoding::Cl100k),
];

impl Encoding {
    /// The encoding that LiteLLM counts a model with. Models that are not OpenAI's are counted with `cl100k_base`.
    pub fn of(model: &str) -> Self {
        let name = openai_name(model).unwrap_or("gpt-3.5-turbo");
        if name.contains("gpt-4o") {
            return Self::O200k;
        }
        by_tiktoken(name).unwrap_or_else(|| {
            let variant = EXACT
                .iter()
                .filter(|(known, _)| {
                    name.strip_prefix(known)
                        .is_some_and(|rest| rest.starts_with('-'))
                })
                .max_by_key(|(known, _)| known.len());
            variant.map_or(Self::O200k, |(_, encoding)| *encoding)
        })
    }

    /// Token ids of a text; special tokens are text like any other.
    pub fn encode(self, text: &str) -> Vec<u32> {
        tables::core(self).map_or_else(Vec::new, |core| core.encode_ordinary(text))
    }

    /// The text of token ids; bytes that are no UTF-8 become U+FFFD. `None` for an id that is none.
    pub fn decode(self, ids: &[u32]) -> Option<String> {
        let bytes = tables::core(self)?.decode_bytes(ids).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Tokens of a text.
    pub fn count(self, text: &str) -> i64 {
        if text.len() <= MAX_EXACT_CHARS {
            return self.exact(text);
        }
        let chars: Vec<char> = text.chars().collect();
        if chars.len() <= MAX_EXACT_CHARS {
            return self.exact(text);
        }
        let size = MAX_EXACT_CHARS / SAMPLES;
        let last = chars.len() - size;
        let counted: i64 = (0..SAMPLES)
            .map(|i| last * i / (SAMPLES - 1))
            .map(|start| self.exact(&chars[start..start + size].iter().collect::<String>()))
            .sum();
        (counted as f64 * chars.len() as f64 / (size * SAMPLES) as f64).round() as i64
    }

    fn exact(self, text: &str) -> i64 {
        let mut count = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let at = match rest.get(..CHUNK_CHARS) {
                Some(start) if start.is_ascii() => CHUNK_CHARS,
                _ => rest
                    .char_indices()
                    .nth(CHUNK_CHARS)
                    .map_or(rest.len(), |(at, _)| at),
            };
            let (chunk, tail) = rest.split_at(at);
            let words = words::count(self, chunk);
            count += words.unwrap_or_else(|| self.encode(chunk).len()) as i64;
            rest = tail;
        }
        count
    }
}

fn by_tiktoken(name: &str) -> Option<Encoding> {
    let exact = EXACT.iter().find(|(known, _)| *known == name);
    exact
        .or_else(|| PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)))
        .map(|(_, encoding)| *encoding)
}

/// The last part of a name that is an OpenAI model's, with or without provider and region before it.
fn openai_name(model: &str) -> Option<&str> {
    let last = model.rsplit('/').next().unwrap_or(model);
    let listed = |name: &str| {
        catalog::entry(name).is_some_and(|entry| {
            let text = |member: &str| {
                entry
                    .get(member)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let provider = text("litellm_provider");
            provider == "openai"
                || (provider == "azure"
                    && matches!(text("mode"), "chat" | "completion" | "responses")
                    && (by_tiktoken(last).is_some() || is_versioned(last)))
        })
    };
    let parts: Vec<usize> = std::iter::once(0)
        .chain(model.match_indices('/').map(|(at, _)| at + 1))
        .collect();
    if parts
        .iter()
        .any(|at| listed(&model[*at..]) || listed(&format!("azure/{}", &model[*at..])))
    {
        return Some(last);
    }
    (by_tiktoken(last) == Some(Encoding::O200k) || is_versioned(last)).then_some(last)
}

/// Whether a name is shaped like a release of the gpt-5 line or later, or of the o-series.
fn is_versioned(name: &str) -> bool {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '-']);
    let number = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    if let Some(rest) = name.strip_prefix("gpt-") {
        let digits = number(rest);
        return rest[..digits].parse::<u32>().is_ok_and(|n| n >= 5) && ends(&rest[digits..]);
    }
    name.strip_prefix('o').is_some_and(|rest| {
        let digits = number(rest);
        digits > 0 && !rest.starts_with('0') && ends(&rest[digits..])
    })
}

/// Tokens of messages, with the tools offered and the choice among them.
///
/// `primed` adds the reply's opening and the tools: off when a reply is counted. `default_images` counts each image at
/// a fixed size.
///
/// # Errors
/// [`Error::bad_request`] for content of a kind that cannot be counted, unless `fallback` says what it counts for.
pub struct Prompt<'a> {
    /// Whose tokens.
    pub encoding: Encoding,
    /// The messages.
    pub messages: &'a [Value],
    /// The tools offered.
    pub tools: Option<&'a [Value]>,
    /// The choice among them.
    pub tool_choice: Option<&'a Value>,
    /// Whether the reply's opening counts.
    pub primed: bool,
    /// Whether images count at a fixed size.
    pub default_images: bool,
    /// What content counts that cannot be counted.
    pub fallback: Option<i64>,
}

impl Prompt<'_> {
    /// The count.
    pub fn count(&self) -> Result<i64> {
        let mut count = 0;
        for message in self.messages.iter().filter_map(Value::as_object) {
            count += PER_MESSAGE;
            for (key, value) in message {
                count += self.member(key, value)?;
            }
        }
        if self.primed {
            count += REPLY + self.tools() + self.choice();
        }
        Ok(count)
    }

    fn text(&self, text: &str) -> i64 {
        self.encoding.count(text)
    }

    fn member(&self, key: &str, value: &Value) -> Result<i64> {
        Ok(match (key, value) {
            ("tool_calls", Value::Array(calls)) => {
                let mut count = 0;
                for call in calls {
                    let function = call
                        .get("function")
                        .ok_or_else(|| Error::bad_request("a tool call has no `function`"))?;
                    count += self.text(&plain(function.get("arguments")));
                }
                count
            }
            ("function_call", Value::Object(call)) => self.text(&plain(call.get("arguments"))),
            ("tool_calls" | "function_call", Value::Null) => 0,
            ("tool_calls" | "function_call", _) => {
                return Err(Error::bad_request(format!(
                    "`{key}` of a message is of the wrong type"
                )));
            }
            (_, Value::String(text)) => self.text(text) + if key == "name" { PER_NAME } else { 0 },
            ("content", Value::Array(parts)) => self.parts(parts)?,
            _ => 0,
        })
    }

    fn parts(&self, parts: &[Value]) -> Result<i64> {
        let mut count = 0;
        for part in parts {
            match self.part(part) {
                Ok(tokens) => count += tokens,
                Err(error) => return self.fallback.ok_or(error),
            }
        }
        Ok(count)
    }

    fn part(&self, part: &Value) -> Result<i64> {
        if let Value::String(text) = part {
            return Ok(self.text(text));
        }
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        let field = |name: &str| {
            part.get(name)
                .and_then(Value::as_str)
                .map_or(0, |text| self.text(text))
        };
        Ok(match kind {
            "text" => field("text"),
            "thinking" | "redacted_thinking" => field("thinking"),
            "compaction" => field("content"),
            "tool_reference" => field("tool_name"),
            "image_url" => self.image(part.get("image_url"))?,
            "image" | "document" | "file" => self.picture(),
            "tool_use" | "tool_result" | "search_result" => self.anthropic(part)?,
            other => {
                return Err(Error::bad_request(format!("content of type `{other}` cannot be counted"))
                    .hint("text, image_url, image, document, file, tool_use, tool_result and thinking can"));
            }
        })
    }

    fn picture(&self) -> i64 {
        if self.default_images {
            DEFAULT_IMAGE
        } else {
            IMAGE
        }
    }

    fn image(&self, image: Option<&Value>) -> Result<i64> {
        let (url, detail) = match image {
            Some(Value::String(url)) => (url.as_str(), "auto"),
            Some(Value::Object(image)) => (
                image.get("url").and_then(Value::as_str).unwrap_or_default(),
                image
                    .get("detail")
                    .and_then(Value::as_str)
                    .unwrap_or("auto"),
            ),
            _ => {
                return Err(Error::bad_request(
                    "`image_url` is neither a text nor an object with `url`",
                ));
            }
        };
        if !matches!(detail, "low" | "high" | "auto") {
            return Err(Error::bad_request(format!(
                "`detail` of an image is `{detail}`, not low, high or auto"
            )));
        }
        if url.trim().is_empty() {
            return Err(Error::bad_request("`image_url` is empty"));
        }
        Ok(if self.default_images {
            DEFAULT_IMAGE
        } else {
            tools::image(url, detail, IMAGE)
        })
    }

    /// A block of Anthropic's: its texts and nested content, without the members that only name it.
    fn anthropic(&self, part: &Value) -> Result<i64> {
        let mut count = 0;
        for (key, value) in part.as_object().into_iter().flatten() {
            if matches!(
                key.as_str(),
                "type" | "id" | "tool_use_id" | "cache_control" | "is_error"
            ) {
                continue;
            }
            count += match value {
                Value::String(text) => self.text(text),
                Value::Array(parts) => self.parts(parts)?,
                Value::Object(_) => self.text(&plain(Some(value))),
                _ => 0,
            };
        }
        Ok(count)
    }

    fn tools(&self) -> i64 {
        let Some(tools) = self.tools.filter(|tools| !tools.is_empty()) else {
            return 0;
        };
        let system = self
            .messages
            .iter()
            .any(|m| m.get("role").and_then(Value::as_str) == Some("system"));
        self.text(&definitions(tools)) + 9 - if system { 4 } else { 0 }
    }

    fn choice(&self) -> i64 {
        match self.tool_choice {
            Some(Value::String(choice)) if choice == "none" => 1,
            Some(Value::Object(choice)) => {
                let name = choice
                    .get("function")
                    .and_then(|f| f.get("name"))
                    .or(choice.get("name"));
                match name.and_then(Value::as_str) {
                    Some(name) => 7 + self.text(name),
                    None => i64::from(choice.get("type").and_then(Value::as_str) == Some("none")),
                }
            }
            _ => 0,
        }
    }
}

/// A value as Python's `str` would have it: texts as they are, objects as JSON.
fn plain(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// An object of a JSON value, for [`definitions`].
type Object = Map<String, Value>;

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
