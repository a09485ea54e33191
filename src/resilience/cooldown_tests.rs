use super::*;

fn error(status: u16) -> Error {
    let kind = match status {
        401 => ErrorKind::Authentication,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimit,
        500 => ErrorKind::InternalServer,
        _ => ErrorKind::BadRequest,
    };
    Error::new(kind, "x").status(status)
}

fn fail(
    state: &mut Cooldown,
    now: Instant,
    rules: &CooldownRules,
    status: u16,
    alone: bool,
) -> bool {
    state.failed(
        now,
        rules,
        &Failed {
            error: &error(status),
            retry_after: None,
            own_time: None,
            alone,
            has_fallback: false,
        },
    )
}

#[test]
fn by_default_only_what_no_retry_mends_cools_a_deployment_that_is_alone() {
    let now = Instant::now();
    for (status, cools) in [
        (400, false),
        (401, true),
        (403, false),
        (404, true),
        (408, false),
        (429, false),
        (500, false),
    ] {
        let mut state = Cooldown::default();
        assert_eq!(
            fail(&mut state, now, &CooldownRules::default(), status, true),
            cools,
            "{status}"
        );
        assert_eq!(state.cooling(now).is_some(), cools, "{status}");
    }
}

#[test]
fn a_rate_limit_cools_at_once_where_another_deployment_can_serve() {
    let now = Instant::now();
    let mut state = Cooldown::default();
    assert!(fail(&mut state, now, &CooldownRules::default(), 429, false));
    assert_eq!(state.cooling(now), Some(DEFAULT_TIME));
    assert_eq!(state.cooling(now + DEFAULT_TIME), None);
}

#[test]
fn half_of_a_minute_may_fail() {
    let now = Instant::now();
    let mut state = Cooldown::default();
    for _ in 0..3 {
        state.succeeded(now);
    }
    for _ in 0..3 {
        assert!(!fail(
            &mut state,
            now,
            &CooldownRules::default(),
            500,
            false
        ));
    }
    assert!(fail(&mut state, now, &CooldownRules::default(), 500, false));
    let mut later = Cooldown::default();
    for _ in 0..4 {
        assert!(!fail(
            &mut later,
            now,
            &CooldownRules::default(),
            500,
            false
        ));
    }
    assert!(
        !fail(
            &mut later,
            now + MINUTE,
            &CooldownRules::default(),
            500,
            false
        ),
        "a new minute counts anew"
    );
}

#[test]
fn allowed_fails_are_counted_within_one_cooldown_time() {
    let now = Instant::now();
    let rules = CooldownRules {
        allowed_fails: Some(1),
        time: Some(Duration::from_secs(2)),
        ..CooldownRules::default()
    };
    let mut state = Cooldown::default();
    assert!(!fail(&mut state, now, &rules, 404, false));
    assert!(!fail(
        &mut state,
        now + Duration::from_secs(2),
        &rules,
        404,
        false
    ));
    assert!(fail(
        &mut state,
        now + Duration::from_secs(3),
        &rules,
        404,
        false
    ));
    let mut alone = Cooldown::default();
    for _ in 0..5 {
        assert!(!fail(&mut alone, now, &rules, 429, true));
    }
}

#[test]
fn a_connection_without_a_better_name_never_cools() {
    let now = Instant::now();
    let error = Error::new(ErrorKind::ApiConnection, "x");
    let mut state = Cooldown::default();
    for _ in 0..2000 {
        assert!(!state.failed(
            now,
            &CooldownRules::default(),
            &Failed {
                error: &error,
                retry_after: None,
                own_time: None,
                alone: false,
                has_fallback: false
            },
        ));
    }
}

#[test]
fn the_deployments_own_time_beats_the_upstreams_word() {
    let now = Instant::now();
    let error = error(429);
    let mut state = Cooldown::default();
    let mut failed = Failed {
        error: &error,
        retry_after: Some(Duration::from_secs(30)),
        own_time: None,
        alone: false,
        has_fallback: false,
    };
    assert!(state.failed(now, &CooldownRules::default(), &failed));
    assert_eq!(state.cooling(now), Some(Duration::from_secs(30)));
    failed.own_time = Some(Duration::ZERO);
    assert!(!Cooldown::default().failed(now, &CooldownRules::default(), &failed));
}
