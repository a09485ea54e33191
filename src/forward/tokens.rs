//! Access tokens of clouds, each kept until shortly before it expires, and how token servers are asked: a form goes
//! out, JSON comes back (<https://datatracker.ietf.org/doc/html/rfc6749>).

use super::{Clocks, Transport, collect};
use crate::adapt::UpstreamRequest;
use crate::options::Secret;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most tokens kept; the accounts of a process are few.
const MAX_TOKENS: usize = 256;
/// Answers are read as far as this.
const MAX_ANSWER: usize = 64 << 10;

/// Tokens that are still valid, by a digest of what they were given for.
#[derive(Default)]
pub struct Kept {
    tokens: Mutex<HashMap<Vec<u8>, (Secret, Instant)>>,
}

impl Kept {
    /// A token that is valid for a while yet.
    pub fn get(&self, key: &[u8]) -> Option<Secret> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until) = tokens.get(key)?;
        (*until > Instant::now()).then(|| token.clone())
    }

    /// Keeps a token that `lasts` so long, but not for the last `margin` of it: none is to expire on the way.
    pub fn keep(&self, key: Vec<u8>, token: Secret, lasts: Duration, margin: Duration) {
        let now = Instant::now();
        let until = now + lasts.saturating_sub(margin.min(lasts / 2));
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, (_, until)| *until > now);
        }
        if tokens.len() < MAX_TOKENS || tokens.contains_key(&key) {
            tokens.insert(key, (token, until));
        }
    }
}

/// What tokens are kept by: secrets among the parts are not kept themselves.
pub fn digest(parts: &[&str]) -> Vec<u8> {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().to_vec()
}

/// A form for a token server.
pub fn form(url: String, pairs: &[(&str, &str)]) -> UpstreamRequest {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    UpstreamRequest {
        method: Method::POST,
        url,
        headers,
        body: pairs.join("&").into(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Status and JSON of a token server's answer; `null` for an answer that is no JSON, `None` for none.
pub async fn ask(
    transport: &dyn Transport,
    request: UpstreamRequest,
    clocks: Clocks,
) -> Option<(StatusCode, Value)> {
    let mut answer = transport.send(request, clocks).await.ok()?;
    let body = collect(&mut *answer.body, MAX_ANSWER).await.ok()?;
    let said = serde_json::from_slice(&body).unwrap_or_default();
    Some((answer.head.status, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_kept_to_its_last_moment() {
        let kept = Kept::default();
        let key = digest(&["a"]);
        kept.keep(
            key.clone(),
            Secret::new("t"),
            Duration::from_secs(60),
            Duration::from_secs(300),
        );
        assert!(kept.get(&key).is_some());
        kept.keep(
            key.clone(),
            Secret::new("t"),
            Duration::ZERO,
            Duration::ZERO,
        );
        assert!(kept.get(&key).is_none());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn a_form_is_escaped() {
        let request = form("u".into(), &[("scope", "a b/.c"), ("x", "y&z")]);
        assert_eq!(&request.body[..], b"scope=a%20b%2F.c&x=y%26z");
    }
}
