//! Who may call. One master key; LiteLLM's headers, prefixes and precedence.
//!
//! Keys are compared as SHA-256 digests in constant time, so that neither length nor prefix leaks through timing.

use super::refusal::Refusal;
use crate::config::schema::GeneralSettings;
use http::header::{self, AsHeaderName};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Headers that may hold the key, in order of precedence; `x-litellm-api-key` goes before all of them.
static KEY_HEADERS: [HeaderName; 5] = [
    header::AUTHORIZATION,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("ocp-apim-subscription-key"),
];

static LITELLM_KEY: HeaderName = HeaderName::from_static("x-litellm-api-key");

/// SHA-256 of a master key that everybody knows from LiteLLM's documentation.
const KNOWN_KEY: [u8; 32] = [
    0x88, 0xdc, 0x28, 0xd0, 0xf0, 0x30, 0xc5, 0x5e, 0xd4, 0xab, 0x77, 0xed, 0x8f, 0xaf, 0x09, 0x81,
    0x96, 0xcb, 0x1c, 0x05, 0xdf, 0x77, 0x85, 0x39, 0x80, 0x0c, 0x9f, 0x12, 0x43, 0xfe, 0x6b, 0x4b,
];

/// What metrics and log call the master key.
pub const MASTER: &str = "litellm_proxy_master_key";

/// Lets a request in, or says why not.
///
/// # Errors
/// 401 without a usable key, 400 for a key that is not the master key: there is no database to look others up in.
pub fn admit(headers: &HeaderMap, settings: &GeneralSettings) -> Result<(), Refusal> {
    let Some(master) = &settings.master_key else {
        return Ok(());
    };
    let key = given(headers, settings)?;
    if same(key, master.expose()) {
        return Ok(());
    }
    Err(Refusal::new(400, "no_db_connection", "No connected db."))
}

/// Whether a header's value is this server's key: then it goes nowhere else.
pub fn is_ours(value: &HeaderValue, settings: &GeneralSettings) -> bool {
    let Some(master) = &settings.master_key else {
        return false;
    };
    let text = value.to_str().unwrap_or_default().trim();
    same(bearer(text).unwrap_or(text), master.expose())
}

/// Whether the `Authorization` header of a scrape holds the master key.
pub fn admits_scrape(headers: &HeaderMap, settings: &GeneralSettings) -> bool {
    admit(headers, settings).is_ok()
}

fn given<'a>(headers: &'a HeaderMap, settings: &GeneralSettings) -> Result<&'a str, Refusal> {
    if let Some(name) = &settings.litellm_key_header_name
        && let Some(value) = text(headers, name.to_ascii_lowercase())
    {
        return bearer(value).ok_or_else(malformed);
    }
    if let Some(value) = text(headers, &LITELLM_KEY) {
        return Ok(bearer(value).unwrap_or(value));
    }
    for name in &KEY_HEADERS {
        let Some(value) = text(headers, name) else {
            continue;
        };
        if *name != header::AUTHORIZATION {
            return Ok(value);
        }
        if let Some(key) = bearer(value) {
            return Ok(key);
        }
        if let Some(pair) = value.strip_prefix("Basic ") {
            return Ok(pair.trim());
        }
        return Err(malformed());
    }
    Err(unauthorized("No api key passed in."))
}

/// Only these two spellings count, as in LiteLLM.
fn bearer(value: &str) -> Option<&str> {
    value
        .strip_prefix("Bearer ")
        .or_else(|| value.strip_prefix("bearer "))
        .map(str::trim)
}

/// What a header says, if it says anything.
pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers
        .get(name)?
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

fn malformed() -> Refusal {
    unauthorized("Malformed API Key passed in. Ensure Key has `Bearer ` prefix.")
}

fn unauthorized(message: &str) -> Refusal {
    Refusal::new(
        401,
        "auth_error",
        format!("Authentication Error, {message}"),
    )
}

/// In a time that tells nothing but whether the lengths are the same.
fn same(given: &str, master: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(master.as_bytes()))
}

/// What is wrong with the master key, if the server should not listen beyond this machine with it.
pub fn weakness(settings: &GeneralSettings) -> Option<&'static str> {
    match &settings.master_key {
        None => Some("no master key is set"),
        Some(key) if key.expose().trim().is_empty() => Some("the master key is empty"),
        Some(key) if Sha256::digest(key.expose().as_bytes())[..] == KNOWN_KEY => {
            Some("the master key is one that is publicly known")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
