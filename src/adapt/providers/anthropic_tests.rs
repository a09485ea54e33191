//! Recorded Anthropic answers: the traits fit a protocol that is not OpenAI's.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

use super::*;
use crate::adapt::registry::provider;
use crate::adapt::sse::SseParser;
use crate::options::Options;
use crate::params::Params;
use crate::request::Op;
use bytes::BytesMut;
use std::path::Path;

fn without_volatile(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, value| !value.is_null() && name != "id" && name != "created");
            object.values_mut().for_each(without_volatile);
        }
        Value::Array(items) => items.iter_mut().for_each(without_volatile),
        _ => {}
    }
}

fn sse(events: &[Value]) -> String {
    let lines = events.iter().map(|event| {
        format!(
            "event: {}\ndata: {}\n\n",
            event["$event"].as_str().unwrap_or(""),
            event["$data"]
        )
    });
    lines.collect()
}

fn case(case: &Value) -> Option<(Call, Target, Value)> {
    let kwargs = &case["call"]["kwargs"];
    let bytes = Bytes::from(serde_json::to_vec(kwargs).unwrap());
    let (options, members) = Options::split(Params::parse(&bytes).ok()?).ok()?;
    let model = kwargs["model"].as_str()?.strip_prefix("anthropic/")?;
    let mut call = Call::new(Op::Chat, model, members);
    call.options = options;
    let target = Target {
        provider: provider("anthropic").unwrap(),
        model: model.into(),
        api_base: "https://api.anthropic.com".into(),
        api_key: None,
        options: Options::default(),
        defaults: Params::default(),
        deployment_id: String::new(),
        model_group: String::new(),
        litellm_model: String::new(),
        memo: crate::adapt::Memo::default(),
    };
    Some((call, target, case["upstream"].as_array()?.last()?.clone()))
}

fn outcome(call: &Call, target: &Target, upstream: &Value) -> (Value, Option<Error>) {
    let status = upstream["status"].as_u64().unwrap_or(200) as u16;
    let head = Head {
        status: http::StatusCode::from_u16(status).unwrap(),
        headers: http::HeaderMap::new(),
    };
    if status >= 400 {
        let body = serde_json::to_vec(&upstream["json"]).unwrap();
        return (
            Value::Null,
            Some(Anthropic.error(call, target, &head, &body)),
        );
    }
    let Some(events) = upstream["sse"].as_array() else {
        let body = serde_json::to_vec(&upstream["json"]).unwrap();
        return match Anthropic.reply(call, target, &head, body.into()) {
            Ok(reply) => (serde_json::from_slice(&reply.body).unwrap(), None),
            Err(error) => (Value::Null, Some(error)),
        };
    };
    let mut out = BytesMut::new();
    let mut adapter = Anthropic.stream(call, target);
    let kept = upstream["abort_after"]
        .as_u64()
        .map_or(events.len(), |kept| kept as usize);
    let pushed = adapter.push(sse(&events[..kept]).as_bytes(), &mut out);
    let end = pushed.and_then(|()| adapter.finish(&mut out));
    let mut chunks = Vec::new();
    let mut on = |item: crate::adapt::sse::Item<'_>| {
        if let crate::adapt::sse::Item::Event { data, .. } = item {
            chunks.push(serde_json::from_slice::<Value>(data).unwrap());
        }
        Ok(())
    };
    SseParser::default().push(&out, &mut on).unwrap();
    (json!(chunks), end.err())
}

#[test]
fn recorded_answers_give_recorded_results() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases/http_anthropic.json");
    let cases: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut matched, mut missed) = (0, Vec::new());
    for recorded in cases["cases"].as_array().unwrap() {
        let area = recorded["area"].as_str().unwrap();
        let wanted_area = ["chat.basic", "chat.tools", "stream.", "errors"]
            .iter()
            .any(|prefix| area.starts_with(prefix));
        let function = recorded["call"]["function"].as_str().unwrap();
        let asked = recorded["expected"]["requests"]
            .as_array()
            .is_some_and(|sent| !sent.is_empty());
        if !wanted_area || !function.ends_with("completion") || !asked {
            continue;
        }
        let Some((call, target, upstream)) = case(recorded) else {
            continue;
        };
        if ["json", "sse"]
            .iter()
            .all(|form| upstream.get(*form).is_none())
        {
            continue;
        }
        let expected = &recorded["expected"];
        let (mut got, error) = outcome(&call, &target, &upstream);
        let mut wanted = match expected.get("chunks") {
            Some(chunks) => chunks.clone(),
            None => expected.get("result").cloned().unwrap_or_default(),
        };
        if let Value::Array(chunks) = &mut wanted {
            chunks.retain(|chunk| chunk["usage"].is_null());
        }
        without_volatile(&mut wanted);
        without_volatile(&mut got);
        let wanted_error = expected.get("error").or(expected.get("stream_error"));
        let same_error = match (&error, wanted_error) {
            (None, None) => true,
            (Some(error), Some(wanted)) => {
                wanted["status_code"] == json!(error.status)
                    && (wanted["class"] == json!(error.kind.row().class)
                        || expected.get("stream_error").is_some())
            }
            _ => false,
        };
        if same_error && (wanted == got || wanted.is_null()) {
            matched += 1;
        } else {
            missed.push(format!(
                "{}\n  {wanted}\n  {got}\n  {error:?} {wanted_error:?}",
                recorded["id"]
            ));
        }
    }
    for miss in &missed {
        println!("{miss}");
    }
    println!("{matched} matched, {} missed", missed.len());
    assert!(matched >= 41 && missed.len() <= 1);
}
