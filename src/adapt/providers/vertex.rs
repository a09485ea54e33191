//! Vertex AI: Gemini's protocol at Google Cloud's addresses, with its credentials, and `predict` for embeddings.
//!
//! API: <https://cloud.google.com/vertex-ai/docs/reference/rest>.

use super::gemini::{Gemini, embeddings, request};
use crate::adapt::canonical::into_object;
use crate::adapt::providers::openai_request::with_defaults;
use crate::adapt::usage::{Object, count};
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// The adapter of Vertex AI.
pub struct Vertex;

/// Where a model is served when nobody says.
const LOCATION: &str = "us-central1";

/// Publishers whose models speak other protocols, which need an adapter of their own here.
const PARTNERS: [&str; 9] = [
    "claude",
    "mistral",
    "codestral",
    "meta/",
    "deepseek",
    "qwen",
    "openai/",
    "ai21",
    "jamba",
];

impl Adapter for Vertex {
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::InTheClear
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if PARTNERS
            .iter()
            .any(|partner| target.model.starts_with(partner))
        {
            return Err(Error::bad_request(format!(
                "models of partners on Vertex AI, such as `{}`, are not supported yet",
                target.model
            ))
            .at(target.provider.name, &target.model));
        }
        let (verb, body) = if call.op == Op::Embeddings {
            ("predict", predict(call, target)?)
        } else {
            (request::verb(call), request::body(call, target)?)
        };
        Ok(UpstreamRequest {
            method: Method::POST,
            url: url(target, verb)?,
            headers: request::headers(call, target)?,
            body: request::encode(body),
        })
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if call.op != Op::Embeddings {
            return Gemini.reply(call, target, head, body);
        }
        let reply: Object =
            serde_json::from_slice(&body).map_err(|_| super::gemini::errors::not_json(target))?;
        Ok(predictions(call, target, &reply))
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        Gemini.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        Gemini.error(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        Gemini.fault(call, target, fault)
    }

    fn auth(&self, _call: &Call, target: &Target) -> Auth {
        Auth::Google {
            credentials: option(target, &["vertex_credentials", "vertex_ai_credentials"]),
        }
    }
}

fn option(target: &Target, names: &[&str]) -> Option<Bytes> {
    names
        .iter()
        .find_map(|name| target.options.other.raw(name))
        .cloned()
}

fn text(target: &Target, names: &[&str]) -> Option<String> {
    let raw = option(target, names)?;
    serde_json::from_slice::<String>(&raw)
        .ok()
        .filter(|text| !text.is_empty())
}

/// The project: as said, else the one of the service account that is at hand.
fn project(target: &Target) -> Result<String> {
    let said = text(target, &["vertex_project", "vertex_ai_project"]);
    let of_account = || {
        let raw = option(target, &["vertex_credentials", "vertex_ai_credentials"])?;
        let account = match serde_json::from_slice::<Value>(&raw).ok()? {
            Value::String(text) => serde_json::from_str(&text).ok()?,
            account => account,
        };
        account["project_id"].as_str().map(str::to_owned)
    };
    said.or_else(of_account).ok_or_else(|| {
        Error::bad_request("no project is known for Vertex AI")
            .hint("pass `vertex_project` or set `VERTEXAI_PROJECT`")
            .at(target.provider.name, &target.model)
    })
}

fn url(target: &Target, verb: &str) -> Result<String> {
    let project = project(target)?;
    let location = text(target, &["vertex_location", "vertex_ai_location"]);
    let location = location.unwrap_or_else(|| LOCATION.into());
    for part in [&project, &location] {
        if !part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        {
            return Err(Error::bad_request(
                "`vertex_project` and `vertex_location` are plain names",
            ));
        }
    }
    let base = match target.api_base.as_str() {
        "" if location == "global" => "https://aiplatform.googleapis.com".to_owned(),
        "" => format!("https://{location}-aiplatform.googleapis.com"),
        base => base.trim_end_matches('/').to_owned(),
    };
    let model = target.model.trim_start_matches("gemini/");
    // A tuned model is served from an endpoint, which has a number for a name.
    let place = if !model.is_empty() && model.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("endpoints/{model}")
    } else {
        format!("publishers/google/models/{model}")
    };
    Ok(format!(
        "{base}/v1/projects/{project}/locations/{location}/{place}:{verb}"
    ))
}

fn predict(call: &Call, target: &Target) -> Result<Object> {
    let given = with_defaults(&call.params, &target.defaults);
    let task = given
        .get::<Value>("task_type")
        .or_else(|| given.get("input_type"));
    let title = given.get::<Value>("title");
    let mut instances = Vec::new();
    for text in embeddings::inputs(call)? {
        let mut instance = json!({"content": text});
        for (name, value) in [("task_type", &task), ("title", &title)] {
            if let Some(value) = value {
                instance[name] = value.clone();
            }
        }
        instances.push(instance);
    }
    let body = json!({"instances": instances, "parameters": parameters(&given, task.as_ref())});
    Ok(into_object(body))
}

fn parameters(given: &Params, task: Option<&Value>) -> Object {
    let mut out = Object::new();
    if let Some(task) = task {
        out.insert("task_type".into(), task.clone());
    }
    for (name, wire) in [
        ("dimensions", "outputDimensionality"),
        ("outputDimensionality", "outputDimensionality"),
        ("auto_truncate", "auto_truncate"),
        ("input_type", "input_type"),
        ("title", "title"),
    ] {
        if let Some(value) = given.get::<Value>(name) {
            out.insert(wire.into(), value);
        }
    }
    out
}

fn predictions(call: &Call, target: &Target, reply: &Object) -> Reply {
    let mut tokens = 0;
    let mut data = Vec::new();
    let list = reply.get("predictions").and_then(Value::as_array);
    for (index, item) in list.into_iter().flatten().enumerate() {
        let embedding = &item["embeddings"];
        if let Value::Object(statistics) = &embedding["statistics"] {
            tokens += count(statistics, "token_count");
        }
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding["values"]}));
    }
    let used = json!({"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens});
    embeddings::finished(call, target, &data, into_object(used))
}
