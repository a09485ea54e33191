//! 6 ACCOUNT. What a call used and cost: [`Receipt`] is the sole input of metrics, log and (later) key spend.

use crate::adapt::Target;
pub mod billed;
pub mod price;
pub mod tokens;

use crate::error::Error;
use crate::trace::Traced;
use std::sync::Arc;
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
    /// What a reranking is billed by.
    pub rerank: Option<RerankUnits>,
    /// Images that were made.
    pub images: Option<Box<ImageUnits>>,
    /// Length of a recording; nothing is known of one that nobody told.
    pub audio_seconds: Option<f64>,
    /// Characters that were spoken.
    pub characters: Option<u64>,
    /// Counted here because the provider said nothing.
    pub estimated: bool,
}

/// What a reranking is billed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RerankUnits {
    /// Queries, as the provider counts them.
    Queries(u64),
    /// All tokens, of query and documents.
    Tokens(u64),
}

/// What images are billed by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageUnits {
    /// How many.
    pub count: u64,
    /// As OpenAI says it: `1024x1024`.
    pub size: Option<String>,
    /// `standard`, `hd`, `low`, ...
    pub quality: Option<String>,
    /// `usage` of the reply, where it is billed by the token.
    pub tokens: Option<serde_json::Value>,
}

/// USD.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Cost {
    /// All input, read from and written to the provider's cache included.
    pub input: f64,
    /// Of it, read from the cache.
    pub cache_read: f64,
    /// Of it, written to the cache.
    pub cache_creation: f64,
    /// All output, reasoning included.
    pub output: f64,
    /// Of it, reasoning.
    pub reasoning: f64,
    pub tool: f64,
    pub total: f64,
}

impl Cost {
    /// All of it for the input.
    pub fn of_input(input: f64) -> Self {
        Self {
            input,
            total: input,
            ..Self::default()
        }
    }
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
    /// Arrival to the start of routing: reading, authentication, checks.
    pub queue: Option<Duration>,
    /// Where the gateway's own time went.
    pub stages: Stages,
}

/// The stages of a call on its way through; `None` for those that it did not come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// From the body to a call: parsing, settings, checks.
    pub parse: Option<Duration>,
    /// From the call to its first attempt: cache, choice of the deployment, admission; without waiting.
    pub route: Option<Duration>,
    /// Waiting for a place, where calls wait.
    pub queue: Option<Duration>,
    /// Between the dialects, in the attempt that answered: the request, and the reply of one that is whole.
    pub adapt: Option<Duration>,
    /// From the request's sending to the head of the answer, in the attempt that answered.
    pub first_byte: Option<Duration>,
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
    /// The deployment that answered, or failed last; `None` when none was reached.
    pub target: Option<Arc<Target>>,
    /// The model as the reply names it, where it was told.
    pub served: Option<String>,
    pub usage: Option<Usage>,
    /// `None`: the price is not known, which is not the same as free.
    pub cost: Option<Cost>,
    pub timings: Timings,
    pub attempts: u32,
    pub fallbacks: u32,
    pub outcome: Outcome,
    /// Upstream's `x-ratelimit-remaining-requests` and `-tokens`.
    pub remaining: (Option<u64>, Option<u64>),
    pub trail: Trail,
    /// What its spans are made of; of sampled calls only.
    pub traced: Option<Box<Traced>>,
}

impl Receipt {
    /// The receipt of a request that was refused before any deployment was chosen.
    pub fn refused(call: &crate::request::Call, error: Error) -> Self {
        Self {
            call_id: call.id.clone(),
            op: call.op,
            stream: call.stream,
            caller: call.caller.clone(),
            requested_model: call.model.clone(),
            target: None,
            served: None,
            usage: None,
            cost: None,
            timings: Timings {
                total: call.started.elapsed(),
                ..Timings::default()
            },
            attempts: 0,
            fallbacks: 0,
            outcome: Outcome::Failure(error),
            remaining: (None, None),
            trail: Trail::default(),
            traced: Traced::of(call.trace.as_deref()),
        }
    }
}

/// What went wrong on the way; empty for a call that was answered at once.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// Every upstream attempt that failed, in order, the last one of a failed call included.
    pub failed: Vec<FailedAttempt>,
    /// Every fallback tried, in order.
    pub hops: Vec<FallbackHop>,
    /// Every attempt that was dropped because another one answered first.
    pub lost: Vec<LostAttempt>,
}

/// One upstream attempt that failed.
#[derive(Clone, Debug)]
pub struct FailedAttempt {
    /// The deployment.
    pub target: Arc<Target>,
    /// HTTP status of the error.
    pub status: u16,
    /// Python class of the error, for example `RateLimitError`.
    pub class: &'static str,
    /// Whether this failure put the deployment into cooldown.
    pub cooled_down: bool,
}

/// One upstream attempt that another one outran.
#[derive(Clone, Debug)]
pub struct LostAttempt {
    /// The deployment.
    pub target: Arc<Target>,
    /// What it probably used.
    pub usage: Usage,
    /// What that costs; `None` when the price is not known.
    pub cost: Option<Cost>,
}

/// One fallback from a model group to another.
#[derive(Clone, Debug)]
pub struct FallbackHop {
    /// The group that failed.
    pub from: String,
    /// The group tried instead.
    pub to: String,
    /// HTTP status of the error that led here.
    pub status: u16,
    /// Python class of that error.
    pub class: &'static str,
    /// Provider of that error, or empty.
    pub provider: &'static str,
    /// Whether the fallback answered.
    pub answered: bool,
}

/// Who wants receipts: metrics, the access log, callbacks.
pub trait Sink: Send + Sync {
    /// Takes note of a finished call. Never blocks.
    fn record(&self, receipt: &Receipt);

    /// Takes note of how long the end of a call took: its price, and what all sinks made of it.
    fn accounted(&self, _took: Duration) {}
}
