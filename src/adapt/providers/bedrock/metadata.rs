//! `requestMetadata`: pairs that go into the account's bill and logs.

use crate::adapt::habits::Mapping;
use crate::adapt::usage::Object;
use crate::error::{Error, Result};
use serde_json::Value;

/// Most pairs, and most characters of a key or value.
const MAX_PAIRS: usize = 16;
const MAX_TEXT: usize = 256;
const ALLOWED: &str = r"[a-zA-Z0-9\s:_@$#=/+,.-]";

/// The pairs that a call gives; what Bedrock would refuse is refused here, or dropped where that is wanted.
///
/// # Errors
/// Pairs that break Bedrock's rules.
pub fn wanted(mapping: &Mapping<'_>) -> Result<Option<Value>> {
    const NAME: &str = "requestMetadata";
    let given = mapping.value(NAME).or_else(|| mapping.extra.get(NAME));
    let Some(Value::Object(mut pairs)) = given else {
        return Ok(None);
    };
    if mapping.drop_params {
        pairs.retain(|key, value| is_allowed(key, value));
        let kept: Object = pairs.into_iter().take(MAX_PAIRS).collect();
        return Ok((!kept.is_empty()).then_some(Value::Object(kept)));
    }
    let refused = |what: String| Err(Error::bad_request(what).at("bedrock", "bedrock"));
    if pairs.values().any(|value| !value.is_string()) {
        return refused("requestMetadata keys and values must be strings".into());
    }
    if pairs.len() > MAX_PAIRS {
        return refused(format!(
            "requestMetadata can contain a maximum of {MAX_PAIRS} items"
        ));
    }
    if !pairs.iter().all(|(key, value)| is_allowed(key, value)) {
        return refused(format!(
            "requestMetadata keys must be 1-{MAX_TEXT} and values 0-{MAX_TEXT} characters of {ALLOWED}"
        ));
    }
    Ok(Some(Value::Object(pairs)))
}

fn is_allowed(key: &str, value: &Value) -> bool {
    let plain = |text: &str| {
        let known = |c: char| {
            c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,.-".contains(c)
        };
        text.chars().count() <= MAX_TEXT && text.chars().all(known)
    };
    !key.is_empty() && plain(key) && value.as_str().is_some_and(plain)
}
