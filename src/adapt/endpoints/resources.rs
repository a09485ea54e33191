//! What a provider keeps for its callers, in OpenAI's API and at Azure's resources: files, batches, fine-tuning jobs.
//!
//! API: <https://platform.openai.com/docs/api-reference/files>, `/batch`, `/fine-tuning`. Replies go back as they came.

use super::asked::{auth, refused, speaks};
use super::form::Form;
use super::members::given;
use super::route::{query, segment};
use crate::account::Usage;
use crate::adapt::providers::azure::{address, credentials};
use crate::adapt::providers::openai_request::wire;
use crate::adapt::{Adapter, Auth, Head, Provider, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op, Resource};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::Value;

/// The adapter.
struct OpenAi;

/// Who keeps files, batches and jobs in OpenAI's form.
pub fn offered(provider: &Provider) -> Option<&'static dyn Adapter> {
    speaks(provider).then_some(&OpenAi as &dyn Adapter)
}

/// The verb, and the path up to the id and behind it.
fn row(resource: Resource) -> (Method, &'static str, &'static str) {
    match resource {
        Resource::CreateFile => (Method::POST, "/files", ""),
        Resource::RetrieveFile => (Method::GET, "/files/", ""),
        Resource::DeleteFile => (Method::DELETE, "/files/", ""),
        Resource::ListFiles => (Method::GET, "/files", ""),
        Resource::FileContent => (Method::GET, "/files/", "/content"),
        Resource::CreateBatch => (Method::POST, "/batches", ""),
        Resource::RetrieveBatch => (Method::GET, "/batches/", ""),
        Resource::CancelBatch => (Method::POST, "/batches/", "/cancel"),
        Resource::ListBatches => (Method::GET, "/batches", ""),
        Resource::CreateJob => (Method::POST, "/fine_tuning/jobs", ""),
        Resource::RetrieveJob => (Method::GET, "/fine_tuning/jobs/", ""),
        Resource::CancelJob => (Method::POST, "/fine_tuning/jobs/", "/cancel"),
        Resource::ListJobs => (Method::GET, "/fine_tuning/jobs", ""),
    }
}

/// The member that names one of them.
fn id_member(path: &str) -> &'static str {
    match path {
        "/files/" => "file_id",
        "/batches/" => "batch_id",
        _ => "fine_tuning_job_id",
    }
}

/// What is asked; [`Target::adapter`](crate::adapt::Target::adapter) sends nothing else here.
fn resource(call: &Call) -> Resource {
    match call.op {
        Op::Resource(resource) => resource,
        _ => Resource::ListFiles,
    }
}

impl Adapter for OpenAi {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let resource = resource(call);
        let (method, start, end) = row(resource);
        let mut members = given(call, target);
        let path = if start.ends_with('/') {
            let name = id_member(start);
            let id: Option<String> = members.get(name).filter(|id: &String| !id.is_empty());
            let id = id.ok_or_else(|| {
                Error::bad_request(format!("`{name}` is missing"))
                    .at(target.provider.name, &target.model)
            })?;
            members.remove(name);
            format!("{start}{}{end}", segment(&id))
        } else {
            start.to_owned()
        };
        let azure = target.provider.name == "azure";
        let (mut url, mut headers) = if azure {
            let url = address::resource(target, &path)?;
            (url, credentials::headers(call, target)?)
        } else {
            let asked = wire::upstream(call, target, &path, &Params::default())?;
            (asked.url, asked.headers)
        };
        if resource == Resource::FileContent {
            headers.insert(ACCEPT, HeaderValue::from_static("application/binary"));
        }
        let body = match resource {
            Resource::CreateFile => {
                let (kind, body) = form(call, target, &members)?.finish();
                headers.insert(CONTENT_TYPE, kind);
                body
            }
            Resource::CreateBatch => members.to_json().into(),
            Resource::CreateJob => {
                members.set("model", &target.model);
                // LiteLLM asks Azure for the standard tier of training, unless the caller says another.
                if azure && !members.contains("trainingType") {
                    members.set("trainingType", &1);
                }
                members.to_json().into()
            }
            _ => {
                headers.remove(CONTENT_TYPE);
                let pairs: Vec<(String, String)> = members.iter().filter_map(pair).collect();
                if !pairs.is_empty() {
                    url.push(if url.contains('?') { '&' } else { '?' });
                    url.push_str(&query(&pairs));
                }
                Bytes::new().into()
            }
        };
        Ok(UpstreamRequest {
            method,
            url,
            headers,
            body,
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        auth(call, target)
    }

    fn is_raw(&self, call: &Call) -> bool {
        resource(call) == Resource::FileContent
    }

    fn reply(&self, _call: &Call, _target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        Ok(Reply {
            body,
            usage: Some(Usage::default()),
            upstream_model: None,
            finish_reason: None,
        })
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        refused(target, head, body)
    }
}

/// A member as a query has it; what is no text, number or truth value has no place there.
fn pair((name, raw): (&str, &Bytes)) -> Option<(String, String)> {
    let value = match serde_json::from_slice(raw).ok()? {
        Value::String(text) => text,
        value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
        _ => return None,
    };
    Some((name.to_owned(), value))
}

/// The form of an upload; members of an object are fields of their own, as `expires_after[seconds]`.
fn form(call: &Call, target: &Target, members: &Params) -> Result<Form> {
    let mut flat = Params::default();
    for (name, raw) in members.iter() {
        match Params::parse(raw) {
            Ok(below) => {
                for (member, raw) in below.iter() {
                    flat.set_raw(&format!("{name}[{member}]"), raw.clone());
                }
            }
            Err(_) => flat.set_raw(name, raw.clone()),
        }
    }
    let mut form = Form::new(&call.id);
    form.members(&flat);
    let hint = "pass bytes, a path, an open file, or a tuple of name and content";
    form.the_file(call, target, hint)?;
    Ok(form)
}

#[cfg(test)]
#[path = "resources_tests.rs"]
mod tests;
