//! Writes a whole text to a descriptor that others use too.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// Like [`Write::write_all`], but also works if another user of the descriptor made it non-blocking. Returns how much
/// was written.
pub fn write_all(out: &mut impl Write, text: &[u8]) -> (usize, io::Result<()>) {
    /// The wait before the next try on a full pipe.
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
