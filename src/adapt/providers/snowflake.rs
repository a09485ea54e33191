//! Snowflake Cortex: OpenAI's protocol, and Anthropic's for Claude, with a token of the account's.
//!
//! API: <https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api>.

use super::anthropic::Anthropic;
use super::openai::OpenAi;
use super::openai_request::{self, wire};
use crate::adapt::lookup::Env;
use crate::adapt::{
    Adapter, Fault, Head, Inline, Memo, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

/// The adapter.
pub struct Snowflake;

const TOKEN_TYPE: HeaderName = HeaderName::from_static("x-snowflake-authorization-token-type");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What stands before a programmatic access token, to tell it from a signed one.
const PROGRAMMATIC: &str = "pat/";

/// The base URL of the account that the environment names.
pub fn base(env: Env<'_>) -> Option<String> {
    let account = env("SNOWFLAKE_ACCOUNT_ID")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (!account.is_empty() && account.bytes().all(plain))
        .then(|| format!("https://{account}.snowflakecomputing.com/api/v2"))
}

fn is_claude(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    model.starts_with("claude-") || model.starts_with("claude_")
}

/// The address of a path of Cortex.
fn url(target: &Target, path: &str) -> Result<String> {
    let base = target.api_base.as_str();
    if base.is_empty() {
        return Err(Error::bad_request("Missing snowflake account_id")
            .hint("pass `api_base` or set `SNOWFLAKE_ACCOUNT_ID`")
            .at(target.provider.name, &target.model));
    }
    let root = base.split_once("/api/v2").map_or(base, |(root, _)| root);
    Ok(format!("{root}/api/v2/cortex/v1{path}"))
}

/// Places the account's token.
fn authorize(headers: &mut HeaderMap, target: &Target) -> Result<()> {
    let Some(key) = &target.api_key else {
        return Err(
            Error::new(ErrorKind::Authentication, "Missing Snowflake JWT key")
                .hint("pass `api_key` or set `SNOWFLAKE_JWT`")
                .side(Side::Client)
                .at(target.provider.name, &target.model),
        );
    };
    let (kind, token) = match key.expose().strip_prefix(PROGRAMMATIC) {
        Some(token) => ("PROGRAMMATIC_ACCESS_TOKEN", token),
        None => ("KEYPAIR_JWT", key.expose()),
    };
    headers.insert(
        AUTHORIZATION,
        wire::secret(format!("Bearer {token}"), target)?,
    );
    headers.insert(TOKEN_TYPE, HeaderValue::from_static(kind));
    Ok(())
}

impl Adapter for Snowflake {
    fn inline(&self, _call: &Call, target: &Target) -> Inline {
        if is_claude(&target.model) {
            return Inline::All;
        }
        Inline::None
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if is_claude(&target.model) {
            let mut own = target.clone();
            own.memo = Memo::taking(target.supported());
            own.api_base = url(target, "/messages")?;
            let mut request = super::anthropic_request::request(call, &own)?;
            request.headers.remove(X_API_KEY);
            request.url = own.api_base;
            authorize(&mut request.headers, target)?;
            return Ok(request);
        }
        let (path, mut body) = openai_request::body(call, target)?;
        body.set("stream", &call.stream);
        let older = body.remove("max_tokens");
        if let Some(most) = older.filter(|_| !body.contains("max_completion_tokens")) {
            body.set_raw("max_completion_tokens", most);
        }
        let mut headers = wire::headers(call, target)?;
        authorize(&mut headers, target)?;
        Ok(UpstreamRequest {
            method: Method::POST,
            url: url(target, path)?,
            headers,
            body: body.to_json().into(),
        })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::options::Options;
    use crate::params::Params;
    use crate::request::Op;

    fn built(model: &str, key: &str) -> UpstreamRequest {
        let kwargs = format!(
            r#"{{"api_key":"{key}","max_tokens":5,"messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        let (options, params) =
            Options::split(Params::parse(&Bytes::from(kwargs)).unwrap()).unwrap();
        let env = |name: &str| (name == "SNOWFLAKE_ACCOUNT_ID").then(|| "acc".to_owned());
        let target = Target::resolve(model, &options, &env).unwrap();
        let call = Call::new(Op::Chat, model, params);
        Snowflake.request(&call, &target).unwrap()
    }

    #[test]
    fn an_account_is_asked_with_its_token() {
        let request = built("snowflake/mistral-large2", "pat/t");
        assert_eq!(
            request.url,
            "https://acc.snowflakecomputing.com/api/v2/cortex/v1/chat/completions"
        );
        assert_eq!(request.headers[AUTHORIZATION], "Bearer t");
        assert_eq!(request.headers[TOKEN_TYPE], "PROGRAMMATIC_ACCESS_TOKEN");
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["max_completion_tokens"], 5);
        assert_eq!(body["stream"], false);
    }

    #[test]
    fn claude_is_asked_in_its_own_protocol() {
        let request = built("snowflake/claude-3-5-sonnet", "jwt");
        assert!(request.url.ends_with("/cortex/v1/messages"));
        assert_eq!(request.headers[TOKEN_TYPE], "KEYPAIR_JWT");
        assert_eq!(request.headers[AUTHORIZATION], "Bearer jwt");
        assert!(!request.headers.contains_key("x-api-key"));
    }

    #[test]
    fn an_account_that_is_no_name_makes_no_address() {
        assert_eq!(base(&|_| Some("evil.example/".to_owned())), None);
    }
}
