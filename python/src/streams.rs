//! Folding chunks into a reply; see `python/gateway/streams.py`.

use gateway::adapt::fold;
use gateway::adapt::stream_usage::Counter;
use gateway::adapt::usage::Object;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Counts through Python's `token_counter`, only where no chunk reported a count.
struct PythonCounter<'py> {
    prompt: Bound<'py, PyAny>,
    completion: Bound<'py, PyAny>,
    reasoning: Bound<'py, PyAny>,
    failed: Option<PyErr>,
}

impl PythonCounter<'_> {
    fn kept(&mut self, count: PyResult<u64>) -> u64 {
        count.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            0
        })
    }
}

impl Counter for PythonCounter<'_> {
    /// A prompt that cannot be counted counts as empty, as in LiteLLM.
    fn prompt(&mut self) -> u64 {
        let count = self.prompt.call0();
        count.and_then(|count| count.extract()).unwrap_or(0)
    }

    fn completion(&mut self, text: &str) -> u64 {
        let count = self.completion.call1((text,));
        self.kept(count.and_then(|count| count.extract()))
    }

    fn reasoning(&mut self, text: &str) -> u64 {
        let count = self.reasoning.call1((text,));
        self.kept(count.and_then(|count| count.extract()))
    }
}

/// The reply, as JSON, that a JSON list of chunks makes; `None` for no chunks. `prompt()`, `completion(text)` and
/// `reasoning(text)` return token counts.
#[pyfunction]
fn fold_stream<'py>(
    py: Python<'py>,
    chunks: &[u8],
    now: i64,
    prompt: Bound<'py, PyAny>,
    completion: Bound<'py, PyAny>,
    reasoning: Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let chunks: Vec<Object> =
        serde_json::from_slice(chunks).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let mut counter = PythonCounter {
        prompt,
        completion,
        reasoning,
        failed: None,
    };
    let folded = fold::fold(chunks, now, &mut counter);
    if let Some(error) = counter.failed {
        return Err(error);
    }
    let Some(folded) = folded else {
        return Ok(None);
    };
    let json = serde_json::to_vec(&serde_json::Value::Object(folded))
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Some(PyBytes::new(py, &json)))
}

/// Adds this file's functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(fold_stream, module)?)
}
