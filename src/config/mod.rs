//! config.yaml: LiteLLM's schema, `os.environ/` and `include` resolved, validated with line and column, reloaded hot.
//!
//! [`load`] is the way: gather files, resolve the environment, check every key against the one table, build the
//! typed [`Config`]. [`check`] is the same for its [`Report`] alone. [`Snapshot`] is what a call reads: immutable,
//! swapped whole.

pub mod build;
pub mod builtin;
pub mod document;
pub mod gather;
pub mod guards;
pub mod identity;
pub mod keys;
pub mod kinds;
pub mod levels;
pub mod models;
pub mod report;
pub mod resolve;
pub mod schema;
pub mod watch;

pub use report::{Finding, Level, Report};
pub use resolve::Lookup;
pub use schema::Config;
pub use watch::{Reload, Reloader};

use std::path::Path;

/// What one call reads of the configuration. Immutable; swapped atomically on reload.
#[derive(Default)]
pub struct Snapshot {
    /// The settings.
    pub config: Config,
    /// Counts up with every reload.
    pub version: u64,
    /// The model groups.
    pub routes: crate::route::Routes,
}

/// Loads a configuration and everything it includes. `env` is the process's environment.
///
/// # Errors
/// The report, when it has errors: nothing of such a configuration is used.
pub fn load(path: &Path, env: Lookup<'_>) -> Result<(Config, Report), Report> {
    load_through(path, env, &mut gather::from_disk)
}

/// Loads a configuration that is no file: `text` is YAML or JSON, `name` what findings call it. It includes nothing.
///
/// # Errors
/// The report, when it has errors.
pub fn load_text(text: &str, name: &str, env: Lookup<'_>) -> Result<(Config, Report), Report> {
    let root = Path::new(name);
    load_through(root, env, &mut |path| {
        if path == root {
            Ok(text.as_bytes().to_vec())
        } else {
            Err(std::io::ErrorKind::NotFound.into())
        }
    })
}

/// The same, with every file read by `reader`.
fn load_through(
    path: &Path,
    env: Lookup<'_>,
    reader: gather::Read<'_>,
) -> Result<(Config, Report), Report> {
    let mut report = Report::default();
    let Some(mut gathered) = gather::gather(path, reader, &mut report) else {
        return Err(report);
    };
    let own = gathered.root.get("environment_variables").cloned();
    let environment = resolve::Environment::new(own.as_ref(), env, &mut report);
    if let document::NodeValue::Map(sections) = &mut gathered.root.value {
        for section in sections {
            if section.key != "environment_variables" {
                environment.resolve(&mut section.value, &section.key, &mut report);
            }
        }
    }
    kinds::check(&mut gathered.root, &mut report);
    let mut config = build::build(&gathered.root, environment, &mut report);
    config.files = gathered.files;
    config.digest = identity::digest(&gathered.root, &config.environment);
    if report.has_errors() {
        return Err(report);
    }
    Ok((config, report))
}

/// The report of a configuration, with or without errors.
pub fn check(path: &Path, env: Lookup<'_>) -> Report {
    match load(path, env) {
        Ok((_, report)) | Err(report) => report,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
