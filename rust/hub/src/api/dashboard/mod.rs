//! The dashboard: its document and the routes that only the dashboard needs.
//!
//! - [`document`]: the HTML document and its files. [`assets`]: the files, carried in the binary.
//! - [`overview`]: everything the first view shows. [`stuck`]: which agents need a person.
//! - [`activity`]: messages over time, counted by [`digest`]. [`states`]: the states of agents over time.

pub(in crate::api) mod activity;
pub(in crate::api) mod assets;
pub mod digest;
pub(in crate::api) mod document;
pub(in crate::api) mod overview;
pub(in crate::api) mod states;
pub(in crate::api) mod stuck;
