//! Addresses that are known to speak OpenAI's protocol, and whose they are.

use super::{Env, Lookup};
use crate::adapt::registry::provider;

/// A known address.
pub struct Endpoint {
    /// Host, optional path, optional scheme.
    address: &'static str,
    /// Whose it is; empty when LiteLLM knows the address but not the owner.
    provider: &'static str,
}

impl Endpoint {
    /// What a model at this address is.
    pub fn lookup(
        &self,
        model: &str,
        api_base: &str,
        api_key: Option<&str>,
        env: Env<'_>,
    ) -> Lookup {
        let row = provider(self.provider);
        Lookup {
            model: model.to_owned(),
            provider: Some(self.provider.to_owned()).filter(|name| !name.is_empty()),
            api_base: Some(api_base.to_owned()),
            api_key: api_key
                .map(str::to_owned)
                .or_else(|| row.and_then(|row| row.key_from(env))),
        }
    }
}

/// The known address that `api_base` is at: the same host, and the same path or one below it. Comparing hosts and
/// not substrings keeps `https://elsewhere.example/api.groq.com/openai/v1` from being sent a stored key.
pub fn matching(api_base: &str) -> Option<&'static Endpoint> {
    let (host, path) = split(api_base);
    ENDPOINTS.iter().find(|endpoint| {
        let (known_host, known_path) = split(endpoint.address);
        host.eq_ignore_ascii_case(known_host)
            && path.strip_prefix(known_path).is_some_and(|rest| {
                known_path.is_empty() || rest.is_empty() || rest.starts_with('/')
            })
    })
}

/// Host and path of a URL, without scheme, user, port, query and trailing slash.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    (host, path.trim_end_matches('/'))
}

const fn at(address: &'static str, provider: &'static str) -> Endpoint {
    Endpoint { address, provider }
}

#[rustfmt::skip]
static ENDPOINTS: &[Endpoint] = &[
    at("api.perplexity.ai", "perplexity"),
    at("api.endpoints.anyscale.com/v1", "anyscale"),
    at("api.deepinfra.com/v1/openai", "deepinfra"),
    at("api.clfaigateway.dev/v1", "clf_ai_gateway"),
    at("api.mistral.ai/v1", "mistral"),
    at("codestral.mistral.ai/v1/chat/completions", "codestral"),
    at("codestral.mistral.ai/v1/fim/completions", "text-completion-codestral"),
    at("api.groq.com/openai/v1", "groq"),
    at("https://integrate.api.nvidia.com/v1", "nvidia_nim"),
    at("https://api.getnadir.com/v1", "nadir"),
    at("api.deepseek.com/v1", "deepseek"),
    at("api.together.ai/v1", "together_ai"),
    at("api.together.xyz/v1", "together_ai"),
    at("app.empower.dev/api/v1", "empower"),
    at("https://api.friendli.ai/serverless/v1", "friendliai"),
    at("api.sambanova.ai/v1", ""),
    at("api.x.ai/v1", ""),
    at("ollama.com", "ollama"),
    at("api.galadriel.ai/v1", ""),
    at("api.llama.com/compat/v1/", ""),
    at("api.featherless.ai/v1", ""),
    at("inference.api.nscale.com/v1", ""),
    at("api.studio.nebius.ai/v1", ""),
    at("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", ""),
    at("https://dashscope.aliyuncs.com/compatible-mode/v1", ""),
    at("https://api-inference.modelscope.cn/v1", "modelscope"),
    at("https://api.moonshot.ai/v1", ""),
    at("https://api.publicai.co/v1", "publicai"),
    at("https://api.aiand.com/v1", "aiand"),
    at("https://api.synthetic.new/openai/v1", "synthetic"),
    at("https://serverless.tensormesh.ai/v1", "tensormesh"),
    at("https://api.stima.tech/v1", "apertis"),
    at("https://nano-gpt.com/api/v1", "nano-gpt"),
    at("https://api.poe.com/v1", "poe"),
    at("https://llm.chutes.ai/v1/", "chutes"),
    at("https://api.v0.dev/v1", "v0"),
    at("https://api.morphllm.com/v1", ""),
    at("https://api.lambda.ai/v1", "lambda_ai"),
    at("https://api.inceptionlabs.ai/v1", "inception"),
    at("https://api.hyperbolic.xyz/v1", "hyperbolic"),
    at("https://ai-gateway.helicone.ai/", "helicone"),
    at("https://ai-gateway.vercel.sh/v1", "vercel_ai_gateway"),
    at("https://api.edenai.run/v3", "edenai"),
    at("https://api.inference.wandb.ai/v1", "wandb"),
    at("https://api.clarifai.com/v2/ext/openai/v1", ""),
    at("https://api.libertai.io/v1", "libertai"),
    at("https://pinstripes.io/v1", "pinstripes"),
    at("https://api.meta.ai/v1", "meta"),
    at("https://api.sailresearch.com/v1", "sail"),
    at("https://api.cognition.ai/v1", "cognition"),
    at("https://inference.coralbricks.ai/v1", "coralbricks"),
    at("https://api.cortecs.ai/v1", "cortecs"),
    at("https://api.scx.ai/v1", "scx-ai"),
    at("https://api.prisminference.com/v1", "prism"),
    at("https://api.reka.ai/v1", "reka"),
    at("https://gigachat.devices.sberbank.ru/api/v1", "gigachat"),
    at("https://api.openinfer.ai/v1", "openinfer"),
    at("https://vanchin.streamlake.ai/api/gateway/v1/endpoints", "streamlake"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_matches_by_host_and_path_segment_only() {
        assert_eq!(
            matching("https://api.groq.com/openai/v1/").map(|e| e.provider),
            Some("groq")
        );
        assert_eq!(
            matching("https://API.GROQ.COM/openai/v1/x").map(|e| e.provider),
            Some("groq")
        );
        assert!(matching("https://api.groq.com/openai/v10").is_none());
        assert!(matching("https://elsewhere.example/api.groq.com/openai/v1").is_none());
        assert!(matching("https://api.groq.com@elsewhere.example/openai/v1").is_none());
    }
}
