#![allow(clippy::unwrap_used)]

use super::*;
use http::HeaderValue;
use proptest::prelude::*;

fn headers(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_str(value).unwrap());
    headers
}

#[test]
fn the_upstreams_word_wins_up_to_a_minute() {
    let now = SystemTime::UNIX_EPOCH;
    let wait = |name, value| client(0, Some(&headers(name, value)), now, 0.0);
    assert_eq!(wait("retry-after", "7"), Duration::from_secs(7));
    assert_eq!(wait("retry-after-ms", "250"), Duration::from_millis(250));
    assert_eq!(
        wait("retry-after", "Thu, 01 Jan 1970 00:00:30 GMT"),
        Duration::from_secs(30)
    );
    for ignored in ["61", "0", "-1", "soon", "1e300", "nan"] {
        assert_eq!(wait("retry-after", ignored), INITIAL, "{ignored}");
    }
}

#[test]
fn waits_double_up_to_eight_seconds() {
    let waits: Vec<u128> = (0..6)
        .map(|made| client(made, None, SystemTime::UNIX_EPOCH, 0.0).as_millis())
        .collect();
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000]);
}

proptest! {
    #[test]
    fn no_wait_leaves_its_bounds(made in 0u32..1000, dice in 0.0f64..1.0) {
        let now = SystemTime::UNIX_EPOCH;
        let wait = client(made, None, now, dice);
        prop_assert!(wait >= INITIAL.mul_f64(0.75) && wait <= MAX);
        let wait = router(made, Duration::ZERO, None, now, dice);
        prop_assert!(wait >= INITIAL && wait <= MAX + ROUTER_JITTER);
    }
}
