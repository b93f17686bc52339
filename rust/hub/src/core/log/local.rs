//! The log of a single hub: each proposed batch has its position in the order at once, without a thread, a queue or a
//! copy.

use orochi_protocol::Timestamp;

use crate::core::batch::{Batch, Order};
use crate::roster::HubId;
use crate::store::{Age, Aging};

pub(in crate::core) struct Local {
    hub: HubId,
    aging: Aging,
}

impl Local {
    pub(in crate::core) fn new(hub: HubId, aging: Aging) -> Self {
        Self { hub, aging }
    }

    pub(super) fn hub(&self) -> HubId {
        self.hub
    }

    pub(super) fn propose(&mut self, mut batch: Batch, ts: Timestamp) -> Batch {
        let age = if batch.is_lasting() { self.aging.age() } else { Age::default() };
        batch.order = Order { ts, age, numbered: None };
        batch
    }
}
