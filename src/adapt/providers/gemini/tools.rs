//! Tools: function declarations, Google's own tools, and which of them may be called.

use super::schema;
use crate::adapt::habits::Mapping;
use serde_json::{Value, json};

/// Google's own tools: the names by which callers know them, and the wire's.
const OWN: [(&str, &str); 12] = [
    ("googleSearch", "googleSearch"),
    ("google_search", "googleSearch"),
    ("googleSearchRetrieval", "googleSearchRetrieval"),
    ("google_search_retrieval", "googleSearchRetrieval"),
    ("enterpriseWebSearch", "enterpriseWebSearch"),
    ("enterprise_web_search", "enterpriseWebSearch"),
    ("codeExecution", "code_execution"),
    ("code_execution", "code_execution"),
    ("urlContext", "url_context"),
    ("url_context", "url_context"),
    ("googleMaps", "googleMaps"),
    ("google_maps", "googleMaps"),
];

/// Tools that search, which Gemini does not serve beside functions.
const SEARCHES: [&str; 4] = [
    "googleSearch",
    "googleSearchRetrieval",
    "enterpriseWebSearch",
    "url_context",
];

/// The tools of a request.
pub fn tools(mapping: &Mapping<'_>) -> Vec<Value> {
    let mut functions = Vec::new();
    let mut own: Vec<(&str, Value)> = Vec::new();
    let named = |name| {
        mapping
            .value(name)
            .and_then(|value| value.as_array().cloned())
    };
    for tool in named("tools").into_iter().flatten() {
        sort(&tool, &mut functions, &mut own);
    }
    for function in named("functions").into_iter().flatten() {
        functions.push(declaration(&function));
    }
    if mapping
        .value("web_search_options")
        .is_some_and(|value| value.is_object())
    {
        own.push(("googleSearch", json!({})));
    }
    let both = mapping.value("include_server_side_tool_invocations") == Some(Value::Bool(true));
    let mut tools = Vec::new();
    if !functions.is_empty() {
        if !both {
            own.retain(|(name, _)| !SEARCHES.contains(name));
        }
        tools.push(json!({"function_declarations": functions}));
    }
    tools.extend(
        own.into_iter()
            .map(|(name, settings)| json!({name: settings})),
    );
    tools
}

fn sort(tool: &Value, functions: &mut Vec<Value>, own: &mut Vec<(&'static str, Value)>) {
    if tool["function"].is_object() {
        functions.push(declaration(&tool["function"]));
        return;
    }
    let declared = tool
        .get("function_declarations")
        .or(tool.get("functionDeclarations"));
    if let Some(Value::Array(declared)) = declared {
        functions.extend(declared.iter().cloned());
        return;
    }
    let kind = tool["type"].as_str().unwrap_or_default();
    if kind.starts_with("web_search") {
        own.push(("googleSearch", json!({})));
        return;
    }
    for (name, wire) in OWN {
        if let Some(settings) = tool.get(name) {
            let settings = Some(settings).filter(|settings| settings.is_object());
            own.push((wire, settings.cloned().unwrap_or_else(|| json!({}))));
            return;
        }
    }
    if tool.get("name").is_some() {
        functions.push(declaration(tool));
    }
}

fn declaration(function: &Value) -> Value {
    let mut out = json!({"name": function["name"]});
    if let Some(description) = function.get("description").filter(|text| !text.is_null()) {
        out["description"] = description.clone();
    }
    let parameters = function.get("parameters").or(function.get("input_schema"));
    if let Some(parameters) = parameters.filter(|parameters| parameters.is_object()) {
        let empty = parameters.as_object().is_some_and(|schema| {
            schema.get("type") == Some(&json!("object"))
                && schema
                    .get("properties")
                    .is_some_and(|properties| properties == &json!({}))
        });
        if !empty {
            out["parameters"] = schema::translate(parameters);
        }
    }
    out
}

/// `toolConfig` of a `tool_choice`.
pub fn config(mapping: &Mapping<'_>) -> Option<Value> {
    let calling = match mapping.value("tool_choice")? {
        Value::String(choice) => match choice.as_str() {
            "none" => json!({"mode": "NONE"}),
            "required" | "any" => json!({"mode": "ANY"}),
            "auto" => json!({"mode": "AUTO"}),
            _ => return None,
        },
        choice => {
            let name = choice["function"].get("name").or(choice.get("name"))?;
            json!({"mode": "ANY", "allowed_function_names": [name]})
        }
    };
    Some(json!({"functionCallingConfig": calling}))
}
