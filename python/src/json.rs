//! Python arguments as JSON, without a round trip through Python's json module.

use bytes::{BufMut, BytesMut};
use gateway::params::{Params, write_json_string};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// Nesting that a value may have; deeper ones are refused instead of exhausting the stack.
const MAX_DEPTH: usize = 200;

/// Keyword arguments as raw members; `None` counts as not given.
pub fn members(kwargs: &Bound<'_, PyDict>) -> PyResult<Params> {
    let mut params = Params::default();
    let mut out = BytesMut::with_capacity(1024);
    for (name, value) in kwargs.iter() {
        if value.is_none() {
            continue;
        }
        let name = name.cast::<PyString>()?.to_str()?.to_owned();
        write(&value, &mut out, 0).map_err(|e| named(&e, &name, kwargs.py()))?;
        params.set_raw(&name, out.split().freeze());
    }
    Ok(params)
}

fn named(error: &PyErr, name: &str, py: Python<'_>) -> PyErr {
    PyTypeError::new_err(format!("`{name}`: {}", error.value(py)))
}

fn write(value: &Bound<'_, PyAny>, out: &mut BytesMut, depth: usize) -> PyResult<()> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!(
            "nested deeper than {MAX_DEPTH}"
        )));
    }
    if let Ok(text) = value.cast::<PyString>() {
        write_json_string(out, text.to_str()?);
    } else if value.is_none() {
        out.put_slice(b"null");
    } else if value.is_instance_of::<PyBool>() {
        out.put_slice(if value.is_truthy()? {
            b"true"
        } else {
            b"false"
        });
    } else if value.is_instance_of::<PyInt>() {
        out.put_slice(value.call_method0("__int__")?.str()?.to_str()?.as_bytes());
    } else if value.is_instance_of::<PyFloat>() {
        write_float(value, out)?;
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_object(dict, out, depth)?;
    } else if let Ok(list) = value.cast::<PyList>() {
        write_array(list.iter(), out, depth)?;
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        write_array(tuple.iter(), out, depth)?;
    } else if value.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(
            "bytes have no JSON form; pass text (base64 for binary data)",
        ));
    } else {
        write(&plain(value)?, out, depth + 1)?;
    }
    Ok(())
}

fn write_float(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> PyResult<()> {
    let number: f64 = value.extract()?;
    if !number.is_finite() {
        return Err(PyValueError::new_err("NaN and infinity have no JSON form"));
    }
    out.put_slice(value.repr()?.to_str()?.as_bytes());
    Ok(())
}

fn write_object(dict: &Bound<'_, PyDict>, out: &mut BytesMut, depth: usize) -> PyResult<()> {
    out.put_u8(b'{');
    for (i, (key, member)) in dict.iter().enumerate() {
        if i > 0 {
            out.put_u8(b',');
        }
        match key.cast::<PyString>() {
            Ok(key) => write_json_string(out, key.to_str()?),
            // As json.dumps: numbers and booleans become text.
            Err(_) => write_json_string(out, key.str()?.to_str()?),
        }
        out.put_u8(b':');
        write(&member, out, depth + 1)?;
    }
    out.put_u8(b'}');
    Ok(())
}

fn write_array<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    out: &mut BytesMut,
    depth: usize,
) -> PyResult<()> {
    out.put_u8(b'[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.put_u8(b',');
        }
        write(&item, out, depth + 1)?;
    }
    out.put_u8(b']');
    Ok(())
}

/// A plain form of an object: pydantic models without their None members, enums by value, mappings, other
/// sequences, dataclasses.
fn plain<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if value.hasattr("model_dump")? {
        let options = PyDict::new(py);
        options.set_item("exclude_none", true)?;
        return value.call_method("model_dump", (), Some(&options));
    }
    if value.hasattr("__dataclass_fields__")? {
        return py.import("dataclasses")?.call_method1("asdict", (value,));
    }
    if value.hasattr("value")? && value.hasattr("name")? {
        return value.getattr("value");
    }
    if value.hasattr("items")? && value.hasattr("keys")? {
        return py.get_type::<PyDict>().call1((value,));
    }
    if value.hasattr("__iter__")? {
        return py.get_type::<PyList>().call1((value,));
    }
    Err(PyTypeError::new_err(format!(
        "a value of type {} has no JSON form",
        value.get_type().name()?
    )))
}
