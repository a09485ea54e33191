//! What is wrong with a body that is no JSON object, in the words and with the place that LiteLLM gives.

use serde_json::error::Category;

/// The reason, and where it is: `line 1 column 32 (char 31)`.
pub fn explain(body: &[u8], error: &serde_json::Error) -> String {
    if body.starts_with(b"\xef\xbb\xbf") {
        return "UTF-8 byte order mark (BOM) is not supported: line 1 column 1 (char 0)".to_owned();
    }
    if error.classify() == Category::Data {
        return "expected an object".to_owned();
    }
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    let reason = match reason {
        "trailing comma" => "trailing comma is not allowed",
        "key must be a string" => "unexpected character, expected a string key",
        "EOF while parsing a string" => "unexpected end of data",
        other => other,
    };
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let mut at = (before + error.column().saturating_sub(1)).min(body.len());
    let read = body.get(..at).unwrap_or_default();
    if reason.starts_with("trailing comma") {
        // The comma itself is at fault, not what follows it.
        at = memchr::memrchr(b',', read).unwrap_or(at);
    }
    format!("{reason}: {}", place(body.get(..at).unwrap_or_default()))
}

/// The place after these bytes, counted from 1, and from 0 as `char`.
fn place(before: &[u8]) -> String {
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let column = before.len() - start + 1;
    format!("line {line} column {column} (char {})", before.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::explain;
    use crate::params::Params;
    use bytes::Bytes;

    fn said(body: &'static str) -> String {
        let body = Bytes::from_static(body.as_bytes());
        explain(&body, &Params::parse(&body).unwrap_err())
    }

    #[test]
    fn faults_are_told_with_their_place() {
        assert_eq!(
            said("{\"model\":\"gpt-4o\",\"messages\":[],}"),
            "trailing comma is not allowed: line 1 column 32 (char 31)"
        );
        assert_eq!(said("\"hello\""), "expected an object");
        assert!(said("\u{feff}{}").starts_with("UTF-8 byte order mark"));
    }
}
