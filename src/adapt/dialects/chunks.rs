//! The events that adapters write, read again: what every bridge begins with.

use crate::adapt::sse::{Item, SseParser};
use crate::error::{Error, ErrorKind, Result};
use bytes::{BufMut, BytesMut};
use serde_json::Value;

/// Hands every chunk of canonical events to `on`. Comments go through as they are: they keep a connection open.
///
/// # Errors
/// Whatever `on` returns.
pub fn each(
    events: &[u8],
    out: &mut BytesMut,
    mut on: impl FnMut(Value, &mut BytesMut) -> Result<()>,
) -> Result<()> {
    for line in events.split(|byte| *byte == b'\n') {
        if line.first() == Some(&b':') {
            out.put_slice(line);
            out.put_slice(b"\n\n");
        }
        let Some(data) = line.strip_prefix(b"data: ") else {
            continue;
        };
        if data == b"[DONE]" {
            continue;
        }
        let chunk = serde_json::from_slice(data)
            .map_err(|_| Error::new(ErrorKind::InternalServer, "a chunk of a chat is not JSON"))?;
        on(chunk, out)?;
    }
    Ok(())
}

/// Hands every event of a streamed response to `on`; what is no JSON is passed over.
///
/// # Errors
/// Bytes that are no events.
pub fn events(parser: &mut SseParser, bytes: &[u8], mut on: impl FnMut(&Value)) -> Result<()> {
    parser.push(bytes, |item| {
        if let Item::Event { data, .. } = item
            && let Ok(event) = serde_json::from_slice::<Value>(data)
        {
            on(&event);
        }
        Ok(())
    })
}
