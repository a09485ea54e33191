//! Health checks that nobody waits for: `background_health_checks` asks every deployment each
//! `health_check_interval`. What they find is what `/health` shows, and what routing goes by where
//! `enable_health_check_routing` says so. Liveness never waits for them, nor they for anything of it.

use super::{Gateway, health};
use crate::route::rules::HEALTH_CHECK_INTERVAL;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How soon a configuration that switches them on is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// Checks until `stop`.
pub async fn run(gateway: Arc<Gateway>, stop: CancellationToken) {
    stop.run_until_cancelled(async {
        loop {
            let (on, interval) = {
                let snapshot = gateway.engine.snapshot.load();
                let general = &snapshot.config.general;
                let interval = general
                    .health_check_interval
                    .unwrap_or(HEALTH_CHECK_INTERVAL);
                (general.background_health_checks, interval)
            };
            if on {
                health::check_all(&gateway).await;
                tokio::time::sleep(interval.max(LOOK)).await;
            } else {
                gateway.checked.store(None);
                tokio::time::sleep(LOOK).await;
            }
        }
    })
    .await;
}
