//! The events that adapters write, read again: what every bridge of a chat begins with.

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
