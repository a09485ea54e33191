//! Rows 3 to 7: upstreams that go silent, drip, or break off.

use super::{asks, call, figure, group, longer, reply};
use crate::bed::Bed;
use mock_upstream::Answer;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_millis(400);

fn bed() -> Bed {
    with_clocks(", timeout: 0.4, stream_timeout: 0.4")
}

fn with_clocks(clocks: &str) -> Bed {
    Bed::with(1, |ports| {
        group(ports, clocks, "num_retries: 0, disable_cooldowns: true", "")
    })
}

/// An upstream that never answers, one that says nothing after its head, one that says one token, and one that drips.
fn silences() -> [(Answer, bool); 4] {
    let streams = |stall_after| Answer {
        sse: Some(stream()),
        stall_after: Some(stall_after),
        ..Answer::default()
    };
    let silent = Answer {
        delay_ms: 60_000,
        json: Some(reply()),
        ..Answer::default()
    };
    let drips = Answer {
        json: Some(reply()),
        drip: true,
        gap_ms: 50,
        ..Answer::default()
    };
    let first = format!("data: {}\n\n", stream()[0]).len();
    [
        (silent, false),
        (streams(0), true),
        (streams(first), true),
        (drips, false),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_3_to_6_control_without_the_clocks_they_are_waited_for() {
    for (row, (answer, streamed)) in (3..).zip(silences()) {
        let bed = with_clocks("");
        bed.mock.script(vec![answer]);
        let over = call(&bed, asks(json!({"stream": streamed}), ""));
        let over = tokio::time::timeout(4 * LIMIT, over).await;
        assert!(over.is_err(), "row {row}: over without a clock");
    }
}

fn chunk(text: &str, finish: Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})
}

fn stream() -> Vec<Value> {
    vec![
        chunk("Hel", Value::Null),
        chunk("lo", Value::Null),
        chunk("", json!("stop")),
        json!("[DONE]"),
    ]
}

/// The time until the error, which has to be the clock's.
async fn over_after(bed: &Bed, answer: Answer, streamed: bool) -> (Duration, u16, String) {
    bed.mock.script(vec![answer]);
    let begun = Instant::now();
    let reply = call(bed, asks(json!({"stream": streamed}), "")).await;
    let took = begun.elapsed();
    bed.mock.until_left_early(1).await;
    (took, reply.status, reply.text())
}

fn in_time(took: Duration) -> bool {
    // Fifty milliseconds on a machine of one's own; here others work, too.
    took >= LIMIT && took < LIMIT + Duration::from_millis(400)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_3_an_upstream_that_never_answers_is_given_up_at_its_time() {
    let [(silent, _), ..] = silences();
    for streamed in [false, true] {
        let (took, status, text) = over_after(&bed(), silent.clone(), streamed).await;
        figure!(
            3,
            "no head (stream: {streamed}): {status} after {took:.1?}, set to {LIMIT:?}"
        );
        assert!(in_time(took) && status == 408, "{took:?} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_4_a_stream_without_a_first_token_is_given_up_at_its_time() {
    let [_, (stalls, _), ..] = silences();
    let (took, status, text) = over_after(&bed(), stalls, true).await;
    figure!(
        4,
        "no first token: {status} after {took:.1?}, set to {LIMIT:?}"
    );
    assert!(in_time(took) && status == 408, "{took:?} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_5_a_stream_that_stalls_ends_with_an_error_event() {
    let [_, _, (stalls, _), _] = silences();
    let (took, status, text) = over_after(&bed(), stalls, true).await;
    figure!(
        5,
        "stalled after a token: error event after {took:.1?}, set to {LIMIT:?}"
    );
    assert!(in_time(took) && status == 200, "{took:?} {text}");
    assert!(
        text.contains("Hel") && text.contains("{\"error\":"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn row_6_a_reply_that_drips_is_ended_by_the_clock_of_the_whole() {
    let [.., (drips, _)] = silences();
    let (took, status, text) = over_after(&bed(), drips, false).await;
    figure!(
        6,
        "a byte each 50 ms: {status} after {took:.1?}, set to {LIMIT:?}"
    );
    assert!(in_time(took) && status == 408, "{took:?} {text}");
}

/// Wherever a stream is cut, what comes out is the whole of it or an error, never a part that looks whole.
#[tokio::test(flavor = "multi_thread")]
async fn row_7_no_cut_at_any_byte_is_taken_for_the_end() {
    let bed = Bed::with(1, |ports| {
        group(ports, "", "num_retries: 0, disable_cooldowns: true", "")
    });
    let whole: String = stream()
        .iter()
        .map(|event| match event {
            Value::String(text) => format!("data: {text}\n\n"),
            other => format!("data: {other}\n\n"),
        })
        .collect();
    // From here on the answer is complete: its finish reason has been told.
    let complete = whole.find("\"stop\"").unwrap();
    let step = if longer() > 1 { 1 } else { 3 };
    let (mut cuts, mut wrong) = (0, Vec::new());
    for reset in [false, true] {
        for cut in (0..whole.len()).step_by(step) {
            bed.mock.script(vec![Answer {
                sse: Some(stream()),
                cut_after: Some(cut),
                reset,
                ..Answer::default()
            }]);
            let reply = call(&bed, asks(json!({"stream": true}), "")).await;
            let text = reply.text();
            let told = reply.status != 200 || text.contains("{\"error\":");
            let looks_whole = text.contains("\"finish_reason\":\"stop\"");
            cuts += 1;
            let wrongly_whole = cut < complete && (!told || looks_whole);
            let wrongly_silent = !told && !looks_whole;
            if wrongly_whole || wrongly_silent {
                wrong.push((reset, cut));
            }
        }
    }
    figure!(
        7,
        "{cuts} cuts by FIN and RST: {} taken for the end",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}
