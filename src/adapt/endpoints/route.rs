//! Addresses that a caller may give with or without the route that an operation needs.

use std::fmt::Write;

/// `base` with `route` at its end: the segments that both have, where they meet, are said once.
pub fn with_route(base: &str, route: &str) -> String {
    let base = base.trim_end_matches('/');
    let shared = route
        .char_indices()
        .filter(|(at, letter)| *at > 0 && *letter == '/')
        .map(|(at, _)| at)
        .chain([route.len()])
        .filter(|at| route.get(..*at).is_some_and(|start| base.ends_with(start)))
        .max()
        .unwrap_or(0);
    format!("{base}{}", route.get(shared..).unwrap_or_default())
}

/// One segment of a path, whatever is in it.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A query string.
pub fn query(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", segment(name), segment(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_base_and_route_share_is_said_once() {
        for base in ["http://h", "http://h/", "http://h/v2", "http://h/v2/rerank"] {
            assert_eq!(
                with_route(base, "/v2/rerank"),
                "http://h/v2/rerank",
                "{base}"
            );
        }
        assert_eq!(
            with_route("http://h/v1", "/v2/rerank"),
            "http://h/v1/v2/rerank"
        );
        assert_eq!(
            with_route("http://h/av2", "/v2/rerank"),
            "http://h/av2/v2/rerank"
        );
    }
}
