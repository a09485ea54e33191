//! Token counts; see `python/gateway/tokens.py`.

use gateway::account::tokens::{Encoding, Prompt};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::Value;

/// Texts shorter than this are counted at once; letting go of the GIL would cost more than the count.
const SHORT: usize = 2048;

/// Tokens of a text.
#[pyfunction]
fn count_text(py: Python<'_>, model: &str, text: &str) -> i64 {
    let encoding = Encoding::of(model);
    if text.len() < SHORT {
        encoding.count(text)
    } else {
        py.detach(|| encoding.count(text))
    }
}

/// Tokens of messages (JSON list) with tools and choice (JSON, or None).
#[pyfunction]
#[pyo3(signature = (model, messages, tools, tool_choice, primed, default_images, fallback))]
#[allow(clippy::too_many_arguments)]
fn count_messages(
    py: Python<'_>,
    model: &str,
    messages: &[u8],
    tools: Option<&[u8]>,
    tool_choice: Option<&[u8]>,
    primed: bool,
    default_images: bool,
    fallback: Option<i64>,
) -> PyResult<i64> {
    let wrong = |error: serde_json::Error| PyValueError::new_err(error.to_string());
    let messages: Vec<Value> = serde_json::from_slice(messages).map_err(wrong)?;
    let tools: Option<Vec<Value>> = tools
        .map(serde_json::from_slice)
        .transpose()
        .map_err(wrong)?;
    let tool_choice: Option<Value> = tool_choice
        .map(serde_json::from_slice)
        .transpose()
        .map_err(wrong)?;
    let prompt = Prompt {
        encoding: Encoding::of(model),
        messages: &messages,
        tools: tools.as_deref(),
        tool_choice: tool_choice.as_ref(),
        primed,
        default_images,
        fallback,
    };
    py.detach(|| prompt.count())
        .map_err(|error| PyValueError::new_err(error.message.clone()))
}

/// Ids of a text in `cl100k_base`, the encoding that LiteLLM encodes every model's text with.
#[pyfunction]
fn encode_text(py: Python<'_>, text: &str) -> Vec<u32> {
    py.detach(|| Encoding::Cl100k.encode(text))
}

/// The text of ids in `cl100k_base`.
// pyo3 hands sequences over as owned vectors.
#[allow(clippy::needless_pass_by_value)]
#[pyfunction]
fn decode_ids(ids: Vec<u32>) -> PyResult<String> {
    Encoding::Cl100k
        .decode(&ids)
        .ok_or_else(|| PyValueError::new_err("a token id that cl100k_base does not have"))
}

/// Adds this file's functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(count_text, module)?)?;
    module.add_function(wrap_pyfunction!(count_messages, module)?)?;
    module.add_function(wrap_pyfunction!(encode_text, module)?)?;
    module.add_function(wrap_pyfunction!(decode_ids, module)?)
}
