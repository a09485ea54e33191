//! Signatures that travel in the ids of tool calls.
//!
//! Gemini signs its calls, and wants the signature back with the call. In a chat it may stand behind the id, as
//! `call_1__thought__SIGNATURE`. Most of Anthropic's clients give back nothing of a call but its id, name and input, so
//! that the id is where it survives; there it is written in the letters that Anthropic allows in ids.

use std::borrow::Cow;

const SEPARATOR: &str = "__thought__";

/// An id of a chat as one of Anthropic's.
pub fn from_chat<'a>(id: &'a str, signature: Option<&str>) -> Cow<'a, str> {
    let (plain, own) = id
        .split_once(SEPARATOR)
        .map_or((id, None), |(plain, own)| (plain, Some(own)));
    match own.or(signature).filter(|signature| is_base64(signature)) {
        Some(signature) => {
            let letters = signature
                .trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_");
            Cow::Owned(format!("{plain}{SEPARATOR}{letters}"))
        }
        None => Cow::Borrowed(id),
    }
}

/// The way back.
pub fn into_chat(id: &str) -> Cow<'_, str> {
    let Some((plain, letters)) = id.split_once(SEPARATOR) else {
        return Cow::Borrowed(id);
    };
    let mut signature = letters.replace('-', "+").replace('_', "/");
    while !signature.len().is_multiple_of(4) {
        signature.push('=');
    }
    Cow::Owned(format!("{plain}{SEPARATOR}{signature}"))
}

/// The signature behind an id of a chat.
pub fn of(id: &str) -> Option<&str> {
    id.split_once(SEPARATOR).map(|(_, signature)| signature)
}

/// Whether the way back gives the same text.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !body.is_empty()
        && body.bytes().all(letter)
        && text.len().is_multiple_of(4)
        && text.len() - body.len() < 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_letter_for_letter() {
        for signature in ["AB+/", "A+8=", "AAAAA+//Ab==", "abc="] {
            let id = from_chat("call_1", Some(signature)).into_owned();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            assert!(id.bytes().all(allowed), "{id}");
            assert_eq!(of(&into_chat(&id)), Some(signature));
        }
    }

    #[test]
    fn what_is_no_signature_stays_out_of_the_id() {
        assert_eq!(from_chat("call_1", Some("no base64!")), "call_1");
        assert_eq!(from_chat("call_1", None), "call_1");
        assert_eq!(into_chat("functions.Bash:0"), "functions.Bash:0");
    }
}
