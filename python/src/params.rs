//! Provider lookup, parameter tables and the upstream request of a call, for `python/gateway/params.py`.

use crate::calls::raised;
use bytes::Bytes;
use gateway::adapt::providers::openai_request;
use gateway::adapt::{Target, environment, lookup, params as tables, registry};
use gateway::options::Options;
use gateway::params::Params;
use gateway::{Call, Op};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn parse(py: Python<'_>, kwargs: &[u8]) -> PyResult<(Options, Params)> {
    let params = Params::parse(&Bytes::copy_from_slice(kwargs))
        .map_err(|e| PyValueError::new_err(e.to_string()))?;
    Options::split(params).map_err(|e| raised(py, &e))
}

/// The call of these arguments, and who is asked.
fn asked(py: Python<'_>, kwargs: &[u8], op: Op) -> PyResult<(Call, Target)> {
    let (options, params) = parse(py, kwargs)?;
    let model: String = params.get("model").unwrap_or_default();
    let target = Target::resolve(&model, &options, &env).map_err(|e| raised(py, &e))?;
    let mut call = Call::new(op, model, params);
    call.options = options;
    Ok((call, target))
}

type Resolved = (String, Option<String>, Option<String>, Option<String>);

/// Model, provider, key and base URL of a model name.
#[pyfunction]
#[pyo3(signature = (model, custom_llm_provider=None, api_base=None, api_key=None))]
fn lookup_provider(
    py: Python<'_>,
    model: &str,
    custom_llm_provider: Option<&str>,
    api_base: Option<&str>,
    api_key: Option<&str>,
) -> PyResult<Resolved> {
    let found = lookup::get_llm_provider(model, custom_llm_provider, api_base, api_key, &env)
        .map_err(|e| raised(py, &e))?;
    Ok((found.model, found.provider, found.api_key, found.api_base))
}

/// Method, URL, headers and body.
type Built = (String, String, Vec<(String, String)>, Vec<u8>);

/// Method, URL, headers and body of the request that a call sends upstream. Sends nothing.
#[pyfunction]
fn build_request(py: Python<'_>, kwargs: &[u8], op: &str) -> PyResult<Built> {
    let op = match op {
        "embedding" => Op::Embeddings,
        "text_completion" => Op::TextCompletion,
        _ => Op::Chat,
    };
    let (call, target) = asked(py, kwargs, op)?;
    let request = target
        .provider
        .adapter
        .request(&call, &target)
        .map_err(|e| raised(py, &e))?;
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    Ok((
        request.method.to_string(),
        request.url,
        headers,
        request.body.to_vec(),
    ))
}

/// Whether a chat is asked over the Responses API.
#[pyfunction]
fn asks_responses(py: Python<'_>, kwargs: &[u8]) -> PyResult<bool> {
    let (call, target) = asked(py, kwargs, Op::Chat)?;
    Ok(target.provider.adapter.asks(&call, &target) == Op::Responses)
}

/// The address of a provider's own Responses API; `None` where it is asked through chat.
#[pyfunction]
fn responses_address(py: Python<'_>, kwargs: &[u8]) -> PyResult<Option<String>> {
    let (call, target) = asked(py, kwargs, Op::Responses)?;
    if target.provider.adapter.asks(&call, &target) != Op::Responses {
        return Ok(None);
    }
    let request = target.provider.adapter.request(&call, &target);
    Ok(Some(request.map_err(|e| raised(py, &e))?.url))
}

/// A provider's own address; `None` where a caller has to give one.
#[pyfunction]
fn default_base(provider: &str) -> Option<&'static str> {
    let row = registry::provider(provider);
    row.map(|row| row.base_url).filter(|url| !url.is_empty())
}

/// The key that the environment has for a provider.
#[pyfunction]
fn key_from_environment(provider: &str) -> Option<String> {
    registry::provider(provider)?.key_from(&env)
}

/// The OpenAI parameters that a model takes for a kind of request; `None` for a provider without a table.
#[pyfunction]
fn supported_params(model: &str, provider: &str, request_type: &str) -> Option<Vec<&'static str>> {
    // The catalogue names Bedrock's models by the API that they are asked by.
    let provider = match provider {
        "bedrock_converse" => "bedrock",
        name => name,
    };
    let row = registry::provider(provider).filter(|row| !row.params.is_empty())?;
    match request_type {
        "chat_completion" => Some(tables::supported(row, model)).filter(|names| !names.is_empty()),
        "embeddings" => tables::embeddings(row, model),
        _ => None,
    }
}

/// Whether a provider needs no more than an address and a key.
#[pyfunction]
fn is_plain(provider: &str) -> bool {
    registry::provider(provider).is_some_and(|row| row.plain || !row.listed)
}

/// The OpenAI-shaped parameters after mapping, and the provider's own, each as JSON.
/// A provider without a row takes what OpenAI takes.
#[pyfunction]
fn map_params(
    py: Python<'_>,
    kwargs: &[u8],
    model: &str,
    provider: &str,
) -> PyResult<(Vec<u8>, Vec<u8>)> {
    let (options, params) = parse(py, kwargs)?;
    let row = registry::provider(provider)
        .or_else(|| registry::provider("openai_like"))
        .ok_or_else(|| PyValueError::new_err("the registry is empty"))?;
    let mapping = openai_request::map_params(
        &params,
        row,
        model,
        &tables::supported(row, model),
        &options,
        false,
    )
    .map_err(|e| raised(py, &e))?;
    Ok((
        mapping.params.to_json().to_vec(),
        mapping.extra.to_json().to_vec(),
    ))
}

/// The environment variables that a model's provider needs and that are not set.
#[pyfunction]
fn missing_environment(model: &str) -> Vec<&'static str> {
    environment::missing(model, &env)
}

/// Names of all providers.
#[pyfunction]
fn provider_names() -> Vec<&'static str> {
    registry::providers()
        .filter(|row| row.listed)
        .map(|row| row.name)
        .collect()
}

/// Adds this file's functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(lookup_provider, module)?)?;
    module.add_function(wrap_pyfunction!(build_request, module)?)?;
    module.add_function(wrap_pyfunction!(asks_responses, module)?)?;
    module.add_function(wrap_pyfunction!(responses_address, module)?)?;
    module.add_function(wrap_pyfunction!(default_base, module)?)?;
    module.add_function(wrap_pyfunction!(key_from_environment, module)?)?;
    module.add_function(wrap_pyfunction!(supported_params, module)?)?;
    module.add_function(wrap_pyfunction!(is_plain, module)?)?;
    module.add_function(wrap_pyfunction!(map_params, module)?)?;
    module.add_function(wrap_pyfunction!(missing_environment, module)?)?;
    module.add_function(wrap_pyfunction!(provider_names, module)?)
}
