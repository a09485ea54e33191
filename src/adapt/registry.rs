//! The providers, one row each. Nothing else names a provider.
//!
//! [`compatible`] has those that speak OpenAI's protocol with habits of their own, [`plain`] those that need only an
//! address and a key, [`native`] those with a protocol of their own. Adding a compatible provider is adding a row.

pub mod compatible;
pub mod native;
pub mod plain;

use super::Adapter;
use super::canonical::Form;
use super::errors::Family;
use super::habits::Habits;
use super::providers::anthropic_native::Messages;
use super::providers::openai::OpenAi;
use super::providers::openai_responses::Native;
use super::providers::unbuilt::Unbuilt;
use crate::request::Op;

/// One provider.
pub struct Provider {
    /// LiteLLM's name.
    pub name: &'static str,
    /// Its wire protocol.
    pub adapter: &'static dyn Adapter,
    /// Default base URL, or empty when the caller must give one.
    pub base_url: &'static str,
    /// Environment variables that hold the key, first set wins.
    pub key_env: &'static [&'static str],
    /// Environment variables that hold a base URL.
    pub base_env: &'static [&'static str],
    /// The key sent when none is known: local servers want the header, not a secret.
    pub default_key: Option<&'static str>,
    /// Whether a lookup leaves address and key to the call, as LiteLLM's does for some.
    pub late: bool,
    /// Which of LiteLLM's two roads serves it.
    pub via: Via,
    /// Parameters it takes, as far as they do not depend on the model.
    pub params: &'static [&'static str],
    /// How LiteLLM builds its reply objects.
    pub form: Form,
    /// Whether replies name the model `provider/model` although the handler serves it.
    pub prefixes_model: bool,
    /// Which rules name its errors.
    pub family: Family,
    /// Whether LiteLLM lists it among its providers; some are known by their prefix only.
    pub listed: bool,
    /// Needs no more than an address and a key; what a model takes is what the catalogue says of it.
    pub plain: bool,
    /// Tools are taken whatever the catalogue says.
    pub always_tools: bool,
    /// What it does its own way.
    pub habits: &'static Habits,
    /// How it serves Anthropic's Messages, where it does; else it is asked through chat.
    pub messages: Option<&'static Messages>,
    /// How it serves the Responses API, where it does; else it is asked through chat.
    pub responses: Option<&'static Native>,
    /// The row for a model that it serves in another way than its others.
    pub variant: Option<fn(&str) -> Option<&'static Provider>>,
}

/// The OpenAI SDK's own retries.
const SDK_RETRIES: u32 = 2;

/// Providers whose embeddings LiteLLM asks through its handler although their chats go through the SDK.
const HANDLED_EMBEDDINGS: &[&str] = &[
    "perplexity",
    "volcengine",
    "dashscope",
    "qwencloud",
    "qwen_ai_platform",
    "sambanova",
    "vercel_ai_gateway",
    "lm_studio",
    "llamafile",
    "openai_like",
];

/// Providers whose embeddings go through the SDK although their chats go through the handler.
const SDK_EMBEDDINGS: &[&str] = &["together_ai", "fireworks_ai", "mistral"];

/// The two roads of LiteLLM to a compatible provider. They differ in the shape of replies
/// (`provider_specific_fields`), in how errors are told, and in default retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The OpenAI SDK: two retries by default, error bodies read by the SDK.
    Sdk,
    /// LiteLLM's generic HTTP handler: no retries, error bodies as text.
    Handler,
    /// A protocol of its own.
    Native,
}

impl Provider {
    const fn default_key(mut self, key: &'static str) -> Self {
        self.default_key = Some(key);
        self
    }

    const fn habits(mut self, habits: &'static Habits) -> Self {
        self.habits = habits;
        self
    }

    const fn messages(mut self, native: &'static Messages) -> Self {
        self.messages = Some(native);
        self
    }

    const fn responses(mut self, native: &'static Native) -> Self {
        self.responses = Some(native);
        self
    }

    const fn always_tools(mut self) -> Self {
        self.always_tools = true;
        self
    }

    const fn hidden(mut self) -> Self {
        self.listed = false;
        self
    }

    const fn late(mut self) -> Self {
        self.late = true;
        self
    }

    const fn variants(mut self, row: fn(&str) -> Option<&'static Provider>) -> Self {
        self.variant = Some(row);
        self
    }

    const fn speaks(mut self, adapter: &'static dyn Adapter) -> Self {
        self.adapter = adapter;
        self
    }

    const fn direct(mut self) -> Self {
        self.form = Form::Direct;
        self
    }

    const fn prefixed(mut self) -> Self {
        self.prefixes_model = true;
        self
    }

    const fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// LiteLLM's word for this provider's errors in messages: `OpenAIException`, `GroqException`, ...
    pub fn exception_name(&self) -> String {
        if matches!(self.name, "openai" | "text-completion-openai") {
            return "OpenAIException".to_owned();
        }
        let mut letters = self.name.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first
            .into_iter()
            .chain(letters)
            .chain("Exception".chars())
            .collect()
    }

    /// How often LiteLLM's client of this provider tries a call again when the caller `asked` for so many retries.
    ///
    /// The OpenAI SDK tries twice by itself. What the caller asks reaches it with chats only, and only where
    /// `max_retries` is among the provider's parameters; the generic handler never tries again.
    pub fn client_retries(&self, op: Op, asked: Option<u32>) -> u32 {
        let through_sdk = match op {
            Op::Responses | Op::Stored(_) => false,
            Op::Embeddings => {
                (self.via == Via::Sdk && !HANDLED_EMBEDDINGS.contains(&self.name))
                    || SDK_EMBEDDINGS.contains(&self.name)
            }
            _ => self.via == Via::Sdk,
        };
        let heard = op != Op::Embeddings
            && (self.params.is_empty() || self.params.contains(&"max_retries"));
        match asked.filter(|_| heard) {
            _ if !through_sdk => 0,
            Some(retries) => retries,
            None => SDK_RETRIES,
        }
    }

    /// The row that serves a model: this one, but for models that it serves in another way.
    pub fn serving(&'static self, model: &str) -> &'static Self {
        self.variant.and_then(|row| row(model)).unwrap_or(self)
    }

    /// Whether it speaks OpenAI's protocol.
    pub fn is_compatible(&self) -> bool {
        self.via != Via::Native
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

type Names = &'static [&'static str];

const fn row(
    name: &'static str,
    base_url: &'static str,
    key_env: Names,
    base_env: Names,
    params: Names,
) -> Provider {
    Provider {
        name,
        adapter: &OpenAi,
        base_url,
        key_env,
        base_env,
        default_key: None,
        late: false,
        via: Via::Sdk,
        params,
        form: Form::Converted,
        prefixes_model: false,
        family: Family::OpenAi,
        listed: true,
        plain: false,
        always_tools: false,
        habits: &Habits::NONE,
        messages: None,
        responses: None,
        variant: None,
    }
}

const fn sdk(
    name: &'static str,
    base_url: &'static str,
    key_env: Names,
    base_env: Names,
    params: Names,
) -> Provider {
    row(name, base_url, key_env, base_env, params)
}

const fn handler(
    name: &'static str,
    base_url: &'static str,
    key_env: Names,
    base_env: Names,
    params: Names,
) -> Provider {
    Provider {
        via: Via::Handler,
        ..row(name, base_url, key_env, base_env, params)
    }
}

const fn plain(
    name: &'static str,
    base_url: &'static str,
    key_env: Names,
    base_env: Names,
    params: Names,
) -> Provider {
    Provider {
        plain: true,
        ..row(name, base_url, key_env, base_env, params)
    }
}

const fn unlisted(
    name: &'static str,
    base_url: &'static str,
    key_env: Names,
    base_env: Names,
    params: Names,
) -> Provider {
    Provider {
        listed: false,
        habits: &super::habits::OLDER_MAX_TOKENS,
        ..row(name, base_url, key_env, base_env, params)
    }
}

const fn native(
    name: &'static str,
    base_url: &'static str,
    key_env: Names,
    base_env: Names,
    params: Names,
) -> Provider {
    Provider {
        adapter: &Unbuilt,
        via: Via::Native,
        ..row(name, base_url, key_env, base_env, params)
    }
}

/// All providers.
pub fn providers() -> impl Iterator<Item = &'static Provider> {
    compatible::ROWS
        .iter()
        .chain(plain::ROWS)
        .chain(native::ROWS)
}

/// Finds a provider by LiteLLM's name.
pub fn provider(name: &str) -> Option<&'static Provider> {
    providers().find(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_provider_has_one_row() {
        let names: Vec<&str> = providers().map(|row| row.name).collect();
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len());
        assert_eq!(providers().filter(|row| row.listed).count(), 187);
    }

    #[test]
    fn a_base_url_is_an_address_or_left_to_the_caller() {
        for row in providers() {
            let base = row.base_url;
            assert!(base.is_empty() || base.starts_with("http"), "{}", row.name);
        }
    }

    #[test]
    fn the_sdk_hears_of_retries_only_where_they_are_a_parameter() {
        let retries = |name, op| provider(name).map(|row| row.client_retries(op, Some(0)));
        assert_eq!(retries("openai", Op::Chat), Some(0));
        assert_eq!(retries("deepinfra", Op::Chat), Some(2));
        assert_eq!(retries("groq", Op::Chat), Some(0));
        assert_eq!(retries("together_ai", Op::Embeddings), Some(2));
        assert_eq!(retries("volcengine", Op::Embeddings), Some(0));
    }

    #[test]
    fn errors_are_named_after_the_provider() {
        let named = |name| provider(name).map(Provider::exception_name);
        assert_eq!(named("openai").as_deref(), Some("OpenAIException"));
        assert_eq!(named("groq").as_deref(), Some("GroqException"));
        assert_eq!(
            named("together_ai").as_deref(),
            Some("Together_aiException")
        );
    }
}
