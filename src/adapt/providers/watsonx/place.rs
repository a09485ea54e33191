//! Where a model of watsonx.ai is, and who asks it: the project or the space that pays, or a deployment.

use crate::adapt::lookup::Env;
use crate::adapt::providers::openai_request::{wire, with_defaults};
use crate::adapt::{Auth, Target};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::options::Options;
use crate::params::Params;
use crate::request::Call;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// LiteLLM's version of the API.
const VERSION: &str = "2024-03-13";
const PROJECT: [&str; 2] = ["project_id", "watsonx_project"];
const SPACE: &str = "space_id";
const TOKEN: [&str; 2] = ["token", "watsonx_token"];
/// A key of IBM's software for one's own machines.
const ZEN: &str = "zen_api_key";
/// Settings that say where and who: they never enter a body.
const SETTINGS: [&str; 12] = [
    "project_id",
    "watsonx_project",
    "space_id",
    "token",
    "watsonx_token",
    "zen_api_key",
    "region_name",
    "region",
    "watsonx_region",
    "watsonx_region_name",
    "apikey",
    "api_version",
];
/// What the environment says in their place.
const VARIABLES: [(&str, &[&str]); 4] = [
    (
        "project_id",
        &["WATSONX_PROJECT_ID", "WX_PROJECT_ID", "PROJECT_ID"],
    ),
    (
        "space_id",
        &[
            "WATSONX_DEPLOYMENT_SPACE_ID",
            "WATSONX_SPACE_ID",
            "WX_SPACE_ID",
            "SPACE_ID",
        ],
    ),
    ("token", &["WATSONX_TOKEN"]),
    ("zen_api_key", &["WATSONX_ZENAPIKEY"]),
];

/// Whether a member says where or who.
pub fn is_setting(name: &str) -> bool {
    SETTINGS.contains(&name)
}

/// Reads what the environment says.
pub fn settle(options: &mut Options, env: Env<'_>) {
    for (name, variables) in VARIABLES {
        let value = variables.iter().find_map(|variable| env(variable));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            options.other.set(name, &value);
        }
    }
}

fn said(given: &Params, target: &Target, names: &[&str]) -> Option<String> {
    let of = |params: &Params| {
        let texts = names.iter().find_map(|name| params.get::<String>(name));
        texts.filter(|text| !text.is_empty())
    };
    of(given).or_else(|| of(&target.options.other))
}

/// Who pays, or which deployment is asked.
pub enum Place {
    Deployment(String),
    Project(String),
    Space(String),
}

impl Place {
    /// The place of a call's members, the deployment's settings or the environment.
    ///
    /// # Errors
    /// Nobody says one.
    pub fn of(given: &Params, target: &Target) -> Result<Self> {
        if let Some(deployment) = target.model.strip_prefix("deployment/") {
            return Ok(Self::Deployment(deployment.to_owned()));
        }
        if let Some(project) = said(given, target, &PROJECT) {
            return Ok(Self::Project(project));
        }
        said(given, target, &[SPACE]).map(Self::Space).ok_or_else(|| {
            refused(
                target,
                "Error: Watsonx project_id and space_id not set. Set WX_PROJECT_ID or WX_SPACE_ID in environment \
                 variables or pass in as a parameter.",
            )
        })
    }

    /// Enters the place into a body, and takes the settings out of it.
    pub fn enter(&self, body: &mut Params, model: &str) {
        body.retain(|name, _| !is_setting(name));
        let (name, value) = match self {
            Self::Deployment(_) => return,
            Self::Project(project) => ("project_id", project),
            Self::Space(space) => ("space_id", space),
        };
        body.set("model_id", &model);
        body.set(name, value);
    }

    /// The address of what is asked.
    ///
    /// # Errors
    /// No base URL is known.
    pub fn url(&self, target: &Target, verb: &str, streamed: bool) -> Result<String> {
        let base = target.api_base.as_str();
        if base.is_empty() {
            return Err(refused(
                target,
                "Error: Watsonx URL not set. Set WATSONX_API_BASE in environment variables or pass in as parameter - \
                 'api_base='.",
            ));
        }
        let stream = if streamed { "_stream" } else { "" };
        let version = target.options.api_version.as_deref().unwrap_or(VERSION);
        let place = match self {
            Self::Deployment(name) => format!("deployments/{name}/"),
            _ => String::new(),
        };
        Ok(format!(
            "{base}/ml/v1/{place}text/{verb}{stream}?version={version}"
        ))
    }
}

fn refused(target: &Target, what: &str) -> Error {
    Error::new(
        ErrorKind::Authentication,
        format!("WatsonxException - {what}"),
    )
    .side(Side::Client)
    .at(target.provider.name, &target.model)
}

fn own_credential(call: &Call, target: &Target) -> bool {
    call.forward_headers
        .iter()
        .chain(&target.options.extra_headers)
        .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
}

/// A key is traded for a token, unless the caller has one.
pub fn auth(call: &Call, target: &Target) -> Auth {
    let given = with_defaults(&call.params, &target.defaults);
    let has = |names: &[&str]| said(&given, target, names).is_some();
    match &target.api_key {
        Some(key) if !own_credential(call, target) && !has(&TOKEN) && !has(&[ZEN]) => {
            Auth::Ibm { key: key.clone() }
        }
        _ => Auth::Placed,
    }
}

/// The headers of a request.
///
/// # Errors
/// No credential is known, or one that no header may hold.
pub fn headers(call: &Call, given: &Params, target: &Target) -> Result<HeaderMap> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCEPT, JSON);
    let token = said(given, target, &TOKEN).map(|token| format!("Bearer {token}"));
    let zen = || said(given, target, &[ZEN]).map(|key| format!("ZenApiKey {key}"));
    match token.or_else(zen) {
        Some(text) => {
            headers.insert(AUTHORIZATION, wire::secret(text, target)?);
        }
        None if target.api_key.is_some() || own_credential(call, target) => {}
        None => {
            return Err(refused(
                target,
                "Error: Watsonx API key not set. Set WATSONX_API_KEY in environment variables or pass in as parameter - \
                 'api_key='.",
            ));
        }
    }
    wire::insert_given(&mut headers, call, target)?;
    Ok(headers)
}
