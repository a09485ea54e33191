//! Where a request that is passed through goes: providers by the first segment of the path, and what the configuration
//! lists in `pass_through_endpoints`.

use super::clouds::{self, Deployed};
use crate::adapt::Auth;
use crate::adapt::lookup::Env;
use crate::config::Config;
use crate::error::Error;
use crate::serve::routes::percent_decoded;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// How a provider's key is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Bearer,
    /// As a bearer token, and under Azure's name.
    Both,
    Header(&'static str),
    Query(&'static str),
}

/// One provider.
struct Row {
    /// The first segment of the path, with both slashes; what follows it is the provider's path.
    prefix: &'static str,
    /// Which provider prices its replies.
    provider: &'static str,
    base_env: &'static [&'static str],
    base: &'static str,
    key_env: &'static [&'static str],
    key: Key,
    /// The prefix is part of the provider's path.
    kept: bool,
}

const fn row(
    prefix: &'static str,
    provider: &'static str,
    base_env: &'static [&'static str],
    base: &'static str,
    key_env: &'static [&'static str],
    key: Key,
) -> Row {
    Row {
        prefix,
        provider,
        base_env,
        base,
        key_env,
        key,
        kept: false,
    }
}

const OPENAI_BASE: &[&str] = &["OPENAI_API_BASE", "OPENAI_BASE_URL"];
const OPENAI_KEY: &[&str] = &["OPENAI_API_KEY"];
const OPENAI: &str = "https://api.openai.com";

/// What OpenAI does with files: the same paths there.
const fn files(prefix: &'static str) -> Row {
    Row {
        kept: true,
        ..row(
            prefix,
            "openai",
            OPENAI_BASE,
            OPENAI,
            OPENAI_KEY,
            Key::Bearer,
        )
    }
}

#[rustfmt::skip]
static ROWS: &[Row] = &[
    row("/openai_passthrough/", "openai", OPENAI_BASE, OPENAI, OPENAI_KEY, Key::Both),
    row("/openai/", "openai", OPENAI_BASE, OPENAI, OPENAI_KEY, Key::Both),
    row("/anthropic/", "anthropic", &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"], "https://api.anthropic.com", &["ANTHROPIC_API_KEY"], Key::Header("x-api-key")),
    row("/gemini/", "gemini", &["GEMINI_API_BASE"], "https://generativelanguage.googleapis.com", &["GEMINI_API_KEY", "GOOGLE_API_KEY"], Key::Query("key")),
    row("/cohere/", "cohere", &["COHERE_API_BASE"], "https://api.cohere.com", &["COHERE_API_KEY", "CO_API_KEY"], Key::Bearer),
    row("/mistral/", "mistral", &["MISTRAL_API_BASE"], "https://api.mistral.ai", &["MISTRAL_API_KEY"], Key::Bearer),
    row("/openrouter/", "openrouter", &["OPENROUTER_API_BASE"], "https://openrouter.ai/api", &["OPENROUTER_API_KEY"], Key::Bearer),
    row("/vllm/", "hosted_vllm", &["VLLM_API_BASE", "HOSTED_VLLM_API_BASE"], "", &["VLLM_API_KEY", "HOSTED_VLLM_API_KEY"], Key::Bearer),
    row("/azure/", "azure", &["AZURE_API_BASE"], "", &["AZURE_API_KEY"], Key::Header("api-key")),
    files("/v1/files"), files("/files"), files("/v1/batches"), files("/batches"),
    files("/v1/fine_tuning/"), files("/fine_tuning/"), files("/v1/uploads"),
];

/// A way, settled.
pub struct Way {
    /// Scheme, host and path.
    pub url: String,
    /// The query.
    pub query: String,
    /// Headers that are added: credentials, and what the configuration says.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the client's headers go along.
    pub forwards: bool,
    /// Whether a key of this server's is wanted.
    pub guarded: bool,
    /// The provider whose replies tell what they used.
    pub provider: Option<&'static str>,
    /// Whether that is billed at the provider's prices.
    pub priced: bool,
    /// Clients name their key as Google's do, and in no other way.
    pub google: bool,
    /// The model of the path.
    pub model: Option<String>,
    /// The credential that takes a signature or a token.
    pub auth: Auth,
    /// A client's own token serves instead, where it came beside the key of this server.
    pub own_token: bool,
}

impl Way {
    /// A way below an address of a provider's.
    pub fn below(url: String, query: &str, provider: &'static str) -> Self {
        Self {
            url,
            model: None,
            query: without(query, ""),
            headers: Vec::new(),
            forwards: true,
            guarded: true,
            provider: Some(provider),
            priced: true,
            google: false,
            auth: Auth::Placed,
            own_token: false,
        }
    }
}

/// A header that no log shows; `None` for a value that no header may hold.
pub fn secret(name: &'static str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_static(name), value))
}

/// The model that a path of Google's names.
pub fn model_of(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("models/")?;
    let model = rest.split([':', '/']).next().unwrap_or_default();
    (!model.is_empty()).then(|| percent_decoded(model).into_owned())
}

/// Why there is no way.
#[derive(Debug)]
pub enum NoWay {
    /// The path would leave the place that it names.
    Traversal,
    /// An address or a key that is not set; which.
    Unset(String),
    /// What the configuration says is no address.
    Wrong(Error),
}

/// The way of a path; `None` for one that is nobody's.
pub fn find(
    path: &str,
    query: &str,
    config: &Config,
    env: Env<'_>,
    deployed: Deployed<'_>,
) -> Option<Result<Way, NoWay>> {
    if let Some(entry) = configured(path, config) {
        return Some(of_entry(entry, path, query, env));
    }
    let cloud = |prefix: &str| path.strip_prefix(prefix);
    if let Some(rest) = cloud("/bedrock/") {
        return Some(below(rest, || clouds::bedrock(rest, query, env, deployed)));
    }
    if let Some(rest) = cloud("/vertex_ai/").or_else(|| cloud("/vertex-ai/")) {
        return Some(below(rest, || clouds::vertex(rest, query, env)));
    }
    let row = ROWS.iter().find(|row| {
        let rest = path.strip_prefix(row.prefix);
        rest.is_some_and(|rest| {
            row.prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/')
        })
    })?;
    Some(of_row(row, path, query, env))
}

fn below(rest: &str, way: impl FnOnce() -> Result<Way, NoWay>) -> Result<Way, NoWay> {
    if climbs(rest) {
        return Err(NoWay::Traversal);
    }
    way()
}

/// The first of these variables that is set, and not empty.
pub fn set(names: &[&str], env: Env<'_>) -> Option<String> {
    names
        .iter()
        .find_map(|name| env(name).filter(|value| !value.is_empty()))
}

fn of_row(row: &Row, path: &str, query: &str, env: Env<'_>) -> Result<Way, NoWay> {
    let rest = if row.kept {
        path.strip_prefix("/v1")
            .unwrap_or(path)
            .trim_start_matches('/')
    } else {
        path.get(row.prefix.len()..).unwrap_or_default()
    };
    if climbs(rest) {
        return Err(NoWay::Traversal);
    }
    let base = set(row.base_env, env).unwrap_or_else(|| row.base.to_owned());
    if base.is_empty() {
        return Err(NoWay::Unset(row.base_env.join("` or `")));
    }
    let key = set(row.key_env, env).ok_or_else(|| NoWay::Unset(row.key_env.join("` or `")))?;
    let base = base.trim_end_matches('/');
    let rest = if row.kept {
        format!("v1/{rest}")
    } else {
        rest.to_owned()
    };
    // A base with a version, and a path with one, mean the same version.
    let base = match rest.split_once('/') {
        Some((version @ ("v1" | "v1beta" | "v2"), _)) => base
            .strip_suffix(version)
            .map_or(base, |base| base.trim_end_matches('/')),
        _ => base,
    };
    let mut headers = Vec::new();
    let mut query = without(
        query,
        if matches!(row.key, Key::Query(_)) {
            "key"
        } else {
            ""
        },
    );
    let mut place = |name, value: String| headers.extend(secret(name, &value));
    match row.key {
        Key::Bearer => place("authorization", format!("Bearer {key}")),
        Key::Both => {
            place("authorization", format!("Bearer {key}"));
            place("api-key", key);
        }
        Key::Header(name) => place(name, key),
        Key::Query(name) => {
            let sign = if query.is_empty() { "" } else { "&" };
            query = format!("{query}{sign}{name}={key}");
        }
    }
    // The prices are OpenAI's own: what a mirror takes, nobody knows.
    let priced = row.provider != "openai" || base.starts_with(OPENAI);
    Ok(Way {
        query,
        headers,
        priced,
        google: row.provider == "gemini",
        model: model_of(&rest),
        ..Way::below(format!("{base}/{rest}"), "", row.provider)
    })
}

/// The entry of the configuration for a path: its own, or one above it that takes what is below.
fn configured<'a>(path: &str, config: &'a Config) -> Option<&'a Map<String, Value>> {
    let list = config
        .general
        .other
        .get("pass_through_endpoints")?
        .as_array()?;
    let mut entries = list.iter().filter_map(Value::as_object);
    entries.find(|entry| {
        let own = entry
            .get("path")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let below = entry.get("include_subpath") == Some(&Value::Bool(true));
        let own = own.trim_end_matches('/');
        path == own
            || (below
                && path
                    .strip_prefix(own)
                    .is_some_and(|rest| rest.starts_with('/')))
    })
}

fn of_entry(
    entry: &Map<String, Value>,
    path: &str,
    query: &str,
    env: Env<'_>,
) -> Result<Way, NoWay> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let rest = path
        .get(text("path").trim_end_matches('/').len()..)
        .unwrap_or_default();
    if climbs(rest) {
        return Err(NoWay::Traversal);
    }
    let target = referred(text("target"), env);
    if target.is_empty() {
        return Err(NoWay::Unset("pass_through_endpoints.target".to_owned()));
    }
    let mut headers = Vec::new();
    for (name, value) in entry
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), |text| referred(text, env));
        if let (Ok(name), Ok(mut value)) =
            (name.parse::<HeaderName>(), HeaderValue::from_str(&value))
        {
            value.set_sensitive(true);
            headers.push((name, value));
        }
    }
    let mut query = query.to_owned();
    let usual = entry.get("default_query_params").and_then(Value::as_object);
    for (name, value) in usual.into_iter().flatten() {
        let given = query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name));
        if !given {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let sign = if query.is_empty() { "" } else { "&" };
            query = format!("{query}{sign}{name}={value}");
        }
    }
    Ok(Way {
        url: format!("{}{rest}", target.trim_end_matches('/')),
        query,
        headers,
        forwards: entry.get("forward_headers") == Some(&Value::Bool(true)),
        guarded: entry.get("auth") != Some(&Value::Bool(false)),
        provider: None,
        priced: false,
        google: false,
        model: None,
        auth: Auth::Placed,
        own_token: false,
    })
}

/// A text in which `os.environ/NAME` stands for the variable.
fn referred(text: &str, env: Env<'_>) -> String {
    let Some((before, rest)) = text.split_once("os.environ/") else {
        return text.to_owned();
    };
    let end = rest
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    format!(
        "{before}{}{}",
        env(name).unwrap_or_default(),
        referred(after, env)
    )
}

fn without(query: &str, name: &str) -> String {
    let kept = query.split('&').filter(|pair| {
        !pair.is_empty() && (name.is_empty() || pair.split('=').next() != Some(name))
    });
    kept.collect::<Vec<_>>().join("&")
}

/// Whether a path would leave what it is below, also when it is decoded again and again.
fn climbs(path: &str) -> bool {
    let mut path = path.to_owned();
    for _ in 0..4 {
        let dotted = path
            .split(['/', '\\'])
            .any(|segment| matches!(segment, "." | ".."));
        if dotted
            || path.contains('\\')
            || path.contains("//")
            || path.chars().any(char::is_control)
        {
            return true;
        }
        let decoded = percent_decoded(&path).into_owned();
        if decoded == path {
            return false;
        }
        path = decoded;
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "OPENAI_API_KEY" | "GEMINI_API_KEY" => Some("k".into()),
            "OPENAI_API_BASE" => Some("http://up/v1".into()),
            _ => None,
        }
    }

    fn way(path: &str, query: &str) -> Option<Result<Way, NoWay>> {
        find(path, query, &Config::default(), &env, &|_| None)
    }

    #[test]
    fn a_path_that_climbs_is_refused_however_it_is_written() {
        for rest in [
            "../x",
            "a/../../x",
            "%2e%2e/x",
            "a/%2E%2E%2fx",
            "%252e%252e%252fx",
            "..%5cx",
            "a//x",
            ".",
            "a%00",
        ] {
            let found = way(&format!("/openai/{rest}"), "").unwrap();
            assert!(matches!(found, Err(NoWay::Traversal)), "{rest}");
        }
    }

    #[test]
    fn a_version_is_said_once_and_files_keep_their_path() {
        let url = |path| way(path, "a=1").unwrap().unwrap().url;
        assert_eq!(url("/openai/v1/models"), "http://up/v1/models");
        assert_eq!(
            url("/v1/files/f-1/content"),
            "http://up/v1/files/f-1/content"
        );
        assert_eq!(url("/batches"), "http://up/v1/batches");
        assert!(way("/v1/filesystem", "").is_none());
    }

    #[test]
    fn the_key_in_a_query_is_the_gateways_and_not_the_clients() {
        let way = way(
            "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
            "alt=sse&key=client",
        )
        .unwrap()
        .unwrap();
        assert_eq!(way.query, "alt=sse&key=k");
        assert_eq!(way.model.as_deref(), Some("gemini-2.5-flash"));
    }

    #[test]
    fn what_is_not_set_is_named() {
        let missing = way("/cohere/v2/chat", "").unwrap();
        assert!(matches!(missing, Err(NoWay::Unset(name)) if name.contains("COHERE_API_KEY")));
    }
}
