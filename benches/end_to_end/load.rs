//! The load: HTTP/1.1 on plain sockets, so that the client costs little and hides nothing.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Default)]
pub struct Received {
    /// HTTP status.
    pub status: u16,
    /// Bytes of the body, transfer coding removed.
    pub body: Vec<u8>,
    /// Request sent to first byte of the body.
    pub first_byte: Duration,
    /// Request sent to end of the body.
    pub total: Duration,
}

/// A POST of `body` to `path`, as bytes.
pub fn post(path: &str, body: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text =
        format!("POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

impl Connection {
    /// Connects to a port of this machine.
    pub async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends one request and reads its whole answer.
    pub async fn call(&mut self, request: &[u8]) -> std::io::Result<Received> {
        let sent = Instant::now();
        self.stream.write_all(request).await?;
        let mut received = Received::default();
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).to_ascii_lowercase();
        received.status = head.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|value| value.trim().parse::<usize>().ok());
        self.buffer.drain(..head_end);
        match length {
            Some(length) => {
                while self.buffer.len() < length {
                    self.fill().await?;
                }
                received.first_byte = sent.elapsed();
                received.body = self.buffer.drain(..length).collect();
            }
            None => self.chunked(&mut received, sent).await?,
        }
        received.total = sent.elapsed();
        Ok(received)
    }

    async fn chunked(&mut self, received: &mut Received, sent: Instant) -> std::io::Result<()> {
        loop {
            let line = loop {
                if let Some(at) = find(&self.buffer, b"\r\n") {
                    break at;
                }
                self.fill().await?;
            };
            let size = std::str::from_utf8(&self.buffer[..line])
                .ok()
                .and_then(|hex| {
                    usize::from_str_radix(hex.split(';').next().unwrap_or("").trim(), 16).ok()
                })
                .ok_or(std::io::ErrorKind::InvalidData)?;
            while self.buffer.len() < line + 2 + size + 2 {
                self.fill().await?;
            }
            if received.body.is_empty() {
                received.first_byte = sent.elapsed();
            }
            received
                .body
                .extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            self.buffer.drain(..line + 2 + size + 2);
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// `connections` clients each send `each` requests one after another. Gives every answer.
pub async fn closed_loop(
    port: u16,
    request: &[u8],
    connections: usize,
    each: usize,
) -> Vec<Received> {
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let request = request.to_vec();
            tokio::spawn(async move {
                let mut answers = Vec::with_capacity(each);
                let Ok(mut connection) = Connection::open(port).await else {
                    return answers;
                };
                for _ in 0..each {
                    match connection.call(&request).await {
                        Ok(answer) => answers.push(answer),
                        Err(_) => break,
                    }
                }
                answers
            })
        })
        .collect();
    let mut all = Vec::with_capacity(connections * each);
    for task in tasks {
        all.extend(task.await.unwrap_or_default());
    }
    all
}

/// Requests leave at a fixed `rate` a second for `seconds`, whether or not earlier ones are answered.
pub async fn open_loop(port: u16, request: &[u8], rate: u32, seconds: u32) -> Vec<Duration> {
    let total = rate * seconds;
    let gap = Duration::from_secs(1) / rate;
    let start = Instant::now() + Duration::from_millis(50);
    let idle = std::sync::Arc::new(tokio::sync::Mutex::new(Vec::<Connection>::new()));
    let mut tasks = Vec::with_capacity(total as usize);
    for i in 0..total {
        let due = start + gap * i;
        tokio::time::sleep_until(due.into()).await;
        let (idle, request) = (idle.clone(), request.to_vec());
        tasks.push(tokio::spawn(async move {
            let pooled = idle.lock().await.pop();
            let mut connection = match pooled {
                Some(connection) => connection,
                None => Connection::open(port).await.ok()?,
            };
            // The timer's own granularity (1 ms) is the same for every subject, yet would drown the difference.
            let begun = Instant::now();
            let answer = connection
                .call(&request)
                .await
                .ok()
                .filter(|a| a.status == 200)?;
            drop(answer);
            let took = begun.elapsed();
            idle.lock().await.push(connection);
            Some(took)
        }));
    }
    let mut times = Vec::with_capacity(total as usize);
    for task in tasks {
        times.extend(task.await.ok().flatten());
    }
    times
}
