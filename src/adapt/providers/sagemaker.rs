//! Models at endpoints of Amazon SageMaker that speak OpenAI's chat: the body is OpenAI's, the address is the
//! endpoint's, and the request is signed. A stream is OpenAI's inside Amazon's frames.
//!
//! API: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html>.

use super::bedrock::chunks::Stop;
use super::bedrock::eventstream::{Message, Parser};
use super::bedrock::wire;
use super::openai::OpenAi;
use crate::adapt::{Adapter, Auth, Head, Reply, StreamAdapter, StreamEnd, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue};

/// The model behind an endpoint that has several.
const COMPONENT: HeaderName = HeaderName::from_static("x-amzn-sagemaker-inference-component");

/// The adapter.
pub struct SageMaker;

impl Adapter for SageMaker {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut request = OpenAi.request(call, target)?;
        request.url = address(call, target)?;
        if let Some(component) = call.params.get::<String>("model_id")
            && let Ok(value) = HeaderValue::from_str(&component)
        {
            request.headers.insert(COMPONENT, value);
        }
        Ok(request)
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        wire::signed("sagemaker", call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        OpenAi.reply(call, target, head, body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        Box::new(Framed {
            frames: Parser::default(),
            inner: OpenAi.stream(call, target),
            target: target.clone(),
        })
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }
}

fn address(call: &Call, target: &Target) -> Result<String> {
    let verb = if call.stream {
        "invocations-response-stream"
    } else {
        "invocations"
    };
    let own = target.options.other.get::<String>("sagemaker_base_url");
    let base = own.unwrap_or_else(|| target.api_base.clone());
    if !base.is_empty() {
        return Ok(base);
    }
    let region = wire::region(target, &Params::default())?;
    let domain = wire::dns_suffix(&region);
    let endpoint = wire::escaped(&target.model);
    Ok(format!(
        "https://runtime.sagemaker.{region}.{domain}/endpoints/{endpoint}/{verb}"
    ))
}

/// OpenAI's stream in Amazon's frames.
struct Framed {
    frames: Parser,
    inner: Box<dyn StreamAdapter>,
    target: Target,
}

fn told(what: &str, target: &Target) -> Error {
    Error::new(ErrorKind::Api, format!("SagemakerException - {what}"))
        .at(target.provider.name, &target.model)
}

impl StreamAdapter for Framed {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self {
            frames,
            inner,
            target,
        } = self;
        let read = frames.push(bytes, |message: Message<'_>| {
            if message.kind == "event" {
                return inner.push(message.payload, out).map_err(Stop::Error);
            }
            let said = String::from_utf8_lossy(message.payload);
            let what = format!("{} {} {said}", message.name, message.reason);
            Err(Stop::Error(told(what.trim(), target)))
        });
        read.map_err(|stop| match stop {
            Stop::Error(error) => error,
            Stop::Bytes(broken) => told(&broken.to_string(), target),
        })
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.frames.is_cut() {
            return self.inner.cut(out);
        }
        self.inner.finish(out)
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        self.inner.cut(out)
    }

    fn so_far(&self) -> StreamEnd {
        self.inner.so_far()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::bedrock::eventstream::write;
    use super::*;
    use crate::options::Options;
    use crate::request::Op;
    use serde_json::{Value, json};

    fn target() -> Target {
        let mut options = Options::default();
        options.other.set("aws_region_name", &"eu-west-1");
        Target::resolve("sagemaker_chat/my-endpoint", &options, &|_| None).unwrap()
    }

    fn call(stream: bool) -> Call {
        let body = json!({"messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5});
        let params = Params::parse(&Bytes::from(body.to_string())).unwrap();
        let mut call = Call::new(Op::Chat, "sagemaker_chat/my-endpoint", params);
        call.stream = stream;
        call
    }

    #[test]
    fn an_endpoint_is_asked_as_openai_is_and_signed() {
        let request = SageMaker.request(&call(false), &target()).unwrap();
        let place = "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/my-endpoint/";
        assert_eq!(request.url, format!("{place}invocations"));
        let streamed = SageMaker.request(&call(true), &target()).unwrap();
        assert_eq!(streamed.url, format!("{place}invocations-response-stream"));
        let body = json!({"model": "my-endpoint", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5});
        assert_eq!(request.body, body.to_string().as_str());
        assert!(request.headers.get("authorization").is_none());
        let auth = SageMaker.auth(&call(false), &target());
        assert!(
            matches!(auth, Auth::Aws { service: "sagemaker", region, .. } if region == "eu-west-1")
        );
    }

    fn streamed(pieces: &[&[u8]]) -> Result<String> {
        let mut stream = SageMaker.stream(&call(true), &target());
        let mut out = BytesMut::new();
        for piece in pieces {
            stream.push(piece, &mut out)?;
        }
        stream.finish(&mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn a_stream_is_the_same_wherever_its_frames_are_cut() {
        let chunk = |delta: Value, finish: Value| {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        };
        let said = chunk(
            json!({"role": "assistant", "content": "Hello"}),
            Value::Null,
        );
        let over = chunk(json!({}), json!("stop"));
        let text = format!("data: {said}\n\ndata: {over}\n\ndata: [DONE]\n\n");
        let headers = [(":message-type", "event"), (":event-type", "PayloadPart")];
        let (first, rest) = text.split_at(text.len() / 3);
        let mut frames = write(&headers, first.as_bytes());
        frames.extend(write(&headers, rest.as_bytes()));
        let whole = streamed(&[&frames]).unwrap();
        assert!(
            whole.contains("Hello") && whole.contains("\"stop\""),
            "{whole}"
        );
        for at in 0..frames.len() {
            assert_eq!(
                streamed(&[&frames[..at], &frames[at..]]).unwrap(),
                whole,
                "{at}"
            );
        }
    }

    #[test]
    fn an_exception_in_a_stream_is_an_error_with_its_words() {
        let headers = [
            (":message-type", "exception"),
            (":exception-type", "ModelStreamError"),
        ];
        let error = streamed(&[&write(&headers, b"{\"Message\":\"out of memory\"}")]).unwrap_err();
        assert!(error.message.contains("out of memory"), "{}", error.message);
    }
}
