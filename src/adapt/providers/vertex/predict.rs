//! Embeddings of Vertex AI, which `predict` makes.
//!
//! API: <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>.

use crate::adapt::canonical::into_object;
use crate::adapt::providers::gemini::embeddings;
use crate::adapt::providers::openai_request::with_defaults;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;
use serde_json::{Value, json};

/// The body of a call.
///
/// # Errors
/// An input that is no text.
pub fn body(call: &Call, target: &Target) -> Result<Object> {
    let given = with_defaults(&call.params, &target.defaults);
    let task = given
        .get::<Value>("task_type")
        .or_else(|| given.get("input_type"));
    let title = given.get::<Value>("title");
    let mut instances = Vec::new();
    for text in embeddings::inputs(call)? {
        let mut instance = json!({"content": text});
        for (name, value) in [("task_type", &task), ("title", &title)] {
            if let Some(value) = value {
                instance[name] = value.clone();
            }
        }
        instances.push(instance);
    }
    let body = json!({"instances": instances, "parameters": parameters(&given, task.as_ref())});
    Ok(into_object(body))
}

fn parameters(given: &Params, task: Option<&Value>) -> Object {
    let mut out = Object::new();
    if let Some(task) = task {
        out.insert("task_type".into(), task.clone());
    }
    for (name, wire) in [
        ("dimensions", "outputDimensionality"),
        ("outputDimensionality", "outputDimensionality"),
        ("auto_truncate", "auto_truncate"),
        ("input_type", "input_type"),
        ("title", "title"),
    ] {
        if let Some(value) = given.get::<Value>(name) {
            out.insert(wire.into(), value);
        }
    }
    out
}

/// The reply to a call.
pub fn reply(call: &Call, target: &Target, reply: &Object) -> Reply {
    let mut tokens = 0;
    let mut data = Vec::new();
    let list = reply.get("predictions").and_then(Value::as_array);
    for (index, item) in list.into_iter().flatten().enumerate() {
        let embedding = &item["embeddings"];
        if let Value::Object(statistics) = &embedding["statistics"] {
            tokens += count(statistics, "token_count");
        }
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding["values"]}));
    }
    let used = json!({"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens});
    embeddings::finished(call, target, &data, into_object(used))
}
