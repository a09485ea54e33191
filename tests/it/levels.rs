//! How much is logged is changed while the server runs.

use super::bed::{Served, becomes, config, upstream};
use super::client::{Client, PATIENCE, chat};
use rustix::process::Signal;
use std::time::Duration;

/// Calls until the access log says that it does, or does not.
async fn logged(served: &Served, expected: bool) {
    let change = async {
        loop {
            let before = served.log().matches("\"message\":\"call\"").count();
            served.signal(Signal::HUP);
            let reply = Client::open(served.address)
                .await
                .call(chat("m", false))
                .await;
            assert_eq!(reply.status, 200);
            // The log is written every few milliseconds.
            tokio::time::sleep(Duration::from_millis(100)).await;
            if (served.log().matches("\"message\":\"call\"").count() > before) == expected {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, change)
        .await
        .expect("the level changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_of_a_module_changes_with_the_configuration() {
    let (_mock, port) = upstream();
    let with = |level: &str| {
        let levels = format!("general_settings: {{log_levels: {{\"gateway::access\": {level}}}, ");
        config(port, "").replace("general_settings: {", &levels)
    };
    let served = Served::start(&with("off")).await;
    logged(&served, false).await;
    std::fs::write(&served.config, with("info")).unwrap();
    logged(&served, true).await;
    std::fs::write(&served.config, with("error")).unwrap();
    logged(&served, false).await;
    // What is no level changes nothing.
    std::fs::write(&served.config, with("loud")).unwrap();
    served.signal(Signal::HUP);
    becomes("it is refused", || served.log().contains("is no level")).await;
    logged(&served, false).await;
}
