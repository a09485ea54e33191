//! The system's blocks, and system messages later in a conversation, for which Converse has no role: they go as the
//! user's, where they stand, so that what comes before them stays as it was cached.

use super::tools::CachePoints;
use crate::adapt::tree::{Members, Tree, tree};

/// Said before a system message that goes as the user's (LiteLLM's words).
const NOTE: &str = "Operator note (not from the user): the following was originally a mid-conversation system-role reminder.";

/// The role of a message.
pub fn role<'b>(message: &'b Members<'_>) -> &'b str {
    match message.get("role").and_then(Tree::as_str) {
        Some("developer") => "system",
        Some(role) => role,
        None => "user",
    }
}

/// Takes the system's blocks off the beginning of a conversation, and rewrites what is left of it.
pub fn split(messages: Vec<Members<'_>>, caches: CachePoints) -> (Vec<Tree<'_>>, Vec<Members<'_>>) {
    let leading = messages
        .iter()
        .take_while(|message| role(message) == "system")
        .count();
    let mut rest = messages;
    let later = rest.split_off(leading);
    let mut blocks = Vec::new();
    for (text, mark) in rest.into_iter().flat_map(texts) {
        blocks.push(tree!({"text": text}));
        blocks.extend(caches.block(mark.as_ref()));
    }
    let turns = after_results(later)
        .into_iter()
        .filter_map(as_user)
        .collect();
    (blocks, turns)
}

/// The texts of a message, each with its mark.
fn texts(mut message: Members<'_>) -> Vec<(Tree<'_>, Option<Tree<'_>>)> {
    let mark = message.remove("cache_control");
    match message.remove("content") {
        Some(Tree::Text(text)) if !text.is_empty() => vec![(Tree::Text(text), mark)],
        Some(Tree::List(parts)) => parts
            .into_iter()
            .filter_map(|part| match part {
                Tree::Object(mut part) if part.get("type").is_some_and(|kind| *kind == "text") => {
                    let mark = part.remove("cache_control");
                    let text = part.remove("text")?;
                    let said = text.as_str().is_some_and(|text| !text.is_empty());
                    said.then_some((text, mark))
                }
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// System messages between a call of tools and its results move behind the results.
fn after_results(messages: Vec<Members<'_>>) -> Vec<Members<'_>> {
    let mut out = Vec::with_capacity(messages.len());
    let mut held = Vec::new();
    let mut called = false;
    for message in messages {
        if role(&message) == "system" && called {
            held.push(message);
            continue;
        }
        if !is_result(&message) {
            out.append(&mut held);
            called = message
                .get("tool_calls")
                .and_then(Tree::as_list)
                .is_some_and(|calls| !calls.is_empty());
        }
        out.push(message);
    }
    out.append(&mut held);
    out
}

fn is_result(message: &Members<'_>) -> bool {
    let parts = message.get("content").and_then(Tree::as_list);
    let kind = parts.and_then(|parts| parts.first()?.get("type"));
    match role(message) {
        "tool" => true,
        "user" => kind.is_some_and(|kind| *kind == "tool_result"),
        _ => false,
    }
}

fn as_user(message: Members<'_>) -> Option<Members<'_>> {
    if role(&message) != "system" {
        return Some(message);
    }
    let mut parts = vec![tree!({"type": "text", "text": NOTE})];
    for (text, mark) in texts(message) {
        let mut part = tree!({"type": "text", "text": text});
        if let Some(mark) = mark.filter(|mark| !mark.is_null()) {
            part.set("cache_control", mark);
        }
        parts.push(part);
    }
    if parts.len() == 1 {
        return None;
    }
    let mut user = Members::default();
    user.set("role", "user");
    user.set("content", parts);
    Some(user)
}
