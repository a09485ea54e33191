//! What usage costs; see `python/gateway/cost.py`.

use gateway::account::ImageUnits;
use gateway::account::billed::Billed;
use gateway::account::price::{Quote, image_cost};
use gateway::catalog;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Map, Value};

/// USD for input and output of a usage object (JSON); None when the price map does not have the model.
#[pyfunction]
#[pyo3(signature = (model, provider, usage, service_tier=None))]
fn token_cost(
    model: &str,
    provider: Option<&str>,
    usage: &[u8],
    service_tier: Option<&str>,
) -> PyResult<Option<(f64, f64)>> {
    let usage: Map<String, Value> =
        serde_json::from_slice(usage).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let Some(found) = catalog::find(model, provider) else {
        return Ok(None);
    };
    let provider = provider.or(found.provider.as_deref()).unwrap_or_default();
    let cost =
        Quote::of_entry(&found.entry, provider).billed(&Billed::of_json(&usage), service_tier);
    Ok(Some((cost.input, cost.output)))
}

/// The entry (JSON) that a model is priced by, and its key. A family that is known has an entry without a price.
#[pyfunction]
#[pyo3(signature = (model, provider=None))]
fn price_entry(model: &str, provider: Option<&str>) -> Option<(String, String)> {
    let Some(found) = catalog::find(model, provider) else {
        let family = catalog::known_family(model)?;
        return Some((model.to_owned(), serde_json::to_string(&family).ok()?));
    };
    let entry = serde_json::to_string(&*found.entry).ok()?;
    Some((found.key, entry))
}

/// USD for `count` images; None when nobody says a price. `tokens`: `usage` of the reply (JSON).
#[pyfunction]
#[pyo3(signature = (model, provider, count, size=None, quality=None, tokens=None))]
fn images_cost(
    model: &str,
    provider: &str,
    count: u64,
    size: Option<String>,
    quality: Option<String>,
    tokens: Option<&[u8]>,
) -> Option<f64> {
    let units = ImageUnits {
        count,
        size,
        quality,
        tokens: tokens.and_then(|tokens| serde_json::from_slice(tokens).ok()),
    };
    image_cost(provider, model, &units)
}

/// Adds this file's functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(token_cost, module)?)?;
    module.add_function(wrap_pyfunction!(images_cost, module)?)?;
    module.add_function(wrap_pyfunction!(price_entry, module)?)
}
