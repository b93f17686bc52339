//! The checks at the end of `init`, made as a session would: the hub, the hook, the tools.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use orochi_agent::init::clients::Setup;

use crate::commands::doctor::{Found, hub_line};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output;

/// The longest wait for the list of tools.
const TOOLS_MAX: Duration = Duration::from_secs(5);

/// Runs the checks and prints their results. A failed check is not a failure of `init`.
pub(super) fn run(connection: &Connection, setup: &Setup) -> Result<(), Failure> {
    let Found { line, .. } = hub_line(connection);
    output::line(&line)?;
    output::line(&hook_line(setup))?;
    output::line(&tools_line(setup))
}

fn hook_line(setup: &Setup) -> String {
    let input = br#"{"hook_event_name":"Notification","notification_type":"idle_prompt","session_id":"orochi-check"}"#;
    let command = setup.hook_command();
    let ran = Command::new("sh")
        .args(["-c", &command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .and_then(|mut child| {
            child.stdin.take().map(|mut stdin| stdin.write_all(input)).transpose()?;
            child.wait()
        });
    match ran {
        Ok(status) if status.success() => format!("hook: answers ({command})"),
        Ok(status) => format!("hook: {command} ends with {status}; is the program still there?"),
        Err(error) => format!("hook: {command} can't be run: {error}"),
    }
}

/// Queries the resident for its tools, without a hub, so that it claims no name.
fn tools_line(setup: &Setup) -> String {
    let ask = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
        r#""clientInfo":{"name":"orochi-check","version":"1"}}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
        "\n"
    );
    let started = Command::new(&setup.program)
        .args(["mcp", "--name", "orochi-check"])
        .env("OROCHI_URL", "http://127.0.0.1:1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return format!("tools: {} can't be run: {error}", setup.program),
    };
    let (told, answer) = std::sync::mpsc::channel();
    let stdout = child.stdout.take();
    thread::spawn(move || {
        let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
        let mut stdout = stdout;
        while let Some(Ok(more @ 1..)) = stdout.as_mut().map(|stdout| stdout.read(&mut piece)) {
            seen.extend_from_slice(&piece[..more]);
            if String::from_utf8_lossy(&seen).contains("\"tools\":[") && seen.ends_with(b"\n") {
                break;
            }
        }
        // After the timeout, nobody receives this.
        let _ = told.send(String::from_utf8_lossy(&seen).matches("\"inputSchema\"").count());
    });
    let mut stdin = child.stdin.take();
    // If the program has ended, the missing answer is reported below.
    let _ = stdin.as_mut().map(|stdin| stdin.write_all(ask.as_bytes()));
    let count = answer.recv_timeout(TOOLS_MAX).unwrap_or(0);
    drop(stdin);
    // The program ends when its stdin closes. Kill it in case it hangs.
    let _ = child.kill();
    let _ = child.wait();
    if count == 0 {
        "tools: orochi mcp lists none; run it by hand to see why".to_owned()
    } else {
        format!("tools: {count} listed")
    }
}
