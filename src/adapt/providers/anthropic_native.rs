//! Anthropic's Messages for a caller who speaks them: what came goes up, what comes goes back, member by member and
//! event by event, so that no member is lost that nobody here has heard of. Only the model's name is another.
//!
//! Every road to Claude shares this: the API itself, Bedrock and Vertex put their own envelope around it.
//! <https://docs.anthropic.com/en/api/messages>

use super::anthropic::{event_error, place, reasoning, shown_model, used};
use super::anthropic_request::wire;
use super::openai_request::with_defaults;
use crate::adapt::canonical::finish_reason;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::stream_usage::{MAX_KEPT_TEXT, StreamText};
use crate::adapt::usage::{self, Object};
use crate::adapt::{Reply, StreamAdapter, StreamEnd, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// How a provider with a protocol of another kind serves Anthropic's Messages, too.
pub struct Messages {
    /// Where, unless a caller or the environment gives an address; empty where its chats are.
    pub base: &'static str,
    /// What comes before `/v1/messages`, unless the address has it.
    pub root: &'static str,
    /// The key goes into `authorization`, not into `x-api-key`.
    pub bearer: bool,
}

/// Beside its chats.
pub static BESIDE: Messages = Messages {
    base: "",
    root: "",
    bearer: true,
};

/// <https://api-docs.deepseek.com/guides/anthropic_api>
pub static DEEPSEEK: Messages = Messages {
    base: "https://api.deepseek.com",
    root: "/anthropic",
    bearer: false,
};

/// <https://platform.minimax.io/docs/api-reference/text-anthropic-api>
pub static MINIMAX: Messages = Messages {
    base: "https://api.minimax.io/anthropic",
    root: "",
    bearer: false,
};

/// <https://docs.bigmodel.cn/cn/guide/develop/claude/introduction>
pub static BIGMODEL: Messages = Messages {
    base: "https://open.bigmodel.cn",
    root: "/api/anthropic",
    bearer: false,
};

/// <https://www.tencentcloud.com/document/product/1284>
pub static TENCENT: Messages = Messages {
    base: "https://tokenhub-intl.tencentcloudmaas.com",
    root: "",
    bearer: false,
};

/// Builds the API's own request.
///
/// # Errors
/// No `max_tokens`, a missing key, a header that cannot be sent.
pub fn request(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut body = body(call, target)?;
    body.set("model", &target.model);
    body.set("stream", &call.stream);
    let betas = betas(&body);
    wire::native(call, target, "", &betas, body.to_json())
}

/// Asks how many input tokens a request has.
/// <https://docs.anthropic.com/en/api/messages-count-tokens>
///
/// # Errors
/// A missing key, a header that cannot be sent.
pub fn count(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut body = Params::default();
    body.set("model", &target.model);
    for (name, raw) in call
        .params
        .iter()
        .filter(|(name, _)| COUNTED.contains(name))
    {
        body.set_raw(name, raw.clone());
    }
    let mut betas = betas(&body);
    betas.push("token-counting-2024-11-01");
    wire::native(call, target, "/count_tokens", &betas, body.to_json())
}

/// Members that are part of what is counted.
const COUNTED: [&str; 10] = [
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "context_management",
    "mcp_servers",
    "output_config",
    "output_format",
    "cache_control",
];

/// The members that every road sends: the caller's over the deployment's, raw.
///
/// # Errors
/// No `max_tokens`.
pub fn body(call: &Call, target: &Target) -> Result<Params> {
    let mut body = with_defaults(&call.params, &target.defaults).into_owned();
    for (name, raw) in target.options.extra_body.iter() {
        body.set_raw(name, raw.clone());
    }
    body.retain(|_, raw| &raw[..] != b"null");
    if !body.contains("max_tokens") {
        let what = "max_tokens is required for Anthropic /v1/messages API";
        return Err(Error::bad_request(what).at(target.provider.name, &target.model));
    }
    Ok(body)
}

/// The body for a cloud that serves Claude: the model is in the address, and a wanted form has its newer name.
///
/// # Errors
/// No `max_tokens`.
pub fn cloud_body(call: &Call, target: &Target, version: &str) -> Result<Params> {
    let mut body = body(call, target)?;
    for name in ["model", "stream"] {
        body.remove(name);
    }
    if let Some(format) = body.remove("output_format") {
        let config: Option<Object> = body.get("output_config");
        let mut config = config.unwrap_or_default();
        config.insert(
            "format".into(),
            serde_json::from_slice(&format).unwrap_or_default(),
        );
        body.set("output_config", &config);
    }
    if !body.contains("anthropic_version") {
        body.set("anthropic_version", version);
    }
    Ok(body)
}

/// The call with the features that its caller asks for among the headers that go upstream.
pub fn with_features(call: &Call) -> Call {
    let mut call = call.clone();
    let betas = call.dialect_headers.iter();
    let betas = betas.filter(|(name, _)| name == "anthropic-beta");
    call.forward_headers.extend(betas.cloned());
    call
}

/// Features that have to be asked for by name, as far as the members show that they are used.
pub fn betas(body: &Params) -> Vec<&'static str> {
    let has = |name: &str, what: &str| {
        let raw = body.raw(name);
        raw.is_some_and(|raw| memchr::memmem::find(raw, what.as_bytes()).is_some())
    };
    let mut betas = Vec::new();
    if has("context_management", "clear_") {
        betas.push("context-management-2025-06-27");
    }
    if has("context_management", "compact_") {
        betas.push("compact-2026-01-12");
    }
    if body.contains("output_format") || has("output_config", "\"format\"") {
        betas.push("structured-outputs-2025-11-13");
    }
    if has("speed", "fast") {
        betas.push("fast-mode-2026-02-01");
    }
    if has("tools", "tool_search_tool_") {
        betas.push("advanced-tool-use-2025-11-20");
    }
    betas
}

/// A whole reply: as it came, under the model's name that the client knows.
///
/// # Errors
/// A body that is no reply.
pub fn reply(call: &Call, target: &Target, body: &Bytes) -> Result<Reply> {
    let mut members =
        Params::parse(body).map_err(|_| place(target).broken("the reply is not a JSON object"))?;
    if let Some(detail) = members.get::<Value>("error") {
        return Err(event_error(target, &detail));
    }
    let upstream_model: Option<String> = members.get("model");
    let native: Option<Value> = members.get("usage");
    let blocks: Vec<Value> = members.get("content").unwrap_or_default();
    let thoughts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| block["thinking"].as_str())
        .collect();
    let used = all_used(native.as_ref(), &thoughts.concat());
    let stop: Option<String> = members.get("stop_reason");
    if let Some(shown) = shown_model(call).filter(|_| !call.keep_upstream_model) {
        members.set("model", &shown);
    }
    if !members.contains("stop_sequence") {
        members.set_raw("stop_sequence", Bytes::from_static(b"null"));
    }
    Ok(Reply {
        body: members.to_json(),
        usage: Some(usage::counts(&used, None)),
        upstream_model,
        finish_reason: Some(finish_reason(stop.as_deref().unwrap_or("stop")).to_owned()),
    })
}

/// Usage in LiteLLM's form, with what only Anthropic has.
fn all_used(native: Option<&Value>, thoughts: &str) -> Object {
    let mut all = used(native, thoughts.is_empty());
    if !thoughts.is_empty() {
        reasoning(&mut all, native, thoughts);
    }
    if let Some(tools) = native.and_then(|native| native.get("server_tool_use")) {
        all.insert("server_tool_use".into(), tools.clone());
    }
    all
}

/// A stream in Anthropic's events, handed on.
#[derive(Debug)]
pub struct NativeStream {
    parser: SseParser,
    events: NativeEvents,
}

impl NativeStream {
    /// A stream that has not begun.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            parser: SseParser::default(),
            events: NativeEvents::new(call, target),
        }
    }
}

impl StreamAdapter for NativeStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, events } = self;
        parser.push(bytes, |item| events.item(item, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, events } = self;
        parser.finish(|item| events.item(item, out))?;
        events.end()
    }

    fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        self.events.end()
    }

    fn so_far(&self) -> StreamEnd {
        self.events.so_far()
    }
}

/// The events themselves, in whatever frames they came.
#[derive(Debug)]
pub struct NativeEvents {
    target: Target,
    /// The model's name that `message_start` gets.
    shown: Option<String>,
    native_usage: Object,
    upstream_model: Option<String>,
    stop_reason: Option<String>,
    text: StreamText,
    stopped: bool,
}

/// What is looked at of an event; the rest is handed on unread.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
}

impl NativeEvents {
    /// Events of a stream that has not begun.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            target: target.clone(),
            shown: shown_model(call).map(str::to_owned),
            native_usage: Object::new(),
            upstream_model: None,
            stop_reason: None,
            text: StreamText::default(),
            stopped: false,
        }
    }

    fn item(&mut self, item: Item<'_>, out: &mut BytesMut) -> Result<()> {
        match item {
            // A keep-alive of a proxy in between.
            Item::Comment(comment) => {
                out.put_slice(b":");
                out.put_slice(comment);
                out.put_slice(b"\n\n");
                Ok(())
            }
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    /// One event's data.
    ///
    /// # Errors
    /// An event that tells an error, or that is none.
    pub fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let Ok(glance) = serde_json::from_slice::<Glance<'_>>(data) else {
            return Err(place(&self.target).broken("an event of the stream is not JSON"));
        };
        match &*glance.kind {
            "message_start" => return self.start(data, out),
            "message_delta" => {
                let event: Value = serde_json::from_slice(data).unwrap_or_default();
                self.note_usage(&event["usage"]);
                let reason = glance.delta.and_then(|delta| delta.stop_reason);
                self.stop_reason = reason.map(Cow::into_owned).or(self.stop_reason.take());
            }
            "content_block_delta" => self.note_text(glance.delta.unwrap_or_default()),
            "message_stop" => self.stopped = true,
            "error" => {
                let event: Value = serde_json::from_slice(data).unwrap_or_default();
                let mut error = event_error(&self.target, &event["error"]);
                error.body = Some(Bytes::copy_from_slice(data));
                return Err(error);
            }
            _ => {}
        }
        write(&glance.kind, data, out);
        Ok(())
    }

    fn start(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let whole = Bytes::copy_from_slice(data);
        let broken = |_| place(&self.target).broken("an event of the stream is not JSON");
        let mut event = Params::parse(&whole).map_err(broken)?;
        let message = event.raw("message").cloned().unwrap_or_default();
        let mut message = Params::parse(&message).map_err(broken)?;
        self.upstream_model = message.get("model");
        self.note_usage(&message.get("usage").unwrap_or_default());
        if let Some(shown) = &self.shown {
            message.set("model", shown);
            event.set_raw("message", message.to_json());
        }
        write("message_start", &event.to_json(), out);
        Ok(())
    }

    /// Later events overwrite what they name: counts are cumulative.
    fn note_usage(&mut self, native: &Value) {
        let native = native.as_object().into_iter().flatten();
        let named = native.filter(|(_, value)| !value.is_null());
        self.native_usage
            .extend(named.map(|(name, value)| (name.clone(), value.clone())));
    }

    fn note_text(&mut self, delta: Delta<'_>) {
        let text = &mut self.text;
        text.more_than_text |= delta.text.is_none();
        for (kept, piece) in [
            (&mut text.content, delta.text),
            (&mut text.reasoning, delta.thinking),
            (&mut text.calls, delta.partial_json),
        ] {
            let piece = piece.unwrap_or_default();
            if kept.len() + piece.len() > MAX_KEPT_TEXT {
                text.truncated = true;
            } else {
                kept.push_str(&piece);
            }
        }
    }

    /// How it ended.
    ///
    /// # Errors
    /// It was cut.
    pub fn end(&self) -> Result<StreamEnd> {
        if self.stopped || self.stop_reason.is_some() {
            return Ok(StreamEnd {
                complete: true,
                ..self.so_far()
            });
        }
        Err(place(&self.target).cut())
    }

    /// What is known so far.
    pub fn so_far(&self) -> StreamEnd {
        let native = json!(self.native_usage);
        let told = !self.native_usage.is_empty();
        let reported = told.then(|| {
            let mut used = used(Some(&native), false);
            if let Some(thinking) = native["output_tokens_details"]["thinking_tokens"].as_u64() {
                let details = json!({"reasoning_tokens": thinking});
                used.insert("completion_tokens_details".into(), details);
            }
            if let Some(tools) = native.get("server_tool_use") {
                used.insert("server_tool_use".into(), tools.clone());
            }
            used
        });
        StreamEnd {
            usage: reported.as_ref().map(|used| usage::counts(used, None)),
            upstream_model: self.upstream_model.clone(),
            finish_reason: self
                .stop_reason
                .as_deref()
                .map(|reason| finish_reason(reason).to_owned()),
            reported,
            text: self.text.clone(),
            ..StreamEnd::default()
        }
    }
}

/// One event of Anthropic's streams.
pub fn write(kind: &str, data: &[u8], out: &mut BytesMut) {
    out.reserve(kind.len() + data.len() + 16);
    out.put_slice(b"event: ");
    out.put_slice(kind.as_bytes());
    out.put_slice(b"\ndata: ");
    out.put_slice(data);
    out.put_slice(b"\n\n");
}

#[cfg(test)]
#[path = "anthropic_native_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "anthropic_native_beside_tests.rs"]
mod beside_tests;
