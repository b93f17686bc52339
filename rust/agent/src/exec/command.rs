//! One run of the command.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::job::{Job, Options};

/// Systems limit one variable to 128 KiB; the standard input has the whole text.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Runs the command for a message, and waits for its end.
///
/// # Errors
/// Fails with a phrase about its end, unless that was exit code 0.
pub(super) async fn run(options: &Options, job: &Job) -> Result<(), String> {
    let child = Command::new("sh")
        .args(["-c", &options.command])
        // The name from `--name` must also win in the command.
        .env_remove("SCITEX_OROCHI_AGENT")
        .env_remove("SCITEX_OROCHI_URL")
        .env("OROCHI_AGENT", &options.name)
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .env("OROCHI_SEQ", job.seq.to_string())
        .env("OROCHI_FROM", &job.sender)
        .env("OROCHI_CHANNEL", &job.channel)
        .env("OROCHI_INTENT", job.intent)
        .env("OROCHI_TEXT", text(&job.text))
        .stdin(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| format!("sh can't be run: {error}"))?;
    let line = format!("{}\n", job.json);
    let mut stdin = child.stdin.take();
    // Written beside the wait: a long message fills the pipe before the command reads it, and some commands never do.
    let writing = tokio::spawn(async move {
        if let Some(stdin) = &mut stdin {
            let _ = stdin.write_all(line.as_bytes()).await;
        }
    });
    let ended = child.wait().await;
    writing.abort();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(format!("its end can't be awaited: {error}")),
    }
}

/// Converts a message's text for a variable: without NUL, and not too long.
fn text(content: &str) -> String {
    let mut end = content.len().min(TEXT_BYTES_MAX);
    while !content.is_char_boundary(end) {
        end -= 1;
    }
    content[..end].replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exec_text_is_cut_between_characters_and_has_no_nul() {
        assert_eq!(text("a\0b"), "ab");
        let long = format!("x{}", "é".repeat(TEXT_BYTES_MAX));
        assert_eq!(text(&long).len(), TEXT_BYTES_MAX - 1);
    }
}
