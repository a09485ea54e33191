//! A scripted, capturing HTTP/1.1 upstream on plain sockets, so that what it does to a connection is exact.
//!
//! `PUT /__mock/script` takes a list of [`Answer`]s: each request takes the next one, the last stays. `GET
//! /__mock/captured` gives what was asked since. Without a script it answers like OpenAI; a model named
//! `load-chunks-C-gap-G-delay-D` sets the shape: `C` chunks `G` ms apart, `D` ms before the head.

mod answer;
mod http;

pub use answer::Answer;

use answer::Plan;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// Requests remembered at most; older ones go.
const MAX_CAPTURED: usize = 10_000;

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    /// The script begins anew when it is over.
    again: bool,
    captured: VecDeque<Value>,
}

/// What its connections do and are told to do.
#[derive(Default)]
struct Wires {
    /// Connections accepted.
    accepted: AtomicU64,
    /// Connections that have not ended.
    open: watch::Sender<u64>,
    /// Requests that were read whole.
    reached: watch::Sender<u64>,
    /// Answers that a client did not wait for.
    left_early: watch::Sender<u64>,
    /// Bytes of answers that were taken by the system.
    written: AtomicU64,
    /// Counts the orders to close what waits for a request.
    closings: watch::Sender<u64>,
}

/// The upstream. Clones share script, captures and connections.
#[derive(Clone, Default)]
pub struct Mock {
    state: Arc<Mutex<State>>,
    wires: Arc<Wires>,
    /// Whether plain requests are remembered; off under load.
    quiet: bool,
}

impl Mock {
    /// One that does not remember what it answers without a script.
    pub fn quiet() -> Self {
        Self {
            quiet: true,
            ..Self::default()
        }
    }

    /// Listens on a port of this machine; 0 for any.
    ///
    /// # Errors
    /// The port is taken.
    pub fn bind(port: u16) -> std::io::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        socket.listen(4096)
    }

    /// Answers connections for ever.
    pub async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let mock = self.clone();
            mock.wires.accepted.fetch_add(1, Ordering::Relaxed);
            mock.wires.open.send_modify(|open| *open += 1);
            tokio::spawn(async move {
                // A client that breaks off ends its connection, nothing else.
                let _ = mock.connection(stream).await;
                mock.wires.open.send_modify(|open| *open -= 1);
            });
        }
    }

    /// Sets the answers to come.
    pub fn script(&self, answers: Vec<Answer>) {
        self.set_script(answers, false);
    }

    /// Sets the answers to come, again and again.
    pub fn script_again(&self, answers: Vec<Answer>) {
        self.set_script(answers, true);
    }

    fn set_script(&self, answers: Vec<Answer>, again: bool) {
        let mut state = self.state();
        state.script = answers.into();
        state.again = again;
        state.captured.clear();
        self.wires.left_early.send_replace(0);
    }

    /// What was asked since the script was set: method, path, headers, body.
    pub fn captured(&self) -> Vec<Value> {
        self.state().captured.iter().cloned().collect()
    }

    /// How often a client left before its answer was over, since the script was set.
    pub fn left_early(&self) -> u64 {
        *self.wires.left_early.borrow()
    }

    /// Resolves when clients have left so often.
    pub async fn until_left_early(&self, times: u64) {
        at_least(&self.wires.left_early, times).await;
    }

    /// Requests read whole, ever.
    pub fn reached(&self) -> u64 {
        *self.wires.reached.borrow()
    }

    /// Resolves when so many requests were read whole.
    pub async fn until_reached(&self, times: u64) {
        at_least(&self.wires.reached, times).await;
    }

    /// Connections accepted, ever.
    pub fn accepted(&self) -> u64 {
        self.wires.accepted.load(Ordering::Relaxed)
    }

    /// Bytes of answers that the system has taken, ever.
    pub fn written(&self) -> u64 {
        self.wires.written.load(Ordering::Relaxed)
    }

    /// Closes every connection that waits for a request, and resolves when no connection is open.
    pub async fn close_idle(&self) {
        self.wires.closings.send_modify(|orders| *orders += 1);
        // The sender lives as long as this: it cannot be gone.
        let _ = self
            .wires
            .open
            .subscribe()
            .wait_for(|open| *open == 0)
            .await;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(8 * 1024);
        let mut closings = self.wires.closings.subscribe();
        loop {
            let request = tokio::select! {
                biased;
                request = http::read(&mut stream, &mut buffer) => request?,
                _ = closings.changed() => return Ok(()),
            };
            let Some(request) = request else {
                return Ok(());
            };
            let plan = match request.path.as_str() {
                "/__mock/script" => self.set(&request.body),
                "/__mock/captured" => {
                    let captured = self.captured();
                    Plan::json(
                        200,
                        &json!({"captured": captured, "left_early": self.left_early()}),
                    )
                }
                _ => self.plan(&request),
            };
            self.wires.reached.send_modify(|reached| *reached += 1);
            let (mut from, mut to) = stream.split();
            let played = tokio::select! {
                biased;
                played = plan.play(&mut to, &self.wires.written) => played,
                () = http::left(&mut from, &mut buffer) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            };
            if let Err(error) = played {
                self.wires.left_early.send_modify(|left| *left += 1);
                return Err(error);
            }
            if plan.resets() {
                // Closing with unsent time zero makes the kernel reset the connection.
                stream.set_zero_linger()?;
            }
            if plan.closes() || request.is_last() {
                return Ok(());
            }
        }
    }

    fn set(&self, body: &Bytes) -> Plan {
        match serde_json::from_slice(body) {
            Ok(answers) => {
                self.script(answers);
                Plan::json(200, &json!({}))
            }
            Err(error) => Plan::json(400, &json!({"error": error.to_string()})),
        }
    }

    fn plan(&self, request: &Request) -> Plan {
        let mut state = self.state();
        let answer = if state.again && !state.script.is_empty() {
            state.script.rotate_left(1);
            state.script.back().cloned()
        } else if state.script.len() > 1 {
            state.script.pop_front()
        } else {
            state.script.front().cloned()
        };
        if answer.is_some() || !self.quiet {
            if state.captured.len() >= MAX_CAPTURED {
                state.captured.pop_front();
            }
            state.captured.push_back(request.to_json());
        }
        drop(state);
        answer.map_or_else(|| Plan::usual(&request.body), |answer| answer.plan())
    }
}

async fn at_least(count: &watch::Sender<u64>, wanted: u64) {
    // The sender lives as long as its mock: it cannot be gone.
    let _ = count.subscribe().wait_for(|count| *count >= wanted).await;
}
