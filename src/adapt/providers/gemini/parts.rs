//! Content into `parts`: text, inline bytes, and files that are named.

use super::contents::is_gemini_3;
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// How finely media are looked at, coarse to fine.
pub const LEVELS: [&str; 4] = [
    "MEDIA_RESOLUTION_LOW",
    "MEDIA_RESOLUTION_MEDIUM",
    "MEDIA_RESOLUTION_HIGH",
    "MEDIA_RESOLUTION_ULTRA_HIGH",
];

/// MIME types by the ending of a file's name.
const TYPES: [(&str, &str); 26] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("aac", "audio/aac"),
    ("m4a", "audio/m4a"),
    ("opus", "audio/opus"),
    ("mp4", "video/mp4"),
    ("mov", "video/mov"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
];

/// The texts of a content.
pub fn texts(content: Option<&Value>) -> Vec<Value> {
    match content {
        Some(Value::String(text)) => vec![json!({"text": text})],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| Some(json!({"text": item.get("text")?})))
            .collect(),
        _ => Vec::new(),
    }
}

/// All of a content.
///
/// # Errors
/// Media that Gemini cannot be sent.
pub fn content(content: Option<&Value>, model: &str) -> Result<Vec<Value>> {
    let Some(Value::Array(items)) = content else {
        return Ok(texts(content));
    };
    let mut parts = Vec::new();
    for item in items {
        parts.extend(part(item, model)?);
    }
    Ok(parts)
}

/// One item of a content; `None` for an empty text or a kind that Gemini does not know.
///
/// # Errors
/// As [`content`].
pub fn part(item: &Value, model: &str) -> Result<Option<Value>> {
    if let Some(text) = item["text"].as_str() {
        return Ok((!text.is_empty()).then(|| json!({"text": text})));
    }
    if let Value::Object(audio) = &item["input_audio"] {
        let format = audio.get("format").and_then(Value::as_str).unwrap_or("wav");
        let data = audio
            .get("data")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mime = format!("audio/{format}");
        return media(data, Some(&mime)).map(Some);
    }
    let image = &item["image_url"];
    let video = &item["video_url"];
    let file = &item["file"];
    let (source, format) = if let Some(url) = image.as_str() {
        (Some(url), None)
    } else if image.is_object() {
        (image["url"].as_str(), image["format"].as_str())
    } else if video.is_object() {
        (video["url"].as_str(), video["format"].as_str())
    } else {
        let source = file["file_id"].as_str().or(file["file_data"].as_str());
        (source, file["format"].as_str())
    };
    let Some(source) = source else {
        return Ok(None);
    };
    let mut part = media(source, format)?;
    if is_gemini_3(model)
        && let Some(level) = detail(item)
    {
        part["media_resolution"] = json!({"level": level});
    }
    if let Value::Object(metadata) = &file["video_metadata"] {
        let metadata = Value::Object(metadata.clone());
        part["video_metadata"] = metadata;
    }
    Ok(Some(part))
}

/// The detail that an item asks for.
pub fn detail(item: &Value) -> Option<&'static str> {
    let named = item["image_url"]["detail"]
        .as_str()
        .or(item["file"]["detail"].as_str())?;
    let at = ["low", "medium", "high", "ultra_high"]
        .iter()
        .position(|level| *level == named)?;
    LEVELS.get(at).copied()
}

fn media(source: &str, format: Option<&str>) -> Result<Value> {
    if let Some(rest) = source.strip_prefix("data:") {
        let (head, data) = rest.split_once(',').unwrap_or(("", rest));
        let mime = head.split(';').next().filter(|mime| !mime.is_empty());
        let mime = format.or(mime).unwrap_or("application/octet-stream");
        return Ok(json!({"inline_data": {"data": data, "mime_type": named(mime)}}));
    }
    if source.contains("://") {
        let mime = format
            .or_else(|| by_ending(source))
            .ok_or_else(|| unknown(source))?;
        return Ok(json!({"file_data": {"mime_type": named(mime), "file_uri": source}}));
    }
    let mime = format.unwrap_or("image/jpeg");
    Ok(json!({"inline_data": {"data": source, "mime_type": named(mime)}}))
}

/// Google's name of a type that has two.
fn named(mime: &str) -> &str {
    match mime {
        "image/jpg" => "image/jpeg",
        other => other,
    }
}

fn by_ending(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let ending = path
        .rsplit('/')
        .next()?
        .rsplit_once('.')?
        .1
        .to_ascii_lowercase();
    TYPES
        .iter()
        .find(|(known, _)| *known == ending)
        .map(|(_, mime)| *mime)
}

fn unknown(url: &str) -> Error {
    // The address may hold a signature, so only its scheme is shown.
    let scheme = url.split("://").next().unwrap_or_default();
    Error::bad_request(format!(
        "the type of a file at `{scheme}://` cannot be told from its name"
    ))
    .hint("say it in `format`, for example \"image/png\"")
}
