//! What makes two calls the same: the model, what is asked and every parameter, hashed as LiteLLM hashes them (the text
//! is Python's `name: str(value)`), so that keys are the same over a migration. The provider's own parameters count
//! too, and so does an address that the call names.

use crate::repr::{Style, written};
use crate::request::Call;
use sha2::{Digest, Sha256};

/// The key of a call: `namespace:hash`, or the hash alone.
pub fn of(call: &Call, namespace: Option<&str>) -> String {
    let hash = crate::config::identity::hex(&Sha256::digest(material(call).as_bytes()));
    match namespace {
        Some(namespace) => format!("{namespace}:{hash}"),
        None => hash,
    }
}

/// The text that is hashed.
fn material(call: &Call) -> String {
    let mut text = format!("model: {}", call.model);
    let question = ["messages", "input", "prompt"];
    for name in question {
        push(call, name, &mut text);
    }
    if call.op.streams() {
        text.push_str(if call.stream {
            "stream: True"
        } else {
            "stream: False"
        });
    }
    for (name, _) in call.params.iter() {
        if !question.contains(&name) && !matches!(name, "model" | "stream") {
            push(call, name, &mut text);
        }
    }
    if let Some(base) = &call.options.api_base {
        text.push_str("api_base: ");
        text.push_str(base);
    }
    text
}

fn push(call: &Call, name: &str, text: &mut String) {
    let Some(raw) = call.params.raw(name).filter(|raw| &raw[..] != b"null") else {
        return;
    };
    text.push_str(name);
    text.push_str(": ");
    match serde_json::from_slice::<String>(raw) {
        Ok(plain) => text.push_str(&plain),
        Err(_) => text.push_str(&written(raw, Style::Repr).unwrap_or_default()),
    }
}
