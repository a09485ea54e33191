//! What the environment says of OpenTelemetry: the names of its specification, then LiteLLM's (`OTEL_EXPORTER`,
//! `OTEL_ENDPOINT`, `OTEL_HEADERS`, `OTEL_ENVIRONMENT_NAME`).
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>
//!
//! A value that cannot be obeyed is an error: telemetry that goes somewhere else than it was told to is worse than none.

use super::super::redact::redact;
use crate::request::new_id;
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::Sampler;
use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

/// Looks a variable up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The one protocol that is spoken here.
const PROTOCOL: &str = "http/protobuf";

/// Where a collector listens that nobody names.
const ENDPOINT: &str = "http://localhost:4318";

/// What is exported, how, and where to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where spans go.
    pub traces: Option<Endpoint>,
    /// Which calls have some.
    pub sampler: Sampler,
    /// How they wait.
    pub queue: QueueSettings,
    /// Where metrics go.
    pub metrics: Option<Endpoint>,
    /// How often.
    pub interval: Duration,
    /// Whether they are told since the start or since the last time.
    pub temporality: Temporality,
    /// Who tells all this.
    pub resource: Resource,
}

/// Where one signal goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address, path included.
    pub url: String,
    /// Headers of every request, credentials among them.
    pub headers: HashMap<String, String>,
    /// What an export may take, retries included.
    pub timeout: Duration,
    /// Bodies are compressed.
    pub gzip: bool,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

/// `OTEL_BSP_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Spans that wait at most; further ones are dropped.
    pub capacity: usize,
    /// Spans of one export at most.
    pub batch: usize,
    /// How long spans wait for more.
    pub delay: Duration,
    /// What an export may take.
    pub timeout: Duration,
}

impl Settings {
    /// The settings of an environment; `None` where it wants nothing exported.
    ///
    /// # Errors
    /// What cannot be obeyed, for people.
    pub fn read(env: Env<'_>) -> Result<Option<Self>, String> {
        let env = &|name: &str| env(name).filter(|value| !value.trim().is_empty());
        if is_true(env("OTEL_SDK_DISABLED")) {
            return Ok(None);
        }
        if let Some(kind) = env("OTEL_EXPORTER")
            && !matches!(kind.as_str(), "otlp_http" | "otlp" | PROTOCOL)
        {
            return Err(unspoken("OTEL_EXPORTER", &kind));
        }
        let settings = Self {
            traces: endpoint(env, "TRACES", "/v1/traces")?,
            sampler: sampler(env)?,
            queue: queue(env)?,
            metrics: endpoint(env, "METRICS", "/v1/metrics")?,
            interval: milliseconds(env, "OTEL_METRIC_EXPORT_INTERVAL", 60_000)?,
            temporality: temporality(env)?,
            resource: resource(env),
        };
        let wanted = settings.traces.is_some() || settings.metrics.is_some();
        Ok(wanted.then_some(settings))
    }
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

fn unspoken(name: &str, value: &str) -> String {
    format!(
        "`{name}` is `{}`, which is not spoken here\n  hint: `{PROTOCOL}` is; a collector listens for it on port 4318",
        redact(value)
    )
}

/// Where a signal goes; `None` for one that nobody wants.
fn endpoint(env: Env<'_>, signal: &str, path: &str) -> Result<Option<Endpoint>, String> {
    let exporter = format!("OTEL_{signal}_EXPORTER");
    match env(&exporter).as_deref().map(str::trim) {
        Some("none") => return Ok(None),
        None | Some("otlp") => {}
        Some(other) => {
            let other = redact(other);
            return Err(format!(
                "`{exporter}` is `{other}`; it may be `otlp` or `none`"
            ));
        }
    }
    // A signal's own variable wins over that of both.
    let of_signal = |what: &str| {
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_{what}");
        let both = format!("OTEL_EXPORTER_OTLP_{what}");
        match env(&own) {
            Some(value) => Some((own, value)),
            None => env(&both).map(|value| (both, value)),
        }
    };
    if let Some((name, protocol)) = of_signal("PROTOCOL")
        && protocol.trim() != PROTOCOL
    {
        return Err(unspoken(&name, &protocol));
    }
    let url = env(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")).unwrap_or_else(|| {
        let base = env("OTEL_EXPORTER_OTLP_ENDPOINT").or_else(|| env("OTEL_ENDPOINT"));
        let base = base.as_deref().unwrap_or(ENDPOINT).trim_end_matches('/');
        // LiteLLM takes an address of traces for that of all.
        let base = base.strip_suffix("/v1/traces").unwrap_or(base);
        format!("{base}{path}")
    });
    let usable = http::Uri::from_str(&url).is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    if !usable {
        let url = redact(&url);
        return Err(format!(
            "`{url}` is no address that telemetry can be sent to\n  hint: it begins with `http://` or `https://`"
        ));
    }
    let headers = of_signal("HEADERS").map(|(_, value)| value);
    let headers = headers.or_else(|| env("OTEL_HEADERS"));
    let timeout = of_signal("TIMEOUT").unwrap_or_default();
    let gzip = match of_signal("COMPRESSION") {
        None => false,
        Some((name, compression)) => match compression.trim() {
            "gzip" => true,
            "none" => false,
            other => {
                let other = redact(other);
                return Err(format!("`{name}` is `{other}`; it may be `gzip` or `none`"));
            }
        },
    };
    Ok(Some(Endpoint {
        url,
        headers: pairs(headers.as_deref().unwrap_or_default()).collect(),
        timeout: number(
            &timeout.0,
            Some(timeout.1).filter(|given| !given.is_empty()),
            10_000,
        )
        .map(Duration::from_millis)?,
        gzip,
    }))
}

fn temporality(env: Env<'_>) -> Result<Temporality, String> {
    let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let Some(given) = env(name) else {
        return Ok(Temporality::Cumulative);
    };
    match given.trim().to_ascii_lowercase().as_str() {
        "cumulative" => Ok(Temporality::Cumulative),
        "delta" => Ok(Temporality::Delta),
        "lowmemory" => Ok(Temporality::LowMemory),
        _ => Err(format!(
            "`{name}` is `{}`; it may be `cumulative`, `delta` or `lowmemory`",
            redact(&given)
        )),
    }
}

/// `a=b,c=d`, values percent-encoded. What is no pair is passed over.
fn pairs(list: &str) -> impl Iterator<Item = (String, String)> {
    list.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim();
        let value = crate::serve::routes::percent_decoded(value.trim()).into_owned();
        (!name.is_empty()).then(|| (name.to_owned(), value))
    })
}

fn number<T: FromStr>(name: &str, given: Option<String>, usual: T) -> Result<T, String> {
    match given {
        None => Ok(usual),
        Some(given) => given.trim().parse().map_err(|_| {
            let given = redact(&given).into_owned();
            format!("`{name}` is `{given}`, which is not a number that it can be")
        }),
    }
}

fn milliseconds(env: Env<'_>, name: &str, usual: u64) -> Result<Duration, String> {
    number(name, env(name), usual).map(Duration::from_millis)
}

fn sampler(env: Env<'_>) -> Result<Sampler, String> {
    let named = env("OTEL_TRACES_SAMPLER");
    let ratio = || {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let ratio: f64 = number(name, env(name), 1.0)?;
        if (0.0..=1.0).contains(&ratio) {
            return Ok(Sampler::TraceIdRatioBased(ratio));
        }
        Err(format!("`{name}` is {ratio}; it may be from 0 to 1"))
    };
    let by_parent = |root: Sampler| Sampler::ParentBased(Box::new(root));
    Ok(match named.as_deref().map(str::trim) {
        None | Some("parentbased_always_on") => by_parent(Sampler::AlwaysOn),
        Some("parentbased_always_off") => by_parent(Sampler::AlwaysOff),
        Some("parentbased_traceidratio") => by_parent(ratio()?),
        Some("always_on") => Sampler::AlwaysOn,
        Some("always_off") => Sampler::AlwaysOff,
        Some("traceidratio") => ratio()?,
        Some(other) => {
            let other = redact(other);
            return Err(format!(
                "`OTEL_TRACES_SAMPLER` is `{other}`, which is not known here\n  hint: it may be `always_on`, \
                 `always_off`, `traceidratio`, or one of these with `parentbased_` before it"
            ));
        }
    })
}

fn queue(env: Env<'_>) -> Result<QueueSettings, String> {
    let count = |name: &str, usual: usize| {
        let count: usize = number(name, env(name), usual)?;
        Ok::<_, String>(count.max(1))
    };
    let capacity = count("OTEL_BSP_MAX_QUEUE_SIZE", 2048)?;
    Ok(QueueSettings {
        capacity,
        batch: count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)?.min(capacity),
        delay: milliseconds(env, "OTEL_BSP_SCHEDULE_DELAY", 5000)?,
        timeout: milliseconds(env, "OTEL_BSP_EXPORT_TIMEOUT", 30_000)?,
    })
}

/// Who tells it: LiteLLM's service name unless another is given, and this process among its like, whose counts would
/// overwrite each other otherwise.
fn resource(env: Env<'_>) -> Resource {
    let mut attributes = vec![
        KeyValue::new("service.name", "litellm"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", new_id()),
    ];
    if let Some(stage) = env("OTEL_ENVIRONMENT_NAME") {
        attributes.push(KeyValue::new("deployment.environment.name", stage));
    }
    let given = env("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    attributes.extend(pairs(&given).map(|(name, value)| KeyValue::new(name, value)));
    if let Some(name) = env("OTEL_SERVICE_NAME") {
        attributes.push(KeyValue::new("service.name", name));
    }
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes)
        .build()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
