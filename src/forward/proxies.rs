//! Proxies between here and upstreams, as the environment names them (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`,
//! `NO_PROXY`): which one is on the way to an address, and the way through it. A secure upstream is reached through a
//! tunnel, of which the proxy sees a host and a port; requests to any other are given to the proxy itself.

use super::BoxFuture;
use super::connect::BoxError;
use super::wire::Io;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use std::task::{Context, Poll};
use tower_service::Service;

/// Where clouds tell a machine who it is: of this machine alone, whatever proxy there is.
const NEVER: &str = "169.254.0.0/16, fd00:ec2::254, metadata.google.internal";

/// What the environment says of proxies.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// For upstreams without TLS, and for those with it: the variable, and the address.
    http: Option<(&'static str, String)>,
    https: Option<(&'static str, String)>,
    /// Hosts that are reached without.
    no: String,
}

impl std::fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxySettings").finish_non_exhaustive()
    }
}

impl ProxySettings {
    /// The settings of an environment. Names in small letters win over those in large ones, as in Python.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let named = |small: &'static str, large: &'static str| {
            let found = env(small).map(|value| (small, value));
            found.or_else(|| env(large).map(|value| (large, value)))
        };
        let wanted = |found: Option<(&'static str, String)>| {
            found.filter(|(_, value)| !value.trim().is_empty())
        };
        let all = wanted(named("all_proxy", "ALL_PROXY"));
        // Under CGI this variable is a header of the client's: https://httpoxy.org
        let http = named("http_proxy", "HTTP_PROXY")
            .filter(|(name, _)| *name != "HTTP_PROXY" || env("REQUEST_METHOD").is_none());
        let https = named("https_proxy", "HTTPS_PROXY");
        Self {
            http: wanted(http.or_else(|| all.clone())),
            https: wanted(https.or(all)),
            no: named("no_proxy", "NO_PROXY").map_or_else(String::new, |(_, list)| list),
        }
    }
}

/// Which proxy is on the way to an address.
#[derive(Debug)]
pub(super) struct Proxies {
    matcher: Matcher,
    /// Entries of `NO_PROXY` with a port, which [`Matcher`] does not know.
    direct: Vec<(String, u16)>,
}

impl Proxies {
    /// `None` where there is no proxy.
    ///
    /// # Errors
    /// What is wrong with an address.
    pub(super) fn new(settings: &ProxySettings) -> Result<Option<Self>, String> {
        let address = |setting: &Option<(&'static str, String)>| match setting {
            None => Ok(String::new()),
            Some((name, address)) => {
                let address = address.trim();
                let usable = Matcher::builder().all(address).build();
                if usable.intercept(&Uri::from_static("http://host")).is_none() {
                    return Err(format!(
                        "`{name}` is no address of a proxy\n  hint: one is like `http://proxy:3128`; `https`, `socks5` \
                         and `socks4` may stand in front, too"
                    ));
                }
                Ok(address.to_owned())
            }
        };
        if settings.http.is_none() && settings.https.is_none() {
            return Ok(None);
        }
        let (with_port, without): (Vec<_>, Vec<_>) = settings
            .no
            .split(',')
            .map(str::trim)
            .partition(|entry| port(entry).is_some());
        let matcher = Matcher::builder()
            .http(address(&settings.http)?)
            .https(address(&settings.https)?)
            .no(format!("{NEVER},{}", without.join(",")))
            .build();
        Ok(Some(Self {
            matcher,
            direct: with_port.into_iter().filter_map(port).collect(),
        }))
    }

    /// The proxy on the way; `None` where there is none.
    pub(super) fn before(&self, to: &Uri) -> Option<Proxy> {
        let host = to.host()?.to_ascii_lowercase();
        let usual = if to.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let port = to.port_u16().unwrap_or(usual);
        let direct = self.direct.iter().any(|(entry, of)| {
            *of == port
                && host
                    .strip_suffix(entry.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        if direct {
            return None;
        }
        self.matcher.intercept(to).map(Proxy)
    }
}

/// `host:port`, the host without a dot in front and in small letters.
fn port(entry: &str) -> Option<(String, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    let plain = !host.contains(':') || host.ends_with(']');
    let host = host.trim_start_matches('.').to_ascii_lowercase();
    (plain && !host.is_empty()).then_some((host, port.parse().ok()?))
}

/// A proxy.
pub(super) struct Proxy(Intercept);

impl Proxy {
    /// Its address.
    pub(super) fn uri(&self) -> &Uri {
        self.0.uri()
    }

    /// Its credentials, where it speaks HTTP.
    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.0.basic_auth()
    }

    /// It can be given requests, and not only bytes to carry.
    pub(super) fn speaks_http(&self) -> bool {
        matches!(self.uri().scheme_str(), Some("http" | "https"))
    }

    /// A connection through it to `to`; to itself where it is to be given the requests.
    pub(super) async fn connect<C>(&self, to: Uri, connector: C) -> Result<Io, BoxError>
    where
        C: Fn(Uri) -> BoxFuture<'static, Result<Io, BoxError>>,
    {
        let proxy = self.uri().clone();
        let secure = to.scheme() == Some(&http::uri::Scheme::HTTPS);
        if self.speaks_http() && !secure {
            return connector(proxy).await;
        }
        let first = First(connector);
        let io = match proxy.scheme_str() {
            Some("socks4" | "socks4a") => SocksV4::new(proxy, first).call(to).await?,
            Some("socks5" | "socks5h") => {
                let mut socks = SocksV5::new(proxy, first);
                if let Some((user, password)) = self.0.raw_auth() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                socks.call(to).await?
            }
            _ => {
                let mut tunnel = Tunnel::new(proxy, first);
                if let Some(credentials) = self.credentials() {
                    tunnel = tunnel.with_auth(credentials.clone());
                }
                tunnel.call(to).await?
            }
        };
        Ok(io.into_inner())
    }
}

/// Connects to the proxy itself.
struct First<C>(C);

impl<C> Service<Uri> for First<C>
where
    C: Fn(Uri) -> BoxFuture<'static, Result<Io, BoxError>>,
{
    type Response = TokioIo<Io>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<TokioIo<Io>, BoxError>>;

    /// At any time: there is nothing that could be busy.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, proxy: Uri) -> Self::Future {
        let connected = (self.0)(proxy);
        Box::pin(async move { connected.await.map(TokioIo::new) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Option<Proxies>, String> {
        Proxies::new(&ProxySettings::from_env(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }))
    }

    fn before(variables: &[(&str, &str)], to: &str) -> Option<String> {
        let proxy = proxies(variables).unwrap()?.before(&to.parse().unwrap())?;
        Some(proxy.uri().to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_small_letters_win() {
        let variables = [
            ("HTTPS_PROXY", "http://large:1"),
            ("https_proxy", "http://small:2"),
            ("HTTP_PROXY", "plain:3"),
            ("ALL_PROXY", "socks5h://any:4"),
        ];
        let secure = "https://api.openai.com/v1";
        assert_eq!(before(&variables, secure).unwrap(), "http://small:2/");
        assert_eq!(
            before(&variables, "http://vllm:8000/v1").unwrap(),
            "http://plain:3/"
        );
        assert_eq!(before(&variables[2..], secure).unwrap(), "socks5h://any:4/");
        assert_eq!(before(&variables[..1], "http://vllm:8000/v1"), None);
        // Said to be none.
        assert_eq!(before(&[("https_proxy", ""), variables[0]], secure), None);
        assert!(proxies(&[]).unwrap().is_none());
        // A client's header.
        let cgi = [("REQUEST_METHOD", "POST"), variables[2]];
        assert_eq!(before(&cgi, "http://vllm:8000/v1"), None);
    }

    #[test]
    fn some_hosts_are_reached_without() {
        let variables = [
            ("ALL_PROXY", "http://proxy:3128"),
            (
                "NO_PROXY",
                "internal.example, .corp, 10.0.0.0/8, localhost:8000, [::1]:9",
            ),
        ];
        for direct in [
            "https://internal.example/v1",
            "https://a.internal.example/v1",
            "http://model.corp:80/v1",
            "http://10.1.2.3:8000/v1",
            "http://localhost:8000/v1",
            "http://LOCALHOST:8000/v1",
            "http://[::1]:9/v1",
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.170.2/credentials",
            "http://metadata.google.internal/computeMetadata/v1",
        ] {
            assert_eq!(before(&variables, direct), None, "{direct}");
        }
        for through in [
            "https://notinternal.example/v1",
            "http://localhost:8001/v1",
            "http://notlocalhost:8000/v1",
            "https://11.0.0.1/v1",
        ] {
            assert!(before(&variables, through).is_some(), "{through}");
        }
        let none = [variables[0], ("no_proxy", "*")];
        assert_eq!(before(&none, "https://api.openai.com"), None);
    }

    #[test]
    fn what_is_no_address_is_said_without_its_password() {
        for address in ["ftp://user:secret-word@proxy:1", "http://", "a b"] {
            let said = proxies(&[("HTTPS_PROXY", address)]).unwrap_err();
            assert!(said.starts_with("`HTTPS_PROXY` is no address"), "{said}");
            assert!(!said.contains("secret-word"), "{said}");
        }
        let address = "http://u:secret-word@p".to_owned();
        let settings =
            ProxySettings::from_env(&|name| name.ends_with("s_proxy").then(|| address.clone()));
        assert!(!format!("{settings:?}").contains("secret-word"));
        let built = Proxies::new(&settings).unwrap();
        assert!(!format!("{built:?}").contains("secret-word"));
    }
}
