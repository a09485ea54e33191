//! Signatures of thoughts, and thoughts that are not shown, as the bytes that Gemini's clients keep.
//!
//! `thoughtSignature` holds bytes in base64. Most signatures are that already and go as they are; any other text is
//! wrapped, so that a client which decodes it and encodes it again, in either of base64's alphabets, gives it back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TEXT: &[u8] = b"\0text\0";
const REDACTED: &[u8] = b"\0redacted\0";

/// What a thought was signed with.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// A signature.
    Signature(String),
    /// The data of a thought that is not shown.
    Redacted(String),
}

impl Kept {
    /// As Gemini's clients keep it.
    pub fn encode(&self) -> String {
        match self {
            Self::Signature(text) if is_canonical(text) => text.clone(),
            Self::Signature(text) => STANDARD.encode([TEXT, text.as_bytes()].concat()),
            Self::Redacted(data) => STANDARD.encode([REDACTED, data.as_bytes()].concat()),
        }
    }

    /// The way back.
    pub fn decode(kept: &str) -> Self {
        let standard = kept.replace('-', "+").replace('_', "/");
        let Ok(bytes) = STANDARD.decode(&standard) else {
            return Self::Signature(kept.to_owned());
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if let Some(own) = bytes.strip_prefix(TEXT) {
            return Self::Signature(text(own));
        }
        if let Some(data) = bytes.strip_prefix(REDACTED) {
            return Self::Redacted(text(data));
        }
        Self::Signature(standard)
    }
}

fn is_canonical(text: &str) -> bool {
    let bytes = STANDARD.decode(text);
    bytes.is_ok_and(|bytes| !bytes.starts_with(b"\0") && STANDARD.encode(bytes) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_it_is_comes_back() {
        for text in ["SIG==", "sig", "AB+/", "é\0", "", "ErUBCkYIARgC"] {
            for kept in [
                Kept::Signature(text.to_owned()),
                Kept::Redacted(text.to_owned()),
            ] {
                let encoded = kept.encode();
                assert!(STANDARD.decode(&encoded).is_ok(), "{encoded}");
                assert_eq!(Kept::decode(&encoded), kept);
                let other = encoded.replace('+', "-").replace('/', "_");
                assert_eq!(Kept::decode(&other), kept);
            }
        }
    }
}
