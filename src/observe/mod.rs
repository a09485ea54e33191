//! Metrics, structured logs, redaction.
