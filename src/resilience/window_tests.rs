use super::*;
use proptest::prelude::*;

const SLOT: Duration = Duration::from_millis(100);

proptest! {
    /// The sums are never less than what was counted in the last `N - 1` slots, never more than in the last `N`.
    #[test]
    fn sums_cover_the_window_and_no_more(steps in prop::collection::vec((0u64..400, 0u64..5), 1..60)) {
        let begun = Instant::now();
        let mut window = Window::<5>::new(SLOT);
        let mut counted: Vec<(Duration, u64)> = Vec::new();
        let mut at = Duration::ZERO;
        for (wait, more) in steps {
            at += Duration::from_millis(wait);
            window.add(begun + at, [more, 1]);
            counted.push((at, more));
            let [sum, _] = window.sums(begun + at);
            let within = |length: Duration| -> u64 {
                counted.iter().filter(|(then, _)| at.saturating_sub(*then) < length).map(|(_, more)| more).sum()
            };
            prop_assert!(sum >= within(SLOT * 4), "{sum} {}", within(SLOT * 4));
            prop_assert!(sum <= within(SLOT * 5), "{sum} {}", within(SLOT * 5));
        }
    }

    #[test]
    fn what_is_taken_back_was_counted_once(amounts in prop::collection::vec((0u64..300, 0u64..9, any::<bool>()), 1..40)) {
        let begun = Instant::now();
        let mut window = Window::<5>::new(SLOT);
        let mut at = Duration::ZERO;
        for (wait, more, back) in amounts {
            at += Duration::from_millis(wait);
            let before = window.sums(begun + at);
            let slot = window.add(begun + at, [more, 1]);
            if back {
                window.take_back(slot, [more, 1]);
                prop_assert_eq!(window.sums(begun + at), before);
            }
        }
    }

    /// `frees` tells when: a moment before, too much is still counted; then, it is gone.
    #[test]
    fn it_tells_when_counts_leave(amounts in prop::collection::vec((0u64..200, 1u64..5), 1..10), part in 1u64..8) {
        let begun = Instant::now();
        let mut window = Window::<5>::new(SLOT);
        let mut at = Duration::ZERO;
        for (wait, more) in amounts {
            at += Duration::from_millis(wait);
            window.add(begun + at, [more, 0]);
        }
        let [sum, _] = window.sums(begun + at);
        let much = part.min(sum).max(1);
        let wait = window.frees(begun + at, 0, much);
        let mut early = window.clone();
        let just_before = wait.saturating_sub(Duration::from_millis(1));
        prop_assert!(sum - early.sums(begun + at + just_before)[0] < much);
        prop_assert!(sum - window.sums(begun + at + wait)[0] >= much);
    }
}

#[test]
fn a_clock_that_is_read_a_little_late_loses_nothing() {
    let begun = Instant::now();
    let mut window = Window::<5>::new(SLOT);
    window.add(begun + SLOT * 3, [1, 0]);
    window.add(begun, [1, 0]);
    assert_eq!(window.sums(begun + SLOT * 3), [2, 0]);
}
