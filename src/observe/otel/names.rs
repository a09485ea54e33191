//! The names of OpenTelemetry's conventions for generative AI, and what they make of this gateway's own.
//! <https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai>
//!
//! Constants of this crate, because the conventions are still in development: a name changes here when it has changed
//! there, not when a dependency is updated.

use super::super::redact::redact;
use crate::adapt::Target;
use crate::request::Op;
use opentelemetry::KeyValue;
use std::borrow::Cow;

pub const OPERATION: &str = "gen_ai.operation.name";
pub const PROVIDER: &str = "gen_ai.provider.name";
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub const RESPONSE_ID: &str = "gen_ai.response.id";
pub const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub const CACHE_READ: &str = "gen_ai.usage.cache_read.input_tokens";
pub const CACHE_CREATION: &str = "gen_ai.usage.cache_creation.input_tokens";
pub const REASONING: &str = "gen_ai.usage.reasoning.output_tokens";
pub const TOKEN_TYPE: &str = "gen_ai.token.type";
pub const ERROR_TYPE: &str = "error.type";
pub const SERVER_ADDRESS: &str = "server.address";
pub const SERVER_PORT: &str = "server.port";
pub const CLIENT_ADDRESS: &str = "client.address";
pub const METHOD: &str = "http.request.method";
pub const ROUTE: &str = "http.route";
pub const STATUS: &str = "http.response.status_code";

/// What no convention has a name for.
pub const CALL_ID: &str = "gateway.call_id";
pub const ATTEMPTS: &str = "gateway.attempts";
pub const FALLBACKS: &str = "gateway.fallbacks";
pub const MODEL_GROUP: &str = "gateway.model_group";
pub const DEPLOYMENT: &str = "gateway.deployment_id";
pub const COST: &str = "gateway.cost_usd";
pub const HEDGE: &str = "gateway.hedge";
pub const OUTRUN: &str = "gateway.outrun";

/// The operation, by its well-known name where it has one.
pub fn operation(op: Op) -> &'static str {
    match op {
        Op::Chat | Op::Messages | Op::Responses => "chat",
        Op::GenerateContent => "generate_content",
        Op::TextCompletion => "text_completion",
        Op::Embeddings => "embeddings",
        other => other.function(),
    }
}

/// The provider, by its well-known name where it has one.
pub fn provider(name: &'static str) -> &'static str {
    match name {
        "anthropic_text" => "anthropic",
        "bedrock" | "bedrock_mantle" => "aws.bedrock",
        "azure" | "azure_text" => "azure.ai.openai",
        "azure_ai" => "azure.ai.inference",
        "cohere_chat" => "cohere",
        "gemini" => "gcp.gemini",
        "vertex_ai" | "vertex_ai_beta" => "gcp.vertex_ai",
        "watsonx" | "watsonx_text" => "ibm.watsonx.ai",
        "mistral" | "codestral" | "text-completion-codestral" => "mistral_ai",
        "moonshot" => "moonshot_ai",
        "xai" => "x_ai",
        "text-completion-openai" => "openai",
        other => other,
    }
}

/// Host and port of a deployment, where its address is known before it is asked.
pub fn server(target: &Target) -> Option<(String, u16)> {
    let uri: http::Uri = target.api_base.parse().ok()?;
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(usual)))
}

/// A text as an attribute, without what is secret or personal.
pub fn text(name: &'static str, value: &str) -> KeyValue {
    match redact(value) {
        Cow::Borrowed(value) => KeyValue::new(name, value.to_owned()),
        Cow::Owned(value) => KeyValue::new(name, value),
    }
}
