//! What a response used: chat's counts under the names of the Responses API.

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// Members of the details as LiteLLM lists them.
const INPUT: [&str; 5] = [
    "audio_tokens",
    "cached_tokens",
    "cached_tokens_details",
    "image_tokens",
    "text_tokens",
];

/// `usage` of a response. With `nulls`, every member is there.
pub(super) fn told(chat: Option<&Object>, nulls: bool) -> Value {
    let Some(chat) = chat else {
        return json!({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0});
    };
    let count = |name: &str| chat.get(name).and_then(Value::as_u64).unwrap_or(0);
    let mut told = json!({
        "input_tokens": count("prompt_tokens"),
        "output_tokens": count("completion_tokens"),
        "total_tokens": count("total_tokens"),
        "cost": chat.get("cost"),
        "input_tokens_details": details(chat, "prompt_tokens_details").map(input),
        "output_tokens_details": details(chat, "completion_tokens_details").map(output),
    });
    if nulls {
        for (name, members) in [
            ("input_tokens_details", &INPUT[..]),
            ("input_tokens_details", &["video_tokens"]),
            ("output_tokens_details", &["audio_tokens", "text_tokens"]),
        ] {
            if let Value::Object(details) = &mut told[name] {
                for member in members {
                    details.entry(*member).or_insert(Value::Null);
                }
            }
        }
    } else {
        crate::adapt::canonical::drop_nulls(&mut told);
    }
    told
}

fn details<'a>(chat: &'a Object, name: &str) -> Option<&'a Object> {
    chat.get(name)?.as_object()
}

fn input(details: &Object) -> Value {
    let mut told = kept(
        details,
        &[
            "audio_tokens",
            "image_tokens",
            "text_tokens",
            "video_tokens",
            "cached_tokens_details",
            "cache_type",
            "web_search_requests",
            "google_maps_grounding_requests",
        ],
    );
    let count = |name: &str| details.get(name).and_then(Value::as_u64);
    told.insert(
        "cached_tokens".into(),
        json!(count("cached_tokens").unwrap_or(0)),
    );
    let written = count("cache_write_tokens").or_else(|| count("cache_creation_tokens"));
    if let Some(written) = written {
        told.insert("cache_write_tokens".into(), json!(written));
    }
    Value::Object(told)
}

fn output(details: &Object) -> Value {
    let mut told = kept(details, &["audio_tokens", "text_tokens", "image_tokens"]);
    let reasoning = details.get("reasoning_tokens").and_then(Value::as_u64);
    told.insert("reasoning_tokens".into(), json!(reasoning.unwrap_or(0)));
    Value::Object(told)
}

fn kept(details: &Object, names: &[&str]) -> Object {
    details
        .iter()
        .filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
