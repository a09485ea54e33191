//! Whole replies: OpenAI-shaped JSON into LiteLLM's `ModelResponse`, without `null` members.
//!
//! What changes: unknown members of messages and choices move to `provider_specific_fields`, reasoning gets one name,
//! finish reasons get OpenAI's, tool calls get every member, `usage` gets one form ([`super::usage`]).

use super::usage::{self, Object};
use serde_json::{Value, json};

/// How LiteLLM builds the reply object for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Through its converter: unknown members collected in `provider_specific_fields`.
    Converted,
    /// Straight from the JSON: unknown members stay where they are.
    Direct,
}

/// What a reply is made with besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// How the object is built.
    pub form: Form,
    /// `provider/` put before the upstream's model name.
    pub model_prefix: &'a str,
    /// The name that the reply shows instead.
    pub restamp: Option<&'a str>,
    /// For replies without one.
    pub id: &'a str,
    /// Unix seconds, for replies without one.
    pub created: i64,
}

impl Context<'_> {
    fn model(&self, upstream: Option<&Value>) -> Value {
        match (self.restamp, upstream) {
            (Some(name), _) => json!(name),
            (None, Some(Value::String(name))) => json!(format!("{}{name}", self.model_prefix)),
            (None, _) => Value::Null,
        }
    }

    fn id(&self, upstream: Option<Value>) -> Value {
        match upstream {
            Some(Value::String(id)) if !id.is_empty() => Value::String(id),
            _ => json!(format!("chatcmpl-{}", self.id)),
        }
    }

    /// `created` as whole seconds; some providers send fractions or text.
    pub(crate) fn created(&self, upstream: Option<&Value>) -> i64 {
        match upstream {
            Some(Value::Number(number)) => number
                .as_i64()
                .or_else(|| number.as_f64().map(|seconds| seconds as i64)),
            Some(Value::String(text)) => text.parse::<f64>().ok().map(|seconds| seconds as i64),
            _ => None,
        }
        .unwrap_or(self.created)
    }
}

/// A chat completion.
pub fn chat(mut reply: Object, context: &Context<'_>) -> Object {
    let mut out = Object::new();
    out.insert("id".into(), context.id(reply.remove("id")));
    let created = context.created(reply.remove("created").as_ref());
    out.insert("created".into(), json!(created));
    out.insert(
        "model".into(),
        context.model(reply.remove("model").as_ref()),
    );
    out.insert("object".into(), json!("chat.completion"));
    reply.remove("object");
    let choices = match reply.remove("choices") {
        Some(Value::Array(choices)) => choices,
        _ => Vec::new(),
    };
    let choices = choices
        .into_iter()
        .enumerate()
        .map(|(index, choice)| Value::Object(chat_choice(into_object(choice), index, context)))
        .collect();
    out.insert("choices".into(), Value::Array(choices));
    let used = into_object(reply.remove("usage").unwrap_or_default());
    out.insert("usage".into(), Value::Object(usage::canonical(used)));
    for (name, mut value) in reply {
        drop_nulls(&mut value);
        out.insert(name, value);
    }
    out.retain(|_, value| !value.is_null());
    out
}

fn chat_choice(mut choice: Object, index: usize, context: &Context<'_>) -> Object {
    let mut out = Object::new();
    let mut message = into_object(choice.remove("message").unwrap_or_default());
    let mut native = choice.remove("finish_reason").filter(|r| !r.is_null());
    if native.is_none() {
        native = choice
            .get("finish_details")
            .filter(|r| !r.is_null())
            .cloned();
    }
    let native = native.as_ref().and_then(Value::as_str).unwrap_or("stop");
    let has_tools = fill_tool_calls(&mut message, context.id);
    let mut extra = match choice.remove("provider_specific_fields") {
        Some(Value::Object(extra)) if context.form == Form::Direct => extra,
        _ => Object::new(),
    };
    let finish = match native {
        "stop" if has_tools && context.form == Form::Converted => "tool_calls",
        native => finish_reason(native),
    };
    let given_index = choice.remove("index");
    let logprobs = choice.remove("logprobs");
    if context.form == Form::Converted {
        out.insert("index".into(), json!(index));
        extra.extend(std::mem::take(&mut choice));
        collect_message_extras(&mut message);
    } else {
        out.insert("index".into(), given_index.unwrap_or(json!(index)));
    }
    if finish != native && !(native == "stop" && finish == "tool_calls") {
        extra.insert("native_finish_reason".into(), json!(native));
    }
    out.insert("finish_reason".into(), json!(finish));
    message
        .entry("role")
        .and_modify(|role| {
            if role.is_null() {
                *role = json!("assistant");
            }
        })
        .or_insert_with(|| json!("assistant"));
    drop_nulls_in(&mut message);
    out.insert("message".into(), Value::Object(message));
    if let Some(logprobs) = logprobs {
        out.insert("logprobs".into(), logprobs);
    }
    drop_nulls_in(&mut choice);
    out.extend(choice);
    if context.form == Form::Converted || !extra.is_empty() {
        out.insert("provider_specific_fields".into(), Value::Object(extra));
    }
    drop_nulls_in(&mut out);
    // The one null that clients look for: a message always has its content.
    if let Some(Value::Object(message)) = out.get_mut("message") {
        message.entry("content").or_insert(Value::Null);
    }
    out
}

/// Members of LiteLLM's `Message`; everything else is the provider's own.
const MESSAGE_FIELDS: [&str; 12] = [
    "content",
    "role",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "images",
    "reasoning_content",
    "thinking_blocks",
    "reasoning_items",
    "provider_specific_fields",
    "annotations",
];

/// Gives reasoning its one name and moves the provider's own members aside.
fn collect_message_extras(message: &mut Object) {
    let mut extra = match message.remove("provider_specific_fields") {
        Some(Value::Object(extra)) => extra,
        _ => Object::new(),
    };
    let names: Vec<String> = message
        .keys()
        .filter(|name| !MESSAGE_FIELDS.contains(&name.as_str()))
        .cloned()
        .collect();
    for name in names {
        if let Some(value) = message.remove(&name) {
            extra.insert(name, value);
        }
    }
    if !message.contains_key("reasoning_content") {
        if let Some(reasoning) = extra.get("reasoning").cloned() {
            message.insert("reasoning_content".into(), reasoning);
        } else if let Some(Value::String(content)) = message.get("content")
            && let Some((reasoning, rest)) = split_thinking(content)
        {
            let (reasoning, rest) = (json!(reasoning), json!(rest));
            message.insert("reasoning_content".into(), reasoning);
            message.insert("content".into(), rest);
        }
    }
    if let Some(blocks) = message.get("thinking_blocks").filter(|b| !b.is_null()) {
        extra.insert("thinking_blocks".into(), blocks.clone());
    }
    move_foreign_annotations(message, &mut extra);
    if let Some(Value::Array(images)) = message.get_mut("images") {
        for (index, image) in images.iter_mut().enumerate() {
            if let Value::Object(image) = image {
                image.entry("index").or_insert_with(|| json!(index));
            }
        }
    }
    drop_nulls_in(&mut extra);
    if !extra.is_empty() {
        message.insert("provider_specific_fields".into(), Value::Object(extra));
    }
}

/// Annotations of a type other than `url_citation` are the provider's own.
fn move_foreign_annotations(message: &mut Object, extra: &mut Object) {
    let Some(Value::Array(annotations)) = message.get_mut("annotations") else {
        return;
    };
    let foreign = |annotation: &Value| {
        annotation
            .get("type")
            .is_some_and(|kind| kind != "url_citation")
    };
    if !annotations.iter().any(foreign) {
        return;
    }
    let (theirs, ours): (Vec<_>, Vec<_>) =
        std::mem::take(annotations).into_iter().partition(foreign);
    extra.insert("annotations".into(), Value::Array(theirs));
    if ours.is_empty() {
        message.remove("annotations");
    } else {
        message.insert("annotations".into(), Value::Array(ours));
    }
}

/// `<think>...</think>` at the start of a text: what is inside, and what follows.
pub fn split_thinking(content: &str) -> Option<(&str, &str)> {
    const NAMES: [&str; 3] = ["think", "thinking", "budget:thinking"];
    let rest = content.strip_prefix('<')?;
    let open = NAMES
        .iter()
        .find_map(|name| rest.strip_prefix(name)?.strip_prefix('>'))?;
    let (at, after) = open.match_indices("</").find_map(|(at, _)| {
        NAMES
            .iter()
            .find_map(|name| open[at + 2..].strip_prefix(name)?.strip_prefix('>'))
            .map(|after| (at, after))
    })?;
    Some((&open[..at], after))
}

/// Gives every tool call its members; says whether there is one.
fn fill_tool_calls(message: &mut Object, id: &str) -> bool {
    if let Some(Value::Object(call)) = message.get_mut("function_call") {
        text_arguments(call);
    }
    let Some(Value::Array(calls)) = message.get_mut("tool_calls") else {
        return false;
    };
    if calls.is_empty() {
        message.remove("tool_calls");
        return false;
    }
    for (index, call) in calls.iter_mut().enumerate() {
        let Value::Object(call) = call else { continue };
        let custom = call.get("custom").is_some_and(Value::is_object);
        if call.get("id").is_none_or(Value::is_null) {
            call.insert("id".into(), json!(format!("call_{id}_{index}")));
        }
        if call.get("type").is_none_or(Value::is_null) {
            let kind = if custom { "custom" } else { "function" };
            call.insert("type".into(), json!(kind));
        }
        if let Some(Value::Object(function)) = call.get_mut("function") {
            text_arguments(function);
            function.retain(|name, _| name == "arguments" || name == "name");
        }
    }
    true
}

/// `arguments` is text for OpenAI; some providers send the object itself, or nothing.
pub(crate) fn text_arguments(function: &mut Object) {
    let arguments = match function.remove("arguments") {
        Some(Value::String(text)) => Value::String(text),
        None | Some(Value::Null) => match function.remove("parameters") {
            Some(Value::Object(parameters)) => json!(python_json(&Value::Object(parameters))),
            _ => json!(""),
        },
        Some(other) => json!(python_json(&other)),
    };
    function.insert("arguments".into(), arguments);
}

/// JSON with the spaces that Python's `json.dumps` puts.
pub(crate) fn python_json(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let members: Vec<String> = object
                .iter()
                .map(|(name, value)| format!("{}: {}", json!(name), python_json(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_json).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// OpenAI's word for a provider's finish reason; `stop` for one that nobody knows.
pub fn finish_reason(native: &str) -> &'static str {
    match native {
        "length"
        | "max_tokens"
        | "compaction"
        | "pause_turn"
        | "model_context_window_exceeded"
        | "MAX_TOKENS"
        | "CONTINUATION" => "length",
        "tool_calls" | "tool_use" | "TOOL_CALL" => "tool_calls",
        "function_call" => "function_call",
        "content_filter"
        | "refusal"
        | "ERROR_TOXIC"
        | "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "OTHER"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "NO_IMAGE"
        | "IMAGE_RECITATION"
        | "IMAGE_OTHER"
        | "ESCALATION"
        | "sensitive"
        | "guardrail_intervened"
        | "content_filtered" => "content_filter",
        _ => "stop",
    }
}

/// A text completion, from a text completion or from a chat completion.
pub fn text_completion(mut reply: Object, context: &Context<'_>) -> Object {
    let mut out = Object::new();
    out.insert("id".into(), context.id(reply.remove("id")));
    out.insert("object".into(), json!("text_completion"));
    reply.remove("object");
    let created = context.created(reply.remove("created").as_ref());
    out.insert("created".into(), json!(created));
    let choices = match reply.remove("choices") {
        Some(Value::Array(choices)) => choices,
        _ => Vec::new(),
    };
    let from_chat = choices.iter().any(|choice| choice.get("message").is_some());
    let named = Context {
        model_prefix: if from_chat { context.model_prefix } else { "" },
        ..*context
    };
    let model = named.model(reply.remove("model").as_ref());
    out.insert("model".into(), model);
    let choices = choices
        .into_iter()
        .enumerate()
        .map(|(index, choice)| {
            let mut choice = into_object(choice);
            let text = match choice.remove("message") {
                Some(Value::Object(mut message)) => message.remove("content"),
                _ => choice.remove("text"),
            };
            let native = choice.get("finish_reason").and_then(Value::as_str);
            json!({
                "index": choice.get("index").cloned().unwrap_or(json!(index)),
                "text": text,
                "finish_reason": native.filter(|reason| !reason.is_empty()).map(finish_reason),
                "logprobs": choice.remove("logprobs"),
            })
        })
        .collect();
    out.insert("choices".into(), Value::Array(choices));
    if let Some(Value::Object(used)) = reply.remove("usage") {
        let used = usage::with_nulls(usage::canonical(used));
        out.insert("usage".into(), Value::Object(used));
    }
    if !from_chat {
        out.insert("system_fingerprint".into(), Value::Null);
        out.extend(reply);
    }
    out
}

/// Embeddings. LiteLLM shows the counts only, and the model without the provider.
pub fn embeddings(mut reply: Object, context: &Context<'_>) -> Object {
    let used = match reply.remove("usage") {
        Some(Value::Object(used)) => used,
        _ => Object::new(),
    };
    let mut counts = Object::new();
    for name in ["completion_tokens", "prompt_tokens", "total_tokens"] {
        counts.insert(name.into(), json!(usage::count(&used, name)));
    }
    let model = match context.restamp {
        Some(name) => json!(name),
        None => reply.remove("model").unwrap_or_default(),
    };
    let mut out = Object::new();
    out.insert("model".into(), model);
    out.insert("object".into(), json!("list"));
    out.insert("data".into(), reply.remove("data").unwrap_or(json!([])));
    let used = usage::with_nulls(counts);
    out.insert("usage".into(), Value::Object(used));
    out
}

/// The object, or an empty one for any other value.
pub(crate) fn into_object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// Takes `null` members out of objects, at every depth.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => drop_nulls_in(object),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// [`drop_nulls`] of an object.
pub fn drop_nulls_in(object: &mut Object) {
    object.retain(|_, value| !value.is_null());
    object.values_mut().for_each(drop_nulls);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_is_split_only_at_the_start() {
        assert_eq!(split_thinking("<think>a</think>b"), Some(("a", "b")));
        assert_eq!(
            split_thinking("<thinking>a\n</b></thinking>\nc"),
            Some(("a\n</b>", "\nc"))
        );
        assert_eq!(split_thinking("x<think>a</think>b"), None);
        assert_eq!(split_thinking("<think>a"), None);
    }

    #[test]
    fn tool_arguments_become_text() {
        let mut function = into_object(json!({"name": "f", "arguments": {"a": [1, "x"]}}));
        text_arguments(&mut function);
        assert_eq!(function["arguments"], json!("{\"a\": [1, \"x\"]}"));
    }
}
