//! `heartbeat`: before a register, an empty one is answered here (sections 5 and 9, Seen).

use orochi_protocol::Refusal;
use orochi_protocol::request::Heartbeat;

use super::{RequestLoop, ack};
use crate::core::{AgentAction, not_registered};

impl RequestLoop {
    pub(super) async fn heartbeat(&mut self, id: &str, heartbeat: Heartbeat) -> Result<(), Refusal> {
        if self.name.is_some() {
            return self.act(id, AgentAction::Heartbeat(heartbeat)).await;
        }
        if heartbeat != Heartbeat::default() {
            return Err(not_registered("heartbeat with seen, offered or reach"));
        }
        self.link.reply(vec![ack(id)]).await;
        Ok(())
    }
}
