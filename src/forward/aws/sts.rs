//! Roles: the Security Token Service gives keys for a while to who asks with other keys, or with somebody's word.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

use super::{Asker, Temporary, none};
use crate::adapt::UpstreamRequest;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::forward::sigv4::{self, Credentials, Scope, encode};
use crate::options::Secret;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The session's name where nobody gives it one.
pub(super) const SESSION: &str = "gateway";
const VERSION: &str = "2011-06-15";
/// Longest wait for keys.
const LIMIT: Duration = Duration::from_secs(30);

/// Keys of a role, asked for with `base`.
pub(super) async fn assume(
    asker: &Asker<'_>,
    role: &str,
    session: Option<&str>,
    base: &Credentials,
) -> Result<Temporary> {
    let mut form = vec![
        ("Action".to_owned(), "AssumeRole".to_owned()),
        ("RoleArn".to_owned(), role.to_owned()),
        (
            "RoleSessionName".to_owned(),
            session.unwrap_or(SESSION).to_owned(),
        ),
    ];
    form.extend(external_id(asker));
    let tags = asker.settings.get::<Vec<Value>>("aws_session_tags");
    for (at, tag) in tags.iter().flatten().enumerate() {
        for name in ["Key", "Value"] {
            let text = tag[name].as_str().unwrap_or_default().to_owned();
            form.push((format!("Tags.member.{}.{name}", at + 1), text));
        }
    }
    let mut request = request(asker, &form);
    let scope = Scope {
        region: &region(asker),
        service: "sts",
    };
    sigv4::sign(&mut request, base, scope, SystemTime::now())?;
    answer(asker, request).await
}

/// Keys of a role for which a token vouches. Nothing is signed: there is nothing to sign with.
pub(super) async fn with_web_identity(
    asker: &Asker<'_>,
    role: &str,
    session: &str,
    token: &str,
) -> Result<Temporary> {
    let mut form = vec![
        ("Action".to_owned(), "AssumeRoleWithWebIdentity".to_owned()),
        ("RoleArn".to_owned(), role.to_owned()),
        ("RoleSessionName".to_owned(), session.to_owned()),
        ("DurationSeconds".to_owned(), "3600".to_owned()),
        ("WebIdentityToken".to_owned(), token.to_owned()),
    ];
    form.extend(external_id(asker));
    answer(asker, request(asker, &form)).await
}

fn external_id(asker: &Asker<'_>) -> Option<(String, String)> {
    let id = asker.said("aws_external_id", "AWS_EXTERNAL_ID")?;
    Some(("ExternalId".to_owned(), id))
}

/// The region that the endpoint names, else the call's.
fn region(asker: &Asker<'_>) -> String {
    let endpoint = asker.said("aws_sts_endpoint", "AWS_STS_ENDPOINT");
    let named = endpoint.as_deref().and_then(|endpoint| {
        let (_, rest) = endpoint.split_once("sts.")?;
        let (region, rest) = rest.split_once('.')?;
        rest.contains("amazonaws").then(|| region.to_owned())
    });
    named.unwrap_or_else(|| asker.region.to_owned())
}

fn request(asker: &Asker<'_>, form: &[(String, String)]) -> UpstreamRequest {
    let endpoint = asker.said("aws_sts_endpoint", "AWS_STS_ENDPOINT");
    let url = endpoint.unwrap_or_else(|| {
        let ending = crate::adapt::providers::bedrock::dns_suffix(asker.region);
        format!("https://sts.{}.{ending}/", asker.region)
    });
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value.as_bytes(), b"")))
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
    );
    UpstreamRequest {
        method: Method::POST,
        url,
        headers,
        body: format!("{}&Version={VERSION}", pairs.join("&")).into(),
    }
}

async fn answer(asker: &Asker<'_>, request: UpstreamRequest) -> Result<Temporary> {
    let (status, text) = asker.ask(request, LIMIT).await?;
    let member = |name: &str| member(&text, name);
    let keys = (member("AccessKeyId"), member("SecretAccessKey"));
    if let (200, (Some(id), Some(secret))) = (status, keys) {
        let credentials = Credentials {
            id: id.to_owned(),
            secret: Secret::new(secret),
            token: member("SessionToken").map(Secret::new),
        };
        return Ok(Temporary::told(credentials, member("Expiration")));
    }
    let Some(code) = member("Code") else {
        return Err(none("the Security Token Service gave no keys"));
    };
    let why = member("Message").unwrap_or("no reason given");
    let kind = ErrorKind::Authentication;
    Err(Error::new(
        kind,
        format!("BedrockException Invalid Authentication - AWS gives no keys for the role: {code}: {why}"),
    )
    .side(Side::Client))
}

/// The text of the first XML element of a name. The service's answers have no attributes and nest no element in
/// another of its name.
fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    Some(value.trim())
}
