//! How to make a call, apart from what is asked: LiteLLM's control keyword arguments (`api_key`, `timeout`,
//! `drop_params`, ...), which are the same names in `completion(...)`, in a request body and in a deployment's
//! `litellm_params`. [`Options::split`] takes them out of a set of members; the rest is for the model.

mod reserved;

use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Op;
use bytes::Bytes;
use serde_json::Value;
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

/// Prices given with a call or a deployment instead of the price map's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomPrice {
    /// USD per unit, by LiteLLM's names.
    pub prices: BTreeMap<String, f64>,
    /// They are a deployment's: all that is said of it, and free where neither they nor the map say anything. Those of
    /// a call count only with both an input and an output price.
    pub of_deployment: bool,
}

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
    pub mock_response: Option<Bytes>,
    pub merge_reasoning_content_in_choices: bool,
    pub price: Option<CustomPrice>,
    pub tags: Vec<String>,
    /// Raw JSON of `fallbacks`.
    pub fallbacks: Option<Bytes>,
    /// Ask the provider for the usage of a stream although the caller did not: the server's way to account.
    pub ask_stream_usage: bool,
    /// Names of settings that are not supported yet, so that nothing is dropped silently.
    pub unsupported: Vec<String>,
    /// Every other control member, raw, by name: provider settings such as `aws_region_name`.
    pub other: Params,
}

impl Options {
    /// Takes the control members out of `params`; what is left is for the model.
    ///
    /// `null` control members count as not said. A `timeout` is a number of seconds, or such a number as text.
    ///
    /// # Errors
    /// [`Error::bad_request`] for a control member of the wrong type.
    pub fn split(mut params: Params) -> Result<(Self, Params)> {
        let mut options = Self::default();
        options.take_from(&mut params)?;
        Ok((options, params))
    }

    /// As [`Self::split`]; members that are the operation's own stay with it.
    ///
    /// # Errors
    /// As [`Self::split`].
    pub fn split_for(op: Op, mut params: Params) -> Result<(Self, Params)> {
        let mut options = Self::default();
        options.take_for(op, &mut params)?;
        Ok((options, params))
    }

    /// As [`Self::split_for`], into options that have their place already.
    ///
    /// # Errors
    /// As [`Self::split`].
    pub fn take_for(&mut self, op: Op, params: &mut Params) -> Result<()> {
        self.take_from(params)?;
        for name in op.own_members() {
            if let Some(raw) = self.other.remove(name) {
                params.set_raw(name, raw);
            }
        }
        Ok(())
    }

    fn take_from(&mut self, params: &mut Params) -> Result<()> {
        params.try_retain(|name, raw| Ok(is_usual(name) || !self.take(name, raw)?))
    }

    /// Takes one member if its name is a control name.
    fn take(&mut self, name: &str, raw: &Bytes) -> Result<bool> {
        let null = &raw[..] == b"null";
        match name {
            "api_key" => set(&mut self.api_key, text(name, raw)?.map(Secret)),
            "api_base" | "base_url" => set(&mut self.api_base, text(name, raw)?),
            "api_version" => set(&mut self.api_version, text(name, raw)?),
            "organization" => set(&mut self.organization, text(name, raw)?),
            "custom_llm_provider" => set(&mut self.custom_llm_provider, text(name, raw)?),
            "base_model" => set(&mut self.base_model, text(name, raw)?),
            "timeout" => set(&mut self.timeout, seconds(name, raw)?),
            // The older name; `timeout` wins.
            "request_timeout" => {
                if self.timeout.is_none() {
                    self.timeout = seconds(name, raw)?;
                }
            }
            "stream_timeout" => set(&mut self.stream_timeout, seconds(name, raw)?),
            "max_retries" => set(&mut self.max_retries, count(name, raw)?),
            "num_retries" => set(&mut self.num_retries, count(name, raw)?),
            "drop_params" => set(&mut self.drop_params, flag(name, raw)?),
            "modify_params" => set(&mut self.modify_params, flag(name, raw)?),
            "additional_drop_params" if !null => self.additional_drop_params = read(name, raw)?,
            "allowed_openai_params" if !null => self.allowed_openai_params = read(name, raw)?,
            "extra_headers" | "headers" | "default_headers" if !null => {
                self.extra_headers.extend(header_pairs(name, raw)?);
            }
            "extra_body" if !null => {
                self.extra_body = Params::parse(raw).map_err(|_| wrong(name, "an object"))?;
            }
            "mock_response" if !null => self.mock_response = Some(raw.clone()),
            "merge_reasoning_content_in_choices" => {
                self.merge_reasoning_content_in_choices = flag(name, raw)?.unwrap_or(false);
            }
            "tags" if !null => self.tags = read(name, raw)?,
            "fallbacks" if !null => self.fallbacks = Some(raw.clone()),
            _ => return Ok(self.take_reserved(name, raw)),
        }
        Ok(true)
    }

    fn take_reserved(&mut self, name: &str, raw: &Bytes) -> bool {
        if is_price(name) {
            if let Ok(price) = serde_json::from_slice::<f64>(raw) {
                self.price
                    .get_or_insert_with(CustomPrice::default)
                    .prices
                    .insert(name.to_owned(), price);
            }
            return true;
        }
        if !is_reserved(name) {
            return false;
        }
        if &raw[..] != b"null" {
            if reserved::NOT_OBEYED.binary_search(&name).is_ok() && &raw[..] != b"false" {
                self.unsupported.push(name.to_owned());
            }
            self.other.set_raw(name, raw.clone());
        }
        true
    }

    /// The call's settings over a deployment's. What the call says wins; lists and headers are joined.
    #[must_use]
    pub fn merge(call: &Self, deployment: &Self) -> Self {
        let mut merged = deployment.clone();
        let Self {
            api_key,
            api_base,
            api_version,
            organization,
            custom_llm_provider,
            base_model,
            timeout,
            stream_timeout,
            max_retries,
            num_retries,
            drop_params,
            modify_params,
            additional_drop_params,
            allowed_openai_params,
            extra_headers,
            extra_body,
            mock_response,
            merge_reasoning_content_in_choices,
            price,
            tags,
            fallbacks,
            ask_stream_usage,
            unsupported,
            other,
        } = call.clone();
        set(&mut merged.api_key, api_key);
        set(&mut merged.api_base, api_base);
        set(&mut merged.api_version, api_version);
        set(&mut merged.organization, organization);
        set(&mut merged.custom_llm_provider, custom_llm_provider);
        set(&mut merged.base_model, base_model);
        set(&mut merged.timeout, timeout);
        set(&mut merged.stream_timeout, stream_timeout);
        set(&mut merged.max_retries, max_retries);
        set(&mut merged.num_retries, num_retries);
        set(&mut merged.drop_params, drop_params);
        set(&mut merged.modify_params, modify_params);
        set(&mut merged.mock_response, mock_response);
        set(&mut merged.price, price);
        set(&mut merged.fallbacks, fallbacks);
        merged.additional_drop_params.extend(additional_drop_params);
        merged.allowed_openai_params.extend(allowed_openai_params);
        merged.extra_headers.extend(extra_headers);
        merged.tags.extend(tags);
        merged.unsupported.extend(unsupported);
        merged.merge_reasoning_content_in_choices |= merge_reasoning_content_in_choices;
        merged.ask_stream_usage |= ask_stream_usage;
        overlay(&mut merged.extra_body, &extra_body);
        overlay(&mut merged.other, &other);
        merged
    }
}

/// Where a model of Vertex AI is and who asks it: credentials among them, which never enter a body.
const GOOGLE_CLOUD: [&str; 6] = [
    "vertex_project",
    "vertex_ai_project",
    "vertex_location",
    "vertex_ai_location",
    "vertex_credentials",
    "vertex_ai_credentials",
];

/// What most requests have, and all of it for the model: no list of other names need be searched for these.
const USUAL: [&str; 16] = [
    "model",
    "messages",
    "stream",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "top_p",
    "tools",
    "tool_choice",
    "response_format",
    "stream_options",
    "stop",
    "n",
    "seed",
    "user",
    "input",
];

/// Whether a member is one that most requests have, and no setting.
pub fn is_usual(name: &str) -> bool {
    USUAL.contains(&name)
}

/// Whether a name is LiteLLM's own: never sent upstream. Names that begin with an underscore are.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with('_')
        // Credentials of Amazon Web Services and where to use them.
        || name.starts_with("aws_")
        || GOOGLE_CLOUD.contains(&name)
        || reserved::RESERVED.binary_search(&name).is_ok()
}

fn is_price(name: &str) -> bool {
    reserved::PRICE_PREFIXES.iter().any(|p| name.starts_with(p))
        || reserved::PRICES.binary_search(&name).is_ok()
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

fn overlay(under: &mut Params, over: &Params) {
    for (name, raw) in over.iter() {
        under.set_raw(name, raw.clone());
    }
}

fn wrong(name: &str, wanted: &str) -> Error {
    Error::bad_request(format!("`{name}` must be {wanted}"))
}

fn read<T: serde::de::DeserializeOwned>(name: &str, raw: &[u8]) -> Result<T> {
    serde_json::from_slice(raw)
        .map_err(|e| Error::bad_request(format!("`{name}` has a value of the wrong type: {e}")))
}

fn text(name: &str, raw: &[u8]) -> Result<Option<String>> {
    let value: Option<String> = read(name, raw)?;
    Ok(value.filter(|t| !t.is_empty()))
}

fn flag(name: &str, raw: &[u8]) -> Result<Option<bool>> {
    match read(name, raw)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(wrong(name, "true or false")),
        },
        _ => Err(wrong(name, "true or false")),
    }
}

fn number(name: &str, raw: &[u8]) -> Result<Option<f64>> {
    let number = match read(name, raw)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(digits) => digits.trim().parse::<f64>().ok(),
        _ => None,
    };
    number
        .filter(|n| n.is_finite())
        .map(Some)
        .ok_or_else(|| wrong(name, "a number"))
}

fn seconds(name: &str, raw: &[u8]) -> Result<Option<Duration>> {
    Ok(number(name, raw)?.and_then(|n| Duration::try_from_secs_f64(n).ok()))
}

fn count(name: &str, raw: &[u8]) -> Result<Option<u32>> {
    Ok(number(name, raw)?.map(|n| n.max(0.0) as u32))
}

fn header_pairs(name: &str, raw: &[u8]) -> Result<Vec<(String, String)>> {
    let Value::Object(headers) = read(name, raw)? else {
        return Err(wrong(name, "an object of strings"));
    };
    Ok(headers
        .into_iter()
        .filter_map(|(key, value)| match value {
            Value::Null => None,
            Value::String(text) => Some((key, text)),
            other => Some((key, other.to_string())),
        })
        .collect())
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
