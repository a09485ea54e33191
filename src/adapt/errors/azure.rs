//! Azure OpenAI's errors: phrases and codes, then status. A refusal by content policy tells what was filtered.

use super::{Place, Said, is_context_window};
use crate::error::{Error, ErrorKind};
use serde_json::{Value, json};

/// What a refusal by content policy says, in small letters.
const POLICY: [&str; 7] = [
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "the response was filtered due to the prompt triggering azure openai's content management",
    "your task failed as a result of our safety system",
    "the model produced invalid content",
    "content_filter_policy",
    "your request was rejected as a result of our safety system",
];

/// Status, kind, and what the message says after the provider.
const STATUSES: [(u16, ErrorKind, &str); 9] = [
    (400, ErrorKind::BadRequest, ""),
    (401, ErrorKind::Authentication, " AuthenticationError"),
    (404, ErrorKind::NotFound, " NotFoundError"),
    (408, ErrorKind::Timeout, " Timeout"),
    (422, ErrorKind::BadRequest, " BadRequestError"),
    (429, ErrorKind::RateLimit, " RateLimitError"),
    (502, ErrorKind::BadGateway, " BadGatewayError"),
    (
        503,
        ErrorKind::ServiceUnavailable,
        " ServiceUnavailableError",
    ),
    (504, ErrorKind::Timeout, " Timeout"),
];

impl Place<'_> {
    /// The error of what Azure said.
    pub(super) fn azure(&self, said: &Said) -> Error {
        use ErrorKind as K;
        let Said {
            text,
            shown,
            status,
            code,
        } = said;
        let place = Place {
            provider: "azure",
            ..*self
        };
        let has = |phrase: &str| text.contains(phrase);
        let coded = |name: &str| code.as_deref() == Some(name);
        let make = |kind: K, status: u16, label: &str| {
            place.make(kind, status, |_| format!("AzureException{label} - {shown}"))
        };
        let bad = matches!(status, None | Some(400));
        if has("Internal server error") {
            return make(K::InternalServer, 500, " Internal server error");
        }
        if has("DeploymentNotFound") || coded("DeploymentNotFound") {
            return make(K::NotFound, 404, " NotFoundError");
        }
        let lower = text.to_lowercase();
        if coded("content_policy_violation") || POLICY.iter().any(|phrase| lower.contains(phrase)) {
            return place.make(K::ContentPolicyViolation, 400, |_| shown.clone());
        }
        if bad && (coded("context_length_exceeded") || is_context_window(text)) {
            return place.make(K::ContextWindowExceeded, 400, |e| {
                format!("litellm.BadRequestError: {e} ContextWindowExceededError - {shown}")
            });
        }
        if bad && has("invalid_request_error") {
            return make(K::BadRequest, 400, " BadRequestError");
        }
        if has("Connection error") {
            return make(K::ApiConnection, 500, " APIConnectionError");
        }
        let Some(status) = *status else {
            return make(K::ApiConnection, 500, " APIConnectionError");
        };
        let row = STATUSES.iter().find(|row| row.0 == status);
        let (kind, label) = row.map_or((K::Api, " APIError"), |row| (row.1, row.2));
        make(kind, status, label)
    }
}

/// The code that decides: a policy's name inside the error goes before the error's own.
pub(super) fn code(detail: &Value) -> Option<String> {
    if inner(detail)["code"] == "ResponsibleAIPolicyViolation" {
        return Some("content_policy_violation".to_owned());
    }
    detail.get("code").and_then(super::text_of)
}

fn inner(detail: &Value) -> &Value {
    let named = detail.get("inner_error").filter(|inner| !inner.is_null());
    named.unwrap_or(&detail["innererror"])
}

/// Tells what was filtered, as LiteLLM's exceptions do.
pub(super) fn tell_policy(error: &mut Error, detail: &Value) {
    if let Some(message) = detail["message"].as_str().filter(|text| !text.is_empty()) {
        message.clone_into(&mut error.message);
    }
    let inner = inner(detail);
    let fields = json!({"innererror": inner, "inner_error": inner, "azure_error": detail});
    error.fields = serde_json::to_vec(&fields).ok().map(Into::into);
    error.param = None;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Family, Wording};
    use super::*;
    use http::HeaderMap;

    fn error(status: u16, body: &Value) -> Error {
        let place = Place {
            provider: "azure_text",
            model: "d",
            wording: Wording::Message,
            family: Family::Azure,
        };
        place.status(status, &HeaderMap::new(), body.to_string().as_bytes())
    }

    #[test]
    fn a_refusal_by_policy_tells_what_was_filtered() {
        let inner = json!({"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": true}}});
        let body = json!({"error": {"message": "filtered", "code": "content_filter", "param": "prompt", "innererror": inner}});
        let error = error(400, &body);
        assert_eq!(error.kind, ErrorKind::ContentPolicyViolation);
        assert_eq!(error.message, "filtered");
        assert_eq!(error.provider, "azure");
        let fields: Value = serde_json::from_slice(error.fields.as_ref().unwrap()).unwrap();
        assert_eq!(fields["innererror"], inner);
        assert_eq!(fields["inner_error"], inner);
        assert_eq!(fields["azure_error"]["code"], "content_filter");
        assert_eq!(error.param, None);
    }

    #[test]
    fn statuses_have_azures_words() {
        let said = |status| {
            let error = error(status, &json!({"error": {"message": "m"}}));
            (error.kind, error.message.clone())
        };
        assert_eq!(
            said(400),
            (ErrorKind::BadRequest, "AzureException - m".into())
        );
        assert_eq!(
            said(429),
            (
                ErrorKind::RateLimit,
                "AzureException RateLimitError - m".into()
            )
        );
        assert_eq!(
            said(529),
            (ErrorKind::Api, "AzureException APIError - m".into())
        );
    }
}
