//! The model catalogue, for `python/gateway/catalog.py`.

use gateway::catalog;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The whole map as JSON.
#[pyfunction]
fn catalog_json() -> String {
    catalog::json()
}

/// The information on a model as JSON; `None` when it is not in the map.
#[pyfunction]
fn model_info(model: &str, provider: Option<&str>) -> Option<Vec<u8>> {
    let info = catalog::model_info(model, provider)?;
    serde_json::to_vec(&info).ok()
}

/// Whether a model has a capability.
#[pyfunction]
fn model_supports(model: &str, provider: Option<&str>, capability: &str) -> bool {
    catalog::supports(model, provider, capability)
}

/// Registers an entry, given as JSON; `None` takes it away.
#[pyfunction]
fn register_entry(key: &str, entry: Option<&[u8]>) -> PyResult<()> {
    let entry = entry
        .map(serde_json::from_slice)
        .transpose()
        .map_err(|e| PyValueError::new_err(e.to_string()))?;
    catalog::register(key, entry);
    Ok(())
}

/// Adds this file's functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(catalog_json, module)?)?;
    module.add_function(wrap_pyfunction!(model_info, module)?)?;
    module.add_function(wrap_pyfunction!(model_supports, module)?)?;
    module.add_function(wrap_pyfunction!(register_entry, module)?)
}
