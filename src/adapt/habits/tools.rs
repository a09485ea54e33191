//! Habits about tools, and forms of answers.

// A habit may refuse; most of them do not.
#![allow(clippy::unnecessary_wraps)]

use super::{Habits, Mapping};
use crate::adapt::params::facts;
use crate::adapt::providers::openai_request::messages::without;
use crate::error::{Error, Result};
use serde_json::{Value, json};

fn change_tools(mapping: &mut Mapping<'_>, change: impl FnOnce(&mut Vec<Value>)) {
    if let Some(Value::Array(mut tools)) = mapping.value("tools") {
        change(&mut tools);
        if tools.is_empty() {
            mapping.params.remove("tools");
        } else {
            mapping.params.set("tools", &tools);
        }
    }
}

fn strip_strict(mapping: &mut Mapping<'_>) -> Result<()> {
    change_tools(mapping, |tools| {
        for tool in tools {
            without(tool, "strict");
        }
    });
    // Live Search is gone from this API.
    mapping.params.remove("web_search_options");
    Ok(())
}

/// <https://docs.x.ai/docs/api-reference>
pub static XAI: Habits = Habits {
    older_max_tokens: true,
    supported: Some(|model, names| {
        if has_no_stop(model) {
            names.retain(|name| *name != "stop");
        }
        if has_no_stop(model) || model.contains("grok-4") || model.contains("grok-code-fast") {
            names.retain(|name| *name != "frequency_penalty");
        }
        if facts::supports(model, "xai", "supports_reasoning") {
            names.push("reasoning_effort");
        }
    }),
    params: Some(strip_strict),
    messages: Some(|messages, _| {
        for message in messages.iter_mut().filter_map(Value::as_object_mut) {
            if message.get("role").and_then(Value::as_str) != Some("user") {
                message.remove("name");
            }
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// Whether a model of xAI refuses stop sequences.
pub fn has_no_stop(model: &str) -> bool {
    ["grok-3-mini", "grok-4", "grok-code-fast"]
        .iter()
        .any(|family| model.contains(family))
}

fn groq_params(mapping: &mut Mapping<'_>) -> Result<()> {
    // Groq cannot stream structured answers.
    let format = mapping.value("response_format");
    mapping.fake_stream = format.is_some();
    let schema = format.as_ref().and_then(|format| {
        format
            .get("response_schema")
            .or_else(|| format.get("json_schema")?.get("schema"))
    });
    if let Some(schema) = schema
        && !facts::supports(mapping.model, "groq", "supports_response_schema")
    {
        if mapping.params.contains("tools") {
            return Err(Error::bad_request(format!(
                "Groq model '{}' does not support native structured outputs. LiteLLM uses a tool-calling workaround for \
                 structured outputs on this model, which is incompatible with user-provided tools. Either use a model \
                 that supports native structured outputs (e.g., gpt-oss-120b, llama-4, kimi-k2), or remove the tools \
                 parameter. See: https://console.groq.com/docs/structured-outputs#supported-models",
                mapping.model
            ))
            .at("groq", mapping.model));
        }
        let tool = json!([{"type": "function", "function": {"name": "json_tool_call", "parameters": schema}}]);
        mapping.params.set("tools", &tool);
        let choice = json!({"type": "function", "function": {"name": "json_tool_call"}});
        mapping.params.set("tool_choice", &choice);
        mapping.params.remove("response_format");
        mapping.json_mode = true;
    }
    if mapping.params.remove("web_search_options").is_some() && !is_compound(mapping.model) {
        let mut tools = match mapping.value("tools") {
            Some(Value::Array(tools)) => tools,
            _ => Vec::new(),
        };
        if !tools.iter().any(|tool| tool["type"] == "browser_search") {
            tools.push(json!({"type": "browser_search"}));
        }
        mapping.params.set("tools", &tools);
    }
    Ok(())
}

fn is_compound(model: &str) -> bool {
    matches!(
        model.strip_prefix("groq/").unwrap_or(model),
        "compound" | "compound-mini"
    )
}

/// <https://console.groq.com/docs/api-reference>
pub static GROQ: Habits = Habits {
    older_max_tokens: true,
    supported: Some(|model, names| {
        if is_compound(model) || facts::supports(model, "groq", "supports_web_search") {
            let at = names
                .iter()
                .position(|name| *name == "service_tier")
                .unwrap_or(names.len());
            names.insert(at, "web_search_options");
        }
        if facts::supports(model, "groq", "supports_reasoning") {
            names.push("reasoning_effort");
        }
    }),
    params: Some(groq_params),
    messages: Some(|messages, _| {
        strip_assistant(
            messages,
            &[
                "thinking_blocks",
                "reasoning_items",
                "provider_specific_fields",
                "reasoning_content",
            ],
        );
        Ok(())
    }),
    ..Habits::NONE
};

/// Takes members that LiteLLM adds to replies out of assistant messages.
fn strip_assistant(messages: &mut [Value], names: &[&str]) {
    for message in messages
        .iter_mut()
        .filter(|message| message["role"] == "assistant")
    {
        strip(message, names);
    }
}

fn strip(message: &mut Value, names: &[&str]) {
    let Some(message) = message.as_object_mut() else {
        return;
    };
    message.retain(|name, _| !names.contains(&name.as_str()));
    if let Some(Value::Array(calls)) = message.get_mut("tool_calls") {
        for call in calls.iter_mut().filter_map(Value::as_object_mut) {
            call.remove("provider_specific_fields");
            if let Some(Value::Object(function)) = call.get_mut("function") {
                function.remove("provider_specific_fields");
            }
        }
    }
}

const RESPONSE_ONLY: &[&str] = &[
    "thinking_blocks",
    "reasoning_items",
    "provider_specific_fields",
];

fn together_params(mapping: &mut Mapping<'_>) -> Result<()> {
    let declared = |capability| facts::declared(mapping.model, "together_ai", capability);
    let mut refused = Vec::new();
    if declared("supports_function_calling") == Some(false) {
        refused.extend([
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "function_call",
            "functions",
        ]);
    }
    if declared("supports_response_schema") == Some(false) {
        refused.push("response_format");
    }
    refused.retain(|name| mapping.params.contains(name));
    if !refused.is_empty() && !mapping.drop_params {
        return Err(mapping.unsupported(format!(
            "together_ai does not support parameters: {}, for model={}. To drop it from the call, set \
             `litellm.drop_params = True`.",
            refused.join(", "),
            mapping.model
        )));
    }
    mapping.params.retain(|name, _| !refused.contains(&name));
    super::reasoning::together_effort(mapping);
    Ok(())
}

/// <https://docs.together.ai/reference>
pub static TOGETHER: Habits = Habits {
    text_completions: true,
    supported: Some(|model, names| {
        if super::reasoning::together_reasons(model) {
            names.push("reasoning_effort");
        }
    }),
    params: Some(together_params),
    messages: Some(|messages, _| {
        strip_assistant(messages, RESPONSE_ONLY);
        Ok(())
    }),
    ..Habits::NONE
};

fn fireworks_params(mapping: &mut Mapping<'_>) -> Result<()> {
    if mapping.params.contains("thinking") && mapping.params.contains("reasoning_effort") {
        return Err(Error::bad_request(
            "Fireworks AI chat completions does not support specifying both `thinking` and `reasoning_effort` in the \
             same request.",
        )
        .at("fireworks_ai", mapping.model));
    }
    if mapping.value("tool_choice") == Some("required".into()) {
        mapping.params.set("tool_choice", &"any");
    }
    fireworks_schema_tool(mapping);
    change_tools(mapping, |tools| {
        for tool in tools.iter_mut().filter(|tool| tool["type"] == "function") {
            if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
                function.remove("strict");
            }
        }
    });
    if let Some(effort) = mapping.value("reasoning_effort") {
        let effort = effort.get("effort").cloned().unwrap_or(effort);
        match effort {
            Value::Bool(on) => mapping
                .params
                .set("reasoning_effort", &if on { "medium" } else { "none" }),
            Value::String(word) if word == "auto" => {
                mapping.params.remove("reasoning_effort");
            }
            effort => mapping.params.set("reasoning_effort", &effort),
        }
    }
    if mapping.stream {
        let mut options = mapping
            .params
            .get::<serde_json::Map<String, Value>>("stream_options")
            .unwrap_or_default();
        if options.get("include_usage") != Some(&Value::Bool(false)) {
            options.insert("include_usage".to_owned(), true.into());
        }
        mapping.params.set("stream_options", &options);
    }
    Ok(())
}

/// With tools present, a wanted form of the answer is one more tool.
fn fireworks_schema_tool(mapping: &mut Mapping<'_>) {
    let (Some(Value::Array(mut tools)), Some(format)) =
        (mapping.value("tools"), mapping.value("response_format"))
    else {
        return;
    };
    let schema = format
        .get("response_schema")
        .or_else(|| format.get("json_schema")?.get("schema"));
    mapping.params.remove("response_format");
    if let Some(schema) = schema {
        tools.push(json!({"type": "function", "function": {"name": "json_tool_call", "parameters": schema}}));
        mapping.params.set("tools", &tools);
        mapping.json_mode = true;
    }
}

/// `accounts/fireworks/models/<name>`, as the API wants it.
fn fireworks_model(model: &str) -> String {
    if model.starts_with("accounts/") || model.contains('#') {
        model.to_owned()
    } else if model.starts_with("routers/") || model.starts_with("models/") {
        format!("accounts/fireworks/{model}")
    } else if model.ends_with("-fast") {
        format!("accounts/fireworks/routers/{model}")
    } else {
        format!("accounts/fireworks/models/{model}")
    }
}

/// Whether the catalogue gives a model a capability, under its short or its whole name.
fn capable(model: &str, capability: &str) -> bool {
    facts::supports(model, "fireworks_ai", capability)
        || facts::supports(&fireworks_model(model), "fireworks_ai", capability)
}

/// Members of vLLM and NIM that Fireworks refuses.
#[rustfmt::skip]
const ENGINE_MEMBERS: &[&str] = &[
    "stop_token_ids", "include_stop_str_in_output", "skip_special_tokens", "spaces_between_special_tokens", "best_of",
    "use_beam_search", "guided_decoding_backend", "guided_regex", "add_generation_prompt", "continue_final_message",
    "add_special_tokens", "detokenize", "allowed_token_ids", "bad_words", "include_reasoning", "nvext",
];

/// <https://docs.fireworks.ai/api-reference>
pub static FIREWORKS: Habits = Habits {
    older_max_tokens: true,
    text_completions: true,
    supported: Some(|model, names| {
        names.retain(|name| !matches!(*name, "tools" | "parallel_tool_calls"));
        if facts::declared(model, "fireworks_ai", "supports_function_calling") != Some(false) {
            names.extend(["tools", "parallel_tool_calls"]);
        }
        if capable(model, "supports_tool_choice") {
            names.push("tool_choice");
        }
        if capable(model, "supports_reasoning") {
            names.extend(["reasoning_effort", "reasoning_history", "thinking"]);
        }
    }),
    params: Some(fireworks_params),
    messages: Some(|messages, mapping| {
        let blind =
            facts::declared(mapping.model, "fireworks_ai", "supports_vision") == Some(false);
        for message in messages {
            refuse_parts(message, blind, mapping)?;
            strip(message, RESPONSE_ONLY);
        }
        Ok(())
    }),
    leaves_out: ENGINE_MEMBERS,
    model: Some(fireworks_model),
    ..Habits::NONE
};

fn refuse_parts(message: &Value, blind: bool, mapping: &Mapping<'_>) -> Result<()> {
    let refuse = |text: String| Err(Error::bad_request(text).at("fireworks_ai", mapping.model));
    for part in message["content"].as_array().into_iter().flatten() {
        match part["type"].as_str() {
            Some("file") => {
                return refuse(
                    "Fireworks AI chat completions does not support file content blocks. For PDFs, convert pages to \
                     images and send image_url blocks to a Fireworks vision model, or extract text before calling a \
                     text-only model."
                        .to_owned(),
                );
            }
            Some("image_url") if blind => {
                return refuse(format!(
                    "Fireworks AI model {} does not support image inputs. Use a Fireworks vision model or remove \
                     image_url content blocks.",
                    mapping.model
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn vllm_params(mapping: &mut Mapping<'_>) -> Result<()> {
    change_tools(mapping, |tools| {
        for (index, tool) in tools.iter_mut().enumerate() {
            without_closed_objects(tool);
            without(tool, "strict");
            if tool["type"] == "custom" {
                *tool = function_of_custom(tool, index);
            }
        }
    });
    super::reasoning::effort_from_thinking(mapping)
}

/// Removes `additionalProperties: false` at any depth.
fn without_closed_objects(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("additionalProperties") == Some(&Value::Bool(false)) {
                object.remove("additionalProperties");
            }
            object.values_mut().for_each(without_closed_objects);
        }
        Value::Array(items) => items.iter_mut().for_each(without_closed_objects),
        _ => {}
    }
}

fn function_of_custom(tool: &Value, index: usize) -> Value {
    let said = |name: &str| tool["custom"].get(name).or_else(|| tool.get(name)).cloned();
    let name = said("name").unwrap_or_else(|| format!("custom_tool_{index}").into());
    let parameters = said("input_schema").filter(Value::is_object).unwrap_or_else(|| {
        json!({
            "type": "object",
            "properties": {"input": {"type": "string", "description": "Raw tool input payload."}},
            "required": ["input"],
        })
    });
    let mut function = json!({"name": name, "parameters": parameters});
    if let Some(description @ Value::String(_)) = said("description") {
        function["description"] = description;
    }
    json!({"type": "function", "function": function})
}

/// <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>
pub static VLLM: Habits = Habits {
    text_completions: true,
    params: Some(vllm_params),
    messages: Some(|messages, _| {
        messages.iter_mut().for_each(super::chat::vllm_message);
        Ok(())
    }),
    ..Habits::NONE
};

fn deepinfra_params(mapping: &mut Mapping<'_>) -> Result<()> {
    if let Some(choice) = mapping.value("tool_choice")
        && choice != "auto"
        && choice != "none"
        && !mapping.drop_params
    {
        let choice = choice
            .as_str()
            .map_or_else(|| choice.to_string(), str::to_owned);
        return Err(mapping.unsupported(format!(
            "Deepinfra doesn't support tool_choice={choice}. To drop unsupported openai params from the call, set \
             `litellm.drop_params = True`"
        )));
    }
    // LiteLLM checks the choice and then does not send it.
    mapping.params.remove("tool_choice");
    Ok(())
}

/// <https://deepinfra.com/docs/openai_api>
pub static DEEPINFRA: Habits = Habits {
    older_max_tokens: true,
    supported: Some(|model, names| {
        if facts::supports(model, "deepinfra", "supports_reasoning") {
            names.push("reasoning_effort");
        }
    }),
    params: Some(deepinfra_params),
    messages: Some(|messages, _| {
        for message in messages
            .iter_mut()
            .filter(|message| message["role"] == "tool")
        {
            if let Value::Array(parts) = &message["content"] {
                let text = match parts.as_slice() {
                    [part] if part["type"] == "text" && part.get("text").is_some() => {
                        part["text"].clone()
                    }
                    _ => Value::from(message["content"].to_string()),
                };
                message["content"] = text;
            }
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// <https://friendli.ai/docs/openapi>
pub static FRIENDLI: Habits = Habits {
    older_max_tokens: true,
    messages: Some(|messages, _| {
        strip_assistant(messages, RESPONSE_ONLY);
        Ok(())
    }),
    ..Habits::NONE
};
