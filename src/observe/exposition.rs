//! The text format as Python's `prometheus_client` writes it: counters get `_total`, counters and histograms a
//! `_created` gauge, label names are sorted, numbers are floats.

use super::family::{Counter, Entry, Family, Gauge, Series, Type};
use prometheus::Histogram;
use prometheus::core::Metric;
use std::fmt::Write;

/// The content type that goes with it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A series that can be written.
pub trait Written: Series {
    /// Appends the samples of one series.
    fn write(&self, out: &mut String, name: &str, labels: &[(&'static str, String)]);
}

impl Written for Counter {
    fn write(&self, out: &mut String, name: &str, labels: &[(&'static str, String)]) {
        sample(out, name, labels, None, self.get());
    }
}

impl Written for Gauge {
    fn write(&self, out: &mut String, name: &str, labels: &[(&'static str, String)]) {
        sample(out, name, labels, None, self.get());
    }
}

impl Written for Histogram {
    fn write(&self, out: &mut String, name: &str, labels: &[(&'static str, String)]) {
        let metric = self.metric();
        let histogram = metric.get_histogram();
        let bucket_name = format!("{name}_bucket");
        for bucket in histogram.get_bucket() {
            let bound = float(bucket.upper_bound());
            let count = bucket.cumulative_count() as f64;
            sample(out, &bucket_name, labels, Some(&bound), count);
        }
        let count = histogram.get_sample_count() as f64;
        sample(out, &bucket_name, labels, Some("+Inf"), count);
        sample(out, &format!("{name}_count"), labels, None, count);
        let sum = histogram.get_sample_sum();
        sample(out, &format!("{name}_sum"), labels, None, sum);
    }
}

/// Appends one family.
pub fn write_family<M: Written>(out: &mut String, family: &Family<M>) {
    if !family.shown {
        return;
    }
    let base = family.name;
    let (name, kind) = match M::TYPE {
        Type::Counter => (format!("{base}_total"), "counter"),
        Type::Gauge => (base.to_owned(), "gauge"),
        Type::Histogram => (base.to_owned(), "histogram"),
    };
    let entries: Vec<Entry<M>> = family.entries();
    head(out, &name, family.help, kind);
    for entry in &entries {
        entry.series.write(out, &name, &entry.labels);
    }
    if M::TYPE != Type::Gauge && !entries.is_empty() {
        let name = format!("{base}_created");
        head(out, &name, family.help, "gauge");
        for entry in &entries {
            sample(out, &name, &entry.labels, None, entry.created);
        }
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(
    out: &mut String,
    name: &str,
    labels: &[(&'static str, String)],
    le: Option<&str>,
    value: f64,
) {
    out.push_str(name);
    let mut separator = '{';
    let mut le = le;
    let mut label = |out: &mut String, name: &str, value: &str| {
        out.push(separator);
        separator = ',';
        let _ = write!(out, "{name}=\"");
        escape(out, value);
        out.push('"');
    };
    for (name, value) in labels {
        if let Some(bound) = le.take_if(|_| *name > "le") {
            label(out, "le", bound);
        }
        label(out, name, value);
    }
    if let Some(bound) = le {
        label(out, "le", bound);
    }
    if separator == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {}", float(value));
}

/// A number as Python prints a float.
fn float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{value:?}")
}

fn escape(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
