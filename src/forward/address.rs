//! Addresses of upstreams, taken apart once: a thread asks the same few again and again.

use http::{HeaderValue, Uri};
use std::cell::RefCell;

/// Addresses that a thread keeps; the longest of them, in bytes.
const MOST: usize = 16;
const LONGEST: usize = 512;

/// A URL and what is sent of it.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) uri: Uri,
    /// `host`: with the port unless it is the scheme's own.
    pub(super) host: HeaderValue,
}

impl Address {
    /// The address of a URL; `None` where it is none that a request can be sent to.
    pub(super) fn of(url: String) -> Option<Self> {
        thread_local! {
            static KEPT: RefCell<Vec<(Box<str>, Address)>> = const { RefCell::new(Vec::new()) };
        }
        KEPT.with_borrow_mut(|kept| {
            if let Some((_, known)) = kept.iter().find(|(text, _)| **text == *url) {
                return Some(known.clone());
            }
            let address = Self::parse(&url)?;
            if url.len() <= LONGEST {
                if kept.len() == MOST {
                    kept.remove(0);
                }
                kept.push((url.into(), address.clone()));
            }
            Some(address)
        })
    }

    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let host = uri.host()?;
        let usual = match uri.scheme_str()? {
            "https" => 443,
            _ => 80,
        };
        let host = match uri.port_u16().filter(|port| *port != usual) {
            Some(port) => HeaderValue::try_from(format!("{host}:{port}")),
            None => HeaderValue::from_str(host),
        };
        Some(Self {
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
            for (url, host) in [
                (
                    "https://api.openai.com/v1/chat/completions",
                    "api.openai.com",
                ),
                ("https://api.openai.com:443/v1", "api.openai.com"),
                ("https://api.openai.com:80/v1", "api.openai.com:80"),
                ("http://[::1]:8080/v1?a=b", "[::1]:8080"),
                ("http://user:word@host/v1", "host"),
            ] {
                let address = Address::of(url.to_owned()).unwrap();
                assert_eq!(address.host, host, "{url}");
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
