//! What is answered when a group has nobody for a call, in LiteLLM's words.

use super::pick::{Aside, Ask, Survey};
use super::{Group, Routes};
use crate::error::{Error, ErrorKind};
use crate::resilience::breaker::Verdict;
use http::HeaderMap;
use http::header::RETRY_AFTER;
use std::time::{Duration, Instant};

/// LiteLLM's wait where it knows no better.
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// Every deployment cools, or is ejected.
pub(super) fn all_cooling(group: &Group, now: Instant) -> Error {
    let out = |deployment: &super::Deployment| {
        deployment
            .cooling(now)
            .or_else(|| match deployment.verdict(now) {
                Verdict::Reject(wait) => Some(wait),
                Verdict::Admit | Verdict::Probe => None,
            })
    };
    let times = group.deployments.iter().filter_map(|d| out(d));
    let wait = times.min().unwrap_or(USUAL_WAIT);
    let ids: Vec<String> = group
        .deployments
        .iter()
        .filter(|deployment| out(deployment).is_some())
        .map(|deployment| format!("'{}'", deployment.id()))
        .collect();
    let seconds = wait.as_secs_f64().ceil() as u64;
    let error = Error::new(
        ErrorKind::RateLimit,
        format!(
            "No deployments available for selected model, Try again in {seconds} seconds. All deployments for \
             selected model are in cooldown. Passed model={}. pre-call-checks=False, cooldown_list=[{}]",
            group.name,
            ids.join(", ")
        ),
    );
    later(error, "all_deployments_in_cooldown", seconds)
}

/// LiteLLM's word for a name under which no deployment is, said in seconds all the same.
pub(super) fn none_available(model: &str) -> Error {
    let seconds = USUAL_WAIT.as_secs();
    let error = Error::new(
        ErrorKind::RateLimit,
        format!(
            "No deployments available for selected model, Try again in {seconds} seconds. Passed model={model}. \
             pre-call-checks=False, cooldown_list=[]"
        ),
    );
    later(error, "rate_limit_error", seconds)
}

/// The call's tags leave nobody.
pub(super) fn tags(group: &Group, tags: &[String]) -> Error {
    let shown: Vec<String> = tags.iter().map(|tag| format!("'{tag}'")).collect();
    let mut error = Error::new(
        ErrorKind::Authentication,
        format!(
            "Not allowed to access model due to tags configuration. Passed model={} and tags=[{}]",
            group.name,
            shown.join(", ")
        ),
    );
    error.openai_type = Some("internal_server_error".to_owned());
    error
}

/// No context window is large enough, or no deployment is in the region.
pub(super) fn too_small(group: &Group, all: &Survey<'_>, ask: &Ask<'_>) -> Error {
    let got = ask.need.counted.unwrap_or(ask.need.tokens);
    let windows: String = all
        .iter()
        .filter_map(|(deployment, aside)| match aside {
            Some(Aside::TooLong(most)) => {
                let base = deployment.target.options.base_model.as_deref();
                let model = base.unwrap_or(&deployment.target.litellm_model);
                Some(format!("Model={model}, Max Input Tokens={most}, Got={got}"))
            }
            _ => None,
        })
        .collect();
    if windows.is_empty() {
        return none_available(&group.name);
    }
    let mut error = Error::new(
        ErrorKind::ContextWindowExceeded,
        format!(
            "litellm._pre_call_checks: Context Window exceeded for given call. No models have context window large \
             enough for this call.\n{windows}"
        ),
    );
    error.model.clone_from(&group.name);
    error
}

/// All budgets are spent.
pub(super) fn budgets(all: &Survey<'_>, routes: &Routes, now: Instant) -> Error {
    let mut told = String::new();
    for (deployment, aside) in all {
        let provider = deployment.target.provider.name;
        match aside {
            Some(Aside::ProviderBudget) => {
                if let Some((budget, spent)) = routes.rules.providers.get(provider) {
                    let spent = spent.lock().in_period(now, budget);
                    let limit = budget.limit;
                    told.push_str(&format!(
                        "Exceeded budget for provider {provider}: {spent} >= {limit}\n"
                    ));
                }
            }
            Some(Aside::Budget) => {
                if let Some(budget) = &deployment.budget {
                    let spent = deployment.state.spent.lock().in_period(now, budget);
                    told.push_str(&format!(
                        "Exceeded budget for deployment model_name: {}, litellm_params.model: {}, model_id: {}: \
                         {spent} >= {}\n",
                        deployment.target.model_group,
                        deployment.target.litellm_model,
                        deployment.id(),
                        budget.limit
                    ));
                }
            }
            _ => {}
        }
    }
    let error = Error::new(
        ErrorKind::RateLimit,
        format!("No deployments available - crossed budget: {told}"),
    );
    later(error, "rate_limit_error", USUAL_WAIT.as_secs())
}

/// `rpm` or `tpm` is used up everywhere. Told with the time after which the first one has room.
pub(super) fn limits(group: &Group, ask: &Ask<'_>) -> Error {
    let refusals = group.deployments.iter().filter_map(|deployment| {
        let mut quota = deployment.state.quota.lock();
        let refused = quota.room(ask.now, deployment.limits, ask.need.tokens);
        refused.err().map(|refused| (deployment, refused))
    });
    let mut wait = Duration::from_secs(60);
    let mut told = Vec::new();
    for (deployment, refused) in refusals {
        wait = wait.min(refused.wait);
        told.push(format!(
            "{}: {} limit={}, current usage={}",
            deployment.id(),
            match refused.kind {
                crate::resilience::quota::Kind::Requests => "RPM",
                crate::resilience::quota::Kind::Tokens => "TPM",
            },
            refused.limit,
            refused.used
        ));
    }
    let error = Error::new(
        ErrorKind::RateLimit,
        format!(
            "Model rate limit exceeded. No deployments available for selected model. Passed model={}. Deployments={{{}}}",
            group.name,
            told.join("; ")
        ),
    );
    let seconds = (wait.as_secs_f64().ceil() as u64).max(1);
    later(error, "rate_limit_error", seconds)
}

/// Not to be tried again before so many seconds.
fn later(mut error: Error, kind: &str, seconds: u64) -> Error {
    error.openai_type = Some(kind.to_owned());
    error.retry = false;
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, seconds.into());
    error.headers = Some(Box::new(headers));
    error
}
