//! The request side of Converse: one form for every model, with what only some models know in
//! `additionalModelRequestFields`.
//!
//! API: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>

use super::format::Format;
use super::messages::Translation;
use super::system::{role, split};
use super::thinking::{self, Thinking};
use super::tools::{self, CachePoints, Names};
use super::{metadata, models, wire};
use crate::adapt::Target;
use crate::adapt::habits::Mapping;
use crate::adapt::providers::openai_request::{injection, mapped_apart};
use crate::adapt::tree::{Members, Tree, tree};
use crate::adapt::usage::Object;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// OpenAI's and xAI's models take no smaller limit.
const MIN_TOKENS: i64 = 16;
/// Where Claude tells what it thought; Converse leaves it out unless it is asked for.
const THOUGHTS: &str = "/usage/output_tokens_details";

/// Members that are handed on under their own name.
const CONFIGS: [&str; 3] = ["guardrailConfig", "performanceConfig", "serviceTier"];

/// What the reply needs to know of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The content comes as the arguments of a made-up tool.
    pub json_mode: bool,
    /// The answer comes whole, although the caller asked for a stream.
    pub fake_stream: bool,
    /// Names of tools that had to be rewritten.
    pub names: Names,
    /// Names of all tools, as they were sent: some models write a call as text.
    pub tools: Vec<String>,
}

/// The model whose abilities count: the one that the deployment names for a profile that names none.
pub fn model(target: &Target) -> &str {
    let base = target.options.base_model.as_deref();
    match base {
        Some(base) if models::is_application_profile(&target.model) => models::without_route(base),
        _ => target
            .model
            .strip_prefix("converse/")
            .unwrap_or(&target.model),
    }
}

/// A chat's members, mapped.
struct Mapped<'a> {
    given: Params,
    mapping: Mapping<'a>,
    model: &'a str,
    format: Format,
    thinking: Thinking,
}

impl<'a> Mapped<'a> {
    fn of(call: &Call, target: &'a Target) -> Result<Self> {
        let (given, mapping) = mapped_apart(call, target)?;
        let model = model(target);
        let thinking = Thinking::of(&mapping, model)?;
        let format = Format::of(&mapping, model);
        Ok(Self {
            given,
            mapping,
            model,
            format,
            thinking,
        })
    }

    /// The made-up tool, the caller's, and Nova's search.
    fn tools(&self) -> Vec<Tree<'_>> {
        let made_up = self.format.tool.clone().map(Tree::from);
        let mut tools: Vec<Tree<'_>> = made_up.into_iter().collect();
        let params = &self.mapping.params;
        tools.extend(Tree::list(params.raw("tools")));
        if self.model.to_lowercase().contains("nova")
            && params.get::<Object>("web_search_options").is_some()
        {
            tools.push(tree!({"systemTool": tree!({"name": "nova_grounding"})}));
        }
        tools
    }

    fn plan(&self, tools: &[Tree<'_>]) -> Plan {
        let no_stream = self.model.contains("ai21")
            || (self.model.contains("meta.llama3-3-70b-instruct-v1:0")
                && self.mapping.params.contains("tools"));
        let sent = tools
            .iter()
            .filter_map(|tool| tool["function"]["name"].as_str());
        Plan {
            json_mode: self.format.asked,
            fake_stream: self.mapping.stream && (self.format.tool.is_some() || no_stream),
            names: Names::of(tools),
            tools: sent.map(str::to_owned).collect(),
        }
    }
}

/// What [`body`] decides on the reply of a call.
pub fn plan(call: &Call, target: &Target) -> Plan {
    let given = |name: &str| {
        let own = call.params.raw(name).filter(|raw| &raw[..] != b"null");
        own.or_else(|| target.defaults.raw(name)).is_some()
    };
    if !given("tools") && !given("response_format") && !target.model.contains("ai21") {
        return Plan::default();
    }
    Mapped::of(call, target)
        .map(|mapped| mapped.plan(&mapped.tools()))
        .unwrap_or_default()
}

/// The body of a chat, or of a text completion asked as one, and how its reply is read.
///
/// # Errors
/// A parameter that the model does not take, messages that cannot be translated.
pub fn body(call: &Call, target: &Target) -> Result<(Params, Plan)> {
    let mapped = Mapped::of(call, target)?;
    let mut tools = mapped.tools();
    let plan = mapped.plan(&tools);
    let Mapped {
        given,
        mapping,
        model,
        format,
        thinking,
    } = &mapped;
    let caches = CachePoints::of(model);
    let raw = given.raw("messages").cloned();
    let raw = injection::inject(
        raw.unwrap_or_else(|| Bytes::from_static(b"[]")),
        &mapping.extra,
    );
    let list: Vec<Members<'_>> = serde_json::from_slice(&raw)
        .map_err(|e| Error::bad_request(format!("`messages` cannot be read: {e}")))?;
    let (system, mut list) = split(list, caches);
    if tools.is_empty()
        && list.iter().any(|message| {
            message
                .get("tool_calls")
                .is_some_and(|calls| !calls.is_null())
        })
    {
        if target.options.modify_params != Some(true) {
            return Err(no_tools());
        }
        tools.push(stand_in());
    }
    if mapping.extra.contains("guardrailConfig") {
        guard(&mut list);
    }
    let translation = Translation::new(target, model, caches);
    let list = translation.completed(list)?;
    let turns = translation.of(&list)?;

    let inference = inference(mapping, model, thinking.max_tokens)?;
    let forced = format.choice.clone();
    let forced = forced.filter(|_| !mapping.params.contains("tool_choice"));
    let mut choice = tools::choice(mapping, model)?.or(forced);
    if let Some(wanted) = &choice
        && thinking.is_enabled()
        && wanted.get("auto").is_none()
    {
        choice = Some(json!({"auto": {}}));
    }
    let mut fields = fields(mapping, model, thinking, inference.fields);
    let (computers, tools): (Vec<_>, Vec<_>) = tools.into_iter().partition(tools::is_computer);
    let mut specs = tools::specs(&tools, model, caches);
    if !computers.is_empty() {
        let as_sent = computers.iter().map(tools::computer);
        let as_sent = as_sent.map(|tool| Value::from(&tool)).collect();
        fields.insert("tools".into(), Value::Array(as_sent));
    }
    let named = wire::betas(call, target);
    betas(&mut fields, named, model, &tools, !computers.is_empty())?;
    specs.extend(tools_point(mapping, caches).filter(|_| !specs.is_empty()));

    let mut body = Params::default();
    body.set_raw("messages", turns.to_json());
    body.set("inferenceConfig", &inference.config);
    if !fields.is_empty() {
        if fields.contains_key("thinking") {
            body.set("additionalModelResponseFieldPaths", &[THOUGHTS]);
        }
        body.set("additionalModelRequestFields", &fields);
    }
    if !system.is_empty() {
        body.set_raw("system", Tree::List(system).to_json());
    }
    let own = |name: &str| mapping.extra.raw(name).filter(|raw| &raw[..] != b"null");
    for name in CONFIGS {
        if let Some(raw) = own(name) {
            body.set_raw(name, raw.clone());
        }
    }
    if let Some(tier) = service_tier(mapping) {
        body.set("serviceTier", &json!({"type": tier}));
    }
    if !specs.is_empty() {
        let mut config = tree!({"tools": specs});
        if let Some(choice) = choice {
            config.set("toolChoice", choice);
        }
        body.set_raw("toolConfig", config.to_json());
    }
    if let Some(metadata) = metadata::wanted(mapping)? {
        body.set("requestMetadata", &metadata);
    }
    match (&format.config, own("outputConfig")) {
        (Some(config), _) => body.set("outputConfig", config),
        (None, Some(raw)) => body.set_raw("outputConfig", raw.clone()),
        (None, None) => {}
    }
    Ok((body, plan))
}

/// `inferenceConfig`, and what of sampling goes to the model itself.
struct Inference {
    config: Object,
    fields: Object,
}

fn inference(mapping: &Mapping<'_>, model: &str, room: Option<u64>) -> Result<Inference> {
    let mut config = Object::new();
    let mut fields = Object::new();
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(most) = mapping.value(name) {
            let least = most.as_i64().filter(|_| wants_more(model));
            let most = least.map_or(most, |most| json!(most.max(MIN_TOKENS)));
            config.insert("maxTokens".into(), most);
        }
    }
    if let Some(room) = room {
        config.insert("maxTokens".into(), json!(room));
    }
    match mapping
        .value("stop")
        .filter(|_| !models::refuses_stops(model))
    {
        Some(Value::String(stop)) if stop.is_empty() => {}
        Some(Value::String(stop)) => {
            config.insert("stopSequences".into(), json!([stop]));
        }
        Some(stops) => {
            config.insert("stopSequences".into(), stops);
        }
        None => {}
    }
    for (name, wire) in [("temperature", "temperature"), ("top_p", "topP")] {
        if let Some(value) = mapping.value(name)
            && takes_sample(mapping, model, name, &value)?
        {
            config.insert(wire.into(), value);
        }
    }
    for name in ["maxTokens", "stopSequences", "topP"] {
        if let Some(value) = mapping.extra.get::<Value>(name) {
            config.insert(name.into(), value);
        }
    }
    let base = models::base_model(model);
    let own = mapping.extra.get::<Value>("topK");
    if let Some(most) = own.or_else(|| mapping.extra.get("top_k")) {
        if base.starts_with("anthropic") {
            if takes_sample(mapping, model, "top_k", &most)? {
                fields.insert("top_k".into(), most);
            }
        } else if base.starts_with("amazon.nova") {
            fields.insert("inferenceConfig".into(), json!({"topK": most}));
        }
    }
    Ok(Inference { config, fields })
}

fn wants_more(model: &str) -> bool {
    models::gpt_version(model).is_some()
        || model.contains("xai.grok-")
        || model.contains("moonshotai.kimi-k3")
}

/// Whether a model takes a value of sampling: some take none but the default temperature.
fn takes_sample(mapping: &Mapping<'_>, model: &str, name: &str, value: &Value) -> Result<bool> {
    if models::takes_sampling(model) {
        return Ok(true);
    }
    let claude = models::base_model(model).starts_with("anthropic");
    if claude && name == "temperature" && value.as_f64() == Some(1.0) {
        return Ok(true);
    }
    if mapping.drop_params {
        return Ok(false);
    }
    let hint = if claude && name == "temperature" {
        "Only temperature=1 is supported. "
    } else {
        ""
    };
    Err(mapping.unsupported(format!(
        "{model} does not support {name}={value}. {hint}To drop unsupported params, set `litellm.drop_params = True`."
    )))
}

/// `additionalModelRequestFields`: the caller's own members, and what the parameters become for this model.
fn fields(mapping: &Mapping<'_>, model: &str, thinking: &Thinking, sampling: Object) -> Object {
    const ELSEWHERE: [&str; 14] = [
        "guardrailConfig",
        "performanceConfig",
        "serviceTier",
        "requestMetadata",
        "outputConfig",
        "output_config",
        "maxTokens",
        "stopSequences",
        "topP",
        "topK",
        "top_k",
        "model_id",
        "client_metadata",
        injection::NAME,
    ];
    const OWN: &str = "additionalModelRequestFields";
    let mut fields = Object::new();
    for (name, raw) in mapping.extra.iter() {
        let Ok(value) = serde_json::from_slice::<Value>(raw) else {
            continue;
        };
        match value {
            Value::Null => {}
            Value::Object(own) if name == OWN => fields.extend(own),
            value if !ELSEWHERE.contains(&name) => {
                fields.insert(name.into(), value);
            }
            _ => {}
        }
    }
    fields.extend(thinking.fields.clone());
    if let Some(context) = mapping.value("context_management") {
        fields.insert("context_management".into(), context);
    }
    if let Some(parallel) = mapping.params.get::<bool>("parallel_tool_calls")
        && models::supports(model, "supports_parallel_tool_use_config")
    {
        let mut choice = json!({"disable_parallel_tool_use": !parallel});
        // The kind of a choice stands in `toolConfig`, where there is one.
        if !mapping.params.contains("tool_choice") {
            choice["type"] = json!("auto");
        }
        fields.insert("tool_choice".into(), choice);
    }
    fields.extend(sampling);
    let claude = models::base_model(model).starts_with("anthropic");
    if (claude || models::is_application_profile(model))
        && let Some(mut config) = thinking.output_config.clone()
    {
        config.remove("format");
        if !config.is_empty() {
            fields.insert("output_config".into(), Value::Object(config));
        }
    }
    fields
}

/// What Claude has to be asked for by name.
fn betas(
    fields: &mut Object,
    named: Vec<String>,
    model: &str,
    tools: &[Tree<'_>],
    computer: bool,
) -> Result<()> {
    const COMPACT: &str = "compact_20260112";
    let own = fields.remove("anthropic_beta");
    if !models::base_model(model).starts_with("anthropic") {
        return Ok(());
    }
    let own = own.and_then(|own| serde_json::from_value::<Vec<String>>(own).ok());
    let mut betas = if named.is_empty() {
        own.unwrap_or_default()
    } else {
        named
    };
    let mut add = |beta: &str| {
        if !betas.iter().any(|known| known == beta) {
            betas.push(beta.to_owned());
        }
    };
    let eager = |tool: &Tree<'_>| {
        tool["eager_input_streaming"] == true || tool["function"]["eager_input_streaming"] == true
    };
    if tools.iter().any(eager) {
        add("fine-grained-tool-streaming-2025-05-14");
    }
    if computer {
        add(tools::computer_beta(model));
    }
    let effort = fields
        .get("output_config")
        .and_then(|config| config.get("effort"));
    if effort.is_some() && models::claude_flag(model, "supports_adaptive_thinking") != Some(true) {
        add("effort-2025-11-24");
    }
    thinking::check_effort(model, effort)?;
    if let Some(context) = fields.get_mut("context_management") {
        let edits = context.get_mut("edits").and_then(Value::as_array_mut);
        let compacts = edits.is_some_and(|edits| {
            edits.retain(|edit| edit["type"] == COMPACT);
            !edits.is_empty()
        });
        if compacts {
            add("compact-2026-01-12");
        } else {
            fields.remove("context_management");
        }
    }
    if !betas.is_empty() {
        fields.insert("anthropic_beta".into(), json!(betas));
    }
    Ok(())
}

/// The cache point that the deployment wants behind the tools.
fn tools_point(mapping: &Mapping<'_>, caches: CachePoints) -> Option<Tree<'static>> {
    let points = Tree::list(mapping.extra.raw(injection::NAME));
    let point = points
        .iter()
        .find(|point| point["location"] == "tool_config")?;
    caches.wanted(&point["control"])
}

/// Bedrock's word for OpenAI's tier.
fn service_tier(mapping: &Mapping<'_>) -> Option<&'static str> {
    match mapping.params.get::<String>("service_tier")?.as_str() {
        "auto" | "default" => Some("default"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _ => None,
    }
}

/// A guardrail looks at the texts of the user's last turn, unless the caller marked others.
fn guard(messages: &mut [Members<'_>]) {
    let last = messages
        .iter_mut()
        .rev()
        .take_while(|message| role(message) == "user");
    for message in last {
        match message.get_mut("content") {
            Some(Tree::List(parts)) if !parts.iter().any(|part| part["type"] == "guarded_text") => {
                for part in parts.iter_mut().filter(|part| part["type"] == "text") {
                    let text = part.get_mut("text").map(std::mem::take);
                    *part = tree!({"type": "guarded_text", "text": text.unwrap_or_default()});
                }
            }
            Some(content @ Tree::Text(_)) => {
                let text = std::mem::take(content);
                *content = vec![tree!({"type": "guarded_text", "text": text})].into();
            }
            _ => {}
        }
    }
}

fn no_tools() -> Error {
    Error::new(
        ErrorKind::UnsupportedParams,
        "Bedrock doesn't support tool calling without `tools=` param specified. Pass `tools=` param OR set \
         `litellm.modify_params = True` // `litellm_settings::modify_params: True` to add dummy tool to the request.",
    )
    .at("bedrock", "")
}

/// Bedrock wants tools where the messages call some.
fn stand_in() -> Tree<'static> {
    let parameters = tree!({"type": "object", "properties": tree!({})});
    let function = tree!({"name": "dummy_tool", "description": "This is a dummy tool call", "parameters": parameters});
    tree!({"type": "function", "function": function})
}
