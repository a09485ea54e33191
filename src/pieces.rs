//! Bodies in pieces of a few kilobytes: what hyper is given.
//!
//! Both of its sides write head and body of a message as one buffer here, not as a list of buffers (`writev`), which
//! costs a twentieth less of a small call's CPU. That buffer keeps its size as long as its connection lives: pieces
//! keep it small, whatever passes through.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Longest piece, bytes.
const LONGEST: usize = 8 << 10;

/// A body whose frames are cut.
#[derive(Clone, Debug)]
pub struct Pieces<B> {
    body: B,
    /// The rest of the frame under way.
    left: Bytes,
}

impl<B> Pieces<B> {
    /// The pieces of a body.
    pub fn of(body: B) -> Self {
        Self {
            body,
            left: Bytes::new(),
        }
    }

    fn cut(&mut self) -> Frame<Bytes> {
        let end = self.left.len().min(LONGEST);
        Frame::data(self.left.split_to(end))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let pieces = self.get_mut();
        if pieces.left.is_empty() {
            match ready!(Pin::new(&mut pieces.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => pieces.left = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        Poll::Ready(Some(Ok(pieces.cut())))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.left.len() as u64;
        let of_body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + left);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + left);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn nothing_is_lost_and_no_piece_is_long() {
        for length in [0, 1, LONGEST, LONGEST + 1, 5 * LONGEST + 7] {
            let whole: Bytes = (0..length).map(|n| n as u8).collect::<Vec<_>>().into();
            let mut pieces = Pieces::of(Full::new(whole.clone()));
            let mut seen = Vec::new();
            loop {
                let left = (length - seen.len()) as u64;
                assert_eq!(pieces.size_hint().exact(), Some(left));
                assert_eq!(pieces.is_end_stream(), left == 0);
                let Some(frame) = pieces.frame().await else {
                    break;
                };
                let data = frame.unwrap().into_data().unwrap();
                assert!(!data.is_empty() && data.len() <= LONGEST);
                seen.extend_from_slice(&data);
            }
            assert_eq!(seen, whole);
        }
    }
}
