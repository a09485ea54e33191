//! Thinking: OpenAI's `reasoning_effort` and Anthropic's own `thinking`, as the model takes them.
//!
//! Newer models think adaptively and are told an effort; older ones get a budget of tokens. The numbers are LiteLLM's
//! (`DEFAULT_REASONING_EFFORT_*_THINKING_BUDGET`).

use super::{Built, has};
use crate::adapt::habits::Mapping;
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// Efforts and their budgets in tokens. Anthropic takes no budget below 1024.
const BUDGETS: [(&str, u64); 6] = [
    ("minimal", 1024),
    ("low", 1024),
    ("medium", 2048),
    ("high", 4096),
    ("xhigh", 8192),
    ("max", 16384),
];
/// Room for the answer beside the thinking, in tokens, when nobody says a limit.
pub const ROOM: u64 = 4096;
const MIN_BUDGET: u64 = 1024;

/// Writes `thinking` and `output_config`, and the limit that a budget needs.
///
/// # Errors
/// An effort that does not exist.
pub fn apply(mapping: &Mapping<'_>, built: &mut Built) -> Result<()> {
    let adaptive = is(mapping, "supports_adaptive_thinking");
    if let Some(thinking) = mapping.value("thinking") {
        own(mapping, thinking, adaptive, built);
    }
    let effort = match mapping.value("reasoning_effort") {
        Some(Value::Object(wish)) => wish.get("effort").cloned(),
        other => other,
    };
    if let Some(Value::String(effort)) = effort {
        asked(mapping, &effort, adaptive, built)?;
    }
    if is(mapping, "thinking_always_on") && kind(built).as_deref() == Some("disabled") {
        built.members.remove("thinking");
    }
    if let Some(budget) = budget(built)
        && kind(built).as_deref() == Some("enabled")
        && !built.members.contains("max_tokens")
    {
        built.members.set("max_tokens", &(budget + ROOM));
    }
    Ok(())
}

/// Whether the call asks the model to think.
pub fn is_asked(mapping: &Mapping<'_>) -> bool {
    let own = mapping.value("thinking");
    let own =
        own.is_some_and(|thinking| thinking["type"] == "enabled" || thinking["type"] == "adaptive");
    let effort = mapping.value("reasoning_effort");
    own || effort.is_some_and(|effort| effort != "none")
}

/// Whether a model takes an effort in `output_config`.
pub fn takes_effort(model: &str, provider: &str) -> bool {
    let levels = ["low", "minimal", "medium", "high", "xhigh", "max"];
    has(model, provider, "supports_output_config") == Some(true)
        || levels.iter().any(|level| {
            has(
                model,
                provider,
                &format!("supports_{level}_reasoning_effort"),
            ) == Some(true)
        })
}

fn is(mapping: &Mapping<'_>, capability: &str) -> bool {
    has(mapping.model, mapping.provider, capability) == Some(true)
}

fn kind(built: &Built) -> Option<String> {
    let thinking: Value = built.members.get("thinking")?;
    thinking["type"].as_str().map(str::to_owned)
}

fn budget(built: &Built) -> Option<u64> {
    let thinking: Value = built.members.get("thinking")?;
    thinking["budget_tokens"].as_u64()
}

/// Anthropic's own parameter; what the model does not know in this form is told in the other.
fn own(mapping: &Mapping<'_>, mut thinking: Value, adaptive: bool, built: &mut Built) {
    let budget = thinking["budget_tokens"].as_u64();
    match thinking["type"].as_str() {
        Some("adaptive") if !adaptive => {
            let most = built.members.get::<u64>("max_tokens");
            let budget = match most {
                Some(most) if most <= MIN_BUDGET => return,
                Some(most) => most.saturating_sub(1).min(2048),
                None => 2048,
            };
            thinking = json!({"type": "enabled", "budget_tokens": budget});
        }
        Some("enabled") if adaptive && !is(mapping, "supports_legacy_thinking") => {
            thinking["type"] = json!("adaptive");
            if let Value::Object(members) = &mut thinking {
                members.remove("budget_tokens");
            }
            let effort = match budget.unwrap_or(0) {
                8192.. if is(mapping, "supports_xhigh_reasoning_effort") => "xhigh",
                4096.. => "high",
                2048.. => "medium",
                _ => "low",
            };
            let config = json!({"effort": effort});
            built.members.set("output_config", &config);
        }
        _ => {}
    }
    built.members.set("thinking", &thinking);
}

fn asked(mapping: &Mapping<'_>, effort: &str, adaptive: bool, built: &mut Built) -> Result<()> {
    if effort == "none" {
        built.members.remove("thinking");
        built.members.remove("output_config");
        return Ok(());
    }
    let known = BUDGETS.iter().find(|(name, _)| *name == effort);
    let refused = |what: String| Err(Error::bad_request(what).at(mapping.provider, mapping.model));
    let Some((_, budget)) = known else {
        let label = if adaptive {
            "Invalid reasoning_effort"
        } else {
            "Unmapped reasoning effort"
        };
        return refused(format!(
            "{label}: '{effort}'. Must be one of: 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'{}",
            if adaptive { "" } else { "." }
        ));
    };
    if !adaptive {
        let thinking = json!({"type": "enabled", "budget_tokens": budget});
        built.members.set("thinking", &thinking);
        return Ok(());
    }
    if effort == "xhigh" && !is(mapping, "supports_xhigh_reasoning_effort") {
        return refused(format!(
            "effort='xhigh' is not supported by this model. Got model: {}",
            mapping.model
        ));
    }
    let level = if effort == "minimal" { "low" } else { effort };
    // Without `display`, adaptive thinking comes back blank.
    let thinking = json!({"type": "adaptive", "display": "summarized"});
    built.members.set("thinking", &thinking);
    let config = json!({"effort": level});
    built.members.set("output_config", &config);
    Ok(())
}
