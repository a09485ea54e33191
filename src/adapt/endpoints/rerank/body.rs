//! From the members that a provider's API has to its body.

use crate::adapt::Target;
use crate::params::Params;
use bytes::Bytes;
use serde_json::{Value, json};

fn renamed(members: &mut Params, from: &str, to: &str) {
    if let Some(raw) = members.remove(from) {
        members.set_raw(to, raw);
    }
}

fn text(members: &Params, name: &str) -> String {
    members.get(name).unwrap_or_default()
}

fn documents(members: &Params) -> Vec<Value> {
    members.get("documents").unwrap_or_default()
}

/// Cohere's.
pub fn plain(target: &Target, members: &mut Params) {
    members.set("model", &target.model);
}

pub fn voyage(target: &Target, members: &mut Params) {
    renamed(members, "top_n", "top_k");
    members.set("model", &target.model);
}

pub fn fireworks(target: &Target, members: &mut Params) {
    let model = target.model.as_str();
    let model = model.strip_prefix("fireworks/").unwrap_or(model);
    members.set("model", &format!("fireworks/{model}"));
}

pub fn hugging_face(_: &Target, members: &mut Params) {
    renamed(members, "documents", "texts");
    renamed(members, "return_documents", "return_text");
    for (name, usual) in [
        ("raw_scores", "false"),
        ("truncation_direction", "\"Right\""),
    ] {
        if !members.contains(name) {
            members.set_raw(name, Bytes::from_static(usual.as_bytes()));
        }
    }
}

/// Every document has a query of its own there.
pub fn deepinfra(_: &Target, members: &mut Params) {
    let query = text(members, "query");
    members.remove("query");
    if !members.contains("queries") {
        let queries = vec![query; documents(members).len()];
        members.set("queries", &queries);
    }
}

/// Passages are objects; the name in the body has points where the one in the path has underscores. The route
/// `ranking/` takes images, too, and no number of results.
pub fn nvidia(target: &Target, members: &mut Params) {
    let ranks = target.model.strip_prefix("ranking/");
    let fields: &[&str] = if ranks.is_some() {
        &["text", "image"]
    } else {
        &["text"]
    };
    let passages: Vec<Value> = documents(members)
        .iter()
        .map(|document| passage(document, fields))
        .collect();
    let query = json!({"text": text(members, "query")});
    members.remove("documents");
    members.set("query", &query);
    members.set("passages", &passages);
    if ranks.is_some() {
        members.remove("top_n");
        members.remove("top_k");
    } else {
        renamed(members, "top_n", "top_k");
    }
    let model = ranks.unwrap_or(&target.model).replace('_', ".");
    members.set("model", &model);
}

fn passage(document: &Value, fields: &[&str]) -> Value {
    match document {
        Value::String(text) => json!({"text": text}),
        Value::Object(object) => {
            let kept: serde_json::Map<String, Value> = object
                .iter()
                .filter(|(name, _)| fields.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if kept.is_empty() {
                return json!({"text": document.to_string()});
            }
            Value::Object(kept)
        }
        other => json!({"text": other.to_string()}),
    }
}

pub fn bedrock(target: &Target, members: &mut Params) {
    let documents = documents(members);
    let results = members.get::<u64>("top_n").filter(|most| *most > 0);
    let results = results.unwrap_or(documents.len() as u64);
    let sources: Vec<Value> = documents
        .iter()
        .map(|document| {
            let inline = match document {
                Value::String(text) => json!({"textDocument": {"text": text}, "type": "TEXT"}),
                other => json!({"jsonDocument": other, "type": "JSON"}),
            };
            json!({"inlineDocumentSource": inline, "type": "INLINE"})
        })
        .collect();
    let query = text(members, "query");
    *members = Params::default();
    members.set(
        "queries",
        &json!([{"textQuery": {"text": query}, "type": "TEXT"}]),
    );
    members.set(
        "rerankingConfiguration",
        &json!({"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {
            "modelConfiguration": {"modelArn": target.model}, "numberOfResults": results,
        }}),
    );
    members.set("sources", &sources);
}
