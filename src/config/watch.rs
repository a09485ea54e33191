//! Hot reload: file changes and SIGHUP lead to a whole new configuration, or to none.
//!
//! A changed file is loaded and validated whole, then put in force by one swap; calls in flight finish on the
//! snapshot they began with. What is wrong with a refused configuration goes to the log and the metrics, and the one
//! in force stays. [`events`] says when to look, [`rest`] that nothing is believed that is still being written.

mod events;
mod rest;

use super::gather::Read;
use super::{Config, Lookup, Report, load_through};
use crate::observe::{Metrics, redact};
use parking_lot::Mutex;
use rest::{Reading, Stamp, stamps};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use events::run;

/// Why a file that lost all its models is not taken: an empty file is valid, and most often one being written.
const EMPTIED: &str = "`model_list` is empty, while the configuration in force has models: a file that is being \
                       written? Restart the server to serve without models";

/// Why files are not taken whose every reading differs from the one before.
const RESTLESS: &str = "the configuration is being written: its files changed with every look for two seconds; it is \
                        read again when they change, or in ten seconds";

type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;
type Loaded = Result<(Config, Report), Report>;
/// How files are read: once, or until they rest; `None` when they do not.
type Readings<'a> = dyn Fn(&mut dyn FnMut(Read<'_>) -> Loaded) -> Option<(Loaded, Reading)> + 'a;
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

    /// Loads the files as they are and puts them in force if they say something else than before. Blocks on files. For
    /// callers that know that nobody is writing.
    pub fn reload(&self) -> Reload {
        self.reload_by(&|load| Some(rest::once(load)))
    }

    /// The same, once the files have come to rest. Blocks until then; refuses files that do not.
    pub fn reload_at_rest(&self) -> Reload {
        self.reload_waiting(&std::thread::sleep)
    }

    fn reload_waiting(&self, wait: &dyn Fn(Duration)) -> Reload {
        self.reload_by(&|load| rest::settled(load, wait))
    }

    fn reload_by(&self, read: &Readings<'_>) -> Reload {
        // One reload at a time: the last swap must be of the last load.
        let mut state = self.state.lock();
        let env: Lookup<'_> = &*self.env;
        let mut load = |reader: Read<'_>| load_through(&self.path, env, reader);
        let loaded = read(&mut load).map(|(loaded, reading)| {
            (state.files, state.stamps) = reading.into_parts();
            loaded
        });
        let result = match loaded {
            None => Err(RESTLESS.to_owned()),
            Some(Err(report)) => Err(report.first_error().unwrap_or_default()),
            Some(Ok((config, _))) if config.digest == state.digest => Ok(None),
            Some(Ok((config, _))) if config.model_list.is_empty() && state.has_models => {
                Err(EMPTIED.to_owned())
            }
            Some(Ok((config, report))) => {
                (self.apply)(config.clone(), state.version + 1).map(|()| Some((config, report)))
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

    /// Whether a file looks different from when it was loaded.
    fn looks_changed(&self) -> bool {
        let state = self.state.lock();
        state.refused.is_some() || state.stamps != stamps(&state.files)
    }

    fn files(&self) -> Vec<PathBuf> {
        self.state.lock().files.clone()
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
