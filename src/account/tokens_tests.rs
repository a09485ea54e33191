#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

#[test]
fn models_are_counted_with_their_encoding() {
    for (model, encoding) in [
        ("gpt-4o", Encoding::O200k),
        ("azure/gpt-4o", Encoding::O200k),
        ("o1", Encoding::O200k),
        ("gpt-4", Encoding::Cl100k),
        ("claude-3-5-sonnet-20240620", Encoding::Cl100k),
        ("some-unknown-model", Encoding::Cl100k),
    ] {
        assert_eq!(Encoding::of(model), encoding, "{model}");
    }
}

#[test]
fn text_survives_encoding_and_decoding() {
    let ids = Encoding::Cl100k.encode("Hello world");
    assert_eq!(ids, [9906, 1917]);
    assert_eq!(
        Encoding::Cl100k.decode(&ids).as_deref(),
        Some("Hello world")
    );
}

#[test]
fn messages_count_their_frame() {
    let messages = [json!({"role": "user", "content": "Say hi in one word."})];
    let prompt = Prompt {
        encoding: Encoding::O200k,
        messages: &messages,
        tools: None,
        tool_choice: None,
        primed: true,
        default_images: false,
        fallback: None,
    };
    assert_eq!(prompt.count().unwrap(), 13);
}

#[test]
fn hostile_repetition_is_counted_in_pieces() {
    let begun = std::time::Instant::now();
    assert!(Encoding::Cl100k.count(&"a".repeat(200_000)) > 1_000);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}
