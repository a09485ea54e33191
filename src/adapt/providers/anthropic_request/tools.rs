//! Tools: functions as Anthropic's `custom` tools, its own server tools, MCP servers, and the choice among them.

use super::Built;
use crate::adapt::habits::Mapping;
use crate::adapt::tree::{Members, Tree, tree};
use crate::adapt::usage::Object;
use crate::error::{Error, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use std::borrow::Cow;

/// What an input schema may hold at its top.
const SCHEMA_MEMBERS: [&str; 6] = [
    "type",
    "properties",
    "additionalProperties",
    "required",
    "$defs",
    "strict",
];
/// Marks that stand on a tool or on its function.
const MARKS: [&str; 4] = [
    "cache_control",
    "defer_loading",
    "allowed_callers",
    "input_examples",
];

/// The tools of a request.
#[derive(Debug, Default)]
pub struct Tools<'a> {
    /// In Anthropic's form.
    pub list: Vec<Tree<'a>>,
    /// MCP servers, which stand apart.
    servers: Vec<Tree<'a>>,
    /// `tool_choice` in Anthropic's form.
    pub choice: Option<Value>,
}

impl Tools<'_> {
    /// Writes what there is into the body, and the features that it needs.
    pub fn write(self, built: &mut Built) {
        for tool in &self.list {
            let kind = tool["type"].as_str().unwrap_or_default();
            let beta = match kind {
                "computer_20250124" => "computer-use-2025-01-24",
                kind if kind.starts_with("computer_") => "computer-use-2024-10-22",
                kind if kind.starts_with("web_fetch") => "web-fetch-2025-09-10",
                kind if kind.starts_with("memory") => "context-management-2025-06-27",
                kind if kind.starts_with("code_execution") => "code-execution-2025-08-25",
                kind if kind.starts_with("tool_search_tool") => "advanced-tool-use-2025-11-20",
                _ if tool.get("input_examples").is_some()
                    || tool.get("allowed_callers").is_some() =>
                {
                    "advanced-tool-use-2025-11-20"
                }
                _ => continue,
            };
            built.betas.insert(beta);
        }
        for (name, list) in [("tools", self.list), ("mcp_servers", self.servers)] {
            if !list.is_empty() {
                built.members.set_raw(name, Tree::List(list).to_json());
            }
        }
        if let Some(choice) = self.choice {
            built.members.set("tool_choice", &choice);
        }
    }
}

/// The tools in `given`, and the choice and the search that the parameters name.
///
/// # Errors
/// A tool of a kind that nobody knows, or without what its kind needs.
pub fn mapped<'a>(mapping: &Mapping<'_>, given: Option<&'a Bytes>) -> Result<Tools<'a>> {
    let mut tools = Tools::default();
    for given in Tree::list(given) {
        add(&given, &mut tools)?;
    }
    if let Some(Value::Object(wish)) = mapping.value("web_search_options") {
        tools.list.push(web_search(&wish).into());
    }
    tools.choice = choice(mapping)?;
    Ok(tools)
}

fn add<'a>(given: &Tree<'a>, tools: &mut Tools<'a>) -> Result<()> {
    if given["type"] == "namespace" {
        for tool in given["tools"].as_list().into_iter().flatten() {
            if tool.get("function").is_none() && tool.get("input_schema").is_none() {
                add(
                    &tree!({"type": "function", "function": tool.clone()}),
                    tools,
                )?;
            } else {
                add(tool, tools)?;
            }
        }
        return Ok(());
    }
    if given.get("input_schema").is_some() {
        tools.list.push(given.clone());
        return Ok(());
    }
    let kind = given["type"].as_str().unwrap_or("function");
    let function = &given["function"];
    let mut tool = match kind {
        "url" => {
            tools.servers.push(given.clone());
            return Ok(());
        }
        "mcp" => {
            tools.servers.push(server(given));
            return Ok(());
        }
        "function" | "custom" => custom(function),
        kind if kind.starts_with("computer_") => computer(kind, function)?,
        kind if is_hosted(kind) => {
            let name = given.get("name").or_else(|| function.get("name")).cloned();
            let default = kind.strip_suffix("_20251119").unwrap_or_default();
            let name = match name {
                Some(name) => name,
                None if default.starts_with("tool_search_tool") => default.to_owned().into(),
                None => return Err(Error::bad_request("Missing required parameter: name")),
            };
            let mut tool = given.clone();
            tool.set("name", name);
            tool
        }
        kind if kind.starts_with("advisor_") => given.clone(),
        kind => return Err(Error::bad_request(format!("Unsupported tool type: {kind}"))),
    };
    for mark in MARKS {
        let unmarked = kind.starts_with("tool_search_tool")
            || (kind.starts_with("computer_") && mark != "cache_control");
        let value = given.get(mark).or_else(|| function.get(mark));
        if let Some(value) = value.filter(|value| !value.is_null() && !unmarked) {
            tool.set(mark, value.clone());
        }
    }
    tools.list.push(tool);
    Ok(())
}

fn is_hosted(kind: &str) -> bool {
    [
        "web_search",
        "bash",
        "text_editor",
        "code_execution",
        "web_fetch",
        "memory",
        "tool_search_tool",
    ]
    .iter()
    .any(|hosted| kind.starts_with(hosted))
}

fn custom<'a>(function: &Tree<'a>) -> Tree<'a> {
    let schema = input_schema(&function["parameters"]);
    let mut tool =
        tree!({"name": function["name"].clone(), "input_schema": schema, "type": "custom"});
    for name in ["description", "eager_input_streaming"] {
        if let Some(value) = function.get(name).filter(|value| !value.is_null()) {
            tool.set(name, value.clone());
        }
    }
    tool
}

/// An object always, with the members that Anthropic knows; older names of definitions become today's.
fn input_schema<'a>(given: &Tree<'a>) -> Tree<'a> {
    let mut schema = given.as_object().cloned().unwrap_or_default();
    schema.set("type", "object");
    if !schema.contains("properties") {
        schema.set("properties", tree!({}));
    }
    if let Some(definitions) = schema.remove("definitions") {
        if !schema.contains("$defs") {
            schema.set("$defs", definitions);
        }
        rename_references(&mut schema);
    }
    schema.retain(|name| SCHEMA_MEMBERS.contains(&name));
    Tree::Object(schema)
}

fn rename_references(node: &mut Members<'_>) {
    if let Some(Tree::Text(path)) = node.get_mut("$ref")
        && let Some(name) = path.strip_prefix("#/definitions/")
    {
        *path = Cow::Owned(format!("#/$defs/{name}"));
    }
    node.values_mut().for_each(rename_below);
}

fn rename_below(node: &mut Tree<'_>) {
    match node {
        Tree::Object(members) => rename_references(members),
        Tree::List(list) => list.iter_mut().for_each(rename_below),
        _ => {}
    }
}

fn computer<'a>(kind: &str, function: &Tree<'a>) -> Result<Tree<'a>> {
    let parameters = &function["parameters"];
    let size = |name: &str| {
        parameters.get(name).cloned().ok_or_else(|| {
            Error::bad_request("Missing required parameter: display_width_px or display_height_px")
        })
    };
    let mut tool = tree!({
        "type": kind.to_owned(),
        "name": function.get("name").cloned().unwrap_or_else(|| "computer".into()),
        "display_width_px": size("display_width_px")?,
        "display_height_px": size("display_height_px")?,
    });
    if let Some(number) = parameters.get("display_number").filter(|n| !n.is_null()) {
        tool.set("display_number", number.clone());
    }
    Ok(tool)
}

fn server<'a>(given: &Tree<'a>) -> Tree<'a> {
    let (url, name) = (given["server_url"].clone(), given["server_label"].clone());
    let mut server = tree!({"type": "url", "url": url, "name": name});
    if let Some(allowed) = given.get("allowed_tools").filter(|a| !a.is_null()) {
        server.set(
            "tool_configuration",
            tree!({"allowed_tools": allowed.clone()}),
        );
    }
    if let Some(bearer) = given["headers"]["Authorization"].as_str() {
        server.set("authorization_token", bearer.replace("Bearer ", ""));
    }
    server
}

fn web_search(wish: &Object) -> Value {
    let mut tool = json!({"type": "web_search_20250305", "name": "web_search"});
    if let Some(Value::Object(place)) = wish.get("user_location").and_then(|l| l.get("approximate"))
    {
        let mut location = json!({"type": "approximate"});
        for name in ["city", "region", "country", "timezone"] {
            if let Some(value) = place.get(name) {
                location[name] = value.clone();
            }
        }
        tool["user_location"] = location;
    }
    let uses = match wish.get("search_context_size").and_then(Value::as_str) {
        Some("low") => 1,
        Some("medium") => 5,
        Some("high") => 10,
        _ => return tool,
    };
    tool["max_uses"] = json!(uses);
    tool
}

fn choice(mapping: &Mapping<'_>) -> Result<Option<Value>> {
    let given = mapping.value("tool_choice");
    let parallel = mapping.params.get::<bool>("parallel_tool_calls");
    let word = match &given {
        Some(Value::Object(choice)) if !choice.contains_key("function") => {
            choice.get("type").and_then(Value::as_str)
        }
        Some(Value::String(word)) => Some(word.as_str()),
        _ => None,
    };
    let mut choice = match (word, &given) {
        (Some("auto"), _) => Some(json!({"type": "auto"})),
        (Some("required" | "any"), _) => Some(json!({"type": "any"})),
        (Some("none"), _) => Some(json!({"type": "none"})),
        (_, Some(choice)) => {
            let name = choice["function"].get("name");
            name.map(|name| json!({"type": "tool", "name": name}))
        }
        _ => None,
    };
    if let Some(parallel) = parallel
        && word != Some("none")
    {
        let choice = choice.get_or_insert_with(|| json!({"type": "auto"}));
        choice["disable_parallel_tool_use"] = json!(!parallel);
    }
    let forced = choice
        .as_ref()
        .is_some_and(|choice| choice["type"] == "any" || choice["type"] == "tool");
    if forced
        && super::has(mapping.model, mapping.provider, "supports_forced_tool_use") == Some(false)
    {
        if !mapping.drop_params {
            return Err(mapping.unsupported(format!(
                "{} does not support forced tool use (tool_choice='required' or a named tool). Use tool_choice='auto' \
                 and tell the model in the prompt when to call the tool, or set `litellm.drop_params = True` to \
                 downgrade to 'auto' automatically.",
                mapping.model
            )));
        }
        if let Some(Value::Object(choice)) = &mut choice {
            choice.insert("type".into(), json!("auto"));
            choice.remove("name");
        }
    }
    Ok(choice)
}

/// Anthropic wants tools where the messages call some; this one stands in when the call names none.
pub fn stand_in() -> Tree<'static> {
    tree!({"name": "dummy_tool", "type": "custom", "description": "This is a dummy tool call",
        "input_schema": tree!({"type": "object", "properties": tree!({})})})
}

/// Whether code can be run.
pub fn runs_code(tools: &[Tree<'_>]) -> bool {
    let kinds = tools.iter().filter_map(|tool| tool["type"].as_str());
    kinds
        .into_iter()
        .any(|kind| kind.starts_with("code_execution"))
}
