//! How an idle client is woken. No adapter is trusted as proof: a wake has arrived when the next prompt names its
//! messages.

mod claude_inbox;
mod codex_queue;
mod outcome;

use std::path::PathBuf;

pub use outcome::Outcome;

/// What a wake needs to know of its session.
#[derive(Debug, Default, Clone)]
pub struct Session {
    /// Claude Code's inbox socket.
    pub inbox_socket: Option<PathBuf>,
    /// The token that its first frame carries.
    pub inbox_token: String,
    /// Codex's thread.
    pub codex_thread: Option<String>,
}

impl Session {
    /// Whether there is an adapter for this session.
    pub fn can_be_woken(&self) -> bool {
        self.inbox_socket.is_some() || self.codex_thread.is_some()
    }

    /// Posts a text; `sender` wrote the first message in it.
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
