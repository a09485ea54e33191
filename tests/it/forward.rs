//! The pooled client between real sockets: who gets which connection, and what becomes of those that went stale.

use super::bed::upstream;
use super::client::PATIENCE;
use bytes::Bytes;
use gateway::adapt::{Fault, UpstreamRequest};
use gateway::forward::{Client, ClientSettings, Clocks, Transport, collect};
use http::{HeaderMap, Method};
use mock_upstream::{Answer, Mock};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

fn client() -> Client {
    Client::new(&ClientSettings::default()).unwrap()
}

fn request(port: u16) -> UpstreamRequest {
    UpstreamRequest {
        method: Method::POST,
        url: format!("http://127.0.0.1:{port}/v1/chat/completions"),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"model\":\"m\"}").into(),
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
    pooled().await;
    client
}

/// A connection is back in the pool a moment after its reply was read.
async fn pooled() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
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
async fn row_8_a_pooled_connection_that_was_closed_fails_no_call_and_sends_nothing_twice() {
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

/// What an upstream that ends the connection makes of a call, and how often it was asked.
async fn hung_up_on(reused: bool, end: Answer) -> (Result<Bytes, Fault>, usize) {
    let (mock, port) = upstream();
    let client = if reused {
        warm(&mock, port).await
    } else {
        client()
    };
    mock.script(vec![end, well()]);
    let ended = call(&client, port).await;
    (ended, mock.captured().len())
}

fn hang_up(reset: bool) -> Answer {
    Answer {
        hang_up: true,
        reset,
        ..Answer::default()
    }
}

/// The upstream was closing the connection while the request was on its way.
#[tokio::test]
async fn row_8_a_request_whose_pooled_connection_ends_at_once_goes_out_once_more() {
    let (ended, asked) = hung_up_on(true, hang_up(false)).await;
    assert!(ended.is_ok());
    assert_eq!(asked, 2);
}

/// The control: a pool that sees no difference between connections fails the same call.
#[tokio::test]
async fn row_8_control_a_plain_pool_fails_the_call() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::client::legacy;
    let (mock, port) = upstream();
    mock.script(vec![well(), hang_up(false), well()]);
    let plain =
        legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http::<Full<Bytes>>();
    let ask = async || {
        let request = http::Request::post(format!("http://127.0.0.1:{port}/v1/chat/completions"));
        let reply = plain.request(request.body(Full::from("{}")).unwrap()).await;
        match reply {
            Ok(reply) => reply.into_body().collect().await.is_ok(),
            Err(_) => false,
        }
    };
    assert!(ask().await);
    pooled().await;
    assert!(!ask().await);
}

/// Whoever resets a connection has seen what came on it.
#[tokio::test]
async fn a_request_whose_pooled_connection_is_reset_is_not_sent_again() {
    let ended = hung_up_on(true, hang_up(true)).await;
    assert_eq!(ended, (Err(Fault::Connection), 1));
}

#[tokio::test]
async fn a_request_goes_out_twice_at_most() {
    let (mock, port) = upstream();
    let client = warm(&mock, port).await;
    mock.script(vec![hang_up(false)]);
    assert_eq!(call(&client, port).await, Err(Fault::Connection));
    assert_eq!(mock.captured().len(), 2);
}

/// It was not closed for being old: the upstream did so because of the request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_on_a_connection_of_its_own_is_not_sent_again() {
    for reset in [false, true] {
        let ended = hung_up_on(false, hang_up(reset)).await;
        assert_eq!(ended, (Err(Fault::Connection), 1), "reset {reset}");
    }
}

/// An upstream that took its time may have acted on the request: whether to ask again is not for the client to say.
#[tokio::test]
async fn a_request_whose_pooled_connection_ends_later_is_not_sent_again() {
    for reset in [false, true] {
        let later = Answer {
            delay_ms: 1_100,
            ..hang_up(reset)
        };
        let ended = hung_up_on(true, later).await;
        assert_eq!(ended, (Err(Fault::Connection), 1), "reset {reset}");
    }
}

#[tokio::test]
async fn row_8_a_request_that_an_upstream_began_to_answer_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let upstream = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        for answer in ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "H"] {
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        drop(stream);
        listener.accept().await.unwrap();
    });
    let client = client();
    call(&client, port).await.unwrap();
    pooled().await;
    assert_eq!(call(&client, port).await, Err(Fault::Connection));
    assert!(!upstream.is_finished());
    upstream.abort();
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

/// An upstream whose connections the test serves itself; `backlog`: how many may wait to be accepted.
fn by_hand(backlog: u32) -> (TcpListener, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(backlog).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept());
    accepted.await.expect("a connection").unwrap().0
}

/// Waits for a request, and tells how much of its body came with the head: all of it, if it is short.
async fn asked(stream: &mut TcpStream) -> usize {
    let mut request = [0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut request));
    let read = read.await.expect("a request").unwrap();
    let mut head = request[..read].windows(4);
    read - (head.position(|end| end == b"\r\n\r\n").expect("a head") + 4)
}

async fn answer(stream: &mut TcpStream) {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(answer).await.unwrap();
}

async fn closed(stream: &mut TcpStream) {
    let mut more = [0];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut more));
    assert_eq!(read.await.expect("the end").unwrap(), 0);
}

fn start(client: &Client, port: u16) -> JoinHandle<Result<Bytes, Fault>> {
    let client = client.clone();
    tokio::spawn(async move { call(&client, port).await })
}

/// Linux drops an attempt to connect that finds the queue full; other systems refuse it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_call_without_a_connection_takes_the_first_that_comes_back() {
    let (listener, port) = by_hand(1);
    let client = client();
    let one = start(&client, port);
    let mut first = accept(&listener).await;
    asked(&mut first).await;
    // No more connections can be made.
    let mut others = Vec::new();
    let address = ([127, 0, 0, 1], port).into();
    while let Ok(other) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))
    {
        others.push(other);
    }
    let two = start(&client, port);
    tokio::time::sleep(Duration::from_millis(50)).await;
    answer(&mut first).await;
    one.await.unwrap().unwrap();
    asked(&mut first).await;
    answer(&mut first).await;
    two.await.unwrap().unwrap();

    // The one that it had begun to make is made nevertheless, and serves a later call.
    for _ in &others {
        accept(&listener).await;
    }
    let mut second = accept(&listener).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let calls = [start(&client, port), start(&client, port)];
    asked(&mut first).await;
    asked(&mut second).await;
    answer(&mut first).await;
    answer(&mut second).await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_after_its_time() {
    let (listener, port) = by_hand(16);
    let settings = ClientSettings {
        pool_idle: Duration::from_millis(100),
        ..ClientSettings::default()
    };
    let client = Client::new(&settings).unwrap();
    for _ in 0..2 {
        let called = start(&client, port);
        let mut stream = accept(&listener).await;
        asked(&mut stream).await;
        answer(&mut stream).await;
        called.await.unwrap().unwrap();
        closed(&mut stream).await;
    }
}

#[tokio::test]
async fn no_more_connections_are_kept_than_the_pool_holds() {
    let (listener, port) = by_hand(16);
    let settings = ClientSettings {
        pool_size: 1,
        ..ClientSettings::default()
    };
    let client = Client::new(&settings).unwrap();
    let calls = [start(&client, port), start(&client, port)];
    let mut first = accept(&listener).await;
    let mut second = accept(&listener).await;
    asked(&mut first).await;
    asked(&mut second).await;
    answer(&mut first).await;
    pooled().await;
    answer(&mut second).await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
    closed(&mut second).await;
    let called = start(&client, port);
    asked(&mut first).await;
    answer(&mut first).await;
    called.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_on_which_a_request_is_still_written_is_not_used() {
    const LENGTH: usize = 32 << 20;
    let (listener, port) = by_hand(16);
    let client = client();
    let long = UpstreamRequest {
        body: Bytes::from(vec![b' '; LENGTH]).into(),
        ..request(port)
    };
    let sent = client.send(long, Clocks::default());
    let upstream = async {
        let mut stream = accept(&listener).await;
        let read = asked(&mut stream).await;
        answer(&mut stream).await;
        (stream, read)
    };
    let (early, (mut first, mut read)) = tokio::join!(sent, upstream);
    let body = collect(&mut *early.unwrap().body, 1 << 20).await;
    assert_eq!(body.unwrap(), "{}");

    let called = start(&client, port);
    let mut second = accept(&listener).await;
    asked(&mut second).await;
    answer(&mut second).await;
    called.await.unwrap().unwrap();

    // It is used when the request has been read.
    let mut left = vec![0; 1 << 20];
    while read < LENGTH {
        read += first.read(&mut left).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let calls = [start(&client, port), start(&client, port)];
    asked(&mut first).await;
    asked(&mut second).await;
    answer(&mut first).await;
    answer(&mut second).await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}
