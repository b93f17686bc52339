//! The dashboard: its page and the routes that only the page needs.
//!
//! - [`page`]: the page and its files. [`assets`]: the files, carried in the binary.
//! - [`overview`]: everything the first page shows. [`stuck`]: which agents need a person.
//! - [`activity`]: messages over time, counted by [`digest`]. [`states`]: what each agent was in, and when.

pub(in crate::api) mod activity;
pub(in crate::api) mod assets;
pub mod digest;
pub(in crate::api) mod overview;
pub(in crate::api) mod page;
pub(in crate::api) mod states;
pub(in crate::api) mod stuck;
