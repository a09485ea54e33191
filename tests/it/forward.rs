//! The pooled client between real sockets: connections that went stale.

use super::bed::upstream;
use super::client::PATIENCE;
use bytes::Bytes;
use gateway::adapt::{Fault, UpstreamRequest};
use gateway::forward::{Client, ClientSettings, Clocks, Transport, collect};
use http::{HeaderMap, Method};
use mock_upstream::{Answer, Mock};
use serde_json::json;

fn client() -> Client {
    Client::new(&ClientSettings::default()).unwrap()
}

fn request(port: u16) -> UpstreamRequest {
    UpstreamRequest {
        method: Method::POST,
        url: format!("http://127.0.0.1:{port}/v1/chat/completions"),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"model\":\"m\"}"),
    }
}

async fn call(client: &Client, port: u16) -> Result<Bytes, Fault> {
    let exchange = async {
        let mut upstream = client.send(request(port), Clocks::default()).await?;
        collect(&mut *upstream.body, 1 << 20).await
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an end")
}

fn well() -> Answer {
    Answer {
        json: Some(json!({"fine": true})),
        ..Answer::default()
    }
}

/// A client with one pooled connection that has answered.
async fn warm(mock: &Mock, port: u16) -> Client {
    mock.script(vec![well()]);
    let client = client();
    call(&client, port).await.unwrap();
    assert_eq!(mock.accepted(), 1);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again() {
    let (mock, port) = upstream();
    let client = warm(&mock, port).await;
    for _ in 0..50 {
        call(&client, port).await.unwrap();
    }
    // A connection is back a moment after its reply was read: now and then the next call is quicker.
    assert!(mock.accepted() < 25, "{} connections", mock.accepted());
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_fails_no_call_and_sends_nothing_twice() {
    let (mock, port) = upstream();
    let client = warm(&mock, port).await;
    for round in 1..=50 {
        mock.close_idle().await;
        mock.script(vec![well()]);
        call(&client, port).await.unwrap();
        assert_eq!(mock.captured().len(), 1, "round {round}");
        assert_eq!(mock.accepted(), round + 1);
    }
}

/// An upstream that has read a request may have acted on it: whether to ask again is not for the client to say.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_read_is_not_sent_again() {
    for reset in [false, true] {
        for pooled in [true, false] {
            let (mock, port) = upstream();
            let client = if pooled {
                warm(&mock, port).await
            } else {
                client()
            };
            let hang_up = Answer {
                hang_up: true,
                reset,
                ..Answer::default()
            };
            mock.script(vec![hang_up, well()]);
            let ended = call(&client, port).await;
            assert_eq!(
                ended,
                Err(Fault::Connection),
                "pooled {pooled}, reset {reset}"
            );
            assert_eq!(mock.captured().len(), 1, "pooled {pooled}, reset {reset}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_a_cut_and_the_connection_is_not_used_again() {
    let (mock, port) = upstream();
    let client = warm(&mock, port).await;
    for reset in [false, true] {
        let cut = Answer {
            cut_after: Some(5),
            reset,
            ..well()
        };
        mock.script(vec![cut, well()]);
        assert_eq!(call(&client, port).await, Err(Fault::Cut), "reset {reset}");
        call(&client, port).await.unwrap();
    }
}
