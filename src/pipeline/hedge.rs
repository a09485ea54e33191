//! A call whose first token is late is made a second time at another deployment; who begins to answer first answers,
//! and the other's call is dropped, which closes its connection. Opt-in, for a small part of the calls.

use super::Engine;
use super::admit::Tried;
use super::attempt::{Got, GotBody};
use super::explain::Attempted;
use super::routed::{Leg, Walk, effective};
use super::running::Running;
use crate::account::{LostAttempt, Usage};
use crate::adapt::Target;
use crate::error::{Error, Result};
use crate::route::{Ask, Need};
use crate::trace::Attempt;
use opentelemetry::trace::SpanId;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// The second call, and the place that it has.
struct Second {
    tried: Tried,
    made: Made,
}

/// One of the two calls.
struct Made {
    target: Arc<Target>,
    began: Instant,
    span: Option<SpanId>,
    hedge: bool,
}

/// What became of one of the two.
#[derive(Clone, Copy)]
enum End<'a> {
    Failed(&'a Error),
    Answered(&'a Got),
    Lost,
}

/// How the race ended.
enum Won {
    First(Box<Got>),
    Second(Box<Got>),
    Nobody(Error),
}

/// When a call at this deployment is late enough to be made a second time; `None` when it never is.
pub(super) fn after(walk: &Walk, leg: &Leg, tried: &Tried) -> Option<Duration> {
    let rules = walk.snapshot.routes.rules.hedging.as_ref()?;
    if leg.group.deployments.len() < 2 {
        return None;
    }
    let measures = tried.deployment.state.measures.lock();
    if measures.head.len() < rules.min_samples {
        return None;
    }
    let usual = measures
        .head
        .percentile(rules.quantile, crate::resilience::latency::KEPT)?;
    drop(measures);
    let delay = Duration::try_from_secs_f64(usual).ok()?;
    Some(delay.max(rules.min_delay))
}

impl Engine {
    /// One attempt, made a second time elsewhere when it is late. The deployment that answered is `running.tried`.
    pub(super) async fn hedged(
        &self,
        running: &mut Running,
        walk: &Walk,
        leg: &Leg,
        target: &Arc<Target>,
        delay: Duration,
    ) -> Result<Box<Got>> {
        running.attempts += 1;
        running.target = Some(target.clone());
        let began = Instant::now();
        running.routed(began);
        let made = Made {
            span: running.begin(target, began),
            target: target.clone(),
            began,
            hedge: false,
        };
        let mut second: Option<Second> = None;
        let won = {
            let running = &*running;
            let mut first = pin!(self.begun(running, &made));
            tokio::select! {
                biased;
                got = &mut first => match got {
                    Ok(got) => Won::First(got),
                    Err(error) => Won::Nobody(error),
                },
                () = tokio::time::sleep(delay) => {
                    second = self.second(running, walk, leg).await;
                    match &second {
                        None => match first.await {
                            Ok(got) => Won::First(got),
                            Err(error) => Won::Nobody(error),
                        },
                        Some(other) => {
                            let other = pin!(self.begun(running, &other.made));
                            race(first, other).await
                        }
                    }
                }
            }
        };
        running.upstream += made.began.elapsed();
        let (got, lost) = match won {
            Won::Nobody(error) => {
                note(running, &made, End::Failed(&error));
                if let Some(mut other) = second {
                    running.attempts += 1;
                    other.tried.failed(&error, false);
                    note(running, &other.made, End::Failed(&error));
                }
                return Err(running.note_failure(target, error));
            }
            Won::First(got) => {
                note(running, &made, End::Answered(&got));
                (got, second.map(|other| (other.tried, other.made)))
            }
            Won::Second(got) => {
                let lost = match second {
                    None => None,
                    Some(other) => {
                        let loser = running.tried.replace(other.tried);
                        running.target = Some(other.made.target.clone());
                        note(running, &other.made, End::Answered(&got));
                        loser.map(|tried| (tried, made))
                    }
                };
                (got, lost)
            }
        };
        if let Some((mut tried, made)) = lost {
            running.attempts += 1;
            note(running, &made, End::Lost);
            let usage = asked_for_nothing(running);
            let cost = made.target.cost(&usage, None, || tried.elapsed());
            tried.leave(Instant::now(), Some(&usage), cost.map(|cost| cost.total));
            running.trail.lost.push(LostAttempt {
                target: made.target,
                usage,
                cost,
            });
        }
        running.answered(got.took);
        Ok(got)
    }

    /// An attempt until it has begun to answer.
    async fn begun(&self, running: &Running, made: &Made) -> Result<Box<Got>> {
        let trace = running.call.trace.as_deref();
        let span = trace.zip(made.span).map(|(trace, id)| trace.named(id));
        let target = &made.target;
        let mut got = self.answer_from(&running.call, target, span).await?;
        if let GotBody::Stream(flow) = &mut got.body {
            flow.prime(&running.call, target).await?;
        }
        Ok(got)
    }

    /// A place at another deployment of the group, where the budget allows it.
    async fn second(&self, running: &Running, walk: &Walk, leg: &Leg) -> Option<Second> {
        let routes = &walk.snapshot.routes;
        let rules = routes.rules.hedging.as_ref()?;
        let first = running.tried.as_ref()?.deployment.id().to_owned();
        let now = Instant::now().into_std();
        let skip = [first];
        let need = Need {
            waits: false,
            ..walk.need(&running.call)
        };
        let ask = Ask {
            now,
            dice: fastrand::f64(),
            order: leg.order,
            skip: &skip,
            tags: walk.tags(),
            need,
        };
        let deployment = leg.group.pick(routes, &ask).ok()?;
        if skip.iter().any(|id| id == deployment.id()) {
            return None;
        }
        if !leg.group.state.hedges.lock().withdraw(now, rules) {
            return None;
        }
        let admitted = self.admit(running, &walk.snapshot, &leg.group, deployment, &ask);
        let tried = admitted.await.ok()?;
        leg.group.state.hedged.fetch_add(1, Ordering::Relaxed);
        let made = Made {
            target: effective(running, &deployment.target),
            began: Instant::now(),
            span: running.call.trace.as_deref().map(|trace| trace.span().id),
            hedge: true,
        };
        Some(Second { tried, made })
    }
}

/// Notes one of the two for the spans of the call, and for its explanation.
fn note(running: &mut Running, made: &Made, end: End<'_>) {
    let took = made.began.elapsed();
    let ended = running.elapsed();
    let error = match end {
        End::Failed(error) => Some(error),
        End::Answered(_) | End::Lost => None,
    };
    let goes_on = matches!(end, End::Answered(got) if !matches!(got.body, GotBody::Whole(_)));
    let began = ended.saturating_sub(took);
    // The first was noted when it began; the second is noted with its end.
    if made.hedge
        && let Some((traced, id)) = running.traced.as_mut().zip(made.span)
    {
        traced.attempt(Attempt::begun(id, &made.target, began));
    }
    if let Some(attempt) = running.attempt(made.span) {
        attempt.ended = (!goes_on).then_some(ended);
        attempt.error = error.map(|error| (error.status, error.kind.row().class));
        attempt.hedge = made.hedge;
        attempt.lost = matches!(end, End::Lost);
    }
    if let Some(notes) = running.notes.as_mut().filter(|_| !matches!(end, End::Lost)) {
        notes.attempt(&Attempted {
            target: &made.target,
            at: began,
            took,
            error,
            hedge: made.hedge,
        });
    }
}

/// The first that answers; the first one's error when neither does.
async fn race(
    mut first: std::pin::Pin<&mut impl Future<Output = Result<Box<Got>>>>,
    mut second: std::pin::Pin<&mut impl Future<Output = Result<Box<Got>>>>,
) -> Won {
    tokio::select! {
        biased;
        got = &mut first => match got {
            Ok(got) => Won::First(got),
            Err(error) => match second.await {
                Ok(got) => Won::Second(got),
                Err(_) => Won::Nobody(error),
            },
        },
        got = &mut second => match got {
            Ok(got) => Won::Second(got),
            Err(error) => match first.await {
                Ok(got) => Won::First(got),
                Err(_) => Won::Nobody(error),
            },
        },
    }
}

/// What a call that was dropped probably used: its prompt was read, of its answer nothing is known.
fn asked_for_nothing(running: &Running) -> Usage {
    let prompt = super::routed::estimate(&running.call);
    Usage {
        prompt_tokens: prompt,
        total_tokens: prompt,
        estimated: true,
        ..Usage::default()
    }
}
