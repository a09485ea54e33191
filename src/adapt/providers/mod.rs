//! One file for each wire protocol.

pub mod anthropic;
pub mod anthropic_native;
mod anthropic_reply;
pub mod anthropic_request;
mod anthropic_stream;
pub mod azure;
pub mod azure_ai;
pub mod bedrock;
pub mod codestral;
pub mod cohere;
pub mod databricks;
pub mod gemini;
pub mod groq;
pub mod hugging_face;
pub mod mantle;
pub mod mistral;
pub mod ollama;
pub mod openai;
pub mod openai_request;
pub mod openai_responses;
mod openai_whole;
pub(super) mod replies;
mod retold;
pub mod snowflake;
pub mod unbuilt;
pub mod vertex;
pub mod watsonx;
