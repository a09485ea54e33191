//! 3 ADMIT. What keeps one bad upstream from hurting everybody: pure state machines, `now` and the dice are arguments.

pub mod backoff;
