//! Who reranks, one row each.

use super::{Rerank, Road, body, reply};
use crate::adapt::endpoints::route::with_route;
use crate::adapt::{Adapter, Target};

type Names = &'static [&'static str];

const COHERE: Names = &[
    "query",
    "top_n",
    "documents",
    "rank_fields",
    "return_documents",
    "max_tokens_per_doc",
];
const COHERE_FIRST: Names = &[
    "query",
    "top_n",
    "documents",
    "rank_fields",
    "return_documents",
    "max_chunks_per_doc",
];
const VLLM: Names = &[
    "query",
    "top_n",
    "documents",
    "rank_fields",
    "return_documents",
    "max_tokens_per_doc",
    "instruction",
];
const PLAIN: Names = &["query", "top_n", "documents", "return_documents"];
const TOGETHER: Names = &[
    "query",
    "top_n",
    "documents",
    "rank_fields",
    "return_documents",
];

const fn row(address: fn(&Target) -> String, takes: Names) -> Rerank {
    Rerank {
        road: Road::Keyed(address),
        takes,
        refuses: &[],
        body: body::plain,
        reply: reply::cohere,
        by_token: false,
    }
}

const DASHSCOPE: Rerank = Rerank {
    reply: reply::jina,
    by_token: true,
    ..row(dashscope, PLAIN)
};

/// Beside the address of its chats, `compatible-mode`.
fn dashscope(target: &Target) -> String {
    let base = target
        .api_base
        .replace("/compatible-mode/", "/compatible-api/");
    let base = base.trim_end_matches('/');
    if base.ends_with("/rerank") {
        return base.to_owned();
    }
    with_route(base, "/reranks")
}

/// The reranking API of a provider.
pub fn offered(provider: &str) -> Option<&'static dyn Adapter> {
    ROWS.iter()
        .find(|(name, _)| *name == provider)
        .map(|(_, row)| row as &dyn Adapter)
}

static ROWS: &[(&str, Rerank)] = &[
    ("cohere", row(cohere, COHERE)),
    ("cohere_chat", row(cohere, COHERE)),
    (
        "litellm_proxy",
        row(|t| with_route(&t.api_base, "/v1/rerank"), COHERE_FIRST),
    ),
    // https://learn.microsoft.com/azure/ai-foundry/how-to/deploy-models-cohere-rerank
    ("azure_ai", row(azure_ai, COHERE_FIRST)),
    // https://jina.ai/reranker
    (
        "jina_ai",
        Rerank {
            reply: reply::jina,
            by_token: true,
            ..row(jina, PLAIN)
        },
    ),
    // https://www.scaleway.com/en/developers/api/generative-apis/#path-rerank-create-a-reranking
    (
        "scaleway",
        Rerank {
            reply: reply::jina,
            by_token: true,
            ..row(
                |t| with_route(&t.api_base, "/rerank"),
                &["query", "top_n", "documents"],
            )
        },
    ),
    // https://www.alibabacloud.com/help/en/model-studio/text-rerank-api
    ("dashscope", DASHSCOPE),
    ("qwencloud", DASHSCOPE),
    ("qwen_ai_platform", DASHSCOPE),
    // https://docs.voyageai.com/docs/reranker
    (
        "voyage",
        Rerank {
            body: body::voyage,
            reply: reply::voyage,
            by_token: true,
            ..row(|t| with_route(&t.api_base, "/v1/rerank"), PLAIN)
        },
    ),
    // https://docs.together.ai/docs/rerank-overview
    (
        "together_ai",
        Rerank {
            refuses: &["max_chunks_per_doc"],
            reply: reply::together,
            ..row(|t| with_route(&t.api_base, "/rerank"), TOGETHER)
        },
    ),
    // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    (
        "hosted_vllm",
        Rerank {
            refuses: &["max_chunks_per_doc"],
            reply: reply::vllm,
            ..row(vllm, VLLM)
        },
    ),
    // https://github.com/michaelfeil/infinity
    (
        "infinity",
        Rerank {
            reply: reply::infinity,
            ..row(|t| with_route(&t.api_base, "/rerank"), COHERE_FIRST)
        },
    ),
    // https://docs.fireworks.ai/api-reference/rerank-documents
    (
        "fireworks_ai",
        Rerank {
            body: body::fireworks,
            reply: reply::fireworks,
            ..row(|t| with_route(&t.api_base, "/inference/v1/rerank"), PLAIN)
        },
    ),
    // https://huggingface.github.io/text-embeddings-inference
    (
        "huggingface",
        Rerank {
            body: body::hugging_face,
            reply: reply::hugging_face,
            ..row(hugging_face, PLAIN)
        },
    ),
    // https://deepinfra.com/docs/rerank
    (
        "deepinfra",
        Rerank {
            body: body::deepinfra,
            reply: reply::deepinfra,
            ..row(deepinfra, &["query", "documents", "instruction"])
        },
    ),
    // https://docs.api.nvidia.com/nim/reference/nvidia-llama-3_2-nv-rerankqa-1b-v2-infer
    (
        "nvidia_nim",
        Rerank {
            body: body::nvidia,
            reply: reply::nvidia,
            ..row(nvidia, &["query", "documents", "top_n"])
        },
    ),
    // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html
    (
        "bedrock",
        Rerank {
            body: body::bedrock,
            reply: reply::bedrock,
            road: Road::Bedrock,
            ..row(|_| String::new(), &["query", "documents", "top_n"])
        },
    ),
];

/// The base of the environment is that of the chats.
fn cohere(target: &Target) -> String {
    let base = target.api_base.as_str();
    let host = ["/v2/chat", "/v1/chat"]
        .iter()
        .find_map(|path| base.strip_suffix(path));
    with_route(host.unwrap_or(base), "/v2/rerank")
}

fn azure_ai(target: &Target) -> String {
    let base = target.api_base.as_str();
    if base.ends_with("/v1/rerank") || base.ends_with("/v2/rerank") {
        return base.to_owned();
    }
    if base.ends_with("/v1") || base.ends_with("/v2") {
        return format!("{base}/rerank");
    }
    format!("{base}/v1/rerank")
}

/// Only the host of an address counts.
fn jina(target: &Target) -> String {
    let base = target.api_base.as_str();
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}/v1/rerank")
}

fn vllm(target: &Target) -> String {
    let base = target.api_base.as_str();
    let base = base.strip_suffix("/v1/rerank").unwrap_or(base);
    with_route(base, "/rerank")
}

fn hugging_face(target: &Target) -> String {
    let base = target.api_base.as_str();
    let base = if base == target.provider.base_url {
        "https://api-inference.huggingface.co"
    } else {
        base
    };
    with_route(base, "/rerank")
}

fn deepinfra(target: &Target) -> String {
    let base = target.api_base.replace("openai", "");
    let base = base.trim_end_matches('/');
    format!("{base}/inference/{}", target.model)
}

fn nvidia(target: &Target) -> String {
    let base = target.api_base.as_str();
    if base.contains("/retrieval/") || base.ends_with("/ranking") {
        return base.to_owned();
    }
    let base = if base == target.provider.base_url {
        "https://ai.api.nvidia.com"
    } else {
        base.strip_suffix("/v1").unwrap_or(base)
    };
    match target.model.strip_prefix("ranking/") {
        Some(_) => format!("{base}/v1/ranking"),
        None => format!("{base}/v1/retrieval/{}/reranking", target.model),
    }
}
