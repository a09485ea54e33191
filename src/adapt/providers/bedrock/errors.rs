//! LiteLLM's names for what Bedrock answers: phrases first, then the status.

use crate::adapt::errors::type_of_status;
use crate::adapt::{Fault, Head, Target, faults};
use crate::error::{Error, ErrorKind, Side};
use crate::request::Call;
use bytes::Bytes;

/// Longest upstream text that an error carries.
const MAX_TEXT: usize = 64 << 10;

/// The provider under which LiteLLM tells what is wrong with messages.
pub const CONVERSE: &str = "bedrock_converse";

/// Exceptions that an event stream may carry, and the status that each stands for (the service's own model).
const EXCEPTIONS: [(&str, u16); 6] = [
    ("internalServerException", 500),
    ("modelStreamErrorException", 424),
    ("validationException", 400),
    ("throttlingException", 429),
    ("modelTimeoutException", 408),
    ("serviceUnavailableException", 503),
];

/// The error of a reply with an error status.
pub fn status(target: &Target, head: &Head, body: &[u8]) -> Error {
    let body = &body[..body.len().min(MAX_TEXT)];
    let text = String::from_utf8_lossy(body);
    let mut error = named(target, Some(head.status.as_u16()), &text);
    error.body = Some(Bytes::copy_from_slice(body));
    error.headers = Some(Box::new(head.headers.clone()));
    error
}

/// The error that an exception in a stream stands for. Its status is that of the service's model, not the stream's.
pub fn exception(target: &Target, name: &str, body: &[u8]) -> Error {
    let body = &body[..body.len().min(MAX_TEXT)];
    let known = EXCEPTIONS.iter().find(|(known, _)| *known == name);
    let status = known.map_or(400, |(_, status)| *status);
    let text = format!("{name} {}", String::from_utf8_lossy(body));
    named(target, Some(status), text.trim_end())
}

/// Whether an event of a stream is an exception by its name.
pub fn is_exception(name: &str) -> bool {
    EXCEPTIONS.iter().any(|(known, _)| *known == name)
}

/// Bytes that are not the protocol's, or a stream that broke off.
pub fn broken(target: &Target, what: &str) -> Error {
    named(target, None, what)
}

/// A stream that broke off.
pub fn cut(target: &Target) -> Error {
    broken(
        target,
        "peer closed connection without sending complete message body (incomplete chunked read)",
    )
}

/// A reply that is not what Converse answers.
pub fn unreadable(target: &Target, what: &str) -> Error {
    let text = format!(
        "Error converting to valid response block={what}. File an issue if litellm error - \
         https://github.com/BerriAI/litellm/issues"
    );
    named(target, Some(422), &text)
}

/// A broken connection or a clock that ran out.
pub fn fault(call: &Call, target: &Target, fault: Fault) -> Error {
    match fault {
        Fault::Connection | Fault::Unreachable => {
            let mut error = broken(target, "Server disconnected without sending a response.");
            error.retry = true;
            error
        }
        Fault::Cut => cut(target),
        other => faults::fault(call, target, other),
    }
}

/// What is wrong with a call's messages.
pub fn bad_messages(target: &Target, what: &str) -> Error {
    Error::new(ErrorKind::BadRequest, format!("Invalid Message {what}"))
        .at(CONVERSE, &target.model)
        .side(Side::Client)
}

fn named(target: &Target, status: Option<u16>, text: &str) -> Error {
    use ErrorKind as K;
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let plain = || format!("BedrockException - {text}");
    let modify = "`litellm_settings::modify_params: True`";
    let (kind, message) = if has(&[
        "too many tokens",
        "expected maxLength:",
        "Input is too long",
        "prompt is too long",
        "prompt: length: 1..",
        "Too many input tokens",
    ]) {
        let label = "litellm.BadRequestError: BedrockException: Context Window Error";
        (K::ContextWindowExceeded, format!("{label} - {text}"))
    } else if has(&[
        "Conversation blocks and tool result blocks cannot be provided in the same turn.",
    ]) {
        let hint = format!(
            "Enable 'litellm.modify_params=True' (for PROXY do: {modify}) to insert a dummy assistant message and fix \
             this error."
        );
        (
            K::BadRequest,
            format!("BedrockException - {text}\n. {hint}"),
        )
    } else if has(&["Malformed input request"]) {
        (K::BadRequest, plain())
    } else if has(&["A conversation must start with a user message."]) {
        let hint = format!(
            "Pass in default user message via `completion(..,user_continue_message=)` or enable \
             `litellm.modify_params=True`.\nFor Proxy: do via {modify} or user_continue_message under `litellm_params`"
        );
        (
            K::BadRequest,
            format!("BedrockException - {text}\n. {hint}"),
        )
    } else if has(&[
        "Unable to locate credentials",
        "The security token included in the request is invalid",
    ]) {
        let label = "BedrockException Invalid Authentication";
        (K::Authentication, format!("{label} - {text}"))
    } else if has(&["AccessDeniedException"]) {
        let label = "BedrockException PermissionDeniedError";
        (K::PermissionDenied, format!("{label} - {text}"))
    } else if has(&["throttlingException", "ThrottlingException"]) {
        let label = "BedrockException: Rate Limit Error";
        (K::RateLimit, format!("{label} - {text}"))
    } else if has(&["Connect timeout on endpoint URL", "timed out"]) {
        let label = "BedrockException: Timeout Error";
        (K::Timeout, format!("{label} - {text}"))
    } else if has(&["Could not process image"]) && status.is_none_or(|status| status == 500) {
        (K::InternalServer, plain())
    } else {
        (by_status(status), plain())
    };
    let mut error = Error::new(kind, message)
        .at(target.provider.name, &target.model)
        .side(Side::Upstream);
    if kind == K::BadRequest
        && let Some(status) = status.filter(|status| !matches!(status, 500..))
    {
        error.status = status;
        let openai_type = type_of_status(status);
        if openai_type != kind.row().openai_type {
            error.openai_type = Some(openai_type.to_owned());
        }
    }
    if kind == K::Authentication
        && let Some(status) = status
    {
        error.status = status;
    }
    error
}

fn by_status(status: Option<u16>) -> ErrorKind {
    use ErrorKind as K;
    match status {
        None => K::ApiConnection,
        Some(401) => K::Authentication,
        Some(403) => K::PermissionDenied,
        Some(404) => K::NotFound,
        Some(408 | 504) => K::Timeout,
        Some(429) => K::RateLimit,
        Some(500 | 503) => K::ServiceUnavailable,
        Some(502) => K::BadGateway,
        Some(..500) => K::BadRequest,
        Some(_) => K::Api,
    }
}
