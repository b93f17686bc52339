//! `message` with a `reply_to`: the log's readers find the message that it answers, before the core gets it (section 9,
//! Threads).

use orochi_protocol::Refusal;
use orochi_protocol::request::Draft;

use super::RequestLoop;
use crate::core::AgentAction;

impl RequestLoop {
    pub(super) async fn message(&mut self, id: &str, draft: Box<Draft>) -> Result<(), Refusal> {
        if let (Some(seq), Some(name)) = (draft.reply_to, &self.name) {
            self.link.core.check_reply_to(name, seq).await?;
        }
        self.act(id, AgentAction::Message(draft)).await
    }
}
