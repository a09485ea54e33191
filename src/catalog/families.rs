//! What model families are known for: facts on models that the map does not have, or does not describe in full.
//! Names decide, as in the `fallback_generalizations` of LiteLLM's map.

use super::Entry;
use serde_json::Value;

/// Providers of Claude whose entries are completed.
const CLAUDE_PROVIDERS: &[&str] = &[
    "anthropic",
    "azure_ai",
    "bedrock",
    "bedrock_converse",
    "vertex_ai-anthropic_models",
];

/// Providers of OpenAI's models whose entries are completed.
const OPENAI_PROVIDERS: &[&str] = &["azure", "azure_ai", "openai"];

/// What an entry of this key and provider has even if it does not say so.
pub(super) fn missing_of(key: &str, provider: &str) -> Vec<(String, Value)> {
    let key = key.to_lowercase();
    let mut facts = Vec::new();
    if CLAUDE_PROVIDERS.contains(&provider) {
        claude_by_version(&key, &mut facts);
    }
    if OPENAI_PROVIDERS.contains(&provider) && is_openai_reasoning(&key) {
        facts.push(yes("supports_reasoning"));
    }
    facts
}

/// What is known of a model that the map does not have; `None` for a stranger.
pub(super) fn known_of(name: &str) -> Option<Entry> {
    let name = name.to_lowercase();
    let mut facts = Vec::new();
    if claude_versions(&name).next().is_some() {
        facts.extend([
            ("mode".to_owned(), "chat".into()),
            ("max_input_tokens".to_owned(), 200_000.into()),
            ("max_output_tokens".to_owned(), 64_000.into()),
        ]);
        facts.extend(CLAUDE.iter().map(|fact| yes(fact)));
    }
    claude_by_version(&name, &mut facts);
    if name.contains("claude-fable-") || name.contains("claude-mythos-") {
        facts.push(yes("thinking_always_on"));
    }
    if name.starts_with("wandb/") || is_openai_reasoning(&name) {
        facts.push(yes("supports_reasoning"));
    }
    if is_gemini_chat(&name) {
        facts.push(("mode".to_owned(), "chat".into()));
        facts.extend(GEMINI.iter().map(|fact| yes(fact)));
    }
    (!facts.is_empty()).then(|| facts.into_iter().collect())
}

const CLAUDE: &[&str] = &[
    "supports_function_calling",
    "supports_parallel_function_calling",
    "supports_vision",
    "supports_tool_choice",
    "supports_assistant_prefill",
    "supports_prompt_caching",
    "supports_response_schema",
    "supports_reasoning",
    "supports_pdf_input",
    "supports_system_messages",
];

const GEMINI: &[&str] = &[
    "supports_reasoning",
    "supports_function_calling",
    "supports_tool_choice",
    "supports_system_messages",
    "supports_vision",
    "supports_response_schema",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_web_search",
];

fn yes(name: &str) -> (String, Value) {
    (name.to_owned(), Value::Bool(true))
}

fn claude_by_version(name: &str, facts: &mut Vec<(String, Value)>) {
    let since = |minor| claude_versions(name).any(|version| version.is_since(minor));
    if since(6) {
        facts.push(yes("supports_adaptive_thinking"));
    }
    if claude_versions(name).any(|version| version.is_four_six()) {
        facts.push(yes("supports_legacy_thinking"));
    }
    if since(8) {
        facts.push(yes("supports_mid_conversation_system"));
    }
    if since(5) {
        facts.push(yes("supports_tool_search"));
    }
}

/// A version after `claude-<family>-`; dates are not read as minors.
struct Version<'a> {
    major: &'a str,
    minor: Option<&'a str>,
}

impl Version<'_> {
    /// Whether it is 4.`minor` or later. Majors of two digits are not versions (`claude-opus-41` is 4.1).
    fn is_since(&self, minor: u32) -> bool {
        match self.major.as_bytes() {
            [b'4'] => self
                .minor
                .filter(|told| told.len() <= 2 && !told.starts_with('0'))
                .and_then(|told| told.parse::<u32>().ok())
                .is_some_and(|told| told >= minor),
            [major] => (b'5'..=b'9').contains(major),
            _ => false,
        }
    }

    fn is_four_six(&self) -> bool {
        self.major == "4" && self.minor == Some("6")
    }
}

fn claude_versions(name: &str) -> impl Iterator<Item = Version<'_>> {
    name.match_indices("claude-").filter_map(|(at, found)| {
        let (family, rest) = name[at + found.len()..].split_once('-')?;
        let named = !family.is_empty() && family.bytes().all(|b| b.is_ascii_lowercase());
        let (major, rest) = digits(rest).filter(|_| named)?;
        let minor = rest.strip_prefix(['-', '.', '_']).and_then(digits);
        Some(Version {
            major,
            minor: minor.map(|(minor, _)| minor),
        })
    })
}

/// The digits that a text starts with, and the rest; `None` without any.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    (end > 0).then(|| text.split_at(end))
}

/// o1, o3-pro, gpt-5 to gpt-9, codex, deep research, under any provider's name.
fn is_openai_reasoning(name: &str) -> bool {
    if name.contains("search-api") {
        return false;
    }
    let starts = std::iter::once(0).chain(name.match_indices('/').map(|(at, _)| at + 1));
    let mut bases = starts.map(|at| {
        let base = &name[at..];
        base.strip_prefix("ft:").unwrap_or(base)
    });
    bases.any(|base| is_numbered_o(base) || is_late_gpt(base) || is_reasoning_line(base))
}

fn is_numbered_o(base: &str) -> bool {
    base.strip_prefix('o')
        .and_then(digits)
        .is_some_and(|(number, rest)| !number.starts_with('0') && ends_word(rest))
}

fn is_late_gpt(base: &str) -> bool {
    let Some((major, rest)) = base.strip_prefix("gpt-").and_then(digits) else {
        return false;
    };
    let rest = rest
        .strip_prefix('.')
        .and_then(digits)
        .map_or(rest, |(_, rest)| rest);
    matches!(major.as_bytes(), [b'5'..=b'9']) && !rest.starts_with('.')
}

fn is_reasoning_line(base: &str) -> bool {
    ["codex", "deep-research", "chat-latest"]
        .iter()
        .any(|line| {
            let own = base.strip_prefix(line).is_some_and(ends_word);
            let on_gpt = base
                .strip_prefix("gpt-")
                .and_then(digits)
                .is_some_and(|(_, rest)| {
                    rest.match_indices(line).any(|(at, _)| {
                        rest[..at].ends_with('-') && ends_word(&rest[at + line.len()..])
                    })
                });
            own || on_gpt
        })
}

fn ends_word(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Text models of Gemini 2.5 and later; their other lines have other capabilities.
fn is_gemini_chat(name: &str) -> bool {
    const OTHER_LINES: &[&str] = &[
        "-tts",
        "-image",
        "-live",
        "-audio",
        "-embedding",
        "-computer-use",
        "-robotics",
        "-transcribe",
        "-translate",
    ];
    name.match_indices("gemini-").any(|(at, found)| {
        let rest = &name[at + found.len()..];
        let Some((major, tail)) = digits(rest) else {
            return false;
        };
        let minor = tail.strip_prefix(['.', '-']).and_then(digits);
        let late = match (major.as_bytes(), minor) {
            ([b'2'], Some((minor, _))) => matches!(minor.as_bytes(), [b'5'..=b'9']),
            ([b'3'..=b'9'], minor) => minor.is_none_or(|(minor, _)| minor.len() <= 2),
            _ => false,
        };
        let line = minor.map_or(tail, |(_, tail)| tail);
        let line = line
            .strip_prefix("-pro")
            .or_else(|| line.strip_prefix("-flash"));
        let ends = line.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()));
        late && ends && !OTHER_LINES.iter().any(|other| rest.contains(other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_versions_are_read_and_dates_are_not() {
        let has = |name: &str, fact: &str| {
            missing_of(name, "anthropic")
                .iter()
                .any(|(known, _)| known == fact)
        };
        assert!(has("claude-opus-4-6", "supports_legacy_thinking"));
        assert!(has("claude-sonnet-5", "supports_adaptive_thinking"));
        assert!(!has("claude-opus-4-20250514", "supports_tool_search"));
        assert!(!has("claude-opus-41", "supports_tool_search"));
    }

    #[test]
    fn reasoning_lines_of_openai_are_recognised() {
        for name in [
            "o3-pro",
            "gpt-5.5-cyber",
            "azure/gpt-5",
            "gpt-5.1-codex-max",
            "ft:o4-mini",
        ] {
            assert!(is_openai_reasoning(name), "{name}");
        }
        for name in ["gpt-4o", "gpt-5-search-api", "omni", "gpt-50"] {
            assert!(!is_openai_reasoning(name), "{name}");
        }
    }

    #[test]
    fn only_text_models_of_gemini_are_alike() {
        assert!(is_gemini_chat("gemini/gemini-3-pro-preview"));
        assert!(is_gemini_chat("gemini-2.5-flash-lite"));
        assert!(!is_gemini_chat("gemini-2.5-flash-image"));
        assert!(!is_gemini_chat("gemini-1.5-pro"));
    }
}
