//! Providers with a protocol of their own. Their names, keys and parameters are known; calls need their adapter.

use super::{Provider, handler, native};
use crate::adapt::errors::Family;
use crate::adapt::habits;
use crate::adapt::params::sets;
use crate::adapt::providers::anthropic::Anthropic;
use crate::adapt::providers::bedrock::Bedrock;
use crate::adapt::providers::codestral::Codestral;
use crate::adapt::providers::cohere::Cohere;
use crate::adapt::providers::gemini::Gemini;
use crate::adapt::providers::mantle::Mantle;
use crate::adapt::providers::ollama::Ollama;
use crate::adapt::providers::openai::OpenAi;
use crate::adapt::providers::sagemaker::SageMaker;
use crate::adapt::providers::snowflake::Snowflake;
use crate::adapt::providers::vertex::claude::Claude;
use crate::adapt::providers::vertex::partners::Partner;
use crate::adapt::providers::vertex::{self, Vertex};
use crate::adapt::providers::watsonx::Watsonx;

/// The rows.
#[rustfmt::skip]
pub static ROWS: &[Provider] = &[
    native("chatgpt", "https://chatgpt.com/backend-api/codex", &[], &[], sets::FULL_REASONING).habits(&habits::openai::OPENAI),
    native("mock", "", &[], &[], sets::FULL).hidden(),
    native("jina_ai", "https://api.jina.ai/v1", &["JINA_AI_API_KEY", "JINA_API_KEY", "JINA_AI_TOKEN"], &["JINA_AI_API_BASE"], &[]).speaks(&OpenAi).habits(&habits::clouds::JINA),
    native("cohere", "https://api.cohere.com", &["COHERE_API_KEY", "CO_API_KEY"], &["COHERE_API_BASE"], sets::COHERE).late().speaks(&Cohere).habits(&habits::native::COHERE),
    native("cohere_chat", "https://api.cohere.com", &["COHERE_API_KEY", "CO_API_KEY"], &["COHERE_API_BASE"], sets::COHERE).late().speaks(&Cohere).habits(&habits::native::COHERE),
    native("anthropic", "https://api.anthropic.com", &["ANTHROPIC_API_KEY"], &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"], sets::ANTHROPIC).late().speaks(&Anthropic).habits(&habits::native::ANTHROPIC),
    native("anthropic_text", "https://api.anthropic.com", &["ANTHROPIC_API_KEY"], &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"], sets::ANTHROPIC_TEXT).late(),
    native("bytez", "", &[], &[], sets::BYTEZ),
    native("replicate", "https://api.replicate.com/v1", &["REPLICATE_API_KEY", "REPLICATE_API_TOKEN"], &["REPLICATE_API_BASE"], sets::REPLICATE).late().habits(&habits::native::REPLICATE),
    native("reducto", "", &[], &[], &[]),
    native("aws_textract", "", &[], &[], &[]),
    native("runwayml", "", &[], &[], &[]),
    native("aws_polly", "", &[], &[], &[]),
    native("transcribe", "", &[], &[], &[]),
    native("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::VERTEX_AI).late().speaks(&Vertex).habits(&habits::native::VERTEX).variants(vertex::row),
    native("vertex_ai_beta", "", &[], &["VERTEXAI_API_BASE"], sets::VERTEX_AI_BETA).late().speaks(&Vertex),
    native("gemini", "https://generativelanguage.googleapis.com", &["GOOGLE_API_KEY", "GEMINI_API_KEY"], &["GEMINI_API_BASE"], sets::GEMINI).late().speaks(&Gemini).habits(&habits::native::GEMINI),
    native("ai21", "", &[], &[], sets::AI21),
    native("black_forest_labs", "", &[], &[], &[]),
    native("sagemaker", "", &[], &[], sets::SAGEMAKER),
    native("sagemaker_chat", "", &[], &[], sets::FULL).speaks(&SageMaker),
    native("sagemaker_nova", "", &[], &[], sets::SAGEMAKER_NOVA),
    native("bedrock", "", &["AWS_BEARER_TOKEN_BEDROCK"], &["AWS_BEDROCK_RUNTIME_ENDPOINT"], sets::BEDROCK).late().speaks(&Bedrock).habits(&habits::native::BEDROCK),
    native("nlp_cloud", "https://api.nlpcloud.io/v1/gpu/", &["NLP_CLOUD_API_KEY"], &["NLP_CLOUD_API_BASE"], sets::NLP_CLOUD).late().habits(&habits::native::NLP_CLOUD),
    native("petals", "", &[], &[], sets::PETALS),
    native("oobabooga", "", &[], &[], sets::FULL),
    native("ollama", "http://localhost:11434", &["OLLAMA_API_KEY"], &["OLLAMA_API_BASE"], sets::OLLAMA).speaks(&Ollama { chat: false }).habits(&habits::native::OLLAMA),
    native("ollama_chat", "http://localhost:11434", &["OLLAMA_API_KEY"], &["OLLAMA_API_BASE"], sets::OLLAMA_CHAT).late().speaks(&Ollama { chat: true }).habits(&habits::native::OLLAMA_CHAT),
    native("typesafe", "", &[], &[], &[]),
    native("nace", "", &[], &[], &[]),
    native("strands_decider", "", &[], &[], &[]),
    native("laya", "", &[], &[], &[]),
    native("bespoke", "", &[], &[], &[]),
    native("eu_jev", "", &[], &[], &[]),
    native("milvus", "", &[], &[], &[]),
    native("a2a", "", &[], &[], sets::A2A),
    native("gigachat", "https://gigachat.devices.sberbank.ru/api/v1", &["GIGACHAT_API_KEY"], &["GIGACHAT_API_BASE"], sets::GIGACHAT),
    native("nvidia_riva", "", &["NVIDIA_RIVA_API_KEY", "NVIDIA_NIM_API_KEY"], &["NVIDIA_RIVA_API_BASE"], &[]),
    native("soniox", "https://api.soniox.com", &["SONIOX_API_KEY"], &["SONIOX_API_BASE"], &[]),
    native("text-completion-codestral", "https://codestral.mistral.ai/v1/fim/completions", &["CODESTRAL_API_KEY"], &["CODESTRAL_API_BASE"], sets::TEXT_COMPLETION_CODESTRAL).late().speaks(&Codestral),
    native("text-completion-inception", "https://api.inceptionlabs.ai/v1", &["INCEPTION_API_KEY"], &["INCEPTION_API_BASE"], sets::TEXT_COMPLETION_INCEPTION).late(),
    native("voyage", "https://api.voyageai.com/v1", &["VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"], &["VOYAGE_API_BASE"], sets::VOYAGE).late().speaks(&OpenAi).habits(&habits::clouds::OUTPUT_DIMENSION),
    native("watsonx", "", &["WATSONX_APIKEY", "WATSONX_API_KEY", "WX_API_KEY"], &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"], sets::WATSONX).late().speaks(&Watsonx { chat: true }).direct().prefixed().family(Family::Status).habits(&habits::clouds::WATSONX),
    native("scaledown", "", &[], &[], sets::STREAM_ONLY).habits(&habits::native::SCALEDOWN),
    native("watsonx_text", "", &["WATSONX_APIKEY", "WATSONX_API_KEY", "WX_API_KEY"], &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"], sets::WATSONX_TEXT).late().speaks(&Watsonx { chat: false }).family(Family::Status),
    native("triton", "", &[], &[], sets::TRITON),
    native("predibase", "https://serving.app.predibase.com", &["PREDIBASE_API_KEY"], &["PREDIBASE_API_BASE"], sets::PREDIBASE).late(),
    native("databricks_agent", "", &[], &[], sets::DATABRICKS_AGENT),
    native("custom", "", &[], &[], sets::FULL),
    native("infinity", "", &["INFINITY_API_KEY"], &["INFINITY_API_BASE"], sets::INFINITY).late().speaks(&OpenAi).habits(&habits::clouds::OUTPUT_DIMENSION),
    native("deepgram", "https://api.deepgram.com/v1", &["DEEPGRAM_API_KEY"], &["DEEPGRAM_API_BASE"], &[]).late(),
    native("elevenlabs", "https://api.elevenlabs.io", &["ELEVENLABS_API_KEY"], &["ELEVENLABS_API_BASE"], &[]).late(),
    native("langfuse", "", &[], &[], &[]),
    native("humanloop", "", &[], &[], &[]),
    native("topaz", "", &[], &[], &[]),
    native("sap", "", &[], &[], sets::SAP),
    native("azure_speech", "", &[], &[], &[]),
    native("github_copilot", "https://api.githubcopilot.com", &[], &[], sets::FULL).habits(&habits::native::GITHUB_COPILOT),
    native("snowflake", "", &["SNOWFLAKE_JWT"], &["SNOWFLAKE_API_BASE"], sets::SNOWFLAKE).speaks(&Snowflake).prefixed().habits(&habits::native::SNOWFLAKE),
    native("pg_vector", "", &[], &[], &[]),
    native("s3_vectors", "", &[], &[], &[]),
    native("valkey", "", &[], &[], &[]),
    native("mongodb", "", &[], &[], &[]),
    native("opensearch", "", &[], &[], &[]),
    native("recraft", "https://external.api.recraft.ai", &["RECRAFT_API_KEY"], &["RECRAFT_API_BASE"], &[]).late(),
    native("fal_ai", "https://fal.run", &["FAL_AI_API_KEY"], &[], sets::FAL_AI).late(),
    native("stability", "", &[], &[], &[]),
    native("oci", "", &[], &[], sets::OCI),
    native("auto_router", "", &[], &[], &[]),
    native("dotprompt", "", &[], &[], &[]),
    native("manus", "https://api.manus.im", &["MANUS_API_KEY"], &["MANUS_API_BASE"], &[]),
    native("a2a_agent", "", &[], &[], &[]),
    native("langgraph", "http://localhost:2024", &["LANGGRAPH_API_KEY"], &["LANGGRAPH_API_BASE"], sets::STREAM_ONLY),
    native("langflow", "", &[], &[], sets::STREAM_ONLY),
    native("microsoft_365_copilot", "", &[], &[], sets::MICROSOFT_365_COPILOT),
    native("litellm_agent", "", &[], &[], &[]),
    native("cursor", "", &[], &[], &[]),
    native("bedrock_mantle", "https://bedrock-mantle.us-east-1.api.aws/v1", &["BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"], &["BEDROCK_MANTLE_API_BASE"], sets::FULL).speaks(&Mantle).prefixed().habits(&habits::native::MANTLE),
    native("gdc", "", &[], &[], sets::GDC),
];

/// Claude on Vertex AI.
#[rustfmt::skip]
pub static VERTEX_CLAUDE: Provider = native("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::ANTHROPIC).late().speaks(&Claude).habits(&habits::native::VERTEX_CLAUDE);

/// Mistral on Vertex AI.
#[rustfmt::skip]
pub static VERTEX_MISTRAL: Provider = handler("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::MISTRAL).late().speaks(&Partner).direct().prefixed().family(Family::Status).habits(&habits::native::VERTEX_MISTRAL);

/// Jamba on Vertex AI.
#[rustfmt::skip]
pub static VERTEX_AI21: Provider = handler("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::FULL).late().speaks(&Partner).direct().prefixed().family(Family::Status).habits(&habits::native::VERTEX_PARTNER);

/// Models behind the shared endpoint of Vertex AI.
#[rustfmt::skip]
pub static VERTEX_OPEN: Provider = handler("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::VERTEX_AI).late().speaks(&Partner).direct().family(Family::Status).habits(&habits::native::VERTEX_PARTNER);

/// OpenAI's open models behind the shared endpoint of Vertex AI.
#[rustfmt::skip]
pub static VERTEX_GPT_OSS: Provider = handler("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::FULL_REASONING).late().speaks(&Partner).direct().family(Family::Status).habits(&habits::native::VERTEX_GPT_OSS);

/// Models deployed from the Model Garden of Vertex AI.
#[rustfmt::skip]
pub static VERTEX_GARDEN: Provider = handler("vertex_ai", "", &[], &["VERTEXAI_API_BASE"], sets::VERTEX_AI).late().speaks(&Partner).direct().prefixed().family(Family::Status).habits(&habits::native::VERTEX_GARDEN);
