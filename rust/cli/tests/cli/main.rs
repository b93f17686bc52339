//! The built `orochi`, run as a user runs it; every run is compared whole: exit code, stdout, stderr.

mod hub;
mod live;
mod requests;
mod stderr;
mod support;
mod usage;
