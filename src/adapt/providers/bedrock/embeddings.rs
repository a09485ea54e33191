//! Embeddings: Amazon's models take one text a request, Cohere's take all of them.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>,
//! <https://docs.aws.amazon.com/nova/latest/userguide/embeddings.html>

use super::{errors, models, wire};
use crate::adapt::providers::cohere::embeddings as cohere;
use crate::adapt::providers::openai_request::embeddings::members;
use crate::adapt::providers::replies;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// Most requests that one call may take.
const MAX_REQUESTS: usize = 4096;
/// The length of Nova's vectors when nobody says one.
const NOVA_DIMENSIONS: u64 = 3072;

/// Models whose form is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    Cohere,
    /// Titan's first generation, which takes nothing but a text.
    Titan,
    TitanV2,
    /// Titan for texts and images.
    TitanImage,
    Nova,
}

fn model(name: &str) -> Option<Model> {
    let has = |part: &str| name.contains(part);
    if name.to_lowercase().contains("nova") {
        Some(Model::Nova)
    } else if has("cohere") {
        Some(Model::Cohere)
    } else if has("amazon.titan-embed-image") {
        Some(Model::TitanImage)
    } else if has("amazon.titan-embed-text-v2") {
        Some(Model::TitanV2)
    } else if has("amazon.titan-embed-text-v1") || has("amazon.titan-embed-g1-text-02") {
        Some(Model::Titan)
    } else {
        None
    }
}

/// OpenAI's parameters that a model takes.
pub fn supported(name: &str) -> &'static [&'static str] {
    match model(name) {
        Some(Model::Cohere | Model::TitanV2) => &["encoding_format", "dimensions"],
        Some(Model::TitanImage | Model::Nova) => &["dimensions"],
        Some(Model::Titan) | None => &[],
    }
}

/// The requests of a call, one at least.
///
/// # Errors
/// A model without a form, input that is not text, a parameter that the model does not take.
pub fn requests(call: &Call, target: &Target) -> Result<Vec<UpstreamRequest>> {
    let Some(model) = model(&target.model) else {
        return Err(unknown(target));
    };
    let given = members(call, target)?;
    let bodies = match model {
        Model::Cohere => vec![of_cohere(call, target)?],
        model => {
            let texts = texts(&given)?;
            texts
                .iter()
                .map(|text| of_amazon(model, text, &given))
                .collect()
        }
    };
    let request = |body: Object| {
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let source = ("request-source", "unspecified:litellm".to_owned());
        let ask = wire::Ask {
            params: &given,
            verb: "invoke",
            headers: if model == Model::Cohere {
                vec![source]
            } else {
                Vec::new()
            },
        };
        wire::upstream(call, target, ask, body.into())
    };
    bodies.into_iter().map(request).collect()
}

fn texts(given: &Params) -> Result<Vec<String>> {
    let unreadable = || Error::bad_request("`input` must be a text or a list of texts");
    let texts = match given.get::<Value>("input") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => {
            let text = |text: &Value| text.as_str().map(str::to_owned).ok_or_else(unreadable);
            texts.iter().map(text).collect::<Result<_>>()?
        }
        _ => return Err(unreadable()),
    };
    if texts.is_empty() || texts.len() > MAX_REQUESTS {
        return Err(Error::bad_request(format!(
            "`input` holds {} texts; this model takes from 1 to {MAX_REQUESTS}",
            texts.len()
        )));
    }
    Ok(texts)
}

/// Cohere's own form, but for what Bedrock does not know.
fn of_cohere(call: &Call, target: &Target) -> Result<Object> {
    const KNOWN: [&str; 6] = [
        "texts",
        "images",
        "input_type",
        "truncate",
        "embedding_types",
        "output_dimension",
    ];
    let body = cohere::body(call, target)?;
    let mut out = Object::new();
    for (name, raw) in body.iter().filter(|(name, _)| KNOWN.contains(name)) {
        out.insert(name.into(), serde_json::from_slice(raw).unwrap_or_default());
    }
    // Encoding is the client's; the model writes numbers.
    for kind in out
        .get_mut("embedding_types")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if kind == "base64" {
            *kind = json!("float");
        }
    }
    Ok(out)
}

fn of_amazon(model: Model, text: &str, given: &Params) -> Object {
    let mut out = Object::new();
    let own = given
        .iter()
        .filter(|(name, _)| !["input", "user", "model_id"].contains(name));
    for (name, raw) in own {
        let Ok(value) = serde_json::from_slice::<Value>(raw) else {
            continue;
        };
        let (name, value) = match (model, name) {
            (Model::Titan, _) => continue,
            (Model::TitanV2, "encoding_format") => {
                let kind = if value == "base64" { "binary" } else { "float" };
                ("embeddingTypes", json!([kind]))
            }
            (Model::TitanImage, "dimensions") => {
                ("embeddingConfig", json!({"outputEmbeddingLength": value}))
            }
            (Model::Nova, "dimensions") => ("embeddingDimension", value),
            (_, name) => (name, value),
        };
        out.insert(name.into(), value);
    }
    match model {
        Model::Nova => return of_nova(text, out),
        Model::TitanImage => {
            let (name, value) = match text
                .strip_prefix("data:")
                .and_then(|rest| rest.split_once(','))
            {
                Some((_, data)) => ("inputImage", data),
                None => ("inputText", text),
            };
            out.insert(name.into(), json!(value));
        }
        _ => {
            out.insert("inputText".into(), json!(text));
        }
    }
    out
}

fn of_nova(text: &str, mut params: Object) -> Object {
    params
        .entry("embeddingPurpose")
        .or_insert_with(|| json!("GENERIC_INDEX"));
    params
        .entry("embeddingDimension")
        .or_insert_with(|| json!(NOVA_DIMENSIONS));
    let media = ["text", "image", "video", "audio"];
    if !media.iter().any(|name| params.contains_key(*name)) {
        let (name, value) = nova_input(text);
        params.insert(name.into(), value);
    }
    let mut out = Object::new();
    out.insert("schemaVersion".into(), json!("nova-multimodal-embed-v1"));
    out.insert("taskType".into(), json!("SINGLE_EMBEDDING"));
    out.insert("singleEmbeddingParams".into(), Value::Object(params));
    out
}

fn nova_input(text: &str) -> (&'static str, Value) {
    let parts = || {
        let (head, data) = text.strip_prefix("data:")?.split_once(',')?;
        let (kind, format) = head.split(';').next()?.split_once('/')?;
        let name = ["image", "video", "audio"]
            .into_iter()
            .find(|name| *name == kind)?;
        Some((name, format.to_lowercase(), data))
    };
    if let Some((name, format, data)) = parts() {
        let format = if format == "jpg" { "jpeg" } else { &format };
        return (name, json!({"format": format, "source": {"bytes": data}}));
    }
    if text.starts_with("s3://") {
        return (
            "text",
            json!({"source": {"s3Location": {"uri": text}}, "truncationMode": "END"}),
        );
    }
    ("text", json!({"value": text, "truncationMode": "END"}))
}

/// The canonical reply of what came: one answer, or the list of all.
///
/// # Errors
/// Answers that are not the model's.
pub fn reply(call: &Call, target: &Target, body: &Bytes) -> Result<Reply> {
    let unreadable = || errors::unreadable(target, "'embedding'");
    let answers = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(answers)) => answers,
        Ok(answer @ Value::Object(_)) => vec![answer],
        _ => return Err(unreadable()),
    };
    match model(&target.model) {
        Some(Model::Cohere) => match answers.into_iter().next() {
            Some(Value::Object(answer)) => Ok(of_cohere_answer(call, target, &answer)),
            _ => Err(unreadable()),
        },
        Some(Model::Nova) => Ok(of_nova_answers(call, target, &answers)),
        _ => {
            let mut data = Vec::new();
            let mut tokens = 0;
            for (index, answer) in answers.iter().enumerate() {
                let typed = &answer["embeddingsByType"];
                let vector = [&typed["binary"], &typed["float"], &answer["embedding"]]
                    .into_iter()
                    .find(|vector| vector.is_array())
                    .ok_or_else(unreadable)?;
                data.push(replies::embedding(index, vector));
                tokens += answer
                    .as_object()
                    .map_or(0, |answer| count(answer, "inputTextTokenCount"));
            }
            Ok(replies::embeddings(
                call,
                &target.model,
                &data,
                replies::counts(tokens, 0),
            ))
        }
    }
}

/// Vectors of each type that was asked for, one after the other; where several could be, each says its own.
fn of_cohere_answer(call: &Call, target: &Target, answer: &Object) -> Reply {
    let rows = |vectors: &Value, kind: Option<&str>| -> Vec<Value> {
        let vectors = vectors.as_array().into_iter().flatten().enumerate();
        let row = |(index, vector)| {
            let mut row = replies::embedding(index, vector);
            if let Some(kind) = kind {
                row["type"] = json!(kind);
            }
            row
        };
        vectors.map(row).collect()
    };
    let data: Vec<Value> = match answer.get("embeddings") {
        Some(Value::Object(by_type)) => {
            let each = by_type
                .iter()
                .map(|(kind, vectors)| rows(vectors, Some(kind)));
            each.flatten().collect()
        }
        Some(vectors) => rows(vectors, None),
        None => Vec::new(),
    };
    replies::embeddings(call, &target.model, &data, cohere::used(call, answer))
}

/// Nova does not say what it used; a token is reckoned as four characters, or four numbers of the vector.
fn of_nova_answers(call: &Call, target: &Target, answers: &[Value]) -> Reply {
    let mut data = Vec::new();
    let mut tokens = 0;
    for answer in answers {
        let listed = answer["embeddings"].as_array();
        let alone = answer.get("embedding").map(|_| answer);
        for item in listed.into_iter().flatten().chain(alone) {
            let Some(vector) = item["embedding"].as_array() else {
                continue;
            };
            let length = item["truncatedCharLength"].as_u64();
            tokens += length.unwrap_or(vector.len() as u64) / 4;
            data.push(replies::embedding(data.len(), &item["embedding"]));
        }
    }
    replies::embeddings(call, &target.model, &data, replies::counts(tokens, 0))
}

fn unknown(target: &Target) -> Error {
    let name = models::without_route(&target.model);
    Error::bad_request(format!(
        "embeddings of the model `{name}` are not supported yet"
    ))
    .at(target.provider.name, &target.model)
}
