//! Names of tools. Anthropic takes letters, digits, `_` and `-`, 128 at most; other names are rewritten for the request
//! and given back in the reply.

use crate::adapt::tree::Tree;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Longest name of a tool, in characters.
const MAX_NAME: usize = 128;

/// Names that Anthropic would refuse, and what is sent instead: both ways, unique within a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    sent: BTreeMap<String, String>,
    given: BTreeMap<String, String>,
}

impl Names {
    /// Of tools in OpenAI's form.
    pub fn of(tools: &[Tree<'_>]) -> Self {
        let custom = |tool: &&Tree<'_>| {
            tool["type"]
                .as_str()
                .is_none_or(|kind| matches!(kind, "function" | "custom"))
        };
        Self::new(tools.iter().filter(custom).filter_map(|tool| {
            let name = tool["function"].get("name").or_else(|| tool.get("name"));
            name?.as_str()
        }))
    }

    /// Of tools in Anthropic's form.
    pub fn in_anthropic_form(tools: &[Tree<'_>]) -> Self {
        let custom = tools.iter().filter(|tool| tool["type"] == "custom");
        Self::new(custom.filter_map(|tool| tool["name"].as_str()))
    }

    fn new<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut used: BTreeSet<String> = names
            .clone()
            .filter(|name| is_valid(name))
            .map(str::to_owned)
            .collect();
        let mut out = Self::default();
        for name in names.filter(|name| !name.is_empty() && !is_valid(name)) {
            if out.sent.contains_key(name) {
                continue;
            }
            let plain: String = name
                .chars()
                .take(MAX_NAME)
                .map(|c| if is_plain(c) { c } else { '_' })
                .collect();
            let mut unique = plain.clone();
            let mut count = 1;
            while used.contains(&unique) {
                count += 1;
                let suffix = format!("_{count}");
                let head: String = plain.chars().take(MAX_NAME - suffix.len()).collect();
                unique = format!("{head}{suffix}");
            }
            used.insert(unique.clone());
            out.given.insert(unique.clone(), name.to_owned());
            out.sent.insert(name.to_owned(), unique);
        }
        out
    }

    /// The name that is sent for the caller's.
    pub fn sent<'a>(&'a self, name: &'a str) -> &'a str {
        self.sent.get(name).map_or(name, String::as_str)
    }

    /// The caller's name for one that came back.
    pub fn given<'a>(&'a self, name: &'a str) -> &'a str {
        self.given.get(name).map_or(name, String::as_str)
    }

    /// Rewrites the tools of a request.
    pub fn rewrite_tools(&self, tools: &mut [Tree<'_>]) {
        for tool in tools.iter_mut().filter(|tool| tool["type"] == "custom") {
            let Some(sent) = tool["name"].as_str().and_then(|name| self.sent.get(name)) else {
                continue;
            };
            let sent = sent.clone();
            tool.set("name", sent);
        }
    }

    /// Rewrites the choice of a request.
    pub fn rewrite_choice(&self, mut choice: Value) -> Value {
        if let Some(sent) = choice["name"].as_str().and_then(|name| self.sent.get(name)) {
            choice["name"] = json!(sent);
        }
        choice
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_valid(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_plain)
}
