//! Models that complete texts, each family in its own form: request, whole reply, and what its events say.

use super::models::{self, Family};
use super::{errors, prompts};
use crate::account::tokens::{Encoding, Prompt};
use crate::adapt::canonical::finish_reason;
use crate::adapt::providers::openai_request::{map_params, text as asked, with_defaults};
use crate::adapt::providers::replies;
use crate::adapt::usage::Object;
use crate::adapt::{Head, Reply, Target};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use serde_json::{Value, json};
use std::borrow::Cow;

/// What a family calls OpenAI's parameters; a name that it lacks is not its own.
fn names(family: Family) -> &'static [(&'static str, &'static str)] {
    match family {
        Family::Meta | Family::Llama | Family::Qwen2 | Family::Qwen3 => &[
            ("max_tokens", "max_gen_len"),
            ("temperature", "temperature"),
            ("top_p", "top_p"),
            ("stop", "stop"),
        ],
        Family::Mistral => &[
            ("max_tokens", "max_tokens"),
            ("temperature", "temperature"),
            ("top_p", "top_p"),
            ("stop", "stop"),
        ],
        Family::Amazon => &[
            ("max_tokens", "maxTokenCount"),
            ("max_completion_tokens", "maxTokenCount"),
            ("temperature", "temperature"),
            ("top_p", "topP"),
            ("stop", "stopSequences"),
        ],
        Family::Ai21 => &[
            ("max_tokens", "maxTokens"),
            ("temperature", "temperature"),
            ("top_p", "topP"),
        ],
        _ => &[
            ("max_tokens", "max_tokens"),
            ("max_completion_tokens", "max_tokens"),
            ("temperature", "temperature"),
            ("top_p", "p"),
            ("n", "num_generations"),
            ("frequency_penalty", "frequency_penalty"),
            ("presence_penalty", "presence_penalty"),
            ("stop", "stop_sequences"),
            ("tools", "tools"),
            ("tool_choice", "tool_choice"),
            ("seed", "seed"),
        ],
    }
}

/// Whether a family's form is built.
pub fn is_built(family: Family) -> bool {
    matches!(
        family,
        Family::Meta
            | Family::Llama
            | Family::Qwen2
            | Family::Qwen3
            | Family::Mistral
            | Family::Amazon
            | Family::Ai21
            | Family::Cohere
    )
}

/// The body of a chat, or of a text completion asked as one.
///
/// # Errors
/// A parameter that the family does not take, messages that cannot be read.
pub fn body(call: &Call, target: &Target, family: Family) -> Result<Object> {
    let call = match call.op {
        Op::TextCompletion => Cow::Owned(asked::as_chat(call)?),
        _ => Cow::Borrowed(call),
    };
    let given = with_defaults(&call.params, &target.defaults);
    let mapping = map_params(
        &given,
        target.provider,
        &target.model,
        target.supported(),
        &target.options,
        call.stream,
    )?;
    let mut params = Object::new();
    for (name, sent) in names(family) {
        if let Some(value) = mapping.value(name) {
            params.insert((*sent).into(), value);
        }
    }
    if let Some(Value::String(stop)) = params.get("stopSequences") {
        params.insert("stopSequences".into(), json!([stop]));
    }
    for (name, raw) in mapping
        .extra
        .iter()
        .filter(|(name, _)| !["model_id", "guardrailConfig"].contains(name))
    {
        if let Ok(value) = serde_json::from_slice(raw) {
            params.insert(name.into(), value);
        }
    }
    let messages: Vec<Object> = read(&given)?;
    let name = models::without_route(&target.model);
    let prompt = prompts::prompt(family, name, &messages);
    let chats = family == Family::Cohere && name.contains("command-r");
    let mut body = Object::new();
    match family {
        Family::Amazon => {
            body.insert("inputText".into(), json!(prompt));
            body.insert("textGenerationConfig".into(), Value::Object(params));
            return Ok(body);
        }
        _ if chats => {
            body.insert("message".into(), json!(prompt));
            body.insert("chat_history".into(), json!([]));
        }
        _ => {
            body.insert("prompt".into(), json!(prompt));
        }
    }
    if family == Family::Cohere && call.stream && !chats {
        body.insert("stream".into(), json!(true));
    }
    body.extend(params);
    Ok(body)
}

fn read(given: &Params) -> Result<Vec<Object>> {
    let raw = given.raw("messages").cloned().unwrap_or_default();
    serde_json::from_slice(&raw)
        .map_err(|e| Error::bad_request(format!("`messages` cannot be read: {e}")))
}

/// A piece of text, or all of it, and why the model stopped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// OpenAI's word for the reason, where the family tells one that LiteLLM hears.
    pub finish: Option<&'static str>,
}

impl Piece {
    /// What an answer or an event says; `None` where it is not a family's.
    pub fn read(said: &Value) -> Option<Self> {
        let reason = |value: &Value| value.as_str().map(finish_reason);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let piece = |text: Option<String>, finish| {
            Some(Self {
                text: text.unwrap_or_default(),
                finish,
            })
        };
        if let Some(generation) = said["generations"].get(0) {
            return piece(
                text(&generation["text"]),
                reason(&generation["finish_reason"]),
            );
        }
        if let Some(output) = said["outputs"].get(0) {
            return piece(text(&output["text"]), reason(&output["stop_reason"]));
        }
        if let Some(choice) = said["choices"].get(0) {
            return piece(
                text(&choice["message"]["content"]),
                reason(&choice["finish_reason"]),
            );
        }
        if let Some(result) = said["results"].get(0) {
            return piece(text(&result["outputText"]), None);
        }
        if let Some(completion) = said["completions"].get(0) {
            return piece(text(&completion["data"]["text"]), None);
        }
        let plain = ["outputText", "generation", "text"]
            .iter()
            .find_map(|name| text(&said[*name]));
        plain.map(|text| Self { text, finish: None })
    }

    /// What an event of a stream says. Its end may come with no text.
    pub fn event(said: &Value) -> Option<Self> {
        let reason = ["finish_reason", "stop_reason", "completionReason"]
            .iter()
            .find_map(|name| said[*name].as_str());
        let mut piece = Self::read(said).or_else(|| reason.map(|_| Self::default()))?;
        // Llama's events name a reason that LiteLLM does not hear.
        if said.get("generation").is_none() {
            piece.finish = piece.finish.or(reason.map(finish_reason));
        }
        Some(piece)
    }
}

/// The canonical form of a whole reply. What was used stands in headers, else it is counted.
///
/// # Errors
/// A reply without a text.
pub fn reply(
    call: &Call,
    target: &Target,
    head: &Head,
    body: &[u8],
    family: Family,
) -> Result<Reply> {
    let said: Value = serde_json::from_slice(body).map_err(|_| {
        errors::broken(
            target,
            &String::from_utf8_lossy(&body[..body.len().min(1024)]),
        )
    })?;
    let Some(piece) = Piece::read(&said).filter(|piece| !piece.text.is_empty()) else {
        return Err(errors::unreadable(target, "no text"));
    };
    let mut text = piece.text;
    if matches!(family, Family::Qwen2 | Family::Qwen3) {
        let own = text
            .strip_prefix("<|im_start|>assistant\n")
            .unwrap_or(&text);
        text = own.strip_suffix("<|im_end|>").unwrap_or(own).to_owned();
    }
    let told = |name: &str| -> Option<u64> { head.headers.get(name)?.to_str().ok()?.parse().ok() };
    let prompt = told("x-amzn-bedrock-input-token-count").unwrap_or_else(|| counted(call, target));
    let completion = told("x-amzn-bedrock-output-token-count")
        .unwrap_or_else(|| Encoding::of("").count(&text).max(0) as u64);
    let used = replies::counts(prompt, completion);
    let message = json!({"role": "assistant", "content": text});
    let finish = piece.finish.unwrap_or("stop");
    Ok(replies::chat(call, &target.model, finish, message, used))
}

fn counted(call: &Call, target: &Target) -> u64 {
    let given = with_defaults(&call.params, &target.defaults);
    let messages: Vec<Value> = given.get("messages").unwrap_or_default();
    let prompt = Prompt {
        encoding: Encoding::of(""),
        messages: &messages,
        tools: None,
        tool_choice: None,
        primed: true,
        default_images: false,
        fallback: Some(0),
    };
    prompt.count().unwrap_or(0).max(0) as u64
}
