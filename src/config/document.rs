//! A YAML document as a tree in which every key and value knows its place, so that each finding of the report
//! can name file, line and column. Reading is bounded: size, depth, nodes and alias expansion.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};
use std::fmt;
use std::sync::Arc;

/// Deepest nesting of a configuration file.
const MAX_DEPTH: usize = 64;
/// Most bytes of one configuration file.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Where something stands; line and column count from 1, 0 is "the whole file".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str(&self.file);
        }
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// Where it stands.
    pub place: Place,
}

/// A YAML value of the JSON kinds.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum NodeValue {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// One entry of a mapping.
#[derive(Clone, Debug)]
pub struct Member {
    /// The key, as text.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The members of a mapping; none for anything else.
    pub fn members(&self) -> &[Member] {
        match &self.value {
            NodeValue::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            NodeValue::List(items) => items,
            _ => &[],
        }
    }

    /// A member's value. The last one counts, as in LiteLLM's YAML reader.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members()
            .iter()
            .rev()
            .find(|m| m.key == key)
            .map(|m| &m.value)
    }

    /// The text, when it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing: `key:` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Null)
    }

    /// What kind of value it is, in a reader's words.
    pub fn kind(&self) -> &'static str {
        match self.value {
            NodeValue::Null => "nothing",
            NodeValue::Bool(_) => "true or false",
            NodeValue::Number(_) => "a number",
            NodeValue::Text(_) => "a text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }

    /// The same value without places.
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(flag) => Value::Bool(*flag),
            NodeValue::Number(number) => Value::Number(number.clone()),
            NodeValue::Text(text) => Value::String(text.clone()),
            NodeValue::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            NodeValue::Map(members) => Value::Object(
                members
                    .iter()
                    .map(|m| (m.key.clone(), m.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Why a document could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// Reads one YAML document. An empty one is an empty mapping.
pub fn parse(text: &str, file: &Arc<str>) -> Result<Node, Unreadable> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: 100_000,
            max_events: 300_000,
            max_documents: 1,
        },
    };
    let tree: Option<Spanned<Tree>> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let location = error.location();
            Unreadable {
                place: Place {
                    file: file.clone(),
                    line: location.map_or(0, |l| l.line() as u32),
                    column: location.map_or(0, |l| l.column() as u32),
                },
                message: without_place(&error.without_snippet().to_string()),
            }
        })?;
    Ok(match tree {
        Some(tree) => place(tree, file),
        None => Node {
            value: NodeValue::Map(Vec::new()),
            place: Place {
                file: file.clone(),
                ..Place::default()
            },
        },
    })
}

/// The reader's message without its own words for the place, and on one line.
fn without_place(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    match first.rfind(" at line ") {
        Some(at) => first[..at].to_owned(),
        None => first.to_owned(),
    }
}

enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

fn place(tree: Spanned<Tree>, file: &Arc<str>) -> Node {
    let here = |location: serde_saphyr::Location| Place {
        file: file.clone(),
        line: location.line() as u32,
        column: location.column() as u32,
    };
    let value = match tree.value {
        Tree::Null => NodeValue::Null,
        Tree::Bool(flag) => NodeValue::Bool(flag),
        Tree::Number(number) => NodeValue::Number(number),
        Tree::Text(text) => NodeValue::Text(text),
        Tree::List(items) => {
            NodeValue::List(items.into_iter().map(|item| place(item, file)).collect())
        }
        Tree::Map(members) => NodeValue::Map(
            members
                .into_iter()
                .map(|(key, value)| Member {
                    place: here(key.referenced),
                    key: key.value,
                    value: place(value, file),
                })
                .collect(),
        ),
    };
    Node {
        value,
        place: here(tree.referenced),
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(number).map_or_else(|| Tree::Text(number.to_string()), Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Tree::Map(members))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Unreadable> {
        parse(text, &Arc::from("c.yaml"))
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let node = read("a: 1\nb:\n  - c: os.environ/X\n").unwrap();
        let c = &node.get("b").unwrap().items()[0].members()[0];
        assert_eq!(c.place.to_string(), "c.yaml:3:5");
        assert_eq!(c.value.place.to_string(), "c.yaml:3:8");
    }

    #[test]
    fn duplicate_keys_are_all_kept_and_the_last_counts() {
        let node = read("a: 1\na: 2\n").unwrap();
        assert_eq!(node.members().len(), 2);
        assert_eq!(node.get("a").unwrap().to_json(), 2);
    }

    #[test]
    fn booleans_are_those_of_yaml_1_1() {
        let node = read("a: yes\nb: off\nc: 'yes'\n").unwrap();
        assert_eq!(
            node.to_json(),
            serde_json::json!({"a": true, "b": false, "c": "yes"})
        );
    }

    #[test]
    fn a_syntax_error_says_where() {
        let error = read("a: [1, 2\nb: 3\n").unwrap_err();
        assert!(error.place.line >= 1, "{error:?}");
        assert!(!error.message.contains(" at line "), "{error:?}");
    }

    #[test]
    fn alias_bombs_and_deep_nesting_are_refused() {
        use std::fmt::Write;
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..9 {
            let ten = vec![format!("*a{}", i - 1); 10].join(",");
            writeln!(bomb, "a{i}: &a{i} [{ten}]").unwrap();
        }
        assert!(read(&bomb).is_err());
        assert!(read(&format!("{}{}", "[".repeat(5000), "]".repeat(5000))).is_err());
    }

    #[test]
    fn an_empty_file_is_an_empty_mapping() {
        assert!(read("").unwrap().members().is_empty());
        assert!(read("# only a comment\n").unwrap().members().is_empty());
    }
}
