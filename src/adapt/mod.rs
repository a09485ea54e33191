//! 4 ADAPT. Between the canonical form (OpenAI's, as LiteLLM words it) and each provider's wire protocol.
//!
//! Everything here is pure: bytes in, bytes out, no IO, no clock, no environment. A provider that speaks OpenAI's
//! protocol is one row of [`registry`]; one with its own protocol is one file in [`providers`] and one row.
//!
//! Canonical replies are LiteLLM's `ModelResponse` as JSON without `null` members; canonical streams are SSE events
//! `data: {chunk}\n\n` in which every chunk is a `ModelResponseStream` without `null` members.

pub mod canonical;
pub mod canonical_fast;
pub mod dialects;
pub mod endpoints;
pub mod environment;
pub mod errors;
mod errors_phrases;
pub mod faults;
pub mod fold;
pub mod habits;
pub mod json_fault;
pub mod lookup;
mod memo;
pub mod mock;
pub mod ndjson;
pub mod params;
pub mod providers;
pub mod registry;
pub mod sse;
pub mod stream;
pub mod stream_chunks;
mod stream_deltas;
mod stream_template;
pub mod stream_usage;
mod stream_written;
mod target;
pub mod tree;
pub mod usage;

use crate::account::price::{Quote, image_cost};
use crate::account::{Cost, Usage};
use crate::error::Result;
use crate::options::{Options, Secret};
use crate::request::{Call, Op};
use crate::upload::Payload;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;

pub use memo::{GroupLimits, Heads, Memo};
pub use registry::Provider;

/// Where a call goes: one deployment of a model group, or what a caller in process named.
#[derive(Clone, Debug)]
pub struct Target {
    /// The provider's row.
    pub provider: &'static Provider,
    /// The model as named upstream.
    pub model: String,
    /// Base URL without trailing slash, resolved (call, deployment, environment, or the row's).
    pub api_base: String,
    /// The key, resolved likewise.
    pub api_key: Option<Secret>,
    /// The deployment's settings under the call's: what the adapter obeys.
    pub options: Options,
    /// Members that the deployment adds when the call has none of that name.
    pub defaults: crate::params::Params,
    /// `model_info.id` of the deployment; empty in process.
    pub deployment_id: String,
    /// The model group it belongs to; empty in process.
    pub model_group: String,
    /// `litellm_params.model` as configured, for example `openai/gpt-4o`.
    pub litellm_model: String,
    /// What is worked out once for all its calls.
    pub memo: Memo,
}

impl Target {
    /// What a call that took so long and used this costs. A reply is priced by the model that served it, where the map has that and the deployment
    /// has no price of its own; `None` when nobody says a price.
    pub fn cost(
        &self,
        usage: &Usage,
        served: Option<&str>,
        time: impl FnOnce() -> Duration,
    ) -> Option<Cost> {
        if let Some(images) = &usage.images {
            return image_cost(self.provider.name, &self.model, images).map(Cost::of_input);
        }
        let custom = self.options.price.as_ref();
        let priced = custom.is_some_and(|custom| !custom.prices.is_empty());
        let own = priced || self.options.base_model.is_some();
        let served = served.filter(|served| !own && *served != self.model);
        if let Some(quote) = served.and_then(|served| Quote::served(self.provider.name, served)) {
            Some(quote.cost(usage))
        } else {
            let quote = self.quote()?;
            Some(quote.timed(time).unwrap_or_else(|| quote.cost(usage)))
        }
    }
}

/// What is sent upstream.
#[derive(Clone, Debug)]
pub struct UpstreamRequest {
    /// Almost always POST.
    pub method: Method,
    /// Absolute URL with query.
    pub url: String,
    /// Headers, credentials included unless `forward` has to sign.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
}

/// Head of an upstream reply.
#[derive(Clone, Debug)]
pub struct Head {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
}

/// A whole reply in canonical form.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Canonical JSON.
    pub body: Bytes,
    /// What it used, if the provider said.
    pub usage: Option<Usage>,
    /// `model` of the upstream's reply.
    pub upstream_model: Option<String>,
    /// First choice's finish reason.
    pub finish_reason: Option<String>,
}

/// How a stream ended.
#[derive(Clone, Debug, Default)]
pub struct StreamEnd {
    /// What it used, if the provider said.
    pub usage: Option<Usage>,
    /// `model` of the upstream's chunks.
    pub upstream_model: Option<String>,
    /// First choice's finish reason, when one came.
    pub finish_reason: Option<String>,
    /// Whether it ended as the protocol says; false for a cut.
    pub complete: bool,
    /// Whether the caller asked for a usage chunk.
    pub usage_asked: bool,
    /// The usage that the chunks reported, canonical; what [`stream_usage::assembled`] starts from.
    pub reported: Option<usage::Object>,
    /// What was written, for counting what nobody reported.
    pub text: stream_usage::StreamText,
    /// Members that every chunk shares (`id`, `created`, ...): the head of [`stream::write_usage_chunk`].
    pub head: usage::Object,
}

impl StreamEnd {
    /// The id that the chunks shared.
    pub fn id(&self) -> Option<&str> {
        self.head.get("id")?.as_str()
    }
}

/// What went wrong on the way to the provider, before a dialect names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// No connection was made: the upstream has not seen a byte of the request.
    Unreachable,
    /// A connection that ended before the reply's head.
    Connection,
    /// A clock ran out: its limit, and how long the call had been under way.
    Timeout {
        /// What the clock allowed.
        limit: Duration,
        /// Time since the request was handed over.
        taken: Duration,
    },
    /// The body ended before its end.
    Cut,
    /// The body is longer than allowed, in bytes.
    TooLarge(usize),
}

/// Stands in an address for a project of Google Cloud that only the credentials tell.
pub const GOOGLE_PROJECT: &str = "{project}";

/// A credential that only `forward` can get, because it takes IO, a clock or a signature. It has no `Debug`: what it
/// holds is secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// The request holds what it needs.
    #[default]
    Placed,
    /// An access token of Google Cloud, as `authorization: Bearer`. Where the request's address holds
    /// [`GOOGLE_PROJECT`], the project of the credentials goes there.
    Google {
        /// Raw JSON: an account, such JSON as text, or the path of its file. `None`: what the environment has.
        credentials: Option<Bytes>,
        /// Whether it goes as `x-api-key` too, as Anthropic's protocol has it.
        key_header: bool,
    },
    /// An access token of Microsoft Entra ID, as `authorization: Bearer`.
    Entra {
        /// The members that say who asks: `tenant_id`, `client_id`, `client_secret`, ...
        settings: crate::params::Params,
    },
    /// An access token of IBM Cloud for a key, as `authorization: Bearer`.
    Ibm {
        /// The key.
        key: Secret,
    },
    /// A signature of Amazon Web Services over the request as it will be sent.
    Aws {
        /// Its name in signatures, for example `bedrock`.
        service: &'static str,
        /// Where the request goes, for example `us-east-1`.
        region: String,
        /// The members `aws_*` of the call and the deployment; what they leave open, the environment tells.
        settings: crate::params::Params,
    },
}

/// Which media that messages name by address a target wants inline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inline {
    /// It fetches them itself.
    #[default]
    None,
    /// Those that are served in the clear, which it does not fetch.
    InTheClear,
    /// All of them.
    All,
}

impl Inline {
    /// Whether a medium at `url` goes inline.
    pub fn takes(self, url: &str) -> bool {
        match self {
            Self::None => false,
            Self::InTheClear => url.starts_with("http://"),
            Self::All => url.starts_with("http://") || url.starts_with("https://"),
        }
    }
}

/// One wire protocol. Pure and stateless.
pub trait Adapter: Send + Sync {
    /// Whether it makes calls; where a protocol is not built yet its calls say so.
    fn built(&self) -> bool {
        true
    }
    /// Which media the target wants inline; they are before [`Self::request`] sees the call.
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::None
    }
    /// LiteLLM's error for a medium that could not be fetched: the address is the caller's, so it names no provider.
    fn unfetched(
        &self,
        _call: &Call,
        _target: &Target,
        url: &str,
        why: &str,
    ) -> crate::error::Error {
        let text = format!("Error: Unable to fetch image from URL. {why} url={url}");
        crate::error::Error::new(crate::error::ErrorKind::ImageFetch, text)
            .side(crate::error::Side::Client)
    }
    /// The operation by which the target is asked what the call asks: the call's own where the provider answers that,
    /// else what [`dialects::between`] has a bridge to. All other methods get the call as it is asked.
    fn asks(&self, call: &Call, _target: &Target) -> Op {
        call.op.carrier()
    }
    /// Builds the upstream request: parameters mapped, dropped or refused, credentials placed.
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest>;
    /// The credential that `forward` is to add to the request.
    fn auth(&self, _call: &Call, _target: &Target) -> Auth {
        Auth::Placed
    }
    /// What a call asks beside [`Self::request`], where it takes several requests. The bodies of all their answers
    /// come to [`Self::reply`] as one JSON array, that of the first request first.
    fn further(&self, _call: &Call, _target: &Target) -> Result<Vec<UpstreamRequest>> {
        Ok(Vec::new())
    }
    /// Whether the reply is passed on as it comes: sound, or a stream that nothing has to be made of.
    fn is_raw(&self, _call: &Call) -> bool {
        false
    }
    /// Turns a whole 2xx reply into the canonical form.
    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply>;
    /// A fresh adapter for one streamed reply. An operation without streams refuses.
    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        let what = format!("`{}` has no streams", call.op.function());
        let error = crate::error::Error::bad_request(what).at(target.provider.name, &target.model);
        Box::new(providers::unbuilt::Refused(error))
    }
    /// Turns a non-2xx reply into LiteLLM's error for it.
    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> crate::error::Error;
    /// Turns a broken connection or a clock that ran out into LiteLLM's error for it.
    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> crate::error::Error {
        faults::fault(call, target, fault)
    }
}

/// One streamed reply in the making. Any split of the input gives the same output.
pub trait StreamAdapter: Send {
    /// Takes bytes as they came and appends canonical SSE events to `out`.
    ///
    /// # Errors
    /// A mid-stream error of the provider, or bytes that are not its protocol.
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()>;
    /// The upstream's body is over: flush, append the last chunk, and say how it ended. After success the caller
    /// appends the usage chunk ([`stream::write_usage_chunk`]) where one was asked for, then [`stream::DONE`].
    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd>;
    /// The upstream's body broke off. A stream that had come to its end all the same ends well.
    ///
    /// # Errors
    /// LiteLLM's error for a stream that was cut.
    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd>;
    /// What is known of a stream that nobody reads on, for accounting: `complete` is false.
    fn so_far(&self) -> StreamEnd {
        StreamEnd::default()
    }
}

#[cfg(test)]
mod fixtures_tests;
