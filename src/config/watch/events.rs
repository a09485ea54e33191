//! When to reload: changes of files, a slow poll, SIGHUP.
//!
//! Directories are watched instead of files: editors save by renaming, and Kubernetes swaps the symbolic link `..data`
//! beside the file. A slow poll covers file systems that send no events.

use super::{Reload, Reloader};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a directory must be quiet before its files are looked at: a save is several events.
const QUIET: Duration = Duration::from_millis(100);
/// Longest wait for quiet.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the files are looked at when no event comes.
const POLL: Duration = Duration::from_secs(10);

/// Watches until `stop`. Needs a tokio runtime. SIGHUP, which would end the process, is heard from this call on.
pub fn run(
    reloader: Arc<Reloader>,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let hangup = Hangup::listen();
    watch(reloader, stop, hangup)
}

async fn watch(reloader: Arc<Reloader>, stop: CancellationToken, mut hangup: Hangup) {
    let (events, mut changed) = mpsc::channel(1);
    let mut watched = Watched::start(&reloader.files(), events.clone());
    loop {
        let forced = tokio::select! {
            () = stop.cancelled() => return,
            () = hangup.wait() => true,
            Some(()) = changed.recv() => {
                settle(&mut changed).await;
                true
            }
            () = tokio::time::sleep(POLL) => false,
        };
        let reloader_here = reloader.clone();
        let reload = move || {
            (forced || reloader_here.looks_changed()).then(|| reloader_here.reload_at_rest())
        };
        // A refused configuration may include other files, too, and one of them may be what is wrong.
        if let Ok(Some(Reload::Applied(_) | Reload::Rejected(_))) =
            tokio::task::spawn_blocking(reload).await
        {
            let files = reloader.files();
            if watched.files != files {
                watched = Watched::start(&files, events.clone());
            }
        }
    }
}

/// Waits until no event came for a while.
async fn settle(changed: &mut mpsc::Receiver<()>) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < patience {
        if tokio::time::timeout(QUIET, changed.recv()).await.is_err() {
            return;
        }
    }
}

/// The directories under watch. Dropping it ends the watch.
struct Watched {
    files: Vec<PathBuf>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watched {
    fn start(files: &[PathBuf], events: mpsc::Sender<()>) -> Self {
        let names: BTreeSet<OsString> = files
            .iter()
            .flat_map(|file| [Some(file.clone()), std::fs::canonicalize(file).ok()])
            .filter_map(|file| Some(file?.file_name()?.to_owned()))
            .collect();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Reading the files is an event too.
            if !matches!(event.kind, EventKind::Access(_)) && concerns(&event.paths, &names) {
                // A full channel means that a reload is due anyway.
                let _ = events.try_send(());
            }
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!("files cannot be watched, they are polled: {error}");
                return Self {
                    files: files.to_vec(),
                    _watcher: None,
                };
            }
        };
        for directory in directories(files) {
            if let Err(error) = watcher.watch(&directory, RecursiveMode::NonRecursive) {
                tracing::warn!(
                    directory = %directory.display(),
                    "directory cannot be watched, its files are polled: {error}"
                );
            }
        }
        Self {
            files: files.to_vec(),
            _watcher: Some(watcher),
        }
    }
}

/// Where the files stand, and where the symbolic links among them lead.
fn directories(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    files
        .iter()
        .flat_map(|file| [Some(file.clone()), std::fs::canonicalize(file).ok()])
        .filter_map(|file| {
            let parent = file?.parent()?.to_owned();
            let here = parent.as_os_str().is_empty();
            Some(if here { PathBuf::from(".") } else { parent })
        })
        .collect()
}

/// Whether an event is about one of the files, or about a link such as `..data`.
fn concerns(paths: &[PathBuf], names: &BTreeSet<OsString>) -> bool {
    paths.iter().any(|path: &PathBuf| {
        Path::file_name(path)
            .is_some_and(|name| names.contains(name) || name.to_string_lossy().starts_with(".."))
    })
}

#[cfg(unix)]
struct Hangup(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangup {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::warn!("SIGHUP cannot be heard: {error}"));
        Self(signal.ok())
    }

    async fn wait(&mut self) {
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    fn listen() -> Self {
        Self
    }

    async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }
}
