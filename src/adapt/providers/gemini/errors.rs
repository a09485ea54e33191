//! LiteLLM's names for what Google answers: phrases first, then the status.

use crate::adapt::errors_phrases::is_context_window;
use crate::adapt::{Fault, Head, Target, faults};
use crate::error::{Error, ErrorKind, Side};
use crate::request::Call;
use bytes::Bytes;
use serde_json::Value;
use std::fmt::Write;

/// Longest upstream text that an error carries.
const MAX_TEXT: usize = 64 << 10;

/// The provider under which LiteLLM tells the errors of Gemini's streams, whichever serves them.
const STREAMS: &str = "vertex_ai_beta";

/// The error of a reply with an error status.
pub fn status(call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
    let body = &body[..body.len().min(MAX_TEXT)];
    let status = head.status.as_u16();
    let mut error = if call.stream {
        named(STREAMS, target, Some(status), &python_bytes(body))
    } else {
        let text = String::from_utf8_lossy(body);
        named(target.provider.name, target, Some(status), &text)
    };
    error.body = Some(Bytes::copy_from_slice(body));
    error.headers = Some(Box::new(head.headers.clone()));
    error
}

/// The error that an event of a stream carries.
pub fn event(target: &Target, event: &Value) -> Error {
    let detail = event.get("error").unwrap_or(event);
    let status = detail["code"]
        .as_u64()
        .and_then(|code| u16::try_from(code).ok());
    let text = detail["message"]
        .as_str()
        .map_or_else(|| detail.to_string(), str::to_owned);
    named(STREAMS, target, status.or(Some(500)), &text)
}

/// A stream that broke off.
pub fn cut(target: &Target) -> Error {
    let text =
        "peer closed connection without sending complete message body (incomplete chunked read)";
    named(STREAMS, target, None, text)
}

/// A reply that is not JSON.
pub fn not_json(target: &Target) -> Error {
    let text = "Error converting to valid response block=Expecting value: line 1 column 1 (char 0). File an issue if \
                litellm error - https://github.com/BerriAI/litellm/issues";
    named(target.provider.name, target, Some(422), text)
}

/// A broken connection or a clock that ran out.
pub fn fault(call: &Call, target: &Target, fault: Fault) -> Error {
    let provider = if call.stream {
        STREAMS
    } else {
        target.provider.name
    };
    match fault {
        Fault::Connection | Fault::Unreachable => {
            let text = "Server disconnected without sending a response.";
            let mut error = named(provider, target, None, text);
            error.retry = true;
            error
        }
        Fault::Cut => cut(target),
        other => faults::fault(call, target, other),
    }
}

fn named(provider: &str, target: &Target, status: Option<u16>, text: &str) -> Error {
    use ErrorKind as K;
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let code = body_code(text);
    let name = capitalized(provider);
    let lower = format!("{provider}Exception - {text}");
    let plain = format!("{name}Exception - {text}");
    let rate_limited = has(&[
        "429 Quota exceeded",
        "Quota exceeded for",
        "Resource exhausted",
        "429 Unable to submit request because the service is temporarily out of capacity.",
    ]) || (code == Some(429) && status.is_some_and(|status| status >= 500));
    let (kind, message, shown) = if has(&[
        "Vertex AI API has not been used in project",
        "Unable to find your project",
    ]) {
        (
            K::BadRequest,
            format!("litellm.BadRequestError: {lower}"),
            None,
        )
    } else if has(&["400 Request payload size exceeds"]) {
        (
            K::ContextWindowExceeded,
            format!("litellm.BadRequestError: {plain}"),
            None,
        )
    } else if is_context_window(text) {
        let message = format!("litellm.BadRequestError: ContextWindowExceededError: {plain}");
        (K::ContextWindowExceeded, message, None)
    } else if has(&["None Unknown Error.", "Content has no parts."]) {
        (
            K::InternalServer,
            format!("litellm.InternalServerError: {lower}"),
            None,
        )
    } else if has(&["API key not valid."]) {
        (K::Authentication, plain, None)
    } else if has(&[
        "The response was blocked.",
        "Output blocked by content filtering policy",
    ]) {
        let message = format!("{name}Exception ContentPolicyViolationError - {text}");
        (K::ContentPolicyViolation, message, None)
    } else if rate_limited {
        (
            K::RateLimit,
            format!("litellm.RateLimitError: {lower}"),
            None,
        )
    } else if has(&["500 Internal Server Error", "The model is overloaded."]) {
        (
            K::InternalServer,
            format!("litellm.InternalServerError: {lower}"),
            None,
        )
    } else {
        match status {
            Some(400) => (
                K::BadRequest,
                format!("{name}Exception BadRequestError - {text}"),
                None,
            ),
            Some(401) => (K::Authentication, plain, None),
            Some(403) => (K::PermissionDenied, plain, None),
            Some(404) => (K::NotFound, plain, None),
            Some(408) => (K::Timeout, plain, None),
            Some(429) => (
                K::RateLimit,
                format!("litellm.RateLimitError: {plain}"),
                None,
            ),
            Some(500) => (
                K::InternalServer,
                format!("{name}Exception InternalServerError - {text}"),
                None,
            ),
            Some(503) => (K::ServiceUnavailable, plain, None),
            Some(other) if other < 500 => (K::BadRequest, plain, Some(other)),
            _ => (K::ApiConnection, plain, None),
        }
    };
    let mut error = Error::new(kind, message)
        .at(provider, &target.model)
        .side(Side::Upstream);
    if let Some(shown) = shown {
        error.status = shown;
    }
    error
}

/// `error.code` of a body.
fn body_code(text: &str) -> Option<u64> {
    let body: Value = serde_json::from_str(text).ok()?;
    body["error"]["code"].as_u64()
}

/// Python's `str.capitalize`, for names in ASCII.
fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Bytes as Python prints them: LiteLLM shows the unread body of a failed stream so.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => {
                if char::from(byte) == quote {
                    out.push('\\');
                }
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}
