//! What the gateway costs, beside a bare hyper reverse proxy, in one run.
//!
//! `cargo bench --bench end_to_end [-- PART ...]` starts the mock upstream, the floor (`floor.rs`) and the gateway as
//! processes of their own, sends the same load through each in turn, several rounds, and prints medians and ratios.
//! Processor time comes from /proc (Linux only) and is that of the proxy alone; absolute times drift with the machine,
//! the ratios of one run do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench stops at the first thing that is wrong, and prints its figures"
)]

mod floor;
mod load;
mod process;

use load::{Connection, closed_loop, open_loop, post};
use process::{Process, free_port};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const MASTER_KEY: &str = "sk-bench-0123456789abcdef";
const ROUNDS: usize = 9;

struct Bed {
    upstream: Process,
    floor: Process,
    gateway: Process,
    /// The same with OpenTelemetry: metrics, and spans of one call in a hundred.
    traced: Process,
    _config: [tempfile::TempDir; 2],
}

impl Bed {
    fn start() -> Self {
        let upstream_port = free_port();
        let upstream = Process::start(
            &binary("mock-upstream"),
            &["--port".into(), upstream_port.to_string()],
            upstream_port,
            "/__mock/captured",
        );
        let floor_port = free_port();
        let myself = std::env::current_exe().unwrap_or_default();
        let floor = Process::start(
            &myself,
            &[
                "--floor".into(),
                floor_port.to_string(),
                format!("127.0.0.1:{upstream_port}"),
            ],
            floor_port,
            "/__mock/captured",
        );
        let directories = [(); 2].map(|()| {
            tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"))
        });
        let gateway = start_gateway(directories[0].path(), upstream_port, false);
        let traced = start_gateway(directories[1].path(), upstream_port, true);
        Self {
            upstream,
            floor,
            gateway,
            traced,
            _config: directories,
        }
    }

    fn subjects(&self) -> [(&'static str, &Process); 3] {
        [
            ("direct", &self.upstream),
            ("bare hyper", &self.floor),
            ("gateway", &self.gateway),
        ]
    }
}

/// The gateway as users run it: master key, metrics, cost and access log on.
fn start_gateway(directory: &Path, upstream_port: u16, traced: bool) -> Process {
    let port = free_port();
    let config = directory.join("config.yaml");
    // The upstream takes what telemetry it is sent as it takes everything.
    let (callbacks, environment) = if traced {
        let environment = format!(
            "environment_variables:\n  OTEL_EXPORTER_OTLP_ENDPOINT: http://127.0.0.1:{upstream_port}\n  \
             OTEL_TRACES_SAMPLER: parentbased_traceidratio\n  OTEL_TRACES_SAMPLER_ARG: \"0.01\"\n  \
             OTEL_METRIC_EXPORT_INTERVAL: \"1000\"\n"
        );
        ("[\"prometheus\", \"otel\"]", environment)
    } else {
        ("[\"prometheus\"]", String::new())
    };
    let text = format!(
        "model_list:\n  - model_name: \"*\"\n    litellm_params:\n      model: \"openai/*\"\n      \
         api_base: http://127.0.0.1:{upstream_port}/v1\n      api_key: sk-upstream\n      \
         input_cost_per_token: 0.000001\n      output_cost_per_token: 0.000002\n\
         litellm_settings:\n  callbacks: {callbacks}\n  json_logs: true\n\
         general_settings:\n  master_key: {MASTER_KEY}\n{environment}"
    );
    std::fs::write(&config, text).unwrap_or_else(|e| panic!("cannot write the configuration: {e}"));
    let args = [
        "serve",
        "--config",
        &config.display().to_string(),
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
    ];
    Process::start(
        &binary("gateway"),
        &args.map(String::from),
        port,
        "/health/liveliness",
    )
}

/// A release binary of this workspace; `make bench` builds them first.
fn binary(name: &str) -> PathBuf {
    let bench = std::env::current_exe().unwrap_or_default();
    let release = bench
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("target/release"));
    release.join(name)
}

/// About 1 KB of chat, as bytes of a request. `chunks` asks for a stream.
fn chat(chunks: Option<u32>, gap_ms: u32, delay_ms: u32) -> Vec<u8> {
    let words = "The quick brown fox jumps over the lazy dog and goes on its way. ".repeat(12);
    let stream = chunks.is_some();
    let body = format!(
        r#"{{"model":"load-chunks-{}-gap-{gap_ms}-delay-{delay_ms}","messages":[{{"role":"system","content":"You are helpful."}},{{"role":"user","content":"{words}"}}],"temperature":0.2,"max_tokens":256,"stream":{stream}{}}}"#,
        chunks.unwrap_or(0),
        if stream {
            r#","stream_options":{"include_usage":true}"#
        } else {
            ""
        },
    );
    post(
        "/v1/chat/completions",
        &body,
        &[("authorization", &format!("Bearer {MASTER_KEY}"))],
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn percentile(times: &[Duration], p: f64) -> f64 {
    let mut ms: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    ms.get(((ms.len() as f64 * p) as usize).min(ms.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// µs of processor time for each unit of work of `run`, per subject, median of rounds taken in turn.
async fn cpu_per<F>(bed: &Bed, what: &str, unit: &str, run: F)
where
    F: AsyncFn(u16) -> u64,
{
    let mut costs = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        let subjects = [&bed.floor, &bed.gateway, &bed.traced];
        for (i, subject) in subjects.into_iter().enumerate() {
            let before = subject.cpu_ns();
            let units = run(subject.port).await;
            let used = (subject.cpu_ns() - before) as f64 / 1e3 / units.max(1) as f64;
            if round > 0 {
                costs[i].push(used);
            }
        }
    }
    let [floor, gateway, traced] = costs.map(median);
    println!(
        "{what}: bare {floor:.1} us, gateway {gateway:.1} us a {unit}, ratio {:.2}; with OpenTelemetry, 1 % sampled \
         {traced:.1} us, ratio {:.2}",
        gateway / floor,
        traced / floor
    );
}

async fn requests(bed: &Bed) {
    let request = chat(None, 0, 0);
    cpu_per(
        bed,
        "CPU per request, 64 connections, ~1 KB chat",
        "request",
        async |port| {
            let answers = closed_loop(port, &request, 64, 300).await;
            assert!(answers.iter().all(|a| a.status == 200), "a request failed");
            answers.len() as u64
        },
    )
    .await;
}

async fn chunks(bed: &Bed) {
    let request = chat(Some(200), 1, 0);
    cpu_per(
        bed,
        "CPU per streamed chunk, 64 streams x 200 chunks, 1 ms apart",
        "chunk",
        async |port| {
            let answers = closed_loop(port, &request, 64, 2).await;
            assert!(
                answers.iter().all(|a| a.status == 200 && done(a)),
                "a stream failed"
            );
            answers.len() as u64 * 200
        },
    )
    .await;
}

fn done(answer: &load::Received) -> bool {
    answer.body.ends_with(b"data: [DONE]\n\n")
}

async fn first_chunk(bed: &Bed) {
    let request = chat(Some(20), 5, 20);
    let mut p50 = Vec::new();
    for (name, subject) in bed.subjects() {
        let answers = closed_loop(subject.port, &request, 8, 25).await;
        let times: Vec<_> = answers.iter().map(|a| a.first_byte).collect();
        p50.push((name, percentile(&times, 0.5)));
    }
    println!(
        "first chunk, 8 calm streams: direct p50 {:.2} ms; added by bare {:.2} ms, by gateway {:.2} ms",
        p50[0].1,
        p50[1].1 - p50[0].1,
        p50[2].1 - p50[0].1
    );
    let request = chat(Some(5), 20, 20);
    let mut p50 = Vec::new();
    for (_, subject) in bed.subjects() {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let answers = closed_loop(subject.port, &request, 1000, 1).await;
            assert!(
                answers.len() == 1000 && answers.iter().all(done),
                "a stream failed"
            );
            let times: Vec<_> = answers.iter().map(|a| a.first_byte).collect();
            rounds.push(percentile(&times, 0.5));
        }
        p50.push(median(rounds));
    }
    println!(
        "first chunk, 1,000 streams at once: p50 direct {:.0} ms, bare {:.0} ms, gateway {:.0} ms; gateway / bare {:.2}",
        p50[0],
        p50[1],
        p50[2],
        p50[2] / p50[1]
    );
}

async fn added(bed: &Bed) {
    let request = chat(None, 0, 50);
    for rate in [200, 1000] {
        let mut p50 = Vec::new();
        for (_, subject) in bed.subjects() {
            let times = open_loop(subject.port, &request, rate, 4).await;
            assert!(
                times.len() as u32 == rate * 4,
                "{} of {} requests failed",
                rate * 4 - times.len() as u32,
                rate * 4
            );
            p50.push(percentile(&times, 0.5));
        }
        println!(
            "p50 added at {rate} requests/s, 50 ms upstream: bare {:.2} ms, gateway {:.2} ms",
            p50[1] - p50[0],
            p50[2] - p50[0]
        );
    }
}

async fn slow_streams(bed: &Bed) {
    let request = chat(Some(20), 100, 0);
    let expected = Connection::open(bed.upstream.port)
        .await
        .expect("the upstream listens")
        .call(&request)
        .await;
    let chunks = expected
        .map(|e| e.body.windows(6).filter(|w| w == b"data: ").count())
        .unwrap_or_default();
    for (name, subject) in bed.subjects().into_iter().skip(1) {
        let answers = closed_loop(subject.port, &request, 1000, 1).await;
        let whole = answers
            .iter()
            .filter(|a| done(a) && a.body.windows(6).filter(|w| w == b"data: ").count() == chunks)
            .filter(|a| a.body.len() == answers[0].body.len())
            .count();
        println!(
            "1,000 slow streams through {name}: {whole} complete, peak RSS {:.0} MB",
            subject.memory_mb("VmHWM")
        );
    }
}

fn start_up(bed: &Bed) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut times = Vec::new();
    let mut idle = Vec::new();
    for _ in 0..5 {
        let gateway = start_gateway(directory.path(), bed.upstream.port, false);
        times.push(gateway.started_in.as_secs_f64());
        std::thread::sleep(Duration::from_millis(200));
        idle.push(gateway.memory_mb("VmRSS"));
    }
    println!(
        "start to first 200: {:.3} s; idle RSS {:.1} MB",
        median(times),
        median(idle)
    );
}

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if let [flag, port, upstream] = &args[..]
        && flag == "--floor"
    {
        let port = port.parse().expect("a port");
        runtime
            .block_on(floor::serve(port, upstream.clone()))
            .expect("the floor serves");
        return;
    }
    let wanted = |part: &str| args.is_empty() || args.iter().any(|a| a == part);
    let begun = Instant::now();
    let bed = Bed::start();
    runtime.block_on(async {
        if wanted("start") {
            start_up(&bed);
        }
        if wanted("requests") {
            requests(&bed).await;
        }
        if wanted("chunks") {
            chunks(&bed).await;
        }
        if wanted("first") {
            first_chunk(&bed).await;
        }
        if wanted("added") {
            added(&bed).await;
        }
        if wanted("slow") {
            slow_streams(&bed).await;
        }
    });
    println!("({:.0} s)", begun.elapsed().as_secs_f64());
}
