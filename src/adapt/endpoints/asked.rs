//! The request of an operation in OpenAI's form: at a compatible provider, and at Azure, where the deployment stands in
//! the path.

use crate::adapt::errors::{Place, Wording};
use crate::adapt::providers::azure::{address, credentials};
use crate::adapt::providers::openai_request::wire;
use crate::adapt::{Auth, Head, Provider, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use http::Method;

/// Whether a provider takes OpenAI's form.
pub fn speaks(provider: &Provider) -> bool {
    provider.is_compatible() || provider.name == "azure"
}

/// The request of a body for a path such as `/images/generations`.
///
/// # Errors
/// A missing key or address, and a header that cannot be sent.
pub fn asked(call: &Call, target: &Target, path: &str, body: &Params) -> Result<UpstreamRequest> {
    if target.provider.name != "azure" {
        return wire::upstream(call, target, path, body);
    }
    Ok(UpstreamRequest {
        method: Method::POST,
        url: address::url(target, path)?,
        headers: credentials::headers(call, target)?,
        body: body.to_json().into(),
    })
}

/// The error of a refusal, in the words of OpenAI's client.
pub fn refused(target: &Target, head: &Head, body: &[u8]) -> Error {
    let place = Place {
        provider: target.provider.name,
        model: &target.model,
        wording: Wording::CodeAndMessage,
        family: target.provider.family,
    };
    place.status(head.status.as_u16(), &head.headers, body)
}

/// The credential that `forward` is to add.
pub fn auth(call: &Call, target: &Target) -> Auth {
    match target.provider.name {
        "azure" => credentials::auth(call, target),
        _ => Auth::Placed,
    }
}
