//! How long to wait before another attempt. Pure: the clock and the dice are arguments.
//!
//! The constants are the OpenAI SDK's (`openai._constants`), which LiteLLM uses for its own retries, too.

use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// First wait, doubled with each retry.
const INITIAL: Duration = Duration::from_millis(500);
/// Longest wait that is computed here.
const MAX: Duration = Duration::from_secs(8);
/// An upstream that asks for more is not waited for as it asks.
const MAX_ASKED: Duration = Duration::from_secs(60);
/// The wait is shortened by up to this part of it, so that callers do not come back in step.
const JITTER: f64 = 0.25;
/// LiteLLM's router lengthens its waits by up to this.
const ROUTER_JITTER: Duration = Duration::from_millis(750);

/// The OpenAI SDK's wait after `made` retries: what the upstream asks for, if that is at most a minute, else
/// 0.5 s doubled with each retry up to 8 s, less up to a quarter. `dice` is in `0.0..1.0`.
pub fn client(made: u32, headers: Option<&HeaderMap>, now: SystemTime, dice: f64) -> Duration {
    headers
        .and_then(|headers| asked(headers, now))
        .unwrap_or_else(|| computed(made).mul_f64(1.0 - JITTER * dice.clamp(0.0, 1.0)))
}

/// The wait of LiteLLM's router after `made` retries: what the upstream asks for, else 0.5 s doubled with each retry,
/// at least `least` and at most 8 s; either is lengthened by up to 0.75 s.
pub fn router(
    made: u32,
    least: Duration,
    headers: Option<&HeaderMap>,
    now: SystemTime,
    dice: f64,
) -> Duration {
    headers
        .and_then(|headers| asked(headers, now))
        .unwrap_or_else(|| computed(made).max(least).min(MAX))
        + ROUTER_JITTER.mul_f64(dice.clamp(0.0, 1.0))
}

fn computed(made: u32) -> Duration {
    INITIAL.saturating_mul(1 << made.min(10)).min(MAX)
}

/// What `retry-after` asks for, however long, in whole seconds or as a date.
pub fn asked_seconds(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .ok(),
    }
}

/// What `retry-after-ms` or `retry-after` (seconds or a date) asks for, if it is more than nothing and at most a minute.
pub fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str| -> Option<Duration> {
        let seconds: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    let milliseconds = text("retry-after-ms")
        .and_then(seconds)
        .map(|asked| asked / 1000);
    milliseconds
        .or_else(|| {
            let text = text("retry-after")?;
            seconds(text).or_else(|| {
                httpdate::parse_http_date(text)
                    .ok()?
                    .duration_since(now)
                    .ok()
            })
        })
        .filter(|asked| !asked.is_zero() && *asked <= MAX_ASKED)
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
