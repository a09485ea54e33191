//! The members of a call as an operation sends them: the deployment's defaults, what is to be dropped, what is not taken.

use crate::adapt::Target;
use crate::adapt::providers::openai_request::with_defaults;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;

/// All members but the model, without nulls and without those that the caller wants dropped.
pub fn given(call: &Call, target: &Target) -> Params {
    let mut given = with_defaults(&call.params, &target.defaults).into_owned();
    let dropped = &target.options.additional_drop_params;
    given.retain(|name, raw| {
        name != "model" && &raw[..] != b"null" && !dropped.iter().any(|drop| drop == name)
    });
    for (name, raw) in target.options.extra_body.iter() {
        given.set_raw(name, raw.clone());
    }
    given
}

/// Refuses the first of `known` that is given and not taken; where parameters are to be dropped, drops them all.
///
/// # Errors
/// [`ErrorKind::UnsupportedParams`].
pub fn check(given: &mut Params, known: &[&str], takes: &[&str], target: &Target) -> Result<()> {
    let options = &target.options;
    let allowed = |name: &str| {
        takes.contains(&name) || options.allowed_openai_params.iter().any(|own| own == name)
    };
    if options.drop_params == Some(true) {
        given.retain(|name, _| !known.contains(&name) || allowed(name));
        return Ok(());
    }
    match known
        .iter()
        .find(|name| given.contains(name) && !allowed(name))
    {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorKind::UnsupportedParams,
            format!(
                "Setting `{name}` is not supported by {}, {}. To drop it from the call, set `litellm.drop_params = True`.",
                target.provider.name, target.model
            ),
        )),
    }
}

/// Whether a stream is asked for, in JSON or in a form.
pub fn asks_for_stream(call: &Call) -> bool {
    let asked = call.params.raw("stream");
    asked.is_some_and(|raw| matches!(&raw[..], b"true" | b"\"true\"" | b"\"True\""))
}
