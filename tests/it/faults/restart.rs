//! Rows 28 and 29: one server after the other on the same port. A restart refuses nobody, and a kill leaves nothing that
//! the next one stumbles over.

use super::stop::ended;
use super::{asks, figure, group, longer, well};
use crate::bed::{Around, Served, becomes, reserved, upstream};
use crate::client::{Client, get};
use rustix::process::Signal;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const ALWAYS: &str = "num_retries: 0, disable_cooldowns: true";

/// Clients that connect anew for every call.
struct Load {
    over: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(address: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (served, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let clients = (0..4)
            .map(|_| {
                let (over, served, failed) = (over.clone(), served.clone(), failed.clone());
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        let status = Client::try_call(address, asks(json!({}), "")).await;
                        let count = if status == Some(200) {
                            &served
                        } else {
                            &failed
                        };
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        Self {
            over,
            served,
            failed,
            clients,
        }
    }

    /// Fifty calls more.
    async fn goes_on(&self) {
        let before = self.served.load(Ordering::Relaxed);
        becomes("calls are served", || {
            self.served.load(Ordering::Relaxed) > before + 50
        })
        .await;
    }

    /// How many calls were served, and how many were not.
    async fn end(self) -> (u64, u64) {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.served), read(&self.failed))
    }
}

/// A second server takes over the port of the first under load.
#[tokio::test(flavor = "multi_thread")]
async fn row_28_a_restart_on_the_same_port_refuses_no_connection() {
    let (mock, port) = upstream();
    mock.script(vec![well(5)]);
    let config = group(&[port], "", ALWAYS, "");
    let mut first = Served::start_with(&config, &["--reuse-port"]).await;
    let address = first.address;
    let load = Load::on(address);
    load.goes_on().await;
    let port = address.port().to_string();
    let second = Served::start_with(&config, &["--reuse-port", "--port", &port]).await;
    first.signal(Signal::TERM);
    assert_eq!(ended(&mut first).await, Some(0));
    load.goes_on().await;
    let (served, failed) = load.end().await;
    second.lives().await;
    figure!(
        28,
        "a restart under load: {served} calls served, {failed} failed"
    );
    // A connection that is made in the instant between the last look and the close is the kernel's to reset.
    assert!(failed <= 1, "{failed} of {served}");
}

/// A socket as systemd holds one, for any number of servers.
struct Socket(TcpListener);

impl Socket {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// A server that is handed the socket as systemd hands it over. Its own port is one that it must not use.
    async fn server(&self, config: &str) -> Served {
        let socket: OwnedFd = self.0.try_clone().unwrap().into();
        let around = Around {
            before: Some("exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$"),
            input: Some(Stdio::from(socket)),
            ..Around::default()
        };
        let served = Served::start_in(config, &["--port", "1"], around).await;
        assert_eq!(served.address, self.address());
        served
    }
}

/// `systemctl start` of the next one, `systemctl stop` of this one, and so on.
#[tokio::test(flavor = "multi_thread")]
async fn row_28_restarts_behind_a_socket_of_systemd_fail_no_call() {
    let (mock, port) = upstream();
    mock.script(vec![well(5)]);
    let config = group(&[port], "", ALWAYS, "");
    let socket = Socket::new();
    let mut running = socket.server(&config).await;
    let load = Load::on(socket.address());
    let restarts = 3 * longer();
    for _ in 0..restarts {
        load.goes_on().await;
        let next = socket.server(&config).await;
        running.signal(Signal::TERM);
        assert_eq!(ended(&mut running).await, Some(0));
        running = next;
    }
    // Without a next one at hand who connects waits for it: `systemctl restart`.
    load.goes_on().await;
    running.signal(Signal::TERM);
    assert_eq!(ended(&mut running).await, Some(0));
    running = socket.server(&config).await;
    load.goes_on().await;
    let (served, failed) = load.end().await;
    running.lives().await;
    figure!(
        28,
        "{restarts} restarts and a gap behind systemd's socket: {served} calls served, {failed} failed"
    );
    assert_eq!(failed, 0, "of {served}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_28_control_without_a_shared_socket_a_restart_refuses_connections() {
    let (mock, port) = upstream();
    mock.script(vec![well(5)]);
    let config = group(&[port], "", ALWAYS, "");
    let mut first = Served::start(&config).await;
    let address = first.address;
    let load = Load::on(address);
    load.goes_on().await;
    first.signal(Signal::TERM);
    assert_eq!(ended(&mut first).await, Some(0));
    let port = address.port().to_string();
    let second = Served::start_with(&config, &["--port", &port]).await;
    load.goes_on().await;
    let (served, failed) = load.end().await;
    second.lives().await;
    figure!(
        28,
        "the control, one after the other on a port: {served} calls served, {failed} failed"
    );
    assert!(failed > 1, "of {served}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_29_after_a_kill_it_starts_again_at_once_on_the_same_port() {
    let (mock, upstream_port) = upstream();
    mock.script(vec![well(0)]);
    let config = group(&[upstream_port], "", ALWAYS, "");
    let times = if longer() > 1 { 100 } else { 5 };
    let mut slowest = Duration::ZERO;
    let port = {
        let (_held, port) = reserved();
        port.to_string()
    };
    for _ in 0..times {
        let begun = Instant::now();
        let mut served = Served::start_with(&config, &["--port", &port]).await;
        slowest = slowest.max(begun.elapsed());
        let mut client = Client::open(served.address).await;
        assert_eq!(client.call(asks(json!({}), "")).await.status, 200);
        let mut under_way = Client::open(served.address).await;
        under_way.send(get("/health/liveliness")).await;
        served.signal(Signal::KILL);
        becomes("it is gone", || served.ended().is_some()).await;
        assert!(client.closed().await);
        // The control: its connections still hold the port for whoever does not ask to share it.
        let plain = tokio::net::TcpSocket::new_v4().unwrap();
        assert!(plain.bind(served.address).is_err());
    }
    figure!(
        29,
        "kill -9, {times} times: every start clean on the same port, slowest {slowest:.1?}"
    );
}
