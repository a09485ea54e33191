//! One connection to a Redis: TCP, TLS where the address says `rediss://`, or a socket of this machine.

use super::address::Address;
use crate::forward::tls;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo};
use redis::{RedisConnectionInfo, RedisError};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How to connect.
pub struct Way {
    address: ConnectionAddr,
    settings: RedisConnectionInfo,
    secure: Option<(TlsConnector, ServerName<'static>)>,
}

impl Way {
    /// The way to a Redis. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the address or with the roots; never the address itself, which may hold a password.
    pub fn to(address: &Address) -> Result<Self, String> {
        let url = address.url.expose();
        let wrong = || "the address is none of a Redis (`redis://`, `rediss://`)".to_owned();
        let plain = url.strip_prefix("rediss://");
        let known = plain.is_some() || url.starts_with("redis");
        let plain = plain.map(|rest| format!("redis://{rest}"));
        if !known || plain.as_ref().is_some_and(|url| url.contains('#')) {
            return Err(wrong());
        }
        let info: Result<ConnectionInfo, _> =
            plain.as_deref().unwrap_or(url).into_connection_info();
        let info = info.map_err(|_| wrong())?;
        let secure = match info.addr() {
            ConnectionAddr::Tcp(host, _) if plain.is_some() => {
                let roots = tls::config(address.roots.as_deref())?;
                let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
                Some((TlsConnector::from(Arc::new(roots)), name))
            }
            _ => None,
        };
        Ok(Self {
            address: info.addr().clone(),
            settings: info.redis_settings().clone(),
            secure,
        })
    }

    /// Opens a connection, which the runtime of the caller drives. `limit` bounds the wait.
    ///
    /// # Errors
    /// Why there is none, for the log; nothing secret.
    pub async fn open(&self, limit: Option<Duration>) -> Result<MultiplexedConnection, String> {
        let step = std::sync::Mutex::new("no connection was made");
        let at = |now: &'static str| {
            if let Ok(mut step) = step.lock() {
                *step = now;
            }
        };
        let opened = self.opened(&at);
        let Some(limit) = limit else {
            return opened.await;
        };
        let opened = tokio::time::timeout(limit, opened).await;
        opened.unwrap_or_else(|_| {
            let step = step.into_inner().unwrap_or_default();
            Err(format!("{step} within {limit:?}"))
        })
    }

    async fn opened(
        &self,
        at: &(dyn Fn(&'static str) + Sync),
    ) -> Result<MultiplexedConnection, String> {
        match &self.address {
            ConnectionAddr::Tcp(host, port) => {
                let tcp = TcpStream::connect((host.as_str(), *port)).await;
                let tcp = tcp.map_err(|error| format!("no connection was made: {error}"))?;
                // A question is one packet; without this it would wait for more.
                let _ = tcp.set_nodelay(true);
                let Some((connector, name)) = &self.secure else {
                    at("it did not answer");
                    return self.greeted(tcp).await;
                };
                at(
                    "TLS was asked for, and the server did not shake hands (is it one without TLS?)",
                );
                let tls = connector.connect(name.clone(), tcp).await;
                let tls = tls.map_err(|error| untrusted(&error))?;
                at("it did not answer");
                self.greeted(tls).await
            }
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => {
                let socket = tokio::net::UnixStream::connect(path).await;
                let socket = socket.map_err(|error| format!("no connection was made: {error}"))?;
                at("it did not answer");
                self.greeted(socket).await
            }
            _ => Err("this kind of address is not supported".to_owned()),
        }
    }

    async fn greeted<S>(&self, stream: S) -> Result<MultiplexedConnection, String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // The waits are bounded by who asks.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&self.settings, stream, config).await;
        let (connection, driver) = made.map_err(|error| refused(&error).to_owned())?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

fn untrusted(error: &std::io::Error) -> String {
    let of_tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!(
                "its certificate is not trusted ({why:?}); `ssl_ca_certs` or `SSL_CERT_FILE` names its CA"
            )
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "TLS was asked for, and the server does not speak it".to_owned()
        }
        _ => format!("TLS was asked for, and the handshake failed: {error}"),
    }
}

/// What a refusal says, without its words: they may repeat what was sent.
fn refused(error: &RedisError) -> &'static str {
    match error.kind() {
        ErrorKind::AuthenticationFailed => "it refused the user or the password",
        ErrorKind::Io => "it ended the connection (does it want TLS, `rediss://`?)",
        _ => match error.code() {
            Some("NOAUTH" | "WRONGPASS" | "NOPERM") => "it refused the user or the password",
            _ => "it refused the connection's settings",
        },
    }
}
