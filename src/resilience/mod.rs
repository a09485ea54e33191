//! 3 ADMIT. What keeps one bad upstream from hurting everybody: pure state machines, `now` and the dice are arguments.
//!
//! Of a failure: [`cooldown`] (LiteLLM's rule) or [`breaker`], [`retry`] and [`backoff`] under a [`retry_budget`],
//! [`hedge`]. Of load: [`quota`] (per minute), [`bulkhead`] with its [`gate`] (in flight), [`adaptive`]. [`window`] and
//! [`latency`] are what they count and measure with.

pub mod adaptive;
pub mod backoff;
pub mod breaker;
pub mod bulkhead;
pub mod cooldown;
pub mod gate;
pub mod hedge;
pub mod latency;
pub mod quota;
pub mod retry;
pub mod retry_budget;
pub mod window;

pub use adaptive::{Adaptive, AdaptiveRules};
pub use breaker::{Breaker, BreakerRules};
pub use cooldown::{Cooldown, CooldownRules};
pub use gate::Gate;
pub use hedge::{HedgeBudget, HedgeRules};
pub use quota::{Limits, Quota};
pub use retry::RetryRules;
pub use retry_budget::{RetryBudget, RetryBudgetRules};
