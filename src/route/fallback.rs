//! Which groups a failed call falls back to, by the kind of its error. Pure.

use crate::config::schema::FallbackRule;
use crate::error::{Error, ErrorKind};
use crate::params::Params;
use crate::resilience::retry::HasFallbacks;
use bytes::Bytes;
use serde_json::Value;
use std::sync::Arc;

/// `max_fallbacks` when nothing is said (LiteLLM's `ROUTER_MAX_FALLBACKS`).
pub const MAX_DEPTH: u32 = 5;

/// The fallbacks of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Fallbacks {
    /// `fallbacks`, `default_fallbacks` among them as the rule of `*`.
    pub general: Vec<Rule>,
    /// `context_window_fallbacks`.
    pub context_window: Vec<Rule>,
    /// `content_policy_fallbacks`.
    pub content_policy: Vec<Rule>,
    /// How deep fallbacks may nest.
    pub max_depth: u32,
}

/// A group and what it falls back to.
#[derive(Clone, Debug)]
pub struct Rule {
    group: String,
    to: Arc<[Hop]>,
}

/// One fallback: another group, another `order` of the same group, and members that it changes in the call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hop {
    /// The group.
    pub model: String,
    /// Only deployments of this `order`.
    pub order: Option<i64>,
    /// Members of the call that it sets.
    pub members: Params,
}

impl Hop {
    fn named(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            ..Self::default()
        }
    }

    /// A name, or an object with `model` and members.
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(model) => Some(Self::named(model)),
            Value::Object(object) => {
                let mut members = Params::default();
                for (name, value) in object.iter().filter(|(name, _)| *name != "model") {
                    members.set(name, value);
                }
                Some(Self {
                    model: object.get("model")?.as_str()?.to_owned(),
                    order: None,
                    members,
                })
            }
            _ => None,
        }
    }
}

/// The call's own `fallbacks`.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Tried in turn, whatever the group: `["b", {"model": "c"}]`.
    List(Arc<[Hop]>),
    /// In the form of the configuration: `[{"a": ["b"]}]`.
    Rules(Vec<Rule>),
}

impl Asked {
    /// Reads a call's `fallbacks`; `None` when they are none.
    ///
    /// # Errors
    /// [`Error::bad_request`] when they are no list.
    pub fn read(raw: &Bytes) -> Result<Option<Self>, Error> {
        let values: Vec<Value> = match serde_json::from_slice(raw) {
            Ok(Value::Null) => return Ok(None),
            Ok(Value::Array(values)) => values,
            _ => return Err(Error::bad_request("`fallbacks` must be a list")),
        };
        let plain = |value: &Value| value.is_string() || value.get("model").is_some();
        if values.iter().any(plain) {
            return Ok(Some(Self::List(
                values.iter().filter_map(Hop::read).collect(),
            )));
        }
        let rules = values
            .iter()
            .filter_map(Value::as_object)
            .flat_map(|rules| rules.iter())
            .map(|(group, to)| Rule {
                group: group.clone(),
                to: match to {
                    Value::Array(to) => to.iter().filter_map(Hop::read).collect(),
                    one => Hop::read(one).into_iter().collect(),
                },
            })
            .collect();
        Ok(Some(Self::Rules(rules)))
    }
}

impl Fallbacks {
    /// Of the two places where a file can have them, the router's wins.
    pub fn new(
        general: &[FallbackRule],
        default: &[String],
        context_window: &[FallbackRule],
        content_policy: &[FallbackRule],
        max_depth: Option<u32>,
    ) -> Self {
        let mut general = rules(general);
        if !default.is_empty() {
            general.push(Rule {
                group: "*".to_owned(),
                to: default.iter().map(|model| Hop::named(model)).collect(),
            });
        }
        Self {
            general,
            context_window: rules(context_window),
            content_policy: rules(content_policy),
            max_depth: max_depth.unwrap_or(MAX_DEPTH),
        }
    }

    /// What kinds there are.
    pub fn kinds(&self, asked: Option<&Asked>) -> HasFallbacks {
        HasFallbacks {
            context_window: !self.context_window.is_empty(),
            content_policy: !self.content_policy.is_empty(),
            general: asked.is_some() || !self.general.is_empty(),
        }
    }

    /// The fallbacks of a failed call. `groups`: the group that failed, then the one that the call was for.
    /// `Err` says that none fits although some are configured.
    pub fn after(
        &self,
        error: &Error,
        groups: &[&str],
        asked: Option<&Asked>,
    ) -> Result<Option<Arc<[Hop]>>, NoneFits> {
        if let Some(Asked::List(hops)) = asked {
            return Ok(Some(hops.clone()));
        }
        let kind = match error.kind {
            ErrorKind::ContextWindowExceeded => Some(&self.context_window),
            ErrorKind::ContentPolicyViolation => Some(&self.content_policy),
            _ => None,
        };
        if let Some(rules) = kind.filter(|rules| !rules.is_empty()) {
            return find(rules, groups).map(Some).ok_or(NoneFits::OfThisKind);
        }
        let general = match asked {
            Some(Asked::Rules(rules)) => rules,
            _ => &self.general,
        };
        if general.is_empty() {
            return Ok(None);
        }
        find(general, groups)
            .map(Some)
            .ok_or_else(|| NoneFits::Of(general.iter().map(|rule| rule.group.clone()).collect()))
    }

    /// General fallbacks of a group, for those that follow its later orders.
    pub fn general(&self, groups: &[&str], asked: Option<&Asked>) -> Option<Arc<[Hop]>> {
        match asked {
            Some(Asked::List(hops)) => Some(hops.clone()),
            Some(Asked::Rules(rules)) => find(rules, groups),
            None => find(&self.general, groups),
        }
    }

    /// What a reply that the provider's filter ended falls back to.
    pub fn filtered(&self, group: &str) -> Option<Arc<[Hop]>> {
        find(&self.content_policy, &[group])
    }
}

/// Why no fallback was found.
#[derive(Clone, Debug, PartialEq)]
pub enum NoneFits {
    /// There are context window (or content policy) fallbacks, but none for this group.
    OfThisKind,
    /// There are fallbacks for these groups only.
    Of(Vec<String>),
}

fn rules(rules: &[FallbackRule]) -> Vec<Rule> {
    rules
        .iter()
        .map(|rule| Rule {
            group: rule.group.clone(),
            to: rule.to.iter().filter_map(Hop::read).collect(),
        })
        .collect()
}

/// The first group with a rule of its own; `*` where none has one. `openai/gpt-4o` finds the rule of `gpt-4o`, too.
fn find(rules: &[Rule], groups: &[&str]) -> Option<Arc<[Hop]>> {
    let own = groups.iter().find_map(|group| {
        let bare = group
            .split_once('/')
            .filter(|(provider, _)| crate::adapt::registry::provider(provider).is_some())
            .map(|(_, bare)| bare);
        rules
            .iter()
            .find(|rule| rule.group == *group)
            .or_else(|| rules.iter().find(|rule| Some(rule.group.as_str()) == bare))
    });
    own.or_else(|| rules.iter().find(|rule| rule.group == "*"))
        .map(|rule| rule.to.clone())
}
