//! JSON Schema into the part of OpenAPI's that Gemini's function declarations take: references are written out,
//! lists of types become alternatives, `null` becomes `nullable`, and what Gemini does not know is left out.

use crate::adapt::usage::Object;
use serde_json::{Value, json};

/// Deepest nesting that is translated; a schema that refers to itself ends here.
const MAX_DEPTH: usize = 64;

/// How often one reference is written out inside itself.
const MAX_EXPANSIONS: usize = 4096;

/// Gemini's members of a schema: <https://ai.google.dev/api/caching#Schema>
const KNOWN: [&str; 21] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "default",
    "items",
    "minItems",
    "maxItems",
    "enum",
    "properties",
    "propertyOrdering",
    "required",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "anyOf",
];

/// The schema as Gemini takes it.
pub fn translate(schema: &Value) -> Value {
    let mut walk = Walk {
        root: schema,
        open: Vec::new(),
        expanded: 0,
    };
    walk.schema(schema, 0)
}

/// The same, with the order of every object's properties told.
pub fn translate_ordered(schema: &Value) -> Value {
    let mut out = translate(schema);
    order(&mut out);
    out
}

fn order(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    let names = match schema.get("properties") {
        Some(Value::Object(properties)) => Some(properties.keys().cloned().collect::<Vec<_>>()),
        _ => None,
    };
    if let Some(names) = names {
        schema.entry("propertyOrdering").or_insert(json!(names));
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(order);
    }
    if let Some(items) = schema.get_mut("items") {
        order(items);
    }
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.iter_mut().for_each(order);
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// References that are being written out.
    open: Vec<String>,
    expanded: usize,
}

impl Walk<'_> {
    fn schema(&mut self, schema: &Value, depth: usize) -> Value {
        let Value::Object(given) = schema else {
            return json!({"type": "object"});
        };
        if depth > MAX_DEPTH {
            return json!({"type": "object"});
        }
        if let Some(name) = given.get("$ref").and_then(Value::as_str) {
            return self.reference(name, depth);
        }
        let mut given = given.clone();
        for name in ["oneOf", "allOf"] {
            if let Some(branches) = given.remove(name)
                && !given.contains_key("anyOf")
            {
                match branches {
                    Value::Array(mut only) if name == "allOf" && only.len() == 1 => {
                        let whole = self.schema(&only.remove(0), depth + 1);
                        if let Value::Object(whole) = whole {
                            given.extend(whole);
                        }
                    }
                    branches => {
                        given.insert("anyOf".into(), branches);
                    }
                }
            }
        }
        spread_types(&mut given);
        if let Some(constant) = given.remove("const")
            && constant.is_string()
        {
            given.insert("enum".into(), json!([constant]));
        }
        let mut out = Object::new();
        for (name, value) in &given {
            if value.is_null() || !KNOWN.contains(&name.as_str()) {
                continue;
            }
            let value = match (name.as_str(), value) {
                ("properties", Value::Object(properties)) => Value::Object(
                    properties
                        .iter()
                        .map(|(name, schema)| (name.clone(), self.schema(schema, depth + 1)))
                        .collect(),
                ),
                ("items", items) => self.schema(items, depth + 1),
                ("anyOf", Value::Array(branches)) => self.alternatives(branches, depth),
                _ => value.clone(),
            };
            out.insert(name.clone(), value);
        }
        tidy(&mut out);
        Value::Object(out)
    }

    fn reference(&mut self, name: &str, depth: usize) -> Value {
        self.expanded += 1;
        if self.expanded > MAX_EXPANSIONS || self.open.iter().any(|open| open == name) {
            return json!({"type": "object"});
        }
        let pointed = name
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer));
        let Some(pointed) = pointed.cloned() else {
            return json!({"type": "object"});
        };
        self.open.push(name.to_owned());
        let out = self.schema(&pointed, depth + 1);
        self.open.pop();
        out
    }

    /// `null` among alternatives makes the others nullable.
    fn alternatives(&mut self, branches: &[Value], depth: usize) -> Value {
        let is_null = |branch: &Value| branch.get("type") == Some(&json!("null"));
        let nullable = branches.iter().any(is_null);
        let others: Vec<&Value> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let kept = if others.is_empty() {
            branches.iter().take(1).collect()
        } else {
            others
        };
        let kept = kept.into_iter().map(|branch| {
            let mut branch = self.schema(branch, depth + 1);
            if branch == json!({}) {
                branch["type"] = json!("object");
            }
            if nullable {
                branch["nullable"] = json!(true);
            }
            branch
        });
        Value::Array(kept.collect())
    }
}

/// `type: [a, b]` becomes alternatives, each with the members that belong to its type.
fn spread_types(schema: &mut Object) {
    let Some(Value::Array(types)) = schema.get("type").cloned() else {
        return;
    };
    schema.remove("type");
    let items = schema.remove("items");
    let properties = schema.remove("properties");
    let branches = types.iter().map(|kind| {
        let mut branch = json!({"type": kind});
        if kind == "array" {
            branch["items"] = items.clone().unwrap_or_else(|| json!({"type": "object"}));
        }
        if kind == "object"
            && let Some(properties) = &properties
        {
            branch["properties"] = properties.clone();
        }
        branch
    });
    schema.insert("anyOf".into(), Value::Array(branches.collect()));
}

fn tidy(schema: &mut Object) {
    if schema.contains_key("properties") && !schema.contains_key("type") {
        schema.insert("type".into(), json!("object"));
    }
    if schema.get("items").is_some_and(|items| items == &json!({})) {
        schema.insert("items".into(), json!({"type": "object"}));
    }
    // Gemini takes enumerations of texts only, and no empty ones.
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| value != "");
        let texts = values.iter().all(Value::is_string) && !values.is_empty();
        let kind = schema
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("string");
        if !texts || kind != "string" {
            schema.remove("enum");
        }
    }
    let formatted = matches!(
        schema.get("format").and_then(Value::as_str),
        Some("enum" | "date-time")
    );
    if schema.get("type") == Some(&json!("string")) && !formatted {
        schema.remove("format");
    }
}
