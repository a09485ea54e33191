//! Proxies on the way to upstreams: real ones on real sockets, that tell what they were asked.

use super::bed::{Served, certificates, config, upstream};
use super::client::{Client as Caller, PATIENCE, chat};
use bytes::Bytes;
use gateway::adapt::{Fault, UpstreamRequest};
use gateway::forward::{Client, ClientSettings, Clocks, Transport, collect};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, Method};
use mock_upstream::{Answer, Mock};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const KEY: &str = "Bearer sk-only-for-the-upstream";

/// `user:pass word`.
const CREDENTIALS: &str = "user:pass%20word@";
const BASIC: &str = "proxy-authorization: basic dxnlcjpwyxnzihdvcmq=";

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Http,
    /// It lets nobody through.
    Refusing,
    /// It takes connections and says nothing.
    Silent,
    Socks,
}

/// A proxy, and what it was asked: heads in small letters, or where SOCKS was to go and who said so.
#[derive(Clone)]
struct Proxy {
    kind: Kind,
    tls: Option<TlsAcceptor>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(kind: Kind, tls: Option<TlsAcceptor>) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self {
            kind,
            tls,
            asked: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move {
                    match &proxy.tls {
                        None => proxy.serve(stream).await,
                        Some(tls) => proxy.serve(tls.accept(stream).await.unwrap()).await,
                    }
                });
            }
        });
        (proxy, port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn serve(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) {
        match self.kind {
            Kind::Socks => self.socks(&mut client).await,
            Kind::Silent => std::future::pending().await,
            Kind::Http | Kind::Refusing => self.http(&mut client).await,
        }
    }

    async fn http(&self, client: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        let text = String::from_utf8(head).unwrap();
        self.asked.lock().unwrap().push(text.to_lowercase());
        if self.kind == Kind::Refusing {
            let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
            client.write_all(refusal).await.unwrap();
            return;
        }
        let mut words = text.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let authority = target.trim_start_matches("http://");
        let authority = authority.split('/').next().unwrap();
        let mut upstream = there(authority).await;
        if method == "CONNECT" {
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        } else {
            let passed = text.replacen(&format!("http://{authority}"), "", 1);
            upstream.write_all(passed.as_bytes()).await.unwrap();
        }
        let _ = copy_bidirectional(client, &mut upstream).await;
    }

    /// RFC 1928 and 1929.
    async fn socks(&self, client: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
        assert_eq!(client.read_u8().await.unwrap(), 5);
        counted(client).await;
        client.write_all(&[5, 2]).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 1);
        let (user, password) = (counted(client).await, counted(client).await);
        client.write_all(&[1, 0]).await.unwrap();
        let mut request = [0; 4];
        client.read_exact(&mut request).await.unwrap();
        assert_eq!(request, [5, 1, 0, 3], "a name");
        let host = counted(client).await;
        let port = client.read_u16().await.unwrap();
        let asked = format!("{user}:{password} to {host}:{port}");
        self.asked.lock().unwrap().push(asked);
        let mut upstream = there(&format!("{host}:{port}")).await;
        let done = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        client.write_all(&done).await.unwrap();
        let _ = copy_bidirectional(client, &mut upstream).await;
    }
}

/// A text after its length.
async fn counted(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let length = stream.read_u8().await.unwrap();
    let mut text = vec![0; length.into()];
    stream.read_exact(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// Every name is this machine's, to a proxy.
async fn there(authority: &str) -> TcpStream {
    let (_, port) = authority.rsplit_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(folder.join("server.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// The mock upstream behind TLS.
async fn secure_upstream(tls: TlsAcceptor) -> (Mock, u16) {
    let (mock, plain) = upstream();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let mut stream = tls.accept(stream).await.unwrap();
                let mut mock = TcpStream::connect(("127.0.0.1", plain)).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut mock).await;
            });
        }
    });
    (mock, port)
}

fn client(variables: &[(&str, String)]) -> Client {
    let settings = ClientSettings::from_env(&|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    });
    Client::new(&settings).unwrap()
}

async fn call(client: &Client, url: String, clocks: Clocks) -> Result<Bytes, Fault> {
    let request = UpstreamRequest {
        method: Method::POST,
        url,
        headers: HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(KEY))]),
        body: Bytes::from_static(b"{}").into(),
    };
    let exchange = async {
        let mut upstream = client.send(request, clocks).await?;
        collect(&mut *upstream.body, 1 << 20).await
    };
    let ended = tokio::time::timeout(PATIENCE, exchange).await;
    ended.expect("an end")
}

fn well() -> Answer {
    Answer {
        json: Some(json!({"fine": true})),
        ..Answer::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_tls_are_given_to_the_proxy() {
    let (mock, port) = upstream();
    let (proxy, at) = Proxy::start(Kind::Http, None).await;
    let client = client(&[("HTTP_PROXY", format!("http://{CREDENTIALS}127.0.0.1:{at}"))]);
    mock.script(vec![well()]);
    // No name server knows it.
    let url = format!("http://user:secret@upstream.invalid:{port}/v1/chat/completions?a=b");
    call(&client, url, Clocks::default()).await.unwrap();
    let [head] = &proxy.asked()[..] else {
        panic!("{:?}", proxy.asked());
    };
    let line = format!("post http://upstream.invalid:{port}/v1/chat/completions?a=b http/1.1\r\n");
    assert!(head.starts_with(&line), "{head}");
    assert!(
        head.contains(&format!("\r\nhost: upstream.invalid:{port}\r\n")),
        "{head}"
    );
    assert!(head.contains(BASIC), "{head}");
    assert_eq!(mock.captured().len(), 1);
}

#[tokio::test]
async fn a_secure_upstream_is_reached_through_a_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = certificates(folder.path()) else {
        return;
    };
    let roots = folder.path().join("ca.crt").display().to_string();
    for secure in [false, true] {
        let tls = acceptor(folder.path());
        let (mock, port) = secure_upstream(tls.clone()).await;
        let (proxy, at) = Proxy::start(Kind::Http, secure.then_some(tls)).await;
        let scheme = if secure { "https" } else { "http" };
        let client = client(&[
            (
                "HTTPS_PROXY",
                format!("{scheme}://{CREDENTIALS}localhost:{at}"),
            ),
            ("SSL_CERT_FILE", roots.clone()),
        ]);
        mock.script(vec![well()]);
        for _ in 0..3 {
            let url = format!("https://localhost:{port}/v1/chat/completions");
            call(&client, url, Clocks::default()).await.unwrap();
        }
        assert_eq!(mock.captured().len(), 3);
        let sent = &mock.captured()[2]["headers"];
        assert_eq!(sent["authorization"], KEY);
        assert!(sent.get("proxy-authorization").is_none(), "{sent}");
        // Once: the tunnel is a connection that is used again.
        let [head] = &proxy.asked()[..] else {
            panic!("{:?}", proxy.asked());
        };
        let line = format!("connect localhost:{port} http/1.1\r\n");
        assert!(head.starts_with(&line), "{head}");
        assert!(head.contains(BASIC), "{head}");
        assert!(!head.contains("sk-only"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_carries_both() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = certificates(folder.path()) else {
        return;
    };
    let (proxy, at) = Proxy::start(Kind::Socks, None).await;
    let client = client(&[
        ("ALL_PROXY", format!("socks5://{CREDENTIALS}127.0.0.1:{at}")),
        (
            "SSL_CERT_FILE",
            folder.path().join("ca.crt").display().to_string(),
        ),
    ]);
    let (mock, port) = upstream();
    let (secure, secure_port) = secure_upstream(acceptor(folder.path())).await;
    for (mock, url) in [
        (mock, format!("http://upstream.invalid:{port}/v1")),
        (secure, format!("https://localhost:{secure_port}/v1")),
    ] {
        mock.script(vec![well()]);
        call(&client, url, Clocks::default()).await.unwrap();
        assert_eq!(mock.captured().len(), 1);
    }
    let asked = [
        format!("user:pass word to upstream.invalid:{port}"),
        format!("user:pass word to localhost:{secure_port}"),
    ];
    assert_eq!(proxy.asked(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_behind_a_proxy_is_reached_in_no_other_way() {
    let (mock, port) = upstream();
    let url = |scheme: &str| format!("{scheme}://127.0.0.1:{port}/v1");
    let through = |at| client(&[("ALL_PROXY", format!("http://127.0.0.1:{at}"))]);

    let (refusing, at) = Proxy::start(Kind::Refusing, None).await;
    let ended = call(&through(at), url("https"), Clocks::default()).await;
    assert_eq!(ended, Err(Fault::Unreachable));
    assert_eq!(refusing.asked().len(), 1);

    let (_held, closed) = super::bed::reserved();
    for scheme in ["http", "https"] {
        let ended = call(&through(closed), url(scheme), Clocks::default()).await;
        assert_eq!(ended, Err(Fault::Unreachable));
    }

    let (_silent, at) = Proxy::start(Kind::Silent, None).await;
    let limit = Duration::from_millis(300);
    let clocks = Clocks {
        connect: Some(limit),
        ..Clocks::default()
    };
    let ended = call(&through(at), url("https"), clocks).await;
    assert!(
        matches!(ended, Err(Fault::Timeout { limit: said, .. }) if said == limit),
        "{ended:?}"
    );
    assert_eq!(mock.reached(), 0);

    // What a caller names is fetched here: a proxy may stand where more can be reached.
    let (proxy, at) = Proxy::start(Kind::Http, None).await;
    let request = UpstreamRequest {
        method: Method::GET,
        url: url("http"),
        headers: HeaderMap::new(),
        body: Bytes::new().into(),
    };
    let fetched = through(at).fetch(request, Clocks::default()).await;
    assert!(fetched.is_err());
    assert!(proxy.asked().is_empty());
    assert_eq!(mock.reached(), 0);
}

/// The variables may stand in the configuration, like all others.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_obeys_its_environment_and_its_configuration() {
    let (_mock, port) = upstream();
    let (proxy, at) = Proxy::start(Kind::Http, None).await;
    let address = format!("http://127.0.0.1:{at}");
    let named = config(port, "").replace("127.0.0.1", "upstream.invalid");
    let in_file = format!("{named}environment_variables:\n  http_proxy: {address}\n");
    let by_environment = [("http_proxy", &*address)];
    for (nth, (config, variables)) in [(&named, &by_environment[..]), (&in_file, &[])]
        .into_iter()
        .enumerate()
    {
        let served = Served::start_among(config, variables).await;
        let mut caller = Caller::open(served.address).await;
        assert_eq!(caller.call(chat("m", false)).await.status, 200);
        assert_eq!(proxy.asked().len(), nth + 1);
    }
}
