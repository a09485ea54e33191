//! Calls in process: keyword arguments in, canonical JSON bytes out, sync and async, whole and streamed.
//! See `python/gateway/main.py`.

use crate::chunks::ChunkMaker;
use crate::lane::Lane;
use crate::runtime::{Process, process};
use crate::{json, stream};
use bytes::Bytes;
use gateway::adapt::Target;
use gateway::adapt::dialects::responses::ids;
use gateway::adapt::providers::openai_responses;
use gateway::cache::Cache;
use gateway::error::Error;
use gateway::options::Options;
use gateway::params::Params;
use gateway::pipeline::{Answer, AnswerBody, Engine, Failure};
use gateway::request::Format;
use gateway::upload::{Content, Upload};
use gateway::{Call, ErrorKind, Op};
use http::HeaderMap;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

pyo3::create_exception!(
    _gateway,
    CoreError,
    PyException,
    "An error of the core; args[0] is a dict of its parts."
);

/// Answers from the core, as Python reads them.
#[pyclass(frozen, module = "gateway._gateway")]
pub struct Reply {
    /// Canonical JSON of a whole reply.
    #[pyo3(get)]
    body: Option<Py<PyBytes>>,
    /// The stream of a streamed one.
    #[pyo3(get)]
    stream: Option<Py<stream::Stream>>,
    /// The upstream's response headers.
    #[pyo3(get)]
    headers: Vec<(String, String)>,
    /// USD; None when the price is not known, and for streams.
    #[pyo3(get)]
    cost: Option<f64>,
    #[pyo3(get)]
    provider: &'static str,
    /// The deployment that answered, and its group; empty without a Router.
    #[pyo3(get)]
    deployment_id: String,
    #[pyo3(get)]
    model_group: String,
    /// The key under which the cache had it; None: the provider answered.
    #[pyo3(get)]
    cache_key: Option<String>,
    /// As sent upstream.
    #[pyo3(get)]
    model: String,
    #[pyo3(get)]
    api_base: String,
    #[pyo3(get)]
    call_id: String,
    /// Whole call, milliseconds.
    #[pyo3(get)]
    response_ms: f64,
    /// Of these, not spent waiting for the upstream.
    #[pyo3(get)]
    overhead_ms: f64,
    #[pyo3(get)]
    retries: u32,
    #[pyo3(get)]
    fallbacks: u32,
    /// Whether the provider was asked in the caller's own dialect.
    #[pyo3(get)]
    native: bool,
    /// Whether it is a whole response told as a stream.
    #[pyo3(get)]
    sliced: bool,
}

impl Reply {
    /// `lane`: where a streamed answer goes on, when it does not on the process's runtime.
    fn new(
        py: Python<'_>,
        process: &'static Process,
        answer: Box<Answer>,
        call_id: String,
        started: Instant,
        lane: Option<Lane>,
        op: Op,
    ) -> PyResult<Self> {
        let target = &answer.target;
        let total = started.elapsed();
        let mut reply = Self {
            body: None,
            stream: None,
            headers: pairs(&answer.head.headers),
            cost: answer.cost.map(|c| c.total),
            provider: target.provider.name,
            deployment_id: target.deployment_id.clone(),
            model_group: target.model_group.clone(),
            cache_key: answer.cache_key,
            model: target.model.clone(),
            api_base: target.api_base.clone(),
            call_id,
            response_ms: total.as_secs_f64() * 1e3,
            overhead_ms: total.saturating_sub(answer.upstream_time).as_secs_f64() * 1e3,
            retries: answer.retries,
            fallbacks: answer.fallbacks,
            native: answer.asked == op,
            sliced: op == Op::Responses && answer.asked == op && openai_responses::slices(target),
        };
        match answer.body {
            AnswerBody::Whole(whole) => reply.body = Some(PyBytes::new(py, &whole.body).unbind()),
            // Only the server asks for these.
            AnswerBody::Raw(_) => {}
            AnswerBody::Stream(events) => {
                // Callers get these dialects' events as bytes, those of the others as objects made of the JSON within.
                let whole = matches!(op.format(), Format::Anthropic | Format::Gemini);
                let events = stream::Stream::new(process, events, lane, whole)?;
                reply.stream = Some(Py::new(py, events)?);
            }
        }
        Ok(reply)
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

/// The exception for an error: `CoreError(parts)`, which Python turns into LiteLLM's class.
pub fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let parts = PyDict::new(py);
    let filled = (|| {
        parts.set_item("class", error.kind.row().class)?;
        parts.set_item("status", error.status)?;
        let mut message = error.message.clone();
        if let Some(hint) = &error.hint {
            message.push_str("\nhint: ");
            message.push_str(hint);
        }
        parts.set_item("message", message)?;
        // A refused parameter names neither provider nor model.
        let named = |text: &str| {
            (error.kind != ErrorKind::UnsupportedParams || !text.is_empty())
                .then(|| text.to_owned())
        };
        parts.set_item("llm_provider", named(&error.provider))?;
        parts.set_item("model", named(&error.model))?;
        parts.set_item("param", &error.param)?;
        parts.set_item("code", &error.code)?;
        let fields = error.fields.as_ref();
        parts.set_item("fields", fields.map(|fields| PyBytes::new(py, fields)))?;
        parts.set_item("body", error.body.as_ref().map(|b| PyBytes::new(py, b)))?;
        parts.set_item("headers", error.headers.as_ref().map(|h| pairs(h)))
    })();
    match filled {
        Ok(()) => CoreError::new_err(parts.unbind()),
        Err(error) => error,
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Box<Answer>, Box<Failure>>> + Send>>;

/// A call that is ready to be made.
pub struct Prepared {
    answering: Answering,
    op: Op,
    call_id: String,
    started: Instant,
}

/// The argument in which Python hands over files.
const UPLOADS: &str = "$uploads";

/// The arguments as members, and the files among them. Their bytes stay Python's; nothing is copied.
fn members(kwargs: &Bound<'_, PyDict>) -> PyResult<(Params, Vec<Upload>)> {
    let Some(files) = kwargs.get_item(UPLOADS)? else {
        return Ok((json::members(kwargs)?, Vec::new()));
    };
    let rest = kwargs.copy()?;
    rest.del_item(UPLOADS)?;
    let files: Vec<(String, String, Option<String>, PyBackedBytes)> = files.extract()?;
    let uploads = files
        .into_iter()
        .map(|(field, name, media_type, content)| Upload {
            field,
            name,
            media_type,
            content: Content::Held(Bytes::from_owner(content)),
        })
        .collect();
    Ok((json::members(&rest)?, uploads))
}

/// The model that a call is resolved by: a question about a stored response has none, but its id tells the provider.
fn asked_model<'a>(op: Op, model: &'a str, params: &Params) -> Cow<'a, str> {
    let id = params.get::<String>("response_id");
    match (op, id) {
        (Op::Stored(_), Some(id)) => {
            let told = ids::told(&id).map(|told| told.provider);
            format!("{}/stored", told.as_deref().unwrap_or(model)).into()
        }
        _ => model.into(),
    }
}

/// Reads the arguments; nothing is sent yet. `target` settles where the call goes, `None` leaves it to the routes of
/// the engine.
fn prepare(
    engine: &Arc<Engine>,
    op: &str,
    model: &str,
    kwargs: &Bound<'_, PyDict>,
    routed: bool,
) -> PyResult<Prepared> {
    let py = kwargs.py();
    let started = Instant::now();
    let op = Op::of_function(op).unwrap_or(Op::Chat);
    let (members, uploads) = members(kwargs)?;
    let (options, mut params) = Options::split_for(op, members).map_err(|e| raised(py, &e))?;
    let model = &*asked_model(op, model, &params);
    let target = if routed {
        params.set("model", &model);
        None
    } else {
        let target = Target::resolve(model, &options, &|name| std::env::var(name).ok())
            .map_err(|e| raised(py, &e))?;
        params.set("model", &target.model);
        Some(Arc::new(target))
    };
    let mut call = Box::new(Call::new(op, model, params));
    if let Some(id) = options.other.get::<String>("litellm_call_id") {
        call.id = id;
    }
    call.options = options;
    // A Router's replies name the model that answered.
    call.keep_upstream_model = routed;
    call.uploads = uploads;
    let call_id = call.id.clone();
    let engine = engine.clone();
    Ok(Prepared {
        op,
        answering: Box::pin(async move {
            match target {
                Some(target) => engine.call_target(call, target).await,
                None => engine.call(call).await,
            }
        }),
        call_id,
        started,
    })
}

/// Reads the arguments of a call to a group of `engine`'s configuration.
pub fn prepare_routed(
    engine: &Arc<Engine>,
    op: &str,
    model: &str,
    kwargs: &Bound<'_, PyDict>,
) -> PyResult<Prepared> {
    prepare(engine, op, model, kwargs, true)
}

/// A call that blocks the calling thread (without the GIL).
///
/// # Errors
/// CoreError.
#[pyfunction]
fn call(py: Python<'_>, op: &str, model: &str, kwargs: &Bound<'_, PyDict>) -> PyResult<Reply> {
    let process = process()?;
    wait(
        py,
        process,
        prepare(&process.engine, op, model, kwargs, false)?,
    )
}

/// Makes a call on this thread, and waits for it.
pub fn wait(py: Python<'_>, process: &'static Process, prepared: Prepared) -> PyResult<Reply> {
    let Prepared {
        answering,
        op,
        call_id,
        started,
    } = prepared;
    let lane = process.lanes.take()?;
    match lane.wait(py, answering)? {
        Ok(answer) => {
            if matches!(answer.body, AnswerBody::Whole(_)) {
                process.lanes.keep(lane);
                return Reply::new(py, process, answer, call_id, started, None, op);
            }
            Reply::new(py, process, answer, call_id, started, Some(lane), op)
        }
        Err(failure) => {
            // An answer was read to its end; anything else may have left a connection in the middle of one.
            if failure.error.headers.is_some() {
                process.lanes.keep(lane);
            }
            Err(raised(py, &failure.error))
        }
    }
}

/// A running asynchronous call.
#[pyclass(frozen, module = "gateway._gateway")]
pub struct Running(tokio::task::AbortHandle);

#[pymethods]
impl Running {
    /// Ends the call; its upstream connection is closed.
    fn cancel(&self) {
        self.0.abort();
    }
}

/// Who waits for an asynchronous call: `deliver(future, value, error)` is called on `event_loop` when it is over.
pub struct Waiting {
    pub event_loop: Py<PyAny>,
    pub future: Py<PyAny>,
    pub deliver: Py<PyAny>,
}

impl Waiting {
    /// Gives the result to the event loop from any thread. A closed loop has no one waiting.
    pub fn hand_over(self, py: Python<'_>, result: PyResult<Py<PyAny>>) {
        let (value, error) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error.into_value(py))),
        };
        let given = (self.deliver, self.future, value, error);
        let _ = self
            .event_loop
            .call_method1(py, "call_soon_threadsafe", given);
    }
}

/// Starts a call and returns at once. `deliver(future, reply, error)` is called on `event_loop` when it is over.
#[pyfunction]
fn call_async(
    op: &str,
    model: &str,
    kwargs: &Bound<'_, PyDict>,
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
    deliver: Py<PyAny>,
) -> PyResult<Running> {
    let process = process()?;
    let waiting = Waiting {
        event_loop,
        future,
        deliver,
    };
    start(
        process,
        prepare(&process.engine, op, model, kwargs, false)?,
        waiting,
    )
}

/// Makes a call on the process's runtime.
pub fn start(process: &'static Process, prepared: Prepared, waiting: Waiting) -> PyResult<Running> {
    let Prepared {
        answering,
        op,
        call_id,
        started,
    } = prepared;
    let task = process.runtime()?.spawn(async move {
        let outcome = answering.await;
        // Without an interpreter (it is shutting down) nobody waits for this.
        process.enter(|py| {
            let result = match outcome {
                Ok(answer) => Reply::new(py, process, answer, call_id, started, None, op)
                    .and_then(|reply| Ok(Py::new(py, reply)?.into_any())),
                Err(failure) => Err(raised(py, &failure.error)),
            };
            waiting.hand_over(py, result);
        });
    });
    Ok(Running(task.abort_handle()))
}

/// Keeps replies as `settings` (JSON of LiteLLM's `cache_params`) say, from here on, in this process; `None` keeps
/// none. A cache with the same settings stays as it is.
#[pyfunction]
fn use_cache(settings: Option<&str>) -> PyResult<()> {
    let process = process()?;
    let cache = &process.engine.cache;
    let Some(settings) = settings else {
        cache.store(None);
        return Ok(());
    };
    let params: serde_json::Value =
        serde_json::from_str(settings).map_err(|e| PyValueError::new_err(e.to_string()))?;
    let whole = serde_json::json!({"cache": true, "cache_params": params});
    let whole = whole.as_object().cloned().unwrap_or_default();
    let env = |name: &str| std::env::var(name).ok();
    // Answers are kept on the runtime that always runs.
    let _here = process.runtime()?.enter();
    let made = Cache::of_config(&whole, &env, cache.load_full()).map_err(PyValueError::new_err)?;
    cache.store(made);
    Ok(())
}

/// Forgets what is cached.
#[pyfunction]
fn clear_cache(py: Python<'_>) -> PyResult<()> {
    let process = process()?;
    let Some(cache) = process.engine.cache.load_full() else {
        return Ok(());
    };
    let cleared = process.wait(py, Box::pin(cache.clear()))?;
    cleared.map_err(|why| PyRuntimeError::new_err(format!("not all was forgotten: {why}")))
}

/// Runs the command line (`argv[0]` first) without the GIL. Returns the exit status.
#[pyfunction]
fn run_command(py: Python<'_>, argv: &Bound<'_, PyList>) -> PyResult<u8> {
    let argv: Vec<String> = argv.extract()?;
    Ok(py.detach(|| gateway::cli::run(argv)))
}

/// Adds this file's functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("CoreError", module.py().get_type::<CoreError>())?;
    module.add_class::<Reply>()?;
    module.add_class::<Running>()?;
    module.add_class::<stream::Stream>()?;
    module.add_class::<ChunkMaker>()?;
    module.add_function(wrap_pyfunction!(use_cache, module)?)?;
    module.add_function(wrap_pyfunction!(clear_cache, module)?)?;
    module.add_function(wrap_pyfunction!(call, module)?)?;
    module.add_function(wrap_pyfunction!(call_async, module)?)?;
    module.add_function(wrap_pyfunction!(run_command, module)?)
}
