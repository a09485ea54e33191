//! What is answered, and how: whole or in events, slowly, cut, or not at all.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

/// One scripted answer. Everything may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// HTTP status; 0 means 200.
    pub status: u16,
    /// Further headers, such as `retry-after`.
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    pub json: Option<Value>,
    /// A body as text.
    pub text: Option<String>,
    /// Events of a stream: texts as they are, anything else as JSON.
    pub sse: Option<Vec<Value>>,
    /// Before the head.
    pub delay_ms: u64,
    /// Between events, or between bytes when `drip` is set.
    pub gap_ms: u64,
    /// One byte of the body at a time.
    pub drip: bool,
    /// The events, or the bytes, so many times over; 0 means once.
    pub repeat: usize,
    /// Ends the connection after the request, without a byte of an answer.
    pub hang_up: bool,
    /// Ends the connection after so many bytes of the body.
    pub cut_after: Option<usize>,
    /// With a reset instead of an orderly end.
    pub reset: bool,
    /// With the end of the body, which then looks whole to HTTP.
    pub ended: bool,
    /// Stops writing after so many bytes of the body, and keeps the connection.
    pub stall_after: Option<usize>,
}

impl Answer {
    /// The answer as bytes and pauses.
    pub fn plan(&self) -> Plan {
        let pieces: Vec<Bytes> = match (&self.sse, &self.json, &self.text) {
            (Some(events), ..) => events.iter().map(event).collect(),
            (None, Some(json), _) => vec![json.to_string().into()],
            (None, None, text) => vec![text.clone().unwrap_or_default().into()],
        };
        let kind = if self.sse.is_some() {
            "text/event-stream"
        } else if self.json.is_some() {
            "application/json"
        } else {
            "text/plain"
        };
        let pieces = if self.drip {
            pieces
                .iter()
                .flat_map(|piece| (0..piece.len()).map(move |i| piece.slice(i..=i)))
                .collect()
        } else {
            pieces
        };
        Plan {
            status: if self.status == 0 { 200 } else { self.status },
            headers: self
                .headers
                .iter()
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect(),
            kind,
            chunked: self.sse.is_some() || self.drip,
            pieces,
            repeat: self.repeat.max(1),
            delay: Duration::from_millis(self.delay_ms),
            gap: Duration::from_millis(self.gap_ms),
            hang_up: self.hang_up,
            cut_after: self.cut_after,
            stall_after: self.stall_after,
            reset: self.reset,
            ended: self.ended,
        }
    }
}

fn event(event: &Value) -> Bytes {
    match event {
        Value::String(text) => format!("data: {text}\n\n").into(),
        other => format!("data: {other}\n\n").into(),
    }
}

/// An answer as it goes over the wire.
#[derive(Debug)]
pub struct Plan {
    status: u16,
    headers: Vec<(String, String)>,
    kind: &'static str,
    chunked: bool,
    pieces: Vec<Bytes>,
    repeat: usize,
    delay: Duration,
    gap: Duration,
    hang_up: bool,
    cut_after: Option<usize>,
    stall_after: Option<usize>,
    reset: bool,
    ended: bool,
}

impl Plan {
    /// A plain JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let json = Some(body.clone());
        Answer {
            status,
            json,
            ..Answer::default()
        }
        .plan()
    }

    /// OpenAI's answer to a chat, in the shape that the model's name asks for.
    pub fn usual(body: &Bytes) -> Self {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let model = asked["model"].as_str().unwrap_or("mock");
        let shape = |name: &str| {
            let rest = model.split_once(name)?.1.trim_start_matches('-');
            rest.split('-').next()?.parse::<u64>().ok()
        };
        let head = json!({"id": "chatcmpl-mock", "created": 1_700_000_000, "model": model, "system_fingerprint": "fp_mock"});
        let with = |more: Value| {
            let mut whole = head.clone();
            if let (Some(whole), Value::Object(more)) = (whole.as_object_mut(), more) {
                whole.extend(more);
            }
            whole
        };
        let chunks = shape("chunks").filter(|chunks| *chunks > 0).unwrap_or(5);
        let usage = json!({"prompt_tokens": 200, "completion_tokens": chunks, "total_tokens": 200 + chunks});
        let delay_ms = shape("delay").unwrap_or(0);
        if asked["stream"] != json!(true) {
            let choice = json!({"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Hello from the mock upstream."}});
            let reply =
                with(json!({"object": "chat.completion", "choices": [choice], "usage": usage}));
            return Answer {
                json: Some(reply),
                delay_ms,
                ..Answer::default()
            }
            .plan();
        }
        let part = |delta: Value, finish: Value| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
            with(json!({"object": "chat.completion.chunk", "choices": [choice]}))
        };
        let mut sse = vec![part(json!({}), json!("stop"))];
        if asked["stream_options"]["include_usage"] == json!(true) {
            sse.push(with(
                json!({"object": "chat.completion.chunk", "choices": [], "usage": usage}),
            ));
        }
        sse.push(json!("[DONE]"));
        let gap_ms = shape("gap").unwrap_or(0);
        let mut plan = Answer {
            sse: Some(sse),
            delay_ms,
            gap_ms,
            ..Answer::default()
        }
        .plan();
        // One chunk is written from a tree, the others are it with another word: making each takes longer than sending it.
        let pattern = format!("data: {}\n\n", part(json!({"content": WORD}), Value::Null));
        let (before, after) = pattern.split_once(WORD).unwrap_or_default();
        let words = (0..chunks).map(|i| Bytes::from(format!("{before}word{i} {after}")));
        plan.pieces.splice(0..0, words);
        plan
    }

    /// Whether the connection is over with this answer.
    pub fn closes(&self) -> bool {
        self.hang_up || self.cut_after.is_some()
    }

    /// Whether that end is a reset.
    pub fn resets(&self) -> bool {
        self.closes() && self.reset
    }

    /// Writes the answer; `written` counts its bytes.
    pub async fn play(&self, to: &mut WriteHalf<'_>, written: &AtomicU64) -> std::io::Result<()> {
        pause(self.delay).await;
        if self.hang_up {
            return Ok(());
        }
        let limit = self.cut_after.or(self.stall_after);
        let mut left = limit.unwrap_or(usize::MAX);
        let mut out = self.head();
        let pieces = (0..self.repeat).flat_map(|_| &self.pieces);
        for (i, piece) in pieces.enumerate() {
            if i > 0 && (!self.gap.is_zero() || out.len() >= WRITE) {
                write(to, &mut out, written).await?;
                pause(self.gap).await;
            }
            let part = &piece[..piece.len().min(left)];
            if self.chunked && !part.is_empty() {
                out.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                out.extend_from_slice(part);
                out.extend_from_slice(b"\r\n");
            } else {
                out.extend_from_slice(part);
            }
            left -= part.len();
            if limit.is_some() && left == 0 {
                if self.chunked && self.ended {
                    out.extend_from_slice(LAST_CHUNK);
                }
                write(to, &mut out, written).await?;
                if self.stall_after.is_some() {
                    std::future::pending::<()>().await;
                }
                return Ok(());
            }
        }
        if self.chunked {
            out.extend_from_slice(LAST_CHUNK);
        }
        write(to, &mut out, written).await
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!(
            "HTTP/1.1 {} Mock\r\ncontent-type: {}\r\n",
            self.status, self.kind
        );
        // Writing into a text cannot fail.
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.chunked {
            head.push_str("transfer-encoding: chunked\r\n\r\n");
        } else {
            let length = self.pieces.iter().map(Bytes::len).sum::<usize>() * self.repeat;
            let _ = write!(head, "content-length: {length}\r\n\r\n");
        }
        head.into_bytes()
    }
}

/// Where a chunk's word comes.
const WORD: &str = "{word}";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// Pieces without a gap are written together, up to this many bytes.
const WRITE: usize = 64 << 10;

async fn write(
    to: &mut WriteHalf<'_>,
    out: &mut Vec<u8>,
    written: &AtomicU64,
) -> std::io::Result<()> {
    let mut rest = &out[..];
    while !rest.is_empty() {
        let taken = to.write(rest).await?;
        written.fetch_add(taken as u64, Ordering::Relaxed);
        rest = &rest[taken..];
    }
    out.clear();
    Ok(())
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
