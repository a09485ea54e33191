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
    let custom = CustomPrice([("input_cost_per_token".to_owned(), 1.0)].into());
    let quote = Quote::of("openai", "gpt-4o", None, Some(&custom)).unwrap();
    assert_eq!(quote.cost(&usage(2, 5)).total, 2.0);
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
