//! Heads of replies: what was spent, who answered, how often it was tried, and everything the provider said.

use super::body::ReplyBody;
use super::header_list::{Put, prefixed};
use crate::account::Cost;
use crate::adapt::Target;
use crate::number::{milliseconds, python};
use crate::request::Format;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::Duration;

/// A header's name, checked and hashed by the compiler.
macro_rules! name {
    ($name:literal) => {
        const { http::HeaderName::from_static($name) }
    };
}
pub(super) use name;

/// Upstream headers that are passed on under their own names, too: OpenAI's rate limits.
const RATE_LIMITS: &[&str] = &[
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
];

/// How Anthropic names the same limits.
fn anthropic_limit(name: &str) -> Option<(HeaderName, HeaderName)> {
    let limit = match name.strip_prefix("anthropic-ratelimit-")? {
        "requests-limit" => (
            name!("x-ratelimit-limit-requests"),
            name!("llm_provider-x-ratelimit-limit-requests"),
        ),
        "requests-remaining" => (
            name!("x-ratelimit-remaining-requests"),
            name!("llm_provider-x-ratelimit-remaining-requests"),
        ),
        "tokens-limit" => (
            name!("x-ratelimit-limit-tokens"),
            name!("llm_provider-x-ratelimit-limit-tokens"),
        ),
        "tokens-remaining" => (
            name!("x-ratelimit-remaining-tokens"),
            name!("llm_provider-x-ratelimit-remaining-tokens"),
        ),
        _ => return None,
    };
    Some(limit)
}

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

/// The text of a JSON reply.
pub fn text(body: &[u8]) -> Bytes {
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    said["text"].as_str().unwrap_or_default().to_owned().into()
}

/// What a browser may do with a reply of this server.
const POLICY: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'");

/// Headers that LiteLLM puts on every reply, in place of those that an upstream sent; replies that have this server's
/// already apart.
pub fn secure(headers: &mut HeaderMap, cors: bool) {
    if headers.get(header::CONTENT_SECURITY_POLICY) != Some(&POLICY) {
        Writer(headers).secure(cors);
    }
}

/// Writes headers of one reply.
pub struct Writer<'a, P>(pub &'a mut P);

impl<P: Put> Writer<'_, P> {
    /// What LiteLLM puts on every reply.
    pub fn secure(&mut self, cors: bool) {
        for (name, value) in [
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
        ] {
            self.0.add(name, value);
        }
        if cors {
            self.0.add(header::VARY, HeaderValue::from_static("Origin"));
        }
    }

    /// A header from a text that may hold anything; what no header can carry, and nothing at all, is left out.
    pub fn text(&mut self, name: HeaderName, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.add(name, value);
        }
    }

    /// A header whose value is ready.
    pub fn ready(&mut self, name: HeaderName, value: Option<&HeaderValue>) {
        if let Some(value) = value {
            self.0.add(name, value.clone());
        }
    }

    /// A header from a number that is whole.
    pub fn count(&mut self, name: HeaderName, value: u64) {
        let value = match value {
            0 => HeaderValue::from_static("0"),
            value => HeaderValue::from(value),
        };
        self.0.add(name, value);
    }

    /// Who answered, or failed last.
    pub fn target(&mut self, target: &Target) {
        let heads = target.heads();
        self.ready(name!("x-litellm-model-id"), heads.deployment_id.as_ref());
        self.ready(name!("x-litellm-model-name"), heads.litellm_model.as_ref());
    }

    /// What it cost, in USD; nothing where the price is not known, because that is not the same as free.
    pub fn cost(&mut self, cost: Option<&Cost>) {
        let total = amount(cost.map_or(0.0, |cost| cost.total));
        if let Some(cost) = cost {
            self.ready(name!("x-litellm-response-cost"), Some(&total));
            self.parts(cost, &total);
        }
        self.0.add(name!("x-litellm-key-spend"), total);
    }

    /// The costs of a stream: not known before its end.
    pub fn cost_to_come(&mut self) {
        let nothing = amount(0.0);
        self.parts(&Cost::default(), &nothing);
        self.0.add(name!("x-litellm-key-spend"), nothing);
    }

    fn parts(&mut self, cost: &Cost, total: &HeaderValue) {
        self.ready(name!("x-litellm-response-cost-original"), Some(total));
        for (name, value) in [
            (name!("x-litellm-response-cost-discount-amount"), 0.0),
            (name!("x-litellm-response-cost-margin-amount"), 0.0),
            (name!("x-litellm-response-cost-margin-percent"), 0.0),
            (
                name!("x-litellm-response-cost-input"),
                cost.input - cost.cache_read - cost.cache_creation,
            ),
            (name!("x-litellm-response-cost-output"), cost.output),
            (name!("x-litellm-response-cost-tool-usage"), cost.tool),
        ] {
            self.0.add(name, amount(value));
        }
        for (name, value) in [
            (name!("x-litellm-response-cost-cache-read"), cost.cache_read),
            (
                name!("x-litellm-response-cost-cache-creation"),
                cost.cache_creation,
            ),
            (name!("x-litellm-response-cost-reasoning"), cost.reasoning),
        ] {
            if value > 0.0 {
                self.0.add(name, amount(value));
            }
        }
    }

    /// Where the time went.
    pub fn times(&mut self, total: Duration, upstream: Duration) {
        let overhead = total.saturating_sub(upstream);
        for (name, time) in [
            (name!("x-litellm-response-duration-ms"), total),
            (name!("x-litellm-overhead-duration-ms"), overhead),
        ] {
            self.text(name, &milliseconds(time));
        }
        // Nothing is called back here.
        let none = HeaderValue::from_static("0.000");
        self.0.add(name!("x-litellm-callback-duration-ms"), none);
    }

    /// What the provider's head said, to a client of this dialect.
    pub fn told(&mut self, upstream: &HeaderMap, format: Format) {
        if format != Format::Anthropic {
            return self.upstream(upstream);
        }
        self.prefixed(upstream);
        self.own(upstream);
    }

    /// The request's id under the name that the dialect's clients read: the provider's, else the call's.
    pub fn request_id(&mut self, format: Format, upstream: Option<&HeaderMap>, call_id: &str) {
        let own = match format {
            Format::Anthropic => name!("request-id"),
            _ => name!("x-request-id"),
        };
        let told = upstream.and_then(|said| {
            let id = said.get(name!("x-request-id"));
            id.or_else(|| said.get(name!("request-id")))
        });
        match told {
            Some(told) => self.0.put(own, told.clone()),
            None => {
                if let Ok(own_id) = HeaderValue::from_str(call_id) {
                    self.0.put(own, own_id);
                }
            }
        }
    }

    /// What the head of an error said.
    pub fn told_in_error(&mut self, upstream: &HeaderMap, format: Format) {
        match format {
            Format::Anthropic => self.own(upstream),
            _ => self.prefixed(upstream),
        }
    }

    /// What Anthropic's clients read, under the names that they know.
    fn own(&mut self, upstream: &HeaderMap) {
        for (name, value) in upstream {
            if name == "request-id" || name.as_str().starts_with("anthropic-ratelimit-") {
                self.0.put(name.clone(), value.clone());
            }
        }
    }

    /// Everything the provider's head said, under a prefix; its rate limits and its id of the request under their
    /// own names, too.
    pub fn upstream(&mut self, upstream: &HeaderMap) {
        self.prefixed(upstream);
        let mut id = None;
        for (name, value) in upstream {
            match name.as_str() {
                limit if RATE_LIMITS.contains(&limit) => {
                    self.0.put(name.clone(), value.clone());
                }
                "x-request-id" => {
                    id = id.or(Some(value));
                    let name = name!("llm_provider-request-id");
                    self.0.put(name, value.clone());
                }
                "request-id" => id = Some(value),
                other => {
                    if let Some((plain, prefixed)) = anthropic_limit(other) {
                        self.0.put(plain, value.clone());
                        self.0.put(prefixed, value.clone());
                    }
                }
            }
        }
        if let Some(id) = id {
            self.0.put(name!("request-id"), id.clone());
        }
    }

    /// Everything the provider's head said, under a prefix.
    pub fn prefixed(&mut self, upstream: &HeaderMap) {
        for (name, value) in upstream {
            if let Some(name) = prefixed(name) {
                self.0.append(name, value.clone());
            }
        }
    }

    /// The head of a success.
    pub fn success(&mut self, target: &Target) {
        self.target(target);
        let heads = target.heads();
        self.ready(name!("x-litellm-model-api-base"), heads.api_base.as_ref());
        let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
        self.0.add(name!("x-litellm-version"), version);
        self.ready(name!("x-litellm-model-group"), heads.model_group.as_ref());
        // What the upstream says of itself comes later, and wins.
        if let Some(limits) = target.memo.group_limits() {
            let (requests, tokens) = (limits.requests.as_ref(), limits.tokens.as_ref());
            self.ready(name!("x-ratelimit-limit-requests"), requests);
            self.ready(name!("x-ratelimit-limit-tokens"), tokens);
        }
    }
}

/// USD as a header.
fn amount(usd: f64) -> HeaderValue {
    if usd == 0.0 {
        return HeaderValue::from_static("0.0");
    }
    HeaderValue::from_str(&python(usd)).unwrap_or(HeaderValue::from_static("0.0"))
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
    fn what_an_upstream_lets_a_browser_do_counts_for_nothing() {
        let mut headers = HeaderMap::new();
        for name in [header::X_FRAME_OPTIONS, header::CONTENT_SECURITY_POLICY] {
            headers.insert(name, HeaderValue::from_static("all"));
        }
        for _ in 0..2 {
            secure(&mut headers, true);
            assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
            assert_eq!(headers[header::CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers.len(), 4);
        }
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

    #[test]
    fn anthropics_limits_are_told_under_openais_names() {
        let mut upstream = HeaderMap::new();
        let said = HeaderValue::from_static("49");
        upstream.insert("anthropic-ratelimit-requests-remaining", said);
        let mut headers = HeaderMap::new();
        Writer(&mut headers).upstream(&upstream);
        for name in [
            "x-ratelimit-remaining-requests",
            "llm_provider-x-ratelimit-remaining-requests",
            "llm_provider-anthropic-ratelimit-requests-remaining",
        ] {
            assert_eq!(headers[name], "49", "{name}");
        }
        assert!(!headers.contains_key("x-ratelimit-limit-requests"));
    }
}
