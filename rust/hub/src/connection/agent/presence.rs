//! `presence`: the core lists the online agents; the answer is cut here to a page (sections 5 and 9, Presence in full).

use orochi_protocol::reply::PresenceAnswer;
use orochi_protocol::request::Presence;
use orochi_protocol::{AgentName, Refusal};

use super::RequestLoop;

impl RequestLoop {
    pub(super) async fn presence(&mut self, id: &str, presence: Presence) -> Result<(), Refusal> {
        let answer = self.link.core.presence(presence.detail).await?;
        let answer = answer.page(presence.after.as_ref().map(AgentName::as_str))?;
        let answer = PresenceAnswer { r#ref: Some(id.to_owned()), ..answer };
        self.answer("presence", &answer, id).await;
        Ok(())
    }
}
