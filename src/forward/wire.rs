//! One connection: whether an upstream that ends it did so because of a request.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

/// A connection, which knows whether it still owes the first byte of an answer.
pub(super) struct Wire {
    io: Io,
    turn: Turn,
}

impl Wire {
    /// One on which nothing was sent.
    pub(super) fn new(io: Io) -> Self {
        Self {
            io,
            turn: Turn::First,
        }
    }
}

#[derive(Clone, Copy)]
enum Turn {
    /// Nothing was read yet: an upstream that ends it now did so because of the request.
    First,
    /// Answers were read, and nothing was written since.
    Answered,
    /// It has answered before and was asked again, then; not a byte has come since.
    Asked(Instant),
}

/// A connection that had answered before ended before a byte of the next answer came, at once after the request
/// went out and in order: the upstream was closing it while the request was on its way. One that is reset is no such
/// thing: whoever resets it has seen the request.
#[derive(Debug)]
pub(super) struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream closed the connection meanwhile")
    }
}

impl std::error::Error for Stale {}

/// What "at once" is. News of a connection that the upstream had closed comes within a round trip, and the longest
/// on this planet take less; an upstream that ends the connection later may have worked on the request.
const STALE_WITHIN: Duration = Duration::from_secs(1);

impl Wire {
    fn asked(&mut self) {
        if matches!(self.turn, Turn::Answered) {
            self.turn = Turn::Asked(Instant::now());
        }
    }

    fn answered(&mut self) {
        self.turn = Turn::Answered;
    }

    fn stale(&self) -> bool {
        matches!(self.turn, Turn::Asked(at) if at.elapsed() < STALE_WITHIN)
    }

    /// What writing came to.
    fn wrote<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(error))
                if error.kind() == io::ErrorKind::BrokenPipe && self.stale() =>
            {
                Poll::Ready(Err(io::Error::other(Stale)))
            }
            written => written,
        }
    }
}

/// Bytes as they go out: on a socket, or in TLS, which may go through the TLS of a proxy.
pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<Io>>),
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut wire.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            wire.answered();
        } else if matches!(read, Poll::Ready(Ok(()))) && wire.stale() {
            return Poll::Ready(Err(io::Error::other(Stale)));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        wire.asked();
        let written = Pin::new(&mut wire.io).poll_write(cx, buf);
        wire.wrote(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        wire.asked();
        let written = Pin::new(&mut wire.io).poll_write_vectored(cx, bufs);
        wire.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let flushed = Pin::new(&mut wire.io).poll_flush(cx);
        wire.wrote(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
