//! What a compatible provider does its own way. A row of the registry names one [`Habits`]; most have none.
//!
//! A habit is data where data says it, and a small function where it does not. Functions see the mapped members of
//! one request ([`Mapping`]) and never the network, the clock or the environment.

pub mod azure;
pub mod azure_ai;
pub mod chat;
pub mod clouds;
pub mod databricks;
pub mod mistral;
pub mod native;
pub mod openai;
pub mod reasoning;
pub mod tools;

use super::lookup::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use serde_json::Value;

/// A function over the parameters of a request.
pub type MapParams = fn(&mut Mapping<'_>) -> Result<()>;

/// A function over the messages of a request.
pub type MapMessages = fn(&mut Vec<Value>, &Mapping<'_>) -> Result<()>;

/// A function over the list of supported parameters of a model.
pub type MapSupported = fn(&str, &mut Vec<&'static str>);

/// What a provider does its own way.
pub struct Habits {
    /// `max_completion_tokens` goes under its older name `max_tokens`.
    pub older_max_tokens: bool,
    /// `cache_control` marks in messages and tools are understood, so they stay.
    pub keeps_cache_control: bool,
    /// Messages go as they came: the other side is a gateway that cleans them itself.
    pub raw_messages: bool,
    /// Streams do not show a fingerprint.
    pub hides_fingerprint: bool,
    /// Replies and chunks show the upstream's name of the model as it is.
    pub names_upstream: bool,
    /// Models whose whole replies are shown with the provider in front all the same.
    pub prefixed: Option<fn(&str) -> bool>,
    /// What a model takes is judged by the deployment's `base_model`, where it has one, and by the API's version.
    pub by_base_model: bool,
    /// Whether LiteLLM's server says `stream: false` to it, where that is not what its road does.
    pub says_no_stream: Option<bool>,
    /// `max_retries` is sent to an address that the caller gives.
    pub keeps_retries: bool,
    /// Text completions have a path of their own; else they are asked as chats.
    pub text_completions: bool,
    /// What depends on the model among the supported parameters.
    pub supported: Option<MapSupported>,
    /// Mapping that comes before parameters that are not taken are refused.
    pub before: Option<MapParams>,
    /// Further mapping of parameters.
    pub params: Option<MapParams>,
    /// Further mapping that shows in the request only.
    pub request: Option<MapParams>,
    /// Further mapping of an embedding call's members.
    pub embeddings: Option<fn(&mut Params)>,
    /// Further mapping of messages.
    pub messages: Option<MapMessages>,
    /// The base URL that the environment says in other words than a URL.
    pub base: Option<fn(Env<'_>) -> Option<String>>,
    /// The base URL of a model where it depends on the model, and neither caller nor environment says one.
    pub base_of_model: Option<fn(&str) -> String>,
    /// The address of a path below a base, where it is not just both.
    pub address: Option<fn(&str, &str) -> String>,
    /// Headers sent with every request unless the caller sets them.
    pub headers: &'static [(&'static str, &'static str)],
    /// Members sent with every chat unless the caller sets them: name and JSON.
    pub body: &'static [(&'static str, &'static str)],
    /// Members of other engines that it refuses; they are left out.
    pub leaves_out: &'static [&'static str],
    /// The name a model has upstream, where it is not the caller's.
    pub model: Option<fn(&str) -> String>,
    /// The provider's domain, and a parameter that no other host takes.
    pub own_hosts: Option<(&'static str, &'static str)>,
}

impl Habits {
    /// No habits.
    pub const NONE: Self = Self {
        older_max_tokens: false,
        keeps_cache_control: false,
        raw_messages: false,
        hides_fingerprint: false,
        names_upstream: false,
        prefixed: None,
        by_base_model: false,
        says_no_stream: None,
        keeps_retries: false,
        text_completions: false,
        supported: None,
        before: None,
        params: None,
        request: None,
        embeddings: None,
        messages: None,
        base: None,
        base_of_model: None,
        address: None,
        headers: &[],
        body: &[],
        leaves_out: &[],
        model: None,
        own_hosts: None,
    };
}

/// The members of one request on their way to a provider.
pub struct Mapping<'a> {
    /// LiteLLM's name of the provider.
    pub provider: &'static str,
    /// The model as the caller names it at this provider.
    pub model: &'a str,
    /// The model that it is known to be, where the deployment says so and the provider goes by it.
    pub base_model: Option<String>,
    /// The version of the API that the caller names, likewise.
    pub api_version: Option<String>,
    /// Members with OpenAI's names, unsupported ones already refused or dropped.
    pub params: Params,
    /// Members of the provider's own; they win over `params`.
    pub extra: Params,
    /// Whether what a provider does not take is dropped instead of refused.
    pub drop_params: bool,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// The answer has to come whole, and is handed over as a stream of one piece.
    pub fake_stream: bool,
    /// The answer comes as a call of a tool made up here; its arguments are the content.
    pub json_mode: bool,
}

impl Mapping<'_> {
    /// A member read as a JSON value; `None` when it is missing.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.params.get(name)
    }

    /// The name that tells which model it is.
    pub fn known_as(&self) -> &str {
        self.base_model.as_deref().unwrap_or(self.model)
    }

    /// The refusal of a value, in LiteLLM's words.
    pub fn unsupported(&self, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::UnsupportedParams, message)
    }
}

/// Only the older name of the output limit.
pub static OLDER_MAX_TOKENS: Habits = Habits {
    older_max_tokens: true,
    ..Habits::NONE
};

/// The older name of the output limit, and text completions at a path of their own.
pub static OLDER_MAX_TOKENS_AND_TEXT: Habits = Habits {
    older_max_tokens: true,
    text_completions: true,
    ..Habits::NONE
};
