//! Cooldown of one deployment, by LiteLLM's rule: a deployment whose failures are its own is left alone for a while.
//!
//! States: *in use*, and *cooling* until a moment. A failure that counts moves it to cooling; time moves it back.
//! Which failures count: 401, 402, 404, 408, 429 and what is no client error, never a broken connection that has no
//! better name. With `allowed_fails` the failures of one cooldown time are counted and may not exceed it. Without,
//! 401, 402 and 404 cool at once, 429 cools at once where there is another deployment, and so does a minute in which
//! more than half of at least five calls failed.
//!
//! Invariants: a disabled rule never cools; a deployment that is alone in its group cools only by statuses that no
//! retry can mend, by an explicit policy, or after a thousand failures in a row.

use crate::error::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// `cooldown_time` when nothing is said.
const DEFAULT_TIME: Duration = Duration::from_secs(5);
/// A `retry-after` of the upstream counts up to this.
const MAX_TIME: Duration = Duration::from_secs(3600);
/// Part of a minute's calls that may fail.
const MAX_FAILED_PART: f64 = 0.5;
/// Calls a minute from which that part means something.
const MIN_CALLS: u32 = 5;
/// Calls a minute, all failed, after which even a deployment that is alone cools.
const MIN_CALLS_ALL_FAILED: u32 = 1000;
/// `allowed_fails` when only a policy is given.
const DEFAULT_ALLOWED: u32 = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// The router's settings.
#[derive(Clone, Debug, Default)]
pub struct CooldownRules {
    /// `disable_cooldowns`.
    pub disabled: bool,
    /// `cooldown_time`.
    pub time: Option<Duration>,
    /// `allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// `allowed_fails_policy`, for example `RateLimitErrorAllowedFails`.
    pub allowed_fails_policy: BTreeMap<String, u32>,
}

/// A failure of a deployment, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The error.
    pub error: &'a Error,
    /// What the upstream's `retry-after` asks for.
    pub retry_after: Option<Duration>,
    /// The deployment's own `cooldown_time`.
    pub own_time: Option<Duration>,
    /// Whether it is the only deployment of its group.
    pub alone: bool,
    /// Whether its group has a fallback.
    pub has_fallback: bool,
}

/// The state of one deployment.
#[derive(Clone, Debug, Default)]
pub struct Cooldown {
    cooling: Option<Cooling>,
    minute: Window,
    counted: Window,
}

#[derive(Clone, Copy, Debug)]
struct Cooling {
    until: Instant,
    time: Duration,
}

/// Counts since `start`.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    start: Option<Instant>,
    ok: u32,
    failed: u32,
}

impl Window {
    /// The counts of the window that `now` is in.
    fn at(&mut self, now: Instant, length: Duration) -> &mut Self {
        let current = self
            .start
            .is_some_and(|start| now.saturating_duration_since(start) < length);
        if !current {
            *self = Self {
                start: Some(now),
                ok: 0,
                failed: 0,
            };
        }
        self
    }
}

impl Cooldown {
    /// How long it was sent to cool, if it is cooling.
    pub fn cooling(&self, now: Instant) -> Option<Duration> {
        self.cooling
            .filter(|cooling| now < cooling.until)
            .map(|cooling| cooling.time)
    }

    /// A call succeeded.
    pub fn succeeded(&mut self, now: Instant) {
        let minute = self.minute.at(now, MINUTE);
        minute.ok = minute.ok.saturating_add(1);
    }

    /// A call failed. True when the deployment cools from now on.
    pub fn failed(&mut self, now: Instant, rules: &CooldownRules, failed: &Failed<'_>) -> bool {
        let minute = self.minute.at(now, MINUTE);
        minute.failed = minute.failed.saturating_add(1);
        let usual = rules.time.unwrap_or(DEFAULT_TIME);
        let time = failed
            .own_time
            .or(failed.retry_after)
            .unwrap_or(usual)
            .min(MAX_TIME);
        if rules.disabled || time.is_zero() || !counts(failed.error) {
            return false;
        }
        let cools = if rules.allowed_fails.is_none() && rules.allowed_fails_policy.is_empty() {
            self.by_rate(failed)
        } else {
            let length = failed.own_time.unwrap_or(usual);
            self.by_count(now, length, rules, failed)
        };
        if cools && let Some(until) = now.checked_add(time) {
            self.cooling = Some(Cooling { until, time });
        }
        cools
    }

    fn by_rate(&self, failed: &Failed<'_>) -> bool {
        let Window {
            ok, failed: bad, ..
        } = self.minute;
        let calls = ok.saturating_add(bad);
        let part = f64::from(bad) / f64::from(calls.max(1));
        match failed.error.status {
            429 if !failed.alone => true,
            402 if failed.alone => false,
            status if !(matches!(status, 408 | 409 | 429) || status >= 500) => true,
            _ if ok == 0 && calls >= MIN_CALLS_ALL_FAILED => true,
            _ => !failed.alone && calls >= MIN_CALLS && part > MAX_FAILED_PART,
        }
    }

    fn by_count(
        &mut self,
        now: Instant,
        length: Duration,
        rules: &CooldownRules,
        failed: &Failed<'_>,
    ) -> bool {
        let by_policy = policy_name(failed.error.kind)
            .and_then(|name| rules.allowed_fails_policy.get(name).copied());
        if by_policy.is_none()
            && failed.alone
            && (!failed.has_fallback || failed.error.status == 402)
        {
            return false;
        }
        let allowed = by_policy.or(rules.allowed_fails).unwrap_or(DEFAULT_ALLOWED);
        let counted = self.counted.at(now, length);
        counted.failed = counted.failed.saturating_add(1);
        counted.failed > allowed
    }
}

/// Whether a failure can be the deployment's own fault.
fn counts(error: &Error) -> bool {
    if error.kind == ErrorKind::ApiConnection {
        return false;
    }
    match error.status {
        401 | 402 | 404 | 408 | 429 => true,
        400..=499 => false,
        _ => true,
    }
}

fn policy_name(kind: ErrorKind) -> Option<&'static str> {
    use ErrorKind as K;
    Some(match kind {
        K::ContentPolicyViolation => "ContentPolicyViolationErrorAllowedFails",
        K::BadRequest | K::UnsupportedParams | K::ContextWindowExceeded => {
            "BadRequestErrorAllowedFails"
        }
        K::Authentication => "AuthenticationErrorAllowedFails",
        K::Timeout => "TimeoutErrorAllowedFails",
        K::RateLimit => "RateLimitErrorAllowedFails",
        K::InternalServer => "InternalServerErrorAllowedFails",
        K::ServiceUnavailable => "ServiceUnavailableErrorAllowedFails",
        K::BadGateway => "BadGatewayErrorAllowedFails",
        K::NotFound => "NotFoundErrorAllowedFails",
        _ => return None,
    })
}

#[cfg(test)]
#[path = "cooldown_tests.rs"]
mod tests;
