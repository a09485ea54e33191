//! A gateway between real sockets: the mock upstream on one side, whoever connects on the other. In this process, on
//! a runtime of its own whose tasks can be counted ([`Bed`]), or as the program that users run ([`Served`]).

use super::client::{Client, PATIENCE, get};
use gateway::account::{Outcome, Receipt, Sink};
use gateway::cache::Cache;
use gateway::config::{self, Snapshot};
use gateway::forward::{Client as Upstreams, ClientSettings, Transport};
use gateway::observe::Metrics;
use gateway::pipeline::Engine;
use gateway::route::{Env, Routes};
use gateway::serve::bounds::Bounds;
use gateway::serve::workers::Workers;
use gateway::serve::{Gateway, listen};
use mock_upstream::Mock;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The key that the gateway asks for.
pub const MASTER_KEY: &str = "sk-bed-0123456789abcdef";

/// A port of loopback that refuses connections until a server of the test takes it; nobody else is given it meanwhile.
pub fn reserved() -> (tokio::net::TcpSocket, u16) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// Makes a CA (`ca.crt`) and a certificate of this machine below it (`server.crt`, `server.key`). `None` without openssl.
pub fn certificates(folder: &Path) -> Option<()> {
    let extensions = folder.join("extensions");
    std::fs::write(&extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for arguments in [
        format!("req -x509 {key} -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt"),
        format!("req {key} -subj /CN=localhost -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.crt"
            .to_owned(),
    ] {
        let made = Command::new("openssl")
            .current_dir(folder)
            .args(arguments.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: no `openssl` on this machine (apt-get install openssl)");
            return None;
        }
    }
    Some(())
}

/// The mock upstream, listening.
pub fn upstream() -> (Mock, u16) {
    let mock = Mock::default();
    let listener = Mock::bind(0).unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(mock.clone().serve(listener));
    (mock, port)
}

/// A configuration in which every model goes to `upstream`, with the deployment's settings of `more`.
pub fn config(upstream: u16, more: &str) -> String {
    format!(
        "model_list:\n  - model_name: \"*\"\n    litellm_params:\n      model: \"openai/*\"\n      \
         api_base: http://127.0.0.1:{upstream}/v1\n      api_key: sk-upstream\n      max_retries: 0\n{more}\
         litellm_settings: {{num_retries: 0, json_logs: true}}\n\
         router_settings: {{num_retries: 0, disable_cooldowns: true}}\n\
         general_settings: {{master_key: {MASTER_KEY}}}\n"
    )
}

/// A gateway of this configuration, with the client that users get.
pub fn gateway(config: &str) -> (Arc<Gateway>, Arc<Tally>) {
    let client = Upstreams::new(&ClientSettings::default()).unwrap();
    gateway_over(config, Arc::new(client))
}

/// The same over a transport of the test's.
pub fn gateway_over(config: &str, transport: Arc<dyn Transport>) -> (Arc<Gateway>, Arc<Tally>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    std::fs::write(&path, config).unwrap();
    let (config, _) = config::load(&path, &|_| None).unwrap();
    let env: Env = Arc::new(|_| None);
    let routes = Routes::build(&config, &env, None);
    let snapshot = Snapshot {
        config,
        version: 1,
        routes,
    };
    let tally = Arc::new(Tally::default());
    let cache = Cache::of_config(&snapshot.config.litellm.other, &|_| None, None).unwrap();
    let engine = Engine::new(transport, Arc::new(snapshot), vec![tally.clone()]);
    engine.cache.store(cache);
    let gateway = Gateway::new(Arc::new(engine), Arc::new(Metrics::default()));
    (Arc::new(gateway), tally)
}

/// How calls ended, counted.
#[derive(Default)]
pub struct Tally {
    pub succeeded: AtomicU64,
    pub failed: AtomicU64,
    pub cancelled: AtomicU64,
}

impl Tally {
    pub fn all(&self) -> u64 {
        [&self.succeeded, &self.failed, &self.cancelled]
            .map(|count| count.load(Ordering::Relaxed))
            .iter()
            .sum()
    }
}

impl Sink for Tally {
    fn record(&self, receipt: &Receipt) {
        let count = match receipt.outcome {
            Outcome::Success => &self.succeeded,
            Outcome::Failure(_) => &self.failed,
            Outcome::Cancelled => &self.cancelled,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// A gateway in this process.
pub struct Bed {
    pub mock: Mock,
    /// All of them; `mock` is the first.
    pub mocks: Vec<Mock>,
    pub address: SocketAddr,
    pub gateway: Arc<Gateway>,
    pub tally: Arc<Tally>,
    runtime: Option<Runtime>,
}

impl Bed {
    /// `more`: lines of the deployment's `litellm_params`, indented by six.
    pub fn start(more: &str) -> Self {
        Self::with(1, |ports| config(ports[0], more))
    }

    /// With so many upstreams; `config` gets their ports.
    pub fn with(upstreams: usize, config: impl FnOnce(&[u16]) -> String) -> Self {
        Self::bounded(upstreams, config, |_| ())
    }

    /// With other bounds for its clients, too.
    pub fn bounded(
        upstreams: usize,
        config: impl FnOnce(&[u16]) -> String,
        change: impl FnOnce(&mut Bounds),
    ) -> Self {
        let (mocks, ports): (Vec<Mock>, Vec<u16>) = (0..upstreams).map(|_| upstream()).unzip();
        let served = gateway(&config(&ports));
        Self::serving(served, mocks, change)
    }

    /// Over a transport of the test's.
    pub fn over(config: &str, transport: Arc<dyn Transport>) -> Self {
        Self::serving(
            gateway_over(config, transport),
            vec![Mock::default()],
            |_| (),
        )
    }

    fn serving(
        (gateway, tally): (Arc<Gateway>, Arc<Tally>),
        mocks: Vec<Mock>,
        change: impl FnOnce(&mut Bounds),
    ) -> Self {
        let mut bounds = Bounds::of(&gateway.engine.snapshot.load().config);
        change(&mut bounds);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let _here = runtime.enter();
        let listener = listen::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(listen::serve(
            gateway.clone(),
            listener,
            std::future::pending(),
            Duration::ZERO,
            Workers::none(),
            bounds,
        ));
        Self {
            mock: mocks[0].clone(),
            mocks,
            address,
            gateway,
            tally,
            runtime: Some(runtime),
        }
    }

    /// Tasks of the gateway that have not ended.
    pub fn tasks(&self) -> usize {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.metrics().num_alive_tasks()
    }

    /// The gauge of requests in flight.
    pub fn in_flight(&self) -> String {
        let shown = self.gateway.metrics.render();
        let line = shown
            .lines()
            .find_map(|line| line.strip_prefix("litellm_in_flight_requests "));
        line.unwrap().to_owned()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until something that no event tells of has become true.
pub async fn becomes(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "never became true: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// How much of a log is kept, in bytes.
const MAX_LOG: usize = 1 << 20;

/// What a process is started in.
#[derive(Default)]
pub struct Around {
    /// What a shell does before it becomes the gateway.
    pub before: Option<&'static str>,
    /// Variables of the environment.
    pub variables: Vec<(&'static str, String)>,
    /// Its standard input.
    pub input: Option<Stdio>,
}

/// The gateway as users run it: a process with a configuration file.
pub struct Served {
    pub address: SocketAddr,
    pub config: PathBuf,
    /// What it said before it listened.
    begun: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
    process: Child,
    _directory: tempfile::TempDir,
}

impl Served {
    /// Starts it with this configuration and waits until it answers.
    pub async fn start(config: &str) -> Self {
        Self::start_with(config, &[]).await
    }

    /// The same with further arguments.
    pub async fn start_with(config: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, config).unwrap();
        Self::spawned(directory, path, more, Around::default()).await
    }

    /// The same with variables of the environment.
    pub async fn start_among(config: &str, environment: &[(&'static str, &str)]) -> Self {
        let variables = environment.iter();
        let around = Around {
            variables: variables
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            ..Around::default()
        };
        Self::start_in(config, &[], around).await
    }

    /// The same in other surroundings.
    pub async fn start_in(config: &str, more: &[&str], around: Around) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, config).unwrap();
        Self::spawned(directory, path, more, around).await
    }

    /// Starts it with a configuration that is there already.
    pub async fn at(directory: tempfile::TempDir, config: PathBuf) -> Self {
        Self::spawned(directory, config, &[], Around::default()).await
    }

    async fn spawned(
        directory: tempfile::TempDir,
        config: PathBuf,
        more: &[&str],
        around: Around,
    ) -> Self {
        let program = env!("CARGO_BIN_EXE_gateway");
        let mut command = match around.before {
            None => Command::new(program),
            Some(before) => {
                let mut shell = Command::new("sh");
                let script = format!("{before}; exec \"$0\" \"$@\"");
                shell.args(["-c", &script, program]);
                shell
            }
        };
        let mut process = command
            .envs(unproxied())
            .envs(around.variables)
            .stdin(around.input.unwrap_or_else(Stdio::null))
            .args(["serve", "--host", "127.0.0.1", "--config"])
            .arg(&config)
            .args(if more.contains(&"--port") {
                &[][..]
            } else {
                &["--port", "0"]
            })
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = process.stderr.take().unwrap();
        let (tell, told) = tokio::sync::oneshot::channel();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = log.clone();
        let begun = Arc::new(Mutex::new(String::new()));
        let first = begun.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(said).lines().map_while(Result::ok);
            let address = lines.find_map(|line| {
                let address = line.strip_prefix("listening on http://");
                let mut first = first.lock().unwrap();
                first.push_str(&line);
                first.push('\n');
                address?.parse().ok()
            });
            let _ = tell.send(address);
            // What is not read would hold it up.
            lines.for_each(|line| {
                let mut kept = kept.lock().unwrap();
                if kept.len() < MAX_LOG {
                    kept.push_str(&line);
                    kept.push('\n');
                }
            });
        });
        let told = tokio::time::timeout(PATIENCE, told).await;
        let address = told.expect("the gateway says where it listens").unwrap();
        Self {
            address: address.expect("the gateway listens"),
            config,
            begun,
            log,
            process,
            _directory: directory,
        }
    }

    /// What it has logged since it listens, as far as that is kept.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The same, with what it said before.
    pub fn log_from_start(&self) -> String {
        self.begun.lock().unwrap().clone() + &self.log()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// Memory in use, in bytes (Linux; elsewhere 0).
    pub fn memory(&self) -> usize {
        self.told("VmRSS:")
    }

    /// The most memory that was ever in use, in bytes (Linux; elsewhere 0).
    pub fn most_memory(&self) -> usize {
        self.told("VmHWM:")
    }

    fn told(&self, name: &str) -> usize {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<usize>().ok());
        kib.unwrap_or(0) << 10
    }

    /// Asserts that it answers.
    pub async fn lives(&self) {
        let reply = Client::open(self.address)
            .await
            .call(get("/health/liveliness"))
            .await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "\"I'm alive!\"")
        );
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Allows this process, and those that it starts, many connections.
pub fn allow_many_connections() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// A number from the environment, or the one that is quick enough for every day.
pub fn asked(name: &str, usual: usize) -> usize {
    let asked = std::env::var(name).ok();
    asked
        .and_then(|number| number.parse().ok())
        .unwrap_or(usual)
}

/// Servers of tests are on this machine, whatever its own way out is.
fn unproxied() -> impl Iterator<Item = (&'static str, &'static str)> {
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    names.into_iter().map(|name| (name, ""))
}
