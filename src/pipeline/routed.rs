//! From group to group: pick -> admit -> attempt, again in the group while that may help, then its later orders and
//! fallbacks. The rules are LiteLLM's; [`crate::route`] and [`crate::resilience`] hold them.

use super::Engine;
use super::admit::NotTaken;
use super::attempt::{Got, GotBody, client_retries};
use super::running::Running;
use super::{count, hedge};
use crate::account::FallbackHop;
use crate::adapt::Target;
use crate::config::Snapshot;
use crate::error::{Error, ErrorKind, Result};
use crate::forward::BoxFuture;
use crate::options::Options;
use crate::request::{Call, Op};
use crate::resilience::{backoff, retry};
use crate::route::fallback::{Asked, Hop, NoneFits};
use crate::route::{Ask, Group, Need, affinity};
use bytes::Bytes;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::time::Instant;

/// A call's way through the groups.
pub(super) struct Walk {
    pub(super) snapshot: Arc<Snapshot>,
    /// The group that the call was for.
    first: String,
    asked: Option<Asked>,
    disabled: bool,
    /// The call names a deployment's own model, not a group.
    specific: bool,
    tags: Vec<String>,
    /// Fallbacks tried, so that none is tried twice.
    tried: Vec<Hop>,
    /// What the call needs, as far as anybody looks at it.
    wants: Wants,
}

/// What a call needs of a deployment. Empty where no rule in force looks at the prompt.
#[derive(Default)]
struct Wants {
    tokens: u64,
    counted: Option<u64>,
    answer: Option<u64>,
    prefix: u64,
    region: Option<String>,
    waits: bool,
}

/// Where on the way it is.
pub(super) struct Leg {
    pub(super) group: Arc<Group>,
    pub(super) order: Option<i64>,
    /// How deep in fallbacks.
    depth: u32,
}

impl Engine {
    /// Answers a call by the groups of the configuration.
    pub(super) async fn route(&self, running: &mut Running) -> Result<Box<Got>> {
        let snapshot = self.snapshot.load_full();
        let mut walk = Walk::new(snapshot, running)?;
        let group = if walk.specific {
            walk.snapshot.routes.by_litellm_model(&running.call.model)?
        } else {
            walk.group(running, &running.call.model)?
        };
        walk.first.clone_from(&group.name);
        let leg = Leg {
            group,
            order: None,
            depth: 0,
        };
        match self.in_group(running, &mut walk, &leg).await {
            Ok(got) => Ok(got),
            Err(error) => self.recover(running, &mut walk, leg, error).await,
        }
    }

    /// Attempts in one group.
    async fn in_group(
        &self,
        running: &mut Running,
        walk: &mut Walk,
        leg: &Leg,
    ) -> Result<Box<Got>> {
        if walk.snapshot.routes.rules.checks {
            walk.count(&running.call, &leg.group).await;
        }
        let walk = &*walk;
        let guards = &walk.snapshot.routes.rules;
        let begins = || Instant::now().into_std();
        if guards.retry_budget.is_some() {
            leg.group.state.retries.lock().called(begins());
        }
        if guards.hedging.is_some() {
            leg.group.state.hedges.lock().called(begins());
        }
        let rules = &walk.snapshot.routes.retries;
        let kinds = walk.snapshot.routes.fallbacks.kinds(walk.asked.as_ref());
        let mut skip = Vec::new();
        let mut allowed = None;
        running.retries = 0;
        loop {
            let error = match self.once(running, walk, leg, &skip).await {
                Ok(got) => return Ok(got),
                Err(error) => error,
            };
            let asked = running.call.options.num_retries;
            let (retries, by_policy) = *allowed.get_or_insert_with(|| {
                let own = running.target.as_ref().and_then(|t| t.options.num_retries);
                let policy = rules
                    .by_policy(&leg.group.name, &error)
                    .filter(|_| asked != Some(0));
                let usual = rules.usual(asked, own);
                (policy.unwrap_or(usual), policy.is_some())
            });
            running.allowed_retries = retries;
            let now = Instant::now().into_std();
            let standing = retry::Standing {
                healthy: match guards.breaker {
                    Some(_) => leg.group.admitting(now),
                    None => leg.group.healthy(now),
                },
                all: leg.group.deployments.len(),
                fallbacks: kinds,
            };
            // Nobody was asked, and nobody could be.
            let hopeless = running.tried.is_none() && !error.retry;
            let worthwhile = by_policy || retry::is_worthwhile(&error, &standing);
            if running.retries >= retries || hopeless || !worthwhile || !running.may_retry(&error) {
                return Err(error);
            }
            if !matches!(error.status, 408 | 409 | 429 | 500..)
                && let Some(tried) = &running.tried
            {
                skip.push(tried.deployment.id().to_owned());
            }
            if standing.all == 1 || standing.healthy == 0 {
                let headers = error.headers.as_deref();
                let wait = backoff::router(
                    running.retries,
                    rules.least_wait,
                    headers,
                    SystemTime::now(),
                    fastrand::f64(),
                );
                if !running.wait(wait).await {
                    return Err(error);
                }
            }
            running.retries += 1;
        }
    }

    /// Pick, admit, attempt.
    async fn once(
        &self,
        running: &mut Running,
        walk: &Walk,
        leg: &Leg,
        skip: &[String],
    ) -> Result<Box<Got>> {
        running.tried = None;
        let routes = &walk.snapshot.routes;
        let mut looks = 0;
        // Those that this call found without room, after those that it had tried; and what the last of them said.
        let mut without_room: Vec<String> = Vec::new();
        let mut refusal: Option<Error> = None;
        let tried = loop {
            let ask = Ask {
                now: Instant::now().into_std(),
                dice: fastrand::f64(),
                order: leg.order,
                skip: if refusal.is_some() {
                    &without_room
                } else {
                    skip
                },
                tags: &walk.tags,
                need: walk.need(&running.call),
            };
            let picked = leg.group.pick(routes, &ask);
            if let Some(notes) = &mut running.notes {
                let chosen = picked.as_ref().ok().map(|deployment| deployment.id());
                notes.pick(routes, &leg.group, &ask, chosen);
            }
            let deployment = match (picked, &refusal) {
                (Ok(deployment), Some(error))
                    if without_room.iter().any(|id| id == deployment.id()) =>
                {
                    return Err(error.clone());
                }
                (Ok(deployment), _) => deployment,
                (Err(_), Some(error)) => return Err(error.clone()),
                (Err(error), None) => return Err(error),
            };
            let admitted = self.admit(running, &walk.snapshot, &leg.group, deployment, &ask);
            match admitted.await {
                Ok(tried) => break tried,
                // Another one may have room: this one is not asked again.
                Err(NotTaken::Full(error)) => {
                    if refusal.is_none() {
                        without_room.extend_from_slice(skip);
                    }
                    without_room.push(deployment.id().to_owned());
                    refusal = Some(error);
                }
                // Whoever was faster has changed what there is to pick from.
                Err(NotTaken::Again) if looks < leg.group.deployments.len() => looks += 1,
                Err(NotTaken::Again) => {
                    return Err(leg.group.out_of_use(Instant::now().into_std()));
                }
            }
        };
        if let Some(waited) = tried.waited {
            running.waited(waited);
        }
        let target = effective(running, &tried.deployment.target);
        let hedges_after = hedge::after(walk, leg, &tried);
        running.tried = Some(tried);
        if let Some(delay) = hedges_after {
            running.begun = false;
            // Two calls in one future: not in that of every call.
            let got = Box::pin(self.hedged(running, walk, leg, &target, delay)).await?;
            running.begun = matches!(got.body, GotBody::Stream(_));
            return unless_filtered(running, walk, leg, got);
        }
        // LiteLLM's router takes the retries of the provider's client over, as far as the client lets it.
        let retries = client_retries(&running.call, &target, Some(0));
        running.begun = false;
        let mut got = self
            .attempt_with_client_retries(running, &target, retries)
            .await?;
        running.begun = matches!(got.body, GotBody::Stream(_));
        if let GotBody::Stream(flow) = &mut got.body
            && let Err(error) = flow.prime(&running.call, &target).await
        {
            return Err(running.note_failure(&target, error));
        }
        unless_filtered(running, walk, leg, got)
    }

    /// After a group has failed: its later orders, then the fallbacks for this kind of error.
    fn recover<'a>(
        &'a self,
        running: &'a mut Running,
        walk: &'a mut Walk,
        leg: Leg,
        error: Error,
    ) -> BoxFuture<'a, Result<Box<Got>>> {
        Box::pin(async move {
            if walk.disabled || error.kind == ErrorKind::Cancelled {
                return Err(error);
            }
            let fallbacks = &walk.snapshot.routes.fallbacks;
            let groups = [leg.group.name.as_str(), walk.first.as_str()];
            let dedicated = matches!(
                error.kind,
                ErrorKind::ContextWindowExceeded | ErrorKind::ContentPolicyViolation
            );
            if !dedicated && !leg.group.later_orders(None).is_empty() {
                let general = fallbacks.general(&groups, walk.asked.as_ref());
                let later = leg.group.later_orders(leg.order).into_iter();
                let hops: Vec<Hop> = later
                    .map(|order| Hop {
                        model: leg.group.name.clone(),
                        order: Some(order),
                        ..Hop::default()
                    })
                    .chain(general.iter().flat_map(|hops| hops.iter().cloned()))
                    .collect();
                if !hops.is_empty() {
                    return self.fall_back(running, walk, &leg, &hops, error).await;
                }
            }
            let outcome = match fallbacks.after(&error, &groups, walk.asked.as_ref()) {
                Ok(None) | Err(NoneFits::OfThisKind) => "No fallback was attempted.".to_owned(),
                Err(NoneFits::Of(groups)) => return Err(none_fits(error, &leg, &groups)),
                Ok(Some(hops)) => {
                    let failed = self.fall_back(running, walk, &leg, &hops, error.clone());
                    let last = match failed.await {
                        Ok(got) => return Ok(got),
                        Err(last) => last,
                    };
                    let names: Vec<&str> = hops.iter().map(|hop| hop.model.as_str()).collect();
                    let last = last.litellm_message();
                    format!("Fallback to {} also failed: {last}", names.join(", "))
                }
            };
            Err(explained(error, &leg, &outcome))
        })
    }

    /// Tries fallbacks in turn. The error is the last one's.
    async fn fall_back(
        &self,
        running: &mut Running,
        walk: &mut Walk,
        from: &Leg,
        hops: &[Hop],
        error: Error,
    ) -> Result<Box<Got>> {
        if from.depth >= walk.snapshot.routes.fallbacks.max_depth {
            return Err(error);
        }
        walk.tried.push(Hop {
            model: from.group.name.clone(),
            ..Hop::default()
        });
        let mut last = error;
        let mut depth = from.depth;
        for hop in hops {
            if walk.tried.contains(hop) {
                continue;
            }
            walk.tried.push(hop.clone());
            depth += 1;
            let noted = running.trail.hops.len();
            running.trail.hops.push(FallbackHop {
                from: from.group.name.clone(),
                to: hop.model.clone(),
                status: last.status,
                class: last.kind.row().class,
                provider: running.target.as_ref().map_or("", |t| t.provider.name),
                answered: false,
            });
            match self.hop(running, walk, hop, depth).await {
                Ok(got) => {
                    running.fallbacks = depth;
                    if let Some(noted) = running.trail.hops.get_mut(noted) {
                        noted.answered = true;
                    }
                    return Ok(got);
                }
                Err(error) => {
                    running.judge(&error);
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn hop(
        &self,
        running: &mut Running,
        walk: &mut Walk,
        hop: &Hop,
        depth: u32,
    ) -> Result<Box<Got>> {
        let call = &mut running.call;
        call.model.clone_from(&hop.model);
        call.keep_upstream_model = true;
        call.shown_model = None;
        if !hop.members.is_empty() {
            let (options, members) = Options::split(hop.members.clone())?;
            call.options = Options::merge(&options, &call.options);
            for (name, raw) in members.iter() {
                call.params.set_raw(name, raw.clone());
            }
        }
        let leg = Leg {
            group: walk.group(running, &hop.model)?,
            order: hop.order,
            depth,
        };
        match self.in_group(running, walk, &leg).await {
            Ok(got) => Ok(got),
            Err(error) => self.recover(running, walk, leg, error).await,
        }
    }
}

/// An answer, unless the provider's filter ended it and there is a group to try instead.
fn unless_filtered(
    running: &mut Running,
    walk: &Walk,
    leg: &Leg,
    got: Box<Got>,
) -> Result<Box<Got>> {
    let filtered = match &got.body {
        GotBody::Stream(_) | GotBody::Raw(..) => false,
        GotBody::Whole(reply) => {
            let fallbacks = &walk.snapshot.routes.fallbacks;
            reply.finish_reason.as_deref() == Some("content_filter")
                && !walk.disabled
                && fallbacks.filtered(&leg.group.name).is_some()
        }
    };
    if filtered {
        let error = blocked(&got.target);
        return Err(running.note_failure(&got.target, error));
    }
    Ok(got)
}

impl Walk {
    fn new(snapshot: Arc<Snapshot>, running: &mut Running) -> Result<Self> {
        let call = &mut running.call;
        let asked = match &call.options.fallbacks {
            Some(raw) => Asked::read(raw)?,
            None => None,
        };
        let disabled = call.params.remove("disable_fallbacks");
        let specific = call.params.remove("specific_deployment");
        let tags = if snapshot.routes.tag_filtering {
            tags(&call.options)
        } else {
            Vec::new()
        };
        if let Some(asked) = call.params.remove("priority")
            && &asked[..] != b"null"
            && call.priority.is_none()
        {
            call.priority = Some(priority(&asked)?);
        }
        let wants = Wants::of(call, &snapshot);
        Ok(Self {
            snapshot,
            first: String::new(),
            asked,
            disabled: disabled.as_deref() == Some(b"true"),
            specific: specific.as_deref() == Some(b"true"),
            tags,
            tried: Vec::new(),
            wants,
        })
    }

    /// The call's tags.
    pub(super) fn tags(&self) -> &[String] {
        &self.tags
    }

    /// What the call needs.
    pub(super) fn need(&self, call: &Call) -> Need<'_> {
        let wants = &self.wants;
        Need {
            tokens: wants.tokens,
            counted: wants.counted,
            answer: wants.answer,
            stream: call.stream,
            prefix: wants.prefix,
            region: wants.region.as_deref(),
            waits: wants.waits,
        }
    }

    /// Counts the prompt's tokens, once, where they may be too many for one of the group: no token is shorter than a
    /// byte.
    async fn count(&mut self, call: &Call, group: &Group) {
        let least = group.deployments.iter().filter_map(|d| d.max_input_tokens);
        let Some(least) = least.min() else { return };
        // Of other dialects LiteLLM counts nothing before they are sent either.
        if !matches!(call.op, Op::Chat | Op::TextCompletion | Op::Embeddings) {
            return;
        }
        let prompt = prompt(call);
        if self.wants.counted.is_some() || prompt.len() as u64 <= least {
            return;
        }
        let model = group.deployments.first().map(|d| d.target.model.clone());
        self.wants.counted = count::prompt(call.op, prompt, model.unwrap_or_default()).await;
    }

    fn group(&self, running: &Running, model: &str) -> Result<Arc<Group>> {
        let routes = &self.snapshot.routes;
        routes.group(model).ok_or_else(|| {
            let route = &running.call.caller.route;
            // In process there is no server to ask for a list.
            if routes.has_wildcards() || route.is_empty() {
                let error = Error::bad_request(format!(
                    "You passed in model={model}. There are no healthy deployments for this model"
                ));
                return explain(error, model, "No fallback was attempted.");
            }
            let place = if route.is_empty() { "" } else { ": " };
            Error::bad_request(format!(
                "{route}{place}Invalid model name passed in model={model}. Call `/v1/models` to view available models \
                 for your key."
            ))
        })
    }
}

impl Wants {
    fn of(call: &Call, snapshot: &Snapshot) -> Self {
        let rules = &snapshot.routes.rules;
        let waits = rules.queue > 0 || call.priority.or(rules.default_priority).is_some();
        if !rules.reads_prompt() {
            return Self {
                waits,
                ..Self::default()
            };
        }
        let most = |name: &str| call.params.get::<u64>(name);
        Self {
            tokens: estimate(call),
            counted: None,
            answer: most("max_completion_tokens").or_else(|| most("max_tokens")),
            prefix: if rules.strategy.reads_prefix() {
                affinity::prefix(&prompt(call))
            } else {
                0
            },
            region: call.options.other.get("allowed_model_region"),
            waits,
        }
    }
}

/// Tokens of a prompt, told from its length: four bytes each, as providers estimate for their own limits.
pub(super) fn estimate(call: &Call) -> u64 {
    prompt(call).len() as u64 / 4
}

/// The raw JSON of what is asked.
fn prompt(call: &Call) -> Bytes {
    let name = match call.op {
        Op::Chat | Op::Messages | Op::CountTokens => "messages",
        Op::GenerateContent => "contents",
        Op::TextCompletion | Op::ImageGeneration | Op::ImageEdit => "prompt",
        Op::Embeddings | Op::Speech | Op::Moderation | Op::Responses | Op::Stored(_) => "input",
        Op::ImageVariation | Op::Transcription | Op::PassThrough | Op::Resource(_) => {
            return Bytes::new();
        }
        Op::Rerank => "documents",
    };
    call.params.raw(name).cloned().unwrap_or_default()
}

/// LiteLLM's `priority`: a whole number, also as a text.
fn priority(raw: &[u8]) -> Result<i64> {
    let value: serde_json::Value = serde_json::from_slice(raw).unwrap_or_default();
    let number = match &value {
        serde_json::Value::Number(number) => number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|n| n.fract() == 0.0)
                .map(|n| n as i64)
        }),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        let mut error = Error::bad_request("`priority` must be an integer");
        error.param = Some("priority".to_owned());
        error
    })
}

/// The tags of a call: its own, and those of its `metadata`.
fn tags(options: &Options) -> Vec<String> {
    let metadata: Option<serde_json::Value> = options.other.get("metadata");
    let listed = metadata
        .as_ref()
        .and_then(|metadata| metadata.get("tags")?.as_array());
    let listed = listed
        .into_iter()
        .flatten()
        .filter_map(|tag| tag.as_str().map(str::to_owned));
    options.tags.iter().cloned().chain(listed).collect()
}

/// The target under the call's own settings; the deployment's own when the call has none that matter there.
pub(super) fn effective(running: &Running, target: &Arc<Target>) -> Arc<Target> {
    let asked = &running.call.options;
    let plain = asked.api_key.is_none()
        && asked.api_base.is_none()
        && asked.api_version.is_none()
        && asked.organization.is_none()
        && asked.drop_params.is_none()
        && asked.modify_params.is_none()
        && asked.additional_drop_params.is_empty()
        && asked.allowed_openai_params.is_empty()
        && asked.extra_headers.is_empty()
        && asked.extra_body.is_empty()
        && asked.price.is_none()
        && asked.base_model.is_none();
    if plain {
        return target.clone();
    }
    let mut target = Target::clone(target);
    target.options = Options::merge(asked, &target.options);
    if asked.api_key.is_some() {
        target.api_key.clone_from(&asked.api_key);
    }
    if let Some(base) = &asked.api_base {
        base.trim_end_matches('/').clone_into(&mut target.api_base);
    }
    Arc::new(target)
}

/// The provider's filter ended a reply, and there is a group to try instead.
fn blocked(target: &Target) -> Error {
    Error::new(
        ErrorKind::ContentPolicyViolation,
        "Response output was blocked.",
    )
    .at(target.provider.name, &target.model)
}

/// Says what became of fallbacks, once: at the error of the group that the call was for.
fn explained(error: Error, leg: &Leg, outcome: &str) -> Error {
    if leg.depth > 0 {
        return error;
    }
    explain(error, &leg.group.name, outcome)
}

fn explain(mut error: Error, group: &str, outcome: &str) -> Error {
    error.message.push_str(&format!(
        "\n\nLiteLLM: model group '{group}' failed with the error above. {outcome}"
    ));
    error
}

fn none_fits(mut error: Error, leg: &Leg, groups: &[String]) -> Error {
    if leg.depth == 0 {
        error.message.push_str(&format!(
            "\n\nLiteLLM: model group '{}' failed with the error above and no fallback model group was found for it, \
             so the request was not retried on another model. Fallbacks are configured for: {}. Add a fallbacks entry \
             for that model group (Router fallbacks or proxy router_settings.fallbacks) to retry on another model.",
            leg.group.name,
            groups.join(", ")
        ));
    }
    error
}
