//! Embeddings: few parameters, and each provider takes some of them.

use super::with_defaults;
use crate::adapt::Target;
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;

/// The body of an embedding call.
pub fn body(call: &Call, target: &Target) -> Result<Params> {
    let given = with_defaults(&call.params, &target.defaults);
    let options = &target.options;
    let mut body = Params::default();
    body.set("model", &target.model);
    for (name, raw) in given.iter().chain(options.extra_body.iter()) {
        let dropped = options.additional_drop_params.iter().any(|d| d == name);
        if name != "model" && &raw[..] != b"null" && !dropped {
            body.set_raw(name, raw.clone());
        }
    }
    Ok(body)
}
