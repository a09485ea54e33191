//! config.yaml: LiteLLM's schema, `os.environ/` and `include` resolved, validated with line and column, reloaded hot.
//!
//! [`Config`] is the file as typed values; [`Snapshot`] is what a call reads: immutable, swapped whole.

pub mod schema;

pub use schema::Config;

/// What one call reads of the configuration. Immutable; swapped atomically on reload.
pub struct Snapshot {
    /// The settings.
    pub config: Config,
    /// Counts up with every reload.
    pub version: u64,
    /// The model groups.
    pub routes: crate::route::Routes,
}
