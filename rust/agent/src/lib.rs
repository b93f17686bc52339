//! The agent's side of Orochi, without code: the programs beside a coding agent that bring messages to it.
//!
//! Read in this order:
//!
//! 1. [`message`]: a message for the agent. [`text`]: the text that shows messages to the agent.
//! 2. [`delivery`]: the rules of offering, seeing and waking; pure. [`budget`]: the limits on waking.
//! 3. [`dirs`], [`files`], [`identity`]: the places of files, and the name of a session.
//! 4. [`ipc`]: the exchange between a hook and the resident.
//! 5. [`resident`]: the process that stays connected. [`hook`]: `orochi hook`. [`wake`]: wakes an idle client.
//! 6. [`exec`]: a command for each message, for agents that are shell scripts.
//! 7. [`init`]: the entries of `orochi init` in the clients' files.

pub mod budget;
pub mod delivery;
pub mod dirs;
pub mod exec;
pub mod files;
pub mod hook;
pub mod http;
pub mod identity;
pub mod init;
pub mod ipc;
pub mod message;
pub mod resident;
pub mod text;
pub mod wake;

/// Milliseconds on a clock that only moves forward; its zero is arbitrary.
pub type Millis = u64;
