use super::*;

fn standing(healthy: usize, all: usize) -> Standing {
    Standing {
        healthy,
        all,
        fallbacks: HasFallbacks::default(),
    }
}

#[test]
fn what_another_attempt_can_mend() {
    use ErrorKind as K;
    for (kind, status, worth) in [
        (K::BadRequest, 400, false),
        (K::Authentication, 401, false),
        (K::Api, 403, true),
        (K::NotFound, 404, false),
        (K::Timeout, 408, true),
        (K::Api, 409, true),
        (K::BadRequest, 422, false),
        (K::RateLimit, 429, true),
        (K::InternalServer, 500, true),
    ] {
        let error = Error::new(kind, "x").status(status);
        assert_eq!(is_worthwhile(&error, &standing(1, 1)), worth, "{status}");
        assert!(!is_worthwhile(&error, &standing(0, 1)), "{status}");
    }
    let denied = Error::new(K::Authentication, "x");
    assert!(
        is_worthwhile(&denied, &standing(1, 2)),
        "another deployment has another key"
    );
}

#[test]
fn a_policy_names_an_error_by_its_class_then_its_base() {
    let policy = BTreeMap::from([
        ("BadRequestErrorRetries".to_owned(), 1),
        ("NotFoundErrorRetries".to_owned(), 3),
    ]);
    let rules = RetryRules {
        group_policy: BTreeMap::from([("g".to_owned(), policy)]),
        ..RetryRules::default()
    };
    let error = |kind| Error::new(kind, "x");
    assert_eq!(
        rules.by_policy("g", &error(ErrorKind::ContextWindowExceeded)),
        Some(1)
    );
    assert_eq!(rules.by_policy("g", &error(ErrorKind::NotFound)), Some(3));
    assert_eq!(rules.by_policy("g", &error(ErrorKind::Timeout)), None);
    assert_eq!(rules.by_policy("h", &error(ErrorKind::NotFound)), None);
}

#[test]
fn no_word_raises_retries_above_the_cap() {
    let rules = RetryRules::default();
    assert_eq!(rules.usual(None, None), DEFAULT_RETRIES);
    assert_eq!(rules.usual(Some(u32::MAX), None), MAX_RETRIES);
    assert_eq!(rules.usual(Some(0), Some(7)), 0);
}
