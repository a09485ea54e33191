//! A client on a plain socket: it sends bytes as told, reads as told, and leaves when told.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Longest wait for anything in a test: long enough for a busy machine, short enough to end.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Status line and headers, names in lower case.
    pub head: String,
    /// The body, transfer coding removed.
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.head, self.text()))
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    stopped: bool,
}

impl Client {
    pub async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            buffer: Vec::new(),
            stopped: false,
        }
    }

    /// One whose side of the connection holds next to nothing.
    pub async fn narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self {
            stream: socket.connect(address).await.unwrap(),
            buffer: Vec::new(),
            stopped: false,
        }
    }

    /// Sends bytes. A server that has refused may close before it has read all.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Sends bytes as long as the server reads them, and nothing more after those that it did not: what it has not
    /// taken whole must not be followed by a beginning.
    pub async fn send_some(&mut self, bytes: impl AsRef<[u8]>) {
        if self.stopped {
            return;
        }
        let sent = self.stream.write_all(bytes.as_ref());
        let sent = tokio::time::timeout(std::time::Duration::from_secs(1), sent).await;
        self.stopped = !matches!(sent, Ok(Ok(())));
    }

    /// Whether the server stopped reading what was sent so.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Says that nothing more is sent.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Reads until `needle` has come; panics when the connection ends before.
    pub async fn until(&mut self, needle: &str) {
        while memchr::memmem::find(&self.buffer, needle.as_bytes()).is_none() {
            assert!(
                self.fill().await,
                "ended: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    /// Whether the server has closed, once all that it said is read.
    pub async fn closed(&mut self) -> bool {
        tokio::time::timeout(PATIENCE, async { while self.fill().await {} })
            .await
            .is_ok()
    }

    /// Reads one whole reply.
    pub async fn reply(&mut self) -> Reply {
        tokio::time::timeout(PATIENCE, self.read_reply())
            .await
            .unwrap_or_else(|_| panic!("no reply: {:?}", String::from_utf8_lossy(&self.buffer)))
    }

    /// Sends a request and reads its reply.
    pub async fn call(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.send(request).await;
        self.reply().await
    }

    /// One request on a connection of its own, by whoever does not insist: its status, if there was an answer.
    pub async fn try_call(address: SocketAddr, request: impl AsRef<[u8]>) -> Option<u16> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request.as_ref()).await.ok()?;
        let mut client = Self {
            stream,
            buffer: Vec::new(),
            stopped: false,
        };
        // The end of a stream is told by its last chunk, that of a reply by its length: either way by no more bytes.
        let whole = async {
            loop {
                let text = client.so_far();
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
                let length = head.to_ascii_lowercase();
                let length = length
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let whole = match length {
                    Some(length) => body.len() >= length,
                    None => body.ends_with("0\r\n\r\n"),
                };
                if whole || !client.fill().await {
                    return whole;
                }
            }
        };
        let whole = tokio::time::timeout(PATIENCE, whole).await.ok()?;
        let status = client.so_far().get(9..12)?.parse().ok()?;
        whole.then_some(status)
    }

    /// All that comes until the server closes.
    pub async fn rest(&mut self) -> String {
        while self.fill().await {}
        self.so_far()
    }

    /// What has come and was not read yet.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    async fn read_reply(&mut self) -> Reply {
        let head_end = self.at(b"\r\n\r\n", 0).await + 4;
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).to_ascii_lowercase();
        self.buffer.drain(..head_end);
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|value| value.trim().parse::<usize>().ok());
        let body = match length {
            Some(length) => {
                self.have(length).await;
                self.buffer.drain(..length).collect()
            }
            None => self.chunked().await,
        };
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Reply {
            status: status.unwrap_or(0),
            head,
            body,
        }
    }

    async fn chunked(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.at(b"\r\n", 0).await;
            let size = std::str::from_utf8(&self.buffer[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            self.have(line + 2 + size + 2).await;
            body.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            self.buffer.drain(..line + 2 + size + 2);
            if size == 0 {
                return body;
            }
        }
    }

    async fn at(&mut self, needle: &[u8], from: usize) -> usize {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer[from..], needle) {
                return from + at;
            }
            assert!(
                self.fill().await,
                "ended: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    async fn have(&mut self, length: usize) {
        while self.buffer.len() < length {
            assert!(self.fill().await, "ended within a body");
        }
    }

    /// Reads what is there; false at the end.
    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }
}

/// A POST as bytes, with the master key of the beds.
pub fn post(path: &str, body: &str) -> String {
    post_with(
        path,
        body,
        &format!("authorization: Bearer {}\r\n", super::bed::MASTER_KEY),
    )
}

/// A POST as bytes, with header lines of the caller's.
pub fn post_with(path: &str, body: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A chat.
pub fn chat(model: &str, stream: bool) -> String {
    let body = serde_json::json!({"model": model, "stream": stream,
        "messages": [{"role": "user", "content": "Hello"}]});
    post("/v1/chat/completions", &body.to_string())
}

/// A GET as bytes.
pub fn get(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\n\r\n",
        super::bed::MASTER_KEY
    )
}
