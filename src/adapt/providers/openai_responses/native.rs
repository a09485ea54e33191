//! How the providers that have the Responses API serve it, each its own way.

use crate::params::Params;
use serde_json::{Value, json};

/// How a provider serves the Responses API.
pub struct Native {
    /// What comes before the path, unless the base ends with it.
    pub root: &'static str,
    /// Optional members that it takes; `None`: all of them.
    pub takes: Option<&'static [&'static str]>,
    /// What it takes otherwise than OpenAI.
    pub body: Option<fn(&mut Params)>,
    /// Models that the price map does not have are asked for whole replies, and those told as streams.
    pub slices_unlisted: bool,
    /// Efforts of models that do not reason are refused before they are sent.
    pub checks_effort: bool,
    /// Shortest `max_output_tokens`; what is shorter is raised to it.
    pub least_output: u64,
}

/// As OpenAI's, with the provider's own models.
pub static ALIKE: Native = Native {
    root: "",
    takes: None,
    body: None,
    slices_unlisted: false,
    checks_effort: false,
    least_output: 16,
};

/// OpenAI's own.
pub static OPENAI: Native = Native {
    checks_effort: true,
    ..ALIKE
};

/// xAI's: no metadata, and tools with fewer members. <https://docs.x.ai/docs/api-reference#create-new-response>
pub static XAI: Native = Native {
    body: Some(for_xai),
    slices_unlisted: true,
    least_output: 0,
    ..ALIKE
};

/// OpenRouter's: its own models are called `openrouter/<name>`. <https://openrouter.ai/docs/api/reference/responses>
pub static OPENROUTER: Native = Native {
    body: Some(for_openrouter),
    ..ALIKE
};

/// Perplexity's. <https://docs.perplexity.ai/api-reference/responses-post>
pub static PERPLEXITY: Native = Native {
    root: "/v1",
    takes: Some(&[
        "max_output_tokens",
        "temperature",
        "top_p",
        "tools",
        "reasoning",
        "instructions",
    ]),
    body: Some(for_perplexity),
    ..ALIKE
};

/// vLLM's own server. <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>
pub static VLLM: Native = Native {
    root: "/v1",
    ..ALIKE
};

/// Fireworks': one text of instructions.
/// <https://docs.fireworks.ai/api-reference/post-responses>
pub static FIREWORKS: Native = Native {
    body: Some(for_fireworks),
    ..ALIKE
};

/// Parasail's: it stores no responses.
pub static PARASAIL: Native = Native {
    body: Some(|body| body.set("store", &false)),
    ..ALIKE
};

/// Sail's: it has one tier.
pub static SAIL: Native = Native {
    body: Some(|body| {
        body.remove("service_tier");
    }),
    ..ALIKE
};

/// Volcengine's: no metadata, and calls of tools are always parallel.
/// <https://www.volcengine.com/docs/82379/1569618>
pub static VOLCENGINE: Native = Native {
    root: "/api/v3",
    takes: Some(&[
        "context_management",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
    ]),
    body: Some(for_volcengine),
    ..ALIKE
};

fn for_openrouter(body: &mut Params) {
    if let Some(model) = body.get::<String>("model")
        && !model.contains('/')
    {
        body.set("model", &format!("openrouter/{model}"));
    }
}

/// Items say that they are messages, and a preset takes the place of a model.
fn for_perplexity(body: &mut Params) {
    if let Some(model) = body.get::<String>("model")
        && let Some(preset) = model.strip_prefix("preset/")
    {
        body.remove("model");
        body.set("preset", &preset);
    }
    let Some(Value::Array(mut items)) = body.get("input") else {
        return;
    };
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.entry("type").or_insert_with(|| "message".into());
    }
    body.set("input", &items);
}

/// The system's and the developer's texts at the start, and the developer's later ones, become `instructions`; a model's
/// template has place for one of them only. What cannot be folded is said by the system.
fn for_fireworks(body: &mut Params) {
    let Some(Value::Array(items)) = body.get("input") else {
        return;
    };
    let role = |item: &Value| item.get("role").and_then(Value::as_str).map(str::to_owned);
    let instructs = |role: Option<&str>| matches!(role, Some("system" | "developer"));
    if !items.iter().any(|item| instructs(role(item).as_deref())) {
        return;
    }
    let mut texts: Vec<String> = body.get("instructions").into_iter().collect();
    let mut leading = true;
    let mut kept = Vec::with_capacity(items.len());
    for mut item in items {
        let role = role(&item);
        leading = leading && instructs(role.as_deref());
        if (leading || role.as_deref() == Some("developer"))
            && let Some(text) = text_of(&item)
        {
            texts.push(text);
            continue;
        }
        if role.as_deref() == Some("developer") {
            item["role"] = "system".into();
            item["type"] = "message".into();
        }
        kept.push(item);
    }
    texts.retain(|text| !text.is_empty());
    if !texts.is_empty() {
        body.set("instructions", &texts.join("\n\n"));
    }
    body.set("input", &kept);
}

/// The text of a message that is nothing else.
fn text_of(item: &Value) -> Option<String> {
    let parts = match item.get("content")? {
        Value::String(text) => return Some(text.clone()),
        Value::Array(parts) => parts,
        _ => return None,
    };
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| {
            let is_text = part.get("type").and_then(Value::as_str) == Some("input_text");
            part.get("text").and_then(Value::as_str).filter(|_| is_text)
        })
        .collect();
    let texts: Vec<&str> = texts?.into_iter().filter(|text| !text.is_empty()).collect();
    Some(texts.join("\n\n"))
}

/// xAI takes no metadata, and knows fewer members of its tools.
fn for_xai(body: &mut Params) {
    body.remove("metadata");
    let Some(Value::Array(tools)) = body.get("tools") else {
        return;
    };
    let ours = ["code_interpreter", "web_search", "x_search"];
    let kind = |tool: &Value| tool.get("type").and_then(Value::as_str).map(str::to_owned);
    if !tools
        .iter()
        .any(|tool| kind(tool).is_some_and(|kind| ours.contains(&kind.as_str())))
    {
        return;
    }
    let tools: Vec<Value> = tools
        .into_iter()
        .map(|tool| match kind(&tool).as_deref() {
            Some("code_interpreter") => json!({"type": "code_interpreter"}),
            Some("web_search") => web_search(&tool),
            Some("x_search") => kept(
                &tool,
                &[
                    "type",
                    "allowed_x_handles",
                    "excluded_x_handles",
                    "from_date",
                    "to_date",
                    "enable_image_understanding",
                    "enable_video_understanding",
                ],
            ),
            _ => tool,
        })
        .collect();
    body.set("tools", &tools);
}

fn web_search(tool: &Value) -> Value {
    let mut made = kept(tool, &["type", "enable_image_understanding"]);
    let domains = tool
        .get("filters")
        .filter(|filters| filters.is_object())
        .unwrap_or(tool);
    let filters = kept(domains, &["allowed_domains", "excluded_domains"]);
    if filters
        .as_object()
        .is_some_and(|filters| !filters.is_empty())
    {
        made["filters"] = filters;
    }
    made
}

fn kept(object: &Value, names: &[&str]) -> Value {
    let mut made = json!({});
    for name in names {
        if let Some(value) = object.get(name) {
            made[*name] = value.clone();
        }
    }
    made
}

/// Volcengine knows neither.
fn for_volcengine(body: &mut Params) {
    body.remove("metadata");
    body.remove("parallel_tool_calls");
}

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;
