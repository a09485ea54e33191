//! What a client's headers say of how its call is to be made, beside LiteLLM's settings: how long it waits, how urgent
//! it is, and whether it wants to know what became of it.

use super::auth;
use crate::config::Config;
use crate::request::{Call, Deadline};
use http::{HeaderMap, HeaderValue};
use std::time::Duration;

/// A client that waits longer than this waits for ever.
const MAX_WAIT: f64 = 7.0 * 86_400.0;

/// Takes them into the call. A deadline is the earliest of those that are said; what is no number is passed over, but
/// not a priority, which LiteLLM refuses.
///
/// # Errors
/// The header whose value cannot be used.
pub fn take(call: &mut Call, headers: &HeaderMap, config: &Config) -> Result<(), &'static str> {
    let mut wait: Option<f64> = None;
    let mut earlier = |said: Option<f64>| {
        let said = said.filter(|seconds| seconds.is_finite() && (0.0..MAX_WAIT).contains(seconds));
        wait = [wait, said].into_iter().flatten().reduce(f64::min);
    };
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("x-") else {
            continue;
        };
        match name {
            "gateway-deadline-ms" | "envoy-expected-rq-timeout-ms" => {
                earlier(number(value).map(|milliseconds| milliseconds / 1000.0));
            }
            // The SDKs' limit between two reads: of a stream it says nothing but how long they wait for its head.
            "stainless-timeout" if !call.stream => earlier(number(value).filter(|s| *s > 0.0)),
            "litellm-priority" => {
                let said = value
                    .to_str()
                    .ok()
                    .and_then(|text| text.trim().parse().ok());
                call.priority = Some(said.ok_or("x-litellm-priority")?);
            }
            "gateway-explain" => {
                let general = &config.general;
                let admin = general.master_key.is_none()
                    || call.caller.hashed_key.as_deref() == Some(auth::MASTER);
                call.explain = admin && matches!(value.as_bytes(), b"1" | b"true");
            }
            _ => {}
        }
    }
    if let Some(wait) = wait {
        call.deadline = Deadline::after(call.started, Duration::from_secs_f64(wait));
    }
    Ok(())
}

fn number(value: &HeaderValue) -> Option<f64> {
    value.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::params::Params;
    use crate::request::Op;

    fn wishes(stream: bool, pairs: &[(&'static str, &str)]) -> Result<Call, &'static str> {
        let mut params = Params::default();
        params.set("stream", &stream);
        let mut call = Call::new(Op::Chat, "m", params);
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        take(&mut call, &headers, &Config::default())?;
        Ok(call)
    }

    fn wait(stream: bool, pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let call = wishes(stream, pairs).unwrap();
        call.deadline.left(call.started)
    }

    #[test]
    fn the_earliest_deadline_counts() {
        assert_eq!(wait(false, &[]), None);
        let both = [
            ("x-gateway-deadline-ms", "1500"),
            ("x-stainless-timeout", "60"),
        ];
        assert_eq!(wait(false, &both), Some(Duration::from_millis(1500)));
        assert_eq!(wait(false, &both[1..]), Some(Duration::from_secs(60)));
        assert_eq!(wait(true, &both[1..]), None, "a stream may last longer");
        for nonsense in ["NaN", "-1", "soon", "1e300", ""] {
            assert_eq!(
                wait(false, &[("x-gateway-deadline-ms", nonsense)]),
                None,
                "{nonsense}"
            );
        }
        let now = wait(false, &[("x-gateway-deadline-ms", "0")]);
        assert_eq!(now, Some(Duration::ZERO));
    }

    #[test]
    fn a_priority_is_a_whole_number() {
        let call = wishes(false, &[("x-litellm-priority", "3")]).unwrap();
        assert_eq!(call.priority, Some(3));
        assert_eq!(
            wishes(false, &[("x-litellm-priority", "high")]).unwrap_err(),
            "x-litellm-priority"
        );
    }

    #[test]
    fn only_admins_are_explained_to() {
        let mut config = Config::default();
        config.general.master_key = Some(crate::options::Secret::new("sk-x".to_owned()));
        let mut headers = HeaderMap::new();
        headers.insert("x-gateway-explain", HeaderValue::from_static("1"));
        for (key, explained) in [(auth::MASTER, true), ("another", false)] {
            let mut call = Call::new(Op::Chat, "m", Params::default());
            call.caller.hashed_key = Some(key.into());
            take(&mut call, &headers, &config).unwrap();
            assert_eq!(call.explain, explained);
        }
    }
}
