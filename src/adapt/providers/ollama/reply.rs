//! Whole replies of `/api/generate` and `/api/chat`.

use super::request;
use crate::account::tokens::{Encoding, Prompt};
use crate::adapt::canonical::{self, Context, Form, finish_reason, into_object, python_json};
use crate::adapt::providers::replies;
use crate::adapt::usage::Object;
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::request::Call;
use serde_json::{Value, json};

/// The reply of `/api/generate`. LiteLLM tells every one as stopped.
pub fn generate(call: &Call, target: &Target, reply: &Object) -> Reply {
    let response = match reply.get("response") {
        None => Some(""),
        Some(response) => response.as_str(),
    };
    let thought = reply.get("thinking").and_then(Value::as_str);
    let thought = thought.filter(|thought| !thought.is_empty());
    let formed = request::answers_json(call, target);
    let said = response.unwrap_or_default();
    let (finish, message) = match json_of(said).filter(|_| formed) {
        _ if formed && said.trim().is_empty() => ("stop", message(json!(""), thought)),
        Some(answer) => match tool_call(&answer, &call.id) {
            Some(tool_call) => {
                let mut message = message(Value::Null, thought);
                message["tool_calls"] = json!([tool_call]);
                ("tool_calls", message)
            }
            None => ("stop", message(json!(python_json(&answer)), thought)),
        },
        None => {
            let inline = response
                .filter(|_| thought.is_none())
                .and_then(canonical::split_thinking);
            let message = match inline {
                Some((thought, rest)) => message(json!(rest), Some(thought)),
                None => message(json!(response), thought),
            };
            ("stop", message)
        }
    };
    let prompt = told(reply, "prompt_eval_count").unwrap_or_else(|| {
        let body = request::generate(call, target).unwrap_or_default();
        tokens(body["prompt"].as_str().unwrap_or_default())
    });
    let used = replies::counts(prompt, told(reply, "eval_count").unwrap_or(0));
    let model = format!("ollama/{}", target.model);
    let mut out = replies::chat(call, &model, finish, message, used);
    out.upstream_model = served(reply);
    out
}

fn served(reply: &Object) -> Option<String> {
    reply.get("model")?.as_str().map(str::to_owned)
}

fn message(content: Value, thought: Option<&str>) -> Value {
    let mut message = json!({"role": "assistant", "content": content});
    if let Some(thought) = thought {
        message["reasoning_content"] = json!(thought);
    }
    message
}

/// An answer that is JSON, perhaps in a fence of Markdown.
pub fn json_of(text: &str) -> Option<Value> {
    let text = text.trim();
    let fenced = text.strip_prefix("```").map(|inner| {
        let inner = inner.strip_prefix("json").unwrap_or(inner).trim_start();
        inner.strip_suffix("```").unwrap_or(inner).trim_end()
    });
    serde_json::from_str(fenced.unwrap_or(text)).ok()
}

/// The call that an answer in JSON is, when it names a function and its arguments.
pub fn tool_call(answer: &Value, id: &str) -> Option<Value> {
    let (name, arguments) = (answer.get("name")?, answer.get("arguments")?);
    Some(json!({"id": format!("call_{id}"), "type": "function",
        "function": {"name": name, "arguments": python_json(arguments)}}))
}

/// The reply of `/api/chat`.
///
/// # Errors
/// LiteLLM's error for a reply without a message.
pub fn chat(call: &Call, target: &Target, mut reply: Object) -> Result<Reply> {
    let Some(Value::Object(mut message)) = reply.remove("message") else {
        return Err(replies::place(target).broken("the reply has no `message`"));
    };
    let native = reply.get("done_reason").and_then(Value::as_str);
    let mut finish = finish_reason(native.unwrap_or("stop"));
    if let Some(thought) = message.remove("thinking") {
        message.insert("reasoning_content".into(), thought);
    } else if let Some(content) = message.get("content").and_then(Value::as_str)
        && let Some((thought, rest)) = canonical::split_thinking(content)
    {
        let (thought, rest) = (json!(thought), json!(rest));
        message.insert("reasoning_content".into(), thought);
        message.insert("content".into(), rest);
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    if calls.is_some_and(|calls| !calls.is_empty()) {
        finish = "tool_calls";
    }
    let content = message.get("content").and_then(Value::as_str);
    let completion = told(&reply, "eval_count").unwrap_or_else(|| tokens(content.unwrap_or("")));
    let prompt = told(&reply, "prompt_eval_count").unwrap_or_else(|| asked_tokens(call));
    // Read as a reply of OpenAI's, which gives calls and members their form.
    let choice = json!({"index": 0, "finish_reason": finish, "message": message});
    let context = Context {
        form: Form::Direct,
        model_prefix: "",
        restamp: None,
        id: &call.id,
        created: call.created,
    };
    let mut read = canonical::chat(into_object(json!({"choices": [choice]})), &context);
    let message = read
        .get_mut("choices")
        .map_or(Value::Null, |choices| choices[0]["message"].take());
    let model = format!("ollama_chat/{}", target.model);
    let used = replies::counts(prompt, completion);
    let mut out = replies::chat(call, &model, finish, message, used);
    out.upstream_model = served(&reply);
    Ok(out)
}

fn told(reply: &Object, name: &str) -> Option<u64> {
    reply.get(name).and_then(Value::as_u64)
}

fn tokens(text: &str) -> u64 {
    Encoding::of("").count(text).try_into().unwrap_or(0)
}

/// What the messages count, when Ollama does not say.
fn asked_tokens(call: &Call) -> u64 {
    let messages: Vec<Value> = call.params.get("messages").unwrap_or_default();
    let prompt = Prompt {
        encoding: Encoding::of(""),
        messages: &messages,
        tools: None,
        tool_choice: None,
        primed: true,
        default_images: true,
        fallback: Some(0),
    };
    prompt.count().unwrap_or(0).try_into().unwrap_or(0)
}
