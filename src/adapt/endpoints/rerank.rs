//! Reranking: Cohere's form of request and reply, which callers speak, and what each provider makes of it.
//!
//! API: <https://docs.cohere.com/reference/rerank>; the providers' own are named at their rows. Members that the
//! providers' APIs do not have are left out as LiteLLM leaves them out; members that nobody knows are sent.

mod body;
mod reply;
mod rows;

use crate::account::{RerankUnits, Usage};
use crate::adapt::errors::{Place, Wording};
use crate::adapt::providers::openai_request::{wire, with_defaults};
use crate::adapt::providers::{bedrock, replies};
use crate::adapt::target::no_address;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Auth, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result, Side};
use crate::params::Params;
use crate::request::{Call, new_id};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

pub use rows::offered;

/// The members of a call that have a meaning of their own, and the order in which they are sent.
const MEMBERS: [&str; 8] = [
    "query",
    "top_n",
    "documents",
    "rank_fields",
    "return_documents",
    "max_chunks_per_doc",
    "max_tokens_per_doc",
    "instruction",
];

/// The way to an API.
enum Road {
    /// The address of a target, asked with the key as a bearer token.
    Keyed(fn(&Target) -> String),
    /// Bedrock's, signed where it is sent.
    Bedrock,
}

/// One provider's reranking API.
pub struct Rerank {
    /// Where it is, and who proves the caller's right.
    road: Road,
    /// The members of [`MEMBERS`] that it has.
    takes: &'static [&'static str],
    /// The members that are refused, not left out.
    refuses: &'static [&'static str],
    /// From the members that it has to its body.
    body: fn(&Target, &mut Params),
    /// From its reply to Cohere's; `None` when that has no results.
    reply: fn(&Call, &Value) -> Option<Object>,
    /// Billed by the token, not by the query.
    by_token: bool,
}

impl Rerank {
    fn members(&self, call: &Call, target: &Target) -> Result<Params> {
        let mut given = with_defaults(&call.params, &target.defaults).into_owned();
        let dropped = &target.options.additional_drop_params;
        given.retain(|name, raw| {
            name != "model" && &raw[..] != b"null" && !dropped.iter().any(|drop| drop == name)
        });
        if let Some(name) = self.refuses.iter().find(|name| given.contains(name)) {
            let provider = target.provider.name;
            let mut error = replies::place(target)
                .broken(&format!("provider `{provider}` does not support `{name}`"));
            error.side = Side::Client;
            error.retry = false;
            return Err(error);
        }
        let mut members = Params::default();
        for name in MEMBERS.iter().filter(|name| self.takes.contains(name)) {
            if let Some(raw) = given.raw(name) {
                members.set_raw(name, raw.clone());
            }
        }
        let others = given.iter().filter(|(name, _)| !MEMBERS.contains(name));
        for (name, raw) in others.chain(target.options.extra_body.iter()) {
            members.set_raw(name, raw.clone());
        }
        Ok(members)
    }
}

impl Adapter for Rerank {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        for name in ["query", "documents"] {
            if !call.params.contains(name) {
                return Err(Error::bad_request(format!("`{name}` is missing"))
                    .at(target.provider.name, &target.model));
            }
        }
        let (url, headers) = match self.road {
            Road::Bedrock => (
                bedrock::rerank_address(target)?,
                bedrock::rerank_headers(call, target)?,
            ),
            Road::Keyed(_) if target.api_base.is_empty() => {
                return Err(no_address(target.provider, &target.model));
            }
            Road::Keyed(address) => (address(target), wire::headers(call, target)?),
        };
        let mut members = self.members(call, target)?;
        (self.body)(target, &mut members);
        Ok(UpstreamRequest {
            method: Method::POST,
            url,
            headers,
            body: members.to_json().into(),
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        match self.road {
            Road::Bedrock => target.provider.adapter.auth(call, target),
            Road::Keyed(_) => Auth::Placed,
        }
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let place = replies::place(target);
        let said: Value = serde_json::from_slice(&body)
            .map_err(|_| place.broken(&crate::adapt::json_fault::describe(&body)))?;
        let Some(mut reply) = (self.reply)(call, &said) else {
            return Err(place.broken("the reply has no results"));
        };
        reply.entry("id").or_insert_with(|| json!(new_id()));
        let usage = used(&reply, self.by_token);
        Ok(Reply {
            body: serde_json::to_vec(&reply).unwrap_or_default().into(),
            usage: Some(usage),
            upstream_model: None,
            finish_reason: None,
        })
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        let provider = target.provider;
        if !provider.is_compatible() {
            return provider.adapter.error(call, target, head, body);
        }
        let place = Place {
            provider: provider.name,
            model: &target.model,
            wording: Wording::Body,
            family: provider.family,
        };
        place.status(head.status.as_u16(), &head.headers, body)
    }
}

/// What a canonical reply says that it used.
fn used(reply: &Object, by_token: bool) -> Usage {
    let meta = reply.get("meta").unwrap_or(&Value::Null);
    let count = |part: &str, name: &str| meta[part][name].as_u64();
    let total = count("billed_units", "total_tokens").unwrap_or(0);
    let prompt = count("tokens", "input_tokens").unwrap_or(total);
    let completion = count("tokens", "output_tokens").unwrap_or(0);
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: total.max(prompt + completion),
        rerank: Some(if by_token {
            RerankUnits::Tokens(total)
        } else {
            RerankUnits::Queries(count("billed_units", "search_units").unwrap_or(0))
        }),
        ..Usage::default()
    }
}

#[cfg(test)]
#[path = "rerank/tests.rs"]
mod tests;
