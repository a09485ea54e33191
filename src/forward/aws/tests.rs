//! Where credentials come from, against a stand-in for AWS's services.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::adapt::{Fault, Head};
use crate::forward::{BoxFuture, Upstream, UpstreamBody};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use std::task::{Context, Poll};

/// Answers by the beginning of the address, and remembers what it was asked.
#[derive(Default)]
struct Service {
    answers: Vec<(&'static str, &'static str)>,
    asked: Mutex<Vec<UpstreamRequest>>,
}

struct Body(Option<Bytes>);

impl UpstreamBody for Body {
    fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

impl Transport for Service {
    fn send(&self, request: UpstreamRequest, _: Clocks) -> BoxFuture<'_, Result<Upstream, Fault>> {
        let known = |(url, _): &&(&str, &str)| request.url.starts_with(url);
        let answer = self.answers.iter().find(known).map(|(_, answer)| *answer);
        self.asked.lock().unwrap().push(request);
        Box::pin(async move {
            Ok(Upstream {
                head: Head {
                    status: answer.map_or(StatusCode::NOT_FOUND, |_| StatusCode::OK),
                    headers: HeaderMap::new(),
                },
                body: Box::new(Body(Some(answer.unwrap_or_default().into()))),
            })
        })
    }
}

const KEYS: &str = "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
     <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>";

fn request() -> UpstreamRequest {
    UpstreamRequest {
        method: Method::POST,
        url: "https://bedrock.example/model/m/converse".into(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}").into(),
    }
}

/// The credential scope of the signed request, or the error's message.
async fn signer(
    keys: &Keys,
    service: &Service,
    settings: &str,
    env: &[(&str, &str)],
) -> Result<String, String> {
    let settings = Params::parse(&Bytes::copy_from_slice(settings.as_bytes())).unwrap();
    let env: HashMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let lookup = move |name: &str| env.get(name).cloned();
    let scope = Scope {
        region: "eu-west-1",
        service: "bedrock",
    };
    let mut request = request();
    keys.sign(
        &mut request,
        scope,
        &settings,
        (service, Clocks::default()),
        &lookup,
    )
    .await
    .map_err(|error| error.message.clone())?;
    let text = request.headers[AUTHORIZATION].to_str().unwrap();
    let token = request.headers.get("x-amz-security-token");
    let id = text.split(['=', '/']).nth(1).unwrap_or_default();
    let token = token.map_or("", |token| token.to_str().unwrap());
    Ok(format!("{id} {token}"))
}

#[tokio::test]
async fn what_the_call_says_wins_over_the_environment() {
    let env = [
        ("AWS_ACCESS_KEY_ID", "env"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "et"),
    ];
    let (keys, service) = (Keys::default(), Service::default());
    let own =
        r#"{"aws_access_key_id": "own", "aws_secret_access_key": "s", "aws_session_token": "t"}"#;
    assert_eq!(signer(&keys, &service, own, &env).await.unwrap(), "own t");
    assert_eq!(signer(&keys, &service, "{}", &env).await.unwrap(), "env et");
    assert!(service.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_role_is_asked_for_once_and_its_keys_sign() {
    let service = Service {
        answers: vec![("https://sts.eu-west-1.amazonaws.com/", KEYS)],
        ..Service::default()
    };
    let keys = Keys::default();
    let settings = r#"{"aws_access_key_id": "own", "aws_secret_access_key": "s", "aws_role_name": "arn:aws:iam::1:role/r",
        "aws_session_name": "n", "aws_external_id": "x y", "aws_session_tags": [{"Key": "team", "Value": "a"}]}"#;
    for _ in 0..2 {
        assert_eq!(
            signer(&keys, &service, settings, &[]).await.unwrap(),
            "ASIA t"
        );
    }
    let asked = service.asked.lock().unwrap();
    let [ask] = &asked[..] else {
        panic!("asked {} times", asked.len())
    };
    let body = String::from_utf8_lossy(&ask.body);
    for part in [
        "Action=AssumeRole&",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&",
        "RoleSessionName=n&",
        "ExternalId=x%20y&",
        "Tags.member.1.Key=team&Tags.member.1.Value=a&",
        "Version=2011-06-15",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    let signed = ask.headers[AUTHORIZATION].to_str().unwrap();
    assert!(signed.contains("Credential=own/") && signed.contains("/eu-west-1/sts/"));
}

#[tokio::test]
async fn a_refused_role_tells_why_and_keeps_the_secret() {
    let service = Service {
        answers: vec![(
            "https://sts.example/",
            "<E><Code>AccessDenied</Code><Message>not you</Message></E>",
        )],
        ..Service::default()
    };
    let settings = r#"{"aws_access_key_id": "own", "aws_secret_access_key": "hush", "aws_role_name": "r", "aws_sts_endpoint": "https://sts.example/"}"#;
    let error = signer(&Keys::default(), &service, settings, &[])
        .await
        .unwrap_err();
    assert!(error.contains("AccessDenied: not you") && !error.contains("hush"));
}

#[tokio::test]
async fn a_token_of_the_environment_vouches_for_a_role() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "jwt\n").unwrap();
    let service = Service {
        answers: vec![("https://sts.eu-west-1.amazonaws.com/", KEYS)],
        ..Service::default()
    };
    let env = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn"),
    ];
    let got = signer(&Keys::default(), &service, "{}", &env).await;
    assert_eq!(got.unwrap(), "ASIA t");
    let asked = service.asked.lock().unwrap();
    assert!(String::from_utf8_lossy(&asked[0].body).contains("WebIdentityToken=jwt&"));
    assert!(!asked[0].headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn profiles_are_read_and_may_ask_for_a_role() {
    let directory = tempfile::tempdir().unwrap();
    let (config, credentials) = (directory.path().join("c"), directory.path().join("k"));
    std::fs::write(
        &config,
        "[profile work]\nrole_arn = arn\nsource_profile = base\n",
    )
    .unwrap();
    std::fs::write(
        &credentials,
        "[base]\naws_access_key_id=BASE\naws_secret_access_key=s\n",
    )
    .unwrap();
    let service = Service {
        answers: vec![("https://sts.eu-west-1.amazonaws.com/", KEYS)],
        ..Service::default()
    };
    let env = [
        ("HOME", "/nowhere"),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
    ];
    let at = |name: &str| format!(r#"{{"aws_profile_name": "{name}"}}"#);
    let keys = Keys::default();
    let base = signer(&keys, &service, &at("base"), &env).await;
    assert_eq!(base.unwrap(), "BASE ");
    let work = signer(&keys, &service, &at("work"), &env).await;
    assert_eq!(work.unwrap(), "ASIA t");
    assert!(signer(&keys, &service, &at("none"), &env).await.is_err());
}

#[tokio::test]
async fn a_container_or_an_instance_vouches_for_itself() {
    const JSON: &str = r#"{"AccessKeyId": "ROLE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}"#;
    let service = Service {
        answers: vec![
            ("http://169.254.170.2/v2/c", JSON),
            ("http://169.254.169.254/latest/api/token", "imds"),
            (
                "http://169.254.169.254/latest/meta-data/iam/security-credentials/role",
                JSON,
            ),
            (
                "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                "role\n",
            ),
        ],
        ..Service::default()
    };
    let keys = Keys::default();
    let env = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/c")];
    let container = signer(&keys, &service, "{}", &env).await;
    assert_eq!(container.unwrap(), "ROLE t");
    let instance = signer(&keys, &service, "{}", &[]).await;
    assert_eq!(instance.unwrap(), "ROLE t");
    let off = [("AWS_EC2_METADATA_DISABLED", "true")];
    let none = signer(&Keys::default(), &service, "{}", &off).await;
    assert!(none.unwrap_err().contains("Unable to locate credentials"));
}

#[test]
fn moments_are_read() {
    let since = |text: &str| {
        let moment = moment(text)?;
        Some(
            moment
                .duration_since(SystemTime::UNIX_EPOCH)
                .ok()?
                .as_secs(),
        )
    };
    assert_eq!(since("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(since("2024-02-29T12:34:56Z"), Some(1_709_210_096));
    assert_eq!(since("soon"), None);
    assert_eq!(since("0000-01-01T00:00:00Z"), None);
}
