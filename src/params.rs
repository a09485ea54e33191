//! The members of a JSON request body, each value still raw: what the hot path reads and splices instead of a DOM.
//!
//! Parsing walks the body once and keeps zero-copy slices of it; nothing below the top level is looked at.
//! Duplicate keys: the last one wins, as in Python's and most providers' parsers. Escaped keys are unescaped.

use crate::error::{Error, Result};
use bytes::{BufMut, Bytes, BytesMut};
use compact_str::CompactString;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Ordered top-level members of a JSON object: name and raw JSON value.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Params {
    members: Vec<(CompactString, Bytes)>,
}

/// Members that a request usually has at most.
const USUAL: usize = 12;

struct MembersVisitor<'a>(&'a Bytes);

impl<'de> Visitor<'de> for MembersVisitor<'_> {
    type Value = Params;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
        let mut params = Params {
            members: Vec::with_capacity(USUAL),
        };
        while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            params.set_raw(&name, self.0.slice_ref(value.get().as_bytes()));
        }
        Ok(params)
    }
}

/// The name of a member, borrowed where it has no escapes.
pub(crate) struct Key<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Key<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string key")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(v.to_owned())))
            }
        }
        d.deserialize_str(KeyVisitor)
    }
}

impl Params {
    /// Reads the members of a JSON object.
    ///
    /// # Errors
    /// The serde error (with line and column) when `body` is not one JSON object in UTF-8.
    pub fn parse(body: &Bytes) -> Result<Self, serde_json::Error> {
        // Looked at once as a whole, its texts need not be looked at one by one; what is not UTF-8 is, for the place.
        match std::str::from_utf8(body) {
            Ok(text) => Self::read_from(serde_json::Deserializer::from_str(text), body),
            Err(_) => Self::read_from(serde_json::Deserializer::from_slice(body), body),
        }
    }

    fn read_from<'a>(
        mut json: serde_json::Deserializer<impl serde_json::de::Read<'a>>,
        body: &'a Bytes,
    ) -> Result<Self, serde_json::Error> {
        use serde::Deserializer;
        let params = json.deserialize_map(MembersVisitor(body))?;
        json.end()?;
        Ok(params)
    }

    /// The raw JSON of a member.
    pub fn raw(&self, name: &str) -> Option<&Bytes> {
        self.members
            .iter()
            .find(|(n, _)| &**n == name)
            .map(|(_, v)| v)
    }

    /// Whether the member is there (`null` counts).
    pub fn contains(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// A member read as `T`; `None` when it is missing, `null`, or of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.raw(name)
            .and_then(|raw| serde_json::from_slice::<Option<T>>(raw).ok().flatten())
    }

    /// A member read as `T`, where another type is the caller's mistake.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(raw) = self.raw(name) else {
            return Ok(None);
        };
        serde_json::from_slice(raw)
            .map_err(|e| Error::bad_request(format!("`{name}` has a value of the wrong type: {e}")))
    }

    /// Sets a member to raw JSON, in place when it exists, else at the end.
    pub fn set_raw(&mut self, name: &str, raw: Bytes) {
        match self.members.iter_mut().find(|(n, _)| &**n == name) {
            Some((_, value)) => *value = raw,
            None => self.members.push((name.into(), raw)),
        }
    }

    /// Sets a member to a value.
    pub fn set(&mut self, name: &str, value: &(impl serde::Serialize + ?Sized)) {
        if let Ok(raw) = serde_json::to_vec(value) {
            self.set_raw(name, raw.into());
        }
    }

    /// Sets a member to a text.
    pub fn set_text(&mut self, name: &str, text: &str) {
        let mut raw = BytesMut::with_capacity(text.len() + 2);
        write_json_string(&mut raw, text);
        self.set_raw(name, raw.freeze());
    }

    /// Removes a member and returns its raw JSON.
    pub fn remove(&mut self, name: &str) -> Option<Bytes> {
        let at = self.members.iter().position(|(n, _)| &**n == name)?;
        Some(self.members.remove(at).1)
    }

    /// Keeps the members for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Bytes) -> bool) {
        self.members.retain(|(n, v)| keep(n, v));
    }

    /// The same, where saying so may fail: the first failure ends it.
    ///
    /// # Errors
    /// What `keep` fails with; some members may be gone then.
    pub fn try_retain<E>(
        &mut self,
        mut keep: impl FnMut(&str, &Bytes) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut failed = None;
        self.members.retain(|(n, v)| {
            failed.is_some()
                || keep(n, v).unwrap_or_else(|error| {
                    failed = Some(error);
                    true
                })
        });
        failed.map_or(Ok(()), Err)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.members.iter().map(|(n, v)| (&**n, v))
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The JSON object with these members, values byte for byte as they came.
    pub fn to_json(&self) -> Bytes {
        let size: usize = self
            .members
            .iter()
            .map(|(n, v)| n.len() + v.len() + 6)
            .sum();
        let mut out = BytesMut::with_capacity(size + 2);
        out.put_u8(b'{');
        for (i, (name, value)) in self.members.iter().enumerate() {
            if i > 0 {
                out.put_u8(b',');
            }
            write_json_string(&mut out, name);
            out.put_u8(b':');
            out.put_slice(value);
        }
        out.put_u8(b'}');
        out.freeze()
    }
}

/// Whether a JSON string of `text` differs from it.
pub fn needs_escape(text: &str) -> bool {
    // Without a way out of the loop, so that many bytes are looked at in one step.
    let found = text.bytes().fold(0, |found, byte| {
        found | u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\')
    });
    found != 0
}

/// Appends `text` as a JSON string.
pub fn write_json_string(out: &mut BytesMut, text: &str) {
    if needs_escape(text) {
        // A buffer of bytes takes everything.
        let _ = serde_json::to_writer(out.writer(), text);
    } else {
        out.reserve(text.len() + 2);
        out.put_u8(b'"');
        out.put_slice(text.as_bytes());
        out.put_u8(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Params {
        Params::parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap_or_default()
    }

    #[test]
    fn values_survive_byte_for_byte() {
        let text = r#"{"model":"m","big":12345678901234567890.10,"s":"é\n","n":{"a":[1, 2]}}"#;
        assert_eq!(parse(text).to_json(), text);
    }

    #[test]
    fn last_duplicate_wins_and_escaped_keys_are_read() {
        let params = parse(r#"{"model":"a","mod\u0065l":"b"}"#);
        assert_eq!(params.get::<String>("model").as_deref(), Some("b"));
        assert_eq!(params.len(), 1);
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        assert!(Params::parse(&Bytes::from_static(b"{} {}")).is_err());
    }
}
