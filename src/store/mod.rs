//! What several processes share: [`redis`] is the one connection to Redis, [`limits`] the limits of deployments that are
//! counted there.

pub mod limits;
pub mod redis;
