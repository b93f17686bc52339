//! An observer's connection (section 6): it gets everything and may send nothing.

use std::sync::Arc;

use orochi_protocol::request::read_id;
use orochi_protocol::{CloseCode, ErrorCode, Refusal, Seq};
use tokio::sync::oneshot;

use super::link::Link;
use crate::core::{Command, shutting_down};
use crate::markdown::Rendering;

/// Serves an observer until it leaves or the hub stops. With `after`, it first gets everything after that seq.
pub(crate) async fn serve(mut link: Box<Link>, after: Option<Seq>, rendering: Rendering) {
    let core = link.core.clone();
    let _open = core.enter();
    link.rendering = rendering;
    if let Err(refusal) = observe(&mut link, after).await {
        link.refuse(&refusal, None).await;
        link.outbox.close(CloseCode::GoingAway);
    }
    while let Ok(text) = link.next_request().await {
        let detail = "an observer can't send: use the agent port or POST /api/messages";
        link.refuse(&Refusal::new(ErrorCode::Forbidden, detail), read_id(&text).as_deref()).await;
    }
    link.leave().await;
}

async fn observe(link: &mut Link, after: Option<Seq>) -> Result<(), Refusal> {
    let (answer, answered) = oneshot::channel();
    let outbox = Arc::clone(&link.outbox);
    link.core.send(Command::Observe { connection: link.id, after, outbox, answer }).await?;
    answered.await.map_err(|_| shutting_down())?
}
