//! The resident's settings, from its command line and its environment.

use std::path::PathBuf;

use orochi_protocol::Secret;
use tokio::sync::mpsc;

use crate::budget::{Allowance, Quiet};
use crate::identity::Hub;
use crate::message::Message;
use crate::wake;

/// The settings of `orochi mcp`.
#[derive(Debug, Clone)]
pub struct Options {
    pub hub: Hub,
    /// The name from `--name` or `OROCHI_AGENT`.
    pub name: Option<String>,
    /// Channels to join, besides those stored with the name.
    pub channels: Vec<String>,
    /// The channel that pushes messages into the session (`claude/channel`), in place of posting them.
    pub channel: Option<mpsc::UnboundedSender<Message>>,
    /// True if mentions may start turns.
    pub may_wake: bool,
    /// True if other agents are shown the beginning of each prompt.
    pub share_task: bool,
    /// The wake budget.
    pub allowance: Allowance,
    /// The hours in which nothing wakes.
    pub quiet: Option<Quiet>,
    /// The client's process.
    pub client_pid: u32,
    /// The folder that the client works in.
    pub folder: PathBuf,
    /// The client's session, as its environment shows it.
    pub session: wake::Session,
    /// The client's id of its session, if the environment has it.
    pub session_id: Option<String>,
}

impl Options {
    /// True if there is a way to wake this session.
    pub fn can_wake(&self, session: &wake::Session) -> bool {
        self.channel.is_some() || session.can_be_woken()
    }

    /// Reads the settings from the environment, for a hub.
    ///
    /// # Errors
    /// Fails if a variable is invalid.
    pub fn from_environment(hub: Hub, quiet: Option<Quiet>) -> Result<Self, String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let allowance = variable("OROCHI_WAKE").map_or(Ok(Allowance::default()), |text| {
            Allowance::parse(&text).map_err(|reason| format!("OROCHI_WAKE: {reason}"))
        })?;
        let channels = variable("SCITEX_OROCHI_CHANNELS").or_else(|| variable("OROCHI_CHANNELS")).unwrap_or_default();
        let channels = channels.split(',').map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let folder = variable("CLAUDE_PROJECT_DIR").map(PathBuf::from);
        Ok(Self {
            hub,
            name: variable("SCITEX_OROCHI_AGENT").or_else(|| variable("OROCHI_AGENT")),
            channels: channels.collect(),
            channel: None,
            may_wake: true,
            share_task: false,
            allowance,
            quiet,
            client_pid: std::os::unix::process::parent_id(),
            folder: folder.or_else(|| std::env::current_dir().ok()).unwrap_or_else(|| PathBuf::from("/")),
            session: wake::Session {
                inbox_socket: variable("CLAUDE_CODE_MESSAGING_SOCKET").map(PathBuf::from),
                inbox_token: variable("CLAUDE_CODE_MESSAGING_TOKEN").map(Secret::from).unwrap_or_default(),
                codex_thread: None,
            },
            session_id: variable("CLAUDE_CODE_SESSION_ID"),
        })
    }
}
