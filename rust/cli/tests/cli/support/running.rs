//! A running process: its output line by line, and its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Far more than a start, an answer or a stop takes on a busy machine; a process that hangs still fails the test.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A child of the test, killed when dropped.
pub struct Running {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Receiver<String>,
}

impl Running {
    pub fn start(command: Command) -> Self {
        Self::start_with_stderr(command, Stdio::piped())
    }

    /// Starts a process with this stderr. Its lines can be read only if it is a pipe of the child's.
    pub fn start_with_stderr(mut command: Command, stderr: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the built binary starts");
        // The command would keep the pipe's writing end open.
        drop(command);
        let stderr = child.stderr.take().map_or_else(|| channel().1, lines);
        Self { stdout: child.stdout.take(), child, stderr }
    }

    /// The next line on stderr.
    pub fn stderr_line(&self) -> String {
        self.stderr.recv_timeout(DEADLINE).expect("a line on stderr in time")
    }

    /// The further lines on stdout.
    pub fn stdout_lines(&mut self) -> Lines {
        Lines(lines(self.stdout.take().expect("stdout was not taken yet")))
    }

    pub fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Closes the reading end of its stderr, at its next line.
    pub fn close_stderr(&mut self) {
        self.stderr = channel().1;
    }

    /// Sends a signal, for which the standard library has no function.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill is there");
        assert!(status.success());
    }

    /// Waits for the end. Returns the exit code and the remaining lines on stderr.
    pub fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut rest = Vec::new();
        // The channel closes when the process closes its stderr, at its end.
        loop {
            match self.stderr.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it does not end; it said {rest:#?}"),
            }
        }
        (self.child.wait().expect("it is our child").code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines as they arrive.
pub struct Lines(Receiver<String>);

impl Lines {
    pub fn next(&self) -> String {
        self.0.recv_timeout(DEADLINE).expect("a line on stdout in time")
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    lines
}
