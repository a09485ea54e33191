//! The Python face: a thin pyo3 layer over the core. Network, transformation and accounting run without the GIL;
//! canonical JSON bytes cross the border, Python builds its own objects.

#![allow(missing_docs)]

mod calls;
mod catalog;
mod chunks;
mod cost;
mod json;
mod lane;
mod params;
mod router;
mod runtime;
mod stream;
mod streams;
mod tokens;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _gateway(module: &Bound<'_, PyModule>) -> PyResult<()> {
    runtime::register(module)?;
    catalog::register(module)?;
    cost::register(module)?;
    params::register(module)?;
    tokens::register(module)?;
    streams::register(module)?;
    router::register(module)?;
    calls::register(module)
}
