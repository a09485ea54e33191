#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::{Reply, Target};
use crate::cache::KeptBody;
use crate::options::Options;
use std::time::Instant;

const KEY: &str = "team a/..:0123abcd";

fn kept(text: &str) -> Kept {
    let target = Target::resolve("openai/gpt-4o", &Options::default(), &|_| None).unwrap();
    Kept {
        target: Arc::new(target),
        body: KeptBody::Whole(Reply {
            body: text.to_owned().into(),
            usage: None,
            upstream_model: None,
            finish_reason: Some("stop".to_owned()),
        }),
        at: Instant::now(),
    }
}

async fn found(disk: &Disk, key: &str) -> Option<String> {
    match disk.get(key, false).await?.body {
        KeptBody::Whole(reply) => String::from_utf8(reply.body.to_vec()).ok(),
        KeptBody::Stream { .. } => None,
    }
}

#[tokio::test]
async fn an_answer_outlives_the_cache_that_kept_it_until_it_is_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path()).unwrap();
    disk.keep(KEY, &kept("one"), USUAL_TTL);
    disk.keep("beef", &kept("short"), Duration::ZERO);
    let again = Disk::new(folder.path()).unwrap();
    assert_eq!(found(&again, KEY).await.as_deref(), Some("one"));
    assert_eq!(found(&again, "beef").await, None);
    assert_eq!(found(&again, "0123abcd").await, None);
}

#[tokio::test]
async fn a_namespace_is_forgotten_alone_and_nothing_else_of_the_folder_ever() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.txt"), "x").unwrap();
    let disk = Disk::new(folder.path()).unwrap();
    disk.keep(KEY, &kept("one"), USUAL_TTL);
    disk.keep("beef", &kept("two"), USUAL_TTL);
    disk.clear(Some("team a/..")).unwrap();
    assert_eq!(found(&disk, KEY).await, None);
    assert_eq!(found(&disk, "beef").await.as_deref(), Some("two"));
    disk.clear(None).unwrap();
    assert_eq!(found(&disk, "beef").await, None);
    assert!(folder.path().join("own.txt").exists());
    assert!(
        !folder
            .path()
            .parent()
            .unwrap()
            .join("0123abcd.json")
            .exists()
    );
}

#[tokio::test]
async fn what_is_cut_short_or_strange_is_as_if_it_were_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path()).unwrap();
    disk.keep("beef", &kept("two"), USUAL_TTL);
    let path = disk.path("beef", false);
    let text = std::fs::read(&path).unwrap();
    for cut in 0..text.len() {
        std::fs::write(&path, &text[..cut]).unwrap();
        assert_eq!(found(&disk, "beef").await, None, "cut at {cut}");
    }
}

#[test]
fn the_oldest_make_room_and_half_written_files_go() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path()).unwrap();
    let own = folder.path().join(FOLDER);
    std::fs::create_dir(&own).unwrap();
    let made = |name: &str, size: u64, age: Duration| {
        let file = std::fs::File::create(own.join(name)).unwrap();
        // Sparse: it takes no room of the disk's.
        file.set_len(size).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    };
    let hour = Duration::from_secs(3601);
    made("old.json", MOST / 2, 3 * hour);
    made("middle.json", MOST / 2, 2 * hour);
    made("new.json", MOST / 4, hour);
    made(".tmpleft", 1, hour);
    made(".tmpfresh", 1, Duration::ZERO);
    disk.make_room().unwrap();
    let there = |name: &str| own.join(name).exists();
    assert!(!there("old.json") && there("middle.json") && there("new.json"));
    assert!(!there(".tmpleft") && there(".tmpfresh"));
}
