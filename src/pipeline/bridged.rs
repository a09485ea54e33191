//! A call whose dialect the target does not speak, while it is asked in another.

use crate::adapt::dialects::{Bridge, StreamBridge, between};
use crate::adapt::{Reply, Target, mock};
use crate::error::{Error, Result};
use crate::request::Call;
use bytes::{Bytes, BytesMut};

/// The call as it is asked, and the way back.
pub(super) struct Bridged {
    asked: Box<Call>,
    bridge: &'static dyn Bridge,
    stream: Option<Box<dyn StreamBridge>>,
    out: BytesMut,
    ended: bool,
}

impl Bridged {
    /// `None` for a call that the target is asked as it is.
    pub(super) fn of(call: &Call, target: &Target) -> Result<Option<Self>> {
        let own = target.provider.adapter.asks(call, target);
        let carrier = call.op.carrier();
        if own == call.op && own == carrier {
            return Ok(None);
        }
        let to = if mock::is_meant(call, target) {
            carrier
        } else {
            own
        };
        if to == call.op {
            return Ok(None);
        }
        let bridge = between(call.op, to).ok_or_else(|| {
            let provider = target.provider.name;
            let what = format!(
                "`{}` is not supported yet for {provider}",
                call.op.call_type()
            );
            Error::bad_request(what).at(provider, &target.model)
        })?;
        Ok(Some(Self {
            asked: Box::new(bridge.call(call, target)?),
            stream: call.stream.then(|| bridge.stream(call, target)),
            bridge,
            out: BytesMut::new(),
            ended: false,
        }))
    }

    /// The call as it is asked.
    pub(super) fn call(&self) -> &Call {
        &self.asked
    }

    /// A whole reply in the caller's dialect.
    pub(super) fn reply(&self, call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
        self.bridge.reply(call, target, reply)
    }

    /// Events in the caller's dialect; perhaps none yet.
    pub(super) fn tell(&mut self, events: &[u8]) -> Option<Result<Bytes>> {
        let stream = self.stream.as_mut()?;
        let told = stream.push(events, &mut self.out);
        Some(told.map(|()| self.out.split().freeze()))
    }

    /// What the dialect ends with, once.
    pub(super) fn end(&mut self) -> Option<Result<Bytes>> {
        let stream = self.stream.as_mut().filter(|_| !self.ended)?;
        self.ended = true;
        let told = stream.finish(&mut self.out);
        Some(told.map(|()| self.out.split().freeze()))
    }
}
