//! Hot reload of the program itself, under load: the file is saved by renaming, swapped by links, half of the time
//! to something invalid, SIGHUP or not, and no request fails.

use super::bed::{Served, asked, becomes, config, upstream};
use super::client::{Client, chat, get};
use super::faults::{figure, longer};
use rustix::process::Signal;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The configuration, with a model of this number beside the one that is asked for.
fn numbered(port: u16, number: usize) -> String {
    let more = format!(
        "  - model_name: added-{number}\n    litellm_params: {{model: openai/gpt-4o, api_key: k, \
         api_base: \"http://127.0.0.1:{port}/v1\"}}\n"
    );
    config(port, "").replacen("litellm_settings:", &format!("{more}litellm_settings:"), 1)
}

/// Invalid, each in its own way.
fn invalid(number: usize) -> &'static str {
    [
        "model_list: [",
        "model_list: [{model_name: m}]\n",
        "include: [gone.yaml]\n",
        "- 1\n",
    ][number % 4]
}

/// Whether the configuration with this number is in force.
async fn in_force(served: &Served, number: usize) -> bool {
    let models = Client::open(served.address)
        .await
        .call(get("/v1/models"))
        .await;
    assert_eq!(models.status, 200, "{}", models.text());
    models.text().contains(&format!("\"added-{number}\""))
}

/// Well within the time after which files are looked at although no event came.
const SEEN: Duration = Duration::from_secs(7);

async fn until_in_force(served: &Served, number: usize, signal: bool) {
    let seen = async {
        while !in_force(served, number).await {
            if signal {
                served.signal(Signal::HUP);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SEEN, seen)
        .await
        .unwrap_or_else(|_| panic!("configuration {number} is never in force"));
}

/// Saves a file as editors do.
fn save(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(&draft, path).unwrap();
}

/// Swaps the file as Kubernetes does: a link to a directory is renamed over another one.
fn swap(directory: &Path, number: usize, text: &str) {
    let version = format!("..v{number}");
    std::fs::create_dir(directory.join(&version)).unwrap();
    std::fs::write(directory.join(&version).join("config.yaml"), text).unwrap();
    symlink(&version, directory.join("..data_tmp")).unwrap();
    std::fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
}

/// Clients that ask again and again; every answer must be one.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(served: &Served) -> Self {
        let (over, answered) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let client = |number: usize| {
            let (over, answered, address) = (over.clone(), answered.clone(), served.address);
            tokio::spawn(async move {
                let streamed = number.is_multiple_of(2);
                let request = chat("load-chunks-5-gap-2-delay-2", streamed);
                let mut client = Client::open(address).await;
                while !over.load(Ordering::Relaxed) {
                    let reply = client.call(&request).await;
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    assert!(
                        !streamed || reply.text().ends_with("data: [DONE]\n\n"),
                        "{}",
                        reply.text()
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let clients = (0..8).map(client).collect();
        Self {
            over,
            answered,
            clients,
        }
    }

    async fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("every request is answered");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

/// `FILE_RELOADS=1000` makes a thousand.
fn reloads() -> usize {
    asked("FILE_RELOADS", 20 * longer().min(50))
}

#[tokio::test(flavor = "multi_thread")]
async fn row_31_edits_and_signals_under_load_fail_no_request() {
    let (_mock, port) = upstream();
    let served = Served::start(&numbered(port, 0)).await;
    let load = Load::start(&served);
    for number in (2..=reloads()).step_by(2) {
        save(&served.config, invalid(number / 2));
        if number % 4 == 0 {
            served.signal(Signal::HUP);
        }
        assert!(
            in_force(&served, number - 2).await,
            "an invalid configuration changes nothing"
        );
        save(&served.config, &numbered(port, number));
        until_in_force(&served, number, number % 4 == 0).await;
        assert!(
            !in_force(&served, number - 2).await,
            "a configuration is replaced, not added to"
        );
    }
    save(&served.config, invalid(0));
    let mut metrics = String::new();
    for _ in 0..1000 {
        metrics = Client::open(served.address)
            .await
            .call(get("/metrics"))
            .await
            .text();
        if metrics.contains("gateway_config_reloads_total{result=\"rejected\"}") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        metrics.contains("gateway_config_reloads_total{result=\"rejected\"}"),
        "{metrics}"
    );
    assert!(
        !metrics.contains("litellm_proxy_failed_requests_metric_total{"),
        "{metrics}"
    );
    let answered = load.end().await;
    figure!(
        31,
        "{} edits and signals under load: {answered} requests, 0 failed",
        reloads()
    );
    assert!(answered > 0);
}

/// Writes a file in its place, in two steps: empty, then the text.
async fn rewrite(path: &Path, text: &str) {
    std::fs::write(path, "").unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    std::fs::write(path, text).unwrap();
}

/// An empty file is a configuration without models: whoever reads one that is being written must not take it for such.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_rewritten_is_not_taken_for_an_empty_one() {
    let (_mock, port) = upstream();
    let served = Served::start(&numbered(port, 0)).await;
    let load = Load::start(&served);
    for number in 1..=10 {
        let signals = async {
            for _ in 0..20 {
                served.signal(Signal::HUP);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let text = numbered(port, number);
        tokio::join!(rewrite(&served.config, &text), signals);
        until_in_force(&served, number, false).await;
    }
    assert!(load.end().await > 0);
}

/// Every part of the file is a configuration of its own: whoever reads one takes away models.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_file_is_not_taken_for_the_whole() {
    let (_mock, port) = upstream();
    let named = |name: &str| {
        format!(
            "  - model_name: {name}\n    litellm_params: {{model: openai/gpt-4o, api_key: k, \
             api_base: \"http://127.0.0.1:{port}/v1\"}}\n"
        )
    };
    let included = |number: usize| {
        let parts: Vec<String> = (0..4)
            .map(|part| named(&format!("part-{part}-of-{number}")))
            .collect();
        parts
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    let more = directory.path().join("more.yaml");
    std::fs::write(&path, format!("include: [more.yaml]\n{}", config(port, ""))).unwrap();
    std::fs::write(&more, format!("model_list:\n{}", included(0).concat())).unwrap();
    let served = Served::at(directory, path).await;
    for number in 1..=8 {
        let writing = async {
            let parts = included(number);
            let mut file = std::fs::File::create(&more).unwrap();
            let first = format!("model_list:\n{}", parts[0]);
            file.write_all(first.as_bytes()).unwrap();
            for part in &parts[1..] {
                tokio::time::sleep(Duration::from_millis(20)).await;
                file.write_all(part.as_bytes()).unwrap();
            }
        };
        let signals = async {
            for _ in 0..40 {
                served.signal(Signal::HUP);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let seeing = async {
            let last = format!("\"part-3-of-{number}\"");
            loop {
                let models = Client::open(served.address)
                    .await
                    .call(get("/v1/models"))
                    .await
                    .text();
                let parts = models.matches("\"part-").count();
                assert_eq!(parts, 4, "a part was taken: {models}");
                if models.contains(&last) {
                    return;
                }
            }
        };
        let seen = tokio::time::timeout(SEEN, seeing);
        let ((), (), seen) = tokio::join!(writing, signals, seen);
        assert!(seen.is_ok(), "configuration {number} is never in force");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_links_under_load_fail_no_request() {
    let (_mock, port) = upstream();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    swap(&root, 0, &numbered(port, 0));
    let path = root.join("config.yaml");
    symlink("..data/config.yaml", &path).unwrap();
    let served = Served::at(directory, path).await;
    let load = Load::start(&served);
    for number in (2..=reloads()).step_by(2) {
        swap(&root, number - 1, invalid(number));
        assert!(in_force(&served, number - 2).await);
        swap(&root, number, &numbered(port, number));
        until_in_force(&served, number, false).await;
        std::fs::remove_dir_all(root.join(format!("..v{}", number - 2))).unwrap();
    }
    assert!(load.end().await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_ends_on_the_configuration_it_began_with() {
    let (mock, port) = upstream();
    let served = Served::start(&numbered(port, 0)).await;
    let mut client = Client::open(served.address).await;
    client
        .send(chat("load-chunks-3-gap-400-delay-0", true))
        .await;
    client.until("word0").await;
    // The model that the stream comes from is gone.
    let gone = numbered(port, 1)
        .replace("\"*\"", "another")
        .replace("openai/*", "openai/gpt-4o");
    save(&served.config, &gone);
    until_in_force(&served, 1, false).await;
    client.until("data: [DONE]").await;
    becomes("the stream is over", || mock.left_early() == 0).await;
    let refused = Client::open(served.address)
        .await
        .call(chat("load-chunks-3", true))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text());
}
