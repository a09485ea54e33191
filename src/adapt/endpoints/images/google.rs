//! Imagen, at Gemini's and at Vertex AI's address, and Gemini's own models that answer with images.
//!
//! API: <https://ai.google.dev/gemini-api/docs/imagen>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api>. No credential is ever in a body.

use super::super::members::{check, given};
use super::{KNOWN, reply};
use crate::adapt::providers::gemini::request;
use crate::adapt::providers::{replies, vertex};
use crate::adapt::{Adapter, Auth, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::Call;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

/// At Gemini's address.
pub struct Gemini;

/// At Vertex AI's.
pub struct Vertex;

const TAKES: [&str; 2] = ["n", "size"];

fn prompt(call: &Call) -> String {
    call.params.get("prompt").unwrap_or_default()
}

/// Whether the model is one of Gemini's own, which answers as it chats.
fn chats(model: &str) -> bool {
    model.contains("gemini")
}

impl Adapter for Gemini {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut members = given(call, target);
        check(&mut members, &KNOWN, &TAKES, target)?;
        let base = match target.api_base.as_str() {
            base if base == target.provider.base_url => format!("{base}/v1beta"),
            base => base.to_owned(),
        };
        let (verb, body) = if chats(&target.model) {
            ("generateContent", content(call, &members))
        } else {
            let mut parameters = Map::new();
            for (name, raw) in members.iter() {
                let value: Value = serde_json::from_slice(raw).unwrap_or_default();
                match name {
                    "prompt" => {}
                    "n" => {
                        parameters.insert("sampleCount".into(), value);
                    }
                    "size" => {
                        let size = value.as_str().unwrap_or_default();
                        parameters.insert("aspectRatio".into(), ratio(size).into());
                        parameters.insert("imageSize".into(), resolution(size).into());
                    }
                    name => {
                        parameters.insert(name.to_owned(), value);
                    }
                }
            }
            let instances = json!([{"prompt": prompt(call)}]);
            (
                "predict",
                json!({"instances": instances, "parameters": parameters}),
            )
        };
        let mut headers = request::headers(call, target)?;
        if let Some(key) = &target.api_key
            && let Ok(mut value) = HeaderValue::from_str(key.expose())
        {
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-goog-api-key"), value);
        }
        Ok(UpstreamRequest {
            method: Method::POST,
            url: format!("{base}/models/{}:{verb}", target.model),
            headers,
            body: body.to_string().into(),
        })
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let said = replies::object(target, &body)?;
        if !chats(&target.model) {
            return predicted(call, target, &said);
        }
        let parts = said.get("candidates").and_then(Value::as_array);
        let parts = parts
            .into_iter()
            .flatten()
            .filter_map(|candidate| candidate["content"]["parts"].as_array());
        let images: Vec<Value> = parts
            .flatten()
            .filter(|part| part["inlineData"]["data"].is_string())
            .map(|part| {
                let mut image = json!({"b64_json": part["inlineData"]["data"]});
                if part["thoughtSignature"].is_string() {
                    image["provider_specific_fields"] =
                        json!({"thought_signature": part["thoughtSignature"]});
                }
                image
            })
            .collect();
        let mut more = Map::new();
        if let Some(used) = said.get("usageMetadata") {
            more.insert("usage".into(), used_of(used));
        }
        Ok(reply(call, images, more))
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        target.provider.adapter.error(call, target, head, body)
    }
}

impl Adapter for Vertex {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut members = given(call, target);
        check(&mut members, &KNOWN, &TAKES, target)?;
        if chats(&target.model) {
            return Ok(UpstreamRequest {
                method: Method::POST,
                url: vertex::place::url(target, "generateContent", false)?,
                headers: request::headers(call, target)?,
                body: content(call, &members).to_string().into(),
            });
        }
        let mut parameters = Map::new();
        parameters.insert("sampleCount".into(), json!(1));
        for (name, raw) in members.iter() {
            let value: Value = serde_json::from_slice(raw).unwrap_or_default();
            match name {
                "prompt" => {}
                "n" => {
                    parameters.insert("sampleCount".into(), value);
                }
                "size" => {
                    let size = value.as_str().unwrap_or_default();
                    parameters.insert("aspectRatio".into(), ratio(size).into());
                }
                // Settings, wherever they come from, and secrets among them.
                name if name.starts_with("vertex_") => {}
                name => {
                    parameters.insert(camel(name), value);
                }
            }
        }
        // LiteLLM sends all its settings, the account's private key among them; the place is no secret.
        for name in ["vertex_project", "vertex_location"] {
            if let Some(value) = call.options.other.get::<Value>(name) {
                parameters.insert(name.to_owned(), value);
            }
        }
        let instances = json!([{"prompt": prompt(call)}]);
        let body = json!({"instances": instances, "parameters": parameters});
        Ok(UpstreamRequest {
            method: Method::POST,
            url: predict_url(target)?,
            headers: request::headers(call, target)?,
            body: body.to_string().into(),
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        target.provider.adapter.auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if chats(&target.model) {
            return Gemini.reply(call, target, head, body);
        }
        let said = replies::object(target, &body)?;
        predicted(call, target, &said)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        target.provider.adapter.error(call, target, head, body)
    }
}

/// An address that names the verb already is the caller's whole one.
fn predict_url(target: &Target) -> Result<String> {
    if target.api_base.ends_with(":predict") {
        return Ok(target.api_base.clone());
    }
    vertex::place::url(target, "predict", false)
}

/// The body for a model that answers as it chats.
fn content(call: &Call, members: &crate::params::Params) -> Value {
    let mut config = json!({"response_modalities": ["IMAGE", "TEXT"]});
    if let Some(size) = members.get::<String>("size") {
        config["imageConfig"] = json!({"aspectRatio": ratio(&size)});
    }
    if let Some(own) = members.get::<Value>("imageConfig") {
        config["imageConfig"] = own;
    }
    if let Some(count) = members.get::<Value>("n") {
        config["candidateCount"] = count;
    }
    let mut body =
        json!({"contents": [{"parts": [{"text": prompt(call)}]}], "generationConfig": config});
    if let Some(tools) = members.get::<Value>("tools") {
        body["tools"] = tools;
    }
    body
}

fn predicted(call: &Call, target: &Target, said: &Map<String, Value>) -> Result<Reply> {
    let Some(predictions) = said.get("predictions").and_then(Value::as_array) else {
        return Err(replies::place(target).broken("the reply has no `predictions`"));
    };
    let images = predictions
        .iter()
        .map(|one| json!({"b64_json": one["bytesBase64Encoded"]}))
        .collect();
    Ok(reply(call, images, Map::new()))
}

/// Gemini's counts in the names of OpenAI's images.
fn used_of(used: &Value) -> Value {
    let count = |name: &str| used[name].as_u64().unwrap_or(0);
    let of = |list: &str, kind: &str| {
        let details = used[list].as_array().into_iter().flatten();
        let counts = details.filter(|one| one["modality"] == kind);
        counts
            .filter_map(|one| one["tokenCount"].as_u64())
            .sum::<u64>()
    };
    let prompt = count("promptTokenCount");
    let images = of("promptTokensDetails", "IMAGE");
    json!({"input_tokens": prompt, "output_tokens": count("candidatesTokenCount"),
        "total_tokens": count("totalTokenCount"),
        "input_tokens_details": {"image_tokens": images, "text_tokens": prompt.saturating_sub(images)}})
}

fn sides(size: &str) -> Option<(f64, f64)> {
    let (width, height) = size.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// The nearest of Imagen's ratios.
fn ratio(size: &str) -> &'static str {
    match size {
        "1792x1024" => return "16:9",
        "1024x1792" => return "9:16",
        _ => {}
    }
    let ratios = [
        ("1:1", 1.0),
        ("4:3", 4.0 / 3.0),
        ("3:4", 0.75),
        ("16:9", 16.0 / 9.0),
        ("9:16", 9.0 / 16.0),
    ];
    let Some((width, height)) = sides(size).filter(|(_, height)| *height > 0.0) else {
        return "1:1";
    };
    let asked = width / height;
    ratios
        .into_iter()
        .min_by(|a, b| (a.1 - asked).abs().total_cmp(&(b.1 - asked).abs()))
        .map_or("1:1", |(name, _)| name)
}

fn resolution(size: &str) -> &'static str {
    match sides(size) {
        Some((width, height)) if width.max(height) > 1792.0 => "2K",
        _ => "1K",
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
