//! `orochi init`: what it writes into a coding agent's files, and takes out again.
//!
//! 1. [`clients`]: which files of which client, and what goes into them.
//! 2. [`edit`]: adding our entries to a file's text, and taking them out.
//! 3. [`change`]: files that change, all checked before the first is written.
//! 4. [`undo`]: what was written, so that it can be undone. [`programs`]: the clients' own commands.

pub mod change;
pub mod clients;
pub mod edit;
pub mod programs;
pub mod undo;

pub use change::Change;
pub use clients::{Client, Scope, Setup};
pub use edit::{Edit, FileEdit};
