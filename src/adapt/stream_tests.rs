//! Streams, cut anywhere, fast and slow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn settings() -> StreamSettings {
    StreamSettings {
        model: "gpt-4o".into(),
        closing_model: None,
        open_end: false,
        id: "id".into(),
        created: 7,
        usage_asked: false,
        usage_with_choice: false,
        text: false,
        merge_reasoning: false,
        keep_extras: true,
        open_router: false,
        hides_fingerprint: false,
        upstream_model: false,
        comments: true,
        own_id: false,
        fields_first: false,
    }
}

fn stream(settings: StreamSettings) -> OpenAiStream {
    OpenAiStream::new(
        StreamPlace {
            provider: "openai".into(),
            model: "gpt-4o".into(),
            wording: Wording::Message,
            family: Family::OpenAi,
        },
        settings,
    )
}

/// Output, end or error, with or without the hot path.
fn run(pieces: &[&[u8]], settings: StreamSettings, fast: bool) -> (String, Result<StreamEnd>) {
    let mut stream = stream(settings);
    let mut out = BytesMut::new();
    for piece in pieces {
        for part in if fast {
            vec![*piece]
        } else {
            piece.split_inclusive(|b| *b == b'\n').collect()
        } {
            if !fast {
                stream.body.templates.clear();
            }
            if let Err(error) = stream.push(part, &mut out) {
                return (String::from_utf8(out.to_vec()).unwrap(), Err(error));
            }
        }
    }
    let end = stream.finish(&mut out);
    (String::from_utf8(out.to_vec()).unwrap(), end)
}

fn chunk(delta: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"up\",\"system_fingerprint\":\"fp\",\
         \"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null}}\n\n"
    )
}

const END: &str = "data: {\"id\":\"c1\",\"created\":5,\"model\":\"up\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

#[test]
fn common_chunks_take_the_hot_path() {
    let mut stream = stream(settings());
    let mut out = BytesMut::new();
    stream
        .push(
            chunk("{\"role\":\"assistant\",\"content\":\"\"}").as_bytes(),
            &mut out,
        )
        .unwrap();
    assert!(stream.body.templates.is_empty());
    stream
        .push(chunk("{\"content\":\"a\"}").as_bytes(), &mut out)
        .unwrap();
    assert_eq!(stream.body.templates.len(), 1);
    out.clear();
    stream
        .push(
            chunk("{\"content\":\"b \\\"\\u00e9\"}").as_bytes(),
            &mut out,
        )
        .unwrap();
    assert_eq!(
        stream.body.templates.len(),
        1,
        "the second content chunk fits the first one's template"
    );
    let text = std::str::from_utf8(&out).unwrap();
    let value: Value =
        serde_json::from_str(text.strip_prefix("data: ").unwrap().trim_end()).unwrap();
    assert_eq!(
        value,
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "gpt-4o", "system_fingerprint": "fp",
            "choices": [{"index": 0, "delta": {"content": "b \"é"}}]})
    );
}

#[test]
fn a_stream_that_repeats_itself_is_stopped() {
    let mut bytes = chunk("{\"role\":\"assistant\",\"content\":\"\"}");
    for _ in 0..102 {
        bytes += &chunk("{\"content\":\"again\"}");
    }
    for fast in [true, false] {
        let (_, end) = run(&[bytes.as_bytes()], settings(), fast);
        assert_eq!(end.unwrap_err().kind, crate::ErrorKind::InternalServer);
    }
}

#[test]
fn an_end_without_a_finish_reason_is_an_error() {
    let bytes = chunk("{\"role\":\"assistant\",\"content\":\"Hi\"}");
    let (_, end) = run(&[bytes.as_bytes(), b"data: [DONE]\n\n"], settings(), true);
    assert_eq!(end.unwrap_err().kind, crate::ErrorKind::ApiConnection);
}

#[test]
fn a_stream_in_which_nothing_came_is_a_cut_unless_it_was_ended() {
    for nothing in ["", "dat", ": comment\n\n"] {
        let (_, end) = run(&[nothing.as_bytes()], settings(), true);
        assert_eq!(
            end.unwrap_err().kind,
            crate::ErrorKind::ApiConnection,
            "{nothing:?}"
        );
    }
    let (out, end) = run(&[b"data: [DONE]\n\n"], settings(), true);
    assert!(end.unwrap().complete && out.contains("\"stop\""), "{out}");
}

#[test]
fn an_event_cut_short_is_a_cut() {
    let whole = chunk("{\"role\":\"assistant\",\"content\":\"Hi\"}");
    let (out, end) = run(&[&whole.as_bytes()[..whole.len() - 9]], settings(), true);
    assert_eq!(out, "");
    assert!(end.unwrap_err().message.ends_with("Connection error."));
}

#[test]
fn an_error_in_place_of_a_stream_is_an_error() {
    let body = b"{\"error\": {\"message\": \"boom\",\n \"code\": 500}}";
    for cut in 1..body.len() {
        let (out, end) = run(&[&body[..cut], &body[cut..]], settings(), true);
        assert!(end.unwrap_err().message.ends_with("boom"), "{out}");
    }
}

#[test]
fn a_stream_that_is_left_tells_what_came() {
    let mut stream = stream(settings());
    let mut out = BytesMut::new();
    stream
        .push(
            chunk("{\"role\":\"assistant\",\"content\":\"Hi\"}").as_bytes(),
            &mut out,
        )
        .unwrap();
    let end = stream.so_far();
    assert_eq!((end.complete, end.text.content.as_str()), (false, "Hi"));
    assert_eq!(end.upstream_model.as_deref(), Some("up"));
}

#[test]
fn comments_are_handed_on_at_once() {
    let (out, _) = run(&[b": ping\n"], settings(), true);
    assert!(out.starts_with(": ping\n\n"));
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn delta() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            "[a-z ]{0,6}",
            "\\PC{0,4}",
            Just("\n\"\\\u{2028}".to_owned())
        ];
        (text, 0..9).prop_map(|(text, kind)| {
            let text = json!(text);
            match kind {
                0..=3 => format!("{{\"content\":{text}}}"),
                4 => format!("{{\"reasoning_content\":{text}}}"),
                5 => format!("{{\"role\":\"assistant\",\"content\":{text}}}"),
                6 => format!(
                    "{{\"tool_calls\":[{{\"index\":0,\"id\":\"t\",\"function\":{{\"name\":\"f\",\"arguments\":{text}}}}}]}}"
                ),
                7 => format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{text}}}}}]}}"),
                _ => format!("{{\"content\":{text},\"refusal\":null,\"x\":1}}"),
            }
        })
    }

    fn summary(result: &(String, Result<StreamEnd>)) -> (Vec<Value>, Option<stream_text::Text>) {
        let chunks = result
            .0
            .split("\n\n")
            .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
            .collect();
        (chunks, result.1.as_ref().ok().map(|end| end.text.clone()))
    }

    mod stream_text {
        pub use crate::adapt::stream_usage::StreamText as Text;
    }

    proptest! {
        #[test]
        fn the_hot_path_says_what_the_slow_path_says(deltas in prop::collection::vec(delta(), 0..20), cut in 0usize..4000, merge: bool) {
            let mut bytes: String = deltas.iter().map(|delta| chunk(delta)).collect();
            bytes += END;
            let settings = StreamSettings { merge_reasoning: merge, ..settings() };
            let slow = run(&[bytes.as_bytes()], settings.clone(), false);
            let fast = run(&[bytes.as_bytes()], settings.clone(), true);
            prop_assert_eq!(summary(&slow), summary(&fast));
            let cut = cut.min(bytes.len());
            let halves = run(&[&bytes.as_bytes()[..cut], &bytes.as_bytes()[cut..]], settings, true);
            prop_assert_eq!(&fast.0, &halves.0);
        }
    }
}
