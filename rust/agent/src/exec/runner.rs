//! Starts commands, repeats those that fail, and records the handled messages.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::command;
use super::job::{Job, Options};
use super::journal::Journal;
use super::queue::Queue;
use crate::files::{self, Lock};
use crate::{Millis, dirs};

/// Waits before the second, third and fourth run of a command that fails.
pub const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];
/// The pause between two checks of a spent budget, and between two attempts to put a message aside on a full disk.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Runs commands for messages.
#[derive(Debug)]
pub struct Runner {
    options: Arc<Options>,
    queue: Queue,
    journal: Journal,
    runs: JoinSet<Ended>,
    started: Instant,
    // Held as long as the listener runs.
    _lock: Lock,
}

/// A message that was handled.
#[derive(Debug)]
struct Ended {
    ticket: u64,
    key: String,
}

impl Runner {
    /// Creates a runner without messages.
    ///
    /// # Errors
    /// Fails with a sentence if its files can't be used, or if another listener runs commands for this name.
    pub fn new(options: Options) -> Result<Self, String> {
        let folder = options.folder.join("exec");
        let cannot = |path: &Path, error: io::Error| format!("cannot use {}: {error}", path.display());
        dirs::make_private(&folder).map_err(|error| cannot(&folder, error))?;
        let path = folder.join(format!("{}.lock", options.name));
        let lock = Lock::wait(&path).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => {
                format!(
                    "another 'orochi listen --exec' runs as {} on this machine: stop it, or use --name",
                    options.name
                )
            }
            _ => cannot(&path, error),
        })?;
        let path = folder.join(format!("{}.done", options.name));
        let journal = Journal::open(&path).map_err(|error| cannot(&path, error))?;
        let queue = Queue::new(options.budget);
        let (runs, started) = (JoinSet::new(), Instant::now());
        Ok(Self { options: Arc::new(options), queue, journal, runs, started, _lock: lock })
    }

    /// True if another message can be held; the rest stays in the hub's log.
    pub fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Adds a message. Messages come in the order of the log.
    pub fn deliver(&mut self, job: Job) {
        self.queue.deliver(job);
        self.start();
    }

    /// Notes the seq of a message that no command runs for.
    pub fn pass(&mut self, seq: u64) {
        self.queue.pass(seq);
    }

    /// Waits until a message was handled, or until a waiting request may run. Cancelling loses nothing.
    pub async fn changed(&mut self) {
        let is_held = self.queue.is_held();
        tokio::select! {
            Some(ended) = self.runs.join_next(), if !self.runs.is_empty() => self.end(ended),
            () = sleep(LOOK_AGAIN), if is_held => {}
            else => std::future::pending().await,
        }
        self.start();
    }

    /// The seq up to which everything is handled.
    pub fn cursor(&self) -> u64 {
        self.queue.cursor()
    }

    /// True if a request waits for budget.
    pub fn is_held(&self) -> bool {
        self.queue.is_held()
    }

    fn start(&mut self) {
        while let Some((ticket, job)) = self.queue.next(self.now()) {
            let key = job.key();
            if self.journal.contains(&key) {
                self.queue.finish(ticket);
                continue;
            }
            let options = Arc::clone(&self.options);
            self.runs.spawn(async move {
                carry(&options, &job).await;
                Ended { ticket, key }
            });
        }
    }

    fn end(&mut self, ended: Result<Ended, JoinError>) {
        let Ended { ticket, key } = match ended {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        // Stored before the hub gets the cursor: after a death in between, the command must not run again.
        if let Err(error) = self.journal.add(key) {
            let told = "a message whose command has run may be run again after a restart";
            (self.options.tell)(&format!("cannot write {}: {error}; {told}", self.journal.path().display()));
        }
        self.queue.finish(ticket);
    }

    fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Runs the command until it exits with 0. After the last run, the message is put aside.
async fn carry(options: &Options, job: &Job) {
    let what = format!("#{} by {}", job.seq, job.sender);
    let mut pauses = options.pauses.iter();
    let reason = loop {
        let Err(reason) = command::run(options, job).await else { return };
        let Some(pause) = pauses.next() else { break reason };
        (options.tell)(&format!("{what}: {reason}; the command runs again in {} s", pause.as_secs_f32()));
        sleep(*pause).await;
    };
    loop {
        match put_aside(options, job, &reason) {
            Ok(path) => {
                let runs = options.pauses.len() + 1;
                let path = path.display();
                (options.tell)(&format!(
                    "{what}: given up after {runs} runs ({reason}); the message is kept in {path}"
                ));
                return;
            }
            // The message must be stored before it counts as seen.
            Err(error) => {
                let seconds = LOOK_AGAIN.as_secs();
                (options.tell)(&format!("{what}: cannot be put aside ({error}); trying again in {seconds} s"));
                sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// Stores a message that no run could handle.
fn put_aside(options: &Options, job: &Job, reason: &str) -> io::Result<PathBuf> {
    let folder = options.folder.join("failed");
    dirs::make_private(&folder)?;
    let message: serde_json::Value = serde_json::from_str(&job.json).unwrap_or_default();
    let kept = json!({"agent": options.name, "command": options.command, "reason": reason, "message": message});
    let text = serde_json::to_string_pretty(&kept)? + "\n";
    // Other hubs and other agents count from 1 too.
    let plain = folder.join(format!("{}.json", job.seq));
    let path = match std::fs::read_to_string(&plain) {
        Ok(present) if present != text => folder.join(format!("{}-{}.json", job.seq, uuid::Uuid::now_v7())),
        _ => plain,
    };
    files::write(&path, text.as_bytes(), 0o600)?;
    Ok(path)
}
