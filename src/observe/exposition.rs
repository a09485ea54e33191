//! The text format as Python's `prometheus_client` writes it: counters get `_total`, counters and histograms a
//! `_created` gauge, label names are sorted, numbers are floats.
//!
//! It is written piece by piece, as whoever asked reads it: ten thousand series of one histogram are 80 MB.

use super::families::Families;
use super::family::{Counter, Entry, Family, Gauge, Series, Type};
use prometheus::Histogram;
use prometheus::core::Metric;
use std::fmt::Write;
use std::sync::Arc;

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

/// How long a piece is, about; bytes. Most expositions are one.
const PIECE: usize = 64 << 10;

/// All families, as they are written.
pub struct Exposition {
    families: Arc<Families>,
    /// Families that were begun.
    begun: usize,
    text: Option<Box<dyn Text>>,
}

impl Exposition {
    /// Nothing is written yet.
    pub fn of(families: Arc<Families>) -> Self {
        Self {
            families,
            begun: 0,
            text: None,
        }
    }
}

impl Iterator for Exposition {
    type Item = String;

    /// The next piece.
    fn next(&mut self) -> Option<String> {
        let mut out = String::with_capacity(PIECE);
        loop {
            let Some(text) = &mut self.text else {
                self.text = self.families.text(self.begun);
                self.begun += 1;
                if self.text.is_none() {
                    return Some(out).filter(|out| !out.is_empty());
                }
                continue;
            };
            if !text.write(&mut out) {
                return Some(out);
            }
            self.text = None;
        }
    }
}

/// A family that is being written.
pub trait Text: Send {
    /// Appends up to about [`PIECE`] of it; whether that was the end.
    fn write(&mut self, out: &mut String) -> bool;
}

/// The series of a family, and after them, but for gauges, when each was made.
struct FamilyText<M> {
    base: &'static str,
    help: &'static str,
    entries: Vec<Entry<M>>,
    /// What was written; `None`: not even the head.
    at: Option<usize>,
}

/// A family as text; nothing where it is not shown.
pub fn text<M: Written + Send + 'static>(family: &Family<M>) -> Box<dyn Text> {
    Box::new(FamilyText {
        base: family.name,
        help: family.help,
        entries: family.entries(),
        at: (!family.shown).then_some(0),
    })
}

impl<M: Written + Send> Text for FamilyText<M> {
    fn write(&mut self, out: &mut String) -> bool {
        let Self {
            base,
            help,
            entries,
            at,
        } = self;
        let (name, kind) = match M::TYPE {
            Type::Counter => (format!("{base}_total"), "counter"),
            Type::Gauge => ((*base).to_owned(), "gauge"),
            Type::Histogram => ((*base).to_owned(), "histogram"),
        };
        let created = format!("{base}_created");
        if at.is_none() {
            head(out, &name, help, kind);
        }
        let at = at.get_or_insert(0);
        while out.len() < PIECE {
            if let Some(entry) = entries.get(*at) {
                entry.series.write(out, &name, &entry.labels);
            } else if M::TYPE != Type::Gauge
                && let Some(entry) = entries.get(*at - entries.len())
            {
                if *at == entries.len() {
                    head(out, &created, help, "gauge");
                }
                sample(out, &created, &entry.labels, None, entry.created);
            } else {
                return true;
            }
            *at += 1;
        }
        false
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
