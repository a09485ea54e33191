//! How to make a call, apart from what is asked: LiteLLM's control keyword arguments (`api_key`, `timeout`,
//! `drop_params`, ...), which are the same names in `completion(...)`, in a request body and in a deployment's
//! `litellm_params`. [`Options::split`] takes them out of a set of members; the rest is for the model.

use crate::params::Params;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to be sent and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Prices given with a call or a deployment instead of the price map's; USD per unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomPrice(pub BTreeMap<String, f64>);

/// Control settings of a call or a deployment. `None` means not said.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Options {
    pub api_key: Option<Secret>,
    pub api_base: Option<String>,
    pub api_version: Option<String>,
    pub organization: Option<String>,
    pub custom_llm_provider: Option<String>,
    pub base_model: Option<String>,
    /// Whole call.
    pub timeout: Option<Duration>,
    /// First chunk and gap of a streamed call.
    pub stream_timeout: Option<Duration>,
    /// The provider client's own retries (the OpenAI SDK's).
    pub max_retries: Option<u32>,
    /// Retries of the call as a whole.
    pub num_retries: Option<u32>,
    pub drop_params: Option<bool>,
    pub modify_params: Option<bool>,
    pub additional_drop_params: Vec<String>,
    pub allowed_openai_params: Vec<String>,
    pub extra_headers: Vec<(String, String)>,
    /// Members merged into the body as they are.
    pub extra_body: Params,
    /// Raw JSON of `mock_response`.
    pub mock_response: Option<bytes::Bytes>,
    pub merge_reasoning_content_in_choices: bool,
    pub price: Option<CustomPrice>,
    pub tags: Vec<String>,
    /// Raw JSON of `fallbacks`.
    pub fallbacks: Option<bytes::Bytes>,
    /// Names of settings that are not supported yet, so that nothing is dropped silently.
    pub unsupported: Vec<String>,
    /// Every other control member, raw, by name: provider settings such as `aws_region_name`.
    pub other: Params,
}
