#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn quote(entry: &str) -> Quote {
    Quote::of_entry(&serde_json::from_str(entry).unwrap(), "openai")
}

fn usage(prompt: u64, completion: u64) -> Usage {
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        ..Usage::default()
    }
}

#[test]
fn a_known_model_costs_what_litellm_says() {
    let quote = Quote::of("openai", "gpt-4o", None, None).unwrap();
    let cost = quote.cost(&usage(9, 3));
    assert_eq!(
        (cost.input, cost.output, cost.total),
        (2.25e-5, 3.0000000000000004e-5, 5.25e-5)
    );
}

#[test]
fn an_unknown_model_has_no_price() {
    assert!(Quote::of("openai", "nobody-knows-this", None, None).is_none());
}

#[test]
fn cached_tokens_are_billed_once_and_at_their_rate() {
    let quote = quote(
        r#"{"input_cost_per_token":4.0,"output_cost_per_token":8.0,"cache_read_input_token_cost":1.0}"#,
    );
    let cost = quote.cost(&Usage {
        cached_tokens: 6,
        ..usage(10, 0)
    });
    assert_eq!(cost.total, 4.0 * 4.0 + 6.0);
}

#[test]
fn a_threshold_is_passed_only_above_it() {
    let quote =
        quote(r#"{"input_cost_per_token":1.0,"input_cost_per_token_above_200k_tokens":2.0}"#);
    assert_eq!(quote.cost(&usage(200_000, 0)).total, 200_000.0);
    assert_eq!(quote.cost(&usage(200_001, 0)).total, 400_002.0);
}

#[test]
fn custom_prices_win_over_the_map() {
    let quote = deployment(&[("input_cost_per_token", 1.0)]);
    assert_eq!(quote.cost(&usage(2, 5)).total, 2.0);
}

/// The quote of a deployment of gpt-4o with prices of its own.
fn deployment(prices: &[(&str, f64)]) -> Arc<Quote> {
    Quote::of("openai", "gpt-4o", None, Some(&custom(prices, true))).unwrap()
}

fn custom(prices: &[(&str, f64)], of_deployment: bool) -> CustomPrice {
    CustomPrice {
        prices: prices
            .iter()
            .map(|(name, price)| ((*name).to_owned(), *price))
            .collect(),
        of_deployment,
    }
}

#[test]
fn a_custom_price_by_the_token_brings_the_maps_prices_for_cached_tokens_and_tiers() {
    let quote = deployment(&[
        ("input_cost_per_token", 1.0),
        ("output_cost_per_token", 2.0),
    ]);
    let cached = Usage {
        cached_tokens: 4,
        ..usage(10, 20)
    };
    assert_eq!(quote.cost(&cached).total, 6.0 + 4.0 * 1.25e-6 + 40.0);
    let priority = Usage {
        service_tier: Some("priority".to_owned()),
        ..usage(10, 0)
    };
    assert_eq!(quote.cost(&priority).total, 10.0 * 4.25e-6);
}

#[test]
fn prices_of_cached_tokens_alone_change_nothing() {
    let quote = deployment(&[("cache_read_input_token_cost", 1.0)]);
    let cached = Usage {
        cached_tokens: 4,
        ..usage(10, 20)
    };
    let listed = Quote::of("openai", "gpt-4o", None, None).unwrap();
    assert_eq!(quote.cost(&cached), listed.cost(&cached));
}

#[test]
fn a_price_by_the_second_bills_time_and_nothing_else() {
    let quote = deployment(&[
        ("input_cost_per_second", 0.5),
        ("output_cost_per_second", 0.25),
    ]);
    let cost = quote.timed(|| Duration::from_secs(2)).unwrap();
    assert_eq!((cost.input, cost.total), (1.0, 1.0));
    let both = deployment(&[
        ("input_cost_per_second", 0.5),
        ("input_cost_per_token", 1.0),
    ]);
    assert!(both.timed(|| Duration::from_secs(2)).is_none());
}

#[test]
fn a_call_needs_both_prices_and_a_deployment_none() {
    let half = custom(&[("input_cost_per_token", 1.0)], false);
    let quote = Quote::of("openai", "gpt-4o", None, Some(&half)).unwrap();
    assert_eq!(quote.cost(&usage(9, 3)).total, 5.25e-5);
    assert!(Quote::of("openai", "nobody-knows-this", None, Some(&half)).is_none());
    let listed = custom(&[], true);
    let quote = Quote::of("openai", "nobody-knows-this", None, Some(&listed)).unwrap();
    assert_eq!(quote.cost(&usage(9, 3)).total, 0.0);
}

proptest! {
    #[test]
    fn every_prompt_token_is_billed_exactly_once(
        prompt in 0u64..1_000_000, cached in 0u64..1_000, written in 0u64..1_000, audio in 0u64..1_000,
    ) {
        let prompt = prompt.max(cached + written + audio);
        let billed = Billed::of(&Usage {
            cached_tokens: cached, cache_creation_tokens: written, prompt_audio_tokens: audio, ..usage(prompt, 0)
        });
        prop_assert_eq!(billed.text + billed.cached + billed.written + billed.audio, prompt);
    }

    #[test]
    fn a_cost_is_never_negative(prompt in 0u64..10_000, cached in 0u64..20_000, out in 0u64..10_000, reasoning in 0u64..20_000) {
        let quote = Quote::of("openai", "o3-mini", None, None).unwrap();
        let cost = quote.cost(&Usage { cached_tokens: cached, reasoning_tokens: reasoning, ..usage(prompt, out) });
        prop_assert!(cost.total >= 0.0 && cost.input >= 0.0 && cost.output >= 0.0);
    }
}

#[test]
fn web_searches_are_billed_each_or_together_as_the_provider_does() {
    let searched = Usage {
        web_search_requests: 3,
        ..usage(0, 0)
    };
    let tool = |provider: &str, model: &str| {
        let quote = Quote::of(provider, model, None, None).unwrap();
        let cost = quote.cost(&searched);
        assert_eq!(cost.tool, cost.total);
        cost.tool
    };
    assert_eq!(tool("anthropic", "claude-sonnet-4-5"), 3.0 * 0.01);
    assert_eq!(tool("gemini", "gemini-2.5-flash"), 0.035);
    assert_eq!(tool("gemini", "gemini-robotics-er-2-preview"), 3.0 * 0.014);
    assert_eq!(tool("openai", "gpt-5"), 0.01);
    assert_eq!(tool("openai", "gpt-3.5-turbo"), 0.0);
}
