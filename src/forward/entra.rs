//! Access tokens of Microsoft Entra ID: for an application with its secret, for a user with a password, or for a
//! workload whose platform vouches for it, each kept until shortly before it expires.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::tokens::{self, Kept, ask, form};
use super::{Clocks, Transport};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::options::Secret;
use crate::params::Params;
use std::time::Duration;

/// Who gives tokens, when nobody says.
const AUTHORITY: &str = "https://login.microsoftonline.com";
/// What a token is for, when nobody says.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
/// The kind of word that a platform gives for a workload.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Where a user's tenant is not said.
const ANY_TENANT: &str = "organizations";
/// A token is renewed this long before it expires.
const MARGIN: Duration = Duration::from_secs(300);
/// How long a token lasts when its giver does not say.
const LASTS: u64 = 3600;
/// Longest word of a platform for a workload, in bytes.
const MAX_ASSERTION: u64 = 64 << 10;

/// Tokens that are still valid.
#[derive(Default)]
pub struct Tokens {
    kept: Kept,
}

type Env<'a> = &'a (dyn Fn(&str) -> Option<String> + Send + Sync);

impl Tokens {
    /// A valid token for `settings`: `tenant_id`, `client_id` and `client_secret`; or `azure_username` and
    /// `azure_password`; or a word for the workload, `azure_ad_token` (`oidc/...`) or `azure_federated_token_file`.
    ///
    /// # Errors
    /// Settings that are not enough, a word that cannot be read, or a refusal of Entra ID.
    pub async fn token(
        &self,
        transport: &dyn Transport,
        settings: &Params,
        env: Env<'_>,
        clocks: Clocks,
    ) -> Result<Secret> {
        let said = |name: &str| settings.get::<String>(name).filter(|text| !text.is_empty());
        let authority = said("azure_authority_host").unwrap_or_else(|| AUTHORITY.to_owned());
        let authority = authority.trim_end_matches('/');
        let scope = said("azure_scope").unwrap_or_else(|| SCOPE.to_owned());
        let client = said("client_id").ok_or_else(|| missing("client_id"))?;
        let proof = Proof::of(&said).ok_or_else(|| missing("client_secret"))?;
        let tenant = match (said("tenant_id"), &proof) {
            (Some(tenant), _) => tenant,
            (None, Proof::Password(..)) => ANY_TENANT.to_owned(),
            (None, _) => return Err(missing("tenant_id")),
        };
        let key = proof.digest(&[authority, &tenant, &client, &scope]);
        if let Some(token) = self.kept.get(&key) {
            return Ok(token);
        }
        let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
        let word = proof.word(env).await?;
        let mut pairs = vec![("client_id", client.as_str()), ("scope", scope.as_str())];
        pairs.extend(match &proof {
            Proof::Secret(secret) => vec![
                ("grant_type", "client_credentials"),
                ("client_secret", secret),
            ],
            Proof::Password(name, password) => vec![
                ("grant_type", "password"),
                ("username", name),
                ("password", password),
            ],
            Proof::Word(_) => vec![
                ("grant_type", "client_credentials"),
                ("client_assertion_type", ASSERTION),
                ("client_assertion", word.trim()),
            ],
        });
        let answer = ask(transport, form(url, &pairs), clocks).await;
        let (_, answer) = answer.ok_or_else(|| {
            Error::new(
                ErrorKind::ApiConnection,
                "Entra ID gave no access token: no answer",
            )
            .side(Side::Upstream)
        })?;
        let Some(token) = answer["access_token"].as_str() else {
            let what = answer["error"].as_str().unwrap_or("no token");
            let why = answer["error_description"]
                .as_str()
                .unwrap_or("no reason given");
            return Err(refused(&format!("{what}: {why}")));
        };
        let token = Secret::new(token);
        let lasts = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(LASTS));
        self.kept.keep(key, token.clone(), lasts, MARGIN);
        Ok(token)
    }
}

/// What proves to be the client.
enum Proof {
    Secret(String),
    Password(String, String),
    /// Where the platform's word is: `oidc/file/...`, `oidc/env/...`, ...
    Word(String),
}

impl Proof {
    fn of(said: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        if let Some(secret) = said("client_secret") {
            return Some(Self::Secret(secret));
        }
        if let (Some(name), Some(password)) = (said("azure_username"), said("azure_password")) {
            return Some(Self::Password(name, password));
        }
        let word = said("azure_ad_token").filter(|token| token.starts_with("oidc/"));
        word.or_else(|| Some(format!("oidc/file/{}", said("azure_federated_token_file")?)))
            .map(Self::Word)
    }

    fn digest(&self, parts: &[&str]) -> Vec<u8> {
        let own = match self {
            Self::Secret(secret) => [secret, ""],
            Self::Password(name, password) => [name, password.as_str()],
            Self::Word(place) => [place, ""],
        };
        tokens::digest(&[parts, &own].concat())
    }

    /// The platform's word, read anew each time: platforms renew it.
    async fn word(&self, env: Env<'_>) -> Result<String> {
        let Self::Word(place) = self else {
            return Ok(String::new());
        };
        let place = place.trim_start_matches("oidc/");
        let (kind, rest) = place.split_once('/').unwrap_or((place, ""));
        let variable =
            |name: &str| env(name).ok_or_else(|| unreadable(&format!("`{name}` is not set")));
        match kind {
            "file" => read(&format!("/{}", rest.trim_start_matches('/'))).await,
            "env" => variable(rest),
            "env_path" => read(&variable(rest)?).await,
            "azure" => read(&variable("AZURE_FEDERATED_TOKEN_FILE")?).await,
            "circleci" => variable("CIRCLE_OIDC_TOKEN"),
            "circleci_v2" => variable("CIRCLE_OIDC_TOKEN_V2"),
            other => Err(unreadable(&format!("`oidc/{other}/` is not supported yet"))),
        }
    }
}

async fn read(path: &str) -> Result<String> {
    use tokio::io::AsyncReadExt as _;
    let file = tokio::fs::File::open(path)
        .await
        .map_err(|_| unreadable("there is no such file"))?;
    let mut word = String::new();
    file.take(MAX_ASSERTION)
        .read_to_string(&mut word)
        .await
        .map_err(|_| unreadable("the file is not text"))?;
    Ok(word)
}

fn missing(name: &str) -> Error {
    Error::new(
        ErrorKind::Authentication,
        format!("Entra ID gives no token without `{name}`"),
    )
    .hint("pass `tenant_id`, `client_id` and `client_secret`, or set `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`")
    .side(Side::Client)
}

fn unreadable(what: &str) -> Error {
    Error::new(
        ErrorKind::Authentication,
        format!("the workload's federated token cannot be read: {what}"),
    )
    .side(Side::Client)
}

fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::Authentication,
        format!("Entra ID gave no access token: {why}"),
    )
    .side(Side::Upstream)
}
