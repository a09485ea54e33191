//! Making a [`Target`] of a model name and its options: provider, address and key, settled in LiteLLM's order:
//! what the call or deployment says, the environment, the provider's row.

use super::Target;
use super::errors::Family;
use super::lookup::{Env, get_llm_provider, through_proxy};
use super::providers::{azure, bedrock, mantle, watsonx};
use super::registry::{Provider, provider};
use crate::error::{Error, Result};
use crate::options::{Options, Secret};
use crate::params::Params;
use std::borrow::Cow;

impl Target {
    /// The target of `model` under `options`. Reads the environment through `env` and nothing else.
    ///
    /// # Errors
    /// [`Error::bad_request`] when the provider is unknown or its address cannot be told. A missing key is an error
    /// of the call, not of the target: it may come with the call.
    pub fn resolve(model: &str, options: &Options, env: Env<'_>) -> Result<Self> {
        let proxied = options.other.get::<bool>("use_litellm_proxy") == Some(true);
        let (model, custom) = if proxied {
            (through_proxy(model).into(), None)
        } else {
            (Cow::Borrowed(model), options.custom_llm_provider.as_deref())
        };
        let model = &*model;
        let lookup = get_llm_provider(
            model,
            custom,
            options.api_base.as_deref(),
            options.api_key.as_ref().map(Secret::expose),
            env,
        )?;
        let name = lookup.provider.unwrap_or_default();
        let row = provider(&name).ok_or_else(|| no_such_provider(&name, model))?;
        let api_base = lookup
            .api_base
            .or_else(|| row.base_from(env))
            .unwrap_or_default();
        if api_base.is_empty() && row.is_compatible() && row.family != Family::Azure {
            return Err(no_address(row, &lookup.model));
        }
        let api_key = options.api_key.clone().or_else(|| {
            lookup
                .api_key
                .or_else(|| row.key_from(env))
                .map(Secret::new)
        });
        let mut options = options.clone();
        // How it is asked, not what it is called.
        let named = lookup.model.strip_prefix("responses/");
        let named = named.filter(|_| row.responses.is_some());
        let upstream = named.map_or_else(|| lookup.model.clone(), str::to_owned);
        if options.organization.is_none() && row.name == "openai" {
            options.organization = env("OPENAI_ORGANIZATION").filter(|o| !o.is_empty());
        }
        if row.name.starts_with("vertex_ai") {
            for (name, variable) in [
                ("vertex_project", "VERTEXAI_PROJECT"),
                ("vertex_location", "VERTEXAI_LOCATION"),
                ("vertex_credentials", "VERTEXAI_CREDENTIALS"),
            ] {
                if let Some(value) = env(variable).filter(|value| !value.is_empty())
                    && !options.other.contains(name)
                {
                    options.other.set(name, &value);
                }
            }
        }
        if row.name.starts_with("azure") {
            azure::credentials::settle(&mut options, api_key.is_some(), env);
        }
        if row.name.starts_with("watsonx") {
            watsonx::settle(&mut options, env);
        }
        if row.name == "bedrock_mantle" {
            mantle::settle_region(&lookup.model, &mut options, env);
        }
        if row.name == "bedrock" || row.name.starts_with("sagemaker") {
            bedrock::settle_region(&lookup.model, &mut options, env);
        }
        Ok(Self {
            provider: row.serving(&upstream),
            model: upstream,
            api_base: api_base.trim_end_matches('/').to_owned(),
            api_key,
            options,
            defaults: Params::default(),
            deployment_id: String::new(),
            model_group: String::new(),
            litellm_model: model.to_owned(),
            memo: crate::adapt::Memo::default(),
        })
    }
}

impl Provider {
    /// The base URL of the environment, else the row's; `None` when neither says one.
    pub fn base_from(&self, env: Env<'_>) -> Option<String> {
        self.base_env
            .iter()
            .find_map(|name| env(name).filter(|base| !base.is_empty()))
            .or_else(|| self.habits.base.and_then(|base| base(env)))
            .or_else(|| Some(self.base_url.to_owned()).filter(|base| !base.is_empty()))
    }

    /// The key of the environment, else the row's stand-in for one.
    pub fn key_from(&self, env: Env<'_>) -> Option<String> {
        self.key_env
            .iter()
            .find_map(|name| env(name).filter(|key| !key.is_empty()))
            .or_else(|| self.default_key.map(str::to_owned))
    }
}

fn no_such_provider(name: &str, model: &str) -> Error {
    Error::bad_request(format!(
        "Unable to map your input to a model. Check your input - model={model}, custom_llm_provider={name}"
    ))
    .at(name, model)
}

/// The error of a target whose address nobody says.
pub fn no_address(row: &Provider, model: &str) -> Error {
    let hint = row.base_env.first().map_or_else(
        || "pass `api_base`".to_owned(),
        |name| format!("pass `api_base` or set `{name}`"),
    );
    Error::bad_request(format!("provider `{}` has no default address", row.name))
        .hint(hint)
        .at(row.name, model)
}
