//! `gitea`: Gitea answers it, beside the connection's other requests (section 8).

use std::sync::Arc;

use orochi_protocol::Refusal;
use orochi_protocol::reply::{ErrorReply, GiteaResult};
use orochi_protocol::request::GiteaCall;

use super::{RequestLoop, ack};
use crate::core::stray_frame;
use crate::gitea::once::{Asked, RequestDigest};
use crate::gitea::{Action, Failure};

impl RequestLoop {
    /// Starts a call to Gitea. The connection continues and the answer follows later. With too many calls running, the
    /// connection is not read.
    pub(super) fn gitea(&self, id: &str, call: GiteaCall) -> Result<(), Refusal> {
        let GiteaCall { action: name, params } = call;
        let action = Action::parse(&name, &params)?;
        let request = RequestDigest::new(&name, params.get().as_bytes());
        let asked = Asked { asker: self.name.clone(), id: Some(id.to_owned()), request, action };
        // This succeeds, because the connection is only read while there is room.
        let room = self.link.room_for_call()?;
        let (calls, outbox, id) = (self.calls.clone(), Arc::clone(&self.link.outbox), id.to_owned());
        tokio::spawn(async move {
            let answer = calls.call(asked).await;
            // Dropped before the reply: the reply wakes the connection, which then finds the room.
            drop(room);
            match answer {
                Ok(result) => {
                    let answer = GiteaResult { action: &name, result: &result, r#ref: &id };
                    outbox.replies(vec![stray_frame("gitea_result", &answer), ack(&id)]);
                }
                Err(Failure { refusal, status, .. }) => {
                    let reply = ErrorReply { status, ..ErrorReply::new(&refusal, Some(&id)) };
                    outbox.reply(stray_frame("error", &reply));
                }
            }
        });
        Ok(())
    }
}
