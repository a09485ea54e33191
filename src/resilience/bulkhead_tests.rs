#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use proptest::prelude::*;

const ROOM: Room = Room { limit: 2, queue: 3 };

fn queued(bulkhead: &mut Bulkhead<u8>, priority: i64, waiter: u8) -> Place {
    match bulkhead.enter(ROOM, priority, None, waiter) {
        Entered::Queued(place) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_more_important_goes_first_and_equals_in_order() {
    let mut bulkhead = Bulkhead::default();
    for _ in 0..2 {
        assert_eq!(bulkhead.enter(ROOM, 0, None, 0), Entered::Now);
    }
    queued(&mut bulkhead, 5, 1);
    queued(&mut bulkhead, 5, 2);
    queued(&mut bulkhead, 0, 3);
    let full = bulkhead.enter(ROOM, 0, None, 4);
    assert!(matches!(full, Entered::Full(_)), "{full:?}");
    let mut order = Vec::new();
    for _ in 0..3 {
        bulkhead.leave(None);
        order.push(bulkhead.next(ROOM.limit).unwrap().1);
    }
    assert_eq!(order, [3, 1, 2]);
}

#[test]
fn who_has_no_time_to_wait_is_told_at_once() {
    let mut bulkhead = Bulkhead::default();
    bulkhead.enter(ROOM, 0, None, 0);
    bulkhead.leave(Some(Duration::from_secs(4)));
    bulkhead.enter(ROOM, 0, None, 0);
    bulkhead.enter(ROOM, 0, None, 0);
    let second = Some(Duration::from_secs(1));
    assert_eq!(
        bulkhead.enter(ROOM, 0, second, 1),
        Entered::TooLate(Duration::from_secs(2))
    );
    let three = Some(Duration::from_secs(3));
    assert!(matches!(
        bulkhead.enter(ROOM, 0, three, 1),
        Entered::Queued(_)
    ));
    assert_eq!(
        bulkhead.enter(ROOM, 0, three, 1),
        Entered::TooLate(Duration::from_secs(4))
    );
}

#[test]
fn nobody_overtakes_those_who_wait() {
    let mut bulkhead = Bulkhead::default();
    bulkhead.enter(ROOM, 0, None, 0);
    bulkhead.enter(ROOM, 0, None, 0);
    queued(&mut bulkhead, 0, 1);
    bulkhead.leave(None);
    let newcomer = bulkhead.enter(ROOM, 0, None, 2);
    assert!(matches!(newcomer, Entered::Queued(_)), "{newcomer:?}");
    assert_eq!(bulkhead.next(ROOM.limit).unwrap().1, 1);
    assert!(bulkhead.next(ROOM.limit).is_none());
}

proptest! {
    /// In every history: the limit and the queue hold, no place is lost, and who waits is let in in the end.
    #[test]
    fn places_are_conserved(steps in prop::collection::vec((0u8..4, 0i64..3, 0usize..8), 1..200), limit in 1u32..4, queue in 0u32..4) {
        let room = Room { limit, queue };
        let mut bulkhead = Bulkhead::default();
        let mut inside = 0u32;
        let mut places: Vec<Place> = Vec::new();
        for (step, priority, which) in steps {
            match step {
                0 | 1 => match bulkhead.enter(room, priority, None, ()) {
                    Entered::Now => inside += 1,
                    Entered::Queued(place) => places.push(place),
                    Entered::Full(_) => prop_assert_eq!(places.len(), queue as usize),
                    Entered::TooLate(_) => prop_assert!(false, "nobody is in a hurry"),
                },
                2 if inside > 0 => {
                    bulkhead.leave(None);
                    inside -= 1;
                }
                _ if !places.is_empty() => {
                    let place = places.swap_remove(which % places.len());
                    prop_assert!(bulkhead.give_up(place));
                }
                _ => {}
            }
            while let Some((place, ())) = bulkhead.next(limit) {
                places.retain(|other| *other != place);
                inside += 1;
            }
            prop_assert_eq!(bulkhead.in_flight(), inside);
            prop_assert_eq!(bulkhead.queued(), places.len());
            prop_assert!(inside <= limit && places.len() <= queue as usize);
            prop_assert!(places.is_empty() || inside == limit, "who waits, waits for room");
        }
        while inside > 0 {
            bulkhead.leave(None);
            inside -= 1;
            if bulkhead.next(limit).is_some() {
                places.pop();
                inside += 1;
            }
        }
        prop_assert!(places.is_empty());
    }
}
