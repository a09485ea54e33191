//! The access log: one line for each call, through `tracing` at INFO under the target [`TARGET`].
//!
//! The line is written straight into the log's buffer, as JSON or as text, instead of as twenty `tracing` fields
//! that a formatter would visit one by one. It holds ids, names, counts and times; no key, prompt or reply.

use super::redact::redact;
use crate::account::{Outcome, Receipt, Sink};
use std::fmt::{self, Write};

/// The `tracing` target of access lines; `RUST_LOG=gateway::access=off` silences them.
pub const TARGET: &str = "gateway::access";

/// Longest error message in a line, in bytes.
const MAX_MESSAGE: usize = 500;

/// Writes the access log.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessLog {
    /// JSON members instead of text.
    pub json: bool,
}

impl Sink for AccessLog {
    fn record(&self, receipt: &Receipt) {
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            return;
        }
        if self.json {
            tracing::info!(target: TARGET, "{}", JsonLine(receipt));
        } else {
            tracing::info!(target: TARGET, "{}", TextLine(receipt));
        }
    }
}

fn outcome(receipt: &Receipt) -> (&'static str, u16) {
    match &receipt.outcome {
        Outcome::Success => ("success", 200),
        Outcome::Failure(error) => ("failure", error.status),
        Outcome::Cancelled => ("cancelled", 499),
    }
}

fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn message(receipt: &Receipt) -> Option<String> {
    let Outcome::Failure(error) = &receipt.outcome else {
        return None;
    };
    let mut end = error.message.len().min(MAX_MESSAGE);
    while !error.message.is_char_boundary(end) {
        end -= 1;
    }
    Some(redact(&error.message[..end]).into_owned())
}

/// Members of a JSON object, without braces.
struct JsonLine<'a>(&'a Receipt);

impl fmt::Display for JsonLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipt = self.0;
        let (outcome, status) = outcome(receipt);
        let mut line = Members { f, first: true };
        line.text("message", "call")?;
        line.text("call_id", &receipt.call_id)?;
        line.text("call_type", receipt.op.call_type())?;
        line.text("route", &receipt.caller.route)?;
        line.raw("stream", receipt.stream)?;
        line.text("outcome", outcome)?;
        line.raw("status", status)?;
        line.text("model", &receipt.requested_model)?;
        if let Some(target) = &receipt.target {
            line.text("model_group", &target.model_group)?;
            line.text("deployment_id", &target.deployment_id)?;
            line.text("provider", target.provider.name)?;
            line.text("upstream_model", &target.model)?;
            line.text("api_base", &target.api_base)?;
        }
        line.raw("attempts", receipt.attempts)?;
        line.raw("fallbacks", receipt.fallbacks)?;
        if let Some(usage) = &receipt.usage {
            line.raw("prompt_tokens", usage.prompt_tokens)?;
            line.raw("completion_tokens", usage.completion_tokens)?;
            line.raw("total_tokens", usage.total_tokens)?;
            if usage.cached_tokens > 0 {
                line.raw("cached_tokens", usage.cached_tokens)?;
            }
        }
        if let Some(cost) = receipt.cost {
            line.raw("cost_usd", cost.total)?;
        }
        line.raw("total_ms", milliseconds(receipt.timings.total))?;
        line.raw("upstream_ms", milliseconds(receipt.timings.upstream))?;
        if let Some(first) = receipt.timings.first_chunk {
            line.raw("first_chunk_ms", milliseconds(first))?;
        }
        line.optional("key_hash", receipt.caller.hashed_key.as_deref())?;
        line.optional("key_alias", receipt.caller.key_alias.as_deref())?;
        line.optional("user_id", receipt.caller.user_id.as_deref())?;
        line.optional("client_ip", receipt.caller.client_ip.as_deref())?;
        if let Outcome::Failure(error) = &receipt.outcome {
            line.text("error_class", error.kind.row().class)?;
        }
        line.optional("error", message(receipt).as_deref())
    }
}

struct Members<'f, 'a> {
    f: &'f mut fmt::Formatter<'a>,
    first: bool,
}

impl Members<'_, '_> {
    fn name(&mut self, name: &str) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.f.write_char(',')?;
        }
        // Three plain writes cost half of one formatted.
        self.f.write_char('"')?;
        self.f.write_str(name)?;
        self.f.write_str("\":")
    }

    fn raw(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        self.name(name)?;
        write!(self.f, "{value}")
    }

    fn text(&mut self, name: &str, value: &str) -> fmt::Result {
        self.name(name)?;
        write_json_text(self.f, value)
    }

    fn optional(&mut self, name: &str, value: Option<&str>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.text(name, value))
    }
}

/// Writes a text as a JSON string.
pub fn write_json_text(out: &mut dyn Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.write_str(&text[plain..at])?;
        plain = at + 1;
        match escaped {
            "" => write!(out, "\\u{byte:04x}")?,
            escaped => out.write_str(escaped)?,
        }
    }
    out.write_str(&text[plain..])?;
    out.write_char('"')
}

struct TextLine<'a>(&'a Receipt);

impl fmt::Display for TextLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipt = self.0;
        let (outcome, status) = outcome(receipt);
        // Names come from outside: quoting keeps a line break from forging a line.
        write!(
            f,
            "{status} {outcome} {} {:?}",
            receipt.op.call_type(),
            receipt.requested_model
        )?;
        if let Some(target) = &receipt.target {
            write!(
                f,
                " -> {}/{} ({})",
                target.provider.name, target.model, target.deployment_id
            )?;
        }
        write!(f, " {} ms", milliseconds(receipt.timings.total))?;
        if let Some(usage) = &receipt.usage {
            write!(
                f,
                " {}+{} tokens",
                usage.prompt_tokens, usage.completion_tokens
            )?;
        }
        if let Some(cost) = receipt.cost {
            write!(f, " ${:.6}", cost.total)?;
        }
        if receipt.attempts > 1 {
            write!(f, " {} attempts", receipt.attempts)?;
        }
        write!(f, " {}", receipt.call_id)?;
        match message(receipt) {
            Some(message) => write!(f, " {message:?}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::account::Usage;
    use crate::error::{Error, ErrorKind};
    use crate::params::Params;
    use crate::request::{Call, Op};

    fn failed() -> Receipt {
        let mut call = Call::new(Op::Chat, "evil\n\"model\u{1}", Params::default());
        call.caller.route = "/v1/chat/completions".to_owned();
        let error = Error::new(ErrorKind::Authentication, "wrong key sk-abcdefghijkl given");
        Receipt::refused(&call, error)
    }

    #[test]
    fn a_json_line_is_one_object_and_holds_no_key() {
        let mut receipt = failed();
        receipt.usage = Some(Usage {
            total_tokens: 12,
            ..Usage::default()
        });
        let text = format!("{{{}}}", JsonLine(&receipt));
        assert!(
            !text.contains('\n') && !text.contains("abcdefghijkl"),
            "{text}"
        );
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["model"], "evil\n\"model\u{1}");
        assert_eq!(line["status"], 401);
        assert_eq!(line["outcome"], "failure");
        assert_eq!(line["total_tokens"], 12);
        assert_eq!(line["error_class"], "AuthenticationError");
    }

    #[test]
    fn a_text_line_cannot_be_forged_by_a_name() {
        let text = TextLine(&failed()).to_string();
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with("401 failure acompletion"), "{text}");
    }
}
