//! `generationConfig`: sampling, limits, the form of the answer, and thinking.

use super::contents::{generation, is_gemini_3};
use super::schema;
use crate::adapt::canonical::python_json;
use crate::adapt::habits::Mapping;
use crate::adapt::usage::Object;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use serde_json::{Value, json};

/// OpenAI's names and Gemini's, as LiteLLM writes them.
const NAMES: [(&str, &str); 10] = [
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("n", "candidate_count"),
    ("max_tokens", "max_output_tokens"),
    ("max_completion_tokens", "max_output_tokens"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
    ("seed", "seed"),
    ("top_logprobs", "logprobs"),
];

/// Gemini's own members that callers may send as they are.
const OWN: [&str; 12] = [
    "top_k",
    "candidate_count",
    "max_output_tokens",
    "stop_sequences",
    "response_mime_type",
    "response_schema",
    "responseModalities",
    "imageConfig",
    "thinkingConfig",
    "mediaResolution",
    "speechConfig",
    "responseLogprobs",
];

/// Thinking budgets by effort (LiteLLM's `DEFAULT_REASONING_EFFORT_*_THINKING_BUDGET`).
const LOW: u32 = 1024;
const MEDIUM: u32 = 2048;
const HIGH: u32 = 4096;

/// The member, without what nobody asked for.
///
/// # Errors
/// An effort or a modality that Gemini does not know.
pub fn config(mapping: &Mapping<'_>, given: &Params) -> Result<Object> {
    let mut out = Object::new();
    for (name, wire) in NAMES {
        if let Some(value) = mapping.value(name) {
            out.insert(wire.into(), value);
        }
    }
    match mapping.value("stop") {
        Some(Value::String(stop)) => out.insert("stop_sequences".into(), json!([stop])),
        Some(stops @ Value::Array(_)) => out.insert("stop_sequences".into(), stops),
        _ => None,
    };
    if let Some(wanted) = mapping.value("logprobs") {
        out.insert("responseLogprobs".into(), wanted);
    }
    if let Some(Value::Array(modalities)) = mapping.value("modalities") {
        let named = modalities.iter().map(modality).collect::<Vec<_>>();
        out.insert("responseModalities".into(), Value::Array(named));
    }
    response_format(mapping, &mut out);
    if let Some(voice) = mapping
        .value("audio")
        .and_then(|audio| audio.get("voice").cloned())
    {
        let voice = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}});
        out.insert("speechConfig".into(), voice);
    }
    if let Some(thinking) = thinking(mapping)? {
        out.insert("thinkingConfig".into(), Value::Object(thinking));
    }
    for name in OWN {
        if let Some(value) = given.get::<Value>(name) {
            out.insert(name.into(), value);
        }
    }
    Ok(out)
}

fn modality(name: &Value) -> Value {
    json!(match name.as_str() {
        Some("text") => "TEXT",
        Some("image") => "IMAGE",
        Some("audio") => "AUDIO",
        Some("video") => "VIDEO",
        _ => "MODALITY_UNSPECIFIED",
    })
}

/// Whether a model takes JSON Schema as it is, which those of the second generation and later do.
fn takes_json_schema(model: &str) -> bool {
    generation(model).is_some_and(|number| number >= 2)
}

fn wanted_schema(mapping: &Mapping<'_>) -> Option<Value> {
    let format = mapping.value("response_format")?;
    let schema = &format["json_schema"]["schema"];
    let schema = Some(schema)
        .filter(|schema| !schema.is_null())
        .or(format.get("response_schema"));
    schema.cloned()
}

fn response_format(mapping: &Mapping<'_>, out: &mut Object) {
    let Some(format) = mapping.value("response_format") else {
        return;
    };
    match format["type"].as_str() {
        Some("json_object" | "json_schema") => {
            out.insert("response_mime_type".into(), json!("application/json"));
        }
        Some("text") => {
            out.insert("response_mime_type".into(), json!("text/plain"));
        }
        _ => {}
    }
    if takes_json_schema(mapping.model)
        && let Some(schema) = wanted_schema(mapping)
    {
        out.insert("response_json_schema".into(), schema);
    }
}

/// Models that take no schema are told it in words.
pub fn schema_prompt(mapping: &Mapping<'_>) -> Option<String> {
    let schema = wanted_schema(mapping).filter(|_| !takes_json_schema(mapping.model))?;
    let schema = python_json(&schema::translate_ordered(&schema));
    Some(format!(
        "Use this JSON schema: \n    ```json\n    {schema}\n    ```"
    ))
}

fn thinking(mapping: &Mapping<'_>) -> Result<Option<Object>> {
    let effort = match mapping.value("reasoning_effort") {
        Some(Value::Object(effort)) => effort.get("effort").cloned(),
        other => other,
    };
    if let Some(Value::String(effort)) = effort {
        return effort_config(&effort, mapping.model).map(Some);
    }
    Ok(mapping
        .value("thinking")
        .map(|asked| asked_config(&asked, mapping.model)))
}

fn effort_config(effort: &str, model: &str) -> Result<Object> {
    let newer = is_gemini_3(model);
    let shows = !matches!(effort, "none" | "disable");
    let mut out = Object::new();
    if newer {
        let least = if takes_minimal(model) {
            "minimal"
        } else {
            "low"
        };
        let level = match effort {
            "minimal" | "none" | "disable" => least,
            "low" | "medium" | "high" => effort,
            _ => return Err(unknown_effort(effort)),
        };
        out.insert("thinkingLevel".into(), json!(level));
    } else {
        let budget = match effort {
            "none" | "disable" => 0,
            "minimal" => minimal_budget(model),
            "low" => LOW,
            "medium" => MEDIUM,
            "high" => HIGH,
            _ => return Err(unknown_effort(effort)),
        };
        out.insert("thinkingBudget".into(), json!(budget));
    }
    out.insert("includeThoughts".into(), json!(shows));
    Ok(out)
}

/// The smallest budgets that the models take.
fn minimal_budget(model: &str) -> u32 {
    if model.contains("gemini-2.5-flash-lite") {
        512
    } else if model.contains("gemini-2.5-flash") && !model.contains("gemini-2.5-pro") {
        1
    } else {
        128
    }
}

fn takes_minimal(model: &str) -> bool {
    model.contains("flash")
}

fn unknown_effort(effort: &str) -> Error {
    Error::new(
        ErrorKind::UnsupportedParams,
        format!("Invalid reasoning effort: {effort}"),
    )
}

/// Anthropic's way to ask for thinking.
fn asked_config(asked: &Value, model: &str) -> Object {
    let enabled = asked["type"] == "enabled";
    let budget = asked["budget_tokens"].as_i64();
    let mut out = Object::new();
    if is_gemini_3(model) {
        out.insert(
            "includeThoughts".into(),
            json!(enabled && budget != Some(0)),
        );
        return out;
    }
    if enabled && budget != Some(0) {
        out.insert("includeThoughts".into(), json!(true));
    }
    if let Some(budget) = budget {
        out.insert("thinkingBudget".into(), json!(budget));
    }
    out
}
