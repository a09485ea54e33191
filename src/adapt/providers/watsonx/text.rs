//! Models that complete texts: a conversation goes as one text, with the marks of the model's family between turns.

use super::place;
use crate::adapt::canonical::{finish_reason, into_object};
use crate::adapt::providers::bedrock::models::Family;
use crate::adapt::providers::bedrock::prompts;
use crate::adapt::providers::openai_request::map_params;
use crate::adapt::providers::replies;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;
use serde_json::{Value, json};

/// OpenAI's names, and those of the API.
const NAMES: [(&str, &str); 5] = [
    ("max_tokens", "max_new_tokens"),
    ("max_completion_tokens", "max_new_tokens"),
    ("frequency_penalty", "repetition_penalty"),
    ("seed", "random_seed"),
    ("stop", "stop_sequences"),
];

/// The body of a completion.
///
/// # Errors
/// A parameter that is not taken.
pub fn body(call: &Call, target: &Target, given: &Params) -> Result<Params> {
    let mut members = given.clone();
    let prompt = members.remove("prompt");
    let mapping = map_params(
        &members,
        target.provider,
        &target.model,
        target.supported(),
        &target.options,
        call.stream,
    )?;
    let mut parameters = Params::default();
    for (name, raw) in mapping.params.iter().chain(mapping.extra.iter()) {
        if matches!(name, "stream" | "moderations") || place::is_setting(name) {
            continue;
        }
        let name = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(name, |(_, own)| *own);
        parameters.set_raw(name, raw.clone());
    }
    if let Some(text @ Value::String(_)) = parameters.get("stop_sequences") {
        parameters.set("stop_sequences", &[text]);
    }
    let mut body = Params::default();
    if let Some(prompt) = prompt {
        body.set_raw("input", prompt);
    } else {
        let messages: Vec<Object> = given.get("messages").unwrap_or_default();
        body.set("input", &as_text(&target.model, &messages));
    }
    let moderations = mapping.extra.get::<Value>("moderations");
    body.set("moderations", &moderations.unwrap_or_else(|| json!({})));
    body.set_raw("parameters", parameters.to_json());
    Ok(body)
}

fn as_text(model: &str, messages: &[Object]) -> String {
    let family = if model.contains("llama") {
        Family::Llama
    } else if model.contains("mistral") || model.contains("mixtral") {
        Family::Mistral
    } else {
        Family::OpenAi
    };
    prompts::prompt(family, model, messages)
}

/// A whole completion.
///
/// # Errors
/// A reply without results.
pub fn reply(call: &Call, target: &Target, body: &[u8]) -> Result<Reply> {
    let reply = replies::object(target, body)?;
    let Some(result) = reply.get("results").and_then(|results| results.get(0)) else {
        return Err(replies::place(target).broken("the reply has no `results`"));
    };
    let counts = into_object(result.clone());
    let used = replies::counts(
        count(&counts, "input_token_count"),
        count(&counts, "generated_token_count"),
    );
    let finish = finish_reason(result["stop_reason"].as_str().unwrap_or("stop"));
    let message = json!({"role": "assistant", "content": result["generated_text"]});
    // LiteLLM names no model.
    Ok(replies::chat(call, "", finish, message, used))
}

/// An event of a streamed completion.
pub fn chunk(target: &Target, event: &Value) -> Result<Option<Object>> {
    if let Some(errors) = event.get("errors").and_then(Value::as_array) {
        let detail = errors.first().cloned().unwrap_or_default();
        return Err(replies::place(target).event(&detail));
    }
    let result = &event["results"][0];
    if !result.is_object() {
        return Ok(None);
    }
    let reason = result["stop_reason"]
        .as_str()
        .filter(|reason| *reason != "not_finished");
    let counts = into_object(result.clone());
    let used = replies::counts(
        count(&counts, "input_token_count"),
        count(&counts, "generated_token_count"),
    );
    let choice = json!({"index": 0, "delta": {"content": result["generated_text"]}, "finish_reason": reason});
    Ok(Some(into_object(
        json!({"choices": [choice], "usage": used}),
    )))
}
