//! Messages into Converse's turns: neighbours of one role merged, every part in its block, marks as cache points, and
//! thinking with its signatures.

use super::errors::bad_messages;
use super::media::{self, short_hex};
use super::models;
use super::system::role;
use super::tools::{CachePoints, valid};
use crate::adapt::Target;
use crate::adapt::providers::anthropic_request::messages as claude;
use crate::adapt::tree::{Members, Tree, tree};
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What stands in where a turn is missing (LiteLLM's words).
const CONTINUE: &str = "Please continue.";
/// Stands beside a document that comes alone, which Bedrock refuses.
const PLACEHOLDER: &str = ".";
/// Stands for an image that may not stand in a tool's result.
const IMAGE_ELSEWHERE: &str = "[Tool returned an image - see the following user message]";
/// Longest id of a call, and how much of its digest tells it from one that was cut like it.
const MAX_ID: usize = 64;
const ID_DIGEST: usize = 4;

/// The member that asks for a cache point.
const MARK: &str = "cache_control";

/// How a conversation is translated.
pub struct Translation<'a> {
    target: &'a Target,
    /// Takes redacted thinking back.
    claude: bool,
    caches: CachePoints,
    /// Stands in for what Bedrock wants and the caller left out.
    modify: bool,
}

impl<'a> Translation<'a> {
    /// For a target, whose model is `model`.
    pub fn new(target: &'a Target, model: &str, caches: CachePoints) -> Self {
        Self {
            target,
            claude: models::is_claude(model),
            caches,
            modify: target.options.modify_params == Some(true),
        }
    }

    /// Translates all messages but the system's, which are [`Translation::completed`].
    ///
    /// # Errors
    /// One of a role that Converse has not, a part that it cannot hold.
    pub fn of<'m>(&self, messages: &'m [Members<'m>]) -> Result<Tree<'m>> {
        let mut turns: Vec<(&str, Vec<Tree<'m>>)> = Vec::new();
        let mut rest = messages;
        while let Some(first) = rest.first() {
            let kind = role(first);
            let count = rest
                .iter()
                .take_while(|message| role(message) == kind)
                .count();
            let (run, later) = rest.split_at(count);
            rest = later;
            let (as_role, content) = match kind {
                "user" => ("user", self.users(run)?),
                "tool" => ("user", self.results(run)?),
                "assistant" => ("assistant", self.assistants(run)?),
                other => {
                    let what = format!("a message has the role `{other}`, which Bedrock has not");
                    return Err(bad_messages(self.target, &what));
                }
            };
            if content.is_empty() {
                continue;
            }
            match turns.last_mut() {
                Some((last, blocks))
                    if *last == as_role && (as_role == "assistant" || !self.modify) =>
                {
                    blocks.extend(content);
                }
                Some((last, _)) if *last == as_role => {
                    turns.push(("assistant", vec![tree!({"text": CONTINUE})]));
                    turns.push((as_role, content));
                }
                _ => turns.push((as_role, content)),
            }
        }
        rename_documents(&mut turns);
        if let Some(("assistant", blocks)) = turns.last_mut()
            && self.claude
        {
            trim_end(blocks);
        }
        let images_in_results = self.keeps_images();
        for (role, blocks) in &mut turns {
            if !images_in_results {
                *blocks = beside(std::mem::take(blocks));
            }
            add_text(role, blocks);
        }
        Ok(claude::written(turns))
    }

    /// With the turns that Bedrock wants at both ends, where they may be made up.
    ///
    /// # Errors
    /// No message, where none may be made up.
    pub fn completed<'m>(&self, mut messages: Vec<Members<'m>>) -> Result<Vec<Members<'m>>> {
        let turn = || {
            let mut message = Members::default();
            message.set("role", "user");
            message.set("content", CONTINUE);
            message
        };
        if !self.modify {
            if messages.is_empty() {
                let what = "bedrock requires at least one non-system message";
                return Err(bad_messages(self.target, what));
            }
            return Ok(messages);
        }
        let own = |message: Option<&Members<'_>>| {
            let prefix = |message: &Members<'_>| message.get("prefix") == Some(&Tree::Bool(true));
            message.is_some_and(|message| role(message) == "assistant" && !prefix(message))
        };
        if messages.is_empty() || own(messages.first()) {
            messages.insert(0, turn());
        }
        if own(messages.last()) {
            messages.push(turn());
        }
        Ok(messages)
    }

    fn users<'m>(&self, run: &'m [Members<'m>]) -> Result<Vec<Tree<'m>>> {
        let mut out = Vec::new();
        for message in run {
            match message.get("content") {
                Some(Tree::Text(text)) => {
                    let blank = text.trim().is_empty() && self.modify;
                    let text = if blank { CONTINUE } else { text };
                    if !text.is_empty() {
                        out.push(tree!({"text": text}));
                        out.extend(self.caches.block(message.get(MARK)));
                    }
                }
                Some(Tree::List(parts)) => {
                    for part in parts {
                        out.extend(self.part(part)?);
                        if !is_blank_text(part) {
                            out.extend(self.caches.block(part.get(MARK)));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(out)
    }

    /// One part of a user's content. Kinds that Converse has no block for are left out, as LiteLLM leaves them out.
    fn part<'m>(&self, part: &'m Tree<'m>) -> Result<Option<Tree<'m>>> {
        let text = || tree!({"text": part["text"].lent()});
        Ok(match part["type"].as_str() {
            Some("text") if is_blank_text(part) => None,
            Some("text" | "grounding_source" | "query") => Some(text()),
            Some("guarded_text") => Some(tree!({"guardContent": tree!({"text": text()})})),
            Some("image_url") => Some(media::image(&part["image_url"], self.target)?),
            Some("file") => Some(media::file(part, self.target)?),
            Some("document") => Some(media::document(part, self.target)?),
            _ => None,
        })
    }

    fn results<'m>(&self, run: &'m [Members<'m>]) -> Result<Vec<Tree<'m>>> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for message in run {
            let id = message.get("tool_call_id").and_then(Tree::as_str);
            let id = sent_id(id.unwrap_or_default());
            if seen.insert(id.clone()) {
                out.push(self.result(message, id)?);
            }
            let parts = message.get("content").and_then(Tree::as_list);
            let marked = |mark: &&Tree<'_>| !mark.is_null();
            let own = self.caches.block(message.get(MARK));
            let of_part = || {
                let mut marks = parts?.iter().filter_map(|part| part.get(MARK));
                self.caches.block(marks.find(marked))
            };
            out.extend(own.or_else(of_part));
        }
        Ok(out)
    }

    fn result<'m>(&self, message: &'m Members<'m>, id: Cow<'m, str>) -> Result<Tree<'m>> {
        let found = message.get("search_results").and_then(Tree::as_list);
        let found: Vec<Tree<'_>> = found
            .into_iter()
            .flatten()
            .filter(|result| result.is_object())
            .map(|result| tree!({"searchResult": result.lent()}))
            .collect();
        if !found.is_empty() {
            let result = tree!({"content": found, "toolUseId": id, "status": "success"});
            return Ok(tree!({"toolResult": result}));
        }
        let content = match message.get("content") {
            Some(text @ Tree::Text(_)) => vec![tree!({"text": text.lent()})],
            Some(Tree::List(parts)) => {
                let mut content = Vec::new();
                for part in parts {
                    content.extend(self.result_part(part)?);
                }
                content
            }
            _ => Vec::new(),
        };
        Ok(tree!({"toolResult": tree!({"content": content, "toolUseId": id})}))
    }

    fn result_part<'m>(&self, part: &'m Tree<'m>) -> Result<Option<Tree<'m>>> {
        let medium = match part["type"].as_str() {
            Some("text") => return Ok(Some(tree!({"text": part["text"].lent()}))),
            Some("tool_reference") => {
                let name = part["tool_name"].as_str();
                return Ok(name.map(|name| tree!({"text": name})));
            }
            Some("image_url") => media::image(&part["image_url"], self.target)?,
            Some("file") => media::file(part, self.target)?,
            _ => return Ok(None),
        };
        // A result holds images and documents only.
        Ok(Some(medium).filter(|medium| medium.get("video").is_none()))
    }

    fn assistants<'m>(&self, run: &'m [Members<'m>]) -> Result<Vec<Tree<'m>>> {
        let mut out = Vec::new();
        for message in run {
            let content = message.get("content").filter(|content| !content.is_null());
            self.thinking(message, content, &mut out);
            match content {
                Some(text @ Tree::Text(told)) if !told.trim().is_empty() => {
                    out.push(tree!({"text": text.lent()}));
                    out.extend(self.caches.block(message.get(MARK)));
                }
                Some(Tree::List(parts)) => {
                    for part in parts {
                        match part["type"].as_str() {
                            Some("text") if is_blank_text(part) => continue,
                            Some("text") => out.push(tree!({"text": part["text"].lent()})),
                            Some("image_url") => {
                                out.push(media::image(&part["image_url"], self.target)?);
                            }
                            _ => {}
                        }
                        out.extend(self.caches.block(part.get(MARK)));
                    }
                }
                _ => {}
            }
            let calls = message.get("tool_calls").and_then(Tree::as_list);
            for call in calls.into_iter().flatten() {
                self.call(call, &mut out)?;
            }
        }
        without_repeats(&mut out);
        out.sort_by_key(place);
        Ok(out)
    }

    /// Thinking goes back as it was signed. Without a signature it is another model's, and goes as text.
    fn thinking<'m>(
        &self,
        message: &'m Members<'m>,
        content: Option<&'m Tree<'m>>,
        out: &mut Vec<Tree<'m>>,
    ) {
        let is_thought =
            |part: &&Tree<'_>| part["type"] == "thinking" || part["type"] == "redacted_thinking";
        let own = message.get("thinking_blocks").and_then(Tree::as_list);
        let told = content.and_then(Tree::as_list);
        let own = own.into_iter().flatten();
        let thoughts = own.chain(told.into_iter().flatten()).filter(is_thought);
        let mut signed = Vec::new();
        for thought in thoughts {
            let text = thought["thinking"].as_str().unwrap_or_default();
            let data = thought["data"]
                .as_str()
                .filter(|data| !data.trim().is_empty());
            if thought["type"] == "redacted_thinking" && self.claude && data.is_some() {
                let data = STANDARD.encode(native_redacted(data.unwrap_or_default()));
                let thought = tree!({"redactedContent": data});
                signed.push(tree!({"reasoningContent": thought}));
            } else if let Some(signature) = thought["signature"].as_str().filter(|s| !s.is_empty())
            {
                let thought = tree!({"text": text, "signature": signature});
                let thought = tree!({"reasoningText": thought});
                signed.push(tree!({"reasoningContent": thought}));
            } else if !text.trim().is_empty() {
                out.push(tree!({"text": text}));
            }
        }
        out.extend(signed);
    }

    fn call<'m>(&self, call: &'m Tree<'m>, out: &mut Vec<Tree<'m>>) -> Result<()> {
        let function = &call["function"];
        if function.is_null() {
            return Ok(());
        }
        let Some(id) = call["id"].as_str() else {
            return Err(Error::bad_request(
                "Unable to convert openai tool calls to bedrock tool calls. Received error='id'",
            )
            .at("bedrock", &self.target.model));
        };
        let name = valid(function["name"].as_str().unwrap_or_default());
        for (at, input) in inputs(&function["arguments"]).into_iter().enumerate() {
            let id = if at == 0 {
                sent_id(id)
            } else {
                Cow::Owned(sent_id(&format!("{id}_{at}")).into_owned())
            };
            let call = tree!({"input": input, "name": name.clone(), "toolUseId": id});
            out.push(tree!({"toolUse": call}));
        }
        out.extend(self.caches.block(call.get(MARK)));
        Ok(())
    }

    /// Whether the model takes images in the results of tools.
    fn keeps_images(&self) -> bool {
        let flag = "supports_bedrock_converse_tool_result_images";
        models::flag(&self.target.model, flag) != Some(false)
    }
}

fn is_blank_text(part: &Tree<'_>) -> bool {
    part["type"] == "text"
        && part["text"]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
}

/// The arguments of a call: an object, or several that a model wrote one after the other.
fn inputs<'m>(arguments: &'m Tree<'m>) -> Vec<Tree<'m>> {
    let text = match arguments {
        Tree::Text(text) => text,
        Tree::Object(_) => return vec![arguments.lent()],
        _ => return vec![tree!({})],
    };
    let written = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let written: Result<Vec<_>, _> = written.collect();
    let objects = written.unwrap_or_default().into_iter().map(RawValue::get);
    let objects: Vec<_> = objects
        .filter(|json| json.starts_with('{'))
        .map(Tree::Raw)
        .collect();
    if objects.is_empty() {
        return vec![tree!({})];
    }
    objects
}

/// An id as Bedrock takes it. One that has to be changed keeps a digest of what it was, so that two stay two.
fn sent_id(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    if !id.is_empty() && id.len() <= MAX_ID && id.chars().all(plain) {
        return Cow::Borrowed(id);
    }
    let mut sent: String = id.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    sent.truncate(MAX_ID - 2 * ID_DIGEST - 1);
    let digest = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
    Cow::Owned(format!("{sent}_{}", short_hex(digest.as_ref(), ID_DIGEST)))
}

/// Claude's own words of a redacted thought. Converse wraps them in base64, which histories may still hold.
pub fn native_redacted(data: &str) -> String {
    let wrapped = || {
        let inner = String::from_utf8(STANDARD.decode(data).ok()?).ok()?;
        STANDARD.decode(&inner).ok()?;
        Some(inner)
    };
    wrapped()
        .filter(|inner| inner.is_ascii() && !inner.is_empty())
        .unwrap_or_else(|| data.to_owned())
}

/// Bedrock wants every id once in a turn; the first one stands.
fn without_repeats(blocks: &mut Vec<Tree<'_>>) {
    let mut seen = BTreeSet::new();
    blocks.retain(|block| {
        let thought = &block["reasoningContent"];
        let id = block["toolUse"]["toolUseId"]
            .as_str()
            .or_else(|| thought["redactedContent"].as_str())
            .or_else(|| thought["reasoningText"]["signature"].as_str());
        id.is_none_or(|id| seen.insert(id.to_owned()))
    });
}

/// Thinking first, then text, then calls; a cache point stays behind the call that it follows.
fn place(block: &Tree<'_>) -> u8 {
    if block.get("reasoningContent").is_some() {
        0
    } else if block.get("toolUse").is_some() || block.get("cachePoint").is_some() {
        2
    } else {
        1
    }
}

/// The same document in several turns has the same name, which Bedrock refuses: later ones are numbered.
fn rename_documents(turns: &mut [(&str, Vec<Tree<'_>>)]) {
    let name = |block: &Tree<'_>| block["document"]["name"].as_str().map(str::to_owned);
    let blocks = |turns: &[(&str, Vec<Tree<'_>>)]| -> BTreeSet<String> {
        turns
            .iter()
            .flat_map(|(_, blocks)| blocks)
            .filter_map(name)
            .collect()
    };
    let mut used = blocks(turns);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for block in turns.iter_mut().flat_map(|(_, blocks)| blocks) {
        let Some(name) = name(block) else { continue };
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            continue;
        }
        let mut number = *count;
        while !used.insert(format!("{name}_{number}")) {
            number += 1;
        }
        if let Some(document) = block.get_mut("document") {
            document.set("name", format!("{name}_{number}"));
        }
    }
}

/// Claude refuses white space at the end of what it has to go on with.
fn trim_end(blocks: &mut [Tree<'_>]) {
    let last = blocks
        .iter_mut()
        .rev()
        .find(|block| block.get("text").is_some());
    if let Some(block) = last {
        claude::trim_end(block);
    }
}

/// A user's documents need a text beside them; it stands before a cache point at the end.
fn add_text(role: &str, blocks: &mut Vec<Tree<'_>>) {
    let has = |name: &str| blocks.iter().any(|block| block.get(name).is_some());
    if role == "user" && has("document") && !has("text") {
        let pointed = blocks
            .last()
            .is_some_and(|last| last.get("cachePoint").is_some());
        let at = blocks.len() - usize::from(pointed);
        blocks.insert(at, tree!({"text": PLACEHOLDER}));
    }
}

/// Images of tools' results beside the results.
fn beside(blocks: Vec<Tree<'_>>) -> Vec<Tree<'_>> {
    let mut out = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        let content = block
            .get_mut("toolResult")
            .and_then(|result| result.get_mut("content")?.as_list_mut());
        let mut images = Vec::new();
        if let Some(content) = content {
            let is_image = |part: &Tree<'_>| part.get("image").is_some();
            images = content
                .iter()
                .filter(|part| is_image(part))
                .cloned()
                .collect();
            content.retain(|part| !is_image(part));
            if content.is_empty() && !images.is_empty() {
                content.push(tree!({"text": IMAGE_ELSEWHERE}));
            }
        }
        out.push(block);
        out.extend(images);
    }
    out
}
