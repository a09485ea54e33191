//! `multipart/form-data` as providers take uploads: fields first, then the files, whose bytes are passed on from where
//! they are.

use crate::adapt::Target;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::Call;
use crate::upload::{Content, Payload, Upload};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use std::fmt::Write;

/// A form in the making.
pub struct Form {
    boundary: String,
    head: String,
    pieces: Vec<Content>,
}

impl Form {
    /// An empty form. `id` is the call's: unlike anything in a file.
    pub fn new(id: &str) -> Self {
        let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            boundary: format!("gateway-{id:.64}-{:08x}", fastrand_of(&id)),
            head: String::new(),
            pieces: Vec::new(),
        }
    }

    /// Fields of raw JSON members: texts as they are, everything else as JSON; a list is one field for each item.
    pub fn members(&mut self, members: &Params) {
        for (name, raw) in members.iter() {
            match serde_json::from_slice(raw) {
                Ok(Value::Array(items)) => {
                    for item in items {
                        self.text(name, &shown(&item));
                    }
                }
                Ok(Value::Null) | Err(_) => {}
                Ok(value) => self.text(name, &shown(&value)),
            }
        }
    }

    /// One field.
    pub fn text(&mut self, name: &str, value: &str) {
        self.begin(name);
        let _ = write!(self.head, "\r\n\r\n{value}\r\n");
    }

    /// One file, as `field`, under a name of its own or `name`.
    pub fn file(&mut self, field: &str, name: &str, media_type: &str, upload: &Upload) {
        self.begin(field);
        let _ = write!(
            self.head,
            "; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            quoted(name),
            plain(media_type)
        );
        self.pieces
            .push(Content::Held(std::mem::take(&mut self.head).into()));
        self.pieces.push(upload.content.clone());
        self.head.push_str("\r\n");
    }

    /// The file that a call has as `file`.
    ///
    /// # Errors
    /// There is none; `hint` says how to send it.
    pub fn the_file(&mut self, call: &Call, target: &Target, hint: &'static str) -> Result<()> {
        let Some(upload) = call.uploads.iter().find(|upload| upload.field == "file") else {
            return Err(Error::bad_request("`file` is missing")
                .hint(hint)
                .at(target.provider.name, &target.model));
        };
        let kind = upload.media_type.as_deref();
        let kind = kind.unwrap_or("application/octet-stream");
        self.file("file", &upload.name, kind, upload);
        Ok(())
    }

    fn begin(&mut self, name: &str) {
        let _ = write!(
            self.head,
            "--{}\r\nContent-Disposition: form-data; name=\"{}\"",
            self.boundary,
            quoted(name)
        );
    }

    /// The content type, and the body.
    pub fn finish(mut self) -> (HeaderValue, Payload) {
        let _ = write!(self.head, "--{}--\r\n", self.boundary);
        self.pieces.push(Content::Held(Bytes::from(self.head)));
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        // Letters, digits and hyphens only.
        let kind =
            HeaderValue::from_str(&kind).unwrap_or(HeaderValue::from_static("multipart/form-data"));
        (kind, Payload::Pieces(self.pieces.into()))
    }
}

/// Some number that depends on the whole id, in case it had to be shortened.
fn fastrand_of(id: &str) -> u32 {
    id.bytes().fold(17, |sum: u32, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// As browsers write names: what would end them is escaped.
fn quoted(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn plain(media_type: &str) -> String {
    media_type.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn a_name_cannot_end_its_header_and_lists_are_several_fields() {
        let mut form = Form::new("1-2");
        let members = Params::parse(&Bytes::from_static(
            br#"{"a":["x","y"],"b":1.5,"c":null,"d":"t"}"#,
        ));
        form.members(&members.unwrap_or_default());
        let upload = Upload {
            field: "file".into(),
            name: "a".into(),
            media_type: None,
            content: Content::Held(Bytes::from_static(b"RIFF")),
        };
        form.file("file", "a\"\r\nX: y", "audio/wav\r\n", &upload);
        let (kind, Payload::Pieces(pieces)) = form.finish() else {
            panic!("a form is pieces");
        };
        let whole: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| match piece {
                Content::Held(bytes) => bytes.to_vec(),
                Content::Spooled(_) => Vec::new(),
            })
            .collect();
        let text = String::from_utf8_lossy(&whole);
        for field in [
            "name=\"a\"\r\n\r\nx\r\n",
            "name=\"a\"\r\n\r\ny\r\n",
            "name=\"b\"\r\n\r\n1.5\r\n",
            "name=\"d\"\r\n\r\nt\r\n",
        ] {
            assert!(text.contains(field), "{field} in {text}");
        }
        assert!(!text.contains("name=\"c\""));
        let file = "filename=\"a%22%0D%0AX: y\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--";
        assert!(text.contains(file), "{text}");
        assert!(
            kind.to_str()
                .is_ok_and(|kind| kind.starts_with("multipart/form-data; boundary=gateway-12-"))
        );
    }
}
