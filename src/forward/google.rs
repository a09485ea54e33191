//! Access tokens of Google Cloud: a service account's signed claim, a user's refresh token, or the metadata server of
//! the machine, each kept until shortly before it expires.
//!
//! <https://developers.google.com/identity/protocols/oauth2/service-account>

use super::tokens::{self, Kept, ask, form};
use super::{Clocks, Transport, collect};
use crate::adapt::UpstreamRequest;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::options::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Who claims are addressed to, wherever they are sent.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const METADATA: &str =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
const METADATA_PROJECT: &str =
    "http://metadata.google.internal/computeMetadata/v1/project/project-id";
/// Longest name of a project that is read, in bytes.
const MAX_PROJECT: usize = 1024;
/// How long a claim is valid: the longest that Google takes.
const CLAIM: u64 = 3600;
/// A token is renewed this long before it expires, so that none expires on the way.
const MARGIN: Duration = Duration::from_secs(225);

/// Tokens that are still valid, by a digest of the credentials that they were given for.
#[derive(Default)]
pub struct Tokens {
    kept: Kept,
    /// The machine's project, once its metadata server has told it.
    project: Mutex<Option<String>>,
}

impl Tokens {
    /// A valid token for `credentials`: raw JSON of an account, of such JSON as text, or of a file's path. Without
    /// any, the environment's (`env`), else the metadata server's.
    ///
    /// # Errors
    /// Credentials that cannot be read, or that Google refuses.
    pub async fn token(
        &self,
        transport: &dyn Transport,
        credentials: Option<&[u8]>,
        env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        clocks: Clocks,
    ) -> Result<Secret> {
        let account = account(credentials, env).await?;
        let key = tokens::digest(&[&account.to_string()]);
        if let Some(token) = self.kept.get(&key) {
            return Ok(token);
        }
        let answer = ask(transport, request(&account)?, clocks).await;
        let (_, said) = answer.ok_or_else(|| refused("no answer"))?;
        let Some(token) = said["access_token"].as_str() else {
            let what = said["error"].as_str().unwrap_or("no token");
            let why = said["error_description"]
                .as_str()
                .unwrap_or("no reason given");
            return Err(refused(&format!("{what}: {why}")));
        };
        let token = Secret::new(token.trim_end_matches('.'));
        let lasts = Duration::from_secs(said["expires_in"].as_u64().unwrap_or(CLAIM));
        self.kept.keep(key, token.clone(), lasts, MARGIN);
        Ok(token)
    }

    /// The project that `credentials` belong to: the environment's, the account's own, else the machine's.
    ///
    /// # Errors
    /// Credentials that cannot be read, and a project that nobody knows or that is no plain name.
    pub async fn project(
        &self,
        transport: &dyn Transport,
        credentials: Option<&[u8]>,
        env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        clocks: Clocks,
    ) -> Result<String> {
        let account = account(credentials, env).await?;
        let of_account = |name: &str| account[name].as_str().map(str::to_owned);
        let told = ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"]
            .iter()
            .find_map(|name| env(name).filter(|project| !project.is_empty()))
            .or_else(|| of_account("project_id"))
            .or_else(|| of_account("quota_project_id"));
        let project = match told {
            Some(project) => Some(project),
            None if account.is_null() => self.machines_project(transport, clocks).await,
            None => None,
        };
        let plain = |project: &String| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
            !project.is_empty() && project.bytes().all(fits)
        };
        project.filter(plain).ok_or_else(|| {
            Error::bad_request("no project is known for Vertex AI")
                .hint("pass `vertex_project` or set `VERTEXAI_PROJECT`")
        })
    }

    async fn machines_project(&self, transport: &dyn Transport, clocks: Clocks) -> Option<String> {
        let kept = || self.project.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(project) = kept().clone() {
            return Some(project);
        }
        let sent = transport.send(metadata(METADATA_PROJECT), clocks).await;
        let mut answer = sent.ok().filter(|answer| answer.head.status.is_success())?;
        let body = collect(&mut *answer.body, MAX_PROJECT).await.ok()?;
        let project = std::str::from_utf8(&body).ok()?.trim().to_owned();
        *kept() = Some(project.clone());
        Some(project)
    }
}

fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::ApiConnection,
        format!("Google gave no access token: {why}"),
    )
    .side(Side::Upstream)
}

fn unreadable(what: &str) -> Error {
    Error::new(
        ErrorKind::Authentication,
        format!("Google credentials cannot be read: {what}"),
    )
    .side(Side::Client)
}

/// The account, or `null` for the machine's own.
async fn account(
    credentials: Option<&[u8]>,
    env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
) -> Result<Value> {
    let given = match credentials {
        Some(raw) => serde_json::from_slice(raw).map_err(|_| unreadable("they are not JSON"))?,
        None => match env("VERTEXAI_CREDENTIALS").or_else(|| env("GOOGLE_APPLICATION_CREDENTIALS"))
        {
            Some(text) => Value::String(text),
            None => match env("HOME") {
                Some(home) => {
                    let path =
                        format!("{home}/.config/gcloud/application_default_credentials.json");
                    return Ok(file(&path).await.unwrap_or_default());
                }
                None => Value::Null,
            },
        },
    };
    match given {
        Value::String(text) if text.trim_start().starts_with('{') => {
            serde_json::from_str(&text).map_err(|_| unreadable("they are not JSON"))
        }
        Value::String(path) => file(&path).await,
        given => Ok(given),
    }
}

async fn file(path: &str) -> Result<Value> {
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|_| unreadable("there is no such file"))?;
    serde_json::from_slice(&bytes).map_err(|_| unreadable("the file is not JSON"))
}

fn request(account: &Value) -> Result<UpstreamRequest> {
    let text = |name: &str| account[name].as_str().unwrap_or_default();
    let url = account["token_uri"].as_str().unwrap_or(AUDIENCE).to_owned();
    match account["type"].as_str() {
        Some("service_account") => {
            let claim = claim(account)?;
            Ok(form(url, &[("grant_type", GRANT), ("assertion", &claim)]))
        }
        Some("authorized_user") => Ok(form(
            url,
            &[
                ("grant_type", "refresh_token"),
                ("client_id", text("client_id")),
                ("client_secret", text("client_secret")),
                ("refresh_token", text("refresh_token")),
            ],
        )),
        None if account.is_null() => Ok(metadata(METADATA)),
        _ => Err(unreadable("their `type` is not supported yet")),
    }
}

/// A question to the machine's metadata server.
fn metadata(url: &str) -> UpstreamRequest {
    let mut headers = HeaderMap::new();
    headers.insert("metadata-flavor", HeaderValue::from_static("Google"));
    UpstreamRequest {
        method: Method::GET,
        url: url.into(),
        headers,
        body: Bytes::new().into(),
    }
}

/// A signed claim to be the account.
fn claim(account: &Value) -> Result<String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let head = json!({"typ": "JWT", "alg": "RS256", "kid": account["private_key_id"]});
    let body = json!({"iat": now, "exp": now + CLAIM, "iss": account["client_email"], "aud": AUDIENCE, "scope": SCOPE});
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&head), encode(&body));
    let key = key(account["private_key"].as_str().unwrap_or_default())?;
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(
        &ring::signature::RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| unreadable("the key signs nothing"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The private key of a PEM text.
fn key(pem: &str) -> Result<ring::rsa::KeyPair> {
    let inner: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect();
    let der = STANDARD
        .decode(inner)
        .map_err(|_| unreadable("`private_key` is not PEM"))?;
    ring::rsa::KeyPair::from_pkcs8(&der)
        .or_else(|_| ring::rsa::KeyPair::from_der(&der))
        .map_err(|_| unreadable("`private_key` is no RSA key"))
}

#[cfg(test)]
#[path = "google_tests.rs"]
mod tests;
