//! What calls share, run by loom through every order in which their threads can take turns: the places at a
//! deployment, its breaker and quota, the budget of its group, and how it fares.
//!
//! The files under test are the core's own, compiled here against locks that loom controls: this crate answers to the
//! name `parking_lot` for them. `make test-loom` runs it; without `--cfg loom` it is empty.

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

#[path = "../../../src/error.rs"]
pub mod error;

#[path = "../../../src/resilience"]
pub mod resilience {
    pub mod adaptive;
    pub mod breaker;
    pub mod bulkhead;
    pub mod cooldown;
    pub mod gate;
    pub mod hedge;
    pub mod latency;
    pub mod quota;
    pub mod retry_budget;
    pub mod window;

    pub use adaptive::Adaptive;
    pub use breaker::Breaker;
    pub use cooldown::{Cooldown, CooldownRules};
    pub use gate::Gate;
    pub use hedge::HedgeBudget;
    pub use quota::{Limits, Quota};
    pub use retry_budget::RetryBudget;
}

#[path = "../../../src/route"]
pub mod route {
    pub mod affinity;
    pub mod deployment;
    pub mod money;
    pub mod state;

    pub use deployment::{Deployment, Group};
    pub use state::State;
}

pub mod adapt {
    /// As much of a target as a deployment asks of it.
    #[derive(Clone, Debug, Default)]
    pub struct Target {
        pub deployment_id: String,
    }
}

pub mod config {
    pub mod schema {
        /// As a deployment has one.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Budget {
            pub limit: f64,
            pub period: std::time::Duration,
        }
    }
}

mod lock;

pub use lock::Mutex;

#[cfg(test)]
mod models;
