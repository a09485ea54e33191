//! Ids of responses: LiteLLM's carry who answered, so that a later request about a response finds its way back.
//!
//! `resp_` and, in base64, `litellm:custom_llm_provider:{provider};model_id:{deployment};response_id:{id}`. An id that
//! does not have this form is the provider's own.

use crate::adapt::Target;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

const PREFIX: &str = "resp_";

/// What an id tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// LiteLLM's name of the provider.
    pub provider: String,
    /// `model_info.id` of the deployment; `None` for a call in process.
    pub deployment: Option<String>,
    /// The provider's own id.
    pub id: String,
}

/// Who answers, as ids tell it.
#[derive(Clone, Debug)]
pub struct Of {
    provider: &'static str,
    deployment: String,
}

impl Of {
    /// A target's.
    pub fn target(target: &Target) -> Self {
        Self {
            provider: target.provider.name,
            deployment: target.deployment_id.clone(),
        }
    }

    /// The id that a caller sees for `id` of the provider's. One that is encoded stays as it is.
    pub fn encoded(&self, id: &str) -> String {
        if told(id).is_some() {
            return id.to_owned();
        }
        let deployment = match self.deployment.as_str() {
            "" => "None",
            deployment => deployment,
        };
        let provider = self.provider;
        let plain = format!(
            "litellm:custom_llm_provider:{provider};model_id:{deployment};response_id:{id}"
        );
        format!("{PREFIX}{}", STANDARD.encode(plain))
    }
}

/// What an id tells; `None` for an id of a provider's own.
pub fn told(id: &str) -> Option<Told> {
    let coded = id.strip_prefix(PREFIX)?.trim_end_matches('=');
    let plain = String::from_utf8(STANDARD_NO_PAD.decode(coded).ok()?).ok()?;
    let rest = plain.strip_prefix("litellm:custom_llm_provider:")?;
    let (provider, rest) = rest.split_once(";model_id:")?;
    let (deployment, id) = rest.split_once(";response_id:")?;
    Some(Told {
        provider: provider.to_owned(),
        deployment: Some(deployment)
            .filter(|deployment| !matches!(*deployment, "" | "None"))
            .map(str::to_owned),
        id: id.to_owned(),
    })
}

/// The provider's own id, whichever of both is given.
pub fn own(id: &str) -> String {
    told(id).map_or_else(|| id.to_owned(), |told| told.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_litellms_tells_who_answered() {
        let id = "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpOb25lO3Jlc3BvbnNlX2lkOnJlc3BfVVAx";
        let told = told(id);
        assert_eq!(
            told,
            Some(Told {
                provider: "openai".into(),
                deployment: None,
                id: "resp_UP1".into(),
            })
        );
        assert_eq!(own(id), "resp_UP1");
    }

    #[test]
    fn a_providers_own_id_tells_nothing() {
        assert_eq!(told("resp_0c5dae30e53172980069708ba2f59c81"), None);
        assert_eq!(told("chatcmpl-1"), None);
        assert_eq!(own("resp_abc"), "resp_abc");
    }
}
