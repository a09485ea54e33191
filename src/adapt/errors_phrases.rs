//! The phrases by which providers say what went wrong, where the status alone does not tell.

/// `rate limit`, `rate-limit`, `ratelimit`, ... in any case.
pub(super) fn is_rate_limit(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("service tier capacity exceeded")
        || lower.match_indices("rate").any(|(at, word)| {
            lower[at + word.len()..]
                .trim_start_matches(|c: char| c.is_whitespace() || c == '_' || c == '-')
                .starts_with("limit")
        })
}

/// The phrases by which providers say that a prompt does not fit.
pub(super) fn is_context_window(text: &str) -> bool {
    const PHRASES: [&str; 11] = [
        "exceed context limit",
        "this model's maximum context length is",
        "requested token count exceeds the model's maximum context length",
        "string too long. expected a string with maximum length",
        "model's maximum context limit",
        "is longer than the model's context length",
        "input tokens exceed the configured limit",
        "`inputs` tokens + `max_new_tokens` must be",
        "exceeds the available context size",
        "exceeds the maximum number of tokens allowed",
        "\"code\": \"context_length_exceeded\"",
    ];
    const PAIRS: [(&str, &str); 3] = [
        ("current length is", "while limit is"),
        ("maximum input length is", "tokens"),
        ("input too long:", "input tokens, limit is"),
    ];
    let lower = text.to_lowercase();
    let of_a_parameter = lower.contains("string_above_max_length")
        || (lower.contains("invalid 'user'") && lower.contains("string too long"));
    !of_a_parameter
        && (PHRASES.iter().any(|phrase| lower.contains(phrase))
            || PAIRS
                .iter()
                .any(|(one, two)| lower.contains(one) && lower.contains(two)))
}
