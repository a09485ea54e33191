//! The integration tests: one binary, one module for each part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is wrong"
)]

/// The binary's allocator, whose tests run here: a build of its own for them would take a minute.
#[cfg(unix)]
#[path = "../../src/allocator.rs"]
mod allocator;
mod bed;
mod cached;
mod canary;
mod client;
mod clocks;
mod clouds;
mod contracts;
mod entra;
mod faults;
mod forward;
mod fuzzed;
mod input;
mod leaving;
#[cfg(unix)]
mod levels;
mod metrics;
#[cfg(unix)]
mod otel;
mod pipeline;
mod proxies;
mod purity;
mod reload;
#[cfg(unix)]
mod reload_served;
mod serve;
#[cfg(unix)]
mod stop;
mod trust;
mod upstream;
