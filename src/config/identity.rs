//! Deployment ids: given, or a SHA-256 over the model group and every `litellm_params` key and value in order,
//! so that an unchanged deployment keeps its id over restarts and reloads. The text that is hashed is LiteLLM's
//! (Python's `str` of each value), which keeps ids, and with them dashboards, over a migration.

use super::document::Node;
use super::schema::ModelEntry;
use crate::options::Secret;
use crate::repr::{Style, written};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Sets `model_info.id` where it is missing. An id that is not a text becomes one.
pub fn give_id(entry: &mut ModelEntry) {
    let id = match entry.model_info.get("id") {
        Some(Value::String(id)) if !id.is_empty() => return,
        Some(Value::Number(id)) => id.to_string(),
        _ => deployment_id(entry),
    };
    entry.model_info.insert("id".to_owned(), Value::String(id));
}

fn deployment_id(entry: &ModelEntry) -> String {
    let mut text = entry.model_name.clone();
    for (key, raw) in entry.litellm_params.iter() {
        text.push_str(key);
        match serde_json::from_slice(raw) {
            Ok(Value::String(value)) => text.push_str(&value),
            Ok(value @ Value::Object(_)) => python_json(&value, &mut text),
            Ok(_) => text.push_str(&written(raw, Style::Repr).unwrap_or_default()),
            Err(_) => {}
        }
    }
    hex(&Sha256::digest(text.as_bytes()))
}

/// SHA-256 of a document without its places, and of the variables it was resolved with.
pub fn digest(root: &Node, environment: &BTreeMap<String, Secret>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(root.to_json().to_string().as_bytes());
    for (name, value) in environment {
        for part in [name, value.expose()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Python's `json.dumps` with its default separators and ASCII escapes.
fn python_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let entries = members.iter().map(|(key, value)| {
                let mut entry = String::new();
                python_json(&Value::String(key.clone()), &mut entry);
                entry.push_str(": ");
                python_json(value, &mut entry);
                entry
            });
            let _ = write!(out, "{{{}}}", entries.collect::<Vec<_>>().join(", "));
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| {
                let mut text = String::new();
                python_json(item, &mut text);
                text
            });
            let _ = write!(out, "[{}]", items.collect::<Vec<_>>().join(", "));
        }
        Value::String(text) => {
            for c in Value::String(text.clone()).to_string().chars() {
                if c.is_ascii() {
                    out.push(c);
                } else {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
            }
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use bytes::Bytes;

    fn entry(params: &'static str) -> ModelEntry {
        ModelEntry {
            model_name: "group".to_owned(),
            litellm_params: Params::parse(&Bytes::from_static(params.as_bytes()))
                .unwrap_or_default(),
            ..ModelEntry::default()
        }
    }

    #[test]
    fn the_id_is_the_one_litellm_gives() {
        // litellm.router_api.deployment_id("group", {...}) of LiteLLM 1.109.1.
        let id = deployment_id(&entry(
            r#"{"model":"openai/gpt-4o","timeout":0.5,"rpm":10,"tags":["a","it's"],"drop_params":true,"extra_body":{"k":[1,"é"]},"input_cost_per_token":1e-6}"#,
        ));
        assert_eq!(
            id,
            "f7903f01d2a177465cc57bda54e81501e9c060b37226b293c9a986c747b61497"
        );
    }

    #[test]
    fn a_changed_parameter_changes_the_id_and_a_given_id_stays() {
        assert_ne!(
            deployment_id(&entry(r#"{"model":"a"}"#)),
            deployment_id(&entry(r#"{"model":"b"}"#))
        );
        let mut given = entry(r#"{"model":"a"}"#);
        given.model_info.insert("id".to_owned(), 7.into());
        give_id(&mut given);
        assert_eq!(given.model_info["id"], "7");
    }
}
