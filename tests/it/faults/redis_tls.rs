//! TLS to Redis, against a real one, with certificates that the test makes. Whoever asks for TLS gets it, or is told why
//! not; nobody is connected in another way.

use super::redis::{Server, calls, limited};
use super::{asks, group, well};
use crate::bed::{Around, Served, becomes, certificates, reserved, upstream};
use crate::client::Client;
use serde_json::json;

const PASSWORD: &str = "a-password-of-redis";

/// A Redis that speaks TLS and wants a password, and where its CA's certificate is.
async fn secure() -> Option<(Server, tempfile::TempDir, String)> {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path())?;
    let (_held, port) = reserved();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let arguments = format!(
        "--port 0 --tls-port {port} --tls-cert-file {} --tls-key-file {} --tls-ca-cert-file {} --tls-auth-clients no \
         --requirepass {PASSWORD}",
        file("server.crt"),
        file("server.key"),
        file("ca.crt")
    );
    let arguments: Vec<&str> = arguments
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect();
    let server = Server::started(port, &arguments).await?;
    let roots = file("ca.crt");
    Some((server, folder, roots))
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_shared_over_tls() {
    let Some((redis, _folder, roots)) = secure().await else {
        return;
    };
    let parts = format!(
        ", redis_host: localhost, redis_port: {}, redis_password: {PASSWORD}, redis_ssl: true, redis_ssl_ca_certs: \"{roots}\"",
        redis.port
    );
    let url = format!(
        ", redis_url: \"rediss://:{PASSWORD}@127.0.0.1:{}/0\", redis_ssl_ca_certs: \"{roots}\"",
        redis.port
    );
    let (one, other) = (limited(", rpm: 40", &parts), limited(", rpm: 40", &url));
    let ((first, _), (second, _)) = tokio::join!(calls(&one, 40), calls(&other, 40));
    assert_eq!(first + second, 40);
}

/// Calls a gateway with these settings of its cache until its log says something of Redis.
async fn said(cache: &str, variables: Vec<(&'static str, String)>) -> String {
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let config = group(&[port], "", "num_retries: 0", "");
    let config = format!(
        "{config}litellm_settings: {{cache: true, cache_params: {{type: redis, {cache}}}}}\n"
    );
    let around = Around {
        variables,
        ..Around::default()
    };
    let served = Served::start_in(&config, &[], around).await;
    for _ in 0..4 {
        assert_eq!(
            Client::try_call(served.address, asks(json!({}), "")).await,
            Some(200)
        );
    }
    becomes("the log says why", || {
        served.log().contains("Redis is left alone")
    })
    .await;
    let log = served.log();
    assert!(!log.contains(PASSWORD), "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_cached_over_tls_by_what_the_environment_says() {
    let Some((redis, _folder, roots)) = secure().await else {
        return;
    };
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let config = group(&[port], "", "num_retries: 0", "");
    let config =
        format!("{config}litellm_settings: {{cache: true, cache_params: {{type: redis}}}}\n");
    let variables = vec![
        ("REDIS_HOST", "127.0.0.1".to_owned()),
        ("REDIS_PORT", redis.port.to_string()),
        ("REDIS_PASSWORD", PASSWORD.to_owned()),
        ("REDIS_SSL", "True".to_owned()),
        ("SSL_CERT_FILE", roots),
    ];
    let around = Around {
        variables,
        ..Around::default()
    };
    let served = Served::start_in(&config, &[], around).await;
    // What is kept is kept a moment later.
    let begun = std::time::Instant::now();
    loop {
        let before = mock.reached();
        assert_eq!(
            Client::try_call(served.address, asks(json!({}), "")).await,
            Some(200)
        );
        if mock.reached() == before {
            return;
        }
        assert!(
            begun.elapsed() < crate::client::PATIENCE,
            "{}",
            served.log()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_what_was_asked_for_is_named_in_the_log() {
    let Some((redis, folder, roots)) = secure().await else {
        return;
    };
    let Some(plain) = Server::start().await else {
        return;
    };
    let (secure, plain) = (redis.port, plain.port);
    let trusted = || vec![("SSL_CERT_FILE", roots.clone())];

    let log = said(
        &format!("host: 127.0.0.1, port: {plain}, ssl: true"),
        trusted(),
    )
    .await;
    assert!(log.contains("TLS was asked for"), "{log}");

    let log = said(
        &format!("host: 127.0.0.1, port: {secure}, password: {PASSWORD}"),
        trusted(),
    )
    .await;
    assert!(log.contains("does it want TLS"), "{log}");

    let log = said(
        &format!("url: \"rediss://:{PASSWORD}@127.0.0.1:{secure}\""),
        Vec::new(),
    )
    .await;
    assert!(log.contains("its certificate is not trusted"), "{log}");

    let log = said(
        &format!("url: \"rediss://:wrong@127.0.0.1:{secure}\""),
        trusted(),
    )
    .await;
    assert!(log.contains("refused the user or the password"), "{log}");

    let none = folder.path().join("none.crt").display().to_string();
    let config = format!(
        "litellm_settings: {{cache: true, cache_params: {{type: redis, host: h, ssl: true, ssl_ca_certs: \"{none}\"}}}}\n"
    );
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, config).unwrap();
    let (_, report) = gateway::config::load(&path, &|_| None).unwrap();
    assert!(
        report.to_string().contains("cannot read the certificates"),
        "{report}"
    );
}
