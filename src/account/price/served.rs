//! Quotes by the names that replies gave, remembered.

use super::Quote;
use crate::catalog;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

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

impl Quote {
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
}
