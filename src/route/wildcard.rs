//! Groups named by a pattern: `openai/*`, `team-*`, `*`. What the stars match goes into the stars of the deployment's
//! own `litellm_params.model`.

use super::build::Template;
use super::{Env, Group};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Names kept ready. A client can ask for any name, so there must be an end to them.
const MAX_READY: usize = 1000;

/// The patterns, most specific first.
#[derive(Default)]
pub struct Wildcards {
    patterns: Vec<(String, Vec<Template>)>,
    env: Option<Env>,
    ready: Mutex<HashMap<String, Arc<Group>>>,
}

impl Wildcards {
    pub(super) fn new(mut patterns: Vec<(String, Vec<Template>)>, env: Env) -> Self {
        patterns.sort_by_key(|(pattern, _)| place(pattern));
        Self {
            patterns,
            env: Some(env),
            ready: Mutex::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The group that a name makes of the first pattern that it matches.
    pub(super) fn group(&self, name: &str) -> Option<Arc<Group>> {
        if self.patterns.is_empty() {
            return None;
        }
        if let Some(group) = self.ready.lock().get(name) {
            return Some(group.clone());
        }
        let group = Arc::new(self.make(name)?);
        let mut ready = self.ready.lock();
        if ready.len() >= MAX_READY {
            ready.clear();
        }
        ready.insert(name.to_owned(), group.clone());
        Some(group)
    }

    fn make(&self, name: &str) -> Option<Group> {
        let env = self.env.as_ref()?;
        let (templates, matched) = self
            .patterns
            .iter()
            .find_map(|(pattern, templates)| Some((templates, matches(pattern, name)?)))?;
        let deployments = templates
            .iter()
            .filter_map(|template| template.deployment(name, &matched, &**env).ok())
            .map(Arc::new)
            .collect();
        let group = Group {
            name: name.to_owned(),
            deployments,
            state: Arc::default(),
        };
        (!group.deployments.is_empty()).then_some(group)
    }
}

/// Where a pattern stands among others, as LiteLLM sorts them: longer first, then fewer stars.
pub(crate) fn place(pattern: &str) -> (std::cmp::Reverse<usize>, usize) {
    let stars = pattern.matches('*').count();
    (std::cmp::Reverse(pattern.len()), stars)
}

/// What the stars of `pattern` match in `name`, as long as possible from the left.
pub(crate) fn matches<'n>(pattern: &str, name: &'n str) -> Option<Vec<&'n str>> {
    let Some((head, tail)) = pattern.split_once('*') else {
        return (pattern == name).then(Vec::new);
    };
    let rest = name.strip_prefix(head)?;
    let ends = rest
        .char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .rev();
    if !tail.contains('*') {
        return rest.strip_suffix(tail).map(|star| vec![star]);
    }
    for end in ends {
        let (star, after) = rest.split_at(end);
        if let Some(mut others) = matches(tail, after) {
            others.insert(0, star);
            return Some(others);
        }
    }
    None
}

/// `model` with its stars filled; without stars it is a model of its own.
pub(crate) fn fill(model: &str, matched: &[&str]) -> String {
    let mut filled = String::with_capacity(model.len() + 16);
    let mut stars = matched.iter();
    for (i, part) in model.split('*').enumerate() {
        if i > 0 {
            filled.push_str(stars.next().copied().unwrap_or("*"));
        }
        filled.push_str(part);
    }
    filled
}
