//! Receipts into metrics, as LiteLLM's `prometheus` callback counts them.

use super::exposition::Exposition;
use super::families::Families;
use super::family::{Gauge, raise};
use super::handles::{HandleCache, Handles};
use super::labels::{Labels, NONE, exception_class};
use super::stages::StageTimes;
use super::wanted::Wanted;
use crate::account::{Outcome, Receipt, Sink, Usage};
use crate::config::Config;
use crate::error::ErrorKind;
use arc_swap::ArcSwap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Most series of one metric, unless `prometheus_metrics_max_series_per_metric` says otherwise.
pub const MAX_SERIES: usize = 10_000;

/// What a model is called that no configuration knows.
const UNKNOWN_MODEL: &str = "other";

/// All metrics of the process.
pub struct Metrics {
    /// The families, for whoever counts something that is no call.
    pub families: Arc<Families>,
    handles: HandleCache,
    models: ArcSwap<KnownModels>,
    in_flight: Gauge,
    stages: StageTimes,
}

#[derive(Default)]
struct KnownModels {
    names: HashSet<String>,
    patterns: Vec<String>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(MAX_SERIES)
    }
}

impl Metrics {
    /// Empty metrics with at most `cap` series each.
    pub fn new(cap: usize) -> Self {
        Self::of(cap, &Wanted::default())
    }

    /// Those that a configuration asks for. They stay as they are over reloads: a series that changed its labels would
    /// be another one to everything that reads them.
    pub fn of_config(config: &Config) -> Self {
        Self::of(Self::cap(config), &Wanted::read(config))
    }

    fn of(cap: usize, wanted: &Wanted) -> Self {
        let families = Arc::new(Families::new(cap, wanted));
        families.series_limit.with(|_| "").set(cap as f64);
        Self {
            in_flight: families.in_flight.with(|_| ""),
            stages: StageTimes::default(),
            families,
            handles: HandleCache::default(),
            models: ArcSwap::from_pointee(KnownModels::default()),
        }
    }

    /// The cap that a configuration asks for.
    fn cap(config: &Config) -> usize {
        config
            .litellm
            .other
            .get("prometheus_metrics_max_series_per_metric")
            .and_then(serde_json::Value::as_u64)
            .filter(|cap| *cap > 0)
            .map_or(MAX_SERIES, |cap| cap as usize)
    }

    /// Takes note of the model names and the version of a configuration that comes into force.
    pub fn configure(&self, config: &Config, version: u64) {
        let mut known = KnownModels::default();
        for entry in &config.model_list {
            if entry.model_name.contains('*') {
                known.patterns.push(entry.model_name.clone());
            } else {
                known.names.insert(entry.model_name.clone());
            }
            if let Some(id) = entry
                .model_info
                .get("id")
                .and_then(serde_json::Value::as_str)
            {
                known.names.insert(id.to_owned());
            }
        }
        known
            .names
            .extend(config.router.model_group_alias.keys().cloned());
        self.models.store(Arc::new(known));
        self.families
            .config_version
            .with(|_| "")
            .set(version as f64);
    }

    /// Counts a configuration load: `applied`, `unchanged` or `rejected`.
    pub fn count_reload(&self, result: &str) {
        self.families.reloads.with(|_| result).inc();
    }

    /// Where the client tells what its connections took.
    pub fn connect_time(&self) -> prometheus::Histogram {
        self.families.stages.with(|_| "connect")
    }

    /// Counts a request in flight until the guard is dropped.
    pub fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// All metrics in the text format; see [`CONTENT_TYPE`](super::exposition::CONTENT_TYPE).
    pub fn render(&self) -> String {
        self.exposition().collect()
    }

    /// The same, piece by piece.
    pub fn exposition(&self) -> Exposition {
        for (metric, times) in self.families.folded() {
            raise(&self.families.folded_series.with(|_| metric), times as f64);
        }
        let dropped = super::writer::lines_dropped();
        raise(
            &self.families.log_lines_dropped.with(|_| ""),
            dropped as f64,
        );
        let dropped = super::otel::spans_dropped();
        raise(&self.families.spans_dropped.with(|_| ""), dropped as f64);
        let failed = super::otel::requests_failed();
        raise(&self.families.otel_failed.with(|_| ""), failed as f64);
        Exposition::of(self.families.clone())
    }

    fn success(&self, receipt: &Receipt) {
        let Some(target) = &receipt.target else {
            return;
        };
        let mut labels = Labels::of_caller(receipt).at(target, &receipt.requested_model);
        if let Some(tier) = receipt
            .usage
            .as_ref()
            .and_then(|u| u.service_tier.as_deref())
        {
            labels.service_tier = tier;
        }
        let handles = self
            .handles
            .find(&self.families, &labels, &receipt.requested_model);
        handles.total.inc();
        handles.requests.inc();
        handles.deployment_success.inc();
        handles.deployment_total.inc();
        // Nearly always healthy before: a look takes nothing from the caches of other threads.
        if handles.deployment_state.get() != 0.0 {
            handles.deployment_state.set(0.0);
        }
        self.count_use(receipt, &labels, &handles);
        self.observe_times(receipt, &labels, &handles);
        if let Some(left) = receipt.remaining.0 {
            let gauge = handles.remaining_requests.get_or_init(|| {
                self.families
                    .remaining_requests
                    .with(|label| labels.value(label))
            });
            gauge.set(left as f64);
        }
        if let Some(left) = receipt.remaining.1 {
            let gauge = handles.remaining_tokens.get_or_init(|| {
                self.families
                    .remaining_tokens
                    .with(|label| labels.value(label))
            });
            gauge.set(left as f64);
        }
    }

    /// Tokens and money. The sparse classes only where there are any.
    fn count_use(&self, receipt: &Receipt, labels: &Labels<'_>, handles: &Handles) {
        handles
            .spend
            .inc_by(receipt.cost.map_or(0.0, |cost| cost.total.max(0.0)));
        let Some(usage) = &receipt.usage else { return };
        handles.total_tokens.inc_by(usage.total_tokens as f64);
        handles.input_tokens.inc_by(usage.prompt_tokens as f64);
        handles.output_tokens.inc_by(usage.completion_tokens as f64);
        self.count_details(usage, labels);
    }

    fn count_details(&self, usage: &Usage, labels: &Labels<'_>) {
        let f = &self.families;
        for (family, tokens) in [
            (&f.cached_tokens, usage.cached_tokens),
            (&f.cache_creation_tokens, usage.cache_creation_tokens),
            (&f.input_audio_tokens, usage.prompt_audio_tokens),
            (&f.reasoning_tokens, usage.reasoning_tokens),
            (&f.output_audio_tokens, usage.completion_audio_tokens),
            (&f.provider_cache_read, usage.cached_tokens),
            (&f.provider_cache_creation, usage.cache_creation_tokens),
        ] {
            if tokens > 0 {
                family
                    .with(|label| labels.value(label))
                    .inc_by(tokens as f64);
            }
        }
    }

    fn observe_times(&self, receipt: &Receipt, labels: &Labels<'_>, handles: &Handles) {
        let f = &self.families;
        let value = |label: &'static str| labels.value(label);
        let times = &receipt.timings;
        let total = times.total.as_secs_f64();
        handles.request_latency.observe(total);
        // A stream's upstream is at work until its end.
        let upstream = if receipt.stream {
            total
        } else {
            times.upstream.as_secs_f64()
        };
        handles.api_latency.observe(upstream);
        if !receipt.stream {
            let overhead = times.total.saturating_sub(times.upstream);
            handles
                .overhead
                .get_or_init(|| f.overhead.with(value))
                .observe(overhead.as_secs_f64());
        }
        let first = times
            .first_chunk
            .filter(|_| receipt.stream)
            .map(|t| t.as_secs_f64());
        if let Some(first) = first {
            handles
                .first_token
                .get_or_init(|| f.first_token.with(value))
                .observe(first);
        }
        let tokens = receipt
            .usage
            .as_ref()
            .map_or(0, |usage| usage.completion_tokens);
        if tokens > 0 {
            let each = first.unwrap_or(total) / tokens as f64;
            handles
                .per_token
                .get_or_init(|| f.per_token.with(value))
                .observe(each);
        }
        if let Some(queue) = times.queue {
            handles
                .queue
                .get_or_init(|| f.queue.with(value))
                .observe(queue.as_secs_f64());
        }
    }

    fn failure(&self, receipt: &Receipt, status: u16, class: &str) {
        let status = status.to_string();
        let mut labels = Labels::of_caller(receipt);
        match &receipt.target {
            Some(target) => labels = labels.at(target, &receipt.requested_model),
            // LiteLLM says neither `None` nor a name here, except to strangers.
            None => labels.model_id = if status == "401" { NONE } else { "" },
        }
        if status == "401" && receipt.target.is_none() {
            // Strangers name nothing here: else they could fill the cap with names.
            labels = Labels {
                route: labels.route,
                ..Labels::NOTHING
            };
        }
        let known = self.is_known(&receipt.requested_model);
        labels.requested_model = match receipt.requested_model.as_str() {
            "" => NONE,
            model if known => model,
            _ => UNKNOWN_MODEL,
        };
        labels.status = &status;
        labels.exception_class = class;
        self.families.failed.with(|label| labels.value(label)).inc();
        self.families.total.with(|label| labels.value(label)).inc();
    }

    fn trail(&self, receipt: &Receipt) {
        let f = &self.families;
        for failed in &receipt.trail.failed {
            let status = failed.status.to_string();
            let class = exception_class(failed.target.provider.name, failed.class);
            let mut labels =
                Labels::of_caller(receipt).at(&failed.target, &receipt.requested_model);
            labels.status = &status;
            labels.exception_class = &class;
            let value = |label: &'static str| labels.value(label);
            f.deployment_failure.with(value).inc();
            f.deployment_total.with(value).inc();
            f.api_failed.with(value).inc();
            let state = f.deployment_state.with(value);
            state.set(1.0);
            if failed.cooled_down {
                state.set(2.0);
                f.cooled_down.with(value).inc();
            }
        }
        for lost in &receipt.trail.lost {
            let labels = Labels::of_caller(receipt).at(&lost.target, &receipt.requested_model);
            let value = |label: &'static str| labels.value(label);
            let cost = lost.cost.map_or(0.0, |cost| cost.total.max(0.0));
            f.spend.with(value).inc_by(cost);
            f.input_tokens
                .with(value)
                .inc_by(lost.usage.prompt_tokens as f64);
            f.total_tokens
                .with(value)
                .inc_by(lost.usage.total_tokens as f64);
        }
        for hop in &receipt.trail.hops {
            let status = hop.status.to_string();
            let class = exception_class(hop.provider, hop.class);
            let mut labels = Labels::of_caller(receipt);
            labels.requested_model = &hop.from;
            labels.fallback_model = &hop.to;
            labels.status = &status;
            labels.exception_class = &class;
            let family = if hop.answered {
                &f.fallbacks_succeeded
            } else {
                &f.fallbacks_failed
            };
            family.with(|label| labels.value(label)).inc();
        }
    }

    fn is_known(&self, model: &str) -> bool {
        let known = self.models.load();
        known.names.contains(model) || known.patterns.iter().any(|p| matches_pattern(p, model))
    }
}

impl Sink for Metrics {
    fn record(&self, receipt: &Receipt) {
        self.stages
            .record(&receipt.timings.stages, &self.families.stages);
        // The trail first: it leaves the state of a deployment that answered in the end at healthy.
        self.trail(receipt);
        match &receipt.outcome {
            Outcome::Success => self.success(receipt),
            Outcome::Failure(error) => {
                let unknown = receipt.target.is_none() && !self.is_known(&receipt.requested_model);
                let class = match error.kind {
                    ErrorKind::Cancelled => "ClientDisconnected".to_owned(),
                    ErrorKind::BadRequest | ErrorKind::NotFound
                        if unknown && !receipt.requested_model.is_empty() =>
                    {
                        "ProxyModelNotFoundError".to_owned()
                    }
                    _ if receipt.target.is_none() && error.provider.is_empty() => {
                        "ProxyException".to_owned()
                    }
                    kind => exception_class(&error.provider, kind.row().class),
                };
                self.failure(receipt, error.status, &class);
            }
            Outcome::Cancelled => {
                self.failure(receipt, 499, "ClientDisconnected");
                if let Some(target) = receipt.target.as_ref().filter(|_| receipt.usage.is_some()) {
                    let labels = Labels::of_caller(receipt).at(target, &receipt.requested_model);
                    let asked = &receipt.requested_model;
                    let handles = self.handles.find(&self.families, &labels, asked);
                    self.count_use(receipt, &labels, &handles);
                }
            }
        }
    }

    fn accounted(&self, took: Duration) {
        self.stages.accounted(took, &self.families.stages);
    }
}

/// `*` stands for any text.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    let mut parts = pattern.split('*').peekable();
    let Some(first) = parts.next() else {
        return false;
    };
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

/// One request in flight.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
