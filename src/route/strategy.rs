//! Which of the deployments that may take a call takes it. LiteLLM's strategies by LiteLLM's names, and three of ours.
//!
//! | name | takes the call |
//! |---|---|
//! | `simple-shuffle` | the dice, by `weight`, else `rpm`, else `tpm` |
//! | `least-busy` | the fewest calls in flight |
//! | `latency-based-routing` | the fastest lately, or one that is nearly as fast |
//! | `usage-based-routing`, `-v2` | the fewest tokens in the last minute, of those with room |
//! | `cost-based-routing` | the cheapest by list price |
//! | `p2c-peak-ewma` | of two by the dice, the one with less to do, by calls in flight and peak latency |
//! | `prefix-affinity` | the one that has the prompt's beginning cached, while it is not overloaded |
//! | `effective-cost` | the cheapest by list price, prompt cache hits and failures counted |

use super::affinity;
use super::pick::Ask;
use super::rules::Rules;
use super::{Deployment, GroupState};
use std::sync::Arc;

/// LiteLLM's price of a model without one, USD a token.
const UNKNOWN_PRICE: f64 = 5.0;
/// What a deployment that has not answered yet is taken to need, seconds: so little that it is tried.
const UNTRIED: f64 = 0.001;
/// Tokens of an answer that does not say how many it may have.
const USUAL_ANSWER: u64 = 256;

/// A way to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Strategy {
    #[default]
    SimpleShuffle,
    LeastBusy,
    Latency,
    Usage,
    UsageV2,
    Cost,
    PeakEwma,
    PrefixAffinity,
    EffectiveCost,
}

impl Strategy {
    /// By the name of `routing_strategy`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "simple-shuffle" => Self::SimpleShuffle,
            "least-busy" => Self::LeastBusy,
            "latency-based-routing" => Self::Latency,
            "usage-based-routing" => Self::Usage,
            "usage-based-routing-v2" => Self::UsageV2,
            "cost-based-routing" => Self::Cost,
            "p2c-peak-ewma" => Self::PeakEwma,
            "prefix-affinity" => Self::PrefixAffinity,
            "effective-cost" => Self::EffectiveCost,
            _ => return None,
        })
    }

    /// Whether it looks at `rpm` and `tpm` as limits.
    pub fn reads_use(self) -> bool {
        matches!(
            self,
            Self::Latency | Self::Usage | Self::UsageV2 | Self::Cost
        )
    }

    /// Whether it looks at how deployments answered.
    pub fn reads_measures(self) -> bool {
        matches!(
            self,
            Self::Latency | Self::PeakEwma | Self::PrefixAffinity | Self::EffectiveCost
        )
    }

    /// Whether it looks at prices.
    pub fn reads_prices(self) -> bool {
        matches!(self, Self::Cost | Self::EffectiveCost)
    }

    /// Whether it looks at the prompt's beginning.
    pub fn reads_prefix(self) -> bool {
        matches!(self, Self::PrefixAffinity)
    }

    /// One of those that may take the call.
    pub(super) fn choose<'a>(
        self,
        open: &[&'a Arc<Deployment>],
        rules: &Rules,
        group: &GroupState,
        ask: &Ask<'_>,
    ) -> Option<&'a Arc<Deployment>> {
        if open.len() < 2 {
            return open.first().copied();
        }
        match self {
            Self::SimpleShuffle => shuffle(open, ask.dice),
            Self::LeastBusy => least(open, |d| f64::from(d.state.in_flight())),
            Self::Latency => fastest(open, rules, ask),
            Self::Usage => least(open, |d| used(d, ask)),
            Self::UsageV2 => evenly(&lowest(open, |d| used(d, ask)), ask.dice),
            Self::Cost => least(open, |d| {
                d.prices.input.unwrap_or(UNKNOWN_PRICE) + d.prices.output.unwrap_or(UNKNOWN_PRICE)
            }),
            Self::PeakEwma => of_two(open, ask),
            Self::PrefixAffinity => near(open, group, ask),
            Self::EffectiveCost => evenly(&lowest(open, |d| effective(d, ask)), ask.dice),
        }
    }
}

/// A deployment by the first kind of weight that any of them has; evenly when none has.
fn shuffle<'a>(open: &[&'a Arc<Deployment>], dice: f64) -> Option<&'a Arc<Deployment>> {
    let kinds: [fn(&Deployment) -> f64; 3] = [|d| d.weight, |d| d.rpm, |d| d.tpm];
    for weight in kinds {
        let sum: f64 = open.iter().map(|d| weight(d)).sum();
        if sum <= 0.0 {
            continue;
        }
        let mut left = dice * sum;
        for &deployment in open {
            left -= weight(deployment);
            if left < 0.0 {
                return Some(deployment);
            }
        }
        return open.iter().rev().copied().find(|d| weight(d) > 0.0);
    }
    evenly(open, dice)
}

fn evenly<'a>(open: &[&'a Arc<Deployment>], dice: f64) -> Option<&'a Arc<Deployment>> {
    let at = (dice * open.len() as f64) as usize;
    open.get(at.min(open.len().saturating_sub(1))).copied()
}

/// The first with the lowest value.
fn least<'a>(
    open: &[&'a Arc<Deployment>],
    value: impl Fn(&Deployment) -> f64,
) -> Option<&'a Arc<Deployment>> {
    let mut best: Option<(f64, &'a Arc<Deployment>)> = None;
    for &deployment in open {
        let value = value(deployment);
        if best.is_none_or(|(lowest, _)| value < lowest) {
            best = Some((value, deployment));
        }
    }
    best.map(|(_, deployment)| deployment)
}

/// All with the lowest value.
fn lowest<'a>(
    open: &[&'a Arc<Deployment>],
    value: impl Fn(&Deployment) -> f64,
) -> Vec<&'a Arc<Deployment>> {
    let mut best = f64::INFINITY;
    let mut chosen = Vec::with_capacity(open.len());
    for &deployment in open {
        let value = value(deployment);
        if value < best {
            best = value;
            chosen.clear();
        }
        if value <= best {
            chosen.push(deployment);
        }
    }
    chosen
}

/// Tokens of the last minute.
fn used(deployment: &Deployment, ask: &Ask<'_>) -> f64 {
    deployment.state.quota.lock().used(ask.now).1 as f64
}

/// One whose latency is within the buffer of the lowest, by the dice. Streams go by the first token where it is known.
fn fastest<'a>(
    open: &[&'a Arc<Deployment>],
    rules: &Rules,
    ask: &Ask<'_>,
) -> Option<&'a Arc<Deployment>> {
    let args = &rules.args;
    let most = args.max_latency_list_size;
    let latency = |deployment: &Deployment| {
        let measures = deployment.state.measures.lock();
        if ask.need.stream && !measures.first_token.is_empty() {
            let of_percentile = args
                .ttft_percentile
                .and_then(|part| measures.first_token.percentile(part, most));
            return of_percentile.unwrap_or_else(|| measures.first_token.mean(most));
        }
        measures.latency.mean(most)
    };
    let all: Vec<f64> = open.iter().map(|d| latency(d)).collect();
    let lowest = all.iter().copied().fold(f64::INFINITY, f64::min);
    let enough = lowest + lowest * args.lowest_latency_buffer.max(0.0);
    let near: Vec<&Arc<Deployment>> = open
        .iter()
        .zip(&all)
        .filter(|(_, latency)| **latency <= enough)
        .map(|(deployment, _)| *deployment)
        .collect();
    evenly(&near, ask.dice)
}

/// Of two that the dice show, the one with less to do.
fn of_two<'a>(open: &[&'a Arc<Deployment>], ask: &Ask<'_>) -> Option<&'a Arc<Deployment>> {
    let spread = ask.dice * open.len() as f64;
    let one = (spread as usize).min(open.len() - 1);
    let rest = (spread - one as f64).clamp(0.0, 0.999_999);
    let step = 1 + (rest * (open.len() - 1) as f64) as usize;
    let other = (one + step) % open.len();
    let load = |deployment: &Deployment| {
        let latency = deployment.state.measures.lock().peak.at(ask.now);
        f64::from(deployment.state.in_flight() + 1) * latency.unwrap_or(UNTRIED).max(UNTRIED)
    };
    let (one, other) = (*open.get(one)?, *open.get(other)?);
    Some(if load(other) < load(one) { other } else { one })
}

/// The one that has the prompt's beginning, or the first in rank, that has not more than its share to do.
fn near<'a>(
    open: &[&'a Arc<Deployment>],
    group: &GroupState,
    ask: &Ask<'_>,
) -> Option<&'a Arc<Deployment>> {
    let prefix = ask.need.prefix;
    if prefix == 0 {
        return of_two(open, ask);
    }
    let all: u32 = open.iter().map(|d| d.state.in_flight()).sum();
    let bound = affinity::bound(all, open.len());
    let free = |d: &Deployment| d.state.in_flight() < bound;
    let known = open
        .iter()
        .copied()
        .find(|d| group.affinity.is_at(prefix, d.id()) && free(d));
    known.or_else(|| {
        open.iter()
            .copied()
            .filter(|d| free(d))
            .max_by_key(|d| affinity::rank(prefix, d.id()))
    })
}

/// What the call will probably cost there, USD.
fn effective(deployment: &Deployment, ask: &Ask<'_>) -> f64 {
    let prices = &deployment.prices;
    let (cached, failed) = {
        let measures = deployment.state.measures.lock();
        (measures.cached.get(), measures.failed.get())
    };
    let input = prices.input.unwrap_or(UNKNOWN_PRICE);
    let read = prices.cache_read.unwrap_or(input);
    let prompt = ask.need.tokens as f64 * (input * (1.0 - cached) + read * cached);
    let answer = ask.need.answer.unwrap_or(USUAL_ANSWER) as f64;
    let whole = prompt + answer * prices.output.unwrap_or(UNKNOWN_PRICE);
    // An attempt that fails is made again.
    whole / (1.0 - failed).max(0.05)
}

#[cfg(test)]
#[path = "strategy_tests.rs"]
mod tests;
