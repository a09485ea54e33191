//! What is known of a model, as far as parameters and look-ups depend on it: the catalogue's entry under
//! `provider/model`, else the one of the bare name where it is this provider's.

use crate::catalog::{self, Entry};
use parking_lot::RwLock;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

fn entry(model: &str, provider: &str) -> Option<Arc<Entry>> {
    catalog::entry(&format!("{provider}/{model}")).or_else(|| {
        catalog::entry(model).filter(|entry| {
            let listed = entry.get("litellm_provider").and_then(|p| p.as_str());
            listed.unwrap_or_default().starts_with(provider)
        })
    })
}

/// Whether a model has a capability (`supports_reasoning`, ...) at a provider.
pub fn supports(model: &str, provider: &str, capability: &str) -> bool {
    declared(model, provider, capability) == Some(true)
}

/// What the catalogue's entry says of a capability; `None` when it says nothing.
pub fn declared(model: &str, provider: &str, capability: &str) -> Option<bool> {
    entry(model, provider)?.get(capability)?.as_bool()
}

/// The same, where the entry of the bare name counts too, whoever's it is: of a provider that sells another's model.
pub fn supports_as_itself(model: &str, provider: &str, capability: &str) -> bool {
    declared(model, provider, capability).unwrap_or_else(|| {
        let own = catalog::entry(model);
        own.is_some_and(|own| own.get(capability).and_then(Value::as_bool) == Some(true))
    })
}

/// What is said of a Claude model, by its name at the provider, at Anthropic, or by its family.
pub fn of_claude(model: &str, provider: &str, capability: &str) -> Option<bool> {
    declared(model, provider, capability)
        .or_else(|| declared(model, "anthropic", capability))
        .or_else(|| {
            let stranger = !known(model, provider) && !known(model, "anthropic");
            let family = stranger.then(|| catalog::known_family(model)).flatten()?;
            family.get(capability)?.as_bool()
        })
}

/// Whether the catalogue has an entry for a model at a provider.
pub fn known(model: &str, provider: &str) -> bool {
    entry(model, provider).is_some()
}

/// A text of the catalogue's entry.
pub fn text(model: &str, provider: &str, name: &str) -> Option<String> {
    entry(model, provider)?
        .get(name)?
        .as_str()
        .map(str::to_owned)
}

/// A list of texts of the catalogue's entry; empty when it has none.
pub fn texts(model: &str, provider: &str, name: &str) -> Vec<String> {
    let list = entry(model, provider).and_then(|entry| entry.get(name).cloned());
    list.and_then(|list| serde_json::from_value(list).ok())
        .unwrap_or_default()
}

/// `litellm_provider` of the catalogue's entry for a bare model name.
pub fn litellm_provider(model: &str) -> Option<&'static str> {
    interned(catalog::entry(model)?.get("litellm_provider")?.as_str()?)
}

/// Whether OpenAI itself serves a model of this name.
pub fn is_openai_model(model: &str) -> bool {
    matches!(
        litellm_provider(model),
        Some("openai" | "text-completion-openai")
    )
}

/// Providers that the catalogue may name; registered models could name any.
const MAX_NAMES: usize = 1000;

/// A provider's name that lives as long as the process: there are few, and look-ups hand them on.
fn interned(name: &str) -> Option<&'static str> {
    static NAMES: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());
    if let Some(known) = NAMES.read().get(name) {
        return Some(known);
    }
    let mut names = NAMES.write();
    if names.len() >= MAX_NAMES {
        return None;
    }
    let kept: &'static str = name.to_owned().leak();
    names.insert(kept);
    Some(kept)
}
