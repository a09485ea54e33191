//! Questions about a response that the provider stores.

use crate::params::Params;
use serde_json::Value;

/// Members that go into the query of a list of input items.
const LISTED: [&str; 5] = ["after", "before", "include", "limit", "order"];

/// The query of a list of input items, with LiteLLM's defaults; empty for other questions.
pub fn query(params: &Params) -> String {
    let mut query = Vec::new();
    for name in LISTED {
        let given = match params.get::<Value>(name) {
            Some(Value::String(text)) => Some(text),
            Some(Value::Array(texts)) => {
                let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
                Some(texts.join(","))
            }
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let default = match name {
            "limit" => Some("20".to_owned()),
            "order" => Some("desc".to_owned()),
            _ => None,
        };
        if let Some(value) = given.or(default) {
            query.push(format!("{name}={}", super::request::escaped(&value)));
        }
    }
    query.join("&")
}
