//! ElevenLabs: OpenAI's voices and formats by its own names.
//!
//! API: <https://elevenlabs.io/docs/api-reference/text-to-speech/convert>.

use super::super::members::given;
use super::super::route::{query, segment, with_route};
use super::speech::sound;
use crate::adapt::{Adapter, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

/// The adapter.
pub struct ElevenLabs;

/// OpenAI's voices, and a few more that LiteLLM knows.
const VOICES: [(&str, &str); 10] = [
    ("alloy", "21m00Tcm4TlvDq8ikWAM"),
    ("amber", "5Q0t7uMcjvnagumLfvZi"),
    ("ash", "AZnzlk1XvdvUeBnXmlld"),
    ("august", "D38z5RcWu1voky8WS1ja"),
    ("blue", "2EiwWnXFnvU5JabPnv8n"),
    ("coral", "9BWtsMINqrJLrRacOk9x"),
    ("lily", "EXAVITQu4vr4xnSDxMaL"),
    ("onyx", "29vD33N1CtxCmqQRPOHJ"),
    ("sage", "CwhRBWXzGAHq8TQ4Fs17"),
    ("verse", "CYw3kZ02Hs0563khs1Fj"),
];

const FORMATS: [(&str, &str); 4] = [
    ("mp3", "mp3_44100_128"),
    ("pcm", "pcm_24000"),
    ("opus", "opus_48000_128"),
    ("wav", "wav_24000"),
];

fn named<'a>(table: &'a [(&str, &str)], name: &'a str) -> &'a str {
    let known = table
        .iter()
        .find(|(ours, _)| ours.eq_ignore_ascii_case(name));
    known.map_or(name, |(_, theirs)| theirs)
}

impl Adapter for ElevenLabs {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let at = |error: Error| error.at(target.provider.name, &target.model);
        let members = given(call, target);
        let voice = match members.get::<Value>("voice") {
            Some(Value::String(voice)) => Some(voice),
            Some(Value::Object(voice)) => ["voice_id", "id", "name"]
                .iter()
                .find_map(|name| voice.get(*name)?.as_str().map(str::to_owned)),
            _ => members.get("voice_id"),
        };
        let Some(voice) = voice
            .map(|voice| voice.trim().to_owned())
            .filter(|voice| !voice.is_empty())
        else {
            return Err(at(Error::bad_request("`voice` is missing")));
        };
        let Some(key) = &target.api_key else {
            return Err(at(Error::new(
                ErrorKind::Authentication,
                "ElevenLabs is called with a key",
            )
            .side(Side::Client)
            .hint("pass `api_key` or set `ELEVENLABS_API_KEY`")));
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut key = HeaderValue::from_str(key.expose()).map_err(|_| {
            at(Error::bad_request(
                "the api key holds bytes that no header may hold",
            ))
        })?;
        key.set_sensitive(true);
        headers.insert(HeaderName::from_static("xi-api-key"), key);
        let route = format!("/v1/text-to-speech/{}", segment(named(&VOICES, &voice)));
        let mut url = with_route(&target.api_base, &route);
        if let Some(format) = members.get::<String>("response_format") {
            let format = named(&FORMATS, &format).to_owned();
            url = format!("{url}?{}", query(&[("output_format".to_owned(), format)]));
        }
        Ok(UpstreamRequest {
            method: Method::POST,
            url,
            headers,
            body: body(call, target).to_string().into(),
        })
    }

    fn is_raw(&self, _call: &Call) -> bool {
        true
    }

    fn reply(&self, call: &Call, _target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        Ok(sound(call, body))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        super::error(target, head, body)
    }
}

/// Instructions have no meaning there; the speed is one of the voice's settings.
fn body(call: &Call, target: &Target) -> Value {
    let mut body = Map::new();
    body.insert("model_id".into(), target.model.clone().into());
    for (name, raw) in given(call, target).iter() {
        let value: Value = serde_json::from_slice(raw).unwrap_or_default();
        match name {
            "input" => body.insert("text".into(), value),
            "voice" | "voice_id" | "response_format" | "instructions" | "user" => None,
            "speed" => {
                let settings = body.entry("voice_settings").or_insert_with(|| json!({}));
                settings["speed"] = value;
                None
            }
            "voice_settings" => {
                let mut settings = value;
                if let Some(speed) = body.get("voice_settings").map(|own| own["speed"].clone()) {
                    settings["speed"] = speed;
                }
                body.insert("voice_settings".into(), settings)
            }
            name => body.insert(name.to_owned(), value),
        };
    }
    Value::Object(body)
}
