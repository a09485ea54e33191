//! The listener: accepts connections, serves each on one of the workers, and drains when asked to stop.
//!
//! Drain: readiness goes off, who waits to be accepted is, then nobody any more, idle connections close, and requests in
//! flight have the grace time to end. What is left then is told so in its dialect ([`super::ending`]) and dropped, which
//! cancels its upstream calls.

use super::workers::Workers;
use super::{Gateway, respond};
use futures_util::FutureExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

/// Streams of one HTTP/2 connection at a time.
const MAX_STREAMS: u32 = 200;

/// Streams that an HTTP/2 client may reset before they are looked at; more is a flood.
const MAX_RESETS: usize = 20;

/// What clients have for taking the last words of streams that outlived the grace.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What the threads have for dropping calls that outlived the grace.
pub const STOP: Duration = Duration::from_millis(200);

/// Binds an address.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address, false)
}

/// Binds an address that another process of this user may listen on, too: the next one, which takes over.
///
/// # Errors
/// When the address is not ours.
pub fn bind_shared(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address, true)
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(shared)?;
    #[cfg(not(unix))]
    let _ = shared;
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
    max_connections: usize,
) -> bool {
    let builder = Arc::new(builder(&workers.that_end(&gateway.ending)));
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(max_connections));
    tokio::pin!(stop);
    loop {
        // Where there are as many as this process can hold, the others wait in the system's queue.
        let next = async {
            let place = room.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        match accepted {
            Ok(accepted) => connection(
                &gateway,
                &builder,
                &graceful,
                &workers,
                accepted,
                place.ok(),
            ),
            Err(error) => rest(&error).await,
        }
    }
    gateway.set_ready(false);
    // Who has connected already is served; closing the socket would reset them.
    while let Some(Ok(accepted)) = listener.accept().now_or_never() {
        connection(&gateway, &builder, &graceful, &workers, accepted, None);
    }
    drop(listener);
    let mut ended = pin!(graceful.shutdown());
    let in_time = tokio::time::timeout(grace, &mut ended).await.is_ok();
    if !in_time {
        gateway.ending.end();
        // A moment to send the last words.
        let _ = tokio::time::timeout(LAST_WORDS, ended).await;
    }
    workers.stop(STOP);
    in_time
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
        .keep_alive_interval(Some(HEAD_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS);
    builder
}

fn connection(
    gateway: &Arc<Gateway>,
    builder: &Arc<Builder<Workers>>,
    graceful: &GracefulShutdown,
    workers: &Workers,
    (stream, peer): (TcpStream, SocketAddr),
    place: Option<OwnedSemaphorePermit>,
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
        let _place = place;
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        let peer: Arc<str> = peer.ip().to_string().into();
        let ending = gateway.ending.clone();
        let service = service_fn(move |request| {
            let (gateway, peer) = (gateway.clone(), peer.clone());
            // Boxed, it is given back once the head of the reply is there: a stream that lasts holds none of it.
            Box::pin(async move { Ok::<_, Infallible>(respond(&gateway, request, &peer).await) })
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        if let Err(error) = ending.carry(watcher.watch(connection)).await {
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
