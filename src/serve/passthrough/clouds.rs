//! The ways to Amazon's and Google's clouds, whose addresses have a region in them and whose credentials are signatures
//! and tokens.

use super::ways::{NoWay, Way, model_of, secret, set};
use crate::adapt::lookup::Env;
use crate::adapt::providers::bedrock::wire;
use crate::adapt::providers::vertex::place;
use crate::adapt::{Auth, GOOGLE_PROJECT, Target};
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use crate::serve::routes::percent_decoded;
use bytes::Bytes;
use std::sync::Arc;

/// The target of a group of the configuration.
pub type Deployed<'a> = &'a dyn Fn(&str) -> Option<Arc<Target>>;

/// The way of `/bedrock/{rest}`. A model may be a group of the configuration: then its deployment says which model,
/// region and credentials; else the environment says them.
///
/// # Errors
/// A region that is no name.
pub fn bedrock(
    rest: &str,
    query: &str,
    env: Env<'_>,
    deployed: Deployed<'_>,
) -> Result<Way, NoWay> {
    let named = rest
        .strip_prefix("model/")
        .and_then(|rest| rest.split_once('/'));
    let group = named.and_then(|(model, _)| deployed(&percent_decoded(model)));
    let group = group.filter(|target| target.provider.name == "bedrock");
    let model = named.map(|(model, _)| percent_decoded(model).into_owned());
    let target = if let Some(target) = &group {
        target.clone()
    } else {
        let name = format!("bedrock/{}", model.as_deref().unwrap_or("none"));
        let mut options = Options::default();
        if let Some(endpoint) = env("AWS_BEDROCK_RUNTIME_ENDPOINT") {
            options.other.set("aws_bedrock_runtime_endpoint", &endpoint);
        }
        Arc::new(Target::resolve(&name, &options, env).map_err(NoWay::Wrong)?)
    };
    let base = wire::root(&target).map_err(NoWay::Wrong)?;
    let url = match (&group, named) {
        (Some(target), Some((_, verb))) => {
            format!(
                "{base}/model/{}/{verb}",
                wire::escaped(&wire::model_id(&target.model))
            )
        }
        // What is not asked of a model or a guardrail is asked of agents, flows and knowledge bases.
        (None, None) if !rest.starts_with("guardrail/") => {
            format!(
                "{}/{rest}",
                base.replace("bedrock-runtime", "bedrock-agent-runtime")
            )
        }
        _ => format!("{base}/{rest}"),
    };
    let mut way = Way::below(url, query, "bedrock");
    way.model = group.map_or(model, |target| Some(wire::model_id(&target.model)));
    let asked = Call::new(Op::PassThrough, String::new(), Params::default());
    way.auth = wire::auth(&asked, &target);
    if let Some(key) = &target.api_key {
        let bearer = format!("Bearer {}", key.expose());
        way.headers.extend(secret("authorization", &bearer));
    }
    Ok(way)
}

/// The way of `/vertex_ai/{rest}`: with Google's version, project and location in the path or without, where the
/// environment says them.
///
/// # Errors
/// A location that is no name.
pub fn vertex(rest: &str, query: &str, env: Env<'_>) -> Result<Way, NoWay> {
    let first = |names: &[&str]| set(names, env);
    let (version, rest) = match rest.split_once('/') {
        Some((version @ ("v1" | "v1beta1"), rest)) => (version, rest),
        _ => ("v1", rest),
    };
    let said = rest.split_once("locations/").map(|(_, rest)| rest);
    let said = said
        .and_then(|rest| rest.split('/').next())
        .map(str::to_owned);
    let location = said.or_else(|| {
        first(&[
            "DEFAULT_VERTEXAI_LOCATION",
            "VERTEXAI_LOCATION",
            "VERTEX_LOCATION",
        ])
    });
    let location = location.unwrap_or_else(|| place::LOCATION.to_owned());
    if !place::is_location(&location) {
        return Err(NoWay::Traversal);
    }
    let rest = if rest.starts_with("projects/") {
        rest.to_owned()
    } else {
        let project = first(&[
            "DEFAULT_VERTEXAI_PROJECT",
            "VERTEXAI_PROJECT",
            "VERTEX_PROJECT",
        ]);
        let project = project.unwrap_or_else(|| GOOGLE_PROJECT.to_owned());
        format!("projects/{project}/locations/{location}/{rest}")
    };
    let base = first(&["VERTEXAI_API_BASE", "VERTEX_API_BASE"]);
    let base = base.unwrap_or_else(|| place::own_base(&location));
    let url = format!("{}/{version}/{rest}", base.trim_end_matches('/'));
    let mut way = Way::below(url, query, "vertex_ai");
    way.model = model_of(&rest);
    let credentials = first(&["DEFAULT_GOOGLE_APPLICATION_CREDENTIALS"]);
    way.own_token = credentials.is_none();
    way.auth = Auth::Google {
        credentials: credentials.map(|path| Bytes::from(serde_json::Value::from(path).to_string())),
        key_header: false,
    };
    Ok(way)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "AWS_REGION_NAME" => Some("eu-central-1".into()),
            "DEFAULT_VERTEXAI_PROJECT" => Some("house".into()),
            _ => None,
        }
    }

    fn deployed(name: &str) -> Option<Arc<Target>> {
        let mut options = Options::default();
        options.other.set("aws_region_name", &"us-east-1");
        let target = || {
            Target::resolve(
                "bedrock/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
                &options,
                &|_| None,
            )
        };
        (name == "claude").then(|| target().unwrap().into())
    }

    fn region(way: &Way) -> &str {
        match &way.auth {
            Auth::Aws { region, .. } => region,
            _ => "",
        }
    }

    #[test]
    fn a_model_of_bedrock_is_in_the_region_that_the_environment_says() {
        let way = bedrock(
            "model/amazon.nova-lite-v1%3A0/converse",
            "",
            &env,
            &deployed,
        )
        .unwrap();
        assert_eq!(
            way.url,
            "https://bedrock-runtime.eu-central-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse"
        );
        assert_eq!(region(&way), "eu-central-1");
        assert_eq!(way.model.as_deref(), Some("amazon.nova-lite-v1:0"));
        let agents = bedrock(
            "agents/A/agentAliases/B/sessions/C/text",
            "",
            &env,
            &deployed,
        )
        .unwrap();
        assert!(
            agents
                .url
                .starts_with("https://bedrock-agent-runtime.eu-central-1."),
            "{}",
            agents.url
        );
    }

    #[test]
    fn a_group_is_asked_at_its_deployment() {
        let way = bedrock("model/claude/converse-stream", "", &env, &deployed).unwrap();
        assert_eq!(
            way.url,
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-3-7-sonnet-20250219-v1%3A0/converse-stream"
        );
        assert_eq!(region(&way), "us-east-1");
    }

    #[test]
    fn vertex_is_asked_at_the_location_of_the_path_or_of_the_environment() {
        let rest = "v1/projects/p/locations/europe-west1/publishers/google/models/gemini-2.5-flash:generateContent";
        let way = vertex(rest, "alt=sse", &env).unwrap();
        assert_eq!(
            way.url,
            format!("https://europe-west1-aiplatform.googleapis.com/{rest}")
        );
        assert_eq!(way.model.as_deref(), Some("gemini-2.5-flash"));
        let short = vertex(
            "publishers/google/models/gemini-2.5-flash:countTokens",
            "",
            &env,
        )
        .unwrap();
        assert_eq!(
            short.url,
            "https://us-central1-aiplatform.googleapis.com/v1/projects/house/locations/us-central1/publishers/google/models/\
             gemini-2.5-flash:countTokens"
        );
        assert!(matches!(
            vertex("v1/projects/p/locations/evil.example#/x", "", &env),
            Err(NoWay::Traversal)
        ));
    }
}
