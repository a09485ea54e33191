//! The exception of a failed call, case by case.

use super::*;

const OPENAI_CHAT: Place<'_> = Place {
    provider: "openai",
    model: "gpt-4o",
    wording: Wording::Message,
    family: Family::OpenAi,
};

fn status(place: &Place<'_>, status: u16, body: &str) -> Error {
    place.status(status, &HeaderMap::new(), body.as_bytes())
}

#[test]
fn a_body_that_is_not_json_leaves_only_the_code() {
    let error = status(&OPENAI_CHAT, 500, "<html>oops</html>");
    assert_eq!(
        error.litellm_message(),
        "litellm.InternalServerError: InternalServerError: OpenAIException - Error code: 500"
    );
}

#[test]
fn the_type_follows_the_status_where_the_class_has_another() {
    let error = status(&OPENAI_CHAT, 403, r#"{"error":{"message":"no"}}"#);
    assert_eq!(
        (error.kind, error.openai_type.as_deref()),
        (ErrorKind::Api, Some("permission_error"))
    );
}

#[test]
fn phrases_outrank_the_status() {
    let place = Place {
        provider: "xai",
        wording: Wording::Body,
        ..OPENAI_CHAT
    };
    for (body, kind) in [
        ("Rate-Limit reached", ErrorKind::RateLimit),
        (
            "This model's maximum context length is 5 tokens",
            ErrorKind::ContextWindowExceeded,
        ),
        (
            "invalid_request_error content_policy_violation",
            ErrorKind::ContentPolicyViolation,
        ),
        ("invalid_request_error model_not_found", ErrorKind::NotFound),
        ("Request timed out", ErrorKind::Timeout),
    ] {
        assert_eq!(status(&place, 500, body).kind, kind, "{body}");
    }
}

#[test]
fn another_proxy_names_its_own_class() {
    let place = Place {
        provider: "litellm_proxy",
        ..OPENAI_CHAT
    };
    let body = r#"{"error":{"message":"litellm.ContentPolicyViolationError: no"}}"#;
    assert_eq!(
        status(&place, 400, body).kind,
        ErrorKind::ContentPolicyViolation
    );
}
