//! Where a model is on Vertex AI: project, location, publisher, and the address made of them.

use crate::adapt::{GOOGLE_PROJECT, Target};
use crate::error::{Error, Result};
use bytes::Bytes;
use serde_json::Value;

/// Where a model is served when nobody says.
pub const LOCATION: &str = "us-central1";

/// Whose model it is, which says the protocol it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// Gemini, and models that were tuned from it.
    Google,
    /// Claude: Anthropic's Messages.
    Anthropic,
    /// Mistral and Codestral: Mistral's chat, and its completions between two texts.
    Mistral,
    /// Jamba: OpenAI's protocol.
    Ai21,
    /// Llama, DeepSeek, Qwen and others that all are behind one endpoint of OpenAI's protocol.
    Open,
    /// A model that the caller deployed from the Model Garden, at an endpoint of its own.
    Garden,
}

/// What the names of models behind the shared endpoint begin with.
const OPEN: [&str; 9] = [
    "meta/",
    "deepseek-ai",
    "qwen",
    "openai/gpt-oss-",
    "minimaxai/",
    "moonshotai/",
    "zai-org/",
    "google/gemma-",
    "xai/",
];

impl Publisher {
    /// The publisher of a model.
    pub fn of(model: &str) -> Self {
        let begins = |names: &[&str]| names.iter().any(|name| model.starts_with(name));
        if begins(&OPEN) {
            Self::Open
        } else if begins(&["mistral", "codestral"]) {
            Self::Mistral
        } else if begins(&["jamba"]) {
            Self::Ai21
        } else if begins(&["claude"]) {
            Self::Anthropic
        } else if begins(&["openai/"]) {
            // A name in two parts is a publisher's; a single one is that of an endpoint.
            if garden_model(model).contains('/') {
                Self::Open
            } else {
                Self::Garden
            }
        } else {
            Self::Google
        }
    }
}

/// A model of the garden without the route in front of it.
pub fn garden_model(model: &str) -> &str {
    match model.strip_prefix("openai/") {
        Some(name) if !name.starts_with("gpt-oss-") => name,
        _ => model,
    }
}

/// The address at which `verb` is asked of a target's model.
///
/// # Errors
/// No project, or names that cannot stand in an address.
pub fn url(target: &Target, verb: &str, stream: bool) -> Result<String> {
    let model = target.model.as_str();
    let path = match Publisher::of(model) {
        Publisher::Google => google(target, model, verb)?,
        Publisher::Anthropic => published(target, "v1", "anthropic", model, verb)?,
        Publisher::Mistral => {
            let model = model.strip_prefix("mistralai/").unwrap_or(model);
            published(target, "v1", "mistralai", model, verb)?
        }
        Publisher::Ai21 => published(target, "v1beta1", "ai21", model, verb)?,
        Publisher::Open => format!("{}/endpoints/openapi/chat/completions", root(target, "v1")?),
        Publisher::Garden => {
            let endpoint = plain("the model", garden_model(model))?;
            let root = root(target, "v1beta1")?;
            format!("{root}/endpoints/{endpoint}/chat/completions")
        }
    };
    let base = target.api_base.trim_end_matches('/');
    if base.is_empty() {
        return Ok(format!("{}/{path}", own_base(&location(target)?)));
    }
    Ok(behind(base, &path, verb, stream))
}

/// Google's own models, and tuned ones, which are served from endpoints that have a number for a name.
fn google(target: &Target, model: &str, verb: &str) -> Result<String> {
    let model = model.trim_start_matches("gemini/");
    if !model.is_empty() && model.bytes().all(|byte| byte.is_ascii_digit()) {
        let root = root(target, "v1")?;
        return Ok(format!("{root}/endpoints/{model}:{verb}"));
    }
    published(target, "v1", "google", model, verb)
}

fn published(
    target: &Target,
    version: &str,
    publisher: &str,
    model: &str,
    verb: &str,
) -> Result<String> {
    let root = root(target, version)?;
    Ok(format!(
        "{root}/publishers/{publisher}/models/{model}:{verb}"
    ))
}

fn root(target: &Target, version: &str) -> Result<String> {
    let project = project(target)?;
    let location = location(target)?;
    Ok(format!("{version}/projects/{project}/locations/{location}"))
}

/// The address behind a base of the caller's: one without a path, or with a version only, is a mirror of Google's;
/// another is the model's own, to which the verb is added.
fn behind(base: &str, path: &str, verb: &str, stream: bool) -> String {
    let host = base.find("://").map_or(0, |at| at + 3);
    let own = base[host..].find('/').map_or("", |at| &base[host + at..]);
    let url = match own {
        "" => format!("{base}/{path}"),
        "/v1" | "/v1beta1" => {
            let rest = path.split_once('/').map_or(path, |(_, rest)| rest);
            format!("{base}/{rest}")
        }
        // The shared endpoint has no verb of its own.
        _ if verb.is_empty() => format!("{base}/chat/completions"),
        _ => format!("{base}:{verb}"),
    };
    if stream && !verb.is_empty() && !url.contains("alt=sse") {
        return format!("{url}?alt=sse");
    }
    url
}

/// Google's host for a location: one for all, one for each continent, one for each region.
pub fn own_base(location: &str) -> String {
    match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        wide if !wide.contains('-') => format!("https://aiplatform.{wide}.rep.googleapis.com"),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    }
}

/// The location: as said, unless the price map knows that the model is elsewhere.
fn location(target: &Target) -> Result<String> {
    let said = text(target, &["vertex_location", "vertex_ai_location"]);
    let places = served_in(&target.model);
    let location = match (said, places.first()) {
        (Some(said), None) => said,
        (Some(said), Some(_)) if places.contains(&said) => said,
        (_, Some(first)) => first.clone(),
        (None, None) => LOCATION.to_owned(),
    };
    if is_location(&location) {
        return Ok(location);
    }
    Err(
        Error::bad_request("`vertex_location` holds only lowercase letters, digits and hyphens")
            .at(target.provider.name, &target.model),
    )
}

/// Whether a text may become part of a host's name: a token goes there.
pub fn is_location(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(fits)
}

fn served_in(model: &str) -> Vec<String> {
    let entry = crate::catalog::entry(&format!("vertex_ai/{model}"));
    let places = entry.and_then(|entry| entry.get("supported_regions").cloned());
    places
        .and_then(|places| serde_json::from_value(places).ok())
        .unwrap_or_default()
}

/// The project: as said, else the one of the service account that is at hand, else what the credentials will tell.
fn project(target: &Target) -> Result<String> {
    let said = text(target, &["vertex_project", "vertex_ai_project"]);
    let of_account = || {
        let account = match serde_json::from_slice::<Value>(&credentials(target)?).ok()? {
            Value::String(text) => serde_json::from_str(&text).ok()?,
            account => account,
        };
        account["project_id"].as_str().map(str::to_owned)
    };
    match said.or_else(of_account) {
        Some(project) => plain("`vertex_project`", &project).map(str::to_owned),
        None => Ok(GOOGLE_PROJECT.to_owned()),
    }
}

/// One segment of a path.
fn plain<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if !text.is_empty() && text.bytes().all(fits) {
        return Ok(text);
    }
    Err(Error::bad_request(format!("{what} is a plain name")))
}

/// The credentials that the call or the deployment names.
pub fn credentials(target: &Target) -> Option<Bytes> {
    option(target, &["vertex_credentials", "vertex_ai_credentials"])
}

fn option(target: &Target, names: &[&str]) -> Option<Bytes> {
    names
        .iter()
        .find_map(|name| target.options.other.raw(name))
        .cloned()
}

fn text(target: &Target, names: &[&str]) -> Option<String> {
    let raw = option(target, names)?;
    serde_json::from_slice::<String>(&raw)
        .ok()
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
