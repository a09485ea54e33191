//! Why a text is not JSON, in the words of Python's `json` module: LiteLLM's messages carry them, and none of the text.

/// Deepest nesting looked into; deeper texts get the general answer.
const MAX_DEPTH: u32 = 128;
/// Longest beginning of a text that is looked at.
const MAX_BYTES: usize = 1 << 20;

/// `Expecting value: line 1 column 8 (char 7)`, for a text that is not JSON.
pub fn describe(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_BYTES)]);
    let letters: Vec<char> = text.chars().collect();
    let scanner = Scanner { letters: &letters };
    let (what, at) = scanner.document().err().unwrap_or(("Expecting value", 0));
    let before = &letters[..at.min(letters.len())];
    let line = 1 + before.iter().filter(|letter| **letter == '\n').count();
    let column = match before.iter().rposition(|letter| *letter == '\n') {
        Some(newline) => at - newline,
        None => at + 1,
    };
    format!("{what}: line {line} column {column} (char {at})")
}

/// What is wrong, and where, in characters.
type Fault = (&'static str, usize);

struct Scanner<'a> {
    letters: &'a [char],
}

impl Scanner<'_> {
    fn at(&self, at: usize) -> Option<char> {
        self.letters.get(at).copied()
    }

    fn skip_space(&self, mut at: usize) -> usize {
        while matches!(self.at(at), Some(' ' | '\t' | '\n' | '\r')) {
            at += 1;
        }
        at
    }

    fn document(&self) -> Result<(), Fault> {
        let end = self.value(self.skip_space(0), 0)?;
        let end = self.skip_space(end);
        if end == self.letters.len() {
            Ok(())
        } else {
            Err(("Extra data", end))
        }
    }

    /// Returns where the value that starts at `at` ends.
    fn value(&self, at: usize, depth: u32) -> Result<usize, Fault> {
        let fault = ("Expecting value", at);
        if depth > MAX_DEPTH {
            return Err(fault);
        }
        match self.at(at).ok_or(fault)? {
            '"' => self.string(at),
            '{' => self.object(at + 1, depth),
            '[' => self.array(at + 1, depth),
            '-' | '0'..='9' => self.number(at),
            _ => ["null", "true", "false", "NaN", "Infinity"]
                .iter()
                .find(|word| self.has(word, at))
                .map(|word| at + word.len())
                .ok_or(fault),
        }
    }

    fn has(&self, word: &str, at: usize) -> bool {
        word.chars()
            .enumerate()
            .all(|(offset, letter)| self.at(at + offset) == Some(letter))
    }

    fn number(&self, at: usize) -> Result<usize, Fault> {
        let mut end = at + usize::from(self.at(at) == Some('-'));
        if self.has("Infinity", end) {
            return Ok(end + "Infinity".len());
        }
        let digits = |mut at: usize| {
            while self.at(at).is_some_and(|letter| letter.is_ascii_digit()) {
                at += 1;
            }
            at
        };
        match self.at(end) {
            Some('0') => end += 1,
            Some('1'..='9') => end = digits(end),
            _ => return Err(("Expecting value", at)),
        }
        if self.at(end) == Some('.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        }
        if matches!(self.at(end), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.at(end + 1), Some('+' | '-')));
            let from = end + 1 + sign;
            if digits(from) > from {
                end = digits(from);
            }
        }
        Ok(end)
    }

    fn string(&self, start: usize) -> Result<usize, Fault> {
        let unterminated = ("Unterminated string starting at", start);
        let mut at = start + 1;
        loop {
            match self.at(at).ok_or(unterminated)? {
                '"' => return Ok(at + 1),
                '\\' => match self.at(at + 1).ok_or(unterminated)? {
                    '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => at += 2,
                    'u' => {
                        let hexadecimal = (at + 2..at + 6).all(|digit| {
                            self.at(digit)
                                .is_some_and(|letter| letter.is_ascii_hexdigit())
                        });
                        if !hexadecimal {
                            return Err(("Invalid \\uXXXX escape", at + 1));
                        }
                        at += 6;
                    }
                    _ => return Err(("Invalid \\escape", at)),
                },
                letter if letter < ' ' => return Err(("Invalid control character at", at)),
                _ => at += 1,
            }
        }
    }

    fn object(&self, at: usize, depth: u32) -> Result<usize, Fault> {
        let mut at = self.skip_space(at);
        if self.at(at) == Some('}') {
            return Ok(at + 1);
        }
        loop {
            if self.at(at) != Some('"') {
                return Err(("Expecting property name enclosed in double quotes", at));
            }
            at = self.skip_space(self.string(at)?);
            if self.at(at) != Some(':') {
                return Err(("Expecting ':' delimiter", at));
            }
            at = self.value(self.skip_space(at + 1), depth + 1)?;
            at = self.skip_space(at);
            match self.at(at) {
                Some('}') => return Ok(at + 1),
                Some(',') => at = self.skip_space(at + 1),
                _ => return Err(("Expecting ',' delimiter", at)),
            }
        }
    }

    fn array(&self, at: usize, depth: u32) -> Result<usize, Fault> {
        let mut at = self.skip_space(at);
        if self.at(at) == Some(']') {
            return Ok(at + 1);
        }
        loop {
            at = self.skip_space(self.value(at, depth + 1)?);
            match self.at(at) {
                Some(']') => return Ok(at + 1),
                Some(',') => at = self.skip_space(at + 1),
                _ => return Err(("Expecting ',' delimiter", at)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn faults_are_told_as_python_tells_them() {
        for (text, wanted) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("{\"id\": ", "Expecting value: line 1 column 8 (char 7)"),
            (
                "{\"id\": \"chatc",
                "Unterminated string starting at: line 1 column 8 (char 7)",
            ),
            (
                "{",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            (
                "{\"a\" 1}",
                "Expecting ':' delimiter: line 1 column 6 (char 5)",
            ),
            ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
            ("{}\n x", "Extra data: line 2 column 2 (char 4)"),
            ("[\"é\\x\"]", "Invalid \\escape: line 1 column 4 (char 3)"),
            ("<html>", "Expecting value: line 1 column 1 (char 0)"),
        ] {
            assert_eq!(describe(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_not_followed() {
        assert!(describe("[".repeat(1 << 20).as_bytes()).starts_with("Expecting value"));
    }
}
