//! A whole chat told as a response.

use super::response::{self, Said};
use super::tools::Names;
use super::{output, usage};
use crate::adapt::{Reply, Target};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use serde_json::{Map, Value};

/// The response of a chat's canonical reply.
///
/// # Errors
/// A reply that is no chat completion.
pub(super) fn response(call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
    let chat: Map<String, Value> = serde_json::from_slice(&reply.body).map_err(|_| {
        let mut error = Error::new(ErrorKind::InternalServer, "the chat is no JSON object");
        error.side = Side::Gateway;
        error.at(target.provider.name, &target.model)
    })?;
    let text = |name: &str| chat.get(name).and_then(Value::as_str).unwrap_or_default();
    let choices = chat.get("choices").and_then(Value::as_array);
    let names = Names::of(call.params.raw("tools"));
    let mut items = Vec::new();
    for choice in choices.into_iter().flatten() {
        let finish = choice.get("finish_reason").and_then(Value::as_str);
        if let Some(message) = choice.get("message").and_then(Value::as_object) {
            items.extend(output::items(message, output::ended(finish).0, &names));
        }
    }
    let first = choices.and_then(|choices| choices.first());
    let finish = first.and_then(|choice| choice.get("finish_reason")?.as_str());
    let (status, incomplete) = output::ended(finish);
    // Claude's are told of the response, too; what others say of a message stays with the message.
    let fields = first
        .and_then(|choice| choice.get("message")?.get("provider_specific_fields"))
        .filter(|fields| fields.get("thinking_blocks").is_some())
        .cloned();
    let used = chat.get("usage").and_then(Value::as_object);
    let id = response::id(call, target, text("id"));
    let body = response::over(
        call,
        &Said {
            id: &id,
            created: chat
                .get("created")
                .and_then(Value::as_i64)
                .unwrap_or(call.created),
            model: text("model"),
            status,
            incomplete,
            output: &items,
            usage: Some(usage::told(used, true)),
            fields,
        },
        true,
    );
    Ok(Reply { body, ..reply })
}
