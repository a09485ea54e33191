//! The settings of routing and resilience that are mappings: `circuit_breaker`, `retry_budget`, `adaptive_concurrency`,
//! `hedging`, `routing_strategy_args`, `provider_budget_config`. A member that nobody knows, or of the wrong kind, is
//! an error: a guard that is not as it was meant is worse than none.

use super::document::{Node, NodeValue};
use super::report::{Level, Report};
use super::schema::{Budget, StrategyArgs};
use crate::resilience::{AdaptiveRules, BreakerRules, HedgeRules, RetryBudgetRules};
use std::collections::BTreeMap;
use std::time::Duration;

/// `retry_budget`: on unless it is `false`.
pub fn retry_budget(node: Option<&Node>, report: &mut Report) -> Option<RetryBudgetRules> {
    if node.is_some_and(|node| matches!(node.value, NodeValue::Bool(false))) {
        return None;
    }
    let mut rules = RetryBudgetRules::default();
    let mut members = Members::of(node, "retry_budget", report);
    members.number("ratio", |value| rules.ratio = value);
    members.count("floor", |value| rules.floor = value);
    members.done();
    Some(rules)
}

/// `circuit_breaker`: off unless it is `true` or a mapping.
pub fn breaker(node: Option<&Node>, report: &mut Report) -> Option<BreakerRules> {
    let node = node.filter(|node| asked_for(node))?;
    let mut rules = BreakerRules::default();
    let mut members = Members::of(Some(node), "circuit_breaker", report);
    members.count("consecutive_failures", |value| {
        rules.consecutive_failures = value;
    });
    members.number("success_rate", |value| rules.success_rate = value);
    members.count("min_calls", |value| rules.min_calls = value);
    members.seconds("window", |value| rules.window = value);
    members.seconds("ejection_time", |value| rules.ejection_time = value);
    members.seconds("max_ejection_time", |value| rules.max_ejection_time = value);
    members.flag("eject_last", |value| rules.eject_last = value);
    members.done();
    Some(rules)
}

/// `adaptive_concurrency`: off unless it is `true` or a mapping.
pub fn adaptive(node: Option<&Node>, report: &mut Report) -> Option<AdaptiveRules> {
    let node = node.filter(|node| asked_for(node))?;
    let mut rules = AdaptiveRules::default();
    let mut members = Members::of(Some(node), "adaptive_concurrency", report);
    members.count("min", |value| rules.min = value);
    members.count("max", |value| rules.max = value);
    members.count("initial", |value| rules.initial = value);
    members.number("tolerance", |value| rules.tolerance = value);
    members.done();
    Some(rules)
}

/// `hedging`: off unless it is `true` or a mapping.
pub fn hedging(node: Option<&Node>, report: &mut Report) -> Option<HedgeRules> {
    let node = node.filter(|node| asked_for(node))?;
    let mut rules = HedgeRules::default();
    let mut members = Members::of(Some(node), "hedging", report);
    members.number("budget", |value| rules.budget = value);
    members.number("quantile", |value| rules.quantile = value);
    members.seconds("min_delay", |value| rules.min_delay = value);
    members.count("min_samples", |value| rules.min_samples = value as usize);
    members.done();
    Some(rules)
}

/// `routing_strategy_args`. What another strategy than the latency-based one would read is passed over.
pub fn strategy_args(node: Option<&Node>, report: &mut Report) -> StrategyArgs {
    let mut args = StrategyArgs::default();
    let mut members = Members::of(node, "routing_strategy_args", report);
    members.number("lowest_latency_buffer", |value| {
        args.lowest_latency_buffer = value;
    });
    members.count("max_latency_list_size", |value| {
        args.max_latency_list_size = value as usize;
    });
    members.number("ttft_percentile", |value| {
        args.ttft_percentile = Some(value);
    });
    args
}

/// `provider_budget_config`: `{"openai": {"budget_limit": 10, "time_period": "1d"}}`.
pub fn provider_budgets(node: Option<&Node>, report: &mut Report) -> BTreeMap<String, Budget> {
    let mut budgets = BTreeMap::new();
    for member in node.map(Node::members).unwrap_or_default() {
        let first = |names: [&str; 2]| names.iter().find_map(|name| member.value.get(name));
        let limit = first(["budget_limit", "max_budget"]).and_then(number);
        let period = first(["time_period", "budget_duration"])
            .and_then(Node::text)
            .and_then(period);
        match (limit, period) {
            (Some(limit), Some(period)) => {
                budgets.insert(member.key.clone(), Budget { limit, period });
            }
            _ => report.add_with_hint(
                Level::Error,
                &member.value.place,
                &format!("router_settings.provider_budget_config.{}", member.key),
                "names no amount and time",
                "write `{budget_limit: 10, time_period: 1d}`",
            ),
        }
    }
    budgets
}

/// LiteLLM's durations: `30s`, `5m`, `1h`, `1d`, `1w`, `1mo`.
pub fn period(text: &str) -> Option<Duration> {
    let digits = text.trim().find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.trim().split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "mo" => 30 * 86_400,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_secs(number.checked_mul(seconds)?)).filter(|period| !period.is_zero())
}

fn asked_for(node: &Node) -> bool {
    !matches!(node.value, NodeValue::Bool(false) | NodeValue::Null)
}

fn number(node: &Node) -> Option<f64> {
    let number = match &node.value {
        NodeValue::Number(number) => number.as_f64(),
        NodeValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite() && *number >= 0.0)
}

/// The members of one mapping, each read once.
struct Members<'a> {
    node: Option<&'a Node>,
    path: &'static str,
    read: Vec<&'static str>,
    report: &'a mut Report,
}

impl<'a> Members<'a> {
    fn of(node: Option<&'a Node>, path: &'static str, report: &'a mut Report) -> Self {
        if let Some(node) = node.filter(|node| {
            !matches!(
                node.value,
                NodeValue::Map(_) | NodeValue::Bool(_) | NodeValue::Null
            )
        }) {
            report.add_with_hint(
                Level::Error,
                &node.place,
                &format!("router_settings.{path}"),
                format!("is {}, not a mapping", node.kind()),
                "give true, false or a mapping",
            );
        }
        Self {
            node,
            path,
            read: Vec::new(),
            report,
        }
    }

    fn member(&mut self, name: &'static str) -> Option<&'a Node> {
        self.read.push(name);
        self.node?.get(name).filter(|node| !node.is_null())
    }

    fn wrong(&mut self, node: &Node, name: &str, wanted: &str) {
        self.report.add(
            Level::Error,
            &node.place,
            &format!("router_settings.{}.{name}", self.path),
            format!("is {}, not {wanted}", node.kind()),
        );
    }

    fn number(&mut self, name: &'static str, set: impl FnOnce(f64)) {
        if let Some(node) = self.member(name) {
            match number(node) {
                Some(value) => set(value),
                None => self.wrong(node, name, "a number from 0"),
            }
        }
    }

    fn count(&mut self, name: &'static str, set: impl FnOnce(u32)) {
        if let Some(node) = self.member(name) {
            match number(node).filter(|value| value.fract() == 0.0 && *value <= f64::from(u32::MAX))
            {
                Some(value) => set(value as u32),
                None => self.wrong(node, name, "a whole number from 0"),
            }
        }
    }

    fn seconds(&mut self, name: &'static str, set: impl FnOnce(Duration)) {
        if let Some(node) = self.member(name) {
            let time = number(node)
                .filter(|value| *value > 0.0)
                .and_then(|value| Duration::try_from_secs_f64(value).ok());
            match time {
                Some(time) => set(time),
                None => self.wrong(node, name, "a number of seconds above 0"),
            }
        }
    }

    fn flag(&mut self, name: &'static str, set: impl FnOnce(bool)) {
        if let Some(node) = self.member(name) {
            match node.value {
                NodeValue::Bool(flag) => set(flag),
                _ => self.wrong(node, name, "true or false"),
            }
        }
    }

    /// Says which members nobody read.
    fn done(self) {
        let members = self.node.map(Node::members).unwrap_or_default();
        for member in members {
            if !self.read.contains(&member.key.as_str()) {
                self.report.add_with_hint(
                    Level::Error,
                    &member.place,
                    &format!("router_settings.{}.{}", self.path, member.key),
                    "is no setting of it",
                    format!("it has {}", self.read.join(", ")),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_litellms() {
        assert_eq!(period("30s"), Some(Duration::from_secs(30)));
        assert_eq!(period("1d"), Some(Duration::from_secs(86_400)));
        assert_eq!(period("1mo"), Some(Duration::from_secs(30 * 86_400)));
        for wrong in ["", "d", "10", "1x", "0s", "-1d"] {
            assert_eq!(period(wrong), None, "{wrong}");
        }
    }
}
