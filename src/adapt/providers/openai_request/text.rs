//! Text completions: at a path of their own where the provider has one, else asked as a chat.

use super::{map_params, stream_members, upstream_model, with_defaults};
use crate::adapt::Target;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use serde_json::{Value, json};

/// The body of a text completion.
pub fn body(call: &Call, target: &Target) -> Result<Params> {
    let mut given = with_defaults(&call.params, &target.defaults);
    let prompt = given.remove("prompt");
    let asked_usage = given.contains("stream_options");
    let mut mapping = map_params(
        &given,
        target.provider,
        &target.model,
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

/// A text completion asked as a chat: the prompt is the user's message.
///
/// # Errors
/// [`Error::bad_request`] for several prompts, or tokens.
pub fn as_chat(call: &Call) -> Result<Call> {
    let mut chat = call.clone();
    chat.op = Op::Chat;
    let prompt = chat.params.remove("prompt").unwrap_or_default();
    let prompt: Value = serde_json::from_slice(&prompt)
        .map_err(|_| Error::bad_request("`prompt` must be a text or a list of texts"))?;
    let text = match prompt {
        Value::Array(mut items) if items.len() == 1 => items.remove(0),
        prompt => prompt,
    };
    let Value::String(text) = text else {
        return Err(Error::bad_request(
            "this provider takes one text as `prompt`",
        ));
    };
    chat.params
        .set("messages", &json!([{"role": "user", "content": text}]));
    Ok(chat)
}
