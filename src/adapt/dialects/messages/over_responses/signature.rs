//! Items of reasoning as signatures of `thinking` blocks: what clients of Anthropic's give back of a thought is its
//! text and its signature, so the item's id and its encrypted content travel in that. The form is LiteLLM's, so that a
//! conversation may go on at either.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;

const PREFIX: &str = "litellm_openai_reasoning_v1_";

/// Longest signature that is looked into, bytes.
const MAX: usize = 12 << 20;

/// Members in the order in which they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept<'a> {
    encrypted_content: Cow<'a, str>,
    id: Cow<'a, str>,
}

/// The signature for an item; `None` where it has no encrypted content, and so nothing to go on with.
pub fn of(item: &Value) -> Option<String> {
    let text = |name: &str| item[name].as_str().filter(|text| !text.is_empty());
    let kept = Kept {
        encrypted_content: text("encrypted_content")?.into(),
        id: text("id")?.into(),
    };
    let plain = serde_json::to_string(&kept).ok()?;
    Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(plain)))
}

/// The item that a signature keeps, with the thought's text as its summary; `None` for a signature of somebody else's.
pub fn item(signature: &str, thought: &str) -> Option<Value> {
    let coded = signature.strip_prefix(PREFIX)?;
    let plain = (coded.len() <= MAX).then(|| URL_SAFE_NO_PAD.decode(coded).ok())??;
    let kept: Kept<'_> = serde_json::from_slice(&plain).ok()?;
    let summary = match thought {
        "" => json!([]),
        text => json!([{"type": "summary_text", "text": text}]),
    };
    Some(
        json!({"type": "reasoning", "id": kept.id, "encrypted_content": kept.encrypted_content,
        "summary": summary}),
    )
}
