//! Wanted forms of the answer: Bedrock's own `outputConfig` where the model has it, a made-up tool elsewhere.

use super::{models, tools};
use crate::adapt::canonical::python_json;
use crate::adapt::habits::Mapping;
use crate::adapt::providers::anthropic_request::schema;
use crate::adapt::usage::Object;
use serde_json::{Value, json};

/// The made-up tool whose arguments are the answer.
pub const TOOL: &str = schema::TOOL;
/// What Claude's grammar takes of a schema (LiteLLM's `NATIVE_OUTPUT_MAX_*`).
const MAX_UNIONS: usize = 16;
const MAX_OPTIONAL: usize = 24;
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];
/// How deep a schema is looked at.
const MAX_DEPTH: usize = 64;

/// How a wanted form is asked for.
#[derive(Debug, Default)]
pub struct Format {
    /// Whether a form is wanted.
    pub asked: bool,
    /// `outputConfig`.
    pub config: Option<Value>,
    /// The made-up tool, and the choice of it.
    pub tool: Option<Value>,
    /// The choice of the made-up tool.
    pub choice: Option<Value>,
}

impl Format {
    /// What `response_format` asks of a model. Without a schema nothing is asked: the prompt says it.
    pub fn of(mapping: &Mapping<'_>, model: &str) -> Self {
        let mut out = Self::default();
        let Some(format) = mapping
            .value("response_format")
            .filter(|format| format["type"] != "text")
        else {
            return out.with_own(mapping, model);
        };
        out.asked = true;
        let wrapped = &format["json_schema"];
        let schema = format
            .get("response_schema")
            .or_else(|| wrapped.get("schema"));
        let Some(schema) = schema.filter(|schema| schema.is_object()) else {
            return out;
        };
        let own = format.get("response_schema").is_none();
        let told = |name: &str| wrapped.get(name).filter(|_| own).cloned();
        if let Some(native) = native(mapping, model, schema) {
            out.config = Some(config(&native, told("name"), told("description")));
            return out;
        }
        let mut function = json!({"name": TOOL, "parameters": schema});
        if let Some(description) = told("description").filter(Value::is_string) {
            function["description"] = description;
        }
        out.tool = Some(json!({"type": "function", "function": function}));
        let thinks = mapping
            .value("thinking")
            .is_some_and(|thinking| thinking["type"] == "enabled")
            || mapping.params.contains("reasoning_effort");
        if models::supports(model, "supports_tool_choice") && !thinks && tools::can_be_forced(model)
        {
            out.choice = Some(json!({"tool": {"name": TOOL}}));
        }
        out
    }

    /// Anthropic's own `output_config.format`.
    fn with_own(mut self, mapping: &Mapping<'_>, model: &str) -> Self {
        let config_of = |params: &crate::params::Params| params.get::<Value>("output_config");
        let given = config_of(&mapping.params).or_else(|| config_of(&mapping.extra));
        let Some(format) = given.as_ref().and_then(|given| given.get("format")) else {
            return self;
        };
        let claude = models::base_model(model).starts_with("anthropic");
        if claude
            && format["type"] == "json_schema"
            && let Some(native) = native(mapping, model, &format["schema"])
        {
            let told = |name: &str| format.get(name).cloned();
            self.config = Some(config(&native, told("name"), told("description")));
        }
        self
    }
}

/// The schema as the model's own grammar takes it; `None` where a tool has to do.
fn native(mapping: &Mapping<'_>, model: &str, schema: &Value) -> Option<Value> {
    let thinks = || {
        let own = mapping.value("thinking");
        let own = own.is_some_and(|own| own["type"] == "enabled" || own["type"] == "adaptive");
        own || mapping
            .value("reasoning_effort")
            .is_some_and(|effort| effort != "none")
    };
    let always = models::supports(model, "supports_native_structured_output");
    let wanted = always
        || (thinks() && models::supports(model, "supports_bedrock_native_structured_output"));
    if !wanted {
        return None;
    }
    if !models::base_model(model).starts_with("anthropic") {
        return Some(schema.clone());
    }
    let fits = !schema::is_open(schema, 0) && Measure::of(schema).fits();
    fits.then(|| schema::constrained(schema, 0))
}

/// What a grammar is judged by.
#[derive(Default)]
struct Measure {
    unions: usize,
    optional: usize,
    strange: bool,
}

impl Measure {
    fn of(schema: &Value) -> Self {
        let mut out = Self::default();
        out.node(schema, schema, 0);
        out
    }

    fn fits(&self) -> bool {
        !self.strange && self.unions <= MAX_UNIONS && self.optional <= MAX_OPTIONAL
    }

    fn node(&mut self, root: &Value, node: &Value, depth: usize) {
        let Value::Object(members) = node else { return };
        if depth > MAX_DEPTH {
            self.strange = true;
            return;
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let around = ["(?=", "(?!", "(?<=", "(?<!"];
        self.strange |=
            text("pattern").is_some_and(|pattern| around.iter().any(|look| pattern.contains(look)));
        let may_be_text = members.get("type").is_none_or(|kind| kind == "string");
        self.strange |=
            text("format").is_some_and(|format| may_be_text && !FORMATS.contains(&format));
        self.strange |= text("$ref").is_some_and(|path| {
            let pointer = path.strip_prefix('#');
            pointer.is_none_or(|pointer| root.pointer(pointer).is_none())
        });
        if let Some(Value::Object(properties)) = members.get("properties") {
            let required = members.get("required").and_then(Value::as_array);
            let is_required =
                |name: &String| required.is_some_and(|list| list.iter().any(|known| known == name));
            self.optional += properties.keys().filter(|name| !is_required(name)).count();
            self.unions += properties.values().filter(|node| is_union(node)).count();
        }
        for (name, value) in members {
            match (name.as_str(), value) {
                ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                    for below in named.values() {
                        self.node(root, below, depth + 1);
                    }
                }
                ("items", below) => self.node(root, below, depth + 1),
                ("anyOf" | "oneOf" | "allOf", Value::Array(list)) => {
                    for below in list {
                        self.node(root, below, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

fn is_union(node: &Value) -> bool {
    let several = |name: &str| node[name].as_array().is_some_and(|list| list.len() > 1);
    several("anyOf") || several("oneOf") || several("type")
}

fn config(schema: &Value, name: Option<Value>, description: Option<Value>) -> Value {
    let mut inner = Object::new();
    inner.insert("schema".into(), json!(python_json(&closed(schema, 0))));
    for (member, value) in [("name", name), ("description", description)] {
        if let Some(value) = value.filter(Value::is_string) {
            inner.insert(member.into(), value);
        }
    }
    json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": inner}}})
}

/// Every object says whether it may have more members: Bedrock refuses a schema that leaves it open.
fn closed(schema: &Value, depth: usize) -> Value {
    let Value::Object(node) = schema else {
        return schema.clone();
    };
    if depth > MAX_DEPTH {
        return schema.clone();
    }
    let below = |value: &Value| closed(value, depth + 1);
    let mut out: Object = node
        .iter()
        .map(|(name, value)| {
            let value = match (name.as_str(), value) {
                ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                    let named = named.iter().map(|(name, node)| (name.clone(), below(node)));
                    Value::Object(named.collect())
                }
                ("items", value) => below(value),
                ("anyOf" | "allOf" | "oneOf", Value::Array(list)) => {
                    list.iter().map(below).collect()
                }
                _ => value.clone(),
            };
            (name.clone(), value)
        })
        .collect();
    let kind = node.get("type");
    let listed = kind
        .and_then(Value::as_array)
        .is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"));
    if kind.is_some_and(|kind| kind == "object") || listed {
        out.entry("additionalProperties").or_insert(json!(false));
    }
    Value::Object(out)
}
