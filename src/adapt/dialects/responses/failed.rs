//! The end of a streamed response that broke off: the event that says so, in the response's own name and number.

use serde_json::{Value, json};

/// `response.failed`, after the `first` and the `last` events that were forwarded.
pub fn failed(first: &[u8], last: &[u8], message: &str) -> Vec<u8> {
    let begun = data(first)
        .next()
        .and_then(|data| serde_json::from_slice::<Value>(data).ok())
        .and_then(|event| event.get("response").cloned())
        .unwrap_or_default();
    let sequence = data(last)
        .last()
        .and_then(|data| serde_json::from_slice::<Value>(data).ok())
        .and_then(|event| event.get("sequence_number")?.as_u64());
    let event = json!({
        "type": "response.failed",
        "sequence_number": sequence.map_or(0, |sequence| sequence + 1),
        "response": {
            "id": begun.get("id"), "object": "response", "created_at": begun.get("created_at"),
            "model": begun.get("model"), "status": "failed", "output": [],
            "error": {"code": "server_error", "message": message},
        },
    });
    format!("event: response.failed\ndata: {event}\n\n").into_bytes()
}

/// The data of events, one line each as they are written here.
fn data(events: &[u8]) -> impl Iterator<Item = &[u8]> {
    events
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"data: "))
        .filter(|data| *data != b"[DONE]")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_broken_response_is_ended_in_its_own_name_and_number() {
        let first = b"data: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"created_at\":7,\"model\":\"m\"}}\n\n";
        let last =
            b"data: {\"sequence_number\":3}\n\ndata: {\"sequence_number\":4,\"delta\":\"Hel\"}\n\n";
        let event = String::from_utf8(failed(first, last, "cut")).unwrap();
        let (name, data) = event.split_once("\ndata: ").unwrap();
        assert_eq!(name, "event: response.failed");
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["sequence_number"], 5);
        assert_eq!(data["response"]["id"], "resp_1");
        assert_eq!(data["response"]["error"]["message"], "cut");
    }
}
