//! Recordings to texts, as OpenAI and the compatible providers take them.

use super::super::asked::{asked, auth};
use super::super::form::Form;
use super::super::members::{asks_for_stream, check, given};
use crate::account::Usage;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Auth, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// OpenAI's parameters.
const KNOWN: [&str; 5] = [
    "language",
    "prompt",
    "response_format",
    "temperature",
    "timestamp_granularities",
];

/// The adapter.
pub struct OpenAi;

/// What is sent of the parameters; `None`: all.
fn takes(provider: &str) -> Option<&'static [&'static str]> {
    match provider {
        "groq" => Some(&["language", "prompt", "response_format", "temperature"]),
        "fireworks_ai" => Some(&["language", "prompt", "temperature"]),
        _ => None,
    }
}

/// The members of the form.
pub fn fields(call: &Call, target: &Target) -> Result<Params> {
    let mut members = given(call, target);
    members.remove("file");
    match takes(target.provider.name) {
        // LiteLLM leaves the form of the answer to Fireworks.
        Some(takes) if target.provider.name == "fireworks_ai" => {
            members.retain(|name, _| !KNOWN.contains(&name) || takes.contains(&name));
        }
        Some(takes) => check(&mut members, &KNOWN, takes, target)?,
        None => {}
    }
    // Whisper tells how long a recording is only in its longest form, and the length is what is billed.
    let whisper = target.provider.name == "openai" && target.model.contains("whisper");
    let format: Option<String> = members.get("response_format");
    if whisper && matches!(format.as_deref(), None | Some("json")) {
        members.set("response_format", &"verbose_json");
    }
    members.set("model", &target.model);
    Ok(members)
}

/// The form of a transcription.
///
/// # Errors
/// A call without a recording.
pub fn form(call: &Call, target: &Target) -> Result<Form> {
    let fields = fields(call, target)?;
    let mut form = Form::new(&call.id);
    form.members(&fields);
    let hint =
        "send the recording as a form's file, or as bytes, a path or an open file in process";
    form.the_file(call, target, hint)?;
    Ok(form)
}

impl Adapter for OpenAi {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let form = form(call, target)?;
        let path = "/audio/transcriptions";
        let mut request = asked(call, target, path, &Params::default())?;
        let (kind, body) = form.finish();
        request.headers.insert(CONTENT_TYPE, kind);
        request.body = body;
        Ok(request)
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        auth(call, target)
    }

    fn is_raw(&self, call: &Call) -> bool {
        asks_for_stream(call)
    }

    fn reply(&self, call: &Call, _target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        Ok(reply(call, &body))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        super::error(target, head, body)
    }
}

/// A reply that is JSON, or the text itself.
pub fn reply(call: &Call, body: &[u8]) -> Reply {
    let said = match serde_json::from_slice(body) {
        Ok(Value::Object(said)) => said,
        _ => Object::from_iter([("text".into(), String::from_utf8_lossy(body).into())]),
    };
    told(call, said)
}

/// A canonical reply. The names that LiteLLM's server always has are there.
pub fn told(call: &Call, mut said: Object) -> Reply {
    let used = said.get("usage").cloned().unwrap_or_default();
    let seconds = said
        .get("duration")
        .and_then(|duration| {
            duration
                .as_f64()
                .or_else(|| duration.as_str()?.parse().ok())
        })
        .or_else(|| used["seconds"].as_f64());
    let count = |name: &str| used[name].as_u64().unwrap_or(0);
    let (prompt, completion) = (count("input_tokens"), count("output_tokens"));
    let served = !call.caller.route.is_empty();
    for name in ["usage", "language", "duration", "words", "segments"] {
        if served {
            said.entry(name).or_insert(Value::Null);
        }
    }
    let audio = used["input_token_details"]["audio_tokens"].as_u64();
    let usage = Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        prompt_audio_tokens: audio.unwrap_or(0),
        audio_seconds: seconds,
        ..Usage::default()
    };
    Reply {
        body: serde_json::to_vec(&said).unwrap_or_default().into(),
        usage: (seconds.is_some() || prompt + completion > 0).then_some(usage),
        upstream_model: None,
        finish_reason: None,
    }
}

/// An object of a JSON value that is one.
pub fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => Object::from_iter([("text".into(), json!(other.to_string()))]),
    }
}
