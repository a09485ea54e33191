//! Thinking: OpenAI's `reasoning_effort` and Anthropic's own `thinking`, as each family takes them.

use super::models;
use crate::adapt::habits::Mapping;
use crate::adapt::usage::Object;
use crate::error::{Error, Result};
use serde_json::{Value, json};

use super::errors::CONVERSE;

/// Efforts and their budgets in tokens (LiteLLM's `DEFAULT_REASONING_EFFORT_*_THINKING_BUDGET`).
const BUDGETS: [(&str, u64); 6] = [
    ("minimal", 1024),
    ("low", 1024),
    ("medium", 2048),
    ("high", 4096),
    ("xhigh", 8192),
    ("max", 16384),
];
/// Efforts in order.
const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];
/// Room for the answer beside the thinking, in tokens, when nobody says a limit.
const ROOM: u64 = 4096;
/// Bedrock takes no smaller budget.
const MIN_BUDGET: u64 = 1024;

/// What of a model's thinking goes into the request.
#[derive(Debug, Default)]
pub struct Thinking {
    /// Members of `additionalModelRequestFields`.
    pub fields: Object,
    /// Claude's `output_config`.
    pub output_config: Option<Object>,
    /// The limit that a budget needs.
    pub max_tokens: Option<u64>,
}

impl Thinking {
    /// What the parameters ask for.
    ///
    /// # Errors
    /// An effort that does not exist at the model.
    pub fn of(mapping: &Mapping<'_>, model: &str) -> Result<Self> {
        let mut out = Self::default();
        if let Some(Value::Object(config)) = mapping
            .value("output_config")
            .or_else(|| mapping.extra.get("output_config"))
        {
            out.output_config = Some(capped(model, config));
        }
        if let Some(Value::String(effort)) = mapping.value("reasoning_effort") {
            out.effort(mapping, model, &effort)?;
        }
        if let Some(thinking) = mapping.value("thinking") {
            out.own(mapping, model, thinking);
        }
        if !model.contains("gpt-oss") && !models::is_nova_2(model) {
            out.budget(mapping);
        }
        let off = out.kind() == Some("disabled");
        if off && models::claude_flag(model, "thinking_always_on") == Some(true) {
            out.fields.remove("thinking");
        }
        Ok(out)
    }

    /// Whether the model is told a budget: then no tool may be forced on it.
    pub fn is_enabled(&self) -> bool {
        self.kind() == Some("enabled") || self.fields.get("thinking") == Some(&Value::Bool(true))
    }

    fn kind(&self) -> Option<&str> {
        self.fields.get("thinking")?.get("type")?.as_str()
    }

    fn effort(&mut self, mapping: &Mapping<'_>, model: &str, effort: &str) -> Result<()> {
        let base = models::base_model(model);
        let deep_seek = model.contains("deepseek") || base.contains("deepseek");
        if model.contains("deepseek.r1") || base.contains("deepseek.r1") {
            // It always reasons, and takes no word about it.
            return Ok(());
        }
        if models::gpt_version(model).is_some() {
            if models::flag(model, &format!("supports_{effort}_reasoning_effort")) != Some(false) {
                self.fields
                    .insert("reasoning".into(), json!({"effort": effort}));
            } else if !mapping.drop_params {
                return Err(mapping.unsupported(format!(
                    "{model} does not support reasoning_effort={effort}. To drop unsupported params, set \
                     `litellm.drop_params = True`."
                )));
            }
            return Ok(());
        }
        if model.contains("gpt-oss") || deep_seek || models::is_unknown(model) {
            self.fields.insert("reasoning_effort".into(), json!(effort));
            return Ok(());
        }
        if models::is_nova_2(model) {
            if !["low", "medium", "high"].contains(&effort) {
                return Err(Error::bad_request(format!(
                    "Invalid reasoning_effort value '{effort}' for Nova 2 models. Supported values: ['low', 'medium', \
                     'high']"
                ))
                .at(CONVERSE, model));
            }
            let config = json!({"type": "enabled", "maxReasoningEffort": effort});
            self.fields.insert("reasoningConfig".into(), config);
            return Ok(());
        }
        self.claude(model, effort)
    }

    fn claude(&mut self, model: &str, effort: &str) -> Result<()> {
        if effort == "none" {
            self.output_config = None;
            return Ok(());
        }
        let adaptive = is_adaptive(model);
        let Some((_, budget)) = BUDGETS.iter().find(|(name, _)| *name == effort) else {
            let (label, end) = if adaptive {
                ("Invalid reasoning_effort", "")
            } else {
                ("Unmapped reasoning effort", ".")
            };
            return Err(Error::bad_request(format!(
                "{label}: '{effort}'. Must be one of: 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'{end}"
            ))
            .at(CONVERSE, model));
        };
        if !adaptive {
            let thinking = json!({"type": "enabled", "budget_tokens": budget});
            self.fields.insert("thinking".into(), thinking);
            return Ok(());
        }
        // Without `display`, adaptive thinking comes back blank.
        let thinking = json!({"type": "adaptive", "display": "summarized"});
        self.fields.insert("thinking".into(), thinking);
        let level = if effort == "minimal" { "low" } else { effort };
        let mut config = self.output_config.take().unwrap_or_default();
        config.entry("effort").or_insert_with(|| json!(level));
        let config = capped(model, config);
        check_effort(model, config.get("effort"))?;
        self.output_config = Some(config);
        Ok(())
    }

    /// Anthropic's own parameter; what the model does not know in this form is told in the other.
    fn own(&mut self, mapping: &Mapping<'_>, model: &str, mut thinking: Value) {
        let base = models::base_model(model);
        let natively = model.contains("deepseek") || base.contains("deepseek");
        if natively || models::gpt_version(model).is_some() {
            return;
        }
        let adaptive = is_adaptive(model);
        let budget = thinking["budget_tokens"].as_u64();
        match thinking["type"].as_str() {
            Some("adaptive") if !adaptive => {
                let most = ["max_completion_tokens", "max_tokens"]
                    .iter()
                    .find_map(|name| mapping.params.get::<u64>(name));
                let budget = match most {
                    Some(most) if most <= MIN_BUDGET => return,
                    Some(most) => (most - 1).min(2048),
                    None => 2048,
                };
                thinking = json!({"type": "enabled", "budget_tokens": budget});
            }
            Some("enabled")
                if adaptive
                    && models::claude_flag(model, "supports_legacy_thinking") != Some(true) =>
            {
                thinking["type"] = json!("adaptive");
                if let Value::Object(members) = &mut thinking {
                    members.remove("budget_tokens");
                }
                let effort = effort_of(model, budget.unwrap_or(0));
                let config = self.output_config.get_or_insert_with(Object::new);
                config.entry("effort").or_insert_with(|| json!(effort));
            }
            _ => {}
        }
        self.fields.insert("thinking".into(), thinking);
    }

    fn budget(&mut self, mapping: &Mapping<'_>) {
        let enabled = self.is_enabled();
        let Some(Value::Object(thinking)) = self.fields.get_mut("thinking") else {
            return;
        };
        let Some(budget) = thinking.get("budget_tokens").and_then(Value::as_u64) else {
            return;
        };
        let budget = budget.max(MIN_BUDGET);
        thinking.insert("budget_tokens".into(), json!(budget));
        let limited = |name: &&str| mapping.params.contains(name);
        if enabled && !["max_tokens", "max_completion_tokens"].iter().any(limited) {
            self.max_tokens = Some(budget + ROOM);
        }
    }
}

fn is_adaptive(model: &str) -> bool {
    models::claude_flag(model, "supports_adaptive_thinking") == Some(true)
}

fn effort_of(model: &str, budget: u64) -> &'static str {
    match budget {
        8192.. if models::supports(model, "supports_xhigh_reasoning_effort") => "xhigh",
        4096.. => "high",
        2048.. => "medium",
        _ => "low",
    }
}

/// An effort above what Bedrock takes for a model becomes the most that it takes.
fn capped(model: &str, mut config: Object) -> Object {
    let rank = |effort: &str| EFFORTS.iter().position(|known| *known == effort);
    let ceiling = models::text(model, "bedrock_output_config_effort_ceiling");
    let effort = config.get("effort").and_then(Value::as_str).and_then(rank);
    if let (Some(effort), Some(ceiling)) = (effort, ceiling)
        && rank(&ceiling).is_some_and(|most| effort > most)
    {
        config.insert("effort".into(), json!(ceiling));
    }
    config
}

/// # Errors
/// An effort that no Claude has, or this one has not.
pub fn check_effort(model: &str, effort: Option<&Value>) -> Result<()> {
    let Some(effort) = effort else { return Ok(()) };
    let bad = |what: String| Err(Error::bad_request(what).at(CONVERSE, model));
    let Some(word) = effort.as_str().filter(|word| EFFORTS.contains(word)) else {
        return bad(format!(
            "Invalid reasoning_effort/output_config.effort value: {effort}. Must be one of: 'low', 'medium', 'high', \
             'xhigh', or 'max'."
        ));
    };
    let has = |level: &str| {
        models::claude_flag(model, &format!("supports_{level}_reasoning_effort")) == Some(true)
    };
    let known = match word {
        "xhigh" => has("xhigh"),
        "max" => is_adaptive(model) || has("max"),
        _ => true,
    };
    if !known {
        return bad(format!(
            "effort='{word}' is not supported by this model. Got model: {model}"
        ));
    }
    Ok(())
}
