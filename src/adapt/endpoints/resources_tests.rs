#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::options::{Options, Secret};
use crate::upload::{Content, Payload, Upload};
use serde_json::json;

fn asked(provider: &str, resource: Resource, members: &Value) -> Result<UpstreamRequest> {
    let options = Options {
        api_key: Some(Secret::new("k")),
        api_base: Some("http://up".to_owned()),
        api_version: (provider == "azure").then(|| "2024-10-21".to_owned()),
        ..Options::default()
    };
    let target = Target::resolve(&format!("{provider}/m"), &options, &|_| None).unwrap();
    let raw = Bytes::from(members.to_string());
    let mut call = Call::new(Op::Resource(resource), "m", Params::parse(&raw).unwrap());
    call.uploads.push(Upload {
        field: "file".into(),
        name: "a.jsonl".into(),
        media_type: None,
        content: Content::Held(Bytes::from_static(b"{}\n")),
    });
    OpenAi.request(&call, &target)
}

fn text(body: &Payload) -> String {
    let Payload::Pieces(pieces) = body else {
        return String::from_utf8(body.to_vec()).unwrap();
    };
    let held = pieces.iter().map(|piece| match piece {
        Content::Held(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Content::Spooled(_) => panic!("nothing was spooled"),
    });
    held.collect()
}

#[test]
fn each_has_its_verb_and_path() {
    for (resource, members, line) in [
        (
            Resource::RetrieveFile,
            json!({"file_id": "file-1"}),
            "GET http://up/files/file-1",
        ),
        (
            Resource::DeleteFile,
            json!({"file_id": "../x?y"}),
            "DELETE http://up/files/%2E%2E%2Fx%3Fy",
        ),
        (
            Resource::ListFiles,
            json!({"purpose": "batch"}),
            "GET http://up/files?purpose=batch",
        ),
        (
            Resource::FileContent,
            json!({"file_id": "file-1"}),
            "GET http://up/files/file-1/content",
        ),
        (
            Resource::ListBatches,
            json!({"after": "x", "limit": 3}),
            "GET http://up/batches?after=x&limit=3",
        ),
        (
            Resource::CancelBatch,
            json!({"batch_id": "b"}),
            "POST http://up/batches/b/cancel",
        ),
        (
            Resource::RetrieveJob,
            json!({"fine_tuning_job_id": "f"}),
            "GET http://up/fine_tuning/jobs/f",
        ),
    ] {
        let request = asked("openai", resource, &members).unwrap();
        assert_eq!(format!("{} {}", request.method, request.url), line);
        assert_eq!(text(&request.body), "");
        assert!(!request.headers.contains_key(CONTENT_TYPE));
    }
}

#[test]
fn azures_are_at_its_resource_and_not_at_a_deployment() {
    let request = asked("azure", Resource::ListFiles, &json!({"purpose": "batch"})).unwrap();
    let url = "http://up/openai/files?api-version=2024-10-21&purpose=batch";
    assert_eq!(request.url, url);
    assert_eq!(request.headers["api-key"], "k");
    let job = asked(
        "azure",
        Resource::CreateJob,
        &json!({"training_file": "file-1"}),
    )
    .unwrap();
    let sent: Value = serde_json::from_str(&text(&job.body)).unwrap();
    assert_eq!(
        sent,
        json!({"training_file": "file-1", "model": "m", "trainingType": 1})
    );
}

#[test]
fn a_file_goes_as_a_form_with_flat_fields() {
    let members =
        json!({"purpose": "batch", "expires_after": {"anchor": "created_at", "seconds": 60}});
    let request = asked("openai", Resource::CreateFile, &members).unwrap();
    let body = text(&request.body);
    for part in [
        "name=\"purpose\"\r\n\r\nbatch",
        "name=\"expires_after[seconds]\"\r\n\r\n60",
        "name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: application/octet-stream\r\n\r\n{}\n",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
}

#[test]
fn without_an_id_nothing_is_asked() {
    let error = asked("openai", Resource::RetrieveBatch, &json!({})).unwrap_err();
    assert!(
        error.message.contains("`batch_id` is missing"),
        "{}",
        error.message
    );
    assert!(
        offered(
            Target::resolve("cohere/m", &Options::default(), &|_| Some("k".into()))
                .unwrap()
                .provider
        )
        .is_none()
    );
}
