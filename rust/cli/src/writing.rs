//! Writing all of a text to a descriptor that others use too.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// As [`Write::write_all`], also for a descriptor that its other users made non-blocking; tells how much was written.
pub fn write_all(out: &mut impl Write, text: &[u8]) -> (usize, io::Result<()>) {
    /// Before another try on a pipe that is full.
    const PAUSE: Duration = Duration::from_millis(20);
    let mut written = 0;
    while written < text.len() {
        match out.write(&text[written..]) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}
