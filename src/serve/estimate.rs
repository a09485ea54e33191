//! `/cost/estimate`: what requests of a given size would cost, by the prices that calls are billed at.

use super::body::ReplyBody;
use super::fields::Fields;
use super::refusal;
use super::{Gateway, json};
use crate::account::billed::Billed;
use crate::account::price::Quote;
use crate::account::{Cost, Usage};
use crate::adapt::lookup::get_llm_provider;
use crate::catalog::model_info;
use crate::config::Snapshot;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What the shares of a cost are called, and where they stand.
type Share = fn(&Cost) -> f64;
const SHARES: [(&str, Share); 7] = [
    ("cost", |cost| cost.total),
    ("input_cost", |cost| cost.input),
    ("output_cost", |cost| cost.output),
    // Margins are not built: what is billed is the cost.
    ("margin_cost", |_| 0.0),
    ("cache_read_cost", |cost| cost.cache_read),
    ("cache_creation_cost", |cost| cost.cache_creation),
    ("reasoning_cost", |cost| cost.reasoning),
];

struct Asked {
    model: String,
    usage: Usage,
    per_day: Option<u64>,
    per_month: Option<u64>,
}

/// The estimate for a model group, or for a model that the catalogue knows.
pub fn cost(gateway: &Gateway, body: &Bytes) -> Response<ReplyBody> {
    let asked = match asked(body) {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    let snapshot = gateway.engine.snapshot.load_full();
    let Some((quote, provider)) = quote(&snapshot, &asked.model) else {
        let error = format!(
            "Could not calculate cost for model '{}': no price is known",
            asked.model
        );
        return refusal::detail(StatusCode::NOT_FOUND, json!({ "error": error }));
    };
    json(&Value::Object(estimate(
        &asked,
        &quote,
        provider.as_deref(),
    )))
}

#[allow(clippy::result_large_err)]
fn asked(body: &Bytes) -> Result<Asked, Response<ReplyBody>> {
    let mut fields = Fields::read(body)?;
    let model = fields.text("model");
    let prompt_tokens = fields.count("input_tokens");
    let completion_tokens = fields.count("output_tokens");
    let mut optional = |name| fields.optional_count(name);
    let cached_tokens = optional("cache_read_input_tokens").unwrap_or(0);
    let cache_creation_tokens = optional("cache_creation_input_tokens").unwrap_or(0);
    let reasoning_tokens = optional("reasoning_tokens").unwrap_or(0);
    let (per_day, per_month) = (
        optional("num_requests_per_day"),
        optional("num_requests_per_month"),
    );
    fields.settled()?;
    let wrong = if cached_tokens.saturating_add(cache_creation_tokens) > prompt_tokens {
        "cache_read_input_tokens plus cache_creation_input_tokens cannot exceed input_tokens"
    } else if reasoning_tokens > completion_tokens {
        "reasoning_tokens cannot exceed output_tokens"
    } else {
        let usage = Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            cached_tokens,
            cache_creation_tokens,
            reasoning_tokens,
            ..Usage::default()
        };
        return Ok(Asked {
            model,
            usage,
            per_day,
            per_month,
        });
    };
    let problem = json!([{
        "type": "value_error", "loc": ["body"], "msg": format!("Value error, {wrong}"),
    }]);
    Err(refusal::detail(StatusCode::UNPROCESSABLE_ENTITY, problem))
}

/// The prices of a model group's first deployment, or of a model by its name; and whose they are.
fn quote(snapshot: &Snapshot, model: &str) -> Option<(Arc<Quote>, Option<String>)> {
    let listed = |model: &str, provider: Option<&str>| {
        let info = model_info(model, provider)?;
        let listed = info.get("litellm_provider")?.as_str()?;
        Some(listed.to_owned())
    };
    if let Some(group) = snapshot.routes.group(model)
        && let Some(deployment) = group.deployments.first()
    {
        let target = &deployment.target;
        let (options, at) = (&target.options, target.provider.name);
        let base = options.base_model.as_deref();
        let quote = Quote::of(at, &target.model, base, options.price.as_ref())?;
        let named = base.unwrap_or(&target.model);
        return Some((
            quote,
            listed(named, Some(at)).or_else(|| listed(named, None)),
        ));
    }
    let lookup = get_llm_provider(model, None, None, None, &|_| None).ok()?;
    let provider = lookup.provider?;
    let quote = Quote::of(&provider, &lookup.model, None, None)?;
    Some((quote, listed(&lookup.model, Some(&provider))))
}

fn estimate(asked: &Asked, quote: &Quote, provider: Option<&str>) -> Map<String, Value> {
    let Asked {
        model,
        usage,
        per_day,
        per_month,
    } = asked;
    let cost = quote.cost(usage);
    let rates = quote.billed_rates(&Billed::of(usage), None);
    let mut estimate = Map::new();
    let mut set = |name: &str, value: Value| estimate.insert(name.to_owned(), value);
    set("model", model.as_str().into());
    set("input_tokens", usage.prompt_tokens.into());
    set("output_tokens", usage.completion_tokens.into());
    set("cache_read_input_tokens", usage.cached_tokens.into());
    set(
        "cache_creation_input_tokens",
        usage.cache_creation_tokens.into(),
    );
    set("reasoning_tokens", usage.reasoning_tokens.into());
    set("num_requests_per_day", json!(per_day));
    set("num_requests_per_month", json!(per_month));
    for (name, share) in SHARES {
        set(&format!("{name}_per_request"), share(&cost).into());
        for (period, times) in [("daily", per_day), ("monthly", per_month)] {
            let of_all = times.map(|times| share(&cost) * times as f64);
            set(&format!("{period}_{name}"), json!(of_all));
        }
    }
    set("input_cost_per_token", rates.input.into());
    set("output_cost_per_token", rates.output.into());
    set("cache_read_input_token_cost", rates.cache_read.into());
    set("cache_creation_input_token_cost", rates.cache_write.into());
    set("output_cost_per_reasoning_token", rates.reasoning.into());
    set("provider", json!(provider));
    estimate
}
