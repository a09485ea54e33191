#![allow(clippy::unwrap_used)]
use super::*;

fn read(said: &[(&str, &str)], env: &[(&str, &str)]) -> Result<String, String> {
    let of = |all: &[(&str, &str)], name: &str| {
        let found = all.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Address::read(&|name| of(said, name), &|name| of(env, name))
        .map(|address| address.url.expose().to_owned())
}

#[test]
fn parts_make_one_address() {
    let parts = [
        ("host", "cache"),
        ("port", "7"),
        ("db", "2"),
        ("password", "p@"),
    ];
    assert_eq!(read(&parts, &[]).unwrap(), "redis://:%70%40@cache:7/2");
    assert_eq!(
        read(&[("host", "::1")], &[]).unwrap(),
        "redis://[::1]:6379/0"
    );
}

#[test]
fn what_is_said_beats_the_environment() {
    let env = [
        ("REDIS_URL", "redis://other"),
        ("REDIS_SSL", "True"),
        ("REDIS_USERNAME", ""),
        ("REDIS_DB", "3"),
    ];
    assert_eq!(
        read(&[("host", "cache")], &env).unwrap(),
        "rediss://cache:6379/3"
    );
    assert_eq!(read(&[], &env).unwrap(), "rediss://other");
    assert_eq!(
        read(&[("url", "redis://mine"), ("ssl", "false")], &env).unwrap(),
        "redis://mine"
    );
}

#[test]
fn nobody_is_connected_in_another_way_than_asked_for() {
    for (name, value) in [
        ("sentinel_nodes", "[[\"a\", 1]]"),
        ("startup_nodes", "[]"),
        ("aws_iam_auth", "true"),
        ("ssl_cert_reqs", "none"),
        ("ssl_check_hostname", "false"),
    ] {
        let refused = read(&[("host", "cache"), (name, value)], &[]).unwrap_err();
        assert!(refused.contains("not supported"), "{refused}");
    }
    let cluster = read(&[], &[("REDIS_CLUSTER_NODES", "[]")]).unwrap_err();
    assert!(cluster.contains("Redis Cluster"), "{cluster}");
    assert!(read(&[], &[]).unwrap_err().contains("REDIS_HOST"));
    for url in [
        "http://cache",
        "rediss://cache#insecure",
        "redis://:hunter2@",
    ] {
        let refused = read(&[("url", url)], &[]).unwrap_err();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
