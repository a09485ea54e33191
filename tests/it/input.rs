//! Bad input over real sockets: whatever is sent, the answer has LiteLLM's shape, memory is bounded, and the program
//! lives.

use super::bed::{MASTER_KEY, Served, config, upstream};
use super::client::{Client, PATIENCE, Reply, chat, post, post_with};
use mock_upstream::Mock;
use serde_json::Value;

const CHAT: &str = "/v1/chat/completions";

async fn served() -> (Served, Mock) {
    let (mock, port) = upstream();
    // Model names that the configuration lists, no wildcard: an unknown one is told.
    let config = config(port, "")
        .replace("\"*\"", "known")
        .replace("openai/*", "openai/gpt-4o");
    (Served::start(&config).await, mock)
}

async fn asked(served: &Served, request: impl AsRef<[u8]>) -> Reply {
    Client::open(served.address).await.call(request).await
}

/// Asserts LiteLLM's error shape: these members, of these types, the status as text in `code`.
fn refused(reply: &Reply, status: u16, kind: &str) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert!(
        reply.head.contains("content-type: application/json"),
        "{}",
        reply.head
    );
    let body = reply.json();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let error = body["error"].clone();
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{error}"
    );
    assert_eq!(error["type"], kind, "{error}");
    assert!(
        error["param"].is_null() || error["param"].is_string(),
        "{error}"
    );
    assert_eq!(error["code"], status.to_string(), "{error}");
    error
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_refused_with_its_place() {
    let (served, mock) = served().await;
    for (body, says) in [
        ("{\"model\": ", "Invalid JSON payload"),
        ("{\"model\": \"known\",}", "trailing comma"),
        ("{'model': 1}", "line 1 column 2"),
        ("[1, 2]", "expected an object"),
        ("\"known\"", "expected an object"),
        ("\u{feff}{}", "byte order mark"),
        ("{} {}", "Invalid JSON payload"),
        ("\0\0\0\0", "Invalid JSON payload"),
        ("not json at all", "Invalid JSON payload"),
    ] {
        let error = refused(
            &asked(&served, post(CHAT, body)).await,
            400,
            "invalid_request_error",
        );
        assert!(message(&error).contains(says), "{body:?}: {error}");
    }
    let mut request = post(CHAT, "{\"model\":\"kn__n\"}").into_bytes();
    let at = request.len() - 5;
    request[at] = 0xff;
    let error = refused(&asked(&served, request).await, 400, "invalid_request_error");
    assert!(message(&error).contains("Invalid JSON payload"), "{error}");
    served.lives().await;
    assert_eq!(mock.reached(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_23_nesting_of_any_depth_is_survived() {
    let (served, mock) = served().await;
    for depth in [200, 100_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            // At the top, and in a member that is looked into.
            for body in [
                value.clone(),
                format!("{{\"model\":\"known\",\"messages\":{value}}}"),
            ] {
                let reply = asked(&served, post(CHAT, &body)).await;
                refused(&reply, 400, reply.json()["error"]["type"].as_str().unwrap());
            }
            let unclosed = format!("{{\"model\":\"known\",\"messages\":{}", open.repeat(depth));
            let reply = asked(&served, post(CHAT, &unclosed)).await;
            refused(&reply, 400, "invalid_request_error");
        }
    }
    served.lives().await;
    assert_eq!(mock.reached(), 0, "nothing of it went upstream");
}

/// How deep a text is nested, told by a reader that calls itself for each level.
fn depth(text: &[u8], at: &mut usize) -> usize {
    let mut deepest = 0;
    while let Some(byte) = text.get(*at) {
        *at += 1;
        match byte {
            b'[' => deepest = deepest.max(1 + depth(text, at)),
            b']' => break,
            _ => {}
        }
    }
    deepest
}

/// What the bound of a reader's depth is for: one without it is ended by what the server's readers refuse, and the
/// process with it. Each reads in a process of its own, which is this test once more.
#[cfg(unix)]
#[test]
fn row_23_control_without_a_bound_of_depth_a_reader_ends_its_process() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use std::os::unix::process::ExitStatusExt;
    const READER: &str = "ROW_23_READER";
    let nested = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
    let deep = nested(1_000_000);
    match std::env::var(READER).as_deref() {
        Ok("bounded") => {
            let body = format!("{{\"model\":{deep}}}").into();
            let read = gateway::params::Params::parse(&body).unwrap();
            assert!(read.read::<Value>("model").is_err());
        }
        Ok(_) => {
            assert_eq!(depth(nested(1000).as_bytes(), &mut 0), 1000);
            // It is meant to crash: there is nothing to be looked into.
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            setrlimit(Resource::Core, none).unwrap();
            std::hint::black_box(depth(deep.as_bytes(), &mut 0));
        }
        Err(_) => {
            let [bounded, unbounded] = ["bounded", "unbounded"].map(|reader| {
                let mut again = std::process::Command::new(std::env::current_exe().unwrap());
                again.args([
                    "input::row_23_control_without_a_bound_of_depth_a_reader_ends_its_process",
                    "--exact",
                ]);
                again.env(READER, reader).output().unwrap().status
            });
            super::faults::figure!(
                23,
                "a million levels: our reader {bounded}, one without a bound {unbounded}"
            );
            assert!(bounded.success(), "{bounded}");
            assert!(unbounded.signal().is_some(), "{unbounded}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_are_missing_unknown_or_no_text_are_refused() {
    let (served, _mock) = served().await;
    let messages = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";
    let missing = asked(&served, post(CHAT, &format!("{{{messages}}}"))).await;
    let error = refused(&missing, 400, "invalid_request_error");
    assert!(
        message(&error).contains("Invalid model name passed in model="),
        "{error}"
    );

    let body = format!("{{\"model\":\"nobody-knows\",{messages}}}");
    let error = refused(
        &asked(&served, post(CHAT, &body)).await,
        400,
        "invalid_request_error",
    );
    assert!(message(&error).contains("model=nobody-knows"), "{error}");

    for wrong in ["7", "[]", "{}", "true"] {
        let body = format!("{{\"model\":{wrong},{messages}}}");
        let error = refused(
            &asked(&served, post(CHAT, &body)).await,
            400,
            "bad_request_error",
        );
        assert_eq!(error["param"], "model");
    }
    let error = refused(
        &asked(&served, post(CHAT, "{\"model\":\"known\"}")).await,
        400,
        "invalid_request_error",
    );
    assert_eq!(error["param"], "messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_nothing_is_answered_and_nothing_is_read() {
    let (served, mock) = served().await;
    let near = &MASTER_KEY[..MASTER_KEY.len() - 1];
    for (header, status, kind) in [
        (String::new(), 401, "auth_error"),
        ("authorization: Bearer \r\n".to_owned(), 401, "auth_error"),
        (
            format!("authorization: {MASTER_KEY}\r\n"),
            401,
            "auth_error",
        ),
        // Any other key is looked up, and there is no database to do so.
        (
            "authorization: Bearer sk-wrong\r\n".to_owned(),
            400,
            "no_db_connection",
        ),
        (
            format!("authorization: Bearer {MASTER_KEY}x\r\n"),
            400,
            "no_db_connection",
        ),
        (
            format!("authorization: Bearer {near}\r\n"),
            400,
            "no_db_connection",
        ),
        (
            "x-api-key: sk-wrong\r\n".to_owned(),
            400,
            "no_db_connection",
        ),
    ] {
        let body = "{\"model\":\"known\",\"messages\":[]}";
        let reply = asked(&served, post_with(CHAT, body, &header)).await;
        let error = refused(&reply, status, kind);
        assert!(!message(&error).contains(near), "{error}");
    }
    assert_eq!(mock.reached(), 0);
}

/// 100 MB, as a length that is announced and as one that is not.
#[tokio::test(flavor = "multi_thread")]
async fn row_23_a_body_of_a_hundred_megabytes_is_refused_without_being_kept() {
    const MEGABYTE: usize = 1 << 20;
    let (mock, port) = upstream();
    let config = config(port, "").replace("master_key:", "max_request_size_mb: 10, master_key:");
    let served = Served::start(&config).await;
    let before = served.memory();
    let head = |length: &str| {
        format!(
            "POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             authorization: Bearer {MASTER_KEY}\r\n{length}\r\n"
        )
    };
    let announced = head(&format!("content-length: {}\r\n", 100 * MEGABYTE));
    let chunked = head("transfer-encoding: chunked\r\n");
    let piece = "x".repeat(MEGABYTE);
    for (head, piece) in [
        (announced, piece.clone()),
        (chunked, format!("{MEGABYTE:x}\r\n{piece}\r\n")),
    ] {
        let mut clients = Vec::new();
        for _ in 0..4 {
            let mut client = Client::open(served.address).await;
            client.send(&head).await;
            clients.push(client);
        }
        for _ in 0..100 {
            for client in &mut clients {
                client.send_some(&piece).await;
            }
        }
        for client in &mut clients {
            let error = refused(&client.reply().await, 413, "bad_request_error");
            assert!(message(&error).contains("10 MB"), "{error}");
        }
    }
    served.lives().await;
    assert_eq!(mock.reached(), 0);
    // Four bodies at a time, each kept up to its limit, and what joining and the allocator add.
    let grown = served.memory().saturating_sub(before);
    assert!(grown < 4 * 3 * 10 * MEGABYTE, "{grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_22_headers_without_end_are_refused() {
    let (served, mock) = served().await;
    let body = "{\"model\":\"known\",\"messages\":[]}";
    let one = format!("x-long: {}\r\n", "y".repeat(100 << 10));
    let many = format!("x-many: {}\r\n", "y".repeat(1000)).repeat(100);
    let names = "x-name: y\r\n".repeat(2000);
    let path = format!("/{}", "p".repeat(100 << 10));
    for request in [
        post_with(CHAT, body, &one),
        post_with(CHAT, body, &many),
        post_with(CHAT, body, &names),
        post_with(&path, body, ""),
    ] {
        let reply = asked(&served, request).await;
        assert!(
            matches!(reply.status, 414 | 431),
            "{} {}",
            reply.head,
            reply.text()
        );
    }
    for garbage in [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\u{16}\u{3}\u{1}",
        "POST / HTTP/9.9\r\n\r\n",
    ] {
        let mut client = Client::open(served.address).await;
        client.send(garbage).await;
        client.finish().await;
        assert!(client.closed().await);
    }
    served.lives().await;
    assert_eq!(mock.reached(), 0);
}

/// Clients that send a byte now and then hold a connection each, and nobody else up.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_send_slowly_hold_nobody_up() {
    let (served, _mock) = served().await;
    let request = chat("known", false);
    let head = request.find("\r\n\r\n").unwrap() + 4;
    let mut slow = Vec::new();
    for i in 0..200 {
        let mut client = Client::open(served.address).await;
        // Half of them are in the head, half in the body.
        let sent = if i % 2 == 0 { head / 2 } else { head + 10 };
        client.send(&request[..sent]).await;
        slow.push((client, sent));
    }
    for at in 0..5 {
        for (client, sent) in &mut slow {
            client.send(&request[*sent + at..=*sent + at]).await;
        }
        let quick = asked(&served, &request);
        let quick = tokio::time::timeout(PATIENCE, quick)
            .await
            .expect("an answer");
        assert_eq!(quick.status, 200, "{}", quick.text());
    }
    // However slowly it came, it is a request like any other.
    for (client, sent) in slow.iter_mut().take(4) {
        let reply = client.call(&request[*sent + 5..]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// What the bounds of heads and bodies are for: without them the same requests are read to their end.
#[tokio::test(flavor = "multi_thread")]
async fn row_22_and_23_control_without_their_bounds_such_requests_are_read() {
    let bed = super::bed::Bed::bounded(
        1,
        |ports| {
            super::bed::config(ports[0], "").replace(
                "general_settings: {",
                "general_settings: {max_request_size_mb: 400, ",
            )
        },
        |bounds| {
            bounds.head = 4 << 20;
            bounds.headers = 4096;
        },
    );
    let auth = format!("authorization: Bearer {}\r\n", super::bed::MASTER_KEY);
    let one = format!("{auth}x-long: {}\r\n", "y".repeat(100 << 10));
    let names = format!("{auth}{}", "x-name: y\r\n".repeat(2000));
    let body = "{\"model\":\"m\",\"messages\":[]}";
    let long = format!(
        "{{\"model\":\"m\",\"messages\":[],\"user\":\"{}\"}}",
        "x".repeat(101 << 20)
    );
    for request in [
        post_with(CHAT, body, &one),
        post_with(CHAT, body, &names),
        post_with(CHAT, &long, &auth),
    ] {
        let reply = Client::open(bed.address).await.call(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}
