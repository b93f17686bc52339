//! The server on this process's stdin and stdout, and its pushes to the client.

use std::pin::Pin;
use std::task::{Context, Poll};

use rmcp::model::{CustomNotification, ServerNotification};
use rmcp::service::{Peer, QuitReason, RunningService, ServerInitializeError};
use rmcp::transport::stdio_pipes;
use rmcp::{RoleServer, ServiceExt};
use serde_json::json;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

use crate::backend::{Backend, Message};
use crate::server::{Server, Stage};

/// A server that has answered its client's first request.
pub struct Stdio<B: Backend> {
    running: RunningService<RoleServer, Server<B>>,
    stage: watch::Sender<Stage>,
}

impl<B: Backend> Stdio<B> {
    /// Answers the client's first request; None if stdin ended before there was one.
    ///
    /// # Errors
    /// Fails if the client's first message is not MCP.
    pub async fn start(server: Server<B>) -> std::io::Result<Option<Self>> {
        let stage = server.stage.clone();
        let (stdin, stdout) = stdio_pipes();
        match server.serve((Watched { stdin, stage: stage.clone() }, stdout)).await {
            Ok(running) => Ok(Some(Self { running, stage })),
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(None),
            Err(error) => Err(std::io::Error::other(error)),
        }
    }

    /// The handle that pushes messages.
    pub fn push(&self) -> Push {
        Push { peer: self.running.peer().clone(), stage: self.stage.subscribe() }
    }

    /// Serves until stdin ends.
    ///
    /// # Errors
    /// Fails on a fault within the server.
    pub async fn ended(self) -> std::io::Result<()> {
        match self.running.waiting().await {
            Ok(QuitReason::JoinError(error)) | Err(error) => Err(std::io::Error::other(error)),
            Ok(_) => Ok(()),
        }
    }
}

/// Pushes messages to a client of [`crate::Extras::channel`].
#[derive(Clone)]
pub struct Push {
    peer: Peer<RoleServer>,
    stage: watch::Receiver<Stage>,
}

impl Push {
    /// Waits until the client accepts notifications; false if it ended before.
    pub async fn ready(&mut self) -> bool {
        let reached = self.stage.wait_for(|stage| *stage != Stage::Opening).await;
        reached.is_ok_and(|stage| *stage == Stage::Ready)
    }

    /// Pushes a message, as 0.1.0's push server does: all values of `meta` are texts.
    ///
    /// # Errors
    /// Fails if the client is gone.
    pub async fn message(&self, message: &Message) -> std::io::Result<()> {
        let content = crate::text::neutralise(&message.text);
        let meta = json!({
            "chat_id": message.channel, "user": message.sender, "ts": message.ts, "msg_id": message.seq.to_string(),
        });
        let params = json!({ "content": content, "meta": meta });
        let pushed = CustomNotification::new("notifications/claude/channel", Some(params));
        let sent = self.peer.send_notification(ServerNotification::CustomNotification(pushed)).await;
        sent.map_err(std::io::Error::other)
    }
}

/// Detects the end of stdin, which ends waiting calls.
struct Watched<R> {
    stdin: R,
    stage: watch::Sender<Stage>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stdin).poll_read(cx, buf);
        let is_over = match &read {
            Poll::Ready(Ok(())) => buf.filled().len() == before && buf.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if is_over {
            this.stage.send_replace(Stage::Ended);
        }
        read
    }
}
