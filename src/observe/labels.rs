//! What labels say of a call: LiteLLM's values, with `None` as a text where LiteLLM has none.

use crate::account::Receipt;
use crate::adapt::Target;

/// LiteLLM's word for a value that is not there.
pub const NONE: &str = "None";

/// The label values of a call, by label name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Labels<'a> {
    pub hashed_api_key: &'a str,
    pub api_key_alias: &'a str,
    pub user: &'a str,
    pub client_ip: &'a str,
    pub user_agent: &'a str,
    pub route: &'a str,
    pub requested_model: &'a str,
    pub model_group: &'a str,
    pub model: &'a str,
    pub model_id: &'a str,
    pub api_base: &'a str,
    pub api_provider: &'a str,
    pub service_tier: &'a str,
    pub status: &'a str,
    pub exception_class: &'a str,
    pub fallback_model: &'a str,
}

impl<'a> Labels<'a> {
    /// Nothing known.
    pub const NOTHING: Self = Self {
        hashed_api_key: NONE,
        api_key_alias: NONE,
        user: NONE,
        client_ip: NONE,
        user_agent: NONE,
        route: NONE,
        requested_model: NONE,
        model_group: NONE,
        model: NONE,
        model_id: NONE,
        api_base: NONE,
        api_provider: NONE,
        service_tier: NONE,
        status: NONE,
        exception_class: NONE,
        fallback_model: NONE,
    };

    /// What is known of the caller; the rest is [`NONE`].
    pub fn of_caller(receipt: &'a Receipt) -> Self {
        let caller = &receipt.caller;
        Self {
            hashed_api_key: or_none(caller.hashed_key.as_deref()),
            api_key_alias: or_none(caller.key_alias.as_deref()),
            user: or_none(caller.user_id.as_deref()),
            client_ip: or_none(caller.client_ip.as_deref()),
            user_agent: or_none(caller.user_agent.as_deref()),
            route: or_none(Some(&*caller.route).filter(|r| !r.is_empty())),
            ..Self::NOTHING
        }
    }

    /// Adds what is known of a deployment. A wildcard group is named by what was asked of it, as in LiteLLM.
    #[must_use]
    pub fn at(mut self, target: &'a Target, asked: &'a str) -> Self {
        let group = target.model_group.as_str();
        let group = if group.is_empty() || group.contains('*') {
            asked
        } else {
            group
        };
        self.requested_model = group;
        self.model_group = group;
        self.model = &target.model;
        self.model_id = or_none(Some(target.deployment_id.as_str()).filter(|id| !id.is_empty()));
        self.api_base = &target.api_base;
        self.api_provider = target.provider.name;
        self
    }

    /// The value of a label. Labels of teams, organisations and customers have nobody to name yet.
    pub fn value(&self, label: &str) -> &'a str {
        match label {
            "hashed_api_key" => self.hashed_api_key,
            "api_key_alias" => self.api_key_alias,
            "user" => self.user,
            "client_ip" => self.client_ip,
            "user_agent" => self.user_agent,
            "route" => self.route,
            "requested_model" => self.requested_model,
            "model_group" => self.model_group,
            "model" | "litellm_model_name" => self.model,
            "model_id" => self.model_id,
            "api_base" => self.api_base,
            "api_provider" => self.api_provider,
            "service_tier" => self.service_tier,
            "status_code" | "exception_status" => self.status,
            "exception_class" => self.exception_class,
            "fallback_model" => self.fallback_model,
            _ => NONE,
        }
    }
}

fn or_none(value: Option<&str>) -> &str {
    value.unwrap_or(NONE)
}

/// LiteLLM's `exception_class`: the provider with a capital letter before the class, `Openai.RateLimitError`.
pub fn exception_class(provider: &str, class: &str) -> String {
    let mut letters = provider.chars();
    match letters.next() {
        None => class.to_owned(),
        Some(first) => format!("{}{}.{class}", first.to_uppercase(), letters.as_str()),
    }
}
