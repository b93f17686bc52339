//! `orochi init`: adds entries to a coding agent's files, and removes them.
//!
//! 1. [`clients`]: the files of each client, and their entries.
//! 2. [`edit`]: adds our entries to a file's text, and removes them.
//! 3. [`change`]: changed files, all checked before the first one is written.
//! 4. [`undo`]: a record of the written files, for an undo. [`programs`]: the clients' own commands.

pub mod change;
pub mod clients;
pub mod edit;
pub mod programs;
pub mod undo;

pub use change::Change;
pub use clients::{Client, Scope, Setup};
pub use edit::{Edit, FileEdit};
