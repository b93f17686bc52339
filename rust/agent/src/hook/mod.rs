//! `orochi hook`: run by a client at each moment of a session.
//!
//! It always exits with 0, prints at most one JSON object, and ends within 50 ms once its input is read. It queries the
//! session's resident; without one, a hub on this machine.

mod dialect;
mod direct;
mod input;

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::identity::Kind;
use crate::ipc::{self, Ask, Conversation};

pub use dialect::output;
pub use input::{Input, read};

/// Larger input is not a hook's.
const INPUT_MAX: u64 = 64 * 1024 * 1024;
/// A resident answers in a millisecond or two.
const RESIDENT_MAX: Duration = Duration::from_millis(35);
/// The hook ends after this time in any case.
const ALL_MAX: Duration = Duration::from_millis(45);

/// Runs the hook. The process must exit with 0 after it.
pub fn run(client: Option<&str>) {
    let mut bytes = Vec::new();
    if io::stdin().lock().take(INPUT_MAX).read_to_end(&mut bytes).is_err() {
        return;
    }
    let printing = watch();
    let Some(input) = read(&bytes, client.and_then(Kind::parse)) else { return };
    // A subagent's hooks are ignored: its parent reads the messages.
    if input.is_subagent {
        return;
    }
    let conversation = Conversation::with_own_resident(&ask(&input), RESIDENT_MAX);
    let (context, source) = match conversation {
        Some(mut conversation) => (conversation.answer.context.take(), Source::Resident(conversation)),
        // A slow resident knows which messages it has offered, and the hub does not. The next hook queries the resident
        // again.
        None if ipc::has_own_resident() => return,
        None => match direct::ask(&input) {
            Some(offer) => (offer.context.clone(), Source::Hub(offer)),
            None => return,
        },
    };
    // From here on the watch waits for the hook: half an object would be worse than a late one.
    let _printing = printing.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(object) = output(&input, context.as_deref()) else { return };
    if print(&object.to_string()).is_ok() && context.is_some() {
        match source {
            Source::Resident(conversation) => conversation.printed(),
            Source::Hub(offer) => offer.printed(),
        }
    }
}

enum Source {
    Resident(Conversation),
    Hub(direct::Offer),
}

/// Ends the process after [`ALL_MAX`], unless it is printing.
fn watch() -> Arc<Mutex<()>> {
    let printing = Arc::new(Mutex::new(()));
    let watched = Arc::clone(&printing);
    // If no thread can be started, the sockets' own deadlines apply.
    let _ = thread::Builder::new().name("watch".to_owned()).spawn(move || {
        thread::sleep(ALL_MAX);
        let _printing = watched.lock().unwrap_or_else(PoisonError::into_inner);
        std::process::exit(0);
    });
    printing
}

fn print(object: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(object.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

fn ask(input: &Input) -> Ask {
    let variable = |name| std::env::var(name).unwrap_or_default();
    Ask {
        event: ipc::word(input.kind).to_owned(),
        client: input.client.as_str().to_owned(),
        session: input.session.clone(),
        marks: input.marks.clone(),
        can_show: input.can_show(),
        model: input.model.clone(),
        prompt: input.prompt.chars().take(80).collect(),
        inbox_socket: variable("CLAUDE_CODE_MESSAGING_SOCKET"),
        inbox_token: variable("CLAUDE_CODE_MESSAGING_TOKEN").into(),
    }
}
