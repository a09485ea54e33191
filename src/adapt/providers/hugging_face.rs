//! Hugging Face: chats as OpenAI's, embeddings through the pipelines of its inference API.
//!
//! API: <https://huggingface.co/docs/inference-providers/tasks/feature-extraction>.

use super::openai::OpenAi;
use super::openai_request::embeddings::members;
use super::openai_request::wire;
use super::replies;
use crate::account::tokens::Encoding;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// The adapter.
pub struct HuggingFace;

/// Where pipelines are, when nobody gives an address.
const PIPELINES: &str = "https://router.huggingface.co/hf-inference/models";

/// The pipelines that embed.
const TASKS: [&str; 5] = [
    "sentence-similarity",
    "feature-extraction",
    "rerank",
    "embed",
    "similarity",
];

impl Adapter for HuggingFace {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if call.op != Op::Embeddings {
            return OpenAi.request(call, target);
        }
        let (task, body) = embeddings(call, target)?;
        let base = target.api_base.as_str();
        let url = if base == target.provider.base_url {
            format!("{PIPELINES}/{}/pipeline/{task}", target.model)
        } else {
            base.to_owned()
        };
        Ok(UpstreamRequest {
            method: Method::POST,
            url,
            headers: wire::headers(call, target)?,
            body: body.to_json().into(),
        })
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if call.op != Op::Embeddings {
            return OpenAi.reply(call, target, head, body);
        }
        let reply: Value = serde_json::from_slice(&body).map_err(|_| {
            replies::place(target).broken(&crate::adapt::json_fault::describe(&body))
        })?;
        let list = reply.get("similarities").unwrap_or(&reply);
        let Some(list) = list.as_array() else {
            return Err(replies::place(target).broken("the reply is not a list"));
        };
        let data: Vec<Value> = list
            .iter()
            .enumerate()
            .map(|(index, vector)| replies::embedding(index, flat(vector)))
            .collect();
        let encoding = Encoding::of("");
        let texts = inputs(call).unwrap_or_default();
        let tokens: i64 = texts.iter().map(|text| encoding.count(text)).sum();
        let tokens = u64::try_from(tokens).unwrap_or(0);
        // LiteLLM counts the input on both sides.
        let mut used: Object = replies::counts(tokens, tokens);
        used.insert("total_tokens".into(), json!(tokens));
        Ok(replies::embeddings(call, &target.model, &data, used))
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        OpenAi.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }
}

/// Features of each token are wrapped twice more; the first are those of the text.
fn flat(vector: &Value) -> &Value {
    match vector {
        Value::Array(items) if items.first().is_some_and(Value::is_array) => &vector[0][0],
        vector => vector,
    }
}

fn inputs(call: &Call) -> Result<Vec<String>> {
    let unreadable = || Error::bad_request("`input` must be a text or a list of texts");
    match call.params.get::<Value>("input") {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(unreadable))
            .collect(),
        _ => Err(unreadable()),
    }
}

/// The pipeline that is asked, and the body. Which one a model is made for only Hugging Face knows; the caller says it
/// as `input_type`, else features are extracted.
fn embeddings(call: &Call, target: &Target) -> Result<(String, Params)> {
    let mut given = members(call, target)?;
    given.remove("input");
    let texts = inputs(call)?;
    let named = given.get::<String>("input_type");
    given.remove("input_type");
    let refused = |what: String| Error::bad_request(what).at(target.provider.name, &target.model);
    if let Some(task) = named.as_deref().filter(|task| !TASKS.contains(task)) {
        let known = TASKS.join("`, `");
        return Err(refused(format!(
            "`input_type` is `{task}`, must be one of `{known}`"
        )));
    }
    let compares = target.model.contains("sentence-transformers") && named.is_none();
    let task = match named {
        Some(task) => task,
        None if compares => "sentence-similarity".to_owned(),
        None => "feature-extraction".to_owned(),
    };
    let names = match task.as_str() {
        "sentence-similarity" | "similarity" => Some(("source_sentence", "sentences")),
        "rerank" => Some(("query", "texts")),
        _ => None,
    };
    let inputs = match (names, texts.split_first()) {
        (Some((one, others)), Some((first, rest))) if !rest.is_empty() => {
            json!({one: first, others: rest})
        }
        (Some(_), _) => return Err(refused(format!("`{task}` requires two texts or more"))),
        (None, _) => json!(texts),
    };
    let mut body = Params::default();
    body.set("inputs", &inputs);
    let mut options = Object::new();
    let mut parameters = Object::new();
    for (name, raw) in given.iter() {
        let Ok(value) = serde_json::from_slice::<Value>(raw) else {
            continue;
        };
        match name {
            "use_cache" | "wait_for_model" => drop(options.insert(name.into(), value)),
            _ => drop(parameters.insert(name.into(), value)),
        }
    }
    for (name, members) in [("options", options), ("parameters", parameters)] {
        if !members.is_empty() {
            body.set(name, &members);
        }
    }
    Ok((task, body))
}
