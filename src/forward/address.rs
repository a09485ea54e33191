//! Addresses of upstreams, taken apart once: a thread asks the same few again and again.

use http::{HeaderValue, Uri};
use std::cell::RefCell;
use std::sync::Arc;

/// Addresses that a thread keeps; the longest of them, in bytes.
const MOST: usize = 16;
const LONGEST: usize = 512;

/// A URL and what is sent of it.
pub(super) struct Address {
    pub(super) uri: Uri,
    /// Whose connections serve it: scheme, host and port.
    pub(super) origin: Arc<str>,
    /// Path and query.
    pub(super) path: Uri,
    /// `host`: with the port unless it is the scheme's own.
    pub(super) host: HeaderValue,
}

impl Address {
    /// The address of a URL; `None` where it is none that a request can be sent to.
    pub(super) fn of(url: String) -> Option<Arc<Self>> {
        thread_local! {
            static KEPT: RefCell<Vec<(Box<str>, Arc<Address>)>> = const { RefCell::new(Vec::new()) };
        }
        KEPT.with_borrow_mut(|kept| {
            if let Some((_, known)) = kept.iter().find(|(text, _)| **text == *url) {
                return Some(known.clone());
            }
            let address = Arc::new(Self::parse(&url)?);
            if url.len() <= LONGEST {
                if kept.len() == MOST {
                    kept.remove(0);
                }
                kept.push((url.into(), address.clone()));
            }
            Some(address)
        })
    }

    /// All of it, as a proxy is told; without a user's name.
    pub(super) fn whole(&self) -> Option<Uri> {
        let host = self.host.to_str().ok()?;
        format!("{}://{host}{}", self.uri.scheme_str()?, self.path)
            .parse()
            .ok()
    }

    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let host = uri.host()?;
        let scheme = uri.scheme_str()?;
        let usual = if scheme == "https" { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let origin = format!("{scheme}://{host}:{port}").to_ascii_lowercase();
        let host = if port == usual {
            HeaderValue::from_str(host)
        } else {
            HeaderValue::try_from(format!("{host}:{port}"))
        };
        Some(Self {
            origin: origin.into(),
            path: uri.path_and_query()?.clone().into(),
            host: host.ok()?,
            uri,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_has_its_port_unless_it_is_the_schemes_own() {
        // Twice: as parsed, and as kept.
        for _ in 0..2 {
            for (url, host, origin, path) in [
                (
                    "https://api.openai.com/v1/chat/completions",
                    "api.openai.com",
                    "https://api.openai.com:443",
                    "/v1/chat/completions",
                ),
                (
                    "https://API.openai.com:443/v1",
                    "API.openai.com",
                    "https://api.openai.com:443",
                    "/v1",
                ),
                (
                    "https://api.openai.com:80/v1",
                    "api.openai.com:80",
                    "https://api.openai.com:80",
                    "/v1",
                ),
                (
                    "http://[::1]:8080/v1?a=b",
                    "[::1]:8080",
                    "http://[::1]:8080",
                    "/v1?a=b",
                ),
                ("http://user:word@host", "host", "http://host:80", "/"),
            ] {
                let address = Address::of(url.to_owned()).unwrap();
                assert_eq!(address.host, host, "{url}");
                assert_eq!(*address.origin, *origin, "{url}");
                assert_eq!(address.path, path);
                let scheme = address.uri.scheme_str().unwrap();
                let whole = format!("{scheme}://{host}{path}");
                assert_eq!(address.whole().unwrap(), *whole);
                assert_eq!(address.uri, url.parse::<Uri>().unwrap());
            }
        }
        assert!(Address::of("/v1/models".to_owned()).is_none());
    }

    #[test]
    fn many_addresses_stay_right() {
        for nth in (0..100).chain(0..100) {
            let url = format!("http://host-{nth}/v1");
            assert_eq!(Address::of(url.clone()).unwrap().uri, *url);
        }
    }
}
