//! `cache_control_injection_points`: marks that the gateway sets on messages, so that callers need not.

use crate::params::Params;
use bytes::Bytes;
use serde_json::{Value, json};

/// The member that names the points. Never sent.
pub const NAME: &str = "cache_control_injection_points";

/// Sets the marks that `members` ask for. A point picks messages by `role`, by `index` (negative counts from the end),
/// or by both; its mark is `control`, or an ephemeral one.
pub fn inject(messages: Bytes, members: &Params) -> Bytes {
    let Some(points) = members.get::<Vec<Value>>(NAME) else {
        return messages;
    };
    let Ok(mut list) = serde_json::from_slice::<Vec<Value>>(&messages) else {
        return messages;
    };
    for point in points.iter().filter(|point| point["location"] == "message") {
        let mark = point
            .get("control")
            .cloned()
            .unwrap_or_else(|| json!({"type": "ephemeral"}));
        let count = i64::try_from(list.len()).unwrap_or(i64::MAX);
        let index =
            number(&point["index"]).map(|index| if index < 0 { index + count } else { index });
        for (at, message) in (0i64..).zip(&mut list) {
            let by_index = index.is_none_or(|index| index == at);
            let by_role = point["role"].is_null() || point["role"] == message["role"];
            if by_index && by_role && (index.is_some() || !point["role"].is_null()) {
                set_mark(message, &mark);
            }
        }
    }
    serde_json::to_vec(&list).map_or(messages, Bytes::from)
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// On the last part of a list of parts, else on the message.
fn set_mark(message: &mut Value, mark: &Value) {
    let holder = match message.get("content") {
        Some(Value::Array(_)) => message["content"]
            .as_array_mut()
            .and_then(|parts| parts.last_mut()),
        _ => Some(message),
    };
    if let Some(holder) = holder.and_then(Value::as_object_mut) {
        holder.insert("cache_control".to_owned(), mark.clone());
    }
}
