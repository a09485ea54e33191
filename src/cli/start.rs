//! From the command line to a running server, and from a signal to its end.

use super::args::Serve;
use super::{notify, process_env, tell};
use crate::cache::Cache;
use crate::config::watch::{self, Reloader};
use crate::config::{Config, Snapshot, load};
use crate::forward::per_thread::PerThread;
use crate::forward::{Client, ClientSettings};
use crate::observe::logs::Levels;
use crate::observe::otel::Telemetry;
use crate::observe::{AccessLog, LogWriter, Metrics, logs, redact};
use crate::pipeline::Engine;
use crate::route::{Env, Routes};
use crate::serve::bounds::{Bounds, MAX_CONNECTIONS};
use crate::serve::workers::Workers;
use crate::serve::{Gateway, auth, background, listen};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// What the last spans and metrics have to be exported.
const FLUSH: Duration = Duration::from_secs(3);

/// Serves until a signal says otherwise.
///
/// # Errors
/// Why the server cannot start, for people.
pub fn run(serve: &Serve) -> Result<(), String> {
    let config = configuration(serve)?;
    let inherited = listen::inherited()
        .map_err(|e| format!("cannot use the socket that systemd listens on: {e}"))?;
    let asked = match &inherited {
        Some(socket) => socket.local_addr().ok().map(|address| address.ip()),
        None => serve.host,
    };
    let host = host(asked, &config)?;
    let level = match (serve.debug, serve.detailed_debug) {
        (_, true) => "debug".to_owned(),
        (true, _) => "info,gateway=debug".to_owned(),
        _ => logs::filter(&process_env),
    };
    let started = logs::start(&level, config.litellm.json_logs);
    let (writer, levels) = started.map_err(|e| e.to_string())?;
    levels.set(&config.general.log_levels);
    // Accepts, watches the configuration and waits for signals; the workers have runtimes of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start the runtime: {e}"))?;
    let result = runtime.block_on(listen_and_serve(
        serve,
        config,
        (host, inherited),
        &writer,
        levels,
    ));
    // What is left has had its grace: blocking reads of files must not hold the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    writer.flush(Duration::from_secs(1));
    result
}

fn configuration(serve: &Serve) -> Result<Config, String> {
    let Some(path) = &serve.config else {
        return Ok(Config::without_file(&process_env));
    };
    match load(path, &process_env) {
        Ok((config, report)) => {
            for finding in report.notable() {
                tell(io::stderr(), &finding.to_string());
            }
            Ok(config)
        }
        Err(report) => Err(format!("{} cannot be used\n{report}", path.display())),
    }
}

/// Where to listen. A server that anybody may use stays on this machine, unless the configuration insists.
fn host(asked: Option<IpAddr>, config: &Config) -> Result<IpAddr, String> {
    let general = &config.general;
    let Some(weakness) = auth::weakness(general) else {
        return Ok(asked.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
    };
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    if general.dangerously_permit_weak_or_unset_master_key {
        return Ok(asked.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
    }
    match asked {
        Some(host) if !host.is_loopback() => Err(format!(
            "{weakness}, so the server does not listen on {host}\n  hint: set `general_settings.master_key` or \
             `LITELLM_MASTER_KEY` to a long random text that begins with `sk-`, or listen on {loopback}"
        )),
        host => Ok(host.unwrap_or(loopback)),
    }
}

async fn listen_and_serve(
    serve: &Serve,
    config: Config,
    (host, inherited): (IpAddr, Option<std::net::TcpListener>),
    log: &LogWriter,
    levels: Levels,
) -> Result<(), String> {
    let address = SocketAddr::new(host, serve.port);
    let bound = match inherited {
        Some(socket) => TcpListener::from_std(socket),
        None if serve.reuse_port => listen::bind_shared(address),
        None => listen::bind(address),
    };
    let listener = bound.map_err(|e| format!("cannot listen on {address}: {e}"))?;
    let address = listener.local_addr().unwrap_or(address);
    let metrics = Arc::new(Metrics::of_config(&config));
    let greeting = greeting(address, &config);
    let bounds = Bounds {
        connections: serve.limit_concurrency.unwrap_or_else(connections),
        ..Bounds::of(&config)
    };
    let env = &|name: &str| config.variable(name, &process_env);
    let client = Client::new(&ClientSettings::from_env(env))
        .map_err(|e| format!("cannot set up the client: {e}"))?;
    let telemetry = telemetry(&config, &client);
    let client = client.timed(metrics.connect_time());
    let workers = Workers::start(cores(), &client)
        .map_err(|e| format!("cannot start the threads that serve: {e}"))?;
    let engine = engine(config, client, &metrics, log, telemetry.clone());
    let gateway = Arc::new(Gateway::new(engine.clone(), metrics.clone()));
    let stop = CancellationToken::new();
    if let Some(path) = &serve.config {
        let reloader = reloader(path, &engine, &metrics, levels);
        tokio::spawn(watch::run(reloader, stop.clone()));
    }
    tokio::spawn(background::run(gateway.clone(), stop.clone()));
    tell(io::stderr(), &greeting);
    notify::tell(notify::READY);
    let grace = Duration::try_from_secs_f64(serve.grace).unwrap_or_default();
    let draining = stop.clone();
    let asked = async move {
        signal().await;
        draining.cancel();
        notify::tell(notify::STOPPING);
        tell(
            io::stderr(),
            "stopping: requests in flight may end; a second signal ends them",
        );
    };
    let ended = tokio::select! {
        ended = listen::serve(gateway, listener, asked, grace, workers.clone(), bounds) => ended,
        () = async { stop.cancelled().await; signal().await } => {
            workers.stop(listen::STOP);
            false
        }
    };
    if !ended {
        tracing::warn!("stopped with requests in flight");
    }
    if let Some(telemetry) = telemetry {
        // On another thread: what is exported goes through this one.
        let flushed = tokio::task::spawn_blocking(move || telemetry.stop(FLUSH));
        let _ = tokio::time::timeout(FLUSH, flushed).await;
    }
    Ok(())
}

/// The export of spans and metrics, where one is asked for. What cannot be obeyed costs it, and no call.
fn telemetry(config: &Config, client: &Client) -> Option<Arc<Telemetry>> {
    let env = |name: &str| config.variable(name, &process_env);
    let started = Telemetry::start(config, &env, client, &Handle::current());
    started.unwrap_or_else(|problem| {
        tracing::error!("OpenTelemetry: {problem}; nothing is exported");
        None
    })
}
/// Files that this process needs for itself, and those for each thread that serves.
#[cfg(unix)]
const OWN_FILES: usize = 32;
#[cfg(unix)]
const FILES_OF_THREAD: usize = 8;

/// Connections that this process can hold: each may need another one upstream. Raises the limit of open files as far as
/// the system lets it.
fn connections() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Who may not raise it keeps what there is.
        let _ = setrlimit(Resource::Nofile, limit);
        let files = getrlimit(Resource::Nofile).current;
        let files = files.map_or(MAX_CONNECTIONS * 2, |files| files as usize);
        let others = files.saturating_sub(OWN_FILES + FILES_OF_THREAD * cores());
        (others / 2).clamp(4, MAX_CONNECTIONS)
    }
    #[cfg(not(unix))]
    MAX_CONNECTIONS
}

/// One worker for each core that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn engine(
    config: Config,
    client: Client,
    metrics: &Arc<Metrics>,
    log: &LogWriter,
    telemetry: Option<Arc<Telemetry>>,
) -> Arc<Engine> {
    let routes = Routes::build(&config, &environment(&config), None);
    for problem in &routes.problems {
        tracing::warn!("{problem}");
    }
    metrics.configure(&config, 1);
    redact::remember(&config);
    let json = config.litellm.json_logs;
    let snapshot = Arc::new(Snapshot {
        config,
        version: 1,
        routes,
    });
    let lines = log.clone();
    let mut sinks: Vec<Arc<dyn crate::account::Sink>> =
        vec![metrics.clone(), Arc::new(AccessLog { json, lines })];
    let tracer = telemetry.as_ref().and_then(|telemetry| telemetry.tracer());
    if let Some(telemetry) = telemetry {
        sinks.push(telemetry);
    }
    let mut engine = Engine::new(Arc::new(PerThread(client)), snapshot.clone(), sinks);
    engine.tracer = tracer;
    use_cache(&engine, &snapshot.config);
    Arc::new(engine)
}

/// The cache that the configuration asks for, from here on. What was kept stays, where its settings stay.
fn use_cache(engine: &Engine, config: &Config) {
    let env = |name: &str| config.variable(name, &*engine.env);
    match Cache::of_config(&config.litellm.other, &env, engine.cache.load_full()) {
        Ok(cache) => engine.cache.store(cache),
        Err(problem) => {
            tracing::error!("litellm_settings.cache_params: {problem}; nothing is cached");
        }
    }
}

fn environment(config: &Config) -> Env {
    let own = config.environment.clone();
    Arc::new(move |name: &str| match own.get(name) {
        Some(value) => Some(value.expose().to_owned()),
        None => process_env(name),
    })
}

fn reloader(
    path: &Path,
    engine: &Arc<Engine>,
    metrics: &Arc<Metrics>,
    levels: Levels,
) -> Arc<Reloader> {
    let current = engine.snapshot.load_full();
    let engine = engine.clone();
    let apply = move |config: Config, version| {
        let before = engine.snapshot.load_full();
        let routes = Routes::build(&config, &environment(&config), Some(&before.routes));
        for problem in &routes.problems {
            tracing::warn!("{problem}");
        }
        use_cache(&engine, &config);
        levels.set(&config.general.log_levels);
        engine.snapshot.store(Arc::new(Snapshot {
            config,
            version,
            routes,
        }));
        Ok(())
    };
    Arc::new(Reloader::new(
        path.to_owned(),
        &current.config,
        metrics.clone(),
        process_env,
        apply,
    ))
}

/// Where the server listens, and a line to try it with.
fn greeting(address: SocketAddr, config: &Config) -> String {
    let model = config
        .model_list
        .iter()
        .map(|entry| entry.model_name.as_str())
        .find(|name| !name.contains('*'))
        .unwrap_or("gpt-4o");
    let reachable = match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        _ => address,
    };
    let (key, note) = match auth::weakness(&config.general) {
        Some("no master key is set") => (
            "",
            "no master key is set: anybody who reaches this address may call\n",
        ),
        _ => (" -H \"Authorization: Bearer $LITELLM_MASTER_KEY\"", ""),
    };
    format!(
        "listening on http://{address}\n{note}try:\n  curl http://{reachable}/v1/chat/completions{key} \
         -H 'Content-Type: application/json' -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
    )
}

/// SIGTERM or SIGINT.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            },
            Err(_) => {
                let _ = tokio::signal::ctrl_c().await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
