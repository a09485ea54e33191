//! What a Bedrock model's name says: route, region, the model behind a profile, and what is known of that model.
//!
//! Names come as `anthropic.claude-...`, with a geography (`us.`), a region (`us-west-2/`), a route (`converse/`,
//! `invoke/`), or as the ARN of a profile. The rules are LiteLLM's.

use crate::adapt::params::{facts, sets};
use crate::catalog;

/// Which of Bedrock's two ways a chat takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// One form for all models.
    Converse,
    /// The model's own form.
    Invoke,
    /// A way that is known by this name and not built.
    Unbuilt(&'static str),
}

/// Families that have a form of their own to be invoked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Family {
    Cohere,
    Anthropic,
    Mistral,
    Amazon,
    Meta,
    Llama,
    Ai21,
    Nova,
    DeepSeekR1,
    Qwen3,
    Qwen2,
    TwelveLabs,
    OpenAi,
    Stability,
    Moonshot,
}

/// Names of families as they stand in model names, in LiteLLM's order.
const FAMILIES: [(&str, Family); 15] = [
    ("cohere", Family::Cohere),
    ("anthropic", Family::Anthropic),
    ("mistral", Family::Mistral),
    ("amazon", Family::Amazon),
    ("meta", Family::Meta),
    ("llama", Family::Llama),
    ("ai21", Family::Ai21),
    ("nova", Family::Nova),
    ("deepseek_r1", Family::DeepSeekR1),
    ("qwen3", Family::Qwen3),
    ("qwen2", Family::Qwen2),
    ("twelvelabs", Family::TwelveLabs),
    ("openai", Family::OpenAi),
    ("stability", Family::Stability),
    ("moonshot", Family::Moonshot),
];

/// Geographies that serve a model from several regions.
const GEOGRAPHIES: [&str; 7] = ["global", "us", "eu", "apac", "jp", "au", "us-gov"];

/// Regions that may stand before a model's name.
const REGIONS: [&str; 23] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "sa-east-1",
];

/// Prefixes that choose a route and are no part of the name.
const ROUTES: [&str; 8] = [
    "bedrock/",
    "chat_completions/",
    "converse/",
    "invoke/",
    "openai/",
    "mantle/",
    "nova-2/",
    "nova/",
];

/// Models that Converse serves although the catalogue's entry does not say so (LiteLLM's `BEDROCK_CONVERSE_MODELS`).
const CONVERSE: [&str; 57] = [
    "qwen.qwen3-coder-480b-a35b-v1:0",
    "qwen.qwen3-coder-next",
    "qwen.qwen3-235b-a22b-2507-v1:0",
    "qwen.qwen3-coder-30b-a3b-v1:0",
    "qwen.qwen3-32b-v1:0",
    "deepseek.v3-v1:0",
    "deepseek.v3.2",
    "openai.gpt-oss-20b-1:0",
    "openai.gpt-oss-120b-1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-fable-5-1",
    "anthropic.claude-fable-5",
    "anthropic.claude-sonnet-5",
    "anthropic.claude-opus-5",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4-6-v1:0",
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-opus-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "anthropic.claude-3-opus-20240229-v1:0",
    "anthropic.claude-3-sonnet-20240229-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-v2",
    "anthropic.claude-v2:1",
    "anthropic.claude-v1",
    "anthropic.claude-instant-v1",
    "ai21.jamba-instruct-v1:0",
    "ai21.jamba-1-5-mini-v1:0",
    "ai21.jamba-1-5-large-v1:0",
    "meta.llama3-70b-instruct-v1:0",
    "meta.llama3-8b-instruct-v1:0",
    "meta.llama3-1-8b-instruct-v1:0",
    "meta.llama3-1-70b-instruct-v1:0",
    "meta.llama3-1-405b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "mistral.mistral-large-2402-v1:0",
    "mistral.mistral-small-2402-v1:0",
    "meta.llama3-2-1b-instruct-v1:0",
    "meta.llama3-2-3b-instruct-v1:0",
    "meta.llama3-2-11b-instruct-v1:0",
    "meta.llama3-2-90b-instruct-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.nova-2-lite-v1:0",
    "amazon.nova-2-pro-preview-20251202-v1:0",
    "amazon.nova-pro-v1:0",
    "writer.palmyra-x4-v1:0",
    "writer.palmyra-x5-v1:0",
    "minimax.minimax-m2.1",
    "moonshotai.kimi-k2.5",
];

/// The route of a chat.
pub fn route(model: &str) -> Route {
    const PREFIXES: [(&str, Route); 10] = [
        ("invoke/", Route::Invoke),
        ("claude_platform/", Route::Unbuilt("claude_platform")),
        ("converse_like/", Route::Unbuilt("converse_like")),
        ("converse/", Route::Converse),
        ("agent/", Route::Unbuilt("agent")),
        ("agentcore/", Route::Unbuilt("agentcore")),
        ("async_invoke/", Route::Unbuilt("async_invoke")),
        ("openai/", Route::Unbuilt("openai")),
        ("mantle/", Route::Unbuilt("mantle")),
        ("chat_completions/", Route::Converse),
    ];
    let named = PREFIXES
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix) || model.contains(&format!("/{prefix}")));
    if let Some((_, route)) = named {
        return *route;
    }
    let base = base_model(model);
    let nova = model.starts_with("nova-2/") || model.starts_with("nova/");
    let listed = |name: &str| {
        CONVERSE.contains(&name) || facts::litellm_provider(name) == Some("bedrock_converse")
    };
    let converses = nova
        || is_application_profile(model)
        || listed(base)
        || listed(without_route(model))
        || is_openai(base)
        || family(model).is_none();
    if converses {
        Route::Converse
    } else {
        Route::Invoke
    }
}

/// The family whose form a model is invoked in.
pub fn family(model: &str) -> Option<Family> {
    let model = model.strip_prefix("invoke/").unwrap_or(model);
    if model.to_lowercase().contains("nova") {
        return Some(Family::Nova);
    }
    let exactly = |name: &str| FAMILIES.iter().find(|(known, _)| *known == name);
    let first = model.split('.').next().unwrap_or_default();
    let folder = model.split('/').next().unwrap_or_default();
    let anywhere = || FAMILIES.iter().find(|(known, _)| model.contains(known));
    exactly(first)
        .or_else(|| exactly(folder))
        .or_else(anywhere)
        .map(|(_, family)| *family)
}

/// The name without the prefixes that choose a route.
pub fn without_route(model: &str) -> &str {
    ROUTES.iter().fold(model, |model, route| {
        model.strip_prefix(route).unwrap_or(model)
    })
}

/// The region that stands before a name, and the name after it, both without a route.
pub fn split_region(model: &str) -> (Option<&str>, &str) {
    let free = without_route(model);
    match free.split_once('/') {
        Some((region, name)) if REGIONS.contains(&region) => (Some(region), name),
        _ => (None, free),
    }
}

/// The region that an ARN names.
pub fn region_of_arn(model: &str) -> Option<&str> {
    let at = model.find("arn:aws")?;
    let mut parts = model[at..].split(':');
    let service = parts.nth(2)?;
    let region = parts.next().filter(|region| is_region(region))?;
    service.starts_with("bedrock").then_some(region)
}

/// Whether a text can be a region: it becomes part of a host's name.
pub fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The model behind profiles, geographies, regions and throughput tiers.
pub fn base_model(model: &str) -> &str {
    let mut rest = model;
    for prefix in ["converse/", "bedrock/"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    if rest.starts_with("nova-2/") {
        return "amazon.nova-2-custom";
    }
    if rest.starts_with("nova/") {
        return "amazon.nova-custom";
    }
    let mut name = without_route(model);
    if name.to_lowercase().contains("arn") {
        name = name.rsplit('/').next().unwrap_or(name);
    }
    name = without_tier(name);
    match (name.split_once('.'), name.split_once('/')) {
        (Some((geography, model)), _) if GEOGRAPHIES.contains(&geography) => model,
        (_, Some((region, model))) if REGIONS.contains(&region) => model,
        _ => name,
    }
}

/// `model:0:51k` and `model[1m]` are `model:0` and `model` with more room.
fn without_tier(model: &str) -> &str {
    let without_throughput = model.rsplit_once(':').and_then(|(head, tier)| {
        let digits = tier.strip_suffix('k')?;
        let version = head.rsplit_once(':')?.1;
        let all_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (all_digits(digits) && all_digits(version)).then_some(head)
    });
    let model = without_throughput.unwrap_or(model);
    match model
        .strip_suffix(']')
        .and_then(|head| head.rsplit_once('['))
    {
        Some((head, _)) => head,
        None => model,
    }
}

/// Whether a name is the ARN of a profile that names no model.
pub fn is_application_profile(model: &str) -> bool {
    model.contains(":application-inference-profile/")
}

/// Whether the model behind a name is a Claude.
pub fn is_claude(model: &str) -> bool {
    let base = base_model(model);
    base.starts_with("anthropic") || base.starts_with("claude")
}

/// Models of OpenAI: `openai.gpt-...`.
pub fn is_openai(model: &str) -> bool {
    starts_name(model, "openai.").is_some()
}

/// OpenAI's numbered models, which reason: their version.
pub fn gpt_version(model: &str) -> Option<(u32, u32)> {
    let rest = starts_name(model, "openai.gpt-")?;
    let mut numbers = rest
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?
        .split('.');
    let major = numbers.next()?.parse().ok()?;
    Some((
        major,
        numbers
            .next()
            .and_then(|minor| minor.parse().ok())
            .unwrap_or(0),
    ))
}

/// Models that refuse stop sequences: Grok, and OpenAI's since 5.6.
pub fn refuses_stops(model: &str) -> bool {
    starts_name(model, "xai.grok-").is_some()
        || gpt_version(model).is_some_and(|version| version >= (5, 6))
}

/// What follows `start` where that begins a name: at the beginning, or after a dot or slash.
fn starts_name<'a>(model: &'a str, start: &str) -> Option<&'a str> {
    model.match_indices(start).find_map(|(at, _)| {
        let begins = at == 0 || model[..at].ends_with(['.', '/']);
        begins.then(|| &model[at + start.len()..])
    })
}

/// Nova's second generation.
pub fn is_nova_2(model: &str) -> bool {
    let mut name = without_prefix(model);
    for geography in ["us.", "eu.", "apac."] {
        name = name.strip_prefix(geography).unwrap_or(name);
    }
    name.starts_with("amazon.nova-2-") || name.starts_with("nova-2/")
}

fn without_prefix(model: &str) -> &str {
    let model = model.strip_prefix("bedrock/").unwrap_or(model);
    model.strip_prefix("converse/").unwrap_or(model)
}

/// Whether nothing is known of a model: neither an entry nor a family.
pub fn is_unknown(model: &str) -> bool {
    let (_, name) = split_region(model);
    if name.contains('/') {
        return false;
    }
    let base = base_model(name);
    let known = |key: &str| facts::litellm_provider(key).is_some();
    let elsewhere = GEOGRAPHIES
        .iter()
        .any(|geography| known(&format!("{geography}.{base}")));
    !(known(name) || known(base) || known(without_version(base)) || elsewhere)
        && family(name).is_none()
}

/// `anthropic.claude-opus-4-7-v1:0` -> `anthropic.claude-opus-4-7`.
fn without_version(base: &str) -> &str {
    match base.rsplit_once("-v") {
        Some((head, version))
            if version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b':') =>
        {
            head
        }
        _ => base,
    }
}

/// A flag of the catalogue's entry of a model, under the names that Bedrock's models have there.
pub fn flag(model: &str, name: &str) -> Option<bool> {
    value(model, |entry| entry.get(name)?.as_bool())
}

/// Whether the catalogue says that a model can do something.
pub fn supports(model: &str, name: &str) -> bool {
    flag(model, name) == Some(true)
}

/// What is known of a Claude; of others, what the catalogue says.
pub fn claude_flag(model: &str, name: &str) -> Option<bool> {
    flag(model, name).or_else(|| facts::of_claude(base_model(model), "bedrock", name))
}

/// A text of the catalogue's entry.
pub fn text(model: &str, name: &str) -> Option<String> {
    value(model, |entry| Some(entry.get(name)?.as_str()?.to_owned()))
}

/// Whether the catalogue has a member of this name for the model itself or the one behind it.
pub fn has_member(model: &str, name: &str) -> bool {
    [model, base_model(model)].iter().any(|key| {
        catalog::entry(key).is_some_and(|entry| entry.get(name).is_some_and(|v| !v.is_null()))
    })
}

/// Whether the model itself or the one behind it has an entry.
pub fn has_entry(model: &str) -> bool {
    catalog::entry(model).is_some() || catalog::entry(base_model(model)).is_some()
}

/// Whether a model may be told how to sample.
pub fn takes_sampling(model: &str) -> bool {
    const FIXED: [&str; 3] = ["fable", "opus-4-7", "opus-4-8"];
    let claude = base_model(model).starts_with("anthropic");
    let name = model.to_lowercase().replace(['_', '.'], "-");
    let by_name = || !(claude && FIXED.iter().any(|fixed| name.contains(fixed)));
    claude_flag(model, "supports_sampling_params").unwrap_or_else(by_name)
}

/// The OpenAI parameters that a model takes, in LiteLLM's order.
pub fn supported(model: &str) -> Vec<&'static str> {
    match route(model) {
        Route::Invoke => invoked(model),
        Route::Converse | Route::Unbuilt(_) => conversed(model),
    }
}

/// How the names of models begin that call functions.
const CALLERS: [&str; 8] = [
    "anthropic",
    "mistral",
    "cohere",
    "meta.llama3-1",
    "meta.llama3-2",
    "meta.llama3-3",
    "meta.llama4",
    "amazon.nova",
];

/// The parameters of a model in Converse's form.
fn conversed(model: &str) -> Vec<&'static str> {
    let mut names = vec![
        "max_tokens",
        "max_completion_tokens",
        "stream",
        "stream_options",
        "stop",
    ];
    let base = base_model(model);
    if base.starts_with("anthropic") || takes_sampling(model) {
        names.extend(["temperature", "top_p"]);
    }
    names.extend([
        "extra_headers",
        "response_format",
        "requestMetadata",
        "service_tier",
        "parallel_tool_calls",
    ]);
    if model.contains("arn") || is_unknown(model) {
        names.extend([
            "tools",
            "tool_choice",
            "thinking",
            "reasoning_effort",
            "output_config",
        ]);
        if model.to_lowercase().contains("nova") {
            names.push("web_search_options");
        }
        return names;
    }
    if CALLERS.iter().any(|start| base.starts_with(start))
        || supports(model, "supports_function_calling")
    {
        names.push("tools");
    }
    if base.starts_with("amazon.nova") {
        names.push("web_search_options");
    }
    if supports(model, "supports_tool_choice") {
        names.push("tool_choice");
    }
    let deep_seek = model.contains("deepseek");
    let claude = ["claude-3-7", "claude-sonnet-4", "claude-opus-4"]
        .iter()
        .any(|name| model.contains(name));
    if model.contains("gpt-oss") || gpt_version(model).is_some() {
        names.push("reasoning_effort");
    } else if deep_seek {
        if !model.contains("deepseek.r1") {
            names.push("reasoning_effort");
        }
    } else if is_nova_2(model) {
        names.push("reasoning_effort");
    } else if claude || supports(model, "supports_reasoning") {
        names.extend(["thinking", "reasoning_effort", "output_config"]);
    }
    if base.starts_with("anthropic") {
        names.push("context_management");
    }
    names
}

/// The parameters of a model in its own form.
fn invoked(model: &str) -> Vec<&'static str> {
    match family(model) {
        Some(Family::Anthropic) => {
            let mut names = sets::ANTHROPIC.to_vec();
            names.retain(|name| *name != "service_tier");
            let reasons = |name: &str| claude_flag(model, name) == Some(true);
            if model.contains("claude-3-7-sonnet")
                || reasons("supports_reasoning")
                || reasons("supports_adaptive_thinking")
            {
                names.extend(["thinking", "reasoning_effort"]);
            }
            names
        }
        Some(Family::Nova) => conversed(model),
        Some(Family::Cohere) => sets::COHERE.to_vec(),
        Some(Family::Meta | Family::Llama | Family::Ai21) => {
            vec!["max_tokens", "temperature", "top_p", "stream"]
        }
        Some(Family::Mistral | Family::Qwen2 | Family::Qwen3) => {
            vec!["max_tokens", "temperature", "top_p", "stop", "stream"]
        }
        Some(Family::Amazon) => vec![
            "max_tokens",
            "max_completion_tokens",
            "stop",
            "temperature",
            "top_p",
            "stream",
        ],
        _ => vec!["max_tokens", "max_completion_tokens", "stream"],
    }
}

fn value<T>(model: &str, read: impl Fn(&catalog::Entry) -> Option<T>) -> Option<T> {
    let found = catalog::find(model, Some("bedrock_converse"));
    if let Some(found) = found
        && let Some(value) = read(&found.entry)
    {
        return Some(value);
    }
    let base = base_model(model);
    [base, without_version(base)]
        .iter()
        .find_map(|key| read(&*catalog::entry(key)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_those_of_the_names() {
        for (model, expected) in [
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Route::Converse),
            (
                "invoke/anthropic.claude-3-5-sonnet-20240620-v1:0",
                Route::Invoke,
            ),
            (
                "converse/us.anthropic.claude-sonnet-4-20250514-v1:0",
                Route::Converse,
            ),
            (
                "us-west-2/anthropic.claude-3-5-sonnet-20240620-v1:0",
                Route::Converse,
            ),
            ("cohere.command-r-plus-v1:0", Route::Invoke),
            ("us.deepseek.r1-v1:0", Route::Converse),
            ("openai.gpt-oss-120b-1:0", Route::Converse),
            ("some-model", Route::Converse),
            ("agent/A/B", Route::Unbuilt("agent")),
            (
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
                Route::Converse,
            ),
        ] {
            assert_eq!(route(model), expected, "{model}");
        }
    }

    #[test]
    fn the_model_behind_a_name_is_found() {
        for (model, expected) in [
            (
                "us.meta.llama3-2-11b-instruct-v1:0",
                "meta.llama3-2-11b-instruct-v1:0",
            ),
            (
                "anthropic.claude-3-5-sonnet-20241022-v2:0:51k",
                "anthropic.claude-3-5-sonnet-20241022-v2:0",
            ),
            (
                "us.anthropic.claude-opus-4-6-v1[1m]",
                "anthropic.claude-opus-4-6-v1",
            ),
            (
                "converse/eu-west-1/amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
            ),
            (
                "nova-2/arn:aws:bedrock:us-east-1:1:x/y",
                "amazon.nova-2-custom",
            ),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
                "anthropic.claude-sonnet-4-20250514-v1:0",
            ),
        ] {
            assert_eq!(base_model(model), expected, "{model}");
        }
    }

    #[test]
    fn regions_stand_in_paths_and_arns() {
        assert_eq!(split_region("us-west-2/a.b"), (Some("us-west-2"), "a.b"));
        assert_eq!(split_region("converse/a.b"), (None, "a.b"));
        assert_eq!(
            region_of_arn("arn:aws:bedrock:eu-west-1:1:x/y"),
            Some("eu-west-1")
        );
        assert_eq!(
            region_of_arn("arn:aws-us-gov:bedrock:us-gov-west-1:1:x"),
            Some("us-gov-west-1")
        );
        assert_eq!(region_of_arn("arn:aws:bedrock::1:x"), None);
        assert_eq!(region_of_arn("arn:aws:bedrock:a.example/:1:x"), None);
    }

    #[test]
    fn versions_of_openai_models_are_read() {
        assert_eq!(gpt_version("us.openai.gpt-5.6-x"), Some((5, 6)));
        assert_eq!(gpt_version("openai.gpt-6-luna"), Some((6, 0)));
        assert_eq!(gpt_version("openai.gpt-oss-120b-1:0"), None);
        assert!(refuses_stops("xai.grok-4.6") && !refuses_stops("openai.gpt-5.4"));
    }
}
