//! Prices of a call's or a deployment's own, and what they take from the map.

use super::rates::{SERVICE_TIERS, TOKEN_PRICES};
use super::search::Search;
use super::{Prices, Quote, numbers};
use crate::catalog::Entry;
use crate::options::CustomPrice;

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

impl CustomPrice {
    /// Whether these prices are enough to bill by. Prices of cached tokens alone are not, whoever says them.
    pub(super) fn is_whole(&self) -> bool {
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

impl Quote {
    /// The quote of custom prices. They stand alone, except that a price by the token brings the map's prices for
    /// cached tokens and for service tiers with it.
    pub(super) fn of_custom(custom: &CustomPrice, entry: Option<&Entry>, provider: &str) -> Self {
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
}
