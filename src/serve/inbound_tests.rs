#![allow(clippy::unwrap_used)]
use super::*;
use http_body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// A body that sends a piece so often, and so many of them.
struct Slow {
    piece: Bytes,
    every: Duration,
    left: usize,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Slow {
    fn new(piece: usize, every: Duration, left: usize) -> Self {
        Self {
            piece: vec![b'x'; piece].into(),
            every,
            left,
            timer: None,
        }
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = self.get_mut();
        if body.left == 0 {
            return Poll::Ready(None);
        }
        let timer = body
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(body.every)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        body.timer = None;
        body.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(body.piece.clone()))))
    }
}

/// Within the usual time.
async fn read_of(body: Slow) -> (Result<usize, String>, Duration) {
    read_within(Some(pace::TIME), body).await
}

async fn read_within(time: Option<Duration>, body: Slow) -> (Result<usize, String>, Duration) {
    let begun = Instant::now();
    let limits = Limits {
        bytes: 100 << 20,
        time,
    };
    let read = read(body, limits).await;
    let read = read
        .map(|whole| whole.len())
        .map_err(|refusal| refusal.code.into());
    (read, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_not_waited_for() {
    let dripping = Slow::new(1, Duration::from_secs(1), 10_000);
    let (read, took) = read_of(dripping).await;
    assert_eq!(read, Err("408".to_owned()));
    assert_eq!(took, pace::TIME);
    let stalled = Slow::new(1, Duration::from_secs(3600), 1);
    assert_eq!(read_of(stalled).await, (Err("408".to_owned()), pace::TIME));
}

#[tokio::test(start_paused = true)]
async fn row_21_control_without_a_limit_a_body_that_drips_is_waited_for() {
    let dripping = Slow::new(1, Duration::from_secs(1), 10_000);
    let (read, took) = read_within(None, dripping).await;
    assert_eq!(read, Ok(10_000));
    assert!(took >= Duration::from_secs(10_000), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_on_a_slow_line_is() {
    let pieces = 100;
    let slow = Slow::new(pace::RATE * 2, Duration::from_secs(1), pieces);
    let (read, took) = read_of(slow).await;
    assert_eq!(read, Ok(pace::RATE * 2 * pieces));
    assert!(took > pace::TIME, "{took:?}");
}
