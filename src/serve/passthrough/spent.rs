//! What a reply that is passed through used, read in passing: the bytes go on as they came.

use crate::account::price::Quote;
use crate::account::{Cost, Usage};
use crate::adapt::providers::bedrock::eventstream::{Broken, Parser};
use crate::adapt::sse::{Item, SseParser};
use serde_json::Value;

/// Reads what a provider's replies say of their use.
#[derive(Default)]
pub struct Spent {
    provider: Option<&'static str>,
    model: Option<String>,
    priced: bool,
    usage: Option<Usage>,
    events: Option<SseParser>,
    frames: Option<Parser>,
}

impl Spent {
    /// Of a provider's reply; `model` as the path names it. `priced`: whether the map's prices apply; a mirror's are
    /// not known, and LiteLLM tells them as nothing.
    pub fn new(provider: Option<&'static str>, model: Option<String>, priced: bool) -> Self {
        Self {
            provider,
            model,
            priced,
            ..Self::default()
        }
    }

    /// Takes a piece of a stream.
    pub fn piece(&mut self, bytes: &[u8]) {
        if self.provider.is_none() {
            return;
        }
        if self.provider == Some("bedrock") {
            return self.frame(bytes);
        }
        let mut parser = self.events.take().unwrap_or_default();
        // What cannot be read is passed on all the same.
        let _ = parser.push(bytes, |item| {
            if let Item::Event { data, .. } = item
                && memchr::memmem::find(data, b"sage").is_some()
                && let Ok(event) = serde_json::from_slice::<Value>(data)
            {
                self.reply(&event);
            }
            Ok(())
        });
        self.events = Some(parser);
    }

    /// The same of Amazon's event stream.
    fn frame(&mut self, bytes: &[u8]) {
        let mut frames = self.frames.take().unwrap_or_default();
        let read: Result<(), Broken> = frames.push(bytes, |message| {
            if memchr::memmem::find(message.payload, b"sage").is_some()
                && let Ok(event) = serde_json::from_slice::<Value>(message.payload)
            {
                self.reply(&event);
            }
            Ok(())
        });
        // What is no such stream is passed on all the same, and not looked at again.
        match read {
            Ok(()) => self.frames = Some(frames),
            Err(_) => self.provider = None,
        }
    }

    /// Takes a whole reply, or an event.
    pub fn reply(&mut self, said: &Value) {
        if self.provider.is_none() {
            return;
        }
        let said = if said["message"]["usage"].is_object() {
            &said["message"]
        } else {
            said
        };
        if let Some(model) = said["model"].as_str().or(said["modelVersion"].as_str()) {
            self.model = Some(model.to_owned());
        }
        let earlier = self.usage.take();
        let found = if said["usageMetadata"].is_object() {
            Some(google(&said["usageMetadata"]))
        } else if said["usage"]["inputTokens"].is_u64() {
            Some(bedrock(&said["usage"]))
        } else if said["usage"]["input_tokens"].is_u64() || said["usage"]["output_tokens"].is_u64()
        {
            Some(anthropic(&said["usage"], earlier.as_ref()))
        } else {
            let used = said["usage"].as_object();
            used.map(|used| crate::adapt::usage::counts(used, said["service_tier"].as_str()))
        };
        self.usage = found.or(earlier);
    }

    /// What was used.
    pub fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    /// What it costs, where usage and price are known.
    pub fn cost(&self) -> Option<Cost> {
        if self.usage.is_some() && !self.priced {
            return Some(Cost::default());
        }
        let quote = Quote::of(self.provider?, self.model.as_deref()?, None, None)?;
        Some(quote.cost(self.usage.as_ref()?))
    }
}

fn count(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or(0)
}

/// Prompt and completion, and what the cache gave and took of the prompt.
fn used(prompt: u64, completion: u64, read: u64, written: u64) -> Usage {
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        cached_tokens: read,
        cache_creation_tokens: written,
        ..Usage::default()
    }
}

/// Gemini counts thoughts apart from the answer.
fn google(said: &Value) -> Usage {
    let thoughts = count(said, "thoughtsTokenCount");
    let completion = count(said, "candidatesTokenCount") + thoughts;
    let read = count(said, "cachedContentTokenCount");
    Usage {
        reasoning_tokens: thoughts,
        ..used(count(said, "promptTokenCount"), completion, read, 0)
    }
}

/// Bedrock counts what its cache gave and took beside the input.
fn bedrock(said: &Value) -> Usage {
    let (read, written) = (
        count(said, "cacheReadInputTokens"),
        count(said, "cacheWriteInputTokens"),
    );
    let prompt = count(said, "inputTokens") + read + written;
    used(prompt, count(said, "outputTokens"), read, written)
}

/// Anthropic counts what its cache gave and took beside the input, and tells the output of a stream later.
fn anthropic(said: &Value, earlier: Option<&Usage>) -> Usage {
    let completion = count(said, "output_tokens");
    if let Some(earlier) = earlier.filter(|_| !said["input_tokens"].is_u64()) {
        let (read, written) = (earlier.cached_tokens, earlier.cache_creation_tokens);
        return used(earlier.prompt_tokens, completion, read, written);
    }
    let (read, written) = (
        count(said, "cache_read_input_tokens"),
        count(said, "cache_creation_input_tokens"),
    );
    let prompt = count(said, "input_tokens") + read + written;
    used(prompt, completion, read, written)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::adapt::providers::bedrock::eventstream::write;

    #[test]
    fn a_stream_is_priced_however_it_is_cut() {
        let events = concat!(
            "event: message_start\ndata: {\"message\":{\"model\":\"claude-sonnet-4-5-20250929\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n",
            "event: message_delta\ndata: {\"usage\":{\"output_tokens\":3}}\n\n"
        );
        for cut in 0..events.len() {
            let mut spent = Spent::new(Some("anthropic"), None, true);
            let (first, second) = events.as_bytes().split_at(cut);
            spent.piece(first);
            spent.piece(second);
            assert!(
                (spent.cost().unwrap().total - 7.2e-5).abs() < 1e-12,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn amazons_frames_are_priced_however_they_are_cut_and_what_is_none_is_passed_over() {
        let headers = [(":message-type", "event"), (":event-type", "metadata")];
        let said = br#"{"usage":{"inputTokens":1000,"outputTokens":1000,"totalTokens":2000}}"#;
        let mut frames = write(&headers, br#"{"delta":{"text":"Hello"}}"#);
        frames.extend(write(&headers, said));
        let model = || Some("amazon.nova-lite-v1:0".to_owned());
        for cut in 0..frames.len() {
            let mut spent = Spent::new(Some("bedrock"), model(), true);
            let (first, second) = frames.split_at(cut);
            spent.piece(first);
            spent.piece(second);
            assert!(
                (spent.cost().unwrap().total - 3e-4).abs() < 1e-12,
                "cut at {cut}"
            );
        }
        let mut other = Spent::new(Some("bedrock"), model(), true);
        other.piece(b"this is no event stream at all");
        other.piece(&frames);
        assert!(other.cost().is_none());
    }

    #[test]
    fn thoughts_are_output_and_an_unknown_provider_costs_nothing_known() {
        let said = serde_json::json!({"modelVersion": "gemini-2.5-flash",
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1, "thoughtsTokenCount": 2}});
        let mut spent = Spent::new(Some("gemini"), None, true);
        spent.reply(&said);
        assert_eq!(spent.usage().unwrap().completion_tokens, 3);
        let mut nobody = Spent::new(None, None, true);
        nobody.reply(&said);
        assert!(nobody.cost().is_none());
    }
}
