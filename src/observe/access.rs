//! The access log: one line for each call at INFO under the target [`TARGET`].
//!
//! The line is built in one buffer and handed to the [`LogWriter`] as it is, instead of as twenty `tracing` fields
//! that a formatter would visit one by one. It holds ids, names, counts and times; no key, prompt or reply.

use super::LogWriter;
use super::redact::redact;
use super::timestamp::Timestamp;
use crate::account::{Outcome, Receipt, Sink};
use crate::adapt::Target;
use crate::number::{milliseconds, python};
use crate::params::needs_escape;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write;
use std::time::Duration;

/// The `tracing` target of access lines; `RUST_LOG=gateway::access=off` silences them.
pub const TARGET: &str = "gateway::access";

/// Longest error message in a line, in bytes.
const MAX_MESSAGE: usize = 500;

/// How much of an error message is looked through, in bytes.
const MAX_READ: usize = 4096;

/// The length of an id that was made here, a UUID.
const UUID: usize = 36;

/// What is kept of the place of a line, in bytes.
const LONGEST_KEPT: usize = 8 << 10;

/// Writes the access log.
#[derive(Clone)]
pub struct AccessLog {
    /// JSON members instead of text.
    pub json: bool,
    /// Where lines go.
    pub lines: LogWriter,
}

impl Sink for AccessLog {
    fn record(&self, receipt: &Receipt) {
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            return;
        }
        thread_local! {
            /// Lines are written where the one before was: a new place would be a kilobyte of cold memory each time.
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        let now = Timestamp::now();
        LINE.with_borrow_mut(|line| {
            line.clear();
            if self.json {
                json_line(receipt, now, line);
            } else {
                text_line(receipt, now, line);
            }
            self.lines.line(line.as_bytes());
            line.shrink_to(LONGEST_KEPT);
        });
    }
}

fn outcome(receipt: &Receipt) -> (&'static str, u16) {
    match &receipt.outcome {
        Outcome::Success => ("success", 200),
        Outcome::Failure(error) => ("failure", error.status),
        Outcome::Cancelled => ("cancelled", 499),
    }
}

fn message(receipt: &Receipt) -> Option<String> {
    let Outcome::Failure(error) = &receipt.outcome else {
        return None;
    };
    // Cut only after what is secret has gone: half a key no longer looks like one.
    let clean = redact(cut(&error.message, MAX_READ));
    Some(cut(&clean, MAX_MESSAGE).to_owned())
}

fn cut(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What the client named, which may be anything: looked through unless the configuration has the same name.
fn model(receipt: &Receipt) -> Cow<'_, str> {
    let model = &receipt.requested_model;
    match &receipt.target {
        Some(target) if target.model_group == *model => Cow::Borrowed(model),
        _ => redact(model),
    }
}

/// The path as asked; one that led to a call is one of the table's.
fn route(receipt: &Receipt) -> Cow<'_, str> {
    match receipt.target {
        Some(_) => Cow::Borrowed(&receipt.caller.route),
        None => redact(&receipt.caller.route),
    }
}

/// The call's id, which a client may have given.
fn call_id(receipt: &Receipt) -> Cow<'_, str> {
    let id = &receipt.call_id;
    let is_digit = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    if id.len() == UUID && id.bytes().all(is_digit) {
        Cow::Borrowed(id)
    } else {
        redact(id)
    }
}

/// A member's name as it stands in a line, after another one.
macro_rules! member {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

fn json_line(receipt: &Receipt, now: Timestamp, line: &mut String) {
    let (outcome, status) = outcome(receipt);
    let mut line = Members(line);
    line.0.push_str("{\"timestamp\":\"");
    now.write(line.0);
    line.0
        .push_str("\",\"level\":\"INFO\",\"message\":\"call\"");
    line.text(member!("call_id"), &call_id(receipt));
    line.plain(member!("call_type"), receipt.op.call_type());
    line.text(member!("route"), &route(receipt));
    line.raw(
        member!("stream"),
        if receipt.stream { "true" } else { "false" },
    );
    line.plain(member!("outcome"), outcome);
    line.count(member!("status"), status.into());
    line.text(member!("model"), &model(receipt));
    if let Some(target) = &receipt.target {
        line.0.push_str(target.logged(whom));
    }
    line.count(member!("attempts"), receipt.attempts.into());
    line.count(member!("fallbacks"), receipt.fallbacks.into());
    if let Some(usage) = &receipt.usage {
        line.count(member!("prompt_tokens"), usage.prompt_tokens);
        line.count(member!("completion_tokens"), usage.completion_tokens);
        line.count(member!("total_tokens"), usage.total_tokens);
        if usage.cached_tokens > 0 {
            line.count(member!("cached_tokens"), usage.cached_tokens);
        }
    }
    if let Some(cost) = receipt.cost {
        line.raw(member!("cost_usd"), &python(cost.total));
    }
    let times = &receipt.timings;
    line.time(member!("total_ms"), times.total);
    line.time(member!("upstream_ms"), times.upstream);
    if let Some(first) = times.first_chunk {
        line.time(member!("first_chunk_ms"), first);
    }
    line.optional(member!("key_hash"), receipt.caller.hashed_key.as_deref());
    line.optional(member!("key_alias"), receipt.caller.key_alias.as_deref());
    line.optional(member!("user_id"), receipt.caller.user_id.as_deref());
    line.optional(member!("client_ip"), receipt.caller.client_ip.as_deref());
    if let Outcome::Failure(error) = &receipt.outcome {
        line.text(member!("error_class"), error.kind.row().class);
    }
    line.optional(member!("error"), message(receipt).as_deref());
    line.0.push_str("}\n");
}

/// Whom a call asked: the same in every line of a target.
fn whom(target: &Target) -> String {
    let mut text = String::new();
    let mut line = Members(&mut text);
    line.text(member!("model_group"), &target.model_group);
    line.text(member!("deployment_id"), &target.deployment_id);
    line.text(member!("provider"), target.provider.name);
    line.text(member!("upstream_model"), &target.model);
    line.text(member!("api_base"), &target.api_base);
    text
}

/// Members of a JSON object that is being written; each by its [`member!`].
struct Members<'a>(&'a mut String);

impl Members<'_> {
    fn raw(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push_str(value);
    }

    fn count(&mut self, name: &str, value: u64) {
        self.raw(name, itoa::Buffer::new().format(value));
    }

    fn time(&mut self, name: &str, value: Duration) {
        self.raw(name, &milliseconds(value));
    }

    /// A text of this program's own, which needs no escapes.
    fn plain(&mut self, name: &str, value: &str) {
        self.raw(name, "\"");
        self.0.push_str(value);
        self.0.push('"');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, "");
        // Writing into memory cannot fail.
        let _ = write_json_text(self.0, value);
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }
}

/// Writes a text as a JSON string.
///
/// # Errors
/// What `out` refuses with.
pub fn write_json_text(out: &mut impl Write, text: &str) -> std::fmt::Result {
    out.write_char('"')?;
    if !needs_escape(text) {
        out.write_str(text)?;
        return out.write_char('"');
    }
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

fn text_line(receipt: &Receipt, now: Timestamp, line: &mut String) {
    now.write(line);
    // Writing into memory cannot fail.
    let _ = text_fields(receipt, line);
    line.push('\n');
}

fn text_fields(receipt: &Receipt, line: &mut String) -> std::fmt::Result {
    let (outcome, status) = outcome(receipt);
    // Names come from outside: quoting keeps a line break from forging a line.
    write!(
        line,
        " INFO  {status} {outcome} {} {:?}",
        receipt.op.call_type(),
        model(receipt)
    )?;
    if let Some(target) = &receipt.target {
        write!(
            line,
            " -> {}/{} ({})",
            target.provider.name, target.model, target.deployment_id
        )?;
    }
    write!(line, " {} ms", milliseconds(receipt.timings.total))?;
    if let Some(usage) = &receipt.usage {
        write!(
            line,
            " {}+{} tokens",
            usage.prompt_tokens, usage.completion_tokens
        )?;
    }
    if let Some(cost) = receipt.cost {
        write!(line, " ${:.6}", cost.total)?;
    }
    if receipt.attempts > 1 {
        write!(line, " {} attempts", receipt.attempts)?;
    }
    write!(line, " {}", call_id(receipt))?;
    match message(receipt) {
        Some(message) => write!(line, " {message:?}"),
        None => Ok(()),
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
        call.caller.route = "/v1/chat/completions".into();
        let error = Error::new(ErrorKind::Authentication, "wrong key sk-abcdefghijkl given");
        Receipt::refused(&call, error)
    }

    fn written(receipt: &Receipt, write: fn(&Receipt, Timestamp, &mut String)) -> String {
        let mut line = String::new();
        write(receipt, Timestamp::now(), &mut line);
        line
    }

    #[test]
    fn a_json_line_is_one_object_and_holds_no_key() {
        let mut receipt = failed();
        receipt.usage = Some(Usage {
            total_tokens: 12,
            ..Usage::default()
        });
        let text = written(&receipt, json_line);
        assert!(
            text.lines().count() == 1 && !text.contains("abcdefghijkl"),
            "{text}"
        );
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "call");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(line["model"], "evil\n\"model\u{1}");
        assert_eq!(line["status"], 401);
        assert_eq!(line["outcome"], "failure");
        assert_eq!(line["total_tokens"], 12);
        assert_eq!(line["error_class"], "AuthenticationError");
    }

    #[test]
    fn an_id_that_a_client_gave_is_looked_through() {
        let mut receipt = failed();
        for (id, told) in [
            ("431ad559-f5ba-4473-8808-11ce8b2105c0", true),
            ("sk-proj-abcdefghijklmnopqrstuvwxyz01", false),
            ("sk-abcdefghijkl", false),
        ] {
            id.clone_into(&mut receipt.call_id);
            let line = written(&receipt, json_line);
            assert_eq!(line.contains(id), told, "{line}");
        }
    }

    #[test]
    fn a_text_line_cannot_be_forged_by_a_name() {
        let text = written(&failed(), text_line);
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains(" INFO  401 failure acompletion"), "{text}");
    }
}
