//! What calls share, run by loom through every order in which their threads can take turns: the permits of a
//! deployment, and how it fares.
//!
//! The files under test are the core's own, compiled here against locks that loom controls: this crate answers to the
//! names `parking_lot` and `tokio` for them. `make test-loom` runs it; without `--cfg loom` it is empty.

#![cfg(loom)]
#![allow(
    dead_code,
    missing_docs,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the core's files are compiled for what the models use; a model stops at what is wrong"
)]

extern crate self as parking_lot;
extern crate self as tokio;

#[path = "../../../src/error.rs"]
pub mod error;

#[path = "../../../src/pipeline/permits.rs"]
mod permits;

#[path = "../../../src/resilience/cooldown.rs"]
mod cooldown;

#[path = "../../../src/route/deployment.rs"]
mod deployment;

pub mod resilience {
    pub use crate::cooldown::{Cooldown, CooldownRules};
}

pub mod route {
    pub use crate::deployment::{Deployment, Group};
}

pub mod adapt {
    /// As much of a target as a deployment asks of it.
    #[derive(Clone, Debug, Default)]
    pub struct Target {
        pub deployment_id: String,
    }
}

mod lock;
pub mod sync;

pub use lock::Mutex;

#[cfg(test)]
mod models;
