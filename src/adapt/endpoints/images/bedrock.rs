//! Image models on Bedrock: Amazon's (Nova Canvas, Titan) and Stability's, each invoked in its own form.
//!
//! API: <https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-stability-diffusion.html>.

use super::super::members::{check, given};
use super::{KNOWN, reply};
use crate::adapt::providers::{bedrock, replies};
use crate::adapt::{Adapter, Auth, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The adapter.
pub struct Bedrock;

/// The forms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Nova,
    Titan,
    Stability,
    /// Stability's first, of which the prompt is a list.
    FirstStability,
}

impl Form {
    fn of(model: &str) -> Self {
        if model.contains("amazon.nova-canvas") {
            Self::Nova
        } else if model.contains("amazon.titan") {
            Self::Titan
        } else if ["sd3", "stable-image"]
            .iter()
            .any(|name| model.contains(name))
        {
            Self::Stability
        } else {
            Self::FirstStability
        }
    }

    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Nova | Self::Titan => &["n", "size", "quality"],
            Self::Stability => &[],
            Self::FirstStability => &["size"],
        }
    }

    fn body(self, prompt: &str, mut members: Params) -> Value {
        let config = self.config(&mut members);
        let task = members.remove("taskType");
        let task: Value = task
            .and_then(|raw| serde_json::from_slice(&raw).ok())
            .unwrap_or_else(|| json!("TEXT_IMAGE"));
        let mut own: Map<String, Value> = members
            .iter()
            .filter_map(|(name, raw)| Some((name.to_owned(), serde_json::from_slice(raw).ok()?)))
            .collect();
        match self {
            Self::Nova => {
                let mut text = json!({"text": prompt});
                if let (Some(Value::Object(more)), Some(text)) =
                    (own.remove("textToImageParams"), text.as_object_mut())
                {
                    text.extend(more);
                }
                let mut all = config;
                all.extend(own);
                json!({"taskType": task, "textToImageParams": text, "imageGenerationConfig": all})
            }
            Self::Titan => {
                let mut text = json!({"text": prompt});
                if let Some(negative) = own.remove("negativeText") {
                    text["negativeText"] = negative;
                }
                let mut all = config;
                all.extend(own);
                json!({"taskType": task, "textToImageParams": text, "imageGenerationConfig": all})
            }
            Self::Stability => {
                own.insert("prompt".into(), prompt.into());
                Value::Object(own)
            }
            Self::FirstStability => {
                let mut all = config;
                all.extend(own);
                all.insert(
                    "text_prompts".into(),
                    json!([{"text": prompt, "weight": 1}]),
                );
                Value::Object(all)
            }
        }
    }

    /// OpenAI's parameters in the form's names.
    fn config(self, members: &mut Params) -> Map<String, Value> {
        let mut config = match members.remove("imageGenerationConfig") {
            Some(raw) => serde_json::from_slice(&raw).unwrap_or_default(),
            None => Map::new(),
        };
        let size: Option<String> = members.get("size");
        members.remove("size");
        let sides = size.as_deref().and_then(|size| size.split_once('x'));
        if let Some((width, height)) = sides
            && let (Ok(width), Ok(height)) = (width.parse::<u64>(), height.parse::<u64>())
        {
            config.insert("width".into(), width.into());
            config.insert("height".into(), height.into());
        }
        if let Some(count) = members.get::<Value>("n") {
            config.insert("numberOfImages".into(), count);
        }
        members.remove("n");
        let quality: Option<String> = members.get("quality");
        members.remove("quality");
        let quality = match (self, quality.as_deref()) {
            (_, Some("hd" | "premium")) | (Self::Titan, Some("high")) => Some("premium"),
            (_, Some("standard")) | (Self::Titan, Some("medium" | "low")) => Some("standard"),
            _ => None,
        };
        if let Some(quality) = quality {
            config.insert("quality".into(), quality.into());
        }
        config
    }
}

impl Adapter for Bedrock {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let form = Form::of(&target.model);
        let mut members = given(call, target);
        check(&mut members, &KNOWN, form.takes(), target)?;
        for name in ["prompt", "model_id"] {
            members.remove(name);
        }
        let prompt: String = call.params.get("prompt").unwrap_or_default();
        let body = form.body(&prompt, members);
        bedrock::invoked(call, target, body.to_string().into())
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        target.provider.adapter.auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let said = replies::object(target, &body)?;
        let list = |name: &str| {
            said.get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let refused: Vec<&str> = list("finish_reasons").filter_map(Value::as_str).collect();
        if !refused.is_empty() {
            return Err(
                Error::bad_request(format!("BedrockException - {}", refused.join("; ")))
                    .at(target.provider.name, &target.model),
            );
        }
        let images: Vec<Value> = match said.get("artifacts") {
            Some(Value::Array(artifacts)) => artifacts
                .iter()
                .map(|one| json!({"b64_json": one["base64"]}))
                .collect(),
            _ => list("images")
                .map(|image| json!({"b64_json": image}))
                .collect(),
        };
        Ok(reply(call, images, Map::new()))
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        target.provider.adapter.error(call, target, head, body)
    }
}
