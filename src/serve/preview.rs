//! What a call would be, without making it: the parameters that a model takes, what the catalogue says of it, and the
//! request that its provider would get.

use super::body::ReplyBody;
use super::fields::Fields;
use super::{Gateway, inbound, json, known, query_value, refusal};
use crate::adapt::lookup::get_llm_provider;
use crate::adapt::params::{self, OPENAI_CHAT};
use crate::adapt::registry::{Via, provider};
use crate::adapt::{Target, UpstreamRequest};
use crate::catalog;
use crate::error::Result;
use crate::options::{Options, Secret};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value, json};

/// Stands for the provider's key, which nobody is to see.
const NO_KEY: &str = "my-fake-api-key";

/// Members of an OpenAI body that are the call itself and no parameter.
const CALL_MEMBERS: &[&str] = &["model", "messages", "input", "prompt"];

/// Parts of a header's name that tell a credential.
const CREDENTIALS: &[&str] = &[
    "key",
    "secret",
    "token",
    "authorization",
    "password",
    "credential",
];

/// `GET /utils/supported_openai_params?model=`: of a model, or of a group's first deployment.
pub fn supported(gateway: &Gateway, query: &str) -> Response<ReplyBody> {
    let Some(asked) = query_value(query, "model") else {
        return refusal::missing("query", "model");
    };
    let snapshot = gateway.engine.snapshot.load_full();
    let entry = known::deployments(&snapshot.config, &asked).next();
    let model = entry.map_or_else(|| asked.clone(), known::litellm_model);
    let names = get_llm_provider(&model, None, None, None, &|_| None)
        .ok()
        .and_then(|lookup| {
            let row = provider(lookup.provider.as_deref()?)?;
            Some(params::supported(row, &lookup.model))
        });
    match names {
        Some(names) => json(&json!({ "supported_openai_params": names })),
        None => refusal::detail(
            StatusCode::BAD_REQUEST,
            json!({ "error": format!("Could not map model={asked}") }),
        ),
    }
}

/// `GET /utils/model_info?model=&custom_llm_provider=`: the catalogue's entry, whether the model is configured or not.
pub fn catalogued(query: &str) -> Response<ReplyBody> {
    let Some(model) = query_value(query, "model") else {
        return refusal::missing("query", "model");
    };
    let custom = query_value(query, "custom_llm_provider");
    let found = catalog::find(&model, custom.as_deref())
        .zip(catalog::model_info(&model, custom.as_deref()));
    let Some((found, mut info)) = found else {
        let shown = custom.as_deref().unwrap_or("None");
        let error =
            format!("model={model}, custom_llm_provider={shown} is not in the model cost map");
        return refusal::detail(StatusCode::NOT_FOUND, json!({ "error": error }));
    };
    info.extend((*found.entry).clone());
    json(&json!({
        "model": model,
        "custom_llm_provider": info.get("litellm_provider"),
        "model_info": info,
    }))
}

/// `POST /utils/transform_request`: the request that a provider would get of `request_body`.
pub fn transformed(gateway: &Gateway, body: &Bytes) -> Response<ReplyBody> {
    let mut fields = match Fields::read(body) {
        Ok(fields) => fields,
        Err(reply) => return reply,
    };
    let call_type = fields.text("call_type");
    let members = fields.object("request_body");
    if let Err(reply) = fields.settled() {
        return reply;
    }
    if let Some((name, _)) = members.iter().find(|(name, _)| inbound::refused(name)) {
        let error = format!("Rejected Request: {name} is not allowed in request body");
        return refusal::detail(StatusCode::BAD_REQUEST, json!({ "error": error }));
    }
    let Some(op) = Op::of_function(&call_type) else {
        return json(&json!({ "error": format!("call_type `{call_type}` is not supported yet") }));
    };
    match upstream(gateway, op, members) {
        Ok((target, request)) => json(&shown(&target, &request)),
        Err(error) => json(&json!({ "error": error.litellm_message() })),
    }
}

fn upstream(gateway: &Gateway, op: Op, members: Params) -> Result<(Target, UpstreamRequest)> {
    let (mut options, params) = Options::split(members)?;
    options.api_key = Some(Secret::new(NO_KEY));
    let model: String = params.get("model").unwrap_or_default();
    let target = Target::resolve(&model, &options, &*gateway.engine.env)?;
    let mut call = Call::new(op, model, params);
    call.options = options;
    let request = target.adapter(op).request(&call, &target)?;
    Ok((target, request))
}

/// As LiteLLM logs it: what goes through OpenAI's SDK before the SDK has touched it, everything else as it is sent.
fn shown(target: &Target, request: &UpstreamRequest) -> Value {
    let mut body: Map<String, Value> = serde_json::from_slice(&request.body).unwrap_or_default();
    if target.provider.via != Via::Sdk {
        return json!({
            "raw_request_api_base": request.url,
            "raw_request_body": body,
            "raw_request_headers": masked(&request.headers),
            "error": null,
        });
    }
    let own = |name: &String| {
        OPENAI_CHAT.contains(&name.as_str()) || CALL_MEMBERS.contains(&name.as_str())
    };
    let extra: Map<String, Value> = body
        .iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    body.retain(|name, _| own(name));
    body.insert("extra_body".into(), extra.into());
    json!({
        "raw_request_api_base": format!("{}/", target.api_base),
        "raw_request_body": body,
        "raw_request_headers": {},
        "error": null,
    })
}

/// Headers with nothing left of a credential that could be used.
fn masked(headers: &HeaderMap) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in headers {
        let value = value.to_str().unwrap_or_default();
        let secret = CREDENTIALS.iter().any(|part| name.as_str().contains(part));
        let value = match (
            secret,
            value.get(..2),
            value.get(value.len().saturating_sub(2)..),
        ) {
            (false, ..) => value.to_owned(),
            (true, Some(head), Some(tail)) if value.len() > 4 => format!("{head}****{tail}"),
            _ => "*****".to_owned(),
        };
        shown.insert(name.as_str().to_owned(), value.into());
    }
    shown
}
