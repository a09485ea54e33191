//! Embeddings: three parameters of OpenAI's, and each provider takes some of them; others pass through.

use super::with_defaults;
use crate::adapt::Target;
use crate::adapt::providers::bedrock;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// OpenAI's parameters beside `model` and `input`.
const OPENAI: &[&str] = &["user", "encoding_format", "dimensions"];

/// What a provider takes of them; one that is not named takes all.
const SUPPORTED: &[(&str, &[&str])] = &[
    ("cohere", &["encoding_format", "dimensions"]),
    ("cohere_chat", &["encoding_format", "dimensions"]),
    ("databricks", &[]),
    ("jina_ai", &["dimensions"]),
    ("voyage", &["encoding_format", "dimensions"]),
    ("infinity", &["encoding_format", "dimensions"]),
    ("ollama", &["dimensions"]),
    ("ollama_chat", &["dimensions"]),
    ("perplexity", &["dimensions", "encoding_format"]),
    ("volcengine", &["encoding_format", "user"]),
    ("mistral", &["encoding_format"]),
    ("codestral", &["encoding_format"]),
    ("lm_studio", &[]),
    ("sambanova", &[]),
    ("ovhcloud", &[]),
    ("watsonx", &[]),
];

/// Providers that want `input` as a list.
const LIST_INPUT: &[&str] = &[
    "hosted_vllm",
    "vllm",
    "openrouter",
    "volcengine",
    "vercel_ai_gateway",
];

/// The body of an embedding call.
///
/// # Errors
/// [`ErrorKind::UnsupportedParams`] for a parameter that the provider or the model does not take.
pub fn body(call: &Call, target: &Target) -> Result<Params> {
    let mut body = Params::default();
    body.set("model", &target.model);
    for (name, raw) in members(call, target)?.iter() {
        body.set_raw(name, raw.clone());
    }
    if LIST_INPUT.contains(&target.provider.name)
        && let Some(text @ Value::String(_)) = body.get("input")
    {
        body.set("input", &json!([text]));
    }
    if let Some(map) = target.provider.habits.embeddings {
        map(&mut body);
    }
    Ok(body)
}

/// The members of an embedding call but its model: what the provider takes of OpenAI's, and those of its own.
///
/// # Errors
/// As [`body`].
pub fn members(call: &Call, target: &Target) -> Result<Params> {
    let mut given = with_defaults(&call.params, &target.defaults).into_owned();
    let options = &target.options;
    let dropped = |name: &str| options.additional_drop_params.iter().any(|d| d == name);
    given.retain(|name, raw| name != "model" && &raw[..] != b"null" && !dropped(name));
    refuse(&mut given, target)?;
    for (name, raw) in options.extra_body.iter() {
        given.set_raw(name, raw.clone());
    }
    given.remove("max_retries");
    Ok(given)
}

fn refuse(given: &mut Params, target: &Target) -> Result<()> {
    let name = target.provider.name;
    let options = &target.options;
    let takes = |param: &str| {
        let listed = SUPPORTED.iter().find(|(provider, _)| *provider == name);
        let listed = match name {
            "bedrock" => Some(bedrock::embeddings::supported(&target.model)),
            _ => listed.map(|(_, params)| *params),
        };
        let sized =
            name != "openai" || param != "dimensions" || target.model.contains("text-embedding-3");
        let known =
            name != "fireworks_ai" || (param == "dimensions" && target.model.contains("nomic-ai"));
        (sized && known && listed.is_none_or(|params| params.contains(&param)))
            || options
                .allowed_openai_params
                .iter()
                .any(|allowed| allowed == param)
    };
    let refused: Vec<&str> = OPENAI
        .iter()
        .copied()
        .filter(|param| given.contains(param) && !takes(param))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    if options.drop_params == Some(true) {
        given.retain(|param, _| !refused.contains(&param));
        return Ok(());
    }
    let message = if name == "openai" {
        "Setting dimensions is not supported for OpenAI `text-embedding-3` and later models. To drop it from the call, \
         set `litellm.drop_params = True`."
            .to_owned()
    } else {
        format!(
            "{name} does not support parameters: {}, for model={}. To drop these, set `litellm.drop_params=True` or for \
             proxy:\n\n`litellm_settings:\n drop_params: true`\n",
            shown(given, &refused),
            target.model
        )
    };
    Err(Error::new(ErrorKind::UnsupportedParams, message))
}

fn shown(given: &Params, names: &[&str]) -> String {
    let raw = |name: &&str| given.raw(name).cloned().unwrap_or_else(Bytes::new);
    let named: Map<String, Value> = names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                serde_json::from_slice(&raw(name)).unwrap_or_default(),
            )
        })
        .collect();
    Value::from(named).to_string()
}
