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
use crate::adapt::habits::openai;
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
        Chats::Reasoning {
            with_functions,
            always,
        } => {
            let tools = kinds_of_tools(call);
            let has = |kind: &str| tools.iter().any(|tool| tool == kind);
            let effort = call.params.get::<Value>("reasoning_effort");
            let wants_summary = SUMMARY.iter().any(|name| call.params.contains(name));
            if effort.is_some() && wants_summary {
                return true;
            }
            let reasons = match &effort {
                None => is_openai(target),
                Some(Value::Object(effort)) => {
                    always
                        || effort.get("effort").is_none_or(|level| level != "none")
                        || effort
                            .get("summary")
                            .is_some_and(|summary| !summary.is_null())
                }
                Some(effort) => always || effort != "none",
            };
            (reasons && !with_functions && has("function"))
                || (is_openai(target) && has("tool_search"))
        }
    }
}

/// Members of a chat that ask for a summary of what the model thought.
pub(crate) const SUMMARY: [&str; 2] = ["reasoning_summary", "reasoningSummary"];

/// The `type`s of a call's tools.
fn kinds_of_tools(call: &Call) -> Vec<String> {
    #[derive(Deserialize)]
    struct Tool<'a> {
        #[serde(rename = "type", borrow)]
        kind: Option<Cow<'a, str>>,
    }
    let tools = call.params.raw("tools");
    let tools = tools.and_then(|raw| serde_json::from_slice::<Vec<Tool<'_>>>(raw).ok());
    let kinds = tools.into_iter().flatten().filter_map(|tool| tool.kind);
    kinds.map(Cow::into_owned).collect()
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
    /// As chats, but for what OpenAI tells of a model that reasons in responses only.
    Reasoning {
        /// Functions may be asked in a chat, too: models before GPT-5.4.
        with_functions: bool,
        /// It cannot be told not to reason.
        always: bool,
    },
}

impl Chats {
    /// Of a target; [`Target::chats`] remembers it.
    pub(crate) fn of(target: &Target) -> Self {
        let provider = target.provider.name;
        let model = target.model.as_str();
        let named = target
            .litellm_model
            .split('/')
            .any(|part| part == "responses");
        let only_responses = facts::text(model, provider, "mode").as_deref() == Some("responses");
        match pinned(target).as_deref() {
            Some("responses") => return Self::Responses,
            Some("chat") if !named && (!only_responses || serves_chats(model, provider)) => {}
            _ if named || only_responses => return Self::Responses,
            _ => {}
        }
        if !matches!(provider, "openai" | "azure") || openai::family(model) != openai::Family::Gpt5
        {
            return Self::Chat;
        }
        let at = openai::At { model, provider };
        Self::Reasoning {
            with_functions: series(model).is_none_or(|version| version < (5, 4)),
            always: openai::refuses_effort(at, "none"),
        }
    }
}

/// The mode that a deployment's own `model_info` says.
fn pinned(target: &Target) -> Option<String> {
    let info: Value = target.options.other.get("model_info")?;
    info.get("mode")?.as_str().map(str::to_owned)
}

/// Whether a model whose mode is `responses` is served in chats as well.
fn serves_chats(model: &str, provider: &str) -> bool {
    let ends = facts::texts(model, provider, "supported_endpoints");
    ends.iter().any(|end| end == "/v1/chat/completions")
}

/// Version of a GPT model: `gpt-5.4-mini` is (5, 4), `gpt-5` (5, 0).
fn series(model: &str) -> Option<(u32, u32)> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let version = name.strip_prefix("gpt-")?.split('-').next()?;
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
