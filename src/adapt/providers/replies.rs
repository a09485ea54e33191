//! What the replies of protocols other than OpenAI's have in common once their content is read.

use crate::adapt::canonical::{self, Context, Form, into_object};
use crate::adapt::usage::{self, Object};
use crate::adapt::{Reply, Target};
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};

/// The model that a reply shows: the client's name in the server, else `own`.
pub fn shown_model(call: &Call, own: &str) -> String {
    if call.caller.route.is_empty() {
        own.to_owned()
    } else {
        call.shown_model().to_owned()
    }
}

/// A reply that is handed on as it came, and is not billed.
pub fn whole(body: Bytes) -> Reply {
    Reply {
        body,
        usage: None,
        upstream_model: None,
        finish_reason: None,
    }
}

/// The same as a member of a reply; `null` in process where `own` is empty.
fn named(call: &Call, own: &str) -> Value {
    Some(shown_model(call, own))
        .filter(|model| !model.is_empty())
        .into()
}

/// The counts of a reply in OpenAI's names.
pub fn counts(prompt: u64, completion: u64) -> Object {
    into_object(
        json!({"prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion}),
    )
}

/// A reply of one choice. `model` is what it shows in process.
pub fn chat(call: &Call, model: &str, finish: &str, message: Value, used: Object) -> Reply {
    let counted = usage::counts(&used, None);
    let reply = into_object(json!({
        "id": format!("chatcmpl-{}", call.id), "created": call.created, "model": named(call, model),
        "object": "chat.completion", "usage": used,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
    }));
    let reply = match call.op {
        Op::TextCompletion => canonical::text_completion(reply, &context(call)),
        _ => reply,
    };
    Reply {
        body: serde_json::to_vec(&Value::Object(reply))
            .unwrap_or_default()
            .into(),
        usage: Some(counted),
        upstream_model: None,
        finish_reason: Some(finish.to_owned()),
    }
}

fn context(call: &Call) -> Context<'_> {
    Context {
        form: Form::Direct,
        model_prefix: "",
        restamp: None,
        id: &call.id,
        created: call.created,
    }
}

/// A reply of embeddings. `model` is what it shows in process.
pub fn embeddings(call: &Call, model: &str, data: &[Value], used: Object) -> Reply {
    let counted = usage::counts(&used, None);
    let body = json!({"model": named(call, model), "object": "list", "data": data,
        "usage": usage::with_nulls(used)});
    Reply {
        body: serde_json::to_vec(&body).unwrap_or_default().into(),
        usage: Some(counted),
        upstream_model: None,
        finish_reason: None,
    }
}

/// One embedding of a list.
pub fn embedding(index: usize, vector: &Value) -> Value {
    json!({"object": "embedding", "index": index, "embedding": vector})
}

/// The reply as a JSON object.
///
/// # Errors
/// LiteLLM's error for a reply that is none.
pub fn object(target: &Target, body: &[u8]) -> crate::error::Result<Object> {
    serde_json::from_slice(body)
        .map_err(|_| place(target).broken(&crate::adapt::json_fault::describe(body)))
}

/// Where errors of a native provider come from: told by status, with the body as it came.
pub fn place(target: &Target) -> crate::adapt::errors::Place<'_> {
    crate::adapt::errors::Place {
        provider: target.provider.name,
        model: &target.model,
        wording: crate::adapt::errors::Wording::Body,
        family: crate::adapt::errors::Family::Status,
    }
}
