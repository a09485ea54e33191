//! The mock upstream does what a script says, to the byte.

use mock_upstream::{Answer, Mock};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn started() -> (Mock, u16) {
    let mock = Mock::default();
    let listener = Mock::bind(0).unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(mock.clone().serve(listener));
    (mock, port)
}

async fn asked(port: u16, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_load_model_sets_the_number_of_chunks() {
    let (_, port) = started();
    let body = json!({"model": "load-chunks-7-gap-0-delay-0", "stream": true}).to_string();
    let answer = asked(port, &body).await.unwrap();
    assert_eq!(answer.matches("data: ").count(), 7 + 2);
    assert!(answer.contains("data: [DONE]"));
}

#[tokio::test]
async fn a_scripted_answer_is_given_and_the_request_kept() {
    let (mock, port) = started();
    let headers = [("retry-after".to_owned(), "7".to_owned())].into();
    mock.script(vec![Answer {
        status: 429,
        headers,
        json: Some(json!({"error": {}})),
        ..Answer::default()
    }]);
    let answer = asked(port, r#"{"model":"m"}"#).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(answer.contains("retry-after: 7"));
    assert_eq!(mock.captured()[0]["body"]["model"], "m");
}

#[tokio::test]
async fn a_body_is_cut_after_so_many_bytes() {
    let (mock, port) = started();
    mock.script(vec![Answer {
        text: Some("0123456789".into()),
        cut_after: Some(4),
        ..Answer::default()
    }]);
    let answer = asked(port, "{}").await.unwrap();
    assert!(answer.ends_with("0123"), "{answer}");
}

#[tokio::test]
async fn a_cut_can_be_a_reset() {
    let (mock, port) = started();
    mock.script(vec![Answer {
        text: Some("0123456789".into()),
        cut_after: Some(4),
        reset: true,
        ..Answer::default()
    }]);
    assert!(
        asked(port, "{}").await.is_err(),
        "the connection ended orderly"
    );
}
