//! Text completions: at a path of their own where the provider has one, else asked as a chat.

use super::{map_params, stream_members, upstream_model, with_defaults};
use crate::adapt::Target;
use crate::adapt::params::{self, facts};
use crate::adapt::registry::{Provider, provider};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use serde_json::{Value, json};

/// Whether a target completes texts at a path of their own. OpenAI's chat models do not.
pub fn has_own_path(target: &Target) -> bool {
    let chats = target.provider.name == "openai"
        && facts::litellm_provider(&target.model) == Some("openai");
    target.provider.habits.text_completions && !chats
}

/// Text models of `openai` have a list of parameters of their own, under another provider's name.
fn row(target: &Target) -> &'static Provider {
    let text = provider("text-completion-openai").filter(|_| target.provider.name == "openai");
    text.unwrap_or(target.provider)
}

/// The body of a text completion.
pub fn body(call: &Call, target: &Target) -> Result<Params> {
    let mut given = with_defaults(&call.params, &target.defaults).into_owned();
    let prompt = given.remove("prompt");
    let asked_usage = given.contains("stream_options");
    let row = row(target);
    let mut mapping = map_params(
        &given,
        row,
        &target.model,
        &params::supported(row, &target.model),
        &target.options,
        call.stream,
    )?;
    if !asked_usage {
        mapping.params.remove("stream_options");
    }
    let mut body = Params::default();
    body.set("model", &upstream_model(target));
    if let Some(prompt) = prompt {
        match serde_json::from_slice::<Vec<Value>>(&prompt) {
            Ok(prompts) if prompts.len() == 1 && prompts[0].is_string() => {
                body.set("prompt", &prompts[0]);
            }
            _ => body.set_raw("prompt", prompt),
        }
    }
    for (name, raw) in mapping.params.iter() {
        body.set_raw(name, raw.clone());
    }
    stream_members(&mut body, call.stream, target);
    for (name, raw) in mapping.extra.iter() {
        body.set_raw(name, raw.clone());
    }
    body.remove("max_retries");
    body.remove("extra_headers");
    Ok(body)
}

/// A text completion asked as a chat: each prompt is a message of the user.
///
/// # Errors
/// [`Error::bad_request`] for tokens.
pub fn as_chat(call: &Call) -> Result<Call> {
    let mut chat = call.clone();
    chat.op = Op::Chat;
    let prompt = chat.params.remove("prompt").unwrap_or_default();
    let prompts = match serde_json::from_slice(&prompt) {
        Ok(Value::String(text)) => vec![Value::String(text)],
        Ok(Value::Array(texts)) if !texts.is_empty() && texts.iter().all(Value::is_string) => texts,
        _ => {
            return Err(Error::bad_request(
                "`prompt` must be a text or a list of texts",
            ));
        }
    };
    let messages: Vec<Value> = prompts
        .into_iter()
        .map(|text| json!({"role": "user", "content": text}))
        .collect();
    chat.params.set("messages", &messages);
    Ok(chat)
}
