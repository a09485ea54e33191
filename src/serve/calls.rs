//! Calls of models: request -> [`Call`] -> engine -> reply or refusal.

use super::body::{Events, ReplyBody, Seen};
use super::header_list::{HeaderList, Put};
use super::inbound::{self, From};
use super::refusal::{self, Refusal};
use super::reply::{self, Writer, name};
use super::{Gateway, body, known, query_value, stored};
use crate::account::{Cost, Receipt};
use crate::adapt::Target;
use crate::config::{Config, Snapshot};
use crate::error::{Error, ErrorKind};
use crate::number::python;
use crate::params::Params;
use crate::pipeline::{Answer, AnswerBody, Failure};
use crate::request::{Call, Format, Op, new_id};
use crate::upload::Upload;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use std::time::{Duration, Instant};

/// What replies need of a call after the engine has taken it.
struct Asked {
    op: Op,
    id: String,
    model: String,
    stream: bool,
    /// The client wants a text and no JSON.
    plain: bool,
    started: Instant,
    /// The limits that the call itself asked for: of a whole reply, and of a stream.
    timeouts: (Option<Duration>, Option<Duration>),
    /// A stream is one array of JSON: Gemini's, where the client does not ask for events.
    array: bool,
    /// The call's id, where error bodies carry it.
    error_id: Option<String>,
}

/// Answers one call.
pub async fn answer(
    gateway: &Gateway,
    op: Op,
    body: &Bytes,
    from: &From<'_>,
) -> Response<ReplyBody> {
    let received = Instant::now();
    let members = inbound::members(from.headers, body);
    let form = members.map(|members| (members, Vec::new()));
    answer_form(gateway, op, form, from, received).await
}

/// Answers one call of members and files, the last of which came at `received`.
pub async fn answer_form(
    gateway: &Gateway,
    op: Op,
    form: Result<(Params, Vec<Upload>), Refusal>,
    from: &From<'_>,
    received: Instant,
) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load_full();
    let (mut call, asked) = match understood(gateway, &snapshot, op, form, from) {
        Ok(understood) => understood,
        Err(refused) => return *refused,
    };
    call.received = received;
    match gateway.engine.call(call).await {
        Ok(answer) => succeed(answer, asked).await,
        Err(failure) => fail(&failure, &asked, &snapshot),
    }
}

/// The call that a form asks for, or the reply that refuses it. Not in [`answer_form`]: what is borrowed there would
/// take its place in the future of every call.
fn understood(
    gateway: &Gateway,
    snapshot: &Snapshot,
    op: Op,
    form: Result<(Params, Vec<Upload>), Refusal>,
    from: &From<'_>,
) -> Result<(Box<Call>, Asked), Box<Response<ReplyBody>>> {
    let config = &snapshot.config;
    let refused = |reply: Response<ReplyBody>| {
        note_refused(gateway, op, from, reply.status());
        Box::new(reply)
    };
    let (params, uploads) = form.map_err(|refusal| refused(refusal.reply_in(op.format())))?;
    let unnamed = |refusal: Refusal| refused(nameless(op, &refusal));
    let (params, from) = match op {
        Op::Stored(_) => (
            stored::members(params, from, config).map_err(unnamed)?,
            &inbound::From {
                path_model: None,
                ..from.clone()
            },
        ),
        _ => (params, from),
    };
    let mocks = inbound::mocks(&params, config);
    let mut call = inbound::call(op, params, from, config).map_err(unnamed)?;
    call.uploads = uploads;
    call.trace = gateway.engine.trace(from.headers);
    let asked = Asked {
        op,
        id: call.id.clone(),
        model: call.model.clone(),
        stream: call.stream,
        plain: wants_text(&call),
        started: call.started,
        timeouts: (call.options.timeout, call.options.stream_timeout),
        array: call.op.format() == Format::Gemini
            && query_value(from.query, "alt").as_deref() != Some("sse"),
        error_id: config
            .general
            .include_call_id_in_error_body
            .then(|| call.id.clone()),
    };
    if let Some(name) = missing(&call) {
        let message = format!("{}: Missing required parameter: '{name}'.", route(op));
        let refusal = Refusal::new(400, "invalid_request_error", message).param(name);
        return Err(Box::new(refuse(gateway, snapshot, &call, &asked, refusal)));
    }
    if !mocks.is_empty() {
        let refusal = mocking(&mocks);
        return Err(Box::new(refuse(gateway, snapshot, &call, &asked, refusal)));
    }
    Ok((call, asked))
}

/// Tells the sinks of a request that was refused before it was a call. Nothing it says of itself is believed but the
/// trace that it belongs to.
pub fn note_refused(gateway: &Gateway, op: Op, from: &From<'_>, status: StatusCode) {
    let mut call = Call::new(op, "", Params::default());
    call.caller.method = from.method.clone();
    call.caller.route = from.path.into();
    call.trace = gateway.engine.trace(from.headers);
    let kind = match status {
        StatusCode::UNAUTHORIZED => ErrorKind::Authentication,
        _ => ErrorKind::BadRequest,
    };
    let error = Error::new(kind, "refused before it was a call").status(status.as_u16());
    let receipt = Receipt::refused(&call, error);
    gateway.engine.record(&receipt);
}

/// The parameter without which there is nothing to ask.
fn missing(call: &Call) -> Option<&'static str> {
    let name = match call.op {
        Op::Chat | Op::Messages => "messages",
        Op::GenerateContent => "contents",
        Op::Rerank => "query",
        Op::ImageGeneration => "prompt",
        Op::Embeddings | Op::Speech | Op::Moderation => "input",
        _ => return None,
    };
    let given = call.params.raw(name).is_some_and(|raw| &raw[..] != b"null");
    (!given).then_some(name)
}

/// How LiteLLM names the operation in its own refusals.
fn route(op: Op) -> &'static str {
    match op {
        Op::Chat => "/chat/completions",
        Op::TextCompletion => "/completions",
        Op::Embeddings => "/embeddings",
        Op::Messages => "anthropic_messages",
        Op::GenerateContent => "agenerate_content",
        Op::Rerank => "/rerank",
        Op::CountTokens => "acount_tokens",
        Op::ImageGeneration => "/image/generations",
        Op::ImageEdit => "/images/edits",
        Op::ImageVariation => "/images/variations",
        Op::Transcription => "/audio/transcriptions",
        Op::Speech => "/audio/speech",
        Op::Moderation => "/moderations",
        Op::Responses | Op::Stored(_) => "/responses",
        // The server passes these through as they are.
        Op::PassThrough | Op::Resource(_) => "",
    }
}

/// LiteLLM's refusal of clients that want failures made up for them.
fn mocking(names: &[&str]) -> Refusal {
    let message = format!(
        "Mock testing request params are disabled on this proxy: {}. An admin can enable them by setting \
         `general_settings.dangerously_allow_mock_testing_request_params: true` in config.yaml. This setting cannot \
         be changed from the Admin UI or the API.",
        names.join(", ")
    );
    let mut refusal = Refusal::new(400, "invalid_request_error", message.clone());
    refusal.provider_specific_fields = Some(Box::new(serde_json::json!({ "error": message })));
    refusal
}

/// Refuses a call that is understood but not passed on; it is counted all the same.
fn refuse(
    gateway: &Gateway,
    snapshot: &Snapshot,
    call: &Call,
    asked: &Asked,
    mut refusal: Refusal,
) -> Response<ReplyBody> {
    let receipt = Receipt::refused(call, Error::bad_request(refusal.message.clone()));
    gateway.engine.record(&receipt);
    refusal.litellm_call_id = asked.error_id.as_deref().map(Into::into);
    let mut reply = refusal.reply_in(asked.op.format());
    let mut headers = Writer(reply.headers_mut());
    if asked.op.format() != Format::OpenAi {
        headers.text(name!("x-litellm-call-id"), &asked.id);
        return reply;
    }
    common(&mut headers, asked);
    if let Some((id, model)) = known::first_deployment(&snapshot.config, &call.model)
        && asked.op != Op::TextCompletion
    {
        headers.text(name!("x-litellm-model-id"), id);
        headers.text(name!("x-litellm-model-name"), model);
    }
    reply
}

/// A refusal of a call that has no model yet.
fn nameless(op: Op, refusal: &Refusal) -> Response<ReplyBody> {
    let mut reply = refusal.reply_in(op.format());
    let asked = Asked {
        op,
        id: new_id(),
        model: String::new(),
        stream: false,
        plain: false,
        started: Instant::now(),
        timeouts: (None, None),
        array: false,
        error_id: None,
    };
    common(&mut Writer(reply.headers_mut()), &asked);
    reply
}

/// Headers of every refusal of a call, whatever went wrong.
fn common(headers: &mut Writer<'_, impl Put>, asked: &Asked) {
    headers.text(name!("x-litellm-call-id"), &asked.id);
    if asked.op == Op::TextCompletion {
        return;
    }
    headers.text(name!("x-litellm-response-cost"), "0");
    headers.text(name!("x-litellm-key-spend"), "0.0");
    if asked.op != Op::Chat {
        headers.text(name!("x-litellm-version"), env!("CARGO_PKG_VERSION"));
    }
}

/// What became of the call and why, where it asked.
fn explain(headers: &mut Writer<'_, impl Put>, explanation: Option<&str>) {
    if let Some(explanation) = explanation {
        headers.text(name!("x-gateway-explain"), explanation);
    }
}

/// The key under which the cache had the answer; LiteLLM tells it of chats and text completions.
fn cached(headers: &mut Writer<'_, impl Put>, key: Option<&str>, op: Op) {
    if let Some(key) = key
        && matches!(op, Op::Chat | Op::TextCompletion)
    {
        headers.text(name!("x-litellm-cache-key"), key);
    }
}

async fn succeed(answer: Box<Answer>, asked: Asked) -> Response<ReplyBody> {
    let tries = (answer.retries, answer.allowed_retries, answer.fallbacks);
    let mut head = HeaderList::usual();
    let mut headers = Writer(&mut head);
    let body = match answer.body {
        AnswerBody::Whole(whole) => {
            let (kind, body) = if asked.plain {
                ("text/plain; charset=utf-8", reply::text(&whole.body))
            } else {
                ("application/json", whole.body)
            };
            headers.text(header::CONTENT_TYPE, kind);
            headers.text(name!("x-litellm-call-id"), &asked.id);
            headers.success(&answer.target);
            headers.told(&answer.head.headers, asked.op.format());
            headers.request_id(asked.op.format(), Some(&answer.head.headers), &asked.id);
            if asked.op == Op::Moderation {
                headers.cost(None);
            } else {
                attempts(&mut headers, tries);
                // Asking about a response costs nothing.
                let free = matches!(asked.op, Op::Stored(_)).then(Cost::default);
                headers.cost(answer.cost.as_ref().or(free.as_ref()));
            }
            explain(&mut headers, answer.explanation.as_deref());
            let hit = answer.cache_key.as_deref();
            cached(&mut headers, hit, asked.op);
            // LiteLLM does not time embeddings that the cache had.
            if hit.is_none() || asked.op != Op::Embeddings {
                headers.times(asked.started.elapsed(), answer.upstream_time);
            }
            ReplyBody::from(body)
        }
        AnswerBody::Raw(rest) => {
            let length = rest.length();
            headers.text(name!("x-litellm-call-id"), &asked.id);
            headers.success(&answer.target);
            headers.told(&answer.head.headers, asked.op.format());
            headers.request_id(asked.op.format(), Some(&answer.head.headers), &asked.id);
            attempts(&mut headers, tries);
            explain(&mut headers, answer.explanation.as_deref());
            headers.times(asked.started.elapsed(), answer.upstream_time);
            if let Some(length) = length {
                headers.count(name!("content-length"), length);
            }
            let kind = answer.head.headers.get(header::CONTENT_TYPE);
            headers.ready(header::CONTENT_TYPE, kind);
            ReplyBody::Raw(Some(Box::new(rest)))
        }
        AnswerBody::Stream(mut rest) => {
            // The head waits for the first event: an error that comes before it is a plain reply with its status.
            let first = match rest.next().await {
                Some(Ok(first)) => Some(first),
                Some(Err(error)) => return broken_at_once(&error, &answer.target, &asked),
                None => None,
            };
            let events = Events {
                first,
                rest,
                format: asked.op.format(),
                array: asked.array.then(body::Array::default),
                error_id: asked.error_id,
                in_flight: None,
                seen: Seen::default(),
                ending: None,
            };
            headers.text(name!("x-litellm-call-id"), &asked.id);
            headers.success(&answer.target);
            headers.told(&answer.head.headers, asked.op.format());
            headers.request_id(asked.op.format(), Some(&answer.head.headers), &asked.id);
            attempts(&mut headers, tries);
            explain(&mut headers, answer.explanation.as_deref());
            headers.cost_to_come();
            cached(&mut headers, answer.cache_key.as_deref(), asked.op);
            headers.times(asked.started.elapsed(), answer.upstream_time);
            headers.text(name!("cache-control"), "no-cache");
            headers.text(name!("x-accel-buffering"), "no");
            let kind = if asked.array {
                "application/json; charset=utf-8"
            } else {
                "text/event-stream; charset=utf-8"
            };
            headers.text(header::CONTENT_TYPE, kind);
            ReplyBody::Events(Some(events))
        }
    };
    headers.secure(true);
    let mut reply = Response::new(body);
    *reply.headers_mut() = head.into_map();
    reply
}

/// Whether a transcription is wanted as text: OpenAI answers with the text itself then, and so does this.
fn wants_text(call: &Call) -> bool {
    let format = || call.params.get::<String>("response_format");
    call.op == Op::Transcription && matches!(format().as_deref(), Some("text" | "srt" | "vtt"))
}

/// How often it was tried: retries made, retries allowed, fallbacks taken.
fn attempts(headers: &mut Writer<'_, impl Put>, (retries, allowed, fallbacks): (u32, u32, u32)) {
    headers.count(name!("x-litellm-attempted-retries"), retries.into());
    headers.count(name!("x-litellm-attempted-fallbacks"), fallbacks.into());
    if retries > 0 {
        headers.count(name!("x-litellm-max-retries"), allowed.into());
    }
}

/// A stream that fails before its first event.
fn broken_at_once(error: &Error, target: &Target, asked: &Asked) -> Response<ReplyBody> {
    let mut reply = refused(error, asked);
    let mut headers = Writer(reply.headers_mut());
    headers.target(target);
    headers.cost_to_come();
    reply
}

fn refused(error: &Error, asked: &Asked) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = reply::json(
        status,
        refusal::body(error, asked.op.format(), asked.error_id.as_deref()),
    );
    let mut headers = Writer(reply.headers_mut());
    common(&mut headers, asked);
    let said = error.headers.as_deref();
    headers.request_id(asked.op.format(), said, &asked.id);
    if let Some(after) = said.and_then(|said| said.get(header::RETRY_AFTER).cloned()) {
        headers.0.insert(header::RETRY_AFTER, after);
    }
    reply
}

fn fail(failure: &Failure, asked: &Asked, snapshot: &Snapshot) -> Response<ReplyBody> {
    let error = &failure.error;
    let config = &snapshot.config;
    if failure.target.is_none()
        && error.kind == ErrorKind::BadRequest
        && !snapshot.routes.has_wildcards()
        && snapshot.routes.group(&asked.model).is_none()
    {
        return unknown_model(asked);
    }
    let mut reply = refused(error, asked);
    let headers = reply.headers_mut();
    explain(&mut Writer(&mut *headers), failure.explanation.as_deref());
    if asked.op == Op::TextCompletion {
        return reply;
    }
    let mut headers = Writer(headers);
    if let Some(target) = &failure.target {
        headers.target(target);
        if failure.begun {
            headers.cost_to_come();
        }
        let timeout = timeout(asked, target, config);
        headers.text(name!("x-litellm-timeout"), &timeout);
        if let Some(said) = &error.headers {
            headers.told_in_error(said, asked.op.format());
        }
    }
    reply
}

/// The limit that applied, as LiteLLM shows it: seconds, whole ones without a fraction unless the call streams.
fn timeout(asked: &Asked, target: &Target, config: &Config) -> String {
    let of = |(whole, streamed): (Option<Duration>, Option<Duration>)| {
        if asked.stream {
            streamed.or(whole)
        } else {
            whole
        }
    };
    let said = of(asked.timeouts)
        .or_else(|| of((target.options.timeout, target.options.stream_timeout)))
        .or(if asked.stream {
            config.router.stream_timeout
        } else {
            None
        })
        .or(config.router.timeout)
        .or(config.litellm.request_timeout)
        .as_ref()
        .map(Duration::as_secs_f64);
    match said {
        None if asked.op.format() == Format::OpenAi => "6000.0".to_owned(),
        None => "600.0".to_owned(),
        Some(seconds) if seconds.fract() == 0.0 && !asked.stream => format!("{seconds:.0}"),
        Some(seconds) => python(seconds).into(),
    }
}

/// LiteLLM's refusal of a name that is no model group, in configurations without a wildcard.
fn unknown_model(asked: &Asked) -> Response<ReplyBody> {
    let message = format!(
        "{}: Invalid model name passed in model={}. Call `/v1/models` to view available models for your key.",
        route(asked.op),
        asked.model
    );
    let mut refusal = Refusal::new(400, "invalid_request_error", message.clone());
    refusal.provider_specific_fields = Some(Box::new(serde_json::json!({ "error": message })));
    refusal.litellm_call_id = asked.error_id.as_deref().map(Into::into);
    let mut reply = refusal.reply_in(asked.op.format());
    common(&mut Writer(reply.headers_mut()), asked);
    reply
}
