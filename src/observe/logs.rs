//! Setting `tracing` up: levels from the environment as LiteLLM reads them, JSON or text, lines handed to the
//! [`LogWriter`], secrets taken out of every message.

use super::access::write_json_text;
use super::redact::redact;
use super::timestamp::Timestamp;
use super::writer::LogWriter;
use crate::config::levels::LogLevels;
use std::fmt;
use std::io;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What is logged, changed while the process runs.
pub struct Levels {
    base: String,
    set: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl Levels {
    /// Puts a configuration's levels in force, in the place of those of the one before.
    pub fn set(&self, levels: &LogLevels) {
        (self.set)(EnvFilter::new(with_levels(&self.base, levels)));
    }
}

fn with_levels(base: &str, levels: &LogLevels) -> String {
    let mut directives = base.to_owned();
    for (module, level) in levels {
        directives.push_str(&format!(",{module}={level}"));
    }
    directives
}

/// Starts logging to standard error. Called once, by whoever owns the process.
///
/// `level` is the filter: `RUST_LOG`'s directives win over `LITELLM_LOG`'s level, see [`filter`].
///
/// # Errors
/// When the writer's thread cannot be started, or logging was started before.
pub fn start(level: &str, json: bool) -> io::Result<(LogWriter, Levels)> {
    let writer = LogWriter::start(io::stderr())?;
    let lines = writer.clone();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(move || lines.clone())
        .event_format(Lines { json })
        .with_filter_reloading();
    let handle = builder.reload_handle();
    builder.try_init().map_err(io::Error::other)?;
    let levels = Levels {
        base: level.to_owned(),
        // It fails only once the subscriber is gone, and that one lasts as long as the process.
        set: Box::new(move |filter| drop(handle.reload(filter))),
    };
    Ok((writer, levels))
}

/// The filter that the environment asks for: `RUST_LOG` as it is, else the level named by `LITELLM_LOG`
/// (`DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`), else `info`.
pub fn filter(env: &dyn Fn(&str) -> Option<String>) -> String {
    if let Some(directives) = env("RUST_LOG").filter(|d| !d.is_empty()) {
        return directives;
    }
    let level = env("LITELLM_LOG").unwrap_or_default().to_ascii_uppercase();
    match level.as_str() {
        // Below DEBUG the libraries' own chatter would drown this crate's lines.
        "DEBUG" => "info,gateway=debug",
        "WARNING" | "WARN" => "warn",
        "ERROR" | "CRITICAL" => "error",
        _ => "info",
    }
    .to_owned()
}

/// One event, one line.
struct Lines {
    json: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let meta = event.metadata();
        let time = Timestamp::now();
        let mut fields = Fields::default();
        event.record(&mut fields);
        if self.json {
            write!(
                out,
                "{{\"timestamp\":\"{time}\",\"level\":\"{}\",\"target\":",
                meta.level()
            )?;
            write_json_text(&mut out, meta.target())?;
            out.write_str(",\"message\":")?;
            write_json_text(&mut out, &redact(&fields.message))?;
            for (name, value) in &fields.others {
                out.write_char(',')?;
                write_json_text(&mut out, name)?;
                out.write_char(':')?;
                match value {
                    Shown::Raw(value) => out.write_str(value)?,
                    Shown::Text(value) => write_json_text(&mut out, &redact(value))?,
                }
            }
            return out.write_str("}\n");
        }
        write!(
            out,
            "{time} {:<5} {}",
            meta.level(),
            one_line(&redact(&fields.message))
        )?;
        for (name, value) in &fields.others {
            let (Shown::Raw(value) | Shown::Text(value)) = value;
            write!(out, " {name}={}", one_line(&redact(value)))?;
        }
        out.write_char('\n')
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Shown)>,
}

/// A field's value: a number or flag as it is, anything else as a text.
enum Shown {
    Raw(String),
    Text(String),
}

impl Fields {
    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.others.push((name, Shown::Text(value))),
        }
    }

    fn put_raw(&mut self, field: &Field, value: &dyn fmt::Display) {
        self.others
            .push((field.name(), Shown::Raw(value.to_string())));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_raw(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_raw(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_raw(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lent(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool, act: impl FnOnce()) -> String {
        let lent = Lent::default();
        let writer = lent.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("info"))
            .with_writer(move || writer.clone())
            .event_format(Lines { json })
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(lent.0.lock().clone()).unwrap()
    }

    #[test]
    fn every_line_is_a_json_object_without_secrets() {
        let text = logged(true, || {
            tracing::warn!(
                file = "config.yaml",
                lines = 7,
                "refused Bearer abcdefgh12345\nnext"
            );
            tracing::debug!("not at this level");
        });
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!(lines[0]["message"], "refused Bearer [redacted]\nnext");
        assert_eq!(lines[0]["file"], "config.yaml");
        assert_eq!(lines[0]["lines"], 7);
        assert_eq!(lines[0]["level"], "WARN");
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_text_line_stays_one_line() {
        let text = logged(false, || tracing::error!("two\nlines"));
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("ERROR two lines"), "{text}");
    }

    #[test]
    fn levels_of_modules_come_after_those_of_the_environment() {
        let levels = LogLevels::from([
            ("gateway::route".to_owned(), "debug"),
            ("hyper".to_owned(), "off"),
        ]);
        let directives = with_levels("info,hyper=trace", &levels);
        assert_eq!(
            directives,
            "info,hyper=trace,gateway::route=debug,hyper=off"
        );
        let filter = EnvFilter::new(directives).to_string();
        assert!(
            filter.contains("hyper=off") && !filter.contains("hyper=trace"),
            "{filter}"
        );
    }

    #[test]
    fn the_level_is_the_one_the_environment_asks_for() {
        let asked = |name: &'static str, value: &'static str| {
            filter(&|wanted| (wanted == name).then(|| value.to_owned()))
        };
        assert_eq!(asked("LITELLM_LOG", "WARNING"), "warn");
        assert_eq!(asked("LITELLM_LOG", "debug"), "info,gateway=debug");
        assert_eq!(asked("RUST_LOG", "hyper=trace"), "hyper=trace");
        assert_eq!(asked("OTHER", "x"), "info");
    }
}
