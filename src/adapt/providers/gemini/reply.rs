//! Candidates into choices: text, thoughts, calls, images, and what the answer rests on.

use super::{shown_model, usage};
use crate::adapt::Target;
use crate::adapt::canonical::{finish_reason, into_object, python_json};
use crate::adapt::usage::Object;
use crate::request::Call;
use serde_json::{Value, json};

/// Finish reasons that say that the answer was withheld.
const FLAGGED: [&str; 8] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "LANGUAGE",
];

/// Members of candidates that are handed on, each as a list over the candidates.
const KEPT: [(&str, &str); 4] = [
    ("vertex_ai_grounding_metadata", "groundingMetadata"),
    ("vertex_ai_url_context_metadata", "urlContextMetadata"),
    ("vertex_ai_safety_results", "safetyRatings"),
    ("vertex_ai_citation_metadata", "citationMetadata"),
];

/// The canonical form of a whole reply.
pub fn canonical(call: &Call, target: &Target, reply: &Object) -> Value {
    let none = Vec::new();
    let candidates = reply
        .get("candidates")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    let native = into_object(reply.get("usageMetadata").cloned().unwrap_or_default());
    let model = shown_model(call, target, reply.get("modelVersion"));
    if is_withheld(reply, candidates) {
        let mut used = usage::canonical(&native, 0);
        used.retain(|name, _| {
            matches!(
                name.as_str(),
                "prompt_tokens" | "completion_tokens" | "total_tokens"
            )
        });
        return json!({
            "id": format!("chatcmpl-{}", call.id), "created": call.created, "model": model,
            "object": "chat.completion", "usage": used,
            "choices": [{"index": 0, "finish_reason": "content_filter",
                "message": {"content": null, "role": "assistant"}}],
        });
    }
    let id = match reply.get("responseId").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => format!("chatcmpl-{}", call.id),
    };
    let choices: Vec<Value> = candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| choice(&call.id, at, candidate))
        .collect();
    let mut out = json!({
        "id": id, "created": call.created, "model": model, "object": "chat.completion", "choices": choices,
        "usage": usage::canonical(&native, searches(candidates)),
    });
    for (name, values) in kept(candidates) {
        out[name] = values;
    }
    out
}

fn is_withheld(reply: &Object, candidates: &[Value]) -> bool {
    let blocked = reply
        .get("promptFeedback")
        .is_some_and(|said| said.get("blockReason").is_some());
    let flagged = |candidate: &Value| {
        candidate["finishReason"]
            .as_str()
            .is_some_and(|reason| FLAGGED.contains(&reason))
    };
    (blocked && candidates.is_empty()) || candidates.first().is_some_and(flagged)
}

/// What the candidates say beside their content.
pub fn kept(candidates: &[Value]) -> Vec<(&'static str, Value)> {
    KEPT.iter()
        .map(|(name, native)| {
            let values = candidates
                .iter()
                .filter_map(|candidate| candidate.get(*native).cloned());
            (*name, Value::Array(values.collect()))
        })
        .collect()
}

/// Web searches that the candidates were grounded on.
pub fn searches(candidates: &[Value]) -> u64 {
    let searched = |candidate: &&Value| {
        let queries = candidate["groundingMetadata"]["webSearchQueries"].as_array();
        queries.is_some_and(|queries| !queries.is_empty())
    };
    u64::from(candidates.iter().find(searched).is_some())
}

fn choice(id: &str, at: usize, candidate: &Value) -> Value {
    let native = candidate["finishReason"].as_str();
    let index = candidate["index"].as_u64().unwrap_or(at as u64);
    let said = Said::read(candidate, id, 0);
    let called = !said.calls.is_empty();
    let finish = if called {
        "tool_calls"
    } else {
        finish_reason(native.unwrap_or("stop"))
    };
    let mut message = json!({"content": said.content(), "role": "assistant"});
    if candidate["content"].get("parts").is_some() {
        message["images"] = Value::Array(said.images);
        message["thinking_blocks"] = Value::Array(said.thinking);
    }
    if let Some(reasoning) = said.reasoning {
        message["reasoning_content"] = json!(reasoning);
    }
    if called {
        message["tool_calls"] = Value::Array(said.calls);
    }
    if !said.signatures.is_empty() {
        message["provider_specific_fields"] = json!({"thought_signatures": said.signatures});
    }
    if let Some(audio) = said.audio {
        message["audio"] = audio;
    }
    let annotations = annotations(&candidate["groundingMetadata"]);
    if !annotations.is_empty() {
        message["annotations"] = Value::Array(annotations);
    }
    let mut choice = json!({"index": index, "finish_reason": finish, "message": message});
    if let Some(native) = native {
        choice["provider_specific_fields"] = json!({"native_finish_reason": native});
    }
    if let Some(logprobs) = logprobs(&candidate["logprobsResult"]) {
        choice["logprobs"] = logprobs;
    }
    choice
}

/// What one candidate says.
#[derive(Debug, Default)]
pub struct Said {
    /// The text, when there is one.
    pub text: Option<String>,
    /// The thoughts.
    pub reasoning: Option<String>,
    /// The thoughts as blocks, with their signatures.
    pub thinking: Vec<Value>,
    /// Calls of tools.
    pub calls: Vec<Value>,
    /// Images as data URLs.
    pub images: Vec<Value>,
    /// Sound.
    pub audio: Option<Value>,
    /// Signatures of thoughts, which later requests send back.
    pub signatures: Vec<Value>,
}

impl Said {
    /// Reads a candidate's parts; `first` is the index of its first call.
    pub fn read(candidate: &Value, id: &str, first: usize) -> Self {
        let mut said = Self::default();
        let parts = candidate["content"]["parts"].as_array();
        for part in parts.into_iter().flatten() {
            said.part(part, id, first);
        }
        said
    }

    fn content(&self) -> Option<&str> {
        let calls = !self.calls.is_empty();
        self.text
            .as_deref()
            .filter(|text| !(calls && text.is_empty()))
    }

    fn part(&mut self, part: &Value, id: &str, first: usize) {
        let signature = part
            .get("thoughtSignature")
            .filter(|signature| signature.is_string());
        self.signatures.extend(signature.cloned());
        if let Some(text) = part["text"].as_str() {
            if part["thought"] == true {
                self.reasoning
                    .get_or_insert_with(String::new)
                    .push_str(text);
                let mut block = json!({"type": "thinking", "thinking": text});
                if let Some(signature) = signature {
                    block["signature"] = signature.clone();
                }
                self.thinking.push(block);
            } else {
                self.text.get_or_insert_with(String::new).push_str(text);
            }
        }
        if let Value::Object(call) = &part["functionCall"] {
            self.call(call, signature, id, first);
        }
        if let Value::Object(data) = &part["inlineData"] {
            self.data(data, id);
        }
        for (name, member) in [
            ("executableCode", "code"),
            ("codeExecutionResult", "output"),
        ] {
            if let Some(shown) = part[name][member].as_str() {
                self.text.get_or_insert_with(String::new).push_str(shown);
            }
        }
    }

    fn call(&mut self, call: &Object, signature: Option<&Value>, id: &str, first: usize) {
        let index = first + self.calls.len();
        let given = call.get("id").filter(|given| given.is_string());
        let id = given
            .cloned()
            .unwrap_or_else(|| json!(format!("call_{}_{index}", id.replace('-', ""))));
        let args = call.get("args").cloned().unwrap_or_else(|| json!({}));
        let mut out = json!({
            "index": index, "id": id, "type": "function",
            "function": {"name": call.get("name"), "arguments": python_json(&args)},
        });
        if let Some(signature) = signature {
            out["provider_specific_fields"] = json!({"thought_signature": signature});
        }
        self.calls.push(out);
    }

    fn data(&mut self, data: &Object, id: &str) {
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        let (mime, bytes) = (text("mimeType"), text("data"));
        if mime.starts_with("audio/") {
            self.audio = Some(
                json!({"id": format!("audio_{id}"), "data": bytes, "expires_at": 0, "transcript": ""}),
            );
        } else if mime.starts_with("image/") {
            let url = format!("data:{mime};base64,{bytes}");
            let index = self.images.len();
            self.images.push(json!({"image_url": {"url": url, "detail": "auto"}, "index": index, "type": "image_url"}));
        }
    }
}

/// Which of the web's pages each piece of the text rests on.
pub fn annotations(grounding: &Value) -> Vec<Value> {
    let none = Vec::new();
    let chunks = grounding["groundingChunks"].as_array().unwrap_or(&none);
    let mut out = Vec::new();
    for support in grounding["groundingSupports"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let segment = &support["segment"];
        let first = support["groundingChunkIndices"][0].as_u64();
        let Some(web) = first
            .and_then(|at| chunks.get(at as usize))
            .map(|chunk| &chunk["web"])
        else {
            continue;
        };
        out.push(json!({"type": "url_citation", "url_citation": {
            "start_index": segment["startIndex"].as_u64().unwrap_or(0), "end_index": segment["endIndex"],
            "url": web["uri"], "title": web["title"],
        }}));
    }
    out
}

fn logprobs(native: &Value) -> Option<Value> {
    let chosen = native["chosenCandidates"].as_array()?;
    let entry =
        |token: &Value| json!({"token": token["token"], "logprob": token["logProbability"]});
    let content = chosen.iter().enumerate().map(|(at, token)| {
        let top = native["topCandidates"][at]["candidates"].as_array();
        let top: Vec<Value> = top.into_iter().flatten().map(entry).collect();
        let mut out = entry(token);
        out["top_logprobs"] = Value::Array(top);
        out
    });
    Some(json!({"content": content.collect::<Vec<_>>()}))
}
