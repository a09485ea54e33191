//! Messages into Anthropic's turns: system apart, neighbours of one role merged, every part in its block, and nothing
//! lost that Anthropic can carry: `cache_control`, thinking with its signatures, ids, server tools and their results.

use super::names::Names;
use crate::adapt::tree::{Members, Tree, tree};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Stands for a text that is empty, which Anthropic refuses.
const EMPTY: &str = "[System: Empty message content sanitised to satisfy protocol]";

/// A translated conversation.
#[derive(Debug, Default)]
pub struct Conversation<'a> {
    /// The system's blocks.
    pub system: Vec<Tree<'a>>,
    /// The turns: whose, and their blocks.
    pub turns: Vec<(&'a str, Vec<Tree<'a>>)>,
    /// Whether a part names a file of the files API.
    pub names_file: bool,
    /// Whether a part is an upload to the code container.
    pub uploads: bool,
}

/// Turns as `messages` holds them.
pub fn written<'a>(turns: Vec<(&'a str, Vec<Tree<'a>>)>) -> Tree<'a> {
    let turn = |(role, content)| tree!({"role": role, "content": content});
    Tree::List(turns.into_iter().map(turn).collect())
}

/// Whether messages call tools or answer calls.
pub fn calls_tools(messages: &[Members<'_>]) -> bool {
    messages.iter().any(|message| {
        let calls = message.get("tool_calls").and_then(Tree::as_list);
        calls.is_some_and(|calls| !calls.is_empty()) || role(message) == "tool"
    })
}

/// The first role that no conversation has.
pub fn unknown_role<'a>(messages: &'a [Members<'_>]) -> Option<&'a str> {
    messages.iter().map(role).find(|role| {
        !matches!(
            *role,
            "system" | "developer" | "user" | "assistant" | "tool" | "function"
        )
    })
}

fn role<'a>(message: &'a Members<'_>) -> &'a str {
    message.get("role").and_then(Tree::as_str).unwrap_or("user")
}

/// The translation of one conversation.
pub struct Translation<'a> {
    names: &'a Names,
    /// Whether later system messages have to go as the user's.
    hides_later_system: bool,
    out: Conversation<'a>,
    /// Ids of calls that the client answered itself.
    answered: BTreeSet<&'a str>,
    /// The id made up for the last call of a legacy function.
    function_id: String,
}

impl<'a> Translation<'a> {
    /// A translation that has not begun.
    pub fn new(names: &'a Names, hides_later_system: bool) -> Self {
        Self {
            names,
            hides_later_system,
            out: Conversation::default(),
            answered: BTreeSet::new(),
            function_id: String::new(),
        }
    }

    /// Translates all messages.
    pub fn of(mut self, messages: &'a [Members<'a>]) -> Conversation<'a> {
        let answers = messages.iter().filter(|message| role(message) == "tool");
        self.answered = answers
            .filter_map(|message| message.get("tool_call_id")?.as_str())
            .collect();
        let is_system = |message: &&Members<'_>| matches!(role(message), "system" | "developer");
        let leading = messages.iter().take_while(is_system).count();
        for (index, message) in messages.iter().enumerate() {
            let (role, content) = match role(message) {
                "system" | "developer" if index < leading => {
                    self.out.system.extend(texts(message));
                    continue;
                }
                "system" | "developer" if self.hides_later_system => ("user", texts(message)),
                "system" | "developer" => ("system", texts(message)),
                "assistant" => ("assistant", self.assistant(message)),
                "tool" | "function" => ("user", vec![self.tool_result(message)]),
                _ => ("user", self.user(message)),
            };
            self.push(role, content);
        }
        if let Some(("assistant", blocks)) = self.out.turns.last_mut() {
            blocks.iter_mut().for_each(trim_end);
        }
        self.out
    }

    fn push(&mut self, role: &'a str, content: Vec<Tree<'a>>) {
        if content.is_empty() {
            return;
        }
        match self.out.turns.last_mut() {
            Some((last, blocks)) if *last == role => {
                let known: BTreeSet<String> = ids(blocks).map(str::to_owned).collect();
                blocks.extend(content.into_iter().filter(|block| {
                    block["type"] != "tool_use"
                        || block["id"].as_str().is_none_or(|id| !known.contains(id))
                }));
            }
            _ => self.out.turns.push((role, content)),
        }
    }

    fn user(&mut self, message: &'a Members<'a>) -> Vec<Tree<'a>> {
        match message.get("content") {
            Some(Tree::Text(text)) => {
                let text = if text.trim().is_empty() { EMPTY } else { text };
                vec![marked(text_block(text), message)]
            }
            Some(Tree::List(parts)) => parts.iter().filter_map(|part| self.part(part)).collect(),
            _ => Vec::new(),
        }
    }

    /// One part of content; kinds that Anthropic has no block for are left out, as LiteLLM leaves them out.
    fn part(&mut self, part: &'a Tree<'a>) -> Option<Tree<'a>> {
        let block = match part["type"].as_str()? {
            "text" => {
                let text = part["text"].as_str().unwrap_or_default();
                text_block(if text.trim().is_empty() { EMPTY } else { text })
            }
            "image_url" => image(&part["image_url"]),
            "file" => self.file(&part["file"])?,
            "tool_reference" => {
                tree!({"type": "tool_reference", "tool_name": part["tool_name"].lent()})
            }
            "document" | "image" | "search_result" | "container_upload" | "tool_result" => {
                part.lent()
            }
            _ => return None,
        };
        self.out.uploads |= block["type"] == "container_upload";
        Some(marked_by(block, part))
    }

    fn file(&mut self, file: &'a Tree<'a>) -> Option<Tree<'a>> {
        let format = file["format"].as_str();
        if let Some(data) = file["file_data"].as_str().filter(|data| !data.is_empty()) {
            let source = inline(data, format);
            return Some(tree!({"type": "document", "source": source}));
        }
        let id = file["file_id"].as_str()?;
        self.out.names_file |= !id.starts_with("http");
        let source = tree!({"type": "file", "file_id": id});
        Some(match format {
            Some(format) if format.starts_with("image/") => {
                tree!({"type": "image", "source": source})
            }
            Some("application/pdf" | "text/plain") => tree!({"type": "document", "source": source}),
            None if id.starts_with("http") => {
                tree!({"type": "document", "source": tree!({"type": "url", "url": id})})
            }
            _ => tree!({"type": "container_upload", "file_id": id}),
        })
    }

    fn tool_result(&mut self, message: &'a Members<'a>) -> Tree<'a> {
        let content = match message.get("content") {
            Some(Tree::List(parts)) => {
                let part = |part: &'a Tree<'a>| match part["image_url"]["url"]
                    .as_str()
                    .or(part["image_url"].as_str())
                {
                    // A document in a data URI is no image.
                    Some(uri) if part["type"] == "image_url" && is_document(uri) => {
                        let document = tree!({"type": "document", "source": inline(uri, None)});
                        Some(marked_by(document, part))
                    }
                    _ if part["type"] == "text" => {
                        let text = tree!({"type": "text", "text": part["text"].lent()});
                        Some(marked_by(text, part))
                    }
                    _ => self.part(part),
                };
                Tree::List(parts.iter().filter_map(part).collect())
            }
            Some(text @ Tree::Text(_)) => text.lent(),
            Some(Tree::Null) | None => Tree::from(""),
            Some(other) => other.to_string().into(),
        };
        let id = match message.get("tool_call_id").and_then(Tree::as_str) {
            Some(id) => plain_id(id),
            None => Cow::Owned(self.function_id.clone()),
        };
        let mut block = tree!({"type": "tool_result", "tool_use_id": id, "content": content});
        if message.get("is_error") == Some(&Tree::Bool(true)) {
            block.set("is_error", true);
        }
        marked(block, message)
    }

    fn assistant(&mut self, message: &'a Members<'a>) -> Vec<Tree<'a>> {
        let own = message.get("provider_specific_fields");
        let own = |name: &str| own.and_then(|own| own.get(name)?.as_list());
        let compactions = own("compaction_blocks").into_iter().flatten();
        let mut content: Vec<Tree<'a>> = compactions.map(Tree::lent).collect();
        let thinking = message.get("thinking_blocks").and_then(Tree::as_list);
        content.extend(thinking.into_iter().flatten().filter_map(replayed));
        let calls = message.get("tool_calls").and_then(Tree::as_list);
        let function = message.get("function_call").filter(|call| !call.is_null());
        let speaks = calls.is_some_and(|calls| !calls.is_empty())
            || function.is_some()
            || !content.is_empty();
        match message.get("content") {
            Some(Tree::Text(text)) if !text.trim().is_empty() => {
                content.push(marked(text_block(text), message));
            }
            Some(Tree::Text(_)) if !speaks => content.push(text_block(EMPTY)),
            Some(Tree::List(parts)) => content.extend(parts.iter().filter_map(assistant_part)),
            _ => {}
        }
        let results: Vec<&Tree<'_>> = ["web_search_results", "tool_results"]
            .iter()
            .filter_map(|name| own(name))
            .flatten()
            .collect();
        let mut known: BTreeSet<Cow<'a, str>> =
            ids(&content).map(|id| Cow::Owned(id.to_owned())).collect();
        for call in calls.into_iter().flatten() {
            let id = call["id"].as_str().unwrap_or_default();
            if !known.insert(plain_id(id)) {
                continue;
            }
            let result = results.iter().find(|result| result["tool_use_id"] == id);
            let served =
                !self.answered.contains(id) && (result.is_some() || id.starts_with("srvtoolu_"));
            let (kind, id) = if served {
                ("server_tool_use", Cow::Borrowed(id))
            } else {
                ("tool_use", plain_id(id))
            };
            content.push(marked_by(self.tool_use(kind, id, &call["function"]), call));
            content.extend(result.filter(|_| served).map(|result| result.lent()));
        }
        if let Some(function) = function {
            self.function_id = format!("call_{}", self.out.turns.len());
            let id = Cow::Owned(self.function_id.clone());
            content.push(self.tool_use("tool_use", id, function));
        }
        content
    }

    fn tool_use(&self, kind: &'static str, id: Cow<'a, str>, function: &'a Tree<'a>) -> Tree<'a> {
        let name = function["name"].as_str().unwrap_or_default();
        let input = match &function["arguments"] {
            Tree::Text(text) => Tree::raw(text).unwrap_or_else(|| tree!({})),
            Tree::Null => tree!({}),
            given => given.lent(),
        };
        tree!({"type": kind, "id": id, "name": self.names.sent(name), "input": input})
    }
}

/// The texts of a message, empty ones left out.
fn texts<'a>(message: &'a Members<'a>) -> Vec<Tree<'a>> {
    let is_text = |part: &&Tree<'_>| {
        part["type"] != "text" || part["text"].as_str().is_some_and(|text| !text.is_empty())
    };
    let block = |part: &'a Tree<'a>| {
        let block = tree!({"type": part["type"].lent(), "text": part["text"].lent()});
        marked_by(block, part)
    };
    match message.get("content") {
        Some(Tree::Text(text)) if !text.is_empty() => vec![marked(text_block(text), message)],
        Some(Tree::List(parts)) => parts.iter().filter(is_text).map(block).collect(),
        _ => Vec::new(),
    }
}

fn ids<'b>(blocks: &'b [Tree<'_>]) -> impl Iterator<Item = &'b str> {
    let calls = blocks
        .iter()
        .filter(|block| block["type"] == "tool_use" || block["type"] == "server_tool_use");
    calls.filter_map(|block| block["id"].as_str())
}

/// A thinking block as it was signed: only Anthropic's own members go back.
fn replayed<'a>(block: &'a Tree<'a>) -> Option<Tree<'a>> {
    match block["type"].as_str()? {
        "redacted_thinking" => {
            Some(tree!({"type": "redacted_thinking", "data": block["data"].lent()}))
        }
        // Without a signature Anthropic refuses the block; another provider made it.
        "thinking" => {
            let signature = block["signature"].as_str().filter(|s| !s.is_empty())?;
            let thought = block["thinking"].lent();
            let thought = tree!({"type": "thinking", "thinking": thought, "signature": signature});
            Some(marked_by(thought, block))
        }
        _ => None,
    }
}

fn assistant_part<'a>(part: &'a Tree<'a>) -> Option<Tree<'a>> {
    match part["type"].as_str()? {
        "thinking" | "redacted_thinking" => replayed(part),
        "text" => {
            let text = part["text"].as_str().filter(|text| !text.is_empty())?;
            Some(marked_by(text_block(text), part))
        }
        "server_tool_use" | "tool_use" | "compaction" => Some(part.lent()),
        kind if kind.ends_with("_tool_result") => Some(part.lent()),
        _ => None,
    }
}

/// Claude refuses white space at the end of what it has to go on with.
pub fn trim_end(block: &mut Tree<'_>) {
    match block.get_mut("text") {
        Some(Tree::Text(Cow::Borrowed(text))) => *text = text.trim_end(),
        Some(Tree::Text(Cow::Owned(text))) => text.truncate(text.trim_end().len()),
        _ => {}
    }
}

fn text_block(text: &str) -> Tree<'_> {
    tree!({"type": "text", "text": text})
}

fn marked_by<'a>(block: Tree<'a>, original: &'a Tree<'a>) -> Tree<'a> {
    match original {
        Tree::Object(original) => marked(block, original),
        _ => block,
    }
}

fn marked<'a>(mut block: Tree<'a>, original: &'a Members<'a>) -> Tree<'a> {
    if let Some(mark) = original.get("cache_control").filter(|mark| !mark.is_null()) {
        block.set("cache_control", mark.lent());
    }
    block
}

/// An id as Anthropic takes it: letters, digits, `_` and `-`.
fn plain_id(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(plain) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.replace(|c| !plain(c), "_"))
}

fn is_document(uri: &str) -> bool {
    uri.starts_with("data:application/pdf") || uri.starts_with("data:text/")
}

fn image<'a>(given: &'a Tree<'a>) -> Tree<'a> {
    let url = given
        .as_str()
        .or_else(|| given["url"].as_str())
        .unwrap_or_default();
    if url.starts_with("http://") || url.starts_with("https://") {
        let source = tree!({"type": "url", "url": url});
        return tree!({"type": "image", "source": source});
    }
    let source = inline(url, given["format"].as_str());
    let kind = if is_document(url) {
        "document"
    } else {
        "image"
    };
    tree!({"type": kind, "source": source})
}

/// A data URI, or bare base64, as a source.
fn inline<'a>(uri: &'a str, format: Option<&'a str>) -> Tree<'a> {
    let (head, data) = match uri
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
    {
        Some((head, data)) => (head, data),
        None => ("", uri),
    };
    let named = head.split(';').next().unwrap_or_default();
    let media = format.unwrap_or(if named.is_empty() {
        "image/jpeg"
    } else {
        named
    });
    let media = if media == "image/jpg" {
        "image/jpeg"
    } else {
        media
    };
    tree!({"type": "base64", "media_type": media, "data": data})
}
