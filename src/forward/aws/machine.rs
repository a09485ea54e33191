//! What the machine vouches for: the container's credentials (ECS, EKS Pod Identity), else the instance's (EC2).
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>,
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>

use super::{Asker, Temporary, none};
use crate::adapt::UpstreamRequest;
use crate::error::Result;
use crate::forward::sigv4::Credentials;
use crate::options::Secret;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use std::time::Duration;

const CONTAINER: &str = "http://169.254.170.2";
const INSTANCE: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// The machine's services answer at once or are not there.
const LIMIT: Duration = Duration::from_secs(2);

/// Addresses that may be asked in the clear, beside those of this machine.
const TRUSTED: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

pub(super) async fn credentials(asker: &Asker<'_>) -> Result<Temporary> {
    let relative = asker.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let full = asker.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let text = match (relative, full) {
        (Some(path), _) => container(asker, format!("{CONTAINER}{path}")).await?,
        (None, Some(url)) if is_trusted(&url) => container(asker, url).await?,
        (None, Some(_)) => {
            return Err(none(
                "the container's credentials are not at a safe address",
            ));
        }
        (None, None) if asker.variable("AWS_EC2_METADATA_DISABLED").as_deref() == Some("true") => {
            return Err(none("nothing names any"));
        }
        (None, None) => instance(asker).await?,
    };
    parse(&text).ok_or_else(|| none("the machine has none"))
}

fn parse(text: &str) -> Option<Temporary> {
    let said: Value = serde_json::from_str(text).ok()?;
    let member = |name: &str| said[name].as_str().map(str::to_owned);
    let credentials = Credentials {
        id: member("AccessKeyId")?,
        secret: Secret::new(member("SecretAccessKey")?),
        token: member("Token").map(Secret::new),
    };
    Some(Temporary::told(credentials, said["Expiration"].as_str()))
}

/// Whether credentials may be asked for there: over TLS, or of the machine itself.
fn is_trusted(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let local = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
    uri.scheme_str() == Some("https") || local || TRUSTED.contains(&host)
}

async fn container(asker: &Asker<'_>, url: String) -> Result<String> {
    let token = match asker.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => Some(super::read(&path).await?.trim().to_owned()),
        None => asker.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    get(
        asker,
        Method::GET,
        url,
        token.map(|token| (AUTHORIZATION, token)),
    )
    .await
}

async fn instance(asker: &Asker<'_>) -> Result<String> {
    let lasts = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
    let url = format!("{INSTANCE}/latest/api/token");
    let token = get(asker, Method::PUT, url, Some((lasts, "21600".into()))).await?;
    let header = || {
        let name = HeaderName::from_static("x-aws-ec2-metadata-token");
        Some((name, token.trim().to_owned()))
    };
    let url = format!("{INSTANCE}{ROLES}");
    let roles = get(asker, Method::GET, url.clone(), header()).await?;
    let role = roles.lines().next().unwrap_or_default().trim();
    get(asker, Method::GET, format!("{url}{role}"), header()).await
}

async fn get(
    asker: &Asker<'_>,
    method: Method,
    url: String,
    header: Option<(HeaderName, String)>,
) -> Result<String> {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = header {
        let value = HeaderValue::from_str(&value).map_err(|_| none("a token is no header"))?;
        headers.insert(name, value);
    }
    let request = UpstreamRequest {
        method,
        url,
        headers,
        body: Bytes::new().into(),
    };
    match asker.ask(request, LIMIT).await? {
        (200, text) => Ok(text),
        _ => Err(none("the machine has none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_asked_for_at_safe_addresses_only() {
        for url in [
            "https://a.example/c",
            "http://127.0.0.1:9/c",
            "http://169.254.170.23/v1",
        ] {
            assert!(is_trusted(url), "{url}");
        }
        for url in [
            "http://a.example/c",
            "http://localhost.example/c",
            "file:///c",
        ] {
            assert!(!is_trusted(url), "{url}");
        }
    }
}
