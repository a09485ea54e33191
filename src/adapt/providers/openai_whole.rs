//! Whole replies where the caller wants something else: a stream of one piece, or the content that came as the
//! arguments of a made-up tool. `openai_request` decides when ([`super::openai_request::Plan`]).

use crate::adapt::{StreamAdapter, StreamEnd};
use crate::error::{Error, ErrorKind, Result};
use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};

/// Name of the made-up tool.
const TOOL: &str = "json_tool_call";

/// Most bytes of a reply that are kept to be handed over as a stream.
const LIMIT: usize = 32 << 20;

/// Makes the arguments of the made-up tool the content. Another body stays as it is.
pub fn unwrap_json_tool(body: Bytes) -> Bytes {
    let Ok(mut reply) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    let mut changed = false;
    let choices = reply.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let call = match choice["message"]["tool_calls"]
            .as_array()
            .map(Vec::as_slice)
        {
            Some([call]) if call["function"]["name"] == TOOL => {
                call["function"]["arguments"].clone()
            }
            _ => continue,
        };
        if let Some(choice) = choice.as_object_mut() {
            choice.insert("finish_reason".to_owned(), "stop".into());
            choice.insert(
                "message".to_owned(),
                json!({"role": "assistant", "content": call}),
            );
            changed = true;
        }
    }
    if changed {
        serde_json::to_vec(&reply).map_or(body, Bytes::from)
    } else {
        body
    }
}

/// Collects a whole reply and hands it to a stream's adapter as the chunks it could have come in.
pub struct WholeStream {
    inner: Box<dyn StreamAdapter>,
    json_mode: bool,
    body: BytesMut,
}

impl WholeStream {
    /// In front of `inner`; `json_mode` unwraps the made-up tool.
    pub fn new(inner: Box<dyn StreamAdapter>, json_mode: bool) -> Self {
        Self {
            inner,
            json_mode,
            body: BytesMut::new(),
        }
    }
}

impl StreamAdapter for WholeStream {
    fn push(&mut self, bytes: &[u8], _out: &mut BytesMut) -> Result<()> {
        if self.body.len() + bytes.len() > LIMIT {
            return Err(Error::new(
                ErrorKind::ApiResponseValidation,
                "the reply is too large to be streamed",
            ));
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let mut body = std::mem::take(&mut self.body).freeze();
        if self.json_mode {
            body = unwrap_json_tool(body);
        }
        let reply: Map<String, Value> = serde_json::from_slice(&body).map_err(|_| {
            Error::new(
                ErrorKind::ApiResponseValidation,
                "the provider's reply is not a JSON object",
            )
        })?;
        for chunk in chunks(&reply) {
            self.inner
                .push(format!("data: {chunk}\n\n").as_bytes(), out)?;
        }
        self.inner.push(b"data: [DONE]\n\n", out)?;
        self.inner.finish(out)
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        self.inner.cut(out)
    }

    fn so_far(&self) -> StreamEnd {
        self.inner.so_far()
    }
}

/// A reply as two chunks: all of the content, then how it ended and what it used.
fn chunks(reply: &Map<String, Value>) -> [Value; 2] {
    let mut head = reply.clone();
    head.retain(|name, _| name != "choices" && name != "usage");
    head.insert("object".to_owned(), "chat.completion.chunk".into());
    let choices: Vec<Value> = reply
        .get("choices")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let with = |choice: &dyn Fn(&Value) -> Value| -> Map<String, Value> {
        let mut chunk = head.clone();
        chunk.insert("choices".to_owned(), choices.iter().map(choice).collect());
        chunk
    };
    let content = with(&|choice| {
        let mut delta = choice["message"].clone();
        number_calls(&mut delta);
        json!({"index": choice["index"], "delta": delta, "finish_reason": null})
    });
    let mut end = with(
        &|choice| json!({"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}),
    );
    if let Some(usage) = reply.get("usage") {
        end.insert("usage".to_owned(), usage.clone());
    }
    [content.into(), end.into()]
}

/// Tool calls of a stream carry their place.
fn number_calls(delta: &mut Value) {
    let calls = delta.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (index, call) in calls.into_iter().flatten().enumerate() {
        if let Some(call) = call.as_object_mut() {
            call.insert("index".to_owned(), index.into());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Collect(Vec<u8>);

    impl StreamAdapter for Collect {
        fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
            self.0.extend_from_slice(bytes);
            out.extend_from_slice(bytes);
            Ok(())
        }

        fn finish(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
            Ok(StreamEnd::default())
        }

        fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
            Ok(StreamEnd::default())
        }

        fn so_far(&self) -> StreamEnd {
            StreamEnd::default()
        }
    }

    const REPLY: &[u8] = br#"{"id":"1","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"json_tool_call","arguments":"{\"a\":1}"}}]}}],"usage":{"total_tokens":3}}"#;

    #[test]
    fn the_arguments_of_the_made_up_tool_become_the_content() {
        let reply: Value =
            serde_json::from_slice(&unwrap_json_tool(Bytes::from_static(REPLY))).unwrap();
        assert_eq!(
            reply["choices"][0]["message"],
            json!({"role": "assistant", "content": "{\"a\":1}"})
        );
        assert_eq!(reply["choices"][0]["finish_reason"], "stop");
        let other = Bytes::from_static(br#"{"choices":[{"message":{"content":"x"}}]}"#);
        assert_eq!(unwrap_json_tool(other.clone()), other);
    }

    #[test]
    fn a_whole_reply_cut_anywhere_becomes_the_same_stream() {
        let stream = |at: usize| {
            let mut whole = WholeStream::new(Box::new(Collect(Vec::new())), true);
            let mut out = BytesMut::new();
            whole.push(&REPLY[..at], &mut out).unwrap();
            whole.push(&REPLY[at..], &mut out).unwrap();
            assert!(out.is_empty());
            whole.finish(&mut out).unwrap();
            String::from_utf8(out.to_vec()).unwrap()
        };
        let first = stream(0);
        assert!(first.contains(r#""content":"{\"a\":1}""#) && first.ends_with("data: [DONE]\n\n"));
        assert!(first.contains(r#""usage":{"total_tokens":3}"#));
        for at in 0..REPLY.len() {
            assert_eq!(stream(at), first);
        }
    }
}
