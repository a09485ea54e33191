//! Images, documents and videos as Converse's blocks: the bytes of a data URI, and the name of their form.

use crate::adapt::Target;
use crate::adapt::tree::{Tree, tree};
use crate::error::{Error, ErrorKind, Result, Side};
use std::fmt::Write;

const IMAGES: [&str; 4] = ["png", "jpeg", "gif", "webp"];
const VIDEOS: [&str; 9] = [
    "mp4", "mov", "mkv", "webm", "flv", "mpeg", "mpg", "wmv", "3gp",
];

/// Media types of documents, and Converse's names for them.
const DOCUMENTS: [(&str, &str); 12] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/csv", "csv"),
    ("application/msword", "doc"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    ("application/vnd.ms-excel", "xls"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
    ("application/markdown", "md"),
];

/// How much of a document makes its name.
const SAMPLE: usize = 64 << 10;

/// The block of an image part: `{"url": ..., "format": ...}` or the address itself.
pub fn image<'a>(given: &'a Tree<'a>, target: &Target) -> Result<Tree<'a>> {
    let url = given.as_str().or_else(|| given["url"].as_str());
    block(url.unwrap_or_default(), given["format"].as_str(), target)
}

/// The block of a file part.
pub fn file<'a>(part: &'a Tree<'a>, target: &Target) -> Result<Tree<'a>> {
    let file = &part["file"];
    let bad = |what: &str| Error::bad_request(what).at("bedrock", &target.model);
    if file.is_null() {
        return Err(bad(
            "Content block has type='file' but is missing the required 'file' field",
        ));
    }
    let data = file["file_id"]
        .as_str()
        .or_else(|| file["file_data"].as_str());
    let Some(data) = data else {
        return Err(bad("file_data and file_id cannot both be None"));
    };
    block(data, file["format"].as_str(), target)
}

/// The block of Anthropic's document part.
pub fn document<'a>(part: &'a Tree<'a>, target: &Target) -> Result<Tree<'a>> {
    let source = &part["source"];
    if source["type"] != "base64" {
        return Err(unsupported(
            target,
            "Bedrock Converse only supports base64-encoded document sources",
        ));
    }
    let media = source["media_type"].as_str().unwrap_or_default();
    let data = source["data"].as_str().unwrap_or_default();
    let format = document_format(media).ok_or_else(|| unknown(target, media))?;
    let name = format!("Document_{}_{format}", name_of(data));
    let source = tree!({"bytes": data});
    let document = tree!({"source": source, "format": format, "name": name});
    Ok(tree!({"document": document}))
}

fn block<'a>(uri: &'a str, given: Option<&'a str>, target: &Target) -> Result<Tree<'a>> {
    let Some((head, data)) = uri
        .split_once(',')
        .filter(|(head, _)| head.contains("base64"))
    else {
        return Err(unsupported(
            target,
            "Unsupported image type. Expected either image url or base64 encoded string",
        ));
    };
    let named = head
        .strip_prefix("data:")
        .and_then(|head| head.split(';').next());
    let media = given.or(named).filter(|media| !media.is_empty());
    let media = media.unwrap_or("image/jpeg");
    let format = media.split('/').nth(1).unwrap_or_default();
    let source = tree!({"bytes": data});
    if media.starts_with("application") || media.starts_with("text") {
        let format = document_format(media).ok_or_else(|| unknown(target, media))?;
        let name = format!("DocumentPDFmessages_{}_{format}", name_of(data));
        let document = tree!({"source": source, "format": format, "name": name});
        return Ok(tree!({"document": document}));
    }
    if VIDEOS.contains(&format) {
        return Ok(tree!({"video": tree!({"source": source, "format": format})}));
    }
    if IMAGES.contains(&format) {
        return Ok(tree!({"image": tree!({"source": source, "format": format})}));
    }
    Err(unsupported(
        target,
        &format!("Unsupported image format: {format}. Supported formats: {VIDEOS:?}, {IMAGES:?}"),
    ))
}

fn document_format(media: &str) -> Option<&'static str> {
    let known = DOCUMENTS.iter().find(|(known, _)| *known == media);
    known.map(|(_, format)| *format)
}

/// A name that the same document has in every turn: Bedrock wants one, and caches by it.
fn name_of(data: &str) -> String {
    let plain: String = data.split_whitespace().collect();
    let sample = &plain.as_bytes()[..plain.len().min(SAMPLE)];
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(sample);
    context.update(plain.len().to_string().as_bytes());
    short_hex(context.finish().as_ref(), 8)
}

/// The first bytes of a digest, in hexadecimal.
pub fn short_hex(digest: &[u8], bytes: usize) -> String {
    let mut out = String::new();
    for byte in digest.iter().take(bytes) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn unknown(target: &Target, media: &str) -> Error {
    unsupported(
        target,
        &format!("No supported extensions for MIME type: {media}"),
    )
}

/// LiteLLM tells these as broken connections; no other attempt will help.
fn unsupported(target: &Target, what: &str) -> Error {
    let mut error = Error::new(
        ErrorKind::ApiConnection,
        format!("BedrockException - {what}"),
    )
    .at(target.provider.name, &target.model)
    .side(Side::Client);
    error.retry = false;
    error
}
