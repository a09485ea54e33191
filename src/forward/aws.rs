//! Credentials of Amazon Web Services, found where LiteLLM and AWS's own clients look: what the call or deployment
//! says, the environment, profiles ([`profile`]), a role for which others vouch ([`sts`]), the machine ([`machine`]).
//! Those that are valid for a while are kept until shortly before they expire.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

mod machine;
mod profile;
mod sts;

use super::sigv4::{self, Credentials, Scope};
use super::{Clocks, Transport, collect};
use crate::adapt::UpstreamRequest;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::options::Secret;
use crate::params::Params;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Credentials are renewed this long before they expire, so that none expires on the way.
const MARGIN: Duration = Duration::from_secs(300);
/// Credentials of which nobody says how long they last: those of an instance may be rotated any hour.
const UNSAID: Duration = Duration::from_secs(900);
/// Most credentials kept; the accounts of a process are few.
const MAX_KEPT: usize = 256;
/// Answers are read as far as this.
const MAX_ANSWER: usize = 64 << 10;

/// The environment.
pub type Env<'a> = &'a (dyn Fn(&str) -> Option<String> + Send + Sync);

/// Credentials that are valid for a while, by a digest of what they were asked with.
#[derive(Default)]
pub struct Keys {
    kept: Mutex<HashMap<Vec<u8>, Temporary>>,
}

/// Credentials, and when they end.
#[derive(Clone)]
struct Temporary {
    credentials: Credentials,
    until: SystemTime,
}

/// Who asks AWS, and where: the `aws_*` settings over the environment.
struct Asker<'a> {
    settings: &'a Params,
    env: Env<'a>,
    transport: &'a dyn Transport,
    clocks: Clocks,
    region: &'a str,
}

impl Keys {
    /// Signs a request with the credentials that `settings` (members `aws_*`) and the environment tell.
    ///
    /// # Errors
    /// No credentials, or some that AWS refuses.
    pub async fn sign(
        &self,
        request: &mut UpstreamRequest,
        scope: Scope<'_>,
        settings: &Params,
        (transport, clocks): (&dyn Transport, Clocks),
        env: Env<'_>,
    ) -> Result<()> {
        let asker = Asker {
            settings,
            env,
            transport,
            clocks,
            region: scope.region,
        };
        let credentials = self.credentials(&asker).await?;
        sigv4::sign(request, &credentials, scope, SystemTime::now())
    }

    async fn credentials(&self, asker: &Asker<'_>) -> Result<Credentials> {
        let role = asker.said("aws_role_name", "AWS_ROLE_NAME");
        if role.is_none() && asker.said("aws_profile_name", "AWS_PROFILE_NAME").is_none() {
            // The usual case: no IO, nothing to keep.
            if let Some(fixed) = asker.fixed() {
                return Ok(fixed);
            }
        }
        let key = asker.digest();
        if let Some(kept) = self.kept(&key) {
            return Ok(kept);
        }
        let found = asker.find(role.as_deref()).await?;
        let credentials = found.credentials.clone();
        self.keep(key, found);
        Ok(credentials)
    }

    fn kept(&self, key: &[u8]) -> Option<Credentials> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(key)?;
        (found.until > SystemTime::now() + MARGIN).then(|| found.credentials.clone())
    }

    fn keep(&self, key: Vec<u8>, found: Temporary) {
        let now = SystemTime::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, known| known.until > now);
        }
        if kept.len() < MAX_KEPT {
            kept.insert(key, found);
        }
    }
}

impl Asker<'_> {
    /// A setting, else the variable of the environment that stands for it.
    fn said(&self, name: &str, variable: &str) -> Option<String> {
        let given = self.settings.get::<String>(name);
        given
            .or_else(|| (self.env)(variable))
            .filter(|text| !text.is_empty())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|text| !text.is_empty())
    }

    /// Keys that are written down.
    fn fixed(&self) -> Option<Credentials> {
        Some(Credentials {
            id: self.said("aws_access_key_id", "AWS_ACCESS_KEY_ID")?,
            secret: Secret::new(self.said("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY")?),
            token: self
                .said("aws_session_token", "AWS_SESSION_TOKEN")
                .map(Secret::new),
        })
    }

    async fn find(&self, role: Option<&str>) -> Result<Temporary> {
        let session = self.said("aws_session_name", "AWS_SESSION_NAME");
        let vouched = self.said("aws_web_identity_token", "AWS_WEB_IDENTITY_TOKEN");
        match (role, vouched, session.as_deref()) {
            (Some(role), Some(token), Some(session)) => {
                let token = self.identity_token(&token).await?;
                sts::with_web_identity(self, role, session, token.expose()).await
            }
            (Some(role), _, session) => {
                let base = match self.fixed() {
                    Some(fixed) => fixed,
                    None => self.ambient().await?.credentials,
                };
                sts::assume(self, role, session, &base).await
            }
            (None, ..) => match self.said("aws_profile_name", "AWS_PROFILE_NAME") {
                Some(name) => self.profile(&name).await,
                None => self.ambient().await,
            },
        }
    }

    /// What AWS's own clients find without being told.
    async fn ambient(&self) -> Result<Temporary> {
        if let Some(name) = self.variable("AWS_PROFILE") {
            return self.profile(&name).await;
        }
        if let (Some(file), Some(role)) = (
            self.variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
            self.variable("AWS_ROLE_ARN"),
        ) {
            let token = read(&file).await?;
            let session = self.variable("AWS_ROLE_SESSION_NAME");
            let session = session.as_deref().unwrap_or(sts::SESSION);
            return sts::with_web_identity(self, &role, session, token.trim()).await;
        }
        if let Some(found) = profile::read(self, "default").await {
            return found.temporary(self, None).await;
        }
        machine::credentials(self).await
    }

    async fn profile(&self, name: &str) -> Result<Temporary> {
        let Some(found) = profile::read(self, name).await else {
            return Err(none(&format!("there is no profile `{name}`")));
        };
        let source = match &found.source {
            Some(source) if source != name => profile::read(self, source).await,
            _ => None,
        };
        found.temporary(self, source).await
    }

    /// A token that is given, or that a file holds.
    async fn identity_token(&self, given: &str) -> Result<Secret> {
        match given.strip_prefix("oidc/file/") {
            Some(path) => Ok(Secret::new(read(path).await?.trim())),
            None if given.starts_with("oidc/env/") => {
                let name = given.trim_start_matches("oidc/env/");
                let token = self.variable(name);
                token
                    .map(Secret::new)
                    .ok_or_else(|| none(&format!("`{name}` is not set")))
            }
            None => Ok(Secret::new(given)),
        }
    }

    async fn ask(&self, request: UpstreamRequest, limit: Duration) -> Result<(u16, String)> {
        let clocks = Clocks {
            total: Some(self.clocks.total.unwrap_or(limit).min(limit)),
            connect: Some(limit),
            headers: Some(limit),
            ..self.clocks
        };
        let sent = self.transport.send(request, clocks).await;
        let mut answer = sent.map_err(|_| none("no answer"))?;
        let body = collect(&mut *answer.body, MAX_ANSWER).await;
        let body = body.map_err(|_| none("no answer"))?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok((answer.head.status.as_u16(), text))
    }

    /// Of all that could change what is found.
    fn digest(&self) -> Vec<u8> {
        const VARIABLES: [&str; 11] = [
            "AWS_ACCESS_KEY_ID",
            "AWS_ROLE_NAME",
            "AWS_ROLE_ARN",
            "AWS_SESSION_NAME",
            "AWS_PROFILE",
            "AWS_PROFILE_NAME",
            "AWS_WEB_IDENTITY_TOKEN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        digest.update(&self.settings.to_json());
        for name in VARIABLES {
            digest.update(self.variable(name).unwrap_or_default().as_bytes());
            digest.update(b"\n");
        }
        digest.finish().as_ref().to_vec()
    }
}

impl Temporary {
    /// Credentials of which nobody said when they end.
    fn unsaid(credentials: Credentials) -> Self {
        Self {
            credentials,
            until: SystemTime::now() + UNSAID,
        }
    }

    /// Credentials that end at a moment such as `2015-08-30T12:36:00Z`.
    fn told(credentials: Credentials, until: Option<&str>) -> Self {
        match until.and_then(moment) {
            Some(until) => Self { credentials, until },
            None => Self::unsaid(credentials),
        }
    }
}

fn none(why: &str) -> Error {
    Error::new(
        ErrorKind::Authentication,
        format!("BedrockException Invalid Authentication - Unable to locate credentials: {why}"),
    )
    .hint("set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, `aws_profile_name`, or `AWS_BEARER_TOKEN_BEDROCK`")
    .side(Side::Client)
}

async fn read(path: &str) -> Result<String> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|_| none("a file that the settings name cannot be read"))
}

/// Seconds of `2015-08-30T12:36:00Z`; fractions and other zones are not written by AWS.
fn moment(text: &str) -> Option<SystemTime> {
    let number = |at: std::ops::Range<usize>| text.get(at)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // Years that begin on 1 March make every month before the last as long as it always is.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
#[path = "aws/tests.rs"]
mod tests;
