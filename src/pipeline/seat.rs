//! A place among all calls of this process, where these are limited: LiteLLM's admission control of a worker
//! (`max_in_flight_requests_per_worker`, with a queue), or `global_max_parallel_requests` (without one).

use super::Engine;
use super::admit::retry_after;
use super::running::Running;
use crate::config::schema::GeneralSettings;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::resilience::bulkhead::Room;
use crate::resilience::gate::Entry;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// LiteLLM's `admission_queue_timeout_seconds`.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes a place, or waits for one as long as that is worth it.
    pub(super) async fn seat(&self, running: &mut Running) -> Result<()> {
        let (room, timeout, queues) = {
            let snapshot = self.snapshot.load();
            running.default_priority = snapshot.routes.rules.default_priority;
            match room(&snapshot.config.general) {
                None => return Ok(()),
                Some(room) => room,
            }
        };
        let left = running.call.deadline.left(Instant::now().into_std());
        let waits = left.map_or(timeout, |left| left.min(timeout));
        let priority = running.priority().unwrap_or(0);
        let permit = match self.gate.enter(room, priority, Some(waits)) {
            Entry::In(permit) => Some(permit),
            Entry::Full(wait) | Entry::TooLate(wait) => return Err(self.shed(queues, room, wait)),
            Entry::Queue(waiting) => {
                let since = Instant::now();
                let permit = tokio::time::timeout(waits, waiting).await.ok();
                running.waited(since.elapsed());
                permit
            }
        };
        if permit.is_none() {
            return Err(self.shed(queues, room, waits));
        }
        running.seat = permit;
        Ok(())
    }

    fn shed(&self, queues: bool, room: Room, wait: Duration) -> Error {
        self.shed.fetch_add(1, Ordering::Relaxed);
        let error = if queues {
            let (in_flight, queued) = self.gate.load();
            let mut error = Error::new(
                ErrorKind::ServiceUnavailable,
                format!(
                    "Worker at capacity: {in_flight} in-flight, {queued} queued requests. Retry later."
                ),
            );
            error.openai_type = Some("overloaded_error".to_owned());
            error
        } else {
            Error::new(
                ErrorKind::RateLimit,
                format!(
                    "Max parallel request limit reached. Hit Global Limit: Limit={}, current: {}",
                    room.limit,
                    self.gate.load().0
                ),
            )
        };
        retry_after(error.side(Side::Gateway), wait)
    }
}

/// How many there may be, how long they wait, and whether they wait at all.
fn room(general: &GeneralSettings) -> Option<(Room, Duration, bool)> {
    let room = |limit, queue| Room { limit, queue };
    if let Some(limit) = general.max_in_flight_requests_per_worker.filter(|n| *n > 0) {
        let queue = general.max_queued_requests_per_worker.unwrap_or(limit);
        let timeout = general.admission_queue_timeout.unwrap_or(QUEUE_TIMEOUT);
        return Some((room(limit, queue), timeout, true));
    }
    let limit = general.global_max_parallel_requests.filter(|n| *n > 0)?;
    Some((room(limit, 0), Duration::ZERO, false))
}
