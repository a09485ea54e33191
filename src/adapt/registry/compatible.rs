//! Providers that speak OpenAI's protocol, each with its own habits.

use super::{Provider, handler, sdk};
use crate::adapt::errors::Family;
use crate::adapt::habits;
use crate::adapt::params::sets;
use crate::adapt::providers::azure::Azure;
use crate::adapt::providers::azure_ai::AzureAi;
use crate::adapt::providers::databricks::Databricks;
use crate::adapt::providers::groq::Groq;
use crate::adapt::providers::hugging_face::HuggingFace;
use crate::adapt::providers::mistral::Mistral;
use crate::adapt::providers::{anthropic_native, openai_responses};

/// The rows.
#[rustfmt::skip]
pub static ROWS: &[Provider] = &[
    sdk("openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL", "OPENAI_API_BASE"], sets::FULL_REASONING).late().habits(&habits::openai::OPENAI).responses(&openai_responses::OPENAI),
    sdk("openai_like", "", &["OPENAI_LIKE_API_KEY"], &["OPENAI_LIKE_API_BASE"], sets::FULL).late().habits(&habits::OLDER_MAX_TOKENS),
    handler("xai", "https://api.x.ai/v1", &["XAI_API_KEY"], &["XAI_API_BASE"], sets::XAI).habits(&habits::tools::XAI).responses(&openai_responses::XAI),
    sdk("zai", "https://api.z.ai/api/paas/v4", &["ZAI_API_KEY"], &["ZAI_API_BASE"], sets::ZAI).habits(&habits::reasoning::ZAI),
    sdk("bigmodel", "https://open.bigmodel.cn/api/paas/v4", &["BIGMODEL_API_KEY"], &["BIGMODEL_API_BASE"], sets::BIGMODEL).habits(&habits::reasoning::BIGMODEL).messages(&anthropic_native::BIGMODEL),
    sdk("custom_openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL", "OPENAI_API_BASE"], sets::FULL).late().habits(&habits::OLDER_MAX_TOKENS),
    sdk("text-completion-openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL", "OPENAI_API_BASE"], sets::TEXT_COMPLETION).late().habits(&habits::chat::TEXT_COMPLETIONS),
    sdk("clarifai", "https://api.clarifai.com/v2/ext/openai/v1", &["CLARIFAI_API_KEY"], &[], sets::CLARIFAI),
    handler("together_ai", "https://api.together.ai/v1", &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"], &["TOGETHER_AI_API_BASE"], sets::FULL).habits(&habits::tools::TOGETHER),
    handler("openrouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY", "OR_API_KEY"], &["OPENROUTER_API_BASE"], sets::FULL_THINKING).late().family(Family::OpenRouter).habits(&habits::chat::OPENROUTER).responses(&openai_responses::OPENROUTER),
    handler("datarobot", "https://app.datarobot.com/api/v2/genai/llmgw/chat/completions/", &["DATAROBOT_API_TOKEN"], &["DATAROBOT_ENDPOINT"], sets::FULL).default_key("fake-api-key").family(Family::Status).habits(&habits::OLDER_MAX_TOKENS),
    sdk("baseten", "https://inference.baseten.co/v1", &["BASETEN_API_KEY"], &[], sets::BASETEN).habits(&habits::OLDER_MAX_TOKENS),
    handler("vllm", "", &["HOSTED_VLLM_API_KEY"], &["HOSTED_VLLM_API_BASE"], sets::FULL_THINKING).late().family(Family::Status).habits(&habits::tools::VLLM),
    sdk("deepinfra", "https://api.deepinfra.com/v1/openai", &["DEEPINFRA_API_KEY"], &["DEEPINFRA_API_BASE"], sets::DEEPINFRA).habits(&habits::tools::DEEPINFRA),
    sdk("clf_ai_gateway", "https://api.clfaigateway.dev/v1", &["CLF_AI_GATEWAY_API_KEY"], &["CLF_AI_GATEWAY_API_BASE"], sets::CLF_AI_GATEWAY).habits(&habits::reasoning::CLF),
    sdk("perplexity", "https://api.perplexity.ai", &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"], &["PERPLEXITY_API_BASE"], sets::PERPLEXITY).habits(&habits::chat::PERPLEXITY).responses(&openai_responses::PERPLEXITY),
    handler("mistral", "https://api.mistral.ai/v1", &["MISTRAL_AZURE_API_KEY", "MISTRAL_API_KEY"], &["MISTRAL_AZURE_API_BASE", "MISTRAL_API_BASE"], sets::MISTRAL).speaks(&Mistral).habits(&habits::mistral::MISTRAL),
    handler("groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"], &["GROQ_API_BASE"], sets::GROQ).speaks(&Groq).direct().habits(&habits::tools::GROQ),
    sdk("nvidia_nim", "https://integrate.api.nvidia.com/v1", &["NVIDIA_NIM_API_KEY"], &["NVIDIA_NIM_API_BASE"], sets::NVIDIA_NIM).habits(&habits::OLDER_MAX_TOKENS),
    sdk("cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"], &["CEREBRAS_API_BASE"], sets::CEREBRAS).habits(&habits::reasoning::CEREBRAS),
    handler("nadir", "https://api.getnadir.com/v1", &["NADIR_API_KEY"], &["NADIR_API_BASE"], sets::NADIR).family(Family::Status),
    sdk("volcengine", "https://ark.cn-beijing.volces.com/api/v3", &["VOLCENGINE_API_KEY", "ARK_API_KEY"], &["VOLCENGINE_API_BASE"], sets::VOLCENGINE).habits(&habits::reasoning::VOLCENGINE).responses(&openai_responses::VOLCENGINE),
    sdk("codestral", "https://codestral.mistral.ai/v1", &["CODESTRAL_API_KEY"], &["CODESTRAL_API_BASE"], sets::MISTRAL).speaks(&Mistral).habits(&habits::mistral::MISTRAL),
    sdk("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", &["DASHSCOPE_API_KEY"], &["DASHSCOPE_API_BASE"], sets::FULL_REASONING).habits(&habits::chat::DASHSCOPE),
    sdk("qwencloud", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", &["QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"], &["QWENCLOUD_API_BASE"], sets::FULL_REASONING).habits(&habits::chat::DASHSCOPE),
    sdk("qwen_ai_platform", "https://dashscope.aliyuncs.com/compatible-mode/v1", &["QWEN_AI_PLATFORM_API_KEY", "DASHSCOPE_API_KEY"], &["QWEN_AI_PLATFORM_API_BASE"], sets::FULL_REASONING).habits(&habits::chat::DASHSCOPE),
    sdk("modelscope", "https://api-inference.modelscope.cn/v1", &["MODELSCOPE_API_KEY"], &["MODELSCOPE_API_BASE"], sets::FULL).habits(&habits::chat::MODELSCOPE),
    sdk("moonshot", "https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"], &["MOONSHOT_API_BASE"], sets::MOONSHOT).habits(&habits::reasoning::MOONSHOT),
    sdk("v0", "https://api.v0.dev/v1", &["V0_API_KEY"], &["V0_API_BASE"], sets::V0).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    sdk("morph", "https://api.morphllm.com/v1", &["MORPH_API_KEY"], &["MORPH_API_BASE"], sets::MORPH).habits(&habits::OLDER_MAX_TOKENS),
    handler("opencode_go", "https://opencode.ai/inference/go/openai/v1", &["OPENCODE_GO_API_KEY", "OPENCODE_API_KEY"], &["OPENCODE_GO_API_BASE"], sets::FULL),
    sdk("lambda_ai", "https://api.lambda.ai/v1", &["LAMBDA_API_KEY"], &["LAMBDA_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    sdk("inception", "https://api.inceptionlabs.ai/v1", &["INCEPTION_API_KEY"], &["INCEPTION_API_BASE"], sets::INCEPTION).habits(&habits::OLDER_MAX_TOKENS),
    handler("deepseek", "https://api.deepseek.com/beta", &["DEEPSEEK_API_KEY"], &["DEEPSEEK_API_BASE"], sets::DEEPSEEK).habits(&habits::reasoning::DEEPSEEK).messages(&anthropic_native::DEEPSEEK),
    sdk("sambanova", "https://api.sambanova.ai/v1", &["SAMBANOVA_API_KEY"], &["SAMBANOVA_API_BASE"], sets::SAMBANOVA).habits(&habits::chat::SAMBANOVA),
    handler("maritalk", "https://chat.maritaca.ai/api", &["MARITALK_API_KEY"], &["MARITALK_API_BASE"], sets::MARITALK).late().family(Family::Status).habits(&habits::OLDER_MAX_TOKENS),
    sdk("xinference", "", &["XINFERENCE_API_KEY"], &["XINFERENCE_API_BASE"], &[]).late().habits(&habits::OLDER_MAX_TOKENS),
    handler("fireworks_ai", "https://api.fireworks.ai/inference/v1", &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"], &["FIREWORKS_API_BASE"], sets::FIREWORKS_AI).direct().prefixed().habits(&habits::tools::FIREWORKS).responses(&openai_responses::FIREWORKS),
    sdk("friendliai", "https://api.friendli.ai/serverless/v1", &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"], &["FRIENDLI_API_BASE"], sets::FULL).habits(&habits::tools::FRIENDLI),
    sdk("featherless_ai", "https://api.featherless.ai/v1", &["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"], &["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"], sets::FEATHERLESS_AI).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    sdk("empower", "https://app.empower.dev/api/v1", &["EMPOWER_API_KEY"], &["EMPOWER_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    sdk("github", "https://models.inference.ai.azure.com", &["GITHUB_API_KEY"], &["GITHUB_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    handler("ragflow", "", &["RAGFLOW_API_KEY"], &["RAGFLOW_API_BASE"], sets::FULL),
    handler("compactifai", "https://api.compactif.ai/v1", &["COMPACTIFAI_API_KEY"], &[], sets::FULL).late().family(Family::Status),
    sdk("docker_model_runner", "http://localhost:22088/engines/llama.cpp", &["DOCKER_MODEL_RUNNER_API_KEY"], &["DOCKER_MODEL_RUNNER_API_BASE"], sets::FULL).default_key("dummy-key"),
    sdk("litellm_proxy", "", &["LITELLM_PROXY_API_KEY"], &["LITELLM_PROXY_API_BASE"], sets::LITELLM_PROXY).habits(&habits::chat::LITELLM_PROXY).responses(&openai_responses::ALIKE),
    handler("hosted_vllm", "", &["HOSTED_VLLM_API_KEY"], &["HOSTED_VLLM_API_BASE"], sets::FULL_THINKING).default_key("fake-api-key").habits(&habits::tools::VLLM).responses(&openai_responses::VLLM),
    sdk("tencent", "https://tokenhub-intl.tencentcloudmaas.com/v1", &["TENCENT_API_KEY"], &["TENCENT_API_BASE"], sets::FULL).habits(&habits::reasoning::TENCENT).messages(&anthropic_native::TENCENT),
    sdk("llamafile", "http://127.0.0.1:8080/v1", &["LLAMAFILE_API_KEY"], &["LLAMAFILE_API_BASE"], sets::FULL).default_key("fake-api-key").habits(&habits::chat::TEXT_COMPLETIONS),
    sdk("lm_studio", "", &["LM_STUDIO_API_KEY"], &["LM_STUDIO_API_BASE"], sets::FULL).default_key("fake-api-key").habits(&habits::chat::LM_STUDIO),
    sdk("galadriel", "https://api.galadriel.com/v1", &["GALADRIEL_API_KEY"], &["GALADRIEL_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    sdk("nebius", "https://api.studio.nebius.ai/v1", &["NEBIUS_API_KEY"], &["NEBIUS_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    sdk("novita", "https://api.novita.ai/v3/openai", &["NOVITA_API_KEY"], &["NOVITA_API_BASE"], sets::FULL).habits(&habits::chat::NOVITA),
    handler("aiohttp_openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL", "OPENAI_API_BASE"], sets::FULL).late().family(Family::Status).habits(&habits::OLDER_MAX_TOKENS),
    handler("gradient_ai", "https://inference.do-ai.run", &["GRADIENT_AI_API_KEY"], &["GRADIENT_AI_AGENT_ENDPOINT"], sets::GRADIENT_AI).family(Family::Status).habits(&habits::OLDER_MAX_TOKENS),
    sdk("meta_llama", "https://api.llama.com/compat/v1", &["LLAMA_API_KEY"], &["LLAMA_API_BASE"], sets::FULL).habits(&habits::chat::META_LLAMA),
    sdk("nscale", "https://inference.api.nscale.com/v1", &["NSCALE_API_KEY"], &["NSCALE_API_BASE"], sets::NSCALE),
    sdk("hyperbolic", "https://api.hyperbolic.xyz/v1", &["HYPERBOLIC_API_KEY"], &["HYPERBOLIC_API_BASE"], sets::HYPERBOLIC).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    handler("heroku", "", &["HEROKU_API_KEY"], &["HEROKU_API_BASE"], sets::FULL).family(Family::Status).habits(&habits::clouds::UNDER_V1),
    sdk("aiml", "https://api.aimlapi.com/v1", &["AIML_API_KEY"], &["AIML_API_BASE"], &[]).habits(&habits::OLDER_MAX_TOKENS),
    handler("cometapi", "https://api.cometapi.com/v1", &["COMETAPI_KEY"], &["COMETAPI_API_BASE"], sets::FULL).late().habits(&habits::clouds::UNDER_V1),
    sdk("vercel_ai_gateway", "https://ai-gateway.vercel.sh/v1", &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"], &["VERCEL_AI_GATEWAY_API_BASE"], sets::VERCEL_AI_GATEWAY).prefixed().habits(&habits::chat::VERCEL),
    handler("edenai", "https://api.edenai.run/v3", &["EDENAI_API_KEY"], &["EDENAI_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    sdk("wandb", "https://api.inference.wandb.ai/v1", &["WANDB_API_KEY"], &["WANDB_API_BASE"], sets::FULL).habits(&habits::reasoning::WANDB),
    handler("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", &["OVHCLOUD_API_KEY"], &["OVHCLOUD_API_BASE"], sets::FULL).late().family(Family::Status),
    handler("lemonade", "http://localhost:8000/api/v1", &["LEMONADE_API_KEY"], &["LEMONADE_API_BASE"], &[]).default_key("lemonade").family(Family::Status).habits(&habits::OLDER_MAX_TOKENS),
    handler("amazon_nova", "https://api.nova.amazon.com/v1", &["AMAZON_NOVA_API_KEY"], &["AMAZON_NOVA_API_BASE"], sets::AMAZON_NOVA).late().family(Family::Status).habits(&habits::OLDER_MAX_TOKENS),
    handler("minimax", "https://api.minimax.io/v1", &["MINIMAX_API_KEY"], &["MINIMAX_API_BASE"], sets::MINIMAX).late().family(Family::Status).habits(&habits::chat::MINIMAX).messages(&anthropic_native::MINIMAX),
    sdk("ai21_chat", "https://api.ai21.com/studio/v1", &["AI21_API_KEY"], &["AI21_API_BASE"], sets::AI21).habits(&habits::OLDER_MAX_TOKENS),
    handler("cloudflare", "", &["CLOUDFLARE_API_KEY"], &["CLOUDFLARE_API_BASE"], sets::FULL).late().family(Family::Cloudflare).habits(&habits::clouds::CLOUDFLARE),
    handler("huggingface", "https://router.huggingface.co/v1", &["HUGGINGFACE_API_KEY", "HF_TOKEN"], &["HF_API_BASE", "HUGGINGFACE_API_BASE"], sets::FULL).late().speaks(&HuggingFace).family(Family::HuggingFace).habits(&habits::clouds::HUGGING_FACE),
    handler("databricks", "", &["DATABRICKS_API_KEY"], &["DATABRICKS_API_BASE"], sets::DATABRICKS).late().speaks(&Databricks).direct().prefixed().family(Family::Like).habits(&habits::databricks::DATABRICKS).responses(&openai_responses::ALIKE),
    sdk("azure", "", &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"], &["AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"], sets::AZURE).late().speaks(&Azure).family(Family::Azure).habits(&habits::azure::AZURE).responses(&openai_responses::ALIKE),
    sdk("azure_text", "", &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"], &["AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"], sets::TEXT_COMPLETION).late().speaks(&Azure).family(Family::Azure).habits(&habits::azure::AZURE_TEXT),
    handler("azure_ai", "", &["AZURE_AI_API_KEY"], &["AZURE_AI_API_BASE"], sets::AZURE_AI).speaks(&AzureAi).prefixed().habits(&habits::azure_ai::AZURE_AI),
];
