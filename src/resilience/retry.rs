//! Whether and how often a call is tried again in its model group, by LiteLLM's rules. Pure.

use crate::error::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// `num_retries` when nothing is said.
pub const DEFAULT_RETRIES: u32 = 2;
/// Retries of one call in one group, whatever a client or a file asks for.
pub const MAX_RETRIES: u32 = 100;

/// The router's settings.
#[derive(Clone, Debug, Default)]
pub struct RetryRules {
    /// `num_retries` of the router, or of `litellm_settings`.
    pub retries: Option<u32>,
    /// `retry_after`: the least wait.
    pub least_wait: Duration,
    /// `retry_policy`, for example `RateLimitErrorRetries`.
    pub policy: BTreeMap<String, u32>,
    /// `model_group_retry_policy`.
    pub group_policy: BTreeMap<String, BTreeMap<String, u32>>,
}

/// What a call has to fall back on.
#[derive(Clone, Copy, Debug, Default)]
pub struct HasFallbacks {
    /// Any `context_window_fallbacks` are configured.
    pub context_window: bool,
    /// Any `content_policy_fallbacks` are configured.
    pub content_policy: bool,
    /// Any `fallbacks` are configured.
    pub general: bool,
}

/// The group when the error came.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Deployments not cooling.
    pub healthy: usize,
    /// All deployments.
    pub all: usize,
    /// Fallbacks.
    pub fallbacks: HasFallbacks,
}

impl RetryRules {
    /// Retries that the policy of a group grants for an error; `None` when no policy speaks of it.
    pub fn by_policy(&self, group: &str, error: &Error) -> Option<u32> {
        let policy = self.group_policy.get(group).unwrap_or(&self.policy);
        if policy.is_empty() {
            return None;
        }
        let by_status = (error.status == 404).then_some("NotFoundErrorRetries");
        by_status
            .into_iter()
            .chain(policy_names(error.kind).iter().copied())
            .chain(["DefaultRetries"])
            .find_map(|name| policy.get(name).copied())
            .map(|retries| retries.min(MAX_RETRIES))
    }

    /// Retries without a policy: the call's word, the deployment's, the router's.
    pub fn usual(&self, call: Option<u32>, deployment: Option<u32>) -> u32 {
        call.or(deployment)
            .or(self.retries)
            .unwrap_or(DEFAULT_RETRIES)
            .min(MAX_RETRIES)
    }
}

/// Whether another attempt in the group may help, where no policy says so.
pub fn is_worthwhile(error: &Error, standing: &Standing) -> bool {
    let fallbacks = standing.fallbacks;
    match error.kind {
        ErrorKind::ContextWindowExceeded if fallbacks.context_window => return false,
        ErrorKind::ContentPolicyViolation if fallbacks.content_policy => return false,
        ErrorKind::NotFound | ErrorKind::Cancelled => return false,
        ErrorKind::Authentication | ErrorKind::PermissionDenied if standing.all <= 1 => {
            return false;
        }
        _ => {}
    }
    let mendable = matches!(error.status, 401 | 403 | 408 | 409 | 429 | 500..);
    mendable && standing.healthy > 0
}

/// LiteLLM's exception classes from an error's own to its bases, as far as a policy can name them.
fn policy_names(kind: ErrorKind) -> &'static [&'static str] {
    use ErrorKind as K;
    match kind {
        K::Authentication => &["AuthenticationErrorRetries"],
        K::Timeout => &["TimeoutErrorRetries"],
        K::RateLimit => &["RateLimitErrorRetries"],
        K::ContentPolicyViolation => &[
            "ContentPolicyViolationErrorRetries",
            "BadRequestErrorRetries",
        ],
        K::BadRequest | K::UnsupportedParams | K::ContextWindowExceeded => {
            &["BadRequestErrorRetries"]
        }
        K::ServiceUnavailable => &["ServiceUnavailableErrorRetries"],
        K::InternalServer => &["InternalServerErrorRetries"],
        _ => &[],
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
