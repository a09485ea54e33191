//! Errors as the client reads them: `{"error": {"message", "type", "param", "code"}}`, `code` being the status as
//! text. The wording and the types are LiteLLM's, because clients match on them.

use super::body::ReplyBody;
use super::reply::json;
use crate::error::{Error, ErrorKind, Side};
use crate::observe::redact;
use crate::request::Format;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

/// The members of an error body, in LiteLLM's order.
#[derive(Debug, Default, Serialize)]
pub struct Refusal {
    /// What happened.
    pub message: String,
    /// OpenAI's `type`, or one of LiteLLM's own.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// The parameter at fault.
    pub param: Option<Box<str>>,
    /// The status, as text.
    pub code: Box<str>,
    /// What the provider said beside the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_specific_fields: Option<Box<Value>>,
    /// The call's id, where the configuration asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub litellm_call_id: Option<Box<str>>,
}

impl Refusal {
    /// A refusal of this process.
    pub fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: kind.into(),
            code: status.to_string().into(),
            ..Self::default()
        }
    }

    /// Names the parameter at fault.
    #[must_use]
    pub fn param(mut self, param: &str) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The body, in the client's dialect.
    pub fn to_json(&self, format: Format) -> Bytes {
        let body = match format {
            Format::OpenAi | Format::Responses => json!({ "error": self }),
            Format::Anthropic => self.anthropic(),
            Format::Gemini => self.gemini(),
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        // A provider may repeat the key that it was sent, which is not the client's.
        redact::known(&body).into_owned().into()
    }

    /// The reply to a client that speaks OpenAI's dialect.
    pub fn reply(&self) -> Response<ReplyBody> {
        self.reply_in(Format::OpenAi)
    }

    /// The reply, in the client's dialect.
    pub fn reply_in(&self, format: Format) -> Response<ReplyBody> {
        json(self.status(), self.to_json(format))
    }

    fn status(&self) -> StatusCode {
        self.code.parse().unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// Anthropic's types follow the status. <https://docs.anthropic.com/en/api/errors>
    fn anthropic(&self) -> Value {
        let kind = match self.status().as_u16() {
            400 | 422 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "api_error",
        };
        let mut error = json!({ "type": kind, "message": self.message });
        if let Some(fields) = &self.provider_specific_fields {
            error["provider_specific_fields"] = Value::clone(fields);
        }
        if let Some(id) = &self.litellm_call_id {
            error["litellm_call_id"] = json!(id);
        }
        json!({ "type": "error", "error": error })
    }

    /// Google's form, beside OpenAI's members. <https://cloud.google.com/apis/design/errors>
    fn gemini(&self) -> Value {
        let status = self.status().as_u16();
        let name = match status {
            400 | 422 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            408 | 504 => "DEADLINE_EXCEEDED",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            _ => "INTERNAL",
        };
        let mut error = json!({ "code": status, "message": self.message, "status": name });
        if let Some(id) = &self.litellm_call_id {
            error["litellm_call_id"] = json!(id);
        }
        json!({ "error": error })
    }
}

/// The body for a failed call, in the client's dialect.
pub fn body(error: &Error, format: Format, call_id: Option<&str>) -> Bytes {
    let mut refusal = of(error);
    if format == Format::Responses && error.status == 429 {
        refusal.kind = "rate_limit_error".into();
    }
    refusal.litellm_call_id = call_id.map(Into::into);
    refusal.to_json(format)
}

fn of(error: &Error) -> Refusal {
    let usual = error.kind.row().openai_type;
    // LiteLLM sheds load before its exceptions have names.
    let shed = error.openai_type.as_deref() == Some("overloaded_error");
    Refusal {
        message: if shed && error.side == Side::Gateway {
            error.message.clone()
        } else {
            error.litellm_message()
        },
        kind: error.openai_type.as_deref().unwrap_or(usual).into(),
        param: error.param.as_deref().map(Into::into),
        code: error.status.to_string().into(),
        provider_specific_fields: error
            .fields
            .as_ref()
            .and_then(|fields| serde_json::from_slice(fields).ok()),
        ..Refusal::default()
    }
}

/// `{"detail": ...}`: what LiteLLM's framework says of routes and of arguments.
pub fn detail(status: StatusCode, detail: impl Into<Value>) -> Response<ReplyBody> {
    let body = json!({ "detail": detail.into() });
    json(status, body.to_string().into())
}

/// 422 for one argument that is missing.
pub fn missing(place: &str, name: &str) -> Response<ReplyBody> {
    let problem = json!([{ "type": "missing", "loc": [place, name], "msg": "Field required" }]);
    detail(StatusCode::UNPROCESSABLE_ENTITY, problem)
}

/// 405 with what is allowed.
pub fn wrong_method(allow: &str) -> Response<ReplyBody> {
    let mut reply = detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    if let Ok(allow) = HeaderValue::from_str(allow) {
        reply.headers_mut().insert(header::ALLOW, allow);
    }
    reply
}

/// 404 for a path that leads nowhere.
pub fn not_found() -> Response<ReplyBody> {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

/// 500 for management routes. LiteLLM words them in two shapes.
pub fn no_database(path: &str) -> Response<ReplyBody> {
    const MESSAGE: &str = "DB not connected. This endpoint needs a database; set DATABASE_URL to a PostgreSQL connection \
string (postgresql://...) to enable it. See https://docs.litellm.ai/docs/proxy/virtual_keys";
    if path.starts_with("/v2/") {
        return detail(
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "error": MESSAGE }),
        );
    }
    let kind = if path == "/key/info" {
        "internal_error"
    } else {
        "internal_server_error"
    };
    Refusal::new(500, kind, format!("{{'error': '{MESSAGE}'}}")).reply()
}

/// What is told to whoever could not end before the server does.
pub fn ended_error() -> Error {
    Error::new(
        ErrorKind::ServiceUnavailable,
        "the server is shutting down and could not wait any longer",
    )
    .side(Side::Gateway)
}

/// 503 for a request that could not end before the server does.
pub fn ended() -> Response<ReplyBody> {
    let mut reply = Refusal::new(503, "internal_server_error", &*ended_error().message).reply();
    let close = HeaderValue::from_static("close");
    reply.headers_mut().insert(header::CONNECTION, close);
    reply
}

/// 500 for a request whose handling broke: the cause is in the log, not in the reply.
pub fn broken() -> Response<ReplyBody> {
    Refusal::new(
        500,
        "internal_server_error",
        "internal server error; details are in the log",
    )
    .reply()
}
