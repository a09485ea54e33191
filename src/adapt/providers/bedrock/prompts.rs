//! Conversations as one text, for models that complete texts: each family has its own marks between the turns.

use super::models::Family;
use crate::adapt::usage::Object;
use serde_json::Value;

/// What stands around the turns of a family.
struct Marks {
    begin: &'static str,
    system: (&'static str, &'static str),
    user: (&'static str, &'static str),
    assistant: (&'static str, &'static str),
    /// Where the model goes on.
    end: &'static str,
    /// Whether white space around a turn's text is taken off.
    trims: bool,
}

const LLAMA_2: Marks = Marks {
    begin: "<s>",
    system: ("[INST] <<SYS>>\n", "\n<</SYS>>\n [/INST]\n"),
    user: ("[INST] ", " [/INST]\n"),
    assistant: ("", "\n</s>"),
    end: "",
    trims: false,
};

const LLAMA_3: Marks = Marks {
    begin: "<|begin_of_text|>",
    system: (
        "<|start_header_id|>system<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    user: ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    assistant: (
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    end: "<|start_header_id|>assistant<|end_header_id|>\n\n",
    trims: true,
};

const MISTRAL: Marks = Marks {
    begin: "<s>",
    system: ("[INST] \n", " [/INST]\n"),
    user: ("[INST] ", " [/INST]\n"),
    assistant: (" ", "</s> "),
    end: "",
    trims: false,
};

const QWEN: Marks = Marks {
    begin: "",
    system: ("<|im_start|>system\n", "<|im_end|>\n"),
    user: ("<|im_start|>user\n", "<|im_end|>\n"),
    assistant: ("<|im_start|>assistant\n", "<|im_end|>\n"),
    end: "<|im_start|>assistant\n",
    trims: false,
};

const TITAN_USER: &str = "\n\nUser: ";
const TITAN_BOT: &str = "\n\nBot: ";

/// A conversation as a family reads it.
pub fn prompt(family: Family, model: &str, messages: &[Object]) -> String {
    let model = model.to_lowercase();
    match family {
        Family::Meta | Family::Llama if model.contains("llama2") && model.contains("chat") => {
            marked(&LLAMA_2, messages)
        }
        Family::Meta | Family::Llama => marked(&LLAMA_3, messages),
        Family::Mistral => marked(&MISTRAL, messages),
        Family::Qwen2 | Family::Qwen3 => marked(&QWEN, messages),
        Family::Amazon => titan(messages),
        Family::Cohere => joined(messages, "\n\n").trim_end().to_owned(),
        _ => joined(messages, ""),
    }
}

fn marked(marks: &Marks, messages: &[Object]) -> String {
    let mut out = String::from(marks.begin);
    for message in messages {
        let (before, after) = match role(message) {
            "system" | "developer" => marks.system,
            "user" => marks.user,
            "assistant" => marks.assistant,
            _ => ("", ""),
        };
        let text = text(message);
        let text = if marks.trims { text.trim() } else { &text };
        out.push_str(before);
        out.push_str(text);
        out.push_str(after);
    }
    out.push_str(marks.end);
    out
}

fn titan(messages: &[Object]) -> String {
    let mut out = String::new();
    for (at, message) in messages.iter().enumerate() {
        let text = text(message);
        match role(message) {
            "user" => out.push_str(&format!("{TITAN_USER}{text}")),
            "system" => out.push_str(&format!("{TITAN_USER}<admin>{text}</admin>")),
            role => {
                if at == 0 && role == "assistant" {
                    out.push_str(TITAN_USER);
                }
                out.push_str(&format!("{TITAN_BOT}{text}"));
            }
        }
    }
    if messages.last().is_none_or(|last| role(last) != "assistant") {
        out.push_str(TITAN_BOT);
    }
    out
}

fn joined(messages: &[Object], between: &str) -> String {
    let said = messages
        .iter()
        .filter(|message| role(message) != "tool")
        .map(text);
    let said: Vec<String> = said.filter(|text| !text.is_empty()).collect();
    said.join(between)
}

fn role(message: &Object) -> &str {
    message
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or("user")
}

fn text(message: &Object) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_family_has_its_marks() {
        let list = json!([{"role": "system", "content": "S"}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "text", "text": "b"}]}, {"role": "user", "content": "c"}]);
        let messages: Vec<Object> = serde_json::from_value(list).unwrap_or_default();
        for (family, model, expected) in [
            (
                Family::Mistral,
                "mistral.mistral-7b-instruct-v0:2",
                "<s>[INST] \nS [/INST]\n[INST] a [/INST]\n b</s> [INST] c [/INST]\n",
            ),
            (
                Family::Amazon,
                "amazon.titan-text-express-v1",
                "\n\nUser: <admin>S</admin>\n\nUser: a\n\nBot: b\n\nUser: c\n\nBot: ",
            ),
            (
                Family::Meta,
                "meta.llama2-13b-chat-v1",
                "<s>[INST] <<SYS>>\nS\n<</SYS>>\n [/INST]\n[INST] a [/INST]\nb\n</s>[INST] c [/INST]\n",
            ),
            (
                Family::Cohere,
                "cohere.command-text-v14",
                "S\n\na\n\nb\n\nc",
            ),
        ] {
            assert_eq!(prompt(family, model, &messages), expected, "{model}");
        }
    }
}
