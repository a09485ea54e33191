//! Wanted forms of the answer: Anthropic's own `output_format` where the model has it, a made-up tool elsewhere.

use super::{Built, has, thinking, tools::Tools};
use crate::adapt::habits::Mapping;
use crate::adapt::tree::{Members, Tree, tree};
use crate::adapt::usage::Object;
use serde_json::{Value, json};

/// The made-up tool whose arguments are the answer.
pub const TOOL: &str = "json_tool_call";
/// How deep references are followed; what is deeper, or refers to itself, stays a reference.
const MAX_DEPTH: usize = 24;

/// What is said of a constraint that Anthropic's grammar does not know. The order is that of the notes.
const CONSTRAINTS: [(&str, &str); 25] = [
    ("minItems", "minimum number of items: {}"),
    ("maxItems", "maximum number of items: {}"),
    ("uniqueItems", "all array items must be unique"),
    ("contains", "array must contain an item matching: {}"),
    ("minContains", "minimum number of matching items: {}"),
    ("maxContains", "maximum number of matching items: {}"),
    ("prefixItems", "leading items must match, in order: {}"),
    ("minimum", "minimum value: {}"),
    ("maximum", "maximum value: {}"),
    ("exclusiveMinimum", "exclusive minimum value: {}"),
    ("exclusiveMaximum", "exclusive maximum value: {}"),
    ("multipleOf", "must be a multiple of {}"),
    ("minLength", "minimum length: {}"),
    ("maxLength", "maximum length: {}"),
    ("minProperties", "minimum number of properties: {}"),
    ("maxProperties", "maximum number of properties: {}"),
    (
        "patternProperties",
        "properties whose names match each pattern must satisfy: {}",
    ),
    ("propertyNames", "property names must satisfy: {}"),
    ("dependentRequired", "dependent required properties: {}"),
    ("dependentSchemas", "dependent schemas: {}"),
    (
        "unevaluatedProperties",
        "unevaluated properties must satisfy: {}",
    ),
    ("if", "conditional (if): {}"),
    ("then", "conditional (then): {}"),
    ("else", "conditional (else): {}"),
    ("not", "must not match: {}"),
];

/// Writes the wanted form.
pub fn apply(mapping: &Mapping<'_>, built: &mut Built, tools: &mut Tools<'_>) {
    let Some(schema) = wanted(mapping) else {
        return;
    };
    if is_native(mapping, &schema) {
        let schema = Value::from(&without_references(schema.into()));
        let format = json!({"type": "json_schema", "schema": constrained(&schema, 0)});
        built.members.set("output_format", &format);
        return;
    }
    let mut input = json!({"type": "object"});
    if let (Value::Object(input), Value::Object(schema)) = (&mut input, schema) {
        input.extend(schema);
    }
    tools
        .list
        .push(tree!({"name": TOOL, "input_schema": Tree::from(input)}));
    // A model that thinks may not be forced.
    if !thinking::is_asked(mapping) && can_be_forced(mapping) {
        tools.choice = Some(json!({"name": TOOL, "type": "tool"}));
    }
}

/// Whether the answer comes through the made-up tool.
pub fn takes_tool(mapping: &Mapping<'_>) -> bool {
    wanted(mapping).is_some_and(|schema| !is_native(mapping, &schema))
}

fn wanted(mapping: &Mapping<'_>) -> Option<Value> {
    let mut format = mapping.value("response_format")?;
    if format["type"] == "text" {
        return None;
    }
    let own = format.get_mut("response_schema").map(Value::take);
    own.or_else(|| Some(format.get_mut("json_schema")?.get_mut("schema")?.take()))
        .filter(Value::is_object)
}

fn can_be_forced(mapping: &Mapping<'_>) -> bool {
    has(mapping.model, mapping.provider, "supports_forced_tool_use") != Some(false)
}

/// A schema whose objects are open cannot be a grammar; where nothing else speaks against it, a tool takes it.
fn is_native(mapping: &Mapping<'_>, schema: &Value) -> bool {
    let native = has(
        mapping.model,
        mapping.provider,
        "supports_native_structured_output",
    );
    let tool_is_better = is_open(schema, 0)
        && !thinking::is_asked(mapping)
        && !mapping.params.contains("tools")
        && can_be_forced(mapping);
    native == Some(true) && !tool_is_better
}

/// Whether an object of the schema may have members that nobody named.
pub fn is_open(schema: &Value, depth: usize) -> bool {
    let Value::Object(node) = schema else {
        return matches!(schema, Value::Array(list) if list.iter().any(|s| is_open(s, depth + 1)));
    };
    let more = node.get("additionalProperties");
    let open = matches!(more, Some(Value::Bool(true) | Value::Object(_)))
        || node.contains_key("patternProperties")
        || (is_object(node) && !node.contains_key("properties") && more != Some(&json!(false)));
    let below = |(name, value): (&String, &Value)| match (name.as_str(), value) {
        ("properties" | "$defs" | "definitions", Value::Object(named)) => {
            named.values().any(|schema| is_open(schema, depth + 1))
        }
        ("items" | "anyOf" | "oneOf" | "allOf" | "not", value) => is_open(value, depth + 1),
        _ => false,
    };
    depth < MAX_DEPTH && (open || node.iter().any(below))
}

fn is_object(node: &Object) -> bool {
    match node.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        None => node.contains_key("properties"),
        _ => false,
    }
}

/// The schema with its definitions where they are used.
pub fn without_references(mut schema: Tree<'_>) -> Tree<'_> {
    let Tree::Object(node) = &mut schema else {
        return schema;
    };
    let key = if node.contains("$defs") {
        "$defs"
    } else {
        "definitions"
    };
    let Some(Tree::Object(definitions)) = node.remove(key) else {
        return schema;
    };
    let (mut budget, before) = (10_000, schema.clone());
    if inline(&mut schema, key, &definitions, 0, &mut budget) {
        return schema;
    }
    let mut kept = before;
    kept.set(key, definitions);
    kept
}

/// Whether every reference could be replaced within the depth and the budget of nodes.
fn inline<'a>(
    node: &mut Tree<'a>,
    key: &str,
    definitions: &Members<'a>,
    depth: usize,
    budget: &mut usize,
) -> bool {
    *budget = budget.saturating_sub(1);
    if depth > MAX_DEPTH || *budget == 0 {
        return false;
    }
    let named = node
        .get("$ref")
        .and_then(Tree::as_str)
        .and_then(|path| {
            path.strip_prefix("#/")?
                .strip_prefix(key)?
                .strip_prefix('/')
        })
        .and_then(|name| definitions.get(name));
    if let Some(definition) = named {
        *node = definition.clone();
    }
    match node {
        Tree::Object(members) => members
            .values_mut()
            .all(|value| inline(value, key, definitions, depth + 1, budget)),
        Tree::List(list) => list
            .iter_mut()
            .all(|value| inline(value, key, definitions, depth + 1, budget)),
        _ => true,
    }
}

/// The schema as Anthropic's grammar takes it: what it does not know is told in the description.
pub fn constrained(schema: &Value, depth: usize) -> Value {
    let Value::Object(node) = schema else {
        return schema.clone();
    };
    if depth > MAX_DEPTH {
        return schema.clone();
    }
    let below = |value: &Value| constrained(value, depth + 1);
    let enforced =
        |name: &str, value: &Value| name == "minItems" && matches!(value.as_u64(), Some(0 | 1));
    let unknown = |name: &str, value: &Value| {
        CONSTRAINTS.iter().any(|(known, _)| *known == name) && !enforced(name, value)
    };
    let mut out = Object::new();
    let notes: Vec<String> = CONSTRAINTS
        .iter()
        .filter_map(|(name, label)| {
            let value = node.get(*name).filter(|value| !enforced(name, value))?;
            let shown = crate::adapt::canonical::python_json(value);
            (value != &json!(false)).then(|| label.replace("{}", shown.trim_matches('"')))
        })
        .collect();
    for (name, value) in node {
        let each = |list: &[Value]| -> Vec<Value> { list.iter().map(below).collect() };
        match (name.as_str(), value) {
            (name, value) if unknown(name, value) => {}
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                let named = named
                    .iter()
                    .map(|(name, schema)| (name.clone(), below(schema)));
                out.insert(name.clone(), Value::Object(named.collect()));
            }
            ("items", value) => {
                out.insert(name.clone(), below(value));
            }
            ("allOf", Value::Array(list)) => {
                out.insert(name.clone(), Value::Array(each(list)));
            }
            ("anyOf" | "oneOf", Value::Array(list)) => {
                let all = out.entry("anyOf").or_insert_with(|| json!([]));
                if let Value::Array(all) = all {
                    all.extend(each(list));
                }
            }
            _ => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    if !notes.is_empty() {
        let note = format!("Note: {}.", notes.join(", "));
        let note = match node.get("description").and_then(Value::as_str) {
            Some(given) if !given.is_empty() => format!("{given} {note}"),
            _ => note,
        };
        out.insert("description".into(), json!(note));
    }
    if is_object(&out) {
        out.insert("additionalProperties".into(), json!(false));
    }
    Value::Object(out)
}
