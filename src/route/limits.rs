//! What a whole model group may be asked in a minute, as replies tell it.

use super::{Deployment, Group};
use crate::adapt::GroupLimits;
use crate::catalog;
use http::HeaderValue;

impl Group {
    /// Tells every deployment what all of them together may be asked in a minute: their own limits, else those of the
    /// price map, added up.
    pub(super) fn add_up_limits(&self) {
        let all = |own: fn(&Deployment) -> Option<u64>, name: &str| {
            let limits = self.deployments.iter().filter_map(|deployment| {
                let target = &deployment.target;
                own(deployment).or_else(|| {
                    let listed = catalog::find(&target.model, Some(target.provider.name))?;
                    listed.entry.get(name)?.as_u64()
                })
            });
            limits.reduce(u64::saturating_add).map(HeaderValue::from)
        };
        let limits = GroupLimits {
            requests: all(|deployment| deployment.limits.requests, "rpm"),
            tokens: all(|deployment| deployment.limits.tokens, "tpm"),
        };
        for deployment in &self.deployments {
            deployment.target.memo.in_group(&limits);
        }
    }
}
