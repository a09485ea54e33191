//! Row 35: the machine runs short, or plays tricks. Too many connections, no file descriptors, a disk that takes nothing,
//! a clock that jumps, names that are not found: calls are shed or told, and all is well again when it is over.

use super::{asks, figure, group, well};
use crate::bed::{Around, MASTER_KEY, Served, becomes, upstream};
use crate::client::{Client, PATIENCE, get, post_with};
use mock_upstream::Answer;
use serde_json::json;
use std::time::{Duration, Instant};

/// A limit of connections makes others wait; it fails nobody.
#[tokio::test(flavor = "multi_thread")]
async fn row_35_connections_above_the_limit_wait() {
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let config = group(&[port], "", "num_retries: 0", "");
    let served = Served::start_with(&config, &["--limit_concurrency", "4"]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut client = Client::open(served.address).await;
        assert_eq!(client.call(get("/health/liveliness")).await.status, 200);
        held.push(client);
    }
    let address = served.address;
    let mut waiting = tokio::spawn(async move {
        Client::open(address)
            .await
            .call(get("/health/liveliness"))
            .await
            .status
    });
    let early = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "the fifth waits");
    held.pop();
    let status = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it is served")
        .unwrap();
    figure!(
        35,
        "a fifth connection where four are allowed: waited, then {status}"
    );
    assert_eq!(status, 200);

    // The control: where five are allowed, the fifth does not wait.
    let served = Served::start_with(&config, &["--limit_concurrency", "5"]).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut client = Client::open(served.address).await;
        let told = tokio::time::timeout(PATIENCE, client.call(get("/health/liveliness")));
        assert_eq!(told.await.expect("it is served").status, 200);
        held.push(client);
    }
}

/// How a crowd fares of which each needs two files, where there are not so many: calls that were answered well, others.
async fn crowd(more: &[&str]) -> (usize, usize, Served) {
    let (mock, port) = upstream();
    mock.script(vec![well(200)]);
    let config = group(&[port], "", "num_retries: 0, disable_cooldowns: true", "");
    let around = Around {
        before: Some("ulimit -n 128"),
        ..Around::default()
    };
    let served = Served::start_in(&config, more, around).await;
    let calls = (0..200)
        .map(|_| Client::try_call(served.address, asks(json!({}), "connection: close\r\n")));
    let calls = futures_util::future::join_all(calls).await;
    let answered = calls.iter().filter(|status| **status == Some(200)).count();
    // However it went, it is over.
    let after = Client::try_call(served.address, asks(json!({}), "")).await;
    assert_eq!(after, Some(200));
    (answered, calls.len() - answered, served)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_35_more_clients_than_files_wait_and_none_fails() {
    crate::bed::allow_many_connections();
    let (well, failed, _served) = crowd(&[]).await;
    figure!(
        35,
        "200 clients, 128 files: {well} answered, {failed} failed"
    );
    assert_eq!(failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_35_control_without_a_limit_of_connections_files_run_out() {
    crate::bed::allow_many_connections();
    let (well, failed, served) = crowd(&["--limit_concurrency", "10000"]).await;
    figure!(
        35,
        "the control, connections without a limit: {well} answered, {failed} failed"
    );
    assert!(
        failed > 0 || served.log().contains("cannot accept"),
        "{well}"
    );
}

/// A form with a file of so many bytes.
fn upload(bytes: usize) -> String {
    let body = format!(
        "--B\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\ncontent-disposition: form-data; \
         name=\"file\"; filename=\"a.wav\"\r\n\r\n{}\r\n--B--\r\n",
        "x".repeat(bytes)
    );
    let headers = format!("authorization: Bearer {MASTER_KEY}\r\n");
    post_with("/v1/audio/transcriptions", &body, &headers)
        .replace("application/json", "multipart/form-data; boundary=B")
}

#[tokio::test(flavor = "multi_thread")]
async fn row_35_a_disk_that_takes_nothing_fails_the_upload_and_nobody_else() {
    let (mock, port) = upstream();
    mock.script(vec![Answer {
        json: Some(json!({"text": "hello"})),
        ..Answer::default()
    }]);
    // The control: a disk that takes it.
    for (folder, large) in [("/proc/none", 500), ("/tmp", 200)] {
        let config = group(&[port], "", "num_retries: 0", "");
        let around = Around {
            variables: vec![("TMPDIR", folder.to_owned())],
            ..Around::default()
        };
        let served = Served::start_in(&config, &[], around).await;
        let mut statuses = Vec::new();
        for bytes in [3 << 20, 1 << 10] {
            let reply = Client::open(served.address).await.call(upload(bytes)).await;
            statuses.push(reply.status);
        }
        figure!(
            35,
            "uploads of 3 MiB and 1 KiB with TMPDIR={folder}: {statuses:?}"
        );
        assert_eq!(statuses, [large, 200]);
        served.lives().await;
    }
}

/// The system's clock, its names and its disk, as the test tells them: `None` without a C compiler. What a file of the
/// folder says is so: `clock`, seconds to add; `names`, `fail` or `hang` for every name below `.test`; `disk`, `full`.
struct Tricks(tempfile::TempDir);

impl Tricks {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/faults/tricks.c");
        let built = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("tricks.so"))
            .arg(source)
            .status();
        if !built.is_ok_and(|status| status.success()) {
            println!("skipped: no C compiler on this machine (apt-get install gcc)");
            return None;
        }
        Some(Self(folder))
    }

    fn around(&self) -> Around {
        let folder = self.0.path().display().to_string();
        Around {
            variables: vec![
                ("LD_PRELOAD", format!("{folder}/tricks.so")),
                ("TRICKS", folder),
            ],
            ..Around::default()
        }
    }

    fn play(&self, name: &str, what: &str) {
        let draft = self.0.path().join("draft");
        std::fs::write(&draft, what).unwrap();
        std::fs::rename(draft, self.0.path().join(name)).unwrap();
    }
}

/// What is kept on the disk is not kept while it is full, what is logged is lost, and what needs it fails; nobody else
/// notices, and all is well when there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn row_35_a_full_disk_costs_what_goes_there_and_nothing_else() {
    let Some(tricks) = Tricks::new() else { return };
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let kept = tricks.0.path().join("kept");
    let config = group(&[port], "", "num_retries: 0", "")
        + &format!(
            "litellm_settings: {{json_logs: true, cache: true, cache_params: {{type: disk, disk_cache_dir: \"{}\"}}}}\n",
            kept.display()
        );
    let mut around = tricks.around();
    let temporary = tricks.0.path().display().to_string();
    around.variables.push(("TMPDIR", temporary));
    let served = Served::start_in(&config, &[], around).await;
    let logged = || served.log().matches("\"route\":\"/v1/chat/").count();
    // Calls of which each is asked twice: how many went upstream; and an upload.
    let look = async |name: &str| {
        let before = mock.reached();
        for user in ["a", "a", "b", "b"] {
            let call = asks(json!({"user": format!("{name}-{user}")}), "");
            let reply = Client::open(served.address).await.call(call).await;
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        }
        let asked = mock.reached() - before;
        let reply = Client::open(served.address)
            .await
            .call(upload(3 << 20))
            .await;
        served.lives().await;
        (asked, reply.status)
    };
    // The control: a disk that takes it.
    let before = look("before").await;
    assert_eq!(before, (2, 200));
    becomes("it is logged", || logged() == 4).await;
    tricks.play("disk", "full");
    let (asked_meanwhile, uploaded_meanwhile) = look("full").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(logged(), 4, "{}", served.log());
    tricks.play("disk", "");
    let (asked_after, uploaded_after) = look("after").await;
    becomes("it is logged again", || logged() >= 8).await;
    figure!(
        35,
        "a full disk: 4 of 4 calls answered, {asked_meanwhile} of them upstream, an upload of 3 MiB {uploaded_meanwhile}; \
         with room again {asked_after}, {uploaded_after}"
    );
    assert_eq!((asked_meanwhile, uploaded_meanwhile), (4, 500));
    assert_eq!((asked_after, uploaded_after), (2, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_35_a_clock_that_jumps_moves_no_limit_and_no_timeout() {
    let Some(tricks) = Tricks::new() else { return };
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let router = "num_retries: 0, disable_cooldowns: true, optional_pre_call_checks: [enforce_model_rate_limits]";
    let config = group(
        &[port],
        ", rpm: 3, max_parallel_requests: 9, timeout: 0.5",
        router,
        "",
    );
    let served = Served::start_in(&config, &[], tricks.around()).await;
    let mut client = Client::open(served.address).await;
    for _ in 0..2 {
        assert_eq!(client.call(asks(json!({}), "")).await.status, 200);
    }
    let day = |head: &str| {
        head.lines()
            .find(|line| line.starts_with("date: "))
            .map(str::to_owned)
    };
    let before = day(&client.call(get("/health/liveliness")).await.head);
    mock.script(vec![well(60_000)]);
    let begun = Instant::now();
    client.send(asks(json!({}), "")).await;
    mock.until_reached(3).await;
    tricks.play("clock", "172800");
    let late = client.reply().await;
    let took = begun.elapsed();
    assert_eq!(late.status, 408, "{}", late.text());
    assert!(
        took >= Duration::from_millis(500) && took < Duration::from_secs(2),
        "{took:?}"
    );
    tricks.play("clock", "-172800");
    let refused = client.call(asks(json!({}), "")).await;
    assert_eq!(
        refused.status,
        429,
        "the minute is not over: {}",
        refused.text()
    );
    // The control: it has seen the clock jump. The header is renewed once a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let after = day(&client.call(get("/health/liveliness")).await.head);
    assert!(before.is_some() && before != after, "{before:?} {after:?}");
    figure!(
        35,
        "a clock two days on and four back: timeout of 500ms after {took:.1?}, the limit of a minute stands"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn row_35_names_that_are_not_found_cost_the_client_nothing_and_come_back() {
    let Some(tricks) = Tricks::new() else { return };
    let (named, port) = upstream();
    let (other, other_port) = upstream();
    for mock in [&named, &other] {
        mock.script(vec![well(0)]);
    }
    let router = "num_retries: 20, retry_after: 0, disable_cooldowns: true, retry_budget: false";
    let config = group(&[port, other_port], "", router, "")
        .replace(&format!("127.0.0.1:{port}"), &format!("up.test:{port}"));
    tricks.play("names", "fail");
    let served = Served::start_in(&config, &[], tricks.around()).await;
    let calls = async || {
        let mut client = Client::open(served.address).await;
        let (mut well, mut slowest) = (0, Duration::ZERO);
        for _ in 0..40 {
            let begun = Instant::now();
            well += usize::from(client.call(asks(json!({}), "")).await.status == 200);
            slowest = slowest.max(begun.elapsed());
        }
        (well, slowest)
    };
    let (well_meanwhile, slowest) = calls().await;
    assert_eq!(named.reached(), 0);
    tricks.play("names", "");
    let (well_after, _) = calls().await;
    let share = named.reached();
    figure!(
        35,
        "a name of 1 of 2 that is not found: {well_meanwhile}/40 answered, slowest {slowest:.1?}; found again: \
         {share} of {well_after} calls"
    );
    assert_eq!((well_meanwhile, well_after), (40, 40));
    assert!(share > 5, "{share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_35_names_that_hang_run_into_the_timeout_and_hold_up_no_other_name() {
    let Some(tricks) = Tricks::new() else { return };
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let two = |timeout: &str| {
        let one = group(
            &[port],
            timeout,
            "num_retries: 0, disable_cooldowns: true",
            "",
        )
        .replace("127.0.0.1", "slow.test");
        let other = format!(
            "  - model_name: victim\n    litellm_params: {{model: openai/gpt-4o, api_base: \"http://fast.test:{port}/v1\", \
             api_key: k}}\nrouter_settings:"
        );
        one.replacen("router_settings:", &other, 1)
    };
    tricks.play("names", "hang");
    let served = Served::start_in(&two(", timeout: 0.5"), &[], tricks.around()).await;
    // More than there are threads for such things.
    let hung = (0..60).map(|_| Client::try_call(served.address, asks(json!({}), "")));
    let hung = tokio::spawn(futures_util::future::join_all(hung.collect::<Vec<_>>()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    let victim = asks(json!({"model": "victim"}), "");
    assert_eq!(Client::try_call(served.address, victim).await, Some(200));
    let took = begun.elapsed();
    let hung = hung.await.unwrap();
    assert!(hung.iter().all(|status| *status == Some(408)), "{hung:?}");
    figure!(
        35,
        "60 calls to a name that hangs: 408 for all; another name's call after {took:.1?}"
    );
    assert!(took < Duration::from_secs(1), "{took:?}");

    // The control: without a timeout it is waited for.
    let served = Served::start_in(&two(""), &[], tricks.around()).await;
    let waited = Client::try_call(served.address, asks(json!({}), ""));
    assert!(
        tokio::time::timeout(Duration::from_secs(2), waited)
            .await
            .is_err()
    );
}
