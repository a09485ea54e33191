//! The body of a request as it is sent: one piece for nearly all calls; for uploads, pieces from memory and from disk,
//! read as the connection takes them.

use crate::upload::{Content, Payload, Spool};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::task::JoinHandle;

/// How much is read of a file at a time.
const PIECE: usize = 256 << 10;

/// A body on its way out.
pub(super) enum Outgoing {
    Whole(Option<Bytes>),
    Pieces(Box<Pieces>),
}

/// One that has not been begun, once more: for a request that may have to be sent again.
impl Clone for Outgoing {
    fn clone(&self) -> Self {
        match self {
            Self::Whole(bytes) => Self::Whole(bytes.clone()),
            Self::Pieces(pieces) => Payload::Pieces(pieces.all.clone()).into(),
        }
    }
}

/// Where the sending of pieces is.
pub(super) struct Pieces {
    all: Arc<[Content]>,
    /// The piece under way, and how much of it was read.
    at: usize,
    offset: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl From<Payload> for Outgoing {
    fn from(payload: Payload) -> Self {
        let left = payload.length();
        match payload {
            Payload::Whole(bytes) => Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())),
            Payload::Pieces(pieces) => Self::Pieces(Box::new(Pieces {
                all: pieces,
                at: 0,
                offset: 0,
                left,
                reading: None,
            })),
        }
    }
}

impl Pieces {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let Poll::Ready(read) = Pin::new(reading).poll(cx) else {
                    return Poll::Pending;
                };
                self.reading = None;
                let read = read.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
                return Poll::Ready(Some(read.inspect(|piece| self.sent(piece))));
            }
            let Some(piece) = self.all.get(self.at) else {
                return Poll::Ready(None);
            };
            match piece {
                piece if self.offset >= piece.len() => {
                    self.at += 1;
                    self.offset = 0;
                }
                Content::Held(bytes) => {
                    let bytes = bytes.clone();
                    self.sent(&bytes);
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Content::Spooled(spool) => self.reading = Some(read(spool.clone(), self.offset)),
            }
        }
    }

    fn sent(&mut self, piece: &Bytes) {
        self.offset += piece.len() as u64;
        self.left = self.left.saturating_sub(piece.len() as u64);
    }
}

fn read(spool: Arc<Spool>, offset: u64) -> JoinHandle<io::Result<Bytes>> {
    tokio::task::spawn_blocking(move || spool.read(offset, PIECE))
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match self.get_mut() {
            Self::Whole(bytes) => return Poll::Ready(bytes.take().map(|all| Ok(Frame::data(all)))),
            Self::Pieces(pieces) => pieces.poll(cx),
        };
        piece.map(|piece| piece.map(|read| read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Pieces(pieces) => pieces.left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Whole(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::Pieces(pieces) => pieces.left,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    #[tokio::test]
    async fn pieces_follow_one_another_whether_held_or_spooled() {
        let long: Vec<u8> = (0..PIECE * 2 + 7).map(|n| n as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&long).unwrap();
        let pieces = [
            Content::Held(Bytes::from_static(b"head")),
            Content::Held(Bytes::new()),
            Content::Spooled(Arc::new(Spool::new(file, long.len() as u64))),
            Content::Held(Bytes::from_static(b"tail")),
        ];
        let payload = Payload::Pieces(pieces.into());
        let expected = [b"head", &long[..], b"tail"].concat();
        // Again, as another attempt would.
        for _ in 0..2 {
            let body = Outgoing::from(payload.clone());
            assert_eq!(body.size_hint().exact(), Some(expected.len() as u64));
            assert_eq!(body.collect().await.unwrap().to_bytes(), expected);
        }
    }
}
