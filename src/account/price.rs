//! What a reply costs: LiteLLM's arithmetic, in its order of operations, over the prices of one model.
//!
//! Source of the rules: LiteLLM 1.109.1's generic per-token cost. Every token is billed once: cached and written-to-cache
//! tokens are parts of `prompt_tokens`, reasoning and audio are parts of `completion_tokens`. A model without a price
//! has no cost, which is not the same as free.

mod custom;
mod hours;
mod images;
mod rates;
mod search;
mod served;

use super::billed::Billed;
use super::{Cost, RerankUnits, Usage};
use crate::catalog::{self, Entry};
use crate::options::CustomPrice;
use hours::OffPeak;
use rates::{Rates, Tier, suffix};
use search::Search;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use images::image_cost;
pub use rates::BilledRates;

/// Price members by name.
type Prices = HashMap<Box<str>, f64, foldhash::fast::RandomState>;

/// The prices of one model at one provider, ready to be multiplied. USD per unit.
#[derive(Clone, Debug, Default)]
pub struct Quote {
    prices: Prices,
    /// Prompt lengths from which other prices hold, shortest first, with the text that names them (`200k`).
    thresholds: Vec<(f64, Box<str>)>,
    /// Prices by prompt length, all of one request at one tier.
    tiers: Vec<Tier>,
    /// Whether a prompt of exactly the threshold is above it.
    inclusive: bool,
    /// For each second that the call takes; then nothing else is billed.
    per_second: Option<f64>,
    /// What web searches cost.
    search: Search,
    /// Other prices at certain hours.
    off_peak: Option<Box<OffPeak>>,
}

/// Providers of which a model that the map does not list costs nothing.
const FREE_UNLISTED: [&str; 3] = ["huggingface", "ollama", "ollama_chat"];

impl Quote {
    /// The quote for a model; `custom` prices win over the map's. `None` when nobody says a price.
    pub fn of(
        provider: &str,
        model: &str,
        base_model: Option<&str>,
        custom: Option<&CustomPrice>,
    ) -> Option<Arc<Self>> {
        let found = match base_model {
            Some(base) => catalog::find(base, None).or_else(|| catalog::find(base, Some(provider))),
            None => catalog::find(model, Some(provider)),
        };
        if let Some(custom) = custom.filter(|custom| custom.is_whole()) {
            let entry = found.as_ref().map(|found| &*found.entry);
            return Some(Arc::new(Self::of_custom(custom, entry, provider)));
        }
        if let Some(found) = found {
            return Some(Arc::new(Self::of_entry(&found.entry, provider)));
        }
        // A family that is known without a price costs nothing, as in LiteLLM.
        let known = base_model.is_none()
            && (FREE_UNLISTED.contains(&provider) || catalog::known_family(model).is_some());
        let listed = custom.is_some_and(|custom| custom.of_deployment);
        (known || listed).then(Arc::default)
    }

    /// The quote that an entry of the price map makes.
    pub fn of_entry(entry: &Entry, provider: &str) -> Self {
        let mut quote = Self {
            prices: numbers(entry),
            inclusive: provider == "xai",
            ..Self::default()
        };
        if provider == "fireworks_ai"
            && !quote.prices.contains_key("cache_read_input_token_cost")
            && let Some(input) = quote.prices.get("input_cost_per_token")
        {
            // Fireworks bills cached input at half the price where it names none.
            let half = input * 0.5;
            quote
                .prices
                .insert("cache_read_input_token_cost".into(), half);
        }
        quote.search = Search::of(entry, provider);
        if let Some(Value::Array(tiers)) = entry.get("tiered_pricing") {
            quote.tiers = tiers.iter().filter_map(Tier::of).collect();
            quote.tiers.sort_by(|a, b| a.from.total_cmp(&b.from));
        }
        let mut quote = quote.with_thresholds();
        let off_peak = entry.get("off_peak_pricing");
        quote.off_peak = off_peak.and_then(|member| OffPeak::of(member, &quote));
        quote
    }

    /// The quote as it is at this hour.
    fn now(&self) -> &Self {
        match &self.off_peak {
            None => self,
            Some(off_peak) => off_peak.at(SystemTime::now()).unwrap_or(self),
        }
    }

    fn price(&self, name: &str) -> Option<f64> {
        self.prices.get(name).copied()
    }

    /// What a call that took so long costs, where time is what is billed.
    pub fn timed(&self, time: impl FnOnce() -> Duration) -> Option<Cost> {
        let total = self.per_second? * time().as_secs_f64();
        Some(Cost {
            input: total,
            total,
            ..Cost::default()
        })
    }

    /// What `usage` costs.
    pub fn cost(&self, usage: &Usage) -> Cost {
        if let Some(units) = &usage.rerank {
            return self.rerank(units);
        }
        if let Some(characters) = usage.characters {
            return self.spoken(characters);
        }
        if let Some(seconds) = usage.audio_seconds
            && let Some(cost) = self.heard(seconds, usage)
        {
            return cost;
        }
        let mut cost = self.billed(&Billed::of(usage), usage.service_tier.as_deref());
        cost.tool = self.search.cost(usage.web_search_requests);
        cost.total += cost.tool;
        cost
    }

    /// What speech costs, by the character.
    fn spoken(&self, characters: u64) -> Cost {
        Cost::of_input(self.price("input_cost_per_character").unwrap_or(0.0) * characters as f64)
    }

    /// What a transcription costs by the second; `None` where it is billed by the token and tokens are told.
    fn heard(&self, seconds: f64, usage: &Usage) -> Option<Cost> {
        if usage.total_tokens > 0 && self.price("input_cost_per_token").is_some() {
            return None;
        }
        let price = self
            .price("output_cost_per_second")
            .filter(|price| *price > 0.0)
            .or_else(|| self.price("input_cost_per_second"));
        Some(Cost::of_input(price.unwrap_or(0.0) * seconds))
    }

    /// What a reranking costs. What the provider does not count is not billed, as in LiteLLM.
    fn rerank(&self, units: &RerankUnits) -> Cost {
        let (name, count) = match *units {
            RerankUnits::Queries(count) => ("input_cost_per_query", count),
            RerankUnits::Tokens(count) => ("input_cost_per_token", count),
        };
        Cost::of_input(self.price(name).unwrap_or(0.0) * count as f64)
    }

    /// What billed units cost. `service_tier` names the tier that served the call; others than the priced are standard.
    pub fn billed(&self, billed: &Billed, service_tier: Option<&str>) -> Cost {
        self.now().billed_at_these(billed, suffix(service_tier))
    }

    fn billed_at_these(&self, billed: &Billed, suffix: &str) -> Cost {
        let rates = self.settled_rates(billed, suffix);
        let input = self.input(billed, &rates, suffix);
        let output = self.output(billed, &rates, suffix);
        Cost {
            input,
            cache_read: self.cache_read(billed, &rates, suffix),
            cache_creation: cache_creation(billed, &rates),
            output,
            reasoning: billed.out_reasoning as f64 * self.reasoning_rate(&rates, suffix),
            tool: 0.0,
            total: input + output,
        }
    }

    fn cache_read(&self, billed: &Billed, rates: &Rates, suffix: &str) -> f64 {
        if billed.cached == 0 {
            return 0.0;
        }
        let audio_rate = self
            .tiered("cache_read_input_audio_token_cost", suffix)
            .unwrap_or(rates.cache_read);
        (billed.cached - billed.cached_audio) as f64 * rates.cache_read
            + billed.cached_audio as f64 * audio_rate
    }

    fn input(&self, billed: &Billed, rates: &Rates, suffix: &str) -> f64 {
        let by_character =
            billed.characters > 0 && self.price("input_cost_per_character").is_some();
        let mut cost = if by_character {
            0.0
        } else {
            billed.text as f64 * rates.input
        };
        cost += self.cache_read(billed, rates, suffix);
        for (tokens, name, by_unit) in [
            (
                billed.audio,
                "input_cost_per_audio_token",
                billed.audio_seconds > 0.0
                    && self.prices.contains_key("input_cost_per_audio_per_second"),
            ),
            (
                billed.image,
                "input_cost_per_image_token",
                billed.images > 0 && self.prices.contains_key("input_cost_per_image"),
            ),
            (
                billed.video,
                "input_cost_per_video_token",
                billed.video_seconds > 0.0
                    && self.prices.contains_key("input_cost_per_video_per_second"),
            ),
        ] {
            if tokens > 0 && !by_unit {
                cost += tokens as f64 * self.tiered(name, suffix).unwrap_or(rates.input);
            }
        }
        cost += cache_creation(billed, rates);
        for (units, name) in [
            (billed.characters as f64, "input_cost_per_character"),
            (billed.images as f64, "input_cost_per_image"),
            (billed.video_seconds, "input_cost_per_video_per_second"),
            (billed.audio_seconds, "input_cost_per_audio_per_second"),
            (billed.queries as f64, "input_cost_per_query"),
        ] {
            if units > 0.0 {
                cost += units * self.price(name).unwrap_or(0.0);
            }
        }
        cost
    }

    fn output(&self, billed: &Billed, rates: &Rates, suffix: &str) -> f64 {
        let mut cost = billed.out_text as f64 * rates.output;
        if billed.out_is_all_text {
            return cost;
        }
        let reasoning = self.reasoning_rate(rates, suffix);
        for (tokens, rate) in [
            (
                billed.out_audio,
                self.price("output_cost_per_audio_token")
                    .unwrap_or(rates.output),
            ),
            (billed.out_reasoning, reasoning),
            (
                billed.out_image,
                self.price("output_cost_per_image_token")
                    .unwrap_or(rates.output),
            ),
            (
                billed.out_video,
                self.price("output_cost_per_video_token")
                    .unwrap_or(rates.output),
            ),
        ] {
            if tokens > 0 {
                cost += tokens as f64 * rate;
            }
        }
        cost
    }
}

fn cache_creation(billed: &Billed, rates: &Rates) -> f64 {
    if !billed.cache_writes() {
        return 0.0;
    }
    billed.written_untimed() as f64 * rates.cache_write
        + (billed.written_5m as f64 * rates.cache_write
            + billed.written_30m as f64 * rates.cache_write
            + billed.written_1h as f64 * rates.cache_write_1h
            + billed.written_12h as f64 * rates.cache_write_12h)
}

/// The numeric members of an entry; numbers may be written as text (`"3e-7"`).
fn numbers(entry: &Entry) -> Prices {
    entry
        .iter()
        .filter(|(name, _)| name.contains("cost"))
        .filter_map(|(name, value)| {
            let number = value
                .as_f64()
                .or_else(|| value.as_str().and_then(|text| text.parse().ok()))?;
            Some((name.as_str().into(), number))
        })
        .collect()
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
