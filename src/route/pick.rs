//! Which deployment of a group takes a call: those that cool, that this call has tried in vain, that carry the wrong
//! tags or a later `order` step aside; among the rest the dice decide by `weight`, else `rpm`, else `tpm`.

use super::{Deployment, Group, Routes};
use crate::error::{Error, ErrorKind};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use std::time::{Duration, Instant};

/// What a call asks of a group.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Now.
    pub now: Instant,
    /// In `0.0..1.0`.
    pub dice: f64,
    /// Only deployments of this `order`.
    pub order: Option<i64>,
    /// Ids that this call has tried in vain; ignored when nothing else is left.
    pub skip: &'a [String],
    /// The call's tags.
    pub tags: &'a [String],
}

impl Group {
    /// Picks a deployment.
    ///
    /// # Errors
    /// LiteLLM's answers when all of them cool, and when tags leave none.
    pub fn pick(&self, routes: &Routes, ask: &Ask<'_>) -> Result<&Deployment, Error> {
        let mut open: Vec<&Deployment> = self
            .deployments
            .iter()
            .filter(|deployment| deployment.cooling(ask.now).is_none())
            .collect();
        if open.is_empty() {
            return Err(self.all_cooling(ask.now));
        }
        if open.iter().any(|d| !ask.skip.iter().any(|id| id == d.id())) {
            open.retain(|d| !ask.skip.iter().any(|id| id == d.id()));
        }
        if routes.tag_filtering {
            open = by_tags(open, ask.tags, routes.tags_match_any)
                .ok_or_else(|| self.tags_refuse(ask.tags))?;
        }
        let order = ask
            .order
            .or_else(|| open.iter().filter_map(|d| d.order).min());
        if order.is_some() {
            open.retain(|deployment| deployment.order == order);
        }
        throw(&open, ask.dice).ok_or_else(|| self.all_cooling(ask.now))
    }

    fn all_cooling(&self, now: Instant) -> Error {
        let times = self.deployments.iter().filter_map(|d| d.cooling(now));
        let wait = times.min().unwrap_or(Duration::from_secs(5));
        let ids: Vec<String> = self
            .deployments
            .iter()
            .filter(|deployment| deployment.cooling(now).is_some())
            .map(|deployment| format!("'{}'", deployment.id()))
            .collect();
        let seconds = wait.as_secs_f64().ceil() as u64;
        let mut error = Error::new(
            ErrorKind::RateLimit,
            format!(
                "No deployments available for selected model, Try again in {seconds} seconds. All deployments for \
                 selected model are in cooldown. Passed model={}. pre-call-checks=False, cooldown_list=[{}]",
                self.name,
                ids.join(", ")
            ),
        );
        error.openai_type = Some("all_deployments_in_cooldown".to_owned());
        error.retry = false;
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, seconds.into());
        error.headers = Some(Box::new(headers));
        error
    }

    fn tags_refuse(&self, tags: &[String]) -> Error {
        let shown: Vec<String> = tags.iter().map(|tag| format!("'{tag}'")).collect();
        let mut error = Error::new(
            ErrorKind::Authentication,
            format!(
                "Not allowed to access model due to tags configuration. Passed model={} and tags=[{}]",
                self.name,
                shown.join(", ")
            ),
        );
        error.openai_type = Some("internal_server_error".to_owned());
        error
    }
}

/// LiteLLM's word for a name under which no deployment is, said in seconds all the same.
pub(super) fn none_available(model: &str) -> Error {
    const SECONDS: u64 = 5;
    let mut error = Error::new(
        ErrorKind::RateLimit,
        format!(
            "No deployments available for selected model, Try again in {SECONDS} seconds. Passed model={model}. \
             pre-call-checks=False, cooldown_list=[]"
        ),
    );
    error.openai_type = Some("rate_limit_error".to_owned());
    error.retry = false;
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, SECONDS.into());
    error.headers = Some(Box::new(headers));
    error
}

/// The deployments that a call with these tags may have; `None` when there is none.
///
/// A call with tags gets the deployments that match, else the default ones; a call without gets the default ones, else
/// all. `!tag` keeps away from deployments with that tag, `&tag` asks for it beside all others.
fn by_tags<'a>(
    open: Vec<&'a Deployment>,
    tags: &[String],
    match_any: bool,
) -> Option<Vec<&'a Deployment>> {
    let has = |deployment: &Deployment, tag: &str| deployment.tags.iter().any(|own| own == tag);
    let mut wanted = Vec::new();
    let mut pool = open;
    for tag in tags {
        match (tag.strip_prefix('!'), tag.strip_prefix('&')) {
            (Some(not), _) if !not.is_empty() => pool.retain(|d| !has(d, not)),
            (_, Some(must)) if !must.is_empty() => pool.retain(|d| has(d, must)),
            _ => wanted.push(tag.as_str()),
        }
    }
    let matches = |deployment: &Deployment| {
        if match_any {
            wanted.iter().any(|tag| has(deployment, tag))
        } else {
            wanted.iter().all(|tag| has(deployment, tag))
        }
    };
    let default = |deployment: &Deployment| has(deployment, "default");
    let chosen: Vec<&Deployment> = if wanted.is_empty() {
        let defaults: Vec<&Deployment> = pool.iter().copied().filter(|d| default(d)).collect();
        if defaults.is_empty() { pool } else { defaults }
    } else {
        let matching: Vec<&Deployment> = pool.iter().copied().filter(|d| matches(d)).collect();
        if matching.is_empty() {
            pool.into_iter().filter(|d| default(d)).collect()
        } else {
            matching
        }
    };
    (!chosen.is_empty()).then_some(chosen)
}

/// A deployment by the first kind of weight that any of them has; evenly when none has.
fn throw<'a>(open: &[&'a Deployment], dice: f64) -> Option<&'a Deployment> {
    if open.len() < 2 {
        return open.first().copied();
    }
    let kinds: [fn(&Deployment) -> f64; 3] = [|d| d.weight, |d| d.rpm, |d| d.tpm];
    for weight in kinds {
        let sum: f64 = open.iter().map(|d| weight(d)).sum();
        if sum <= 0.0 {
            continue;
        }
        let mut left = dice * sum;
        for &deployment in open {
            left -= weight(deployment);
            if left < 0.0 {
                return Some(deployment);
            }
        }
        return open.iter().rev().copied().find(|d| weight(d) > 0.0);
    }
    let at = (dice * open.len() as f64) as usize;
    open.get(at.min(open.len() - 1)).copied()
}
