//! Addresses that a caller may give with or without the route that an operation needs.

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
