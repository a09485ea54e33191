//! One file for each wire protocol.

pub mod openai;
pub mod openai_request;
pub mod unbuilt;
