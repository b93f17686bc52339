//! `register`: the core accepts it, and the connection has its name from then on (sections 5 and 9).

use std::sync::Arc;

use orochi_protocol::request::Register;
use orochi_protocol::{AgentName, ErrorCode, Refusal};
use tokio::sync::oneshot;

use super::RequestLoop;
use crate::core::{Command, shutting_down};

impl RequestLoop {
    pub(super) async fn register(
        &mut self,
        id: &str,
        sender: Option<String>,
        register: Box<Register>,
    ) -> Result<(), Refusal> {
        let name = match (&self.name, sender) {
            (Some(name), _) => name.clone(),
            (None, Some(sender)) => AgentName::parse(&sender)?,
            (None, None) => {
                let detail = "register has no sender: the frame's \"sender\" is the agent's name";
                return Err(Refusal::new(ErrorCode::InvalidName, detail));
            }
        };
        self.link.core.check_free(&name)?;
        let (answer, answered) = oneshot::channel();
        let command = Command::Register {
            connection: self.link.id,
            id: id.to_owned(),
            name: name.clone(),
            register,
            outbox: Arc::clone(&self.link.outbox),
            answer,
        };
        self.has_asked = true;
        let core = self.link.core.clone();
        let accepted = self.link.while_open(async move {
            core.send(command).await?;
            answered.await.map_err(|_| shutting_down())
        });
        let Ok(accepted) = accepted.await else {
            self.is_over = true;
            return Ok(());
        };
        if accepted? {
            self.name = Some(name);
            self.link.is_registered = true;
        }
        Ok(())
    }
}
