//! What the catalogue says of a model, as far as parameters depend on it.

/// Whether a model has a capability (`supports_reasoning`, ...) at a provider.
pub fn supports(model: &str, provider: &str, capability: &str) -> bool {
    declared(model, provider, capability) == Some(true)
}

/// What the catalogue's entry says of a capability; `None` when it says nothing.
pub fn declared(_model: &str, _provider: &str, _capability: &str) -> Option<bool> {
    None
}

/// A text of the catalogue's entry.
pub fn text(_model: &str, _provider: &str, _name: &str) -> Option<String> {
    None
}

/// `litellm_provider` of the catalogue's entry for a bare model name.
pub fn litellm_provider(_model: &str) -> Option<&'static str> {
    None
}

/// Whether OpenAI itself serves a model of this name.
pub fn is_openai_model(model: &str) -> bool {
    litellm_provider(model) == Some("openai")
}
