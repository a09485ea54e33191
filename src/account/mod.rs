//! 6 ACCOUNT. What a call used and cost: [`Receipt`] is the sole input of metrics, log and (later) key spend.

use crate::error::Error;
use std::time::Duration;

/// Tokens and other billed units of a reply. Classes follow OpenAI's meaning: `prompt_tokens` includes
/// cached, audio and image input; `completion_tokens` includes reasoning and audio output.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    /// Prompt tokens read from the provider's cache.
    pub cached_tokens: u64,
    /// Prompt tokens written to the provider's cache (all TTLs).
    pub cache_creation_tokens: u64,
    /// Of these, with a TTL of one hour.
    pub cache_creation_1h_tokens: u64,
    pub prompt_audio_tokens: u64,
    pub prompt_image_tokens: u64,
    pub prompt_text_tokens: Option<u64>,
    pub reasoning_tokens: u64,
    pub completion_audio_tokens: u64,
    pub completion_image_tokens: u64,
    pub completion_text_tokens: Option<u64>,
    pub web_search_requests: u64,
    /// `service_tier` of the reply.
    pub service_tier: Option<String>,
    /// Counted here because the provider said nothing.
    pub estimated: bool,
}

/// USD.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Cost {
    pub input: f64,
    pub output: f64,
    pub tool: f64,
    pub total: f64,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Answered.
    Success,
    /// Failed.
    Failure(Error),
    /// The caller left before the end.
    Cancelled,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// From the request's arrival to its end.
    pub total: Duration,
    /// Waiting for the upstream, all attempts.
    pub upstream: Duration,
    /// Arrival to first chunk, streams only.
    pub first_chunk: Option<Duration>,
}

/// One finished call, for whoever counts it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Receipt {
    pub call_id: String,
    pub op: crate::request::Op,
    pub stream: bool,
    pub caller: crate::request::Caller,
    /// As asked.
    pub requested_model: String,
    /// As sent upstream; `None` when no deployment was reached.
    pub target: Option<ReceiptTarget>,
    pub usage: Option<Usage>,
    /// `None`: the price is not known, which is not the same as free.
    pub cost: Option<Cost>,
    pub timings: Timings,
    pub attempts: u32,
    pub fallbacks: u32,
    pub outcome: Outcome,
    /// Upstream's `x-ratelimit-remaining-requests` and `-tokens`.
    pub remaining: (Option<u64>, Option<u64>),
}

/// The deployment that answered, or failed last.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ReceiptTarget {
    pub provider: &'static str,
    pub model: String,
    pub litellm_model: String,
    pub model_group: String,
    pub deployment_id: String,
    pub api_base: String,
}

/// Who wants receipts: metrics, the access log, callbacks.
pub trait Sink: Send + Sync {
    /// Takes note of a finished call. Never blocks.
    fn record(&self, receipt: &Receipt);
}
