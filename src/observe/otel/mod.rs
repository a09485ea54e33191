//! OpenTelemetry: spans of sampled calls ([`spans`]) and metrics of all ([`metrics`]), both made of the finished
//! [`Receipt`], sent as OTLP over HTTP where the environment says ([`settings`]).
//!
//! It is on where the configuration names the callback `otel`. Nothing here holds a call up: spans wait in a bounded
//! queue ([`queue`]), metrics are added up in memory, and threads of their own export both.

mod client;
mod metrics;
mod names;
mod queue;
mod settings;
mod spans;

use crate::account::{Receipt, Sink};
use crate::config::Config;
use crate::forward::Client;
use crate::trace::Tracer;
use client::CollectorClient;
use metrics::Instruments;
use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_otlp::{
    Compression, ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig,
    WithHttpConfig,
};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SpanExporter as _};
use queue::Queue;
use settings::{Endpoint, Env, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

pub use client::requests_failed;
pub use queue::spans_dropped;

/// The callback that turns it on.
pub const CALLBACK: &str = "otel";

/// What tells this crate's telemetry from that of others in the process.
const SCOPE: &str = "gateway";

/// What is exported, under way. It is the sink of both signals.
pub struct Telemetry {
    spans: Option<(Queue, InstrumentationScope)>,
    sampler: Option<Sampler>,
    metrics: Option<(SdkMeterProvider, Instruments)>,
}

impl Telemetry {
    /// Starts what a configuration and its environment ask for; `None` where they ask for nothing. Exports go through
    /// `runtime`, which has to be driven as long as they are wanted.
    ///
    /// # Errors
    /// What cannot be obeyed, for people.
    pub fn start(
        config: &Config,
        env: Env<'_>,
        client: &Client,
        runtime: &Handle,
    ) -> Result<Option<Arc<Self>>, String> {
        if !config.litellm.callbacks.iter().any(|name| name == CALLBACK) {
            return Ok(None);
        }
        let Some(settings) = Settings::read(env)? else {
            return Ok(None);
        };
        let sending = |to: &Endpoint| CollectorClient {
            client: client.with_own_pool(),
            runtime: runtime.clone(),
            limit: to.timeout,
        };
        let wrong = |error: ExporterBuildError| error.to_string();
        let spans = match &settings.traces {
            None => None,
            Some(to) => {
                let mut exporter = told(SpanExporter::builder().with_http(), to, sending(to))
                    .build()
                    .map_err(wrong)?;
                exporter.set_resource(&settings.resource);
                let queue = Queue::start(exporter, settings.queue, runtime.clone());
                let queue = queue.map_err(|error| format!("cannot start a thread: {error}"))?;
                let scope = InstrumentationScope::builder(SCOPE)
                    .with_version(env!("CARGO_PKG_VERSION"))
                    .build();
                Some((queue, scope))
            }
        };
        let metrics = match &settings.metrics {
            None => None,
            Some(to) => {
                let exporter = told(MetricExporter::builder().with_http(), to, sending(to))
                    .with_temporality(settings.temporality)
                    .build()
                    .map_err(wrong)?;
                let reader = PeriodicReader::builder(exporter).with_interval(settings.interval);
                let provider = SdkMeterProvider::builder()
                    .with_resource(settings.resource.clone())
                    .with_reader(reader.build())
                    .build();
                let instruments = Instruments::new(&provider.meter(SCOPE));
                Some((provider, instruments))
            }
        };
        for (signal, to) in [("traces", &settings.traces), ("metrics", &settings.metrics)] {
            if let Some(to) = to {
                tracing::info!(signal, to = to.url, "telemetry is exported");
            }
        }
        Ok(Some(Arc::new(Self {
            sampler: spans.is_some().then_some(settings.sampler),
            spans,
            metrics,
        })))
    }

    /// What gives calls their traces; `None` where spans are not wanted.
    pub fn tracer(&self) -> Option<Tracer> {
        self.sampler.clone().map(Tracer::new)
    }

    /// Exports what waits, and ends. Blocks until that is done; `limit` bounds it for spans, the exporter's own timeout
    /// for metrics.
    pub fn stop(&self, limit: Duration) {
        let until = Instant::now() + limit;
        if let Some((queue, _)) = &self.spans {
            queue.close();
        }
        if let Some((provider, _)) = &self.metrics {
            // What could not be exported was counted and logged where it failed.
            let _ = provider.shutdown_with_timeout(limit);
        }
        if let Some((queue, _)) = &self.spans {
            queue.drained(until);
        }
    }
}

/// An exporter's builder, with everything that the environment says.
fn told<B: WithExportConfig + WithHttpConfig>(
    builder: B,
    to: &Endpoint,
    client: CollectorClient,
) -> B {
    let builder = builder
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&to.url)
        .with_headers(to.headers.clone())
        .with_timeout(to.timeout);
    if to.gzip {
        builder.with_compression(Compression::Gzip)
    } else {
        builder
    }
}

impl Sink for Telemetry {
    fn record(&self, receipt: &Receipt) {
        if let Some((_, instruments)) = &self.metrics {
            instruments.record(receipt);
        }
        if let (Some((queue, scope)), Some(traced)) = (&self.spans, &receipt.traced) {
            queue.push(spans::of(receipt, traced, scope));
        }
    }
}
