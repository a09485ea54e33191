//! Signature Version 4 of Amazon Web Services: what a request says, hashed and signed with a key made for the day, the
//! region and the service.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. The crates that do this
//! bring some forty others with them; it is one page of code, held to AWS's own test vectors below.

use crate::adapt::UpstreamRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::observe::timestamp::Timestamp;
use crate::options::Secret;
use crate::upload::Payload;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use ring::hmac;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::SystemTime;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Keys of an account, or those that a role gave for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: Secret,
    /// Goes with keys that are valid for a while only.
    pub token: Option<Secret>,
}

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// For example `us-east-1`.
    pub region: &'a str,
    /// For example `bedrock`.
    pub service: &'a str,
}

/// Signs a request as it will be sent: its `host`, `content-type` and `x-amz-` headers, address and body. Other headers
/// may be changed by whoever stands between, so they stay out.
///
/// # Errors
/// An address or a key that no request can hold.
pub fn sign(
    request: &mut UpstreamRequest,
    credentials: &Credentials,
    scope: Scope<'_>,
    now: SystemTime,
) -> Result<()> {
    let uri: Uri = request
        .url
        .parse()
        .map_err(|_| Error::bad_request("the address cannot be signed"))?;
    if matches!(request.body, Payload::Pieces(_)) {
        let what = "a body in pieces cannot be signed";
        return Err(Error::bad_request(what).hint("send the file inline"));
    }
    let moment = moment(now);
    set(&mut request.headers, HOST, &host(&uri))?;
    let date = HeaderName::from_static("x-amz-date");
    set(&mut request.headers, date, &moment)?;
    if let Some(token) = &credentials.token {
        let name = HeaderName::from_static("x-amz-security-token");
        set(&mut request.headers, name, token.expose())?;
    }
    let mut signed = BTreeMap::new();
    for (name, value) in &request.headers {
        let own = *name == HOST || *name == CONTENT_TYPE;
        if own || name.as_str().starts_with("x-amz-") || name.as_str().starts_with("x-amzn-") {
            let value = String::from_utf8_lossy(value.as_bytes());
            append(&mut signed, name.as_str(), &value);
        }
    }
    let canonical = Canonical {
        method: request.method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: &signed,
        body: &request.body,
    };
    let text = authorization(&canonical, credentials, scope, &moment);
    set(&mut request.headers, AUTHORIZATION, &text)
}

/// The parts of a request that are signed.
struct Canonical<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a BTreeMap<String, String>,
    body: &'a [u8],
}

impl Canonical<'_> {
    fn names(&self) -> String {
        let names: Vec<&str> = self.headers.keys().map(String::as_str).collect();
        names.join(";")
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            self.method,
            path(self.path),
            query(self.query)
        );
        for (name, value) in self.headers {
            let _ = writeln!(text, "{name}:{value}");
        }
        let _ = write!(text, "\n{}\n{}", self.names(), digest(self.body));
        text
    }
}

fn authorization(
    canonical: &Canonical<'_>,
    credentials: &Credentials,
    scope: Scope<'_>,
    moment: &str,
) -> String {
    let Scope { region, service } = scope;
    let day = moment.split('T').next().unwrap_or_default();
    let place = format!("{day}/{region}/{service}/aws4_request");
    let text = format!(
        "{ALGORITHM}\n{moment}\n{place}\n{}",
        digest(canonical.text().as_bytes())
    );
    let secret = format!("AWS4{}", credentials.secret.expose());
    let mut key = hmac(secret.as_bytes(), day);
    for part in [region, service, "aws4_request"] {
        key = hmac(key.as_ref(), part);
    }
    let signature = hex(hmac(key.as_ref(), &text).as_ref());
    format!(
        "{ALGORITHM} Credential={}/{place}, SignedHeaders={}, Signature={signature}",
        credentials.id,
        canonical.names()
    )
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) -> Result<()> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let what = "AWS credentials hold bytes that no header may hold";
        Error::new(ErrorKind::Authentication, what)
    })?;
    value.set_sensitive(name == AUTHORIZATION || name.as_str() == "x-amz-security-token");
    headers.insert(name, value);
    Ok(())
}

/// `20150830T123600Z`.
fn moment(now: SystemTime) -> String {
    let text = Timestamp::of(now).to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let mut moment: String = seconds.chars().filter(|c| !"-:".contains(*c)).collect();
    moment.push('Z');
    moment
}

/// The host as it is sent: a port only where it is not the usual one.
fn host(uri: &Uri) -> String {
    let name = uri.host().unwrap_or_default();
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    match uri.port_u16() {
        Some(port) if port != usual => format!("{name}:{port}"),
        _ => name.to_owned(),
    }
}

/// Several values of one name are one, in the order they came.
fn append(headers: &mut BTreeMap<String, String>, name: &str, value: &str) {
    let words: Vec<&str> = value.split_whitespace().collect();
    let value = words.join(" ");
    headers
        .entry(name.to_owned())
        .and_modify(|so_far| {
            so_far.push(',');
            so_far.push_str(&value);
        })
        .or_insert(value);
}

/// The path without steps back, each of its bytes encoded once more than it is sent.
fn path(raw: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut out = String::from("/");
    out.push_str(&segments.join("/"));
    if !segments.is_empty() && (raw.ends_with('/') || raw.ends_with("/.")) {
        out.push('/');
    }
    encode(out.as_bytes(), b"/")
}

fn query(raw: &str) -> String {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let each = |text: &str| encode(&decode(text), b"");
        (each(name), each(value))
    };
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(pair)
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Percent-encodes all but letters, digits, `-._~` and what is `kept`: AWS's rule for addresses and forms.
pub(super) fn encode(bytes: &[u8], kept: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.contains(byte) {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3);
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

fn hmac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn digest(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
