//! JSON as Python writes it, members in the order in which they came: `repr`, and `json.dumps`. LiteLLM puts values
//! into prompts and identifiers so.

use crate::number;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Write};

/// Which of Python's two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `repr(value)`.
    Repr,
    /// `json.dumps(value)`.
    Json,
}

/// Raw JSON in Python's words; `None` when it is not JSON.
pub fn written(raw: &[u8], style: Style) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut json = serde_json::Deserializer::from_slice(raw);
    let writer = Writer {
        out: &mut out,
        style,
    };
    writer.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(out)
}

struct Writer<'a> {
    out: &'a mut String,
    style: Style,
}

impl Writer<'_> {
    fn again(&mut self) -> Writer<'_> {
        Writer {
            out: self.out,
            style: self.style,
        }
    }

    fn word(&mut self, repr: &str, json: &str) {
        self.out.push_str(match self.style {
            Style::Repr => repr,
            Style::Json => json,
        });
    }

    fn text(&mut self, text: &str) {
        match self.style {
            Style::Repr => repr_text(text, self.out),
            Style::Json => json_text(text, self.out),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.word("None", "null");
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        if value {
            self.word("True", "true");
        } else {
            self.word("False", "false");
        }
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        // Writing into a text cannot fail.
        let _ = write!(self.out, "{value}");
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        let _ = write!(self.out, "{value}");
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.out.push_str(&number::python(value));
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.out.push('[');
        let start = self.out.len();
        loop {
            let before = self.out.len();
            if before > start {
                self.out.push_str(", ");
            }
            if items.next_element_seed(self.again())?.is_none() {
                self.out.truncate(before);
                self.out.push(']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.out.push('{');
        let start = self.out.len();
        while let Some(name) = members.next_key::<String>()? {
            if self.out.len() > start {
                self.out.push_str(", ");
            }
            self.text(&name);
            self.out.push_str(": ");
            members.next_value_seed(self.again())?;
        }
        self.out.push('}');
        Ok(())
    }
}

fn repr_text(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// A text in ASCII, as `json.dumps` writes it.
fn json_text(text: &str, out: &mut String) {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    for c in quoted.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into a text cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = r#"{"z":[null,true,1,-2,0.5,1e-7],"it's":"say \"hi\"\n","q":"it's","e":"é😀","o":{},"l":[]}"#;

    #[test]
    fn values_are_written_as_python_represents_them() {
        let expected = r#"{'z': [None, True, 1, -2, 0.5, 1e-07], "it's": 'say "hi"\n', 'q': "it's", 'e': 'é😀', 'o': {}, 'l': []}"#;
        assert_eq!(
            written(VALUE.as_bytes(), Style::Repr).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn values_are_written_as_python_dumps_them() {
        let expected = r#"{"z": [null, true, 1, -2, 0.5, 1e-07], "it's": "say \"hi\"\n", "q": "it's", "e": "\u00e9\ud83d\ude00", "o": {}, "l": []}"#;
        assert_eq!(
            written(VALUE.as_bytes(), Style::Json).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn what_is_not_json_is_not_written() {
        assert_eq!(written(b"{", Style::Repr), None);
        assert_eq!(written(b"1 2", Style::Repr), None);
    }
}
