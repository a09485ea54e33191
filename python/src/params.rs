//! Python functions of this part; see the file of the same purpose in `python/gateway/`.

use pyo3::prelude::*;

/// Adds this file's functions to the module.
pub fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
