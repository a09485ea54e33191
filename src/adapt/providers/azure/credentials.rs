//! Who asks Azure: a key, a token that the caller has, or one that Entra ID gives for the caller's settings.

use super::address;
use crate::adapt::lookup::Env;
use crate::adapt::providers::openai_request::wire;
use crate::adapt::{Auth, Target};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::options::Options;
use crate::params::Params;
use crate::request::Call;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};

/// Settings of Entra ID, and the environment variables that stand in for them.
const ENTRA: [(&str, &str); 8] = [
    ("tenant_id", "AZURE_TENANT_ID"),
    ("client_id", "AZURE_CLIENT_ID"),
    ("client_secret", "AZURE_CLIENT_SECRET"),
    ("azure_username", "AZURE_USERNAME"),
    ("azure_password", "AZURE_PASSWORD"),
    ("azure_scope", "AZURE_SCOPE"),
    ("azure_federated_token_file", "AZURE_FEDERATED_TOKEN_FILE"),
    ("azure_authority_host", "AZURE_AUTHORITY_HOST"),
];
/// The token of Entra ID that a caller has, or where a platform's word for a workload is (`oidc/...`).
const TOKEN: &str = "azure_ad_token";
/// Where such a token is in the environment: LiteLLM's name, and that of OpenAI's client.
const TOKEN_ENV: [&str; 2] = ["AZURE_AD_TOKEN", "AZURE_OPENAI_AD_TOKEN"];
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Reads what the environment says of the version and, where no key is known, of the credentials.
pub fn settle(options: &mut Options, has_key: bool, env: Env<'_>) {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    if options.api_version.is_none() {
        options.api_version = set("AZURE_API_VERSION");
    }
    let word = said(options, TOKEN).is_some_and(|token| token.starts_with("oidc/"));
    if !has_key
        && !options.other.contains(TOKEN)
        && let Some(token) = TOKEN_ENV.iter().find_map(|name| set(name))
    {
        options.other.set(TOKEN, &token);
    }
    if has_key && !word {
        return;
    }
    for (name, variable) in ENTRA {
        if said(options, name).is_none()
            && let Some(value) = set(variable)
        {
            options.other.set(name, &value);
        }
    }
}

fn said(options: &Options, name: &str) -> Option<String> {
    let text = options.other.get::<String>(name)?;
    (!text.is_empty()).then_some(text)
}

/// A token that can be sent as it is.
fn ready_token(target: &Target) -> Option<String> {
    said(&target.options, TOKEN).filter(|token| !token.starts_with("oidc/"))
}

/// Whether the settings are enough to ask Entra ID.
fn asks_entra(target: &Target) -> bool {
    let has = |name| said(&target.options, name).is_some();
    let word = has(TOKEN) && ready_token(target).is_none();
    let keyless = target.api_key.is_none();
    has("client_id")
        && ((keyless && has("tenant_id") && has("client_secret"))
            || (has("azure_username") && has("azure_password"))
            || (has("tenant_id") && (word || (keyless && has("azure_federated_token_file")))))
}

fn own_credential(call: &Call, target: &Target) -> bool {
    call.forward_headers
        .iter()
        .chain(&target.options.extra_headers)
        .any(|(name, _)| {
            name.eq_ignore_ascii_case("api-key") || name.eq_ignore_ascii_case("authorization")
        })
}

/// The credential that `forward` is to get: none where the request has one.
pub fn auth(call: &Call, target: &Target) -> Auth {
    if own_credential(call, target) || ready_token(target).is_some() || !asks_entra(target) {
        return Auth::Placed;
    }
    let mut settings = Params::default();
    for name in ENTRA.iter().map(|(name, _)| *name).chain([TOKEN]) {
        if let Some(raw) = target.options.other.raw(name) {
            settings.set_raw(name, raw.clone());
        }
    }
    Auth::Entra { settings }
}

/// The headers of a request of JSON. A token goes before a key, as OpenAI's client for Azure has it.
///
/// # Errors
/// No credential is known, or one that no header may hold.
pub fn headers(call: &Call, target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    place(&mut headers, call, target)?;
    wire::insert_given(&mut headers, call, target)?;
    Ok(headers)
}

/// Places the credential that is at hand, unless the caller gives one in a header.
///
/// # Errors
/// As [`headers`].
pub fn place(headers: &mut HeaderMap, call: &Call, target: &Target) -> Result<()> {
    if own_credential(call, target) {
        return Ok(());
    }
    let (name, text) = match (ready_token(target), &target.api_key) {
        (Some(token), _) => (AUTHORIZATION, format!("Bearer {token}")),
        // `forward` adds the token.
        (None, _) if asks_entra(target) => return Ok(()),
        (None, Some(key)) if address::is_v1(target) => {
            (AUTHORIZATION, format!("Bearer {}", key.expose()))
        }
        (None, Some(key)) => (API_KEY, key.expose().to_owned()),
        (None, None) => return Err(missing(target)),
    };
    headers.insert(name, wire::secret(text, target)?);
    Ok(())
}

fn missing(target: &Target) -> Error {
    let mut error = Error::new(
        ErrorKind::Api,
        "AzureException APIError - Missing credentials. Please pass one of `api_key`, `azure_ad_token`, \
         `azure_ad_token_provider`, or the `AZURE_OPENAI_API_KEY` or `AZURE_OPENAI_AD_TOKEN` environment variables.",
    )
    .side(Side::Client)
    .at("azure", &target.model);
    error.retry = false;
    error
}
