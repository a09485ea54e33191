//! Which deployment of a group takes a call: those that cool, that this call has tried in vain, that are ill, spent,
//! too small, of the wrong tags, full, or of a later `order` step aside; among the rest the group's strategy decides.
//!
//! [`Group::survey`] is the one place that says who steps aside and why: [`Group::pick`] picks among the others, and
//! an explanation shows all of it.

use super::refuse;
use super::{Deployment, Group, Routes};
use crate::error::Error;
use crate::resilience::breaker::Verdict;
use std::sync::Arc;
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
    /// What the call needs.
    pub need: Need<'a>,
}

/// What a call needs of a deployment, as far as the rules in force look at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Need<'a> {
    /// Tokens of the prompt, estimated.
    pub tokens: u64,
    /// Tokens of the prompt, counted; only where a context window may be too small.
    pub counted: Option<u64>,
    /// Tokens that the answer may have.
    pub answer: Option<u64>,
    /// It is a stream.
    pub stream: bool,
    /// The prompt's beginning, or 0.
    pub prefix: u64,
    /// `allowed_model_region`.
    pub region: Option<&'a str>,
    /// It may wait its turn.
    pub waits: bool,
}

/// Why a deployment stepped aside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aside {
    /// It cools, for so long.
    Cooling(Duration),
    /// Its breaker is open, for so long.
    Ejected(Duration),
    /// A background check found it ill.
    Ill,
    /// This call has tried it in vain.
    Tried,
    /// The prompt is longer than it takes.
    TooLong(u64),
    /// It is in another region.
    Region,
    /// Its provider's budget is spent.
    ProviderBudget,
    /// Its own budget is spent.
    Budget,
    /// It has other tags.
    Tags,
    /// `rpm` or `tpm` is used up.
    Limit,
    /// All calls that it takes are in flight.
    Full,
    /// It has a later `order`.
    Order,
}

impl Aside {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cooling(_) => "cooling",
            Self::Ejected(_) => "ejected",
            Self::Ill => "ill",
            Self::Tried => "tried",
            Self::TooLong(_) => "context_window",
            Self::Region => "region",
            Self::ProviderBudget => "provider_budget",
            Self::Budget => "budget",
            Self::Tags => "tags",
            Self::Limit => "limit",
            Self::Full => "full",
            Self::Order => "order",
        }
    }
}

/// The deployments of a group as one call sees them: in their order, with the reason of those that step aside.
pub type Survey<'a> = Vec<(&'a Arc<Deployment>, Option<Aside>)>;

impl Group {
    /// Picks a deployment.
    ///
    /// # Errors
    /// LiteLLM's answers when all of them step aside.
    pub fn pick(&self, routes: &Routes, ask: &Ask<'_>) -> Result<&Arc<Deployment>, Error> {
        if let [only] = &*self.deployments
            && routes.is_plain
            && ask.order.is_none()
        {
            return match out_of_use(only, routes, ask.now) {
                None => Ok(only),
                Some(_) => Err(refuse::all_cooling(self, ask.now)),
            };
        }
        let (survey, error) = self.survey(routes, ask);
        if let Some(error) = error {
            return Err(error);
        }
        let open: Vec<&Arc<Deployment>> = survey
            .into_iter()
            .filter(|(_, aside)| aside.is_none())
            .map(|(deployment, _)| deployment)
            .collect();
        // Who has to show that it is well again is asked first, once.
        if routes.rules.breaker.is_some()
            && let Some(probe) = open.iter().find(|d| d.verdict(ask.now) == Verdict::Probe)
        {
            return Ok(probe);
        }
        let rules = &routes.rules;
        rules
            .strategy
            .choose(&open, rules, &self.state, ask)
            .ok_or_else(|| refuse::all_cooling(self, ask.now))
    }

    /// LiteLLM's answer when nobody takes calls now.
    pub fn out_of_use(&self, now: Instant) -> Error {
        refuse::all_cooling(self, now)
    }

    /// Who steps aside and why; the error when nobody is left.
    pub fn survey(&self, routes: &Routes, ask: &Ask<'_>) -> (Survey<'_>, Option<Error>) {
        let rules = &routes.rules;
        let mut all: Survey<'_> = self.deployments.iter().map(|d| (d, None)).collect();
        step_aside(&mut all, |d| out_of_use(d, routes, ask.now));
        if none_left(&all) {
            let error = refuse::all_cooling(self, ask.now);
            return (all, Some(error));
        }
        if let Some(stale) = rules.health {
            unless_last(&mut all, |d| {
                d.state.is_ill(ask.now, stale).then_some(Aside::Ill)
            });
        }
        if !ask.skip.is_empty() {
            unless_last(&mut all, |d| {
                ask.skip
                    .iter()
                    .any(|id| id == d.id())
                    .then_some(Aside::Tried)
            });
        }
        if rules.checks {
            step_aside(&mut all, |d| too_small(d, ask));
            if none_left(&all) {
                let error = refuse::too_small(self, &all, ask);
                return (all, Some(error));
            }
        }
        if routes.tag_filtering {
            by_tags(&mut all, ask.tags, routes.tags_match_any);
            if none_left(&all) {
                let error = refuse::tags(self, ask.tags);
                return (all, Some(error));
            }
        }
        if routes.has_budgets {
            step_aside(&mut all, |d| spent(d, routes, ask.now));
            if none_left(&all) {
                let error = refuse::budgets(&all, routes, ask.now);
                return (all, Some(error));
            }
        }
        if rules.counts_use() {
            step_aside(&mut all, |d| no_room(d, ask));
            if none_left(&all) {
                let error = refuse::limits(self, ask);
                return (all, Some(error));
            }
        }
        if routes.has_parallel_limits && !ask.need.waits {
            unless_last(&mut all, |d| is_full(d, routes).then_some(Aside::Full));
        }
        let order = ask.order.or_else(|| {
            let open = all.iter().filter(|(_, aside)| aside.is_none());
            open.filter_map(|(d, _)| d.order).min()
        });
        if order.is_some() {
            step_aside(&mut all, |d| (d.order != order).then_some(Aside::Order));
            if none_left(&all) {
                let error = refuse::all_cooling(self, ask.now);
                return (all, Some(error));
            }
        }
        (all, None)
    }
}

fn none_left(all: &Survey<'_>) -> bool {
    all.iter().all(|(_, aside)| aside.is_some())
}

fn step_aside(all: &mut Survey<'_>, reason: impl Fn(&Deployment) -> Option<Aside>) {
    for (deployment, aside) in all.iter_mut().filter(|(_, aside)| aside.is_none()) {
        *aside = reason(deployment);
    }
}

/// The same, unless nobody would be left.
fn unless_last(all: &mut Survey<'_>, reason: impl Fn(&Deployment) -> Option<Aside>) {
    let stays = all
        .iter()
        .any(|(deployment, aside)| aside.is_none() && reason(deployment).is_none());
    if stays {
        step_aside(all, reason);
    }
}

fn out_of_use(deployment: &Deployment, routes: &Routes, now: Instant) -> Option<Aside> {
    if routes.rules.breaker.is_some() {
        return match deployment.verdict(now) {
            Verdict::Reject(wait) => Some(Aside::Ejected(wait)),
            Verdict::Admit | Verdict::Probe => None,
        };
    }
    deployment.cooling(now).map(Aside::Cooling)
}

fn too_small(deployment: &Deployment, ask: &Ask<'_>) -> Option<Aside> {
    if let (Some(most), Some(tokens)) = (deployment.max_input_tokens, ask.need.counted)
        && tokens > most
    {
        return Some(Aside::TooLong(most));
    }
    let wanted = ask.need.region?;
    // A region of a provider's own (`eu-central-1`) is in the one that is named shortly.
    let is_there = deployment
        .region
        .as_deref()
        .is_some_and(|region| region == wanted || region.starts_with(&format!("{wanted}-")));
    (!is_there).then_some(Aside::Region)
}

fn spent(deployment: &Deployment, routes: &Routes, now: Instant) -> Option<Aside> {
    let provider = routes.rules.providers.get(deployment.target.provider.name);
    if provider.is_some_and(|(budget, spent)| spent.lock().exceeds(now, budget)) {
        return Some(Aside::ProviderBudget);
    }
    let own = deployment.budget.as_ref();
    own.is_some_and(|budget| deployment.state.spent.lock().exceeds(now, budget))
        .then_some(Aside::Budget)
}

fn no_room(deployment: &Deployment, ask: &Ask<'_>) -> Option<Aside> {
    if !deployment.limits.any() {
        return None;
    }
    let tokens = ask.need.tokens;
    let mut quota = deployment.state.quota.lock();
    let room = quota.room(ask.now, deployment.limits, tokens);
    room.is_err().then_some(Aside::Limit)
}

fn is_full(deployment: &Deployment, routes: &Routes) -> bool {
    routes
        .parallel_limit(deployment)
        .is_some_and(|limit| deployment.state.gate.load().0 >= limit)
}

/// The deployments that a call with these tags may have.
///
/// A call with tags gets the deployments that match, else the default ones; a call without gets the default ones, else
/// all. `!tag` keeps away from deployments with that tag, `&tag` asks for it beside all others.
fn by_tags(all: &mut Survey<'_>, tags: &[String], match_any: bool) {
    let has = |deployment: &Deployment, tag: &str| deployment.tags.iter().any(|own| own == tag);
    let mut wanted = Vec::new();
    let other = Some(Aside::Tags);
    for tag in tags {
        match (tag.strip_prefix('!'), tag.strip_prefix('&')) {
            (Some(not), _) if !not.is_empty() => {
                step_aside(all, |d| other.filter(|_| has(d, not)));
            }
            (_, Some(must)) if !must.is_empty() => {
                step_aside(all, |d| other.filter(|_| !has(d, must)));
            }
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
    if wanted.is_empty() {
        unless_last(all, |d| other.filter(|_| !default(d)));
    } else if all.iter().any(|(d, aside)| aside.is_none() && matches(d)) {
        step_aside(all, |d| other.filter(|_| !matches(d)));
    } else {
        step_aside(all, |d| other.filter(|_| !default(d)));
    }
}
