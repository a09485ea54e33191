//! What LiteLLM breaks of its clients' contracts, and this does not, over sockets. Each has a line in
//! docs/differences.md.

use super::bed::{Bed, MASTER_KEY};
use super::client::{Client, post};
use mock_upstream::Answer;
use serde_json::{Value, json};

/// A gateway with one model of each kind: `gpt`, `claude`, `gemini`.
fn bed() -> Bed {
    Bed::with(1, |ports| {
        let base = format!("http://127.0.0.1:{}", ports[0]);
        let model = |name: &str, model: &str, path: &str| {
            format!(
                "  - model_name: {name}\n    litellm_params: {{model: {model}, api_base: \"{base}{path}\", \
                 api_key: k, max_retries: 0}}\n"
            )
        };
        format!(
            "model_list:\n{}{}{}router_settings: {{num_retries: 0, disable_cooldowns: true}}\n\
             general_settings: {{master_key: {MASTER_KEY}}}\n",
            model("gpt", "openai/gpt-4o", "/v1"),
            model("claude", "anthropic/claude-sonnet-4-5", ""),
            model("gemini", "gemini/gemini-2.5-flash", "/v1beta"),
        )
    })
}

fn refused(status: u16, headers: &[(&str, &str)]) -> Answer {
    let body =
        json!({"type": "error", "error": {"type": "some_error", "message": "no", "code": status}});
    Answer {
        status,
        json: Some(body),
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        ..Answer::default()
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        (found == name).then(|| value.to_owned())
    })
}

const CHAT: &str = r#"{"model":"gpt","messages":[{"role":"user","content":"q"}]}"#;
const MESSAGES: &str = r#""max_tokens":9,"messages":[{"role":"user","content":"q"}]}"#;

fn messages(model: &str, stream: bool) -> String {
    post(
        "/v1/messages",
        &format!(r#"{{"model":"{model}","stream":{stream},{MESSAGES}"#),
    )
}

#[tokio::test]
async fn a_rate_limit_tells_when_to_come_back_and_which_request_it_was() {
    let bed = bed();
    {
        for (request, id) in [
            (post("/v1/chat/completions", CHAT), "x-request-id"),
            (messages("claude", false), "request-id"),
            (messages("claude", true), "request-id"),
        ] {
            bed.mock
                .script(vec![refused(429, &[("retry-after", "7"), (id, "req_up")])]);
            let mut client = Client::open(bed.address).await;
            let reply = client.call(request).await;
            assert_eq!(reply.status, 429);
            assert_eq!(header(&reply.head, "retry-after").as_deref(), Some("7"));
            assert_eq!(header(&reply.head, id).as_deref(), Some("req_up"));
        }
    }
}

#[tokio::test]
async fn a_request_whose_provider_has_no_id_for_it_has_the_calls() {
    let bed = bed();
    {
        let reply = Client::open(bed.address)
            .await
            .call(post("/v1/chat/completions", CHAT))
            .await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            header(&reply.head, "x-request-id"),
            header(&reply.head, "x-litellm-call-id")
        );
    }
}

#[tokio::test]
async fn a_422_stays_an_error() {
    let bed = bed();
    {
        for request in [
            post("/v1/chat/completions", CHAT),
            messages("claude", false),
            messages("gpt", false),
        ] {
            bed.mock.script(vec![refused(422, &[])]);
            let reply = Client::open(bed.address).await.call(request).await;
            assert_eq!(reply.status, 422);
            assert!(
                reply.json()["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("no")
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_reaches_whoever_reads_the_stream() {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let events = vec![
        chunk(
            json!({"role": "assistant", "content": null, "refusal": ""}),
            Value::Null,
        ),
        chunk(json!({"refusal": "I "}), Value::Null),
        chunk(json!({"refusal": "won't."}), Value::Null),
        chunk(json!({}), json!("stop")),
        json!("[DONE]"),
    ];
    let bed = bed();
    {
        bed.mock.script(vec![Answer {
            sse: Some(events),
            ..Answer::default()
        }]);
        let body = CHAT.replacen('{', r#"{"stream":true,"#, 1);
        let reply = Client::open(bed.address)
            .await
            .call(post("/v1/chat/completions", &body))
            .await;
        let text = reply.text();
        assert!(
            text.contains(r#""refusal":"I ""#) && text.contains(r#""refusal":"won't.""#),
            "{text}"
        );
        // What only a chat takes is asked as one; all else as a response.
        let over_chat =
            format!(r#"{{"model":"gpt","stream":true,"stop_sequences":["END"],{MESSAGES}"#);
        told_as_refused(&bed, post("/v1/messages", &over_chat)).await;
        let part = json!({"type": "refusal", "refusal": "I won't."});
        let whole = json!({"id": "r", "status": "completed", "model": "m",
            "output": [{"id": "m", "type": "message", "role": "assistant", "content": [part]}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}});
        let events = vec![
            json!({"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}),
            json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I won't."}),
            json!({"type": "response.completed", "response": whole}),
        ];
        bed.mock.script(vec![Answer {
            sse: Some(events),
            ..Answer::default()
        }]);
        told_as_refused(&bed, messages("gpt", true)).await;
    }
}

async fn told_as_refused(bed: &Bed, request: String) {
    let reply = Client::open(bed.address).await.call(request).await;
    let text = reply.text();
    assert!(
        text.contains(r#""stop_reason":"refusal""#) && text.contains("won't."),
        "{text}"
    );
}

#[tokio::test]
async fn a_rate_limit_of_gemini_behind_messages_is_one() {
    let bed = bed();
    {
        for stream in [false, true] {
            bed.mock.script(vec![refused(429, &[])]);
            let reply = Client::open(bed.address)
                .await
                .call(messages("gemini", stream))
                .await;
            assert_eq!(reply.status, 429);
            assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
            // The same as the first event of a stream that had begun with 200.
            let error =
                json!({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}});
            bed.mock.script(vec![Answer {
                sse: Some(vec![error]),
                ..Answer::default()
            }]);
            let reply = Client::open(bed.address)
                .await
                .call(messages("gemini", true))
                .await;
            assert_eq!(reply.status, 429, "{}", reply.text());
        }
    }
}

fn generate(path: &str, model: &str, verb: &str, body: &Value) -> String {
    post(&format!("{path}/models/{model}:{verb}"), &body.to_string())
}

fn asked() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
        "generationConfig": {"maxOutputTokens": 4096, "thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": true}}})
}

#[tokio::test]
async fn every_version_of_geminis_paths_leads_to_gemini() {
    let said = json!({"candidates": [{"content": {"parts": [{"text": "Hi", "new": 1}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}});
    let bed = bed();
    {
        for path in ["/v1beta", "/v1", ""] {
            bed.mock.script(vec![Answer {
                json: Some(said.clone()),
                ..Answer::default()
            }]);
            let reply = Client::open(bed.address)
                .await
                .call(generate(path, "gemini", "generateContent", &asked()))
                .await;
            assert_eq!((reply.status, reply.json()), (200, said.clone()));
            let sent = &bed.mock.captured()[0]["body"];
            assert_eq!(sent["tools"], asked()["tools"]);
            assert_eq!(sent["generationConfig"], asked()["generationConfig"]);
            bed.mock.script(vec![Answer {
                json: Some(json!({"totalTokens": 3})),
                ..Answer::default()
            }]);
            let reply = Client::open(bed.address)
                .await
                .call(generate(path, "gemini", "countTokens", &asked()))
                .await;
            assert_eq!(
                (reply.status, reply.json()),
                (200, json!({"totalTokens": 3}))
            );
        }
    }
}

#[tokio::test]
async fn schemas_and_thoughts_of_geminis_dialect_reach_claude_and_come_back() {
    let said = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "tool_use",
        "content": [{"type": "thinking", "thinking": "t", "signature": "EqQBCkYIBBgC"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}],
        "usage": {"input_tokens": 9, "output_tokens": 3}});
    let bed = bed();
    {
        bed.mock.script(vec![Answer {
            json: Some(said),
            ..Answer::default()
        }]);
        let reply = Client::open(bed.address)
            .await
            .call(generate("/v1", "claude", "generateContent", &asked()))
            .await;
        let sent = &bed.mock.captured()[0]["body"];
        assert_eq!(sent["tools"][0]["input_schema"]["type"], "object");
        assert_eq!(
            sent["thinking"],
            json!({"type": "enabled", "budget_tokens": 2048})
        );
        let told = reply.json();
        let parts = &told["candidates"][0]["content"]["parts"];
        assert_eq!(
            parts[0],
            json!({"text": "t", "thought": true, "thoughtSignature": "EqQBCkYIBBgC"})
        );
        assert_eq!(
            parts[1]["functionCall"],
            json!({"id": "toolu_1", "name": "f", "args": {"a": 1}})
        );
    }
}

#[tokio::test]
async fn a_stream_of_geminis_is_events_or_an_array_as_the_client_asks() {
    let event = |text: &str| json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
    let events = vec![event("a"), event("b")];
    let bed = bed();
    {
        bed.mock.script(vec![Answer {
            sse: Some(events.clone()),
            ..Answer::default()
        }]);
        let call = |query: &str| {
            generate(
                "/v1beta",
                "gemini",
                &format!("streamGenerateContent{query}"),
                &asked(),
            )
        };
        let reply = Client::open(bed.address).await.call(call("?alt=sse")).await;
        let want: Vec<String> = events
            .iter()
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        assert_eq!(reply.text(), want.concat());
        let reply = Client::open(bed.address).await.call(call("")).await;
        assert_eq!(reply.json(), json!(events));
        assert!(reply.head.contains("content-type: application/json"));
    }
}

#[tokio::test]
async fn errors_are_told_in_the_dialect_of_the_call() {
    let bed = bed();
    {
        bed.mock.script(vec![refused(401, &[])]);
        let reply = Client::open(bed.address)
            .await
            .call(messages("claude", false))
            .await;
        assert_eq!(
            (reply.status, &reply.json()["type"]),
            (401, &json!("error"))
        );
        assert_eq!(reply.json()["error"]["type"], "authentication_error");
        bed.mock.script(vec![refused(503, &[])]);
        let reply = Client::open(bed.address)
            .await
            .call(generate("/v1", "gemini", "generateContent", &asked()))
            .await;
        assert_eq!(reply.json()["error"]["status"], "UNAVAILABLE");
        assert_eq!(reply.json()["error"]["code"], 503);
    }
}
