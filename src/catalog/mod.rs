//! The model catalogue: prices, limits and capabilities of every known model; data, no IO.
//!
//! The price map is compiled in compressed. It is unpacked with the first look-up, and kept as text with an index;
//! an entry is parsed when it is asked for. Models that a user registers lie over it.

mod families;
mod info;
pub mod lookup;
mod members;

use flate2::read::DeflateDecoder;
use parking_lot::RwLock;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

pub use info::{model_info, supports, unlisted};
pub use lookup::{Found, find};

/// A model's entry: LiteLLM's members, as they stand in the map. Costs are USD per unit.
pub type Entry = Map<String, Value>;

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/model_prices.deflate"));

struct Built {
    /// Key to raw entry, both slices of the unpacked text.
    index: HashMap<&'static str, &'static RawValue>,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    let mut text = String::new();
    // The build script wrote both; a broken one would fail the tests, not the user.
    if DeflateDecoder::new(PACKED)
        .read_to_string(&mut text)
        .is_err()
    {
        text = "{}".to_owned();
    }
    let text: &'static str = text.leak();
    let mut index: HashMap<&'static str, &'static RawValue> =
        serde_json::from_str(text).unwrap_or_default();
    // The map's own description of an entry, and its rules for names; neither is a model.
    index.remove("sample_spec");
    index.remove("fallback_generalizations");
    Built { index }
});

static LOWER: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    BUILT
        .index
        .keys()
        .map(|key| (key.to_lowercase(), *key))
        .collect()
});

/// What users registered, over the map. `None` is an entry taken away.
static REGISTERED: LazyLock<RwLock<BTreeMap<String, Option<Arc<Entry>>>>> =
    LazyLock::new(RwLock::default);
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Counts up with every change by a user; who remembers what the catalogue said compares it.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// The whole map as JSON, without what users registered.
pub fn json() -> String {
    let mut out = String::from("{");
    let mut keys: Vec<_> = BUILT.index.keys().copied().collect();
    keys.sort_unstable();
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(*key).to_string());
        out.push(':');
        out.push_str(BUILT.index[key].get());
    }
    out.push('}');
    out
}

/// Names of a provider's models without the provider before them, sorted: what a wildcard over the provider stands
/// for. Fine-tuned models of OpenAI's chat families are nobody's in particular and left out, as in LiteLLM.
pub fn models_of(provider: &str) -> Vec<&'static str> {
    let listed = |provider: &str| BY_PROVIDER.get(provider).into_iter().flatten();
    let texts = (provider == "openai").then_some("text-completion-openai");
    let tuned = |name: &str| name.starts_with("ft:gpt-") || name.starts_with("ft:o4-mini");
    let names: BTreeSet<&str> = listed(provider)
        .chain(texts.into_iter().flat_map(listed))
        .filter(|name| !tuned(name))
        .map(|name| {
            let bare = name.strip_prefix(provider);
            bare.and_then(|rest| rest.strip_prefix('/')).unwrap_or(name)
        })
        .collect();
    names.into_iter().collect()
}

/// The map's keys by `litellm_provider`.
static BY_PROVIDER: LazyLock<HashMap<String, Vec<&'static str>>> = LazyLock::new(|| {
    #[derive(serde::Deserialize)]
    struct Listed {
        litellm_provider: Option<String>,
    }
    let mut names: HashMap<String, Vec<&'static str>> = HashMap::new();
    for (name, raw) in &BUILT.index {
        if let Ok(Listed {
            litellm_provider: Some(provider),
        }) = serde_json::from_str(raw.get())
        {
            names.entry(provider).or_default().push(name);
        }
    }
    names
});

/// Registers or replaces an entry; `None` takes it away.
pub fn register(key: &str, entry: Option<Entry>) {
    REGISTERED
        .write()
        .insert(key.to_owned(), entry.map(Arc::new));
    GENERATION.fetch_add(1, Ordering::AcqRel);
}

/// Entries asked for lately, parsed. Calls ask for the same few over and over.
static PARSED: LazyLock<RwLock<HashMap<String, Option<Arc<Entry>>>>> =
    LazyLock::new(RwLock::default);
/// Kept parsed at most; then all are let go.
const MAX_PARSED: usize = 1024;

/// The entry under exactly this key.
pub fn entry(key: &str) -> Option<Arc<Entry>> {
    if generation() > 0
        && let Some(registered) = REGISTERED.read().get(key)
    {
        return registered.clone();
    }
    if let Some(parsed) = PARSED.read().get(key) {
        return parsed.clone();
    }
    let raw = BUILT.index.get(key);
    let entry: Option<Arc<Entry>> = raw
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .map(Arc::new);
    let mut parsed = PARSED.write();
    if parsed.len() >= MAX_PARSED {
        parsed.clear();
    }
    parsed.insert(key.to_owned(), entry.clone());
    entry
}

/// What a model's family is known for, where the map has no entry of it; `None` for a stranger.
pub fn known_family(model: &str) -> Option<Entry> {
    families::known_of(model)
}

/// Whether there is an entry under exactly this key.
pub fn contains(key: &str) -> bool {
    if generation() > 0
        && let Some(registered) = REGISTERED.read().get(key)
    {
        return registered.is_some();
    }
    BUILT.index.contains_key(key)
}

/// The key as the catalogue spells it, whatever its case.
pub fn spelled(key: &str) -> Option<String> {
    if contains(key) {
        return Some(key.to_owned());
    }
    let lower = key.to_lowercase();
    if generation() > 0 {
        let registered = REGISTERED.read();
        if let Some((key, _)) = registered
            .iter()
            .find(|(k, v)| v.is_some() && k.to_lowercase() == lower)
        {
            return Some(key.clone());
        }
    }
    LOWER.get(&lower).map(|key| (*key).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_whole() {
        assert!(BUILT.index.len() > 4_000);
        assert!(entry("gpt-4o").is_some_and(|e| e.contains_key("input_cost_per_token")));
    }

    #[test]
    fn case_does_not_hide_a_model() {
        assert_eq!(spelled("GPT-4o").as_deref(), Some("gpt-4o"));
    }

    #[test]
    fn registered_entries_lie_over_the_map_and_can_be_taken_away() {
        register(
            "a-model-of-this-test",
            serde_json::from_str(r#"{"mode":"chat"}"#).ok(),
        );
        assert!(contains("a-model-of-this-test"));
        register("a-model-of-this-test", None);
        assert!(entry("a-model-of-this-test").is_none());
    }
}
