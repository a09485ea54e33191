//! What several processes share: [`address`] says where the Redis is, [`connect`] opens a connection, [`redis`] is the one
//! way to it, and [`limits`] the limits of deployments that are counted there.

pub mod address;
pub mod connect;
pub mod limits;
pub mod redis;
