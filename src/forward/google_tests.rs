//! Where a project comes from, against a stand-in for the machine's metadata server.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::{Fault, Head};
use crate::forward::{BoxFuture, Upstream, UpstreamBody};
use http::StatusCode;
use std::collections::HashMap;
use std::task::{Context, Poll};

/// Answers every question alike, and counts them.
#[derive(Default)]
struct Machine {
    asked: Mutex<Vec<String>>,
}

struct Body(Option<Bytes>);

impl UpstreamBody for Body {
    fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

impl Transport for Machine {
    fn send(&self, request: UpstreamRequest, _: Clocks) -> BoxFuture<'_, Result<Upstream, Fault>> {
        assert_eq!(request.headers["metadata-flavor"], "Google");
        self.asked.lock().unwrap().push(request.url);
        Box::pin(async move {
            Ok(Upstream {
                head: Head {
                    status: StatusCode::OK,
                    headers: HeaderMap::new(),
                },
                body: Box::new(Body(Some(Bytes::from_static(b"of-machine\n")))),
            })
        })
    }
}

async fn project(
    tokens: &Tokens,
    machine: &Machine,
    credentials: Option<&str>,
    env: &[(&str, &str)],
) -> Result<String> {
    let env: HashMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let lookup = move |name: &str| env.get(name).cloned();
    let credentials = credentials.map(str::as_bytes);
    let clocks = Clocks::default();
    tokens.project(machine, credentials, &lookup, clocks).await
}

#[tokio::test]
async fn the_environment_then_the_account_then_the_machine_tells_the_project() {
    let (tokens, machine) = (Tokens::default(), Machine::default());
    let account = r#"{"type": "service_account", "project_id": "of-account"}"#;
    let env = [("GOOGLE_CLOUD_PROJECT", "of-env")];
    let told = |credentials, env| project(&tokens, &machine, credentials, env);
    assert_eq!(told(Some(account), &env).await.unwrap(), "of-env");
    assert_eq!(told(Some(account), &[]).await.unwrap(), "of-account");
    let from_env = [("GOOGLE_APPLICATION_CREDENTIALS", account)];
    assert_eq!(told(None, &from_env).await.unwrap(), "of-account");
    let user = r#"{"type": "authorized_user", "quota_project_id": "of-quota"}"#;
    assert_eq!(told(Some(user), &[]).await.unwrap(), "of-quota");
    assert!(machine.asked.lock().unwrap().is_empty());
    assert_eq!(told(None, &[]).await.unwrap(), "of-machine");
    assert_eq!(told(None, &[]).await.unwrap(), "of-machine");
    assert_eq!(*machine.asked.lock().unwrap(), [METADATA_PROJECT]);
}

#[tokio::test]
async fn a_project_is_a_plain_name_or_none() {
    let (tokens, machine) = (Tokens::default(), Machine::default());
    for account in [
        r#"{"type": "service_account", "project_id": "../x"}"#,
        r#"{"type": "authorized_user"}"#,
    ] {
        let told = project(&tokens, &machine, Some(account), &[]).await;
        assert!(told.is_err_and(|error| error.message.contains("no project")));
    }
}
