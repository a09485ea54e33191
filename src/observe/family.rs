//! One metric family: a `prometheus` vector with a hard cap on its series. Beyond the cap counters and histograms
//! fold into one series whose labels are all `other`, as LiteLLM folds; gauges go nowhere, since a sum of levels
//! means nothing. What is folded is counted.

use super::wanted::Wanted;
use parking_lot::Mutex;
use prometheus::core::{AtomicF64, GenericCounter, GenericGauge};
use prometheus::{Histogram, HistogramOpts};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a label says when its series was not admitted.
pub const OVERFLOW: &str = "other";

/// Longest label value, in bytes; longer ones are cut.
const MAX_VALUE: usize = 256;

/// LiteLLM's latency buckets, in seconds.
pub const BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 420.0,
    600.0,
];

/// The buckets of `gateway_stage_seconds`: most stages take microseconds.
const STAGE_BUCKETS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// One counter.
pub type Counter = GenericCounter<AtomicF64>;
/// One gauge.
pub type Gauge = GenericGauge<AtomicF64>;
/// Brings a counter up to what is counted elsewhere. Whoever shows counters holds no lock: two who show them at once
/// must not both add what is missing.
pub fn raise(counter: &Counter, total: f64) {
    static RAISING: Mutex<()> = Mutex::new(());
    let _alone = RAISING.lock();
    counter.inc_by((total - counter.get()).max(0.0));
}

/// A family of counters.
pub type Counters = Family<Counter>;
/// A family of gauges.
pub type Gauges = Family<Gauge>;
/// A family of histograms.
pub type Histograms = Family<Histogram>;

/// What a family is made of, for the text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    Counter,
    Gauge,
    Histogram,
}

/// One time series of the `prometheus` crate. Clones share their value.
pub trait Series: Clone {
    /// What it is.
    const TYPE: Type;
    /// A fresh one.
    fn fresh(name: &str, help: &str) -> prometheus::Result<Self>;
}

impl Series for Counter {
    const TYPE: Type = Type::Counter;
    fn fresh(name: &str, help: &str) -> prometheus::Result<Self> {
        Self::new(name, help)
    }
}

impl Series for Gauge {
    const TYPE: Type = Type::Gauge;
    fn fresh(name: &str, help: &str) -> prometheus::Result<Self> {
        Self::new(name, help)
    }
}

impl Series for Histogram {
    const TYPE: Type = Type::Histogram;
    fn fresh(name: &str, help: &str) -> prometheus::Result<Self> {
        let buckets = match name {
            "gateway_stage_seconds" => STAGE_BUCKETS,
            _ => BUCKETS,
        };
        Self::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))
    }
}

/// One metric family.
pub struct Family<M> {
    /// Name as registered: counters are exposed with `_total` appended.
    pub name: &'static str,
    /// The help line.
    pub help: &'static str,
    /// Whether it is written: `prometheus_metrics_config` may leave it out.
    pub shown: bool,
    labels: Vec<&'static str>,
    admitted: Mutex<Admitted<M>>,
    cap: usize,
    folded: AtomicU64,
}

struct Admitted<M> {
    by_values: HashMap<String, usize>,
    entries: Vec<Entry<M>>,
}

/// A series with its labels. Clones share both.
#[derive(Clone)]
pub struct Entry<M> {
    /// Label names and values, sorted by name.
    pub labels: Arc<[(&'static str, String)]>,
    /// When it was first used, in seconds since the epoch.
    pub created: f64,
    /// The series.
    pub series: M,
}

impl<M: Series> Family<M> {
    /// An empty family; `labels` is a comma-separated list, of which those stay that are wanted.
    pub fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static str,
        cap: usize,
        wanted: &Wanted,
    ) -> Self {
        let named = labels.split(',').filter(|label| !label.is_empty());
        Self {
            name,
            help,
            shown: wanted.metric(name),
            labels: named.filter(|label| wanted.label(name, label)).collect(),
            admitted: Mutex::new(Admitted {
                by_values: HashMap::new(),
                entries: Vec::new(),
            }),
            cap,
            folded: AtomicU64::new(0),
        }
    }

    /// The series whose label values `value` gives by label name. Cheap enough for rare events; hot paths keep it.
    pub fn with<'v>(&self, value: impl Fn(&'static str) -> &'v str) -> M {
        if !self.shown {
            return self.fresh();
        }
        let values: Vec<&str> = self.labels.iter().map(|label| cut(value(label))).collect();
        let mut admitted = self.admitted.lock();
        let key = values.join("\u{1f}");
        if let Some(at) = admitted.by_values.get(&key) {
            return admitted.entries[*at].series.clone();
        }
        if admitted.entries.len() < self.cap {
            return self.add(&mut admitted, key, &values);
        }
        self.folded.fetch_add(1, Ordering::Relaxed);
        if M::TYPE == Type::Gauge {
            return self.fresh();
        }
        let values = vec![OVERFLOW; self.labels.len()];
        let key = values.join("\u{1f}");
        match admitted.by_values.get(&key) {
            Some(at) => admitted.entries[*at].series.clone(),
            None => self.add(&mut admitted, key, &values),
        }
    }

    /// How often a series was not admitted.
    pub fn folded(&self) -> u64 {
        self.folded.load(Ordering::Relaxed)
    }

    /// The series so far, oldest first.
    pub fn entries(&self) -> Vec<Entry<M>> {
        self.admitted.lock().entries.clone()
    }

    fn add(&self, admitted: &mut Admitted<M>, key: String, values: &[&str]) -> M {
        let names = self.labels.iter().copied();
        let mut labels: Vec<_> = names
            .zip(values.iter().map(|value| (*value).to_owned()))
            .collect();
        labels.sort_unstable_by_key(|(name, _)| *name);
        let series = self.fresh();
        admitted.by_values.insert(key, admitted.entries.len());
        admitted.entries.push(Entry {
            labels: labels.into(),
            created: now(),
            series: series.clone(),
        });
        series
    }

    fn fresh(&self) -> M {
        #[allow(clippy::expect_used)]
        // Names are constants of this crate; a test makes one of each.
        M::fresh(self.name, self.help).expect("the name of a family is valid")
    }
}

fn cut(value: &str) -> &str {
    let mut end = value.len().min(MAX_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

/// Seconds since the epoch.
pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
