//! `usageMetadata` into OpenAI's counts.

use crate::adapt::usage::{Object, count};
use serde_json::{Value, json};

/// The counts, with the details that the provider told. `searches` are web searches that were grounded on.
pub fn canonical(native: &Object, searches: u64) -> Object {
    let prompt = count(native, "promptTokenCount") + count(native, "toolUsePromptTokenCount");
    let answered = count(native, "candidatesTokenCount").max(count(native, "responseTokenCount"));
    let thought = count(native, "thoughtsTokenCount");
    let total = count(native, "totalTokenCount");
    // Some versions count thoughts among the candidates' tokens, which the total gives away.
    let inclusive = thought > 0 && prompt + answered == total;
    let completion = if inclusive {
        answered
    } else {
        answered + thought
    };
    let mut used = Object::new();
    used.insert("prompt_tokens".into(), json!(prompt));
    used.insert("completion_tokens".into(), json!(completion));
    used.insert("total_tokens".into(), json!(total));

    let mut details = by_modality(native.get("promptTokensDetails"));
    let cached = count(native, "cachedContentTokenCount");
    if cached > 0 {
        details.insert("cached_tokens".into(), json!(cached));
        used.insert("cache_read_input_tokens".into(), json!(cached));
    }
    let cached_details = by_modality(native.get("cacheTokensDetails"));
    if !cached_details.is_empty() {
        details.insert(
            "cached_tokens_details".into(),
            Value::Object(cached_details),
        );
    }
    if searches > 0 {
        details.insert("web_search_requests".into(), json!(searches));
    }
    // LiteLLM shows the details of the prompt even where there are none.
    used.insert("prompt_tokens_details".into(), Value::Object(details));

    let told = native
        .get("candidatesTokensDetails")
        .or(native.get("responseTokensDetails"));
    let mut details = by_modality(told);
    if !details.contains_key("text_tokens") {
        let other: u64 = details.values().filter_map(Value::as_u64).sum();
        let written = if inclusive {
            answered.saturating_sub(thought)
        } else {
            answered
        };
        details.insert("text_tokens".into(), json!(written.saturating_sub(other)));
    }
    if thought > 0 {
        details.insert("reasoning_tokens".into(), json!(thought));
    }
    used.insert("completion_tokens_details".into(), Value::Object(details));
    used
}

fn by_modality(list: Option<&Value>) -> Object {
    let mut out = Object::new();
    for item in list.and_then(Value::as_array).into_iter().flatten() {
        let name = match item["modality"].as_str() {
            Some("TEXT" | "DOCUMENT") => "text_tokens",
            Some("AUDIO") => "audio_tokens",
            Some("IMAGE") => "image_tokens",
            Some("VIDEO") => "video_tokens",
            _ => continue,
        };
        let more = item["tokenCount"].as_u64().unwrap_or(0);
        let sum = count(&out, name) + more;
        out.insert(name.into(), json!(sum));
    }
    out
}
