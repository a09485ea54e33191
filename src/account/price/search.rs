//! What web searches cost: each, or all of a call together.

use crate::catalog::Entry;
use serde_json::Value;

/// How a provider bills the web searches of its models. USD.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Search {
    each: f64,
    /// One price for all searches of a call.
    together: bool,
}

/// What a search costs at Google where the map says nothing.
const GOOGLE_SEARCH: f64 = 0.035;

impl Search {
    /// The prices depend on how much a search reads; what nobody chose is medium.
    pub(super) fn of(entry: &Entry, provider: &str) -> Self {
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

    pub(super) fn cost(self, searches: u64) -> f64 {
        let billed = if self.together {
            searches.min(1)
        } else {
            searches
        };
        self.each * billed as f64
    }
}
