//! What is worked out once for a target and holds for all its calls: prices, the parameters it takes, how its messages
//! are cleaned, its names as header values.

use super::Target;
use super::params;
use super::providers::openai_request::messages::Rules;
use super::providers::openai_request::wire::secret;
use super::providers::openai_responses::Chats;
use crate::account::price::Quote;
use crate::error::Result;
use http::HeaderValue;
use std::sync::{Arc, OnceLock};

/// The results. A copy of a target begins anew, because copies are made to be changed.
#[derive(Debug, Default)]
pub struct Memo {
    quote: OnceLock<Option<Arc<Quote>>>,
    supported: OnceLock<Vec<&'static str>>,
    rules: OnceLock<Rules>,
    heads: OnceLock<Heads>,
    chats: OnceLock<Chats>,
    limits: OnceLock<GroupLimits>,
    bearer: OnceLock<Option<HeaderValue>>,
    logged: OnceLock<String>,
}

/// Requests and tokens a minute of a model group, as replies tell them; `None` for what nobody says.
#[derive(Clone, Debug, Default)]
pub struct GroupLimits {
    /// `rpm`.
    pub requests: Option<HeaderValue>,
    /// `tpm`.
    pub tokens: Option<HeaderValue>,
}

impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A target's names as replies carry them; `None` for what is empty or no header can hold.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Heads {
    pub deployment_id: Option<HeaderValue>,
    pub litellm_model: Option<HeaderValue>,
    /// Without a query.
    pub api_base: Option<HeaderValue>,
    pub model_group: Option<HeaderValue>,
}

impl Memo {
    /// For a copy under another name, where the first one tells which parameters are taken.
    pub fn taking(supported: &[&'static str]) -> Self {
        let memo = Self::default();
        // Nobody else has seen it.
        let _ = memo.supported.set(supported.to_vec());
        memo
    }

    /// Keeps what the group of the target may be asked in a minute: known once all its deployments are.
    pub fn in_group(&self, limits: &GroupLimits) {
        let _ = self.limits.set(limits.clone());
    }

    /// What was kept.
    pub fn group_limits(&self) -> Option<&GroupLimits> {
        self.limits.get()
    }
}

impl Target {
    /// The target's prices: the deployment's own, or the price map's. `None` when nobody says one.
    pub fn quote(&self) -> Option<&Quote> {
        let options = &self.options;
        let quote = self.memo.quote.get_or_init(|| {
            Quote::of(
                self.provider.name,
                &self.model,
                options.base_model.as_deref(),
                options.price.as_ref(),
            )
        });
        quote.as_deref()
    }

    /// The name that tells which model it is: the base model's, where the provider's names are the caller's own.
    pub fn known_as(&self) -> &str {
        let base = self.options.base_model.as_deref();
        base.filter(|_| self.provider.habits.by_base_model)
            .unwrap_or(&self.model)
    }

    /// The OpenAI parameters that the target takes.
    pub fn supported(&self) -> &[&'static str] {
        let supported = &self.memo.supported;
        supported.get_or_init(|| params::supported(self.provider, self.known_as()))
    }

    /// How messages to the target are cleaned, once worked out by `rules`.
    pub(super) fn message_rules(&self, rules: impl FnOnce() -> Rules) -> Rules {
        *self.memo.rules.get_or_init(rules)
    }

    /// How chats are asked of it.
    pub fn chats(&self) -> Chats {
        *self.memo.chats.get_or_init(|| Chats::of(self))
    }

    /// Its key as a bearer token, marked sensitive so that no log shows it.
    ///
    /// # Errors
    /// Bytes that no header may hold.
    pub fn bearer(&self) -> Result<Option<HeaderValue>> {
        let Some(key) = &self.api_key else {
            return Ok(None);
        };
        let text = || format!("Bearer {}", key.expose());
        let kept = &self.memo.bearer;
        match kept.get_or_init(|| secret(text(), self).ok()) {
            Some(value) => Ok(Some(value.clone())),
            None => secret(text(), self).map(Some),
        }
    }

    /// What a line of the log says of it, once worked out by `write`.
    pub fn logged(&self, write: impl FnOnce(&Self) -> String) -> &str {
        self.memo.logged.get_or_init(|| write(self))
    }

    /// Its names as header values.
    pub fn heads(&self) -> &Heads {
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .ok()
                .filter(|value| !value.is_empty())
        };
        self.memo.heads.get_or_init(|| Heads {
            deployment_id: value(&self.deployment_id),
            litellm_model: value(&self.litellm_model),
            api_base: value(self.api_base.split('?').next().unwrap_or_default()),
            model_group: value(&self.model_group),
        })
    }
}
