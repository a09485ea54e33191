//! The rate that each class of tokens is billed at: after thresholds and tiers of the prompt's length, at the service
//! tier that served the call.

use super::{Prices, Quote, numbers};
use crate::account::billed::Billed;
use serde_json::Value;

/// Price members of an entry that make it billable by token.
pub(super) const TOKEN_PRICES: [&str; 2] = ["input_cost_per_token", "output_cost_per_token"];

/// Service tiers, and the suffix that their prices carry.
pub(super) const SERVICE_TIERS: [(&str, &str); 5] = [
    ("flex", "_flex"),
    ("balanced", "_balanced"),
    ("priority", "_priority"),
    ("fast", "_priority"),
    ("ultrafast", "_ultrafast"),
];

#[derive(Clone, Debug)]
pub(super) struct Tier {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) prices: Prices,
}

/// Which rate each class of tokens is billed at.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) cache_read: f64,
    pub(super) cache_write: f64,
    pub(super) cache_write_1h: f64,
    pub(super) cache_write_12h: f64,
    pub(super) reasoning: Option<f64>,
}

/// The rates that a call is billed at, USD per token: after thresholds, tiers of the prompt's length and of service.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct BilledRates {
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    pub reasoning: f64,
}

impl Quote {
    pub(super) fn with_thresholds(mut self) -> Self {
        let mut thresholds: Vec<(f64, Box<str>)> = Vec::new();
        for name in self.prices.keys() {
            let Some((_, rest)) = name.split_once("_above_") else {
                continue;
            };
            let Some((text, _)) = rest.split_once("_tokens") else {
                continue;
            };
            let digits = text.strip_suffix('k').unwrap_or(text);
            let Ok(number) = digits.parse::<f64>() else {
                continue;
            };
            let at = if digits.len() < text.len() {
                number * 1000.0
            } else {
                number
            };
            if !thresholds.iter().any(|(known, _)| *known == at) {
                thresholds.push((at, text.into()));
            }
        }
        thresholds.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.thresholds = thresholds;
        self
    }

    /// A price at a service tier, else the standard one.
    pub(super) fn tiered(&self, name: &str, suffix: &str) -> Option<f64> {
        if suffix.is_empty() {
            return self.price(name);
        }
        self.price(&format!("{name}{suffix}"))
            .or_else(|| self.price(name))
    }

    /// The rates at which units of such a call are billed.
    pub fn billed_rates(&self, billed: &Billed, service_tier: Option<&str>) -> BilledRates {
        let (quote, suffix) = (self.now(), suffix(service_tier));
        let rates = quote.settled_rates(billed, suffix);
        BilledRates {
            input: rates.input,
            output: rates.output,
            cache_read: rates.cache_read,
            cache_write: rates.cache_write,
            reasoning: quote.reasoning_rate(&rates, suffix),
        }
    }

    pub(super) fn settled_rates(&self, billed: &Billed, suffix: &str) -> Rates {
        self.tier_rates(billed)
            .unwrap_or_else(|| self.rates(billed, suffix))
    }

    pub(super) fn reasoning_rate(&self, rates: &Rates, suffix: &str) -> f64 {
        rates
            .reasoning
            .or_else(|| self.tiered("output_cost_per_reasoning_token", suffix))
            .unwrap_or(rates.output)
    }

    /// Rates of the pricing tier that the prompt's length falls in, if there are tiers.
    fn tier_rates(&self, billed: &Billed) -> Option<Rates> {
        let prompt = billed.prompt_tokens as f64;
        if prompt <= 0.0 {
            return None;
        }
        let tier = self
            .tiers
            .iter()
            .find(|tier| tier.from < prompt && prompt <= tier.to)
            .or(self.tiers.last())?;
        let input = *tier.prices.get("input_cost_per_token")?;
        let of = |name: &str, fallback: f64| tier.prices.get(name).copied().unwrap_or(fallback);
        let output = tier
            .prices
            .get("output_cost_per_token")
            .copied()
            .unwrap_or_else(|| self.price("output_cost_per_token").unwrap_or(0.0));
        let cache_write = of("cache_creation_input_token_cost", input);
        let reasoning = tier
            .prices
            .get("output_cost_per_reasoning_token")
            .or_else(|| tier.prices.get("output_cost_per_token"))
            .copied();
        Some(Rates {
            input,
            output,
            cache_read: of("cache_read_input_token_cost", input),
            cache_write,
            cache_write_1h: of("cache_creation_input_token_cost_above_1hr", cache_write),
            cache_write_12h: of("cache_creation_input_token_cost_above_12hr", cache_write),
            reasoning,
        })
    }

    fn rates(&self, billed: &Billed, suffix: &str) -> Rates {
        let mut input = self.tiered("input_cost_per_token", suffix).unwrap_or(0.0);
        let mut output = self.tiered("output_cost_per_token", suffix).unwrap_or(0.0);
        if output == 0.0 {
            output = self.price("output_cost_per_image_token").unwrap_or(output);
        }
        let mut cache_read = self.tiered("cache_read_input_token_cost", suffix);
        let mut cache_write = self.tiered("cache_creation_input_token_cost", suffix);
        let (hour, half_day) = (
            "cache_creation_input_token_cost_above_1hr",
            "cache_creation_input_token_cost_above_12hr",
        );
        let mut write_1h = self.tiered(hour, suffix);
        let mut write_12h = self.tiered(half_day, suffix);
        let prompt = billed.prompt_tokens as f64;
        for (at, text) in &self.thresholds {
            if !(prompt > *at || (self.inclusive && prompt == *at)) {
                continue;
            }
            let above = |name: &str| self.tiered(&format!("{name}_above_{text}_tokens"), suffix);
            input = above("input_cost_per_token").unwrap_or(input);
            output = above("output_cost_per_token").unwrap_or(output);
            cache_read = above("cache_read_input_token_cost").or(cache_read);
            cache_write = above("cache_creation_input_token_cost").or(cache_write);
            write_1h = above(hour).or(write_1h);
            write_12h = above(half_day).or(write_12h);
        }
        let cache_write = cache_write.unwrap_or(input);
        Rates {
            input,
            output,
            cache_read: cache_read.unwrap_or(input),
            cache_write,
            cache_write_1h: write_1h.unwrap_or(cache_write),
            cache_write_12h: write_12h.unwrap_or(cache_write),
            reasoning: None,
        }
    }
}

/// What the prices of a service tier carry at their end.
pub(super) fn suffix(service_tier: Option<&str>) -> &'static str {
    service_tier
        .and_then(|tier| {
            SERVICE_TIERS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(tier))
        })
        .map_or("", |(_, suffix)| suffix)
}

impl Tier {
    pub(super) fn of(value: &Value) -> Option<Self> {
        let entry = value.as_object()?;
        let range = entry.get("range")?.as_array()?;
        let (from, to) = (range.first()?.as_f64()?, range.get(1)?.as_f64()?);
        Some(Self {
            from,
            to,
            prices: numbers(entry),
        })
    }
}
