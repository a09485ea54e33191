//! From a configuration to [`Routes`]: every deployment's target is resolved here, once.

use super::deployment::Prices;
use super::strategy::Strategy;
use super::wildcard::{Wildcards, fill};
use super::{Deployment, Env, Fallbacks, Group, GroupState, Routes, Rules, State};
use crate::adapt::Target;
use crate::catalog;
use crate::config::guards;
use crate::config::schema::{Budget, Config, ModelEntry};
use crate::error::{Error, Result};
use crate::options::{CustomPrice, Options};
use crate::params::Params;
use crate::resilience::{CooldownRules, Limits, RetryRules};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A deployment whose model is not settled before a call names it.
pub struct Template {
    model: String,
    options: Options,
    defaults: Params,
    settings: Deployment,
    /// Whether anybody asks for prices and context windows.
    described: bool,
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
        let mut deployment = Deployment {
            target: Arc::new(target),
            ..self.settings.clone()
        };
        if self.described {
            describe(&mut deployment);
        }
        Ok(deployment)
    }
}

/// The model's list price, and the longest prompt that it takes, where the deployment does not say.
fn describe(deployment: &mut Deployment) {
    let target = &deployment.target;
    let base = target.options.base_model.as_deref();
    let found = match base {
        Some(base) => {
            catalog::find(base, None).or_else(|| catalog::find(base, Some(target.provider.name)))
        }
        None => catalog::find(&target.model, Some(target.provider.name)),
    };
    let listed = |name: &str| {
        let entry = &found.as_ref()?.entry;
        entry.get(name)?.as_f64()
    };
    let custom = target.options.price.as_ref();
    let price = |name: &str| {
        let own = custom.and_then(|custom| custom.prices.get(name).copied());
        own.or_else(|| listed(name))
    };
    deployment.prices = Prices {
        input: price("input_cost_per_token"),
        output: price("output_cost_per_token"),
        cache_read: price("cache_read_input_token_cost"),
    };
    if deployment.max_input_tokens.is_none() {
        deployment.max_input_tokens = listed("max_input_tokens").map(|tokens| tokens as u64);
    }
}

/// How deployments (by id) and groups (by name) fare.
#[derive(Default)]
pub(super) struct States {
    deployments: HashMap<String, Arc<State>>,
    groups: HashMap<String, Arc<GroupState>>,
}

impl States {
    /// The state of a deployment, the one it had before if it was there.
    fn deployment(&mut self, id: &str, before: Option<&Self>) -> Arc<State> {
        let known = before.and_then(|states| states.deployments.get(id));
        let state = self.deployments.entry(id.to_owned());
        state
            .or_insert_with(|| known.cloned().unwrap_or_default())
            .clone()
    }

    /// The same of a group.
    fn group(&mut self, name: &str, before: Option<&Self>) -> Arc<GroupState> {
        let known = before.and_then(|states| states.groups.get(name));
        let state = self.groups.entry(name.to_owned());
        state
            .or_insert_with(|| known.cloned().unwrap_or_default())
            .clone()
    }
}

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
            rules: Rules::of(config, before.map(|routes| &routes.rules)),
            ..Self::default()
        };
        let mut groups: HashMap<String, Group> = HashMap::new();
        let mut patterns: Vec<(String, Vec<Template>)> = Vec::new();
        let (mut budgets, mut parallel) = (false, false);
        for entry in &config.model_list {
            let name = &entry.model_name;
            let template = match template(entry, config, known, &mut routes.states) {
                Ok(template) => template,
                Err(error) => {
                    routes.problems.push(format!("`{name}`: {}", error.message));
                    continue;
                }
            };
            budgets |= template.settings.budget.is_some();
            parallel |= template.settings.max_parallel.is_some();
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
                    let states = &mut routes.states;
                    let group = groups.entry(name.clone()).or_insert_with(|| Group {
                        name: name.clone(),
                        deployments: Vec::new(),
                        state: states.group(name, known),
                    });
                    group.deployments.push(Arc::new(deployment));
                }
                Err(error) => routes.problems.push(format!("`{name}`: {}", error.message)),
            }
        }
        groups.values().for_each(Group::add_up_limits);
        routes.groups = groups
            .into_iter()
            .map(|(name, group)| (name, Arc::new(group)))
            .collect();
        let rules = &routes.rules;
        routes.has_budgets = !rules.providers.is_empty() || budgets;
        routes.has_parallel_limits = rules.adaptive.is_some() || parallel;
        routes.is_plain = !(routes.has_budgets
            || routes.has_parallel_limits
            || routes.tag_filtering
            || rules.checks
            || rules.counts_use()
            || rules.health.is_some());
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
        deployments: vec![Arc::new(Deployment {
            target: Arc::new(target),
            ..deployment.clone()
        })],
        state: Arc::default(),
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
    let state = states.deployment(&id, known);
    let count = |name: &str| {
        let value = other(name)?;
        value.as_u64().or_else(|| value.as_f64().map(|n| n as u64))
    };
    let text = |name: &str| other(name).and_then(|value| value.as_str().map(str::to_owned));
    let mut stub = Target::resolve("openai/unsettled", &Options::default(), &|_| None)?;
    stub.deployment_id = id;
    let settings = Deployment {
        target: Arc::new(stub),
        weight: number("weight"),
        rpm: number("rpm"),
        tpm: number("tpm"),
        limits: Limits {
            requests: count("rpm"),
            tokens: count("tpm"),
        },
        order: other("order").and_then(|order| order.as_i64()),
        tags: options.tags.clone().into(),
        cooldown_time: other("cooldown_time")
            .and_then(|value| value.as_f64())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        max_parallel: max_parallel(
            count("max_parallel_requests"),
            count("rpm"),
            count("tpm"),
            config.router.default_max_parallel_requests,
        ),
        budget: number_of(other("max_budget").as_ref()).and_then(|limit| {
            let period = text("budget_duration").and_then(|text| guards::period(&text))?;
            Some(Budget { limit, period })
        }),
        max_input_tokens: count("max_input_tokens"),
        region: text("region_name"),
        prices: Prices::default(),
        state,
    };
    Ok(Template {
        model,
        options,
        defaults,
        settings,
        described: config.router.enable_pre_call_checks
            || config
                .router
                .routing_strategy
                .as_deref()
                .and_then(Strategy::named)
                .is_some_and(Strategy::reads_prices),
    })
}

/// Calls in flight that a deployment takes: LiteLLM derives them from the other limits where they are not said (six
/// requests for each thousand tokens a minute, Azure's rule).
fn max_parallel(
    said: Option<u64>,
    rpm: Option<u64>,
    tpm: Option<u64>,
    usual: Option<u32>,
) -> Option<u32> {
    let derived = said
        .or(rpm)
        .or_else(|| tpm.map(|tpm| (tpm * 6 / 1000).max(1)));
    derived
        .or(usual.map(u64::from))
        .filter(|most| *most > 0)
        .map(|most| most.min(u64::from(u32::MAX)) as u32)
}

fn number_of(value: Option<&serde_json::Value>) -> Option<f64> {
    let number = value?.as_f64()?;
    Some(number).filter(|number| number.is_finite() && *number > 0.0)
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
    if let Some(mode) = entry.model_info.get("mode") {
        let pinned = serde_json::json!({"mode": mode});
        options.other.set("model_info", &pinned);
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

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
