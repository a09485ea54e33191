//! Connections to upstreams and who has them: one call at a time on each, HTTP/1.1.
//!
//! A call takes the connection that was used last. Where none is unused it makes one, and takes whichever comes first:
//! its own, or one that another call is through with; its own is finished in the background, then, for the next call.

use super::Clocks;
use super::address::Address;
use super::connect::{BoxError, Connector};
use super::outgoing::Outgoing;
use crate::pieces::Pieces;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// What is read of a response before somebody asks for it, and the longest head; bytes. A slow reader holds this much
/// for as long as it likes; hyper would let it be 400 KB.
const READ_BUFFER: usize = 12 << 10;

/// What sends on a connection.
type Sender = http1::SendRequest<Pieces<Outgoing>>;

/// The connections of one runtime.
pub(super) struct Pool {
    connector: Connector,
    /// How long an unused connection is kept.
    idle: Duration,
    /// Unused connections kept for each origin; 0: none is, and none is waited for.
    size: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    origins: HashMap<Arc<str>, Origin, foldhash::fast::RandomState>,
    /// Closes what is kept for too long. Ends when nothing is kept.
    sweeper: Option<JoinHandle<()>>,
}

/// A scheme, a host and a port.
#[derive(Default)]
struct Origin {
    /// Used last: last.
    unused: VecDeque<Unused>,
    /// Calls that would take a connection instead of the one they are making; first come, first served.
    waiting: VecDeque<oneshot::Sender<Sender>>,
}

struct Unused {
    sender: Sender,
    since: Instant,
}

/// A connection that a call has to itself. Dropped, it is closed.
pub(super) struct Lease {
    pub(super) sender: Sender,
    /// It has answered before.
    pub(super) reused: bool,
    pool: Arc<Pool>,
    to: Arc<Address>,
}

impl Pool {
    pub(super) fn new(connector: Connector, idle: Duration, size: usize) -> Self {
        Self {
            connector,
            idle,
            size,
            kept: Mutex::default(),
        }
    }

    /// An empty one that keeps as much for as long.
    pub(super) fn alike(&self, connector: Connector) -> Self {
        Self::new(connector, self.idle, self.size)
    }

    /// One that keeps nothing.
    pub(super) fn keeping_nothing(&self, connector: Connector) -> Self {
        Self::new(connector, self.idle, 0)
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// A connection for one call.
    ///
    /// # Errors
    /// Why none could be made.
    pub(super) async fn lease(
        self: &Arc<Self>,
        to: &Arc<Address>,
        clocks: Clocks,
    ) -> Result<Lease, BoxError> {
        match self.unused(&to.origin) {
            Some(sender) => Ok(self.leased(sender, to, true)),
            None if self.size == 0 => self.connect(to, clocks).await,
            // Boxed, so that the usual call is not as large as this one.
            None => Box::pin(self.first(to, clocks)).await,
        }
    }

    /// A connection that no call has used.
    ///
    /// # Errors
    /// Why none could be made.
    pub(super) async fn connect(
        self: &Arc<Self>,
        to: &Arc<Address>,
        clocks: Clocks,
    ) -> Result<Lease, BoxError> {
        let io = self.connector.connect(&to.uri, clocks).await?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .writev(false)
            .handshake(TokioIo::new(io))
            .await?;
        // What becomes of it, its calls are told.
        tokio::spawn(async move { drop(connection.await) });
        Ok(self.leased(sender, to, false))
    }

    /// A new connection, or one that comes back meanwhile.
    async fn first(self: &Arc<Self>, to: &Arc<Address>, clocks: Clocks) -> Result<Lease, BoxError> {
        let returned = self.wait(&to.origin);
        let mut connecting = Box::pin({
            let (pool, to) = (self.clone(), to.clone());
            async move { pool.connect(&to, clocks).await }
        });
        tokio::select! {
            biased;
            Ok(sender) = returned => {
                tokio::spawn(async move {
                    if let Ok(lease) = connecting.await {
                        lease.over();
                    }
                });
                Ok(self.leased(sender, to, true))
            }
            made = &mut connecting => made,
        }
    }

    fn leased(self: &Arc<Self>, sender: Sender, to: &Arc<Address>, reused: bool) -> Lease {
        Lease {
            sender,
            reused,
            pool: self.clone(),
            to: to.clone(),
        }
    }

    fn unused(&self, origin: &str) -> Option<Sender> {
        let mut kept = self.kept.lock();
        let unused = &mut kept.origins.get_mut(origin)?.unused;
        let mut closed = VecDeque::new();
        while let Some(last) = unused.pop_back() {
            if last.since.elapsed() >= self.idle {
                // The others are older.
                closed = std::mem::take(unused);
            } else if last.sender.is_ready() {
                return Some(last.sender);
            }
        }
        drop(kept);
        drop(closed);
        None
    }

    fn wait(self: &Arc<Self>, origin: &Arc<str>) -> oneshot::Receiver<Sender> {
        let (sender, returned) = oneshot::channel();
        let mut kept = self.kept.lock();
        let waiting = &mut kept.origins.entry(origin.clone()).or_default().waiting;
        while waiting.front().is_some_and(oneshot::Sender::is_closed) {
            waiting.pop_front();
        }
        waiting.push_back(sender);
        self.see_to_sweeping(&mut kept);
        returned
    }

    fn put(self: &Arc<Self>, origin: &Arc<str>, mut sender: Sender) {
        let mut kept = self.kept.lock();
        let of_origin = match kept.origins.get_mut(origin) {
            Some(of_origin) => of_origin,
            None => kept.origins.entry(origin.clone()).or_default(),
        };
        while let Some(call) = of_origin.waiting.pop_front() {
            match call.send(sender) {
                Ok(()) => return,
                Err(not_taken) => sender = not_taken,
            }
        }
        if of_origin.unused.len() < self.size {
            let since = Instant::now();
            of_origin.unused.push_back(Unused { sender, since });
            self.see_to_sweeping(&mut kept);
        }
    }

    fn see_to_sweeping(self: &Arc<Self>, kept: &mut Kept) {
        if kept.sweeper.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            let (pool, idle) = (Arc::downgrade(self), self.idle);
            kept.sweeper = Some(runtime.spawn(sweep(pool, idle)));
        }
    }
}

/// Closes connections that were unused for `idle`, and forgets calls that wait no longer.
async fn sweep(pool: Weak<Pool>, idle: Duration) {
    loop {
        sleep(idle).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut kept = pool.kept.lock();
        kept.origins.retain(|_, origin| {
            origin
                .unused
                .retain(|one| one.sender.is_ready() && one.since.elapsed() < idle);
            origin.waiting.retain(|call| !call.is_closed());
            !origin.unused.is_empty() || !origin.waiting.is_empty()
        });
        if kept.origins.is_empty() {
            kept.sweeper = None;
            return;
        }
    }
}

impl Lease {
    /// The call is through with the connection: it is for others as soon as it can take the next request. It cannot
    /// while an upstream that answered early still reads this one, and never will where a body was left half read.
    pub(super) fn over(self) {
        let Self {
            mut sender,
            pool,
            to,
            ..
        } = self;
        if pool.size == 0 || sender.is_closed() {
            return;
        }
        if sender.is_ready() {
            pool.put(&to.origin, sender);
        } else if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Ok(Ok(())) = timeout(pool.idle, sender.ready()).await {
                    pool.put(&to.origin, sender);
                }
            });
        }
    }
}
