//! From a configuration to [`Routes`]: every deployment's target is resolved here, once.

use super::wildcard::{Wildcards, fill};
use super::{Deployment, Env, Fallbacks, Group, Routes};
use crate::adapt::Target;
use crate::config::schema::{Config, ModelEntry};
use crate::error::{Error, Result};
use crate::options::{CustomPrice, Options};
use crate::params::Params;
use crate::resilience::{Cooldown, CooldownRules, RetryRules};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A deployment whose model is not settled before a call names it.
pub struct Template {
    model: String,
    options: Options,
    defaults: Params,
    settings: Deployment,
}

impl Template {
    /// The deployment for a name, with what the name's pattern matched.
    pub(super) fn deployment(
        &self,
        group: &str,
        matched: &[&str],
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Deployment> {
        let model = fill(&self.model, matched);
        let mut target = Target::resolve(&model, &self.options, env)?;
        target.defaults = self.defaults.clone();
        target
            .deployment_id
            .clone_from(&self.settings.target.deployment_id);
        target.model_group = group.to_owned();
        Ok(Deployment {
            target: Arc::new(target),
            ..self.settings.clone()
        })
    }
}

/// States by deployment id.
pub(super) type States = HashMap<String, Arc<Mutex<Cooldown>>>;

impl Routes {
    /// The routes of a configuration. `env` is the environment in which keys and addresses are looked up; `before`
    /// are the routes in force, whose deployments' state is kept. A deployment that cannot be resolved is left out
    /// and named in [`Routes::problems`].
    pub fn build(config: &Config, env: &Env, before: Option<&Self>) -> Self {
        let known = before.map(|routes| &routes.states);
        let env = environment(config, env);
        let mut routes = Self {
            aliases: config.router.model_group_alias.clone(),
            tag_filtering: config.router.enable_tag_filtering,
            tags_match_any: config.router.tag_filtering_match_any.unwrap_or(true),
            cooldowns: cooldowns(config),
            retries: retries(config),
            fallbacks: fallbacks(config),
            ..Self::default()
        };
        let mut groups: HashMap<String, Group> = HashMap::new();
        let mut patterns: Vec<(String, Vec<Template>)> = Vec::new();
        for entry in &config.model_list {
            let name = &entry.model_name;
            let template = match template(entry, config, known, &mut routes.states) {
                Ok(template) => template,
                Err(error) => {
                    routes.problems.push(format!("`{name}`: {}", error.message));
                    continue;
                }
            };
            if name.contains('*') {
                match patterns.iter_mut().find(|(pattern, _)| pattern == name) {
                    Some((_, templates)) => templates.push(template),
                    None => patterns.push((name.clone(), vec![template])),
                }
                continue;
            }
            match template.deployment(name, &[], &*env) {
                Ok(deployment) => {
                    let id = deployment.id().to_owned();
                    routes
                        .ids
                        .insert(id.clone(), Arc::new(alone(&deployment, id)));
                    let group = groups.entry(name.clone()).or_default();
                    group.name.clone_from(name);
                    group.deployments.push(deployment);
                }
                Err(error) => routes.problems.push(format!("`{name}`: {}", error.message)),
            }
        }
        routes.groups = groups
            .into_iter()
            .map(|(name, group)| (name, Arc::new(group)))
            .collect();
        routes.wildcards = Wildcards::new(patterns, env);
        routes
    }
}

/// The group of one deployment that its id names. It is shown by that name, not by its group's.
fn alone(deployment: &Deployment, id: String) -> Group {
    let mut target = Target::clone(&deployment.target);
    target.model_group.clone_from(&id);
    Group {
        name: id,
        deployments: vec![Deployment {
            target: Arc::new(target),
            ..deployment.clone()
        }],
    }
}

/// The environment as the configuration sees it: its own `environment_variables` win.
fn environment(config: &Config, env: &Env) -> Env {
    if config.environment.is_empty() {
        return env.clone();
    }
    let own = config.environment.clone();
    let env = env.clone();
    Arc::new(move |name| match own.get(name) {
        Some(value) => Some(value.expose().to_owned()),
        None => env(name),
    })
}

fn template(
    entry: &ModelEntry,
    config: &Config,
    known: Option<&States>,
    states: &mut States,
) -> Result<Template> {
    let (mut options, mut defaults) = Options::split(entry.litellm_params.clone())?;
    let model = defaults
        .remove("model")
        .and_then(|raw| serde_json::from_slice::<String>(&raw).ok())
        .filter(|model| !model.is_empty())
        .ok_or_else(|| Error::bad_request("`litellm_params.model` is missing"))?;
    settle(&mut options, entry, config);
    let other = |name: &str| {
        options
            .other
            .get::<serde_json::Value>(name)
            .or_else(|| entry.model_info.get(name).cloned())
    };
    let number = |name: &str| {
        other(name)
            .and_then(|value| value.as_f64())
            .unwrap_or(0.0)
            .max(0.0)
    };
    let id = entry
        .model_info
        .get("id")
        .and_then(|id| id.as_str())
        .unwrap_or_default()
        .to_owned();
    let state = states
        .entry(id.clone())
        .or_insert_with(|| {
            let known = known.and_then(|known| known.get(&id));
            known.cloned().unwrap_or_default()
        })
        .clone();
    let mut stub = Target::resolve("openai/unsettled", &Options::default(), &|_| None)?;
    stub.deployment_id = id;
    let settings = Deployment {
        target: Arc::new(stub),
        weight: number("weight"),
        rpm: number("rpm"),
        tpm: number("tpm"),
        order: other("order").and_then(|order| order.as_i64()),
        tags: options.tags.clone().into(),
        cooldown_time: other("cooldown_time")
            .and_then(|value| value.as_f64())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        max_parallel: other("max_parallel_requests")
            .and_then(|value| value.as_u64())
            .map(|most| most.clamp(1, u64::from(u32::MAX)) as u32),
        state,
    };
    Ok(Template {
        model,
        options,
        defaults,
        settings,
    })
}

/// What the file says of all deployments, where this one says nothing.
fn settle(options: &mut Options, entry: &ModelEntry, config: &Config) {
    let Config {
        litellm, router, ..
    } = config;
    // As in LiteLLM, a deployment cannot switch off what is on for all.
    if litellm.drop_params {
        options.drop_params = Some(true);
    }
    for name in ["user_url_validation", "user_url_allowed_hosts"] {
        if let Some(value) = litellm.other.get(name) {
            options.other.set(name, value);
        }
    }
    options.modify_params = options
        .modify_params
        .or(litellm.modify_params.then_some(true));
    options.timeout = options
        .timeout
        .or(router.timeout)
        .or(litellm.request_timeout);
    options.stream_timeout = options.stream_timeout.or(router.stream_timeout);
    // The usage of a stream is what its cost is told by; the adapter hides it from callers that did not ask.
    options.ask_stream_usage = true;
    if options.base_model.is_none() {
        options.base_model = entry
            .model_info
            .get("base_model")
            .and_then(|base| base.as_str())
            .map(str::to_owned);
    }
    let info = entry
        .model_info
        .iter()
        .filter(|(name, _)| name.contains("_cost") || name.contains("cost_per"));
    for (name, value) in info {
        if let Some(price) = value.as_f64() {
            let custom = options.price.get_or_insert_with(CustomPrice::default);
            custom.prices.entry(name.clone()).or_insert(price);
        }
    }
    // LiteLLM lists every model that the configuration names in full; a listed model costs nothing where nobody says
    // a price, one that a wildcard matched has no cost then.
    let model: String = entry.litellm_params.get("model").unwrap_or_default();
    if !model.contains('*') {
        options.price.get_or_insert_with(CustomPrice::default);
    }
    if let Some(custom) = &mut options.price {
        custom.of_deployment = true;
    }
}

fn cooldowns(config: &Config) -> CooldownRules {
    CooldownRules {
        disabled: config.router.disable_cooldowns,
        time: config.router.cooldown_time,
        allowed_fails: config.router.allowed_fails,
        allowed_fails_policy: config.router.allowed_fails_policy.clone(),
    }
}

fn retries(config: &Config) -> RetryRules {
    RetryRules {
        retries: config.router.num_retries.or(config.litellm.num_retries),
        least_wait: Duration::try_from_secs_f64(config.router.retry_after).unwrap_or_default(),
        policy: config.router.retry_policy.clone(),
        group_policy: config.router.model_group_retry_policy.clone(),
    }
}

fn fallbacks(config: &Config) -> Fallbacks {
    fn first<'a, T>(router: &'a [T], litellm: &'a [T]) -> &'a [T] {
        if router.is_empty() { litellm } else { router }
    }
    let Config {
        litellm, router, ..
    } = config;
    Fallbacks::new(
        first(&router.fallbacks, &litellm.fallbacks),
        first(&router.default_fallbacks, &litellm.default_fallbacks),
        first(
            &router.context_window_fallbacks,
            &litellm.context_window_fallbacks,
        ),
        first(
            &router.content_policy_fallbacks,
            &litellm.content_policy_fallbacks,
        ),
        router.max_fallbacks,
    )
}
