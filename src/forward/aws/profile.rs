//! Profiles: sections of `~/.aws/credentials` and `~/.aws/config`.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use super::{Asker, Temporary, machine, none, sts};
use crate::error::Result;
use crate::forward::sigv4::Credentials;
use crate::options::Secret;
use std::collections::HashMap;

/// A profile, both files together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    keys: Option<(String, Secret, Option<Secret>)>,
    role: Option<String>,
    session: Option<String>,
    web_identity_file: Option<String>,
    credential_source: Option<String>,
    /// The profile whose keys ask for the role.
    pub(super) source: Option<String>,
}

/// The profile of a name; `None` when neither file has it.
pub(super) async fn read(asker: &Asker<'_>, name: &str) -> Option<Profile> {
    let path = |variable: &str, usual: &str| {
        let home = asker.variable("HOME")?;
        asker
            .variable(variable)
            .or_else(|| Some(format!("{home}/.aws/{usual}")))
    };
    let mut members = HashMap::new();
    for (variable, usual, section) in [
        ("AWS_CONFIG_FILE", "config", format!("profile {name}")),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            "credentials",
            name.to_owned(),
        ),
    ] {
        let Some(path) = path(variable, usual) else {
            continue;
        };
        let Ok(text) = tokio::fs::read_to_string(path).await else {
            continue;
        };
        members.extend(section_of(&text, &section));
        if name == "default" {
            members.extend(section_of(&text, name));
        }
    }
    (!members.is_empty()).then(|| Profile::of(members))
}

/// The members of one section.
fn section_of(text: &str, wanted: &str) -> HashMap<String, String> {
    let mut inside = false;
    let mut members = HashMap::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix('[') {
            inside = name.trim_end_matches(']').trim() == wanted;
            continue;
        }
        // An indented line belongs to a nested setting, which no credential is.
        let nested = line.starts_with([' ', '\t']);
        if !inside || nested || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some((name, value)) = trimmed.split_once('=') {
            let value = value.split(" #").next().unwrap_or_default().trim();
            members.insert(name.trim().to_lowercase(), value.to_owned());
        }
    }
    members
}

impl Profile {
    fn of(mut members: HashMap<String, String>) -> Self {
        let mut take = |name: &str| members.remove(name).filter(|value| !value.is_empty());
        let token = take("aws_session_token").map(Secret::new);
        let keys = take("aws_access_key_id").zip(take("aws_secret_access_key"));
        Self {
            keys: keys.map(|(id, secret)| (id, Secret::new(secret), token)),
            role: take("role_arn"),
            session: take("role_session_name"),
            web_identity_file: take("web_identity_token_file"),
            credential_source: take("credential_source"),
            source: take("source_profile"),
        }
    }

    fn credentials(&self) -> Option<Credentials> {
        let (id, secret, token) = self.keys.clone()?;
        Some(Credentials { id, secret, token })
    }

    /// The credentials that the profile stands for; a role is asked for with the keys of `source`.
    pub(super) async fn temporary(
        &self,
        asker: &Asker<'_>,
        source: Option<Self>,
    ) -> Result<Temporary> {
        let Some(role) = &self.role else {
            let keys = self.credentials().map(Temporary::unsaid);
            return keys.ok_or_else(|| none("the profile has neither keys nor a role"));
        };
        let session = self.session.as_deref();
        if let Some(file) = &self.web_identity_file {
            let token = super::read(file).await?;
            let session = session.unwrap_or(sts::SESSION);
            return sts::with_web_identity(asker, role, session, token.trim()).await;
        }
        let base = source.as_ref().and_then(Self::credentials);
        let base = match (base.or_else(|| self.credentials()), &self.credential_source) {
            (Some(base), _) => base,
            (None, Some(source)) if source == "Environment" => asker
                .fixed()
                .ok_or_else(|| none("the environment has no keys"))?,
            (None, Some(_)) => machine::credentials(asker).await?.credentials,
            (None, None) => return Err(none("the profile's role has no source of keys")),
        };
        sts::assume(asker, role, session, &base).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let text = "[a]\naws_access_key_id = 1\n# note = 2\n[profile b]\n Aws_x=3\nregion=eu #x\n s3 =\n   k = v\n";
        assert_eq!(section_of(text, "a").len(), 1);
        let other = section_of(text, "profile b");
        assert_eq!(other.get("region").map(String::as_str), Some("eu"));
        assert!(!other.contains_key("k"));
    }

    #[test]
    fn half_a_key_is_none() {
        let members = |pairs: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        let half = Profile::of(members(&[("aws_access_key_id", "a")]));
        assert!(half.credentials().is_none());
        let whole = Profile::of(members(&[
            ("aws_access_key_id", "a"),
            ("aws_secret_access_key", "b"),
        ]));
        assert!(whole.credentials().is_some());
    }
}
