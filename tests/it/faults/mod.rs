//! What goes wrong around a gateway, and what it promises then: one named test for each row of the fault catalogue
//! that applies, on real sockets, each with a control in which the guard is missing and the promise is not kept.
//!
//! `make faults` runs them alone and prints their figures; `FAULTS=10 make faults` looks ten times as long.
//!
//! | row | fault | where |
//! |---|---|---|
//! | 1, 9, 10, 11 | refusals, Retry-After, storms of retries, nested retries | [`retries`] |
//! | 2 to 6 | black hole, silence, stalls, dripping | [`upstreams`]; each clock alone, to the millisecond: `clocks` |
//! | 7 | streams that are cut at any byte | [`upstreams`] |
//! | 8 | pooled connections that prove stale | `forward` |
//! | 12, 13 | failures in a row, success rate in bursts | [`breaker`]; at any rate: `src/resilience/breaker_tests.rs` |
//! | 14 to 16 | slow upstream, overload, noisy neighbour | [`load`] |
//! | 17 | hedging | [`hedging`] |
//! | 18 | deadlines | [`deadlines`] |
//! | 19 | clients that leave | `leaving` |
//! | 20 | slow readers | [`slow_readers`] |
//! | 21 | slow heads and bodies | [`slow_clients`]; to the millisecond: `clocks`, `src/serve/inbound_tests.rs` |
//! | 22, 23 | headers without end, bodies too large or too deep | `input`, `serve` |
//! | 24 to 26 | smuggling, upgrades, undrained bodies on either side | [`inbound`] |
//! | 27 | floods of HTTP/2, windows that never open | [`floods`] |
//! | 28, 29 | stop, restart, kill | [`stop`], [`restart`], and `stop` |
//! | 30 | Redis down, frozen or slow | [`redis`], [`redis_faults`] |
//! | 31 | reloads | `reload`, `reload_served` |
//! | 32 | panics | [`panics`] |
//! | 33, 34 | Python's callbacks, forks and interpreters | `tests/python` |
//! | 35 | connections, files, disk, clock, names | [`machine`] |
//! | 36 | all at random | [`soak`] |
//! | 37 | order of threads | `tests/loom` |
//! | 38 | any bytes | `fuzzed` |

mod breaker;
mod deadlines;
mod explain;
mod floods;
mod health;
mod hedging;
mod inbound;
mod load;
#[cfg(target_os = "linux")]
mod machine;
mod panics;
#[cfg(unix)]
pub mod redis;
#[cfg(unix)]
mod redis_faults;
#[cfg(unix)]
mod redis_tls;
#[cfg(unix)]
mod restart;
mod retries;
mod routing;
mod slow_clients;
#[cfg(target_os = "linux")]
mod slow_readers;
mod soak;
#[cfg(unix)]
mod stop;
mod upstreams;

use super::bed::{Bed, MASTER_KEY, asked};
use super::client::{Client, Reply, post_with};
use mock_upstream::Answer;
use serde_json::{Value, json};

/// Prints one figure of the report.
macro_rules! figure {
    ($row:literal, $($text:tt)*) => {
        println!("figure | {} | {}", $row, format_args!($($text)*))
    };
}
pub(crate) use figure;

/// How much longer than every day the tests look.
pub fn longer() -> usize {
    asked("FAULTS", 1)
}

/// A configuration of one group `m` with a deployment at each port, ids `d0`, `d1`, ...; `params` are lines of every
/// deployment's `litellm_params`, `router` and `general` members of those sections.
pub fn group(ports: &[u16], params: &str, router: &str, general: &str) -> String {
    let mut config = "model_list:\n".to_owned();
    for (number, port) in ports.iter().enumerate() {
        config.push_str(&format!(
            "  - model_name: m\n    litellm_params: {{model: openai/gpt-4o, api_base: \"http://127.0.0.1:{port}/v1\", \
             api_key: sk-upstream, max_retries: 0{params}}}\n    model_info: {{id: d{number}}}\n"
        ));
    }
    config.push_str(&format!(
        "router_settings: {{{router}}}\ngeneral_settings: {{master_key: {MASTER_KEY}{general}}}\n"
    ));
    config
}

/// A chat reply.
pub fn reply() -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}})
}

/// An answer that is well, after so long.
pub fn well(delay_ms: u64) -> Answer {
    Answer {
        json: Some(reply()),
        delay_ms,
        ..Answer::default()
    }
}

/// An answer that is an error.
pub fn ill(status: u16) -> Answer {
    Answer {
        status,
        json: Some(json!({"error": {"message": "made up", "type": "server_error", "code": null}})),
        ..Answer::default()
    }
}

/// A chat with further members and header lines.
pub fn asks(more: Value, headers: &str) -> String {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hello"}]});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let headers = format!("authorization: Bearer {MASTER_KEY}\r\n{headers}");
    post_with("/v1/chat/completions", &body.to_string(), &headers)
}

/// One chat on a connection of its own.
pub async fn call(bed: &Bed, request: String) -> Reply {
    Client::open(bed.address).await.call(request).await
}

/// So many chats at once.
pub async fn together(bed: &Bed, request: &str, times: usize) -> Vec<Reply> {
    let calls = (0..times).map(|_| call(bed, request.to_owned()));
    futures_util::future::join_all(calls).await
}

/// The message of an error.
pub fn message(reply: &Reply) -> String {
    reply.json()["error"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A header's value.
pub fn header(reply: &Reply, name: &str) -> Option<String> {
    let start = format!("{name}: ");
    let line = reply.head.lines().find(|line| line.starts_with(&start))?;
    Some(line[start.len()..].to_owned())
}
