//! Walks the document with the key table: reports what becomes of every key, and brings values to their kind
//! (`"30"` from the environment is a number where one is meant).

use super::document::{Member, Node, NodeValue, Place};
use super::keys::{self, Kind, Section};
use super::report::{Level, Report};
use serde_json::Number;
use std::collections::BTreeMap;

/// Checks and normalises the whole document.
pub fn check(root: &mut Node, report: &mut Report) {
    let mut exact = Exact::default();
    check_section(root, Section::Top, report, &mut exact);
    let NodeValue::Map(members) = &mut root.value else {
        return;
    };
    for Member { key, value, .. } in members {
        match key.as_str() {
            "litellm_settings" => check_section(value, Section::Litellm, report, &mut exact),
            "general_settings" => check_section(value, Section::General, report, &mut exact),
            "router_settings" => check_section(value, Section::Router, report, &mut exact),
            "model_list" => check_items(value, Section::Model, report, &mut exact),
            "credential_list" => check_items(value, Section::Credential, report, &mut exact),
            _ => {}
        }
    }
    for (key, (place, times)) in exact.0 {
        let message = match times {
            1 => "is obeyed as in LiteLLM".to_owned(),
            times => format!("is obeyed as in LiteLLM ({times} places)"),
        };
        report.add(Level::Exact, &place, &key, message);
    }
}

/// Keys that are simply obeyed: one line each, however often they stand there.
#[derive(Default)]
struct Exact(BTreeMap<String, (Place, usize)>);

fn check_items(list: &mut Node, section: Section, report: &mut Report, exact: &mut Exact) {
    let NodeValue::List(items) = &mut list.value else {
        return;
    };
    for item in items {
        if !matches!(item.value, NodeValue::Map(_)) {
            report.add(
                Level::Error,
                &item.place,
                section.path(),
                format!("is {}, not a mapping", item.kind()),
            );
            continue;
        }
        check_section(item, section, report, exact);
        let NodeValue::Map(members) = &mut item.value else {
            continue;
        };
        for Member { key, value, .. } in members {
            match (section, key.as_str()) {
                (Section::Model, "litellm_params") => {
                    check_section(value, Section::LitellmParams, report, exact);
                }
                (Section::Model, "model_info") => {
                    check_section(value, Section::ModelInfo, report, exact);
                }
                (Section::Credential, "credential_values") => {
                    bring_members_to_kind(value, Section::LitellmParams, report);
                }
                _ => {}
            }
        }
    }
}

fn check_section(node: &mut Node, section: Section, report: &mut Report, exact: &mut Exact) {
    report_duplicates(node, section, report);
    for member in node.members() {
        report_key(member, section, report, exact);
    }
    bring_members_to_kind(node, section, report);
}

fn report_duplicates(node: &Node, section: Section, report: &mut Report) {
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    for member in node.members() {
        if let Some(first) = seen.insert(&member.key, &member.place) {
            report.add_with_hint(
                Level::Warning,
                &member.place,
                &section.key(&member.key),
                format!(
                    "stands here again, first at line {}; the last one counts, as in LiteLLM",
                    first.line
                ),
                "remove one of them",
            );
        }
    }
}

fn report_key(member: &Member, section: Section, report: &mut Report, exact: &mut Exact) {
    let key = section.key(&member.key);
    let open = matches!(section, Section::LitellmParams | Section::ModelInfo);
    match keys::find_with_value(section, &member.key, &member.value) {
        Some(known) if known.level == Level::Exact => count(exact, key, &member.place),
        Some(known) => report.add(known.level, &member.place, &key, known.note),
        None => match keys::did_you_mean(section, &member.key) {
            Some(meant) => report.add_with_hint(
                if open { Level::Warning } else { Level::Unknown },
                &member.place,
                &key,
                if open {
                    "is not a setting of LiteLLM; it goes with each call as it is"
                } else {
                    "is not a setting of LiteLLM; it is ignored"
                },
                format!("did you mean `{meant}`?"),
            ),
            None if open => count(exact, key, &member.place),
            None => unknown(member, section, &key, report),
        },
    }
}

fn unknown(member: &Member, section: Section, key: &str, report: &mut Report) {
    let message = "is not a setting of LiteLLM; it is ignored";
    match keys::elsewhere(section, &member.key) {
        Some(other) => report.add_with_hint(
            Level::Unknown,
            &member.place,
            key,
            message,
            format!("did you mean `{}`?", other.key(&member.key)),
        ),
        None => report.add(Level::Unknown, &member.place, key, message),
    }
}

fn count(exact: &mut Exact, key: String, place: &Place) {
    exact.0.entry(key).or_insert_with(|| (place.clone(), 0)).1 += 1;
}

fn bring_members_to_kind(node: &mut Node, section: Section, report: &mut Report) {
    let NodeValue::Map(members) = &mut node.value else {
        return;
    };
    for member in members {
        let Some(known) = keys::find(section, &member.key) else {
            continue;
        };
        if let Err(wanted) = bring(&mut member.value, known.kind) {
            // What is ignored anyway stops nobody.
            let level = match known.level {
                Level::NotSupported => Level::Warning,
                _ => Level::Error,
            };
            report.add_with_hint(
                level,
                &member.value.place,
                &section.key(&member.key),
                format!("is {}, not {wanted}", member.value.kind()),
                format!("give {wanted}, or leave the key out"),
            );
        }
    }
}

/// Brings a value to its kind, or says which kind is wanted.
fn bring(node: &mut Node, kind: Kind) -> Result<(), &'static str> {
    if node.is_null() {
        return Ok(());
    }
    let (value, wanted) = match kind {
        Kind::Any => return Ok(()),
        Kind::Flag => (flag(node).map(NodeValue::Bool), "true or false"),
        Kind::Number => (number(node).map(NodeValue::Number), "a number"),
        Kind::Seconds => {
            let seconds = number(node).filter(|n| n.as_f64().is_some_and(|n| n >= 0.0));
            (seconds.map(NodeValue::Number), "a number of seconds from 0")
        }
        Kind::Count => {
            let count = count_of(node).map(|n| NodeValue::Number(n.into()));
            (count, "a whole number from 0")
        }
        Kind::Text => (text(node).map(NodeValue::Text), "a text"),
        Kind::List if matches!(node.value, NodeValue::List(_)) => return Ok(()),
        Kind::List => (None, "a list"),
        Kind::Mapping if matches!(node.value, NodeValue::Map(_)) => return Ok(()),
        Kind::Mapping => (None, "a mapping"),
    };
    node.value = value.ok_or(wanted)?;
    Ok(())
}

fn flag(node: &Node) -> Option<bool> {
    match &node.value {
        NodeValue::Bool(flag) => Some(*flag),
        NodeValue::Number(n) => match n.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        NodeValue::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(node: &Node) -> Option<Number> {
    match &node.value {
        NodeValue::Number(number) => Some(number.clone()),
        NodeValue::Text(text) => read_number(text),
        _ => None,
    }
}

fn count_of(node: &Node) -> Option<u64> {
    let number = number(node)?;
    number.as_u64().or_else(|| {
        let whole = number.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0);
        whole.map(|n| n as u64)
    })
}

fn text(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::Text(text) => Some(text.clone()),
        NodeValue::Number(number) => Some(number.to_string()),
        NodeValue::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn read_number(text: &str) -> Option<Number> {
    let text = text.trim();
    text.parse::<u64>()
        .map(Number::from)
        .or_else(|_| text.parse::<i64>().map(Number::from))
        .ok()
        .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}
