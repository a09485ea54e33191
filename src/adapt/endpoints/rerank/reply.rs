//! The providers' replies in Cohere's form: `results` with `index`, `relevance_score` and `document`, and `meta` with
//! what was billed.

use crate::account::tokens::Encoding;
use crate::adapt::usage::Object;
use crate::repr::{self, Style};
use crate::request::Call;
use serde_json::{Map, Value, json};

/// Cohere's own.
pub fn cohere(_: &Call, said: &Value) -> Option<Object> {
    said.as_object().cloned()
}

pub fn jina(_: &Call, said: &Value) -> Option<Object> {
    let usage = &said["usage"];
    let meta = json!({"billed_units": units(usage), "tokens": tokens(usage)});
    Some(with_id(
        said,
        results(&said["results"], "relevance_score")?,
        meta,
    ))
}

pub fn together(call: &Call, said: &Value) -> Option<Object> {
    jina(call, said)
}

pub fn voyage(_: &Call, said: &Value) -> Option<Object> {
    let total = said["usage"]["total_tokens"].as_u64().unwrap_or(0);
    let meta = json!({"billed_units": {"total_tokens": total},
        "tokens": {"input_tokens": total, "output_tokens": 0}});
    Some(with_id(
        said,
        results(&said["data"], "relevance_score")?,
        meta,
    ))
}

pub fn vllm(_: &Call, said: &Value) -> Option<Object> {
    let total = said["usage"]["total_tokens"].as_u64().unwrap_or(0);
    let meta = match &said["meta"] {
        Value::Null => {
            json!({"billed_units": {"total_tokens": total}, "tokens": {"input_tokens": total}})
        }
        meta => meta.clone(),
    };
    Some(with_id(
        said,
        results(&said["results"], "relevance_score")?,
        meta,
    ))
}

pub fn infinity(_: &Call, said: &Value) -> Option<Object> {
    let count = |name: &str| said["usage"][name].as_u64().unwrap_or(0);
    let (prompt, total) = (count("prompt_tokens"), count("total_tokens"));
    let meta = json!({"billed_units": units(&said["usage"]),
        "tokens": {"input_tokens": prompt, "output_tokens": total.saturating_sub(prompt)}});
    Some(with_id(
        said,
        results(&said["results"], "relevance_score")?,
        meta,
    ))
}

pub fn fireworks(_: &Call, said: &Value) -> Option<Object> {
    let count = |name: &str| said["usage"][name].as_u64().unwrap_or(0);
    let list = match &said["data"] {
        Value::Null => &said["results"],
        list => list,
    };
    let meta = json!({"billed_units": {"search_units": count("total_tokens")}, "tokens": {
        "input_tokens": count("prompt_tokens"), "output_tokens": count("completion_tokens")}});
    Some(with_id(said, results(list, "relevance_score")?, meta))
}

/// Nothing is said of what was used: LiteLLM counts the texts.
pub fn hugging_face(call: &Call, said: &Value) -> Option<Object> {
    let list = said.as_array()?;
    let shown = call.params.get::<bool>("return_documents").unwrap_or(false);
    let documents: Vec<Value> = call.params.get("documents").unwrap_or_default();
    let results: Vec<Value> = list
        .iter()
        .filter(|item| item["index"].is_u64() && item["score"].is_number())
        .map(|item| {
            let mut result = json!({"index": item["index"], "relevance_score": item["score"]});
            let own = item["text"].as_str().filter(|text| !text.is_empty());
            let index = item["index"].as_u64().unwrap_or(0) as usize;
            let text = own.or_else(|| documents.get(index).and_then(text_of));
            if let Some(text) = text.filter(|_| shown) {
                result["document"] = json!({"text": text});
            }
            result
        })
        .collect();
    let mut asked: String = call.params.get("query").unwrap_or_default();
    asked.push(' ');
    for text in documents.iter().filter_map(text_of) {
        asked.push_str(text);
        asked.push(' ');
    }
    let encoding = Encoding::of(&call.model);
    let raw = serde_json::to_vec(said).unwrap_or_default();
    let answered = repr::written(&raw, Style::Repr).unwrap_or_default();
    let meta = json!({"api_version": {"version": "1.0"}, "billed_units": {"search_units": 1}, "tokens": {
        "input_tokens": encoding.count(&asked), "output_tokens": encoding.count(&answered)}});
    Some(with_id(&Value::Null, results, meta))
}

/// The text of a document, which is one or has one.
fn text_of(document: &Value) -> Option<&str> {
    document.as_str().or_else(|| document["text"].as_str())
}

pub fn deepinfra(_: &Call, said: &Value) -> Option<Object> {
    let scores = said["scores"].as_array()?;
    let results = scores
        .iter()
        .enumerate()
        .map(|(index, score)| json!({"index": index, "relevance_score": score}))
        .collect();
    let tokens = said["input_tokens"].as_u64().unwrap_or(0);
    let meta = json!({"billed_units": {"total_tokens": tokens},
        "tokens": {"input_tokens": tokens, "output_tokens": 0}});
    Some(with_id(&json!({"id": said["request_id"]}), results, meta))
}

/// The documents are those of the call; the route `ranking/` is cut to the number of results here.
pub fn nvidia(call: &Call, said: &Value) -> Option<Object> {
    let ranks = call.model.contains("ranking/");
    let documents: Vec<Value> = call.params.get("documents").unwrap_or_default();
    let mut results: Vec<Value> = said["rankings"]
        .as_array()?
        .iter()
        .map(|ranking| {
            let mut result =
                json!({"index": ranking["index"], "relevance_score": ranking["logit"]});
            let index = ranking["index"].as_u64().unwrap_or(u64::MAX) as usize;
            if let Some(text) = documents.get(index).and_then(text_of) {
                result["document"] = json!({"text": text});
            }
            result
        })
        .collect();
    let most = call.params.get::<usize>("top_n").filter(|_| ranks);
    if let Some(most) = most.filter(|most| results.len() > *most) {
        results.sort_by(|a, b| {
            let score = |result: &Value| result["relevance_score"].as_f64().unwrap_or(f64::MIN);
            score(b).total_cmp(&score(a))
        });
        results.truncate(most);
    }
    let told = said["usage"]["total_tokens"].as_u64().filter(|n| *n > 0);
    let total = told.unwrap_or(results.len() as u64);
    Some(with_id(
        said,
        results,
        json!({"billed_units": {"total_tokens": total}}),
    ))
}

pub fn bedrock(_: &Call, said: &Value) -> Option<Object> {
    let results = results(&said["results"], "relevanceScore")?;
    let usage = match &said["usage"] {
        Value::Null => json!({"search_units": 1}),
        usage => usage.clone(),
    };
    Some(with_id(
        said,
        results,
        json!({"billed_units": units(&usage), "tokens": tokens(&said["usage"])}),
    ))
}

/// A list of results; a document that is a text becomes an object.
fn results(list: &Value, score: &str) -> Option<Vec<Value>> {
    let results = list.as_array()?.iter().map(|item| {
        let mut result = json!({"index": item["index"], "relevance_score": item[score]});
        match &item["document"] {
            Value::Null => {}
            Value::String(text) => result["document"] = json!({"text": text}),
            document => result["document"] = document.clone(),
        }
        result
    });
    Some(results.collect())
}

/// The members of a usage that are billed units in LiteLLM.
fn units(usage: &Value) -> Value {
    some_of(
        usage,
        &[
            "search_units",
            "total_tokens",
            "input_tokens",
            "output_tokens",
        ],
    )
}

fn tokens(usage: &Value) -> Value {
    some_of(usage, &["input_tokens", "output_tokens"])
}

fn some_of(usage: &Value, names: &[&str]) -> Value {
    let mut some = Map::new();
    for name in names {
        if let Some(count) = usage.get(*name).filter(|count| count.is_number()) {
            some.insert((*name).to_owned(), count.clone());
        }
    }
    Value::Object(some)
}

fn with_id(said: &Value, results: Vec<Value>, meta: Value) -> Object {
    let mut reply = Object::new();
    reply.insert("results".into(), results.into());
    reply.insert("meta".into(), meta);
    if let Some(id) = said.get("id").filter(|id| id.is_string()) {
        reply.insert("id".into(), id.clone());
    }
    reply
}
