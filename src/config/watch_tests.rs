#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::config::load;
use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const ONE: &str = "model_list: [{model_name: one, litellm_params: {model: openai/x}}]\n";
const TWO: &str = "model_list: [{model_name: two, litellm_params: {model: openai/x}}]\n";

struct Bench {
    reloader: Arc<Reloader>,
    metrics: Arc<Metrics>,
    in_force: watch::Receiver<(String, u64)>,
}

/// A reloader whose swap is a watch channel of the first model's name.
fn bench(path: &Path) -> Bench {
    let (config, _) = load(path, &|_| None).unwrap();
    let name = |config: &Config| config.model_list[0].model_name.clone();
    let (swap, in_force) = watch::channel((name(&config), 1));
    let metrics = Arc::new(Metrics::default());
    let apply = move |config: Config, version| {
        if name(&config) == "unroutable" {
            return Err("no such provider".to_owned());
        }
        swap.send_replace((name(&config), version));
        Ok(())
    };
    let reloader = Reloader::new(path.to_owned(), &config, metrics.clone(), |_| None, apply);
    Bench {
        reloader: Arc::new(reloader),
        metrics,
        in_force,
    }
}

/// Writes a file whose time of writing tells nothing: long ago, the same for all.
fn write_unnoticed(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))
        .unwrap();
}

/// Reloads while a file is written again and again: before every further reading, `times` times.
fn reload_while(bench: &Bench, times: usize, write: impl Fn(usize)) -> Reload {
    let written = Cell::new(0);
    bench.reloader.reload_waiting(&|_| {
        if written.get() < times {
            write(written.get());
            written.set(written.get() + 1);
        }
    })
}

/// A whole configuration, as long as any other of these.
fn numbered(number: usize) -> String {
    ONE.replace("one", &format!("n{number:02}"))
}

#[test]
fn a_file_that_still_changes_is_not_taken_although_its_size_and_time_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    write_unnoticed(&path, &numbered(99));
    let reload = reload_while(&bench, 5, |n| write_unnoticed(&path, &numbered(n)));
    // One swap, of the last text: none of the others was ever in force.
    assert_eq!(reload, Reload::Applied(2));
    assert_eq!(*bench.in_force.borrow(), ("n04".to_owned(), 2));
}

#[test]
fn a_half_written_file_is_neither_taken_nor_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    let halves = ["model_list:", "model_list: [{model_na", TWO];
    write_unnoticed(&path, "");
    let reload = reload_while(&bench, halves.len(), |n| write_unnoticed(&path, halves[n]));
    assert_eq!(reload, Reload::Applied(2));
    assert_eq!(bench.in_force.borrow().0, "two");
    assert!(!bench.metrics.render().contains("result=\"rejected\""));
}

#[test]
fn a_newly_included_file_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (path, included) = (dir.path().join("config.yaml"), dir.path().join("new.yaml"));
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    write_unnoticed(&path, "include: [new.yaml]\n");
    let reload = reload_while(&bench, 5, |n| write_unnoticed(&included, &numbered(n)));
    assert_eq!(reload, Reload::Applied(2));
    assert_eq!(bench.in_force.borrow().0, "n04");
    assert!(bench.reloader.files().contains(&included));
}

#[test]
fn files_that_never_rest_are_refused_and_taken_once_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    let writing = |n: usize| write_unnoticed(&path, &numbered(n % 100));
    let Reload::Rejected(reason) = reload_while(&bench, usize::MAX, writing) else {
        panic!("what never rests is not taken");
    };
    assert!(reason.contains("being written"), "{reason}");
    assert_eq!(*bench.in_force.borrow(), ("one".to_owned(), 1));
    let shown = bench.metrics.render();
    assert!(shown.contains("gateway_config_reloads_total{result=\"rejected\"} 1.0"));
    assert!(bench.reloader.looks_changed(), "it is looked at again");
    write_unnoticed(&path, TWO);
    assert_eq!(reload_while(&bench, 0, |_| ()), Reload::Applied(2));
}

#[test]
fn a_file_that_was_written_just_now_is_let_be_unless_its_clock_is_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    // Nobody waits here, so that the file stays young for all readings.
    fs::write(&path, TWO).unwrap();
    assert!(matches!(
        reload_while(&bench, 0, |_| ()),
        Reload::Rejected(_)
    ));
    let ahead = SystemTime::now() + Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(ahead).unwrap();
    assert_eq!(reload_while(&bench, 0, |_| ()), Reload::Applied(2));
}

async fn until(in_force: &mut watch::Receiver<(String, u64)>, name: &str) {
    let seen = in_force.wait_for(|(seen, _)| seen == name);
    tokio::time::timeout(Duration::from_secs(20), seen)
        .await
        .expect("the change is seen")
        .unwrap();
}

fn spawn(bench: &Bench) -> CancellationToken {
    let stop = CancellationToken::new();
    tokio::spawn(run(bench.reloader.clone(), stop.clone()));
    stop
}

#[test]
fn a_refused_configuration_changes_nothing_and_is_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    assert_eq!(bench.reloader.reload(), Reload::Unchanged);

    // Empty is valid, and what a file is for a moment while it is rewritten.
    for bad in ["model_list: [", "", &TWO.replace("two", "unroutable")] {
        fs::write(&path, bad).unwrap();
        assert!(matches!(bench.reloader.reload(), Reload::Rejected(_)));
        assert!(matches!(bench.reloader.reload(), Reload::Rejected(_)));
        assert_eq!(*bench.in_force.borrow(), ("one".to_owned(), 1));
    }
    fs::write(&path, TWO).unwrap();
    assert_eq!(bench.reloader.reload(), Reload::Applied(2));
    assert_eq!(*bench.in_force.borrow(), ("two".to_owned(), 2));

    let text = bench.metrics.render();
    assert!(
        text.contains("gateway_config_reloads_total{result=\"rejected\"} 3.0"),
        "{text}"
    );
    assert!(text.contains("gateway_config_reloads_total{result=\"applied\"} 1.0"));
    assert!(text.contains("gateway_config_version 2.0"));
}

#[tokio::test]
async fn a_save_by_renaming_and_a_change_of_an_included_file_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    let included = dir.path().join("sub").join("models.yaml");
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(&included, ONE).unwrap();
    fs::write(&path, "include: [sub/models.yaml]\n").unwrap();
    let mut bench = bench(&path);
    let stop = spawn(&bench);
    tokio::task::yield_now().await;

    let draft = dir.path().join("sub").join("draft~");
    fs::write(&draft, TWO).unwrap();
    fs::rename(&draft, &included).unwrap();
    until(&mut bench.in_force, "two").await;

    fs::write(&path, ONE.replace("one", "three")).unwrap();
    until(&mut bench.in_force, "three").await;
    stop.cancel();
}

#[cfg(unix)]
#[tokio::test]
async fn a_swapped_link_as_kubernetes_does_it_is_seen() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    for (version, text) in [("..v1", ONE), ("..v2", TWO)] {
        fs::create_dir(dir.path().join(version)).unwrap();
        fs::write(dir.path().join(version).join("config.yaml"), text).unwrap();
    }
    symlink("..v1", dir.path().join("..data")).unwrap();
    let path = dir.path().join("config.yaml");
    symlink("..data/config.yaml", &path).unwrap();
    let mut bench = bench(&path);
    let stop = spawn(&bench);
    tokio::task::yield_now().await;

    symlink("..v2", dir.path().join("..data_tmp")).unwrap();
    fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
    until(&mut bench.in_force, "two").await;
    stop.cancel();
}

#[test]
fn a_thousand_reloads_half_of_them_invalid_leave_the_last_valid_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, ONE).unwrap();
    let bench = bench(&path);
    let applied = AtomicUsize::new(0);
    for i in 0..1000 {
        let text = if i % 2 == 0 {
            ONE.replace("one", &format!("m{i}"))
        } else {
            "x: [".to_owned()
        };
        fs::write(&path, text).unwrap();
        if matches!(bench.reloader.reload(), Reload::Applied(_)) {
            applied.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert_eq!(applied.into_inner(), 500);
    assert_eq!(bench.in_force.borrow().0, "m998");
}
