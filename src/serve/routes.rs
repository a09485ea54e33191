//! The table of routes: method and path -> [`Endpoint`]. One row is one path of LiteLLM's server.
//!
//! A table of its own, and no framework's router, because the contract has what those do not: model names with
//! slashes in the middle of a path, 307 for a trailing slash, and a 405 that names exactly the verbs of the row.

use crate::request::{Op, Stored};
use std::borrow::Cow;

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Endpoint {
    Call(Op),
    Models,
    Model,
    ModelInfo,
    GroupInfo,
    SupportedParams,
    Catalogued,
    Callbacks,
    Tool(Tool),
    Alive,
    Ready,
    ReadyDetails,
    Health,
    Metrics,
    Routes,
    OpenApi,
    Home,
    /// Management of keys, teams, users and spend.
    Managed,
}

/// What reads a body and calls no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Tool {
    TokenCounter,
    MessageTokens,
    ContentTokens,
    /// What Claude Code reports of itself: nobody here wants it.
    ClientEvents,
    CostEstimate,
    TransformRequest,
}

/// One row.
#[derive(Debug)]
pub struct Route {
    /// `POST`, or `GET`, or both, as the `allow` header says it.
    pub methods: &'static str,
    /// The path; `{model}` is one or more segments.
    pub path: &'static str,
    /// What it does.
    pub endpoint: Endpoint,
    /// Whether it wants a key.
    pub guarded: bool,
}

const fn open(methods: &'static str, path: &'static str, endpoint: Endpoint) -> Route {
    Route {
        methods,
        path,
        endpoint,
        guarded: false,
    }
}

const fn guarded(methods: &'static str, path: &'static str, endpoint: Endpoint) -> Route {
    Route {
        methods,
        path,
        endpoint,
        guarded: true,
    }
}

const fn call(path: &'static str, op: Op) -> Route {
    guarded("POST", path, Endpoint::Call(op))
}

const fn content_tokens(path: &'static str) -> Route {
    guarded("POST", path, Endpoint::Tool(Tool::ContentTokens))
}

/// A question about a stored response; `{model}` of its path is the response's id.
const fn stored(methods: &'static str, path: &'static str, what: Stored) -> Route {
    guarded(methods, path, Endpoint::Call(Op::Stored(what)))
}

/// What needs a database; any verb, because the refusal is the same.
const fn managed(path: &'static str) -> Route {
    guarded("DELETE, GET, PATCH, POST, PUT", path, Endpoint::Managed)
}

/// The table. The busiest rows come first.
pub static ROUTES: &[Route] = &[
    call("/v1/chat/completions", Op::Chat),
    call("/chat/completions", Op::Chat),
    call("/v1/embeddings", Op::Embeddings),
    call("/embeddings", Op::Embeddings),
    call("/v1/completions", Op::TextCompletion),
    call("/completions", Op::TextCompletion),
    call("/v1/messages", Op::Messages),
    call("/v1/rerank", Op::Rerank),
    call("/v2/rerank", Op::Rerank),
    call("/rerank", Op::Rerank),
    guarded(
        "POST",
        "/v1/messages/count_tokens",
        Endpoint::Tool(Tool::MessageTokens),
    ),
    guarded(
        "POST",
        "/api/event_logging/batch",
        Endpoint::Tool(Tool::ClientEvents),
    ),
    call("/v1/images/generations", Op::ImageGeneration),
    call("/images/generations", Op::ImageGeneration),
    call("/v1/images/edits", Op::ImageEdit),
    call("/images/edits", Op::ImageEdit),
    call("/v1/images/variations", Op::ImageVariation),
    call("/images/variations", Op::ImageVariation),
    call("/v1/audio/transcriptions", Op::Transcription),
    call("/audio/transcriptions", Op::Transcription),
    call("/v1/audio/speech", Op::Speech),
    call("/audio/speech", Op::Speech),
    call("/v1/moderations", Op::Moderation),
    call("/moderations", Op::Moderation),
    call("/v1/responses", Op::Responses),
    call("/responses", Op::Responses),
    call("/openai/v1/responses", Op::Responses),
    open("GET, OPTIONS", "/health/liveliness", Endpoint::Alive),
    open("GET, OPTIONS", "/health/liveness", Endpoint::Alive),
    open("GET, OPTIONS", "/health/live", Endpoint::Alive),
    open("GET, OPTIONS", "/health/readiness", Endpoint::Ready),
    open("GET, OPTIONS", "/health/ready", Endpoint::Ready),
    guarded("GET", "/health/readiness/details", Endpoint::ReadyDetails),
    guarded("GET", "/health", Endpoint::Health),
    open("GET", "/metrics", Endpoint::Metrics),
    open("GET", "/metrics/", Endpoint::Metrics),
    guarded("GET", "/v1/models", Endpoint::Models),
    guarded("GET", "/models", Endpoint::Models),
    guarded("GET", "/v1/model/info", Endpoint::ModelInfo),
    guarded("GET", "/model/info", Endpoint::ModelInfo),
    guarded("GET", "/model_group/info", Endpoint::GroupInfo),
    guarded(
        "POST",
        "/utils/token_counter",
        Endpoint::Tool(Tool::TokenCounter),
    ),
    guarded(
        "POST",
        "/utils/transform_request",
        Endpoint::Tool(Tool::TransformRequest),
    ),
    guarded("POST", "/cost/estimate", Endpoint::Tool(Tool::CostEstimate)),
    guarded(
        "GET",
        "/utils/supported_openai_params",
        Endpoint::SupportedParams,
    ),
    guarded("GET", "/utils/model_info", Endpoint::Catalogued),
    guarded("GET", "/active/callbacks", Endpoint::Callbacks),
    guarded("GET", "/settings", Endpoint::Callbacks),
    open("GET", "/", Endpoint::Home),
    open("GET", "/routes", Endpoint::Routes),
    open("GET", "/openapi.json", Endpoint::OpenApi),
    call("/openai/deployments/{model}/chat/completions", Op::Chat),
    call(
        "/openai/deployments/{model}/completions",
        Op::TextCompletion,
    ),
    call("/openai/deployments/{model}/embeddings", Op::Embeddings),
    call("/engines/{model}/chat/completions", Op::Chat),
    call("/engines/{model}/completions", Op::TextCompletion),
    call("/engines/{model}/embeddings", Op::Embeddings),
    call(
        "/openai/deployments/{model}/images/generations",
        Op::ImageGeneration,
    ),
    call("/openai/deployments/{model}/images/edits", Op::ImageEdit),
    stored("POST", "/v1/responses/compact", Stored::Compact),
    stored("POST", "/responses/compact", Stored::Compact),
    stored("POST", "/openai/v1/responses/compact", Stored::Compact),
    stored("POST", "/v1/responses/input_tokens", Stored::InputTokens),
    stored("POST", "/responses/input_tokens", Stored::InputTokens),
    stored(
        "POST",
        "/openai/v1/responses/input_tokens",
        Stored::InputTokens,
    ),
    stored("POST", "/v1/responses/{model}/cancel", Stored::Cancel),
    stored("POST", "/responses/{model}/cancel", Stored::Cancel),
    stored(
        "POST",
        "/openai/v1/responses/{model}/cancel",
        Stored::Cancel,
    ),
    stored(
        "GET",
        "/v1/responses/{model}/input_items",
        Stored::InputItems,
    ),
    stored("GET", "/responses/{model}/input_items", Stored::InputItems),
    stored(
        "GET",
        "/openai/v1/responses/{model}/input_items",
        Stored::InputItems,
    ),
    stored("GET", "/v1/responses/{model}", Stored::Get),
    stored("GET", "/responses/{model}", Stored::Get),
    stored("GET", "/openai/v1/responses/{model}", Stored::Get),
    stored("DELETE", "/v1/responses/{model}", Stored::Delete),
    stored("DELETE", "/responses/{model}", Stored::Delete),
    stored("DELETE", "/openai/v1/responses/{model}", Stored::Delete),
    guarded("GET", "/v1/models/{model}", Endpoint::Model),
    guarded("GET", "/models/{model}", Endpoint::Model),
    call(
        "/v1beta/models/{model}:generateContent",
        Op::GenerateContent,
    ),
    call(
        "/v1beta/models/{model}:streamGenerateContent",
        Op::GenerateContent,
    ),
    call("/v1/models/{model}:generateContent", Op::GenerateContent),
    call(
        "/v1/models/{model}:streamGenerateContent",
        Op::GenerateContent,
    ),
    call("/models/{model}:generateContent", Op::GenerateContent),
    call("/models/{model}:streamGenerateContent", Op::GenerateContent),
    content_tokens("/v1beta/models/{model}:countTokens"),
    content_tokens("/v1/models/{model}:countTokens"),
    content_tokens("/models/{model}:countTokens"),
    managed("/key/{model}"),
    managed("/user/{model}"),
    managed("/team/{model}"),
    managed("/customer/{model}"),
    managed("/organization/{model}"),
    managed("/budget/{model}"),
    managed("/spend/{model}"),
    managed("/global/{model}"),
    managed("/model/new"),
    managed("/model/update"),
    managed("/model/delete"),
    managed("/v2/model/info"),
];

/// Where a request goes.
#[derive(Debug)]
pub enum Found<'a> {
    /// A row, and the model of its path.
    Route(&'static Route, Option<Cow<'a, str>>),
    /// A row that does not take this verb; what it takes.
    WrongMethod(&'static str),
    /// The same path without its trailing slash is a row: go there.
    Moved(&'a str),
    /// Nowhere.
    Nothing,
}

/// Finds the row of a request.
pub fn find<'a>(method: &str, path: &'a str) -> Found<'a> {
    let mut wrong = None;
    for route in ROUTES {
        let Some(model) = matches(route.path, path) else {
            continue;
        };
        if route.methods.split(", ").any(|allowed| allowed == method) {
            return Found::Route(route, Some(model).filter(|model| !model.is_empty()));
        }
        wrong.get_or_insert(route.methods);
    }
    if let Some(methods) = wrong {
        return Found::WrongMethod(methods);
    }
    match path.strip_suffix('/') {
        Some(shorter) if ROUTES.iter().any(|r| matches(r.path, shorter).is_some()) => {
            Found::Moved(shorter)
        }
        _ => Found::Nothing,
    }
}

/// Whether a path is a row's; with the model that it names, empty for a row without one.
fn matches<'a>(row: &str, path: &'a str) -> Option<Cow<'a, str>> {
    let Some((before, rest)) = row.split_once('{') else {
        return (row == path).then_some(Cow::Borrowed(""));
    };
    let after = rest.strip_prefix("model}")?;
    let model = path.strip_prefix(before)?.strip_suffix(after)?;
    if model.is_empty() || model.ends_with('/') {
        return None;
    }
    Some(percent_decoded(model))
}

/// A path segment with its `%XX` resolved; left as it is where that gives no text.
pub fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let escaped = match (first, rest) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            out.push(high << 4 | low);
            bytes = rest.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            bytes = rest;
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn model(path: &str) -> String {
        match find("POST", path) {
            Found::Route(_, Some(model)) => model.into_owned(),
            other => panic!("{path} gave {other:?}"),
        }
    }

    #[test]
    fn a_model_in_the_path_may_have_slashes_and_escapes() {
        assert_eq!(
            model("/engines/openai/gpt-4o/chat/completions"),
            "openai/gpt-4o"
        );
        // A path copied out of a manual names a model all the same.
        assert_eq!(model("/engines/{model}/chat/completions"), "{model}");
        assert_eq!(model("/openai/deployments/a%2Fb/embeddings"), "a/b");
    }

    #[test]
    fn a_chat_path_is_not_taken_for_a_completions_path() {
        assert!(matches!(
            find("POST", "/engines/m/chat/completions"),
            Found::Route(
                Route {
                    endpoint: Endpoint::Call(Op::Chat),
                    ..
                },
                _
            )
        ));
    }

    #[test]
    fn a_wrong_verb_and_a_trailing_slash_are_told_apart_from_nothing() {
        assert!(matches!(
            find("GET", "/v1/chat/completions"),
            Found::WrongMethod("POST")
        ));
        assert!(matches!(
            find("POST", "/v1/chat/completions/"),
            Found::Moved("/v1/chat/completions")
        ));
        assert!(matches!(
            find("POST", "//v1/chat/completions"),
            Found::Nothing
        ));
        assert!(matches!(find("GET", "/v1/none-such"), Found::Nothing));
    }
}
