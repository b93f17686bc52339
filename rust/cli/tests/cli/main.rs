//! The built `orochi`, run as a user runs it. Each run is compared as a whole: exit code, stdout, stderr.

mod agents;
mod exec;
mod hub;
mod live;
mod requests;
mod stderr;
mod support;
mod usage;
