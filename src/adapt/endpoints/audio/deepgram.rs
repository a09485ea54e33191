//! Deepgram: the recording is the body, everything else stands in the address.
//!
//! API: <https://developers.deepgram.com/reference/speech-to-text-api/listen>.

use super::super::members::given;
use super::super::route::{query, with_route};
use super::transcription::{object, told};
use crate::adapt::providers::replies;
use crate::adapt::{Adapter, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use crate::upload::Payload;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

/// The adapter.
pub struct Deepgram;

impl Adapter for Deepgram {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let at = |error: Error| error.at(target.provider.name, &target.model);
        let Some(upload) = call.uploads.first() else {
            return Err(at(Error::bad_request("`file` is missing")));
        };
        let Some(key) = &target.api_key else {
            let what = "Deepgram is called with a key";
            return Err(at(Error::new(ErrorKind::Authentication, what)
                .side(Side::Client)
                .hint("pass `api_key` or set `DEEPGRAM_API_KEY`")));
        };
        let mut headers = HeaderMap::new();
        let mut token =
            HeaderValue::from_str(&format!("Token {}", key.expose())).map_err(|_| {
                at(Error::bad_request(
                    "the api key holds bytes that no header may hold",
                ))
            })?;
        token.set_sensitive(true);
        headers.insert(AUTHORIZATION, token);
        if let Some(kind) = upload.media_type.as_deref()
            && let Ok(kind) = HeaderValue::from_str(kind)
        {
            headers.insert(CONTENT_TYPE, kind);
        }
        let mut asked = vec![("model".to_owned(), target.model.clone())];
        // OpenAI's parameters but the language have no meaning there.
        let ours = [
            "file",
            "prompt",
            "response_format",
            "temperature",
            "timestamp_granularities",
        ];
        for (name, raw) in given(call, target)
            .iter()
            .filter(|(name, _)| !ours.contains(name))
        {
            match serde_json::from_slice(raw) {
                Ok(Value::Array(items)) => {
                    asked.extend(items.iter().map(|item| (name.to_owned(), shown(item))));
                }
                Ok(value) => asked.push((name.to_owned(), shown(&value))),
                Err(_) => {}
            }
        }
        Ok(UpstreamRequest {
            method: Method::POST,
            url: format!(
                "{}?{}",
                with_route(&target.api_base, "/listen"),
                query(&asked)
            ),
            headers,
            body: Payload::Pieces([upload.content.clone()].into()),
        })
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let said = Value::Object(replies::object(target, &body)?);
        let channel = &said["results"]["channels"][0];
        let best = &channel["alternatives"][0];
        if !best["transcript"].is_string() {
            return Err(replies::place(target).broken("the reply has no transcript"));
        }
        let words = best["words"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let spoken = words.first().is_some_and(|word| word["speaker"].is_u64());
        let text = match best["paragraphs"]["transcript"].as_str() {
            Some(text) if spoken => text.to_owned(),
            _ if spoken => by_speaker(words),
            _ => best["transcript"].as_str().unwrap_or_default().to_owned(),
        };
        let language = channel["detected_language"].as_str().unwrap_or("en");
        let words: Vec<Value> = words
            .iter()
            .map(|word| json!({"word": word["word"], "start": word["start"], "end": word["end"]}))
            .collect();
        let reply = json!({"text": text, "task": "transcribe", "language": language,
            "duration": said["metadata"]["duration"], "words": words});
        Ok(told(call, object(reply)))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        super::error(target, head, body)
    }
}

/// One line for each turn.
fn by_speaker(words: &[Value]) -> String {
    let mut text = String::new();
    let mut speaking = None;
    for word in words {
        let spoken = word["punctuated_word"]
            .as_str()
            .or(word["word"].as_str())
            .unwrap_or_default();
        if speaking == word["speaker"].as_u64() {
            text.push(' ');
        } else {
            speaking = word["speaker"].as_u64();
            let who = speaking.unwrap_or(0);
            text.push_str(&format!("\nSpeaker {who}: "));
        }
        text.push_str(spoken);
    }
    text.push('\n');
    text
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
