//! Takes secrets out of texts that leave the process sideways: log lines and error messages that quote a provider.
//! Known secrets (of the configuration) go wherever they stand; unknown ones by their look.

use crate::config::Config;
use crate::options::Secret;
use arc_swap::ArcSwap;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";

/// Shortest known secret that is looked for: shorter ones would take common words out.
const MIN_SECRET: usize = 6;

/// Words that a secret follows.
const MARKS: &[&str] = &["Bearer ", "bearer ", "sk-", "api_key=", "api-key: "];

/// How many characters make a look-alike a secret.
const MIN_LOOK: usize = 8;

static KNOWN: LazyLock<ArcSwap<Vec<Secret>>> = LazyLock::new(ArcSwap::default);

/// Remembers the secrets of a configuration, in the place of those of the one before.
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
    // Longest first, so that a secret that holds another one goes as a whole.
    secrets.sort_by(|a, b| {
        let by_length = b.expose().len().cmp(&a.expose().len());
        by_length.then_with(|| a.expose().cmp(b.expose()))
    });
    secrets.dedup();
    KNOWN.store(Arc::new(secrets));
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

/// The text without secrets; borrowed when there are none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    for secret in KNOWN.load().iter() {
        if clean.contains(secret.expose()) {
            clean = Cow::Owned(clean.replace(secret.expose(), REDACTED));
        }
    }
    if MARKS.iter().any(|mark| clean.contains(mark)) {
        clean = Cow::Owned(without_look_alikes(&clean));
    }
    clean
}

fn without_look_alikes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, mark)) = MARKS
        .iter()
        .filter_map(|mark| rest.find(mark).map(|at| (at, *mark)))
        .min_by_key(|(at, mark)| (*at, usize::MAX - mark.len()))
    {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = &from[mark.len()..];
        let length = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_./+=".contains(c)))
            .unwrap_or(after.len());
        out.push_str(mark);
        if length >= MIN_LOOK {
            out.push_str(REDACTED);
        } else {
            out.push_str(&after[..length]);
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
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
    fn what_looks_like_a_key_goes_and_ordinary_text_stays() {
        assert_eq!(
            redact("Incorrect API key provided: sk-proj-abcdef123456. See"),
            "Incorrect API key provided: sk-[redacted] See"
        );
        assert_eq!(
            redact("header Bearer abc.def.ghi-123"),
            "header Bearer [redacted]"
        );
        assert!(
            matches!(redact("a task-list and nothing else"), Cow::Owned(t) if t == "a task-list and nothing else")
        );
        assert!(matches!(redact("nothing"), Cow::Borrowed("nothing")));
    }
}
