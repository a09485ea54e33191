//! The series of successful calls, resolved once for each set of label values: the hot path hashes the values,
//! finds its handles and adds to atomics.

use super::families::Families;
use super::family::{Counter, Gauge};
use super::labels::Labels;
use super::resolved::{Kept, Resolved};
use prometheus::Histogram;
use std::sync::{Arc, OnceLock};

/// The series that every successful call of one label set touches; the sparse ones resolve when first used.
#[allow(missing_docs)]
pub struct Handles {
    pub total: Counter,
    pub requests: Counter,
    pub spend: Counter,
    pub total_tokens: Counter,
    pub input_tokens: Counter,
    pub output_tokens: Counter,
    pub request_latency: Histogram,
    pub api_latency: Histogram,
    pub deployment_success: Counter,
    pub deployment_total: Counter,
    pub deployment_state: Gauge,
    pub overhead: OnceLock<Histogram>,
    pub first_token: OnceLock<Histogram>,
    pub per_token: OnceLock<Histogram>,
    pub queue: OnceLock<Histogram>,
    pub remaining_requests: OnceLock<Gauge>,
    pub remaining_tokens: OnceLock<Gauge>,
}

/// Most label sets whose handles are kept; series that are left stay, only finding them costs again.
const MOST: usize = 16 * 1024;

/// The cache of [`Handles`].
pub struct HandleCache(Resolved<Handles, TEXTS>);

const TEXTS: usize = 13;

impl Default for HandleCache {
    fn default() -> Self {
        Self(Resolved::holding(MOST))
    }
}

impl HandleCache {
    /// The handles of `labels`; `asked` is the model as the caller asked for it.
    pub fn find(
        &self,
        families: &Families,
        labels: &Labels<'_>,
        asked: &str,
    ) -> Arc<Kept<Handles, TEXTS>> {
        self.0.find(key(labels, asked), || {
            Handles::resolve(families, labels, asked)
        })
    }
}

fn key<'a>(labels: &Labels<'a>, asked: &'a str) -> [&'a str; TEXTS] {
    [
        asked,
        labels.hashed_api_key,
        labels.api_key_alias,
        labels.user,
        labels.client_ip,
        labels.user_agent,
        labels.route,
        labels.model_group,
        labels.model,
        labels.model_id,
        labels.api_base,
        labels.api_provider,
        labels.service_tier,
    ]
}

impl Handles {
    fn resolve(families: &Families, labels: &Labels<'_>, asked: &str) -> Self {
        let value = |label: &'static str| labels.value(label);
        let mut request = *labels;
        request.requested_model = asked;
        request.status = "200";
        Self {
            total: families.total.with(|label| request.value(label)),
            requests: families.requests.with(value),
            spend: families.spend.with(value),
            total_tokens: families.total_tokens.with(value),
            input_tokens: families.input_tokens.with(value),
            output_tokens: families.output_tokens.with(value),
            request_latency: families.request_latency.with(value),
            api_latency: families.api_latency.with(value),
            deployment_success: families.deployment_success.with(value),
            deployment_total: families.deployment_total.with(value),
            deployment_state: families.deployment_state.with(value),
            overhead: OnceLock::new(),
            first_token: OnceLock::new(),
            per_token: OnceLock::new(),
            queue: OnceLock::new(),
            remaining_requests: OnceLock::new(),
            remaining_tokens: OnceLock::new(),
        }
    }
}
