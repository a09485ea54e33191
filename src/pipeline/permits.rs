//! Calls in flight at a deployment: `max_parallel_requests`. A permit is held until the body ends and comes back when
//! it is dropped, however the call ends.

use crate::route::Deployment;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits of all deployments that have a limit, by id; they outlive a reload.
#[derive(Default)]
pub(super) struct Permits(Mutex<HashMap<String, (u32, Arc<Semaphore>)>>);

impl Permits {
    /// Waits for a permit; `None` when the deployment has no limit. Cancel safe.
    pub(super) async fn acquire(&self, deployment: &Deployment) -> Option<OwnedSemaphorePermit> {
        let most = deployment.max_parallel?;
        let semaphore = {
            let mut all = self.0.lock();
            match all.get(deployment.id()) {
                Some((limit, semaphore)) if *limit == most => semaphore.clone(),
                // A changed limit begins anew: calls in flight keep the permits they have.
                _ => {
                    let semaphore = Arc::new(Semaphore::new(most as usize));
                    all.insert(deployment.id().to_owned(), (most, semaphore.clone()));
                    semaphore
                }
            }
        };
        semaphore.acquire_owned().await.ok()
    }
}
