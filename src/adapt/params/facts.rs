//! What is known of a model, as far as parameters and look-ups depend on it.

/// Whether a model has a capability (`supports_reasoning`, ...) at a provider.
pub fn supports(model: &str, provider: &str, capability: &str) -> bool {
    declared(model, provider, capability) == Some(true)
}

/// What the catalogue's entry says of a capability; `None` when it says nothing.
pub fn declared(_model: &str, _provider: &str, _capability: &str) -> Option<bool> {
    None
}

/// Whether the catalogue has an entry for a model at a provider.
pub fn known(_model: &str, _provider: &str) -> bool {
    false
}

/// A text of the catalogue's entry.
pub fn text(_model: &str, _provider: &str, _name: &str) -> Option<String> {
    None
}

/// `litellm_provider` of the catalogue's entry for a bare model name.
pub fn litellm_provider(model: &str) -> Option<&'static str> {
    match model {
        _ if !has_openai_shape(model) => None,
        _ if model.contains("-instruct") => Some("text-completion-openai"),
        _ => Some("openai"),
    }
}

/// Whether OpenAI itself serves a model of this name.
pub fn is_openai_model(model: &str) -> bool {
    matches!(
        litellm_provider(model),
        Some("openai" | "text-completion-openai")
    )
}

/// Names that only OpenAI gives its models.
fn has_openai_shape(model: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "gpt-",
        "chatgpt-",
        "text-embedding-3",
        "text-embedding-ada",
        "whisper-",
        "tts-",
        "dall-e-",
    ];
    let mut letters = model.bytes();
    let numbered_o =
        letters.next() == Some(b'o') && letters.next().is_some_and(|b| b.is_ascii_digit());
    !model.contains('/') && (numbered_o || PREFIXES.iter().any(|prefix| model.starts_with(prefix)))
}
