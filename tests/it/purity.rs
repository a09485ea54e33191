//! The pure parts stay pure: no IO, no clock, no environment, no runtime.

use std::path::Path;

const PURE: &[&str] = &["src/adapt", "src/route", "src/resilience", "src/catalog"];

const IMPURE: &[&str] = &[
    "std::env::var",
    "env::var(",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "tokio::",
    "hyper::",
    "hyper_util::",
    "axum::",
    "pyo3::",
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs")
            && !path.to_string_lossy().ends_with("tests.rs")
        {
            found.push(path);
        }
    }
}

/// The part of a file that is not its tests.
fn code(text: &str) -> &str {
    let plain = text.split("#[cfg(test)]").next().unwrap_or(text);
    plain.split("#[cfg(all(test").next().unwrap_or(plain)
}

#[test]
fn pure_folders_name_nothing_impure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in PURE {
        sources(&root.join(folder), &mut files);
    }
    assert!(
        files.len() > PURE.len(),
        "the folders moved: name them here"
    );
    let mut faults = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in code(&text).lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            if let Some(word) = IMPURE.iter().find(|word| !comment && line.contains(**word)) {
                faults.push(format!("{}:{}: `{word}`", file.display(), number + 1));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "a pure folder reaches outside:\n{}",
        faults.join("\n")
    );
}

#[test]
fn the_core_does_not_know_python() {
    let manifest =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("pyo3"));
}
