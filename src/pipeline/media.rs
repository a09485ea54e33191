//! Images and documents that messages name by address, for providers that want them inline: fetched, and put in their
//! place as data URIs. The adapter says whether its target wants them so.

use super::Engine;
use crate::adapt::{Head, Inline, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::forward::{Clocks, collect};
use crate::request::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// Largest medium, in bytes (LiteLLM's `MAX_IMAGE_URL_DOWNLOAD_SIZE_MB`).
const MAX_MEDIUM: usize = 50 << 20;
/// Most media of a call, and most bytes of all of them.
const MAX_MEDIA: usize = 100;
const MAX_ALL: usize = 200 << 20;
/// Longest wait for one.
const LIMIT: Duration = Duration::from_secs(30);
/// Most redirections on the way to one.
const MAX_HOPS: usize = 5;

/// The beginnings of media whose type nobody tells.
const MAGIC: [(&[u8], &str); 6] = [
    (b"\x89PNG", "image/png"),
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF", "application/pdf"),
    (b"II*\0", "image/tiff"),
];

/// Media types by the endings of addresses.
const ENDINGS: [(&str, &str); 11] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("mp4", "video/mp4"),
];

/// What a target wants inline of a call, where that may name media by address.
pub(super) fn wanted(call: &Call, target: &Target) -> Option<Inline> {
    let wanted = target.adapter(call.op).inline(call, target);
    if wanted == Inline::None {
        return None;
    }
    let messages = call.params.raw("messages")?;
    memchr::memmem::find(messages, b"\"http").map(|_| wanted)
}

impl Engine {
    /// The call with its media inline, those that are `wanted` so.
    pub(super) async fn inlined(
        &self,
        wanted: Inline,
        call: &Call,
        target: &Target,
        clocks: Clocks,
    ) -> Result<Option<Box<Call>>> {
        let Some(mut messages) = call.params.get::<Vec<Value>>("messages") else {
            return Ok(None);
        };
        let mut places = Vec::new();
        for message in &mut messages {
            let parts = message.get_mut("content").and_then(Value::as_array_mut);
            for part in parts.into_iter().flatten() {
                places.extend(place(part).filter(|place| wanted.takes(place.url())));
            }
        }
        if places.is_empty() {
            return Ok(None);
        }
        if places.len() > MAX_MEDIA {
            let what = format!("a call may name {MAX_MEDIA} media by address at most");
            return Err(Error::bad_request(what));
        }
        let mut all = 0;
        for place in places {
            let url = place.url().to_owned();
            let (media, data) = self
                .medium(&url, target, clocks)
                .await
                .map_err(|why| target.adapter(call.op).unfetched(call, target, &url, &why))?;
            all += data.len();
            if all > MAX_ALL {
                return Err(Error::bad_request(
                    "the media of a call are too large together",
                ));
            }
            place.fill(&media, &data);
        }
        let mut call = Box::new(call.clone());
        call.params.set("messages", &messages);
        Ok(Some(call))
    }

    /// A medium: its type, and its bytes in base64. Else why there is none.
    async fn medium(
        &self,
        url: &str,
        target: &Target,
        clocks: Clocks,
    ) -> Result<(String, String), String> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_HOPS {
            let (head, body) = self.fetched(&url, target, clocks).await?;
            if head.status.is_redirection() {
                let next = head
                    .headers
                    .get(LOCATION)
                    .and_then(|next| next.to_str().ok());
                url = next
                    .and_then(|next| joined(&url, next))
                    .ok_or("a redirection leads nowhere")?;
                continue;
            }
            if !head.status.is_success() {
                return Err(format!("Status code: {}", head.status.as_u16()));
            }
            let media = media_type(&head, &url, &body);
            return Ok((media, STANDARD.encode(&body)));
        }
        Err("too many redirections".to_owned())
    }

    async fn fetched(
        &self,
        url: &str,
        target: &Target,
        clocks: Clocks,
    ) -> Result<(Head, Bytes), String> {
        const REFUSED: &str = "The proxy could not resolve this host or its URL policy rejected it; an admin can check \
                               the proxy log and `user_url_allowed_hosts` in litellm_settings.";
        let request = UpstreamRequest {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new().into(),
        };
        let limit = clocks.total.unwrap_or(LIMIT).min(LIMIT);
        let clocks = Clocks {
            headers: Some(limit),
            total: Some(limit),
            ..clocks
        };
        let sent = if is_trusted(url, target) {
            self.transport.send(request, clocks).await
        } else {
            self.transport.fetch(request, clocks).await
        };
        let mut upstream = sent.map_err(|_| REFUSED.to_owned())?;
        let body = collect(&mut *upstream.body, MAX_MEDIUM).await;
        let body = body.map_err(|_| "it is too large, or ended early".to_owned())?;
        Ok((upstream.head, body))
    }
}

/// Whether the operator trusts an address, or all.
fn is_trusted(url: &str, target: &Target) -> bool {
    let settings = &target.options.other;
    if settings.get::<bool>("user_url_validation") == Some(false) {
        return true;
    }
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let trusted = settings
        .get::<Vec<String>>("user_url_allowed_hosts")
        .unwrap_or_default();
    let host = uri.host().unwrap_or_default().trim_end_matches('.');
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    let with_port = format!("{host}:{}", uri.port_u16().unwrap_or(usual));
    trusted
        .iter()
        .any(|entry| entry.eq_ignore_ascii_case(host) || entry.eq_ignore_ascii_case(&with_port))
}

/// Where a medium is named.
enum Place<'a> {
    /// An address alone, which becomes a data URI.
    Uri(&'a mut Value),
    /// Anthropic's source, which becomes one of bytes.
    Source(&'a mut Value),
}

fn place(part: &mut Value) -> Option<Place<'_>> {
    let kind = part["type"].as_str()?.to_owned();
    match kind.as_str() {
        "image_url" if part["image_url"].is_string() => Some(Place::Uri(&mut part["image_url"])),
        "image_url" => Some(Place::Uri(part["image_url"].get_mut("url")?)),
        "file" => {
            let file = part.get_mut("file")?.as_object_mut()?;
            let named = ["file_id", "file_data"].into_iter().find(|name| {
                let text = file.get(*name).and_then(Value::as_str);
                text.is_some_and(|text| text.starts_with("http"))
            })?;
            file.get_mut(named).map(Place::Uri)
        }
        "image" | "document" if part["source"]["type"] == "url" => {
            Some(Place::Source(part.get_mut("source")?))
        }
        _ => None,
    }
}

impl Place<'_> {
    fn url(&self) -> &str {
        match self {
            Self::Uri(value) => value.as_str().unwrap_or_default(),
            Self::Source(source) => source["url"].as_str().unwrap_or_default(),
        }
    }

    fn fill(self, media: &str, data: &str) {
        match self {
            Self::Uri(value) => *value = json!(format!("data:{media};base64,{data}")),
            Self::Source(source) => {
                *source = json!({"type": "base64", "media_type": media, "data": data});
            }
        }
    }
}

/// What the head tells, else the address's ending, else the first bytes.
fn media_type(head: &Head, url: &str, body: &[u8]) -> String {
    let told = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|told| told.to_str().ok());
    let told = told.and_then(|told| told.split(';').next()).map(str::trim);
    let plain = |told: &&str| !told.is_empty() && !told.ends_with("octet-stream");
    if let Some(told) = told.filter(plain) {
        return told.to_owned();
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let by_ending = ENDINGS
        .iter()
        .find(|(known, _)| *known == ending)
        .map(|(_, media)| *media);
    let by_bytes = || {
        MAGIC
            .iter()
            .find(|(magic, _)| body.starts_with(magic))
            .map(|(_, media)| *media)
    };
    by_ending
        .or_else(by_bytes)
        .unwrap_or("image/jpeg")
        .to_owned()
}

/// The address that a redirection names: whole, or on the same host.
fn joined(url: &str, next: &str) -> Option<String> {
    if next.starts_with("http://") || next.starts_with("https://") {
        return Some(next.to_owned());
    }
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?']).next()?;
    if let Some(elsewhere) = next.strip_prefix("//") {
        return Some(format!("{scheme}://{elsewhere}"));
    }
    next.starts_with('/')
        .then(|| format!("{scheme}://{host}{next}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn media_are_found_and_filled_wherever_they_are_named() {
        let parts = [
            json!({"type": "image_url", "image_url": "http://a/x"}),
            json!({"type": "image_url", "image_url": {"url": "http://a/x", "format": "image/png"}}),
            json!({"type": "file", "file": {"file_id": "http://a/x"}}),
            json!({"type": "document", "source": {"type": "url", "url": "http://a/x"}}),
        ];
        for mut part in parts {
            let found = place(&mut part).unwrap();
            assert_eq!(found.url(), "http://a/x");
            found.fill("image/gif", "QQ==");
            let text = part.to_string();
            assert!(text.contains("QQ==") && !text.contains("http://"), "{text}");
        }
        assert!(place(&mut json!({"type": "text", "text": "http://a/x"})).is_none());
        assert!(place(&mut json!({"type": "file", "file": {"file_id": "file-1"}})).is_none());
    }

    #[test]
    fn redirections_are_followed_from_where_they_are() {
        let from = |next| joined("https://a.example/b?c=d", next);
        assert_eq!(from("/x").as_deref(), Some("https://a.example/x"));
        assert_eq!(from("http://b/x").as_deref(), Some("http://b/x"));
        assert_eq!(from("//b/x").as_deref(), Some("https://b/x"));
        assert_eq!(from("file:///etc/passwd"), None);
    }

    #[test]
    fn the_type_of_a_medium_is_told_or_seen() {
        let head = |told: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(told) = told {
                headers.insert(CONTENT_TYPE, told.parse().unwrap());
            }
            Head {
                status: http::StatusCode::OK,
                headers,
            }
        };
        let of = |told, url, body: &[u8]| media_type(&head(told), url, body);
        assert_eq!(
            of(Some("image/webp; q=1"), "http://a/b.png", b""),
            "image/webp"
        );
        assert_eq!(
            of(Some("application/octet-stream"), "http://a/b.PNG?x", b""),
            "image/png"
        );
        assert_eq!(of(None, "http://a/b", b"%PDF-1.7"), "application/pdf");
    }
}
