//! Moderation: whether a text or a picture is something that nobody should have to see.
//!
//! API: <https://platform.openai.com/docs/api-reference/moderations>.

use super::asked::refused;
use super::members::given;
use crate::account::Usage;
use crate::adapt::providers::openai_request::wire;
use crate::adapt::providers::replies;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Head, Provider, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// The adapter.
struct OpenAi;

/// Who moderates.
pub fn offered(provider: &Provider) -> Option<&'static dyn Adapter> {
    provider.is_compatible().then_some(&OpenAi as &dyn Adapter)
}

/// The categories, as OpenAI's client names them. On the wire, some have slashes and hyphens.
const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment_threatening",
    "hate",
    "hate_threatening",
    "illicit",
    "illicit_violent",
    "self_harm",
    "self_harm_instructions",
    "self_harm_intent",
    "sexual",
    "sexual_minors",
    "violence",
    "violence_graphic",
];

impl Adapter for OpenAi {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut members = given(call, target);
        if !target.model.is_empty() {
            members.set("model", &target.model);
        }
        wire::upstream(call, target, "/moderations", &members)
    }

    fn reply(&self, _call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let mut said = replies::object(target, &body)?;
        let results = said.get_mut("results").and_then(Value::as_array_mut);
        let results = results.into_iter().flatten();
        for result in results.filter_map(Value::as_object_mut) {
            for part in [
                "categories",
                "category_scores",
                "category_applied_input_types",
            ] {
                match result.entry(part).or_insert(Value::Null) {
                    Value::Object(part) => both_names(part),
                    other => *other = Value::Null,
                }
            }
        }
        Ok(Reply {
            body: serde_json::to_vec(&said).unwrap_or_default().into(),
            usage: Some(Usage::default()),
            upstream_model: None,
            finish_reason: None,
        })
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        refused(target, head, body)
    }
}

/// LiteLLM tells the categories by their names in Python; those on the wire stay beside them, for clients that read
/// OpenAI's API as it is.
fn both_names(part: &mut Object) {
    let own: Vec<(String, Value)> = part
        .iter()
        .map(|(name, value)| (name.replace(['/', '-'], "_"), value.clone()))
        .collect();
    for (name, value) in own {
        part.insert(name, value);
    }
    for name in CATEGORIES {
        part.entry(name).or_insert(json!(null));
    }
}
