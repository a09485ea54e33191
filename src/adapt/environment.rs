//! Which environment variables a provider needs: LiteLLM's `validate_environment`.

use super::lookup::{Env, get_llm_provider};

/// Provider, and the variables it needs, in LiteLLM's order. A provider that is not here needs none.
#[rustfmt::skip]
static REQUIRED: &[(&str, &[&str])] = &[
    ("ai21", &["AI21_API_KEY"]),
    ("ai21_chat", &["AI21_API_KEY"]),
    ("anthropic", &["ANTHROPIC_API_KEY"]),
    ("azure", &["AZURE_API_BASE", "AZURE_API_VERSION", "AZURE_API_KEY"]),
    ("baseten", &["BASETEN_API_KEY"]),
    ("bedrock", &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    ("cerebras", &["CEREBRAS_API_KEY"]),
    ("clf_ai_gateway", &["CLF_AI_GATEWAY_API_KEY"]),
    ("cloudflare", &["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_BASE"]),
    ("codestral", &["CODESTRAL_API_KEY"]),
    ("cohere", &["COHERE_API_KEY"]),
    ("dashscope", &["DASHSCOPE_API_KEY"]),
    ("datarobot", &["DATAROBOT_API_TOKEN"]),
    ("deepinfra", &["DEEPINFRA_API_KEY"]),
    ("deepseek", &["DEEPSEEK_API_KEY"]),
    ("edenai", &["EDENAI_API_KEY"]),
    ("featherless_ai", &["FEATHERLESS_AI_API_KEY"]),
    ("fireworks_ai", &["FIREWORKS_AI_API_KEY"]),
    ("gemini", &["GOOGLE_API_KEY", "GEMINI_API_KEY"]),
    ("groq", &["GROQ_API_KEY"]),
    ("huggingface", &["HUGGINGFACE_API_KEY"]),
    ("inception", &["INCEPTION_API_KEY"]),
    ("infinity", &["INFINITY_API_KEY"]),
    ("mistral", &["MISTRAL_API_KEY"]),
    ("modelscope", &["MODELSCOPE_API_KEY"]),
    ("moonshot", &["MOONSHOT_API_KEY"]),
    ("nadir", &["NADIR_API_KEY"]),
    ("nebius", &["NEBIUS_API_KEY"]),
    ("nlp_cloud", &["NLP_CLOUD_API_KEY"]),
    ("novita", &["NOVITA_API_KEY"]),
    ("nvidia_nim", &["NVIDIA_NIM_API_KEY"]),
    ("ollama", &["OLLAMA_API_BASE"]),
    ("ollama_chat", &["OLLAMA_API_BASE"]),
    ("openai", &["OPENAI_API_KEY"]),
    ("openrouter", &["OPENROUTER_API_KEY"]),
    ("perplexity", &["PERPLEXITYAI_API_KEY"]),
    ("qwen_ai_platform", &["QWEN_AI_PLATFORM_API_KEY"]),
    ("qwencloud", &["QWENCLOUD_API_KEY"]),
    ("replicate", &["REPLICATE_API_KEY"]),
    ("sagemaker", &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    ("tencent", &["TENCENT_API_KEY"]),
    ("text-completion-codestral", &["CODESTRAL_API_KEY"]),
    ("text-completion-inception", &["INCEPTION_API_KEY"]),
    ("together_ai", &["TOGETHERAI_API_KEY"]),
    ("vercel_ai_gateway", &["VERCEL_AI_GATEWAY_API_KEY"]),
    ("vertex_ai", &["VERTEXAI_PROJECT", "VERTEXAI_LOCATION"]),
    ("volcengine", &["VOLCENGINE_API_KEY"]),
    ("voyage", &["VOYAGE_API_KEY"]),
    ("wandb", &["WANDB_API_KEY"]),
    ("xai", &["XAI_API_KEY"]),
    ("palm", &["PALM_API_KEY"]),
    ("anyscale", &["ANYSCALE_API_KEY"]),
];

/// Providers of which one variable is enough, and those that stand in for a missing one.
static ENOUGH: &[(&str, &[&str])] = &[
    ("gemini", &["GOOGLE_API_KEY", "GEMINI_API_KEY"]),
    ("anthropic", &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]),
    ("bedrock", AWS_ELSEWHERE),
    ("sagemaker", AWS_ELSEWHERE),
];

/// Other ways in which AWS credentials are found.
const AWS_ELSEWHERE: &[&str] = &[
    "AWS_ROLE_ARN",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// The variables that the provider of `model` needs, all of them when one is not set. Nothing for an unknown model.
pub fn missing(model: &str, env: Env<'_>) -> Vec<&'static str> {
    let found = get_llm_provider(model, None, None, None, env);
    let Some(provider) = found.ok().and_then(|lookup| lookup.provider) else {
        return Vec::new();
    };
    let Some((_, names)) = REQUIRED.iter().find(|(name, _)| *name == provider) else {
        return Vec::new();
    };
    let set = |name: &&str| env(name).is_some();
    let enough = ENOUGH.iter().find(|(name, _)| *name == provider);
    if names.iter().all(set) || enough.is_some_and(|(_, names)| names.iter().any(set)) {
        return Vec::new();
    }
    names.to_vec()
}
