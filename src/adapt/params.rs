//! Which OpenAI parameters a provider takes, and what becomes of those it does not.
//!
//! [`supported`] lists them for a provider and a model; [`check`] refuses or drops the others. The names and rules are
//! LiteLLM's `get_supported_openai_params` and `get_optional_params`.

pub mod drop_paths;
pub mod facts;
#[rustfmt::skip]
pub mod sets;

use crate::adapt::registry::Provider;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;

/// Every parameter of OpenAI's chat API that LiteLLM knows, in its order. Another name is the provider's own and
/// passes through.
#[rustfmt::skip]
pub static OPENAI_CHAT: &[&str] = &[
    "functions", "function_call", "temperature", "top_p", "n", "stream", "stream_options", "stop", "max_tokens",
    "max_completion_tokens", "modalities", "prediction", "audio", "presence_penalty", "frequency_penalty",
    "logit_bias", "user", "response_format", "seed", "tools", "tool_choice", "max_retries", "logprobs",
    "top_logprobs", "extra_headers", "parallel_tool_calls", "reasoning_effort", "verbosity", "thinking",
    "web_search_options", "include_server_side_tool_invocations", "service_tier", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "store", "metadata", "context_management",
];

/// Parameters that are never refused: what does not take them goes without.
const UNCHECKED: &[&str] = &["user", "stream_options", "stream", "max_retries"];

/// The parameters that belong to tools; a model without tools takes none of them.
const TOOL_PARAMS: &[&str] = &[
    "tools",
    "tool_choice",
    "function_call",
    "functions",
    "parallel_tool_calls",
];

/// The OpenAI parameters that `model` takes at a provider, in LiteLLM's order.
pub fn supported(provider: &'static Provider, model: &str) -> Vec<&'static str> {
    let provider = provider.serving(model);
    let mut names = provider.params.to_vec();
    if names.is_empty() {
        // LiteLLM takes OpenAI's list for a provider that it has no list for.
        names = sets::FULL_REASONING.to_vec();
    }
    if provider.plain {
        if !facts::supports(model, provider.name, "supports_function_calling")
            && !provider.always_tools
        {
            names.retain(|name| !TOOL_PARAMS.contains(name));
        }
        if (facts::supports(model, provider.name, "supports_reasoning"))
            && !names.contains(&"reasoning_effort")
        {
            names.push("reasoning_effort");
        }
    }
    if has_openai_list(&names) {
        openai_names(model, &mut names);
    }
    if let Some(adjust) = provider.habits.supported {
        adjust(model, &mut names);
    }
    names
}

/// The parameters of an embedding call that a provider takes; `None` when LiteLLM has no table for it.
pub fn embeddings(provider: &'static Provider, model: &str) -> Option<Vec<&'static str>> {
    let names: &[&str] = match provider.name {
        "nvidia_nim" => &["encoding_format", "user", "dimensions"],
        "mistral" | "codestral" => &["encoding_format"],
        "jina_ai" | "vertex_ai" => &["dimensions"],
        "voyage" => &["encoding_format", "dimensions"],
        "infinity" => &["encoding_format", "modality", "dimensions"],
        "fireworks_ai" if model.contains("nomic-ai") => &["dimensions"],
        "bedrock" => &[
            "max_tokens",
            "max_completion_tokens",
            "stream",
            "stream_options",
            "stop",
            "temperature",
            "top_p",
            "extra_headers",
            "response_format",
            "requestMetadata",
            "service_tier",
            "parallel_tool_calls",
        ],
        "fireworks_ai" | "sambanova" | "triton" | "databricks" => &[],
        "nebius" | "wandb" | "oci" | "azure_ai" | "gigachat" | "hostinger_router" | "scaleway"
        | "libertai" | "snowflake" => return None,
        _ => return Some(supported(provider, model)).filter(|names| !names.is_empty()),
    };
    Some(names.to_vec())
}

/// Whether a list is OpenAI's own, perhaps with a few names more or less.
fn has_openai_list(names: &[&str]) -> bool {
    names.contains(&"prediction") && names.contains(&"store") && names.contains(&"response_format")
}

/// OpenAI's list depends on whether the name is that of one of its models, wherever it is served.
pub fn openai_names(model: &str, names: &mut Vec<&'static str>) {
    if matches!(model, "gpt-4" | "gpt-3.5-turbo-16k") {
        names.retain(|name| *name != "response_format");
    }
    if !names.contains(&"user")
        && facts::is_openai_model(
            model
                .split_once("responses/")
                .map_or(model, |(_, name)| name),
        )
    {
        let after = names.iter().position(|name| *name == "response_format");
        let at = after.map_or_else(
            || {
                names
                    .iter()
                    .position(|n| *n == "store")
                    .map_or(0, |at| at + 1)
            },
            |at| at + 1,
        );
        names.insert(at, "user");
    }
}

/// What becomes of parameters: which are dropped and which are refused.
pub struct Policy<'a> {
    /// Drop what is not supported instead of refusing it.
    pub drop_params: bool,
    /// Supported because the caller says so.
    pub allowed: &'a [String],
}

/// Keeps the members of `params` that the provider takes.
///
/// # Errors
/// [`ErrorKind::UnsupportedParams`] naming those that it does not take, unless they are to be dropped.
pub fn check(
    params: &mut Params,
    supported: &[&'static str],
    policy: &Policy<'_>,
    provider: &str,
    model: &str,
) -> Result<()> {
    let takes = |name: &str| supported.contains(&name) || policy.allowed.iter().any(|a| a == name);
    let one_answer = |name: &str, raw: &[u8]| name == "n" && raw == b"1";
    let refused = |name: &str, raw: &[u8]| {
        !takes(name) && !UNCHECKED.contains(&name) && !one_answer(name, raw)
    };
    if !policy.drop_params && params.iter().any(|(name, raw)| refused(name, raw)) {
        let given = |name: &&&str| params.raw(name).is_some_and(|raw| refused(name, raw));
        let names: Vec<&str> = OPENAI_CHAT.iter().filter(given).copied().collect();
        return Err(unsupported(&names, provider, model));
    }
    params.retain(|name, _| takes(name));
    Ok(())
}

/// A refusal that names what the provider does not take.
pub(crate) fn unsupported(names: &[&str], provider: &str, model: &str) -> Error {
    let list = python_list(names);
    Error::new(
        ErrorKind::UnsupportedParams,
        format!(
            "{provider} does not support parameters: {list}, for model={model}. To drop these, set \
             `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to \
             use these params dynamically send allowed_openai_params={list} in your request."
        ),
    )
}

fn python_list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}
