//! `gateway health`: asks a server on this machine whether it lives. A container without a shell or curl has its
//! health check in the binary itself.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The longest answer that is read; a status line takes less than 100 bytes.
const MAX_ANSWER: u64 = 4096;

/// Asks `http://{address}{path}`; well is an answer 200 within `limit` for each step.
///
/// # Errors
/// What came instead, for people.
pub fn ask(address: SocketAddr, path: &str, limit: Duration) -> Result<(), String> {
    let status = status(address, path, limit)
        .map_err(|e| format!("no answer from http://{address}{path}: {e}"))?;
    match status.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        Some(code) => Err(format!("http://{address}{path} answers {code}")),
        None => Err(format!("http://{address}{path} does not speak HTTP")),
    }
}

fn status(address: SocketAddr, path: &str, limit: Duration) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    let line = answer.split(|byte| *byte == b'\r').next();
    Ok(String::from_utf8_lossy(line.unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::TcpListener;

    fn asked(answer: &'static str) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 256];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let result = ask(address, "/health/live", Duration::from_secs(5));
        assert!(
            server
                .join()
                .unwrap()
                .starts_with("GET /health/live HTTP/1.1\r\n")
        );
        result
    }

    #[test]
    fn only_200_is_well() {
        assert_eq!(
            asked("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
            Ok(())
        );
        let ill = asked("HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(ill.ends_with("answers 503"), "{ill}");
        let odd = asked("").unwrap_err();
        assert!(odd.ends_with("does not speak HTTP"), "{odd}");
    }

    #[test]
    fn nobody_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = ask(address, "/health/live", Duration::from_secs(5)).unwrap_err();
        assert!(
            error.starts_with("no answer from http://127.0.0.1:"),
            "{error}"
        );
    }
}
