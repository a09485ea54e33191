//! Names to addresses, by the system's resolver. It blocks, for as long as name servers are silent: so each question has
//! a thread of its own, the calls that want the same name share it, and a name that hangs holds up no other.

use futures_util::FutureExt;
use futures_util::future::Shared;
use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service;

/// A question that is older is asked once more by whoever comes: its packet may be lost.
const PATIENCE: Duration = Duration::from_secs(1);
/// Questions about one name at a time.
const MOST: usize = 4;

/// The addresses, or why there are none.
type Found = Result<Arc<[SocketAddr]>, (io::ErrorKind, Arc<str>)>;
type Answer = Shared<Pin<Box<dyn Future<Output = Found> + Send>>>;

/// The questions that are being asked. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<HashMap<String, Asked>>>);

struct Asked {
    threads: usize,
    newest: Instant,
    answer: Answer,
}

impl Names {
    /// The addresses of a host.
    pub(super) async fn find(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let found = self.asked(host).await;
        found
            .map(|addresses| addresses.to_vec())
            .map_err(|(kind, why)| io::Error::new(kind, &*why))
    }

    fn asked(&self, host: &str) -> Answer {
        let now = Instant::now();
        let mut all = self.0.lock();
        let known = all.get(host);
        if let Some(asked) =
            known.filter(|asked| asked.threads >= MOST || now - asked.newest < PATIENCE)
        {
            return asked.answer.clone();
        }
        let Ok(answer) = self.ask(host) else {
            let why = (io::ErrorKind::OutOfMemory, "no thread to ask with".into());
            return std::future::ready(Err(why)).boxed().shared();
        };
        let threads = known.map_or(0, |asked| asked.threads) + 1;
        let asked = Asked {
            threads,
            newest: now,
            answer: answer.clone(),
        };
        all.insert(host.to_owned(), asked);
        answer
    }

    fn ask(&self, host: &str) -> io::Result<Answer> {
        let (tell, told) = oneshot::channel();
        let (names, name) = (self.clone(), host.to_owned());
        let thread = std::thread::Builder::new().name("names".to_owned());
        thread.spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            names.done(&name);
            let found = found.map(Iterator::collect);
            let _ = tell.send(found.map_err(|error| (error.kind(), error.to_string().into())));
        })?;
        let gone = || (io::ErrorKind::Other, "the question was dropped".into());
        let answer = async move { told.await.unwrap_or_else(|_| Err(gone())) };
        Ok(answer.boxed().shared())
    }

    /// Who comes after the last answer asks anew: nothing is remembered, name servers say how long a name is good for.
    fn done(&self, name: &str) {
        let mut all = self.0.lock();
        if let Some(asked) = all.get_mut(name) {
            asked.threads -= 1;
            if asked.threads == 0 {
                all.remove(name);
            }
        }
    }
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let names = self.clone();
        Box::pin(async move { Ok(names.find(name.as_str()).await?.into_iter()) })
    }
}
