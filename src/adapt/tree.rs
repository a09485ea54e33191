//! JSON that borrows: what an adapter reads a conversation into, changes, and writes as the other protocol wants it.
//!
//! Texts without escapes are slices of what was read, members stand in a list, nothing is hashed: reading a body of
//! 20 KB and writing it anew costs tens of microseconds, where `serde_json::Value` takes hundreds. Objects have few
//! members; finding one walks the list.

mod reading;

use crate::params::write_json_string;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Index;

/// Objects with more members than this are searched for repeated names through a table.
const FEW: usize = 16;

/// One JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tree<'a> {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Tree<'a>>),
    /// An object.
    Object(Members<'a>),
    /// JSON that is only handed on: it can be written, and nothing in it can be looked up.
    Raw(&'a str),
}

/// The members of an object, in their order, each name once (whoever makes one from a list sees to that).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Tree<'a>)>);

/// An object of literal names.
macro_rules! tree {
    ({ $($name:literal : $value:expr),* $(,)? }) => {
        $crate::adapt::tree::Tree::Object($crate::adapt::tree::Members::from(vec![
            $((std::borrow::Cow::Borrowed($name), $crate::adapt::tree::Tree::from($value))),*
        ]))
    };
}
pub(crate) use tree;

static NULL: Tree<'static> = Tree::Null;

impl<'a> Tree<'a> {
    /// Reads JSON.
    ///
    /// # Errors
    /// The serde error when `json` is not one JSON value in UTF-8.
    pub fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// Reads a list; anything else is an empty one.
    pub fn list(json: Option<&'a Bytes>) -> Vec<Self> {
        json.and_then(|json| serde_json::from_slice(json).ok())
            .unwrap_or_default()
    }

    /// A text as JSON that is only handed on; `None` when it is no JSON.
    pub fn raw(json: &'a str) -> Option<Self> {
        let raw: &RawValue = serde_json::from_str(json).ok()?;
        Some(Self::Raw(raw.get()))
    }

    /// The same tree, its texts borrowed.
    pub fn lent(&self) -> Tree<'_> {
        match self {
            Self::Null => Tree::Null,
            Self::Bool(value) => Tree::Bool(*value),
            Self::Number(number) => Tree::Number(number.clone()),
            Self::Text(text) => Tree::Text(Cow::Borrowed(text)),
            Self::List(list) => Tree::List(list.iter().map(Tree::lent).collect()),
            Self::Object(members) => Tree::Object(members.lent()),
            Self::Raw(raw) => Tree::Raw(raw),
        }
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// A member of an object, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.get_mut(name),
            _ => None,
        }
    }

    /// Sets a member of an object; other values stay as they are.
    pub fn set(&mut self, name: &'static str, value: impl Into<Tree<'a>>) {
        if let Self::Object(members) = self {
            members.set(name, value.into());
        }
    }

    /// The text that it is.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The list that it is.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The list that it is, to change it.
    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The members of the object that it is.
    pub fn as_object(&self) -> Option<&Members<'a>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The JSON.
    pub fn to_json(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.size());
        self.write(&mut out);
        out.freeze()
    }

    /// About how long the JSON is, in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + text.len() / 16 + 4,
            Self::Raw(raw) => raw.len(),
            Self::List(list) => 2 + list.iter().map(|value| value.size() + 1).sum::<usize>(),
            Self::Object(members) => {
                let of = |(name, value): (&str, &Tree<'_>)| name.len() + value.size() + 4;
                2 + members.iter().map(of).sum::<usize>()
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => 8,
        }
    }

    /// Appends the JSON.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Null => out.put_slice(b"null"),
            Self::Bool(true) => out.put_slice(b"true"),
            Self::Bool(false) => out.put_slice(b"false"),
            Self::Number(number) => {
                // A buffer of bytes takes everything.
                let _ = serde_json::to_writer(out.writer(), number);
            }
            Self::Text(text) => write_json_string(out, text),
            Self::Raw(raw) => out.put_slice(raw.as_bytes()),
            Self::List(list) => {
                out.put_u8(b'[');
                for (at, value) in list.iter().enumerate() {
                    if at > 0 {
                        out.put_u8(b',');
                    }
                    value.write(out);
                }
                out.put_u8(b']');
            }
            Self::Object(members) => {
                out.put_u8(b'{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.put_u8(b',');
                    }
                    write_json_string(out, name);
                    out.put_u8(b':');
                    value.write(out);
                }
                out.put_u8(b'}');
            }
        }
    }
}

impl<'a> Members<'a> {
    /// The same members, their texts borrowed.
    pub fn lent(&self) -> Members<'_> {
        Members(
            self.0
                .iter()
                .map(|(name, value)| (Cow::Borrowed(&**name), value.lent()))
                .collect(),
        )
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<&Tree<'a>> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// A member, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tree<'a>> {
        self.0
            .iter_mut()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Whether there is a member of a name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a member, in its place when it exists, else at the end.
    pub fn set(&mut self, name: &'static str, value: impl Into<Tree<'a>>) {
        match self.get_mut(name) {
            Some(known) => *known = value.into(),
            None => self.0.push((Cow::Borrowed(name), value.into())),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Tree<'a>> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Keeps the members whose names `keep` says.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The values, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Tree<'a>> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Appends members of other names than these.
    pub fn extend(&mut self, others: Members<'a>) {
        self.0.extend(others.0);
        self.keep_last_of_each();
    }

    /// Each name once: the value is the last one's, the place the first one's, as in Python's parser.
    fn keep_last_of_each(&mut self) {
        let list = &self.0;
        let repeated = if list.len() <= FEW {
            let earlier = |at: usize| list.iter().take(at);
            (1..list.len()).any(|at| earlier(at).any(|(name, _)| *name == list[at].0))
        } else {
            let names: HashSet<&str> = list.iter().map(|(name, _)| &**name).collect();
            names.len() < list.len()
        };
        if !repeated {
            return;
        }
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
        let mut kept: Vec<(Cow<'a, str>, Tree<'a>)> = Vec::new();
        for (name, value) in self.0.drain(..) {
            if let Some(at) = places.get(&name) {
                kept[*at].1 = value;
            } else {
                places.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
        self.0 = kept;
    }
}

impl<'a> From<Vec<(Cow<'a, str>, Tree<'a>)>> for Members<'a> {
    fn from(list: Vec<(Cow<'a, str>, Tree<'a>)>) -> Self {
        Self(list)
    }
}

impl fmt::Display for Tree<'_> {
    /// The JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_json()))
    }
}

impl Index<&str> for Tree<'_> {
    type Output = Self;

    /// A member of an object; `null` where there is none.
    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&NULL)
    }
}

impl PartialEq<str> for Tree<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Tree<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(*other)
    }
}

impl PartialEq<bool> for Tree<'_> {
    fn eq(&self, other: &bool) -> bool {
        matches!(self, Self::Bool(own) if own == other)
    }
}

impl<'a> From<&'a str> for Tree<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Tree<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Tree<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Tree<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Tree<'_> {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl<'a> From<Vec<Tree<'a>>> for Tree<'a> {
    fn from(list: Vec<Tree<'a>>) -> Self {
        Self::List(list)
    }
}

impl<'a> From<Members<'a>> for Tree<'a> {
    fn from(members: Members<'a>) -> Self {
        Self::Object(members)
    }
}

impl From<Value> for Tree<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                let of = |(name, value)| (Cow::Owned(name), Self::from(value));
                Self::Object(Members(members.into_iter().map(of).collect()))
            }
        }
    }
}

impl From<&Tree<'_>> for Value {
    fn from(tree: &Tree<'_>) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(value) => Self::Bool(*value),
            Tree::Number(number) => Self::Number(number.clone()),
            Tree::Text(text) => Self::String(text.to_string()),
            Tree::Raw(raw) => serde_json::from_str(raw).unwrap_or_default(),
            Tree::List(list) => list.iter().map(Self::from).collect(),
            Tree::Object(members) => {
                let of = |(name, value): (&str, &Tree<'_>)| (name.to_owned(), Self::from(value));
                Self::Object(members.iter().map(of).collect())
            }
        }
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
