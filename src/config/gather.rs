//! Reads the root file and everything it includes into one document, merged as LiteLLM merges: lists are
//! extended, any other section of an included file replaces the root's.

use super::document::{self, Member, Node, NodeValue, Place};
use super::report::{Level, Report};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Most files one configuration may consist of.
const MAX_FILES: usize = 256;

/// The merged document and the files it came from.
pub struct Gathered {
    /// All sections, without `include`.
    pub root: Node,
    /// Every file read, root first.
    pub files: Vec<PathBuf>,
}

/// Reads a file, as far as a configuration's may go and one byte more.
pub type Read<'a> = &'a mut dyn FnMut(&Path) -> io::Result<Vec<u8>>;

/// Reads a file from the disk.
///
/// # Errors
/// What the file system says.
pub fn from_disk(path: &Path) -> io::Result<Vec<u8>> {
    bytes_of(&std::fs::File::open(path)?)
}

/// What is left of an open file, as far as a configuration's may go and one byte more.
///
/// # Errors
/// What the file system says.
pub fn bytes_of(file: &std::fs::File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(document::MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads `path` and its includes; `None` when the report has errors.
pub fn gather(path: &Path, reader: Read<'_>, report: &mut Report) -> Option<Gathered> {
    let mut root = read(path, path, reader, report)?;
    let mut files = vec![normal(path)];
    let mut pending = includes(&root, path, report);
    drop_include(&mut root);
    while !pending.is_empty() {
        let entry = pending.remove(0);
        let location = locate(&entry, path, report);
        if files.contains(&location) {
            report.add(
                Level::Warning,
                &entry.place,
                "include",
                format!(
                    "names `{}`, which is read already; it is read once",
                    entry.name
                ),
            );
            continue;
        }
        if files.len() == MAX_FILES {
            report.add(
                Level::Error,
                &entry.place,
                "include",
                format!("names more than {MAX_FILES} files in all"),
            );
            break;
        }
        files.push(location.clone());
        let Some(mut included) = read(&location, path, reader, report) else {
            continue;
        };
        pending.extend(includes(&included, &location, report));
        drop_include(&mut included);
        merge(&mut root, included);
    }
    (!report.has_errors()).then_some(Gathered { root, files })
}

struct Entry {
    name: String,
    place: Place,
    declared_in: PathBuf,
}

fn read(path: &Path, root: &Path, reader: Read<'_>, report: &mut Report) -> Option<Node> {
    let file: Arc<str> = shown(path, root).into();
    let whole = Place {
        file: file.clone(),
        ..Place::default()
    };
    let text = reader(path).and_then(|bytes| {
        String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
    });
    let text = match text {
        Err(error) => {
            report.add_with_hint(
                Level::Error,
                &whole,
                "",
                format!("cannot be read: {error}"),
                "check the path and the permissions",
            );
            return None;
        }
        Ok(text) if text.len() as u64 > document::MAX_FILE_BYTES => {
            report.add(Level::Error, &whole, "", "is larger than 16 MiB");
            return None;
        }
        Ok(text) => text,
    };
    match document::parse(&text, &file) {
        Err(error) => {
            report.add(Level::Error, &error.place, "", error.message);
            None
        }
        Ok(node) if !matches!(node.value, NodeValue::Map(_)) => {
            report.add_with_hint(
                Level::Error,
                &node.place,
                "",
                format!("holds {}, not a mapping of sections", node.kind()),
                "start with `model_list:`",
            );
            None
        }
        Ok(node) => Some(node),
    }
}

/// A path as messages show it: relative to the root file's directory when it is below, else as it is.
fn shown(path: &Path, root: &Path) -> String {
    let base = root.parent().unwrap_or(Path::new(""));
    let shown = if path == root {
        path
    } else {
        path.strip_prefix(base).unwrap_or(path)
    };
    shown.display().to_string()
}

fn includes(node: &Node, declared_in: &Path, report: &mut Report) -> Vec<Entry> {
    let Some(list) = node.get("include") else {
        return Vec::new();
    };
    let names: Vec<Entry> = list
        .items()
        .iter()
        .filter_map(|item| {
            Some(Entry {
                name: item.text()?.to_owned(),
                place: item.place.clone(),
                declared_in: declared_in.to_owned(),
            })
        })
        .collect();
    if !matches!(list.value, NodeValue::List(_)) || names.len() != list.items().len() {
        report.add_with_hint(
            Level::Error,
            &list.place,
            "include",
            "must be a list of file paths",
            "write `include: [models.yaml]`",
        );
    }
    names
}

/// Next to the file that declares it; for configurations older than that rule, next to the root.
fn locate(entry: &Entry, root: &Path, report: &mut Report) -> PathBuf {
    let next_to = |file: &Path| normal(&file.parent().unwrap_or(Path::new("")).join(&entry.name));
    let (declared, fallback) = (next_to(&entry.declared_in), next_to(root));
    if declared == fallback || !fallback.exists() {
        return declared;
    }
    if declared.exists() {
        report.add_with_hint(
            Level::Warning,
            &entry.place,
            "include",
            format!(
                "`{}` matches two files; the one next to this file is read",
                entry.name
            ),
            "rename one of them",
        );
        return declared;
    }
    report.add_with_hint(
        Level::Warning,
        &entry.place,
        "include",
        format!(
            "`{}` is not next to this file; the one next to the root file is read",
            entry.name
        ),
        "move it next to the file that names it",
    );
    fallback
}

/// The path without `.` and `..`, so that one file has one name. Symbolic links stay: their targets change.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

fn drop_include(node: &mut Node) {
    if let NodeValue::Map(members) = &mut node.value {
        members.retain(|m| m.key != "include");
    }
}

fn merge(base: &mut Node, included: Node) {
    let (NodeValue::Map(base), NodeValue::Map(included)) = (&mut base.value, included.value) else {
        return;
    };
    for member in included {
        match base.iter_mut().rev().find(|m| m.key == member.key) {
            Some(Member {
                value:
                    Node {
                        value: NodeValue::List(old),
                        ..
                    },
                ..
            }) if matches!(member.value.value, NodeValue::List(_)) => {
                if let NodeValue::List(more) = member.value.value {
                    old.extend(more);
                }
            }
            Some(old) => *old = member,
            None => base.push(member),
        }
    }
}
