//! The listener: accepts connections, serves each on one of the workers, and drains when asked to stop.
//!
//! Drain: readiness goes off, no connection is accepted any more, idle ones close, and requests in flight have the
//! grace time to end. What is left then is dropped, which cancels its upstream calls.

use super::workers::Workers;
use super::{Gateway, respond};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait to be accepted: a burst of clients is queued, not refused.
const BACKLOG: u32 = 4096;

/// A client has this long to send its head: a slow one must not hold a connection for nothing.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// More headers than this are refused with 431.
const MAX_HEADERS: usize = 128;

/// A longer head than this is refused with 431; bytes. As much of a reply waits for a slow reader.
const MAX_HEAD: usize = 32 << 10;

/// What a slow reader may leave unread in this process, for HTTP/2; bytes.
const SEND_BUFFER: usize = 64 << 10;

/// What the threads have for dropping calls that outlived the grace.
pub const STOP: Duration = Duration::from_millis(200);

/// Binds an address.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves on `workers` until `stop` resolves, then drains for at most `grace` and stops them. True when every request in flight could end.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    grace: Duration,
    workers: Workers,
) -> bool {
    let builder = Arc::new(builder(&workers));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => connection(&gateway, &builder, &graceful, &workers, stream, peer),
            Err(error) => rest(&error).await,
        }
    }
    gateway.set_ready(false);
    drop(listener);
    let ended = tokio::time::timeout(grace, graceful.shutdown()).await;
    workers.stop(STOP);
    ended.is_ok()
}

fn builder(workers: &Workers) -> Builder<Workers> {
    let mut builder = Builder::new(workers.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD as u32)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(Some(HEAD_TIMEOUT));
    builder
}

fn connection(
    gateway: &Arc<Gateway>,
    builder: &Arc<Builder<Workers>>,
    graceful: &GracefulShutdown,
    workers: &Workers,
    stream: TcpStream,
    peer: SocketAddr,
) {
    // Small writes are events of a stream: each is worth a packet. A socket that refuses is served all the same.
    let _ = stream.set_nodelay(true);
    let gateway = gateway.clone();
    let builder = builder.clone();
    let watcher = graceful.watcher();
    // Readiness of a socket is told to one runtime: it has to be the one that serves it.
    let Ok(stream) = stream.into_std() else {
        return;
    };
    workers.spawn(async move {
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        let peer: Arc<str> = peer.ip().to_string().into();
        let service = service_fn(move |request| {
            let (gateway, peer) = (gateway.clone(), peer.clone());
            async move { Ok::<_, Infallible>(respond(&gateway, request, &peer).await) }
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "connection ended early");
        }
    });
}

/// After a failed accept: an error of one connection is passed over, one of this process (no more file descriptors)
/// is waited out, because trying again at once would only burn the processor.
async fn rest(error: &io::Error) {
    let of_the_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !of_the_connection {
        tracing::warn!(%error, "cannot accept connections");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
