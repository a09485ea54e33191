//! What a failed upstream call is called: LiteLLM's exception for a status, a body, or a broken connection.
//!
//! LiteLLM reads providers' errors through two kinds of client, which word them differently ([`Wording`]), and then
//! picks the exception by the provider's [`Family`]: by phrases in the text first, by status after.

mod azure;

use super::errors_phrases::{is_context_window, is_rate_limit};
use crate::error::{Error, ErrorKind, KINDS, Side};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// Longest upstream text that an error carries.
const MAX_TEXT: usize = 64 << 10;

/// Which text of the upstream's reply the error shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// `error.message`, as the OpenAI client does for chat.
    Message,
    /// `Error code: 400 - ` and `error.message`, as it does for everything else.
    CodeAndMessage,
    /// The body as it came.
    Body,
}

/// Which rules pick the exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// OpenAI, and what LiteLLM lists as compatible with it: phrases, then status.
    OpenAi,
    /// OpenRouter: status only.
    OpenRouter,
    /// Providers without rules of their own: status only, without the class in the message.
    Status,
    /// Those that LiteLLM calls "like OpenAI": a few phrases, then as [`Family::Status`].
    Like,
    /// Cloudflare: two phrases, then as [`Family::Status`].
    Cloudflare,
    /// Hugging Face: phrases, then status.
    HuggingFace,
    /// Azure OpenAI: phrases and codes, then status, in words of its own.
    Azure,
}

/// Whose error it is, and how it is worded.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// LiteLLM's name of the provider.
    pub provider: &'a str,
    /// The model as named upstream.
    pub model: &'a str,
    /// Which text is shown.
    pub wording: Wording,
    /// Which rules apply.
    pub family: Family,
}

/// What the upstream said, as the rules look at it.
struct Said {
    /// The text that the rules search.
    text: String,
    /// The text that the message shows.
    shown: String,
    status: Option<u16>,
    /// `error.code` of a reply's body.
    code: Option<String>,
}

impl Place<'_> {
    /// The error of a reply with an error status.
    pub fn status(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
        let body = &body[..body.len().min(MAX_TEXT)];
        let raw = String::from_utf8_lossy(body);
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let detail = json.as_ref().map(|json| json.get("error").unwrap_or(json));
        let message = detail
            .and_then(|detail| detail.get("message"))
            .and_then(Value::as_str)
            .filter(|message| !message.is_empty());
        let coded = match message {
            Some(message) => format!("Error code: {status} - {message}"),
            None => format!("Error code: {status}"),
        };
        let code = detail.and_then(|d| d.get("code")).and_then(text_of);
        let decisive = match self.family {
            Family::Azure => detail.and_then(azure::code),
            _ => code.clone(),
        };
        let said = match self.wording {
            Wording::Message => Said {
                shown: message.map_or_else(|| coded.clone(), str::to_owned),
                text: coded,
                status: Some(status),
                code: decisive,
            },
            Wording::CodeAndMessage => Said {
                shown: coded.clone(),
                text: coded,
                status: Some(status),
                code: decisive,
            },
            Wording::Body => Said {
                shown: raw.clone().into_owned(),
                text: raw.into_owned(),
                status: Some(status),
                code: decisive,
            },
        };
        let mut error = if code.as_deref() == Some("cyber_policy") {
            self.make(ErrorKind::ContentPolicyViolation, 400, |e| {
                format!("ContentPolicyViolationError: {e} - {}", said.shown)
            })
        } else {
            self.classify(&said)
        };
        error.code = code;
        if self.wording == Wording::Message && keeps_body(error.kind) {
            error.param = detail.and_then(|d| d.get("param")).and_then(text_of);
        }
        if self.family == Family::Azure && error.kind == ErrorKind::ContentPolicyViolation {
            azure::tell_policy(&mut error, detail.unwrap_or(&Value::Null));
        }
        error.body = Some(Bytes::copy_from_slice(body));
        error.headers = Some(Box::new(headers.clone()));
        error
    }

    /// The error that an event of a stream carries, or that a 2xx reply has instead of content.
    pub fn event(&self, detail: &Value) -> Error {
        let code = detail.get("code");
        let message = match detail.get("message") {
            Some(Value::String(message)) if !message.is_empty() => message.clone(),
            _ if self.wording == Wording::Body => match detail {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            _ => "An error occurred during streaming".to_owned(),
        };
        let status = match self.wording {
            Wording::Body => Some(
                code.and_then(Value::as_u64)
                    .filter(|code| (400..600).contains(code))
                    .map_or(500, |code| code as u16),
            ),
            _ => None,
        };
        let shown = match self.family {
            Family::OpenRouter => {
                let metadata = detail
                    .get("metadata")
                    .map_or_else(|| "{}".into(), Value::to_string);
                let user = detail.get("user_id").and_then(text_of).unwrap_or_default();
                format!("Message: {message}, Metadata: {metadata}, User ID: {user}")
            }
            _ => message,
        };
        let mut error = self.classify(&Said {
            text: shown.clone(),
            shown,
            status,
            code: None,
        });
        error.code = code.and_then(text_of);
        error.side = Side::Upstream;
        error
    }

    /// The connection ended in the middle of a reply, or its bytes made no sense: `what` says which.
    pub fn broken(&self, what: &str) -> Error {
        self.classify(&Said {
            text: what.to_owned(),
            shown: what.to_owned(),
            status: None,
            code: None,
        })
    }

    /// The text of a stream that was cut.
    pub fn cut(&self) -> Error {
        self.broken(match self.wording {
            Wording::Body => {
                "peer closed connection without sending complete message body (incomplete chunked read)"
            }
            _ => "Connection error.",
        })
    }

    /// No connection, or one that ended before a reply.
    pub fn connection(&self) -> Error {
        let mut error = match (self.family, self.wording) {
            (Family::Azure, _) | (_, Wording::Body) => self.broken("Connection error."),
            _ => self.make(ErrorKind::InternalServer, 500, |e| {
                format!("InternalServerError: {e} - Connection error.")
            }),
        };
        error.retry = true;
        error
    }

    /// A clock ran out. `detail` follows `Request timed out.`: empty, or ` - timeout value=2.0, time taken=2.0 seconds`.
    pub fn timeout(&self, detail: &str) -> Error {
        self.timed_out(&format!("Request timed out.{detail}"))
    }

    fn timed_out(&self, text: &str) -> Error {
        self.make(ErrorKind::Timeout, 408, |_| {
            format!("APITimeoutError - Request timed out. Error_str: {text}")
        })
    }

    fn classify(&self, said: &Said) -> Error {
        const TIMEOUTS: [&str; 4] = [
            "Request Timeout Error",
            "Request timed out",
            "Timed out generating response",
            "The read operation timed out",
        ];
        if TIMEOUTS.iter().any(|phrase| said.text.contains(phrase)) {
            return self.timed_out(&said.text);
        }
        if self.provider == "litellm_proxy"
            && let Some(kind) = named_class(&said.text)
        {
            return self.make(kind, said.status.unwrap_or(kind.row().status), |_| {
                said.text.clone()
            });
        }
        match self.family {
            Family::OpenAi => self.openai(said),
            Family::OpenRouter => self.by_status(said, &OPENROUTER),
            Family::Status => self.by_status(said, &PLAIN),
            Family::Like => self.like_openai(said),
            Family::Cloudflare => self.cloudflare(said),
            Family::HuggingFace => self.hugging_face(said),
            Family::Azure => self.azure(said),
        }
    }

    fn openai(&self, said: &Said) -> Error {
        use ErrorKind as K;
        let Said {
            text,
            shown,
            status,
            ..
        } = said;
        let has = |phrase: &str| text.contains(phrase);
        let invalid = has("invalid_request_error");
        if is_rate_limit(text) {
            return self.make(K::RateLimit, 429, |e| {
                format!("RateLimitError: {e} - {shown}")
            });
        }
        if is_context_window(text) {
            return self.make(K::ContextWindowExceeded, 400, |e| {
                format!("litellm.BadRequestError: ContextWindowExceededError: {e} - {shown}")
            });
        }
        if invalid && has("model_not_found") {
            return self.make(K::NotFound, 404, |e| format!("{e} - {shown}"));
        }
        if has("A timeout occurred") {
            return self.make(K::Timeout, 408, |e| format!("{e} - {shown}"));
        }
        if (invalid && has("content_policy_violation"))
            || (has("Invalid prompt") && has("violating our usage policy"))
            || text
                .to_lowercase()
                .contains("request was rejected as a result of the safety system")
        {
            return self.make(K::ContentPolicyViolation, 400, |e| {
                format!("ContentPolicyViolationError: {e} - {shown}")
            });
        }
        if invalid && !has("Incorrect API key provided") {
            let kind = match status {
                Some(401) => K::Authentication,
                Some(404) => K::NotFound,
                _ => K::BadRequest,
            };
            return self.make(kind, status.unwrap_or(400), |e| format!("{e} - {shown}"));
        }
        if has("Web server is returning an unknown error")
            || has("The server had an error processing your request.")
        {
            return self.make(K::InternalServer, 500, |e| format!("{e} - {shown}"));
        }
        if has("Request too large") {
            return self.make(K::RateLimit, 429, |e| {
                format!("RateLimitError: {e} - {shown}")
            });
        }
        self.by_status(said, &OPENAI)
    }

    fn like_openai(&self, said: &Said) -> Error {
        let Said { text, shown, .. } = said;
        let has = |phrase: &str| text.contains(phrase);
        if has("authorization denied for") {
            // The text may repeat the key.
            let what = "Authentication Error - authorization denied";
            return self.make(ErrorKind::Authentication, 401, |e| format!("{e}: {what}"));
        }
        if is_context_window(text) {
            return self.make(ErrorKind::ContextWindowExceeded, 400, |e| {
                format!("litellm.BadRequestError: {e}: Context Window Error - {shown}")
            });
        }
        if has("token_quota_reached") {
            return self.make(ErrorKind::RateLimit, 429, |e| {
                format!("{e}: Rate Limit Errror - {shown}")
            });
        }
        if has("The server received an invalid response from an upstream server.") {
            return self.make(ErrorKind::InternalServer, 500, |e| format!("{e} - {shown}"));
        }
        self.by_status(said, &PLAIN)
    }

    fn cloudflare(&self, said: &Said) -> Error {
        let Said { text, shown, .. } = said;
        let kind = if text.contains("Authentication error") {
            ErrorKind::Authentication
        } else if text.contains("must have required property") {
            ErrorKind::BadRequest
        } else {
            return self.by_status(said, &PLAIN);
        };
        self.make(kind, kind.row().status, |_| {
            format!("Cloudflare Exception - {shown}")
        })
    }

    fn hugging_face(&self, said: &Said) -> Error {
        let text = &said.text;
        let kind = if text.contains("length limit exceeded") {
            ErrorKind::ContextWindowExceeded
        } else if text.contains("A valid user token is required") {
            ErrorKind::BadRequest
        } else if text.contains("Rate limit reached") {
            ErrorKind::RateLimit
        } else {
            return self.by_status(said, &HUGGING_FACE);
        };
        self.make(kind, kind.row().status, |_| text.clone())
    }

    fn by_status(&self, said: &Said, rules: &StatusRules) -> Error {
        let Some(status) = said.status else {
            return self.make(ErrorKind::ApiConnection, 500, |e| {
                format!("APIConnectionError: {e} - {}", said.shown)
            });
        };
        let (kind, label) = rules
            .rows
            .iter()
            .find(|row| row.0 == status)
            .map_or((rules.client, ""), |row| (row.1, row.2));
        let (kind, label) = match label {
            "" if status < 500 => (kind, rules.client_label),
            "" => (ErrorKind::Api, rules.server_label),
            "-" => (kind, ""),
            label => (kind, label),
        };
        self.make(kind, status, |e| format!("{label}{e} - {}", said.shown))
    }

    fn make(&self, kind: ErrorKind, status: u16, message: impl FnOnce(&str) -> String) -> Error {
        let exception = if self.provider == "openai" {
            "OpenAIException".to_owned()
        } else {
            let mut name = self.provider.to_owned();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            name + "Exception"
        };
        let mut error = Error::new(kind, message(&exception))
            .at(self.provider, self.model)
            .side(Side::Upstream)
            .status(status);
        error.retry = status >= 500 || matches!(status, 408 | 409 | 429);
        let openai_type = type_of_status(status);
        if openai_type != kind.row().openai_type {
            error.openai_type = Some(openai_type.to_owned());
        }
        error
    }
}

/// Status, kind, and what the message says before the provider (`-`: nothing).
type StatusRow = (u16, ErrorKind, &'static str);

/// How a family reads statuses.
struct StatusRules {
    rows: &'static [StatusRow],
    /// Any other status below 500.
    client: ErrorKind,
    client_label: &'static str,
    /// Any other status.
    server_label: &'static str,
}

static OPENAI: StatusRules = StatusRules {
    rows: &[
        (400, ErrorKind::BadRequest, "-"),
        (401, ErrorKind::Authentication, "AuthenticationError: "),
        (404, ErrorKind::NotFound, "NotFoundError: "),
        (408, ErrorKind::Timeout, "Timeout Error: "),
        (422, ErrorKind::BadRequest, "-"),
        (429, ErrorKind::RateLimit, "RateLimitError: "),
        (500, ErrorKind::InternalServer, "InternalServerError: "),
        (502, ErrorKind::BadGateway, "BadGatewayError: "),
        (
            503,
            ErrorKind::ServiceUnavailable,
            "ServiceUnavailableError: ",
        ),
        (504, ErrorKind::Timeout, "Timeout Error: "),
    ],
    client: ErrorKind::Api,
    client_label: "APIError: ",
    server_label: "APIError: ",
};

static OPENROUTER: StatusRules = StatusRules {
    rows: &[
        (400, ErrorKind::BadRequest, "-"),
        (401, ErrorKind::Authentication, "AuthenticationError: "),
        (404, ErrorKind::NotFound, "NotFoundError: "),
        (408, ErrorKind::Timeout, "Timeout Error: "),
        (422, ErrorKind::BadRequest, "BadRequestError: "),
        (429, ErrorKind::RateLimit, "RateLimitError: "),
        (
            503,
            ErrorKind::ServiceUnavailable,
            "ServiceUnavailableError: ",
        ),
        (504, ErrorKind::Timeout, "Timeout Error: "),
    ],
    client: ErrorKind::Api,
    client_label: "APIError: ",
    server_label: "APIError: ",
};

static HUGGING_FACE: StatusRules = StatusRules {
    rows: &[
        (400, ErrorKind::BadRequest, "-"),
        (401, ErrorKind::Authentication, "-"),
        (408, ErrorKind::Timeout, "-"),
        (429, ErrorKind::RateLimit, "-"),
        (503, ErrorKind::ServiceUnavailable, "-"),
    ],
    client: ErrorKind::Api,
    client_label: "",
    server_label: "",
};

static PLAIN: StatusRules = StatusRules {
    rows: &[
        (401, ErrorKind::Authentication, "-"),
        (403, ErrorKind::PermissionDenied, "-"),
        (404, ErrorKind::NotFound, "-"),
        (408, ErrorKind::Timeout, "-"),
        (429, ErrorKind::RateLimit, "-"),
        (500, ErrorKind::InternalServer, "-"),
        (502, ErrorKind::BadGateway, "-"),
        (503, ErrorKind::ServiceUnavailable, "-"),
        (504, ErrorKind::Timeout, "-"),
    ],
    client: ErrorKind::BadRequest,
    client_label: "",
    server_label: "",
};

/// `error.type` that goes with a status.
pub fn type_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "throttling_error",
        500.. => "internal_server_error",
        _ => "invalid_request_error",
    }
}

/// Whether LiteLLM's exception of this kind keeps the upstream's body, from which the client gets `param`.
fn keeps_body(kind: ErrorKind) -> bool {
    use ErrorKind as K;
    matches!(
        kind,
        K::BadRequest | K::RateLimit | K::InternalServer | K::ContentPolicyViolation
    )
}

/// `litellm.SomethingError` in a text of another LiteLLM: the kind of that name.
fn named_class(text: &str) -> Option<ErrorKind> {
    let name = text.split("litellm.").skip(1).find_map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        rest[..end].ends_with("Error").then_some(&rest[..end])
    })?;
    KINDS
        .iter()
        .find(|row| row.class == name)
        .map(|row| row.kind)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
