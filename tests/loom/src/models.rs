//! The models.

use crate::Mutex;
use crate::adapt::Target;
use crate::cooldown::Failed;
use crate::error::{Error, ErrorKind};
use crate::permits::Permits;
use crate::resilience::{Cooldown, CooldownRules};
use crate::route::{Deployment, Group};
use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::sync::Arc;
use std::time::Instant;

fn deployment(max_parallel: Option<u32>) -> Deployment {
    Deployment {
        target: Arc::new(Target {
            deployment_id: "one".to_owned(),
        }),
        weight: 0.0,
        rpm: 0.0,
        tpm: 0.0,
        order: None,
        tags: [].into(),
        cooldown_time: None,
        max_parallel,
        state: Arc::new(Mutex::new(Cooldown::default())),
    }
}

/// Calls that come at once, the first ones of their deployment: they must find the same permits, and none may wait for
/// ever.
#[test]
fn no_more_calls_are_in_flight_than_permits() {
    loom::model(|| {
        let permits = Arc::new(Permits::default());
        let in_flight = Arc::new(AtomicUsize::new(0));
        let call = |permits: Arc<Permits>, in_flight: Arc<AtomicUsize>| {
            let permit = block_on(permits.acquire(&deployment(Some(1))));
            assert!(permit.is_some());
            let others = in_flight.fetch_add(1, Ordering::SeqCst);
            assert_eq!(others, 0, "two calls where one is allowed");
            in_flight.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
        };
        let (permits_there, in_flight_there) = (permits.clone(), in_flight.clone());
        let other = thread::spawn(move || call(permits_there, in_flight_there));
        call(permits, in_flight);
        other.join().unwrap();
    });
}

/// A deployment may get another limit while calls are in flight: they end, and so does who comes after them.
#[test]
fn a_changed_limit_holds_nobody_up() {
    loom::model(|| {
        let permits = Arc::new(Permits::default());
        let there = permits.clone();
        let other = thread::spawn(move || {
            drop(block_on(there.acquire(&deployment(Some(2)))));
        });
        drop(block_on(permits.acquire(&deployment(Some(1)))));
        other.join().unwrap();
        assert!(block_on(permits.acquire(&deployment(Some(1)))).is_some());
    });
}

fn fail(deployment: &Deployment, now: Instant) -> bool {
    let rules = CooldownRules {
        allowed_fails: Some(1),
        ..CooldownRules::default()
    };
    let error = Error::new(ErrorKind::RateLimit, "too many");
    let failed = Failed {
        error: &error,
        retry_after: None,
        own_time: None,
        alone: false,
        has_fallback: false,
    };
    deployment.state.lock().failed(now, &rules, &failed)
}

/// One failure is allowed: of two at once each counts, so that exactly one sends the deployment to cool.
#[test]
fn failures_at_once_are_all_counted() {
    let now = Instant::now();
    loom::model(move || {
        let shared = deployment(None);
        let there = shared.clone();
        let other = thread::spawn(move || fail(&there, now));
        let here = fail(&shared, now);
        let there = other.join().unwrap();
        assert!(here ^ there, "here {here}, there {there}");
        assert!(shared.cooling(now).is_some());
    });
}

/// Whoever looks at a group while its deployment begins to cool sees it in use or cooling, and then cooling for good.
#[test]
fn a_deployment_does_not_come_back_while_it_cools() {
    let now = Instant::now();
    loom::model(move || {
        let shared = deployment(None);
        fail(&shared, now);
        let there = shared.clone();
        let failing = thread::spawn(move || fail(&there, now));
        let group = Group {
            name: "group".to_owned(),
            deployments: vec![shared.clone()],
        };
        let (first, second) = (group.healthy(now), group.healthy(now));
        shared.state.lock().succeeded(now);
        assert!(first >= second, "it came back");
        assert!(failing.join().unwrap());
        assert_eq!(group.healthy(now), 0);
    });
}
