//! Images: made ([`Op::ImageGeneration`]), changed ([`Op::ImageEdit`]) and varied ([`Op::ImageVariation`]), in OpenAI's
//! form, which callers speak. Google's are in [`google`], Bedrock's in [`bedrock`].
//!
//! API: <https://platform.openai.com/docs/api-reference/images>.

mod bedrock;
mod google;

use super::asked::{asked, auth, speaks};
use super::form::Form;
use super::members::{asks_for_stream, check, given};
use crate::account::{ImageUnits, Usage};
use crate::adapt::errors::Wording;
use crate::adapt::providers::replies;
use crate::adapt::{Adapter, Auth, Head, Provider, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

/// OpenAI's parameters that are checked; others are the provider's own.
const KNOWN: [&str; 6] = ["n", "quality", "response_format", "size", "style", "user"];

/// What the models of the gpt-image kind take of them, which LiteLLM asks of all that speak OpenAI's protocol itself.
const GPT_IMAGE: &[&str] = &["n", "quality", "size", "user"];

/// Who makes images of which kind.
pub fn offered(provider: &Provider, op: Op) -> Option<&'static dyn Adapter> {
    match (provider.name, op) {
        ("gemini", Op::ImageGeneration) => Some(&google::Gemini),
        ("vertex_ai", Op::ImageGeneration) => Some(&google::Vertex),
        ("bedrock", Op::ImageGeneration) => Some(&bedrock::Bedrock),
        ("recraft", Op::ImageGeneration) => Some(&OpenAi),
        _ if speaks(provider) => Some(&OpenAi),
        _ => None,
    }
}

/// OpenAI's form.
struct OpenAi;

impl Adapter for OpenAi {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        match call.op {
            Op::ImageEdit => edit(call, target),
            Op::ImageVariation => variation(call, target),
            _ => generation(call, target),
        }
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        auth(call, target)
    }

    fn is_raw(&self, call: &Call) -> bool {
        asks_for_stream(call)
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let mut said = replies::object(target, &body)?;
        let recraft = target.provider.name == "recraft";
        let list = said.remove("data");
        let Some(Value::Array(images)) = list else {
            return Err(replies::place(target).broken("the reply has no `data`"));
        };
        let images = images.into_iter().map(|mut image| {
            if recraft {
                image["revised_prompt"] = Value::Null;
            }
            image
        });
        if recraft {
            said.clear();
        }
        Ok(reply(call, images.collect(), said))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        let mut place = replies::place(target);
        if speaks(target.provider) {
            place.wording = Wording::CodeAndMessage;
            place.family = target.provider.family;
        }
        place.status(head.status.as_u16(), &head.headers, body)
    }
}

fn generation(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut members = given(call, target);
    let path = match target.provider.name {
        "openai" | "azure" | "litellm_proxy" => {
            check(&mut members, &KNOWN, GPT_IMAGE, target)?;
            "/images/generations"
        }
        "recraft" => {
            let takes = ["n", "response_format", "size", "style"];
            check(&mut members, &KNOWN, &takes, target)?;
            "/v1/images/generations"
        }
        _ => "/images/generations",
    };
    // At Azure, the path names the deployment.
    if target.provider.name != "azure" {
        members.set("model", &target.model);
    }
    let mut request = asked(call, target, path, &members)?;
    if target.provider.name == "recraft" {
        request.url = format!("{}{path}", target.api_base);
    }
    Ok(request)
}

fn edit(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut members = given(call, target);
    for name in ["image", "mask"] {
        members.remove(name);
    }
    members.set("model", &target.model);
    let mut form = Form::new(&call.id);
    form.members(&members);
    for upload in &call.uploads {
        let field = upload.field.trim_end_matches("[]");
        let (field, name) = match field {
            "image" => ("image[]", "image.png"),
            field => (field, "mask.png"),
        };
        form.file(field, name, media_type(upload), upload);
    }
    sent(call, target, "/images/edits", form)
}

/// A variation has no model: one serves them all. What is usual anyway is not said.
fn variation(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut members = given(call, target);
    members.remove("image");
    members.retain(|name, raw| {
        !matches!(
            (name, &raw[..]),
            ("n", b"1") | ("response_format", b"\"url\"")
        )
    });
    let mut form = Form::new(&call.id);
    form.members(&members);
    for upload in &call.uploads {
        form.file("image", "upload", "application/octet-stream", upload);
    }
    sent(call, target, "/images/variations", form)
}

fn media_type(upload: &crate::upload::Upload) -> &str {
    upload.media_type.as_deref().unwrap_or("image/png")
}

/// A form on its way.
fn sent(call: &Call, target: &Target, path: &str, form: Form) -> Result<UpstreamRequest> {
    let mut request = asked(call, target, path, &Params::default())?;
    let (kind, body) = form.finish();
    request.headers.insert(CONTENT_TYPE, kind);
    request.body = body;
    Ok(request)
}

/// A canonical reply of images. `said` has what the provider says besides.
fn reply(call: &Call, images: Vec<Value>, mut said: Map<String, Value>) -> Reply {
    let nothing = json!({"total_tokens": 0, "input_tokens": 0, "output_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0}});
    let text = |said: &Map<String, Value>, name: &str| {
        let own = said.get(name).and_then(Value::as_str).map(str::to_owned);
        own.or_else(|| call.params.get(name))
    };
    let (size, quality) = (text(&said, "size"), text(&said, "quality"));
    let used = said.get("usage").filter(|used| used.is_object()).cloned();
    let usage = Usage {
        images: Some(Box::new(ImageUnits {
            count: images.len() as u64,
            size,
            quality,
            tokens: used.clone(),
        })),
        ..tokens(used.as_ref())
    };
    said.insert(
        "created".into(),
        said.get("created")
            .cloned()
            .unwrap_or_else(|| json!(call.created)),
    );
    let images: Vec<Value> = images.into_iter().map(image).collect();
    said.insert("data".into(), images.into());
    said.insert("usage".into(), used.unwrap_or(nothing));
    for name in [
        "background",
        "output_format",
        "quality",
        "safety_identifier",
        "size",
        "svg_usage",
    ] {
        said.entry(name).or_insert(Value::Null);
    }
    Reply {
        body: serde_json::to_vec(&said).unwrap_or_default().into(),
        usage: Some(usage),
        upstream_model: None,
        finish_reason: None,
    }
}

fn image(said: Value) -> Value {
    let Value::Object(mut image) = said else {
        return said;
    };
    for name in [
        "b64_json",
        "revised_prompt",
        "url",
        "provider_specific_fields",
    ] {
        image.entry(name).or_insert(Value::Null);
    }
    Value::Object(image)
}

/// The counts of a reply that tells any.
fn tokens(used: Option<&Value>) -> Usage {
    let count = |name: &str| used.and_then(|used| used.get(name)?.as_u64()).unwrap_or(0);
    let (prompt, completion) = (count("input_tokens"), count("output_tokens"));
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: count("total_tokens").max(prompt + completion),
        ..Usage::default()
    }
}
