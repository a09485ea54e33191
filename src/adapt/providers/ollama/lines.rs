//! Streams of Ollama: a JSON object a line, the last of which says `"done": true`.

use super::failure;
use crate::adapt::canonical::into_object;
use crate::adapt::json_fault;
use crate::adapt::ndjson::LineParser;
use crate::adapt::providers::replies::{counts, place};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::Result;
use bytes::BytesMut;
use serde_json::{Value, json};

/// What a line adds, by OpenAI's names.
#[derive(Debug, Default)]
pub struct Added {
    /// The delta, when there is one.
    pub delta: Option<Value>,
    /// The finish reason.
    pub finish: Option<String>,
}

/// How the lines of one endpoint are read.
pub trait Reader: Send {
    /// Reads a line that is no error. `id` tells the call apart from others.
    fn read(&mut self, line: &Value, id: &str) -> Added;
}

/// The adapter of one stream.
pub struct LineStream<R> {
    parser: LineParser,
    body: Body<R>,
}

struct Body<R> {
    reader: R,
    chunks: Chunks,
    target: Target,
    /// The last line came.
    done: bool,
}

impl<R: Reader> LineStream<R> {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target, reader: R) -> Self {
        let body = Body {
            reader,
            chunks: Chunks::new(settings),
            target: target.clone(),
            done: false,
        };
        Self {
            parser: LineParser::default(),
            body,
        }
    }
}

impl<R: Reader> StreamAdapter for LineStream<R> {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, body } = self;
        parser.push(bytes, |line| body.line(line, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, body } = self;
        parser.finish(|line| body.line(line, out))?;
        if !body.done {
            let what = "Stream ended before a finish_reason was received";
            return Err(place(&body.target).broken(what));
        }
        Ok(body.end(out))
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if !self.body.done {
            return Err(place(&self.body.target).cut());
        }
        Ok(self.body.end(out))
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.body.chunks.end()
        }
    }
}

impl<R: Reader> Body<R> {
    fn line(&mut self, line: &[u8], out: &mut BytesMut) -> Result<()> {
        if self.done {
            return Ok(());
        }
        let Ok(line) = serde_json::from_slice::<Value>(line) else {
            return Err(place(&self.target).broken(&json_fault::describe(line)));
        };
        if let Some(error) = line.get("error").filter(|error| !error.is_null()) {
            return Err(failure(&self.target, error));
        }
        if line["done"] == true {
            self.done = true;
            let count = |name: &str| line[name].as_u64();
            if let (Some(prompt), Some(answer)) = (count("prompt_eval_count"), count("eval_count"))
            {
                self.chunks.usage = Some(counts(prompt, answer));
            }
        }
        let added = self.reader.read(&line, &self.chunks.settings.id);
        if let Some(delta) = added.delta {
            let choice = json!({"index": 0, "delta": delta});
            let chunk = into_object(json!({"model": line["model"], "choices": [choice]}));
            if let Some(rendered) = self.chunks.take(chunk, &place(&self.target))? {
                stream::write_event(&self.chunks.settings, rendered, out);
            }
        }
        if added.finish.is_some() {
            self.chunks.finish = added.finish;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> StreamEnd {
        if let Some(last) = self.chunks.finish_chunk() {
            stream::write_event(&self.chunks.settings, last, out);
        }
        self.chunks.end()
    }
}
