//! Wakes an idle client. No adapter is proof: a wake has arrived when the next prompt contains its marks.

mod claude_inbox;
mod codex_queue;
mod outcome;

use std::path::PathBuf;

use orochi_protocol::Secret;
pub use outcome::Outcome;

/// The facts about a session that a wake needs.
#[derive(Debug, Default, Clone)]
pub struct Session {
    /// Claude Code's inbox socket.
    pub inbox_socket: Option<PathBuf>,
    /// The token in the first frame to the inbox socket.
    pub inbox_token: Secret,
    /// Codex's thread.
    pub codex_thread: Option<String>,
}

impl Session {
    /// True if there is an adapter for this session.
    pub fn can_be_woken(&self) -> bool {
        self.inbox_socket.is_some() || self.codex_thread.is_some()
    }

    /// Posts a text; `sender` is the sender of its first message.
    pub async fn wake(&self, sender: &str, text: &str) -> Outcome {
        if let Some(socket) = &self.inbox_socket {
            claude_inbox::post(socket, &self.inbox_token, sender, text).await
        } else if let Some(thread) = &self.codex_thread {
            codex_queue::post(thread, text).await
        } else {
            Outcome::Unavailable
        }
    }
}
