//! A stderr that can't be written: closed by its reader, on a full disk, or read by nobody. Work and exit codes stay
//! the same.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use tokio::net::unix::pipe::pipe;

use crate::support::{RealHub, Running, orochi, whole};

fn full() -> Stdio {
    Stdio::from(OpenOptions::new().write(true).open("/dev/full").expect("Linux has /dev/full"))
}

/// Sends messages, each of which the hub logs at this level, and stops the hub.
fn works_and_stops(hub: RealHub, messages: usize) {
    for n in 1..=messages {
        let run = whole(hub.orochi(&["send", "#general", &format!("message {n}"), "--json"]));
        assert!(run.starts_with("exit code: 0\n") && run.contains(&format!("\"seq\": {n},")), "{run}");
    }
    assert_eq!(hub.terminate().0, Some(0));
}

#[test]
fn stderr_whose_reader_is_gone_leaves_the_hub_working() {
    let mut hub = RealHub::start(&["--log=trace"]);
    hub.close_stderr();
    works_and_stops(hub, 3);
}

#[test]
fn stderr_on_a_full_disk_leaves_the_hub_working() {
    for format in ["--log-format=json", "--log-format=text"] {
        works_and_stops(RealHub::start_with_stderr(&["--log=trace", format], full()), 3);
    }
}

#[test]
fn stderr_that_nobody_reads_leaves_the_hub_working() {
    let (unread, mut stderr) = std::io::pipe().expect("a pipe");
    // Fill the pipe.
    stderr.write_all(&[b'x'; 64 * 1024]).expect("the pipe takes it");
    works_and_stops(RealHub::start_with_stderr(&["--log=trace"], stderr.into()), 3);
    drop(unread);
}

#[test]
fn stderr_that_takes_nothing_leaves_commands_their_exit_codes() {
    let hub = RealHub::start(&[]);
    let run = |args: &[&str]| {
        let mut command = hub.orochi(args);
        command.stdout(Stdio::piped()).stderr(full());
        let output = command.spawn().and_then(std::process::Child::wait_with_output).expect("the built binary starts");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(&["join", "#ci"]), (Some(0), "Joined #ci\n".to_owned()));
    assert_eq!(run(&["who", "--port=x"]).0, Some(2));
    assert_eq!(run(&["who", "--port=1"]).0, Some(1));
    assert_eq!(run(&["--no-such-flag"]).0, Some(2));
}

#[test]
fn listen_goes_on_with_a_stderr_that_takes_nothing() {
    let hub = RealHub::start(&[]);
    let mut listening = Running::start_with_stderr(hub.orochi(&["listen", "--name=bob"]), full());
    let lines = listening.stdout_lines();
    while !whole(hub.orochi(&["who"])).contains("bob") {}
    let sent = whole(hub.orochi(&["send", "#general", "hi"]));
    assert!(sent.starts_with("exit code: 0\n"), "{sent}");
    assert!(lines.next().contains("hi"));
    listening.signal("-INT");
    assert_eq!(listening.end().0, Some(0));
}

#[test]
fn listen_ends_by_ctrl_c_while_nobody_takes_its_lines() {
    let hub = RealHub::start(&[]);
    let listening = Running::start(hub.orochi(&["listen", "--name=bob"]));
    listening.stderr_line();
    // More than the pipe holds, and nobody reads it.
    let text = "x".repeat(100_000);
    let sent = whole(hub.orochi(&["send", "#general", &text, "--json"]));
    assert!(sent.starts_with("exit code: 0\n"), "{sent}");
    let receipts = || whole(hub.orochi(&["receipts", "1"]));
    while receipts().contains("pending") {}
    listening.signal("-INT");
    assert_eq!(listening.end().0, Some(0));
}

#[test]
fn stdout_on_a_full_disk_is_said_and_is_exit_code_1() {
    let hub = RealHub::start(&[]);
    let mut command: Command = hub.orochi(&["health"]);
    command.stdout(full()).stderr(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output).expect("the built binary starts");
    let told = "Error: cannot write to the standard output: No space left on device (os error 28)\n";
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), told));
    let mut command = orochi(&["--help"]);
    command.stdout(full()).stderr(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output).expect("the built binary starts");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), told));
}

#[test]
fn stdout_that_others_made_non_blocking_takes_everything() {
    let hub = RealHub::start(&[]);
    let text = "x".repeat(200_000);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(&file, &text).expect("a file of ours takes it");
    let path = file.path().to_str().expect("a plain path");
    assert!(whole(hub.orochi(&["send", "general", "--file", path])).starts_with("exit code: 0\n"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (sender, receiver) = runtime.block_on(async { pipe() }).expect("a pipe");
    // More than the pipe holds, so the command finds it full.
    let mut command = hub.orochi(&["history", "general"]);
    let stdout = runtime.block_on(async { sender.into_nonblocking_fd() }).expect("its descriptor");
    let mut child = command.stdout(Stdio::from(stdout)).spawn().expect("the built binary starts");
    drop(command);
    let mut printed = String::new();
    let mut reader = std::fs::File::from(receiver.into_blocking_fd().expect("its descriptor"));
    reader.read_to_string(&mut printed).expect("all output is UTF-8");
    assert_eq!(child.wait().expect("it is our child").code(), Some(0));
    assert!(printed.ends_with(&format!("{text}\n")), "{} bytes", printed.len());
}
