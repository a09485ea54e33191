//! Rows 2 to 7: upstreams that take no connection, go silent, drip, or break off.

use super::{asks, call, figure, group, longer, reply};
use crate::bed::Bed;
use mock_upstream::Answer;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
mod black_hole {
    use super::{LIMIT, asks, call, figure, group, in_time};
    use crate::bed::{Bed, upstream};
    use gateway::adapt::{Fault, UpstreamRequest};
    use gateway::forward::{BoxFuture, Client, ClientSettings, Clocks, Transport, Upstream};
    use serde_json::json;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    /// The client that users get, whose clock for connecting is the test's where it is told to have one.
    struct Hurried {
        client: Client,
        connect: Option<Duration>,
        told: Arc<Mutex<Vec<Clocks>>>,
    }

    impl Transport for Hurried {
        fn send(
            &self,
            request: UpstreamRequest,
            clocks: Clocks,
        ) -> BoxFuture<'_, Result<Upstream, Fault>> {
            self.told.lock().unwrap().push(clocks);
            let connect = clocks.connect.and(self.connect);
            self.client.send(request, Clocks { connect, ..clocks })
        }
    }

    fn bed(ports: &[u16], connect: Option<Duration>) -> (Bed, Arc<Mutex<Vec<Clocks>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let transport = Hurried {
            client: Client::new(&ClientSettings::default()).unwrap(),
            connect,
            told: told.clone(),
        };
        let router =
            "num_retries: 20, retry_after: 0, disable_cooldowns: true, retry_budget: false";
        let config = group(ports, ", timeout: 60", router, "");
        (Bed::over(&config, Arc::new(transport)), told)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn row_2_an_upstream_that_takes_no_connection_costs_the_time_to_connect() {
        let (_listener, _waiting, hole) = crate::clocks::dead();
        let (bed, told) = bed(&[hole.port()], Some(LIMIT));
        let begun = Instant::now();
        let once = asks(json!({"num_retries": 0}), "");
        let reply = call(&bed, once).await;
        let took = begun.elapsed();
        figure!(
            2,
            "a black hole: {} after {took:.1?}, time to connect set to {LIMIT:?}, that of the whole to 60 s",
            reply.status
        );
        assert_eq!(reply.status, 408, "{}", reply.text());
        assert!(in_time(took), "{took:?}");
        // What the clock is without the test.
        let told = told.lock().unwrap()[0];
        assert_eq!(told.connect, Some(Duration::from_secs(15)));
        assert_eq!(told.total, Some(Duration::from_secs(60)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn row_2_another_deployment_answers_for_a_black_hole() {
        let (_listener, _waiting, hole) = crate::clocks::dead();
        let (mock, port) = upstream();
        mock.script(vec![super::super::well(0)]);
        let (bed, told) = bed(&[hole.port(), port], Some(LIMIT / 8));
        let calls = 20;
        for _ in 0..calls {
            let reply = call(&bed, asks(json!({}), "")).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        let attempts = told.lock().unwrap().len();
        figure!(
            2,
            "a black hole of 2 deployments: {calls} of {calls} answered, with {attempts} attempts"
        );
        assert!(attempts > calls, "the black hole was never asked");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn row_2_control_without_that_clock_it_is_waited_for() {
        let (_listener, _waiting, hole) = crate::clocks::dead();
        let (bed, _) = bed(&[hole.port()], None);
        let over = call(&bed, asks(json!({"num_retries": 0}), ""));
        let over = tokio::time::timeout(4 * LIMIT, over).await;
        assert!(over.is_err(), "over without a clock");
    }
}

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

/// How a stream that is cut ends: its connection in order, by a reset, or not at all, because all that HTTP sees is whole.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Closed,
    Reset,
    Whole,
}

/// Asks for a stream cut at every so many bytes: how many were cut, and which a client took for something that they
/// are not. What comes out has to be the whole of it or an error, never a part that looks whole.
async fn misread(bed: &Bed, path: &str, ends: &[End], step: usize) -> (usize, Vec<(End, usize)>) {
    let whole: String = stream()
        .iter()
        .map(|event| match event {
            Value::String(text) => format!("data: {text}\n\n"),
            other => format!("data: {other}\n\n"),
        })
        .collect();
    // From here on the answer is complete: its finish reason has been told.
    let complete = whole.find("\"stop\"").unwrap();
    let request = asks(json!({"stream": true}), "").replace("/v1/chat/completions", path);
    let (mut cuts, mut wrong) = (0, Vec::new());
    for end in ends {
        for cut in (0..whole.len()).step_by(step) {
            bed.mock.script(vec![Answer {
                sse: Some(stream()),
                cut_after: Some(cut),
                reset: *end == End::Reset,
                ended: *end == End::Whole,
                ..Answer::default()
            }]);
            let reply = call(bed, request.clone()).await;
            let text = reply.text();
            let told = reply.status != 200 || text.contains("{\"error\":");
            let looks_whole = text.contains("\"finish_reason\":\"stop\"");
            cuts += 1;
            let wrongly_whole = cut < complete && (!told || looks_whole);
            let wrongly_silent = !told && !looks_whole;
            if wrongly_whole || wrongly_silent {
                wrong.push((*end, cut));
            }
        }
    }
    (cuts, wrong)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_7_no_cut_at_any_byte_is_taken_for_the_end() {
    let bed = with_clocks("");
    let step = if longer() > 1 { 1 } else { 3 };
    let ends = [End::Closed, End::Reset, End::Whole];
    let (cuts, wrong) = misread(&bed, "/v1/chat/completions", &ends, step).await;
    figure!(
        7,
        "{cuts} cuts by FIN, RST and an early last chunk: {} taken for the end",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// What reading the events is for: what is passed through unread is cut like the upstream's, and nobody is told.
#[tokio::test(flavor = "multi_thread")]
async fn row_7_control_where_nobody_reads_the_events_a_cut_is_taken_for_the_end() {
    let bed = Bed::with(1, |ports| {
        let unread = format!(
            ", pass_through_endpoints: [{{path: /unread, target: \"http://127.0.0.1:{}/unread\"}}]",
            ports[0]
        );
        group(ports, "", "num_retries: 0", &unread)
    });
    let (cuts, wrong) = misread(&bed, "/unread", &[End::Whole], 10).await;
    figure!(
        7,
        "the control, {cuts} cuts that nobody looks for: {} taken for the end",
        wrong.len()
    );
    assert!(wrong.len() > cuts / 2, "{wrong:?}");
}
