//! The resident's connection to the hub: made at the start, and made again for ever.

use std::io::Write;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orochi_client::{Client, Error, Options, State};
use orochi_mcp::backend::Fault;
use orochi_protocol::request::{Register, Resume};
use orochi_protocol::{ErrorCode, Identity};
use tokio::time::sleep;

use super::state::{Say, Shared};
use crate::delivery::OPEN_MAX;
use crate::message::Delivered;

/// Pauses between attempts to connect: short at first, then longer.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);
/// The longest pause after a refusal, which a person has to resolve.
const REFUSED_LONGEST: Duration = Duration::from_secs(600);
/// The most text in the client's inbox while the delivery rules have no room.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Runs for as long as the process.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut wait = FIRST;
    let to_say = shared.to_say.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(to_say) = to_say {
        tokio::spawn(tell(Arc::clone(&shared), to_say));
    }
    loop {
        match Client::connect(options(&shared)).await {
            Ok(client) => {
                wait = FIRST;
                for channel in &shared.options.channels {
                    if let Err(error) = client.subscribe(channel).await {
                        tracing::warn!(%error, channel, "this channel can't be joined");
                    }
                }
                shared.connected(&client);
                receive(&shared, &client).await;
            }
            Err(error) => {
                tracing::debug!(%error, "not connected yet");
                let refusal = refusal(&shared, &error);
                if let Some(fault) = &refusal {
                    tell_once(&shared, &fault.detail);
                    shared.failed(refusal);
                    // The hub may be restarted with this token later; until then every attempt fails.
                    sleep(wait).await;
                    wait = (wait * 2).min(REFUSED_LONGEST);
                    continue;
                }
                shared.failed(None);
            }
        }
        sleep(wait.min(LONGEST)).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// Prints the hub's refusal on stderr, which clients log, unless it is the same as the last one.
fn tell_once(shared: &Shared, detail: &str) {
    let is_known = shared.look(|state| state.trouble.as_ref().is_some_and(|known| known.detail == detail));
    if !is_known {
        // If stderr is closed, there is no reader.
        let _ = writeln!(std::io::stderr(), "orochi: {detail}");
    }
}

/// The error of tools while the hub refuses this agent; None if the hub only can't be reached.
fn refusal(shared: &Shared, error: &Error) -> Option<Fault> {
    match error {
        Error::AuthFailed { .. } => {
            let url = &shared.options.hub.url;
            let detail = format!(
                "the Orochi hub at {url} refuses the token: set it in OROCHI_TOKEN or ~/.config/orochi/hub.toml, and start \
                 this session anew"
            );
            Some(Fault::refused(ErrorCode::AuthFailed, detail))
        }
        Error::Refused { code, detail, .. } => Some(Fault::new(code.as_str(), detail.clone())),
        Error::Invalid(refusal) => Some(Fault::from(refusal.clone())),
        Error::OldHub { .. } => Some(Fault::refused(ErrorCode::UnknownType, error.to_string())),
        Error::Unreachable { .. } | Error::ConnectionLost { .. } | Error::Closed => None,
    }
}

fn options(shared: &Shared) -> Options {
    let hub = &shared.options.hub;
    let mut options = Options::new(hub.agent_url(), shared.name.as_str());
    options.token = hub.token.clone();
    let project = crate::identity::naming::root(&shared.options.folder);
    options.register = Register {
        channels: None,
        identity: Identity {
            machine: hostname(),
            role: std::env::var("OROCHI_ROLE").unwrap_or_default().chars().take(256).collect(),
            project: project.file_name().unwrap_or_default().to_string_lossy().chars().take(256).collect(),
            ..Identity::default()
        },
        reach: Some(shared.look(|state| state.reach)),
        resume: Some(Resume::Stored),
        ..Register::default()
    };
    options.inbox_frames_max = OPEN_MAX;
    options.inbox_bytes_max = BYTES_MAX;
    options
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().chars().take(64).collect()
}

/// Receives messages while there is room; the rest stays in the log.
async fn receive(shared: &Arc<Shared>, client: &Client) {
    let mut states = client.states();
    loop {
        let has_room = shared.look(|state| state.machine.has_room());
        tokio::select! {
            frame = client.inbox().recv(), if has_room => {
                let Some(frame) = frame else { return };
                if let Some(delivered) = Delivered::from_frame(&frame.text, shared.name.as_str()) {
                    shared.deliver(delivered);
                }
            }
            () = shared.changed.notified() => {}
            Ok(()) = states.changed() => {
                if *states.borrow_and_update() == State::Connected {
                    shared.connected(client);
                }
            }
            () = sleep(shared.next_tick()) => shared.with(|_, _| ()),
        }
        if client.inbox().is_closed() && !has_room {
            return;
        }
    }
}

/// Reports the agent's state to the hub. While the hub is away, reports are dropped: a new connection reports the
/// present state.
async fn tell(shared: Arc<Shared>, mut to_say: tokio::sync::mpsc::UnboundedReceiver<Say>) {
    while let Some(say) = to_say.recv().await {
        // The next connection reports the present state.
        let Some(client) = shared.client() else { continue };
        let told = match say {
            Say::Status(update) => client.status(&update).await,
            Say::Reach(reach) => client.set_reach(reach).await,
            Say::Offered(seq) => client.offered(seq).await,
        };
        if let Err(error) = told {
            tracing::debug!(%error, "the hub was not told");
        }
    }
}
