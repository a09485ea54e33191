//! The checked document as typed [`Config`]: sections read, credentials merged, deployment ids given.

use super::document::{Node, NodeValue};
use super::report::{Level, Report};
use super::resolve::Environment;
use super::schema::{
    Alias, Config, FallbackRule, GeneralSettings, LitellmSettings, ModelEntry, RouterSettings,
};
use super::{guards, identity, levels, models};
use crate::cache;
use crate::observe::redact::Patterns;
use crate::options::Secret;
use crate::params::Params;
use crate::store::address::Address;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Builds the configuration from a document whose values are of their kinds already.
pub fn build(root: &Node, environment: Environment<'_>, report: &mut Report) -> Config {
    let router = Settings {
        path: "router_settings",
        own: root.get("router_settings"),
        shared: root.get("litellm_settings"),
    };
    let litellm = Settings {
        path: "litellm_settings",
        own: root.get("litellm_settings"),
        shared: None,
    };
    let general = Settings {
        path: "general_settings",
        own: root.get("general_settings"),
        shared: None,
    };
    let mut config = Config {
        model_list: models::deployments(root, report),
        litellm: cached(
            litellm_settings(&litellm, report),
            &litellm,
            &environment,
            report,
        ),
        general: general_settings(&general, &environment, report),
        router: router_settings(&router, &general, &environment, report),
        environment: environment.own,
        ..Config::default()
    };
    for entry in &mut config.model_list {
        identity::give_id(entry);
        // After the id: these are no part of the deployment.
        for (name, raw) in config.router.default_litellm_params.iter() {
            if name != "model" && name != "metadata" {
                entry.litellm_params.set_raw(name, raw.clone());
            }
        }
    }
    models::check_names(&config, root, report);
    config
}

/// The settings, once it is told whether the cache that they ask for can be had: without one the server starts, too.
fn cached(
    settings: LitellmSettings,
    s: &Settings<'_>,
    environment: &Environment<'_>,
    report: &mut Report,
) -> LitellmSettings {
    let params = settings
        .other
        .get("cache_params")
        .and_then(Value::as_object);
    if let (true, Some(params), Some(node)) = (s.on("cache"), params, s.get("cache_params"))
        && let Err(why) = cache::Settings::read(params, &|name| environment.get(name))
    {
        let key = format!("{}.cache_params", s.path);
        report.add(
            Level::Warning,
            &node.place,
            &key,
            format!("nothing is cached: {why}"),
        );
    }
    settings
}

/// One settings section; `shared` is another one that may hold the same keys, with less weight.
struct Settings<'a> {
    path: &'static str,
    own: Option<&'a Node>,
    shared: Option<&'a Node>,
}

impl<'a> Settings<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        let given = |section: Option<&'a Node>| section?.get(key).filter(|node| !node.is_null());
        given(self.own).or_else(|| given(self.shared))
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            NodeValue::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    fn on(&self, key: &str) -> bool {
        self.flag(key).unwrap_or(false)
    }

    fn number(&self, key: &str) -> Option<f64> {
        match &self.get(key)?.value {
            NodeValue::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    fn count(&self, key: &str) -> Option<u32> {
        self.number(key).map(|n| n as u32)
    }

    fn seconds(&self, key: &str) -> Option<Duration> {
        Duration::try_from_secs_f64(self.number(key)?).ok()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.text().map(str::to_owned)
    }

    /// A list of texts; one text alone counts as a list of it.
    fn texts(&self, key: &str) -> Vec<String> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        match &node.value {
            NodeValue::Text(text) => vec![text.clone()],
            _ => node
                .items()
                .iter()
                .filter_map(|item| item.text().map(str::to_owned))
                .collect(),
        }
    }

    fn params(&self, key: &str) -> Params {
        self.get(key).map(to_params).unwrap_or_default()
    }

    fn rules(&self, key: &str, report: &mut Report) -> Vec<FallbackRule> {
        let mut rules = Vec::new();
        for item in self.get(key).map(Node::items).unwrap_or_default() {
            for member in item.members() {
                let to = match &member.value.value {
                    NodeValue::List(targets) => targets.iter().map(Node::to_json).collect(),
                    NodeValue::Text(target) => vec![Value::String(target.clone())],
                    _ => {
                        report.add_with_hint(
                            Level::Error,
                            &member.value.place,
                            &format!("{}.{key}", self.path),
                            format!("names no list of fallbacks for `{}`", member.key),
                            "write `- group: [\"other-group\"]`",
                        );
                        continue;
                    }
                };
                rules.push(FallbackRule {
                    group: member.key.clone(),
                    to,
                });
            }
            if item.members().is_empty() {
                report.add_with_hint(
                    Level::Error,
                    &item.place,
                    &format!("{}.{key}", self.path),
                    format!("holds {}, not a rule", item.kind()),
                    "write `- group: [\"other-group\"]`",
                );
            }
        }
        rules
    }

    /// A mapping of names to whole numbers, such as a retry policy.
    fn counts(&self, key: &str, report: &mut Report) -> BTreeMap<String, u32> {
        self.get(key).map_or_else(BTreeMap::new, |node| {
            counts(node, &format!("{}.{key}", self.path), report)
        })
    }

    /// The whole section as it is, for keys that have no typed place.
    fn other(&self, typed: &[&str]) -> Map<String, Value> {
        let mut other = match self.own.map(Node::to_json) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        other.retain(|key, _| !typed.contains(&key.as_str()));
        other
    }
}

fn counts(node: &Node, path: &str, report: &mut Report) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for member in node.members() {
        let number = match &member.value.value {
            NodeValue::Number(number) => number.as_u64(),
            NodeValue::Text(text) => text.trim().parse().ok(),
            NodeValue::Null => continue,
            _ => None,
        };
        match number {
            Some(number) => {
                counts.insert(member.key.clone(), number as u32);
            }
            None => report.add(
                Level::Error,
                &member.value.place,
                &format!("{path}.{}", member.key),
                format!("is {}, not a whole number from 0", member.value.kind()),
            ),
        }
    }
    counts
}

/// A mapping as raw members.
pub fn to_params(node: &Node) -> Params {
    let mut params = Params::default();
    for member in node.members() {
        params.set(&member.key, &member.value.to_json());
    }
    params
}

fn litellm_settings(s: &Settings<'_>, report: &mut Report) -> LitellmSettings {
    let mut callbacks = s.texts("callbacks");
    callbacks.extend(s.texts("success_callback"));
    callbacks.extend(s.texts("failure_callback"));
    LitellmSettings {
        drop_params: s.on("drop_params"),
        modify_params: s.on("modify_params"),
        num_retries: s.count("num_retries"),
        request_timeout: s.seconds("request_timeout"),
        callbacks,
        fallbacks: s.rules("fallbacks", report),
        context_window_fallbacks: s.rules("context_window_fallbacks", report),
        content_policy_fallbacks: s.rules("content_policy_fallbacks", report),
        default_fallbacks: s.texts("default_fallbacks"),
        json_logs: s.on("json_logs"),
        turn_off_message_logging: s.on("turn_off_message_logging"),
        return_response_headers: s.on("return_response_headers"),
        require_auth_for_metrics_endpoint: s
            .flag("require_auth_for_metrics_endpoint")
            .unwrap_or(true),
        other: s.other(&[
            "drop_params",
            "modify_params",
            "num_retries",
            "request_timeout",
            "callbacks",
            "fallbacks",
            "context_window_fallbacks",
            "content_policy_fallbacks",
            "default_fallbacks",
            "json_logs",
            "turn_off_message_logging",
            "return_response_headers",
            "require_auth_for_metrics_endpoint",
        ]),
    }
}

fn general_settings(
    s: &Settings<'_>,
    environment: &Environment<'_>,
    report: &mut Report,
) -> GeneralSettings {
    let master_key = s
        .text("master_key")
        .or_else(|| environment.get("LITELLM_MASTER_KEY"));
    GeneralSettings {
        master_key: master_key.filter(|key| !key.is_empty()).map(Secret::new),
        litellm_key_header_name: s.text("litellm_key_header_name"),
        always_include_stream_usage: s.on("always_include_stream_usage"),
        forward_client_headers_to_llm_api: s.on("forward_client_headers_to_llm_api"),
        max_request_size_mb: s.number("max_request_size_mb"),
        client_header_timeout: s.seconds("client_header_timeout"),
        client_body_timeout: s.seconds("client_body_timeout"),
        max_response_size_mb: s.number("max_response_size_mb"),
        completion_model: s.text("completion_model"),
        embedding_model: s.text("embedding_model"),
        include_call_id_in_error_body: s.on("include_call_id_in_error_body"),
        infer_model_from_keys: s.on("infer_model_from_keys"),
        enforce_user_param: s.on("enforce_user_param"),
        dangerously_permit_weak_or_unset_master_key: s
            .on("dangerously_permit_weak_or_unset_master_key"),
        background_health_checks: s.on("background_health_checks"),
        health_check_interval: s.seconds("health_check_interval"),
        health_check_concurrency: s.count("health_check_concurrency"),
        health_check_ignore_transient_errors: s.on("health_check_ignore_transient_errors"),
        global_max_parallel_requests: s.count("global_max_parallel_requests"),
        max_in_flight_requests_per_worker: s.count("max_in_flight_requests_per_worker"),
        max_queued_requests_per_worker: s.count("max_queued_requests_per_worker"),
        admission_queue_timeout: s.seconds("admission_queue_timeout_seconds"),
        log_levels: levels::log_levels(s.get("log_levels"), report),
        redact_patterns: redact_patterns(s, report),
        other: s.other(&[
            "master_key",
            "litellm_key_header_name",
            "always_include_stream_usage",
            "forward_client_headers_to_llm_api",
            "max_request_size_mb",
            "max_response_size_mb",
            "completion_model",
            "embedding_model",
            "include_call_id_in_error_body",
            "infer_model_from_keys",
            "enforce_user_param",
            "dangerously_permit_weak_or_unset_master_key",
        ]),
    }
}

/// `redact_patterns`, compiled.
fn redact_patterns(s: &Settings<'_>, report: &mut Report) -> Option<Arc<Patterns>> {
    let node = s.get("redact_patterns")?;
    match Patterns::new(&s.texts("redact_patterns")) {
        Ok(patterns) => Some(Arc::new(patterns)),
        Err(why) => {
            let path = format!("{}.redact_patterns", s.path);
            report.add_with_hint(
                Level::Error,
                &node.place,
                &path,
                format!("cannot be used: {why}"),
                "write regular expressions without look-around and back-references",
            );
            None
        }
    }
}

fn router_settings(
    s: &Settings<'_>,
    general: &Settings<'_>,
    environment: &Environment<'_>,
    report: &mut Report,
) -> RouterSettings {
    let mut model_group_retry_policy = BTreeMap::new();
    for member in s
        .get("model_group_retry_policy")
        .map(Node::members)
        .unwrap_or_default()
    {
        let path = format!("{}.model_group_retry_policy.{}", s.path, member.key);
        model_group_retry_policy.insert(member.key.clone(), counts(&member.value, &path, report));
    }
    RouterSettings {
        routing_strategy: s.text("routing_strategy"),
        num_retries: s.count("num_retries"),
        retry_after: s.number("retry_after").unwrap_or(0.0),
        timeout: s.seconds("timeout"),
        stream_timeout: s.seconds("stream_timeout"),
        retry_policy: s.counts("retry_policy", report),
        model_group_retry_policy,
        fallbacks: s.rules("fallbacks", report),
        context_window_fallbacks: s.rules("context_window_fallbacks", report),
        content_policy_fallbacks: s.rules("content_policy_fallbacks", report),
        default_fallbacks: s.texts("default_fallbacks"),
        max_fallbacks: s.count("max_fallbacks"),
        allowed_fails: s.count("allowed_fails"),
        allowed_fails_policy: s.counts("allowed_fails_policy", report),
        cooldown_time: s.seconds("cooldown_time"),
        disable_cooldowns: s.on("disable_cooldowns"),
        model_group_alias: aliases(s, report),
        enable_pre_call_checks: s.on("enable_pre_call_checks"),
        enable_tag_filtering: s.on("enable_tag_filtering"),
        tag_filtering_match_any: s.flag("tag_filtering_match_any"),
        default_litellm_params: s.params("default_litellm_params"),
        routing_strategy_args: guards::strategy_args(s.get("routing_strategy_args"), report),
        enforce_model_rate_limits: s
            .texts("optional_pre_call_checks")
            .iter()
            .any(|check| check == "enforce_model_rate_limits"),
        default_max_parallel_requests: s.count("default_max_parallel_requests"),
        default_priority: s.number("default_priority").map(|priority| priority as i64),
        provider_budgets: guards::provider_budgets(s.get("provider_budget_config"), report),
        enable_health_check_routing: s.on("enable_health_check_routing")
            || general.on("enable_health_check_routing"),
        health_check_staleness_threshold: s
            .seconds("health_check_staleness_threshold")
            .or_else(|| general.seconds("health_check_staleness_threshold")),
        retry_budget: guards::retry_budget(s.get("retry_budget"), report),
        circuit_breaker: guards::breaker(s.get("circuit_breaker"), report),
        max_queued_requests: s.count("max_queued_requests"),
        queue_timeout: s.seconds("queue_timeout"),
        adaptive_concurrency: guards::adaptive(s.get("adaptive_concurrency"), report),
        hedging: guards::hedging(s.get("hedging"), report),
        redis: redis(s, environment, report),
        other: s.other(&[]),
    }
}

/// The Redis that limits are shared in, where `redis_url` or `redis_host` names one.
fn redis(s: &Settings<'_>, environment: &Environment<'_>, report: &mut Report) -> Option<Address> {
    let said = |name: &str| {
        s.text(&format!("redis_{name}"))
            .filter(|text| !text.is_empty())
    };
    let named = ["redis_url", "redis_host"]
        .into_iter()
        .find(|name| s.text(name).is_some())?;
    match Address::read(&said, &|name| environment.get(name)) {
        Ok(address) => Some(address),
        Err(why) => {
            let place = s
                .get(named)
                .map(|node| node.place.clone())
                .unwrap_or_default();
            let key = format!("{}.{named}", s.path);
            report.add(
                Level::Warning,
                &place,
                &key,
                format!("limits are not shared: {why}"),
            );
            None
        }
    }
}

fn aliases(s: &Settings<'_>, report: &mut Report) -> BTreeMap<String, Alias> {
    let mut aliases = BTreeMap::new();
    for member in s
        .get("model_group_alias")
        .map(Node::members)
        .unwrap_or_default()
    {
        let model = member
            .value
            .text()
            .or_else(|| member.value.get("model").and_then(Node::text));
        let Some(model) = model else {
            report.add_with_hint(
                Level::Error,
                &member.value.place,
                &format!("{}.model_group_alias.{}", s.path, member.key),
                "names no model group",
                "write `alias: group` or `alias: {model: group, hidden: true}`",
            );
            continue;
        };
        let hidden = matches!(
            member.value.get("hidden").map(|n| &n.value),
            Some(NodeValue::Bool(true))
        );
        let alias = Alias {
            model: model.to_owned(),
            hidden,
        };
        aliases.insert(member.key.clone(), alias);
    }
    aliases
}

/// The entry of one `model_list` item, or `None` when the report says why not.
pub fn entry(item: &Node) -> ModelEntry {
    ModelEntry {
        model_name: item
            .get("model_name")
            .and_then(Node::text)
            .unwrap_or_default()
            .to_owned(),
        litellm_params: item
            .get("litellm_params")
            .map(to_params)
            .unwrap_or_default(),
        model_info: match item.get("model_info").map(Node::to_json) {
            Some(Value::Object(info)) => info,
            _ => Map::new(),
        },
    }
}
