//! Habits of clouds that serve many makers' models under OpenAI's protocol.

use super::Habits;
use crate::adapt::providers::openai_request::messages::without;
use crate::params::Params;
use serde_json::{Value, json};

/// <https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/>
pub static CLOUDFLARE: Habits = Habits {
    base: Some(|env| {
        let account = env("CLOUDFLARE_ACCOUNT_ID").filter(|account| !account.trim().is_empty())?;
        let account = account.trim();
        Some(format!(
            "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1"
        ))
    }),
    // The native endpoint is what older configurations name.
    address: Some(|base, path| match base.strip_suffix("/ai/run") {
        Some(account) => format!("{account}/ai/v1{path}"),
        None => format!("{base}{path}"),
    }),
    ..Habits::NONE
};

fn under_v1(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/').trim_end_matches("/v1");
    format!("{base}/v1{path}")
}

/// Heroku's and CometAPI's addresses are given without the version.
pub static UNDER_V1: Habits = Habits {
    address: Some(under_v1),
    ..Habits::NONE
};

/// <https://huggingface.co/docs/inference-providers/tasks/chat-completion>
pub static HUGGING_FACE: Habits = Habits {
    address: Some(under_v1),
    model: Some(hugging_face_model),
    keeps_retries: true,
    ..Habits::NONE
};

/// A provider in front of a model's name becomes the suffix by which the router knows it.
fn hugging_face_model(model: &str) -> String {
    match model.split_once('/') {
        Some((provider, name)) if name.contains('/') && !model.starts_with("http") => {
            format!("{name}:{provider}")
        }
        _ => model.to_owned(),
    }
}

/// Embeddings whose size has another name: <https://docs.voyageai.com/reference/embeddings-api>,
/// <https://michaelfeil.eu/infinity/>.
pub static OUTPUT_DIMENSION: Habits = Habits {
    embeddings: Some(|members| {
        if let Some(size) = members.remove("dimensions") {
            members.set_raw("output_dimension", size);
        }
    }),
    ..Habits::NONE
};

/// <https://api.jina.ai/redoc>
pub static JINA: Habits = Habits {
    embeddings: Some(jina_input),
    ..Habits::NONE
};

/// Texts, or, when there are images among them, objects that say which is which.
fn jina_input(members: &mut Params) {
    let texts: Vec<String> = match members.get("input") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts
            .into_iter()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect(),
        _ => return,
    };
    if !texts.iter().any(|text| text.starts_with("data:")) {
        members.set("input", &texts);
        return;
    }
    let named = |text: &String| match text.strip_prefix("data:") {
        Some(uri) => json!({"image": uri.split_once(',').map_or(uri, |(_, data)| data)}),
        None => json!({"text": text}),
    };
    let named: Vec<Value> = texts.iter().map(named).collect();
    members.set("input", &named);
}

/// <https://cloud.ibm.com/apidocs/watsonx-ai#text-chat>
pub static WATSONX: Habits = Habits {
    params: Some(|mapping| {
        if let Some(mut tools) = mapping.value("tools") {
            without(&mut tools, "additionalProperties");
            without(&mut tools, "strict");
            mapping.params.set("tools", &tools);
        }
        if let Some(choice @ Value::String(_)) = mapping.value("tool_choice") {
            mapping.params.remove("tool_choice");
            mapping.params.set("tool_choice_option", &choice);
        }
        Ok(())
    }),
    ..Habits::NONE
};

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn addresses_are_completed() {
        let address =
            |habits: &Habits, base: &str| habits.address.map(|at| at(base, "/chat/completions"));
        let heroku = |base: &str| address(&UNDER_V1, base);
        for base in ["http://h", "http://h/", "http://h/v1"] {
            let whole = "http://h/v1/chat/completions";
            assert_eq!(heroku(base).as_deref(), Some(whole), "{base}");
        }
        let cloudflare = address(&CLOUDFLARE, "https://a/ai/run");
        assert_eq!(
            cloudflare.as_deref(),
            Some("https://a/ai/v1/chat/completions")
        );
        let own = address(&HUGGING_FACE, "https://a");
        assert_eq!(own.as_deref(), Some("https://a/v1/chat/completions"));
        let base = CLOUDFLARE
            .base
            .and_then(|base| base(&|_| Some(" acc ".into())));
        assert_eq!(
            base.as_deref(),
            Some("https://api.cloudflare.com/client/v4/accounts/acc/ai/v1")
        );
    }

    #[test]
    fn a_provider_of_hugging_face_becomes_a_suffix() {
        assert_eq!(
            hugging_face_model("together/deepseek-ai/R1"),
            "deepseek-ai/R1:together"
        );
        assert_eq!(hugging_face_model("deepseek-ai/R1"), "deepseek-ai/R1");
    }

    #[test]
    fn images_for_jina_are_named() {
        let raw = Bytes::from_static(br#"{"input":["a","data:image/png;base64,AAAA"]}"#);
        let mut members = Params::parse(&raw).unwrap_or_default();
        jina_input(&mut members);
        let expected = json!([{"text": "a"}, {"image": "AAAA"}]);
        assert_eq!(members.get::<Value>("input"), Some(expected));
    }
}
