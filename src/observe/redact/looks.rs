//! What looks like a secret or like personal data. All of it is one regular expression, matched in linear time; what
//! has a checksum (cards, IBANs) goes only where that is right.

use super::REDACTED;
use regex::{Captures, Regex, RegexBuilder};
use std::borrow::Cow;
use std::sync::LazyLock;

/// One way to look like something that must not be shown.
struct Look {
    /// Name of the group, and the word for it where it is not a secret.
    name: &'static str,
    pattern: &'static str,
}

/// The first that matches at a place wins. `keep_*` parts stay: they say what was taken out. What may stand before the
/// mark of a look (`@`, `://`, `key=`) is not counted: an automaton that counts has a state for every length of it, and
/// makes each when it first comes by, which took five times as long.
#[rustfmt::skip]
static LOOKS: &[Look] = &[
    Look { name: "private_key", pattern: r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?s:.)*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----|\z)" },
    Look { name: "jwt", pattern: r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?" },
    // What providers put in front of their keys.
    Look { name: "provider_key", pattern: r"\b(?:sk|pk|rk|gsk|csk|xai|pplx|hf|r8|nvapi|fw|tgp|jina|pa|dapi|esecret)[-_][A-Za-z0-9*][A-Za-z0-9_.*-]{6,}[A-Za-z0-9*]" },
    Look { name: "google_key", pattern: r"\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_.-]{10,}" },
    Look { name: "aws_key", pattern: r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b" },
    Look { name: "git_key", pattern: r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bglpat-[A-Za-z0-9_-]{15,}|\bxox[abprs]-[A-Za-z0-9-]{10,}" },
    // A value after a word that says what it is.
    Look { name: "bearer", pattern: r"(?P<keep_bearer>\b(?i:bearer|basic) +)[A-Za-z0-9._~+/=-]{8,}" },
    Look { name: "named", pattern: r#"(?P<keep_named>\b(?i:[a-z_-]*(?:api[-_ ]?key|access[-_]key|secret|password|passwd|auth[-_]?token|session[-_]token))["']{0,2} ?[:=] ?["']?)[^\s"',;&<>\[\]{}]{6,}"# },
    // The password of an address.
    Look { name: "userinfo", pattern: r"(?P<keep_userinfo>\b[a-z][a-z0-9+.-]+://[^\s:/@]{0,60}:)[^\s:/@]{1,200}@" },
    Look { name: "email", pattern: r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}\b" },
    Look { name: "iban", pattern: r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b" },
    Look { name: "card", pattern: r"\b[0-9](?:[ -]?[0-9]){12,18}\b" },
    Look { name: "phone", pattern: r"\+[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9]{2,4}(?:[ .-]?[0-9]{2,4}){1,4}\b|(?:\([0-9]{3}\) ?|\b[0-9]{3}[-.])[0-9]{3}[-.][0-9]{4}\b" },
];

/// Every look in one expression. It is written down here, and a test builds it: `None` never comes.
static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let parts: Vec<String> = LOOKS
        .iter()
        .map(|look| format!("(?P<{}>{})", look.name, look.pattern))
        .collect();
    Regex::new(&parts.join("|")).ok()
});

/// The text without what looks like a secret or like personal data.
pub fn hidden(text: &str) -> Cow<'_, str> {
    match &*ALL {
        Some(all) => replaced(all, text),
        // Rather nothing than a secret.
        None => Cow::Borrowed(REDACTED),
    }
}

fn replaced<'a>(all: &Regex, text: &'a str) -> Cow<'a, str> {
    all.replace_all(text, |found: &Captures<'_>| {
        let look = LOOKS.iter().find(|look| found.name(look.name).is_some());
        let whole = found.get(0).map_or("", |whole| whole.as_str());
        match look.map_or("", |look| look.name) {
            "card" if !luhn(whole) => whole.to_owned(),
            "iban" if !iban(whole) => whole.to_owned(),
            "userinfo" => format!("{}{REDACTED}@", &found["keep_userinfo"]),
            "bearer" => format!("{}{REDACTED}", &found["keep_bearer"]),
            "named" => format!("{}{REDACTED}", &found["keep_named"]),
            _ => REDACTED.to_owned(),
        }
    })
}

/// The check digit of payment cards (ISO/IEC 7812).
fn luhn(text: &str) -> bool {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit);
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The check digits of international bank account numbers (ISO 13616: the remainder by 97 is 1).
fn iban(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let (country, account) = plain.split_at(4);
    let rest = account.iter().chain(country).fold(0, |rest, byte| {
        let value = char::from(*byte).to_digit(36).unwrap_or(0);
        let shift = if value > 9 { 100 } else { 10 };
        (rest * shift + value) % 97
    });
    rest == 1
}

/// Patterns of the configuration (`general_settings.redact_patterns`).
#[derive(Clone, Debug)]
pub struct Patterns(Vec<Regex>);

/// How large a compiled pattern may be, bytes.
const MAX_COMPILED: usize = 1 << 20;

impl Patterns {
    /// Compiles patterns in the syntax of the `regex` crate, which has no backtracking.
    ///
    /// # Errors
    /// What is wrong with the first that is.
    pub fn new(patterns: &[impl AsRef<str>]) -> Result<Self, String> {
        let compiled = patterns.iter().map(|pattern| {
            let pattern = pattern.as_ref();
            let mut builder = RegexBuilder::new(pattern);
            let regex = builder.size_limit(MAX_COMPILED).build();
            match regex {
                Ok(regex) if regex.is_match("") => {
                    Err(format!("`{pattern}` matches the empty text"))
                }
                Ok(regex) => Ok(regex),
                Err(error) => Err(format!("`{pattern}` is no pattern: {error}")),
            }
        });
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    /// The text without what the patterns match.
    pub fn hidden<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, pattern| {
            super::then(text, |text| pattern.replace_all(text, REDACTED))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_look_is_taken_out_and_what_says_its_name_stays() {
        for (text, clean) in [
            (
                "Incorrect API key provided: sk-proj-abcdef123456. See",
                "Incorrect API key provided: [redacted]. See",
            ),
            (
                "key sk-ant-api03-AbCd_ef-123456789 refused",
                "key [redacted] refused",
            ),
            (
                "gsk_0123456789abcdef and hf_abcdefghijklmnop",
                "[redacted] and [redacted]",
            ),
            ("header Bearer abc.def.ghi-123", "header Bearer [redacted]"),
            (
                "authorization: Basic dXNlcjpwYXNzd29yZA==",
                "authorization: Basic [redacted]",
            ),
            ("AKIAIOSFODNN7EXAMPLE signs", "[redacted] signs"),
            (
                "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "aws_secret_access_key=[redacted]",
            ),
            (
                r#"{"api_key": "0123456789abcdef"}"#,
                r#"{"api_key": "[redacted]"}"#,
            ),
            ("x-api-key: 0123456789abcdef", "x-api-key: [redacted]"),
            ("AIzaSyA0123456789abcdefghijklmnopqrstuv", "[redacted]"),
            ("token ya29.a0AfH6SMBx-123456", "token [redacted]"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted]"),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
                "[redacted]",
            ),
            (
                "redis://user:hunter22@127.0.0.1:6379/0",
                "redis://user:[redacted]@127.0.0.1:6379/0",
            ),
            (
                "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b",
                "a [redacted] b",
            ),
            ("cut -----BEGIN PRIVATE KEY-----\nMIIE", "cut [redacted]"),
            (
                "mail to jane.doe+x@mail.example.co.uk now",
                "mail to [redacted] now",
            ),
            (
                "mail to an.address.that.is.longer.than.any.mail.server.would.take.it.to.be@mail.example now",
                "mail to [redacted] now",
            ),
            (
                "card 4111 1111 1111 1111 and 5500-0000-0000-0004",
                "card [redacted] and [redacted]",
            ),
            (
                "pay to DE89 3704 0044 0532 0130 00 or GB82WEST12345698765432",
                "pay to [redacted] or [redacted]",
            ),
            (
                "call +49 30 901820 or (415) 555-2671 or 415-555-2671",
                "call [redacted] or [redacted] or [redacted]",
            ),
        ] {
            assert_eq!(hidden(text), clean);
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in [
            "nothing",
            "a task-list and risk-free_words",
            "limit 200000, requested 123456 tokens at 1795646255",
            "4111 1111 1111 1112 has a wrong check digit, DE89 3704 0044 0532 0130 01 too",
            "id chatcmpl-431ad559-f5ba-4473-8808-11ce8b2105c0 took 12.345 ms",
            "model gpt-4o-2024-08-06 at https://api.openai.com/v1/chat/completions",
            "the password is wrong, the secret: none",
            "2026-11-25T22:37:35.334Z from 127.0.0.1:4000",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    #[test]
    fn a_long_hostile_text_takes_linear_time() {
        // Each of these made a backtracking matcher explode.
        for piece in [
            "a@",
            "1 ",
            "sk-",
            "AA00 ",
            "x://",
            "-----BEGIN ",
            "api_key=",
            "eyJ",
            "a",
            "a.",
            "a-",
            "a@b.c ",
            "api-",
            "x://y:",
        ] {
            let text = piece.repeat(200_000);
            let _ = hidden(&text);
        }
    }

    #[test]
    fn a_wrong_pattern_is_told() {
        assert!(
            Patterns::new(&["("])
                .unwrap_err()
                .starts_with("`(` is no pattern")
        );
        assert!(
            Patterns::new(&["a*"])
                .unwrap_err()
                .ends_with("matches the empty text")
        );
        assert!(Patterns::new(&["(?:a{1000}){1000}"]).is_err());
    }

    proptest! {
        #[test]
        fn no_key_survives_in_any_surroundings(before in "[ a-z\"':=(]{0,12}", key in "[A-Za-z0-9]{20,40}", after in "[ .,\"')]{0,6}") {
            let text = format!("{before} sk-{key}{after}");
            prop_assert!(!hidden(&text).contains(&key), "{}", hidden(&text));
        }

        #[test]
        fn redacting_twice_changes_nothing(text in ".{0,80}") {
            let once = hidden(&text).into_owned();
            prop_assert_eq!(hidden(&once).into_owned(), once);
        }
    }
}
