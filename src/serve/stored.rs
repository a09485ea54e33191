//! Questions about a stored response: which deployment has it says its id ([`ids`]).

use super::inbound::From;
use super::refusal::Refusal;
use super::routes::percent_decoded;
use crate::adapt::dialects::responses::ids;
use crate::config::Config;
use crate::params::Params;
use serde_json::json;

/// Members of a list that are numbers or lists in a query.
const LISTED: [&str; 5] = ["limit", "order", "after", "before", "include"];

/// The members of a question about the response that the path names, the model among them.
///
/// # Errors
/// 404 for an id that no deployment here gave.
pub fn members(mut params: Params, from: &From<'_>, config: &Config) -> Result<Params, Refusal> {
    let Some(id) = from.path_model else {
        return Ok(params);
    };
    let deployment = ids::told(id).and_then(|told| told.deployment);
    let known = |id: &String| super::known::deployments(config, id).next().is_some();
    let Some(deployment) = deployment.filter(known) else {
        let message = format!(
            "Response with id '{id}' is not known here: no deployment of this server gave it"
        );
        return Err(Refusal::new(404, "invalid_request_error", message).param("response_id"));
    };
    params.set("model", &deployment);
    params.set("response_id", &id);
    for pair in from.query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decoded(&value.replace('+', " ")).into_owned();
        let name = name.trim_end_matches("[]");
        match name {
            "include" => {
                let mut list: Vec<String> = params.get("include").unwrap_or_default();
                list.push(value);
                params.set("include", &json!(list));
            }
            name if LISTED.contains(&name) => params.set(name, &value),
            _ => {}
        }
    }
    Ok(params)
}
