//! `log_levels`: how much each module logs, over what `RUST_LOG` and `LITELLM_LOG` say. A module is named as `RUST_LOG`
//! names it, for example `gateway::route`; the longest name that fits counts.

use super::document::{Node, NodeValue};
use super::report::{Level, Report};
use std::collections::BTreeMap;

/// Levels by module.
pub type LogLevels = BTreeMap<String, &'static str>;

/// The setting, checked.
pub fn log_levels(node: Option<&Node>, report: &mut Report) -> LogLevels {
    let mut levels = LogLevels::new();
    for member in node.map(Node::members).unwrap_or_default() {
        let module = member.key.as_str();
        let key = format!("general_settings.log_levels.{module}");
        let named = !module.is_empty()
            && module
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
        if !named {
            report.add_with_hint(
                Level::Error,
                &member.place,
                &key,
                "is no name of a module",
                "name one as `gateway::route` is named",
            );
        }
        match level(&member.value) {
            Some(level) => {
                levels.insert(module.to_owned(), level);
            }
            None => report.add_with_hint(
                Level::Error,
                &member.value.place,
                &key,
                "is no level",
                "it may be error, warning, info, debug, trace or off",
            ),
        }
    }
    levels
}

fn level(node: &Node) -> Option<&'static str> {
    // Older readers of YAML take a bare `off` for false.
    if matches!(node.value, NodeValue::Bool(false)) {
        return Some("off");
    }
    match node.text()?.to_ascii_lowercase().as_str() {
        "trace" => Some("trace"),
        "debug" => Some("debug"),
        "info" => Some("info"),
        "warn" | "warning" => Some("warn"),
        "error" | "critical" => Some("error"),
        "off" => Some("off"),
        _ => None,
    }
}
