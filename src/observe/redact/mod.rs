//! The ONE redactor: takes secrets and personal data out of texts that leave the process sideways, as log lines and
//! errors that quote a provider do. Known secrets (of the configuration) go wherever they stand, all of them in one
//! pass; what nobody told goes by its look ([`looks`]). The time it takes is linear in the text.

mod looks;

use crate::config::Config;
use crate::options::Secret;
use aho_corasick::{AhoCorasick, MatchKind};
use arc_swap::ArcSwapOption;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

pub use looks::Patterns;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Shortest known secret that is looked for: shorter ones would take common words out.
const MIN_SECRET: usize = 6;

static KNOWN: ArcSwapOption<AhoCorasick> = ArcSwapOption::const_empty();
static OWN: ArcSwapOption<Patterns> = ArcSwapOption::const_empty();

/// Remembers the secrets and the patterns of a configuration, in the place of those of the one before.
pub fn remember(config: &Config) {
    let mut secrets = Vec::new();
    secrets.extend(config.general.master_key.clone());
    secrets.extend(config.environment.values().cloned());
    for entry in &config.model_list {
        for (name, raw) in entry.litellm_params.iter() {
            if let Ok(value) = serde_json::from_slice(raw) {
                collect(name, &value, &mut secrets);
            }
        }
    }
    secrets.retain(|secret| secret.expose().len() >= MIN_SECRET);
    // Leftmost, and longest of those: a secret that holds another one goes as a whole.
    let finder = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(secrets.iter().map(Secret::expose));
    KNOWN.store(finder.ok().filter(|_| !secrets.is_empty()).map(Arc::new));
    OWN.store(config.general.redact_patterns.clone());
}

fn collect(name: &str, value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::String(text) if is_secret_name(name) => secrets.push(Secret::new(text)),
        Value::Object(members) => {
            for (name, value) in members {
                collect(name, value, secrets);
            }
        }
        _ => {}
    }
}

/// Whether a setting of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    [
        "key",
        "secret",
        "token",
        "password",
        "credential",
        "authorization",
    ]
    .iter()
    .any(|word| name.contains(word))
        && !name.contains("tokens")
        && !name.contains("per_token")
        && name != "litellm_credential_name"
}

/// The text without the configuration's secrets: for those who asked for the call, and whose own data the rest is.
pub fn known(text: &str) -> Cow<'_, str> {
    match &*KNOWN.load() {
        Some(finder) if finder.is_match(text) => {
            let mut clean = String::with_capacity(text.len());
            finder.replace_all_with(text, &mut clean, |_, _, clean| {
                clean.push_str(REDACTED);
                true
            });
            Cow::Owned(clean)
        }
        _ => Cow::Borrowed(text),
    }
}

/// The text without secrets and personal data; borrowed when there are none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let clean = then(known(text), looks::hidden);
    match &*OWN.load() {
        Some(own) => then(clean, |text| own.hidden(text)),
        None => clean,
    }
}

/// Applies a further step to what may still be the text as it was given.
fn then(text: Cow<'_, str>, step: impl FnOnce(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    let changed = match step(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    changed.map_or(text, Cow::Owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::schema::ModelEntry;
    use crate::params::Params;
    use bytes::Bytes;

    #[test]
    fn known_secrets_go_wherever_they_stand() {
        let mut config = Config::default();
        config.model_list.push(ModelEntry {
            litellm_params: Params::parse(&Bytes::from_static(
                br#"{"model":"openai/gpt","api_key":"plain-key-123","extra_headers":{"X-Api-Key":"header-key-9"},"max_tokens":"123456"}"#,
            ))
            .unwrap_or_default(),
            ..ModelEntry::default()
        });
        remember(&config);
        assert_eq!(
            redact("refused plain-key-123 and header-key-9 for openai/gpt after 123456"),
            "refused [redacted] and [redacted] for openai/gpt after 123456"
        );
    }

    #[test]
    fn a_secret_within_another_goes_with_it() {
        let mut config = Config::default();
        config.general.master_key = Some(Secret::new("sk-long-master-key"));
        config.environment.insert("A".into(), Secret::new("master"));
        remember(&config);
        assert_eq!(
            known("x sk-long-master-key y master"),
            "x [redacted] y [redacted]"
        );
        assert!(matches!(known("nothing"), Cow::Borrowed("nothing")));
    }

    #[test]
    fn patterns_of_the_configuration_are_obeyed() {
        let mut config = Config::default();
        let patterns = Patterns::new(&["EMP-[0-9]{4}"]).unwrap();
        config.general.redact_patterns = Some(Arc::new(patterns));
        remember(&config);
        assert_eq!(redact("asked by EMP-1234"), "asked by [redacted]");
        remember(&Config::default());
        assert_eq!(redact("asked by EMP-1234"), "asked by EMP-1234");
    }
}
