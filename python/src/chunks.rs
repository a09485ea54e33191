//! Chunks of a chat stream as Python objects, without a validation of each.
//!
//! Nearly all chunks of a stream have one of a few shapes: the same members, other texts. The first chunk of each
//! shape is validated by pydantic and kept as a pattern; the others become copies of it with values of their own, and
//! share nothing with it that can be changed. Whatever has another shape is left to pydantic.

mod fields;

use fields::{Chunk, Shape};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySet, PyString, PyType};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes chunks of one class: `ModelResponseStream`.
#[pyclass(frozen, module = "gateway._gateway")]
pub struct ChunkMaker {
    class: Py<PyType>,
    patterns: Mutex<Vec<(Shape, Arc<Pattern>)>>,
}

#[pymethods]
impl ChunkMaker {
    #[new]
    fn new(class: Py<PyType>) -> Self {
        Self {
            class,
            patterns: Mutex::default(),
        }
    }
}

impl ChunkMaker {
    /// The chunks of JSON texts, each with `hidden` as its `_hidden_params`. A text that pydantic refuses is left as
    /// bytes, for its reader to fail at.
    pub fn chunks<'a, 'py>(
        &self,
        texts: impl Iterator<Item = &'a [u8]>,
        hidden: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = hidden.py();
        let list = PyList::empty(py);
        let mut last = LastText::default();
        for text in texts {
            match self.chunk(text, hidden, &mut last) {
                Ok(chunk) => list.append(chunk)?,
                Err(_) => list.append(PyBytes::new(py, text))?,
            }
        }
        Ok(list)
    }

    fn chunk<'py>(
        &self,
        text: &[u8],
        hidden: &Bound<'py, PyDict>,
        last: &mut LastText<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = hidden.py();
        let fields: Option<Chunk<'_>> = serde_json::from_slice(text).ok();
        if let Some(fields) = &fields
            && let Some(pattern) = self.known(fields.shape())
        {
            return pattern.copy(fields, hidden, last);
        }
        let bytes = PyBytes::new(py, text);
        let validate = intern!(py, "model_validate_json");
        let chunk = self.class.bind(py).call_method1(validate, (bytes,))?;
        if let Some(fields) = fields {
            let pattern = Arc::new(Pattern::of(&chunk)?);
            self.patterns().push((fields.shape(), pattern));
        }
        chunk
            .getattr(intern!(py, "__dict__"))?
            .set_item(intern!(py, "_hidden_params"), hidden)?;
        Ok(chunk)
    }

    fn known(&self, shape: Shape) -> Option<Arc<Pattern>> {
        let patterns = self.patterns();
        let (_, pattern) = patterns.iter().find(|(known, _)| *known == shape)?;
        Some(pattern.clone())
    }

    fn patterns(&self) -> MutexGuard<'_, Vec<(Shape, Arc<Pattern>)>> {
        self.patterns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A validated chunk, taken apart.
struct Pattern {
    chunk: Part,
    choice: Part,
    delta: Part,
}

impl Pattern {
    fn of(chunk: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = chunk.py();
        let choice = chunk.getattr(intern!(py, "choices"))?.get_item(0)?;
        let delta = choice.getattr(intern!(py, "delta"))?;
        Ok(Self {
            chunk: Part::of(chunk)?,
            choice: Part::of(&choice)?,
            delta: Part::of(&delta)?,
        })
    }

    fn copy<'py>(
        &self,
        fields: &Chunk<'_>,
        hidden: &Bound<'py, PyDict>,
        last: &mut LastText<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = hidden.py();
        let [choice] = &fields.choices;
        let parts = &choice.delta;

        let delta = self.delta.members(py)?;
        if let Some(role) = &parts.role {
            delta.set_item(intern!(py, "role"), &**role)?;
        }
        if let Some(content) = &parts.content {
            delta.set_item(intern!(py, "content"), &**content)?;
        }
        let extra = self.delta.extra(py)?;
        if let Some(thought) = &parts.reasoning_content {
            extra.set_item(intern!(py, "reasoning_content"), &**thought)?;
        }
        let delta = self.delta.object(&delta, &extra)?;

        let members = self.choice.members(py)?;
        members.set_item(intern!(py, "index"), choice.index)?;
        members.set_item(intern!(py, "delta"), delta)?;
        if let Some(reason) = &choice.finish_reason {
            members.set_item(intern!(py, "finish_reason"), &**reason)?;
        }
        let choice = self.choice.object(&members, &self.choice.extra(py)?)?;

        let members = self.chunk.members(py)?;
        members.set_item(intern!(py, "id"), last.text(py, 0, &fields.id))?;
        members.set_item(intern!(py, "created"), fields.created)?;
        members.set_item(intern!(py, "object"), last.text(py, 1, &fields.object))?;
        if let Some(model) = &fields.model {
            members.set_item(intern!(py, "model"), last.text(py, 2, model))?;
        }
        if let Some(fingerprint) = &fields.system_fingerprint {
            let fingerprint = last.text(py, 3, fingerprint);
            members.set_item(intern!(py, "system_fingerprint"), fingerprint)?;
        }
        members.set_item(intern!(py, "choices"), PyList::new(py, [choice])?)?;
        members.set_item(intern!(py, "_hidden_params"), hidden)?;
        self.chunk.object(&members, &self.chunk.extra(py)?)
    }
}

/// What pydantic keeps in an object. It is never given away, only copied.
struct Part {
    class: Py<PyType>,
    members: Py<PyDict>,
    extra: Py<PyDict>,
    given: Py<PySet>,
}

impl Part {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let copy = |name| -> PyResult<_> {
            object
                .getattr(PyString::intern(py, name))?
                .call_method0(intern!(py, "copy"))
        };
        Ok(Self {
            class: object.get_type().unbind(),
            members: copy("__dict__")?.cast_into()?.unbind(),
            extra: copy("__pydantic_extra__")?.cast_into()?.unbind(),
            given: copy("__pydantic_fields_set__")?.cast_into()?.unbind(),
        })
    }

    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.members.bind(py).copy()
    }

    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let extra = self.extra.bind(py);
        if extra.is_empty() {
            return Ok(PyDict::new(py));
        }
        extra.copy()
    }

    /// An object of these members, as pydantic would have made it.
    #[allow(unsafe_code)]
    fn object<'py>(
        &self,
        members: &Bound<'py, PyDict>,
        extra: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = members.py();
        // SAFETY: `class` is a class, `given` a set; both live as long as this part. Each call gives a new reference
        // or null with an exception set.
        let (object, given) = unsafe {
            let object = ffi::PyType_GenericAlloc(self.class.as_ptr().cast(), 0);
            let object = Bound::from_owned_ptr_or_err(py, object)?;
            let given = ffi::PySet_New(self.given.as_ptr());
            (object, Bound::from_owned_ptr_or_err(py, given)?)
        };
        let none = py.None().into_bound(py);
        for (name, value) in [
            (intern!(py, "__dict__"), members.as_any()),
            (intern!(py, "__pydantic_fields_set__"), &given),
            (intern!(py, "__pydantic_extra__"), extra.as_any()),
            (intern!(py, "__pydantic_private__"), &none),
        ] {
            // SAFETY: all three are live objects. This is `object.__setattr__`, past the model's own.
            let set = unsafe {
                ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr())
            };
            if set != 0 {
                return Err(PyErr::fetch(py));
            }
        }
        Ok(object)
    }
}

/// The texts that all chunks of a stream have in common, made once for a batch: id, object, model and fingerprint.
#[derive(Default)]
struct LastText<'py>([Option<(String, Bound<'py, PyString>)>; 4]);

impl<'py> LastText<'py> {
    fn text(&mut self, py: Python<'py>, place: usize, text: &str) -> Bound<'py, PyString> {
        let Some(slot) = self.0.get_mut(place) else {
            return PyString::new(py, text);
        };
        match slot {
            Some((last, object)) if last == text => object.clone(),
            _ => {
                let object = PyString::new(py, text);
                *slot = Some((text.to_owned(), object.clone()));
                object
            }
        }
    }
}
