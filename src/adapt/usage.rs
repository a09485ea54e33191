//! What a call used, in LiteLLM's form: OpenAI's counts, with every other provider's names for cached and reasoning
//! tokens folded into the details, and whatever else the provider sent kept.

use crate::account::Usage;
use serde_json::{Map, Value, json};

/// A JSON object.
pub type Object = Map<String, Value>;

const PROMPT_DETAILS: [&str; 8] = [
    "audio_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "cache_creation_tokens",
    "image_tokens",
    "initial_prompt_tokens",
    "text_tokens",
    "video_tokens",
];
const COMPLETION_DETAILS: [&str; 7] = [
    "accepted_prediction_tokens",
    "audio_tokens",
    "image_tokens",
    "reasoning_tokens",
    "rejected_prediction_tokens",
    "text_tokens",
    "video_tokens",
];

/// Canonical form of a provider's `usage`, without `null` members.
pub fn canonical(mut usage: Object) -> Object {
    super::canonical::drop_nulls_in(&mut usage);
    for name in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        usage.entry(name).or_insert_with(|| json!(0));
    }
    for name in ["prompt_tokens_details", "completion_tokens_details"] {
        if !usage.get(name).is_some_and(is_filled) {
            usage.remove(name);
        }
    }
    fold_reasoning(&mut usage);
    for (from, to) in [
        ("prompt_cache_hit_tokens", "cached_tokens"),
        ("cache_read_input_tokens", "cached_tokens"),
        ("cache_creation_input_tokens", "cache_write_tokens"),
    ] {
        if let Some(count) = usage.get(from).filter(|count| count.is_i64()).cloned() {
            with_details(&mut usage, "prompt_tokens_details", |details| {
                details.insert(to.into(), count)
            });
        }
    }
    if let Some(Value::Object(prompt)) = usage.get_mut("prompt_tokens_details") {
        mirror_cache_writes(prompt);
    }
    if usage
        .get("cost")
        .is_some_and(|cost| !(cost.is_number() || cost.is_object()))
    {
        usage.remove("cost");
    }
    usage
}

/// `reasoning_tokens` beside the counts belongs into the details.
fn fold_reasoning(usage: &mut Object) {
    let Some(reasoning) = usage.remove("reasoning_tokens").and_then(|n| n.as_u64()) else {
        return;
    };
    if reasoning == 0 {
        return;
    }
    let completion = count(usage, "completion_tokens");
    with_details(usage, "completion_tokens_details", |details| {
        let other = count(details, "image_tokens") + count(details, "audio_tokens");
        details
            .entry("reasoning_tokens")
            .or_insert_with(|| json!(reasoning));
        details
            .entry("text_tokens")
            .or_insert_with(|| json!(completion.saturating_sub(reasoning + other)));
    });
}

/// OpenAI and Anthropic name cache writes differently; LiteLLM carries both names.
fn mirror_cache_writes(prompt: &mut Object) {
    let written = [
        "cache_write_tokens",
        "cache_creation_tokens",
        "cache_creation_input_tokens",
    ]
    .iter()
    .find_map(|name| prompt.get(*name).cloned());
    if let Some(written) = written {
        prompt.insert("cache_write_tokens".into(), written.clone());
        prompt.insert("cache_creation_tokens".into(), written);
    }
}

/// The same with every field of LiteLLM's classes, as embeddings and text completions have it.
pub fn with_nulls(mut usage: Object) -> Object {
    for (name, fields) in [
        ("prompt_tokens_details", &PROMPT_DETAILS[..]),
        ("completion_tokens_details", &COMPLETION_DETAILS[..]),
    ] {
        match usage.entry(name).or_insert(Value::Null) {
            Value::Object(details) => {
                for field in fields {
                    let cache_write =
                        field.starts_with("cache_") && !field.ends_with("cached_tokens");
                    if !cache_write {
                        details.entry(*field).or_insert(Value::Null);
                    }
                }
            }
            other => *other = Value::Null,
        }
    }
    usage
}

/// The counts that pricing and metrics need, from the canonical form.
pub fn counts(usage: &Object, service_tier: Option<&str>) -> Usage {
    let empty = Object::new();
    let part = |name: &str| match usage.get(name) {
        Some(Value::Object(details)) => details,
        _ => &empty,
    };
    let prompt = part("prompt_tokens_details");
    let completion = part("completion_tokens_details");
    let creation = match prompt.get("cache_creation_token_details") {
        Some(Value::Object(details)) => details,
        _ => &empty,
    };
    let tools = part("server_tool_use");
    Usage {
        prompt_tokens: count(usage, "prompt_tokens"),
        completion_tokens: count(usage, "completion_tokens"),
        total_tokens: count(usage, "total_tokens"),
        cached_tokens: count(prompt, "cached_tokens"),
        cache_creation_tokens: count(prompt, "cache_write_tokens"),
        cache_creation_1h_tokens: count(creation, "ephemeral_1h_input_tokens"),
        prompt_audio_tokens: count(prompt, "audio_tokens"),
        prompt_image_tokens: count(prompt, "image_tokens"),
        prompt_text_tokens: prompt.get("text_tokens").and_then(Value::as_u64),
        reasoning_tokens: count(completion, "reasoning_tokens"),
        completion_audio_tokens: count(completion, "audio_tokens"),
        completion_image_tokens: count(completion, "image_tokens"),
        completion_text_tokens: completion.get("text_tokens").and_then(Value::as_u64),
        web_search_requests: count(tools, "web_search_requests")
            .max(count(prompt, "web_search_requests")),
        service_tier: service_tier.map(str::to_owned),
        estimated: false,
        ..Usage::default()
    }
}

/// Changes one of the details, which need not be there yet.
fn with_details<T>(usage: &mut Object, name: &str, change: impl FnOnce(&mut Object) -> T) -> T {
    let mut details = super::canonical::into_object(usage.remove(name).unwrap_or_default());
    let result = change(&mut details);
    usage.insert(name.into(), Value::Object(details));
    result
}

fn is_filled(value: &Value) -> bool {
    value.as_object().is_some_and(|object| !object.is_empty())
}

/// A count, 0 when it is missing or no number.
pub fn count(object: &Object, name: &str) -> u64 {
    object.get(name).map_or(0, |value| {
        value
            .as_u64()
            .or_else(|| value.as_f64().map(|number| number.max(0.0) as u64))
            .unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        super::super::canonical::into_object(value)
    }

    #[test]
    fn every_name_for_cached_tokens_ends_in_the_details() {
        let usage = canonical(object(json!({
            "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
            "prompt_tokens_details": {}, "completion_tokens_details": null,
            "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36, "cost": "?",
        })));
        assert_eq!(
            Value::Object(usage.clone()),
            json!({
                "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                "prompt_tokens_details": {"cached_tokens": 64},
                "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
            })
        );
        assert_eq!(counts(&usage, None).cached_tokens, 64);
        let usage = canonical(object(
            json!({"prompt_tokens": 9, "cache_creation_input_tokens": 5}),
        ));
        assert_eq!(
            usage["prompt_tokens_details"],
            json!({"cache_write_tokens": 5, "cache_creation_tokens": 5})
        );
    }

    #[test]
    fn reasoning_beside_the_counts_leaves_the_rest_as_text() {
        let usage = canonical(object(
            json!({"completion_tokens": 10, "reasoning_tokens": 4}),
        ));
        assert_eq!(
            usage["completion_tokens_details"],
            json!({"reasoning_tokens": 4, "text_tokens": 6})
        );
    }
}
