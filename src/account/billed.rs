//! Usage taken apart into what is billed: every token in exactly one class.

use super::Usage;
use serde_json::{Map, Value};

/// Billed units of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Billed {
    pub prompt_tokens: u64,
    pub text: u64,
    pub cached: u64,
    /// Of the cached.
    pub cached_audio: u64,
    pub audio: u64,
    pub image: u64,
    pub video: u64,
    /// Written to the provider's cache, all times to live.
    pub written: u64,
    pub written_5m: u64,
    pub written_30m: u64,
    pub written_1h: u64,
    pub written_12h: u64,
    pub characters: u64,
    pub images: u64,
    pub queries: u64,
    pub audio_seconds: f64,
    pub video_seconds: f64,
    pub out_text: u64,
    pub out_audio: u64,
    pub out_reasoning: u64,
    pub out_image: u64,
    pub out_video: u64,
    /// No breakdown of the output was given.
    pub out_is_all_text: bool,
}

impl Billed {
    /// Of typed usage.
    pub fn of(usage: &Usage) -> Self {
        let mut billed = Self {
            prompt_tokens: usage.prompt_tokens,
            text: usage.prompt_text_tokens.unwrap_or(0),
            cached: usage.cached_tokens,
            audio: usage.prompt_audio_tokens,
            image: usage.prompt_image_tokens,
            written: usage.cache_creation_tokens,
            written_1h: usage.cache_creation_1h_tokens,
            out_text: usage.completion_text_tokens.unwrap_or(0),
            out_audio: usage.completion_audio_tokens,
            out_reasoning: usage.reasoning_tokens,
            out_image: usage.completion_image_tokens,
            ..Self::default()
        };
        billed.settle_input();
        billed.settle_output(usage.completion_tokens);
        billed
    }

    /// Of a usage object in LiteLLM's form.
    pub fn of_json(usage: &Map<String, Value>) -> Self {
        let none = Map::new();
        let part = |name: &str| usage.get(name).and_then(Value::as_object).unwrap_or(&none);
        let (prompt, completion) = (
            part("prompt_tokens_details"),
            part("completion_tokens_details"),
        );
        let ttl = prompt
            .get("cache_creation_token_details")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let cached_parts = prompt
            .get("cached_tokens_details")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let cached = count(prompt, "cached_tokens");
        let cached_audio = count(cached_parts, "audio_tokens").min(cached);
        let cached_text = count(cached_parts, "text_tokens").min(cached - cached_audio);
        let cached_image =
            count(cached_parts, "image_tokens").min(cached - cached_audio - cached_text);
        let written = match count(prompt, "cache_write_tokens") {
            0 => count(prompt, "cache_creation_tokens"),
            written => written,
        };
        let mut billed = Self {
            prompt_tokens: count(usage, "prompt_tokens"),
            text: count(prompt, "text_tokens").saturating_sub(cached_text),
            cached,
            cached_audio,
            audio: count(prompt, "audio_tokens").saturating_sub(cached_audio),
            image: count(prompt, "image_tokens").saturating_sub(cached_image),
            video: count(prompt, "video_tokens"),
            written,
            written_5m: count(ttl, "ephemeral_5m_input_tokens"),
            written_30m: count(ttl, "ephemeral_30m_input_tokens"),
            written_1h: count(ttl, "ephemeral_1h_input_tokens"),
            written_12h: count(ttl, "ephemeral_12h_input_tokens"),
            characters: count(prompt, "character_count"),
            images: count(prompt, "image_count"),
            queries: count(prompt, "query_count"),
            audio_seconds: seconds(prompt, "audio_length_seconds"),
            video_seconds: seconds(prompt, "video_length_seconds"),
            out_text: count(completion, "text_tokens"),
            out_audio: count(completion, "audio_tokens"),
            out_reasoning: count(completion, "reasoning_tokens"),
            out_image: count(completion, "image_tokens"),
            out_video: count(completion, "video_tokens"),
            out_is_all_text: false,
        };
        billed.settle_input();
        billed.settle_output(count(usage, "completion_tokens"));
        billed
    }

    /// Counts that overlap, or leave text untold, are settled against the prompt's total.
    fn settle_input(&mut self) {
        let told = self.text + self.cached + self.audio + self.written + self.image + self.video;
        if (self.cached > 0 || self.written > 0) && told > self.prompt_tokens {
            let left = self
                .prompt_tokens
                .saturating_sub(self.cached)
                .saturating_sub(self.written);
            self.audio = self.audio.min(left);
            self.image = self.image.min(left - self.audio);
            self.video = self.video.min(left - self.audio - self.image);
            self.text = left - self.audio - self.image - self.video;
        } else if self.text == 0 && self.images == 0 {
            let other = self.cached + self.audio + self.written + self.image + self.video;
            self.text = self.prompt_tokens.saturating_sub(other);
        }
    }

    fn settle_output(&mut self, completion_tokens: u64) {
        let other = self.out_audio + self.out_image + self.out_video;
        // Reasoning that is counted as text too is taken out of the text.
        let over = (self.out_text + self.out_reasoning + other).saturating_sub(completion_tokens);
        self.out_text -= over.min(self.out_reasoning).min(self.out_text);
        if self.out_text == 0 {
            if other + self.out_reasoning > 0 {
                self.out_text = completion_tokens.saturating_sub(self.out_reasoning + other);
            } else {
                self.out_text = completion_tokens;
                self.out_is_all_text = true;
            }
        }
    }

    /// Whether anything was written to the provider's cache.
    pub fn cache_writes(&self) -> bool {
        self.written > 0 || self.timed() > 0
    }

    /// Written tokens whose time to live is not told.
    pub fn written_untimed(&self) -> u64 {
        self.written.saturating_sub(self.timed())
    }

    fn timed(&self) -> u64 {
        self.written_5m + self.written_30m + self.written_1h + self.written_12h
    }
}

fn count(object: &Map<String, Value>, name: &str) -> u64 {
    let value = object.get(name);
    value
        .and_then(Value::as_u64)
        .or_else(|| value.and_then(Value::as_f64).map(|f| f.max(0.0) as u64))
        .unwrap_or(0)
}

fn seconds(object: &Map<String, Value>, name: &str) -> f64 {
    object
        .get(name)
        .and_then(Value::as_f64)
        .unwrap_or(0.0)
        .max(0.0)
}
