//! Row 20: a client that reads more slowly than its upstream writes. What it has not read waits with the system, whose
//! buffers hold the upstream up, and little of it in the gateway: as bytes, and as memory.

use super::{figure, longer};
use crate::bed::{Bed, Served, allow_many_connections, becomes, config, upstream};
use crate::client::{Client, PATIENCE, chat};
use mock_upstream::{Answer, Mock};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What each stream has to say; bytes.
const WHOLE: usize = 50 << 20;
/// What of it may wait in the gateway; bytes.
const MOST: usize = 64 << 10;

/// A chunk in the words in which the gateway passes it on. `delta` says what the model adds: little, as a stream that
/// reports no usage must keep all of it.
fn chunk(delta: Value, padding: usize) -> Value {
    json!({"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk",
        "system_fingerprint": "f".repeat(padding), "choices": [{"index": 0, "delta": delta}]})
}

/// A stream whose events are passed on byte for byte.
struct Stream {
    /// Two by turns: a model that says the same again and again would be stopped.
    pair: [Value; 2],
    /// One event, as it is passed on.
    event: usize,
    /// What the upstream puts before its events.
    head: usize,
}

/// What an upstream writes around each piece of so many bytes: its length before it, a line's end after it.
fn before(piece: usize) -> usize {
    format!("{piece:x}\r\n").len()
}

const AFTER: usize = "\r\n".len();
/// What the gateway adds to the first event of a stream that does not say who speaks.
const ADDED: usize = ",\"role\":\"assistant\"".len();

impl Stream {
    fn of(padding: usize) -> Self {
        let pair = ["x", "y"].map(|text| chunk(json!({"content": text}), padding));
        let event = format!("data: {}\n\n", pair[0]).len();
        Self {
            pair,
            event,
            head: 0,
        }
    }

    /// All that it has to say.
    fn answer(&self) -> Answer {
        Answer {
            sse: Some(self.pair.clone().into()),
            repeat: WHOLE / self.event / 2,
            ..Answer::default()
        }
    }

    /// Asks for a short one, which tells the length of the head, and that what is passed on is what was sent.
    async fn tried(mut self, address: SocketAddr, mock: &Mock) -> Self {
        // The first one tells the role, which the gateway would add.
        let first = chunk(json!({"content": "x", "role": "assistant"}), 9);
        let mut last = chunk(json!({}), 9);
        last["choices"][0] = json!({"index": 0, "finish_reason": "stop", "delta": {}});
        let mut events = vec![first];
        events.extend(self.pair.clone());
        events.extend([last, json!("[DONE]")]);
        let said = events.iter().map(|event| match event {
            Value::String(text) => format!("data: {text}\n\n"),
            other => format!("data: {other}\n\n"),
        });
        let said: Vec<String> = said.collect();
        mock.script(vec![Answer {
            sse: Some(events),
            ..Answer::default()
        }]);
        let written = mock.written();
        let reply = Client::open(address).await.call(chat("m", true)).await;
        assert!(
            reply.text() == said.concat(),
            "not passed on as it was said"
        );
        let around = |piece: &String| before(piece.len()) + piece.len() + AFTER;
        let framed = said.iter().map(around).sum::<usize>() + "0\r\n\r\n".len();
        let taken = || (mock.written() - written) as usize;
        becomes("it is written", || taken() > framed).await;
        self.head = taken() - framed;
        self
    }

    /// How many bytes of events lie before a place of what the upstream has written.
    fn events_before(&self, place: usize) -> usize {
        let piece = before(self.event) + self.event + AFTER;
        let place = place.saturating_sub(self.head);
        let rest = (place % piece).saturating_sub(before(self.event));
        place / piece * self.event + rest.min(self.event)
    }
}

/// How many bytes of events lie before each of some places of what a client has read.
fn events_read(read: &[u8], places: &[usize]) -> Vec<usize> {
    let mut at = memchr::memmem::find(read, b"\r\n\r\n").expect("a head") + 4;
    // Where each piece begins, and what of the events lies before it.
    let (mut pieces, mut events) = (vec![(0, 0, 0)], 0);
    while let Some(line) = memchr::memmem::find(&read[at..], b"\r\n") {
        let size = std::str::from_utf8(&read[at..at + line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        pieces.push((at + line + 2, events, size));
        events += size;
        at += line + 2 + size + AFTER;
        if at > read.len() {
            break;
        }
    }
    let before = |place: &usize| {
        let next = pieces.partition_point(|(begins, ..)| begins <= place);
        let (begins, events, size) = pieces[next - 1];
        events + (place - begins).min(size)
    };
    places.iter().map(before).collect()
}

/// Bytes that the system holds on the way between sockets of this machine: those that were written and not yet
/// acknowledged, and those that have come and were not yet read.
fn on_the_way(table: &str, from: u16, to: impl Fn(u16) -> bool) -> usize {
    let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
    let of = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (here, there) = (port(fields.next()?)?, port(fields.next()?)?);
        let connected = fields.next()? == "01";
        let (sent, come) = fields.next()?.split_once(':')?;
        let queue = if here == from && to(there) {
            sent
        } else if there == from && to(here) {
            come
        } else {
            return None;
        };
        connected.then(|| usize::from_str_radix(queue, 16).ok())?
    };
    table.lines().filter_map(of).sum()
}

/// A client that reads as told, and what can be seen of its stream from outside.
struct Reader<'a> {
    stream: TcpStream,
    read: Vec<u8>,
    gateway: u16,
    upstream: u16,
    mock: &'a Mock,
    /// What the upstream had written before.
    written: u64,
}

/// One look at a stream: what the gateway has taken of its upstream, and given to its client, as bytes of either
/// connection; and what the system holds of each.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    taken: usize,
    given: usize,
    unread: usize,
    unsent: usize,
}

impl<'a> Reader<'a> {
    async fn ask(address: SocketAddr, mock: &'a Mock, upstream: u16, answer: Answer) -> Self {
        mock.script(vec![answer]);
        let written = mock.written();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(chat("m", true).as_bytes()).await.unwrap();
        Self {
            stream,
            read: Vec::new(),
            gateway: address.port(),
            upstream,
            mock,
            written,
        }
    }

    fn looked(&self) -> Look {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let here = self.stream.local_addr().unwrap().port();
        let unread = on_the_way(&table, self.upstream, |_| true);
        let unsent = on_the_way(&table, self.gateway, |to| to == here);
        let written = (self.mock.written() - self.written) as usize;
        Look {
            taken: written.saturating_sub(unread),
            given: self.read.len() + unsent,
            unread,
            unsent,
        }
    }

    /// `None` while bytes are on the move: the parts of a look are not seen at one time.
    fn still(&self) -> Option<Look> {
        let first = self.looked();
        (self.looked() == first).then_some(first)
    }

    /// Reads what is there, up to so many bytes.
    fn reads(&mut self, bytes: usize) {
        let mut buffer = vec![0; bytes];
        let mut read = 0;
        while read < bytes
            && let Ok(some @ 1..) = self.stream.try_read(&mut buffer[read..])
        {
            read += some;
        }
        self.read.extend_from_slice(&buffer[..read]);
    }

    /// Reads on until it has so many bytes.
    async fn reads_to(&mut self, place: usize) {
        let begun = Instant::now();
        while self.read.len() < place {
            assert!(begun.elapsed() < PATIENCE, "the stream does not go on");
            self.reads(256 << 10);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// What was seen while a client read slowly: the most that waited in the gateway, and how often that was looked at.
struct Seen {
    most: usize,
    looks: usize,
    /// The most that the system held meanwhile, in both connections.
    held: usize,
}

/// Reads of a stream as slowly as `paces` say, each so many times: bytes each 10 ms, or somewhat later.
async fn seen(
    address: SocketAddr,
    mock: &Mock,
    upstream: u16,
    stream: &Stream,
    (paces, steps): (&[usize], usize),
) -> Seen {
    let mut reader = Reader::ask(address, mock, upstream, stream.answer()).await;
    becomes("it begins", || reader.looked().unsent > 0).await;
    settled(mock).await;
    let (mut looks, mut held) = (Vec::new(), 0);
    for pace in paces {
        for _ in 0..steps {
            reader.reads(*pace);
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(2)).await;
                if let Some(look) = reader.still() {
                    held = held.max(look.unread + look.unsent);
                    looks.push(look);
                }
            }
        }
    }
    assert!(
        (mock.written() - reader.written) < WHOLE as u64,
        "it has ended"
    );
    // Where the last byte lies that was looked at is told by what comes after it.
    let last = looks.iter().map(|look| look.given).max();
    reader.reads_to(last.expect("a look") + 16).await;
    let places: Vec<usize> = looks.iter().map(|look| look.given).collect();
    let given = events_read(&reader.read, &places);
    drop(reader);
    mock.until_left_early(1).await;
    // What is acknowledged late is counted twice, and then less seems to wait here than does.
    let waited = looks
        .iter()
        .zip(given)
        .map(|(look, given)| (stream.events_before(look.taken) + ADDED).saturating_sub(given));
    Seen {
        most: waited.max().unwrap_or_default(),
        looks: looks.len(),
        held,
    }
}

/// A client that stops, and ones that read more and more.
const PACES: &[usize] = &[0, 1 << 10, 16 << 10, 256 << 10];

/// Events as models send them, and large ones. Of still larger ones a part waits besides: 71 KiB of events of 32 KB.
#[tokio::test(flavor = "multi_thread")]
async fn row_20_no_more_than_64_kib_of_a_stream_wait_here_for_a_slow_reader() {
    let (mock, port) = upstream();
    let served = Served::start(&config(port, "")).await;
    for padding in [50, 4_000] {
        let stream = Stream::of(padding).tried(served.address, &mock).await;
        let Seen { most, looks, held } =
            seen(served.address, &mock, port, &stream, (PACES, 8 * longer())).await;
        figure!(
            20,
            "a slow reader of 50 MB in events of {} bytes: at most {:.1} KiB wait in the gateway, seen {looks} times; \
             with the system at most {} KiB",
            stream.event,
            most as f64 / 1024.0,
            held >> 10
        );
        assert!(looks > 20, "bytes were always on the move: {looks}");
        assert!(most <= MOST, "{most} bytes of events of {}", stream.event);
    }
}

/// What the bound of what waits to be written is for.
#[tokio::test(flavor = "multi_thread")]
async fn row_20_control_without_the_bound_a_stream_waits_here() {
    let mut upstream = 0;
    let bed = Bed::bounded(
        1,
        |ports| {
            upstream = ports[0];
            config(ports[0], "")
        },
        |bounds| bounds.head = 4 << 20,
    );
    let stream = Stream::of(16_000).tried(bed.address, &bed.mock).await;
    let Seen { most, .. } = seen(bed.address, &bed.mock, upstream, &stream, (PACES, 4)).await;
    figure!(
        20,
        "the control, without the bound of what waits to be written: {} KiB",
        most >> 10
    );
    assert!(most > 2 * MOST, "{most}");
}

/// A stream that is held up costs not much more memory than one that waits for its upstream.
#[tokio::test(flavor = "multi_thread")]
async fn row_20_a_slow_reader_costs_a_bounded_amount_of_memory() {
    const READERS: usize = 40;
    /// 64 KiB, and what allocators round up.
    const MOST: usize = (64 + 16) << 10;
    allow_many_connections();
    let calm = held(READERS, Some(5_000)).await;
    let slow = held(READERS, None).await;
    let buffered = slow.saturating_sub(calm);
    figure!(
        20,
        "{READERS} readers that stop, of streams without end: {} KiB more than a calm one each",
        buffered >> 10
    );
    assert!(
        buffered <= MOST,
        "{buffered} bytes for a slow reader, {calm} for a calm one"
    );
}

/// Bytes that each of so many streams costs whose clients do not read on. The upstream goes on for ever, or stalls
/// after so many bytes.
async fn held(readers: usize, stall_after: Option<usize>) -> usize {
    let (mock, port) = upstream();
    let served = Served::start(&config(port, "")).await;
    mock.script(vec![Answer {
        sse: Some(Stream::of(4_000).pair.into()),
        repeat: 1 << 20,
        stall_after,
        ..Answer::default()
    }]);
    let mut waiting = Vec::new();
    let mut before = 0;
    for i in 0..readers + 4 {
        if i == 4 {
            // The first calls load what every later one shares.
            settled(&mock).await;
            before = served.memory();
        }
        let mut reader = Client::narrow(served.address).await;
        reader.send(chat("m", true)).await;
        reader.until("data: ").await;
        waiting.push(reader);
    }
    settled(&mock).await;
    // A stream that had ended would cost nothing.
    assert_eq!((mock.reached(), mock.left_early()), (readers as u64 + 4, 0));
    served.memory().saturating_sub(before) / readers
}

/// Waits until the upstream has not written for a while.
async fn settled(mock: &Mock) {
    let (mut before, mut same) = (0, 0);
    while same < 3 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let written = mock.written();
        same = if written == before { same + 1 } else { 0 };
        before = written;
    }
}
