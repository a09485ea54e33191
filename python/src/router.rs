//! `Router`: the core's routes over a `model_list`, in process. See `python/gateway/router.py`.
//!
//! What the constructor says becomes a configuration as the server reads it, so that both route alike. Replacing it
//! swaps the snapshot whole; deployments that stay keep their cooldowns.

use crate::calls::{Reply, Running, Waiting, prepare_routed, start, wait};
use crate::runtime::{Process, process};
use arc_swap::ArcSwap;
use gateway::config::{self, Snapshot};
use gateway::pipeline::Engine;
use gateway::route::{Env, Routes};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;
use std::time::Instant;

/// An engine of this process, and what it was built from.
struct Built {
    pid: u32,
    engine: Arc<Engine>,
    document: String,
    /// Findings that are no errors, and deployments that were left out.
    notes: Vec<String>,
}

impl Built {
    /// `before`: the routes whose deployments' state is kept.
    fn new(process: &Process, document: String, before: Option<&Snapshot>) -> Result<Self, String> {
        let env = |name: &str| std::env::var(name).ok();
        let (config, report) = config::load_text(&document, "Router", &env).map_err(|report| {
            report
                .first_error()
                .unwrap_or_else(|| "the configuration has errors".to_owned())
        })?;
        let mut notes: Vec<String> = report.notable().map(ToString::to_string).collect();
        let lookup: Env = Arc::new(env);
        let routes = Routes::build(&config, &lookup, before.map(|snapshot| &snapshot.routes));
        notes.extend(routes.problems.iter().cloned());
        let snapshot = Snapshot {
            config,
            version: before.map_or(1, |snapshot| snapshot.version + 1),
            routes,
        };
        let mut engine = Engine::new(
            process.engine.transport.clone(),
            Arc::new(snapshot),
            Vec::new(),
        );
        // One cache for all calls of the process.
        engine.cache = process.engine.cache.clone();
        Ok(Self {
            pid: process.pid(),
            engine: Arc::new(engine),
            document,
            notes,
        })
    }
}

/// Model groups in process.
#[pyclass(frozen, module = "gateway._gateway")]
pub struct Router(ArcSwap<Built>);

impl Router {
    /// This process's engine: a forked child makes one of its own, as its parent's connections are dead here.
    fn engine(&self, process: &Process) -> PyResult<Arc<Engine>> {
        let built = self.0.load();
        if built.pid == process.pid() {
            return Ok(built.engine.clone());
        }
        let made = Arc::new(
            Built::new(process, built.document.clone(), None).map_err(PyValueError::new_err)?,
        );
        let engine = made.engine.clone();
        self.0.store(made);
        Ok(engine)
    }
}

#[pymethods]
impl Router {
    /// `document`: `model_list` and `router_settings` as JSON.
    #[new]
    fn new(document: String) -> PyResult<Self> {
        let built = Built::new(process()?, document, None).map_err(PyValueError::new_err)?;
        Ok(Self(ArcSwap::from_pointee(built)))
    }

    /// Another configuration, from the next call on. Deployments that stay keep their state.
    fn replace(&self, document: String) -> PyResult<()> {
        let process = process()?;
        let before = self.engine(process)?.snapshot.load_full();
        let built = Built::new(process, document, Some(&before)).map_err(PyValueError::new_err)?;
        self.0.store(Arc::new(built));
        Ok(())
    }

    /// What is not obeyed, and deployments that were left out.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.0.load().notes.clone()
    }

    /// The id of the deployment that a call for `model` would go to now; None when there is no such group, or every
    /// deployment cools.
    fn pick(&self, model: &str) -> PyResult<Option<String>> {
        let snapshot = self.engine(process()?)?.snapshot.load_full();
        let target = snapshot
            .routes
            .target(model, Instant::now(), fastrand::f64());
        Ok(target.map(|target| target.deployment_id.clone()))
    }

    /// Whether there is a group, an alias, an id or a wildcard for `model`.
    fn knows(&self, model: &str) -> PyResult<bool> {
        let snapshot = self.engine(process()?)?.snapshot.load_full();
        Ok(snapshot.routes.group(model).is_some())
    }

    /// Ids of the deployments of `model`'s group that cool.
    fn cooling(&self, model: &str) -> PyResult<Vec<String>> {
        let snapshot = self.engine(process()?)?.snapshot.load_full();
        let now = Instant::now();
        Ok(snapshot.routes.group(model).map_or_else(Vec::new, |group| {
            group
                .deployments
                .iter()
                .filter(|deployment| deployment.cooling(now).is_some())
                .map(|deployment| deployment.id().to_owned())
                .collect()
        }))
    }

    /// The ids of the deployments of `model`'s group.
    fn ids(&self, model: &str) -> PyResult<Vec<String>> {
        let snapshot = self.engine(process()?)?.snapshot.load_full();
        Ok(snapshot.routes.group(model).map_or_else(Vec::new, |group| {
            let deployments = group.deployments.iter();
            deployments
                .map(|deployment| deployment.id().to_owned())
                .collect()
        }))
    }

    /// The ids of all deployments, in the order of the list; those of wildcards among them.
    fn all_ids(&self) -> PyResult<Vec<String>> {
        let snapshot = self.engine(process()?)?.snapshot.load_full();
        let entries = snapshot.config.model_list.iter();
        Ok(entries
            .map(|entry| {
                let id = entry.model_info.get("id");
                id.and_then(|id| id.as_str()).unwrap_or_default().to_owned()
            })
            .collect())
    }

    /// As the module's `call`, to a model group.
    fn call(
        &self,
        py: Python<'_>,
        op: &str,
        model: &str,
        kwargs: &Bound<'_, PyDict>,
    ) -> PyResult<Reply> {
        let process = process()?;
        let engine = self.engine(process)?;
        wait(py, process, prepare_routed(&engine, op, model, kwargs)?)
    }

    /// As the module's `call_async`, to a model group.
    #[allow(clippy::too_many_arguments)] // Those of the module's function.
    fn call_async(
        &self,
        op: &str,
        model: &str,
        kwargs: &Bound<'_, PyDict>,
        event_loop: Py<PyAny>,
        future: Py<PyAny>,
        deliver: Py<PyAny>,
    ) -> PyResult<Running> {
        let process = process()?;
        let engine = self.engine(process)?;
        let waiting = Waiting {
            event_loop,
            future,
            deliver,
        };
        start(
            process,
            prepare_routed(&engine, op, model, kwargs)?,
            waiting,
        )
    }
}

/// Adds this file's class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Router>()
}
