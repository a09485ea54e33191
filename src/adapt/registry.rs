//! The providers, one row each. Nothing else names a provider.

use super::Adapter;

/// One provider.
pub struct Provider {
    /// LiteLLM's name.
    pub name: &'static str,
    /// Its wire protocol.
    pub adapter: &'static dyn Adapter,
    /// Default base URL, or empty when the caller must give one.
    pub base_url: &'static str,
    /// Environment variables that hold the key, first set wins.
    pub key_env: &'static [&'static str],
    /// Environment variables that hold a base URL.
    pub base_env: &'static [&'static str],
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// All providers.
pub static PROVIDERS: &[Provider] = &[];

/// Finds a provider by LiteLLM's name.
pub fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|p| p.name == name)
}
