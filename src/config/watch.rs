//! Hot reload: file changes and SIGHUP lead to a whole new configuration, or to none.
//!
//! A changed file is loaded and validated whole, then put in force by one swap; calls in flight finish on the
//! snapshot they began with. What is wrong with a refused configuration goes to the log and the metrics, and the one
//! in force stays. Directories are watched instead of files: editors save by renaming, and Kubernetes swaps the
//! symbolic link `..data` beside the file. A slow poll covers file systems that send no events. A file that is being
//! rewritten in its place is empty for a moment, or half of it, and may well be valid so: nothing is read before the
//! files have come to rest, SIGHUP or not.

use super::{Config, Lookup, Report, load};
use crate::observe::{Metrics, redact};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a directory, and each file, must be quiet before it is read: a save is several events.
const QUIET: Duration = Duration::from_millis(100);
/// Longest wait for quiet.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a configuration is read again because a file was written meanwhile.
const READS: usize = 5;
/// How often the files are looked at when no event comes.
const POLL: Duration = Duration::from_secs(10);

/// Why a file that lost all its models is not taken: an empty file is valid, and most often one being written.
const EMPTIED: &str = "`model_list` is empty, while the configuration in force has models: a file that is being \
                       written? Restart the server to serve without models";

type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;
type Apply = Box<dyn Fn(Config, u64) -> Result<(), String> + Send + Sync>;

/// Loads a configuration again and puts it in force.
pub struct Reloader {
    path: PathBuf,
    env: Environment,
    apply: Apply,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

struct State {
    /// Digest of the configuration in force.
    digest: [u8; 32],
    /// Whether it has any models.
    has_models: bool,
    version: u64,
    files: Vec<PathBuf>,
    stamps: Vec<Stamp>,
    /// Why the last attempt was refused, so that the same reason is not logged again and again.
    refused: Option<String>,
}

/// What became of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// In force, with this version.
    Applied(u64),
    /// The files say what is in force already.
    Unchanged,
    /// Refused; the one before stays.
    Rejected(String),
}

impl Reloader {
    /// A reloader for the configuration `current`, loaded from `path` and in force as version 1.
    ///
    /// `apply` gets a valid configuration and its version; it builds what depends on it and swaps it in, or says why
    /// it cannot.
    pub fn new(
        path: PathBuf,
        current: &Config,
        metrics: Arc<Metrics>,
        env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        apply: impl Fn(Config, u64) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        metrics.configure(current, 1);
        redact::remember(current);
        Self {
            path,
            env: Box::new(env),
            apply: Box::new(apply),
            metrics,
            state: Mutex::new(State {
                digest: current.digest,
                has_models: !current.model_list.is_empty(),
                version: 1,
                stamps: stamps(&current.files),
                files: current.files.clone(),
                refused: None,
            }),
        }
    }

    /// Loads the files and puts them in force if they say something else than before. Blocks on files.
    pub fn reload(&self) -> Reload {
        self.reload_once(stamps)
    }

    /// The same, once the files have come to rest.
    fn reload_at_rest(&self) -> Reload {
        self.reload_once(rest)
    }

    /// `begin` gives the stamps of the files from which a load begins.
    fn reload_once(&self, begin: fn(&[PathBuf]) -> Vec<Stamp>) -> Reload {
        // One reload at a time: the last swap must be of the last load.
        let mut state = self.state.lock();
        let result = match self.load(&mut state, begin) {
            Err(report) => Err(report.first_error().unwrap_or_default()),
            Ok((config, report)) => {
                state.files.clone_from(&config.files);
                state.stamps = stamps(&state.files);
                if config.digest == state.digest {
                    Ok(None)
                } else if config.model_list.is_empty() && state.has_models {
                    Err(EMPTIED.to_owned())
                } else {
                    (self.apply)(config.clone(), state.version + 1).map(|()| Some((config, report)))
                }
            }
        };
        match result {
            Err(reason) => {
                let reason = redact::redact(&reason).into_owned();
                if state.refused.as_ref() != Some(&reason) {
                    tracing::error!("configuration not reloaded, the one in force stays: {reason}");
                    self.metrics.count_reload("rejected");
                    state.refused = Some(reason.clone());
                }
                Reload::Rejected(reason)
            }
            Ok(None) => {
                state.refused = None;
                self.metrics.count_reload("unchanged");
                Reload::Unchanged
            }
            Ok(Some((config, report))) => {
                state.version += 1;
                state.digest = config.digest;
                state.has_models = !config.model_list.is_empty();
                state.refused = None;
                redact::remember(&config);
                self.metrics.configure(&config, state.version);
                self.metrics.count_reload("applied");
                tracing::info!(
                    version = state.version,
                    deployments = config.model_list.len(),
                    "configuration reloaded"
                );
                report.log();
                Reload::Applied(state.version)
            }
        }
    }

    /// Loads the files as they were at one moment.
    fn load(
        &self,
        state: &mut State,
        begin: fn(&[PathBuf]) -> Vec<Stamp>,
    ) -> Result<(Config, Report), Report> {
        let env: Lookup<'_> = &*self.env;
        state.stamps = begin(&state.files);
        let mut reads = 1;
        loop {
            let loaded = load(&self.path, env);
            if reads == READS || state.stamps == stamps(&state.files) {
                return loaded;
            }
            reads += 1;
            state.stamps = rest(&state.files);
        }
    }

    /// Whether a file looks different from when it was loaded.
    fn looks_changed(&self) -> bool {
        let state = self.state.lock();
        state.refused.is_some() || state.stamps != stamps(&state.files)
    }

    fn files(&self) -> Vec<PathBuf> {
        self.state.lock().files.clone()
    }
}

type Stamp = Option<(SystemTime, u64)>;

/// Modification time and size of each file, through symbolic links.
fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files
        .iter()
        .map(|file| {
            let meta = std::fs::metadata(file).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        })
        .collect()
}

/// How long the file that was written last is still to be left alone. A time to come is another machine's clock.
fn unrest(stamps: &[Stamp]) -> Option<Duration> {
    let written = stamps.iter().flatten().map(|(written, _)| *written).max()?;
    let age = SystemTime::now().duration_since(written).ok()?;
    QUIET.checked_sub(age).filter(|left| !left.is_zero())
}

/// Waits until no file was written for a while. Blocks.
fn rest(files: &[PathBuf]) -> Vec<Stamp> {
    let begun = SystemTime::now();
    loop {
        let stamps = stamps(files);
        let patient = begun.elapsed().is_ok_and(|waited| waited <= PATIENCE);
        match unrest(&stamps).filter(|_| patient) {
            Some(left) => std::thread::sleep(left),
            None => return stamps,
        }
    }
}

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
        if let Ok(Some(Reload::Applied(_))) = tokio::task::spawn_blocking(reload).await {
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

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
