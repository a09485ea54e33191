//! Tools as OpenAI shows them to its models (TypeScript-like), and images by their size: what both count for.

use super::Object;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The text that tool definitions become.
pub fn definitions(tools: &[Value]) -> String {
    let mut lines = vec!["namespace functions {".to_owned(), String::new()];
    for function in tools.iter().filter_map(function) {
        definition(&function, &mut lines);
    }
    lines.push("} // namespace functions".to_owned());
    lines.join("\n")
}

/// A tool's function, of whatever dialect.
fn function(tool: &Value) -> Option<Object> {
    if let Some(function) = tool.get("function").and_then(Value::as_object) {
        return Some(function.clone());
    }
    let tool = tool.as_object()?;
    let mut function = Object::new();
    for name in ["name", "description"] {
        if let Some(value) = tool.get(name) {
            function.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(parameters) = tool.get("input_schema").or(tool.get("parameters")) {
        function.insert("parameters".to_owned(), parameters.clone());
    }
    Some(function)
}

fn definition(function: &Object, lines: &mut Vec<String>) {
    let Some(name) = text(function, "name") else {
        return;
    };
    if let Some(description) = text(function, "description") {
        lines.push(format!("// {description}"));
    }
    let parameters = function.get("parameters").and_then(Value::as_object);
    match parameters.filter(|p| {
        p.get("properties")
            .and_then(Value::as_object)
            .is_some_and(|p| !p.is_empty())
    }) {
        Some(parameters) => {
            lines.push(format!("type {name} = (_: {{"));
            lines.push(members(parameters, 0));
            lines.push("}) => any;".to_owned());
        }
        None => lines.push(format!("type {name} = () => any;")),
    }
    lines.push(String::new());
}

fn members(parameters: &Object, indent: usize) -> String {
    let Some(properties) = parameters.get("properties").and_then(Value::as_object) else {
        return String::new();
    };
    let required = parameters.get("required").and_then(Value::as_array);
    let mut lines = Vec::new();
    for (key, property) in properties {
        if let Some(description) = property.as_object().and_then(|p| text(p, "description")) {
            lines.push(format!("// {description}"));
        }
        let needed = required.is_some_and(|names| names.iter().any(|n| n.as_str() == Some(key)));
        let question = if needed { "" } else { "?" };
        lines.push(format!("{key}{question}: {},", kind(property, indent)));
    }
    let margin = " ".repeat(indent);
    lines
        .iter()
        .map(|line| format!("{margin}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn kind(property: &Value, indent: usize) -> String {
    let variants = property
        .get("enum")
        .and_then(Value::as_array)
        .map(|values| {
            let quoted = values.iter().map(|value| match value {
                Value::String(text) => format!("\"{text}\""),
                other => format!("\"{other}\""),
            });
            quoted.collect::<Vec<_>>().join(" | ")
        });
    match property.get("type").and_then(Value::as_str) {
        Some("string") => variants.unwrap_or_else(|| "string".to_owned()),
        Some("integer" | "number") => variants.unwrap_or_else(|| "number".to_owned()),
        Some("array") => format!(
            "{}[]",
            property
                .get("items")
                .map_or_else(|| "any".to_owned(), |i| kind(i, indent))
        ),
        Some("object") => {
            let inner = property
                .as_object()
                .map_or_else(String::new, |p| members(p, indent + 2));
            format!("{{\n{inner}\n}}")
        }
        Some("boolean") => "boolean".to_owned(),
        Some("null") => "null".to_owned(),
        _ => "any".to_owned(),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// Longest and shortest side that a model looks at, and its tiles, in pixels (OpenAI's image accounting).
const MAX_LONG: f64 = 2000.0;
const MAX_SHORT: f64 = 768.0;
const TILE: f64 = 512.0;
/// Base64 characters looked at for an image's size.
const HEADER_CHARS: usize = 65_536;

/// Tokens of an image: `base` when its size cannot be told without fetching it.
pub fn image(url: &str, detail: &str, base: i64) -> i64 {
    if detail == "low" {
        return base;
    }
    let Some((width, height)) = inline_size(url) else {
        return base;
    };
    let (mut width, mut height) = (f64::from(width), f64::from(height));
    let (short, long) = (width.min(height), width.max(height));
    if short > MAX_SHORT || long > MAX_LONG {
        let scale = (MAX_SHORT / short).min(MAX_LONG / long);
        width = (width * scale).floor();
        height = (height * scale).floor();
    }
    let tiles = (width / TILE).ceil() * (height / TILE).ceil();
    base + base * 2 * tiles as i64
}

/// Width and height of a `data:` image, from its header.
fn inline_size(url: &str) -> Option<(u32, u32)> {
    let (head, data) = url.split_once(',')?;
    if !head.starts_with("data:") || !head.ends_with(";base64") {
        return None;
    }
    let end = data.len().min(HEADER_CHARS) / 4 * 4;
    let bytes = STANDARD.decode(data.get(..end)?).ok()?;
    let at = |i: usize| bytes.get(i).copied().map(u32::from);
    let big = |i: usize| Some(at(i)? << 8 | at(i + 1)?);
    let little = |i: usize| Some(at(i + 1)? << 8 | at(i)?);
    if bytes.starts_with(b"\x89PNG") {
        return Some((big(16)? << 16 | big(18)?, big(20)? << 16 | big(22)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((little(6)?, little(8)?));
    }
    if bytes.starts_with(b"\xff\xd8") {
        return jpeg_size(&bytes);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..16) == Some(b"WEBPVP8X") {
        let wide = |i: usize| Some((at(i)? | at(i + 1)? << 8 | at(i + 2)? << 16) + 1);
        return Some((wide(24)?, wide(27)?));
    }
    None
}

fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    while *bytes.get(at)? == 0xff {
        let marker = *bytes.get(at + 1)?;
        let word = |i: usize| Some(u32::from(*bytes.get(i)?) << 8 | u32::from(*bytes.get(i + 1)?));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((word(at + 7)?, word(at + 5)?));
        }
        at += 2 + word(at + 2)? as usize;
    }
    None
}
