//! The model catalogue: prices, limits and capabilities of every known model; data, no IO.
//!
//! The price map is compiled in compressed, in blocks. One is unpacked when one of its entries is asked for, and kept as
//! text; an entry is parsed then. Models that a user registers lie over it.

mod families;
mod info;
pub mod lookup;
mod members;

use flate2::read::DeflateDecoder;
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

pub use info::{model_info, supports, unlisted};
pub use lookup::{Found, find};

/// A model's entry: LiteLLM's members, as they stand in the map. Costs are USD per unit.
pub type Entry = Map<String, Value>;

static NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/model_prices.names"));
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/model_prices.blocks"));

/// The map as the build script wrote it: a broken one would fail the tests, not the user.
struct Built {
    /// Where each entry is.
    index: HashMap<&'static str, Place>,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy)]
struct Place {
    block: usize,
    from: usize,
    length: usize,
}

/// A part of the map, unpacked when one of its entries is asked for.
struct Block {
    packed: &'static [u8],
    text: OnceLock<String>,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    let mut lines = NAMES.lines();
    let ends = lines.next().unwrap_or_default().split('\t');
    let mut from = 0;
    let mut block = |end: &str| {
        let to = end.parse().ok()?;
        let packed = PACKED.get(std::mem::replace(&mut from, to)..to)?;
        let text = OnceLock::new();
        Some(Block { packed, text })
    };
    let blocks = ends.map_while(&mut block).collect();
    let place = |line: &'static str| {
        let mut parts = line.split('\t');
        let name = parts.next()?;
        let mut number = || parts.next()?.parse().ok();
        let (block, from, length) = (number()?, number()?, number()?);
        let place = Place {
            block,
            from,
            length,
        };
        Some((name, place))
    };
    Built {
        index: lines.filter_map(place).collect(),
        blocks,
    }
});

impl Built {
    /// The entry of a name, raw JSON.
    fn raw(&'static self, name: &str) -> Option<&'static str> {
        let place = self.index.get(name)?;
        let block = self.blocks.get(place.block)?;
        let text = block.text.get_or_init(|| {
            let mut text = String::new();
            let read = DeflateDecoder::new(block.packed).read_to_string(&mut text);
            read.map_or_else(|_| String::new(), |_| text)
        });
        text.get(place.from..place.from + place.length)
    }
}

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
        out.push_str(BUILT.raw(key).unwrap_or("null"));
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
    for name in BUILT.index.keys() {
        if let Ok(Listed {
            litellm_provider: Some(provider),
        }) = serde_json::from_str(BUILT.raw(name).unwrap_or_default())
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
    let raw = BUILT.raw(key);
    let entry: Option<Arc<Entry>> = raw
        .and_then(|raw| serde_json::from_str(raw).ok())
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_map_is_whole() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/model_prices.json");
        let mut map: Map<String, Value> =
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        map.retain(|name, _| !matches!(name.as_str(), "sample_spec" | "fallback_generalizations"));
        assert!(map.len() > 4_000);
        assert_eq!(BUILT.index.len(), map.len());
        for (name, expected) in &map {
            let raw: Value = serde_json::from_str(BUILT.raw(name).unwrap()).unwrap();
            assert_eq!(&raw, expected, "{name}");
        }
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
