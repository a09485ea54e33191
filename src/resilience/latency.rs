//! How fast a deployment answered lately: the last few samples, which LiteLLM's `latency-based-routing` averages, and
//! a peak-sensitive average that decays, after Finagle's peak EWMA.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Samples that are kept for percentiles, whatever the settings say.
pub const KEPT: usize = 64;
/// Time after which the peak has fallen to about a third of the way to what is usual.
const DECAY: f64 = 10.0;

/// The last samples, seconds, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Samples(VecDeque<f32>);

impl Samples {
    /// Adds one; the oldest makes way.
    pub fn add(&mut self, seconds: f64) {
        if !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(seconds as f32);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mean of the last `most`; 0 without any, so that what was never used is tried.
    pub fn mean(&self, most: usize) -> f64 {
        let used = self.0.len().min(most.max(1));
        if used == 0 {
            return 0.0;
        }
        let sum: f64 = self.0.iter().rev().take(used).map(|s| f64::from(*s)).sum();
        sum / used as f64
    }

    /// The value that `part` of the last `most` do not exceed: nearest rank, as LiteLLM's.
    pub fn percentile(&self, part: f64, most: usize) -> Option<f64> {
        let mut sorted: Vec<f32> = self.0.iter().rev().take(most.max(1)).copied().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let rank = (sorted.len() as f64 * part.clamp(0.0, 1.0)).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).map(|s| f64::from(*s))
    }
}

/// An average that jumps up with a slow answer and comes down slowly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    seconds: f64,
    at: Option<Instant>,
}

impl Peak {
    /// An answer took so long.
    pub fn add(&mut self, now: Instant, took: Duration) {
        let took = took.as_secs_f64();
        let Some(at) = self.at else {
            *self = Self {
                seconds: took,
                at: Some(now),
            };
            return;
        };
        if took > self.seconds {
            self.seconds = took;
        } else {
            let since = now.saturating_duration_since(at).as_secs_f64();
            let kept = (-since / DECAY).exp();
            self.seconds = self.seconds * kept + took * (1.0 - kept);
        }
        self.at = Some(now);
    }

    /// The average now, which falls while nothing is heard: so that it is tried again. `None` before any answer.
    pub fn at(&self, now: Instant) -> Option<f64> {
        let since = now.saturating_duration_since(self.at?).as_secs_f64();
        Some(self.seconds * (-since / DECAY).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_percentiles_are_of_the_last_samples() {
        let mut samples = Samples::default();
        assert_eq!(samples.mean(10), 0.0);
        assert_eq!(samples.percentile(0.95, 10), None);
        for second in 1..=20 {
            samples.add(f64::from(second));
        }
        samples.add(f64::NAN);
        samples.add(-1.0);
        assert_eq!(samples.mean(10), 15.5);
        assert_eq!(samples.percentile(0.5, 10), Some(15.0));
        assert_eq!(samples.percentile(1.0, 20), Some(20.0));
    }

    #[test]
    fn a_peak_is_seen_at_once_and_forgotten_slowly() {
        let now = Instant::now();
        let mut peak = Peak::default();
        peak.add(now, Duration::from_millis(100));
        peak.add(now, Duration::from_secs(2));
        assert_eq!(peak.at(now), Some(2.0));
        let later = now + Duration::from_secs(10);
        peak.add(later, Duration::from_millis(100));
        let seen = peak.at(later).unwrap_or_default();
        assert!((0.5..1.0).contains(&seen), "{seen}");
        let quiet = peak.at(later + Duration::from_secs(60)).unwrap_or_default();
        assert!(quiet < 0.01, "{quiet}");
    }
}
