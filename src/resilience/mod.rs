//! 3 ADMIT. What keeps one bad upstream from hurting everybody: pure state machines, `now` and the dice are arguments.

pub mod backoff;
pub mod cooldown;
pub mod retry;

pub use cooldown::{Cooldown, CooldownRules};
pub use retry::RetryRules;
