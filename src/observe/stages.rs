//! `gateway_stage_seconds`: where the time of calls went, stage by stage, over all models. A stage has a series once a
//! call has come to it.

use super::family::Histograms;
use crate::account::Stages;
use prometheus::Histogram;
use std::sync::OnceLock;
use std::time::Duration;

/// The series, each resolved when it is first used.
#[derive(Default)]
pub struct StageTimes {
    parse: OnceLock<Histogram>,
    route: OnceLock<Histogram>,
    queue: OnceLock<Histogram>,
    adapt: OnceLock<Histogram>,
    first_byte: OnceLock<Histogram>,
    account: OnceLock<Histogram>,
}

impl StageTimes {
    /// Counts the stages of one call.
    pub fn record(&self, stages: &Stages, family: &Histograms) {
        for (series, name, time) in [
            (&self.parse, "parse", stages.parse),
            (&self.route, "route", stages.route),
            (&self.queue, "queue", stages.queue),
            (&self.adapt, "adapt", stages.adapt),
            (&self.first_byte, "first_byte", stages.first_byte),
        ] {
            if let Some(time) = time {
                observe(series, name, time, family);
            }
        }
    }

    /// Counts what the end of one call took.
    pub fn accounted(&self, took: Duration, family: &Histograms) {
        observe(&self.account, "account", took, family);
    }
}

fn observe(series: &OnceLock<Histogram>, name: &'static str, time: Duration, family: &Histograms) {
    series
        .get_or_init(|| family.with(|_| name))
        .observe(time.as_secs_f64());
}
