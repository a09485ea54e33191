//! 2 ROUTE. Model name -> ordered targets: aliases, wildcards, weights, `order`, tags, fallbacks. Pure:
//! the clock and the dice are arguments.

/// The model groups of a configuration, ready to be asked.
#[derive(Default)]
pub struct Routes {}
