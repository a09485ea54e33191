//! What became of a call and why, for whoever asks (`x-gateway-explain: 1`): which deployments there were at each
//! pick, why each stepped aside, and every attempt with its time, status and cost. Nothing is noted for other calls.

use super::running::Running;
use crate::account::Cost;
use crate::adapt::Target;
use crate::error::Error;
use crate::route::pick::Aside;
use crate::route::{Ask, Group, Routes};
use serde_json::{Value, json};
use std::time::Duration;

/// Picks and attempts that are noted at most: a header must have an end.
const MOST: usize = 12;
/// Candidates of one pick that are noted at most.
const MOST_CANDIDATES: usize = 16;

/// The notes of one call.
#[derive(Debug, Default)]
pub(super) struct Notes {
    picks: Vec<Value>,
    attempts: Vec<Value>,
}

/// One attempt that has ended.
pub(super) struct Attempted<'a> {
    pub(super) target: &'a Target,
    /// When it began, from the call's arrival.
    pub(super) at: Duration,
    pub(super) took: Duration,
    pub(super) error: Option<&'a Error>,
    pub(super) hedge: bool,
}

impl Notes {
    /// A pick: everybody who was there, and who was chosen.
    pub(super) fn pick(
        &mut self,
        routes: &Routes,
        group: &Group,
        ask: &Ask<'_>,
        chosen: Option<&str>,
    ) {
        if self.picks.len() >= MOST {
            return;
        }
        let (survey, _) = group.survey(routes, ask);
        let candidates: Vec<Value> = survey
            .iter()
            .take(MOST_CANDIDATES)
            .map(|(deployment, aside)| {
                let mut shown = json!({
                    "id": deployment.id(),
                    "in_flight": deployment.state.in_flight(),
                    "dropped": aside.map(Aside::word),
                });
                if let Some(Aside::Cooling(wait) | Aside::Ejected(wait)) = aside {
                    shown["for_ms"] = milliseconds(*wait);
                }
                shown
            })
            .collect();
        self.picks.push(json!({
            "group": group.name,
            "candidates": candidates,
            "more_candidates": survey.len().saturating_sub(MOST_CANDIDATES),
            "chosen": chosen,
        }));
    }

    /// An attempt.
    pub(super) fn attempt(&mut self, attempt: &Attempted<'_>) {
        if self.attempts.len() >= MOST {
            return;
        }
        let error = attempt.error;
        self.attempts.push(json!({
            "id": attempt.target.deployment_id,
            "model": attempt.target.litellm_model,
            "at_ms": milliseconds(attempt.at),
            "took_ms": milliseconds(attempt.took),
            "status": error.map_or(200, |error| error.status),
            "error": error.map(|error| error.kind.row().class),
            "hedge": attempt.hedge,
            "cost_usd": error.map(|_| 0.0),
        }));
    }

    /// All of it as one line that a header can carry.
    pub(super) fn told(&self, running: &Running, cost: Option<&Cost>) -> String {
        let mut attempts = self.attempts.clone();
        if let (Some(last), Some(cost)) = (attempts.last_mut(), cost)
            && last["status"] == 200
        {
            last["cost_usd"] = cost.total.into();
        }
        let told = json!({
            "call_id": running.call.id,
            "picks": self.picks,
            "attempts": attempts,
            "retries": running.retries,
            "fallbacks": running.fallbacks,
            "hedged": running.trail.lost.len(),
            "total_ms": milliseconds(running.elapsed()),
        });
        ascii(&told.to_string())
    }
}

fn milliseconds(time: Duration) -> Value {
    (time.as_micros() as f64 / 1e3).into()
}

/// The same JSON without a character that a header cannot carry.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_no_header_carries_is_escaped() {
        let text = json!({"id": "h\u{fc}tte \u{1f600}"}).to_string();
        let escaped = ascii(&text);
        assert!(escaped.is_ascii());
        let back: Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(back.to_string(), text);
    }
}
