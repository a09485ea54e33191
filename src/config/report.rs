//! What loading a configuration found: errors that stop it, and what happens to every setting that is not
//! obeyed as LiteLLM obeys it. Printed by `gateway check`, logged at start. Never holds a value, only names.

use super::document::Place;
use serde_json::{Value, json};
use std::fmt;

/// How much a finding matters, and what happens to the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Stops loading.
    Error,
    /// Nobody knows this key: ignored.
    Unknown,
    /// LiteLLM has it, this gateway has not: ignored.
    NotSupported,
    /// Obeyed, with a difference.
    Approximated,
    /// Probably not meant so.
    Warning,
    /// Obeyed as in LiteLLM; only in the full report.
    Exact,
    /// Obeyed, and LiteLLM has no such setting; only in the full report.
    Own,
}

impl Level {
    /// The word of the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::NotSupported => "not supported",
            Self::Approximated => "approximated",
            Self::Warning => "warning",
            Self::Exact => "exact",
            Self::Own => "own",
        }
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// Dotted path of the setting, for example `router_settings.num_retries`; may be empty.
    pub key: String,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All findings, in the order of the files.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, level: Level, place: &Place, key: &str, message: impl Into<String>) {
        self.push(level, place, key, message, None);
    }

    /// Adds a finding with a way out.
    pub fn add_with_hint(
        &mut self,
        level: Level,
        place: &Place,
        key: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(level, place, key, message, Some(hint.into()));
    }

    fn push(
        &mut self,
        level: Level,
        place: &Place,
        key: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.findings.push(Finding {
            level,
            place: place.clone(),
            key: key.to_owned(),
            message: message.into(),
            hint,
        });
    }

    /// Every finding.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings worth a line in the log at start: all but what is simply obeyed.
    pub fn notable(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|f| !matches!(f.level, Level::Exact | Level::Own))
    }

    /// Whether something stops the configuration from loading.
    pub fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    /// How many findings of a level there are.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|f| f.level == level).count()
    }

    /// One line for a log: the first error and how many more there are.
    pub fn first_error(&self) -> Option<String> {
        let mut errors = self.findings.iter().filter(|f| f.level == Level::Error);
        let first = errors.next()?;
        Some(match errors.count() {
            0 => first.to_string(),
            more => format!("{first} (and {more} more)"),
        })
    }

    /// Logs every notable finding, the serious ones as warnings.
    pub fn log(&self) {
        for finding in self.notable() {
            match finding.level {
                Level::Error => tracing::error!("{finding}"),
                Level::Approximated | Level::Exact | Level::Own => tracing::info!("{finding}"),
                _ => tracing::warn!("{finding}"),
            }
        }
    }

    /// The report for machines: `{"ok", "counts": {level: n}, "findings": [{level, file, line, column, key,
    /// message, hint}]}`.
    pub fn to_json(&self) -> Value {
        let levels = [
            Level::Error,
            Level::Unknown,
            Level::NotSupported,
            Level::Approximated,
            Level::Warning,
            Level::Exact,
            Level::Own,
        ];
        json!({
            "ok": !self.has_errors(),
            "counts": levels.iter().map(|l| (l.word().replace(' ', "_"), self.count(*l).into()))
                .collect::<serde_json::Map<_, Value>>(),
            "findings": self.findings.iter().map(|f| json!({
                "level": f.level.word().replace(' ', "_"),
                "file": &*f.place.file,
                "line": f.place.line,
                "column": f.place.column,
                "key": f.key,
                "message": f.message,
                "hint": f.hint,
            })).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place, self.level.word())?;
        if !self.key.is_empty() {
            write!(f, "`{}` ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        write!(
            f,
            "{} exact, {} approximated, {} not supported, {} unknown, {} warnings, {} errors",
            self.count(Level::Exact),
            self.count(Level::Approximated),
            self.count(Level::NotSupported),
            self.count(Level::Unknown),
            self.count(Level::Warning),
            self.count(Level::Error),
        )
    }
}
