//! Habits about how much a model thinks.

// A habit may refuse; most of them do not.
#![allow(clippy::unnecessary_wraps)]

use super::{Habits, Mapping};
use crate::adapt::params::facts;
use crate::error::Result;
use serde_json::{Value, json};

/// Budgets of thinking tokens from which LiteLLM names an effort.
const BUDGETS: &[(f64, &str)] = &[(4096.0, "high"), (2048.0, "medium"), (1024.0, "low")];

/// `thinking` said in Anthropic's way becomes `reasoning_effort`, unless that is said too.
pub fn effort_from_thinking(mapping: &mut Mapping<'_>) -> Result<()> {
    let Some(thinking) = mapping.value("thinking") else {
        return Ok(());
    };
    mapping.params.remove("thinking");
    if mapping.params.contains("reasoning_effort") || thinking["type"] != "enabled" {
        return Ok(());
    }
    let budget = thinking
        .get("budget_tokens")
        .cloned()
        .unwrap_or_else(|| 0.into());
    let Some(budget) = budget.as_f64() else {
        return if mapping.drop_params {
            Ok(())
        } else {
            Err(mapping.unsupported(
                "thinking.budget_tokens must be a number. To drop it, set `litellm.drop_params=True`, or \
                 `drop_params: true` under `litellm_settings` on the proxy",
            ))
        };
    };
    let effort = BUDGETS
        .iter()
        .find(|(least, _)| budget >= *least)
        .map_or("minimal", |(_, effort)| effort);
    mapping.params.set("reasoning_effort", &effort);
    Ok(())
}

const DEEPSEEK_EFFORTS: &[&str] = &["minimal", "low", "medium", "high", "xhigh", "max", "ultra"];

fn deepseek_params(mapping: &mut Mapping<'_>) -> Result<()> {
    let thinking = mapping
        .params
        .remove("thinking")
        .and_then(|raw| serde_json::from_slice::<Value>(&raw).ok());
    let effort = mapping
        .params
        .remove("reasoning_effort")
        .and_then(|raw| serde_json::from_slice::<Value>(&raw).ok());
    let kind = thinking
        .as_ref()
        .and_then(|thinking| thinking["type"].as_str());
    let state = match (kind, &effort) {
        (Some(kind @ ("enabled" | "disabled")), _) => Some(kind),
        (_, Some(effort)) if effort == "none" => Some("disabled"),
        (_, Some(_)) => Some("enabled"),
        _ => None,
    };
    if let Some(state) = state {
        mapping.params.set("thinking", &json!({"type": state}));
    }
    if let Some(Value::String(effort)) = effort
        && state == Some("enabled")
        && DEEPSEEK_EFFORTS.contains(&effort.as_str())
    {
        mapping.params.set("reasoning_effort", &effort);
    }
    super::chat::function_tools_only(mapping);
    Ok(())
}

/// <https://api-docs.deepseek.com/>
pub static DEEPSEEK: Habits = Habits {
    params: Some(deepseek_params),
    messages: Some(|messages, mapping| {
        let sees = facts::supports(mapping.model, "deepseek", "supports_vision");
        super::chat::join_texts(messages, sees);
        let thinks = mapping
            .value("thinking")
            .is_some_and(|thinking| thinking["type"] == "enabled");
        if thinks && facts::supports(mapping.model, "deepseek", "supports_reasoning") {
            super::chat::fill_reasoning(messages, |_| true);
        }
        Ok(())
    }),
    ..Habits::NONE
};

const TOGETHER_ADJUSTABLE: &[&str] = &["openai/gpt-oss-120b", "openai/gpt-oss-20b"];
const TOGETHER_HYBRID: &[&str] = &[
    "MiniMaxAI/MiniMax-M3",
    "Qwen/Qwen3.5-9B",
    "Qwen/Qwen3.6-Plus",
    "deepseek-ai/DeepSeek-V4-Pro",
    "moonshotai/Kimi-K3",
    "nvidia/nemotron-3-ultra-550b-a55b",
    "zai-org/GLM-5.2",
];
const TOGETHER_HIGH_MAX: &str = "deepseek-ai/DeepSeek-V4-Pro";

/// Whether a model at Together takes a reasoning effort.
pub fn together_reasons(model: &str) -> bool {
    TOGETHER_ADJUSTABLE.contains(&model)
        || TOGETHER_HYBRID.contains(&model)
        || model.starts_with(TOGETHER_HIGH_MAX)
        || facts::supports(model, "together_ai", "supports_reasoning")
}

/// Says the effort in the words that the model knows.
pub fn together_effort(mapping: &mut Mapping<'_>) {
    let Some(Value::String(effort)) = mapping.value("reasoning_effort") else {
        return;
    };
    mapping.params.remove("reasoning_effort");
    let model = mapping.model;
    let adjustable = TOGETHER_ADJUSTABLE.contains(&model);
    let word = match effort.as_str() {
        "default" => return,
        "none" if adjustable => "low",
        "none" => {
            mapping.params.set("reasoning", &json!({"enabled": false}));
            return;
        }
        "minimal" | "low" | "medium" if !adjustable && model.starts_with(TOGETHER_HIGH_MAX) => {
            "high"
        }
        "xhigh" if !adjustable && model.starts_with(TOGETHER_HIGH_MAX) => "max",
        "minimal" => "low",
        "xhigh" | "max" if !model.starts_with(TOGETHER_HIGH_MAX) => "high",
        other => other,
    };
    mapping.params.set("reasoning_effort", &word);
}

/// <https://platform.moonshot.ai/docs/api/chat>
pub static MOONSHOT: Habits = Habits {
    older_max_tokens: true,
    text_completions: true,
    supported: Some(|model, names| {
        if model.contains("kimi-thinking-preview") {
            names.retain(|name| !matches!(*name, "tools" | "tool_choice"));
        }
        if facts::supports(model, "moonshot", "supports_reasoning") {
            names.push("reasoning_effort");
        }
    }),
    params: Some(moonshot_params),
    request: Some(|mapping| {
        if mapping.value("tool_choice") == Some("required".into()) {
            mapping.params.remove("tool_choice");
            mapping.extra.set(ASK_FOR_TOOL, &true);
        }
        Ok(())
    }),
    messages: Some(|messages, mapping| {
        if mapping.extra.contains(ASK_FOR_TOOL) {
            messages.push(json!({
                "role": "user",
                "content": "Please select a tool to handle the current issue.",
            }));
        }
        super::chat::join_texts_unless_mixed(messages);
        if facts::supports(mapping.model, "moonshot", "supports_reasoning") {
            super::chat::fill_reasoning(messages, |message| message.get("tool_calls").is_some());
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// Stands among the extra members between mapping and messages; never sent.
pub const ASK_FOR_TOOL: &str = "_ask_for_tool";

fn moonshot_params(mapping: &mut Mapping<'_>) -> Result<()> {
    if let Some(effort) = mapping.value("reasoning_effort") {
        match effort.get("effort").cloned().unwrap_or(effort) {
            Value::String(word) => mapping.params.set("reasoning_effort", &word),
            _ => {
                mapping.params.remove("reasoning_effort");
            }
        }
    }
    if facts::supports(mapping.model, "moonshot", "supports_reasoning") {
        mapping.params.remove("temperature");
    } else if let Some(temperature) = mapping.params.get::<f64>("temperature") {
        let several = mapping.params.get::<f64>("n").unwrap_or(1.0) > 1.0;
        if temperature > 1.0 {
            mapping.params.set("temperature", &1);
        } else if temperature < 0.3 && several {
            mapping.params.set("temperature", &0.3);
        }
    }
    Ok(())
}

/// <https://www.volcengine.com/docs/82379/1449737>
pub static VOLCENGINE: Habits = Habits {
    older_max_tokens: true,
    params: Some(|mapping| {
        if let Some(thinking) = mapping.value("thinking")
            && !matches!(
                thinking["type"].as_str(),
                Some("enabled" | "disabled" | "auto")
            )
        {
            mapping.params.remove("thinking");
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// Stands among the extra members between mapping and messages: the schema asked for in words; never sent.
pub const SCHEMA_IN_WORDS: &str = "_schema_in_words";

#[derive(serde::Deserialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    json_schema: Schema<'a>,
}

#[derive(serde::Deserialize)]
struct Schema<'a> {
    #[serde(borrow)]
    schema: &'a serde_json::value::RawValue,
}

/// A model that knows JSON but no schemas gets the schema as a message.
fn schema_in_words(mapping: &mut Mapping<'_>) {
    if facts::supports(mapping.model, mapping.provider, "supports_response_schema") {
        return;
    }
    let Some(raw) = mapping.params.raw("response_format").cloned() else {
        return;
    };
    let Ok(format) = serde_json::from_slice::<Format<'_>>(&raw) else {
        return;
    };
    if format.kind == "json_schema" {
        let schema = spaced(format.json_schema.schema.get());
        let words = format!("Use this JSON schema: \n    ```json\n    {schema}\n    ```");
        mapping.extra.set(SCHEMA_IN_WORDS, &words);
        mapping
            .params
            .set("response_format", &json!({"type": "json_object"}));
    }
}

/// JSON on one line with a space after each comma and colon, members in their order.
fn spaced(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    let (mut quoted, mut escaped) = (false, false);
    for letter in json.chars() {
        if quoted {
            out.push(letter);
            quoted = letter != '"' || escaped;
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => quoted = true,
            ' ' | '\n' | '\r' | '\t' => continue,
            _ => {}
        }
        out.push(letter);
        if letter == ',' || letter == ':' {
            out.push(' ');
        }
    }
    out
}

/// <https://docs.z.ai/api-reference>
pub static ZAI: Habits = Habits {
    keeps_cache_control: true,
    messages: Some(|messages, mapping| {
        if let Some(words) = mapping.extra.get::<String>(SCHEMA_IN_WORDS) {
            messages.push(json!({"role": "user", "content": words}));
        }
        Ok(())
    }),
    supported: Some(|model, names| {
        if facts::supports(model, "zai", "supports_reasoning") {
            names.push("thinking");
        }
    }),
    params: Some(|mapping| {
        if let Some(most) = mapping.params.remove("max_completion_tokens") {
            mapping.params.set_raw("max_tokens", most);
        }
        schema_in_words(mapping);
        Ok(())
    }),
    ..Habits::NONE
};

/// <https://open.bigmodel.cn/dev/api>
pub static BIGMODEL: Habits = Habits {
    older_max_tokens: true,
    keeps_cache_control: true,
    ..Habits::NONE
};

/// <https://docs.wandb.ai/inference>
pub static WANDB: Habits = Habits {
    older_max_tokens: true,
    text_completions: true,
    supported: Some(|model, names| effort_unless_known_without(model, "wandb", names)),
    ..Habits::NONE
};

/// Takes an effort, unless the catalogue knows the model and does not say that it reasons.
pub fn effort_unless_known_without(model: &str, provider: &str, names: &mut Vec<&'static str>) {
    if !facts::known(model, provider) || facts::supports(model, provider, "supports_reasoning") {
        names.push("reasoning_effort");
    }
}

/// <https://cloud.tencent.com/document/product/1729>
pub static TENCENT: Habits = Habits {
    supported: Some(|model, names| {
        if facts::supports(model, "tencent", "supports_reasoning") {
            names.extend(["thinking", "reasoning_effort"]);
        }
    }),
    params: Some(|mapping| {
        let thinking = mapping.value("thinking");
        let effort = mapping.value("reasoning_effort");
        mapping
            .params
            .retain(|name, _| !matches!(name, "thinking" | "reasoning_effort"));
        let kind = thinking
            .as_ref()
            .and_then(|thinking| thinking["type"].as_str());
        let state = match (kind, &effort) {
            (Some(kind), _) => Some(kind),
            (None, Some(effort)) if effort == "none" => Some("disabled"),
            (None, Some(_)) => Some("enabled"),
            (None, None) => None,
        };
        if let Some(state) = state {
            mapping.extra.set("thinking", &json!({"type": state}));
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// Providers whose reasoning models take an effort, and nothing else is special.
macro_rules! effort_when_reasoning {
    ($($name:ident $provider:literal $older:literal;)*) => {$(
        #[allow(missing_docs)]
        pub static $name: Habits = Habits {
            older_max_tokens: $older,
            supported: Some(|model, names| {
                if facts::supports(model, $provider, "supports_reasoning") {
                    names.push("reasoning_effort");
                }
            }),
            ..Habits::NONE
        };
    )*};
}

effort_when_reasoning! {
    CEREBRAS "cerebras" true;
    CLF "clf_ai_gateway" false;
}
