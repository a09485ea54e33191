//! Access tokens of IBM Cloud: a key is traded for one, which is kept until shortly before it expires.
//!
//! <https://cloud.ibm.com/apidocs/iam-identity-token-api#gettoken-apikey>

use super::tokens::{self, Kept, ask, form};
use super::{Clocks, Transport};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::options::Secret;
use std::time::Duration;

/// Who gives tokens, when nobody says.
const URL: &str = "https://iam.cloud.ibm.com/identity/token";
const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";
/// A token is renewed this long before it expires.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a token lasts when its giver does not say.
const LASTS: u64 = 3600;

/// Tokens that are still valid.
#[derive(Default)]
pub struct Tokens {
    kept: Kept,
}

impl Tokens {
    /// A valid token for a key.
    ///
    /// # Errors
    /// IBM refuses the key, or does not answer.
    pub async fn token(
        &self,
        transport: &dyn Transport,
        key: &Secret,
        env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        clocks: Clocks,
    ) -> Result<Secret> {
        let url = env("WATSONX_IAM_URL").filter(|url| !url.is_empty());
        let url = url.unwrap_or_else(|| URL.to_owned());
        let kept = tokens::digest(&[&url, key.expose()]);
        if let Some(token) = self.kept.get(&kept) {
            return Ok(token);
        }
        let request = form(url, &[("grant_type", GRANT), ("apikey", key.expose())]);
        let Some((_, said)) = ask(transport, request, clocks).await else {
            return Err(Error::new(
                ErrorKind::ApiConnection,
                "IBM Cloud gave no access token: no answer",
            )
            .side(Side::Upstream));
        };
        let Some(token) = said["access_token"].as_str() else {
            let code = said["errorCode"].as_str().unwrap_or("no token");
            let why = said["errorMessage"].as_str().unwrap_or("no reason given");
            return Err(Error::new(
                ErrorKind::Authentication,
                format!("IBM Cloud gave no access token: {code}: {why}"),
            )
            .side(Side::Upstream));
        };
        let token = Secret::new(token);
        let lasts = Duration::from_secs(said["expires_in"].as_u64().unwrap_or(LASTS));
        self.kept.keep(kept, token.clone(), lasts, MARGIN);
        Ok(token)
    }
}
