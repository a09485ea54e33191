//! Embeddings of texts, or of images given as data URIs.

use super::model;
use crate::account::tokens::Encoding;
use crate::adapt::providers::openai_request::embeddings::members;
use crate::adapt::providers::replies;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Reply, Target};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use serde_json::{Value, json};

/// The body.
///
/// # Errors
/// A parameter that Cohere does not take, and input that is not text.
pub fn body(call: &Call, target: &Target) -> Result<Params> {
    let mut given = members(call, target)?;
    given.remove("input");
    let texts = texts(call)?;
    let mut body = Params::default();
    body.set("model", &model(&target.model));
    // The last input decides, as in LiteLLM: an API call takes texts or images, not both.
    if texts.last().is_some_and(|text| is_data_uri(text)) {
        body.set("images", &texts);
        body.set("input_type", &"image");
    } else {
        body.set("texts", &texts);
        body.set("input_type", &"search_document");
    }
    for (name, raw) in given.iter() {
        match name {
            "dimensions" => body.set_raw("output_dimension", raw.clone()),
            "encoding_format" => {
                let kinds = match given.get::<Value>(name) {
                    Some(Value::Array(kinds)) => kinds,
                    kind => kind.into_iter().collect(),
                };
                body.set("embedding_types", &kinds);
            }
            name => body.set_raw(name, raw.clone()),
        }
    }
    Ok(body)
}

/// The texts to embed.
fn texts(call: &Call) -> Result<Vec<String>> {
    let unreadable = || Error::bad_request("Input must be a list of strings");
    match call.params.get::<Value>("input") {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(unreadable))
            .collect(),
        _ => Err(unreadable()),
    }
}

fn is_data_uri(text: &str) -> bool {
    let data = text
        .strip_prefix("data:")
        .and_then(|rest| rest.split(',').nth(1));
    data.is_some_and(|data| {
        let body = data.trim_end_matches('=');
        data.len() % 4 == 0
            && data.len() - body.len() <= 2
            && body
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    })
}

/// The canonical reply: vectors of every type that was asked for, one after the other.
pub fn reply(call: &Call, target: &Target, reply: &Object) -> Reply {
    let data = vectors(reply);
    replies::embeddings(call, &model(&target.model), &data, used(call, reply))
}

fn vectors(reply: &Object) -> Vec<Value> {
    let lists: Vec<&Value> = match reply.get("embeddings") {
        Some(Value::Object(by_type)) => by_type.values().collect(),
        list => list.into_iter().collect(),
    };
    lists
        .into_iter()
        .filter_map(Value::as_array)
        .flat_map(|vectors| vectors.iter().enumerate())
        .map(|(index, vector)| replies::embedding(index, vector))
        .collect()
}

/// What a reply used: as it says, else the inputs are counted as LiteLLM counts them.
pub fn used(call: &Call, reply: &Object) -> Object {
    let billed = reply
        .get("meta")
        .map_or(&Value::Null, |meta| &meta["billed_units"]);
    billed
        .as_object()
        .and_then(billed_usage)
        .unwrap_or_else(|| counted(call))
}

fn billed_usage(billed: &Object) -> Option<Object> {
    let told = ["input_tokens", "image_tokens", "images"];
    if !told
        .iter()
        .any(|name| billed.get(*name).is_some_and(Value::is_number))
    {
        return None;
    }
    let images = count(billed, "image_tokens") + count(billed, "images");
    let mut used = replies::counts(count(billed, "input_tokens") + images, 0);
    let mut details = json!({"text_tokens": billed.get("input_tokens")});
    if images > 0 {
        details["image_tokens"] = json!(images);
    }
    if let Some(number) = billed.get("images") {
        details["image_count"] = number.clone();
    }
    used.insert("prompt_tokens_details".into(), details);
    Some(used)
}

fn counted(call: &Call) -> Object {
    let encoding = Encoding::of("");
    let texts = texts(call).unwrap_or_default();
    let tokens: i64 = texts.iter().map(|text| encoding.count(text)).sum();
    replies::counts(tokens.try_into().unwrap_or(0), 0)
}
