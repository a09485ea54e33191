//! The hot path of whole chat replies: text, OpenAI's own members and counts, nothing else.
//!
//! One borrowed parse, values copied raw. [`chat`] returns `None` for a reply with anything that
//! [`super::canonical::chat`] would move, rename or split, which then does it.

use super::canonical::{Context, Form};
use crate::account::Usage;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A canonical reply and what accounting reads of it.
#[derive(Debug)]
pub struct FastReply {
    /// Canonical JSON.
    pub body: Bytes,
    /// What it used.
    pub usage: Usage,
    /// `model` of the upstream's reply.
    pub upstream_model: String,
    /// First choice's finish reason.
    pub finish_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReply<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    created: i64,
    #[serde(borrow)]
    model: &'a RawValue,
    #[serde(borrow)]
    choices: Vec<RawChoice<'a>>,
    usage: RawUsage,
    #[serde(borrow, default)]
    system_fingerprint: Option<&'a RawValue>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChoice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    message: RawMessage<'a>,
    #[serde(borrow)]
    finish_reason: &'a str,
    #[serde(borrow, default)]
    logprobs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMessage<'a> {
    role: &'a str,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow, default)]
    audio: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    accepted_prediction_tokens: Option<u64>,
    rejected_prediction_tokens: Option<u64>,
}

/// The canonical form of a common chat reply.
pub fn chat(body: &[u8], context: &Context<'_>) -> Option<FastReply> {
    if context.form != Form::Converted {
        return None;
    }
    let reply: RawReply<'_> = serde_json::from_str(std::str::from_utf8(body).ok()?).ok()?;
    let model = text(reply.model)?;
    let is_plain = text(reply.id).is_some_and(|id| !id.is_empty())
        && reply.choices.iter().all(RawChoice::is_plain)
        && reply.service_tier.is_none_or(|tier| text(tier).is_some())
        && reply
            .object
            .is_none_or(|object| object.get().starts_with('"'));
    if !is_plain {
        return None;
    }
    let mut out = BytesMut::with_capacity(body.len() + 64);
    put(&mut out, "{\"id\":", reply.id.get());
    put_number(&mut out, ",\"created\":", reply.created);
    out.put_slice(b",\"model\":");
    if let Some(name) = context.restamp {
        crate::params::write_json_string(&mut out, name);
    } else {
        out.put_u8(b'"');
        out.put_slice(context.model_prefix.as_bytes());
        out.put_slice(model.as_bytes());
        out.put_u8(b'"');
    }
    out.put_slice(b",\"object\":\"chat.completion\"");
    put_some(
        &mut out,
        ",\"system_fingerprint\":",
        reply.system_fingerprint,
    );
    out.put_slice(b",\"choices\":[");
    for (index, choice) in reply.choices.iter().enumerate() {
        choice.write(&mut out, index);
    }
    out.put_slice(b"],\"usage\":");
    reply.usage.write(&mut out);
    put_some(&mut out, ",\"service_tier\":", reply.service_tier);
    out.put_u8(b'}');
    let tier = reply.service_tier.and_then(text).map(str::to_owned);
    Some(FastReply {
        usage: reply.usage.counts(tier),
        upstream_model: model.to_owned(),
        finish_reason: reply
            .choices
            .first()
            .map(|choice| choice.finish_reason.to_owned()),
        body: out.freeze(),
    })
}

impl RawChoice<'_> {
    /// Whether nothing in it has to be moved or renamed.
    fn is_plain(&self) -> bool {
        let message = &self.message;
        let content = message.content.get();
        // `<` may begin a `<think>` tag, `\` may hide one.
        let is_text =
            content.starts_with('"') && !content.starts_with("\"<") && !content.starts_with("\"\\");
        is_text
            && matches!(self.finish_reason, "stop" | "length" | "content_filter")
            && self.logprobs.is_none()
            && message.role == "assistant"
            && message.refusal.is_none()
            && message
                .annotations
                .is_none_or(|annotations| annotations.get() == "[]")
            && message.tool_calls.is_none()
            && message.function_call.is_none()
            && message.audio.is_none()
            && self.index.is_none_or(|index| index < 128)
    }

    fn write(&self, out: &mut BytesMut, index: usize) {
        let comma = if index == 0 { "" } else { "," };
        out.put_slice(comma.as_bytes());
        put_number(out, "{\"index\":", index);
        put(out, ",\"finish_reason\":\"", self.finish_reason);
        put(
            out,
            "\",\"message\":{\"role\":\"assistant\",\"content\":",
            self.message.content.get(),
        );
        put_some(out, ",\"annotations\":", self.message.annotations);
        out.put_slice(b"},\"provider_specific_fields\":{}}");
    }
}

impl RawUsage {
    fn write(&self, out: &mut BytesMut) {
        put_number(out, "{\"prompt_tokens\":", self.prompt_tokens);
        put_number(out, ",\"completion_tokens\":", self.completion_tokens);
        put_number(out, ",\"total_tokens\":", self.total_tokens);
        if let Some(details) = &self.prompt_tokens_details {
            let counts = [
                ("\"cached_tokens\":", details.cached_tokens),
                ("\"audio_tokens\":", details.audio_tokens),
            ];
            put_details(out, ",\"prompt_tokens_details\":", &counts);
        }
        if let Some(details) = &self.completion_tokens_details {
            let counts = [
                ("\"reasoning_tokens\":", details.reasoning_tokens),
                ("\"audio_tokens\":", details.audio_tokens),
                (
                    "\"accepted_prediction_tokens\":",
                    details.accepted_prediction_tokens,
                ),
                (
                    "\"rejected_prediction_tokens\":",
                    details.rejected_prediction_tokens,
                ),
            ];
            put_details(out, ",\"completion_tokens_details\":", &counts);
        }
        out.put_u8(b'}');
    }

    fn counts(&self, service_tier: Option<String>) -> Usage {
        let prompt = self.prompt_tokens_details.as_ref();
        let completion = self.completion_tokens_details.as_ref();
        Usage {
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            total_tokens: self.total_tokens,
            cached_tokens: prompt.and_then(|d| d.cached_tokens).unwrap_or(0),
            prompt_audio_tokens: prompt.and_then(|d| d.audio_tokens).unwrap_or(0),
            reasoning_tokens: completion.and_then(|d| d.reasoning_tokens).unwrap_or(0),
            completion_audio_tokens: completion.and_then(|d| d.audio_tokens).unwrap_or(0),
            service_tier,
            ..Usage::default()
        }
    }
}

/// The contents of a raw JSON string without escapes.
fn text(raw: &RawValue) -> Option<&str> {
    let text = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

fn put(out: &mut BytesMut, name: &str, raw: &str) {
    out.put_slice(name.as_bytes());
    out.put_slice(raw.as_bytes());
}

fn put_some(out: &mut BytesMut, name: &str, raw: Option<&RawValue>) {
    if let Some(raw) = raw {
        put(out, name, raw.get());
    }
}

fn put_number(out: &mut BytesMut, name: &str, number: impl itoa::Integer) {
    out.put_slice(name.as_bytes());
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn put_details(out: &mut BytesMut, name: &str, counts: &[(&str, Option<u64>)]) {
    let mut before = "{";
    for (count_name, count) in counts {
        if let Some(count) = count {
            if before == "{" {
                out.put_slice(name.as_bytes());
            }
            out.put_slice(before.as_bytes());
            put_number(out, count_name, *count);
            before = ",";
        }
    }
    if before == "," {
        out.put_u8(b'}');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::adapt::usage::Object;
    use crate::adapt::{canonical, usage};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn context(restamp: Option<&'static str>) -> Context<'static> {
        Context {
            form: Form::Converted,
            model_prefix: "xai/",
            restamp,
            id: "id",
            created: 1,
        }
    }

    fn slow(reply: &Value, context: &Context<'_>) -> (Value, Usage) {
        let reply: Object = reply.as_object().unwrap().clone();
        let tier = reply
            .get("service_tier")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let slow = canonical::chat(reply, context);
        let counts = usage::counts(slow["usage"].as_object().unwrap(), tier.as_deref());
        (Value::Object(slow), counts)
    }

    fn plain() -> Value {
        json!({"id": "c", "object": "chat.completion", "created": 5, "model": "m", "service_tier": "default",
            "system_fingerprint": null, "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
                "message": {"role": "assistant", "content": "Hi", "refusal": null, "annotations": []}}]})
    }

    #[test]
    fn a_common_reply_is_taken() {
        let reply = plain();
        let body = serde_json::to_vec(&reply).unwrap();
        assert!(chat(&body, &context(None)).is_some());
    }

    #[test]
    fn whatever_must_be_changed_is_left() {
        for (at, value) in [
            ("/choices/0/message/content", json!("<think>a</think>b")),
            ("/choices/0/message/refusal", json!("no")),
            ("/choices/0/finish_reason", json!("eos")),
            ("/choices/0/finish_reason", json!("tool_calls")),
            ("/usage/completion_tokens", json!(1.5)),
            ("/id", json!("")),
        ] {
            let mut reply = plain();
            *reply.pointer_mut(at).unwrap() = value;
            let body = serde_json::to_vec(&reply).unwrap();
            assert!(chat(&body, &context(None)).is_none(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_what_the_slow_path_makes(
            content in "\\PC{0,12}", reason in prop::sample::select(vec!["stop", "length", "eos", "content_filter"]),
            cached in prop::option::of(0u64..9), reasoning in prop::option::of(0u64..9),
            several: bool, restamped: bool, tier in prop::option::of("[a-z\"]{1,5}"),
        ) {
            let mut reply = plain();
            reply["choices"][0]["message"]["content"] = json!(content);
            reply["choices"][0]["finish_reason"] = json!(reason);
            reply["service_tier"] = json!(tier);
            reply["usage"]["prompt_tokens_details"] = json!({"cached_tokens": cached, "audio_tokens": null});
            reply["usage"]["completion_tokens_details"] = json!({"reasoning_tokens": reasoning});
            if several {
                let mut second = reply["choices"][0].clone();
                second["index"] = json!(1);
                reply["choices"].as_array_mut().unwrap().push(second);
            }
            let context = context(restamped.then_some("the \"name\""));
            let body = serde_json::to_vec(&reply).unwrap();
            if let Some(fast) = chat(&body, &context) {
                let (slow, counts) = slow(&reply, &context);
                prop_assert_eq!(serde_json::from_slice::<Value>(&fast.body).unwrap(), slow);
                prop_assert_eq!(fast.usage, counts);
            }
        }
    }
}
