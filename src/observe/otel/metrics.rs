//! Receipts into the metrics of OpenTelemetry's conventions for generative AI, with the buckets that they advise.
//! <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md>

use super::super::resolved::{Kept, Resolved};
use super::names::{self, text};
use crate::account::{Outcome, Receipt};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram, Meter};
use std::sync::{Arc, OnceLock};

const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const DURATION: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const FIRST_TOKEN: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Series that are kept at most.
const MOST: usize = 1024;

/// The instruments.
pub struct Instruments {
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    first_chunk: Histogram<f64>,
    request: Histogram<f64>,
    first_token: Histogram<f64>,
    series: Resolved<Series, KEY>,
}

/// The series of calls that are alike: their attributes resolved once. One has a point once something is recorded.
struct Series {
    call: Vec<KeyValue>,
    request: BoundHistogram<f64>,
    duration: OnceLock<BoundHistogram<f64>>,
    first_chunk: OnceLock<BoundHistogram<f64>>,
    first_token: OnceLock<BoundHistogram<f64>>,
    tokens: OnceLock<[BoundHistogram<u64>; 2]>,
}

const KEY: usize = 6;

impl Instruments {
    /// The instruments of a meter.
    pub fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, what: &'static str, buckets: &[f64]| {
            meter
                .f64_histogram(name)
                .with_description(what)
                .with_unit("s")
                .with_boundaries(buckets.to_vec())
                .build()
        };
        Self {
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_description("Number of input and output tokens used.")
                .with_unit("{token}")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            duration: seconds(
                "gen_ai.client.operation.duration",
                "GenAI operation duration: what providers took, all attempts of a call.",
                &DURATION,
            ),
            first_chunk: seconds(
                "gen_ai.client.operation.time_to_first_chunk",
                "Time to receive the first chunk of a stream.",
                &DURATION,
            ),
            request: seconds(
                "gen_ai.server.request.duration",
                "What a call took here, from its arrival to its last byte.",
                &DURATION,
            ),
            first_token: seconds(
                "gen_ai.server.time_to_first_token",
                "Time to the first token of a stream, from the call's arrival.",
                &FIRST_TOKEN,
            ),
            series: Resolved::holding(MOST),
        }
    }

    /// Counts a call.
    pub fn record(&self, receipt: &Receipt) {
        let series = self.series(receipt);
        let times = &receipt.timings;
        series.request.record(times.total.as_secs_f64());
        if receipt.attempts == 0 {
            return;
        }
        let of_call = |histogram: &Histogram<f64>| histogram.bind(&series.call);
        let duration = series.duration.get_or_init(|| of_call(&self.duration));
        duration.record(times.upstream.as_secs_f64());
        if let Some(first) = times.first_chunk.filter(|_| receipt.stream) {
            let first = first.as_secs_f64();
            let token = series
                .first_token
                .get_or_init(|| of_call(&self.first_token));
            token.record(first);
            let route = times.stages.route.unwrap_or_default();
            let waited = times.queue.unwrap_or_default() + times.stages.queue.unwrap_or_default();
            let asked = first - (route + waited).as_secs_f64();
            let chunk = series
                .first_chunk
                .get_or_init(|| of_call(&self.first_chunk));
            chunk.record(asked.max(0.0));
        }
        if let Some(usage) = &receipt.usage {
            let [input, output] = series.tokens.get_or_init(|| {
                ["input", "output"].map(|kind| self.tokens.bind(&of_tokens(&series.call, kind)))
            });
            input.record(usage.prompt_tokens);
            output.record(usage.completion_tokens);
        }
    }

    fn series(&self, receipt: &Receipt) -> Arc<Kept<Series, KEY>> {
        self.series.find(key(receipt), || {
            let call = attributes(receipt);
            Series {
                request: self.request.bind(&call),
                call,
                duration: OnceLock::new(),
                first_chunk: OnceLock::new(),
                first_token: OnceLock::new(),
                tokens: OnceLock::new(),
            }
        })
    }
}

fn error(receipt: &Receipt) -> &'static str {
    match &receipt.outcome {
        Outcome::Success => "",
        Outcome::Failure(error) => error.kind.row().class,
        Outcome::Cancelled => "cancelled",
    }
}

/// All that the attributes are made of.
fn key(receipt: &Receipt) -> [&str; KEY] {
    let target = receipt.target.as_deref();
    [
        names::operation(receipt.op),
        error(receipt),
        target.map_or("", |target| target.provider.name),
        target.map_or("", |target| &target.model),
        target.map_or("", |target| &target.api_base),
        receipt.served.as_deref().unwrap_or_default(),
    ]
}

fn attributes(receipt: &Receipt) -> Vec<KeyValue> {
    let mut call = vec![KeyValue::new(
        names::OPERATION,
        names::operation(receipt.op),
    )];
    if let Some(target) = &receipt.target {
        let provider = names::provider(target.provider.name);
        call.push(KeyValue::new(names::PROVIDER, provider));
        call.push(text(names::REQUEST_MODEL, &target.model));
        if let Some((host, port)) = names::server(target) {
            call.push(text(names::SERVER_ADDRESS, &host));
            call.push(KeyValue::new(names::SERVER_PORT, i64::from(port)));
        }
    }
    if let Some(model) = &receipt.served {
        call.push(text(names::RESPONSE_MODEL, model));
    }
    match error(receipt) {
        "" => {}
        class => call.push(KeyValue::new(names::ERROR_TYPE, class)),
    }
    call
}

/// Tokens are counted alike whatever became of the call.
fn of_tokens(call: &[KeyValue], kind: &'static str) -> Vec<KeyValue> {
    call.iter()
        .filter(|attribute| attribute.key.as_str() != names::ERROR_TYPE)
        .cloned()
        .chain([KeyValue::new(names::TOKEN_TYPE, kind)])
        .collect()
}
