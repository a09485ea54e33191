//! Finding a model's entry under the names that LiteLLM tries, in its order: with the provider, as given, without the
//! provider, and without version or fine-tuning suffixes.

use super::{Entry, entry, spelled};
use crate::adapt::lookup::get_llm_provider;
use std::sync::Arc;

/// An entry and the key it was found under.
#[derive(Clone, Debug)]
pub struct Found {
    /// The key in the map.
    pub key: String,
    /// The entry.
    pub entry: Arc<Entry>,
    /// The provider that the look-up was for.
    pub provider: Option<String>,
}

/// Regions and geographies that stand before a Bedrock model's name.
const BEDROCK_REGIONS: &[&str] = &[
    "us.", "eu.", "apac.", "jp.", "au.", "ca.", "global.", "us-gov.", "sa.", "me.", "af.", "amer.",
];

/// The entry of `model` at `provider`, or at the provider that the name tells.
pub fn find(model: &str, provider: Option<&str>) -> Option<Found> {
    let provider = match provider {
        Some("vertex_ai_beta") => Some("vertex_ai"),
        other => other,
    };
    let names = Names::new(model, provider);
    let at = names.provider.as_deref();
    for name in names.in_order(model) {
        let Some(key) = spelled(name) else { continue };
        if let Some(entry) = entry(&key)
            && matches_provider(&entry, at)
        {
            return Some(Found {
                key,
                entry,
                provider: names.provider.clone(),
            });
        }
    }
    None
}

pub(super) struct Names {
    combined: String,
    split: String,
    combined_stripped: String,
    stripped: String,
    prefixed: String,
    /// The provider that the look-up is for.
    pub(super) provider: Option<String>,
}

impl Names {
    pub(super) fn new(model: &str, provider: Option<&str>) -> Self {
        let Some(provider) = provider else {
            let looked = get_llm_provider(model, None, None, None, &|_| None).ok();
            let provider = looked.as_ref().and_then(|l| l.provider.clone());
            let split = looked.map_or_else(|| model.to_owned(), |l| l.model);
            let stripped = strip(model, provider.as_deref());
            return Self {
                combined: model.to_owned(),
                split: route_free(&split, provider.as_deref()),
                combined_stripped: stripped.clone(),
                stripped,
                prefixed: model.to_owned(),
                provider,
            };
        };
        let split = model
            .strip_prefix(provider)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(model);
        let stripped = strip(split, Some(provider));
        Self {
            combined: format!("{provider}/{split}"),
            split: route_free(split, Some(provider)),
            combined_stripped: format!("{provider}/{stripped}"),
            stripped,
            prefixed: prefixed(model, provider),
            provider: Some(provider.to_owned()),
        }
    }

    pub(super) fn in_order<'a>(&'a self, model: &'a str) -> [&'a str; 6] {
        [
            &self.combined,
            model,
            &self.split,
            &self.combined_stripped,
            &self.stripped,
            &self.prefixed,
        ]
    }
}

/// The key of a model whose own name repeats the provider's, or whose key has a path that nobody writes.
fn prefixed(model: &str, provider: &str) -> String {
    if provider != "fireworks_ai" {
        return format!("{provider}/{model}");
    }
    let model = model.strip_prefix("fireworks_ai/").unwrap_or(model);
    let path = if model.starts_with("accounts/") || model.starts_with("FW-") || model.contains('#')
    {
        ""
    } else if model.starts_with("routers/") || model.starts_with("models/") {
        "accounts/fireworks/"
    } else if model.ends_with("-fast") || matches!(model, "firerouter" | "auto" | "auto-instant") {
        "accounts/fireworks/routers/"
    } else {
        "accounts/fireworks/models/"
    };
    format!("fireworks_ai/{path}{model}")
}

/// A Bedrock name without the route and region of its path.
fn route_free(model: &str, provider: Option<&str>) -> String {
    if !provider.is_some_and(|p| p.starts_with("bedrock")) {
        return model.to_owned();
    }
    let last = model.rsplit('/').next().unwrap_or(model);
    last.to_owned()
}

fn strip(model: &str, provider: Option<&str>) -> String {
    match provider {
        Some("bedrock" | "bedrock_converse") => {
            let model = model.rsplit('/').next().unwrap_or(model);
            let free = BEDROCK_REGIONS
                .iter()
                .find_map(|region| model.strip_prefix(region))
                .unwrap_or(model);
            free.to_owned()
        }
        Some("vertex_ai" | "gemini" | "databricks") => without_digits(model).to_owned(),
        _ if model.contains("ft:") => model.split(':').take(2).collect::<Vec<_>>().join(":"),
        _ => without_date(model).to_owned(),
    }
}

/// `gemini-1.5-flash-001` -> `gemini-1.5-flash`.
fn without_digits(model: &str) -> &str {
    match model.rsplit_once('-') {
        Some((name, version))
            if !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) =>
        {
            name
        }
        _ => model,
    }
}

/// `gpt-4o-2024-08-06` -> `gpt-4o`.
fn without_date(model: &str) -> &str {
    let Some(at) = model
        .len()
        .checked_sub(11)
        .filter(|at| model.is_char_boundary(*at))
    else {
        return model;
    };
    let (name, date) = model.split_at(at);
    let shaped = date.bytes().enumerate().all(|(i, b)| match i {
        0 | 5 | 8 => b == b'-',
        _ => b.is_ascii_digit(),
    });
    if shaped { name } else { model }
}

/// Whether an entry is for this provider; some providers sell others' models.
fn matches_provider(entry: &Entry, provider: Option<&str>) -> bool {
    let (Some(wanted), Some(listed)) = (
        provider,
        entry.get("litellm_provider").and_then(|p| p.as_str()),
    ) else {
        return true;
    };
    wanted.is_empty()
        || wanted == listed
        || match wanted {
            "vertex_ai" => listed.starts_with("vertex_ai"),
            "fireworks_ai" => listed.starts_with("fireworks_ai"),
            "azure_ai" => matches!(listed, "azure" | "openai"),
            "litellm_proxy" | "github" | "nadir" => true,
            _ => wanted.starts_with("bedrock") && listed.starts_with("bedrock"),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_stripped() {
        assert_eq!(without_date("gpt-4o-2024-08-06"), "gpt-4o");
        assert_eq!(without_digits("gemini-1.5-flash-001"), "gemini-1.5-flash");
        assert_eq!(
            strip("ft:gpt-3.5-turbo:my-org:x:id", Some("openai")),
            "ft:gpt-3.5-turbo"
        );
    }

    #[test]
    fn the_provider_of_an_entry_has_to_fit() {
        assert!(find("gpt-4o", Some("openai")).is_some());
        assert!(find("gpt-4o", Some("groq")).is_none());
        assert!(find("no-such-model", None).is_none());
    }
}
