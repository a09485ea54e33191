//! LiteLLM's contract at the speed of a bare proxy: one core, reached in process (through `python/`) and as a server.
//!
//! A call takes the same road in both: request -> route -> admit -> adapt -> forward -> adapt back -> account.
//! The modules below are that road, in that order. ARCHITECTURE.md tells the story; `pipeline.rs` is the flow itself.

pub mod error;
pub mod number;
pub mod options;
pub mod params;
mod pieces;
pub mod repr;
pub mod request;
pub mod trace;
pub mod upload;

pub mod pipeline;

pub mod cli;
pub mod serve;

pub mod route;

pub mod resilience;

pub mod adapt;
pub mod cache;
pub mod catalog;

pub mod forward;

pub mod account;

pub mod config;
pub mod observe;
pub mod store;

pub use error::{Error, ErrorKind, Result};
pub use request::{Call, Op};
