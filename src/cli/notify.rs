//! What systemd is told of this process, where it asks to be (`Type=notify`): that it is ready, and that it stops.

use std::io;

/// It listens.
pub const READY: &str = "READY=1";
/// It drains.
pub const STOPPING: &str = "STOPPING=1";

/// Tells systemd, if it listens. Nothing depends on whether it hears.
pub fn tell(state: &str) {
    if let Some(place) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = sent(&place, state)
    {
        tracing::debug!(%error, "systemd was not told");
    }
}

#[cfg(target_os = "linux")]
fn sent(place: &std::ffi::OsStr, state: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match place.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(place)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn sent(_: &std::ffi::OsStr, _: &str) -> io::Result<()> {
    Ok(())
}
