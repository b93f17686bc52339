//! `orochi licences`: the texts that go with the crates in this program.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::failure::Failure;
use crate::output;

/// Made by build.rs.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/licences.gz"));

/// Prints them.
///
/// # Errors
/// Stdout takes no more.
pub fn run() -> Result<(), Failure> {
    let mut page = String::new();
    GzDecoder::new(PACKED).read_to_string(&mut page)?;
    output::all(&page)
}
