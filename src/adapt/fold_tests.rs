//! The recorded `stream_chunk_builder` rows, with a tokenizer whose counts come from the recording.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use super::*;
use std::path::Path;

/// Answers with the recorded counts, so that the rows hold everything but the tokenizer.
struct Recorded {
    prompt: u64,
    completion: u64,
    reasoning: u64,
}

impl Counter for Recorded {
    fn prompt(&mut self) -> u64 {
        self.prompt
    }
    fn completion(&mut self, _text: &str) -> u64 {
        self.completion
    }
    fn reasoning(&mut self, _text: &str) -> u64 {
        self.reasoning
    }
}

fn without_nulls(value: &Value) -> Value {
    let mut value = value.clone();
    super::super::canonical::drop_nulls(&mut value);
    value
}

#[test]
fn recorded_chunks_give_recorded_replies() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance/cases/table_stream_chunk_builder.json");
    let table: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut missed = Vec::new();
    let rows = table["rows"].as_array().unwrap();
    for row in rows {
        let chunks: Vec<Object> = serde_json::from_value(row["args"][0].clone()).unwrap();
        let mut wanted = without_nulls(&row["expected"]["v"]);
        let reasoning = wanted["usage"]["completion_tokens_details"]["reasoning_tokens"]
            .as_u64()
            .unwrap_or(0);
        let mut counter = Recorded {
            prompt: wanted["usage"]["prompt_tokens"].as_u64().unwrap_or(0),
            completion: wanted["usage"]["completion_tokens"].as_u64().unwrap_or(0) - reasoning,
            reasoning,
        };
        let folded = fold(chunks, 0, &mut counter)
            .map(Value::Object)
            .unwrap_or_default();
        let mut folded = without_nulls(&folded);
        for value in [&mut folded, &mut wanted] {
            if let Value::Object(value) = value {
                value.remove("created");
            }
        }
        if folded != wanted {
            missed.push(format!("{}\n  {wanted}\n  {folded}", row["id"]));
        }
    }
    for miss in &missed {
        println!("{miss}");
    }
    assert!(
        missed.is_empty(),
        "{} of {} missed",
        missed.len(),
        rows.len()
    );
}
