//! The body of a conversation: OpenAI's parameters as the model's options, and what is no option beside them.

use super::prompt;
use crate::adapt::Target;
use crate::adapt::canonical::{into_object, split_thinking};
use crate::adapt::habits::Mapping;
use crate::adapt::providers::openai_request::text::as_chat;
use crate::adapt::providers::openai_request::{map_params, with_defaults};
use crate::adapt::usage::Object;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The member under which tools wait for the prompt that tells of them.
const TOLD_TOOLS: &str = "functions_unsupported_model";

/// `/api/generate` knows no tools: the prompt tells of them, and the answer comes as JSON.
///
/// # Errors
/// None.
pub fn before(mapping: &mut Mapping<'_>) -> Result<()> {
    let params = &mut mapping.params;
    let told = ["tools", "functions"]
        .into_iter()
        .find_map(|name| Some((name, params.remove(name)?)));
    if let Some((name, tools)) = told {
        if name == "tools" {
            params.remove("tool_choice");
            params.remove("functions");
        }
        mapping.extra.set(FORMAT, &"json");
        mapping.extra.set_raw(TOLD_TOOLS, tools);
    }
    Ok(())
}

const FORMAT: &str = "format";

/// OpenAI's names as `/api/generate` words them.
///
/// # Errors
/// None.
pub fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    let model = mapping.model;
    let params = &mut mapping.params;
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(raw) = params.remove(name) {
            params.set_raw("num_predict", raw);
        }
    }
    if let Some(effort) = params
        .remove("reasoning_effort")
        .and_then(|raw| serde_json::from_slice::<Value>(&raw).ok())
    {
        params.set("think", &think(model, effort));
    }
    if let Some(Value::Object(format)) = params
        .remove("response_format")
        .and_then(|raw| serde_json::from_slice(&raw).ok())
        && let Some(format) = format_of(&format)
    {
        mapping.extra.remove(FORMAT);
        params.set(FORMAT, &format);
    }
    Ok(())
}

/// OpenAI's names as `/api/chat` words them.
///
/// # Errors
/// None.
pub fn chat_params(mapping: &mut Mapping<'_>) -> Result<()> {
    params(mapping)?;
    let params = &mut mapping.params;
    if let Some(raw) = params.remove("frequency_penalty") {
        params.set_raw("repeat_penalty", raw);
    }
    if let Some(functions) = params.remove("functions") {
        params.set_raw("tools", functions);
    }
    params.remove("tool_choice");
    Ok(())
}

/// Ollama thinks or does not; the gpt-oss models know levels.
fn think(model: &str, effort: Value) -> Value {
    if model.starts_with("gpt-oss") {
        return effort;
    }
    json!(matches!(effort.as_str(), Some("low" | "medium" | "high")))
}

fn format_of(format: &Object) -> Option<Value> {
    match format.get("type").and_then(Value::as_str)? {
        "json_object" => Some(json!("json")),
        "json_schema" => {
            let schema = format.get("json_schema")?.get("schema")?;
            (!schema.is_null()).then(|| schema.clone())
        }
        _ => None,
    }
}

/// What a request is made of.
struct Asked {
    /// The conversation.
    messages: Vec<Object>,
    /// Everything that the model is asked with, by Ollama's names.
    options: Object,
    /// Tools to tell of, as they were written.
    tools: Vec<Box<RawValue>>,
    /// Members that the caller puts into the body itself.
    extra_body: Object,
}

impl Asked {
    fn of(call: &Call, target: &Target) -> Result<Self> {
        let given = with_defaults(&call.params, &target.defaults);
        let mut mapping = map_params(
            &given,
            target.provider,
            &target.model,
            target.supported(),
            &target.options,
            call.stream,
        )?;
        for (name, _) in target.options.extra_body.iter() {
            if !given.contains(name) {
                mapping.extra.remove(name);
            }
        }
        let tools = mapping.extra.remove(TOLD_TOOLS);
        let tools = tools.and_then(|raw| serde_json::from_slice(&raw).ok());
        let mut options = object(&mapping.params);
        options.extend(object(&mapping.extra));
        let unreadable = |_| {
            Error::bad_request("`messages` must be a list of objects")
                .at(target.provider.name, &target.model)
        };
        let messages = given.raw("messages").map_or(Ok(Vec::new()), |raw| {
            serde_json::from_slice(raw).map_err(unreadable)
        })?;
        Ok(Self {
            messages,
            tools: tools.unwrap_or_default(),
            options,
            extra_body: object(&target.options.extra_body),
        })
    }

    /// Takes a member that is no option of the model.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.options.remove(name)
    }

    fn body(self, mut body: Value, beside: &[(&str, Option<Value>)]) -> Value {
        body["options"] = Value::Object(self.options);
        for (name, value) in beside {
            if let Some(value) = value {
                body[*name] = value.clone();
            }
        }
        for (name, value) in self.extra_body {
            body[name] = value;
        }
        body
    }
}

fn object(params: &Params) -> Object {
    let mut out = Object::new();
    for (name, raw) in params.iter() {
        if let Ok(value) = serde_json::from_slice(raw) {
            out.insert(name.into(), value);
        }
    }
    out
}

/// The body for `/api/generate`: the conversation as one prompt.
///
/// # Errors
/// A parameter that Ollama does not take, and messages that cannot be read.
pub fn generate(call: &Call, target: &Target) -> Result<Value> {
    let text = call.op == Op::TextCompletion;
    let asked_as_chat = text.then(|| as_chat(call)).transpose()?;
    let call = asked_as_chat.as_ref().unwrap_or(call);
    let mut asked = Asked::of(call, target)?;
    let (format, think) = (asked.take(FORMAT), asked.take("think"));
    let images = asked.take("images");
    let mut body = json!({"model": target.model, "stream": call.stream});
    if text {
        let texts = asked.messages.iter().map(prompt::text);
        body["prompt"] = json!(texts.collect::<String>());
    } else {
        if !asked.tools.is_empty() {
            prompt::tell_of(&asked.tools, &mut asked.messages);
        }
        let prompt = prompt::prompt(&asked.messages, target)?;
        body["prompt"] = json!(prompt.text);
        body["images"] = json!(prompt.images);
    }
    let images = images.filter(|_| text);
    let beside = [("format", format), ("think", think), ("images", images)];
    Ok(asked.body(body, &beside))
}

/// Whether a call at `/api/generate` is answered in JSON of no schema, which may be a call of a tool.
pub fn answers_json(call: &Call, target: &Target) -> bool {
    let names = ["response_format", "tools", "functions", FORMAT];
    let may = |params: &Params| names.iter().any(|name| params.contains(name));
    (may(&call.params) || may(&target.defaults))
        && generate(call, target).is_ok_and(|body| body["format"] == "json")
}

/// The body for `/api/chat`.
///
/// # Errors
/// As [`generate`].
pub fn chat(call: &Call, target: &Target) -> Result<Value> {
    let text = call.op == Op::TextCompletion;
    let asked_as_chat = text.then(|| as_chat(call)).transpose()?;
    let call = asked_as_chat.as_ref().unwrap_or(call);
    let mut asked = Asked::of(call, target)?;
    asked.take("function_name");
    let beside = ["format", "tools", "keep_alive", "think"];
    let beside = beside.map(|name| (name, asked.take(name)));
    let messages: Result<Vec<Value>> = asked.messages.iter().map(message).collect();
    let body = json!({"model": target.model, "messages": messages?, "stream": call.stream});
    Ok(asked.body(body, &beside))
}

fn message(given: &Object) -> Result<Value> {
    let content = given.get("content");
    let mut out = json!({"role": prompt::role(given), "content": prompt::text(given), "images": prompt::images(content)});
    let thought = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|name| given.get(*name));
    let inline = content.and_then(Value::as_str).and_then(split_thinking);
    match (thought, inline) {
        (Some(thought @ Value::String(_)), _) => out["thinking"] = thought.clone(),
        (None, Some((thought, _))) => out["thinking"] = json!(thought),
        _ => {}
    }
    if let Some(calls) = given.get("tool_calls").and_then(Value::as_array) {
        let calls: Result<Vec<Value>> = calls
            .iter()
            .filter(|call| call.get("type").is_none_or(|kind| kind == "function"))
            .map(tool_call)
            .collect();
        out["tool_calls"] = Value::Array(calls?);
    }
    if let Some(id) = given.get("tool_call_id").filter(|id| !id.is_null()) {
        out["tool_call_id"] = id.clone();
    }
    Ok(out)
}

/// A call with its arguments as an object.
fn tool_call(call: &Value) -> Result<Value> {
    let function = &call["function"];
    let name = function["name"].as_str().unwrap_or_default();
    let mut out = json!({"function": {"name": name, "arguments": prompt::arguments(function)?}});
    if call["id"].is_string() {
        out["id"] = call["id"].clone();
    }
    Ok(Value::Object(into_object(out)))
}
