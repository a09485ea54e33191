//! Input items that another provider made, so that OpenAI takes them: a conversation may come from Claude.
//!
//! Items stay the bytes they are unless one has to change. What changes: reasoning that was made here for a provider
//! without this API is left out (nobody at OpenAI could read it), ids of calls that OpenAI would refuse go, and marks
//! for Anthropic's cache go.

use crate::adapt::providers::openai_request::messages::without;
use crate::params::Params;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;
use serde_json::value::RawValue;

/// The input as OpenAI takes it.
pub(super) fn replayable(input: Bytes) -> Bytes {
    let has = |what: &[u8]| memchr::memmem::find(&input, what).is_some();
    let foreign = has(b"\"reasoning\"") || has(b"_call\"");
    let input = if foreign { items(&input) } else { input };
    unmarked(input)
}

/// Without marks for Anthropic's cache.
pub(super) fn unmarked(json: Bytes) -> Bytes {
    if memchr::memmem::find(&json, b"\"cache_control\"").is_none() {
        return json;
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(&json) else {
        return json;
    };
    without(&mut value, "cache_control");
    serde_json::to_vec(&value).map_or(json, Bytes::from)
}

fn items(input: &Bytes) -> Bytes {
    let Ok(items) = serde_json::from_slice::<Vec<&RawValue>>(input) else {
        return input.clone();
    };
    let mut out = BytesMut::with_capacity(input.len());
    out.put_u8(b'[');
    for raw in items {
        let raw = input.slice_ref(raw.get().as_bytes());
        let Some(raw) = item(raw) else { continue };
        if out.len() > 1 {
            out.put_u8(b',');
        }
        out.put_slice(&raw);
    }
    out.put_u8(b']');
    out.freeze()
}

/// One item; `None` for one that is left out.
fn item(raw: Bytes) -> Option<Bytes> {
    let Ok(mut members) = Params::parse(&raw) else {
        return Some(raw);
    };
    let id: String = members.get("id").unwrap_or_default();
    match members.get::<String>("type").as_deref() {
        Some("reasoning") if made_here(&id, &members) => None,
        // OpenAI refuses members without a value in what it wrote itself.
        Some("reasoning") => {
            let empty = |raw: &Bytes| &raw[..] == b"null";
            if !members.iter().any(|(_, raw)| empty(raw)) {
                return Some(raw);
            }
            members.retain(|_, raw| !empty(raw));
            Some(members.to_json())
        }
        Some(kind @ ("function_call" | "custom_tool_call")) => {
            let prefix = if kind == "function_call" { "fc" } else { "ctc" };
            if id.is_empty() || id.starts_with(prefix) {
                return Some(raw);
            }
            members.remove("id");
            Some(members.to_json())
        }
        _ => Some(raw),
    }
}

/// Whether a reasoning item was made of a chat: by its id, or by what it encloses.
fn made_here(id: &str, members: &Params) -> bool {
    let ours = id
        .strip_prefix("rs_")
        .is_some_and(|id| id.len() == 36 && uuid::Uuid::parse_str(id).is_ok());
    let blocks = members
        .get::<String>("encrypted_content")
        .and_then(|text| serde_json::from_str::<Vec<Value>>(&text).ok());
    ours || blocks.is_some_and(|blocks| !blocks.is_empty())
}
