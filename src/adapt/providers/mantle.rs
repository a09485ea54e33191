//! Amazon Bedrock's Mantle: OpenAI's protocol at Amazon's addresses, and Anthropic's for Claude, with a bearer key or
//! a signature.
//!
//! API: <https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html>.

use super::anthropic::Anthropic;
use super::bedrock::models::split_region;
use super::bedrock::wire as aws;
use super::openai::OpenAi;
use super::openai_request::{self, wire};
use crate::adapt::lookup::Env;
use crate::adapt::params::facts;
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Memo, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result};
use crate::options::{Options, Secret};
use crate::request::Call;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName};

/// The adapter.
pub struct Mantle;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Where models are served when nobody says.
pub const REGION: &str = "us-east-1";

/// Reads the region off the call, the model's name or the environment.
pub fn settle_region(model: &str, options: &mut Options, env: Env<'_>) {
    const NAME: &str = "aws_region_name";
    let own = env("BEDROCK_MANTLE_REGION").filter(|region| !region.is_empty());
    if let Some(region) = own
        && split_region(model).0.is_none()
        && !options.other.contains(NAME)
    {
        options.other.set(NAME, &region);
    }
    aws::settle_region(model, options, env);
    if !options.other.contains(NAME) {
        options.other.set(NAME, &REGION);
    }
}

/// The base URL of a model in a region: newer families are served below `/openai/v1`.
pub fn base(region: &str, model: &str) -> String {
    let newer = facts::declared(
        split_region(model).1,
        "bedrock_mantle",
        "use_openai_responses_path",
    );
    let path = if newer == Some(true) {
        "openai/v1"
    } else {
        "v1"
    };
    format!("https://bedrock-mantle.{region}.api.aws/{path}")
}

/// Whether a model speaks Anthropic's protocol.
pub fn is_claude(model: &str) -> bool {
    model.to_ascii_lowercase().contains("claude")
}

/// The target under its model's name without a region, at the address of its region.
fn settled(call: &Call, target: &Target) -> Result<Target> {
    let mut own = target.clone();
    own.memo = Memo::taking(target.supported());
    split_region(&target.model).1.clone_into(&mut own.model);
    if target.api_base == target.provider.base_url || target.api_base == base(REGION, &own.model) {
        own.api_base = base(&aws::region(target, &call.params)?, &own.model);
    }
    Ok(own)
}

impl Adapter for Mantle {
    fn inline(&self, call: &Call, target: &Target) -> Inline {
        if is_claude(&target.model) {
            return Anthropic.inline(call, target);
        }
        Inline::None
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut own = settled(call, target)?;
        if is_claude(&own.model) {
            return claude(call, own, target.api_key.as_ref());
        }
        let (path, body) = openai_request::body(call, &own)?;
        own.api_base.push_str(path);
        Ok(UpstreamRequest {
            method: Method::POST,
            headers: wire::headers(call, &own)?,
            url: own.api_base,
            body: body.to_json().into(),
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        aws::auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if is_claude(&target.model) {
            return Anthropic.reply(call, target, head, body);
        }
        OpenAi.reply(call, target, head, body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        if is_claude(&target.model) {
            return Anthropic.stream(call, target);
        }
        OpenAi.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        OpenAi.fault(call, target, fault)
    }
}

/// A call of Claude: Anthropic's own request, with the key as a bearer's or a signature to come.
fn claude(call: &Call, mut own: Target, key: Option<&Secret>) -> Result<UpstreamRequest> {
    let root = own
        .api_base
        .trim_end_matches("/v1")
        .trim_end_matches("/openai");
    own.api_base = format!("{root}/anthropic");
    // Anthropic's request wants a key; it goes out without one.
    own.api_key = Some(Secret::new("none"));
    let mut request = super::anthropic_request::request(call, &own)?;
    request.headers.remove(X_API_KEY);
    if let Some(key) = key {
        let text = format!("Bearer {}", key.expose());
        request
            .headers
            .insert(AUTHORIZATION, wire::secret(text, &own)?);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::params::Params;
    use crate::request::Op;

    fn built(model: &str, kwargs: &str) -> (UpstreamRequest, Auth) {
        let params = Params::parse(&Bytes::copy_from_slice(kwargs.as_bytes())).unwrap();
        let (options, params) = Options::split(params).unwrap();
        let target = Target::resolve(model, &options, &|_| None).unwrap();
        let call = Call::new(Op::Chat, model, params);
        let request = Mantle.request(&call, &target).unwrap();
        (request, Mantle.auth(&call, &target))
    }

    const CHAT: &str =
        r#"{"messages":[{"role":"user","content":"hi"}],"aws_region_name":"eu-west-1"}"#;

    #[test]
    fn models_are_served_in_their_region_and_signed_for_without_a_key() {
        let (request, auth) = built("bedrock_mantle/openai.gpt-oss-120b", CHAT);
        assert_eq!(
            request.url,
            "https://bedrock-mantle.eu-west-1.api.aws/v1/chat/completions"
        );
        assert!(matches!(auth, Auth::Aws { region, .. } if region == "eu-west-1"));
        let keyed = CHAT.replace("\"aws_region_name\":\"eu-west-1\"", "\"api_key\":\"k\"");
        let (request, auth) = built("bedrock_mantle/openai.gpt-6-luna", &keyed);
        assert_eq!(
            request.url,
            "https://bedrock-mantle.us-east-1.api.aws/openai/v1/chat/completions"
        );
        assert_eq!(request.headers[AUTHORIZATION], "Bearer k");
        assert!(matches!(auth, Auth::Placed));
    }

    #[test]
    fn claude_is_asked_in_its_own_protocol() {
        let keyed = CHAT.replace("\"aws_region_name\":\"eu-west-1\"", "\"api_key\":\"k\"");
        let (request, _) = built("bedrock_mantle/anthropic.claude-haiku-4-5", &keyed);
        assert_eq!(
            request.url,
            "https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages"
        );
        assert_eq!(request.headers[AUTHORIZATION], "Bearer k");
        assert!(!request.headers.contains_key("x-api-key"));
    }
}
