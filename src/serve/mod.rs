//! 1 REQUEST. Inbound HTTP.
