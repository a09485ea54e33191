//! The configuration without a file: `mock/echo`, and `provider/*` for every provider whose key is in the
//! environment.

use super::resolve::Lookup;
use super::schema::{Config, ModelEntry};
use crate::adapt::registry::providers;
use serde_json::Value;

/// The model that answers without any provider.
pub const ECHO: &str = "mock/echo";

impl Config {
    /// What is served when no file is given.
    pub fn without_file(env: Lookup<'_>) -> Self {
        let mut config = Self {
            model_list: vec![entry(ECHO)],
            ..Self::default()
        };
        let has_key = |names: &[&str]| {
            names
                .iter()
                .any(|name| env(name).is_some_and(|key| !key.trim().is_empty()))
        };
        for provider in providers().filter(|p| p.is_compatible() && has_key(p.key_env)) {
            config
                .model_list
                .push(entry(&format!("{}/*", provider.name)));
        }
        config.general.master_key = env("LITELLM_MASTER_KEY")
            .filter(|key| !key.is_empty())
            .map(crate::options::Secret::new);
        config
    }
}

fn entry(model: &str) -> ModelEntry {
    let mut entry = ModelEntry {
        model_name: model.to_owned(),
        ..ModelEntry::default()
    };
    entry.litellm_params.set("model", &model);
    let id = model.replace(['/', '*'], "-");
    let id = Value::String(format!("builtin-{}", id.trim_end_matches('-')));
    entry.model_info.insert("id".to_owned(), id);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_model_without_any_key_and_a_wildcard_for_each_key() {
        let names = |config: Config| -> Vec<String> {
            config
                .model_list
                .into_iter()
                .map(|m| m.model_name)
                .collect()
        };
        assert_eq!(names(Config::without_file(&|_| None)), [ECHO]);
        let env = |name: &str| match name {
            "OPENAI_API_KEY" => Some("sk-x".to_owned()),
            "GROQ_API_KEY" => Some(" ".to_owned()),
            _ => None,
        };
        let names = names(Config::without_file(&env));
        assert!(names.contains(&"openai/*".to_owned()), "{names:?}");
        assert!(
            !names.iter().any(|name| name.starts_with("groq")),
            "{names:?}"
        );
    }
}
