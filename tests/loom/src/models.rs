//! The models.

use crate::Mutex;
use crate::adapt::Target;
use crate::error::{Error, ErrorKind};
use crate::resilience::breaker::{BreakerRules, Failure};
use crate::resilience::bulkhead::Room;
use crate::resilience::cooldown::Failed;
use crate::resilience::gate::{Entry, Permit};
use crate::resilience::retry_budget::RetryBudgetRules;
use crate::resilience::{Breaker, CooldownRules, Gate, Limits, Quota, RetryBudget};
use crate::route::deployment::Prices;
use crate::route::state::InFlight;
use crate::route::{Deployment, Group, State};
use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn deployment() -> Arc<Deployment> {
    Arc::new(Deployment {
        target: Arc::new(Target {
            deployment_id: "one".to_owned(),
        }),
        weight: 0.0,
        rpm: 0.0,
        tpm: 0.0,
        limits: Limits::default(),
        order: None,
        tags: [].into(),
        cooldown_time: None,
        max_parallel: None,
        budget: None,
        max_input_tokens: None,
        region: None,
        prices: Prices::default(),
        state: Arc::new(State::default()),
    })
}

fn room(limit: u32, queue: u32) -> Room {
    Room { limit, queue }
}

/// A place, waited for.
fn place(gate: &Gate, limit: u32) -> Permit {
    match gate.enter(room(limit, 9), 0, None) {
        Entry::In(permit) => permit,
        Entry::Queue(waiting) => block_on(waiting),
        Entry::Full(_) | Entry::TooLate(_) => panic!("there is room in the queue"),
    }
}

/// Calls that come at once, the first ones of their deployment: none may wait for ever.
#[test]
fn no_more_calls_are_in_flight_than_there_are_places() {
    loom::model(|| {
        let gate = Gate::default();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let call = |gate: &Gate, in_flight: &AtomicUsize| {
            let permit = place(gate, 1);
            let others = in_flight.fetch_add(1, Ordering::SeqCst);
            assert_eq!(others, 0, "two calls where one is allowed");
            in_flight.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
        };
        let (gate_there, in_flight_there) = (gate.clone(), in_flight.clone());
        let other = thread::spawn(move || call(&gate_there, &in_flight_there));
        call(&gate, &in_flight);
        other.join().unwrap();
        assert_eq!(gate.load(), (0, 0));
    });
}

/// A deployment may get another limit while calls are in flight: they end, and so does who comes after them.
#[test]
fn a_changed_limit_holds_nobody_up() {
    loom::model(|| {
        let gate = Gate::default();
        let there = gate.clone();
        let other = thread::spawn(move || drop(place(&there, 2)));
        drop(place(&gate, 1));
        other.join().unwrap();
        drop(place(&gate, 1));
        assert_eq!(gate.load(), (0, 0));
    });
}

/// A call that waits leaves at the moment at which it is let in: its place is not lost.
#[test]
fn who_leaves_the_line_takes_no_place_along() {
    loom::model(|| {
        let gate = Gate::default();
        let inside = place(&gate, 1);
        let Entry::Queue(waiting) = gate.enter(room(1, 9), 0, None) else {
            panic!("there is no room");
        };
        let leaving = thread::spawn(move || drop(inside));
        drop(waiting);
        leaving.join().unwrap();
        assert_eq!(gate.load(), (0, 0));
        drop(place(&gate, 1));
    });
}

/// Whoever finds no room and may not wait is told so, and takes nothing.
#[test]
fn who_may_not_wait_is_refused_and_holds_nothing() {
    loom::model(|| {
        let gate = Gate::default();
        let enter = |gate: &Gate| match gate.enter(room(1, 0), 0, None) {
            Entry::In(permit) => {
                drop(permit);
                true
            }
            Entry::Full(_) => false,
            Entry::Queue(_) | Entry::TooLate(_) => panic!("nobody waits here"),
        };
        let there = gate.clone();
        let other = thread::spawn(move || enter(&there));
        let here = enter(&gate);
        let there = other.join().unwrap();
        assert!(here || there, "one of two gets in");
        assert_eq!(gate.load(), (0, 0));
    });
}

/// A breaker that is half-open: of two calls at once one probes.
#[test]
fn one_call_probes() {
    let now = Instant::now();
    loom::model(move || {
        let rules = BreakerRules::default();
        let breaker = Arc::new(Mutex::new(Breaker::default()));
        for _ in 0..rules.consecutive_failures {
            let pass = breaker.lock().begin(now).unwrap();
            breaker.lock().failed(now, pass, &rules, Failure::default());
        }
        let later = now + Duration::from_secs(60);
        let there = breaker.clone();
        let other = thread::spawn(move || there.lock().begin(later));
        let here = breaker.lock().begin(later);
        let there = other.join().unwrap();
        assert!(here.is_some() ^ there.is_some(), "{here:?} {there:?}");
        let probe = here.or(there).unwrap();
        breaker.lock().succeeded(later, probe, &rules);
        assert!(breaker.lock().begin(later).is_some());
    });
}

/// The last request of a minute goes to one of two calls.
#[test]
fn a_quota_is_not_given_twice() {
    let now = Instant::now();
    loom::model(move || {
        let limits = Limits {
            requests: Some(1),
            tokens: None,
        };
        let quota = Arc::new(Mutex::new(Quota::default()));
        let there = quota.clone();
        let other = thread::spawn(move || there.lock().reserve(now, limits, 1).is_ok());
        let here = quota.lock().reserve(now, limits, 1).is_ok();
        assert!(here ^ other.join().unwrap());
        assert_eq!(quota.lock().used(now).0, 1);
    });
}

/// So does the last retry of a budget.
#[test]
fn a_retry_budget_is_not_overdrawn() {
    let now = Instant::now();
    loom::model(move || {
        let rules = RetryBudgetRules {
            ratio: 0.0,
            floor: 1,
        };
        let budget = Arc::new(Mutex::new(RetryBudget::default()));
        let there = budget.clone();
        let other = thread::spawn(move || there.lock().withdraw(now, &rules));
        let here = budget.lock().withdraw(now, &rules);
        assert!(here ^ other.join().unwrap());
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
    let mut cooldown = deployment.state.cooldown.lock();
    cooldown.failed(now, &rules, &failed)
}

/// One failure is allowed: of two at once each counts, so that exactly one sends the deployment to cool.
#[test]
fn failures_at_once_are_all_counted() {
    let now = Instant::now();
    loom::model(move || {
        let shared = deployment();
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
        let shared = deployment();
        fail(&shared, now);
        let there = shared.clone();
        let failing = thread::spawn(move || fail(&there, now));
        let group = Group {
            name: "group".to_owned(),
            deployments: vec![shared.clone()],
            state: Arc::default(),
        };
        let (first, second) = (group.healthy(now), group.healthy(now));
        shared.state.cooldown.lock().succeeded(now);
        assert!(first >= second, "it came back");
        assert!(failing.join().unwrap());
        assert_eq!(group.healthy(now), 0);
    });
}

/// Every call that is counted in flight is counted out.
#[test]
fn calls_in_flight_come_back_to_none() {
    loom::model(|| {
        let shared = deployment();
        let there = shared.clone();
        let other = thread::spawn(move || drop(InFlight::start(&there.state)));
        drop(InFlight::start(&shared.state));
        other.join().unwrap();
        assert_eq!(shared.state.in_flight(), 0);
    });
}
