//! `gateway bench`: calls a server as many clients at once do, each waiting for its answer before the next call, and
//! tells how many answers came and how long they took. The server's `mock/echo` answers without a provider, so that
//! the figures are the gateway's own.

use super::args::Bench;
use crate::adapt::UpstreamRequest;
use crate::forward::{Client, ClientSettings, Clocks, Transport, Upstream};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// A call that takes longer than this counts as failed.
const LIMIT: Duration = Duration::from_secs(60);

/// What one client saw.
#[derive(Default)]
struct Seen {
    /// From the request to the first byte of the body, and to its end.
    times: Vec<(Duration, Duration)>,
    failed: u64,
    /// Why the last failure failed.
    why: Option<String>,
}

/// Runs the load and returns the report.
///
/// # Errors
/// Why there is nothing to report, for people.
pub fn run(bench: &Bench) -> Result<String, String> {
    let request = request(bench)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start the runtime: {e}"))?;
    let client = Client::new(&ClientSettings::from_env(&super::process_env))?;
    let started = Instant::now();
    let until = started + Duration::from_secs(bench.seconds);
    let seen = runtime.block_on(async {
        let clients: Vec<_> = (0..bench.clients)
            .map(|_| tokio::spawn(one(client.clone(), request.clone(), until)))
            .collect();
        let mut all = Seen::default();
        for client in clients {
            let seen = client.await.unwrap_or_default();
            all.times.extend(seen.times);
            all.failed += seen.failed;
            all.why = all.why.or(seen.why);
        }
        all
    });
    if seen.times.is_empty() {
        let why = seen.why.as_deref().unwrap_or("nothing came back");
        return Err(format!("no call succeeded: {why}"));
    }
    Ok(report(bench, seen, started.elapsed()))
}

fn request(bench: &Bench) -> Result<UpstreamRequest, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = &bench.key {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| "the key cannot be sent in a header".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let body = serde_json::json!({
        "model": bench.model,
        "stream": bench.stream,
        "messages": [{"role": "user", "content": "hello"}],
    });
    Ok(UpstreamRequest {
        method: Method::POST,
        url: format!("{}/v1/chat/completions", bench.url.trim_end_matches('/')),
        headers,
        body: Bytes::from(body.to_string()).into(),
    })
}

async fn one(client: Client, request: UpstreamRequest, until: Instant) -> Seen {
    let clocks = Clocks {
        connect: Some(LIMIT),
        total: Some(LIMIT),
        ..Clocks::default()
    };
    let mut seen = Seen::default();
    while Instant::now() < until {
        let sent = Instant::now();
        let answer = match client.send(request.clone(), clocks).await {
            Ok(upstream) => whole(upstream, sent).await,
            Err(fault) => Err(format!("{fault:?}")),
        };
        match answer {
            Ok(times) => seen.times.push(times),
            Err(why) => {
                seen.failed += 1;
                seen.why = Some(why);
                // A server that refuses everything is not to be hammered.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    seen
}

async fn whole(mut upstream: Upstream, sent: Instant) -> Result<(Duration, Duration), String> {
    let status = upstream.head.status;
    let mut first = None;
    while let Some(piece) = std::future::poll_fn(|cx| upstream.body.poll_next(cx)).await {
        piece.map_err(|fault| format!("{fault:?}"))?;
        first.get_or_insert_with(|| sent.elapsed());
    }
    match status {
        StatusCode::OK => Ok((first.unwrap_or_default(), sent.elapsed())),
        status => Err(format!("the server answers {status}")),
    }
}

fn report(bench: &Bench, mut seen: Seen, took: Duration) -> String {
    let mut text = String::new();
    let rate = seen.times.len() as f64 / took.as_secs_f64();
    // Writing into memory cannot fail.
    let _ = writeln!(
        text,
        "{} of {} calls answered by {} clients in {:.1} s: {rate:.0} calls/s",
        seen.times.len(),
        seen.times.len() as u64 + seen.failed,
        bench.clients,
        took.as_secs_f64(),
    );
    if let Some(why) = seen.why {
        let _ = writeln!(text, "{} failed, the last of them: {why}", seen.failed);
    }
    seen.times.sort_by_key(|(first, _)| *first);
    if bench.stream {
        line(
            &mut text,
            "first byte",
            seen.times.iter().map(|(first, _)| *first),
        );
    }
    seen.times.sort_by_key(|(_, total)| *total);
    line(
        &mut text,
        "whole call",
        seen.times.iter().map(|(_, total)| *total),
    );
    text.truncate(text.trim_end().len());
    text
}

/// Percentiles of sorted times, in milliseconds.
fn line(text: &mut String, what: &str, times: impl ExactSizeIterator<Item = Duration> + Clone) {
    let at = |share: f64| {
        let place = ((times.len() - 1) as f64 * share).round() as usize;
        let time = times.clone().nth(place).unwrap_or_default();
        time.as_secs_f64() * 1e3
    };
    let _ = writeln!(
        text,
        "{what}: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bench(url: &str) -> Bench {
        Bench {
            url: url.into(),
            model: "m".into(),
            key: Some("sk-1".into()),
            clients: 2,
            seconds: 1,
            stream: true,
        }
    }

    #[test]
    fn the_report_tells_rates_failures_and_percentiles() {
        let seen = Seen {
            times: (1..=100)
                .rev()
                .map(|ms| (Duration::from_millis(ms) / 2, Duration::from_millis(ms)))
                .collect(),
            failed: 3,
            why: Some("the server answers 429".into()),
        };
        let text = report(&bench("http://127.0.0.1"), seen, Duration::from_secs(2));
        assert_eq!(
            text,
            "100 of 103 calls answered by 2 clients in 2.0 s: 50 calls/s\n\
             3 failed, the last of them: the server answers 429\n\
             first byte: p50 25.50 ms, p90 45.00 ms, p99 49.50 ms, longest 50.00 ms\n\
             whole call: p50 51.00 ms, p90 90.00 ms, p99 99.00 ms, longest 100.00 ms"
        );
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error() {
        let error = run(&bench("http://127.0.0.1:1")).unwrap_err();
        assert_eq!(error, "no call succeeded: Unreachable");
    }

    #[test]
    fn the_key_is_sent_and_hidden() {
        let request = request(&bench("http://127.0.0.1:4000/")).unwrap();
        assert_eq!(request.url, "http://127.0.0.1:4000/v1/chat/completions");
        assert_eq!(request.headers[AUTHORIZATION], "Bearer sk-1");
        assert!(!format!("{:?}", request.headers).contains("sk-1"));
    }
}
