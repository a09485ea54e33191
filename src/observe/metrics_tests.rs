#![allow(clippy::unwrap_used)]

use super::super::family::BUCKETS;
use super::*;
use crate::account::{Cost, FailedAttempt, FallbackHop, Receipt};
use crate::adapt::Target;
use crate::error::Error;
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Caller, Op};
use std::time::Duration;

fn target() -> Arc<Target> {
    let env = |_: &str| None;
    let mut target = Target::resolve("openai/gpt-4o-mini", &Options::default(), &env).unwrap();
    target.api_base = "http://up/v1".to_owned();
    target.deployment_id = "dep".to_owned();
    target.model_group = "group".to_owned();
    Arc::new(target)
}

fn receipt(outcome: Outcome) -> Receipt {
    let mut call = Call::new(Op::Chat, "group", Params::default());
    call.caller = Caller {
        hashed_key: Some("hash".into()),
        user_id: Some("default_user_id".into()),
        client_ip: Some("127.0.0.1".into()),
        user_agent: Some("agent/1".to_owned()),
        route: "/v1/chat/completions".into(),
        ..Caller::default()
    };
    let mut receipt = Receipt::refused(&call, Error::bad_request("x"));
    receipt.outcome = outcome;
    receipt
}

fn answered() -> Receipt {
    let mut receipt = receipt(Outcome::Success);
    receipt.target = Some(target());
    receipt.usage = Some(Usage {
        prompt_tokens: 9,
        completion_tokens: 3,
        total_tokens: 12,
        ..Usage::default()
    });
    receipt.cost = Some(Cost {
        total: 5.25e-05,
        ..Cost::default()
    });
    receipt.timings.total = Duration::from_millis(30);
    receipt.timings.upstream = Duration::from_millis(20);
    receipt.remaining = (Some(99), None);
    receipt
}

fn metrics() -> Metrics {
    let metrics = Metrics::new(8);
    let mut config = Config::default();
    config.model_list.push(crate::config::schema::ModelEntry {
        model_name: "group".to_owned(),
        ..Default::default()
    });
    metrics.configure(&config, 1);
    metrics
}

fn lines<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(name))
        .collect()
}

#[test]
fn an_answered_call_counts_as_litellm_counts_it() {
    let metrics = metrics();
    metrics.record(&answered());
    metrics.record(&answered());
    let text = metrics.render();
    assert_eq!(
        lines(&text, "litellm_requests_metric_total"),
        [
            "litellm_requests_metric_total{api_key_alias=\"None\",api_provider=\"openai\",client_ip=\"127.0.0.1\",\
             end_user=\"None\",hashed_api_key=\"hash\",model=\"gpt-4o-mini\",model_id=\"dep\",org_alias=\"None\",\
             org_id=\"None\",requested_model=\"group\",team=\"None\",team_alias=\"None\",user=\"default_user_id\",\
             user_agent=\"agent/1\",user_email=\"None\"} 2.0"
        ]
    );
    for (name, value) in [
        ("litellm_proxy_total_requests_metric_total", "2.0"),
        ("litellm_input_tokens_metric_total", "18.0"),
        ("litellm_output_tokens_metric_total", "6.0"),
        ("litellm_total_tokens_metric_total", "24.0"),
        ("litellm_deployment_success_responses_total", "2.0"),
        ("litellm_deployment_state", "0.0"),
        ("litellm_remaining_requests_metric", "99.0"),
        ("litellm_request_total_latency_metric_count", "2.0"),
        ("litellm_overhead_latency_metric_count", "2.0"),
        ("litellm_spend_metric_total", "0.000105"),
    ] {
        let found = lines(&text, name);
        assert_eq!(found.len(), 1, "{name}");
        assert!(found[0].ends_with(&format!(" {value}")), "{}", found[0]);
    }
    assert!(lines(&text, "litellm_remaining_tokens_metric").is_empty());
    assert!(lines(&text, "litellm_input_cached_tokens_metric_total").is_empty());
    assert_eq!(lines(&text, "litellm_requests_metric_created").len(), 1);
    assert!(text.contains("le=\"1.0\"") && text.contains("le=\"+Inf\""));
}

#[test]
fn every_failed_attempt_and_fallback_is_counted() {
    let metrics = metrics();
    let mut receipt = answered();
    receipt.trail.failed.push(FailedAttempt {
        target: target(),
        status: 429,
        class: "RateLimitError",
        cooled_down: true,
    });
    receipt.trail.hops.push(FallbackHop {
        from: "main".to_owned(),
        to: "group".to_owned(),
        status: 429,
        class: "RateLimitError",
        provider: "openai",
        answered: true,
    });
    metrics.record(&receipt);
    let text = metrics.render();
    let failure = lines(&text, "litellm_deployment_failure_responses_total");
    assert!(
        failure[0].contains("exception_class=\"Openai.RateLimitError\",exception_status=\"429\"")
    );
    assert_eq!(
        lines(&text, "litellm_deployment_cooled_down_total").len(),
        1
    );
    let fallback = lines(&text, "litellm_deployment_successful_fallbacks_total");
    assert!(
        fallback[0].contains("fallback_model=\"group\"")
            && fallback[0].contains("requested_model=\"main\"")
    );
    assert!(lines(&text, "litellm_deployment_total_requests_total")[0].ends_with(" 2.0"));
    assert!(
        lines(&text, "litellm_deployment_state")[0].ends_with(" 0.0"),
        "it answered in the end"
    );
}

#[test]
fn a_model_nobody_knows_is_called_other() {
    let metrics = metrics();
    let mut receipt = receipt(Outcome::Failure(Error::bad_request(
        "Invalid model name passed in model=x",
    )));
    receipt.requested_model = "x-made-up-by-the-client".to_owned();
    metrics.record(&receipt);
    let text = metrics.render();
    let failed = lines(&text, "litellm_proxy_failed_requests_metric_total");
    assert!(
        failed[0].contains("exception_class=\"ProxyModelNotFoundError\",exception_status=\"400\"")
            && failed[0].contains("model_id=\"\"")
            && failed[0].contains("requested_model=\"other\""),
        "{}",
        failed[0]
    );
    assert!(!text.contains("made-up"));
}

#[test]
fn label_sets_are_bounded_and_what_is_folded_is_counted() {
    let metrics = metrics();
    for i in 0..100 {
        let mut receipt = answered();
        receipt.caller.user_agent = Some(format!("agent/{i}"));
        metrics.record(&receipt);
    }
    let text = metrics.render();
    let series = lines(&text, "litellm_requests_metric_total");
    assert_eq!(series.len(), 9, "eight of their own and one for the rest");
    let other = series
        .iter()
        .find(|s| s.contains("user_agent=\"other\""))
        .unwrap();
    assert!(other.ends_with(" 92.0"), "{other}");
    assert!(
        text.contains(
            "gateway_metric_series_folded_total{metric=\"litellm_requests_metric\"} 92.0"
        )
    );
}

fn wanting(told: serde_json::Value) -> Metrics {
    let mut config = Config::default();
    let other = &mut config.litellm.other;
    other.insert("prometheus_metrics_config".to_owned(), told);
    let metrics = Metrics::of_config(&config);
    metrics.record(&answered());
    metrics
}

#[test]
fn only_what_is_listed_is_kept_with_the_labels_that_are_wanted() {
    let text = wanting(serde_json::json!([
        {"group": "tokens", "metrics": ["litellm_total_tokens_metric"]},
        {"group": "calls", "metrics": ["litellm_requests_metric_total", "no_such_metric"],
            "include_labels": ["model", "requested_model"]},
    ]))
    .render();
    let requests = lines(&text, "litellm_requests_metric_total");
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0].starts_with("litellm_requests_metric_total{model="),
        "{}",
        requests[0]
    );
    assert!(!requests[0].contains("user_agent"));
    assert!(lines(&text, "litellm_total_tokens_metric_total")[0].contains("end_user="));
    assert!(!text.contains("litellm_spend_metric"), "it is not listed");
    assert!(text.contains("gateway_metric_series_limit"));
    // What cannot be read asks for nothing.
    let all = wanting(serde_json::json!("tokens")).render();
    assert!(all.contains("litellm_spend_metric"));
}

/// Distinct models, users and agents: `LABELS=1000000` looks longer.
#[test]
fn however_many_labels_come_series_and_memory_are_bounded() {
    let count = std::env::var("LABELS").ok().and_then(|n| n.parse().ok());
    let count: usize = count.unwrap_or(5_000);
    let cap = 200;
    let metrics = Metrics::new(cap);
    let attack = |from: usize| {
        for i in from..from + count / 2 {
            let mut receipt = answered();
            receipt.requested_model = format!("made-up-{i}");
            receipt.caller.user_agent = Some(format!("agent/{i}"));
            receipt.caller.end_user = Some(format!("user-{i}"));
            metrics.record(&receipt);
            receipt.outcome = Outcome::Failure(Error::bad_request("x"));
            metrics.record(&receipt);
        }
        (metrics.render(), resident())
    };
    let (_, before) = attack(0);
    let (text, after) = attack(count);
    for name in [
        "litellm_requests_metric_total",
        "litellm_proxy_failed_requests_metric_total",
        "litellm_total_tokens_metric_total",
    ] {
        let series = lines(&text, name).len();
        assert!(series > 0 && series <= cap + 1, "{name}: {series}");
    }
    assert!(text.contains("gateway_metric_series_limit 200.0"));
    assert!(after <= before + 8 * 1024, "{before} to {after} KiB");
}

#[test]
fn a_large_exposition_is_written_in_small_pieces_and_whole() {
    const SERIES: usize = 50;
    let metrics = Metrics::new(10_000);
    for i in 0..SERIES {
        let mut receipt = answered();
        let mut target = Target::clone(&target());
        target.deployment_id = format!("dep-{i}");
        receipt.target = Some(Arc::new(target));
        metrics.record(&receipt);
    }
    let pieces: Vec<String> = metrics.exposition().collect();
    assert!(pieces.len() > 8, "{}", pieces.len());
    assert!(
        pieces
            .iter()
            .all(|piece| (1..80 << 10).contains(&piece.len()))
    );
    let text = pieces.concat();
    let mut seen = std::collections::HashSet::new();
    assert!(text.lines().all(|line| seen.insert(line)), "nothing twice");
    for (name, each) in [
        ("litellm_requests_metric_total", 1),
        ("litellm_requests_metric_created", 1),
        (
            "litellm_request_total_latency_metric_bucket",
            BUCKETS.len() + 1,
        ),
        ("litellm_request_total_latency_metric_count", 1),
        ("litellm_request_total_latency_metric_created", 1),
    ] {
        assert_eq!(lines(&text, name).len(), SERIES * each, "{name}");
    }
    for name in Families::NAMES {
        assert!(text.contains(&format!("# HELP {name}")), "{name}");
    }
    assert!(text.ends_with('\n'));
}

/// Memory of this process in KiB; 0 where nobody tells.
fn resident() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = told.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4
}

#[test]
fn a_caller_who_leaves_is_a_failure_with_status_499() {
    let metrics = metrics();
    let mut receipt = answered();
    receipt.outcome = Outcome::Cancelled;
    metrics.record(&receipt);
    let text = metrics.render();
    assert!(
        lines(&text, "litellm_proxy_total_requests_metric_total")[0]
            .contains("status_code=\"499\"")
    );
    assert!(
        lines(&text, "litellm_total_tokens_metric_total")[0].ends_with(" 12.0"),
        "what came was paid for"
    );
}

#[test]
fn patterns_match_as_wildcard_models_do() {
    assert!(matches_pattern("*", "anything"));
    assert!(matches_pattern("openai/*", "openai/gpt"));
    assert!(matches_pattern("a*b*c", "axxbyyc"));
    assert!(!matches_pattern("openai/*", "azure/gpt"));
    assert!(!matches_pattern("a*b", "a"));
}

#[test]
fn requests_in_flight_are_those_whose_guard_lives() {
    let metrics = metrics();
    let one = metrics.enter();
    let _two = metrics.enter();
    drop(one);
    assert!(
        metrics
            .render()
            .contains("\nlitellm_in_flight_requests 1.0\n")
    );
}

#[test]
fn a_stranger_cannot_fill_the_cap_with_names() {
    let metrics = metrics();
    for i in 0..100 {
        let error = Error::new(ErrorKind::Authentication, "no");
        let mut receipt = receipt(Outcome::Failure(error));
        receipt.caller.user_agent = Some(format!("agent/{i}"));
        receipt.requested_model = format!("model-{i}");
        metrics.record(&receipt);
    }
    let text = metrics.render();
    let failed = lines(&text, "litellm_proxy_failed_requests_metric_total");
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("hashed_api_key=\"None\"") && failed[0].ends_with(" 100.0"));
}
