//! `rpm` and `tpm` of deployments, counted in Redis for all processes together: one script for each decision, by Redis'
//! own clock. The window is the same ring as [`crate::resilience::quota`]'s, so that the law is the same: in no minute
//! is more admitted than the limit, and nothing is refused below 99 % of it.
//!
//! Without Redis each process keeps the whole limit by itself: `n` processes admit at most `n` times the limit.

use super::address::Address;
use super::redis::{Guard, Redis, Unavailable, script};
use crate::resilience::Limits;
use crate::resilience::quota::{Kind, Refused};
use redis::Script;
use std::time::Duration;

const SLOTS: u64 = 121;
const SLOT: Duration = Duration::from_millis(500);

/// KEYS: the deployment. ARGV: milliseconds of a slot, slots, requests or -1, tokens or -1, tokens wanted.
/// Gives {1, slot}, or {0, 1 for requests and 2 for tokens, used, milliseconds until there is room}.
const RESERVE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot_ms, slots = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot = math.floor(now / slot_ms)
local limits = {tonumber(ARGV[3]), tonumber(ARGV[4])}
local wanted = {1, tonumber(ARGV[5])}
if limits[2] >= 0 and wanted[2] > limits[2] then wanted[2] = limits[2] end
local all = redis.call('HGETALL', KEYS[1])
local used, counts, stale = {0, 0}, {{}, {}}, {}
for i = 1, #all, 2 do
  local kind = string.sub(all[i], 1, 1) == 'r' and 1 or 2
  local at = tonumber(string.sub(all[i], 2))
  if at <= slot - slots then
    stale[#stale + 1] = all[i]
  else
    local count = tonumber(all[i + 1])
    used[kind] = used[kind] + count
    counts[kind][at] = count
  end
end
if #stale > 0 then redis.call('HDEL', KEYS[1], unpack(stale)) end
for kind = 1, 2 do
  local more = kind == 2 and math.max(wanted[2], 1) or 1
  local over = used[kind] + more - limits[kind]
  if limits[kind] >= 0 and over > 0 then
    local freed = 0
    for at = slot - slots + 1, slot do
      freed = freed + (counts[kind][at] or 0)
      if freed >= over then
        return {0, kind, used[kind], (at + slots) * slot_ms - now}
      end
    end
    return {0, kind, used[kind], slots * slot_ms}
  end
end
redis.call('HINCRBY', KEYS[1], 'r' .. slot, 1)
redis.call('HINCRBY', KEYS[1], 't' .. slot, wanted[2])
redis.call('PEXPIRE', KEYS[1], slots * slot_ms)
return {1, slot, wanted[2], 0}
";

/// KEYS: the deployment. ARGV: the slot, tokens to add or take back, requests to take back. Only where it still counts.
const SETTLE: &str = r"
for kind, more in pairs({t = tonumber(ARGV[2]), r = -tonumber(ARGV[3])}) do
  local field = kind .. ARGV[1]
  local counted = redis.call('HGET', KEYS[1], field)
  if counted and more ~= 0 then
    redis.call('HSET', KEYS[1], field, math.max(0, counted + more))
  end
end
return 1
";

/// The limits that all processes of one Redis share.
pub struct SharedLimits {
    redis: Redis,
    address: Address,
    reserve: Script,
    settle: Script,
}

/// What a call reserved for all processes.
#[derive(Clone, Debug)]
pub struct Reserved {
    slot: i64,
    tokens: u64,
}

impl SharedLimits {
    /// The limits in this Redis.
    ///
    /// # Errors
    /// What is wrong with the address or the roots.
    pub fn new(address: &Address) -> Result<Self, String> {
        Self::guarded(address, Guard::DECISIONS)
    }

    /// The same with other guards than the usual ones.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn guarded(address: &Address, guard: Guard) -> Result<Self, String> {
        Ok(Self {
            redis: Redis::new(address, guard)?,
            address: address.clone(),
            reserve: script(RESERVE),
            settle: script(SETTLE),
        })
    }

    /// Whether these are the limits in this Redis.
    pub fn are_at(&self, address: &Address) -> bool {
        self.address == *address
    }

    /// How often this process had to go on by itself.
    pub fn unavailable(&self) -> u64 {
        self.redis.unavailable()
    }

    /// Reserves a request and so many tokens at a deployment.
    ///
    /// # Errors
    /// When Redis does not answer: then this process decides by itself.
    pub async fn reserve(
        &self,
        deployment: &str,
        limits: Limits,
        tokens: u64,
    ) -> Result<Result<Reserved, Refused>, Unavailable> {
        let or_none = |limit: Option<u64>| limit.map_or(-1, |limit| limit.min(1 << 52) as i64);
        let mut asked = self.reserve.prepare_invoke();
        asked
            .key(key(deployment))
            .arg(SLOT.as_millis() as u64)
            .arg(SLOTS)
            .arg(or_none(limits.requests))
            .arg(or_none(limits.tokens))
            .arg(tokens.min(1 << 52));
        let [admitted, first, second, wait]: [i64; 4] = self.redis.run(&asked).await?;
        if admitted == 1 {
            return Ok(Ok(Reserved {
                slot: first,
                tokens: second.max(0) as u64,
            }));
        }
        let (kind, limit) = if first == 1 {
            (Kind::Requests, limits.requests)
        } else {
            (Kind::Tokens, limits.tokens)
        };
        Ok(Err(Refused {
            kind,
            limit: limit.unwrap_or(0),
            used: second.max(0) as u64,
            wait: Duration::from_millis(wait.max(1) as u64),
        }))
    }

    /// The call used so many tokens.
    pub async fn settle(&self, deployment: &str, reserved: Reserved, tokens: u64) {
        let more = tokens.cast_signed() - reserved.tokens.cast_signed();
        let mut asked = self.settle.prepare_invoke();
        asked
            .key(key(deployment))
            .arg(reserved.slot)
            .arg(more)
            .arg(0);
        // Without an answer the estimate stands, until its minute is over.
        let _ = self.redis.run::<i64>(&asked).await;
    }
}

fn key(deployment: &str) -> String {
    format!("gateway:limits:{deployment}")
}
