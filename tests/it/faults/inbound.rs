//! Rows 24 to 26: requests that two readers could take for different ones. No second one is ever served out of them.

use super::{asks, call, figure, group, well};
use crate::bed::{Bed, MASTER_KEY, upstream};
use crate::client::{Client, get};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a server takes bytes that are no clean request: the statuses that it answered, and whether it closed.
async fn answered(address: SocketAddr, bytes: &[u8]) -> (Vec<u16>, bool) {
    let mut client = Client::open(address).await;
    client.send(bytes).await;
    let mut statuses = Vec::new();
    let text = tokio::time::timeout(Duration::from_millis(1500), client.rest()).await;
    let closed = text.is_ok();
    let text = text.unwrap_or_else(|_| client.so_far());
    for (at, _) in text.match_indices("HTTP/1.1 ") {
        statuses.extend(
            text.get(at + 9..at + 12)
                .and_then(|status| status.parse::<u16>().ok()),
        );
    }
    (statuses, closed)
}

/// Bodies whose end two readers could see at different places, each followed by a request that must not be served.
#[tokio::test(flavor = "multi_thread")]
async fn row_24_no_request_is_smuggled_past_a_body() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    bed.mock.script(vec![well(0)]);
    let auth = format!(
        "host: x\r\nauthorization: Bearer {MASTER_KEY}\r\ncontent-type: application/json\r\n"
    );
    let body = r#"{"model":"m","messages":[{"role":"user","content":"a"}]}"#;
    let n = body.len();
    let chunked = format!("{n:x}\r\n{body}\r\n0\r\n\r\n");
    let hidden =
        format!("POST /v1/chat/completions HTTP/1.1\r\n{auth}content-length: {n}\r\n\r\n{body}");
    let start = format!("POST /v1/chat/completions HTTP/1.1\r\n{auth}");
    let shapes: Vec<(&str, String)> = vec![
        (
            "length and chunks",
            format!("{start}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"),
        ),
        (
            "chunks and length",
            format!(
                "{start}transfer-encoding: chunked\r\ncontent-length: {}\r\n\r\n{chunked}",
                chunked.len() + hidden.len()
            ),
        ),
        (
            "two lengths",
            format!("{start}content-length: {n}\r\ncontent-length: 3\r\n\r\n{body}"),
        ),
        (
            "a list of lengths",
            format!("{start}content-length: {n}, 3\r\n\r\n{body}"),
        ),
        (
            "a length with a sign",
            format!("{start}content-length: +{n}\r\n\r\n{body}"),
        ),
        (
            "a length in hex",
            format!("{start}content-length: 0x{n:x}\r\n\r\n{body}"),
        ),
        (
            "another coding",
            format!("{start}transfer-encoding: xchunked\r\n\r\n{chunked}"),
        ),
        (
            "chunked is not last",
            format!("{start}transfer-encoding: chunked, identity\r\n\r\n{chunked}"),
        ),
        (
            "space before the colon",
            format!("{start}content-length : {n}\r\n\r\n{body}"),
        ),
        (
            "a folded line",
            format!("{start}content-length: {n}\r\n folded: x\r\n\r\n{body}"),
        ),
        (
            "a bare return in a value",
            format!("{start}x: a\rb\r\ncontent-length: {n}\r\n\r\n{body}"),
        ),
        (
            "a zero byte in a name",
            format!("{start}x\0y: a\r\ncontent-length: {n}\r\n\r\n{body}"),
        ),
        (
            "a chunk size that overflows",
            format!(
                "{start}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{body}\r\n0\r\n\r\n"
            ),
        ),
        (
            "a chunk size with a sign",
            format!("{start}transfer-encoding: chunked\r\n\r\n+{n:x}\r\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "upgrade",
            format!(
                "{start}connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
        ),
    ];
    let mut refused = 0;
    for (name, shape) in &shapes {
        let before = bed.mock.reached();
        let (statuses, closed) = answered(bed.address, format!("{shape}{hidden}").as_bytes()).await;
        let served = bed.mock.reached() - before;
        assert!(
            served <= 1,
            "{name}: the hidden request was served: {statuses:?}"
        );
        assert!(statuses.len() <= 1, "{name}: two answers: {statuses:?}");
        assert!(closed, "{name}: the connection lives on: {statuses:?}");
        refused += usize::from(served == 0);
    }
    // The control: two clean requests are two requests.
    let clean = format!("{start}content-length: {n}\r\n\r\n{body}");
    let (statuses, _) = answered(bed.address, format!("{clean}{hidden}").as_bytes()).await;
    assert_eq!(statuses, [200, 200]);
    figure!(
        24,
        "{} shapes: {refused} refused, 0 hidden requests served, every connection closed",
        shapes.len()
    );
}

/// A request that asks for another protocol, and one without a key right behind it: who believes that the protocol has
/// changed before the upstream says so passes the second one on unread.
fn upgrade(to: &str) -> String {
    let first = asks(
        json!({}),
        &format!("connection: upgrade\r\nupgrade: {to}\r\n"),
    );
    let hidden = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                  content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    first + hidden
}

#[tokio::test(flavor = "multi_thread")]
async fn row_25_an_upgrade_is_never_tunnelled_nor_passed_on() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    bed.mock.script(vec![well(0)]);
    let protocols = ["websocket", "h2c", "TLS/1.0"];
    for to in protocols {
        let (statuses, closed) = answered(bed.address, upgrade(to).as_bytes()).await;
        assert_eq!((statuses, closed), (vec![200, 401], true), "{to}");
    }
    let sent = bed.mock.captured();
    assert_eq!(sent.len(), protocols.len(), "{sent:?}");
    for sent in sent {
        assert!(sent["headers"]["upgrade"].is_null(), "{sent}");
        assert!(sent["headers"]["connection"].is_null(), "{sent}");
    }
    figure!(
        25,
        "upgrades tunnelled or passed on: 0 of 3; requests behind them at the upstream: 0"
    );
}

/// A proxy that takes a wish for another protocol for the change: from there on it copies bytes.
async fn tunnelling(to: u16) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut upstream = TcpStream::connect(("127.0.0.1", to)).await?;
                tokio::io::copy_bidirectional(&mut client, &mut upstream).await
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn row_25_control_whoever_tunnels_passes_the_hidden_request_on() {
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let (statuses, _) = answered(tunnelling(port).await, upgrade("websocket").as_bytes()).await;
    let hidden = mock.captured().len() - 1;
    figure!(
        25,
        "the control, a proxy that tunnels: {hidden} hidden request at the upstream"
    );
    assert_eq!((statuses, hidden), (vec![200, 200], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_26_a_body_that_is_not_read_ends_its_connection() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    // Refused before its body is read, which holds what looks like a request.
    let inner = get("/health/liveliness");
    let unread = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        inner.len() + (1 << 20)
    );
    let (statuses, _) = answered(bed.address, format!("{unread}{inner}").as_bytes()).await;
    assert_eq!(
        statuses,
        [401],
        "one answer, the body is not taken for a request"
    );
    figure!(26, "requests read out of an undrained body: 0");

    // The control: where no body is announced, the same bytes are a request, and it is answered.
    let none = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    let (statuses, _) = answered(bed.address, format!("{none}{inner}").as_bytes()).await;
    assert_eq!(statuses, [401, 200]);
}

/// An upstream that answers when it has read a request's head, and takes what comes after the answer as it likes: so
/// many connections it has accepted.
async fn hasty() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let (mut seen, mut answered) = (Vec::new(), 0);
                let mut buffer = vec![0; 1 << 10];
                while let Ok(1..) = stream
                    .read(&mut buffer)
                    .await
                    .inspect(|n| seen.extend_from_slice(&buffer[..*n]))
                {
                    // Every head that it finds is a request to it, wherever that came from.
                    let heads = memchr::memmem::find_iter(&seen, b"POST /v1/").count();
                    for _ in answered..heads {
                        let body = super::reply().to_string();
                        let head = format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                            body.len()
                        );
                        let _ = stream.write_all((head + &body).as_bytes()).await;
                    }
                    answered = answered.max(heads);
                    // It is slow with what it has answered already.
                    tokio::time::sleep(Duration::from_millis(if heads > 0 { 20 } else { 0 })).await;
                }
            });
        }
    });
    (port, accepted)
}

/// A connection on which a request was answered before its body was sent is not used for another one.
#[tokio::test(flavor = "multi_thread")]
async fn row_26_an_upstream_that_answers_early_gets_no_second_request_into_the_first() {
    let (port, accepted) = hasty().await;
    let bed = Bed::with(1, |_| group(&[port], "", "num_retries: 0", ""));
    let long = "x".repeat(16 << 20);
    for _ in 0..3 {
        let reply = call(&bed, asks(json!({"user": &*long}), "")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let long_ones = accepted.load(Ordering::SeqCst);

    // The control: what was sent whole leaves a connection that is used again.
    let (port, accepted) = hasty().await;
    let bed = Bed::with(1, |_| group(&[port], "", "num_retries: 0", ""));
    for _ in 0..3 {
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let short_ones = accepted.load(Ordering::SeqCst);
    figure!(
        26,
        "3 calls answered before their body was sent: {long_ones} connections; 3 that were sent whole: {short_ones}"
    );
    assert_eq!((long_ones, short_ones), (3, 1));
}
