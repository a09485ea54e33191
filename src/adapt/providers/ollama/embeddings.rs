//! `/api/embed`. API: <https://docs.ollama.com/api/embed>.

use crate::account::tokens::Encoding;
use crate::adapt::providers::openai_request::embeddings::members;
use crate::adapt::providers::replies;
use crate::adapt::usage::Object;
use crate::adapt::{Reply, Target};
use crate::error::{Error, Result};
use crate::request::Call;
use serde_json::{Value, json};

/// Members of the API; every other name is one of the model's options.
const MEMBERS: [&str; 4] = ["truncate", "options", "keep_alive", "dimensions"];

/// The body.
///
/// # Errors
/// A parameter that Ollama does not take, and input that is not text.
pub fn body(call: &Call, target: &Target) -> Result<Value> {
    let given = members(call, target)?;
    let mut body = json!({"model": target.model, "input": texts(call)?});
    for (name, raw) in given.iter().filter(|(name, _)| *name != "input") {
        let Ok(value) = serde_json::from_slice::<Value>(raw) else {
            continue;
        };
        if MEMBERS.contains(&name) {
            body[name] = value;
        } else if matches!(body["options"], Value::Null | Value::Object(_)) {
            body["options"][name] = value;
        }
    }
    Ok(body)
}

fn texts(call: &Call) -> Result<Vec<String>> {
    let unreadable = || Error::bad_request("Invalid input for ollama embeddings");
    match call.params.get::<Value>("input") {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(unreadable))
            .collect(),
        _ => Err(unreadable()),
    }
}

/// The canonical reply.
pub fn reply(call: &Call, target: &Target, reply: &Object) -> Reply {
    let vectors = reply.get("embeddings").and_then(Value::as_array);
    let data: Vec<Value> = vectors
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, vector)| replies::embedding(index, vector))
        .collect();
    let told = reply.get("prompt_eval_count").and_then(Value::as_u64);
    let tokens = told.unwrap_or_else(|| {
        let texts = texts(call).unwrap_or_default().concat();
        Encoding::of("").count(&texts).try_into().unwrap_or(0)
    });
    let model = format!("ollama/{}", target.model);
    replies::embeddings(call, &model, &data, replies::counts(tokens, 0))
}
