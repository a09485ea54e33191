//! What depends on the model among the parameters of providers with a protocol of their own.

use super::Habits;
use crate::adapt::params::{facts, sets};
use crate::adapt::providers::bedrock::models::{self, split_region};
use crate::adapt::providers::cohere;
use crate::adapt::providers::gemini::is_gemini_3;
use crate::adapt::providers::ollama;
use crate::adapt::providers::vertex::partners::body_model;
use crate::adapt::providers::{mantle, snowflake};
use crate::params::Params;
use serde_json::Value;

/// <https://docs.claude.com/en/api/messages>
pub static ANTHROPIC: Habits = Habits {
    supported: Some(|model, names| claude_thinks(model, "anthropic", names)),
    ..Habits::NONE
};

/// What Claude takes, on Vertex AI.
pub static VERTEX_CLAUDE: Habits = Habits {
    supported: Some(|model, names| {
        names.retain(|name| *name != "service_tier");
        claude_thinks(model, "vertex_ai", names);
    }),
    ..Habits::NONE
};

fn claude_thinks(model: &str, provider: &str, names: &mut Vec<&'static str>) {
    let reasons = |fact: &str| facts::of_claude(model, provider, fact) == Some(true);
    let named = model.contains("claude-3-7-sonnet");
    if named || reasons("supports_reasoning") || reasons("supports_adaptive_thinking") {
        insert_before(names, "service_tier", &["thinking", "reasoning_effort"]);
    }
}

/// What Mistral takes, on Vertex AI.
pub static VERTEX_MISTRAL: Habits = Habits {
    supported: Some(super::mistral::on_vertex),
    own_hosts: None,
    model: Some(body_model),
    ..super::mistral::MISTRAL
};

/// Models that speak OpenAI's protocol on Vertex AI.
pub static VERTEX_PARTNER: Habits = Habits {
    older_max_tokens: true,
    model: Some(body_model),
    ..Habits::NONE
};

/// OpenAI's open models on Vertex AI.
pub static VERTEX_GPT_OSS: Habits = Habits {
    supported: Some(|model, names| {
        if !facts::supports(model, "vertex_ai", "supports_function_calling") {
            names.retain(|name| !matches!(*name, "tool_choice" | "function_call" | "functions"));
        }
    }),
    older_max_tokens: false,
    ..VERTEX_PARTNER
};

/// What a caller deploys is an engine that refuses the names of OpenAI's that it does not know.
pub static VERTEX_GARDEN: Habits = Habits {
    supported: Some(|_, names| {
        const REFUSED: [&str; 9] = [
            "audio",
            "modalities",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_retention",
            "safety_identifier",
            "service_tier",
            "store",
            "web_search_options",
        ];
        names.retain(|name| !REFUSED.contains(name));
    }),
    ..VERTEX_PARTNER
};

/// What a model takes depends on its family and on the way it is asked.
pub static BEDROCK: Habits = Habits {
    supported: Some(|model, names| *names = models::supported(model)),
    ..Habits::NONE
};

/// Puts names in front of another, as LiteLLM lists them.
pub(super) fn insert_before(names: &mut Vec<&'static str>, before: &str, more: &[&'static str]) {
    let at = names
        .iter()
        .position(|name| *name == before)
        .unwrap_or(names.len());
    names.splice(at..at, more.iter().copied());
}

/// Gives members other names.
fn rename(params: &mut Params, names: &[(&str, &str)]) {
    for (from, to) in names {
        if let Some(raw) = params.remove(from) {
            params.set_raw(to, raw);
        }
    }
}

/// <https://docs.cohere.com/reference/chat>
pub static COHERE: Habits = Habits {
    params: Some(|mapping| {
        let params = &mut mapping.params;
        rename(
            params,
            &[
                ("max_completion_tokens", "max_tokens"),
                ("n", "num_generations"),
                ("top_p", "p"),
                ("stop", "stop_sequences"),
            ],
        );
        if let Some(text @ Value::String(_)) = params.get("stop_sequences") {
            params.set("stop_sequences", &[text]);
        }
        params.remove("tool_choice");
        Ok(())
    }),
    model: Some(cohere::model),
    ..Habits::NONE
};

/// <https://docs.ollama.com/api/generate>
pub static OLLAMA: Habits = Habits {
    before: Some(ollama::before),
    params: Some(ollama::params),
    ..Habits::NONE
};

/// <https://docs.ollama.com/api/chat>
pub static OLLAMA_CHAT: Habits = Habits {
    params: Some(ollama::chat_params),
    ..Habits::NONE
};

/// <https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api>
pub static SNOWFLAKE: Habits = Habits {
    supported: Some(|model, names| {
        if model.contains("claude") {
            names.push("thinking");
        }
    }),
    base: Some(snowflake::base),
    ..Habits::NONE
};

/// <https://docs.github.com/en/copilot>
pub static GITHUB_COPILOT: Habits = Habits {
    supported: Some(|model, names| {
        if model.to_ascii_lowercase().contains("claude") {
            names.extend(["thinking", "reasoning_effort"]);
        }
    }),
    ..Habits::NONE
};

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html>
pub static MANTLE: Habits = Habits {
    supported: Some(|model, names| {
        if mantle::is_claude(model) {
            *names = sets::ANTHROPIC.to_vec();
            return;
        }
        if model.contains("gpt-5") || model.contains("gpt-6") {
            names.push("verbosity");
        }
        let name = split_region(model).1;
        if facts::supports(name, "bedrock_mantle", "supports_reasoning") {
            names.push("reasoning_effort");
        }
    }),
    base_of_model: Some(|model| mantle::base(mantle::REGION, model)),
    ..Habits::NONE
};

/// <https://replicate.com/docs/reference/http>
pub static REPLICATE: Habits = Habits {
    params: Some(|mapping| {
        let model = mapping.model;
        let limit = if model.contains("vicuna") || model.contains("flan") {
            "max_length"
        } else if model.contains("meta/codellama-13b") {
            "max_tokens"
        } else {
            "max_new_tokens"
        };
        rename(
            &mut mapping.params,
            &[("max_tokens", limit), ("stop", "stop_sequences")],
        );
        // LiteLLM takes these, and sends none of them.
        for name in ["seed", "tools", "tool_choice", "functions", "function_call"] {
            mapping.params.remove(name);
        }
        Ok(())
    }),
    ..Habits::NONE
};

/// <https://docs.nlpcloud.com/#generation>
pub static NLP_CLOUD: Habits = Habits {
    params: Some(|mapping| {
        rename(
            &mut mapping.params,
            &[
                ("max_tokens", "max_length"),
                ("n", "num_return_sequences"),
                ("stop", "end_sequences"),
            ],
        );
        Ok(())
    }),
    ..Habits::NONE
};

/// Whether a model of Google's thinks: as the catalogue says, or of the third generation.
fn reasons(model: &str, provider: &str) -> bool {
    is_gemini_3(model) || facts::supports_as_itself(model, provider, "supports_reasoning")
}

/// Sampling is left out where the catalogue says that a model takes none.
fn without_sampling(model: &str, provider: &str, names: &mut Vec<&'static str>) {
    if facts::declared(model, provider, "supports_sampling_params") == Some(false) {
        names.retain(|name| !matches!(*name, "temperature" | "top_p" | "top_k"));
    }
}

/// Gemini models on Vertex AI take what Gemini takes; models of partners what OpenAI's do.
pub static VERTEX: Habits = Habits {
    supported: Some(|model, names| {
        if !model.contains("gemini") {
            return;
        }
        *names = sets::VERTEX_AI_BETA.to_vec();
        let other = ["omni", "robotics"];
        if !is_gemini_3(model) && !other.iter().any(|line| model.contains(line)) {
            names.extend(["frequency_penalty", "presence_penalty"]);
        }
        if !reasons(model, "vertex_ai") {
            names.retain(|name| !matches!(*name, "reasoning_effort" | "thinking"));
        }
        without_sampling(model, "vertex_ai", names);
    }),
    ..Habits::NONE
};

/// <https://ai.google.dev/api>
pub static GEMINI: Habits = Habits {
    supported: Some(|model, names| {
        without_sampling(model, "gemini", names);
        if !reasons(model, "gemini") {
            names.retain(|name| !matches!(*name, "reasoning_effort" | "thinking"));
        }
    }),
    ..Habits::NONE
};

/// Models that are functions: each has its own parameters.
pub static SCALEDOWN: Habits = Habits {
    supported: Some(
        |model, names| match model.trim_start_matches("scaledown/") {
            "summarize" => *names = vec!["max_tokens", "max_completion_tokens", "stream"],
            "extract" => *names = vec!["response_format", "stream"],
            _ => {}
        },
    ),
    ..Habits::NONE
};
