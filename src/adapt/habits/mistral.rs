//! Habits of Mistral: <https://docs.mistral.ai/api/>, <https://docs.mistral.ai/capabilities/reasoning/>.

use super::native::insert_before;
use super::{Habits, Mapping};
use crate::adapt::params::facts;
use crate::error::Result;
use crate::params::Params;
use serde_json::{Map, Value, json};

/// What Mistral and Codestral do their own way.
pub static MISTRAL: Habits = Habits {
    older_max_tokens: true,
    says_no_stream: Some(false),
    supported: Some(|model, names| thinking(model, "mistral", names)),
    params: Some(params),
    messages: Some(messages),
    address: Some(|base, path| {
        let version = if base.ends_with("/v1") { "" } else { "/v1" };
        format!("{base}{version}{path}")
    }),
    own_hosts: Some(("mistral.ai", KEY)),
    ..Habits::NONE
};

const KEY: &str = "prompt_cache_key";

/// Asks for the reasoning prompt in front of the conversation; never sent.
pub const REASONING_PROMPT: &str = "_reasoning_prompt";

/// The prompt under which Magistral reasons, as LiteLLM sends it: the model card's, with a backspace where that has
/// `\b`. <https://huggingface.co/mistralai/Magistral-Small-2506>
const PROMPT: &str = "
        <s>[SYSTEM_PROMPT]system_prompt
        A user will ask you to solve a task. You should first draft your thinking process (inner monologue) until you \
have derived the final answer. Afterwards, write a self-contained summary of your thoughts (i.e. your summary should be \
succinct but contain all the critical steps you needed to reach the conclusion). You should use Markdown to format your \
response. Write both your thoughts and summary in the same language as the task posed by the user. NEVER use \
\u{8}oxed{} in your response.

        Your thinking process must follow the template below:
        <think>
        Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual and as long as you \
want until you are confident to generate a correct answer.
        </think>

        Here, provide a concise summary that reflects your reasoning and presents a clear final answer to the user. \
Don't mention that this is a summary.

        Problem:

        [/SYSTEM_PROMPT][INST]user_message[/INST]<think>
        reasoning_traces
        </think>
        assistant_response</s>[INST]user_message[/INST]
        ";

/// Efforts from the weakest to the strongest.
const EFFORTS: [&str; 6] = ["minimal", "low", "medium", "high", "xhigh", "max"];

/// How deep a tool's schema is cleaned.
const MAX_DEPTH: usize = 10;

fn is_magistral(model: &str) -> bool {
    model.to_ascii_lowercase().contains("magistral")
}

fn thinks(model: &str, provider: &str) -> bool {
    is_magistral(model) || facts::supports(model, provider, "supports_reasoning")
}

fn thinking(model: &str, provider: &str, names: &mut Vec<&'static str>) {
    if is_magistral(model) {
        insert_before(names, KEY, &["thinking", "reasoning_effort"]);
    } else if thinks(model, provider) {
        insert_before(names, KEY, &["reasoning_effort"]);
    }
}

/// What Mistral's models take on Vertex AI, which has no cache that is asked by a key.
pub fn on_vertex(model: &str, names: &mut Vec<&'static str>) {
    thinking(model, "vertex_ai", names);
    names.retain(|name| *name != KEY);
}

fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    if let Some(seed) = mapping.params.remove("seed") {
        mapping.extra.set_raw("random_seed", seed);
    }
    match mapping.value("tool_choice") {
        Some(Value::String(choice)) if !matches!(choice.as_str(), "auto" | "none") => {
            mapping.params.set("tool_choice", &"any");
        }
        // Mistral knows no choice of one tool, and LiteLLM leaves it out.
        Some(Value::Object(_)) => drop(mapping.params.remove("tool_choice")),
        _ => {}
    }
    clean_tools(&mut mapping.params);
    if is_magistral(mapping.model) {
        let wishes = ["thinking", "reasoning_effort"].map(|name| mapping.params.remove(name));
        if wishes.iter().any(Option::is_some) {
            mapping.extra.set(REASONING_PROMPT, &true);
        }
        return Ok(());
    }
    effort(mapping)
}

/// The effort as the level that the model knows: the weakest that is no weaker than the wish.
fn effort(mapping: &mut Mapping<'_>) -> Result<()> {
    let Some(wish) = mapping.value("reasoning_effort") else {
        return Ok(());
    };
    mapping.params.remove("reasoning_effort");
    let (level, summary) = match &wish {
        Value::Object(wish) => (wish.get("effort"), wish.get("summary")),
        level => (Some(level), None),
    };
    let summary = summary.is_some_and(|summary| !summary.is_null());
    let level = level.and_then(Value::as_str);
    if (level.is_none() || summary) && !mapping.drop_params {
        return Err(mapping.unsupported(format!(
            "{} does not support parameters: ['reasoning_effort'], for model={}, since the Mistral API takes it only \
             as a level such as 'high', with no reasoning summary. To drop it, set `litellm.drop_params=True` or for \
             proxy:\n\n`litellm_settings:\n drop_params: true`\n",
            mapping.provider, mapping.model
        )));
    }
    if let Some(level) = level {
        let level = nearest(mapping.model, mapping.provider, level);
        mapping.params.set("reasoning_effort", &level);
    }
    Ok(())
}

fn nearest(model: &str, provider: &str, wish: &str) -> String {
    let rank = |effort: &str| EFFORTS.iter().position(|known| *known == effort);
    let mut known: Vec<usize> = facts::texts(model, provider, "reasoning_effort_levels")
        .iter()
        .filter_map(|effort| rank(effort))
        .collect();
    known.sort_unstable();
    let nearest = rank(wish).and_then(|wish| {
        let enough = known.iter().find(|level| **level >= wish);
        enough.or(known.last()).copied()
    });
    nearest.map_or(wish, |level| EFFORTS[level]).to_owned()
}

/// Names of schemas and of their dialects: Mistral's grammar refuses them.
fn clean_tools(params: &mut Params) {
    let marked = params.raw("tools").is_some_and(|raw| {
        [&b"$id"[..], b"$schema"]
            .iter()
            .any(|name| memchr::memmem::find(raw, name).is_some())
    });
    if marked && let Some(mut tools) = params.get::<Value>("tools") {
        without_names(&mut tools, MAX_DEPTH);
        params.set("tools", &tools);
    }
}

fn without_names(schema: &mut Value, depth: usize) {
    if depth == 0 {
        return;
    }
    match schema {
        Value::Object(members) => {
            members.remove("$id");
            members.remove("$schema");
            members
                .values_mut()
                .for_each(|inner| without_names(inner, depth - 1));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| without_names(item, depth - 1)),
        _ => {}
    }
}

// A habit may refuse; this one does not.
#[allow(clippy::unnecessary_wraps)]
fn messages(messages: &mut Vec<Value>, mapping: &Mapping<'_>) -> Result<()> {
    if mapping.extra.contains(REASONING_PROMPT) {
        lead_with_prompt(messages);
    }
    let thinks = thinks(mapping.model, mapping.provider);
    let last = messages.len().saturating_sub(1);
    for (at, message) in messages.iter_mut().enumerate() {
        if let Value::Object(message) = message
            && message.get("role").is_some_and(|role| role == "assistant")
        {
            replay(message, thinks, at == last);
        }
    }
    if messages.iter().any(carries_media) {
        for part in messages.iter_mut().flat_map(parts_mut) {
            file_by_id(part);
        }
        return Ok(());
    }
    for message in messages.iter_mut().filter_map(Value::as_object_mut) {
        flatten(message);
        let named = message.get("name").and_then(Value::as_str);
        if message["role"] != "tool" || named.is_some_and(|name| name.trim().is_empty()) {
            message.remove("name");
        }
        calls(message);
        if message["role"] == "tool" && message.get("content").is_none_or(Value::is_null) {
            message.insert("content".into(), json!(""));
        }
    }
    messages.retain(|message| message["role"] == "tool" || !is_empty(message));
    Ok(())
}

/// The reasoning prompt in front of what the system says.
fn lead_with_prompt(messages: &mut Vec<Value>) {
    let system = messages
        .iter_mut()
        .find(|message| message["role"] == "system");
    let Some(system) = system else {
        messages.insert(0, json!({"role": "system", "content": PROMPT}));
        return;
    };
    match &mut system["content"] {
        Value::Array(parts) => {
            parts.insert(0, json!({"type": "text", "text": format!("{PROMPT}\n\n")}));
        }
        Value::String(text) => text.insert_str(0, &format!("{PROMPT}\n\n")),
        content => *content = json!(PROMPT),
    }
}

fn parts_mut(message: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let parts = message.get_mut("content").and_then(Value::as_array_mut);
    parts.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn carries_media(message: &Value) -> bool {
    let parts = message["content"].as_array().map(Vec::as_slice);
    let media = |part: &Value| matches!(part["type"].as_str(), Some("image_url" | "file"));
    parts.unwrap_or_default().iter().any(media)
}

/// A file that Mistral holds is named in the part itself.
fn file_by_id(part: &mut Map<String, Value>) {
    if part.get("type").and_then(Value::as_str) != Some("file") {
        return;
    }
    let id = part
        .get("file")
        .and_then(|file| file.get("file_id"))
        .cloned();
    if let Some(id) = id.filter(|id| id.as_str().is_some_and(|id| !id.is_empty())) {
        part.remove("file");
        part.insert("file_id".into(), id);
    }
}

/// What an earlier answer thought, in Mistral's form, for models that think; nothing of it for others.
fn replay(message: &mut Map<String, Value>, thinks: bool, last: bool) {
    let thought = thought(message);
    for name in [
        "thinking_blocks",
        "reasoning_items",
        "provider_specific_fields",
        "reasoning_content",
    ] {
        message.remove(name);
    }
    let parts = match message.get("content") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(Value::String(text)) => vec![json!({"type": "text", "text": text})],
        Some(Value::Array(parts)) => parts.clone(),
        Some(_) => return,
    };
    if parts.iter().any(is_thought) {
        let open = thinks && last && message.get("prefix") == Some(&json!(true));
        let end = parts.len();
        let kept: Vec<Value> = parts
            .into_iter()
            .enumerate()
            .filter_map(|(at, part)| match is_thought(&part) {
                true if thinks => sendable(&part, open && at + 1 == end),
                true => None,
                false => Some(part),
            })
            .collect();
        let content = if kept.is_empty() {
            Value::Null
        } else {
            json!(kept)
        };
        message.insert("content".into(), content);
        message.retain(|_, value| !value.is_null());
        return;
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let says = !parts.is_empty() || calls.is_some_and(|calls| !calls.is_empty());
    if let Some(thought) = thought.filter(|_| thinks && says) {
        let block = json!({"type": "thinking", "thinking": [{"type": "text", "text": thought}], "closed": true});
        let content: Vec<Value> = std::iter::once(block).chain(parts).collect();
        message.insert("content".into(), json!(content));
    }
}

fn thought(message: &Map<String, Value>) -> Option<String> {
    let told = message.get("reasoning_content").and_then(Value::as_str);
    if let Some(told) = told.filter(|told| !told.trim().is_empty()) {
        return Some(told.to_owned());
    }
    let blocks = message.get("thinking_blocks")?.as_array()?;
    let text: String = blocks
        .iter()
        .filter(|block| block["type"] == "thinking")
        .filter_map(|block| block["thinking"].as_str())
        .collect();
    (!text.trim().is_empty()).then_some(text)
}

fn is_thought(part: &Value) -> bool {
    part["type"] == "thinking" && part["thinking"].is_array()
}

/// A thought of Mistral's own as it may go back: its texts, and open only at the end of a prefix.
fn sendable(part: &Value, open: bool) -> Option<Value> {
    let texts = part["thinking"].as_array()?.iter();
    let texts: Vec<Value> = texts
        .filter(|item| item["type"] == "text")
        .filter_map(|item| item["text"].as_str())
        .map(|text| json!({"type": "text", "text": text}))
        .collect();
    if texts.is_empty() {
        return None;
    }
    let mut block = json!({"type": "thinking", "thinking": texts});
    if let Value::Bool(closed) = part["closed"]
        && (closed || open)
    {
        block["closed"] = json!(closed);
    }
    Some(block)
}

/// Parts of text become one text; thoughts stay before it.
fn flatten(message: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = message.get("content") else {
        return;
    };
    let text: String = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    let thoughts: Vec<Value> = parts
        .iter()
        .filter(|part| is_thought(part))
        .cloned()
        .collect();
    if !thoughts.is_empty() {
        let said = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
        let content: Vec<Value> = thoughts.into_iter().chain(said).collect();
        message.insert("content".into(), json!(content));
    } else if !text.is_empty() {
        message.insert("content".into(), json!(text));
    }
}

/// Calls of tools with the members that Mistral knows.
fn calls(message: &mut Map<String, Value>) {
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for call in calls.into_iter().flatten() {
        *call = json!({"id": call["id"], "type": "function", "function": call["function"]});
    }
}

/// Whether a message says nothing: Mistral refuses such.
fn is_empty(message: &Value) -> bool {
    const MEMBERS: [&str; 6] = [
        "content",
        "name",
        "tool_calls",
        "function_call",
        "reasoning_content",
        "cache_control",
    ];
    MEMBERS.iter().all(|name| match &message[*name] {
        Value::Null => true,
        Value::String(text) => *name == "content" && text.is_empty(),
        _ => false,
    })
}

#[cfg(test)]
#[path = "mistral_tests.rs"]
mod tests;
