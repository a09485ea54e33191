//! `environment_variables` and `os.environ/NAME`: every text that is such a reference becomes the variable's
//! value, wherever it stands. LiteLLM's rules: a missing variable is nothing (`None`), `true` and `false` are
//! flags, and fields that name a secret (`*_ref`) stay as they are.

use super::document::{Node, NodeValue};
use super::report::{Level, Report};
use crate::options::Secret;
use std::collections::BTreeMap;

/// What marks a reference.
const PREFIX: &str = "os.environ/";

/// Looks a variable up in the process's environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables that a configuration sees: its own `environment_variables` over the process's.
pub struct Environment<'a> {
    /// `environment_variables`, resolved.
    pub own: BTreeMap<String, Secret>,
    process: Lookup<'a>,
}

impl<'a> Environment<'a> {
    /// Reads `environment_variables`, whose values may be references themselves.
    pub fn new(section: Option<&Node>, process: Lookup<'a>, report: &mut Report) -> Self {
        let mut environment = Self {
            own: BTreeMap::new(),
            process,
        };
        for member in section.map(Node::members).unwrap_or_default() {
            let value = match &member.value.value {
                NodeValue::Text(text) => match text.strip_prefix(PREFIX) {
                    None => Some(text.clone()),
                    Some(name) => {
                        let value = process(name);
                        if value.is_none() {
                            missing(&member.value, name, &member.key, report);
                        }
                        value
                    }
                },
                NodeValue::Bool(flag) => Some(if *flag { "True" } else { "False" }.to_owned()),
                NodeValue::Number(number) => Some(number.to_string()),
                NodeValue::Null => None,
                NodeValue::List(_) | NodeValue::Map(_) => {
                    report.add(
                        Level::Error,
                        &member.value.place,
                        &format!("environment_variables.{}", member.key),
                        format!("is {}, not a text", member.value.kind()),
                    );
                    None
                }
            };
            if let Some(value) = value {
                environment
                    .own
                    .insert(member.key.clone(), Secret::new(value));
            }
        }
        environment
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<String> {
        match self.own.get(name) {
            Some(value) => Some(value.expose().to_owned()),
            None => (self.process)(name),
        }
    }

    /// Replaces every reference below `node`, which is the value of `key`.
    pub fn resolve(&self, node: &mut Node, key: &str, report: &mut Report) {
        match &mut node.value {
            NodeValue::List(items) => {
                for item in items {
                    self.resolve(item, key, report);
                }
            }
            NodeValue::Map(members) => {
                for member in members {
                    if !member.key.ends_with("_ref") {
                        self.resolve(&mut member.value, &member.key, report);
                    }
                }
            }
            NodeValue::Text(text) => {
                let Some(name) = text.strip_prefix(PREFIX) else {
                    return;
                };
                let value = self.get(name);
                if value.is_none() {
                    let name = name.to_owned();
                    missing(node, &name, key, report);
                }
                node.value = match value {
                    None => NodeValue::Null,
                    Some(value) => match value.trim().to_ascii_lowercase().as_str() {
                        "true" => NodeValue::Bool(true),
                        "false" => NodeValue::Bool(false),
                        _ => NodeValue::Text(value),
                    },
                };
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => {}
        }
    }
}

fn missing(node: &Node, name: &str, key: &str, report: &mut Report) {
    report.add_with_hint(
        Level::Warning,
        &node.place,
        key,
        format!(
            "refers to the environment variable `{name}`, which is not set; it counts as not given"
        ),
        format!("set `{name}`, or put it into `environment_variables`"),
    );
}
