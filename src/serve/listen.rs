//! The listener: accepts connections, serves each on one of the workers, and drains when asked to stop.
//!
//! Drain: readiness goes off, who waits to be accepted is, then nobody any more, idle connections close, those that have
//! asked for nothing yet have a moment to, and requests in flight have the grace time to end. What is left then is told
//! so in its dialect ([`super::signal`]) and dropped, which cancels its upstream calls.

use super::bounds::Bounds;
use super::signal::Signal;
use super::workers::Workers;
use super::{Gateway, respond};
use crate::forward::in_place;
use crate::pieces::Pieces;
use futures_util::FutureExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Connections that wait to be accepted: a burst of clients is queued, not refused.
const BACKLOG: u32 = 4096;

/// What a slow reader may leave unread in this process, for HTTP/2; bytes.
const SEND_BUFFER: usize = 64 << 10;

/// A connection of HTTP/2 that says nothing for so long is asked whether it still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Who has connected and has said nothing yet when this process stops has this long to ask: a request may be on its way.
const FIRST_WORDS: Duration = Duration::from_secs(1);

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

/// The socket that systemd listens on for this process (`LISTEN_FDS`), if it does. It stays open when this process ends:
/// whoever connects meanwhile waits for the next one.
///
/// # Errors
/// When it is no TCP socket, or one of several.
pub fn inherited() -> io::Result<Option<std::net::TcpListener>> {
    let mut sockets = listenfd::ListenFd::from_env();
    if sockets.len() > 1 {
        return Err(io::Error::other(
            "there are several of them; name one `ListenStream` in the socket unit",
        ));
    }
    let Some(socket) = sockets.take_tcp_listener(0)? else {
        return Ok(None);
    };
    socket.set_nonblocking(true)?;
    Ok(Some(socket))
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
    bounds: Bounds,
) -> bool {
    let builder = Arc::new(builder(&workers.that_end(&gateway.ending), bounds));
    let drain = Drain {
        head_time: bounds.head_time,
        begun: Signal::default(),
        open: TaskTracker::new(),
    };
    let room = Arc::new(Semaphore::new(bounds.connections));
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
            Ok(accepted) => {
                connection(&gateway, &builder, &drain, &workers, accepted, place.ok());
            }
            Err(error) => rest(&error).await,
        }
    }
    gateway.set_ready(false);
    // Who has connected already is served; closing the socket would reset them.
    while let Some(Ok(accepted)) = listener.accept().now_or_never() {
        connection(&gateway, &builder, &drain, &workers, accepted, None);
    }
    drop(listener);
    drain.begun.set();
    drain.open.close();
    let mut ended = pin!(drain.open.wait());
    let in_time = tokio::time::timeout(grace, &mut ended).await.is_ok();
    if !in_time {
        gateway.ending.set();
        // A moment to send the last words.
        let _ = tokio::time::timeout(LAST_WORDS, ended).await;
    }
    workers.stop(STOP);
    in_time
}

fn builder(workers: &Workers, bounds: Bounds) -> Builder<Workers> {
    let mut builder = Builder::new(workers.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_time)
        .max_headers(bounds.headers)
        .writev(false)
        .max_buf_size(bounds.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(bounds.head).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_concurrent_streams(bounds.streams)
        .max_pending_accept_reset_streams(bounds.resets);
    builder
}

/// The end of a listener: told to every connection, and waited for.
#[derive(Clone)]
struct Drain {
    head_time: Option<Duration>,
    begun: Signal,
    open: TaskTracker,
}

impl Drain {
    /// Whether a connection begins to ask. Its time for that is the head's, and a moment once the drain has begun.
    async fn asks(&self, stream: &TcpStream) -> bool {
        let drained = async {
            self.begun.wait().await;
            tokio::time::sleep(FIRST_WORDS).await;
        };
        let silent = async {
            match self.head_time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            readable = stream.readable() => readable.is_ok(),
            () = drained => false,
            () = silent => false,
        }
    }
}

fn connection(
    gateway: &Arc<Gateway>,
    builder: &Arc<Builder<Workers>>,
    drain: &Drain,
    workers: &Workers,
    (stream, peer): (TcpStream, SocketAddr),
    place: Option<OwnedSemaphorePermit>,
) {
    // Small writes are events of a stream: each is worth a packet. A socket that refuses is served all the same.
    let _ = stream.set_nodelay(true);
    let gateway = gateway.clone();
    let builder = builder.clone();
    let (drain, open) = (drain.clone(), drain.open.token());
    // Readiness of a socket is told to one runtime: it has to be the one that serves it.
    let Ok(stream) = stream.into_std() else {
        return;
    };
    workers.spawn(async move {
        let _held = (place, open);
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        if !drain.asks(&stream).await {
            return;
        }
        let peer: Arc<str> = peer.ip().to_string().into();
        let ending = gateway.ending.clone();
        let service = service_fn(move |request| {
            let (gateway, peer) = (gateway.clone(), peer.clone());
            // Boxed, it is given back once the head of the reply is there: a stream that lasts holds none of it. It is
            // made where it stays; moving it would cost more than what it does first.
            in_place!(async move {
                Ok::<_, Infallible>(respond(&gateway, request, &peer).await.map(Pieces::of))
            })
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = Box::pin(connection.into_owned());
        let mut told = false;
        let served = drain.begun.wakes(|cx| {
            // First what is there to be read: a connection that has read nothing is closed at once.
            let ended = connection.as_mut().poll(cx);
            if ended.is_pending() && drain.begun.is_set() && !std::mem::replace(&mut told, true) {
                connection.as_mut().graceful_shutdown();
                return connection.as_mut().poll(cx);
            }
            ended
        });
        if let Err(error) = ending.carry(served).await {
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
