//! An agent's side of Orochi without code: what runs beside a coding agent so that messages reach it.
//!
//! Read in this order:
//!
//! 1. [`message`]: a message for the agent. [`text`]: the words that put it before the agent.
//! 2. [`delivery`]: the rules of offering, seeing and waking; pure. [`budget`]: how often messages may wake.
//! 3. [`dirs`], [`files`], [`identity`]: where things are kept, and under which name a session speaks.
//! 4. [`ipc`]: what a hook and the resident say to each other.
//! 5. [`resident`]: the process that stays connected. [`hook`]: `orochi hook`. [`wake`]: how an idle client is woken.
//! 6. [`exec`]: a command for each message, for agents that are shell scripts.
//! 7. [`init`]: what `orochi init` writes into the clients' files, and takes out again.

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

/// Milliseconds on a clock that only goes forward; where it begins does not matter.
pub type Millis = u64;
