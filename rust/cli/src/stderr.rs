//! Writes to stderr. Diagnostics are best effort: if stderr is closed, full or unread, lines are lost, but the work
//! neither ends nor waits.
//!
//! Commands write directly. The hub calls [`queued`] first. After that, lines wait in a bounded queue for a thread that
//! writes them, so no other thread of the hub waits for the reader of its log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::writing::write_all;

/// The most memory for waiting lines, some 5000 of a hub's. Further lines are dropped and counted.
const QUEUE_BYTES_MAX: usize = 1 << 20;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Writes a text, which must end with a line end, as far as stderr accepts it.
pub fn say(text: &str) {
    match QUEUE.get() {
        Some(queue) => queue.push(text.as_bytes()),
        // If stderr can't be written, only the exit code remains.
        None => _ = io::stderr().write_all(text.as_bytes()),
    }
}

/// Starts the thread that writes. A second call changes nothing.
///
/// # Errors
/// Fails if the system can't start a thread.
pub fn queued() -> io::Result<()> {
    if QUEUE.set(Queue::default()).is_ok() {
        thread::Builder::new().name("stderr".to_owned()).spawn(write_queue)?;
    }
    Ok(())
}

/// Waits until all earlier lines are written, at most for `max`.
pub fn flush(max: Duration) {
    if let Some(queue) = QUEUE.get() {
        let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty();
        _ = queue.written.wait_timeout_while(queue.lock(), max, is_busy);
    }
}

/// A writer for tracing that writes each event as a whole.
#[derive(Debug)]
pub struct Writer;

impl Write for Writer {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        match QUEUE.get() {
            Some(queue) => queue.push(event),
            None => _ = io::stderr().write_all(event),
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that were lost because the queue was full or the write failed, since the last report.
    lost: u64,
    is_writing: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.bytes + line.len() > QUEUE_BYTES_MAX {
            state.lost += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line.to_vec());
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for the next line.
    fn pop(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.is_writing = true;
                return line;
            }
            state.is_writing = false;
            self.written.notify_all();
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn write_queue() {
    let Some(queue) = QUEUE.get() else { return };
    // A descriptor of its own, so that the standard library's lock is free while stderr accepts nothing, and a panic
    // elsewhere can still be reported.
    let mut stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let mut is_torn = false;
    loop {
        let line = queue.pop();
        let done = match &mut stderr {
            Ok(stderr) => write_line(stderr, &line, &mut is_torn),
            Err(_) => io::stderr().write_all(&line),
        };
        let lost = {
            let mut state = queue.lock();
            state.lost += u64::from(done.is_err());
            // Report losses only after a successful write, when stderr accepts lines again.
            if done.is_ok() { std::mem::take(&mut state.lost) } else { 0 }
        };
        if lost > 0 {
            tracing::warn!(lost, "lines of this log were lost: stderr could not be written");
        }
    }
}

/// Writes a line. If the last one was written only in part, it ends that line first.
fn write_line(out: &mut impl Write, line: &[u8], is_torn: &mut bool) -> io::Result<()> {
    if *is_torn {
        write_all(out, b"\n").1?;
        *is_torn = false;
    }
    let (written, result) = write_all(out, line);
    *is_torn = written > 0 && result.is_err();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts a number of bytes, then fails until it has more room.
    struct Disk {
        kept: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let taken = text.len().min(self.room);
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.kept.extend_from_slice(&text[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn line_after_a_torn_one_starts_on_its_own() {
        let (mut disk, mut is_torn) = (Disk { kept: Vec::new(), room: 3 }, false);
        assert!(write_line(&mut disk, b"first\n", &mut is_torn).is_err() && is_torn);
        assert!(write_line(&mut disk, b"second\n", &mut is_torn).is_err() && is_torn);
        disk.room = 100;
        assert!(write_line(&mut disk, b"third\n", &mut is_torn).is_ok() && !is_torn);
        assert_eq!(disk.kept, b"fir\nthird\n");
    }

    #[test]
    fn queue_is_bounded_in_bytes_and_counts_what_it_loses() {
        let queue = Queue::default();
        (0..3).for_each(|_| queue.push(&vec![b'x'; QUEUE_BYTES_MAX / 2]));
        assert_eq!(queue.lock().lost, 1);
        assert_eq!(queue.pop().len(), QUEUE_BYTES_MAX / 2);
        queue.push(b"room again\n");
        let state = queue.lock();
        assert_eq!((state.lost, state.lines.len()), (1, 2));
    }
}
