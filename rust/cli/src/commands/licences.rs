//! `orochi licences`: the texts that go with the crates in this program.

use std::io::{self, Read, Write};

use flate2::read::GzDecoder;

use crate::failure::Failure;

/// Made by build.rs.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/licences.gz"));

/// Prints them.
///
/// # Errors
/// Stdout takes no more.
pub fn run() -> Result<(), Failure> {
    let mut page = Vec::new();
    GzDecoder::new(PACKED).read_to_end(&mut page)?;
    let mut out = io::stdout().lock();
    out.write_all(&page)?;
    Ok(out.flush()?)
}
