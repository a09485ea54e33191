//! The server over real sockets: keys, limits, errors of one request, and the drain that loses none.

use bytes::Bytes;
use gateway::adapt::{Fault, Head, UpstreamRequest};
use gateway::config::{Config, Snapshot};
use gateway::forward::{BoxFuture, Clocks, Transport, Upstream, UpstreamBody};
use gateway::options::Secret;
use gateway::pipeline::Engine;
use gateway::route::{Env, Routes};
use gateway::serve::bounds::Bounds;
use gateway::serve::workers::Workers;
use gateway::serve::{Gateway, listen};
use http::{HeaderMap, StatusCode};
use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

const REPLY: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
const CHUNK: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"up\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";

/// What the upstream does.
#[derive(Clone, Copy)]
enum Upstreams {
    /// Answers when told to.
    Held,
    /// Answers at once.
    Prompt,
    /// Sends one chunk and breaks off.
    Breaks,
    /// Panics.
    Panics,
    /// Sends one chunk and then nothing.
    Silent,
}

struct Scripted {
    does: Upstreams,
    reached: Arc<Notify>,
    go: Arc<Notify>,
    dropped: Arc<Notify>,
}

struct Pieces {
    left: VecDeque<Result<Bytes, Fault>>,
    silent: bool,
    dropped: Arc<Notify>,
}

impl UpstreamBody for Pieces {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        match self.left.pop_front() {
            None if self.silent => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.dropped.notify_one();
    }
}

impl Transport for Scripted {
    fn send(&self, _: UpstreamRequest, _: Clocks) -> BoxFuture<'_, Result<Upstream, Fault>> {
        Box::pin(async move {
            self.reached.notify_one();
            let (left, silent): (Vec<Result<Bytes, Fault>>, bool) = match self.does {
                Upstreams::Panics => panic!("an upstream that panics"),
                Upstreams::Held => {
                    self.go.notified().await;
                    (vec![Ok(REPLY.into())], false)
                }
                Upstreams::Prompt => (vec![Ok(REPLY.into())], false),
                Upstreams::Breaks => (vec![Ok(CHUNK.into()), Err(Fault::Cut)], false),
                Upstreams::Silent => (vec![Ok(CHUNK.into())], true),
            };
            Ok(Upstream {
                head: Head {
                    status: StatusCode::OK,
                    headers: HeaderMap::new(),
                },
                body: Box::new(Pieces {
                    left: left.into(),
                    silent,
                    dropped: self.dropped.clone(),
                }),
            })
        })
    }
}

struct Running {
    address: SocketAddr,
    gateway: Arc<Gateway>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<bool>,
    reached: Arc<Notify>,
    go: Arc<Notify>,
    dropped: Arc<Notify>,
}

fn start(does: Upstreams, change: impl FnOnce(&mut Config)) -> Running {
    let mut config =
        Config::without_file(&|name| (name == "OPENAI_API_KEY").then(|| "sk-upstream".to_owned()));
    config.general.master_key = Some(Secret::new("sk-master"));
    config.litellm.num_retries = Some(0);
    config.router.num_retries = Some(0);
    change(&mut config);
    let env: Env =
        Arc::new(|name: &str| (name == "OPENAI_API_KEY").then(|| "sk-upstream".to_owned()));
    let routes = Routes::build(&config, &env, None);
    let (reached, go, dropped) = (Arc::default(), Arc::default(), Arc::default());
    let transport = Scripted {
        does,
        reached: Arc::clone(&reached),
        go: Arc::clone(&go),
        dropped: Arc::clone(&dropped),
    };
    let snapshot = Arc::new(Snapshot {
        config,
        version: 1,
        routes,
    });
    let engine = Arc::new(Engine::new(Arc::new(transport), snapshot, Vec::new()));
    let gateway = Arc::new(Gateway::new(engine, Arc::default()));
    let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(listen::serve(
        gateway.clone(),
        listener,
        async {
            let _ = stopped.await;
        },
        Duration::from_secs(5),
        Workers::none(),
        Bounds::of(&Config::default()),
    ));
    Running {
        address,
        gateway,
        stop,
        ended,
        reached,
        go,
        dropped,
    }
}

fn chat(body: &str, headers: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

const KEY: &str = "authorization: Bearer sk-master\r\n";
const ASK: &str = r#"{"model":"openai/gpt-4o","messages":[{"role":"user","content":"x"}]}"#;
const ASK_STREAM: &str =
    r#"{"model":"openai/gpt-4o","messages":[{"role":"user","content":"x"}],"stream":true}"#;

async fn exchange(address: SocketAddr, request: String) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // A server that has refused may close before all is sent.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut reply = Vec::new();
    let _ = socket.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what)
        .await
        .expect("took too long")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_needs_the_key_and_gets_its_answer() {
    let server = start(Upstreams::Prompt, |_| {});
    let refused = exchange(server.address, chat(ASK, "")).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let answered = exchange(server.address, chat(ASK, KEY)).await;
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    assert!(
        answered.contains("\"model\":\"openai/gpt-4o\""),
        "{answered}"
    );
    assert!(answered.contains("x-litellm-call-id: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_end_although_the_server_stops() {
    let server = start(Upstreams::Held, |_| {});
    let call = tokio::spawn(exchange(server.address, chat(ASK, KEY)));
    soon(server.reached.notified()).await;
    server.stop.send(()).unwrap();
    soon(async {
        while server.gateway.is_ready() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.go.notify_one();
    let answered = soon(call).await.unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    assert!(
        soon(server.ended).await.unwrap(),
        "drained within its grace"
    );
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_its_own_request_only() {
    let server = start(Upstreams::Panics, |_| {});
    let broken = exchange(server.address, chat(ASK, KEY)).await;
    assert!(broken.starts_with("HTTP/1.1 500"), "{broken}");
    let alive = "GET /health/liveliness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let alive = exchange(server.address, alive.to_owned()).await;
    assert!(alive.ends_with("\"I'm alive!\""), "{alive}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_ends_with_an_error_event_and_done() {
    let server = start(Upstreams::Breaks, |_| {});
    let reply = exchange(server.address, chat(ASK_STREAM, KEY)).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(reply.contains("content-type: text/event-stream; charset=utf-8"));
    let (content, rest) = reply
        .split_once("data: {\"error\":")
        .expect("an error event");
    assert!(content.contains("Hi"), "{reply}");
    assert!(rest.contains("data: [DONE]\n\n"), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_its_upstream_call() {
    let server = start(Upstreams::Silent, |_| {});
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket
        .write_all(chat(ASK_STREAM, KEY).as_bytes())
        .await
        .unwrap();
    let mut first = [0; 16];
    soon(socket.read_exact(&mut first)).await.unwrap();
    drop(socket);
    soon(server.dropped.notified()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_limit_is_refused() {
    let server = start(Upstreams::Prompt, |config| {
        config.general.max_request_size_mb = Some(0.001);
    });
    let long = ASK.replace("\"x\"", &format!("\"{}\"", "x".repeat(4096)));
    let refused = exchange(server.address, chat(&long, KEY)).await;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_headers_are_refused() {
    let server = start(Upstreams::Prompt, |_| {});
    let many = "x-many: y\r\n".repeat(200);
    let refused = exchange(server.address, chat(ASK, &format!("{KEY}{many}"))).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_nested_too_deep_is_refused_and_harms_nobody() {
    let server = start(Upstreams::Prompt, |_| {});
    let deep = format!("{{\"model\":{}", "[".repeat(200_000));
    let refused = exchange(server.address, chat(&deep, KEY)).await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
}
