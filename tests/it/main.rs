//! The integration tests: one binary, one module for each part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is wrong"
)]

mod metrics;
mod purity;
mod reload;
mod serve;
mod upstream;
