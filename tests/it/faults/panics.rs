//! Row 32: what panics while it answers a request ends that request and nothing else.

use super::{asks, call, figure, group, longer};
use crate::bed::{Bed, becomes};
use crate::client::{Client, PATIENCE, get};
use bytes::Bytes;
use gateway::adapt::{Fault, Head, UpstreamRequest};
use gateway::forward::{BoxFuture, Clocks, Transport, Upstream, UpstreamBody};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// Panics before the head, in the first piece, or in a later one; every fourth call is well.
#[derive(Default)]
struct Panicking(AtomicU64);

/// Without the hook, which would write a backtrace of each into the test's output.
fn panics() -> ! {
    std::panic::resume_unwind(Box::new("made up"))
}

enum Piece {
    Here(Bytes),
    /// It is not here yet: what came before goes on its way.
    Later(Pin<Box<tokio::time::Sleep>>),
    Panic,
}

struct Pieces(Vec<Piece>);

impl Transport for Panicking {
    fn send(&self, request: UpstreamRequest, _: Clocks) -> BoxFuture<'_, Result<Upstream, Fault>> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed) % 4;
        let body = Bytes::copy_from_slice(super::reply().to_string().as_bytes());
        let event = Bytes::from_static(
            b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        );
        drop(request);
        Box::pin(async move {
            if turn == 0 {
                panics();
            }
            // Taken from the end.
            let (kind, pieces) = match turn {
                1 => ("application/json", vec![Piece::Panic]),
                2 => (
                    "text/event-stream",
                    vec![
                        Piece::Panic,
                        Piece::Later(Box::pin(tokio::time::sleep(Duration::from_millis(20)))),
                        Piece::Here(event),
                    ],
                ),
                _ => ("application/json", vec![Piece::Here(body)]),
            };
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static(kind));
            Ok(Upstream {
                head: Head {
                    status: StatusCode::OK,
                    headers,
                },
                body: Box::new(Pieces(pieces)),
            })
        })
    }
}

impl UpstreamBody for Pieces {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        Poll::Ready(match self.0.pop() {
            None => None,
            Some(Piece::Here(piece)) => Some(Ok(piece)),
            Some(Piece::Later(mut pause)) => {
                if pause.as_mut().poll(cx).is_pending() {
                    self.0.push(Piece::Later(pause));
                    return Poll::Pending;
                }
                return self.poll_next(cx);
            }
            Some(Piece::Panic) => panics(),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_32_a_panic_ends_its_own_call_and_leaves_nothing_behind() {
    let config = group(
        &[1],
        ", max_parallel_requests: 2",
        "num_retries: 0, disable_cooldowns: true",
        "",
    );
    let bed = Bed::over(&config, Arc::new(Panicking::default()));
    let rounds = 25 * longer();
    let (mut told, mut well, mut cut) = (0, 0, 0);
    for _ in 0..rounds {
        for streamed in [false, false, true, false] {
            let mut client = Client::open(bed.address).await;
            client.send(asks(json!({"stream": streamed}), "")).await;
            if streamed {
                // Its head has gone; the connection ends without the end of the body.
                let rest = tokio::time::timeout(PATIENCE, client.rest()).await;
                let rest = rest.unwrap_or_else(|_| panic!("not ended: {}", client.so_far()));
                cut += usize::from(!rest.contains("[DONE]") && rest.contains("Hi"));
                continue;
            }
            let reply = client.reply().await;
            match reply.status {
                200 => well += 1,
                500 => told += 1,
                other => panic!("{other}: {}", reply.text()),
            }
            // The same connection serves on.
            assert_eq!(client.call(get("/health/liveliness")).await.status, 200);
        }
    }
    becomes("no permit is held", || {
        let snapshot = bed.gateway.engine.snapshot.load();
        snapshot.routes.deployments()[0].state.in_flight() == 0 && bed.in_flight() == "0.0"
    })
    .await;
    figure!(
        32,
        "{} panics: {told} told with 500, {cut} streams cut, {well} of {rounds} others answered, 0 permits held",
        told + cut
    );
    assert_eq!((told, cut, well), (2 * rounds, rounds, rounds));
}

/// The control: what catches no panic answers nothing, and takes every other call of its connection along.
#[tokio::test(flavor = "multi_thread")]
async fn row_32_control_what_catches_no_panic_answers_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let service = hyper::service::service_fn(|_| async {
                    std::future::poll_fn(|_| -> Poll<()> { panics() }).await;
                    Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
                });
                hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    assert_eq!(Client::try_call(address, asks(json!({}), "")).await, None);
    // Where it is caught, there is an answer.
    let bed = Bed::over(
        &group(&[1], "", "num_retries: 0, disable_cooldowns: true", ""),
        Arc::new(Panicking::default()),
    );
    assert_eq!(call(&bed, asks(json!({}), "")).await.status, 500);
}
