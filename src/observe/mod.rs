//! Metrics, structured logs, redaction. A [`Receipt`](crate::account::Receipt) is the sole input of metrics and
//! access log; neither ever holds a key, a prompt or a reply.

pub mod access;
pub mod exposition;
pub mod families;
pub mod family;
pub mod handles;
pub mod labels;
pub mod logs;
pub mod metrics;
pub mod otel;
pub mod redact;
mod resolved;
mod stages;
pub mod timestamp;
mod wanted;
pub mod writer;

pub use access::AccessLog;
pub use metrics::Metrics;
pub use writer::LogWriter;
