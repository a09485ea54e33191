//! What a reply costs: LiteLLM's arithmetic, in its order of operations, over the prices of one model.
//!
//! Source of the rules: LiteLLM 1.109.1's generic per-token cost. Every token is billed once: cached and written-to-cache
//! tokens are parts of `prompt_tokens`, reasoning and audio are parts of `completion_tokens`. A model without a price
//! has no cost, which is not the same as free.

use super::billed::Billed;
use super::{Cost, Usage};
use crate::catalog::{self, Entry};
use crate::options::CustomPrice;
use parking_lot::RwLock;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

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
}

/// How a provider bills the web searches of its models. USD.
#[derive(Clone, Copy, Debug, Default)]
struct Search {
    each: f64,
    /// One price for all searches of a call.
    together: bool,
}

/// Quotes by the names that replies gave.
#[derive(Default)]
struct Served {
    generation: u64,
    count: usize,
    by_provider: HashMap<&'static str, HashMap<String, Option<Arc<Quote>>>>,
}

static SERVED: LazyLock<RwLock<Served>> = LazyLock::new(RwLock::default);
/// Quotes remembered at most; then all are let go.
const MAX_SERVED: usize = 1024;

#[derive(Clone, Debug)]
struct Tier {
    from: f64,
    to: f64,
    prices: Prices,
}

/// Which rate each class of tokens is billed at.
#[derive(Clone, Copy)]
struct Rates {
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write: f64,
    cache_write_1h: f64,
    cache_write_12h: f64,
    reasoning: Option<f64>,
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

/// Price members of an entry that make it billable by token.
const TOKEN_PRICES: [&str; 2] = ["input_cost_per_token", "output_cost_per_token"];

/// Providers of which a model that the map does not list costs nothing.
const FREE_UNLISTED: [&str; 3] = ["huggingface", "ollama", "ollama_chat"];

/// Prices by the second, the one that counts first.
const SECOND_PRICES: [&str; 3] = [
    "cost_per_second",
    "input_cost_per_second",
    "output_cost_per_second",
];

/// Prices of cached tokens that a deployment with an input price of its own takes from the map.
const CACHE_PRICES: [&str; 5] = [
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "cache_creation_input_token_cost_above_200k_tokens",
    "cache_read_input_token_cost",
    "cache_read_input_token_cost_above_200k_tokens",
];

/// Service tiers, and the suffix that their prices carry.
const SERVICE_TIERS: [(&str, &str); 5] = [
    ("flex", "_flex"),
    ("balanced", "_balanced"),
    ("priority", "_priority"),
    ("fast", "_priority"),
    ("ultrafast", "_ultrafast"),
];

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

    /// The quote of custom prices. They stand alone, except that a price by the token brings the map's prices for
    /// cached tokens and for service tiers with it.
    fn of_custom(custom: &CustomPrice, entry: Option<&Entry>, provider: &str) -> Self {
        let said = |name: &str| custom.prices.contains_key(name);
        let by_token = TOKEN_PRICES.iter().any(|name| said(name));
        let mut prices: Prices = custom
            .prices
            .iter()
            .map(|(name, price)| (name.as_str().into(), *price))
            .collect();
        for (name, price) in entry.map(numbers).unwrap_or_default() {
            let cache = said("input_cost_per_token") && CACHE_PRICES.contains(&&*name);
            let tier = SERVICE_TIERS
                .iter()
                .any(|(_, suffix)| name.ends_with(suffix));
            if by_token && (cache || tier) {
                prices.entry(name).or_insert(price);
            }
        }
        let per_second = SECOND_PRICES
            .iter()
            .find_map(|name| custom.prices.get(*name).copied());
        Self {
            search: entry.map_or_else(Search::default, |entry| Search::of(entry, provider)),
            per_second: per_second.filter(|_| !by_token),
            prices,
            inclusive: provider == "xai",
            ..Self::default()
        }
        .with_thresholds()
    }

    /// The quote of the map for a model as a provider's reply names it; remembered, as replies repeat the name.
    pub fn served(provider: &'static str, model: &str) -> Option<Arc<Self>> {
        let generation = catalog::generation();
        {
            let served = SERVED.read();
            if served.generation == generation
                && let Some(quote) = served
                    .by_provider
                    .get(provider)
                    .and_then(|models| models.get(model))
            {
                return quote.clone();
            }
        }
        let quote = Self::of(provider, model, None, None);
        let mut served = SERVED.write();
        if served.generation != generation || served.count >= MAX_SERVED {
            *served = Served {
                generation,
                ..Served::default()
            };
        }
        served.count += 1;
        served
            .by_provider
            .entry(provider)
            .or_default()
            .insert(model.to_owned(), quote.clone());
        quote
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
        quote.with_thresholds()
    }

    fn with_thresholds(mut self) -> Self {
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

    fn price(&self, name: &str) -> Option<f64> {
        self.prices.get(name).copied()
    }

    /// A price at a service tier, else the standard one.
    fn tiered(&self, name: &str, suffix: &str) -> Option<f64> {
        if suffix.is_empty() {
            return self.price(name);
        }
        self.price(&format!("{name}{suffix}"))
            .or_else(|| self.price(name))
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
        let mut cost = self.billed(&Billed::of(usage), usage.service_tier.as_deref());
        cost.tool = self.search.cost(usage.web_search_requests);
        cost.total += cost.tool;
        cost
    }

    /// The rates at which units of such a call are billed.
    pub fn billed_rates(&self, billed: &Billed, service_tier: Option<&str>) -> BilledRates {
        let suffix = suffix(service_tier);
        let rates = self.settled_rates(billed, suffix);
        BilledRates {
            input: rates.input,
            output: rates.output,
            cache_read: rates.cache_read,
            cache_write: rates.cache_write,
            reasoning: self.reasoning_rate(&rates, suffix),
        }
    }

    fn settled_rates(&self, billed: &Billed, suffix: &str) -> Rates {
        self.tier_rates(billed)
            .unwrap_or_else(|| self.rates(billed, suffix))
    }

    /// What billed units cost. `service_tier` names the tier that served the call; others than the priced are standard.
    pub fn billed(&self, billed: &Billed, service_tier: Option<&str>) -> Cost {
        let suffix = suffix(service_tier);
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

    fn reasoning_rate(&self, rates: &Rates, suffix: &str) -> f64 {
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

/// What the prices of a service tier carry at their end.
fn suffix(service_tier: Option<&str>) -> &'static str {
    service_tier
        .and_then(|tier| {
            SERVICE_TIERS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(tier))
        })
        .map_or("", |(_, suffix)| suffix)
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

/// What a search costs at Google where the map says nothing.
const GOOGLE_SEARCH: f64 = 0.035;

impl Search {
    /// The prices depend on how much a search reads; what nobody chose is medium.
    fn of(entry: &Entry, provider: &str) -> Self {
        let sizes = entry.get("search_context_cost_per_query");
        let medium = sizes
            .and_then(|sizes| sizes.get("search_context_size_medium")?.as_f64())
            .filter(|price| *price >= 0.0);
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let claude = text("litellm_provider").contains("anthropic");
        let google = provider == "gemini" || (provider.starts_with("vertex_ai") && !claude);
        match provider {
            // They tell the cost of searches, or their number, in members of their own.
            "perplexity" | "xai" => Self::default(),
            _ if google => Self {
                each: medium.unwrap_or(GOOGLE_SEARCH),
                together: text("web_search_billing_unit") != "per_query",
            },
            "anthropic" | "azure_ai" | "groq" | "vertex_ai" => Self {
                each: medium.unwrap_or(0.0),
                together: false,
            },
            _ => Self {
                each: medium.unwrap_or(0.0),
                together: true,
            },
        }
    }

    fn cost(self, searches: u64) -> f64 {
        let billed = if self.together {
            searches.min(1)
        } else {
            searches
        };
        self.each * billed as f64
    }
}

impl CustomPrice {
    /// Whether these prices are enough to bill by. Prices of cached tokens alone are not, whoever says them.
    fn is_whole(&self) -> bool {
        if !self.of_deployment {
            return TOKEN_PRICES
                .iter()
                .all(|name| self.prices.contains_key(*name));
        }
        self.prices.keys().map(String::as_str).any(|name| {
            SECOND_PRICES.contains(&name)
                || name == "input_cost_per_query"
                || (name.contains("cost_per") && name.contains("token"))
        })
    }
}

impl Tier {
    fn of(value: &Value) -> Option<Self> {
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
