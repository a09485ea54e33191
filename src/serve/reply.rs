//! Heads of replies: what was spent, who answered, how often it was tried, and everything the provider said.

use super::body::ReplyBody;
use super::number::python;
use crate::account::Cost;
use crate::adapt::{Head, Target};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use std::fmt::Write;
use std::time::Duration;

/// Upstream headers that are passed on under their own names, too: OpenAI's rate limits.
const RATE_LIMITS: &[&str] = &[
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
];

/// A JSON reply.
pub fn json(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::from(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    reply
}

/// Headers that LiteLLM puts on every reply.
pub fn secure(headers: &mut HeaderMap, cors: bool) {
    let pairs = [
        ("x-frame-options", "DENY"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in pairs {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if cors {
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Writes headers of one reply.
pub struct Writer<'a>(pub &'a mut HeaderMap);

impl Writer<'_> {
    /// A header from a text that may hold anything; what no header can carry, and nothing at all, is left out.
    pub fn text(&mut self, name: &'static str, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.insert(HeaderName::from_static(name), value);
        }
    }

    /// A header from a number that is whole.
    pub fn count(&mut self, name: &'static str, value: u64) {
        self.0
            .insert(HeaderName::from_static(name), HeaderValue::from(value));
    }

    /// Who answered, or failed last.
    pub fn target(&mut self, target: &Target) {
        self.text("x-litellm-model-id", &target.deployment_id);
        self.text("x-litellm-model-name", &target.litellm_model);
    }

    /// What it cost, in USD; nothing where the price is not known, because that is not the same as free.
    pub fn cost(&mut self, cost: Option<&Cost>) {
        self.text(
            "x-litellm-key-spend",
            &python(cost.map_or(0.0, |cost| cost.total)),
        );
        if let Some(cost) = cost {
            self.text("x-litellm-response-cost", &python(cost.total));
            self.parts(cost);
        }
    }

    /// The costs of a stream: not known before its end.
    pub fn cost_to_come(&mut self) {
        self.text("x-litellm-key-spend", "0.0");
        self.parts(&Cost::default());
    }

    fn parts(&mut self, cost: &Cost) {
        for (name, value) in [
            ("x-litellm-response-cost-original", cost.total),
            ("x-litellm-response-cost-discount-amount", 0.0),
            ("x-litellm-response-cost-margin-amount", 0.0),
            ("x-litellm-response-cost-margin-percent", 0.0),
            ("x-litellm-response-cost-input", cost.input),
            ("x-litellm-response-cost-output", cost.output),
            ("x-litellm-response-cost-tool-usage", cost.tool),
        ] {
            self.text(name, &python(value));
        }
    }

    /// Where the time went.
    pub fn times(&mut self, total: Duration, upstream: Duration) {
        let overhead = total.saturating_sub(upstream);
        for (name, time) in [
            ("x-litellm-response-duration-ms", total),
            ("x-litellm-overhead-duration-ms", overhead),
            ("x-litellm-callback-duration-ms", Duration::ZERO),
        ] {
            let mut text = String::with_capacity(16);
            let _ = write!(text, "{:.3}", time.as_secs_f64() * 1000.0);
            self.text(name, &text);
        }
    }

    /// Everything the provider's head said, under a prefix; its rate limits under their own names, too.
    pub fn upstream(&mut self, upstream: &HeaderMap) {
        self.prefixed(upstream);
        for name in RATE_LIMITS {
            if let Some(value) = upstream.get(*name) {
                self.0.insert(HeaderName::from_static(name), value.clone());
            }
        }
        if let Some(id) = upstream.get("x-request-id") {
            self.0.insert(
                HeaderName::from_static("llm_provider-request-id"),
                id.clone(),
            );
        }
        if let Some(id) = upstream.get("request-id").or(upstream.get("x-request-id")) {
            self.0
                .insert(HeaderName::from_static("request-id"), id.clone());
        }
    }

    /// Everything the provider's head said, under a prefix.
    pub fn prefixed(&mut self, upstream: &HeaderMap) {
        let mut prefixed = String::with_capacity(48);
        for (name, value) in upstream {
            prefixed.clear();
            prefixed.push_str("llm_provider-");
            prefixed.push_str(name.as_str());
            if let Ok(name) = HeaderName::from_bytes(prefixed.as_bytes()) {
                self.0.append(name, value.clone());
            }
        }
    }

    /// The head of a success.
    pub fn success(&mut self, target: &Target, head: &Head) {
        self.target(target);
        self.text("x-litellm-model-api-base", without_query(&target.api_base));
        self.text("x-litellm-version", env!("CARGO_PKG_VERSION"));
        self.text("x-litellm-model-group", &target.model_group);
        self.upstream(&head.headers);
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_unknown_price_is_not_shown_as_free() {
        let mut headers = HeaderMap::new();
        Writer(&mut headers).cost(None);
        assert!(!headers.contains_key("x-litellm-response-cost"));
        assert_eq!(headers["x-litellm-key-spend"], "0.0");
    }

    #[test]
    fn what_the_provider_says_is_passed_on() {
        let mut upstream = HeaderMap::new();
        upstream.insert("x-request-id", HeaderValue::from_static("req"));
        upstream.insert("x-ratelimit-limit-tokens", HeaderValue::from_static("9"));
        let mut headers = HeaderMap::new();
        Writer(&mut headers).upstream(&upstream);
        assert_eq!(headers["llm_provider-x-ratelimit-limit-tokens"], "9");
        assert_eq!(headers["x-ratelimit-limit-tokens"], "9");
        assert_eq!(headers["request-id"], "req");
    }
}
