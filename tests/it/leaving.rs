//! Clients that leave: in every phase of a call the upstream learns of it at once, and nothing of the call stays.

use super::bed::{Bed, asked, becomes};
use super::client::{Client, PATIENCE, chat, post};
use super::faults::{figure, longer};
use mock_upstream::Answer;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The upstream sees its connection close within this time.
const SOON: Duration = Duration::from_millis(250);
/// Clients that leave together.
const BATCH: usize = 20;
/// Calls that the deployment takes at a time: fewer than would hide a permit that is not given back.
const PERMITS: usize = BATCH;

/// Where a call is when its client leaves.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Half of the request's head is sent.
    Head,
    /// Half of the request's body is sent.
    Body,
    /// The upstream is thinking.
    Thinking,
    /// The upstream has sent its head, no event yet.
    FirstByte,
    /// One event has come.
    Streaming,
    /// More comes than the client reads.
    Slow,
}

const PHASES: [Phase; 6] = [
    Phase::Head,
    Phase::Body,
    Phase::Thinking,
    Phase::FirstByte,
    Phase::Streaming,
    Phase::Slow,
];

/// What the upstream sends in events.
#[derive(Clone, Copy)]
enum Events {
    /// Nothing: it answers in one.
    None,
    /// Chunks of a chat or of a completion.
    Chunks,
    /// What OpenAI's Responses say.
    Responses,
}

/// Where a call is made.
struct Endpoint {
    path: &'static str,
    body: Value,
    events: Events,
}

fn endpoints() -> Vec<Endpoint> {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let one = |path, events, body: Value| Endpoint { path, body, events };
    let chat = json!({"model": "m", "stream": true, "messages": messages});
    let response = json!({"model": "m", "stream": true, "input": "Hello"});
    let claude = json!({"model": "m", "stream": true, "max_tokens": 9, "messages": messages});
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]});
    let prompt = json!({"model": "m", "stream": true, "prompt": "Hello"});
    let plain = |input: &str| json!({"model": "m", input: "Hello", "voice": "alloy"});
    vec![
        one("/v1/chat/completions", Events::Chunks, chat),
        one("/v1/completions", Events::Chunks, prompt),
        one("/v1/responses", Events::Responses, response),
        one("/v1/messages", Events::Responses, claude),
        one(
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            Events::Chunks,
            gemini.clone(),
        ),
        one("/v1beta/models/m:generateContent", Events::None, gemini),
        one("/v1/embeddings", Events::None, plain("input")),
        one("/v1/moderations", Events::None, plain("input")),
        one("/v1/images/generations", Events::None, plain("prompt")),
        one("/v1/audio/speech", Events::None, plain("input")),
        one("/v1/audio/transcriptions", Events::None, Value::Null),
    ]
}

impl Endpoint {
    /// The phases that a call there can be in.
    fn phases(&self) -> Vec<Phase> {
        let all = PHASES.into_iter();
        match self.events {
            Events::None => all
                .filter(|phase| !matches!(phase, Phase::Streaming | Phase::Slow))
                .collect(),
            // What fills the buffers is the same for all.
            _ if self.path != "/v1/chat/completions" => {
                all.filter(|phase| !matches!(phase, Phase::Slow)).collect()
            }
            _ => all.collect(),
        }
    }

    fn request(&self) -> String {
        if self.body.is_null() {
            let form = "--B\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\ncontent-disposition: \
                        form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--B--\r\n";
            return post(self.path, form)
                .replace("application/json", "multipart/form-data; boundary=B");
        }
        post(self.path, &self.body.to_string())
    }

    /// The first events of its stream.
    fn first(&self, text: &str) -> Vec<Value> {
        match self.events {
            Events::Responses => vec![
                json!({"type": "response.created", "sequence_number": 0, "response": {"id": "r", "object": "response",
                    "created_at": 1, "status": "in_progress", "model": "m", "output": []}}),
                json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
                    "item": {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}}),
                json!({"type": "response.output_text.delta", "sequence_number": 2, "item_id": "i", "output_index": 0,
                    "content_index": 0, "delta": text}),
            ],
            _ => vec![
                json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "text": text, "delta": {"content": text}, "finish_reason": null}]}),
            ],
        }
    }
}

impl Phase {
    /// Whether the upstream hears of the call at all.
    fn goes_upstream(self) -> bool {
        !matches!(self, Self::Head | Self::Body)
    }

    /// Clients that leave in this phase, of those that every other phase gets: what fills the buffers takes time.
    fn share(self, clients: usize) -> usize {
        match self {
            Self::Slow => clients.div_ceil(5),
            _ => clients,
        }
    }

    fn answer(self, at: &Endpoint) -> Answer {
        let delay_ms = if matches!(self, Self::Thinking) {
            3_600_000
        } else {
            0
        };
        if matches!(at.events, Events::None) {
            return Answer {
                json: Some(json!({})),
                delay_ms,
                stall_after: matches!(self, Self::FirstByte).then_some(0),
                ..Answer::default()
            };
        }
        let (first, never) = (at.first("first"), at.first("never"));
        let length = first
            .iter()
            .map(|event| format!("data: {event}\n\n").len())
            .sum();
        let sse = match self {
            // A model that says the same again and again would be stopped.
            Self::Slow => ["x", "y"]
                .map(|text| at.first(&text.repeat(16 << 10)))
                .concat(),
            _ => [first, never].concat(),
        };
        Answer {
            sse: Some(sse),
            delay_ms,
            repeat: if matches!(self, Self::Slow) {
                1 << 20
            } else {
                1
            },
            stall_after: match self {
                Self::FirstByte => Some(0),
                Self::Streaming => Some(length),
                _ => None,
            },
            ..Answer::default()
        }
    }

    /// A client that has come so far.
    async fn reached(self, bed: &Bed, at: &Endpoint) -> Client {
        let request = at.request();
        let head = request.find("\r\n\r\n").unwrap();
        let mut client = match self {
            Self::Slow => Client::narrow(bed.address).await,
            _ => Client::open(bed.address).await,
        };
        match self {
            Self::Head => client.send(&request[..head / 2]).await,
            Self::Body => client.send(&request[..head + 20]).await,
            _ => client.send(&request).await,
        }
        if matches!(self, Self::Streaming | Self::Slow) {
            client.until("data: ").await;
        }
        client
    }
}

/// Waits until nothing more is taken of the upstream: every buffer on the way is full.
async fn stuck(bed: &Bed) {
    let mut before = 0;
    let mut same = 0;
    while same < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let written = bed.mock.written();
        same = if written == before { same + 1 } else { 0 };
        before = written;
    }
}

/// One batch: all get there, all leave. How long it took the upstream to learn of it.
async fn leave_together(bed: &Bed, at: &Endpoint, phase: Phase, clients: usize) -> Duration {
    bed.mock.script(vec![phase.answer(at)]);
    let reached = bed.mock.reached() + clients as u64;
    let mut gone = Vec::new();
    for _ in 0..clients {
        gone.push(phase.reached(bed, at).await);
    }
    if phase.goes_upstream() {
        let all = bed.mock.until_reached(reached);
        tokio::time::timeout(PATIENCE, all)
            .await
            .expect("the upstream is asked");
    }
    if matches!(phase, Phase::Slow) {
        stuck(bed).await;
    }
    let begun = Instant::now();
    drop(gone);
    if phase.goes_upstream() {
        let left = bed.mock.until_left_early(clients as u64);
        tokio::time::timeout(PATIENCE, left)
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "{} {phase:?}: {} of {clients} upstream calls ended",
                    at.path,
                    bed.mock.left_early()
                )
            });
    }
    begun.elapsed()
}

/// A call that is answered, and its connection to the upstream closed again: what is left is the gateway's own.
async fn rest(bed: &Bed) -> usize {
    bed.mock.script(Vec::new());
    let calls = (0..PERMITS).map(|_| async {
        let reply = Client::open(bed.address).await.call(chat("m", false)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    });
    futures_util::future::join_all(calls).await;
    tokio::time::timeout(PATIENCE, bed.mock.close_idle())
        .await
        .expect("connections to the upstream end");
    bed.tasks()
}

/// `DISCONNECTS=10000 cargo test leaving` leaves ten thousand times, as `FAULTS=10` does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_19_a_client_that_leaves_takes_everything_of_its_call_along() {
    let bed = Bed::start(&format!("      max_parallel_requests: {PERMITS}\n"));
    rest(&bed).await;
    // The client's own connections end a moment after it has its answer.
    let own = 2;
    becomes("the gateway rests", || bed.tasks() <= own).await;

    let endpoints = endpoints();
    let places: usize = endpoints.iter().map(|at| at.phases().len()).sum();
    let clients = asked("DISCONNECTS", if longer() >= 10 { 10_000 } else { 500 }).div_ceil(places);
    let (mut all, mut took) = (0, Vec::new());
    let mut calls = bed.tally.all();
    let mut refusals = 0;
    for at in &endpoints {
        for phase in at.phases() {
            let mut left = phase.share(clients);
            while left > 0 {
                let batch = left.min(BATCH);
                left -= batch;
                all += batch;
                took.push((leave_together(&bed, at, phase, batch).await, at.path, phase));
                // A form that ends early is a call that was refused; any other body is none yet.
                let refused = at.body.is_null() && matches!(phase, Phase::Body);
                if phase.goes_upstream() || refused {
                    calls += batch as u64;
                }
                if refused {
                    refusals += batch as u64;
                }
            }
            becomes("no request is in flight", || bed.in_flight() == "0.0").await;
            becomes("there is a receipt for each call", || {
                bed.tally.all() >= calls
            })
            .await;
            assert_eq!(
                bed.tally.all(),
                calls,
                "{} {phase:?}: a receipt for each call, once",
                at.path
            );
            // All permits are there: so many calls are answered at a time.
            rest(&bed).await;
            calls += PERMITS as u64;
            becomes("no task is left", || bed.tasks() <= own).await;
        }
    }
    assert_eq!(bed.tally.failed.load(Ordering::Relaxed), refusals);
    took.sort_unstable_by_key(|(took, ..)| *took);
    let late = took.iter().filter(|(took, ..)| *took > SOON).count();
    let (p99, path, phase) = took[(took.len() * 99 / 100).min(took.len() - 1)];
    figure!(
        19,
        "{all} clients leave, {} endpoints in up to {} phases: upstream closed within {p99:.1?} for 99 of 100 batches \
         ({path}, {phase:?}), 0 permits, requests or tasks left",
        endpoints.len(),
        PHASES.len()
    );
    // A machine that is short of processors may hold up one batch in twenty.
    assert!(
        late * 20 <= took.len(),
        "{late} of {} batches took longer than {SOON:?}",
        took.len()
    );
}

/// What the guard is for: a client that stays keeps its permit and its upstream's connection.
#[tokio::test(flavor = "multi_thread")]
async fn row_19_control_a_client_that_stays_holds_its_call() {
    let bed = Bed::start(&format!("      max_parallel_requests: {PERMITS}\n"));
    let endpoints = endpoints();
    let at = &endpoints[0];
    bed.mock.script(vec![Phase::Thinking.answer(at)]);
    let stays = Phase::Thinking.reached(&bed, at).await;
    bed.mock.until_reached(1).await;
    tokio::time::sleep(2 * SOON).await;
    assert_eq!((bed.mock.left_early(), &*bed.in_flight()), (0, "1.0"));
    drop(stays);
    bed.mock.until_left_early(1).await;
}
