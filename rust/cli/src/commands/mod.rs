//! The commands, one in each file, and their shared parts.

pub mod ask;
pub mod channels;
pub mod completions;
mod credentials;
pub mod doctor;
pub mod forget;
pub mod gitea;
pub mod health;
pub mod history;
pub mod hook;
pub mod inbox;
pub mod init;
pub mod join;
pub mod licences;
pub mod listen;
pub mod login;
pub mod manual;
pub mod mcp;
pub mod members;
pub mod receipts;
pub mod rows;
pub mod search;
pub mod send;
pub mod serve;
pub mod status;
pub mod statusline;
pub mod who;

use std::fmt;

use orochi_protocol::{AgentName, ChannelName, Refusal, Target};

use crate::connection::Connection;
use crate::failure::Failure;

/// The name under which a command acts.
#[derive(Debug)]
pub struct Identity {
    pub name: AgentName,
    /// The user chose the name; otherwise it is the machine's.
    pub chosen: bool,
}

impl Identity {
    /// Uses the given name, or else the machine's name converted to a valid one.
    ///
    /// # Errors
    /// Fails if the given name is invalid.
    pub fn new(connection: &Connection) -> Result<Self, Failure> {
        match &connection.name {
            Some(name) => Ok(Self { name: AgentName::parse(name).map_err(usage)?, chosen: true }),
            None => Ok(Self { name: machine_name(""), chosen: false }),
        }
    }

    /// Does the same as [`Identity::new`] for `listen`. Without a given name, it uses a name that no other command has.
    ///
    /// # Errors
    /// Fails if the given name is invalid.
    pub fn listener(connection: &Connection) -> Result<Self, Failure> {
        match connection.name {
            Some(_) => Self::new(connection),
            None => Ok(Self { name: machine_name(LISTENER), chosen: false }),
        }
    }
}

/// The ending that `listen` adds to the machine's name. A name does not receive its own messages, and commands on one
/// machine share a name.
const LISTENER: &str = "-listen";

/// Channels as arguments; `#general` if none is given.
#[derive(Debug)]
pub struct Channels(Vec<ChannelName>);

impl Channels {
    /// Parses the arguments.
    ///
    /// # Errors
    /// Fails if a name is invalid.
    pub fn parse<'a>(texts: impl Iterator<Item = &'a String>) -> Result<Self, Failure> {
        let named: Vec<ChannelName> = texts.map(|text| channel(text.trim())).collect::<Result<_, _>>()?;
        Ok(Self(if named.is_empty() { vec![ChannelName::general()] } else { named }))
    }

    /// The channels for a register.
    pub fn names(&self) -> Vec<ChannelName> {
        self.0.clone()
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ChannelName::as_str).collect::<Vec<_>>().join(", "))
    }
}

/// A machine's name as an agent's name. Characters that are not allowed become `-`.
fn machine_name(addition: &str) -> AgentName {
    agent_name(&gethostname::gethostname().to_string_lossy(), addition)
}

fn agent_name(host: &str, addition: &str) -> AgentName {
    use orochi_protocol::letters::{is_agent_char, is_first_char};
    use orochi_protocol::limits::NAME_CHARS_MAX;
    let fitting: String = host
        .chars()
        .map(|c| if is_agent_char(c) { c } else { '-' })
        .skip_while(|c| !is_first_char(*c))
        .take(NAME_CHARS_MAX - addition.len())
        .collect();
    AgentName::parse(&format!("{fitting}{addition}"))
        .or_else(|_| AgentName::parse(&format!("agent{addition}")))
        .expect("a plain word is a valid agent name")
}

/// Parses a channel or an agent from an argument.
///
/// # Errors
/// Fails if the name is invalid.
pub fn target(text: &str) -> Result<Target, Failure> {
    Target::parse(text).map_err(usage)
}

/// Parses a channel from an argument.
///
/// # Errors
/// Fails if the name is invalid.
pub fn channel(text: &str) -> Result<ChannelName, Failure> {
    ChannelName::parse(text).map_err(usage)
}

fn usage(refusal: Refusal) -> Failure {
    Failure::Usage(refusal.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_machine_has_an_agent_name() {
        for (host, name) in [
            ("gpu-1.lab", "gpu-1.lab"),
            ("Ana's Mac", "Ana-s-Mac"),
            ("-.x", "x"),
            ("", "agent"),
            ("all", "agent"),
            (&"x".repeat(80), &"x".repeat(64)),
        ] {
            assert_eq!(agent_name(host, "").as_str(), name, "{host:?}");
        }
        assert_eq!(agent_name("gpu-1", LISTENER).as_str(), "gpu-1-listen");
        assert_eq!(agent_name(&"x".repeat(80), LISTENER).as_str().len(), 64);
        assert_eq!(agent_name("", LISTENER).as_str(), "agent-listen");
    }
}
