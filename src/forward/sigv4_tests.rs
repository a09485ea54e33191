//! AWS's own vectors (`aws-signing-test-suite`, Apache-2.0), and what they leave open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use bytes::Bytes;
use http::Method;
use std::time::{Duration, UNIX_EPOCH};

/// Name, method, path, query, headers, body, signature.
type Vector = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const VECTORS: &[Vector] = &[
    ("get-header-key-duplicate", "GET", "/", "",
        &[("Host", "example.amazonaws.com"), ("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1"), ("X-Amz-Date", "20150830T123600Z")],
        "", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
    ("get-header-value-order", "GET", "/", "",
        &[("Host", "example.amazonaws.com"), ("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2"), ("X-Amz-Date", "20150830T123600Z")],
        "", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
    ("get-header-value-trim", "GET", "/", "",
        &[("Host", "example.amazonaws.com"), ("My-Header1", " value1"), ("My-Header2", " \"a   b   c\""), ("X-Amz-Date", "20150830T123600Z")],
        "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    ("get-relative-normalized", "GET", "/example/..", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-relative-relative-normalized", "GET", "/example1/example2/../..", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash-dot-slash-normalized", "GET", "/./", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash-normalized", "GET", "//", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash-pointless-dot-normalized", "GET", "/./example", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
    ("get-slashes-normalized", "GET", "//example//", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    ("get-space-normalized", "GET", "/example space/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
    ("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    ("get-utf8", "GET", "/ሴ", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    ("get-vanilla", "GET", "/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-vanilla-empty-query-key", "GET", "/", "Param1=value1",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
    ("get-vanilla-query", "GET", "/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-vanilla-query-order-encoded", "GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"),
    ("get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("get-vanilla-query-unreserved", "GET", "/", "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    ("get-vanilla-utf8-query", "GET", "/", "ሴ=bar",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    ("get-vanilla-with-session-token", "GET", "/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"), ("X-Amz-Date", "20150830T123600Z")],
        "", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"),
    ("post-header-key-case", "POST", "/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-header-key-sort", "POST", "/", "",
        &[("Host", "example.amazonaws.com"), ("My-Header1", "value1"), ("X-Amz-Date", "20150830T123600Z")],
        "", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    ("post-header-value-case", "POST", "/", "",
        &[("Host", "example.amazonaws.com"), ("My-Header1", "VALUE1"), ("X-Amz-Date", "20150830T123600Z")],
        "", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    ("post-sts-header-before", "POST", "/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Security-Token", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="), ("X-Amz-Date", "20150830T123600Z")],
        "", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
    ("post-vanilla", "POST", "/", "",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-vanilla-empty-query-value", "POST", "/", "Param1=value1",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    ("post-vanilla-query", "POST", "/", "Param1=value1",
        &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
];

/// 30 August 2015, 12:36:00 UTC.
const MOMENT: u64 = 1_440_938_160;

fn credentials(token: Option<&str>) -> Credentials {
    Credentials {
        id: "AKIDEXAMPLE".into(),
        secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        token: token.map(Secret::new),
    }
}

#[test]
fn signatures_are_those_of_the_published_vectors() {
    let scope = Scope {
        region: "us-east-1",
        service: "service",
    };
    for (name, method, path, query, headers, body, signature) in VECTORS {
        let mut signed = BTreeMap::new();
        for (name, value) in *headers {
            append(&mut signed, &name.to_lowercase(), value);
        }
        let canonical = Canonical {
            method,
            path,
            query,
            headers: &signed,
            body: body.as_bytes(),
        };
        let text = authorization(&canonical, &credentials(None), scope, "20150830T123600Z");
        assert!(
            text.ends_with(&format!("Signature={signature}")),
            "{name}: {}",
            canonical.text()
        );
    }
}

fn signed(url: &str, token: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-other", HeaderValue::from_static("not signed"));
    let mut request = UpstreamRequest {
        method: Method::POST,
        url: url.into(),
        headers,
        body: Bytes::from_static(b"{}").into(),
    };
    let scope = Scope {
        region: "us-east-1",
        service: "bedrock",
    };
    let now = UNIX_EPOCH + Duration::from_secs(MOMENT);
    sign(&mut request, &credentials(token), scope, now).unwrap();
    request.headers
}

#[test]
fn a_request_gets_all_that_its_signature_names() {
    let headers = signed("https://h.example:443/model/a%3A0/converse", Some("t"));
    assert_eq!(headers["host"], "h.example");
    assert_eq!(headers["x-amz-date"], "20150830T123600Z");
    assert_eq!(headers["x-amz-security-token"], "t");
    let text = headers[AUTHORIZATION].to_str().unwrap();
    assert!(text.starts_with(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="
    ));
    assert!(headers[AUTHORIZATION].is_sensitive());
}

#[test]
fn the_signature_depends_on_where_it_is_sent() {
    let at = |url: &str| signed(url, None)[AUTHORIZATION].clone();
    assert_ne!(at("https://a.example/m"), at("https://a.example:8443/m"));
    assert_ne!(at("https://a.example/m"), at("https://a.example/n"));
}
