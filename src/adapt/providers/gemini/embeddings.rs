//! Embeddings: one `batchEmbedContents` for however many inputs.

use crate::account::tokens::Encoding;
use crate::adapt::providers::openai_request::with_defaults;
use crate::adapt::usage::{self, Object};
use crate::adapt::{Reply, Target};
use crate::error::{Error, Result};
use crate::request::Call;
use serde_json::{Value, json};

/// The body.
///
/// # Errors
/// Inputs that are not texts.
pub fn body(call: &Call, target: &Target) -> Result<Object> {
    let given = with_defaults(&call.params, &target.defaults);
    let model = format!("models/{}", target.model);
    let mut requests = Vec::new();
    for text in inputs(call)? {
        let mut request = json!({"model": model, "content": {"parts": [{"text": text}]}});
        for (name, wire) in [
            ("dimensions", "outputDimensionality"),
            ("input_type", "taskType"),
            ("task_type", "taskType"),
            ("taskType", "taskType"),
            ("title", "title"),
        ] {
            if let Some(value) = given.get::<Value>(name) {
                request[wire] = value;
            }
        }
        requests.push(request);
    }
    let mut body = Object::new();
    body.insert("requests".into(), Value::Array(requests));
    Ok(body)
}

/// The texts to embed.
pub fn inputs(call: &Call) -> Result<Vec<String>> {
    match call.params.get::<Value>("input") {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(not_texts))
            .collect(),
        _ => Err(not_texts()),
    }
}

fn not_texts() -> Error {
    Error::bad_request("`input` must be a text or a list of texts")
}

/// The canonical reply. Gemini does not say what it used, so the inputs are counted as LiteLLM counts them.
pub fn reply(call: &Call, target: &Target, reply: &Object) -> Reply {
    let embeddings = reply.get("embeddings").and_then(Value::as_array);
    let data: Vec<Value> = embeddings
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, item)| json!({"embedding": item["values"], "index": index, "object": "embedding"}))
        .collect();
    let texts = inputs(call).unwrap_or_default();
    let tokens: i64 = texts
        .iter()
        .map(|text| Encoding::of(&target.model).count(text))
        .sum();
    let used = crate::adapt::canonical::into_object(
        json!({"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}),
    );
    finished(call, target, &data, used)
}

/// A reply of embeddings.
pub fn finished(call: &Call, target: &Target, data: &[Value], used: Object) -> Reply {
    let counts = usage::counts(&used, None);
    let model = super::shown_model(call, target, None);
    let body =
        json!({"model": model, "object": "list", "data": data, "usage": usage::with_nulls(used)});
    Reply {
        body: serde_json::to_vec(&body).unwrap_or_default().into(),
        usage: Some(counts),
        upstream_model: None,
        finish_reason: None,
    }
}
