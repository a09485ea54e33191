//! Where a Redis is, by LiteLLM's names: one address, or its parts; with TLS or without. What is not said the
//! environment says (`REDIS_URL`, `REDIS_HOST`, `REDIS_SSL`, ...).

use super::connect::Way;
use crate::options::Secret;
use std::fmt::Write;
use std::path::PathBuf;

/// LiteLLM's names for ways to a Redis that are not built: whoever asks for one must not be connected in another.
const NOT_BUILT: &[(&str, &str)] = &[
    ("sentinel_nodes", "Redis Sentinel"),
    ("service_name", "Redis Sentinel"),
    ("sentinel_password", "Redis Sentinel"),
    ("startup_nodes", "Redis Cluster"),
    ("redis_startup_nodes", "Redis Cluster"),
    ("cluster_nodes", "Redis Cluster"),
    (
        "gcp_service_account",
        "signing in to Redis with Google's IAM",
    ),
    ("aws_iam_auth", "signing in to Redis with Amazon's IAM"),
    ("azure_redis_ad_token", "signing in to Redis with Entra ID"),
    ("ssl_certfile", "a client certificate for Redis"),
    ("ssl_keyfile", "a client certificate for Redis"),
];

/// A Redis, and whose word is taken for that it is the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `redis://user:password@host:port/db`, `rediss://` for TLS.
    pub url: Secret,
    /// PEM file with the roots to trust instead of the web's.
    pub roots: Option<PathBuf>,
}

impl Address {
    /// Reads what `said` says of a Redis, by LiteLLM's names (`host`, `port`, `db`, `username`, `password`, `ssl`,
    /// `ssl_ca_certs`, or `url`), and for what it does not say the variables `REDIS_...`.
    ///
    /// # Errors
    /// What is missing, not supported or no address; never a value.
    pub fn read(
        said: &dyn Fn(&str) -> Option<String>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let filled = |value: &String| !value.is_empty();
        let variable = |name: &str| env(&format!("REDIS_{}", name.to_ascii_uppercase()));
        let known = |name: &str| said(name).or_else(|| variable(name).filter(filled));
        let on = |name: &str| known(name).map(|value| is_true(&value));
        for (name, what) in NOT_BUILT {
            if known(name).is_some_and(|value| !matches!(&*value, "false" | "False")) {
                return Err(format!("`{name}` is not supported: {what} is not built"));
            }
        }
        let careless = known("ssl_cert_reqs").is_some_and(|value| value != "required")
            || on("ssl_check_hostname") == Some(false);
        if careless {
            return Err(
                "TLS to a Redis whose certificate is not looked at is not supported; \
                 name the file of its CA in `ssl_ca_certs` or `SSL_CERT_FILE`"
                    .to_owned(),
            );
        }
        // A Redis that is named here is not another one because of the environment.
        let url = said("url").or_else(|| match said("host") {
            Some(_) => None,
            None => variable("url").filter(filled),
        });
        let url = match url {
            Some(url) => url,
            None => in_one(&known).ok_or(
                "a Redis needs `host` or `REDIS_HOST`, or `url` or `REDIS_URL`; none of them is set",
            )?,
        };
        let url = match url.strip_prefix("redis://") {
            Some(rest) if on("ssl") == Some(true) => format!("rediss://{rest}"),
            _ => url,
        };
        let roots = known("ssl_ca_certs").or_else(|| env("SSL_CERT_FILE").filter(filled));
        let address = Self {
            url: Secret::new(url),
            roots: roots.map(PathBuf::from),
        };
        Way::to(&address)?;
        Ok(address)
    }
}

/// The parts in one address.
fn in_one(known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let host = known("host")?;
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host
    };
    let port = known("port").unwrap_or_else(|| "6379".to_owned());
    let database = known("db").unwrap_or_else(|| "0".to_owned());
    let user = known("username").unwrap_or_default();
    let who = known("password").map_or_else(String::new, |password| {
        format!("{}:{}@", escaped(&user), escaped(&password))
    });
    Some(format!("redis://{who}{host}:{port}/{database}"))
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        // Writing into a text cannot fail.
        let _ = write!(out, "%{byte:02x}");
        out
    })
}

fn is_true(text: &str) -> bool {
    ["true", "1", "yes"].contains(&&*text.to_ascii_lowercase())
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
