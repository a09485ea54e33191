//! OpenAI's Responses API, native: what came goes up, what comes goes back, member by member and event by event, so
//! that no member is lost that nobody here has heard of. Only ids, the model's name and a few members are others.
//!
//! API: <https://platform.openai.com/docs/api-reference/responses>. A provider has it when its row names a
//! [`Native`]; all others are asked through chat ([`crate::adapt::dialects`]).

mod input;
mod native;
mod reply;
mod request;
mod sliced;
mod stored;
mod stream;

pub use native::{
    ALIKE, FIREWORKS, Native, OPENAI, OPENROUTER, PARASAIL, PERPLEXITY, SAIL, VLLM, VOLCENGINE, XAI,
};
pub use reply::reply;
pub(crate) use reply::{finish, used};
pub use request::{body, path};

use crate::adapt::errors::{Place, Wording};
use crate::adapt::params::facts;
use crate::adapt::{StreamAdapter, Target, UpstreamRequest};
use crate::options::Options;
use crate::request::{Call, Op, Stored};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// The operation by which a target is asked what a call asks.
pub fn asks(call: &Call, target: &Target) -> Op {
    let native = target.provider.responses.is_some();
    match call.op {
        Op::Responses if native && !wants_chat(&[&call.options, &target.options]) => Op::Responses,
        Op::Stored(_) if native => call.op,
        Op::Messages if tells_thoughts(call, target) => Op::Responses,
        Op::Chat if native && chats(call, target) => Op::Responses,
        op => op.carrier(),
    }
}

/// Whether the caller or the deployment wants the call asked through chat.
fn wants_chat(said: &[&Options]) -> bool {
    said.iter().any(|options| {
        options
            .other
            .raw("use_chat_completions_api")
            .is_some_and(|raw| &raw[..] == b"true")
    })
}

/// Whether a message is asked as a response: where OpenAI's models tell what they thought. What only a chat takes is
/// asked as one.
pub fn tells_thoughts(call: &Call, target: &Target) -> bool {
    let only_chat = ["stop_sequences", "top_k"];
    let given = |name: &&str| {
        let raw = call.params.raw(name);
        raw.is_some_and(|raw| !matches!(&raw[..], b"null" | b"[]"))
    };
    target.provider.name == "openai"
        && !wants_chat(&[&call.options, &target.options])
        && !only_chat.iter().any(given)
}

/// Whether a chat is asked as a response: the name says so, the model has nothing else, or OpenAI refuses in a chat
/// what the call asks: functions of a model that reasons.
fn chats(call: &Call, target: &Target) -> bool {
    // xAI has ended the search of its chats.
    if target.provider.name == "xai" && call.params.contains("web_search_options") {
        return true;
    }
    match target.chats() {
        Chats::Chat => false,
        Chats::Responses => true,
        Chats::WithoutFunctions => {
            let effort = call.params.get::<Value>("reasoning_effort");
            let reasons = match &effort {
                None => is_openai(target),
                Some(effort) => effort != "none",
            };
            reasons && has_function(call)
        }
    }
}

fn has_function(call: &Call) -> bool {
    #[derive(Deserialize)]
    struct Tool<'a> {
        #[serde(rename = "type", borrow)]
        kind: Option<Cow<'a, str>>,
    }
    let tools = call.params.raw("tools");
    let tools = tools.and_then(|raw| serde_json::from_slice::<Vec<Tool<'_>>>(raw).ok());
    let is_function = |tool: &Tool<'_>| tool.kind.as_deref() == Some("function");
    tools.is_some_and(|tools| tools.iter().any(is_function))
}

fn is_openai(target: &Target) -> bool {
    target.provider.name == "azure" || super::openai_request::wire::is_openai_host(&target.api_base)
}

/// How chats are asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chats {
    /// As chats.
    Chat,
    /// As responses.
    Responses,
    /// As chats, unless they have functions while the model reasons.
    WithoutFunctions,
}

impl Chats {
    /// Of a target; [`Target::chats`] remembers it.
    pub(crate) fn of(target: &Target) -> Self {
        let provider = target.provider.name;
        let named = target
            .litellm_model
            .split('/')
            .any(|part| part == "responses");
        let mode = facts::text(&target.model, provider, "mode");
        if named || mode.as_deref() == Some("responses") {
            return Self::Responses;
        }
        let openai = matches!(provider, "openai" | "azure");
        if openai && series(&target.model).is_some_and(|version| version >= (5, 4)) {
            return Self::WithoutFunctions;
        }
        Self::Chat
    }
}

/// Version of a GPT model: `gpt-5.4-mini` is (5, 4), `gpt-5` (5, 0).
fn series(model: &str) -> Option<(u32, u32)> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let version = name.strip_prefix("gpt-")?.split('-').next()?;
    if name.contains("search") {
        return None;
    }
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the provider answers whole where the caller asked for a stream.
pub fn slices(target: &Target) -> bool {
    let provider = target.provider.name;
    let listed = facts::known(&target.model, provider);
    let said = facts::declared(&target.model, provider, "supports_native_streaming");
    let native = target.provider.responses;
    said == Some(false) || (!listed && native.is_some_and(|native| native.slices_unlisted))
}

/// A fresh adapter for one streamed response.
pub fn stream(call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
    if slices(target) {
        return Box::new(sliced::Sliced::new(call, target));
    }
    Box::new(stream::NativeStream::new(call, target))
}

/// A request as the call asks it: questions about a stored response have a verb and a query of their own, and no body
/// where they have none.
pub fn asked(call: &Call, mut request: UpstreamRequest) -> UpstreamRequest {
    let Op::Stored(stored) = call.op else {
        return request;
    };
    if let Some(method) = stored.method() {
        request.method = method;
        request.body = Bytes::new().into();
    } else if stored == Stored::Cancel {
        request.body = Bytes::from_static(b"{}").into();
    }
    if stored == Stored::InputItems {
        let query = stored::query(&call.params);
        let sign = if request.url.contains('?') { '&' } else { '?' };
        request.url.push(sign);
        request.url.push_str(&query);
    }
    request
}

/// Where errors come from: LiteLLM asks without OpenAI's client, and shows bodies as they came.
pub fn place(target: &Target) -> Place<'_> {
    Place {
        provider: target.provider.name,
        model: &target.model,
        wording: Wording::Body,
        family: target.provider.family,
    }
}

#[cfg(test)]
mod tests;
