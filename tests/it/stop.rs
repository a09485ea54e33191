//! The end of the program: a signal takes readiness away, lets what is in flight end, and nothing is lost.

use super::bed::{MASTER_KEY, Served, becomes, config, upstream};
use super::client::{Client, PATIENCE, chat, get};
use mock_upstream::Answer;
use rustix::process::Signal;
use serde_json::json;

async fn ended(served: &mut Served) -> std::process::ExitStatus {
    let mut ended = None;
    becomes("the gateway ends", || {
        ended = served.ended();
        ended.is_some()
    })
    .await;
    ended.unwrap()
}

/// An answer that takes its time.
fn late() -> Answer {
    Answer {
        json: Some(
            json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "late"}, "finish_reason": "stop"}]}),
        ),
        delay_ms: 1500,
        ..Answer::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sigterm_readiness_goes_off_and_what_is_in_flight_ends_well() {
    let (mock, port) = upstream();
    let mut served = Served::start(&config(port, "")).await;
    // A connection that is in use when the signal comes: it may ask once more.
    let mut busy = Client::open(served.address).await;
    let ready = busy.call(get("/health/readiness")).await;
    assert_eq!(ready.status, 200, "{}", ready.text());

    mock.script(vec![late()]);
    let reached = mock.reached();
    let address = served.address;
    let plain =
        tokio::spawn(async move { Client::open(address).await.call(chat("m", false)).await });
    mock.until_reached(reached + 1).await;
    mock.script(vec![]);
    let mut streamed = Client::open(address).await;
    streamed
        .send(chat("load-chunks-10-gap-150-delay-0", true))
        .await;
    streamed.until("word0").await;

    served.signal(Signal::TERM);
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("no connection is accepted");
    assert!(served.ended().is_none(), "calls are in flight");

    streamed.until("word9").await;
    streamed.until("data: [DONE]").await;
    let plain = plain.await.unwrap();
    assert_eq!(plain.status, 200, "{}", plain.text());
    assert_eq!(plain.json()["choices"][0]["message"]["content"], "late");
    assert_eq!(mock.left_early(), 0);
    assert_eq!(ended(&mut served).await.code(), Some(0));
    assert!(busy.closed().await, "idle connections are closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_does_not_wait() {
    let (mock, port) = upstream();
    let mut served = Served::start(&config(port, "")).await;
    let mut client = Client::open(served.address).await;
    client
        .send(chat("load-chunks-3-gap-3600000-delay-0", true))
        .await;
    client.until("word0").await;
    served.signal(Signal::TERM);
    let refused = async {
        tokio::net::TcpStream::connect(served.address)
            .await
            .is_err()
    };
    assert!(refused.await || served.ended().is_none());
    // Two signals that are pending together are one: the second is sent until it is heard.
    let mut code = None;
    becomes("the gateway ends", || {
        code = served.ended();
        if code.is_none() {
            served.signal(Signal::TERM);
        }
        code.is_some()
    })
    .await;
    assert_eq!(code.unwrap().code(), Some(0));
    tokio::time::timeout(PATIENCE, mock.until_left_early(1))
        .await
        .expect("the upstream's connection ends");
}

/// Readiness is asked of a server that drains by whoever has a connection: a load balancer.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drains_says_so_where_it_still_answers() {
    let bed = super::bed::Bed::start("");
    let ask = format!(
        "GET /health/ready HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MASTER_KEY}\r\n\r\n"
    );
    let mut client = Client::open(bed.address).await;
    assert_eq!(client.call(&ask).await.status, 200);
    bed.gateway.set_ready(false);
    assert_eq!(client.call(&ask).await.status, 503);
}
