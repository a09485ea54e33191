//! The one error type, and the ONE table that says what each kind means everywhere:
//! HTTP status, OpenAI `type`, Python exception class, and whether a retry may help.
//!
//! Messages say what happened, values in backticks, lower case, no full stop; `hint` says what to do.
//! An error never holds a key, a prompt or a reply, except the provider's own error message.

use bytes::Bytes;
use http::HeaderMap;
use std::fmt;

/// The result of every fallible step of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, named like LiteLLM's Python exception classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ErrorKind {
    BadRequest,
    /// A medium that the call names by address could not be had.
    ImageFetch,
    UnsupportedParams,
    ContextWindowExceeded,
    ContentPolicyViolation,
    JsonSchemaValidation,
    Authentication,
    PermissionDenied,
    NotFound,
    Timeout,
    UnprocessableEntity,
    RateLimit,
    BudgetExceeded,
    InternalServer,
    BadGateway,
    ServiceUnavailable,
    Api,
    ApiConnection,
    ApiResponseValidation,
    /// The caller left; nobody reads this error, it only ends the call and is accounted as 499.
    Cancelled,
}

/// One row of the table: what an [`ErrorKind`] is on every surface.
#[derive(Debug)]
pub struct KindRow {
    /// The kind.
    pub kind: ErrorKind,
    /// Name of the Python exception class.
    pub class: &'static str,
    /// Default HTTP status; the upstream's own status wins when there is one.
    pub status: u16,
    /// `error.type` of the HTTP body.
    pub openai_type: &'static str,
    /// Whether another attempt may succeed.
    pub retry: bool,
}

macro_rules! kinds {
    ($($kind:ident, $class:literal, $status:literal, $type:literal, $retry:literal;)*) => {
        /// The table. Order is that of [`ErrorKind`].
        pub static KINDS: &[KindRow] = &[$(KindRow {
            kind: ErrorKind::$kind, class: $class, status: $status, openai_type: $type, retry: $retry,
        }),*];
    };
}

kinds! {
    BadRequest,             "BadRequestError",               400, "invalid_request_error",  false;
    ImageFetch,             "ImageFetchError",               400, "invalid_request_error",  false;
    UnsupportedParams,      "UnsupportedParamsError",        400, "invalid_request_error",  false;
    ContextWindowExceeded,  "ContextWindowExceededError",    400, "invalid_request_error",  false;
    ContentPolicyViolation, "ContentPolicyViolationError",   400, "invalid_request_error",  false;
    JsonSchemaValidation,   "JSONSchemaValidationError",     500, "internal_server_error",  false;
    Authentication,         "AuthenticationError",           401, "authentication_error",   false;
    PermissionDenied,       "PermissionDeniedError",         403, "permission_error",       false;
    NotFound,               "NotFoundError",                 404, "invalid_request_error",  false;
    Timeout,                "Timeout",                       408, "invalid_request_error",  true;
    UnprocessableEntity,    "UnprocessableEntityError",      422, "invalid_request_error",  false;
    RateLimit,              "RateLimitError",                429, "throttling_error",       true;
    BudgetExceeded,         "BudgetExceededError",           422, "budget_exceeded",        false;
    InternalServer,         "InternalServerError",           500, "internal_server_error",  true;
    BadGateway,             "BadGatewayError",               502, "internal_server_error",  true;
    ServiceUnavailable,     "ServiceUnavailableError",       503, "internal_server_error",  true;
    Api,                    "APIError",                      500, "internal_server_error",  true;
    ApiConnection,          "APIConnectionError",            500, "internal_server_error",  true;
    ApiResponseValidation,  "APIResponseValidationError",    500, "internal_server_error",  false;
    Cancelled,              "APIConnectionError",            499, "client_disconnected",    false;
}

impl ErrorKind {
    /// This kind's row of [`KINDS`].
    pub fn row(self) -> &'static KindRow {
        &KINDS[self as usize]
    }
}

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller sent something that cannot work.
    Client,
    /// This process.
    Gateway,
    /// The provider, or the way to it.
    Upstream,
}

/// An error of a call. Boxed: results stay small on the hot path.
#[derive(Clone)]
pub struct Error(Box<ErrorParts>);

/// What an [`Error`] carries.
#[derive(Clone, Debug)]
pub struct ErrorParts {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Who is to blame.
    pub side: Side,
    /// HTTP status for the client; `kind`'s default unless the upstream said another.
    pub status: u16,
    /// What happened, in LiteLLM's wording but without the leading `litellm.ClassName: `.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// LiteLLM's name of the provider (`openai`), or empty.
    pub provider: String,
    /// The model as named upstream, or empty.
    pub model: String,
    /// `error.type` where it is not the kind's default.
    pub openai_type: Option<String>,
    /// `error.param` of the upstream's or our own body.
    pub param: Option<String>,
    /// `error.code` of the upstream's body, as text.
    pub code: Option<String>,
    /// What the provider said beside the message, as a JSON object: `provider_specific_fields`.
    pub fields: Option<Bytes>,
    /// The upstream's error body, as it came (bounded), for SDK callers' `.body`.
    pub body: Option<Bytes>,
    /// The upstream's response headers, if there was a response.
    pub headers: Option<Box<HeaderMap>>,
    /// Whether another attempt may succeed; `kind`'s default unless known better.
    pub retry: bool,
    /// The provider answered with success, and with something that is none: its own client is content with that.
    pub answered: bool,
    /// No upstream has seen a byte of the request.
    pub unsent: bool,
}

impl Error {
    /// A new error; status, type and retry come from the kind's row, side from the kind's status.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let row = kind.row();
        let side = if row.status < 500 {
            Side::Client
        } else {
            Side::Gateway
        };
        Self(Box::new(ErrorParts {
            kind,
            side,
            status: row.status,
            message: message.into(),
            hint: None,
            provider: String::new(),
            model: String::new(),
            openai_type: None,
            param: None,
            code: None,
            fields: None,
            body: None,
            headers: None,
            retry: row.retry,
            answered: false,
            unsent: false,
        }))
    }

    /// [`ErrorKind::BadRequest`].
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the provider and the model that the call was for.
    #[must_use]
    pub fn at(mut self, provider: &str, model: &str) -> Self {
        provider.clone_into(&mut self.0.provider);
        model.clone_into(&mut self.0.model);
        self
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    /// Notes that it is of a reply that says success.
    #[must_use]
    pub fn answered(mut self) -> Self {
        self.0.answered = true;
        self
    }

    /// Sets who is to blame.
    #[must_use]
    pub fn side(mut self, side: Side) -> Self {
        self.0.side = side;
        self
    }

    /// LiteLLM's `str(exception)`: `litellm.ClassName: message`. A content policy violation also names its base.
    pub fn litellm_message(&self) -> String {
        let base = match self.kind {
            ErrorKind::ContentPolicyViolation => "litellm.BadRequestError: ",
            _ => "",
        };
        format!("{base}litellm.{}: {}", self.kind.row().class, self.message)
    }
}

impl std::ops::Deref for Error {
    type Target = ErrorParts;
    fn deref(&self) -> &ErrorParts {
        &self.0
    }
}

impl std::ops::DerefMut for Error {
    fn deref_mut(&mut self) -> &mut ErrorParts {
        &mut self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.litellm_message())?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_finds_its_own_row() {
        for row in KINDS {
            assert_eq!(row.kind.row().kind, row.kind);
        }
    }
}
