//! Counting the tokens of a stream whose provider did not: never on a thread that does IO.

use crate::account::tokens::{Encoding, Prompt};
use crate::adapt::stream_usage::{Counter, assembled};
use crate::adapt::usage::Object;
use crate::adapt::{StreamEnd, Target};
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinHandle;

/// Bytes of a prompt that are counted, some 100 ms of a thread; a longer one is taken to go on as it began. All of this
/// is an estimate, and is marked as one.
const MOST_COUNTED: usize = 4 << 20;

/// Starts counting what `end` does not tell.
pub(super) fn counted(end: &StreamEnd, call: &Call, target: &Target) -> JoinHandle<Object> {
    let prompt = match call.op {
        Op::TextCompletion => call.params.raw("prompt").cloned().unwrap_or_default(),
        _ => call.messages(),
    };
    let mut counter = Tokens {
        encoding: Encoding::of(&target.model),
        prompt,
        chat: call.op == Op::Chat,
    };
    let (reported, text) = (end.reported.clone(), end.text.clone());
    tokio::task::spawn_blocking(move || assembled(reported.as_ref(), &text, &mut counter))
}

/// The tokens of a prompt (raw JSON); `None` when it cannot be counted.
pub(super) async fn prompt(op: Op, raw: Bytes, model: String) -> Option<u64> {
    let counted = tokio::task::spawn_blocking(move || {
        let mut counter = Tokens {
            encoding: Encoding::of(&model),
            prompt: raw,
            chat: op == Op::Chat,
        };
        counter.prompt()
    });
    counted.await.ok()
}

struct Tokens {
    encoding: Encoding,
    /// Raw JSON: messages, or a text completion's prompt.
    prompt: Bytes,
    chat: bool,
}

impl Counter for Tokens {
    /// A prompt that cannot be counted counts as empty, as in LiteLLM.
    fn prompt(&mut self) -> u64 {
        if self.prompt.len() > MOST_COUNTED {
            let begun = String::from_utf8_lossy(&self.prompt[..MOST_COUNTED]);
            let counted = self.encoding.count(&begun) as f64;
            return (counted * self.prompt.len() as f64 / MOST_COUNTED as f64) as u64;
        }
        let Ok(prompt) = serde_json::from_slice::<Value>(&self.prompt) else {
            return 0;
        };
        let counted = match (&prompt, self.chat) {
            (Value::Array(messages), true) => {
                let prompt = Prompt {
                    encoding: self.encoding,
                    messages,
                    tools: None,
                    tool_choice: None,
                    primed: true,
                    default_images: false,
                    fallback: None,
                };
                prompt.count().unwrap_or(0)
            }
            (Value::String(text), _) => self.encoding.count(text),
            (Value::Array(texts), false) => texts
                .iter()
                .filter_map(Value::as_str)
                .map(|t| self.encoding.count(t))
                .sum(),
            _ => 0,
        };
        counted.try_into().unwrap_or(0)
    }

    fn completion(&mut self, text: &str) -> u64 {
        self.encoding.count(text).try_into().unwrap_or(0)
    }

    fn reasoning(&mut self, text: &str) -> u64 {
        Encoding::of("").count(text).try_into().unwrap_or(0)
    }
}

/// Counts nothing: the provider did.
pub(super) struct Uncounted;

impl Counter for Uncounted {
    fn prompt(&mut self) -> u64 {
        0
    }
    fn completion(&mut self, _text: &str) -> u64 {
        0
    }
    fn reasoning(&mut self, _text: &str) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(prompt: &str) -> u64 {
        let prompt = Bytes::from(serde_json::to_vec(prompt).unwrap_or_default());
        let encoding = Encoding::of("gpt-4o");
        let chat = false;
        let mut counter = Tokens {
            encoding,
            prompt,
            chat,
        };
        counter.prompt()
    }

    #[test]
    fn a_prompt_without_end_is_estimated_from_its_beginning() {
        let beginning = "word ".repeat(1_000_000);
        let by_itself = tokens(&beginning[..MOST_COUNTED / 100]) * 100;
        // What follows has many more tokens to the byte, and is not looked at.
        let estimated = tokens(&format!("{beginning}{}", "1\t2".repeat(1_000_000)));
        let ratio = estimated as f64 / by_itself as f64;
        let bytes = (beginning.len() + 4_000_000) as f64 / MOST_COUNTED as f64;
        assert!((ratio / bytes - 1.0).abs() < 0.1, "{ratio} {bytes}");
    }
}
