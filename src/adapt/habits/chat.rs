//! Habits about messages, headers and the rest.

// A habit may refuse; most of them do not.
#![allow(clippy::unnecessary_wraps)]

use super::{Habits, Mapping};
use crate::adapt::params::facts;
use crate::error::Result;
use serde_json::{Value, json};

/// Makes lists of text parts one text, in every message. With `keep_images`, a user's list that holds an image stays.
pub fn join_texts(messages: &mut [Value], keep_images: bool) {
    for message in messages {
        let Value::Array(parts) = &message["content"] else {
            continue;
        };
        let has_image = parts.iter().any(|part| part["type"] == "image_url");
        if keep_images && has_image && message["role"] == "user" {
            continue;
        }
        let text: String = parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect();
        if !text.is_empty() {
            message["content"] = text.into();
        }
    }
}

/// The same, unless a message of the call has a part that is no text: then all stay lists.
pub fn join_texts_unless_mixed(messages: &mut [Value]) {
    let only_text = |message: &Value| {
        let parts = message["content"].as_array();
        parts.is_none_or(|parts| parts.iter().all(|part| part["type"] == "text"))
    };
    if messages.iter().all(only_text) {
        join_texts(messages, false);
    }
}

/// Gives assistant messages that `wants` picks their reasoning back: the stored one, or a blank, which the API accepts
/// where it does not accept none.
pub fn fill_reasoning(messages: &mut [Value], wants: impl Fn(&Value) -> bool) {
    for message in messages {
        let has = message["reasoning_content"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        if message["role"] != "assistant" || has || !wants(message) {
            continue;
        }
        let stored = message
            .get_mut("provider_specific_fields")
            .and_then(Value::as_object_mut)
            .and_then(|fields| fields.remove("reasoning_content"));
        message["reasoning_content"] = stored.unwrap_or_else(|| " ".into());
    }
}

/// Keeps tools that are functions, and a choice only among them.
pub fn function_tools_only(mapping: &mut Mapping<'_>) {
    let Some(Value::Array(tools)) = mapping.value("tools") else {
        return;
    };
    let count = tools.len();
    let functions: Vec<Value> = tools
        .into_iter()
        .filter(|tool| tool["type"] == "function")
        .collect();
    if functions.len() == count {
        return;
    }
    if functions.is_empty() {
        for name in ["tools", "tool_choice", "parallel_tool_calls"] {
            mapping.params.remove(name);
        }
        return;
    }
    if let Some(choice @ Value::Object(_)) = mapping.value("tool_choice") {
        let chosen = &choice["function"]["name"];
        if !functions
            .iter()
            .any(|tool| tool["function"]["name"] == *chosen)
        {
            mapping.params.remove("tool_choice");
        }
    }
    mapping.params.set("tools", &functions);
}

/// vLLM: Anthropic-shaped assistant content becomes text and tool calls; videos go as `video_url`.
pub fn vllm_message(message: &mut Value) {
    match message["role"].as_str() {
        Some("assistant") => vllm_assistant(message),
        Some("user") => {
            for part in message["content"].as_array_mut().into_iter().flatten() {
                if let Some(url) = video_of(part) {
                    *part = json!({"type": "video_url", "video_url": {"url": url}});
                }
            }
        }
        _ => {}
    }
}

fn video_of(part: &Value) -> Option<Value> {
    if part["type"] != "file" {
        return None;
    }
    let file = &part["file"];
    let source = file.get("file_id").or_else(|| file.get("file_data"))?;
    let text = source.as_str()?;
    let declared = file["format"]
        .as_str()
        .is_some_and(|format| format.starts_with("video/"));
    let by_data = text.starts_with("data:video/");
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let by_name = [
        ".mp4", ".mov", ".webm", ".mpeg", ".mpg", ".avi", ".flv", ".wmv", ".3gp",
    ]
    .iter()
    .any(|ending| path.ends_with(ending));
    (declared || by_data || by_name).then(|| source.clone())
}

fn vllm_assistant(message: &mut Value) {
    let Some(message) = message.as_object_mut() else {
        return;
    };
    message.remove("thinking_blocks");
    if !message
        .get("reasoning_content")
        .is_some_and(Value::is_string)
    {
        message.remove("reasoning_content");
    }
    let Some(Value::Array(parts)) = message.get("content").cloned() else {
        return;
    };
    let (calls, rest): (Vec<Value>, Vec<Value>) = parts
        .into_iter()
        .partition(|part| part["type"] == "tool_use");
    let texts: Vec<&str> = rest
        .iter()
        .filter(|part| part["type"] == "text")
        .filter_map(|part| part["text"].as_str())
        .collect();
    let content = if texts.len() == rest.len() {
        Value::from(texts.join("\n"))
    } else {
        Value::from(rest)
    };
    message.insert("content".to_owned(), content);
    if calls.is_empty() {
        return;
    }
    let known = message.entry("tool_calls").or_insert_with(|| json!([]));
    if let Value::Array(known) = known {
        for call in calls {
            if !known
                .iter()
                .any(|k| !k["id"].is_null() && k["id"] == call["id"])
            {
                let arguments = match &call["input"] {
                    Value::String(text) => text.clone(),
                    Value::Null => "{}".to_owned(),
                    input => input.to_string(),
                };
                let function = json!({"name": call["name"], "arguments": arguments});
                known.push(json!({"id": call["id"], "type": "function", "function": function}));
            }
        }
    }
}

/// Models behind OpenRouter that understand `cache_control` in content.
const OPENROUTER_CACHING: &[&str] = &["claude", "gemini", "minimax", "glm", "z-ai"];

/// Whether a model behind OpenRouter understands `cache_control`.
pub fn openrouter_caches(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    OPENROUTER_CACHING
        .iter()
        .any(|family| model.contains(family))
}

fn move_cache_control(message: &mut Value) {
    let Some(message) = message.as_object_mut() else {
        return;
    };
    let Some(mark) = message.remove("cache_control") else {
        return;
    };
    match message.get_mut("content") {
        Some(Value::Array(parts)) => {
            if let Some(last) = parts.last_mut().and_then(Value::as_object_mut) {
                last.insert("cache_control".to_owned(), mark);
            }
        }
        content => {
            let text = content.map_or(Value::Null, Value::take);
            let part = json!([{"type": "text", "text": text, "cache_control": mark}]);
            message.insert("content".to_owned(), part);
        }
    }
}

/// <https://openrouter.ai/docs/api-reference>
pub static OPENROUTER: Habits = Habits {
    params: Some(|mapping| {
        if mapping.value("reasoning_effort") == Some("max".into()) {
            mapping.params.set("reasoning_effort", &"xhigh");
        }
        Ok(())
    }),
    messages: Some(|messages, mapping| {
        if openrouter_caches(mapping.model) {
            messages.iter_mut().for_each(move_cache_control);
        }
        Ok(())
    }),
    headers: &[
        ("http-referer", "https://litellm.ai"),
        ("x-title", "liteLLM"),
    ],
    body: &[("usage", r#"{"include":true}"#)],
    ..Habits::NONE
};

/// <https://vercel.com/docs/ai-gateway>
pub static VERCEL: Habits = Habits {
    headers: &[
        ("http-referer", "https://litellm.ai"),
        ("x-title", "liteLLM"),
    ],
    ..Habits::NONE
};

/// <https://docs.perplexity.ai/api-reference>
pub static PERPLEXITY: Habits = Habits {
    supported: Some(|model, names| {
        if facts::supports_as_itself(model, "perplexity", "supports_reasoning") {
            names.push("reasoning_effort");
        }
        if facts::supports_as_itself(model, "perplexity", "supports_web_search") {
            names.push("web_search_options");
        }
    }),
    headers: &[("x-pplx-integration", "litellm")],
    ..Habits::NONE
};

/// <https://novita.ai/docs/api-reference>
pub static NOVITA: Habits = Habits {
    headers: &[("x-novita-source", "litellm")],
    ..Habits::NONE
};

/// <https://docs.sambanova.ai/cloud/api-reference>
pub static SAMBANOVA: Habits = Habits {
    older_max_tokens: true,
    supported: Some(|model, names| {
        if facts::supports(model, "sambanova", "supports_function_calling") {
            names.extend(["tools", "tool_choice", "parallel_tool_calls"]);
        }
    }),
    messages: Some(|messages, _| {
        join_texts(messages, false);
        Ok(())
    }),
    ..Habits::NONE
};

/// <https://help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope>
pub static DASHSCOPE: Habits = Habits {
    keeps_cache_control: true,
    text_completions: true,
    ..Habits::NONE
};

/// <https://platform.minimax.io/docs/api-reference>
pub static MINIMAX: Habits = Habits {
    keeps_cache_control: true,
    supported: Some(|model, names| {
        if facts::supports(model, "minimax", "supports_reasoning") {
            names.push("thinking");
        }
    }),
    ..Habits::NONE
};

fn lm_studio_params(mapping: &mut Mapping<'_>) -> Result<()> {
    if let Some(format) = mapping.value("response_format")
        && format["type"] == "json_schema"
        && format.get("json_schema").is_none()
        && let Some(schema) = format.get("schema")
    {
        let format = json!({"type": "json_schema", "json_schema": {"schema": schema}});
        mapping.params.set("response_format", &format);
    }
    Ok(())
}

/// <https://lmstudio.ai/docs/app/api/endpoints/openai>
pub static LM_STUDIO: Habits = Habits {
    params: Some(lm_studio_params),
    ..Habits::NONE
};

/// <https://llama.developer.meta.com/docs/features/compatibility>
pub static META_LLAMA: Habits = Habits {
    text_completions: true,
    params: Some(|mapping| {
        if mapping
            .value("response_format")
            .is_some_and(|format| format["type"] != "json_schema")
        {
            mapping.params.remove("response_format");
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// Another LiteLLM or this gateway: it cleans messages itself and knows every parameter.
pub static LITELLM_PROXY: Habits = Habits {
    raw_messages: true,
    keeps_cache_control: true,
    ..Habits::NONE
};

/// Text completions have a path of their own, and nothing else is special.
pub static TEXT_COMPLETIONS: Habits = Habits {
    text_completions: true,
    ..Habits::NONE
};

/// <https://docs.publicai.co/>
pub static PUBLICAI: Habits = Habits {
    older_max_tokens: true,
    text_completions: true,
    messages: Some(|messages, _| {
        join_texts(messages, false);
        Ok(())
    }),
    ..Habits::NONE
};

/// SCX refuses temperatures of 2.
pub static SCX: Habits = Habits {
    older_max_tokens: true,
    params: Some(|mapping| {
        if mapping
            .params
            .get::<f64>("temperature")
            .is_some_and(|t| t > 1.99)
        {
            mapping.params.set("temperature", &1.99);
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// StreamLake knows the output limit by its newer name, and `cache_control`.
pub static STREAMLAKE: Habits = Habits {
    keeps_cache_control: true,
    supported: Some(|model, names| {
        super::reasoning::effort_unless_known_without(model, "streamlake", names);
    }),
    params: Some(|mapping| {
        if let Some(most) = mapping.params.remove("max_tokens") {
            mapping.params.set_raw("max_completion_tokens", most);
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// <https://modelscope.cn/docs/model-service/API-Inference/intro>
pub static MODELSCOPE: Habits = Habits {
    text_completions: true,
    messages: Some(|messages, _| {
        join_texts_unless_mixed(messages);
        Ok(())
    }),
    ..Habits::NONE
};
