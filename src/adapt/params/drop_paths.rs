//! `additional_drop_params`: names to leave out, and paths into a value (`tools[*].input_examples`,
//! `metadata.secret`, `tools[0].strict`).

use crate::params::Params;
use serde_json::Value;

/// Whether an entry is a path and not a name.
pub fn is_path(entry: &str) -> bool {
    entry.contains(['.', '['])
}

/// Leaves out what the paths among `entries` point at. What is not there is not missed.
pub fn drop_paths(params: &mut Params, entries: &[String]) {
    for path in entries.iter().filter(|entry| is_path(entry)) {
        let steps = steps(path);
        let Some((Step::Key(name), rest)) = steps.split_first() else {
            continue;
        };
        if let Some(mut value) = params.get::<Value>(name) {
            remove(&mut value, rest);
            params.set(name, &value);
        }
    }
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
    Every,
}

fn steps(path: &str) -> Vec<Step<'_>> {
    path.split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_suffix(']') {
            Some("*") => Step::Every,
            Some(index) => index.parse().map_or(Step::Key(index), Step::Index),
            None => Step::Key(part),
        })
        .collect()
}

fn remove(value: &mut Value, steps: &[Step<'_>]) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match (step, value) {
        (Step::Key(key), Value::Object(object)) if rest.is_empty() => {
            object.remove(*key);
        }
        (Step::Key(key), Value::Object(object)) => {
            if let Some(inner) = object.get_mut(*key) {
                remove(inner, rest);
            }
        }
        (Step::Every, Value::Array(items)) => items.iter_mut().for_each(|item| remove(item, rest)),
        (Step::Index(index), Value::Array(items)) => {
            if let Some(item) = items.get_mut(*index) {
                remove(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_path_reaches_into_lists_and_objects() {
        let text =
            Bytes::from_static(br#"{"tools":[{"a":1,"b":{"c":2,"d":3}},{"a":4}],"x":{"y":1}}"#);
        let mut params = Params::parse(&text).unwrap();
        let paths = ["tools[*].a", "tools[0].b.c", "x.y", "nowhere.z"].map(String::from);
        drop_paths(&mut params, &paths);
        assert_eq!(params.to_json(), r#"{"tools":[{"b":{"d":3}},{}],"x":{}}"#);
    }
}
