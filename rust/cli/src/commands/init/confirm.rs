//! Asks the user before writing.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::Failure;
use crate::output;

/// The user's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Yes,
    No,
}

/// Asks the user, unless `--yes` was given.
pub(super) fn confirm(is_agreed: bool, question: &str) -> Result<Word, Failure> {
    if is_agreed {
        return Ok(Word::Yes);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "{question} There is no terminal to answer, so nothing was changed: use --yes"
        )));
    }
    output::all(&format!("{question} [y/N] "))?;
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(if matches!(line.trim(), "y" | "Y" | "yes") { Word::Yes } else { Word::No })
}
