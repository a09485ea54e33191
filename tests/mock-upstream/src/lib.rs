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
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Requests remembered at most; older ones go.
const MAX_CAPTURED: usize = 10_000;

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    captured: VecDeque<Value>,
    /// Answers that a client did not wait for.
    left_early: u64,
}

/// The upstream. Clones share script and captures.
#[derive(Clone, Default)]
pub struct Mock {
    state: Arc<Mutex<State>>,
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
            tokio::spawn(async move {
                // A client that breaks off ends its connection, nothing else.
                let _ = mock.connection(stream).await;
            });
        }
    }

    /// Sets the answers to come.
    pub fn script(&self, answers: Vec<Answer>) {
        let mut state = self.state();
        state.script = answers.into();
        state.captured.clear();
        state.left_early = 0;
    }

    /// What was asked since the script was set: method, path, headers, body.
    pub fn captured(&self) -> Vec<Value> {
        self.state().captured.iter().cloned().collect()
    }

    /// How often a client left before its answer was over.
    pub fn left_early(&self) -> u64 {
        self.state().left_early
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(8 * 1024);
        while let Some(request) = http::read(&mut stream, &mut buffer).await? {
            let plan = match request.path.as_str() {
                "/__mock/script" => self.set(&request.body),
                "/__mock/captured" => {
                    let state = self.state();
                    let captured: Vec<_> = state.captured.iter().collect();
                    Plan::json(
                        200,
                        &json!({"captured": captured, "left_early": state.left_early}),
                    )
                }
                _ => self.plan(&request),
            };
            if let Err(error) = plan.play(&mut stream).await {
                self.state().left_early += 1;
                return Err(error);
            }
            if plan.closes() {
                return Ok(());
            }
        }
        Ok(())
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
        let answer = if state.script.len() > 1 {
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
